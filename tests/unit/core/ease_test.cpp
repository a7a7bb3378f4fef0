#include "core/features/ease.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cstring>
#include <random>

#include "core/error.hpp"
#include "core/features/dense.hpp"
#include "core/features/patterns.hpp"
#include "core/features/segment.hpp"
#include "core/scoring/evaluator.hpp"

namespace xsell::core {
namespace {

const auto none = [] {};

// What every kernel must find, and what a reference in double says.
struct Definite {
    std::size_t n;
    std::vector<float> matrix;
    Eigen::MatrixXd inverse;
};

Definite definite(std::size_t n) {
    std::mt19937 random(static_cast<unsigned>(n));
    Eigen::MatrixXd x(n, n);
    for (Eigen::Index i = 0; i < x.size(); ++i) {
        x.data()[i] = static_cast<double>(random() % 1000) / 1000 - 0.5;
    }
    const Eigen::MatrixXf a = (x * x.transpose() + 10 * Eigen::MatrixXd::Identity(x.rows(), x.cols())).cast<float>();
    return {n, {a.data(), a.data() + a.size()}, a.cast<double>().inverse()};
}

TEST(Dense, InvertsLikeAReferenceAndWithTheSameBitsOnEveryKernel) {
    for (const std::size_t n : {dense_block, 3 * dense_block}) {
        const Definite expected = definite(n);
        std::vector<float> portable = expected.matrix;
        invert(portable, n, dense_portable(), none);
        for (std::size_t i = 0; i < n * n; ++i) {
            ASSERT_NEAR(portable[i], expected.inverse.data()[i], 1e-6);
        }
        const auto same = [&](const Dense &dense) {
            std::vector<float> other = expected.matrix;
            invert(other, n, dense, none);
            EXPECT_EQ(std::memcmp(other.data(), portable.data(), n * n * sizeof(float)), 0);
        };
        if (has_avx2()) {
            same(dense_avx2());
        }
        if (has_avx512()) {
            same(dense_avx512());
        }
    }
}

TEST(Dense, StopsWhenToldTo) {
    Definite some = definite(2 * dense_block);
    int calls = 0;
    EXPECT_THROW(invert(some.matrix, some.n, best_dense(),
                        [&] {
                            if (++calls == 2) {
                                throw Error(Kind::cancelled, "stop");
                            }
                        }),
                 Error);
}

// 300 entities, 90 products, held with weights.
struct Held {
    std::size_t products = 90;
    Csr by_entity;
    std::vector<float> weight;
    Eigen::MatrixXd x, weighted;

    Held() {
        std::mt19937 random(7);
        std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
        for (std::uint32_t entity = 0; entity < 300; ++entity) {
            for (std::uint32_t i = 0; i < 2 + random() % 8; ++i) {
                pairs.emplace_back(entity, (entity % 3 * 30 + random() % 40) % 90);
            }
        }
        by_entity = make_csr(300, pairs);
        x = weighted = Eigen::MatrixXd::Zero(300, 90);
        for (std::uint32_t entity = 0; entity < 300; ++entity) {
            for (const std::uint32_t product : by_entity.row(entity)) {
                weight.push_back(static_cast<float>(1 + random() % 8) / 8);
                x(entity, product) = 1;
                weighted(entity, product) = static_cast<double>(weight.back());
            }
        }
    }

    std::span<const float> weight_of(std::uint32_t entity) const {
        return std::span(weight).subspan(by_entity.start[entity], by_entity.row(entity).size());
    }
};

// B of the closed form, its diagonal nought.
Eigen::MatrixXd closed_form(const Eigen::MatrixXd &x, double ridge) {
    const Eigen::MatrixXd p = (x.transpose() * x + ridge * Eigen::MatrixXd::Identity(x.cols(), x.cols())).inverse();
    Eigen::MatrixXd b = -p * p.diagonal().cwiseInverse().asDiagonal();
    b.diagonal().setZero();
    return b;
}

void expect_closed_form(const Held &held, const Eigen::MatrixXd &x, std::span<const float> weight) {
    const EaseOptions options;
    const Ease ease = make_ease(held.by_entity, weight, held.products, options, none);
    const double ridge = options.ridge * (x.transpose() * x).trace() / 300;
    const Eigen::RowVectorXd mean = x.colwise().mean();
    const Eigen::MatrixXd plain_b = closed_form(x, ridge);
    const Eigen::MatrixXd centred_b = closed_form(x.rowwise() - mean, ridge);
    std::vector<float> plain(held.products), centred(held.products), scratch;
    for (const std::uint32_t entity : {0u, 17u, 299u}) {
        ease.score(held.by_entity.row(entity), weight.empty() ? weight : held.weight_of(entity), plain, centred, scratch);
        const Eigen::RowVectorXd expected = x.row(entity) * plain_b;
        const Eigen::RowVectorXd share = mean + (x.row(entity) - mean) * centred_b;
        for (std::uint32_t product = 0; product < held.products; ++product) {
            if (held.x(entity, product) == 0) {
                EXPECT_NEAR(plain[product], expected(product), 1e-5);
                EXPECT_NEAR(centred[product], share(product), 1e-5);
            }
        }
    }
}

TEST(Ease, ClosedForm) {
    const Held held;
    expect_closed_form(held, held.x, {});
}

TEST(Ease, ClosedFormOfWeightedHoldings) {
    const Held held;
    expect_closed_form(held, held.weighted, held.weight);
}

TEST(Ease, BeyondTheLimitOnlyTheMostHeldAreKnown) {
    const Held held;
    EaseOptions options;
    options.products = 50;
    const Ease ease = make_ease(held.by_entity, {}, held.products, options, none);
    ASSERT_EQ(ease.product.size(), 50u);
    const Eigen::RowVectorXd holders = held.x.colwise().sum();
    std::vector<float> plain(held.products, 9), centred(held.products, 9), scratch;
    ease.score(held.by_entity.row(3), {}, plain, centred, scratch);
    double least_known = 1e9, most_unknown = 0;
    for (std::uint32_t product = 0; product < held.products; ++product) {
        const bool known = std::binary_search(ease.product.begin(), ease.product.end(), product);
        (known ? least_known : most_unknown) =
            known ? std::min(least_known, holders(product)) : std::max(most_unknown, holders(product));
        EXPECT_TRUE(known || (plain[product] == 0 && centred[product] == 0));
    }
    EXPECT_GE(least_known, most_unknown);
}

TEST(Ease, NothingHeldAndNoProducts) {
    std::vector<float> plain(3), centred(3), scratch;
    make_ease(make_csr(2, {}), {}, 3, {}, none).score({}, {}, plain, centred, scratch);
    EXPECT_EQ(plain, std::vector<float>(3));
    EXPECT_EQ(centred, std::vector<float>(3));
    EXPECT_EQ(make_ease(make_csr(0, {}), {}, 0, {}, none).padded, 0u);
}

TEST(Freshness, HalvesAndVanishesWithoutDates) {
    const std::vector<float> days{10, 50, 90};
    const std::vector<float> fresh = freshness(days);
    EXPECT_FLOAT_EQ(fresh[0], 1);
    EXPECT_FLOAT_EQ(fresh[1], 0.5f);
    EXPECT_FLOAT_EQ(fresh[2], 0.25f);
    EXPECT_EQ(freshness(std::vector<float>(3, 4000)), std::vector<float>(3, 1));
    EXPECT_TRUE(freshness({}).empty());
}

TEST(Freshness, TransposesAsHoldingsDo) {
    const Csr matrix = make_csr(2, {{0, 0}, {0, 2}, {1, 0}, {1, 1}});
    EXPECT_EQ(transposed(matrix, std::vector<float>{1, 2, 3, 4}, 3), (std::vector<float>{1, 3, 4, 2}));
}

TEST(Suggestions, WithoutDatesWhatIsFreshIsWhatIsHeld) {
    const Held held;
    const Csr by_product = transpose(held.by_entity, held.products);
    const std::vector<float> same(held.weight.size(), 1);
    const Patterns patterns = learn_patterns(held.by_entity, same, by_product, none);
    Suggestions suggestions(held.products);
    suggestions.of(patterns, held.by_entity.row(5), std::span(same).first(held.by_entity.row(5).size()));
    double sum = 0, squares = 0, count = 0;
    for (std::uint32_t product = 0; product < held.products; ++product) {
        EXPECT_FLOAT_EQ(suggestions.ease(product), suggestions.recent_ease(product));
        if (held.x(5, product) == 0) {
            const double z = suggestions.recent_ease_z(product);
            sum += z;
            squares += z * z;
            ++count;
        }
    }
    EXPECT_NEAR(sum / count, 0, 1e-5);
    EXPECT_NEAR(squares / count, 1, 1e-4);
}

TEST(Suggestions, WhatIsHeldTogetherFitsBest) {
    // Two ranges of three products; entity 0 holds two of the first.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs{{0, 0}, {0, 1}};
    for (std::uint32_t entity = 1; entity < 40; ++entity) {
        for (std::uint32_t i = 0; i < 3; ++i) {
            pairs.emplace_back(entity, entity % 2 * 3 + i);
        }
    }
    const Csr held = make_csr(40, pairs);
    const Patterns patterns = learn_patterns(held, {}, transpose(held, 6), none);
    Suggestions suggestions(6);
    suggestions.of(patterns, held.row(0), {});
    for (const std::uint32_t other : {3u, 4u, 5u}) {
        EXPECT_GT(suggestions.fit(2), suggestions.fit(other));
    }
}

TEST(Segments, MostHeldFirstAndSmallOnesSayNothing) {
    std::vector<std::int32_t> code(30, 1);
    code[29] = 2;
    code[28] = -1;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t entity = 0; entity < 30; ++entity) {
        pairs.emplace_back(entity, 3);
        if (entity % 2 == 0) {
            pairs.emplace_back(entity, 1);
            pairs.emplace_back(entity, 0);
        }
    }
    const Segments segments(code, make_csr(30, pairs), 4, 2);
    ASSERT_EQ(segments.popular(1).size(), 2u);
    EXPECT_EQ(segments.popular(1)[0], 3u);
    EXPECT_EQ(segments.popular(1)[1], 0u);
    for (const std::int32_t other : {-1, 0, 2, 99}) {
        EXPECT_TRUE(segments.popular(other).empty());
    }
}

}  // namespace
}  // namespace xsell::core
