// XGBoost's settings as the members that grow trees share them.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/training/xgboost.hpp"

namespace xsell::core {

using BoosterSettings = std::vector<std::pair<const char *, std::string>>;

std::string number(double value);  // as XGBoost reads it, whatever the locale

void apply(xgboost::Booster &booster, const BoosterSettings &settings);
void apply_common(xgboost::Booster &booster, double base_rate, std::uint64_t seed, int threads);

}  // namespace xsell::core
