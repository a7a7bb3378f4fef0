#include "http/gzip.hpp"

#include <zlib.h>

#include <new>

namespace xsell::http {

struct Inflater::Stream {
    z_stream zlib{};
    char buffer[32 * 1024];
    Stream() {
        constexpr int gzip_or_zlib = 15 + 32;
        if (inflateInit2(&zlib, gzip_or_zlib) != Z_OK) throw std::bad_alloc();
    }
    ~Stream() { inflateEnd(&zlib); }
};

Inflater::Inflater() = default;
Inflater::~Inflater() = default;

void Inflater::begin() {
    ended_ = true;
    if (stream_) inflateReset(&stream_->zlib);
}

Inflater::Result Inflater::add(std::string_view piece, std::string &out, std::size_t limit) {
    if (!stream_) stream_ = std::make_unique<Stream>();
    z_stream &zlib = stream_->zlib;
    zlib.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(piece.data()));
    zlib.avail_in = static_cast<uInt>(piece.size());
    do {
        // After the end of one compressed text another one may follow.
        if (ended_ && zlib.avail_in > 0 && inflateReset(&zlib) != Z_OK) return Result::damaged;
        zlib.next_out = reinterpret_cast<Bytef *>(stream_->buffer);
        zlib.avail_out = sizeof stream_->buffer;
        const int code = inflate(&zlib, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return Result::damaged;
        ended_ = code == Z_STREAM_END;
        const std::size_t size = sizeof stream_->buffer - zlib.avail_out;
        if (size > limit - out.size()) return Result::too_large;
        out.append(stream_->buffer, size);
    } while (zlib.avail_in > 0 || zlib.avail_out == 0);
    return Result::good;
}

}  // namespace xsell::http
