// Reads a model that XGBoost saved as JSON into our own description of an ensemble.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/scoring/tree.hpp"

namespace xsell::core {

// The layout differs from version to version, so one that is not known is refused rather than guessed.
Ensemble parse_xgboost_json(std::string_view json);

// By feature, the share of the loss that splits on it took away, of all that was taken; zeros where there is no split.
std::vector<double> parse_xgboost_gain(std::string_view json);

// The same model with other values in its leaves, as JSON.
std::string replace_xgboost_leaves(std::string_view json, const std::function<float(float)> &replacement);

}  // namespace xsell::core
