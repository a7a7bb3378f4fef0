#include "core/training/study_parzen.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/math.hpp"

namespace xsell::core {
namespace {

double uniform(Random &random) { return static_cast<double>(random.next() >> 11) * 0x1p-53; }

// By Marsaglia's polar method; the second number of each pair is dropped.
double normal(Random &random) {
    for (;;) {
        const double u = 2 * uniform(random) - 1, v = 2 * uniform(random) - 1, s = u * u + v * v;
        if (s > 0 && s < 1) {
            return u * std::sqrt(-2 * log(s) / s);
        }
    }
}

// The scale of the kernels: from 0 to 1 over the range, of which a whole number owns the half unit on both of its sides.
struct Range {
    double low, high;

    explicit Range(const Dimension &d) : low(d.whole ? d.low - 0.5 : d.low), high(d.whole ? d.high + 0.5 : d.high) {
        if (d.logarithmic) {
            low = log(low);
            high = log(high);
        }
    }
};

double to_unit(const Dimension &d, double value) {
    const Range range(d);
    // What is taken over from a table may lie outside.
    return d.choices > 0 ? value
                         : std::clamp(((d.logarithmic ? log(value) : value) - range.low) / (range.high - range.low), 0.0, 1.0);
}

double from_unit(const Dimension &d, double position) {
    if (d.choices > 0) {
        return position;
    }
    const Range range(d);
    const double place = range.low + position * (range.high - range.low), value = d.logarithmic ? exp(place) : place;
    return std::clamp(d.whole ? std::floor(value + 0.5) : value, d.low, d.high);
}

std::vector<double> weights(std::size_t observations) {
    constexpr std::size_t full = 25;
    std::vector<double> weight(observations + 1, 1.0);
    const std::size_t older = observations > full ? observations - full : 0;
    const double oldest = older > 0 ? 1.0 / static_cast<double>(observations) : 1;
    for (std::size_t i = 0; i < older; ++i) {
        weight[i] = oldest + (1 - oldest) * static_cast<double>(i) / static_cast<double>(std::max<std::size_t>(older - 1, 1));
    }
    return weight;
}

std::size_t pick(std::span<const double> weight, double total, Random &random) {
    double left = uniform(random) * total;
    std::size_t i = 0;
    while (i + 1 < weight.size() && left >= weight[i]) {
        left -= weight[i++];
    }
    return i;
}

}  // namespace

double draw(const Dimension &dimension, Random &random) {
    const double u = uniform(random);
    return dimension.choices > 0 ? std::floor(u * static_cast<double>(dimension.choices)) : from_unit(dimension, u);
}

Parzen::Parzen(std::span<const Dimension> space, const std::vector<std::vector<double>> &observations)
    : space_(space), weight_(weights(observations.size())), total_weight_(std::accumulate(weight_.begin(), weight_.end(), 0.0)) {
    for (const auto &point : observations) {
        std::vector<double> center;
        for (std::size_t i = 0; i < space.size(); ++i) {
            center.push_back(to_unit(space[i], point[i]));
        }
        center_.push_back(std::move(center));
    }
    const double n = static_cast<double>(std::max<std::size_t>(observations.size(), 1));
    width_ = 0.15 * exp(-log(n) / (static_cast<double>(space.size()) + 4));  // Scott's rule
    other_ = 1 / (n + 2);
}

std::vector<double> Parzen::sample(Random &random) const {
    const std::size_t component = pick(weight_, total_weight_, random);
    std::vector<double> point;
    for (std::size_t i = 0; i < space_.size(); ++i) {
        if (component == center_.size() || (space_[i].choices > 0 && uniform(random) < other_)) {
            point.push_back(draw(space_[i], random));
        } else if (space_[i].choices > 0) {
            point.push_back(center_[component][i]);
        } else {
            double position = 0;  // a center lies inside: half of the draws and more do
            do {
                position = center_[component][i] + width_ * normal(random);
            } while (position < 0 || position > 1);
            point.push_back(from_unit(space_[i], position));
        }
    }
    return point;
}

double Parzen::kernel(std::span<const double> center, std::span<const double> position) const {
    double squares = 0, height = 1;
    for (std::size_t i = 0; i < space_.size(); ++i) {
        if (space_[i].choices == 0) {
            const double z = (position[i] - center[i]) / width_;
            squares += z * z;
        } else if (position[i] != center[i]) {
            height *= other_;
        }
    }
    return height * exp(-squares / 2);
}

double Parzen::nearness(std::span<const double> point) const {
    std::vector<double> position;
    for (std::size_t i = 0; i < space_.size(); ++i) {
        position.push_back(to_unit(space_[i], point[i]));
    }
    double near = weight_.back();
    for (std::size_t k = 0; k < center_.size(); ++k) {
        near += weight_[k] * kernel(center_[k], position);
    }
    return near / total_weight_;
}

}  // namespace xsell::core
