// Makes records out of CSV rows: typed columns, normal forms, the row as JSON.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "connectors/csv/cursor.hpp"
#include "connectors/csv/decimal.hpp"

namespace xsell::connectors::csv {

// The row as a JSON object: as it stands in JSON lines, else header -> text.
class RowJson {
  public:
    explicit RowJson(const std::vector<std::string> &header);
    std::string text(const Row &row) const;

  private:
    std::vector<std::string> keys_;  // quoted, with their colon
};

// A row that is a record.
class RecordMaker {
  public:
    RecordMaker(const File &file, const Context &context);
    // Nothing, and the reason, when the row cannot be stored.
    std::optional<sync::Record> make(const Row &row, std::string &reason) const;

  private:
    struct Step {
        std::size_t column, field;
    };
    void normalise(sync::Record &record) const;
    sync::Value attributes(const Row &row) const;
    std::size_t position(const char *column) const;
    const File &file_;
    const Context &context_;
    RowJson json_;
    std::size_t id_field_;
    std::vector<Step> steps_;
    std::vector<std::pair<std::string, std::size_t>> attribute_fields_;
    std::string file_time_;
};

// One line of an invoice, before it is known what it will be.
struct Line {
    std::string invoice, account, product, number, name, currency;
    std::optional<std::int64_t> date;  // microseconds; an invoice always has one
    std::optional<Decimal> quantity, unit_price, amount;
    std::string modified_at;
};

// Nothing, and the reason, when the line cannot be used.
std::optional<Line> read_line(const File &file, const Row &row, std::string &reason);

// The account of a deal, with its name and the deal's date; nothing when the deal has no account.
std::optional<Line> read_buyer(const File &file, const Row &row);

// Sets a column by name where the object has it.
void put(const sync::Object &object, sync::Record &record, std::string_view column, sync::Value value);

}  // namespace xsell::connectors::csv
