#include "core/features/event_features.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace xsell::core;

constexpr std::int64_t day = 86'400'000'000;
constexpr std::int64_t now = 8000 * day;
const std::vector<EventColumn> columns = {{"early", EventColumnKind::number}, {"at", EventColumnKind::time},
                                          {"value", EventColumnKind::number}, {"won", EventColumnKind::flag},
                                          {"shut", EventColumnKind::time},    {"label", EventColumnKind::label}};
enum { early, at, value, won, shut, label };

std::vector<EventFeature> named(const std::vector<std::string> &names) {
    std::vector<EventFeature> features;
    for (const std::string &name : names) features.push_back(event_feature(name, columns));
    return features;
}

EventValue none() { return {false, 0, 0, 0}; }
EventValue whole(std::int64_t v) { return {true, 0, v, 0}; }
EventValue number(double v) { return {true, 0, 0, v}; }
EventValue code(std::uint32_t v) { return {true, v, 0, 0}; }

double as_double(const EventResult &result) {
    return result.kind == EventResult::missing ? std::nan("")
           : result.kind == EventResult::real  ? result.number
                                               : static_cast<double>(result.whole);
}

TEST(EventFeatures, Names) {
    EXPECT_EQ(event_feature("at_count_90", columns).days, 90);
    EXPECT_EQ(event_feature("at_gap_ratio", columns).measure, Measure::gap_ratio);
    EXPECT_EQ(event_feature("early_mean", columns).column, 0u);
    const std::vector<EventColumn> alike = {{"a", EventColumnKind::time}, {"a_count", EventColumnKind::time}};
    EXPECT_EQ(event_feature("a_count_count", alike).column, 1u);
    EXPECT_EQ(event_feature("a_count", alike).column, 0u);
    for (const char *name : {"", "at", "at_", "at_sum", "value_first", "at_count_", "at_count_0", "at_count_-3", "at_count_9x",
                             "at_count_999999", "at_last_30", "early_sum_30", "label_share", "nobody_count", "at_count_30_60"}) {
        EXPECT_THROW(event_feature(name, columns), Error) << name;
    }
}

// What the names say, spelt out over all events of a key.
struct Row {
    std::vector<EventValue> values;
};

class Reference {
  public:
    explicit Reference(const std::vector<Row> &rows) : rows_(rows) {}

    // The rows in which a column counts.
    std::vector<EventValue> of(int column, int time, int days) const {
        std::vector<EventValue> found;
        for (const Row &row : rows_) {
            const EventValue &t = row.values[static_cast<std::size_t>(time < 0 ? column : time)];
            const bool seen = time < 0 || (t.present && t.integer <= now && (days == 0 || t.integer >= now - days * day));
            if (seen && row.values[static_cast<std::size_t>(column)].present)
                found.push_back(row.values[static_cast<std::size_t>(column)]);
        }
        return found;
    }

  private:
    const std::vector<Row> &rows_;
};

double sum(const std::vector<EventValue> &values) {
    double total = values.empty() ? std::nan("") : values[0].number;
    for (std::size_t i = 1; i < values.size(); ++i) total += values[i].number;
    return total;
}

double expected(const std::string &name, const Reference &rows) {
    const auto fold = [](const std::vector<EventValue> &values, auto better) {
        double best = std::nan("");
        for (const EventValue &v : values)
            best = std::isnan(best) || better(v, best) ? (v.integer != 0 ? static_cast<double>(v.integer) : v.number) : best;
        return best;
    };
    const auto later = [](const EventValue &v, double best) { return static_cast<double>(v.integer) > best; };
    const auto sooner = [](const EventValue &v, double best) { return static_cast<double>(v.integer) < best; };
    const auto count = [](const auto &values) { return static_cast<double>(values.size()); };
    const auto raised = [](const std::vector<EventValue> &values) {
        double n = 0;
        for (const EventValue &v : values) n += static_cast<double>(v.integer);
        return n;
    };
    const auto distinct = [](const std::vector<EventValue> &values) {
        std::set<std::uint32_t> codes;
        for (const EventValue &v : values) codes.insert(v.code);
        return static_cast<double>(codes.size());
    };
    const auto times = rows.of(at, at, 0);
    const double last = fold(times, later), first = fold(times, sooner);
    const double gap = times.size() > 1 ? (last - first) / day / static_cast<double>(times.size() - 1) : std::nan("");
    const double year = count(rows.of(at, at, 365)), quarter = count(rows.of(at, at, 90));
    const std::map<std::string, std::function<double()>> meaning = {
        {"early_sum", [&] { return sum(rows.of(early, -1, 0)); }},
        {"early_count", [&] { return count(rows.of(early, -1, 0)); }},
        {"at_count", [&] { return count(times); }},
        {"at_count_30", [&] { return count(rows.of(at, at, 30)); }},
        {"at_first", [&] { return first; }},
        {"at_last", [&] { return last; }},
        {"at_recency", [&] { return (static_cast<double>(now) - last) / day; }},
        {"at_gap", [&] { return gap; }},
        {"at_gap_ratio", [&] { return gap > 0 ? (static_cast<double>(now) - last) / day / gap : std::nan(""); }},
        {"at_trend", [&] { return year > 0 ? std::log((quarter + .5) / 90 / ((year - quarter + .5) / 275)) : std::nan(""); }},
        {"value_sum", [&] { return sum(rows.of(value, at, 0)); }},
        {"value_sum_90", [&] { return sum(rows.of(value, at, 90)); }},
        {"value_mean_90", [&] { return sum(rows.of(value, at, 90)) / count(rows.of(value, at, 90)); }},
        {"value_min",
         [&] { return fold(rows.of(value, at, 0), [](const EventValue &v, double best) { return v.number < best; }); }},
        {"value_max_200",
         [&] { return fold(rows.of(value, at, 200), [](const EventValue &v, double best) { return v.number > best; }); }},
        {"value_distinct_90", [&] { return distinct(rows.of(value, at, 90)); }},
        {"won_count_365", [&] { return raised(rows.of(won, at, 365)); }},
        {"won_share",
         [&] { return rows.of(won, at, 0).empty() ? std::nan("") : raised(rows.of(won, at, 0)) / count(rows.of(won, at, 0)); }},
        {"shut_count_90", [&] { return count(rows.of(shut, shut, 90)); }},
        {"label_distinct", [&] { return distinct(rows.of(label, shut, 0)); }},
        {"label_count_30", [&] { return count(rows.of(label, shut, 30)); }}};
    return meaning.at(name)();
}

TEST(EventFeatures, AsSpeltOut) {
    const std::vector<std::string> names = {
        "early_sum",     "early_count",    "at_count",      "at_count_30",       "at_first",      "at_last",
        "at_recency",    "at_gap",         "at_gap_ratio",  "at_trend",          "value_sum",     "value_sum_90",
        "value_mean_90", "value_min",      "value_max_200", "value_distinct_90", "won_count_365", "won_share",
        "shut_count_90", "label_distinct", "label_count_30"};
    MemoryBudget budget(1 << 28, "setting");
    EventFeatures features(columns, named(names), now, budget);
    EXPECT_TRUE(features.tells_apart(label));
    EXPECT_TRUE(features.tells_apart(value));
    EXPECT_FALSE(features.tells_apart(won));
    std::mt19937 dice(7);
    const auto chance = [&](unsigned of) { return dice() % of == 0; };
    std::vector<std::vector<Row>> rows(200);
    for (int i = 0; i < 5000; ++i) {
        // Most keys have few events, the first one has many labels.
        const std::size_t key = chance(3) ? 0 : 1 + dice() % 199;
        Row row{std::vector<EventValue>(columns.size(), none())};
        if (!chance(5)) row.values[early] = number(static_cast<double>(dice() % 1000) / 7);
        if (!chance(5)) row.values[at] = whole(now + static_cast<std::int64_t>(dice() % 450) * -day + (chance(4) ? 10 * day : 0));
        if (!chance(5))
            row.values[value] = {true, static_cast<std::uint32_t>(dice() % 500), 0, static_cast<double>(dice() % 1000) - 500};
        if (!chance(5)) row.values[won] = whole(static_cast<std::int64_t>(dice() % 2));
        if (!chance(5)) row.values[shut] = whole(now - static_cast<std::int64_t>(dice() % 200) * day);
        if (!chance(5)) row.values[label] = code(static_cast<std::uint32_t>(dice() % 300));
        rows[key].push_back(row);
        features.add(key, row.values.data());
    }
    ASSERT_EQ(features.keys(), 200u);
    for (std::size_t key = 0; key < rows.size(); ++key) {
        const Reference reference(rows[key]);
        for (std::size_t f = 0; f < names.size(); ++f) {
            const double got = as_double(features.result(key, f)), wanted = expected(names[f], reference);
            EXPECT_TRUE((std::isnan(got) && std::isnan(wanted)) || std::abs(got - wanted) <= 1e-9 * std::abs(wanted))
                << names[f] << " of " << key << ": " << got << ", not " << wanted;
        }
    }
}

TEST(EventFeatures, WindowsEndWithTheirLastDay) {
    MemoryBudget budget(1 << 20, "setting");
    EventFeatures features(columns, named({"at_count_30"}), now, budget);
    std::vector<EventValue> row(columns.size(), none());
    for (const std::int64_t age : {std::int64_t{0}, 30 * day, 30 * day + 1, std::int64_t{-1}}) {
        row[at] = whole(now - age);
        features.add(0, row.data());
    }
    EXPECT_EQ(features.result(0, 0).whole, 2);
}

TEST(Codes, NumberValuesAsTheyCome) {
    MemoryBudget budget(1 << 26, "setting");
    Codes<std::int64_t> integers;
    Codes<std::string_view> texts;
    for (int pass = 0; pass < 2; ++pass) {
        for (std::uint32_t i = 0; i < 10000; ++i) {
            ASSERT_EQ(integers.of(static_cast<std::int64_t>(i) * 1'000'000'007 - 5'000'000, budget), i);
            ASSERT_EQ(texts.of(std::string(i % 50, 'x') + std::to_string(i), budget), i);
        }
    }
    EXPECT_EQ(integers.size(), 10000u);
    EXPECT_EQ(texts[77], std::string(27, 'x') + "77");
    EXPECT_EQ(texts.of(std::string(100000, 'y'), budget), 10000u);
    EXPECT_EQ(texts.of("", budget), 10001u);
    EXPECT_EQ(texts.of("", budget), 10001u);
}

TEST(Codes, MemoryIsBounded) {
    MemoryBudget budget(1 << 20, "the setting");
    Codes<std::int64_t> codes;
    try {
        for (std::int64_t i = 0; i < 1'000'000; ++i) codes.of(i, budget);
        FAIL() << "no end";
    } catch (const Error &error) {
        EXPECT_EQ(error.kind, Kind::out_of_memory_limit);
        EXPECT_NE(error.hint.find("the setting"), std::string::npos);
    }
}

}  // namespace
