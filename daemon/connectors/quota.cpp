#include "connectors/quota.hpp"

#include <string>

#include "sync/error.hpp"

namespace xsell::connectors {
namespace {

constexpr std::int64_t day = 86'400'000'000;

}  // namespace

void Quota::require() {
    const bool all = reached(), ours = limit_ > 0 && own_ >= limit_ * own_percent_ / 100;
    if (!all && !ours) {
        ++own_;
        return;
    }
    used_ = 0;
    if (ours) own_ = 0;
    throw sync::SyncError(sync::Fault::quota, all ? "the share of the daily requests that quota_percent allows is used up"
                                                  : "the share of the daily requests that run_percent allows is used up");
}

void Quota::seen(double used, double limit, std::optional<std::int64_t> now, sync::Host *host) {
    used_ = used, limit_ = limit;
    if (host) host->used("daily requests", used, limit);
    if (now && (*now - since_ >= day || *now < since_)) own_ = 1, since_ = *now;
}

}  // namespace xsell::connectors
