#include "core/features/dense.hpp"

#include <algorithm>

#include "core/scoring/evaluator.hpp"

namespace xsell::core {
namespace {

// The inverse of one small block, by sweeping its diagonal; in double, as everything else is built on it.
void invert_block(const float *from, std::size_t stride, float *inverse) {
    constexpr std::size_t n = dense_block;
    std::vector<double> a(n * n);
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j <= i; ++j) {
            a[i * n + j] = a[j * n + i] = from[i * stride + j];
        }
    }
    std::vector<double> column(n);
    for (std::size_t k = 0; k < n; ++k) {
        const double pivot = a[k * n + k];
        for (std::size_t i = 0; i < n; ++i) {
            column[i] = a[i * n + k];
        }
        for (std::size_t i = 0; i < n; ++i) {
            const double factor = column[i] / pivot;
            for (std::size_t j = 0; j < n; ++j) {
                a[i * n + j] -= factor * column[j];
            }
        }
        for (std::size_t i = 0; i < n; ++i) {
            a[i * n + k] = a[k * n + i] = column[i] / pivot;
        }
        a[k * n + k] = -1 / pivot;
    }
    std::transform(a.begin(), a.end(), inverse, [](double value) { return static_cast<float>(-value); });
}

// The sweep operator by blocks: swept of every block, a matrix is the negative of its inverse. Symmetric all the way, so that the
// lower triangle is enough.
class Sweep {
  public:
    Sweep(std::vector<float> &matrix, std::size_t n, const Dense &dense)
        : a_(matrix.data()), n_(n), dense_(dense), across_(n * dense_block), down_(n * dense_block), scaled_(n * dense_block) {}

    void block(std::size_t first) {
        invert_block(a_ + first * n_ + first, n_, inverse_);
        gather(first);
        std::fill(scaled_.begin(), scaled_.end(), 0.0f);
        dense_.multiply(down_.data(), inverse_, scaled_.data(), n_);
        dense_.downdate(scaled_.data(), across_.data(), a_, n_);
        scatter(first);
    }

  private:
    // The block's columns, lying and standing; its own square stays zero, so that the update leaves it alone.
    void gather(std::size_t first) {
        for (std::size_t j = 0; j < n_; ++j) {
            for (std::size_t k = 0; k < dense_block; ++k) {
                const bool own = j >= first && j < first + dense_block;
                const float value = own ? 0 : j < first ? a_[(first + k) * n_ + j] : a_[j * n_ + first + k];
                down_[j * dense_block + k] = value;
                across_[k * n_ + j] = value;
            }
        }
    }

    void scatter(std::size_t first) {
        for (std::size_t j = 0; j < n_; ++j) {
            for (std::size_t k = 0; k < dense_block; ++k) {
                const bool own = j >= first && j < first + dense_block;
                const float value = own ? -inverse_[(j - first) * dense_block + k] : scaled_[j * dense_block + k];
                (j < first ? a_[(first + k) * n_ + j] : a_[j * n_ + first + k]) = value;
            }
        }
    }

    float *a_;
    std::size_t n_;
    const Dense &dense_;
    std::vector<float> across_, down_, scaled_;
    float inverse_[dense_block * dense_block];
};

}  // namespace

const Dense &best_dense() { return has_avx512() ? dense_avx512() : has_avx2() ? dense_avx2() : dense_portable(); }

void invert(std::vector<float> &matrix, std::size_t n, const Dense &dense, const std::function<void()> &checkpoint) {
    Sweep sweep(matrix, n, dense);
    for (std::size_t first = 0; first < n; first += dense_block) {
        checkpoint();
        sweep.block(first);
    }
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j <= i; ++j) {
            matrix[i * n + j] = matrix[j * n + i] = -matrix[i * n + j];
        }
    }
}

}  // namespace xsell::core
