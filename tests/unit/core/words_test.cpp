#include "core/words.hpp"

#include <gtest/gtest.h>

using xsell::core::first_words;

TEST(Words, StandOneSpaceApart) {
    EXPECT_EQ(first_words("  a\t\n b  c ", 9), "a b c");
    EXPECT_EQ(first_words("a", 1), "a");
    EXPECT_EQ(first_words("", 3), "");
    EXPECT_EQ(first_words(" \n ", 3), "");
}

TEST(Words, DotsSayThatMoreFollow) {
    EXPECT_EQ(first_words("a b c", 2), "a b...");
    EXPECT_EQ(first_words("a b ", 2), "a b");
    EXPECT_EQ(first_words("a b", 0), "...");
    EXPECT_EQ(first_words("", 0), "");
    EXPECT_EQ(first_words("日本 の 会社", 2), "日本 の...");
}
