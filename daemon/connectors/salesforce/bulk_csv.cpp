#include <algorithm>

#include "connectors/csv/reader.hpp"
#include "connectors/salesforce/bulk.hpp"
#include "sync/convert.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::salesforce {
namespace {

using sync::Fault;
using sync::SyncError;

enum class Form { text, number, integer, boolean };

struct FormOf {
    const char *type;  // as describe names it
    Form form;
};
constexpr FormOf forms[] = {{"int", Form::integer},     {"long", Form::integer},   {"double", Form::number},
                            {"currency", Form::number}, {"percent", Form::number}, {"boolean", Form::boolean}};

// A column, and what stands before its value in the JSON of every record: fields of parents ("Manager.Name") share an object.
struct Column {
    std::size_t position = 0;
    std::vector<std::string> path;
    Form form = Form::text;
    std::string before;
};

std::vector<std::string> steps_of(std::string_view name) {
    std::vector<std::string> steps;
    for (std::size_t from = 0; from <= name.size();) {
        const std::size_t to = std::min(name.find('.', from), name.size());
        steps.emplace_back(name.substr(from, to - from));
        from = to + 1;
    }
    return steps;
}

std::size_t shared_parents(const std::vector<std::string> &a, const std::vector<std::string> &b) {
    std::size_t shared = 0;
    while (shared + 1 < a.size() && shared + 1 < b.size() && a[shared] == b[shared]) ++shared;
    return shared;
}

class Plan {
  public:
    Plan(const csv::Row &header, const std::string &object, const std::optional<Description> &description) {
        for (std::size_t i = 0; i < header.fields.size(); ++i) {
            const std::string name(header.fields[i]);
            if (!is_field(name)) return;
            Column column{i, steps_of(name), Form::text, ""};
            const std::string type = description ? description->type(name) : "";
            for (const auto &known : forms) {
                if (type == known.type) column.form = known.form;
            }
            good_ |= name == "Id";
            columns_.push_back(std::move(column));
        }
        std::stable_sort(columns_.begin(), columns_.end(), [](const Column &a, const Column &b) { return a.path < b.path; });
        lay_out(object);
    }

    bool good() const { return good_; }
    std::size_t size() const { return columns_.size(); }

    std::string record(const csv::Row &row) const {
        std::string json;
        json.reserve(row.raw.size() * 2 + 256);
        for (const auto &column : columns_) {
            json += column.before;
            append(json, column.form, row.fields[column.position]);
        }
        return json += after_;
    }

  private:
    void lay_out(const std::string &object) {
        const std::vector<std::string> none;
        std::string begin = "{\"attributes\":{\"type\":\"" + object + "\"},";
        const Column *last = nullptr;
        for (auto &column : columns_) {
            const std::size_t shared = last ? shared_parents(last->path, column.path) : 0;
            column.before = last ? std::string(last->path.size() - 1 - shared, '}') + "," : begin;
            for (std::size_t i = shared; i < column.path.size(); ++i)
                column.before += "\"" + column.path[i] + (i + 1 < column.path.size() ? "\":{" : "\":");
            last = &column;
        }
        after_ = std::string(last ? last->path.size() : 1, '}');
    }

    // An empty cell is null. What is not of its type stays text: the field map says what is wrong with it.
    static void append(std::string &json, Form form, std::string_view cell) {
        std::optional<std::string> plain;
        if (form == Form::boolean) plain = sync::to_boolean(cell);
        if (form == Form::integer) plain = sync::to_integer(cell);
        if (form == Form::number && nlohmann::json::accept(cell)) plain = std::string(cell);
        if (cell.empty())
            json += "null";
        else if (plain)
            json += *plain;
        else
            sync::append_json_string(json, cell);
    }

    bool good_ = false;
    std::vector<Column> columns_;
    std::string after_;
};

}  // namespace

std::vector<std::string> read_csv(const std::string &csv, const std::string &object,
                                  const std::optional<Description> &description) {
    const auto bytes = [&csv](std::uint64_t offset, char *to, std::size_t size) {
        return offset < csv.size() ? csv.copy(to, size, static_cast<std::size_t>(offset)) : 0;
    };
    csv::Reader reader(bytes, {});
    csv::Row row;
    std::vector<std::string> records;
    if (!reader.next(row)) return records;
    const Plan plan(row, object, description);
    if (!plan.good()) throw SyncError(Fault::transient, object + ": the results are no CSV of the query");
    while (reader.next(row)) {
        if (!row.error.empty() || row.fields.size() != plan.size())
            throw SyncError(Fault::transient, object + ": line " + std::to_string(row.line) + " of the results is damaged" +
                                                  (row.error.empty() ? "" : ": " + row.error));
        records.push_back(plan.record(row));
    }
    return records;
}

}  // namespace xsell::connectors::salesforce
