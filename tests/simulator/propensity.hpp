// How likely a company is to win a product for the first time: what nobody outside of this world can know.
#pragma once
#include "world.hpp"

namespace xsell::simulator {

struct Propensity {
    std::size_t company, org, product;
    double probability;
};

// Of every company and product of an org whose win within (from, from + ahead] is possible, in the mean of so many futures of the
// world as it was then.
std::vector<Propensity> propensities(const WorldOptions &options, Time from, Time ahead, std::size_t futures);

}  // namespace xsell::simulator
