#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "core/error.hpp"
#include "core/match/address.hpp"
#include "core/match/cluster.hpp"
#include "core/match/matcher.hpp"
#include "core/match/name.hpp"
#include "core/match/rule.hpp"

namespace xsell::core {
namespace {

const auto none = [] {};

std::string noise(std::mt19937 &random, std::size_t longest) {
    static const std::vector<std::string> pieces{"a", "Z",    "é",    "ß", "Ж", "щ",  "Ω",   "ώ",    "株", " ",    ".", "-",
                                                 "&", "\xff", "\xc3", "0", "7", "st", "Inc", "GmbH", "\n", "🙂", "'", "/"};
    std::string text;
    for (std::size_t i = random() % (longest + 1); i > 0; --i) {
        text += pieces[random() % pieces.size()];
    }
    return text;
}

RecordInput any_input(std::mt19937 &random) {
    const char *kinds[] = {"company", "person", "household"};
    RecordInput input;
    input.kind = kinds[random() % 3];
    for (std::string *field : {&input.name, &input.domain, &input.phone, &input.street, &input.postal, &input.city,
                               &input.country, &input.birth_date, &input.registration, &input.industry}) {
        *field = noise(random, 12);
    }
    input.employees = random() % 2 ? static_cast<double>(random() % 1000) : -1;
    return input;
}

RecordInput nothing() {
    RecordInput input;
    input.kind = "company";
    return input;
}

TEST(MatchRecords, AnythingIsComparedTotallyAndSymmetrically) {
    std::mt19937 random(1);
    for (int i = 0; i < 3000; ++i) {
        const Record a = parse_record(prepare(any_input(random)));
        const Record b = i % 3 ? parse_record(prepare(any_input(random))) : a;
        const PairFeatures f = compare(a, b);
        EXPECT_EQ(f, compare(b, a));
        for (std::size_t k = 0; k < pair_features; ++k) {
            EXPECT_TRUE(f[k] >= 0 && f[k] <= 1) << pair_feature_name(k) << ' ' << f[k];
        }
        const double score = match_score(a, b, {});
        EXPECT_EQ(score, match_score(b, a, {}));
        EXPECT_TRUE(score >= 0 && score <= 1);
        EXPECT_FALSE(match_reason(f).empty());
        if (a.text[kind] != b.text[kind]) {
            EXPECT_EQ(score, 0);
        }
    }
}

TEST(MatchRecords, PreparingTwiceChangesNothingAndKeysFollowTheRecord) {
    std::mt19937 random(2);
    for (int i = 0; i < 2000; ++i) {
        const RecordInput input = any_input(random);
        const RecordTexts once = prepare(input);
        EXPECT_EQ(once, prepare(input));
        const auto keys = blocking_keys(parse_record(once));
        EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
        EXPECT_EQ(std::set<std::int64_t>(keys.begin(), keys.end()).size(), keys.size());
        RecordInput other = input;
        other.kind = input.kind == "company" ? "person" : "company";
        for (const std::int64_t key : blocking_keys(parse_record(prepare(other)))) {
            EXPECT_FALSE(std::binary_search(keys.begin(), keys.end(), key)) << "kinds share a key";
        }
    }
    EXPECT_TRUE(blocking_keys(parse_record(prepare(nothing()))).empty());
}

TEST(MatchRecords, NothingIsNotTheSameAsNothing) {
    const Record nobody = parse_record(prepare(nothing()));
    const PairFeatures f = compare(nobody, nobody);
    EXPECT_EQ(std::count(f.begin(), f.end(), 0.0), static_cast<std::ptrdiff_t>(pair_features));
    EXPECT_LT(match_score(nobody, nobody, {}), 0.1);
}

TEST(MatchRecords, OtherNumbersAreOthers) {
    const auto score = [](const char *a, const char *b) {
        RecordInput x = nothing();
        RecordInput y = nothing();
        x.name = a;
        y.name = b;
        return match_score(parse_record(prepare(x)), parse_record(prepare(y)), {});
    };
    EXPECT_LT(score("Household c1008", "Household c1080"), 0.1);
    EXPECT_LT(score("Acme Northern Store 101", "Acme Northern Store 102"), 0.1);
    EXPECT_GT(score("Acme Northern Store 101", "Acme Northern Store 101"), 0.5);
    EXPECT_GT(score("Acme Northern Stores 101", "Acme Northern Store 101 Ltd"), 0.5);
}

TEST(MatchRecords, ScriptsComeTogether) {
    EXPECT_EQ(normalize_name("ООО Ромашка"), "romashka");
    EXPECT_EQ(normalize_name("Щука"), "shchuka");
    EXPECT_EQ(normalize_name("Ελληνική ΩΜΕΓΑ"), "elliniki omega");
    EXPECT_EQ(normalize_name("Łódź Øre Straße"), "lodz ore strasse");
}

TEST(MatchRecords, Addresses) {
    for (const auto *text : {"221 E. 51st St., Suite 3", "221 East 51 Street", "221 E 51ST"}) {
        const Address address = parse_address(text);
        EXPECT_EQ(address.number, "221");
        EXPECT_EQ(address.street, "51");
    }
    EXPECT_EQ(parse_address("Hauptstr. 12a").street, parse_address("Hauptstraße 12 a").street);
    EXPECT_EQ(parse_address("27 Washington Oak Park IL 60302").postal, "60302");
    EXPECT_EQ(postal_key("60302-1234"), "60302");
    EXPECT_EQ(postal_key("sw1a 1aa"), "sw1a1aa");
}

TEST(MatchRecords, Similarities) {
    EXPECT_NEAR(levenshtein_similarity("kitten", "sitting"), 1 - 3.0 / 7, 1e-12);
    EXPECT_EQ(levenshtein_similarity("", ""), 0);
    // pg_trgm: SELECT similarity('word', 'two words') is 0.363636.
    EXPECT_NEAR(trigram_similarity("word", "two words"), 0.363636, 1e-6);
    EXPECT_EQ(trigram_similarity("", ""), 0);
}

std::vector<Link> random_links(std::mt19937 &random, int nodes, int count) {
    std::vector<Link> links;
    std::set<std::pair<int, int>> seen;
    for (int i = 0; i < count; ++i) {
        int a = static_cast<int>(random() % static_cast<unsigned>(nodes));
        int b = static_cast<int>(random() % static_cast<unsigned>(nodes));
        if (a > b) {
            std::swap(a, b);
        }
        if (a != b && seen.insert({a, b}).second) {
            links.push_back({a, b, static_cast<double>(random() % 100) / 100});
        }
    }
    return links;
}

TEST(Cluster, NeverCrossesACannotLinkAndHonoursMustLinks) {
    std::mt19937 random(3);
    for (int round = 0; round < 200; ++round) {
        const auto scored = random_links(random, 40, 150);
        const auto cannot = random_links(random, 40, 20);
        const auto must = random_links(random, 40, 8);
        std::map<std::int64_t, std::int64_t> of;
        for (const Membership &m : cluster(scored, must, cannot, {}, none)) {
            of[m.node] = m.cluster;
        }
        for (const Link &link : cannot) {
            EXPECT_NE(of[link.a], of[link.b]);
        }
        const auto free = cluster(scored, must, {}, {}, none);
        std::map<std::int64_t, std::int64_t> unbound;
        for (const Membership &m : free) {
            unbound[m.node] = m.cluster;
        }
        for (const Link &link : must) {
            EXPECT_EQ(unbound[link.a], unbound[link.b]);
        }
    }
}

TEST(Cluster, OrderOfTheInputDoesNotMatter) {
    std::mt19937 random(4);
    for (int round = 0; round < 50; ++round) {
        auto scored = random_links(random, 30, 120);
        auto cannot = random_links(random, 30, 10);
        const auto first = cluster(scored, {}, cannot, {}, none);
        std::shuffle(scored.begin(), scored.end(), random);
        std::shuffle(cannot.begin(), cannot.end(), random);
        for (Link &link : scored) {
            std::swap(link.a, link.b);
        }
        const auto second = cluster(scored, {}, cannot, {}, none);
        ASSERT_EQ(first.size(), second.size());
        for (std::size_t i = 0; i < first.size(); ++i) {
            EXPECT_EQ(first[i].node, second[i].node);
            EXPECT_EQ(first[i].cluster, second[i].cluster);
        }
    }
}

TEST(Cluster, AChainOfLookAlikesIsNotOneCustomer) {
    std::vector<Link> chain;
    for (int i = 0; i < 20; ++i) {
        chain.push_back({i, i + 1, 0.6});
    }
    std::map<std::int64_t, int> sizes;
    for (const Membership &m : cluster(chain, {}, {}, {}, none)) {
        ++sizes[m.cluster];
    }
    for (const auto &[name, size] : sizes) {
        EXPECT_LE(size, 2);
    }
}

TEST(Matcher, FindsTheFeatureThatDecides) {
    std::mt19937 random(5);
    std::vector<LabelledPair> pairs;
    for (int i = 0; i < 400; ++i) {
        LabelledPair pair{};
        for (double &input : pair.inputs) {
            input = static_cast<double>(random() % 100) / 100;
        }
        pair.inputs.back() = 1;
        pair.same = random() % 2;
        pair.inputs[same_phone] = pair.same;
        pair.group = i;
        pairs.push_back(pair);
    }
    const MatcherFit fit = fit_matcher(pairs, none);
    EXPECT_EQ(fit.folds, 5);
    EXPECT_GT(fit.f1, 0.97);
    EXPECT_LT(fit.rule_f1, 0.75);
    const auto strongest = std::max_element(fit.weights.begin(), fit.weights.end());
    EXPECT_EQ(strongest - fit.weights.begin(), same_phone);
    pairs.resize(12);
    EXPECT_THROW(fit_matcher(pairs, none), Error);
}

}  // namespace
}  // namespace xsell::core
