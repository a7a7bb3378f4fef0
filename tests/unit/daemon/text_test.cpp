// Text that PostgreSQL cannot hold is mended and marked.
#include "sync/text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace xsell::sync {
namespace {

TEST(Text, LeavesGoodTextAlone) {
    const Cleaned clean = clean_text("Côte d’Ivoire \xF0\x9F\x98\x80");
    EXPECT_FALSE(clean.repaired);
    EXPECT_EQ(clean.text, "Côte d’Ivoire \xF0\x9F\x98\x80");
}

TEST(Text, ReplacesNulAndBrokenUtf8) {
    EXPECT_EQ(clean_text(std::string_view("a\0b", 3)).text,
              "a\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(clean_text("Caf\xE9!").text, "Caf\xEF\xBF\xBD!");
    EXPECT_EQ(clean_text("\xED\xA0\x80").text, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate written as UTF-8
    EXPECT_EQ(clean_text("\xC0\xAF").text, "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
    EXPECT_TRUE(clean_text("\xE2\x82").repaired);                                        // cut off
}

TEST(Text, MendsJsonEscapes) {
    EXPECT_EQ(clean_json(R"({"a":"x\u0000y"})").text, R"({"a":"x\ufffdy"})");
    EXPECT_TRUE(clean_json(R"({"a":"x\u0000y"})").repaired);
    EXPECT_EQ(clean_json(R"("\ud83d")").text, R"("\ufffd")");
    EXPECT_EQ(clean_json(R"("\ude00\ud83d")").text, R"("\ufffd\ufffd")");
    EXPECT_EQ(clean_json(R"("\ud83d\ude00")").text, R"("\ud83d\ude00")");
    EXPECT_FALSE(clean_json(R"("\ud83d\ude00")").repaired);
}

TEST(Text, AnEscapedBackslashIsNoEscape) {
    EXPECT_EQ(clean_json(R"("\\u0000")").text, R"("\\u0000")");
    EXPECT_FALSE(clean_json(R"("\\u0000")").repaired);
    EXPECT_EQ(clean_json(R"("\\\u0000")").text, R"("\\\ufffd")");
    EXPECT_EQ(clean_json("\\").text, "\\");
    EXPECT_EQ(clean_json("\\u00").text, "\\u00");
}

TEST(Text, CutsBetweenCharacters) {
    EXPECT_EQ(cut("aé", 2), "a");
    EXPECT_EQ(cut("aé", 3), "aé");
    EXPECT_LE(payload(std::string(200000, '\xFF')).size(), payload_limit);
    EXPECT_TRUE(is_utf8(payload(std::string(200000, '\xFF'))));
}

TEST(Text, WritesJsonStringsThatParse) {
    const std::string hard = "a\"b\\c\n\r\t\x01 é";
    std::string json;
    append_json_string(json, hard);
    EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), hard);
}

TEST(Text, AnyBytesBecomeUtf8) {
    std::mt19937 random(7);
    for (int round = 0; round < 2000; ++round) {
        std::string bytes;
        for (unsigned i = random() % 40; i > 0; --i)
            bytes += random() % 3 ? static_cast<char>(random()) : "\\ud0\0"[random() % 6];
        for (const auto &clean : {clean_text(bytes), clean_json(bytes)}) {
            EXPECT_TRUE(is_utf8(clean.text));
            EXPECT_EQ(clean.text.find('\0'), std::string::npos);
        }
        EXPECT_TRUE(is_utf8(latin1_to_utf8(bytes)));
    }
}

}  // namespace
}  // namespace xsell::sync
