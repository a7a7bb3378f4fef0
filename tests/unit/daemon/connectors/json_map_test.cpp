#include <gtest/gtest.h>

#include "connectors/json_map.hpp"
#include "sync/error.hpp"

namespace {

using namespace xsell::connectors;
using xsell::sync::ColumnType;
using xsell::sync::Object;
using xsell::sync::Page;
using xsell::sync::SyncError;
using xsell::sync::Value;
using enum Rule;

const Object thing{"thing",
                   {{"name", ColumnType::text},
                    {"email", ColumnType::text},
                    {"phone", ColumnType::text},
                    {"domain", ColumnType::text},
                    {"amount", ColumnType::number},
                    {"employees", ColumnType::integer},
                    {"flag", ColumnType::boolean},
                    {"kind", ColumnType::text},
                    {"modified_at", ColumnType::timestamp},
                    {"deleted_at", ColumnType::timestamp},
                    {"attributes", ColumnType::json}}};

constexpr Field fields[] = {
    {"name", "First", join, "Last"},
    {"name", "Last"},
    {"email", "Mail", email},
    {"phone", "Phone", phone},
    {"domain", "Web", domain},
    {"domain", "Mail", domain},
    {"amount", "Share", percent},
    {"employees", "Size"},
    {"flag", "A", either},
    {"flag", "B", either},
    {"kind", "Kind", choose, "Call=call;*=task"},
    {"kind", "", constant, "none"},
    {"modified_at", "Stamp", latest},
    {"modified_at", "/Top", latest},
    {"deleted_at", "Stamp", when, "Gone"},
    {"not_a_column", "Whatever"},
};

Page map(const std::string &json, const std::map<std::string, std::string> &overrides = {},
         std::vector<std::string> attributes = {}) {
    const Mapper mapper({"Thing", "Id", ""}, fields, overrides, std::move(attributes));
    const std::string_view raw = json;
    Page page;
    mapper.map(thing, {&raw, 1}, page);
    return page;
}

Value value(const Page &page, const std::string &column) {
    if (page.records.size() != 1) {
        ADD_FAILURE() << (page.rejects.empty() ? "nothing" : page.rejects[0].reason);
        return "no record";
    }
    return page.records[0].values[thing.index(column)];
}

TEST(JsonMap, FillsColumnsByRule) {
    const Page page =
        map(R"({"Id":"1","First":"Ann","Last":"Lee","Mail":" Ann@Shop.Example.co.uk ","Phone":"+49 (30) 12-34 5x9","Share":"0.35",
        "Size":12.0,"A":false,"B":true,"Kind":"Call","Stamp":"2020-10-22T21:03:23.000+0000","Top":"2020-10-22T23:03:24+02:00","Gone":true})");
    EXPECT_EQ(value(page, "name"), "Ann Lee");
    EXPECT_EQ(value(page, "email"), "ann@shop.example.co.uk");
    EXPECT_EQ(value(page, "phone"), "+493012345");
    EXPECT_EQ(value(page, "domain"), "example.co.uk");
    EXPECT_EQ(value(page, "amount"), "35");
    EXPECT_EQ(value(page, "employees"), "12");
    EXPECT_EQ(value(page, "flag"), "true");
    EXPECT_EQ(value(page, "kind"), "call");
    EXPECT_EQ(value(page, "modified_at"), "2020-10-22 21:03:24.000000+00");
    EXPECT_EQ(value(page, "deleted_at"), "2020-10-22 21:03:23.000000+00");
    EXPECT_EQ(value(page, "attributes"), std::nullopt);
    EXPECT_EQ(page.records[0].crm_id, "1");
    EXPECT_FALSE(page.records[0].repaired);
}

TEST(JsonMap, EmptyTextNullAndMissingAreNull) {
    const Page page = map(R"({"Id":7,"First":"","Last":null,"Mail":"","Stamp":"2020-01-01","A":"","Gone":"false","Kind":null})");
    for (const char *column : {"name", "email", "phone", "domain", "amount", "employees", "flag", "deleted_at"})
        EXPECT_EQ(value(page, column), std::nullopt) << column;
    EXPECT_EQ(value(page, "kind"), "none");
    EXPECT_EQ(page.records[0].crm_id, "7");
}

TEST(JsonMap, SetsBadRecordsAside) {
    const std::string bad[] = {R"({"Id":"1","Stamp":"yesterday"})", R"({"Stamp":"2020-01-01"})", R"({"Id":"2"})",
                               R"({"Id":"3",})", R"({"Id":"4","Big":99999999999999999999999,"Stamp":"2020-01-01","Size":1e999})"};
    const Mapper mapper({"Thing", "Id", ""}, fields, {}, {});
    std::vector<std::string_view> raws(std::begin(bad), std::end(bad));
    const std::string good = R"({"Id":"5","Stamp":"2020-01-01"})";
    raws.push_back(good);
    Page page;
    mapper.map(thing, raws, page);
    ASSERT_EQ(page.rejects.size(), 5u);
    EXPECT_EQ(page.rejects[0].reason, "modified_at: 'yesterday' is not a date or time");
    EXPECT_EQ(page.rejects[0].place, "Thing 1");
    EXPECT_EQ(page.rejects[0].payload, bad[0]);
    EXPECT_EQ(page.rejects[1].reason, "has no id");
    EXPECT_EQ(page.rejects[2].reason, "modified_at: is missing");
    EXPECT_EQ(page.rejects[4].place, "Thing 4");  // a number that no parser takes hides nothing else
    ASSERT_EQ(page.records.size(), 1u);
    EXPECT_EQ(page.records[0].crm_id, "5");
    EXPECT_EQ(page.records[0].raw, good);
}

TEST(JsonMap, OneUnreadableValueDoesNotCostTheRecord) {
    const Page page =
        map(R"({"Id":"1","Last":"Lee","Size":"many","Share":{"value":null},"A":[],"Mail":{"a":1},"Stamp":"2020-01-01"})");
    EXPECT_EQ(value(page, "name"), "Lee");
    for (const char *column : {"employees", "amount", "flag", "email"}) EXPECT_EQ(value(page, column), std::nullopt) << column;
    EXPECT_EQ(page.records[0].problem, "employees: 'many' is not a whole number");
    EXPECT_TRUE(page.rejects.empty());
    // A later entry of the column may say it.
    const Page other = map(R"({"Id":"1","A":"perhaps","B":true,"Size":1e40,"Stamp":"2020-01-01"})");
    EXPECT_EQ(value(other, "flag"), "true");
    EXPECT_NE(other.records[0].problem.find("flag: 'perhaps'"), std::string::npos) << other.records[0].problem;
    EXPECT_NE(other.records[0].problem.find("employees: "), std::string::npos) << other.records[0].problem;
    const std::string long_numbers =
        R"({"Id":12345678901234567890123,"Big":-99999999999999999999999,"Last":"\"1\\","T":"123456789012345678901234","Size":5,"Stamp":"2020-01-01"})";
    const Page big = map(long_numbers, {}, {"Big", "T"});
    EXPECT_EQ(value(big, "name"), "\"1\\");
    EXPECT_EQ(value(big, "employees"), "5");
    EXPECT_EQ(value(big, "attributes"), R"({"Big":"-99999999999999999999999","T":"123456789012345678901234"})");
    EXPECT_EQ(big.records[0].crm_id, "12345678901234567890123");
    EXPECT_EQ(big.records[0].raw, long_numbers);
    // What a record replaces, and whether it is gone, is no detail.
    EXPECT_EQ(map(R"({"Id":"1","Stamp":"soon","Top":"2020-01-01","Gone":true})").rejects.size(), 1u);
}

TEST(JsonMap, ObjectsAndListsSayWhatTheyStandFor) {
    const Object object{"thing",
                        {{"owner_id", ColumnType::text},
                         {"name", ColumnType::text},
                         {"kind", ColumnType::text},
                         {"amount", ColumnType::number},
                         {"modified_at", ColumnType::timestamp}}};
    constexpr Field own[] = {
        {"owner_id", "owner"}, {"name", "name"}, {"kind", "kinds"}, {"amount", "worth"}, {"modified_at", "at"}};
    const Mapper mapper({"Thing", "id", ""}, own, {}, {});
    const std::string_view raws[] = {
        R"({"id":1,"at":"2020-01-01","owner":{"id":7,"name":"Kim","value":8},"name":{"name":"Acme","id":"9"},"kinds":["a",{"name":"b"},[1],null,2],"worth":{"value":5.5,"currency":"EUR"}})",
        R"({"id":2,"at":"2020-01-01","owner":{"id":"7","name":"Kim"},"name":{"first":"A"},"kinds":[],"worth":{"id":1}})",
        R"({"id":{"id":3},"at":"2020-01-01"})"};
    Page page;
    mapper.map(object, raws, page);
    ASSERT_EQ(page.records.size(), 2u);
    EXPECT_EQ(page.records[0].values[0], "8");
    EXPECT_EQ(page.records[0].values[1], "Acme");
    EXPECT_EQ(page.records[0].values[2], "a, b, 2");
    EXPECT_EQ(page.records[0].values[3], "5.5");
    EXPECT_EQ(page.records[1].values[0], "7");
    for (const std::size_t column : {1, 2, 3}) EXPECT_EQ(page.records[1].values[column], std::nullopt) << column;
    ASSERT_EQ(page.rejects.size(), 1u);
    EXPECT_EQ(page.rejects[0].reason, "has no id");
}

TEST(JsonMap, RepairsWhatJsonbCannotHold) {
    const Page page = map("{\"Id\":\"1\",\"Last\":\"a\\u0000b\\ud800c\",\"Stamp\":\"2020-01-01\"}");
    EXPECT_EQ(value(page, "name"),
              "a\xEF\xBF\xBD"
              "b\xEF\xBF\xBD"
              "c");
    EXPECT_TRUE(page.records[0].repaired);
    EXPECT_EQ(page.records[0].raw.find("u0000"), std::string::npos);
}

TEST(JsonMap, OverridesAndAttributes) {
    const std::string json =
        R"({"Id":"1","Stamp":"2020-01-01","Other":" X@Y.org","Custom":{"Deep":[1,{"x":"\"q\""}]},"N":null,"M":1.50})";
    const Page page = map(json, {{"email", "Other"}, {"kind", "Absent"}}, {"Custom.Deep", "N", "M", "Absent"});
    EXPECT_EQ(value(page, "email"), "x@y.org");
    EXPECT_EQ(value(page, "kind"), "none");
    EXPECT_EQ(value(page, "attributes"), R"({"Custom.Deep":[1,{"x":"\"q\""}],"M":1.5})");
    EXPECT_THROW(map(json, {{"no_such_column", "Other"}}), SyncError);
}

TEST(JsonMap, HashFollowsEverythingThatMatters) {
    const auto hash = [](std::map<std::string, std::string> overrides, std::vector<std::string> attributes) {
        return Mapper({"Thing", "Id", ""}, fields, overrides, std::move(attributes)).hash();
    };
    EXPECT_EQ(hash({}, {}), hash({}, {}));
    EXPECT_NE(hash({}, {}), hash({}, {"a"}));
    EXPECT_NE(hash({}, {"a", "b"}), hash({}, {"ab"}));
    EXPECT_NE(hash({{"name", "X"}}, {}), hash({{"name", "Y"}}, {}));
}

TEST(JsonMap, SourcesAreListedOnce) {
    const Mapper mapper({"Thing", "Id", ""}, fields, {{"email", "Other"}}, {"Extra", "Web"});
    const std::vector<std::string> expected = {"Id",   "Other", "First", "Last", "Phone", "Web",  "Mail",     "Share",
                                               "Size", "A",     "B",     "Kind", "Stamp", "Gone", "Whatever", "Extra"};
    EXPECT_EQ(mapper.sources(), expected);
}

TEST(Listing, CutsPagesWithoutTouchingRecords) {
    const Listing listing = read_listing(
        R"( {"total": 2, "results": [ {"a" : [1, "]"]}, {"b":"}"} ], "paging":{"next":{"after":"7"}}, "x":null} )", "results");
    ASSERT_EQ(listing.records.size(), 2u);
    EXPECT_EQ(listing.records[0], R"({"a" : [1, "]"]})");
    EXPECT_EQ(listing.records[1], R"({"b":"}"})");
    EXPECT_EQ(listing.rest["total"], 2);
    EXPECT_EQ(listing.rest["paging"]["next"]["after"], "7");
    EXPECT_TRUE(listing.rest["x"].is_null());
    EXPECT_TRUE(listing.found);
    EXPECT_TRUE(read_listing(R"({"results":[]})", "results").found);
    for (const char *none : {R"({})", R"({"results":null})", R"({"results":{"a":[]}})", R"({"status":"error","data":[]})"})
        EXPECT_FALSE(read_listing(none, "results").found) << none;
    EXPECT_EQ(read_listing("\xEF\xBB\xBF{\"results\":[{}]}", "results").records.size(), 1u);  // a byte order mark
}

TEST(Listing, OneValueIsReadWhateverStandsBesideIt) {
    const std::string odd =
        R"({"Note":"a\ud800b","Big":99999999999999999999999,"Id":"7","properties":{"x":"\u00e9","n":12,"b":true,"o":{}},"Nil":null})";
    EXPECT_EQ(text_at(odd, "Id"), "7");
    EXPECT_EQ(text_at(odd, "properties.x"), "\xC3\xA9");
    EXPECT_EQ(text_at(odd, "properties.n"), "12");
    EXPECT_EQ(text_at(odd, "properties.b"), "true");
    for (const char *nothing : {"properties.o", "properties.y", "Nil", "Gone", "Id.x"})
        EXPECT_EQ(text_at(odd, nothing), std::nullopt) << nothing;
    EXPECT_EQ(text_at("nonsense", "Id"), std::nullopt);
}

TEST(Listing, CutOrForeignTextsAreTransient) {
    const std::string whole = R"({"results":[{"a":1},{"b":2}],"done":true})";
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_THROW(read_listing(whole.substr(0, size), "results"), SyncError) << whole.substr(0, size);
    }
    EXPECT_THROW(read_listing("<html>maintenance</html>", "results"), SyncError);
    EXPECT_THROW(read_listing("[]", "results"), SyncError);
    EXPECT_EQ(read_listing(whole, "results").records.size(), 2u);
    EXPECT_EQ(read_listing("{\"results\":[{\"a\":\"\xff\"}]}", "results").records.size(), 1u);
}

}  // namespace
