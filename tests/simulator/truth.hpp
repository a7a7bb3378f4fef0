// The ground truth as CSV: what a perfect sync has in its tables at the clock.
#pragma once
#include "simulation.hpp"

namespace xsell::simulator {

void write_truth(const Simulation &simulation, const std::string &folder);

}  // namespace xsell::simulator
