#include "sync/connector.hpp"

#include "sync/error.hpp"

namespace xsell::sync {

std::optional<std::string> Connector::since(const Object &, std::int64_t) { return std::nullopt; }

Page Connector::replay(const Object &object, const std::vector<std::string> &) {
    throw SyncError(Fault::object, object.name + ": this source keeps no records that could be replayed; sync it with --full");
}

}  // namespace xsell::sync
