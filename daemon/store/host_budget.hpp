// Rate limits and quotas: token buckets in the database, or in memory while it is away.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/database.hpp"
#include "sync/host.hpp"

namespace xsell::store {

// One connection for all hosts of a database in this process, opened when it is first used. Its commits do not wait for the disk.
class Line {
  public:
    explicit Line(std::string url) : url_(std::move(url)) {}
    // Throws SyncError (transient) when the database is away; for a few seconds after that without trying again.
    Rows query(const std::string &sql, const std::vector<Value> &parameters);

  private:
    std::mutex mutex_;
    std::string url_;
    std::unique_ptr<Database> database_;
    int generation_ = 0;
    std::chrono::steady_clock::time_point away_until_{};
};

// The arithmetic of xsell_internal.sync_take, for one process. Times are seconds of any clock that does not go back.
class Bucket {
  public:
    // Seconds to wait. One above `longest` takes nothing, unless the bucket is full.
    double take(const sync::Budget &budget, double cost, double longest, double now);

  private:
    bool used_ = false;
    double tokens_ = 0, refilled_ = 0;
};

// Of one org.
class Budgets {
  public:
    Budgets(std::shared_ptr<Line> line, std::string org) : line_(std::move(line)), org_(std::move(org)) {}
    // Throws SyncError (transient) with the wait, and takes nothing, when it would be longer than a worker should sleep.
    double take(const sync::Budget &budget, double cost);
    void used(const std::string &quota, double used, double limit) noexcept;

  private:
    std::shared_ptr<Line> line_;
    std::string org_;
    std::mutex mutex_;
    std::map<std::string, Bucket> buckets_;
    std::map<std::string, std::chrono::steady_clock::time_point> noted_;
};

}  // namespace xsell::store
