#include <algorithm>
#include <limits>

#include "core/scoring/network.hpp"
#include "core/training/calibration.hpp"
#include "core/training/learner.hpp"
#include "core/training/perceptron_training.hpp"

namespace xsell::core {
namespace {

PerceptronTraining begin(const LearningRows &rows, const Parameters &parameters) {
    return {rows.matrix(), parameters.neural_network, parameters.seed + static_cast<std::uint64_t>(MemberKind::neural_network)};
}

}  // namespace

std::size_t network_memory(std::size_t features, const Parameters &parameters) {
    if (std::count(parameters.members.begin(), parameters.members.end(), MemberKind::neural_network) == 0) {
        return 0;
    }
    const NetworkParameters &p = parameters.neural_network;
    std::size_t inputs = 2 * features, weights = 0, units = inputs;  // an indicator for each feature at most
    for (const int width : p.layers) {
        weights += (inputs + 1) * static_cast<std::size_t>(width);
        inputs = static_cast<std::size_t>(width);
        units += inputs;
    }
    const auto kept = static_cast<std::size_t>(p.epochs) * static_cast<std::size_t>(std::max(parameters.folds, 1));
    constexpr std::size_t learning = 5, of_batch = 6;  // a weight with its gradient and moments; a unit's stages, both ways
    return sizeof(float) * (weights * (kept + learning) + units * of_batch * static_cast<std::size_t>(p.batch));
}

Course watch_network(const LearningRows &rows, const Matrix &watched, const Parameters &parameters, const Hooks &hooks) {
    const NetworkParameters &p = parameters.neural_network;
    PerceptronTraining training = begin(rows, parameters);
    Course course;
    course.best_loss = std::numeric_limits<double>::infinity();
    std::vector<Network> epochs;
    for (int epoch = 0; epoch < p.epochs && epoch - course.best_round < p.early_stopping;) {
        training.epoch(hooks.checkpoint);
        epochs.push_back(training.network());
        ++epoch;
        const double loss = weighted_log_loss(margins(epochs.back(), watched), watched.label, watched.weight);
        if (loss < course.best_loss) {
            course.best_loss = loss;
            course.best_round = epoch;
        }
        hooks.progress({name_of(MemberKind::neural_network), epoch, p.epochs, loss});
    }
    course.learned = std::move(epochs);
    return course;
}

Learned learn_network(const LearningRows &rows, int epochs, const Parameters &parameters, const Hooks &hooks) {
    PerceptronTraining training = begin(rows, parameters);
    for (int epoch = 0; epoch < epochs; ++epoch) {
        training.epoch(hooks.checkpoint);
        hooks.progress({name_of(MemberKind::neural_network), epoch + 1, epochs});
    }
    const Network network = training.network();
    const std::vector<std::byte> blob = pack_network(network);
    return {network, {reinterpret_cast<const char *>(blob.data()), blob.size()}, {}};
}

std::vector<float> margins(const Network &network, const Matrix &rows) {
    constexpr std::size_t block = 256;
    const Standardisation how{network.center, network.scale, network.indicator};
    std::vector<float> result(rows.rows());
    Eigen::MatrixXf x, sums;
    for (std::size_t from = 0; from < rows.rows(); from += block) {
        const std::size_t count = std::min(block, rows.rows() - from);
        x.resize(static_cast<Eigen::Index>(how.inputs()), static_cast<Eigen::Index>(count));
        fill_inputs(how, rows, {}, from, x);
        for (const DenseLayer &layer : network.layers) {
            using ByRow = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
            const auto outputs = static_cast<Eigen::Index>(layer.outputs), inputs = static_cast<Eigen::Index>(layer.inputs);
            sums.noalias() = Eigen::Map<const ByRow>(layer.weight.data(), outputs, inputs) * x;
            sums.colwise() += Eigen::Map<const Eigen::VectorXf>(layer.bias.data(), outputs);
            x = layer.relu ? Eigen::MatrixXf(sums.cwiseMax(0.0f)) : sums;
        }
        std::copy_n(x.data(), count, result.begin() + static_cast<std::ptrdiff_t>(from));
    }
    return result;
}

}  // namespace xsell::core
