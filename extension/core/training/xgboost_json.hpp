// Reads a model that XGBoost saved as JSON into our own description of an ensemble.
#pragma once
#include <string_view>

#include "core/scoring/tree.hpp"

namespace xsell::core {

// The layout differs from version to version, so one that is not known is refused rather than guessed.
Ensemble parse_xgboost_json(std::string_view json);

}  // namespace xsell::core
