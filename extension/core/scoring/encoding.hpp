// What stands in for the codes of categorical features before the members see a row.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/error.hpp"

namespace xsell::core {

// A categorical feature has the codes 0, 1, ...; its dictionary holds no more of them than this.
constexpr std::size_t max_codes = 255;

struct CodeMap {
    std::size_t feature = 0;
    float otherwise = 0;       // for everything that is not among the codes below
    std::vector<float> value;  // by code, from 0

    bool operator==(const CodeMap &) const = default;

    float operator()(float x) const;  // NaN stays missing
};

// Whoever makes maps keeps to this: features exist and ascend, no more than max_codes values, all of them finite.
void check_encodings(std::span<const CodeMap> encodings, std::size_t features, Kind kind);

}  // namespace xsell::core
