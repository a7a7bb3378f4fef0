#include "core/recommend/patch.hpp"

#include <algorithm>

namespace xsell::core {
namespace {

class Patch {
  public:
    Patch(const KnownWorld &base, double days) : days_(days) {
        World &to = result_.world;
        to.entity_features = base.world.entity_features;
        to.active = base.world.active;
        to.family = base.world.family;
        to.product_features = base.world.product_features;
        to.product_values = base.world.product_values;
        to.selling = base.world.selling;
        for (Csr *pairs : {&to.held, &to.lost, &to.covered, &to.serving, &to.known}) {
            pairs->start.push_back(0);
        }
    }

    void add(const KnownWorld &from, std::size_t i, bool older) {
        const World &world = from.world;
        World &to = result_.world;
        result_.entities.push_back(from.entities[i]);
        Profile profile = world.profiles[i];
        if (older) {
            profile.age_days += days_;
            profile.idle_days += days_;
        }
        to.profiles.push_back(profile);
        to.eligible.push_back(world.eligible[i]);
        const auto values = world.entity_values.begin() + static_cast<std::ptrdiff_t>(i * world.entity_features);
        to.entity_values.insert(to.entity_values.end(), values, values + static_cast<std::ptrdiff_t>(world.entity_features));
        add_row(world.held, i, to.held);
        add_days(world.held, world.held_days, i, older, to.held_days);
        add_days(world.held, world.held_first, i, older, to.held_first);
        add_row(world.lost, i, to.lost);
        add_days(world.lost, world.lost_days, i, older, to.lost_days);
        add_row(world.covered, i, to.covered);
        add_row(world.serving, i, to.serving);
        add_row(world.known, i, to.known);
    }

    KnownWorld take() { return std::move(result_); }

  private:
    static void add_row(const Csr &from, std::size_t i, Csr &to) {
        const auto row = from.row(i);
        to.column.insert(to.column.end(), row.begin(), row.end());
        to.start.push_back(static_cast<std::uint32_t>(to.column.size()));
    }

    void add_days(const Csr &pairs, std::span<const float> days, std::size_t i, bool older, std::vector<float> &to) const {
        for (std::size_t pair = pairs.start[i]; !days.empty() && pair < pairs.start[i + 1]; ++pair) {
            to.push_back(days[pair] + static_cast<float>(older ? days_ : 0));
        }
    }

    double days_;
    KnownWorld result_;
};

}  // namespace

KnownWorld patched(const KnownWorld &base, const KnownWorld &changes, std::span<const std::int64_t> replaced, double days) {
    Patch patch(base, days);
    std::size_t next = 0;
    for (std::size_t i = 0; i < base.entities.size(); ++i) {
        for (; next < changes.entities.size() && changes.entities[next] < base.entities[i]; ++next) {
            patch.add(changes, next, false);
        }
        if (!std::binary_search(replaced.begin(), replaced.end(), base.entities[i])) {
            patch.add(base, i, true);
        } else if (next < changes.entities.size() && changes.entities[next] == base.entities[i]) {
            patch.add(changes, next++, false);
        }
    }
    for (; next < changes.entities.size(); ++next) {
        patch.add(changes, next, false);
    }
    return patch.take();
}

}  // namespace xsell::core
