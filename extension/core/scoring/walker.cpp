// The kernel for any shape: node arrays without data-dependent branches, sixteen trees in flight.
#include <limits>

#include "core/scoring/blob.hpp"
#include "core/scoring/evaluator.hpp"
#include "core/scoring/slots.hpp"

namespace xsell::core {

namespace {

// A leaf points to itself and its threshold is NaN, so that further steps stay there.
struct Step {
    float threshold;
    std::uint32_t left;
    std::uint32_t slot;
};

// The trees 16 g to 16 g + 15, one for each lane.
struct Group {
    std::uint32_t root[lanes];
    std::uint32_t depth;
};

class Walker final : public Evaluator {
  public:
    explicit Walker(const Trees &trees) : slots_(trees), base_margin_(trees.base_margin) {
        steps_.reserve(trees.nodes.size() + 1);
        leaves_.reserve(trees.nodes.size() + 1);
        add_leaf(0);  // what an empty lane of the last group rests on
        for (std::size_t t = 0; t < trees.size(); ++t) {
            if (t % lanes == 0) groups_.push_back({});
            Group &group = groups_.back();
            group.root[t % lanes] = static_cast<std::uint32_t>(steps_.size());
            group.depth = std::max(group.depth, trees.depth[t]);
            add_tree(trees, t);
        }
    }

    float row(const float *x) const override {
        float copies[2 * max_features + 1];
        for (const Slot &slot : slots_.used) {
            const float v = x[slot.feature];
            const bool missing = v != v;
            copies[slot.left] = missing ? -infinity : v;
            copies[slot.right] = missing ? infinity : v;
        }
        float lane[lanes] = {};
        for (const Group &group : groups_) walk(group, copies, lane);
        return fold(lane) + base_margin_;
    }

    void block(const float *x, std::size_t stride, std::size_t rows, float *out) const override {
        for (std::size_t r = 0; r < rows; ++r) out[r] = row(x + r * stride);
    }

    std::size_t bytes() const override {
        return sizeof(*this) + steps_.capacity() * sizeof(Step) + leaves_.capacity() * sizeof(float) +
               groups_.capacity() * sizeof(Group);
    }

  private:
    static constexpr float infinity = std::numeric_limits<float>::infinity();

    void add_leaf(float value) {
        steps_.push_back({std::numeric_limits<float>::quiet_NaN(), static_cast<std::uint32_t>(steps_.size()), 0});
        leaves_.push_back(value);
    }

    void add_tree(const Trees &trees, std::size_t t) {
        const auto root = static_cast<std::uint32_t>(steps_.size());
        for (const Node &node : trees.tree(t)) {
            if (node.is_leaf()) {
                add_leaf(node.leaf());
            } else {
                steps_.push_back({trees.threshold(node), root + node.left, slots_.place(node)});
                leaves_.push_back(0);
            }
        }
    }

    void walk(const Group &group, const float *copies, float *lane) const {
        const Step *steps = steps_.data();
        // Eight at a time: enough to hide the latency of the loads, few enough for the registers.
        for (std::size_t from = 0; from < lanes; from += 8) {
            std::uint32_t at[8];
            for (std::size_t i = 0; i < 8; ++i) at[i] = group.root[from + i];
            for (std::uint32_t d = 0; d < group.depth; ++d) {
#pragma GCC unroll 8
                for (std::size_t i = 0; i < 8; ++i) {
                    const Step &step = steps[at[i]];
                    at[i] = step.left + static_cast<std::uint32_t>(copies[step.slot] >= step.threshold);
                }
            }
            for (std::size_t i = 0; i < 8; ++i) lane[from + i] += leaves_[at[i]];
        }
    }

    Slots slots_;
    std::vector<Step> steps_;
    std::vector<float> leaves_;
    std::vector<Group> groups_;
    float base_margin_;
};

}  // namespace

std::unique_ptr<const Evaluator> make_walker(const Trees &trees) { return std::make_unique<Walker>(trees); }

}  // namespace xsell::core
