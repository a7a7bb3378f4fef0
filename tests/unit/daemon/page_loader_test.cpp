// What the store does to a page before the database sees it: one row per id, hashes, COPY text.
#include "store/page_loader.hpp"

#include <gtest/gtest.h>

namespace {

using namespace xsell;
using store::distinct_entries;

const sync::Object object{"account",
                          {{"name", sync::ColumnType::text},
                           {"modified_at", sync::ColumnType::timestamp},
                           {"deleted_at", sync::ColumnType::timestamp}}};

sync::Record record(const std::string &id, const std::string &modified, const std::string &name = "n", bool deleted = false) {
    return {id, {name, modified, deleted ? sync::Value("2026-01-01") : std::nullopt}, R"({"a":1})", false};
}

std::int64_t content(const sync::Record &one, std::int64_t map_hash = 1) {
    return distinct_entries(object, {one}, map_hash).at(0).content;
}

TEST(DistinctEntries, KeepsTheNewestOfEachIdInTheOrderOfIds) {
    const std::vector<sync::Record> records = {record("b", "2026-01-01T00:00:00Z"),   record("a", "2026-01-01T00:00:00Z"),
                                               record("b", "2026-01-01T00:00:00.5Z"), record("a", "2025-01-01T00:00:00Z"),
                                               record("c", "2026-01-01T00:00:00Z"),   record("c", "2026-01-01T01:30:00+02:00")};
    const auto entries = distinct_entries(object, records, 1);
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].place, 1u);
    EXPECT_EQ(entries[1].place, 2u) << "half a second later, although its text sorts before";
    EXPECT_EQ(entries[2].place, 4u) << "half an hour earlier, although its text sorts after";
}

TEST(DistinctEntries, PrefersTheLiveOneAndThenTheLaterOneOfTheSameTime) {
    const std::vector<sync::Record> records = {record("a", "2026-01-01", "live"), record("a", "2026-01-01", "gone", true),
                                               record("b", "2026-01-01", "first"), record("b", "2026-01-01", "second")};
    const auto entries = distinct_entries(object, records, 1);
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].place, 0u);
    EXPECT_EQ(entries[1].place, 3u);
}

TEST(DistinctEntries, HashTellsWhatMatters) {
    const auto base = content(record("a", "2026-01-01"));
    EXPECT_EQ(base, content(record("another id", "2027-07-07"))) << "neither the id nor the time is content";
    EXPECT_NE(base, content(record("a", "2026-01-01", "other name"))) << "a value that is not in the raw text";
    EXPECT_NE(base, content(record("a", "2026-01-01", "n", true))) << "deleted";
    EXPECT_NE(base, content(record("a", "2026-01-01"), 2)) << "another field map";
    auto raw = record("a", "2026-01-01");
    raw.raw = R"({"a":2})";
    EXPECT_NE(base, content(raw));
    auto empty = record("a", "2026-01-01", ""), missing = empty;
    missing.values[0] = std::nullopt;
    EXPECT_NE(content(empty), content(missing)) << "empty text is not NULL";
    auto later = record("a", "2026-01-01", "n", true);
    later.values[2] = "2026-02-02";
    EXPECT_EQ(content(record("a", "2026-01-01", "n", true)), content(later)) << "when it was deleted changes with every look";
}

TEST(Ids, ThatNoIndexHoldsAreRejectsAndNothingElse) {
    const std::vector<sync::Record> records = {record("a", "2026-01-01"),
                                               record("", "2026-01-01"),
                                               record(std::string("a\0b", 3), "2026-01-01"),
                                               record("\xff", "2026-01-01"),
                                               record(std::string(8192, 'x'), "2026-01-01"),
                                               record(std::string(1000, 'x'), "2026-01-01"),
                                               record("o'\t\\\"{},", "2026-01-01")};
    const auto entries = distinct_entries(object, records, 1);
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].place, 0u);
    EXPECT_EQ(entries[1].place, 6u);
    EXPECT_EQ(entries[2].place, 5u);
    const auto rejects = store::unfit(object, records);
    ASSERT_EQ(rejects.size(), 4u);
    EXPECT_EQ(rejects[0].reason, "id: empty");
    EXPECT_EQ(rejects[1].reason, "id: holds what text cannot");
    EXPECT_EQ(rejects[3].reason, "id: longer than 1000 bytes");
}

TEST(CopyRow, EscapesWhatCopyReads) {
    std::string out;
    store::append_copy_row(out, {"1\t2", {"a\\b\nc\rd", std::nullopt, ""}, "{\"t\":\"\\t\"}", true}, -7);
    EXPECT_EQ(out, "1\\t2\ta\\\\b\\nc\\rd\t\\N\t\t{\"t\":\"\\\\t\"}\tt\t-7\n");
}

}  // namespace
