// The ground truth as CSV: what a perfect sync has in its tables at the clock.
#pragma once
#include "dialect.hpp"

namespace xsell::simulator {

// For every org, and for the named dialects.
void write_truth(const Simulation &simulation, const std::string &folder, const std::vector<std::string> &dialects = {});

}  // namespace xsell::simulator
