#include "core/training/target_encoding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <variant>

#include "core/error.hpp"
#include "core/math.hpp"
#include "core/metrics/random.hpp"

namespace xsell::core {
namespace {

using Rows = std::vector<std::uint32_t>;

constexpr std::size_t parts = 5;
constexpr double prior_rows = 20;  // of the base rate, by weight, beside those that a code has

struct Tally {
    double positive = 0, all = 0;
};

bool is_code(float x) { return x >= 0 && x < static_cast<float>(max_codes) && x == std::floor(x); }

CodeMap fit_map(const Matrix &matrix, std::size_t column, const Rows &rows, double base_rate) {
    std::array<Tally, max_codes> tallies;
    std::size_t codes = 0;
    for (const std::uint32_t i : rows) {
        const float x = matrix.row(i)[column];
        if (is_code(x)) {
            const auto code = static_cast<std::size_t>(x);
            const double weight = matrix.weight[i];
            tallies[code].positive += matrix.label[i] > 0 ? weight : 0;
            tallies[code].all += weight;
            codes = std::max(codes, code + 1);
        }
    }
    const auto log_odds = [&](const Tally &t) {
        return static_cast<float>(logit((t.positive + prior_rows * base_rate) / (t.all + prior_rows)));
    };
    CodeMap map{column, log_odds({}), {}};
    std::transform(tallies.begin(), tallies.begin() + static_cast<std::ptrdiff_t>(codes), std::back_inserter(map.value),
                   log_odds);
    return map;
}

// The base rate is that of all rows, also where those counted leave out a part: else what stands for a code without rows would
// tell the part's own rate, in reverse.
std::vector<CodeMap> fit_maps(const Matrix &matrix, const Rows &rows, double base_rate) {
    std::vector<CodeMap> maps;
    std::transform(matrix.categories.begin(), matrix.categories.end(), std::back_inserter(maps),
                   [&](std::size_t column) { return fit_map(matrix, column, rows, base_rate); });
    return maps;
}

void encode_row(Matrix &matrix, std::size_t i, const std::vector<CodeMap> &maps) {
    for (const CodeMap &map : maps) {
        float &x = matrix.values[i * matrix.features + map.feature];
        x = map(x);
    }
}

std::size_t part_of(const Matrix &matrix, std::uint32_t i, std::uint64_t seed) {
    const auto entity = matrix.entity.empty() ? i : static_cast<std::uint64_t>(matrix.entity[i]);
    return Random(Random(seed).next() ^ entity).next() % parts;
}

std::string listed(const std::vector<std::string> &names) {
    std::string list;
    for (const std::string &name : names) {
        list += (list.empty() ? "" : ", ") + name;
    }
    return list;
}

}  // namespace

std::vector<std::size_t> columns_to_encode(const Parameters &parameters, const std::vector<std::string> &features,
                                           const std::vector<std::string> &categories) {
    const auto is_among = [](const std::vector<std::string> &names, const std::string &name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    const auto *named = std::get_if<std::vector<std::string>>(&parameters.target_encode);
    const bool all = named == nullptr && std::get<bool>(parameters.target_encode);
    const std::vector<std::string> wanted = named ? *named : all ? categories : std::vector<std::string>{};
    for (const std::string &name : wanted) {
        if (!is_among(categories, name)) {
            throw Error(Kind::bad_argument,
                        "training parameter \"target_encode\" names \"" + name + "\", which is no categorical feature",
                        categories.empty() ? "The feature set has none." : "There are: " + listed(categories) + ".");
        }
    }
    std::vector<std::size_t> columns;
    for (std::size_t f = 0; f < features.size(); ++f) {
        if (is_among(wanted, features[f])) {
            columns.push_back(f);
        }
    }
    return columns;
}

std::vector<CodeMap> fit_encodings(const Matrix &matrix) {
    Rows all(matrix.rows());
    std::iota(all.begin(), all.end(), 0u);
    return fit_maps(matrix, all, matrix.base_rate());
}

Matrix encode(Matrix matrix, const std::vector<CodeMap> &encodings) {
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
        encode_row(matrix, i, encodings);
    }
    matrix.categories.clear();
    return matrix;
}

Matrix encode_out_of_fold(Matrix matrix, std::uint64_t seed) {
    if (matrix.categories.empty()) {
        return matrix;
    }
    std::array<Rows, parts> inside, outside;
    for (std::uint32_t i = 0; i < matrix.rows(); ++i) {
        const std::size_t part = part_of(matrix, i, seed);
        for (std::size_t p = 0; p < parts; ++p) {
            (p == part ? inside : outside)[p].push_back(i);
        }
    }
    // All maps before the first row changes.
    const double base_rate = matrix.base_rate();
    std::array<std::vector<CodeMap>, parts> maps;
    std::transform(outside.begin(), outside.end(), maps.begin(),
                   [&](const Rows &rows) { return fit_maps(matrix, rows, base_rate); });
    for (std::size_t p = 0; p < parts; ++p) {
        for (const std::uint32_t i : inside[p]) {
            encode_row(matrix, i, maps[p]);
        }
    }
    matrix.categories.clear();
    return matrix;
}

Matrix learned_rows(const Matrix &rows, const Fold &fold, std::uint64_t seed) {
    return encode_out_of_fold(subset(rows, fold.train), seed);
}

Matrix watched_rows(const Matrix &rows, const Fold &fold) {
    Matrix watched = subset(rows, fold.validate);
    return rows.categories.empty() ? watched : encode(std::move(watched), fit_encodings(subset(rows, fold.train)));
}

}  // namespace xsell::core
