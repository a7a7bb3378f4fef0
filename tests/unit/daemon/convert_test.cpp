// Values of a source become the canonical text of their column's type, or a reason.
#include "sync/convert.hpp"

#include <gtest/gtest.h>

namespace xsell::sync {
namespace {

TEST(Convert, Numbers) {
    EXPECT_EQ(to_number("1,234,567.50"), "1234567.50");
    EXPECT_EQ(to_number(" -0.5 "), "-0.5");
    EXPECT_EQ(to_number(".5"), "0.5");
    EXPECT_EQ(to_number("1e3"), "1e3");
    for (const char *bad : {"abc", "1,23", "1.2.3", "NaN", "Infinity", "1e999999", "--1", "", "1 2", "0x10", "12,3456", ",123"}) {
        EXPECT_FALSE(to_number(bad)) << bad;
    }
}

TEST(Convert, WholeNumbers) {
    EXPECT_EQ(to_integer("13938.0"), "13938");
    EXPECT_EQ(to_integer("1e3"), "1000");
    EXPECT_EQ(to_integer("9223372036854775807"), "9223372036854775807");
    for (const char *bad : {"1.5", "9223372036854775808", "1e30", "ten"}) EXPECT_FALSE(to_integer(bad)) << bad;
}

TEST(Convert, Times) {
    EXPECT_EQ(to_timestamp("2020-10-22T21:03:23.000+0000"), "2020-10-22 21:03:23.000000+00");
    EXPECT_EQ(to_timestamp("2026-05-14T11:36:18+03:00"), "2026-05-14 08:36:18.000000+00");
    EXPECT_EQ(to_timestamp("2026-05-15T10:16:44Z"), "2026-05-15 10:16:44.000000+00");
    EXPECT_EQ(to_timestamp("2026-05-15 10:16:44"), "2026-05-15 10:16:44.000000+00");
    EXPECT_EQ(to_timestamp("2026-05-15T10:16:44.678000123Z"), "2026-05-15 10:16:44.678000+00");
    EXPECT_EQ(to_timestamp("1603400603123"), "2020-10-22 21:03:23.123000+00");
    EXPECT_EQ(to_timestamp("2010-12-01 08:26"), "2010-12-01 08:26:00.000000+00");
    EXPECT_EQ(to_timestamp("2024-02-29"), "2024-02-29 00:00:00.000000+00");
    EXPECT_EQ(to_timestamp("1969-12-31T23:59:59.5-01:00"), "1970-01-01 00:59:59.500000+00");
    for (const char *bad :
         {"2023-02-29", "2024-13-01", "24-01-01", "2024-01-01T25:00", "2024-01-01T10:61:00Z", "10:30", "yesterday", "01/02/2024",
          "0000-01-01", "2024-01-01T10:00:00+99:00", "2024-01-01x", "99999999999999999"}) {
        EXPECT_FALSE(to_timestamp(bad)) << bad;
    }
}

TEST(Convert, DatesInTheConfiguredOrder) {
    EXPECT_EQ(to_timestamp("3/4/2024", DateOrder::mdy), "2024-03-04 00:00:00.000000+00");
    EXPECT_EQ(to_timestamp("3.4.2024 8:05", DateOrder::dmy), "2024-04-03 08:05:00.000000+00");
    EXPECT_FALSE(to_timestamp("31/12/2024", DateOrder::mdy));
    EXPECT_EQ(to_timestamp("2024-04-03", DateOrder::dmy), "2024-04-03 00:00:00.000000+00");
}

TEST(Convert, SaysWhatIsWrong) {
    std::string reason;
    EXPECT_FALSE(convert({"amount", ColumnType::number}, "abc", reason));
    EXPECT_EQ(reason, "amount: 'abc' is not a number");
    reason.clear();
    EXPECT_FALSE(convert({"amount", ColumnType::number}, "  ", reason));
    EXPECT_EQ(reason, "");
    EXPECT_FALSE(convert({"amount", ColumnType::number}, "-1e350", reason));
    EXPECT_EQ(reason, "amount: '-1e350' is too large");
    reason.clear();
    EXPECT_EQ(convert({"amount", ColumnType::number}, "9e29", reason), "9e29");
    EXPECT_EQ(convert({"is_won", ColumnType::boolean}, "Yes", reason), "true");
    EXPECT_FALSE(convert({"is_won", ColumnType::boolean}, "maybe", reason));
    EXPECT_EQ(reason, "is_won: 'maybe' is not a yes or no");
}

}  // namespace
}  // namespace xsell::sync
