// Which products go with which: co-occurrence in what entities hold, capped to the closest neighbours of each product.
#pragma once
#include <vector>

#include "core/features/csr.hpp"

namespace xsell::core {

struct Neighbour {
    std::uint32_t product;  // the product that this one speaks for
    float cosine;           // shrunk cosine of the two columns of the holding matrix
    float lift;             // shrunk: how many times more often together than by chance
    float confidence;       // share of the holders of the one who hold the other too
};

struct AffinityOptions {
    std::size_t neighbours = 50;
    double cosine_shrinkage = 0;      // 0: half the mean number of holders, at most 100
    double lift_shrinkage = 5;        // holders added to either side: two chance buyers make no rule
    std::size_t basket_limit = 2000;  // entities that hold more say nothing about what goes together
};

// How much a held pair counts, one entry a pair of each matrix in its order; empty where every pair counts 1.
struct HeldWeights {
    std::vector<float> by_entity;
    std::vector<float> by_product;
};

// For each product i: the products j whose closest neighbours i belongs to, with the strength of the rule i -> j.
class Affinity {
  public:
    Affinity(const Csr &by_entity, const Csr &by_product, const HeldWeights &weights, const AffinityOptions &options,
             const Checkpoint &checkpoint);

    std::span<const Neighbour> from(std::size_t product) const {
        return {rules_.data() + start_[product], start_[product + 1] - start_[product]};
    }

  private:
    std::vector<std::uint32_t> start_;
    std::vector<Neighbour> rules_;
};

struct Association {
    float score = 0;  // sum of cosines over what the entity holds
    float lift_max = 0;
    float confidence_max = 0;
};

// What an entity's holdings say about every product; `result` has one entry a product.
void associate(const Affinity &affinity, std::span<const std::uint32_t> held, std::span<Association> result);
void associate(const Affinity &affinity, std::span<const std::uint32_t> held, std::span<float> scores);

}  // namespace xsell::core
