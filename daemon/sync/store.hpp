// Where pages go. The engine sees this interface; daemon/store implements it with libpq.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sync/record.hpp"

namespace xsell::sync {

struct MergeCounts {
    std::int64_t fetched = 0, changed = 0, deleted = 0, rejected = 0;
    MergeCounts &operator+=(const MergeCounts &other) {
        fetched += other.fetched, changed += other.changed, deleted += other.deleted, rejected += other.rejected;
        return *this;
    }
};

class Store {
  public:
    virtual ~Store() = default;
    virtual Object object(const std::string &name) = 0;  // its columns, from the database
    // The lock of (org, object): false when another daemon holds it. Released by unlock or with the connection.
    virtual bool lock(const std::string &org, const std::string &object) = 0;
    virtual void unlock(const std::string &org, const std::string &object) = 0;
    virtual std::string state(const std::string &org, const std::string &object) = 0;  // "" when there is none
    virtual std::int64_t begin(const std::string &org, const std::string &object) = 0;
    // One transaction: rows, rejects, sweep, state and counters.
    virtual MergeCounts commit_page(const std::string &org, const Object &object, std::int64_t run, std::int64_t map_hash,
                                    const Page &page) = 0;
    virtual void end(const std::string &org, const std::string &object, std::int64_t run,
                     const std::optional<std::string> &error) = 0;
};

}  // namespace xsell::sync
