// Standard forms: countries, industries, time zones, currencies and telephone numbers, and their order within a record.
#include "connectors/standard.hpp"

#include <gtest/gtest.h>
#include <phonenumbers/phonenumberutil.h>

#include <random>

namespace xsell::connectors {
namespace {

TEST(Standard, CountriesByCodeAndByNameInSeveralLanguages) {
    const std::pair<const char *, const char *> known[] = {
        {"Germany", "DE"}, {"Deutschland", "DE"},    {"ALLEMAGNE", "DE"},  {" de ", "DE"},       {"DEU", "DE"},
        {"USA", "US"},     {"U.S.A.", "US"},         {"Österreich", "AT"}, {"ÖSTERREICH", "AT"}, {"Côte d’Ivoire", "CI"},
        {"UK", "GB"},      {"United Kingdom", "GB"}, {"España", "ES"},     {"Japan", "JP"},      {"South Korea", "KR"},
    };
    for (const auto &[text, code] : known) EXPECT_EQ(country(text), code) << text;
    for (const char *text : {"", "Atlantis", "XX", "Berlin", "\xff\xfe"}) EXPECT_EQ(country(text), std::nullopt) << text;
}

TEST(Standard, IndustriesOfDifferentListsMeet) {
    EXPECT_EQ(industry("COMPUTER_SOFTWARE"), "Technology");
    EXPECT_EQ(industry("Technology"), "Technology");
    EXPECT_EQ(industry("Food & Beverage"), industry("FOOD_BEVERAGES"));
    EXPECT_EQ(industry("Logistics and Supply Chain"), "Transportation");
    EXPECT_EQ(industry("HOSPITAL_HEALTH_CARE"), "Healthcare");
    EXPECT_EQ(industry("UNDERWATER_BASKETS"), "Underwater Baskets");
    EXPECT_EQ(industry("Zoologischer Bedarf"), "Zoologischer Bedarf");
}

TEST(Standard, TimeZonesOfBothWorlds) {
    EXPECT_EQ(time_zone("Europe/Berlin"), "Europe/Berlin");
    EXPECT_EQ(time_zone("W. Europe Standard Time"), "Europe/Berlin");
    EXPECT_EQ(time_zone("Mars/Olympus"), std::nullopt);
    EXPECT_EQ(time_zone(""), std::nullopt);
}

TEST(Standard, Currencies) {
    EXPECT_EQ(currency(" eur"), "EUR");
    EXPECT_EQ(currency("EURO"), std::nullopt);
    EXPECT_EQ(currency("QQQ"), std::nullopt);
}

TEST(Standard, TelephoneNumbers) {
    EXPECT_EQ(phone_number("+49 (0)30 901820", ""), "+4930901820");
    EXPECT_EQ(phone_number("030 / 90 18 20", "DE"), "+4930901820");
    EXPECT_EQ(phone_number("(415) 555-2671 x12", "US"), "+14155552671");
    EXPECT_EQ(phone_number("0049 30 901820", "DE"), "+4930901820");
    EXPECT_EQ(phone_number("030 901820", ""), "030901820");  // nobody knows whose 030
    EXPECT_EQ(phone_number("1800-FLOWERS", "US"), "+18003569377");
    EXPECT_EQ(phone_number("n/a", "US"), std::nullopt);
    EXPECT_EQ(phone_number("+39 06 698", ""), "+3906698");  // Italy keeps its zero
}

// Most numbers are put into form without the library: that must be what the library would have made of them.
TEST(Standard, PlainNumbersAreWhatTheLibraryMakesOfThem) {
    using i18n::phonenumbers::PhoneNumber;
    using i18n::phonenumbers::PhoneNumberUtil;
    const auto &util = *PhoneNumberUtil::GetInstance();
    std::mt19937_64 random(20);
    const char *codes[] = {"1",  "31", "32", "33", "34", "39", "41", "43", "44", "45", "46",
                           "47", "48", "49", "52", "54", "55", "61", "65", "81", "91"};
    const char *gaps[] = {"", "", "", " ", "-", " (", ") ", "."};
    int valid = 0;
    for (int i = 0; i < 20000; ++i) {
        std::string text = std::string("+") + codes[random() % std::size(codes)];
        for (std::size_t length = 6 + random() % 6; length > 0; --length)
            text += gaps[random() % std::size(gaps)] + std::string(1, static_cast<char>('0' + random() % 10));
        PhoneNumber number;
        std::string expected = "+";
        if (util.Parse(text, "ZZ", &number) == PhoneNumberUtil::NO_PARSING_ERROR && util.IsValidNumber(number)) {
            util.Format(number, PhoneNumberUtil::E164, &expected);
            ++valid;
        } else {
            for (const char c : text) {
                if (c >= '0' && c <= '9') expected += c;
            }
        }
        EXPECT_EQ(phone_number(text, ""), expected) << text;
    }
    EXPECT_GT(valid, 2000);
}

TEST(Standard, ARecordsOwnCountryReadsItsNumbers) {
    const sync::Object account{
        "account",
        {{"phone", sync::ColumnType::text}, {"country", sync::ColumnType::text}, {"industry", sync::ColumnType::text}}};
    const Standard standard(account, "US");
    sync::Record german{"1", {"030 901820", "Deutschland", "SOFTWARE"}, "{}", false},
        unknown{"2", {"(415) 555-2671", std::nullopt, std::nullopt}, "{}", false};
    standard.apply(german);
    standard.apply(unknown);
    EXPECT_EQ(german.values, (std::vector<sync::Value>{"+4930901820", "DE", "Technology"}));
    EXPECT_EQ(unknown.values, (std::vector<sync::Value>{"+14155552671", std::nullopt, std::nullopt}));
}

}  // namespace
}  // namespace xsell::connectors
