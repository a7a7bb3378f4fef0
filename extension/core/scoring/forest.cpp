#include "core/scoring/forest.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace xsell::core {

namespace {

std::unique_ptr<const Evaluator> make_evaluator(const Trees &trees, Kernel kernel) {
    switch (kernel) {
        case Kernel::heap_portable: return make_heap_portable(trees);
        case Kernel::heap_avx2: return make_heap_avx2(trees);
        case Kernel::heap_avx512: return make_heap_avx512(trees);
        default: return make_walker(trees);
    }
}

}  // namespace

Forest::Forest(Trees trees, Kernel kernel) : trees_(std::move(trees)), kernel_(kernel), fits_heap_(fits_heap(trees_)) {
    if (kernel_ == Kernel::automatic) {
        for (const Kernel best : {Kernel::heap_avx512, Kernel::heap_avx2, Kernel::heap_portable, Kernel::walker}) {
            if (fits(best)) {
                kernel_ = best;
                break;
            }
        }
    }
    if (!fits(kernel_)) throw Error(Kind::bad_argument, "this forest cannot run on that kernel here");
    evaluator_ = make_evaluator(trees_, kernel_);
    trees_.cuts = {};
    trees_.first_cut = {};
    trees_.rank = {};
}

std::unique_ptr<const Forest> Forest::load(std::span<const std::byte> blob, Kernel kernel) {
    return std::unique_ptr<const Forest>(new Forest(read_forest(blob), kernel));
}

bool Forest::fits(Kernel kernel) const {
    switch (kernel) {
        case Kernel::heap_portable: return fits_heap_;
        case Kernel::heap_avx2: return has_avx2() && fits_heap_;
        case Kernel::heap_avx512: return has_avx512() && fits_heap_;
        default: return true;
    }
}

std::size_t Forest::depth() const {
    return trees_.depth.empty() ? 0 : *std::max_element(trees_.depth.begin(), trees_.depth.end());
}

void Forest::margins(const float *x, std::size_t stride, std::size_t rows, float *out) const {
    for (std::size_t done = 0; done < rows; done += block_rows) {
        evaluator_->block(x + done * stride, stride, std::min(block_rows, rows - done), out + done);
    }
}

std::size_t Forest::leaf(std::size_t tree, const float *x) const {
    const std::span<const Node> nodes = trees_.tree(tree);
    std::size_t at = 0;
    while (!nodes[at].is_leaf()) at = nodes[at].left() + (nodes[at].goes_left(x) ? 0 : 1);
    return at;
}

std::size_t Forest::bytes() const {
    return sizeof(*this) + trees_.nodes.capacity() * sizeof(Node) + trees_.cover.capacity() * sizeof(float) +
           (trees_.first_node.capacity() + trees_.depth.capacity()) * sizeof(std::uint32_t) + evaluator_->bytes();
}

}  // namespace xsell::core
