// A multilayer perceptron while it learns: Linear -> ReLU -> batch normalisation -> dropout, by Adam on the weighted log-loss.
#pragma once
#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/metrics/random.hpp"
#include "core/scoring/member.hpp"
#include "core/training/matrix.hpp"
#include "core/training/parameters.hpp"

namespace xsell::core {

// How raw features become inputs; see Network.
struct Standardisation {
    std::vector<float> center;
    std::vector<float> scale;
    std::vector<std::uint16_t> indicator;

    std::size_t inputs() const { return center.size() + indicator.size(); }
};

// Centers and spreads leave out what lies far off. A column that is constant or all missing says nothing: its scale is 0.
Standardisation standardise(const Matrix &rows);

// Column j holds the inputs of row number order[j], or of row first + j where order is empty.
void fill_inputs(const Standardisation &how, const Matrix &rows, std::span<const std::uint32_t> order, std::size_t first,
                 Eigen::Ref<Eigen::MatrixXf> inputs);

class PerceptronTraining {
  public:
    PerceptronTraining(const Matrix &rows, const NetworkParameters &parameters, std::uint64_t seed);

    // A pass over the rows in a fresh random order; where there are very many of them, over a part, the next epoch going on.
    void epoch(const std::function<void()> &checkpoint);

    // As it would score now: dropout off, normalisations folded into the weights.
    Network network() const;

    // The margins of rows by the network as it learns, normalisations not folded: what network() must reproduce.
    std::vector<float> inference(const Matrix &rows) const;

  private:
    // A parameter with its gradient and Adam's two moments.
    struct Learnable {
        Eigen::MatrixXf value, gradient, first, second;
        bool decays = false;
        void resize(Eigen::Index rows, Eigen::Index columns);
    };
    struct Layer {
        Learnable weight, bias;        // outputs x inputs, outputs x 1
        Learnable stretch, shift;      // of the normalisation; hidden layers only
        Eigen::VectorXf mean, spread;  // running mean and variance
        // of the batch at hand
        Eigen::MatrixXf rectified, normalised, output, kept;
        Eigen::VectorXf inverse_deviation;
    };

    void step(std::span<const std::uint32_t> rows);
    void forward();
    void backward(const Eigen::MatrixXf &slope_of_margin);
    void normalise(Layer &layer);
    void drop_out(Layer &layer);
    void adam();

    const Matrix &rows_;
    NetworkParameters parameters_;
    Random random_;
    Standardisation standardisation_;
    double mean_weight_ = 1;
    std::vector<Layer> layers_;
    Eigen::MatrixXf inputs_;
    std::vector<std::uint32_t> order_;
    std::size_t next_ = 0;
    std::int64_t steps_ = 0;
};

}  // namespace xsell::core
