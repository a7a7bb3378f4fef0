// The kernel for any shape: the nodes as they were loaded, without data-dependent branches, eight walks in flight.
#include <algorithm>
#include <limits>

#include "core/scoring/blob.hpp"
#include "core/scoring/evaluator.hpp"

namespace xsell::core {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
// Enough to hide the latency of the loads, few enough for the registers.
constexpr std::size_t in_flight = 8;
// Blocks of more copies than this would no longer stay in the cache, nor on the stack.
constexpr std::size_t max_block_slots = 512;

// NaN becomes what goes left in the one copy and what goes right in the other.
inline float left_copy(float v) { return v != v ? -infinity : v; }
inline float right_copy(float v) { return v != v ? infinity : v; }

class Walker final : public Evaluator {
  public:
    explicit Walker(const Trees &trees) : trees_(trees) {}

    float row(const float *x) const override {
        float copies[1 + 2 * max_features];
        copies[0] = not_a_number;
        for (std::size_t f = 0; f < trees_.features; ++f) {
            copies[1 + 2 * f] = right_copy(x[f]);
            copies[2 + 2 * f] = left_copy(x[f]);
        }
        float lane[lanes] = {};
        for (std::size_t t = 0; t < trees_.size(); t += in_flight) walk_trees(t, copies, lane + t % lanes);
        return fold(lane) + trees_.base_margin;
    }

    void block(const float *x, std::size_t stride, std::size_t rows, float *out) const override {
        if (trees_.slots() > max_block_slots) {
            for (std::size_t r = 0; r < rows; ++r) out[r] = row(x + r * stride);
            return;
        }
        alignas(64) float copies[max_block_slots][block_rows];
        std::fill_n(copies[0], trees_.slots() * block_rows, not_a_number);
        for (std::size_t f = 0; f < trees_.features; ++f) {
            for (std::size_t r = 0; r < rows; ++r) {
                const float v = x[r * stride + f];
                copies[1 + 2 * f][r] = right_copy(v);
                copies[2 + 2 * f][r] = left_copy(v);
            }
        }
        alignas(64) float lane[lanes][block_rows] = {};
        for (std::size_t t = 0; t < trees_.size(); ++t) {
            for (std::size_t r = 0; r < rows; r += in_flight) walk_rows(t, &copies[0][r], &lane[t % lanes][r]);
        }
        for (std::size_t r = 0; r < rows; ++r) {
            float of_row[lanes];
            for (std::size_t i = 0; i < lanes; ++i) of_row[i] = lane[i][r];
            out[r] = fold(of_row) + trees_.base_margin;
        }
    }

    std::size_t bytes() const override { return sizeof(*this); }

  private:
    // One row in the trees from `first` on, one for each lane.
    void walk_trees(std::size_t first, const float *copies, float *lane) const {
        const Node *root[in_flight];
        std::uint32_t at[in_flight] = {};
        std::uint32_t depth = 0;
        const Node nothing{};
        for (std::size_t i = 0; i < in_flight; ++i) {
            const bool is_tree = first + i < trees_.size();
            root[i] = is_tree ? &trees_.nodes[trees_.first_node[first + i]] : &nothing;
            if (is_tree) depth = std::max(depth, trees_.depth[first + i]);
        }
        for (std::uint32_t d = 0; d < depth; ++d) {
#pragma GCC unroll 8
            for (std::size_t i = 0; i < in_flight; ++i) {
                const Node node = root[i][at[i]];
                at[i] = node.left() + static_cast<std::uint32_t>(copies[node.slot()] >= node.value);
            }
        }
        for (std::size_t i = 0; i < in_flight; ++i) lane[i] += root[i][at[i]].value;
    }

    // Eight rows in one tree; copies are block_rows apart.
    void walk_rows(std::size_t t, const float *copies, float *lane) const {
        const Node *root = &trees_.nodes[trees_.first_node[t]];
        std::uint32_t at[in_flight] = {};
        for (std::uint32_t d = 0; d < trees_.depth[t]; ++d) {
#pragma GCC unroll 8
            for (std::size_t i = 0; i < in_flight; ++i) {
                const Node node = root[at[i]];
                at[i] = node.left() + static_cast<std::uint32_t>(copies[node.slot() * block_rows + i] >= node.value);
            }
        }
        for (std::size_t i = 0; i < in_flight; ++i) lane[i] += root[at[i]].value;
    }

    const Trees &trees_;
};

}  // namespace

std::unique_ptr<const Evaluator> make_walker(const Trees &trees) { return std::make_unique<Walker>(trees); }

}  // namespace xsell::core
