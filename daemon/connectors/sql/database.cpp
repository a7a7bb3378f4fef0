#include "connectors/sql/database.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <cstdlib>

#include "sync/error.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::sql {
namespace {

using sync::Fault;
using sync::SyncError;

constexpr int look_up_ms = 200;  // how often a running statement is left for a look whether to stop

// SQLSTATE classes and codes -> what may be done about them; the first that fits. All else is the statement's own fault.
struct Cause {
    const char *prefix;
    Fault fault;
};
constexpr Cause causes[] = {
    {"08", Fault::transient},    {"57014", Fault::transient}, {"57P", Fault::transient},   {"53", Fault::transient},
    {"40001", Fault::transient}, {"40P01", Fault::transient}, {"55P03", Fault::transient}, {"58", Fault::transient},
    {"28", Fault::org},          {"3D000", Fault::org},       {"XX", Fault::transient},
};

// A refused connection has no SQLSTATE, only its words.
constexpr const char *refusals[] = {"authentication failed", "does not exist",       "no pg_hba.conf entry",
                                    "permission denied",     "no password supplied", "is not permitted to log in"};

std::string line(const char *text) { return std::string(sync::trim(text ? text : "")); }

// A mistake in the address: said without quoting it, for it may hold a password.
void require_address(const std::string &url) {
    char *message = nullptr;
    PQconninfoOption *options = PQconninfoParse(url.c_str(), &message);
    PQfreemem(message);
    if (!options) throw SyncError(Fault::org, "url: is no connection string such as postgresql://user@host/database");
    PQconninfoFree(options);
}

}  // namespace

struct Database::Session {
    PGconn *connection = nullptr;
    bool clean = true;  // no statement is under way
    ~Session() {
        if (!connection) return;
        if (!clean) {
            char error[256];
            if (PGcancel *cancel = PQgetCancel(connection)) {
                PQcancel(cancel, error, sizeof error);
                PQfreeCancel(cancel);
            }
        }
        PQfinish(connection);
    }
};

Result::Result(pg_result *result) : result_(result, &PQclear) {}

std::size_t Result::rows() const { return static_cast<std::size_t>(PQntuples(result_.get())); }

std::optional<std::string_view> Result::view(std::size_t row, std::size_t column) const {
    const int r = static_cast<int>(row), c = static_cast<int>(column);
    if (PQgetisnull(result_.get(), r, c)) return std::nullopt;
    return std::string_view(PQgetvalue(result_.get(), r, c), static_cast<std::size_t>(PQgetlength(result_.get(), r, c)));
}

Value Result::text(std::size_t row, std::size_t column) const {
    const auto found = view(row, column);
    return found ? Value(std::in_place, *found) : Value();
}

std::int64_t Result::number(std::size_t row, std::size_t column) const {
    const Value value = text(row, column);
    return value ? std::strtoll(value->c_str(), nullptr, 10) : 0;
}

Database::Database(std::string url, std::int64_t timeout, std::shared_ptr<sync::Host> host)
    : url_(std::move(url)), timeout_(timeout), host_(std::move(host)) {}

void Database::connect() {
    if (session_ && session_->clean && PQstatus(session_->connection) == CONNECTION_OK) return;
    require_address(url_);
    const char *const keys[] = {"fallback_application_name", "connect_timeout", "client_encoding", "dbname", nullptr};
    const char *const values[] = {"xselld sql", "15", "UTF8", url_.c_str(), nullptr};
    session_ = std::make_shared<Session>();
    session_->connection = PQconnectdbParams(keys, values, 1);
    if (PQstatus(session_->connection) == CONNECTION_OK) {
        PQsetNoticeProcessor(
            session_->connection, [](void *, const char *) {}, nullptr);
        return;
    }
    const std::string message = line(PQerrorMessage(session_->connection));
    session_.reset();
    for (const char *refusal : refusals) {
        if (message.find(refusal) != std::string::npos) throw SyncError(Fault::org, message);
    }
    throw SyncError(Fault::transient, "cannot connect to the source database: " + message);
}

void Database::fail(const Result &result) {
    const auto field = [&](int name) { return line(PQresultErrorField(result.result_.get(), name)); };
    const std::string state = field(PG_DIAG_SQLSTATE);
    if (state.empty() || PQstatus(session_->connection) != CONNECTION_OK)
        throw SyncError(Fault::transient,
                        "the connection to the source database was lost: " + line(PQerrorMessage(session_->connection)));
    std::string text = field(PG_DIAG_MESSAGE_PRIMARY);
    if (const std::string hint = field(PG_DIAG_MESSAGE_HINT); !hint.empty()) text += " (" + hint + ")";
    if (state == "42501") text += "; the role that xselld reads with needs SELECT on what the query names";
    for (const Cause &cause : causes) {
        if (state.starts_with(cause.prefix)) throw SyncError(cause.fault, text);
    }
    throw SyncError(Fault::object, text);
}

// The result of what was sent; while it is under way the daemon may be told to stop.
Result Database::wait() {
    PGconn *connection = session_->connection;
    session_->clean = false;
    while (PQisBusy(connection)) {
        pollfd socket{PQsocket(connection), POLLIN, 0};
        ::poll(&socket, 1, look_up_ms);
        if (host_) host_->pause(0);
        if (!PQconsumeInput(connection)) break;
    }
    Result last(PQgetResult(connection));
    for (PGresult *more = PQgetResult(connection); more; more = PQgetResult(connection)) {
        if (PQresultStatus(last.result_.get()) == PGRES_FATAL_ERROR)
            PQclear(more);  // the first error says what went wrong
        else
            last = Result(more);
    }
    session_->clean = true;
    const ExecStatusType status = PQresultStatus(last.result_.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail(last);
    return last;
}

void Database::command(const std::string &sql) {
    PQsendQuery(session_->connection, sql.c_str());
    wait();
}

// READ ONLY, so that no query in a configuration can write; rolled back, for there is nothing to keep.
template <class Work>
auto Database::in_transaction(Work work) {
    connect();
    command("BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = '" + std::to_string(timeout_) +
            "s'; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'");
    try {
        auto result = work();
        command("ROLLBACK");
        return result;
    } catch (const SyncError &error) {
        if (error.fault == Fault::stopped || PQstatus(session_->connection) != CONNECTION_OK)
            session_.reset();
        else
            command("ROLLBACK");
        throw;
    }
}

Result Database::query(const std::string &sql, const std::vector<Value> &parameters) {
    std::vector<const char *> values;
    for (const auto &value : parameters) values.push_back(value ? value->c_str() : nullptr);
    return in_transaction([&] {
        PQsendQueryParams(session_->connection, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                          nullptr, 0);
        return wait();
    });
}

std::vector<ResultColumn> Database::describe(const std::string &sql) {
    return in_transaction([&] {
        PQsendPrepare(session_->connection, "", sql.c_str(), 0, nullptr);
        wait();
        PQsendDescribePrepared(session_->connection, "");
        const Result result = wait();
        std::vector<ResultColumn> columns;
        for (int i = 0; i < PQnfields(result.result_.get()); ++i)
            columns.push_back({PQfname(result.result_.get(), i), PQftype(result.result_.get(), i)});
        return columns;
    });
}

std::string identifier(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + '"';
}

}  // namespace xsell::connectors::sql
