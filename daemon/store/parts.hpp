// Small things that the store's files share.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/database.hpp"
#include "sync/error.hpp"

namespace xsell::store {

inline constexpr const char *lost_claim = "XS001", *no_worker = "55000";  // conditions that the functions of the queue raise

// The server's own trouble, which passes: cancelled by somebody, read-only after a failover, out of space or memory.
inline bool passes(const SqlError &error) {
    return error.sqlstate == "57014" || error.sqlstate == "25006" || error.is_class("53");
}

// What the server says no to becomes a fault of this object: others go on.
template <typename Step>
auto as_sync_error(Step step) {
    try {
        return step();
    } catch (const SqlError &error) {
        const sync::Fault fault = error.sqlstate == lost_claim ? sync::Fault::lost
                                  : passes(error)              ? sync::Fault::transient
                                                               : sync::Fault::object;
        throw sync::SyncError(fault, (fault == sync::Fault::lost ? "" : "database: ") + std::string(error.what()));
    }
}

inline std::string number(std::int64_t value) { return std::to_string(value); }
inline Value number(const std::optional<std::int64_t> &value) { return value ? Value(std::to_string(*value)) : Value(); }
inline const char *boolean(bool value) { return value ? "t" : "f"; }

inline std::vector<Value> values(const std::vector<std::string> &items) { return {items.begin(), items.end()}; }

}  // namespace xsell::store
