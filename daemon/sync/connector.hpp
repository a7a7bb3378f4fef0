// What a CRM must offer to be synced. One implementation per folder of daemon/connectors; it knows HTTP or files, not the store.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "sync/record.hpp"

namespace xsell::sync {

// One thing that xselld check reports.
struct Finding {
    enum class Level { ok, warning, error } level = Level::ok;
    std::string text;
};

class Connector {
  public:
    virtual ~Connector() = default;

    // Objects this org offers, in the order they should be read (users and accounts before what points at them).
    virtual std::vector<std::string> objects() const = 0;

    // Reads the next page. `state` is what the last committed page of this object returned in next_state; empty at the very
    // beginning (and for a full reading). It must be restartable: the same state fetched twice gives (at least) the same records.
    // An initial reading shows the newest records first where the API can. Throws SyncError.
    virtual Page fetch(const Object &object, const std::string &state) = 0;

    // How many live records of an object the source has, for dry runs; nullopt where it cannot tell cheaply.
    virtual std::optional<std::int64_t> count(const Object &object) = 0;

    // The state that reads what changed since a time (microseconds since 1970, UTC); nullopt where the source cannot tell.
    virtual std::optional<std::string> since(const Object &object, std::int64_t micros);

    // Makes records anew from the payloads of dead letters, after the field map or the data was mended. Those that still do not
    // fit come back as rejects. Throws SyncError (object) where the source must be read again instead.
    virtual Page replay(const Object &object, const std::vector<std::string> &payloads);

    // Tries the connection, the credentials and the permissions, object by object; never throws.
    virtual std::vector<Finding> check() = 0;

    // Hash of everything that decides how raw text becomes columns; a change re-reads and rewrites unchanged records.
    virtual std::int64_t map_hash(const Object &object) const = 0;
};

}  // namespace xsell::sync
