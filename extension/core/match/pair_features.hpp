// What two records have in common, as numbers that are always there: nothing known is 0, never NaN.
#pragma once
#include <array>
#include <string_view>

#include "core/match/record.hpp"

namespace xsell::core {

enum PairFeature {
    // The nine of the older platform; what one side lacks agrees with nothing.
    domain_exact_match,
    domain_similarity,
    name_exact_match,
    name_jaro_winkler,
    name_levenshtein,
    name_jaccard,
    same_country,
    same_industry,
    size_ratio,
    // How alike, 0 to 1.
    name_trigram,
    name_overlap,   // weight of the common words over that of the shorter name
    name_dice,      // and over that of both
    name_common,    // weight of the common words alone, 3 and more count 1
    name_initials,  // one is the initials of the other
    address_trigram,
    same_street,
    same_house_number,
    same_postal_code,
    near_postal_code,  // one sign wrong, or two exchanged
    same_city,
    same_phone,
    same_birth_date,
    near_birth_date,    // one digit wrong, or day and month exchanged
    same_registration,  // VAT, tax or company number
    same_site,          // acme.com and acme.de
    site_in_name,       // the name of one is the domain of the other
    // Both sides say something, and not the same.
    other_domain,
    other_phone,
    other_house_number,
    other_postal_code,
    other_city,
    other_country,
    other_birth_date,
    other_registration,
    // One number for the names together, what the rules go by.
    name_evidence,
    name_and_address,
    name_and_phone,
    pair_features
};

using PairFeatures = std::array<double, pair_features>;

std::string_view pair_feature_name(std::size_t feature);

// Symmetric: the same for (a, b) and (b, a).
PairFeatures compare(const Record &a, const Record &b);

// Share of common trigrams, 0 to 1, as pg_trgm counts them; two empty texts are not alike.
double trigram_similarity(std::string_view a, std::string_view b);

// 1 - edits / length of the longer, over code points; two empty texts are not alike.
double levenshtein_similarity(std::string_view a, std::string_view b);

}  // namespace xsell::core
