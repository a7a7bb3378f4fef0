// Plain descriptions of what training hands over: members of an ensemble, how they are blended, and how the blend is calibrated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "core/scoring/calibration.hpp"
#include "core/scoring/encoding.hpp"
#include "core/scoring/tree.hpp"

namespace xsell::core {

// The numbers are stored in blobs. At most one member of each kind; members stand in this order.
enum class MemberKind : std::uint32_t { xgboost = 1, random_forest = 2, gradient_boosting = 3, neural_network = 4 };
inline constexpr std::array member_kinds = {MemberKind::xgboost, MemberKind::random_forest, MemberKind::gradient_boosting,
                                            MemberKind::neural_network};
std::string_view name_of(MemberKind kind);  // "xgboost", "random_forest", ...
std::optional<MemberKind> member_kind(std::string_view name);

struct DenseLayer {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    std::vector<float> weight;  // outputs x inputs, row by row
    std::vector<float> bias;    // one per output
    bool relu = false;          // max(0, .) after the sum
};

// A multilayer perceptron; normalisations of training are folded into the weights. Its inputs are, for each feature,
// (x - center) * scale, 0 where x is missing; then, for each feature listed in `indicator`, 1 where it is missing and 0
// elsewhere. The last layer has one output: log-odds.
struct Network {
    std::size_t features = 0;
    std::vector<float> center;
    std::vector<float> scale;
    std::vector<std::uint16_t> indicator;
    std::vector<DenseLayer> layers;
};

struct Member {
    MemberKind kind = MemberKind::xgboost;
    double weight = 1;  // in the blend; not negative
    std::variant<Ensemble, Network> learned;
};

// log_odds: intercept + the weighted sum of the members' margins. probability: the weighted mean of their probabilities (weights
// add up to 1, intercept 0), as the classic preset has it. Both yield a margin in log-odds, which calibration then turns into a
// probability.
enum class Blend : std::uint32_t { log_odds = 1, probability = 2 };

struct ModelDescription {
    std::size_t features = 0;
    Blend blend = Blend::log_odds;
    double intercept = 0;
    std::vector<Member> members;
    Calibration calibration;
    std::vector<CodeMap> encodings = {};  // applied to a row before its members see it; by ascending feature
};

}  // namespace xsell::core
