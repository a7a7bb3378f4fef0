// What connectors ask of the daemon, in PostgreSQL: rate limits that all daemons share, and tokens that are renewed once for all.
#pragma once
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "sync/host.hpp"

namespace xsell::store {

// The host of an org. All callers with the same database and org get the same one, whatever their thread, so that they share its
// connection, token and buckets; what else they say (key, stop, login) replaces what was said before. Opens no connection yet.
//
// key_file: where the key of kept tokens lies; without one they live in the memory of this process, and a vendor that replaces
// the
//     refresh token at each login is refused: SyncError (org).
// stop: when it becomes true, waits end with SyncError (stopped). May be null.
// login: whatever tells this login from another one of the same org (addresses, client, user, the configured refresh token; not
//     what may change while a refresh token stays good, such as the client's secret). A token that was kept for another login is
//     not used. Only a digest of it is stored, sealed with the token.
std::shared_ptr<sync::Host> make_host(const std::string &database_url, const std::string &org,
                                      const std::optional<std::filesystem::path> &key_file, const std::atomic<bool> *stop,
                                      const std::string &login = "");

}  // namespace xsell::store
