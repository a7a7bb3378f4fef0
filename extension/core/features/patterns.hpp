// What goes with what, learned from everything that is held at one time, and what that says about one entity.
#pragma once
#include <array>
#include <vector>

#include "core/features/affinity.hpp"
#include "core/features/csr.hpp"
#include "core/features/ease.hpp"

namespace xsell::core {

// How much each held pair still counts: half as much for every 40 days since it was last bought, beside the freshest of all.
// Where nothing is dated, or everything is as old, all count the same.
constexpr double half_life_days = 40;
std::vector<float> freshness(std::span<const float> held_days);
std::vector<float> transposed(const Csr &matrix, std::span<const float> weight,
                              std::size_t columns);  // in the order of transpose()

// Depends on nothing but the holdings: learned once, used for any entity.
struct Patterns {
    Affinity affinity;
    Affinity recent_affinity;  // of fresh purchases
    Ease ease;
    Ease recent_ease;
    std::vector<float> demand;  // per product: its fresh purchases
};
Patterns learn_patterns(const Csr &held, std::span<const float> fresh, const Csr &by_product, const Checkpoint &checkpoint);

// Scores of every product for one entity.
class Suggestions {
  public:
    explicit Suggestions(std::size_t products);

    void of(const Patterns &patterns, std::span<const std::uint32_t> held, std::span<const float> fresh);

    std::span<const Association> association() const { return association_; }
    float ease(std::uint32_t product) const { return ease_[product]; }
    float recent_ease(std::uint32_t product) const { return recent_ease_[product]; }
    float recent_ease_z(std::uint32_t product) const { return (recent_ease_[product] - recent_.mean) * recent_.scale; }
    float recent_share(std::uint32_t product) const { return recent_share_[product]; }
    float recent_cosine(std::uint32_t product) const { return recent_cosine_[product]; }
    // The order of the heuristic: how far above what is usual for this entity, in standard deviations: EASE on everything held,
    // EASE as a linear probability on what is fresh, fresh co-purchases (none in a small catalogue) and half of fresh demand.
    float fit(std::uint32_t product) const { return fit_[product]; }

  private:
    struct Standard {
        float mean = 0;
        float scale = 0;  // 1 / standard deviation, 0 where all are alike
    };
    Standard blend(std::span<float> scores, std::span<const std::uint32_t> held, float factor);

    std::size_t products_;
    std::vector<Association> association_;
    std::vector<float> ease_, share_, recent_ease_, recent_share_, recent_cosine_, demand_, fit_;  // padded to whole vectors
    std::vector<float> scratch_;
    Standard recent_;
};

}  // namespace xsell::core
