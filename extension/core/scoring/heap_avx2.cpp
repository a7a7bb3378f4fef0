// The heap kernel with vectors of 32 bytes: 32 rows against a tree, or a row against 32 trees.
#if defined(__x86_64__)

#include <immintrin.h>

#define XSELL_TARGET __attribute__((target("avx2")))
#define XSELL_WIDTH 32
#include "core/scoring/heap_bytes.hpp"

namespace xsell::core {

namespace {

constexpr std::size_t group_trees = 32;
constexpr std::size_t max_row_slots = 64;  // four registers of 16; beyond them a row is walked without vectors

// The same node of 32 trees side by side.
struct alignas(64) TreeGroup {
    std::uint8_t slot[heap_size][group_trees];
    std::int8_t threshold[heap_size][group_trees];
};

// Tests of one row in 32 trees. AVX2 looks up 16 bytes at a time, so the upper bits of the slot choose among four lookups.
struct RowTests {
    __m256i bytes[4];
    const TreeGroup *group;
    XSELL_INLINE Bytes taken(int node) const {
        const __m256i slot = _mm256_load_si256(reinterpret_cast<const __m256i *>(group->slot[node]));
        const __m256i bit4 = _mm256_slli_epi16(slot, 3);
        const __m256i bit5 = _mm256_slli_epi16(slot, 2);
        const __m256i low = _mm256_blendv_epi8(_mm256_shuffle_epi8(bytes[0], slot), _mm256_shuffle_epi8(bytes[1], slot), bit4);
        const __m256i high = _mm256_blendv_epi8(_mm256_shuffle_epi8(bytes[2], slot), _mm256_shuffle_epi8(bytes[3], slot), bit4);
        const __m256i value = _mm256_blendv_epi8(low, high, bit5);
        const __m256i threshold = _mm256_load_si256(reinterpret_cast<const __m256i *>(group->threshold[node]));
        return reinterpret_cast<Bytes>(_mm256_cmpgt_epi8(value, threshold));
    }
};

XSELL_TARGET float score_row(const Heaps &heaps, const std::vector<TreeGroup> &groups, const float *x) {
    alignas(64) std::int8_t bytes[max_row_slots + 1] = {};
    quantise_row(heaps, x, bytes);
    RowTests tests;
    for (std::size_t i = 0; i < 4; ++i) {
        tests.bytes[i] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i *>(bytes + 16 * i)));
    }
    float lane[lanes] = {};
    for (std::size_t g = 0; g < groups.size(); ++g) {
        tests.group = &groups[g];
        alignas(64) std::int8_t number[group_trees];
        *reinterpret_cast<Bytes *>(number) = leaf_numbers(tests);
        const HeapTree *tree = &heaps.trees[group_trees * g];
        for (std::size_t i = 0; i < group_trees; ++i) lane[i % lanes] += tree[i].leaf[number[i]];
    }
    return fold(lane) + heaps.base_margin;
}

class HeapAvx2 final : public Evaluator {
  public:
    explicit HeapAvx2(const Trees &trees) : heaps_(trees) {
        if (heaps_.slots.count > max_row_slots) return;
        groups_.resize((heaps_.count + group_trees - 1) / group_trees);
        for (std::size_t t = 0; t < groups_.size() * group_trees; ++t) {
            for (std::size_t node = 0; node < heap_size; ++node) {
                TreeGroup &group = groups_[t / group_trees];
                group.slot[node][t % group_trees] = heaps_.trees[t].slot[node];
                group.threshold[node][t % group_trees] = heaps_.trees[t].threshold[node];
            }
        }
    }

    float row(const float *x) const override {
        return heaps_.slots.count > max_row_slots ? heap_row(heaps_, x) : score_row(heaps_, groups_, x);
    }
    void block(const float *x, std::size_t stride, std::size_t rows, float *out) const override {
        heap_block(heaps_, x, stride, rows, out);
    }
    std::size_t bytes() const override { return heaps_.bytes() + groups_.capacity() * sizeof(TreeGroup); }

  private:
    Heaps heaps_;
    std::vector<TreeGroup> groups_;
};

}  // namespace

bool has_avx2() { return __builtin_cpu_supports("avx2"); }

std::unique_ptr<const Evaluator> make_heap_avx2(const Trees &trees) { return std::make_unique<HeapAvx2>(trees); }

}  // namespace xsell::core

#else

#include "core/scoring/evaluator.hpp"

namespace xsell::core {

bool has_avx2() { return false; }

std::unique_ptr<const Evaluator> make_heap_avx2(const Trees &trees) { return make_heap_portable(trees); }

}  // namespace xsell::core

#endif
