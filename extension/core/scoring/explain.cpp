#include "core/scoring/explain.hpp"

#include <algorithm>
#include <memory>

// Per leaf, the Shapley value of feature i is leaf * (o_i - w_i) * integral over t in (0, 1) of the product over the other
// features of the path of a_j(t) = w_j (1 - t) + o_j t, where o says whether the row follows all the feature's edges and w is
// the share of training rows that do. A quadrature with n points is exact for paths of up to 2 n features. The product is
// carried down each tree once, divided by a_i where feature i is to be left out, and summed up again from the leaves.
namespace xsell::core {

namespace {

using Pair = double __attribute__((vector_size(16)));

// Keeps 1 / a finite where no training row followed an edge; such leaves then weigh nothing.
constexpr double smallest_weight = 1e-200;

struct Legendre {
    double value, slope;
};

Legendre legendre(std::size_t n, double x) {
    double before = 1;
    double value = x;
    for (std::size_t k = 2; k <= n; ++k) {
        const double next = ((2.0 * k - 1) * x * value - (k - 1.0) * before) / k;
        before = value;
        value = next;
    }
    return {value, n * (x * value - before) / (x * x - 1)};
}

// Roots of the Legendre polynomial of degree n: those of degree n - 1 separate them, so bisection cannot miss one.
std::vector<double> legendre_roots(std::size_t n) {
    std::vector<double> roots{0};
    for (std::size_t degree = 2; degree <= n; ++degree) {
        std::vector<double> bounds{-1};
        bounds.insert(bounds.end(), roots.begin(), roots.end());
        bounds.push_back(1);
        roots.clear();
        for (std::size_t i = 0; i < degree; ++i) {
            double low = bounds[i];
            double high = bounds[i + 1];
            const bool rises = (degree - i) % 2 == 1;
            for (int step = 0; step < 64; ++step) {
                const double middle = (low + high) / 2;
                ((legendre(degree, middle).value < 0) == rises ? low : high) = middle;
            }
            roots.push_back((low + high) / 2);
        }
    }
    return roots;
}

template <std::size_t Pairs>
struct State {
    Pair product[Pairs];  // of a over the features of the path
    Pair sum[Pairs];      // of product * leaf over the leaves below
    Pair inverse[Pairs];  // 1 / a of the edge's feature
    Pair gain[Pairs];     // (o - w) / a
    double on;            // o
    bool goes_left;
};

}  // namespace

Explainer::Explainer(const Forest &forest) : trees_(forest.nodes()), base_(forest.base_margin()) {
    const std::size_t features = std::min<std::size_t>(forest.depth(), forest.features());
    const std::size_t needed = (features + 1) / 2;
    for (const std::size_t offered : {2, 4, 6, 8, 16, 32}) {
        points_ = offered;
        if (offered >= needed) break;  // beyond 64 features a path, 32 points are exact to rounding all the same
    }
    for (const double root : legendre_roots(points_)) {
        const double slope = legendre(points_, root).slope;
        position_.push_back((1 + root) / 2);
        portion_.push_back(1 / ((1 - root * root) * slope * slope));
    }
    edges_.reserve(trees_.nodes.size());
    for (std::size_t t = 0; t < trees_.size(); ++t) add_tree(trees_, t);
}

void Explainer::add_tree(const Trees &trees, std::size_t t) {
    const std::span<const Node> nodes = trees.tree(t);
    const std::size_t first = edges_.size();
    largest_tree_ = std::max(largest_tree_, nodes.size());
    edges_.push_back({1, nodes[0].is_leaf() ? nodes[0].leaf() : 0.0, 0, 0, 0});
    std::vector<double> share(nodes.size(), 1);
    for (std::uint32_t k = 0; k < nodes.size(); ++k) {
        if (nodes[k].is_leaf()) {
            base_ += share[k] * nodes[k].leaf();
            continue;
        }
        const std::uint16_t feature = nodes[k].feature;
        std::uint32_t previous = k;
        while (previous != 0 && edges_[first + previous].feature != feature) previous = edges_[first + previous].parent;
        for (std::uint32_t child = nodes[k].left; child < nodes[k].left + 2; ++child) {
            const double ratio = nodes[k].cover > 0 ? static_cast<double>(nodes[child].cover) / nodes[k].cover : 0.5;
            share[child] = share[k] * ratio;
            const double weight = std::max(edges_[first + previous].weight * ratio, smallest_weight);
            edges_.push_back({weight, nodes[child].is_leaf() ? nodes[child].leaf() : 0.0, k, previous, feature});
        }
    }
}

template <std::size_t Pairs>
void Explainer::explain_tree(const float *x, std::size_t t, double *contributions, void *workspace) const {
    const std::span<const Node> nodes = trees_.tree(t);
    const Edge *edges = edges_.data() + trees_.first_node[t];
    auto *state = static_cast<State<Pairs> *>(workspace);
    Pair here[Pairs];
    for (std::size_t p = 0; p < Pairs; ++p) here[p] = Pair{position_[2 * p], position_[2 * p + 1]};

    // The root stands in for "no earlier edge" too: a factor of one and no gain.
    for (std::size_t p = 0; p < Pairs; ++p) {
        state[0].product[p] = Pair{portion_[2 * p], portion_[2 * p + 1]};
        state[0].inverse[p] = Pair{1, 1};
        state[0].gain[p] = state[0].sum[p] = Pair{};
    }
    state[0].on = 1;
    state[0].goes_left = nodes[0].is_leaf() || trees_.goes_left(nodes[0], x);
    for (std::size_t k = 1; k < nodes.size(); ++k) {
        const Edge &edge = edges[k];
        const State<Pairs> &parent = state[edge.parent];
        const State<Pairs> &previous = state[edge.previous];
        const bool is_left = k % 2 == 1;
        state[k].on = parent.goes_left == is_left ? previous.on : 0;
        state[k].goes_left = nodes[k].is_leaf() || trees_.goes_left(nodes[k], x);
        for (std::size_t p = 0; p < Pairs; ++p) {
            const Pair a = edge.weight * (1 - here[p]) + state[k].on * here[p];
            const Pair inverse = 1 / a;
            state[k].product[p] = parent.product[p] * (a * previous.inverse[p]);
            state[k].inverse[p] = inverse;
            state[k].gain[p] = (state[k].on - edge.weight) * inverse;
            state[k].sum[p] = state[k].product[p] * edge.leaf;
        }
    }
    for (std::size_t k = nodes.size() - 1; k > 0; --k) {
        const Edge &edge = edges[k];
        Pair part{};
        for (std::size_t p = 0; p < Pairs; ++p) {
            part += (state[k].gain[p] - state[edge.previous].gain[p]) * state[k].sum[p];
            state[edge.parent].sum[p] += state[k].sum[p];
        }
        contributions[edge.feature] += part[0] + part[1];
    }
}

template <std::size_t Pairs>
void Explainer::explain_all(const float *x, double *contributions) const {
    const std::unique_ptr<State<Pairs>[]> workspace(new State<Pairs>[largest_tree_]);
    for (std::size_t t = 0; t < trees_.size(); ++t) explain_tree<Pairs>(x, t, contributions, workspace.get());
}

void Explainer::explain(const float *x, double *contributions) const {
    std::fill_n(contributions, trees_.features, 0.0);
    switch (points_) {
        case 2: return explain_all<1>(x, contributions);
        case 4: return explain_all<2>(x, contributions);
        case 6: return explain_all<3>(x, contributions);
        case 8: return explain_all<4>(x, contributions);
        case 16: return explain_all<8>(x, contributions);
        default: return explain_all<16>(x, contributions);
    }
}

std::size_t Explainer::bytes() const { return sizeof(*this) + edges_.capacity() * sizeof(Edge); }

}  // namespace xsell::core
