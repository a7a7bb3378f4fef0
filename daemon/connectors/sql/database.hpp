// A PostgreSQL database that is only read: one read-only transaction for each statement, values as parameters, stoppable. It is
// the connector's own; the store's connection is for xselld's tables alone.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/host.hpp"

struct pg_result;

namespace xsell::connectors::sql {

using Value = std::optional<std::string>;  // nullopt is NULL

struct ResultColumn {
    std::string name;
    unsigned type = 0;  // its OID
};

class Result {
  public:
    explicit Result(pg_result *result);
    std::size_t rows() const;
    // nullopt is NULL; valid as long as the result.
    std::optional<std::string_view> view(std::size_t row, std::size_t column) const;
    Value text(std::size_t row, std::size_t column) const;
    std::int64_t number(std::size_t row, std::size_t column) const;  // 0 for NULL

  private:
    friend class Database;
    std::shared_ptr<pg_result> result_;
};

class Database {
  public:
    // Connects at the first statement. An empty url means libpq's own defaults (PGHOST, ...); timeout in seconds, of a statement.
    Database(std::string url, std::int64_t timeout, std::shared_ptr<sync::Host> host);
    // Throws SyncError: transient for a lost connection or a timeout, org for a refused login, object for what the statement
    // itself is to blame for.
    Result query(const std::string &sql, const std::vector<Value> &parameters = {});
    // The columns that a statement would return, without running it.
    std::vector<ResultColumn> describe(const std::string &sql);

  private:
    struct Session;
    void connect();
    Result wait();
    void command(const std::string &sql);
    template <class Work>
    auto in_transaction(Work work);
    [[noreturn]] void fail(const Result &result);
    std::string url_;
    std::int64_t timeout_;
    std::shared_ptr<sync::Host> host_;
    std::shared_ptr<Session> session_;
};

// "Name" with its quotes doubled.
std::string identifier(std::string_view name);

}  // namespace xsell::connectors::sql
