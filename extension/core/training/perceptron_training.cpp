#include "core/training/perceptron_training.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/math.hpp"
#include "core/scoring/network.hpp"

namespace xsell::core {
namespace {

constexpr std::size_t most_rows_an_epoch = 131072;
constexpr std::size_t rows_between_checkpoints = 16384;
constexpr float memory = 0.9f;         // of the running means
constexpr float least_spread = 1e-3f;  // a unit that hardly ever fires must not be blown up
constexpr float beta1 = 0.9f, beta2 = 0.999f, tiny = 1e-8f;

double uniform(Random &random) { return static_cast<double>(random.next() >> 11) * 0x1p-53; }

double gaussian(Random &random) {
    const double radius = std::sqrt(-2 * core::log(1 - uniform(random)));
    // The cosine of a random angle, by von Neumann's rejection: exact on every platform.
    for (;;) {
        const double x = 2 * uniform(random) - 1, y = uniform(random), norm = x * x + y * y;
        if (norm <= 1 && norm > 0) {
            return radius * (x * x - y * y) / norm;
        }
    }
}

struct Moments {
    double mean = 0, deviation = 0;
    std::size_t count = 0;
};

Moments moments(const Matrix &rows, std::size_t feature, double low, double high) {
    Moments m;
    double sum = 0, squares = 0, shift = 0;
    for (std::size_t i = 0; i < rows.rows(); ++i) {
        const double x = static_cast<double>(rows.values[i * rows.features + feature]);
        if (x >= low && x <= high) {  // a missing value is in no range
            shift = m.count++ == 0 ? x : shift;
            sum += x - shift;
            squares += (x - shift) * (x - shift);
        }
    }
    if (m.count > 0) {
        const auto n = static_cast<double>(m.count);
        m.mean = shift + sum / n;
        m.deviation = std::sqrt(std::max(0.0, squares / n - sum / n * (sum / n)));
    }
    return m;
}

}  // namespace

Standardisation standardise(const Matrix &rows) {
    constexpr double far = 5;  // deviations
    Standardisation result;
    for (std::size_t feature = 0; feature < rows.features; ++feature) {
        Moments m = moments(rows, feature, -HUGE_VAL, HUGE_VAL);
        const std::size_t present = m.count;
        for (int pass = 0; pass < 2 && m.deviation > 0; ++pass) {
            const Moments near = moments(rows, feature, m.mean - far * m.deviation, m.mean + far * m.deviation);
            m = near.deviation > 0 ? near : m;
        }
        // A deviation that is lost in rounding is none.
        const bool varies = m.deviation > 1e-7 * std::fabs(m.mean) && m.deviation > 1e-30;
        result.center.push_back(varies ? static_cast<float>(m.mean) : 0);
        result.scale.push_back(varies ? static_cast<float>(1 / m.deviation) : 0);
        if (present > 0 && present < rows.rows()) {
            result.indicator.push_back(static_cast<std::uint16_t>(feature));
        }
    }
    return result;
}

void fill_inputs(const Standardisation &how, const Matrix &rows, std::span<const std::uint32_t> order, std::size_t first,
                 Eigen::Ref<Eigen::MatrixXf> inputs) {
    const std::size_t features = rows.features;
    for (Eigen::Index j = 0; j < inputs.cols(); ++j) {
        const auto place = static_cast<std::size_t>(j);
        const float *x = rows.row(order.empty() ? first + place : order[place]).data();
        float *out = inputs.col(j).data();
        for (std::size_t f = 0; f < features; ++f) {
            const float z = (x[f] - how.center[f]) * how.scale[f];
            out[f] = z == z ? std::clamp(z, -network_input_limit, network_input_limit) : 0.0f;
        }
        for (std::size_t k = 0; k < how.indicator.size(); ++k) {
            const float value = x[how.indicator[k]];
            out[features + k] = value == value ? 0.0f : 1.0f;
        }
    }
}

void PerceptronTraining::Learnable::resize(Eigen::Index rows, Eigen::Index columns) {
    value = gradient = first = second = Eigen::MatrixXf::Zero(rows, columns);
}

PerceptronTraining::PerceptronTraining(const Matrix &rows, const NetworkParameters &parameters, std::uint64_t seed)
    : rows_(rows), parameters_(parameters), random_(seed), standardisation_(standardise(rows)) {
    // Eigen cuts its sums by the size of the caches; fixed sizes make the same sums on every machine.
    Eigen::setCpuCacheSizes(std::ptrdiff_t{32} << 10, std::ptrdiff_t{256} << 10, std::ptrdiff_t{2} << 20);
    mean_weight_ = std::accumulate(rows.weight.begin(), rows.weight.end(), 0.0) / static_cast<double>(rows.rows());
    auto inputs = static_cast<Eigen::Index>(standardisation_.inputs());
    std::vector<int> widths = parameters.layers;
    widths.push_back(1);
    for (const int width : widths) {
        Layer &layer = layers_.emplace_back();
        layer.weight.resize(width, inputs);
        layer.weight.decays = true;
        const double deviation = std::sqrt((layers_.size() == widths.size() ? 1.0 : 2.0) / static_cast<double>(inputs));
        layer.weight.value = Eigen::MatrixXf::NullaryExpr(
            width, inputs, [&](Eigen::Index, Eigen::Index) { return static_cast<float>(deviation * gaussian(random_)); });
        layer.bias.resize(width, 1);
        layer.stretch.resize(width, 1);
        layer.stretch.value.setOnes();
        layer.shift.resize(width, 1);
        layer.mean = Eigen::VectorXf::Zero(width);
        layer.spread = Eigen::VectorXf::Ones(width);
        inputs = width;
    }
    layers_.back().weight.value *= 0.1f;
    layers_.back().bias.value(0, 0) = static_cast<float>(logit(rows.base_rate()));
    order_.resize(rows.rows());
    std::iota(order_.begin(), order_.end(), 0u);
    next_ = order_.size();
}

void PerceptronTraining::epoch(const std::function<void()> &checkpoint) {
    const std::size_t count = std::min(order_.size(), most_rows_an_epoch);
    if (next_ + count > order_.size()) {
        for (std::size_t i = order_.size(); i > 1; --i) {
            std::swap(order_[i - 1], order_[random_.below(static_cast<std::uint32_t>(i))]);
        }
        next_ = 0;
    }
    // Batches of nearly the same size: a small rest would have a mean and a spread of its own.
    const std::size_t batches = std::max<std::size_t>(1, count / static_cast<std::size_t>(parameters_.batch));
    std::size_t since = 0;
    for (std::size_t b = 0; b < batches; ++b) {
        const std::size_t from = b * count / batches, to = (b + 1) * count / batches;
        if (since == 0) {
            checkpoint();
        }
        step({order_.data() + next_ + from, to - from});
        since = since + to - from >= rows_between_checkpoints ? 0 : since + to - from;
    }
    next_ += count;
}

void PerceptronTraining::step(std::span<const std::uint32_t> rows) {
    const auto count = static_cast<Eigen::Index>(rows.size());
    inputs_.resize(static_cast<Eigen::Index>(standardisation_.inputs()), count);
    fill_inputs(standardisation_, rows_, rows, 0, inputs_);
    forward();
    Eigen::MatrixXf slope(1, count);
    for (Eigen::Index j = 0; j < count; ++j) {
        const std::uint32_t row = rows[static_cast<std::size_t>(j)];
        const double p = sigmoid(static_cast<double>(layers_.back().output(0, j)));
        slope(0, j) =
            static_cast<float>(rows_.weight[row] * (p - (rows_.label[row] > 0)) / (mean_weight_ * static_cast<double>(count)));
    }
    backward(slope);
    adam();
}

void PerceptronTraining::forward() {
    const Eigen::MatrixXf *input = &inputs_;
    for (Layer &layer : layers_) {
        layer.output.noalias() = layer.weight.value * *input;
        layer.output.colwise() += layer.bias.value.col(0);
        if (&layer != &layers_.back()) {
            layer.rectified = layer.output.cwiseMax(0.0f);
            normalise(layer);
            drop_out(layer);
        }
        input = &layer.output;
    }
}

void PerceptronTraining::normalise(Layer &layer) {
    const Eigen::VectorXf mean = layer.rectified.rowwise().mean();
    layer.normalised = layer.rectified.colwise() - mean;
    const Eigen::VectorXf spread = layer.normalised.array().square().rowwise().mean();
    layer.inverse_deviation = (spread.array() + least_spread).sqrt().inverse();
    layer.normalised = layer.inverse_deviation.asDiagonal() * layer.normalised;
    layer.output = layer.stretch.value.col(0).asDiagonal() * layer.normalised;
    layer.output.colwise() += layer.shift.value.col(0);
    // The first batches count fully, so that the running means do not start from a guess.
    const float share = std::max(1 - memory, 1 / static_cast<float>(steps_ + 1));
    layer.mean += share * (mean - layer.mean);
    layer.spread += share * (spread - layer.spread);
}

void PerceptronTraining::drop_out(Layer &layer) {
    if (parameters_.dropout <= 0) {
        return;
    }
    const auto limit = static_cast<std::uint64_t>(parameters_.dropout * 65536);
    const float raise = 1 / (1 - static_cast<float>(limit) / 65536);
    layer.kept.resize(layer.output.rows(), layer.output.cols());
    std::uint64_t bits = 0;
    for (Eigen::Index i = 0; i < layer.kept.size(); ++i) {
        bits = i % 4 == 0 ? random_.next() : bits >> 16;
        layer.kept.data()[i] = (bits & 0xffff) < limit ? 0.0f : raise;
    }
    layer.output.array() *= layer.kept.array();
}

void PerceptronTraining::backward(const Eigen::MatrixXf &slope_of_margin) {
    Eigen::MatrixXf slope = slope_of_margin;  // of the loss, by the layer's sums
    for (std::size_t l = layers_.size(); l-- > 0;) {
        Layer &layer = layers_[l];
        const Eigen::MatrixXf &input = l == 0 ? inputs_ : layers_[l - 1].output;
        layer.weight.gradient.noalias() = slope * input.transpose();
        layer.bias.gradient = slope.rowwise().sum();
        if (l == 0) {
            break;
        }
        Layer &below = layers_[l - 1];
        Eigen::MatrixXf down = layer.weight.value.transpose() * slope;
        if (parameters_.dropout > 0) {
            down.array() *= below.kept.array();
        }
        below.shift.gradient = down.rowwise().sum();
        below.stretch.gradient = (down.array() * below.normalised.array()).rowwise().sum();
        // d normalised: the mean of the slopes and what goes along with the value itself are taken out.
        const float n = static_cast<float>(down.cols());
        down.colwise() -= below.shift.gradient.col(0) / n;
        down -= (below.stretch.gradient.col(0) / n).asDiagonal() * below.normalised;
        const Eigen::VectorXf factor = below.stretch.value.col(0).array() * below.inverse_deviation.array();
        slope = factor.asDiagonal() * down;
        slope.array() *= (below.rectified.array() > 0.0f).cast<float>();
    }
}

void PerceptronTraining::adam() {
    ++steps_;
    const double rate = parameters_.learning_rate;
    const auto n = static_cast<double>(steps_);
    const auto size = static_cast<float>(rate * std::sqrt(1 - std::pow(static_cast<double>(beta2), n)) /
                                         (1 - std::pow(static_cast<double>(beta1), n)));
    const auto decay = static_cast<float>(1 - rate * parameters_.weight_decay);
    for (Layer &layer : layers_) {
        for (Learnable *p : {&layer.weight, &layer.bias, &layer.stretch, &layer.shift}) {
            p->first = beta1 * p->first + (1 - beta1) * p->gradient;
            p->second = beta2 * p->second + (1 - beta2) * p->gradient.cwiseAbs2();
            if (p->decays) {
                p->value *= decay;
            }
            p->value.array() -= size * p->first.array() / (p->second.array().sqrt() + tiny);
        }
    }
}

std::vector<float> PerceptronTraining::inference(const Matrix &rows) const {
    Eigen::MatrixXf x(static_cast<Eigen::Index>(standardisation_.inputs()), static_cast<Eigen::Index>(rows.rows()));
    fill_inputs(standardisation_, rows, {}, 0, x);
    for (const Layer &layer : layers_) {
        Eigen::MatrixXf sums = layer.weight.value * x;
        sums.colwise() += layer.bias.value.col(0);
        if (&layer != &layers_.back()) {
            sums = sums.cwiseMax(0.0f);
            sums.colwise() -= layer.mean;
            const Eigen::VectorXf factor = layer.stretch.value.col(0).array() / (layer.spread.array() + least_spread).sqrt();
            sums = factor.asDiagonal() * sums;
            sums.colwise() += layer.shift.value.col(0);
        }
        x = std::move(sums);
    }
    return {x.data(), x.data() + x.size()};
}

Network PerceptronTraining::network() const {
    Network network{
        standardisation_.center.size(), standardisation_.center, standardisation_.scale, standardisation_.indicator, {}};
    Eigen::VectorXf stretch, shift;  // what the layer below leaves to be folded in
    for (const Layer &layer : layers_) {
        Eigen::MatrixXf weight = layer.weight.value;
        Eigen::VectorXf bias = layer.bias.value.col(0);
        if (stretch.size() > 0) {
            bias += weight * shift;
            weight = weight * stretch.asDiagonal();
        }
        DenseLayer &dense = network.layers.emplace_back();
        dense.inputs = static_cast<std::size_t>(weight.cols());
        dense.outputs = static_cast<std::size_t>(weight.rows());
        dense.relu = &layer != &layers_.back();
        const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_row = weight;
        dense.weight.assign(by_row.data(), by_row.data() + by_row.size());
        dense.bias.assign(bias.data(), bias.data() + bias.size());
        stretch = layer.stretch.value.col(0).array() / (layer.spread.array() + least_spread).sqrt();
        shift = layer.shift.value.col(0).array() - stretch.array() * layer.mean.array();
    }
    return network;
}

}  // namespace xsell::core
