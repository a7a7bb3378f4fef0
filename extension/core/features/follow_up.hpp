// What is bought how long after what: a product that many buy some months after another one is due for those who bought the other
// that long ago.
#pragma once
#include <vector>

#include "core/features/affinity.hpp"
#include "core/features/csr.hpp"

namespace xsell::core {

struct FollowUpOptions {
    float bucket_days = 30;
    std::size_t buckets = 12;  // the last holds every longer lag
    std::size_t reach = 6;     // buckets from the present lag on that count together: what comes next, not what came just now
    double shrinkage = 3;      // purchases by chance added to either side
    std::size_t basket_limit = 500;  // entities that hold more say nothing about what follows what
};

class FollowUps {
  public:
    // `first_days`: since each held pair was first bought, in the order of `held`; empty where that is not known. Follows the
    // rules of `affinity` and no other pairs of products.
    FollowUps(const Csr &held, std::span<const float> first_days, const Csr &by_product, const Affinity &affinity,
              const FollowUpOptions &options, const Checkpoint &checkpoint);

    // For each product: log of how many times as often as others those buy it who got one of the held products as long ago; of
    // the one that says most, 0 where none makes it likelier. `result` has one entry a product.
    void due(std::span<const std::uint32_t> held, std::span<const float> first_days, std::span<float> result) const;

  private:
    std::size_t bucket(float days) const;

    const Affinity &affinity_;
    FollowUpOptions options_;
    std::vector<float> lift_;  // per rule of the affinity, in its order, and bucket
};

}  // namespace xsell::core
