#include "core/scoring/blend.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "core/math.hpp"
#include "core/scoring/bytes.hpp"

namespace xsell::core {

namespace {

constexpr double max_number = 1e6;
// Members' log-odds beyond this are as good as certain; it keeps both tails of a probability far from underflow.
constexpr double link_limit = 600;
// Of the parts of an explanation, what adding them up as floats may lose; more is a fault, and must be seen.
constexpr double most_rounding = 1e-4;

[[noreturn]] void refuse(Kind kind, const char *what) {
    if (kind == Kind::corrupt_model) corrupt(what);
    throw Error(kind, std::string("model cannot be stored: ") + what);
}

bool in_range(double number) { return std::fabs(number) <= max_number; }

// A probability and its complement, each with full relative accuracy.
struct Chance {
    double yes = 0;
    double no = 0;
    double log_odds() const { return core::log(yes) - core::log(no); }
};

Chance chance_of(double log_odds) {
    const double z = std::clamp(log_odds, -link_limit, link_limit);
    const double e = core::exp(-std::fabs(z));
    const double large = 1 / (1 + e), small = e / (1 + e);
    return z >= 0 ? Chance{large, small} : Chance{small, large};
}

// to.yes - from.yes, by the tail in which it does not cancel.
double step(const Chance &from, const Chance &to) { return from.yes < 0.5 ? to.yes - from.yes : from.no - to.no; }

// Where the weights add up to 1 only nearly, log-odds make up for it: they ask for the ratio alone.
void add(Chance &sum, double weight, const Chance &more) {
    sum.yes += weight * more.yes;
    sum.no += weight * more.no;
}

Explanation blend_chances(std::span<const double> weight, std::span<const float> margin, std::span<const Explanation> member) {
    Chance from, to;
    double moved = 0;  // of the blend's probability
    std::vector<double> slope(member.size());
    for (std::size_t i = 0; i < member.size(); ++i) {
        const Chance base = chance_of(member[i].base), here = chance_of(margin[i]);
        add(from, weight[i], base);
        add(to, weight[i], here);
        const double way = margin[i] - member[i].base, climbed = step(base, here);
        slope[i] = weight[i] * (way != 0 ? climbed / way : base.yes * base.no);
        moved += weight[i] * climbed;
    }
    // Where the members' moves cancel, the quotient of two roundings says nothing and the derivative everything.
    const double flat = from.yes * from.no;
    const bool tiny = std::fabs(moved) <= 1e-7 * std::min(from.yes, from.no);
    const double steepness = tiny ? 1 / flat : (to.log_odds() - from.log_odds()) / moved;
    Explanation out{from.log_odds(), std::vector<double>(member[0].contributions.size())};
    for (std::size_t i = 0; i < member.size(); ++i) {
        for (std::size_t f = 0; f < out.contributions.size(); ++f)
            out.contributions[f] += steepness * slope[i] * member[i].contributions[f];
    }
    return out;
}

}  // namespace

void check_blend(Blend blend, double intercept, std::span<const double> weight, Kind kind) {
    if (blend != Blend::log_odds && blend != Blend::probability) refuse(kind, "its blend is unknown");
    if (!in_range(intercept)) refuse(kind, "the intercept of its blend is out of range");
    for (const double w : weight) {
        if (!(w >= 0 && in_range(w))) refuse(kind, "a weight of its members is negative or out of range");
    }
    const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
    if (!(sum > 0)) refuse(kind, "the weights of its members are all zero");
    if (blend == Blend::log_odds) return;
    if (!(std::fabs(sum - 1) <= 1e-9)) refuse(kind, "the weights of its members do not add up to 1");
    if (intercept != 0) refuse(kind, "a blend of probabilities has an intercept");
}

void check_calibration(const Calibration &calibration, Kind kind) {
    for (const double part :
         {calibration.slope, calibration.intercept, calibration.prior_shift, calibration.interval_half_width}) {
        if (!in_range(part)) refuse(kind, "its calibration is out of range");
    }
    if (calibration.interval_half_width < 0) refuse(kind, "its interval has a negative width");
    if (calibration.knots.size() > max_knots) refuse(kind, "its calibration has too many knots");
    for (std::size_t i = 0; i < calibration.knots.size(); ++i) {
        const Knot &knot = calibration.knots[i];
        if (!in_range(knot.margin) || !in_range(knot.log_odds)) refuse(kind, "its calibration is out of range");
        if (i == 0) continue;
        const Knot &before = calibration.knots[i - 1];
        if (knot.margin <= before.margin || knot.log_odds < before.log_odds) refuse(kind, "its calibration does not rise");
    }
}

float blend_margins(Blend blend, double intercept, std::span<const double> weight, std::span<const float> margin) {
    if (blend == Blend::log_odds) {
        double sum = intercept;
        for (std::size_t i = 0; i < margin.size(); ++i) sum += weight[i] * static_cast<double>(margin[i]);
        return static_cast<float>(sum);
    }
    Chance sum;
    for (std::size_t i = 0; i < margin.size(); ++i) add(sum, weight[i], chance_of(margin[i]));
    return static_cast<float>(sum.log_odds());
}

void close_gap(Explanation &explanation, double margin) {
    double sum = explanation.base, size = 0;
    for (const double c : explanation.contributions) {
        sum += c;
        size += std::fabs(c);
    }
    const double gap = margin - sum;
    const bool is_rounding = std::fabs(gap) <= most_rounding * std::max(1.0, std::fabs(explanation.base) + size);
    if (size == 0 || !is_rounding) return;
    const double share = gap / size;
    for (double &c : explanation.contributions) c += share * std::fabs(c);
}

Explanation blend_explanations(Blend blend, double intercept, std::span<const double> weight, std::span<const float> margin,
                               std::span<const Explanation> member) {
    Explanation out;
    if (blend == Blend::log_odds) {
        out = {intercept, std::vector<double>(member[0].contributions.size())};
        for (std::size_t i = 0; i < member.size(); ++i) {
            out.base += weight[i] * member[i].base;
            for (std::size_t f = 0; f < out.contributions.size(); ++f)
                out.contributions[f] += weight[i] * member[i].contributions[f];
        }
    } else {
        out = blend_chances(weight, margin, member);
    }
    close_gap(out, blend_margins(blend, intercept, weight, margin));
    return out;
}

}  // namespace xsell::core
