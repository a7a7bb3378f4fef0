#include "core/scoring/explain.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <span>

// Per leaf, the Shapley value of feature i is leaf * (o_i - w_i) * integral over t in (0, 1) of the product over the other
// features of the path of a_j(t) = w_j (1 - t) + o_j t, where o says whether the row follows all the feature's edges and w is
// the share of training rows that do. A quadrature with n points is exact for paths of up to 2 n features, so the cost grows with
// the nodes and half the depth, never with powers of it.
//
// All leaves below an edge share what its edges above say. With P the product of a over the features above and G the sum, over
// the leaves below the edge, of the leaf times the product of a / b further down, the edge adds P G (o u - w v) / b^2 to its
// feature, where u, v and b stand for w, o and a of the feature's edge further up, or for 1 where there is none. Once the row has
// left a feature's edges (v = 0), later ones add nothing and only dilute. So P is carried down each tree once, and G up again.
namespace xsell::core {

namespace {

using Pair = double __attribute__((vector_size(16)));

// Keeps 1 / b^2 finite where no training row followed an edge; such leaves then weigh nothing.
constexpr double smallest_weight = 1e-100;

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

bool is_twig(std::span<const Node> nodes, std::size_t k) {
    return nodes[nodes[k].left()].is_leaf() && nodes[nodes[k].left() + 1].is_leaf();
}

struct Sizes {
    std::size_t splits = 0, twigs = 0, leaves = 0;
};

// Nobody asks for the value of a tree of one leaf again: it is in the base.
Sizes sizes_of(const Trees &trees) {
    Sizes sizes;
    for (std::size_t t = 0; t < trees.size(); ++t) {
        const std::span<const Node> nodes = trees.tree(t);
        for (std::size_t k = 0; k < nodes.size(); ++k) {
            if (nodes[k].is_leaf()) continue;
            const bool twig = is_twig(nodes, k);
            sizes.twigs += twig;
            sizes.splits += !twig;
            sizes.leaves += !twig && (nodes[nodes[k].left()].is_leaf() || nodes[nodes[k].left() + 1].is_leaf());
        }
    }
    return sizes;
}

// Without branches: half of them would go wrong.
bool goes_left(float v, float threshold, bool default_left) { return (v < threshold) | ((v != v) & default_left); }
double when(bool condition, double v) {
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(v) & (std::uint64_t{0} - condition));
}

}  // namespace

template <std::size_t Pairs>
struct Explainer::Points {
    Pair portion[Pairs];
    Pair here[Pairs];  // t
    Pair rest[Pairs];  // 1 - t
};

// Of a node and the edge that enters it.
template <std::size_t Pairs>
struct Explainer::State {
    Pair product[Pairs];  // P times the point's portion; on the way up, that over b^2
    Pair factor[Pairs];   // a / b
    Pair below[Pairs];    // G
    double weight;
    double on;    // o: 1 if the row follows all edges of the feature so far, else 0
    double gain;  // o u - w v
};

Explainer::Explainer(const Forest &forest) : trees_(forest.nodes()), base_(forest.base_margin()) {
    const Sizes sizes = sizes_of(trees_);
    splits_.reserve(sizes.splits);
    twigs_.reserve(sizes.twigs);
    leaves_.reserve(sizes.leaves);
    first_.reserve(trees_.size() + 1);
    for (std::size_t t = 0; t < trees_.size(); ++t) add_tree(t);
    first_.push_back({static_cast<std::uint32_t>(splits_.size()), static_cast<std::uint32_t>(twigs_.size()),
                      static_cast<std::uint32_t>(leaves_.size())});
    const std::size_t needed = (longest_path_ + 1) / 2;
    for (const std::size_t offered : {2, 4, 6, 8, 12, 16, 32, 64}) {
        points_ = offered;
        if (offered >= needed) break;  // beyond 128 features a path, 64 points are exact to rounding for hundreds more
    }
    for (const double root : legendre_roots(points_)) {
        const double slope = legendre(points_, root).slope;
        position_.push_back((1 + root) / 2);
        portion_.push_back(1 / ((1 - root * root) * slope * slope));
    }
}

void Explainer::add_tree(std::size_t t) {
    // The edge that enters a node, and how many different features its path has.
    struct Edge {
        double share, weight;
        std::uint32_t parent, path;
    };
    const std::span<const Node> nodes = trees_.tree(t);
    const float *cover = &trees_.cover[trees_.first_node[t]];
    largest_tree_ = std::max(largest_tree_, nodes.size());
    first_.push_back({static_cast<std::uint32_t>(splits_.size()), static_cast<std::uint32_t>(twigs_.size()),
                      static_cast<std::uint32_t>(leaves_.size())});
    std::vector<Edge> edges(nodes.size(), Edge{1, 1, 0, 0});
    if (nodes[0].is_leaf()) base_ += nodes[0].value;
    for (std::uint32_t k = 0; k < nodes.size(); ++k) {
        if (nodes[k].is_leaf()) continue;
        const std::size_t feature = nodes[k].feature();
        const std::uint32_t left = nodes[k].left();
        std::uint32_t previous = k;
        while (previous != 0 && nodes[edges[previous].parent].feature() != feature) previous = edges[previous].parent;
        for (std::uint32_t child = left; child < left + 2; ++child) {
            // Covers are read from blobs: no share of a node may be more than the node.
            const double ratio = cover[k] > 0 ? std::min(static_cast<double>(cover[child]) / cover[k], 1.0) : 0.5;
            edges[child] = {edges[k].share * ratio, std::max(edges[previous].weight * ratio, smallest_weight), k,
                            edges[k].path + (previous == 0)};
            if (nodes[child].is_leaf()) base_ += edges[child].share * nodes[child].value;
        }
        longest_path_ = std::max<std::size_t>(longest_path_, edges[left].path);
        const double weight[] = {edges[left].weight, edges[left + 1].weight};
        const float value[] = {nodes[left].value, nodes[left + 1].value};
        if (is_twig(nodes, k)) {
            twigs_.push_back({weight[0] * value[0] + weight[1] * value[1],
                              {value[0], value[1]},
                              nodes[k].value,
                              k,
                              previous,
                              static_cast<std::uint16_t>(feature),
                              nodes[k].default_left()});
            continue;
        }
        splits_.push_back({{weight[0], weight[1]},
                           nodes[k].value,
                           k,
                           left,
                           previous,
                           static_cast<std::uint16_t>(feature),
                           nodes[k].default_left()});
        for (const std::uint32_t side : {0u, 1u}) {
            if (nodes[left + side].is_leaf()) leaves_.push_back({value[side], left + side});
        }
    }
    // Twigs need no order, and like this the branch on it is foreseeable.
    std::stable_partition(twigs_.begin() + first_.back().twigs, twigs_.end(),
                          [](const Twig &twig) { return twig.previous == 0; });
}

template <std::size_t Pairs>
void Explainer::descend(const float *x, std::size_t t, const Points<Pairs> &all, State<Pairs> *state) const {
    state[0].weight = state[0].on = 1;  // what stands in for no earlier edge
    std::copy_n(all.portion, Pairs, state[0].product);
    const Points<Pairs> points = all;
    for (const Split &split : std::span(splits_).subspan(first_[t].splits, first_[t + 1].splits - first_[t].splits)) {
        State<Pairs> &node = state[split.at], &left = state[split.left], &right = state[split.left + 1];
        const bool is_left = goes_left(x[split.feature], split.threshold, split.default_left);
        const double weight = state[split.previous].weight, on = state[split.previous].on;
        const double left_weight = split.weight[0], right_weight = split.weight[1];
        const double left_on = when(is_left, on), right_on = when(!is_left, on);
        left.weight = left_weight;
        right.weight = right_weight;
        left.on = left_on;
        right.on = right_on;
        left.gain = left_on * weight - left_weight * on;
        right.gain = right_on * weight - right_weight * on;
#pragma GCC unroll 4
        for (std::size_t p = 0; p < Pairs; ++p) {
            const Pair product = node.product[p];
            Pair to_left = left_weight * points.rest[p] + left_on * points.here[p];
            Pair to_right = right_weight * points.rest[p] + right_on * points.here[p];
            if (split.previous != 0) {
                const Pair inverse = 1 / (weight * points.rest[p] + on * points.here[p]);
                to_left *= inverse;
                to_right *= inverse;
                node.product[p] = product * inverse * inverse;
            }
            left.factor[p] = to_left;
            right.factor[p] = to_right;
            left.product[p] = product * to_left;
            right.product[p] = product * to_right;
        }
    }
}

template <std::size_t Pairs>
void Explainer::finish_twigs(const float *x, std::size_t t, const Points<Pairs> &all, State<Pairs> *state,
                             double *contributions) const {
    const Points<Pairs> points = all;
    for (const Twig &twig : std::span(twigs_).subspan(first_[t].twigs, first_[t + 1].twigs - first_[t].twigs)) {
        State<Pairs> &node = state[twig.at];
        const double leaf = twig.leaf[!goes_left(x[twig.feature], twig.threshold, twig.default_left)];
        const double weight = state[twig.previous].weight, on = state[twig.previous].on;
        Pair sum{};
#pragma GCC unroll 4
        for (std::size_t p = 0; p < Pairs; ++p) {
            const Pair below = twig.mean * points.rest[p] + on * leaf * points.here[p];
            if (twig.previous == 0) {
                node.below[p] = below;
                sum += node.product[p];
            } else {
                const Pair inverse = 1 / (weight * points.rest[p] + on * points.here[p]);
                node.below[p] = below * inverse;
                sum += node.product[p] * inverse * inverse;
            }
        }
        contributions[twig.feature] += on * (weight * leaf - twig.mean) * (sum[0] + sum[1]);
    }
}

template <std::size_t Pairs>
void Explainer::ascend(std::size_t t, State<Pairs> *state, double *contributions) const {
    for (std::size_t i = first_[t].leaves; i < first_[t + 1].leaves; ++i) {
        for (Pair &below : state[leaves_[i].at].below) below = Pair{} + leaves_[i].value;
    }
    const Split *const splits = splits_.data() + first_[t].splits;
    for (std::size_t s = first_[t + 1].splits - first_[t].splits; s-- > 0;) {
        const Split &split = splits[s];
        State<Pairs> &node = state[split.at];
        const State<Pairs> &left = state[split.left], &right = state[split.left + 1];
        Pair sum{};
#pragma GCC unroll 4
        for (std::size_t p = 0; p < Pairs; ++p) {
            node.below[p] = left.factor[p] * left.below[p] + right.factor[p] * right.below[p];
            sum += node.product[p] * (left.gain * left.below[p] + right.gain * right.below[p]);
        }
        contributions[split.feature] += sum[0] + sum[1];
    }
}

template <std::size_t Pairs>
void Explainer::explain_all(const float *x, double *contributions) const {
    const auto state = std::make_unique_for_overwrite<State<Pairs>[]>(largest_tree_);
    Points<Pairs> points;
    for (std::size_t p = 0; p < Pairs; ++p) {
        points.portion[p] = Pair{portion_[2 * p], portion_[2 * p + 1]};
        points.here[p] = Pair{position_[2 * p], position_[2 * p + 1]};
        points.rest[p] = 1 - points.here[p];
    }
    for (std::size_t t = 0; t < trees_.size(); ++t) {
        descend(x, t, points, state.get());
        finish_twigs(x, t, points, state.get(), contributions);
        ascend(t, state.get(), contributions);
    }
}

void Explainer::explain(const float *x, double *contributions) const {
    std::fill_n(contributions, trees_.features, 0.0);
    switch (points_) {
        case 2: return explain_all<1>(x, contributions);
        case 4: return explain_all<2>(x, contributions);
        case 6: return explain_all<3>(x, contributions);
        case 8: return explain_all<4>(x, contributions);
        case 12: return explain_all<6>(x, contributions);
        case 16: return explain_all<8>(x, contributions);
        case 32: return explain_all<16>(x, contributions);
        default: return explain_all<32>(x, contributions);
    }
}

std::size_t Explainer::bytes_for(const Forest &forest) {
    const Sizes sizes = sizes_of(forest.nodes());
    return sizeof(Explainer) + sizes.splits * sizeof(Split) + sizes.twigs * sizeof(Twig) + sizes.leaves * sizeof(Leaf) +
           (forest.trees() + 1) * sizeof(Range);
}

std::size_t Explainer::bytes() const {
    return sizeof(*this) + splits_.capacity() * sizeof(Split) + twigs_.capacity() * sizeof(Twig) +
           leaves_.capacity() * sizeof(Leaf) + first_.capacity() * sizeof(Range);
}

}  // namespace xsell::core
