#include "core/recommend/exclusions.hpp"

#include <algorithm>

namespace xsell::core {

Exclusions::Exclusions(std::size_t entities, const Csr &sellers, std::vector<Exclusion> rules)
    : sellers_(sellers), start_(entities + 1), product_stamp_(sellers.rows()) {
    const auto place = [](const Exclusion &rule) { return rule.entity == every ? 0 : rule.entity + std::uint64_t{1}; };
    std::stable_sort(rules.begin(), rules.end(), [&](const Exclusion &a, const Exclusion &b) { return place(a) < place(b); });
    std::uint32_t orgs = 0;
    for (const std::uint32_t org : sellers.column) {
        orgs = std::max(orgs, org + 1);
    }
    rules_.reserve(rules.size());
    std::size_t entity = 0;
    for (const Exclusion &rule : rules) {
        for (; entity < place(rule); ++entity) {
            start_[entity] = static_cast<std::uint32_t>(rules_.size());
        }
        if (rule.org == every || rule.org < orgs) {  // an org that sells nothing is barred from nothing
            rules_.push_back({rule.product, rule.org});
        }
    }
    for (; entity <= entities; ++entity) {
        start_[entity] = static_cast<std::uint32_t>(rules_.size());
    }
    org_stamp_.resize(orgs);
}

void Exclusions::apply(std::span<const Rule> rules) {
    for (const Rule &rule : rules) {
        if (rule.product == every && rule.org == every) {
            all_ = true;
        } else if (rule.org == every) {
            product_stamp_[rule.product] = now_;
        } else if (rule.product == every) {
            org_stamp_[rule.org] = now_;
        } else {
            pairs_.push_back(rule);
        }
    }
}

bool Exclusions::is_barred(std::uint32_t product) const {
    if (all_ || product_stamp_[product] == now_) {
        return true;
    }
    const auto named = [&](std::uint32_t org) {
        return std::any_of(pairs_.begin(), pairs_.end(),
                           [&](const Rule &rule) { return rule.product == product && rule.org == org; });
    };
    const auto orgs = sellers_.row(product);
    return std::all_of(orgs.begin(), orgs.end(), [&](std::uint32_t org) { return org_stamp_[org] == now_ || named(org); });
}

void Exclusions::mark(std::uint32_t entity, std::span<const std::uint32_t> products, std::vector<std::uint8_t> &barred) {
    ++now_;
    all_ = false;
    pairs_.clear();
    apply({rules_.data(), start_[0]});
    apply({rules_.data() + start_[entity], start_[entity + 1] - start_[entity]});
    barred.resize(products.size());
    std::transform(products.begin(), products.end(), barred.begin(),
                   [&](std::uint32_t product) { return static_cast<std::uint8_t>(is_barred(product)); });
}

}  // namespace xsell::core
