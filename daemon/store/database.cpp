#include "store/database.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <mutex>

#include "sync/error.hpp"

namespace xsell::store {
namespace {

std::string trimmed(const char *text) {
    std::string out = text ? text : "";
    while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
    return out;
}

struct Pointers {
    std::vector<const char *> values;
    explicit Pointers(const std::vector<Value> &parameters) {
        for (const auto &value : parameters) values.push_back(value ? value->c_str() : nullptr);
    }
    int count() const { return static_cast<int>(values.size()); }
    const char *const *data() const { return values.empty() ? nullptr : values.data(); }
};

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

}  // namespace

struct Database::Session {
    std::unique_ptr<PGconn, decltype(&PQfinish)> connection{nullptr, &PQfinish};
    std::map<std::string, std::string> prepared;  // statement text -> name
    std::mutex cancel_mutex;
    std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> canceller{nullptr, &PQfreeCancel};
};

std::int64_t Rows::number(std::size_t row, std::size_t column) const {
    const Value &value = rows.at(row).at(column);
    return value ? std::strtoll(value->c_str(), nullptr, 10) : 0;
}

Database::Database(std::string url, std::string name)
    : url_(std::move(url)), name_(std::move(name)), session_(std::make_unique<Session>()) {
    open();
}

Database::~Database() = default;

void Database::open() {
    // dbname takes a whole connection string, which overrides what precedes it. A network that is cut is noticed within a minute.
    const char *const keys[] = {"fallback_application_name",
                                "connect_timeout",
                                "client_encoding",
                                "keepalives_idle",
                                "keepalives_interval",
                                "keepalives_count",
                                "tcp_user_timeout",
                                "dbname",
                                nullptr};
    const char *const values[] = {name_.c_str(), "15", "UTF8", "30", "10", "3", "60000", url_.c_str(), nullptr};
    session_->prepared.clear();
    session_->connection.reset(PQconnectdbParams(keys, values, 1));
    if (PQstatus(session_->connection.get()) != CONNECTION_OK) lost("cannot connect to the database");
    PQsetNoticeReceiver(
        session_->connection.get(),
        [](void *self, const PGresult *result) {
            const auto &handler = static_cast<Database *>(self)->notice_;
            const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
            if (handler && text) handler(text);
        },
        this);
    ++generation_;
    const std::lock_guard guard(session_->cancel_mutex);
    session_->canceller.reset(PQgetCancel(session_->connection.get()));
}

bool Database::alive() const { return session_->connection && PQstatus(session_->connection.get()) == CONNECTION_OK; }

void Database::ensure() {
    if (alive()) return;
    if (in_transaction_) lost("the connection to the database was lost");
    open();
}

void Database::on_notice(std::function<void(const std::string &)> handler) { notice_ = std::move(handler); }

void Database::cancel() noexcept {
    char error[256];
    const std::lock_guard guard(session_->cancel_mutex);
    if (session_->canceller) PQcancel(session_->canceller.get(), error, sizeof error);
}

void Database::lost(const std::string &what) {
    const std::string detail = trimmed(PQerrorMessage(session_->connection.get()));
    throw sync::SyncError(sync::Fault::transient, what + (detail.empty() ? "" : ": " + detail));
}

void Database::fail(PGresult *result) {
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string state = code ? code : "";
    // No connection any more, or the server is going down or asks for the transaction to be repeated.
    if (PQstatus(session_->connection.get()) != CONNECTION_OK || state.starts_with("57P") || state.empty())
        lost("the connection to the database was lost");
    const auto field = [&](int name) { return trimmed(PQresultErrorField(result, name)); };
    std::string text = field(PG_DIAG_MESSAGE_PRIMARY);
    if (const std::string detail = field(PG_DIAG_MESSAGE_DETAIL); !detail.empty()) text += " (" + detail + ")";
    if (state == "40001" || state == "40P01" || state == "53300" || state == "55P03")
        throw sync::SyncError(sync::Fault::transient, text);
    throw SqlError(text, state, field(PG_DIAG_MESSAGE_HINT));
}

Rows Database::rows(PGresult *raw) {
    const Result result(raw, &PQclear);
    const ExecStatusType status = PQresultStatus(raw);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail(raw);
    Rows out;
    const int columns = PQnfields(raw), rows = PQntuples(raw);
    for (int c = 0; c < columns; ++c) out.columns.emplace_back(PQfname(raw, c));
    out.rows.reserve(static_cast<std::size_t>(rows));
    for (int r = 0; r < rows; ++r) {
        auto &row = out.rows.emplace_back();
        for (int c = 0; c < columns; ++c) {
            row.push_back(PQgetisnull(raw, r, c)
                              ? Value()
                              : Value(std::in_place, PQgetvalue(raw, r, c), static_cast<std::size_t>(PQgetlength(raw, r, c))));
        }
    }
    return out;
}

const std::string &Database::prepared(const std::string &sql) {
    ensure();
    PGconn *connection = session_->connection.get();
    auto &name = session_->prepared[sql];
    if (name.empty()) {
        const std::string fresh = "xselld_" + std::to_string(session_->prepared.size());
        const Result prepared(PQprepare(connection, fresh.c_str(), sql.c_str(), 0, nullptr), &PQclear);
        if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) {
            session_->prepared.erase(sql);
            fail(prepared.get());
        }
        name = fresh;
    }
    return name;
}

Rows Database::query(const std::string &sql, const std::vector<Value> &parameters) {
    const std::string &name = prepared(sql);
    const Pointers values(parameters);
    return rows(PQexecPrepared(session_->connection.get(), name.c_str(), values.count(), values.data(), nullptr, nullptr, 0));
}

Rows Database::query_binary(const std::string &sql, const std::vector<Parameter> &parameters) {
    const std::string &name = prepared(sql);
    std::vector<const char *> values;
    std::vector<int> lengths, formats;
    for (const auto &parameter : parameters) {
        values.push_back(parameter.value ? parameter.value->c_str() : nullptr);
        lengths.push_back(parameter.value ? static_cast<int>(parameter.value->size()) : 0);
        formats.push_back(parameter.binary ? 1 : 0);
    }
    return rows(PQexecPrepared(session_->connection.get(), name.c_str(), static_cast<int>(values.size()), values.data(),
                               lengths.data(), formats.data(), 0));
}

Rows Database::execute(const std::string &sql, const std::vector<Value> &parameters) {
    ensure();
    PGconn *connection = session_->connection.get();
    if (parameters.empty()) return rows(PQexec(connection, sql.c_str()));
    const Pointers values(parameters);
    return rows(PQexecParams(connection, sql.c_str(), values.count(), nullptr, values.data(), nullptr, nullptr, 0));
}

void Database::copy_begin(const std::string &sql) {
    const Result result(PQexec(session_->connection.get(), sql.c_str()), &PQclear);
    if (PQresultStatus(result.get()) != PGRES_COPY_IN) fail(result.get());
}

void Database::copy_data(std::string_view text) {
    constexpr std::size_t piece = 1 << 20;
    while (!text.empty()) {
        const std::string_view part = text.substr(0, piece);
        if (PQputCopyData(session_->connection.get(), part.data(), static_cast<int>(part.size())) != 1)
            lost("the connection to the database was lost");
        text.remove_prefix(part.size());
    }
}

void Database::copy_end() {
    PGconn *connection = session_->connection.get();
    if (PQputCopyEnd(connection, nullptr) != 1) lost("the connection to the database was lost");
    Result result(PQgetResult(connection), &PQclear);
    while (PGresult *more = PQgetResult(connection)) PQclear(more);
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) fail(result.get());
}

void Database::copy_cancel() noexcept {
    PGconn *connection = session_->connection.get();
    PQputCopyEnd(connection, "given up");
    while (PGresult *more = PQgetResult(connection)) PQclear(more);
}

std::vector<std::string> Database::notifications(double seconds) {
    ensure();
    PGconn *connection = session_->connection.get();
    std::vector<std::string> payloads;
    for (bool waited = false;; waited = true) {
        if (PQconsumeInput(connection) != 1) lost("the connection to the database was lost");
        while (PGnotify *notice = PQnotifies(connection)) {
            payloads.emplace_back(notice->extra);
            PQfreemem(notice);
        }
        if (!payloads.empty() || waited || seconds <= 0) return payloads;
        pollfd socket{PQsocket(connection), POLLIN, 0};
        poll(&socket, 1, static_cast<int>(std::ceil(std::min(seconds, 3600.0) * 1000)));
    }
}

Transaction::Transaction(Database &database) : database_(database) {
    database_.execute("BEGIN");
    database_.in_transaction_ = true;
}

Transaction::~Transaction() {
    if (!open_) return;
    database_.in_transaction_ = false;
    try {
        if (database_.alive()) database_.execute("ROLLBACK");
    } catch (const std::exception &) {
        // The connection is gone, and the transaction with it.
    }
}

void Transaction::commit() {
    database_.execute("COMMIT");
    database_.in_transaction_ = open_ = false;
}

std::string array(const std::vector<Value> &items) {
    std::string out = "{";
    for (const auto &item : items) {
        if (out.size() > 1) out += ',';
        if (!item) {
            out += "NULL";
            continue;
        }
        out += '"';
        for (const char c : *item) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    }
    return out + "}";
}

namespace {

void append_big_endian(std::string &out, std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

// One dimension, no NULLs, counted from 1.
std::string array_head(std::uint32_t element_type, std::size_t items) {
    std::string out;
    append_big_endian(out, items ? 1 : 0, 4);
    append_big_endian(out, 0, 4);
    append_big_endian(out, element_type, 4);
    if (!items) return out;
    append_big_endian(out, items, 4);
    append_big_endian(out, 1, 4);
    return out;
}

constexpr std::uint32_t text_type = 25, bigint_type = 20;  // of pg_type, the same in every database

}  // namespace

Parameter binary_array(const std::vector<std::string_view> &items) {
    std::string out = array_head(text_type, items.size());
    for (const auto &item : items) {
        append_big_endian(out, item.size(), 4);
        out += item;
    }
    return {std::move(out), true};
}

Parameter binary_array(const std::vector<std::int64_t> &items) {
    std::string out = array_head(bigint_type, items.size());
    for (const std::int64_t item : items) {
        append_big_endian(out, sizeof item, 4);
        append_big_endian(out, static_cast<std::uint64_t>(item), sizeof item);
    }
    return {std::move(out), true};
}

std::string quote_name(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
}

}  // namespace xsell::store
