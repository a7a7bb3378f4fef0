// Feature rows for pairs (entity, product) that could be cross-sold: chooses the candidates of each entity and puts pair, product
// and entity features side by side.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/features/affinity.hpp"
#include "core/features/csr.hpp"
#include "core/features/follow_up.hpp"
#include "core/features/lookalike.hpp"
#include "core/features/patterns.hpp"
#include "core/features/segment.hpp"
#include "core/features/segment_lift.hpp"

namespace xsell::core {

// Features of the pair itself, in this order at the beginning of a row.
enum PairFeature : std::size_t {
    association_score,
    association_lift_max,
    association_confidence_max,
    lookalike_share,
    lookalike_similarity,  // six of them
    family_share = lookalike_similarity + similarities,
    same_org_sells,
    ease_score,
    ease_recent,
    ease_recent_z,  // standard deviations above the entity's mean
    ease_share,
    cosine_recent,
    demand_recent,
    affinity_fit,
    affinity_rank,  // among the candidates of the entity, from 1
    follow_up,
    industry_lift,
    size_lift,
    country_lift,
    demand_share,
    known_org_sells,
    lost_days,
    choice_share,
    pair_features
};
constexpr std::size_t popularity_windows = 4;  // the first product features: how many entities bought it in 7, 30, 60 days, ever

// What is known at one time. Positions, not ids: entity i is row i of everything of entities, product j of everything of
// products.
struct World {
    std::vector<Profile> profiles;
    std::vector<std::uint8_t> eligible;  // per entity: may be sold to
    std::size_t entity_features = 0;
    std::vector<float> entity_values;  // rows of entity_features values, NaN where unknown
    std::vector<std::uint8_t> active;  // per product: may be sold
    std::vector<std::int32_t> family;  // per product, below 0 unknown
    std::size_t product_features = 0;
    std::vector<float> product_values;
    Csr held;                       // products by entity
    std::vector<float> held_days;   // per pair of `held`, in its order: since it was last bought; empty where that is not known
    std::vector<float> held_first;  // likewise: since it was first bought
    Csr lost;                       // products that it was offered in vain
    std::vector<float> lost_days;   // per pair of `lost`: since then
    Csr covered;                    // products that an open deal of the entity is about
    Csr serving;                    // orgs by entity: who sold it something
    Csr known;                      // orgs by entity: who has an account of it
    Csr selling;                    // orgs by product
};

struct CandidateLimits {
    std::size_t total = 200;
    std::size_t by_popularity = 20;  // of each window; always candidates, so that whoever ranks by popularity ranks the same set
    std::size_t by_fit = 60;
    std::size_t by_association = 20;
    std::size_t by_lookalike = 20;
    std::size_t by_segment = 10;  // most held in the entity's industry, and in its country; what is left goes by fit
};

class CrossSell {
  public:
    // `patterns`: learned before, from at least what world.held holds; where there are none, they are learned from that.
    CrossSell(const World &world, const CandidateLimits &limits, const Checkpoint &checkpoint,
              std::shared_ptr<const Patterns> patterns = nullptr);

    std::size_t width() const { return pair_features + world_.product_features + world_.entity_features; }

    // Candidates of one entity, ascending, and their rows one after the other; both are overwritten by the next call.
    struct Rows {
        std::span<const std::uint32_t> products;
        std::span<const float> values;
    };
    Rows rows(std::uint32_t entity);
    // The nearest entities to the one that rows() was last called for, best first.
    std::span<const Lookalike> lookalikes() const { return lookalikes_; }

  private:
    void choose(std::uint32_t entity);
    void close(std::uint32_t entity);
    void take_best(std::span<const std::uint32_t> order, std::size_t count, std::size_t total);
    template <class Score>
    void take_best_by(Score score, std::size_t count);
    void take_rest();
    void rank();
    void fill(std::uint32_t entity);
    void share_out();
    void fill_pair(std::uint32_t entity, std::uint32_t product, float *row) const;
    float family_part(std::uint32_t entity, std::uint32_t product) const;
    std::span<const float> first_days(std::uint32_t entity) const;
    std::span<const float> fresh(std::uint32_t entity) const;

    const World &world_;
    CandidateLimits limits_;
    Csr by_product_;
    std::vector<float> fresh_;
    std::shared_ptr<const Patterns> patterns_;
    LookalikeFinder finder_;
    std::vector<std::vector<std::uint32_t>> popular_;  // products by popularity, one order a window
    Segments by_industry_;
    Segments by_country_;
    FollowUps follow_ups_;
    SegmentLifts industry_lifts_;
    SegmentLifts size_lifts_;
    SegmentLifts country_lifts_;
    Suggestions suggestions_;
    std::vector<Resemblance> resemblance_;
    std::span<const Lookalike> lookalikes_;
    std::vector<std::uint32_t> family_count_;
    enum class State : std::uint8_t { open, closed, taken };
    std::vector<State> open_;  // of every product while nothing is known of the entity
    std::vector<State> state_;
    std::vector<std::uint64_t> ordered_;
    std::vector<std::uint32_t> scratch_;
    std::vector<std::uint32_t> chosen_;
    std::vector<float> rank_;
    std::vector<float> demand_;        // log(1 + fresh purchases)
    std::vector<float> demand_share_;  // log of each product's share of what was bought for the first time lately
    std::vector<float> due_;           // as follow_up, of every product
    std::vector<float> chance_;        // as chosen_
    std::vector<float> values_;
};

}  // namespace xsell::core
