// What the registry says, read under the statement's snapshot and with the caller's privileges.
#pragma once
#include "border/border.hpp"

namespace xsell::pg {

struct VersionRow {
    int version;
    char sha256[65];  // of the blob that scoring loads
};

// The champion, or a given version. Errors name the model and what to do about it.
VersionRow deployed_version(const char *model);
VersionRow stored_version(const char *model, int version);

// palloc'd in the current memory context.
bytea *version_blob(const char *model, const VersionRow &row);
std::vector<std::string> version_features(const char *model, int version);

// Grows whenever a deployment may have changed without the snapshot showing it (an aborted subtransaction).
std::uint64_t deployment_generation();

}  // namespace xsell::pg
