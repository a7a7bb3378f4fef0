// Unpacking of compressed bodies, piece by piece. libcurl's own does not notice when the compressed text ends too early.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace xsell::http {

class Inflater {
  public:
    enum class Result { good, damaged, too_large };

    Inflater();
    ~Inflater();
    void begin();  // anew, for another body
    // Appends what a piece unpacks to; stops where `out` would become longer than `limit`.
    Result add(std::string_view piece, std::string &out, std::size_t limit);
    // Whether the text has come to its end, checksum included; true before the first byte.
    bool whole() const { return ended_; }

  private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
    bool ended_ = true;
};

}  // namespace xsell::http
