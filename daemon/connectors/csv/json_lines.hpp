// Reads JSON lines: each line an object, its members as the fields of a row. Members of members have dotted names.
#pragma once
#include <memory>
#include <unordered_map>

#include "connectors/csv/reader.hpp"

namespace xsell::connectors::csv {

// The dotted names that the objects of a text have, in the order in which they first appear. A last line without its end is left
// out.
std::vector<std::string> json_header(std::string_view text);

class JsonLines : public RowReader {
  public:
    JsonLines(Bytes bytes, const std::vector<std::string> &header);
    ~JsonLines() override;
    bool next(Row &row) override;
    std::uint64_t offset() const override { return base_ + position_; }
    std::int64_t line() const override { return line_; }
    void seek(std::uint64_t offset, std::int64_t line) override;

  private:
    struct Parsers;
    bool fill();
    bool take_line(Row &row);
    void parse(Row &row);

    Bytes bytes_;
    std::unordered_map<std::string, std::size_t> places_;
    std::string buffer_;  // the window of the file that begins at base_
    std::uint64_t base_ = 0;
    std::size_t position_ = 0;
    bool exhausted_ = false;
    std::int64_t line_ = 1;
    std::string text_, raw_, json_;
    std::vector<std::string> values_;
    std::unique_ptr<Parsers> parsers_;
};

}  // namespace xsell::connectors::csv
