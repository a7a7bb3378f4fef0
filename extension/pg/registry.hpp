// What the registry says, read under the statement's snapshot and with the caller's privileges.
#pragma once
#include "border/border.hpp"

namespace xsell::pg {

// Entities fall into this many buckets by a hash of the model and the entity; the arms of a split share the buckets out.
constexpr std::uint32_t buckets = 1U << 20;
constexpr std::size_t max_arms = 8;

// A version that scores the entities of the buckets below `until`, from where the arm before it ends.
struct Arm {
    int version;
    char sha256[65];  // of the blob that scoring loads
    char role[64];
    std::uint32_t until;
};

// The champion, or a given version (its role is empty). Errors name the model and what to do about it.
Arm champion(const char *model);
Arm stored_version(const char *model, int version);
// All that take a share, in the order of their versions, so that a change of shares between two moves no more entities than it
// must; returns how many.
std::size_t arms_in_force(const char *model, Arm (&arms)[max_arms]);
[[noreturn]] void raise_not_deployed(const char *model);

// palloc'd in the current memory context.
bytea *version_blob(const char *model, const Arm &arm);
std::vector<std::string> version_features(const char *model, int version);

// Grows whenever a deployment may have changed without the snapshot showing it (an aborted subtransaction).
std::uint64_t deployment_generation();
// Grows whenever any relation, and so any row type, may have changed; counted from the first model that is looked up.
std::uint64_t relation_changes();

}  // namespace xsell::pg
