// Lookalikes: the most similar entities by the mean of six similarities, and what they hold.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "core/features/csr.hpp"

namespace xsell::core {

// What two entities are compared by. NaN or a code below 0 means unknown, and unknown is neither alike nor different.
struct Profile {
    std::int32_t industry = -1;
    std::int32_t country = -1;
    double log_employees = 0;
    double age_days = 0;   // since the entity was first known
    double idle_days = 0;  // since its last activity
};

enum Similarity : std::size_t {
    industry_match,
    size_compatibility,
    geographic_proximity,
    product_complementarity,
    customer_maturity,
    activity_alignment
};
constexpr std::size_t similarities = 6;
using PairSimilarity = std::array<float, similarities>;

// Each between 0 and 1. `shared` products are held by both, `apart` by one of the two.
PairSimilarity pair_similarity(const Profile &a, const Profile &b, std::size_t shared, std::size_t apart);
float mean(const PairSimilarity &similarity);

struct Lookalike {
    std::uint32_t entity;
    float weight;  // mean of the six
    PairSimilarity similarity;
};

struct LookalikeOptions {
    std::size_t neighbours = 50;
    std::size_t comparisons = 2000;  // others that one entity is compared with, its own industry and country first
};

class LookalikeFinder {
  public:
    LookalikeFinder(std::span<const Profile> profiles, const Csr &by_entity, const Csr &by_product,
                    const LookalikeOptions &options);

    // The nearest entities, best first, ties by the lower position.
    std::span<const Lookalike> nearest(std::uint32_t entity);

  private:
    void count_shared(std::uint32_t entity, std::size_t first, std::size_t window);
    void weigh(std::uint32_t entity, std::size_t first, std::size_t window);

    const Csr &by_entity_;
    LookalikeOptions options_;
    std::vector<std::uint32_t> order_;  // entities by industry, country, position
    std::vector<std::uint32_t> place_;  // where each stands in that order
    Csr places_by_product_;             // holders of a product as places, ascending
    // What entities are compared by, one array each, by place, with room for a whole vector behind the last.
    std::vector<std::int32_t> industry_, country_;
    std::vector<float> size_, age_, idle_, products_;
    std::vector<float> shared_;           // products in common, within the window
    std::vector<float> weight_;           // within the window
    std::vector<std::uint64_t> ordered_;  // by weight, then entity
    std::vector<Lookalike> found_;
};

struct Resemblance {
    float share = 0;              // weighted share of the lookalikes who hold the product
    PairSimilarity similarity{};  // weighted means over those who hold it
};

// What an entity's lookalikes hold; `result` has one entry a product.
void resemble(std::span<const Lookalike> lookalikes, const Csr &by_entity, std::span<Resemblance> result);

}  // namespace xsell::core
