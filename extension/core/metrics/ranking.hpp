// How good a ranking of products is for each entity that bought something: precision, recall, NDCG, MAP, hit rate at k.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace xsell::core {

// Candidate rows of one ranker, in columns; in any order.
struct RankingRows {
    std::span<const std::int64_t> entity;
    std::span<const std::int64_t> product;
    std::span<const std::uint8_t> label;
    std::span<const double> score;
};

// How many products the entity went on to buy, whether they were candidates or not.
struct Target {
    std::int64_t entity;
    std::int32_t count;
};

struct AtK {
    double precision;
    double recall;  // hits / min(k, targets)
    double ndcg;
    double average_precision;
    double hit;
};

// Every candidate of an entity is ranked by descending score, ties by the lower product; entities without a target do not count.
struct Ranking {
    std::vector<std::int64_t> entity;  // those with a target, ascending
    std::vector<std::vector<AtK>> at;  // [index of k][entity]
    std::vector<double> reached;       // share of an entity's targets that are among its candidates
    std::vector<double> coverage;      // [index of k]: share of the candidate products that are in somebody's top k
};

Ranking rank(const RankingRows &rows, std::span<const Target> targets, std::span<const int> ks);

}  // namespace xsell::core
