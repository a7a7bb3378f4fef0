#include "core/training/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "core/error.hpp"
#include "core/math.hpp"

namespace xsell::core {
namespace {

double total_loss(std::span<const float> margin, std::span<const float> label, std::span<const float> weight,
                  const Platt &platt) {
    double sum = 0;
    for (std::size_t i = 0; i < margin.size(); ++i) {
        sum += weight[i] * logistic_loss(platt.slope * margin[i] + platt.intercept, label[i] > 0);
    }
    return sum;
}

struct Derivatives {
    double slope = 0, intercept = 0;               // gradient
    double slope2 = 0, mixed = 0, intercept2 = 0;  // Hessian
};

Derivatives derive(std::span<const float> margin, std::span<const float> label, std::span<const float> weight,
                   const Platt &platt) {
    Derivatives d;
    for (std::size_t i = 0; i < margin.size(); ++i) {
        const double m = margin[i], p = sigmoid(platt.slope * m + platt.intercept);
        const double g = weight[i] * (p - label[i]), h = weight[i] * p * (1 - p);
        d.slope += g * m;
        d.intercept += g;
        d.slope2 += h * m * m;
        d.mixed += h * m;
        d.intercept2 += h;
    }
    return d;
}

// One damped Newton step; false when it no longer improves.
bool step(std::span<const float> margin, std::span<const float> label, std::span<const float> weight, bool level_only,
          Platt &platt, double &current) {
    const Derivatives d = derive(margin, label, weight, platt);
    double slope = 0, intercept = 0;
    const double determinant = d.slope2 * d.intercept2 - d.mixed * d.mixed;
    if (level_only || determinant <= 1e-12 * d.slope2 * d.intercept2) {
        intercept = d.intercept2 > 0 ? d.intercept / d.intercept2 : 0;
    } else {
        slope = (d.slope * d.intercept2 - d.intercept * d.mixed) / determinant;
        intercept = (d.intercept * d.slope2 - d.slope * d.mixed) / determinant;
    }
    double share = 1;
    for (int halvings = 0; halvings < 20; ++halvings, share /= 2) {
        const Platt next{platt.slope - share * slope, platt.intercept - share * intercept};
        const double value = total_loss(margin, label, weight, next);
        if (value < current) {
            const bool moved = current - value > 1e-12 * std::max(1.0, std::fabs(current));
            platt = next;
            current = value;
            return moved;
        }
    }
    return false;
}

Platt fit(std::span<const float> margin, std::span<const float> label, std::span<const float> weight, bool level_only) {
    Platt platt;
    double current = total_loss(margin, label, weight, platt);
    for (int i = 0; i < 100 && step(margin, label, weight, level_only, platt, current); ++i) {
    }
    return platt;
}

}  // namespace

Platt fit_platt(std::span<const float> margin, std::span<const float> label, std::span<const float> weight) {
    if (margin.size() != label.size() || margin.size() != weight.size()) {
        throw Error(Kind::bad_argument, "margins, labels and weights differ in number");
    }
    const auto positives = std::count_if(label.begin(), label.end(), [](float y) { return y > 0; });
    if (positives == 0 || positives == static_cast<std::ptrdiff_t>(label.size())) {
        return {};  // one class would push the level to infinity
    }
    Platt platt = fit(margin, label, weight, false);
    // A slope far from 1 is separation or noise, not calibration.
    if (!(platt.slope > 0.05 && platt.slope < 20) || !std::isfinite(platt.intercept)) {
        platt = fit(margin, label, weight, true);
    }
    return platt;
}

double interval_half_width(std::span<const float> margin, std::span<const float> label, std::span<const float> weight,
                           const Calibration &calibration, double coverage) {
    const std::size_t n = margin.size();
    if (n == 0) {
        return 0;
    }
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return margin[a] < margin[b]; });
    // At least ten expected positives a bin where the data allow it, else the noise of the bins is all that is measured.
    const double positives = std::accumulate(label.begin(), label.end(), 0.0);
    const auto bins = static_cast<std::size_t>(std::clamp(positives / 10, 1.0, 20.0));
    std::vector<double> distance;
    for (std::size_t b = 0; b < bins; ++b) {
        double mass = 0, hits = 0, predicted = 0;
        for (std::size_t i = b * n / bins; i < (b + 1) * n / bins; ++i) {
            const std::size_t row = order[i];
            mass += weight[row];
            hits += weight[row] * label[row];
            predicted += weight[row] * calibration.probability(margin[row]);
        }
        if (mass > 0) {
            const double p = std::clamp(predicted / mass, 1e-12, 1 - 1e-12);
            distance.push_back(std::fabs(logit((hits + 0.5) / (mass + 1)) - logit(p)));
        }
    }
    std::sort(distance.begin(), distance.end());
    // Split-conformal rank: the ceil(coverage * (n + 1))-th smallest, or the largest when there are too few bins.
    const auto rank = static_cast<std::size_t>(std::ceil(coverage * static_cast<double>(distance.size() + 1)));
    return distance.empty() ? 0 : distance[std::min(rank, distance.size()) - 1];
}

double logistic_loss(double z, bool positive) {
    return std::max(z, 0.0) + std::log1p(std::exp(-std::fabs(z))) - (positive ? z : 0);
}

double weighted_log_loss(std::span<const float> margin, std::span<const float> label, std::span<const float> weight) {
    double mass = 0;
    for (const float w : weight) {
        mass += w;
    }
    return total_loss(margin, label, weight, Platt{}) / mass;
}

}  // namespace xsell::core
