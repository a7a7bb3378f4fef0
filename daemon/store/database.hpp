// A PostgreSQL connection: statements with parameters, COPY, transactions. The only code that sees libpq.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace xsell::store {

using Value = std::optional<std::string>;  // nullopt is NULL

// What the server said no to. A lost connection is a sync::SyncError (transient) instead.
struct SqlError : std::runtime_error {
    SqlError(const std::string &what, std::string code, std::string hint_text)
        : std::runtime_error(what), sqlstate(std::move(code)), hint(std::move(hint_text)) {}
    std::string sqlstate, hint;
    bool is_class(std::string_view prefix) const { return sqlstate.starts_with(prefix); }
};

struct Rows {
    std::vector<std::string> columns;
    std::vector<std::vector<Value>> rows;
    std::int64_t number(std::size_t row, std::size_t column) const;  // 0 for NULL
};

// A parameter in PostgreSQL's binary format where `binary` is set; arrays of thousands are cheaper to read that way.
struct Parameter {
    Value value;
    bool binary = false;
};

class Database {
  public:
    // Connects at once; `name` becomes application_name. An empty url means libpq's own defaults (PGHOST, ...).
    Database(std::string url, std::string name);
    ~Database();
    Database(const Database &) = delete;
    Database &operator=(const Database &) = delete;

    // Runs one statement; a text that was run before is prepared.
    Rows query(const std::string &sql, const std::vector<Value> &parameters = {});
    Rows query_binary(const std::string &sql, const std::vector<Parameter> &parameters);
    // Without preparing it: for utility statements (CALL, BEGIN) and several statements at once.
    Rows execute(const std::string &sql, const std::vector<Value> &parameters = {});

    void copy_begin(const std::string &sql);
    void copy_data(std::string_view text);
    void copy_end();
    void copy_cancel() noexcept;

    // Opens the connection again when it was lost, but never inside a transaction. Every statement does so by itself.
    void ensure();
    bool connected() const { return alive(); }
    // Grows with every new session: locks and temporary tables of an older one are gone.
    int generation() const { return generation_; }
    void on_notice(std::function<void(const std::string &)> handler);
    // Payloads of NOTIFY, the channels listened to: what has come, else what comes within so many seconds.
    std::vector<std::string> notifications(double seconds);
    // Asks the server to give up what the connection is doing; may be called from another thread.
    void cancel() noexcept;

  private:
    friend class Transaction;
    struct Session;
    void open();
    bool alive() const;
    const std::string &prepared(const std::string &sql);
    Rows rows(pg_result *result);
    [[noreturn]] void fail(pg_result *result);
    [[noreturn]] void lost(const std::string &what);
    std::string url_, name_;
    std::unique_ptr<Session> session_;
    std::function<void(const std::string &)> notice_;
    int generation_ = 0;
    bool in_transaction_ = false;
};

// BEGIN ... COMMIT; rolls back when it goes out of scope without commit().
class Transaction {
  public:
    explicit Transaction(Database &database);
    ~Transaction();
    void commit();

  private:
    Database &database_;
    bool open_ = true;
};

// {"a","b",NULL} as text[] input.
std::string array(const std::vector<Value> &items);
// The same for text[] without NULLs and for bigint[], in binary format.
Parameter binary_array(const std::vector<std::string_view> &items);
Parameter binary_array(const std::vector<std::int64_t> &items);
std::string quote_name(std::string_view name);

}  // namespace xsell::store
