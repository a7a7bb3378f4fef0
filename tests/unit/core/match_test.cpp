#include <gtest/gtest.h>

#include <numeric>

#include "core/error.hpp"
#include "core/match/components.hpp"

namespace xsell::core {
namespace {

const auto none = [] {};

TEST(Components, LowestNodeNamesTheComponent) {
    const std::vector<std::int64_t> left{5, 9, 2, 7, 7};
    const std::vector<std::int64_t> right{9, 30, 7, 2, 7};
    const auto found = connected_components(left, right, none);
    ASSERT_EQ(found.size(), 5u);
    const std::pair<int, int> expected[] = {{2, 2}, {5, 5}, {7, 2}, {9, 5}, {30, 5}};
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].node, expected[i].first);
        EXPECT_EQ(found[i].component, expected[i].second);
    }
}

TEST(Components, NothingAndUnevenSides) {
    EXPECT_TRUE(connected_components({}, {}, none).empty());
    const std::vector<std::int64_t> one{1};
    EXPECT_THROW(connected_components(one, {}, none), Error);
}

TEST(Components, LongChainsAndCancel) {
    std::vector<std::int64_t> left(200000);
    std::iota(left.begin(), left.end(), 0);
    std::vector<std::int64_t> right(left);
    for (auto &node : right) {
        ++node;
    }
    const auto found = connected_components(left, right, none);
    EXPECT_EQ(found.back().node, 200000);
    EXPECT_EQ(found.back().component, 0);
    EXPECT_THROW(connected_components(left, right, [] { throw Error(Kind::cancelled, "stop"); }), Error);
}

}  // namespace
}  // namespace xsell::core
