#include <gtest/gtest.h>

#include <random>

#include "core/features/cross_sell.hpp"
#include "core/recommend/exclusions.hpp"
#include "core/recommend/patch.hpp"
#include "core/recommend/selection.hpp"

using namespace xsell::core;

namespace {

std::vector<std::uint8_t> marks(Exclusions &exclusions, std::uint32_t entity, std::size_t products) {
    std::vector<std::uint32_t> all(products);
    for (std::uint32_t i = 0; i < products; ++i) all[i] = i;
    std::vector<std::uint8_t> barred;
    exclusions.mark(entity, all, barred);
    return barred;
}

// Every rule against every selling org, one by one.
bool barred_by_hand(const std::vector<Exclusion> &rules, const Csr &sellers, std::uint32_t entity, std::uint32_t product) {
    for (const std::uint32_t org : sellers.row(product)) {
        const bool said = std::any_of(rules.begin(), rules.end(), [&](const Exclusion &rule) {
            return (rule.entity == every || rule.entity == entity) && (rule.product == every || rule.product == product) &&
                   (rule.org == every || rule.org == org);
        });
        if (!said) return false;
    }
    return true;
}

TEST(Exclusions, NoRuleBarsOnlyWhatNobodySells) {
    const Csr sellers = make_csr(3, {{0, 1}, {2, 1}, {2, 2}});
    Exclusions exclusions(2, sellers, {});
    EXPECT_EQ(marks(exclusions, 0, 3), (std::vector<std::uint8_t>{0, 1, 0}));
}

TEST(Exclusions, AnotherOrgMayStillSell) {
    const Csr sellers = make_csr(2, {{0, 1}, {1, 1}, {1, 2}});
    Exclusions exclusions(2, sellers, {{1, every, 1}});
    EXPECT_EQ(marks(exclusions, 0, 2), (std::vector<std::uint8_t>{0, 0}));
    EXPECT_EQ(marks(exclusions, 1, 2), (std::vector<std::uint8_t>{1, 0}));
    EXPECT_EQ(marks(exclusions, 0, 2), (std::vector<std::uint8_t>{0, 0})) << "what held for another entity holds no more";
}

TEST(Exclusions, AnOrgThatSellsNothingCostsNothing) {
    const Csr sellers = make_csr(1, {{0, 1}});
    Exclusions exclusions(1, sellers, {{every, every, every - 1}, {0, every, 2}});
    EXPECT_EQ(marks(exclusions, 0, 1), (std::vector<std::uint8_t>{0}));
}

TEST(Exclusions, AgreesWithEveryRuleAgainstEverySeller) {
    std::mt19937 random(7);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    for (int round = 0; round < 200; ++round) {
        std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
        for (int i = 0; i < 12; ++i) pairs.emplace_back(below(6), 1 + below(3));
        const Csr sellers = make_csr(6, pairs);
        std::vector<Exclusion> rules;
        for (std::uint32_t i = below(8); i > 0; --i) {
            rules.push_back({below(3) ? below(4) : every, below(3) ? below(6) : every, below(3) ? 1 + below(4) : every});
        }
        Exclusions exclusions(4, sellers, rules);
        for (std::uint32_t entity = 0; entity < 4; ++entity) {
            const auto barred = marks(exclusions, entity, 6);
            for (std::uint32_t product = 0; product < 6; ++product) {
                EXPECT_EQ(barred[product] != 0, barred_by_hand(rules, sellers, entity, product));
            }
        }
    }
}

TEST(Selection, BestFirstTiesByPlace) {
    const double probability[] = {.1, .5, .5, .9, .2};
    const std::uint8_t barred[] = {0, 0, 0, 0, 0};
    Selection selection;
    select_best(probability, barred, 3, selection);
    EXPECT_EQ(selection.kept, (std::vector<std::uint32_t>{3, 1, 2}));
    EXPECT_TRUE(selection.barred.empty());
}

TEST(Selection, NamesWhatOnlyARuleKeepsOut) {
    const double probability[] = {.1, .5, .4, .9, .2};
    const std::uint8_t barred[] = {1, 0, 1, 1, 0};
    Selection selection;
    select_best(probability, barred, 2, selection);
    EXPECT_EQ(selection.kept, (std::vector<std::uint32_t>{1, 4}));
    EXPECT_EQ(selection.barred, (std::vector<std::uint32_t>{3, 2}));
    select_best(probability, barred, 3, selection);  // there is room for all
    EXPECT_EQ(selection.barred, (std::vector<std::uint32_t>{3, 2, 0}));
    select_best(probability, barred, 0, selection);
    EXPECT_TRUE(selection.kept.empty());
    EXPECT_TRUE(selection.barred.empty());
}

KnownWorld random_world(const std::vector<std::int64_t> &entities, std::uint32_t seed) {
    constexpr std::size_t products = 30;
    KnownWorld known;
    known.entities = entities;
    World &world = known.world;
    world.entity_features = 2;
    world.product_features = popularity_windows;
    world.active.assign(products, 1);
    std::mt19937 fixed(1);
    for (std::size_t i = 0; i < products; ++i) world.family.push_back(static_cast<std::int32_t>(fixed() % 4));
    for (std::size_t i = 0; i < products * popularity_windows; ++i)
        world.product_values.push_back(static_cast<float>(fixed() % 9));
    std::vector<std::pair<std::uint32_t, std::uint32_t>> held, serving;
    for (std::uint32_t e = 0; e < entities.size(); ++e) {
        std::mt19937 random(static_cast<std::uint32_t>(entities[e]) * 100 +
                            seed);  // an entity is the same in every world of a seed
        world.profiles.push_back({static_cast<std::int32_t>(random() % 3), static_cast<std::int32_t>(random() % 2),
                                  static_cast<double>(random() % 9), static_cast<double>(random() % 900),
                                  static_cast<double>(random() % 90)});
        world.eligible.push_back(1);
        world.entity_values.push_back(static_cast<float>(random() % 7));
        world.entity_values.push_back(static_cast<float>(random() % 7));
        for (int i = 0; i < 5; ++i) held.emplace_back(e, random() % products);
        serving.emplace_back(e, 1);
    }
    world.held = make_csr(entities.size(), held);
    for (std::size_t i = 0; i < world.held.column.size(); ++i)
        world.held_days.push_back(static_cast<float>(world.held.column[i] * 3));
    world.held_first = world.held_days;
    world.lost = make_csr(entities.size(), {});
    world.covered = make_csr(entities.size(), {});
    world.known = make_csr(entities.size(), serving);
    world.serving = make_csr(entities.size(), serving);
    world.selling = make_csr(products, {{0, 1}, {5, 1}});
    return known;
}

std::vector<float> all_rows(const KnownWorld &known) {
    CrossSell cross_sell(known.world, CandidateLimits{}, [] {});
    std::vector<float> result;
    for (std::uint32_t i = 0; i < known.entities.size(); ++i) {
        const auto rows = cross_sell.rows(i);
        result.insert(result.end(), rows.values.begin(), rows.values.end());
    }
    return result;
}

void expect_same_rows(const KnownWorld &a, const KnownWorld &b) {
    ASSERT_EQ(a.entities, b.entities);
    const auto x = all_rows(a);
    const auto y = all_rows(b);
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        ASSERT_TRUE(x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) << i;
    }
}

TEST(Patch, IsTheWorldWithTheChangesMadeThere) {
    const KnownWorld base = random_world({2, 4, 6, 8, 10, 12}, 0);
    // 4 and 12 are as in another world, 1 and 13 are new, 8 is gone, 6 was named and has not changed.
    const KnownWorld others = random_world({1, 4, 12, 13}, 5);
    const KnownWorld same = random_world({6}, 0);
    const KnownWorld changes = patched(others, same, std::vector<std::int64_t>{6}, 0);
    ASSERT_EQ(changes.entities, (std::vector<std::int64_t>{1, 4, 6, 12, 13}));
    const KnownWorld result = patched(base, changes, std::vector<std::int64_t>{1, 4, 6, 8, 12, 13}, 0);

    KnownWorld expected = random_world({1, 2, 4, 6, 10, 12, 13}, 0);
    const KnownWorld changed = random_world({1, 2, 4, 6, 10, 12, 13}, 5);
    for (const std::size_t i : {0, 2, 5, 6}) {
        expected.world.profiles[i] = changed.world.profiles[i];
        std::copy_n(changed.world.entity_values.begin() + static_cast<std::ptrdiff_t>(i * 2), 2,
                    expected.world.entity_values.begin() + static_cast<std::ptrdiff_t>(i * 2));
    }
    std::vector<std::pair<std::uint32_t, std::uint32_t>> held;
    for (std::uint32_t i = 0; i < 7; ++i) {
        const World &from = i == 0 || i == 2 || i == 5 || i == 6 ? changed.world : expected.world;
        for (const std::uint32_t product : from.held.row(i)) held.emplace_back(i, product);
    }
    expected.world.held = make_csr(7, held);
    expected.world.held_days.clear();
    for (const std::uint32_t product : expected.world.held.column)
        expected.world.held_days.push_back(static_cast<float>(product * 3));
    expected.world.held_first = expected.world.held_days;
    expect_same_rows(result, expected);
}

TEST(Patch, OthersGrowOlder) {
    const KnownWorld base = random_world({1, 2}, 0);
    const KnownWorld changes = random_world({2}, 0);
    const KnownWorld result = patched(base, changes, std::vector<std::int64_t>{2}, 1.5);
    EXPECT_EQ(result.world.profiles[0].age_days, base.world.profiles[0].age_days + 1.5);
    EXPECT_EQ(result.world.profiles[0].idle_days, base.world.profiles[0].idle_days + 1.5);
    ASSERT_EQ(result.world.held_days.size(), result.world.held.column.size());
    EXPECT_EQ(result.world.held_days.front(), base.world.held_days.front() + 1.5f);
    EXPECT_EQ(result.world.held_days.back(), changes.world.held_days.back());
    EXPECT_EQ(result.world.profiles[1].age_days, base.world.profiles[1].age_days);
}

}  // namespace
