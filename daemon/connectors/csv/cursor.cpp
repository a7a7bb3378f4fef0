#include "connectors/csv/cursor.hpp"

#include <unordered_map>

#include "connectors/csv/record_maker.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::csv {
namespace {

// 128 bits of an id: enough that two ids never meet, and small enough to remember every id of a file.
struct Key {
    std::uint64_t a, b;
    explicit Key(std::string_view text) : a(std::hash<std::string_view>{}(text)), b(14695981039346656037ULL) {
        for (const char c : text) b = (b ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    bool operator==(const Key &) const = default;
};
struct KeyHash {
    std::size_t operator()(const Key &key) const { return key.a ^ key.b; }
};
using Lines = std::unordered_map<Key, std::int64_t, KeyHash>;

std::string width_error(const Row &row, const File &file) {
    return "has " + std::to_string(row.fields.size()) + " fields where the header has " + std::to_string(file.header.size());
}

// Rows one after the other; what a row becomes is the subclass's.
class RowCursor : public Cursor {
  public:
    RowCursor(const File &file, std::uint64_t offset) : file_(file), reader_(file.open()), resume_(offset) {
        Row header;
        reader_->next(header);
    }
    bool read(sync::Page &page, std::size_t limit) override {
        catch_up();
        for (std::size_t count = 0; count < limit; ++count) {
            if (!step(&page)) return false;
        }
        return true;
    }
    std::uint64_t offset() const override { return reader_->offset(); }
    std::int64_t rows() const override { return rows_; }

  protected:
    virtual std::optional<sync::Record> make(const Row &row, std::string &crm_id, std::string &reason) = 0;
    const File &file_;

  private:
    void catch_up() {
        while (reader_->offset() < resume_ && step(nullptr)) {
        }
        resume_ = 0;
    }
    bool step(sync::Page *page) {
        if (!reader_->next(row_)) return false;
        ++rows_;
        std::string reason = row_.error, crm_id;
        if (reason.empty() && row_.fields.size() != file_.header.size()) reason = width_error(row_, file_);
        std::optional<sync::Record> record;
        if (reason.empty()) record = make(row_, crm_id, reason);
        if (!page) return true;
        if (record)
            page->records.push_back(std::move(*record));
        else
            page->rejects.push_back({crm_id, file_.name + ":" + std::to_string(row_.line), reason, sync::payload(row_.raw)});
        return true;
    }

    std::unique_ptr<Reader> reader_;
    std::uint64_t resume_;
    std::int64_t rows_ = 0;
    Row row_;
};

class RecordCursor : public RowCursor {
  public:
    RecordCursor(const File &file, const Context &context, std::uint64_t offset)
        : RowCursor(file, offset), maker_(file, context) {}

  protected:
    std::optional<sync::Record> make(const Row &row, std::string &crm_id, std::string &reason) override {
        auto record = maker_.make(row, reason);
        crm_id = sync::trim(row.fields[file_.columns.at("crm_id")]);
        if (!record) return std::nullopt;
        const auto [seen, fresh] = seen_.try_emplace(Key(crm_id), row.line);
        if (fresh) return record;
        reason = "crm_id: '" + sync::cut(crm_id, 100) + "' stands in line " + std::to_string(seen->second) + " already";
        return std::nullopt;
    }

  private:
    RecordMaker maker_;
    Lines seen_;
};

class LineCursor : public RowCursor {
  public:
    LineCursor(const File &file, const Context &context, std::uint64_t offset)
        : RowCursor(file, offset), context_(context), json_(file.header), file_time_(sync::from_micros(context.file_time)) {}

  protected:
    std::optional<sync::Record> make(const Row &row, std::string &crm_id, std::string &reason) override {
        const auto line = read_line(file_, row, reason);
        if (!line) return std::nullopt;
        // The n-th line of a product on an invoice keeps its id when other lines come and go.
        crm_id = line->invoice + ":" + (line->number.empty() ? line->product : line->number);
        const std::int64_t times = ++seen_[Key(crm_id)];
        if (times > 1 && !line->number.empty()) {
            reason = "crm_id: '" + sync::cut(crm_id, 100) + "' stands in an earlier line already";
            return std::nullopt;
        }
        if (times > 1) crm_id += ":" + std::to_string(times);
        return record(*line, row, crm_id);
    }

  private:
    sync::Record record(const Line &line, const Row &row, const std::string &crm_id) const {
        sync::Record record;
        record.crm_id = crm_id;
        record.values.resize(context_.object.columns.size());
        const auto set = [&](std::string_view column, sync::Value value) {
            put(context_.object, record, column, std::move(value));
        };
        const auto number = [](const std::optional<Decimal> &value) {
            return value ? sync::Value(value->text()) : sync::Value();
        };
        set("opportunity_id", line.invoice);
        set("product_id", line.product);
        if (!line.name.empty()) set("name", line.name);
        if (!line.currency.empty()) set("currency", line.currency);
        set("quantity", number(line.quantity));
        set("unit_price", number(line.unit_price));
        set("amount", number(line.amount));
        set("created_at", sync::from_micros(line.date));
        set("modified_at", line.modified_at.empty() ? file_time_ : line.modified_at);
        record.raw = json_.text(row);
        return record;
    }

    const Context &context_;
    RowJson json_;
    std::string file_time_;
    Lines seen_;
};

// What the lines of one invoice (or of one customer, or one product) come to.
struct Sum {
    std::string id, account, name, currency;
    std::int64_t first = 0, lines = 0;
    Decimal amount, quantity;
    bool has_amount = true;
};

class SumCursor : public Cursor {
  public:
    SumCursor(const Source &source, const Context &context, std::uint64_t offset)
        : source_(source), context_(context), next_(offset) {}

    bool read(sync::Page &page, std::size_t limit) override {
        if (!added_) add_up();
        for (std::size_t count = 0; count < limit && next_ < sums_.size(); ++count)
            page.records.push_back(record(sums_[next_++]));
        return next_ < sums_.size();
    }
    std::uint64_t offset() const override { return next_; }
    std::int64_t rows() const override { return static_cast<std::int64_t>(next_); }

  private:
    void add_up() {
        const File &file = *source_.file;
        const auto reader = file.open();
        std::unordered_map<std::string, std::size_t> index;
        Row row;
        reader->next(row);  // the header
        while (reader->next(row)) {
            std::string reason = row.error;
            if (!reason.empty() || row.fields.size() != file.header.size())
                continue;  // the lines themselves are rejected elsewhere
            const auto line = read_line(file, row, reason);
            if (!line) continue;
            const std::string &id = source_.kind == Kind::invoices    ? line->invoice
                                    : source_.kind == Kind::customers ? line->account
                                                                      : line->product;
            if (id.empty()) continue;
            const auto [at, fresh] = index.try_emplace(id, sums_.size());
            if (fresh)
                sums_.push_back({id,
                                 line->account,
                                 source_.kind == Kind::articles ? line->name : "",
                                 line->currency,
                                 line->date,
                                 0,
                                 {},
                                 {},
                                 true});
            add(sums_[at->second], *line);
        }
        added_ = true;
    }

    static void add(Sum &sum, const Line &line) {
        ++sum.lines;
        sum.first = std::min(sum.first, line.date);
        const auto amount = line.amount ? sum.amount.plus(*line.amount) : std::nullopt;
        if (amount)
            sum.amount = *amount;
        else
            sum.has_amount = false;
        if (const auto quantity = sum.quantity.plus(line.quantity.value_or(Decimal{1, 0}))) sum.quantity = *quantity;
    }

    sync::Record record(const Sum &sum) const {
        sync::Record record;
        record.crm_id = sum.id;
        record.values.resize(context_.object.columns.size());
        const auto set = [&](std::string_view column, sync::Value value) {
            put(context_.object, record, column, std::move(value));
        };
        const std::string first = sync::from_micros(sum.first);
        set("name", sum.name.empty() ? sum.id : sum.name);
        set("created_at", first);
        set("modified_at", sync::from_micros(context_.file_time));
        record.raw = "{\"id\":";
        sync::append_json_string(record.raw, sum.id);
        if (source_.kind == Kind::articles) set("code", sum.id);
        if (source_.kind == Kind::invoices) {
            const bool returned = sum.quantity.units < 0 || (sum.has_amount && sum.amount.units < 0);
            if (!sum.account.empty()) set("account_id", sum.account);
            set("pipeline", "");
            set("stage", returned ? "Returned" : "Won");
            if (sum.has_amount) set("amount", sum.amount.text());
            if (!sum.currency.empty()) set("currency", sum.currency);
            set("is_closed", "true");
            set("is_won", returned ? "false" : "true");
            set("closed_at", first);
            record.raw += ",\"lines\":" + std::to_string(sum.lines) + ",\"date\":\"" + first +
                          "\",\"amount\":" + (sum.has_amount ? sum.amount.text() : "null");
            record.raw += ",\"account\":";
            sync::append_json_string(record.raw, sum.account);
            record.raw += ",\"currency\":";
            sync::append_json_string(record.raw, sum.currency);
            record.raw += returned ? ",\"returned\":true" : "";
        } else {
            record.raw += ",\"first\":\"" + first + "\",\"name\":";
            sync::append_json_string(record.raw, sum.name);
        }
        record.raw += "}";
        return record;
    }

    Source source_;
    const Context &context_;
    std::size_t next_;
    bool added_ = false;
    std::vector<Sum> sums_;
};

}  // namespace

std::unique_ptr<Cursor> open_cursor(const Source &source, const Context &context, std::uint64_t offset) {
    switch (source.kind) {
        case Kind::rows: return std::make_unique<RecordCursor>(*source.file, context, offset);
        case Kind::line_items: return std::make_unique<LineCursor>(*source.file, context, offset);
        default: return std::make_unique<SumCursor>(source, context, offset);
    }
}

}  // namespace xsell::connectors::csv
