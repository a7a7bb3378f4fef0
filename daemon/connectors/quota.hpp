// A vendor's daily limit on requests, as its response headers state it: readings stop before it is used up.
#pragma once
#include <cstdint>
#include <optional>

#include "sync/host.hpp"

namespace xsell::connectors {

class Quota {
  public:
    // In per cent of the limit: how much may be used by everybody together, and how much of that by this connector in a day.
    Quota(double percent, double own_percent) : percent_(percent), own_percent_(own_percent) {}

    // Before each request. Throws SyncError (quota) when a share is used up, but not twice running: the request after it asks
    // how things stand by then.
    void require();
    // After a response that states the usage. `now`: the server's time; the own share counts anew after a day.
    void seen(double used, double limit, std::optional<std::int64_t> now, sync::Host *host);
    bool reached() const { return limit_ > 0 && used_ >= limit_ * percent_ / 100; }

  private:
    double percent_, own_percent_;
    double used_ = 0, limit_ = 0, own_ = 0;
    std::int64_t since_ = 0;
};

}  // namespace xsell::connectors
