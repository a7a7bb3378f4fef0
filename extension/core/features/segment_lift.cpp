#include "core/features/segment_lift.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/math.hpp"

namespace xsell::core {
namespace {

constexpr std::uint32_t fewest_entities = 20;
constexpr std::size_t most_segments = 200;
constexpr double shrinkage = 5;  // purchases by chance added to either side

}  // namespace

SegmentLifts::SegmentLifts(std::span<const std::int32_t> code, const Csr &by_entity, std::size_t products) : products_(products) {
    std::vector<std::uint32_t> entities;
    for (const std::int32_t own : code) {
        if (own >= 0) {
            entities.resize(std::max(entities.size(), static_cast<std::size_t>(own) + 1));
            ++entities[static_cast<std::size_t>(own)];
        }
    }
    std::vector<std::uint32_t> largest(entities.size());
    std::iota(largest.begin(), largest.end(), 0u);
    std::stable_sort(largest.begin(), largest.end(), [&](std::uint32_t a, std::uint32_t b) { return entities[a] > entities[b]; });
    largest.resize(std::min(largest.size(), most_segments));
    place_.assign(entities.size(), -1);
    std::size_t segments = 0;
    for (const std::uint32_t segment : largest) {
        if (entities[segment] >= fewest_entities) {
            place_[segment] = static_cast<std::int32_t>(segments++);
        }
    }
    std::vector<double> all(products), own(segments * products), held(segments);
    for (std::size_t entity = 0; entity < code.size(); ++entity) {
        const std::int32_t place = code[entity] < 0 ? -1 : place_[static_cast<std::size_t>(code[entity])];
        for (const std::uint32_t product : by_entity.row(entity)) {
            ++all[product];
            if (place >= 0) {
                ++own[static_cast<std::size_t>(place) * products + product];
                ++held[static_cast<std::size_t>(place)];
            }
        }
    }
    const auto pairs = std::max(1.0, static_cast<double>(by_entity.column.size()));
    lift_.resize(own.size());
    for (std::size_t i = 0; i < own.size(); ++i) {
        const double expected = held[i / products] * all[i % products] / pairs;
        lift_[i] = static_cast<float>(log((own[i] + shrinkage) / (expected + shrinkage)));
    }
}

std::span<const float> SegmentLifts::of(std::int32_t code) const {
    if (code < 0 || static_cast<std::size_t>(code) >= place_.size() || place_[static_cast<std::size_t>(code)] < 0) {
        return {};
    }
    return std::span(lift_).subspan(static_cast<std::size_t>(place_[static_cast<std::size_t>(code)]) * products_, products_);
}

std::int32_t size_band(double log_employees) {
    if (std::isnan(log_employees)) {
        return -1;
    }
    constexpr std::array<double, 5> limits = {2.302585, 3.912023, 5.521461, 6.907755, 8.517193};
    return static_cast<std::int32_t>(std::upper_bound(limits.begin(), limits.end(), log_employees + 1e-6) - limits.begin());
}

}  // namespace xsell::core
