// Reads CSV (RFC 4180) row by row from anywhere, in bounded memory, saying what is wrong with a row instead of giving up.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace xsell::connectors::csv {

struct Dialect {
    char delimiter = ',';
    bool latin1 = false;  // the bytes are ISO 8859-1, else UTF-8
};

struct Row {
    std::vector<std::string_view> fields;  // unquoted, UTF-8; valid until the next row is read
    std::string_view raw;                  // the row's bytes as they stand, at most 64 KB of them
    std::int64_t line = 0;                 // where it begins, counted from 1
    std::string error;                     // why it cannot be used; fields are empty then
    std::string_view json;                 // of JSON lines: the whole object, fit for jsonb
    bool repaired = false;                 // something in it was replaced by U+FFFD
};

// Reads up to `size` bytes at `offset`; 0 at the end of the file.
using Bytes = std::function<std::size_t(std::uint64_t offset, char *to, std::size_t size)>;

inline constexpr std::size_t row_limit = 1 << 20;  // a longer row is skipped

// A file as rows, whatever it is written in.
class RowReader {
  public:
    virtual ~RowReader() = default;
    // The next row that is not blank; false at the end.
    virtual bool next(Row &row) = 0;
    virtual std::uint64_t offset() const = 0;  // of the first byte after the last row
    virtual std::int64_t line() const = 0;     // where that byte stands
    // Goes on at a place that an earlier reader of the same bytes gave.
    virtual void seek(std::uint64_t offset, std::int64_t line) = 0;
};

class Reader : public RowReader {
  public:
    Reader(Bytes bytes, Dialect dialect) : bytes_(std::move(bytes)), dialect_(dialect) {}
    bool next(Row &row) override;
    std::uint64_t offset() const override { return base_ + position_; }
    std::int64_t line() const override { return line_; }
    void seek(std::uint64_t offset, std::int64_t line) override;

  private:
    enum class Outcome { complete, more, unclosed, junk };
    struct Field {
        std::size_t from = 0, to = 0;
        bool escaped = false;  // holds doubled quotes
    };
    struct Walk;
    bool fill();
    Outcome scan();
    Outcome scan_quoted(Field &field, std::size_t &at);
    void finish(Row &row);
    void skip_long(Row &row);
    void give_up_quote(Row &row, const char *why);
    std::string_view decoded(std::string_view text);
    void remember(Row &row, std::size_t from, std::size_t to);

    Bytes bytes_;
    Dialect dialect_;
    std::string buffer_;  // the window of the file that begins at base_
    std::uint64_t base_ = 0;
    std::size_t position_ = 0;  // in the buffer: start of the next row
    std::size_t end_ = 0;       // in the buffer: first byte after the row that scan() found
    bool exhausted_ = false;
    std::int64_t line_ = 1;
    int rewinds_ = 0;
    std::vector<Field> found_;
    std::deque<std::string> scratch_;  // decoded fields of the current row
    std::string raw_;
};

// The delimiter among , ; tab | that the header line holds most often outside quotes.
char detect_delimiter(std::string_view header_line);

// A field as RFC 4180 writes it.
std::string written(std::string_view field, char delimiter = ',');

}  // namespace xsell::connectors::csv
