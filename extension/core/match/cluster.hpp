// Clusters of records out of scored pairs: average linkage, so that a chain of look-alikes does not become one customer.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace xsell::core {

struct Link {
    std::int64_t a, b;
    double score;  // 0 to 1
};

struct Clustering {
    double join_at = 0.5;   // clusters are joined while their average score is at least so much
    double unscored = 0.3;  // what a pair counts that nobody scored: it shared no key
};

struct Membership {
    std::int64_t node;
    std::int64_t cluster;  // the lowest node in it
};

// One entry for each node that a link of any sort names, in ascending order. `must` links join whatever the scores say, the
// highest first; no cluster holds both ends of a `cannot` link, not even for a must. The order of the input does not matter.
std::vector<Membership> cluster(std::span<const Link> scored, std::span<const Link> must, std::span<const Link> cannot,
                                const Clustering &options, const std::function<void()> &checkpoint);

}  // namespace xsell::core
