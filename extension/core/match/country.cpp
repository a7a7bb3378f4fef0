#include "core/match/country.hpp"

#include <array>
#include <unordered_map>

#include "core/match/name.hpp"

namespace xsell::core {
namespace {

struct Country {
    std::string_view key;
    std::array<std::string_view, 5> spellings;
};

// Spellings are compact: lower case, letters alone, without accents.
constexpr std::array countries{
    Country{"us", {"usa", "unitedstates", "unitedstatesofamerica", "america", ""}},
    Country{"gb", {"uk", "gbr", "unitedkingdom", "greatbritain", "england"}},
    Country{"ie", {"irl", "ireland", "eire", "republicofireland", ""}},
    Country{"de", {"deu", "germany", "deutschland", "ger", ""}},
    Country{"fr", {"fra", "france", "", "", ""}},
    Country{"es", {"esp", "spain", "espana", "", ""}},
    Country{"pt", {"prt", "portugal", "", "", ""}},
    Country{"it", {"ita", "italy", "italia", "", ""}},
    Country{"nl", {"nld", "netherlands", "thenetherlands", "nederland", "holland"}},
    Country{"be", {"bel", "belgium", "belgie", "belgique", ""}},
    Country{"lu", {"lux", "luxembourg", "", "", ""}},
    Country{"ch", {"che", "switzerland", "schweiz", "suisse", ""}},
    Country{"at", {"aut", "austria", "osterreich", "oesterreich", ""}},
    Country{"dk", {"dnk", "denmark", "danmark", "", ""}},
    Country{"se", {"swe", "sweden", "sverige", "", ""}},
    Country{"no", {"nor", "norway", "norge", "", ""}},
    Country{"fi", {"fin", "finland", "suomi", "", ""}},
    Country{"is", {"isl", "iceland", "island", "", ""}},
    Country{"pl", {"pol", "poland", "polska", "", ""}},
    Country{"cz", {"cze", "czechia", "czechrepublic", "", ""}},
    Country{"sk", {"svk", "slovakia", "", "", ""}},
    Country{"hu", {"hun", "hungary", "magyarorszag", "", ""}},
    Country{"ro", {"rou", "romania", "", "", ""}},
    Country{"bg", {"bgr", "bulgaria", "", "", ""}},
    Country{"gr", {"grc", "greece", "hellas", "el", ""}},
    Country{"hr", {"hrv", "croatia", "hrvatska", "", ""}},
    Country{"si", {"svn", "slovenia", "", "", ""}},
    Country{"rs", {"srb", "serbia", "srbija", "", ""}},
    Country{"ee", {"est", "estonia", "eesti", "", ""}},
    Country{"lv", {"lva", "latvia", "latvija", "", ""}},
    Country{"lt", {"ltu", "lithuania", "lietuva", "", ""}},
    Country{"mt", {"mlt", "malta", "", "", ""}},
    Country{"cy", {"cyp", "cyprus", "", "", ""}},
    Country{"ua", {"ukr", "ukraine", "", "", ""}},
    Country{"ru", {"rus", "russia", "russianfederation", "", ""}},
    Country{"tr", {"tur", "turkey", "turkiye", "", ""}},
    Country{"ca", {"can", "canada", "", "", ""}},
    Country{"mx", {"mex", "mexico", "", "", ""}},
    Country{"br", {"bra", "brazil", "brasil", "", ""}},
    Country{"ar", {"arg", "argentina", "", "", ""}},
    Country{"cl", {"chl", "chile", "", "", ""}},
    Country{"co", {"col", "colombia", "", "", ""}},
    Country{"pe", {"per", "peru", "", "", ""}},
    Country{"au", {"aus", "australia", "", "", ""}},
    Country{"nz", {"nzl", "newzealand", "", "", ""}},
    Country{"jp", {"jpn", "japan", "nippon", "", ""}},
    Country{"cn", {"chn", "china", "peoplesrepublicofchina", "prc", ""}},
    Country{"hk", {"hkg", "hongkong", "", "", ""}},
    Country{"tw", {"twn", "taiwan", "", "", ""}},
    Country{"kr", {"kor", "southkorea", "korea", "republicofkorea", ""}},
    Country{"in", {"ind", "india", "bharat", "", ""}},
    Country{"sg", {"sgp", "singapore", "", "", ""}},
    Country{"my", {"mys", "malaysia", "", "", ""}},
    Country{"id", {"idn", "indonesia", "", "", ""}},
    Country{"th", {"tha", "thailand", "", "", ""}},
    Country{"vn", {"vnm", "vietnam", "", "", ""}},
    Country{"ph", {"phl", "philippines", "thephilippines", "", ""}},
    Country{"za", {"zaf", "southafrica", "rsa", "", ""}},
    Country{"eg", {"egy", "egypt", "", "", ""}},
    Country{"ng", {"nga", "nigeria", "", "", ""}},
    Country{"ke", {"ken", "kenya", "", "", ""}},
    Country{"il", {"isr", "israel", "", "", ""}},
    Country{"ae", {"are", "uae", "unitedarabemirates", "emirates", ""}},
    Country{"sa", {"sau", "saudiarabia", "ksa", "", ""}},
};

const std::unordered_map<std::string_view, std::string_view> &spellings() {
    static const auto all = [] {
        std::unordered_map<std::string_view, std::string_view> map;
        for (const Country &country : countries) {
            for (const std::string_view spelling : country.spellings) {
                if (!spelling.empty()) {
                    map.emplace(spelling, country.key);
                }
            }
        }
        return map;
    }();
    return all;
}

}  // namespace

std::string country_key(std::string_view country) {
    std::string text = compact_name(country);
    const auto known = spellings().find(text);
    return known == spellings().end() ? text : std::string(known->second);
}

}  // namespace xsell::core
