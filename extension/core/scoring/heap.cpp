#include "core/scoring/heap.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace xsell::core {

namespace {

CutTable make_table(std::span<const float> cuts) {
    CutTable table;
    std::fill(std::begin(table.cut), std::end(table.cut), std::numeric_limits<float>::quiet_NaN());
    std::copy(cuts.begin(), cuts.end(), table.cut);
    for (int i = 0; i < 16; ++i) table.pivot[i] = table.cut[16 * i + 15];
    return table;
}

// A leaf above the last level keeps going left, so its value lies under its leftmost descendant.
void fill(HeapTree &heap, const Slots &slots, const Trees &trees, std::uint32_t first, std::uint32_t at, std::size_t place) {
    const Node &node = trees.nodes[first + at];
    if (node.is_leaf()) {
        while (place < heap_size) place *= 2;
        heap.leaf[place - heap_size] = node.value;
        return;
    }
    heap.slot[place] = static_cast<std::uint8_t>(slots.place(node));
    heap.threshold[place] = static_cast<std::int8_t>(static_cast<int>(trees.rank[first + at]) + byte_lowest);
    fill(heap, slots, trees, first, node.left(), 2 * place);
    fill(heap, slots, trees, first, node.left() + 1, 2 * place + 1);
}

}  // namespace

bool fits_heap(const Trees &trees) {
    for (const std::uint32_t depth : trees.depth) {
        if (depth > heap_depth) return false;
    }
    for (std::uint32_t f = 0; f < trees.features; ++f) {
        if (trees.cuts_of(f).size() > max_cuts) return false;
    }
    return Slots(trees).count <= max_slots;
}

Heaps::Heaps(const Trees &forest) : slots(forest), count(forest.size()), base_margin(forest.base_margin) {
    for (const Slot &slot : slots.used) tables.push_back(make_table(forest.cuts_of(slot.feature)));
    HeapTree nothing{};
    std::memset(nothing.threshold, byte_highest, sizeof nothing.threshold);
    trees.assign((count + 63) / 64 * 64, nothing);
    for (std::size_t t = 0; t < count; ++t) fill(trees[t], slots, forest, forest.first_node[t], 0, 1);
}

std::size_t Heaps::bytes() const {
    return sizeof(*this) + tables.capacity() * sizeof(CutTable) + trees.capacity() * sizeof(HeapTree);
}

void fold_block(float (*lane)[block_rows], float base_margin, std::size_t rows, float *out) {
    for (std::size_t half = lanes / 2; half > 0; half /= 2) {
        for (std::size_t i = 0; i < half; ++i) {
            for (std::size_t r = 0; r < block_rows; ++r) lane[i][r] += lane[i + half][r];
        }
    }
    for (std::size_t r = 0; r < rows; ++r) out[r] = lane[0][r] + base_margin;
}

}  // namespace xsell::core
