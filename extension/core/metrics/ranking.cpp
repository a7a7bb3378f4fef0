#include "core/metrics/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_set>

#include "core/error.hpp"

namespace xsell::core {
namespace {

std::vector<std::uint32_t> ranked_order(const RankingRows &rows) {
    const std::size_t n = rows.entity.size();
    if (rows.product.size() != n || rows.label.size() != n || rows.score.size() != n) {
        throw Error(Kind::bad_argument, "the columns of a ranking differ in length");
    }
    std::vector<std::uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        if (rows.entity[a] != rows.entity[b]) {
            return rows.entity[a] < rows.entity[b];
        }
        if (rows.score[a] != rows.score[b]) {
            return rows.score[a] > rows.score[b];
        }
        return rows.product[a] < rows.product[b];
    });
    return order;
}

double discount(std::size_t position) { return 1.0 / std::log2(static_cast<double>(position) + 2.0); }

AtK measure(std::span<const std::uint8_t> ranked, int k, int targets) {
    const std::size_t best = static_cast<std::size_t>(std::min(k, targets));
    double hits = 0, gain = 0, ideal = 0, precisions = 0;
    for (std::size_t i = 0; i < best; ++i) {
        ideal += discount(i);
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(ranked.size(), static_cast<std::size_t>(k)); ++i) {
        if (ranked[i]) {
            hits += 1;
            gain += discount(i);
            precisions += hits / static_cast<double>(i + 1);
        }
    }
    const auto reachable = static_cast<double>(best);
    return {hits / k, hits / reachable, gain / ideal, precisions / reachable, hits > 0 ? 1.0 : 0.0};
}

// The labels of each entity's rows in ranked order, and the products that reach somebody's top k.
struct Lists {
    std::map<std::int64_t, std::vector<std::uint8_t>> label;
    std::vector<double> coverage;
};

Lists lists(const RankingRows &rows, std::span<const int> ks) {
    Lists result;
    std::unordered_set<std::int64_t> all(rows.product.begin(), rows.product.end());
    std::vector<std::unordered_set<std::int64_t>> shown(ks.size());
    for (const std::uint32_t row : ranked_order(rows)) {
        auto &labels = result.label[rows.entity[row]];
        for (std::size_t j = 0; j < ks.size(); ++j) {
            if (static_cast<int>(labels.size()) < ks[j]) {
                shown[j].insert(rows.product[row]);
            }
        }
        labels.push_back(rows.label[row]);
    }
    for (const auto &products : shown) {
        result.coverage.push_back(all.empty() ? 0.0 : static_cast<double>(products.size()) / static_cast<double>(all.size()));
    }
    return result;
}

}  // namespace

Ranking rank(const RankingRows &rows, std::span<const Target> targets, std::span<const int> ks) {
    if (std::any_of(ks.begin(), ks.end(), [](int k) { return k < 1; })) {
        throw Error(Kind::bad_argument, "k must be at least 1");
    }
    Lists ranked = lists(rows, ks);
    std::map<std::int64_t, int> count;
    for (const Target &target : targets) {
        count[target.entity] = target.count;
    }
    for (const auto &[entity, labels] : ranked.label) {  // a hit is a target, whatever the list of targets says
        const auto hits = static_cast<int>(std::count_if(labels.begin(), labels.end(), [](std::uint8_t l) { return l != 0; }));
        if (hits > 0) {
            count[entity] = std::max(count[entity], hits);
        }
    }
    Ranking result;
    result.at.resize(ks.size());
    result.coverage = std::move(ranked.coverage);
    for (const auto &[entity, n] : count) {
        if (n < 1) {
            continue;
        }
        const auto found = ranked.label.find(entity);
        const std::span<const std::uint8_t> labels =
            found == ranked.label.end() ? std::span<const std::uint8_t>{} : found->second;
        result.entity.push_back(entity);
        const auto hits = std::count_if(labels.begin(), labels.end(), [](std::uint8_t l) { return l != 0; });
        result.reached.push_back(static_cast<double>(hits) / n);
        for (std::size_t j = 0; j < ks.size(); ++j) {
            result.at[j].push_back(measure(labels, ks[j], n));
        }
    }
    return result;
}

}  // namespace xsell::core
