#include "core/match/rule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace xsell::core {
namespace {

// Log-odds of a similarity, straight between the points.
struct Point {
    double at, worth;
};

template <std::size_t N>
double worth(const std::array<Point, N> &points, double at) {
    for (std::size_t i = 1; i < N; ++i) {
        if (at <= points[i].at) {
            const double share = (at - points[i - 1].at) / (points[i].at - points[i - 1].at);
            return points[i - 1].worth + share * (points[i].worth - points[i - 1].worth);
        }
    }
    return points[N - 1].worth;
}

constexpr std::array name_worth{Point{0, -5},   Point{0.3, -3}, Point{0.5, -1}, Point{0.7, 1},
                                Point{0.85, 3}, Point{0.95, 5}, Point{1, 6}};
// What the words that two names share are worth where the house is the same.
constexpr std::array shared_worth{Point{0, -5}, Point{0.2, -2.5}, Point{0.33, -1}, Point{0.66, 0.7}, Point{1, 2}};
constexpr std::array street_worth{Point{0, 0}, Point{0.75, 0}, Point{0.85, 0.8}, Point{0.92, 1.4}, Point{1, 2}};
constexpr std::array person_name_worth{Point{0, -6},    Point{0.4, -4.5}, Point{0.55, -3},
                                       Point{0.7, 0.5}, Point{0.9, 5},    Point{1, 7}};

double place_worth(const PairFeatures &f) {
    const double on_street = worth(street_worth, f[same_street]);
    double total = on_street;
    if (f[same_house_number] > 0) {
        total += on_street > 0.5 ? 2.5 : 0.5;
    }
    if (f[other_house_number] > 0) {
        total -= 1.5;
    }
    total += 0.8 * f[same_postal_code] - 0.8 * f[other_postal_code] + 0.2 * f[same_city] - 0.5 * f[other_city];
    return total + 0.2 * f[same_country] - 2.5 * f[other_country];
}

double company_worth(const Record &a, const Record &b, const PairFeatures &f) {
    double total = -5;
    // A name of common words, or a single short one, is borne by many.
    const double telling = std::min(a.total_weight, b.total_weight);
    const bool named = !a.words.empty() && !b.words.empty();
    const bool one_domain = f[domain_exact_match] > 0;
    double by_name = named ? worth(name_worth, f[name_evidence]) : one_domain ? 0.5 : -1;
    if (named && f[same_street] >= 0.9 && f[same_house_number] > 0) {
        by_name = std::max(by_name, worth(shared_worth, f[name_common]));
    }
    if (one_domain) {
        by_name = std::max(by_name, -2.0);  // somebody should look
    }
    if (by_name > 0 && telling < 1) {
        const double certain = f[name_exact_match] > 0 ? 0.7 : 0.5;  // to the letter, it is less of an accident
        by_name *= certain + (1 - certain) * telling;
    }
    total += by_name;
    total += 5 * f[domain_exact_match] - 3 * f[other_domain];
    if (!one_domain) {
        total += std::max(2.5 * f[same_site], 1.5 * f[site_in_name]);
    }
    total += 11 * f[same_registration] - 1.5 * f[other_registration];
    total += 4 * f[same_phone] - 0.3 * f[other_phone];
    if (one_domain) {
        total += 1.5 * f[other_country];  // a company abroad
    }
    return total + place_worth(f);
}

// Who shares a birth date and an address goes by another name at times; who does not, is of the same family.
double person_worth(const Record &a, const Record &b, const PairFeatures &f) {
    const bool named = !a.words.empty() && !b.words.empty();
    double by_name = named ? worth(person_name_worth, f[name_evidence]) : 0;
    if (f[same_birth_date] > 0) {
        by_name = std::max(by_name, f[name_evidence] >= 0.45 ? -1.0 : -2.5);
    }
    const bool dated = f[same_birth_date] + f[near_birth_date] + f[other_birth_date] > 0;
    double total = (dated ? -6.2 : -7.5) + by_name;
    total += 8 * f[same_birth_date] + 3.5 * f[near_birth_date] - 3 * f[other_birth_date];
    total += 10 * f[same_registration] - 2 * f[other_registration];
    total += 4.5 * f[same_phone];
    return total + place_worth(f) + 1.5 * f[same_postal_code] + 0.8 * f[near_postal_code] +
           0.8 * f[other_house_number] * f[same_street];
}

std::string join(const std::vector<std::string_view> &parts) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        text += i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ";
        text += parts[i];
    }
    return text;
}

}  // namespace

double rule_evidence(const Record &a, const Record &b, const PairFeatures &f) {
    return a.company ? company_worth(a, b, f) : person_worth(a, b, f);
}

double probability(double log_odds) { return 1 / (1 + std::exp(-log_odds)); }

std::string match_reason(const PairFeatures &f) {
    std::vector<std::string_view> alike;
    if (f[same_registration] > 0) {
        alike.emplace_back("registration number");
    }
    if (f[domain_exact_match] > 0) {
        alike.emplace_back("domain");
    }
    if (f[same_phone] > 0) {
        alike.emplace_back("phone");
    }
    if (f[same_street] >= 0.9 && f[same_house_number] > 0) {
        alike.emplace_back("address");
    }
    if (f[same_birth_date] > 0) {
        alike.emplace_back("birth date");
    }
    if (f[name_exact_match] > 0) {
        alike.emplace_back("name");
    }
    std::string reason = alike.empty() ? std::string() : "same " + join(alike);
    if (f[name_exact_match] == 0 && f[name_evidence] >= 0.6) {
        reason += reason.empty() ? "similar name" : " and similar name";
    }
    if (reason.empty()) {
        reason = "little in common";
    }
    constexpr std::array against{
        std::pair{other_domain, "other domain"},           std::pair{other_country, "other country"},
        std::pair{other_birth_date, "other birth date"},   std::pair{other_registration, "other registration number"},
        std::pair{other_postal_code, "other postal code"}, std::pair{other_phone, "other phone"}};
    std::size_t said = 0;
    for (const auto &[feature, text] : against) {
        if (f[feature] > 0 && said++ < 2) {
            reason += std::string(", ") + text;
        }
    }
    return reason;
}

}  // namespace xsell::core
