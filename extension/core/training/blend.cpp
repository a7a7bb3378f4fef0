#include "core/training/blend.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/training/calibration.hpp"

namespace xsell::core {
namespace {

constexpr double ridge = 1;  // as one observation of standard deviation 1 for each weight

// The rows with a column of ones first; the coefficients are the intercept and the weights.
struct Regression {
    std::span<const std::vector<float>> margin;
    std::span<const float> label;
    std::span<const float> weight;

    Eigen::Index size() const { return static_cast<Eigen::Index>(margin.size()) + 1; }
    double equal() const { return 1 / static_cast<double>(margin.size()); }

    double sum(const Eigen::VectorXd &c, std::size_t row) const {
        double z = c[0];
        for (std::size_t m = 0; m < margin.size(); ++m) {
            z += c[static_cast<Eigen::Index>(m) + 1] * static_cast<double>(margin[m][row]);
        }
        return z;
    }

    double loss(const Eigen::VectorXd &c) const {
        double total = 0;
        for (std::size_t i = 0; i < label.size(); ++i) {
            total += static_cast<double>(weight[i]) * logistic_loss(sum(c, i), label[i] > 0);
        }
        return total;
    }

    double objective(const Eigen::VectorXd &c) const {
        return loss(c) + ridge / 2 * (c.tail(size() - 1).array() - equal()).square().sum();
    }

    void derive(const Eigen::VectorXd &c, Eigen::VectorXd &gradient, Eigen::MatrixXd &hessian) const {
        gradient.setZero(size());
        hessian.setZero(size(), size());
        Eigen::VectorXd x(size());
        for (std::size_t i = 0; i < label.size(); ++i) {
            x[0] = 1;
            for (std::size_t m = 0; m < margin.size(); ++m) {
                x[static_cast<Eigen::Index>(m) + 1] = static_cast<double>(margin[m][i]);
            }
            const double p = 1 / (1 + std::exp(-sum(c, i))), w = static_cast<double>(weight[i]);
            gradient += w * (p - (label[i] > 0)) * x;
            hessian.noalias() += w * p * (1 - p) * x * x.transpose();
        }
        for (Eigen::Index k = 1; k < size(); ++k) {
            gradient[k] += ridge * (c[k] - equal());
            hessian(k, k) += ridge;
        }
        hessian(0, 0) += 1e-9;
    }
};

// The Newton direction where weights at 0 that want to fall stay there.
Eigen::VectorXd direction(const Eigen::VectorXd &c, Eigen::VectorXd gradient, Eigen::MatrixXd hessian) {
    for (Eigen::Index k = 1; k < c.size(); ++k) {
        if (c[k] <= 0 && gradient[k] > 0) {
            hessian.row(k).setZero();
            hessian.col(k).setZero();
            hessian(k, k) = 1;
            gradient[k] = 0;
        }
    }
    return hessian.ldlt().solve(gradient);
}

Eigen::VectorXd minimise(const Regression &problem) {
    Eigen::VectorXd c = Eigen::VectorXd::Constant(problem.size(), problem.equal()), gradient;
    c[0] = 0;
    Eigen::MatrixXd hessian;
    double current = problem.objective(c);
    for (int step = 0; step < 100; ++step) {
        problem.derive(c, gradient, hessian);
        const Eigen::VectorXd down = direction(c, gradient, hessian);
        double share = 1, best = current;
        Eigen::VectorXd next = c;
        for (int halvings = 0; halvings < 30 && !(best < current); ++halvings, share /= 2) {
            next = c - share * down;
            next.tail(c.size() - 1) = next.tail(c.size() - 1).cwiseMax(0.0);
            best = problem.objective(next);
        }
        if (!(best < current)) {
            break;
        }
        const bool done = current - best <= 1e-12 * std::max(1.0, std::fabs(current));
        c = next;
        current = best;
        if (done) {
            break;
        }
    }
    return c;
}

}  // namespace

BlendFit fit_blend(std::span<const std::vector<float>> margin, std::span<const float> label, std::span<const float> weight) {
    if (margin.empty() || std::any_of(margin.begin(), margin.end(), [&](const auto &m) { return m.size() != label.size(); })) {
        throw Error(Kind::bad_argument, "margins and labels differ in number");
    }
    const Regression problem{margin, label, weight};
    const Eigen::VectorXd c = minimise(problem);
    double mass = 0;
    for (const float w : weight) {
        mass += static_cast<double>(w);
    }
    BlendFit fit{c[0], {c.data() + 1, c.data() + c.size()}, problem.loss(c) / mass};
    std::size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t m = 0; m < margin.size(); ++m) {
        const double loss = weighted_log_loss(margin[m], label, weight);
        if (loss < least) {
            least = loss;
            best = m;
        }
    }
    const bool none = std::all_of(fit.weights.begin(), fit.weights.end(), [](double w) { return w <= 0; });
    if (!(fit.log_loss <= least) || none) {
        fit = {0, std::vector<double>(margin.size()), least};
        fit.weights[best] = 1;
    }
    return fit;
}

}  // namespace xsell::core
