// Which candidates may not be offered: rules over (entity, product, org), any of which may stand for all, and who sells what.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/features/csr.hpp"

namespace xsell::core {

constexpr std::uint32_t every = UINT32_MAX;

// Positions, or `every`.
struct Exclusion {
    std::uint32_t entity;
    std::uint32_t product;
    std::uint32_t org;
};

class Exclusions {
  public:
    // sellers: orgs by product. A product without one cannot be offered.
    Exclusions(std::size_t entities, const Csr &sellers, std::vector<Exclusion> rules);

    // Says for each product of an entity (ascending or not) whether no org may offer it.
    void mark(std::uint32_t entity, std::span<const std::uint32_t> products, std::vector<std::uint8_t> &barred);

  private:
    struct Rule {
        std::uint32_t product;
        std::uint32_t org;
    };
    void apply(std::span<const Rule> rules);
    bool is_barred(std::uint32_t product) const;

    const Csr &sellers_;
    std::vector<Rule> rules_;           // those of every entity first, then by entity
    std::vector<std::uint32_t> start_;  // of each entity's own
    // What holds for the entity at hand; stamps instead of clearing.
    std::uint32_t now_ = 0;
    bool all_ = false;
    std::vector<std::uint32_t> product_stamp_;
    std::vector<std::uint32_t> org_stamp_;
    std::vector<Rule> pairs_;
};

}  // namespace xsell::core
