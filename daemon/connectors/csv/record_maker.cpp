#include "connectors/csv/record_maker.hpp"

#include <algorithm>

#include "connectors/csv/mapping.hpp"
#include "connectors/normal.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::csv {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

std::string field_text(const File &file, const Row &row, const char *column) {
    const auto found = file.columns.find(column);
    return found == file.columns.end() ? "" : std::string(sync::trim(row.fields[found->second]));
}

// "1.234,50" -> "1234.50" where the comma is the decimal sign; nothing when the groups are wrong ("1.5" would be another number).
std::optional<std::string> decimal_point(std::string_view text) {
    std::string out;
    std::size_t group = 0;
    bool grouped = false, comma = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t space = text.substr(i).starts_with("\xC2\xA0")       ? 2
                                  : text.substr(i).starts_with("\xE2\x80\xAF") ? 3
                                                                               : text[i] == ' ';
        const bool separator = text[i] == '.' || text[i] == '\'' || space > 0;
        if (separator || text[i] == ',') {
            if (comma || (grouped ? group != 3 : separator && (group == 0 || group > 3))) return std::nullopt;
            comma = text[i] == ',', grouped = grouped || separator, group = 0;
            if (comma) out += '.';
            i += space > 1 ? space - 1 : 0;
        } else {
            group += text[i] >= '0' && text[i] <= '9';
            out += text[i];
        }
    }
    if (grouped && !comma && group != 3) return std::nullopt;
    return out;
}

// The field as the file writes its numbers, converted to the column's type.
sync::Value convert(const File &file, const sync::Column &column, std::string_view text, std::string &reason) {
    const bool numeric = column.type == sync::ColumnType::number || column.type == sync::ColumnType::integer;
    if (!numeric || file.decimal == '.') return sync::convert(column, text, reason, file.order);
    if (const auto plain = decimal_point(text)) return sync::convert(column, *plain, reason, file.order);
    reason = column.name + ": '" + sync::cut(text, 100) + "' is not a number with a decimal comma";
    return std::nullopt;
}

std::optional<Decimal> decimal_field(const File &file, const Row &row, const char *column, std::string &reason) {
    const sync::Value number = convert(file, {column, sync::ColumnType::number}, field_text(file, row, column), reason);
    if (!number) return std::nullopt;
    const auto decimal = Decimal::parse(*number);
    if (!decimal) reason = std::string(column) + ": '" + *number + "' has too many digits";
    return decimal;
}

std::string upper(std::string text) {
    for (char &c : text) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    }
    return text;
}

}  // namespace

void put(const sync::Object &object, sync::Record &record, std::string_view column, sync::Value value) {
    for (std::size_t i = 0; i < object.columns.size(); ++i) {
        if (object.columns[i].name != column) continue;
        record.values[i] = std::move(value);
        return;
    }
}

RowJson::RowJson(const std::vector<std::string> &header) {
    for (std::size_t i = 0; i < header.size(); ++i) {
        std::string key = i == 0 ? "{" : ",";
        sync::append_json_string(key, header[i]);
        keys_.push_back(key + ":");
    }
}

std::string RowJson::text(const Row &row) const {
    if (!row.json.empty()) return std::string(row.json);
    std::string out;
    out.reserve(row.raw.size() * 2 + keys_.size() * 16);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        out += keys_[i];
        sync::append_json_string(out, row.fields[i]);
    }
    return out + "}";
}

RecordMaker::RecordMaker(const File &file, const Context &context)
    : file_(file),
      context_(context),
      json_(file.header),
      id_field_(file.columns.at("crm_id")),
      file_time_(sync::from_micros(context.file_time)) {
    for (std::size_t i = 0; i < context.object.columns.size(); ++i) {
        const auto found = file.columns.find(context.object.columns[i].name);
        if (found != file.columns.end()) steps_.push_back({i, found->second});
    }
    for (const auto &attribute : context.attributes) {
        const auto found = std::find(file.header.begin(), file.header.end(), attribute);
        if (found != file.header.end())
            attribute_fields_.emplace_back(attribute, static_cast<std::size_t>(found - file.header.begin()));
    }
}

std::size_t RecordMaker::position(const char *column) const {
    const auto &columns = context_.object.columns;
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const sync::Column &c) { return c.name == column; });
    return found == columns.end() ? none : static_cast<std::size_t>(found - columns.begin());
}

std::optional<sync::Record> RecordMaker::make(const Row &row, std::string &reason) const {
    sync::Record record;
    record.crm_id = sync::trim(row.fields[id_field_]);
    if (record.crm_id.empty()) {
        reason = "crm_id: is empty";
        return std::nullopt;
    }
    record.values.resize(context_.object.columns.size());
    for (const Step &step : steps_) {
        const auto &column = context_.object.columns[step.column];
        record.values[step.column] = convert(file_, column, sync::trim(row.fields[step.field]), reason);
        if (!reason.empty()) return std::nullopt;
    }
    normalise(record);
    if (!attribute_fields_.empty()) put(context_.object, record, "attributes", attributes(row));
    record.raw = json_.text(row);
    record.repaired = row.repaired;
    return record;
}

void RecordMaker::normalise(sync::Record &record) const {
    const auto value = [&](const char *column) -> sync::Value * {
        const std::size_t at = position(column);
        return at == none ? nullptr : &record.values[at];
    };
    if (sync::Value *text = value("modified_at"); text && !*text) *text = file_time_;
    if (sync::Value *text = value("pipeline"); text && !*text) *text = "";
    if (sync::Value *text = value("currency"); text && *text) *text = upper(**text);
    for (const char *column : {"phone", "mobile"}) {
        if (sync::Value *text = value(column); text && *text) *text = phone(**text);
    }
    if (sync::Value *text = value("email"); text && *text) *text = email(**text);
    sync::Value *domain = value("domain");
    const sync::Value *website = value("website");
    if (domain && *domain) *domain = registrable_domain(**domain);
    if (domain && !*domain && website && *website) *domain = registrable_domain(**website);
    // A list of ids alone still needs something that people can read.
    sync::Value *name = value("name");
    const bool listed =
        context_.object.name == "account" || context_.object.name == "product" || context_.object.name == "crm_user";
    if (name && listed && !file_.columns.contains("name")) *name = record.crm_id;
}

sync::Value RecordMaker::attributes(const Row &row) const {
    std::string out = "{";
    for (const auto &[name, field] : attribute_fields_) {
        if (out.size() > 1) out += ',';
        sync::append_json_string(out, name);
        out += ':';
        sync::append_json_string(out, row.fields[field]);
    }
    return out + "}";
}

std::optional<Line> read_buyer(const File &file, const Row &row) {
    Line line;
    line.account = field_text(file, row, "account_id");
    line.name = field_text(file, row, account_name);
    for (const char *column : {"created_at", "closed_at"}) {
        if (!line.date) line.date = sync::to_micros(field_text(file, row, column), file.order);
    }
    return line.account.empty() ? std::nullopt : std::optional<Line>(std::move(line));
}

std::optional<Line> read_line(const File &file, const Row &row, std::string &reason) {
    Line line;
    line.invoice = field_text(file, row, "invoice");
    line.account = field_text(file, row, "account_id");
    line.product = field_text(file, row, "product_id");
    line.number = field_text(file, row, "line");
    line.name = field_text(file, row, "name");
    line.currency = upper(field_text(file, row, "currency"));
    if (line.invoice.empty()) reason = "invoice: is empty";
    if (line.product.empty()) reason = "product_id: is empty";
    const std::string date = field_text(file, row, "date");
    const sync::Value at = sync::convert({"date", sync::ColumnType::timestamp}, date, reason, file.order);
    if (reason.empty() && !at) reason = "date: is empty";
    line.quantity = decimal_field(file, row, "quantity", reason);
    line.unit_price = decimal_field(file, row, "unit_price", reason);
    line.amount = decimal_field(file, row, "amount", reason);
    line.modified_at =
        sync::convert({"modified_at", sync::ColumnType::timestamp}, field_text(file, row, "modified_at"), reason, file.order)
            .value_or("");
    if (!reason.empty()) return std::nullopt;
    line.date = *sync::to_micros(date, file.order);
    if (!line.amount && line.unit_price) line.amount = line.quantity ? line.unit_price->times(*line.quantity) : line.unit_price;
    return line;
}

}  // namespace xsell::connectors::csv
