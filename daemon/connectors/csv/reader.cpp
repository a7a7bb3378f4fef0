#include "connectors/csv/reader.hpp"

#include <algorithm>
#include <cstring>

#include "sync/error.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::csv {
namespace {

constexpr std::size_t chunk = 1 << 18;
// Each quote that is never closed costs a look at the rest of the file.
constexpr int rewind_limit = 100;

// Line ends in the text: \n, \r\n, or \r alone.
std::int64_t count_lines(std::string_view text) {
    std::int64_t lines = 0;
    for (std::size_t i = 0; i < text.size(); ++i)
        lines += text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'));
    return lines;
}

// First byte after the first line end at or after `from`; npos when there is none.
std::size_t after_line(std::string_view text, std::size_t from) {
    const std::size_t at = text.find_first_of("\r\n", from);
    if (at == std::string_view::npos) return at;
    return at + (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1);
}

}  // namespace

bool Reader::fill() {
    if (exhausted_) return false;
    if (position_ > 0) {
        buffer_.erase(0, position_);
        base_ += position_;
        position_ = 0;
    }
    const std::size_t old = buffer_.size();
    buffer_.resize(old + chunk);
    const std::size_t got = bytes_(base_ + old, buffer_.data() + old, chunk);
    buffer_.resize(old + got);
    if (got == 0) exhausted_ = true;
    return got > 0;
}

Reader::Outcome Reader::scan_quoted(Field &field, std::size_t &at) {
    const char *data = buffer_.data();
    const std::size_t size = buffer_.size();
    field.from = at + 1;
    for (std::size_t look = field.from;;) {
        const void *found = std::memchr(data + look, '"', size - look);
        end_ = size;
        if (!found) return exhausted_ ? Outcome::unclosed : Outcome::more;
        const std::size_t quote = static_cast<std::size_t>(static_cast<const char *>(found) - data);
        if (quote + 1 == size && !exhausted_) return Outcome::more;
        if (quote + 1 < size && data[quote + 1] == '"') {
            field.escaped = true;
            look = quote + 2;
            continue;
        }
        field.to = quote;
        at = quote + 1;
        end_ = at;
        const bool ends = at == size || data[at] == dialect_.delimiter || data[at] == '\n' || data[at] == '\r';
        return ends ? Outcome::complete : Outcome::junk;
    }
}

// Finds the fields of the row at position_.
Reader::Outcome Reader::scan() {
    const char *data = buffer_.data();
    const std::size_t size = buffer_.size();
    found_.clear();
    for (std::size_t at = position_;;) {
        Field field;
        if (at < size && data[at] == '"') {
            const Outcome outcome = scan_quoted(field, at);
            if (outcome != Outcome::complete) return outcome;
        } else {
            field.from = at;
            while (at < size && data[at] != dialect_.delimiter && data[at] != '\n' && data[at] != '\r') ++at;
            field.to = at;
        }
        if (at == size && !exhausted_) return Outcome::more;
        found_.push_back(field);
        if (at < size && data[at] == dialect_.delimiter) {
            ++at;
            continue;
        }
        if (at < size && data[at] == '\r') {
            if (at + 1 == size && !exhausted_) return Outcome::more;
            if (at + 1 < size && data[at + 1] == '\n') ++at;
        }
        end_ = std::min(at + 1, size);
        return Outcome::complete;
    }
}

std::string_view Reader::decoded(std::string_view text) {
    if (!dialect_.latin1 || std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
        return text;
    return scratch_.emplace_back(sync::latin1_to_utf8(text));
}

void Reader::remember(Row &row, std::size_t from, std::size_t to) {
    raw_.assign(buffer_, from, std::min(to - from, sync::payload_limit));
    while (!raw_.empty() && (raw_.back() == '\n' || raw_.back() == '\r')) raw_.pop_back();
    row.raw = raw_;
}

void Reader::finish(Row &row) {
    const std::string_view bytes = std::string_view(buffer_).substr(position_, end_ - position_);
    remember(row, position_, end_);
    if (bytes.size() > row_limit) {
        row.error = "the row is longer than 1 MB";
    } else if (bytes.find('\0') != std::string_view::npos) {
        row.error = "the row holds a NUL byte";
    } else if (!dialect_.latin1 && !sync::is_utf8(bytes)) {
        row.error = "the row is not UTF-8 (a file in ISO 8859-1 needs encoding = \"latin1\")";
    }
    scratch_.clear();
    for (const auto &field : found_) {
        if (!row.error.empty()) break;
        std::string_view text = std::string_view(buffer_).substr(field.from, field.to - field.from);
        if (field.escaped) {
            std::string &plain = scratch_.emplace_back();
            for (std::size_t i = 0; i < text.size(); ++i) {
                plain += text[i];
                if (text[i] == '"') ++i;
            }
            text = plain;
        }
        row.fields.push_back(decoded(text));
    }
    line_ += std::memchr(bytes.data(), '"', bytes.size()) ? count_lines(bytes) : 1;
    position_ = end_;
}

// A quote that opens and is not closed properly swallows what follows: only its first line is given up.
void Reader::give_up_quote(Row &row, const char *why) {
    rewinds_ += end_ - position_ > sync::payload_limit;
    if (rewinds_ > rewind_limit) {
        throw sync::SyncError(sync::Fault::object,
                              "line " + std::to_string(row.line) +
                                  ": more than 100 quotes are not closed; is the delimiter or the quoting another one?");
    }
    const std::size_t next = std::min(after_line(buffer_, position_), buffer_.size());
    remember(row, position_, next);
    row.error = why;
    position_ = next;
    ++line_;
}

// Walks through a row of any length without keeping it.
struct Reader::Walk {
    char delimiter;
    bool quoted = false, field_start = true, just_closed = false, after_carriage = false, junk = false;
    std::int64_t lines = 0;
    // True when the row ended before (`before`) or with this character.
    bool ends(char c, bool &before) {
        before = after_carriage && c != '\n' && !quoted;
        if (before) return true;
        lines += c == '\n' ? !after_carriage : c == '\r';
        after_carriage = c == '\r';
        if (c == '"') {
            const bool closes = quoted;
            quoted = !closes && (field_start || just_closed);
            just_closed = closes;
        } else {
            junk |= just_closed && c != delimiter && c != '\n' && c != '\r';
            just_closed = false;
        }
        field_start = c == delimiter;
        return (c == '\n' && !quoted) || junk;
    }
};

// A row beyond the limit: its bytes pass by without being kept.
void Reader::skip_long(Row &row) {
    remember(row, position_, buffer_.size());
    row.error = "the row is longer than 1 MB";
    std::uint64_t second_line = 0;
    Walk walk{dialect_.delimiter};
    bool ended = false;
    do {
        while (!ended && position_ < buffer_.size()) {
            bool before = false;
            const char c = buffer_[position_];
            ended = walk.ends(c, before);
            if (!before) ++position_;
            if (c == '\n' && second_line == 0) second_line = base_ + position_;
        }
    } while (!ended && fill());
    line_ += walk.lines;
    if (!walk.junk && !walk.quoted) return;
    row.error += ", and its quote is not closed";
    if (second_line == 0 || ++rewinds_ > rewind_limit) return;
    line_ = row.line + 1;
    buffer_.clear();
    base_ = second_line, position_ = 0, exhausted_ = false;
}

void Reader::seek(std::uint64_t offset, std::int64_t line) {
    buffer_.clear();
    base_ = offset, position_ = 0, exhausted_ = false, line_ = line;
}

bool Reader::next(Row &row) {
    for (;;) {
        row.fields.clear();
        row.error.clear();
        row.line = line_;
        if (position_ >= buffer_.size() && !fill()) return false;
        if (base_ + position_ == 0 && buffer_.starts_with("\xEF\xBB\xBF")) position_ = 3;
        Outcome outcome = scan();
        while (outcome == Outcome::more && buffer_.size() - position_ <= row_limit) {
            fill();
            outcome = scan();
        }
        if (outcome == Outcome::more) {
            skip_long(row);
            return true;
        }
        if (outcome == Outcome::unclosed) {
            give_up_quote(row, "a quote is not closed");
            return true;
        }
        if (outcome == Outcome::junk) {
            give_up_quote(row, "text follows a closing quote");
            return true;
        }
        finish(row);
        if (!row.raw.empty()) return true;
    }
}

char detect_delimiter(std::string_view header_line) {
    char best = ',';
    std::size_t most = 0;
    for (const char candidate : {',', ';', '\t', '|'}) {
        bool quoted = false;
        std::size_t count = 0;
        for (const char c : header_line) {
            if (c == '"') quoted = !quoted;
            count += c == candidate && !quoted;
        }
        if (count > most) best = candidate, most = count;
    }
    return best;
}

std::string written(std::string_view field, char delimiter) {
    const bool needed = field.empty() || field.find_first_of("\"\r\n") != std::string_view::npos ||
                        field.find(delimiter) != std::string_view::npos;
    if (!needed) return std::string(field);
    std::string out = "\"";
    for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

}  // namespace xsell::connectors::csv
