#include "core/match/name.hpp"

#include <gtest/gtest.h>

#include "core/match/country.hpp"
#include "core/match/fold.hpp"

namespace xsell::core {
namespace {

TEST(NormalizeName, DropsLegalFormsOfManyCountriesAtTheEnd) {
    for (const char *name : {"Acme", "ACME Inc.", "Acme, Corp.", "acme llc", "Acme GmbH", "Acme AG", "ACME S.A.", "Acme S.p.A.",
                             "Acme B.V.", "Acme Oy", "Acme A/S", "Acme Co., Ltd.", "Acme GmbH & Co. KG", "Acme Pty Ltd",
                             "Acme Sp. z o.o.", "The Acme Group", "  Acme   Holdings  "}) {
        EXPECT_EQ(normalize_name(name), "acme") << name;
    }
}

TEST(NormalizeName, KeepsLegalFormsInsideAndAlone) {
    EXPECT_EQ(normalize_name("Company of Heroes Inc"), "company of heroes");
    EXPECT_EQ(normalize_name("Limited"), "limited");
    EXPECT_EQ(normalize_name("Holding AG"), "holding ag");
    EXPECT_EQ(normalize_name("The"), "the");
}

TEST(NormalizeName, FoldsAccentsSignsAndAbbreviations) {
    EXPECT_EQ(normalize_name("Søren & Ærø Åkeri"), "soren and aero akeri");
    EXPECT_EQ(normalize_name("Straße"), "strasse");
    EXPECT_EQ(normalize_name("Cafe\xCC\x81 Intl"), "cafe international");
    EXPECT_EQ(normalize_name("AT&T Svcs"), "at and t services");
    EXPECT_EQ(normalize_name("I.B.M."), "ibm");
    EXPECT_EQ(normalize_name("\xEF\xBC\xA1\xEF\xBC\xA2\xEF\xBC\xA3"), "abc");  // full-width ABC
    EXPECT_EQ(normalize_name("ΑΒΓ"), "avg");
}

TEST(NormalizeName, SurvivesAnything) {
    EXPECT_EQ(normalize_name(""), "");
    EXPECT_EQ(normalize_name(" \t\n"), "");
    EXPECT_EQ(normalize_name("???"), "???");
    EXPECT_EQ(normalize_name("a\xFF\xC3"), "a");                        // not UTF-8
    EXPECT_EQ(normalize_name("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // a cut character
    EXPECT_EQ(normalize_name(std::string(1 << 20, 'x')).size(), 1024u);
    for (int seed = 1; seed < 2000; ++seed) {
        std::string noise;
        for (unsigned i = 0, x = static_cast<unsigned>(seed); i < 40; ++i) {
            x = x * 1664525u + 1013904223u;
            noise += static_cast<char>(x >> 24);
        }
        const std::string once = normalize_name(noise);
        for (const char32_t code : decode_utf8(once, once.size())) {
            EXPECT_LT(code, 0x110000u);
        }
        name_similarity(noise, once);
    }
}

TEST(CompactName, IgnoresBlanksAndPunctuation) {
    EXPECT_EQ(compact_name("GTX Pro"), compact_name("gtx-PRO"));
    EXPECT_NE(compact_name("GTX Pro"), compact_name("GTX Plus Pro"));
    EXPECT_EQ(compact_name("--"), "--");
}

TEST(JaroWinkler, PublishedValues) {
    EXPECT_NEAR(jaro_winkler("MARTHA", "MARHTA"), 0.9611, 1e-4);
    EXPECT_NEAR(jaro_winkler("DWAYNE", "DUANE"), 0.84, 1e-4);
    EXPECT_NEAR(jaro_winkler("DIXON", "DICKSONX"), 0.8133, 1e-4);
    EXPECT_EQ(jaro_winkler("same", "same"), 1);
    EXPECT_EQ(jaro_winkler("", ""), 0);
    EXPECT_EQ(jaro_winkler("a", ""), 0);
    EXPECT_EQ(jaro_winkler("abc", "xyz"), 0);
}

TEST(NameSimilarity, IsSymmetricAndKnowsCommonVariations) {
    const std::pair<const char *, const char *> pairs[] = {{"Acme Inc", "ACME GmbH"},
                                                           {"Acme", "Acme Robotics"},
                                                           {"IBM", "International Business Machines"},
                                                           {"Bank of Oslo", "Oslo Bank of"},
                                                           {"Apple", "Zebra"}};
    const double expected[] = {1, 0.9, 0.85, 0.95, 0};
    for (std::size_t i = 0; i < std::size(pairs); ++i) {
        EXPECT_NEAR(name_similarity(pairs[i].first, pairs[i].second), expected[i], 1e-9) << pairs[i].first;
        EXPECT_EQ(name_similarity(pairs[i].first, pairs[i].second), name_similarity(pairs[i].second, pairs[i].first));
    }
}

TEST(CountryKey, KnowsSpellings) {
    EXPECT_EQ(country_key("U.S.A."), "us");
    EXPECT_EQ(country_key("us"), "us");
    EXPECT_EQ(country_key("United Kingdom"), "gb");
    EXPECT_EQ(country_key("Österreich"), "at");
    EXPECT_EQ(country_key("Atlantis"), "atlantis");
    EXPECT_EQ(country_key(""), "");
}

}  // namespace
}  // namespace xsell::core
