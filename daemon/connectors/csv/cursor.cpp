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

constexpr std::size_t ids_remembered = 500'000;
constexpr std::int64_t look_up = 10'000;  // rows between two looks whether to stop

void let_stop(const Context &context, std::int64_t rows) {
    if (context.host && rows % look_up == 0) context.host->pause(0);
}

std::string width_error(const Row &row, const File &file) {
    return "has " + std::to_string(row.fields.size()) + " fields where the header has " + std::to_string(file.header.size());
}

// Rows one after the other; what a row becomes is the subclass's.
class RowCursor : public Cursor {
  public:
    RowCursor(const File &file, const Context &context, const Place &resume)
        : file_(file), context_(context), reader_(file.open()), resume_(resume) {}
    bool read(sync::Page &page, std::size_t limit) override {
        catch_up();
        for (std::size_t count = 0; count < limit; ++count) {
            if (!step(&page)) return false;
        }
        return true;
    }
    Place place() const override { return {reader_->offset(), reader_->line(), rows_}; }

  protected:
    virtual std::optional<sync::Record> make(const Row &row, std::string &crm_id, std::string &reason) = 0;
    virtual bool knows_enough() const { return false; }  // what comes before the place may be passed over
    virtual std::size_t id_field() const = 0;
    const File &file_;
    const Context &context_;

  private:
    void catch_up() {
        while (reader_->offset() < resume_.offset && !(knows_enough() && resume_.line > 0) && step(nullptr)) {
        }
        if (reader_->offset() < resume_.offset) {
            reader_->seek(resume_.offset, resume_.line);
            rows_ = resume_.rows;
        }
        resume_ = {};
    }
    bool step(sync::Page *page) {
        if (!reader_->next(row_)) return false;
        let_stop(context_, ++rows_);
        std::string reason = row_.error, crm_id;
        // An id that can be read keeps the record from being taken for one that vanished.
        if (reason.empty() && id_field() < row_.fields.size()) crm_id = sync::trim(row_.fields[id_field()]);
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

    std::unique_ptr<RowReader> reader_;
    Place resume_;
    std::int64_t rows_ = 0;
    Row row_;
};

class RecordCursor : public RowCursor {
  public:
    RecordCursor(const File &file, const Context &context, const Place &resume)
        : RowCursor(file, context, resume), maker_(file, context), id_field_(file.columns.at("crm_id")) {}

  protected:
    std::optional<sync::Record> make(const Row &row, std::string &crm_id, std::string &reason) override {
        auto record = maker_.make(row, reason);
        if (!record) return std::nullopt;
        const Key key(crm_id);
        const auto seen = seen_.find(key);
        if (seen == seen_.end()) {
            if (!knows_enough()) seen_.emplace(key, row.line);
            return record;
        }
        reason = "crm_id: '" + sync::cut(crm_id, 100) + "' stands in line " + std::to_string(seen->second) + " already";
        return std::nullopt;
    }

    bool knows_enough() const override { return seen_.size() >= ids_remembered; }
    std::size_t id_field() const override { return id_field_; }

  private:
    RecordMaker maker_;
    std::size_t id_field_;
    Lines seen_;  // the first of them: a repeated id further on replaces the earlier row instead of being rejected
};

class LineCursor : public RowCursor {
  public:
    LineCursor(const File &file, const Context &context, const Place &resume)
        : RowCursor(file, context, resume), json_(file.header), file_time_(sync::from_micros(context.file_time)) {}

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
    std::size_t id_field() const override { return static_cast<std::size_t>(-1); }  // ids are made, not read

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
        set("created_at", sync::from_micros(line.date.value_or(0)));
        set("modified_at", line.modified_at.empty() ? file_time_ : line.modified_at);
        record.raw = json_.text(row);
        record.repaired = row.repaired;
        return record;
    }

    RowJson json_;
    std::string file_time_;
    Lines seen_;
};

// What the lines of one invoice (or of one customer, or one product) come to.
struct Sum {
    std::string id, account, name, currency;
    std::optional<std::int64_t> first;
    std::int64_t lines = 0;
    Decimal amount, quantity;
    bool has_amount = true;
};

class SumCursor : public Cursor {
  public:
    SumCursor(const Source &source, const Context &context, const Place &resume)
        : source_(source), context_(context), next_(resume.offset) {}

    bool read(sync::Page &page, std::size_t limit) override {
        if (!added_) add_up();
        for (std::size_t count = 0; count < limit && next_ < sums_.size(); ++count)
            page.records.push_back(record(sums_[next_++]));
        return next_ < sums_.size();
    }
    Place place() const override { return {next_, 0, static_cast<std::int64_t>(next_)}; }

  private:
    void add_up() {
        const File &file = *source_.file;
        const auto reader = file.open();
        std::unordered_map<std::string, std::size_t> index;
        Row row;
        for (std::int64_t rows = 1; reader->next(row); ++rows) {
            let_stop(context_, rows);
            std::string reason = row.error;
            if (!reason.empty() || row.fields.size() != file.header.size())
                continue;  // the lines themselves are rejected elsewhere
            const auto line = source_.kind == Kind::buyers ? read_buyer(file, row) : read_line(file, row, reason);
            if (!line) continue;
            const std::string &id = id_of(*line);
            if (id.empty()) continue;
            const auto [at, fresh] = index.try_emplace(id, sums_.size());
            if (fresh)
                sums_.push_back(
                    {id, line->account, names_of_its_own() ? line->name : "", line->currency, line->date, 0, {}, {}, true});
            add(sums_[at->second], *line);
        }
        added_ = true;
    }

    const std::string &id_of(const Line &line) const {
        switch (source_.kind) {
            case Kind::invoices: return line.invoice;
            case Kind::articles: return line.product;
            default: return line.account;
        }
    }
    // The name of an invoice line is that of its product.
    bool names_of_its_own() const { return source_.kind == Kind::articles || source_.kind == Kind::buyers; }

    static void add(Sum &sum, const Line &line) {
        ++sum.lines;
        if (line.date) sum.first = std::min(sum.first.value_or(*line.date), *line.date);
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
        const std::string first = sum.first ? sync::from_micros(*sum.first) : "";
        set("name", sum.name.empty() ? sum.id : sum.name);
        if (sum.first) set("created_at", first);
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

std::unique_ptr<Cursor> open_cursor(const Source &source, const Context &context, const Place &place) {
    switch (source.kind) {
        case Kind::rows: return std::make_unique<RecordCursor>(*source.file, context, place);
        case Kind::line_items: return std::make_unique<LineCursor>(*source.file, context, place);
        default: return std::make_unique<SumCursor>(source, context, place);
    }
}

}  // namespace xsell::connectors::csv
