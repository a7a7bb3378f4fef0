#include <fmt/format.h>

#include <array>

#include "world.hpp"

namespace xsell::simulator {
namespace {

constexpr std::array starts = {"Vel", "Kan", "Bro", "Tas", "Mer", "Hal", "Or",  "Sun", "Nor", "Quil",
                               "Dra", "Fen", "Lum", "Ast", "Gri", "Per", "Zan", "Wes", "Cal", "Ild",
                               "Ros", "Tor", "Hav", "Jun", "Bel", "Cor", "Mav", "Eld", "Sil", "Pra"};
constexpr std::array middles = {"", "", "a", "o", "i", "en", "er", "ar", "um", "is", "and", "et", "al", "on"};
constexpr std::array ends = {"mora", "dris", "berg", "tech", "vik",  "ton",  "field", "gate", "ra",  "lis",
                             "nova", "dale", "wick", "stad", "mond", "line", "port",  "ven",  "ley", "sen"};
constexpr std::array surnames = {"Müller",  "Østergaard", "Peña",  "Łukasz", "Škoda",  "Lefèvre",
                                 "Åkesson", "Çelik",      "Gómez", "Weiß",   "Brontë", "Ibáñez"};
constexpr std::array<std::array<const char *, 4>, industry_count> descriptors = {{
    {"Manufacturing", "Industries", "Works", "Engineering"},
    {"Foods", "Nutrition", "Kitchens", "Farms"},
    {"Logistics", "Freight", "Shipping", "Transport"},
    {"Bank", "Capital", "Insurance", "Finance"},
    {"Pharma", "Health", "Clinics", "Biotech"},
    {"Systems", "Technologies", "Software", "Networks"},
    {"Retail", "Stores", "Fashion", "Markets"},
    {"Energy", "Power", "Solar", "Utilities"},
    {"Construction", "Builders", "Property", "Estates"},
    {"Media", "Publishing", "Studios", "Communications"},
}};
constexpr std::array first_names = {"Anna",   "José",  "Kim",   "Wei",     "Olivia", "Lars",   "Zoë",    "Priya",
                                    "Jürgen", "Marta", "Noah",  "Aiko",    "Chloé",  "Tomasz", "Fatima", "Liam",
                                    "Ingrid", "Raj",   "Sofía", "Hiroshi", "Emma",   "Björn"};
constexpr std::array last_names = {"Schmidt", "García", "O'Neill",   "Tanaka",       "Kowalski",  "Nguyen",  "Smith",
                                   "Dubois",  "Rossi",  "Lindström", "Patel",        "Fernández", "Brown",   "Ivanova",
                                   "Kim",     "Müller", "Silva",     "Van der Berg", "Jones",     "Sørensen"};
constexpr std::array titles = {"Head of Operations",      "Procurement Manager", "CIO",      "IT Director",
                               "Chief Financial Officer", "Project Lead",        "VP Sales", "Office Manager",
                               "Data Protection Officer", "Plant Manager"};

struct Pair {
    const char *from, *to;
};
constexpr Pair folds[] = {{"ü", "ue"}, {"ö", "oe"}, {"ä", "ae"}, {"ß", "ss"}, {"Ø", "O"}, {"ø", "o"},
                          {"ñ", "n"},  {"Ł", "L"},  {"Š", "S"},  {"è", "e"},  {"é", "e"}, {"ë", "e"},
                          {"Å", "A"},  {"Ç", "C"},  {"ó", "o"},  {"á", "a"},  {"í", "i"}};
constexpr Pair short_forms[] = {{"Manufacturing", "Mfg"}, {"International", "Intl"},   {"Technologies", "Tech"},
                                {"Engineering", "Eng."},  {"Communications", "Comms"}, {"Construction", "Constr."},
                                {"Insurance", "Ins."}};
constexpr Pair legal_variants[] = {{"GmbH", "G.m.b.H."},     {"GmbH", "gmbh"},     {"Ltd", "Limited"},
                                   {"Ltd", "Ltd."},          {"Inc.", "Inc"},      {"Inc.", "Incorporated"},
                                   {"S.A.", "SA"},           {"B.V.", "BV"},       {"Pty Ltd", "Pty. Limited"},
                                   {"Corp.", "Corporation"}, {"AB", "Aktiebolag"}, {"K.K.", "KK"},
                                   {"S.r.l.", "SRL"},        {"LLC", "L.L.C."}};

std::string other_legal_form(const std::string &form, Rng &rng) {
    std::vector<std::string> choices = {""};
    for (const Pair &pair : legal_variants) {
        if (form == pair.from) choices.emplace_back(pair.to);
    }
    return rng.pick(choices);
}

}  // namespace

const std::vector<Country> &countries(std::size_t org) {
    static const std::array<std::vector<Country>, org_count> all = {{
        {{"Germany", "de", "+49", {"Berlin", "München", "Köln", "Hamburg"}, {"GmbH", "AG"}},
         {"United Kingdom", "co.uk", "+44", {"London", "Leeds", "Bristol"}, {"Ltd", "PLC"}},
         {"France", "fr", "+33", {"Paris", "Lyon", "Besançon"}, {"S.A.", "SAS"}},
         {"Netherlands", "nl", "+31", {"Amsterdam", "Utrecht"}, {"B.V."}},
         {"Sweden", "se", "+46", {"Stockholm", "Malmö"}, {"AB"}},
         {"Italy", "it", "+39", {"Milano", "Torino"}, {"S.r.l."}}},
        {{"United States", "com", "+1", {"Chicago", "Austin", "Boston", "Denver"}, {"Inc.", "LLC", "Corp."}},
         {"Canada", "ca", "+1", {"Toronto", "Montréal"}, {"Inc.", "Ltd"}},
         {"Brazil", "com.br", "+55", {"São Paulo", "Recife"}, {"S.A.", "Ltda"}}},
        {{"Australia", "com.au", "+61", {"Sydney", "Melbourne", "Perth"}, {"Pty Ltd"}},
         {"Japan", "co.jp", "+81", {"Tokyo", "Osaka"}, {"K.K."}},
         {"Singapore", "com.sg", "+65", {"Singapore"}, {"Pte Ltd"}},
         {"India", "co.in", "+91", {"Pune", "Bengaluru"}, {"Ltd"}}},
    }};
    return all[org];
}

const char *industry_name(std::size_t industry) {
    static constexpr std::array<const char *, industry_count> names = {
        "Manufacturing", "Food & Beverage", "Transportation", "Banking",      "Healthcare",
        "Technology",    "Retail",          "Energy",         "Construction", "Media"};
    return names[industry];
}

const char *family_name(std::size_t family) {
    static constexpr const char *names[] = {"Security", "Data", "Network", "Cloud", "Analytics", "Support"};
    return names[family];
}

std::string make_stem(std::size_t industry, Rng &rng) {
    const std::string descriptor = rng.pick(descriptors[industry]);
    if (rng.chance(0.06)) return fmt::format("{} & {} {}", rng.pick(surnames), rng.pick(last_names), descriptor);
    if (rng.chance(0.01)) return fmt::format("株式会社{}{}", rng.pick(starts), rng.pick(ends));
    const std::string root = fmt::format("{}{}{}", rng.pick(starts), rng.pick(middles), rng.pick(ends));
    if (rng.chance(0.05)) return fmt::format("{} {} {} International", rng.pick(surnames), root, descriptor);
    return root + " " + descriptor;
}

std::string ascii(std::string_view text) {
    std::string out(text);
    for (const Pair &fold : folds) out = replaced(std::move(out), fold.from, fold.to);
    return out;
}

std::string domain_of(std::string_view stem, const Country &country, std::size_t org) {
    std::string label;
    for (const char c : lower(ascii(stem))) {
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) label += c;
        if (c == ' ' && !label.empty() && label.back() != '-') label += '-';
    }
    while (!label.empty() && label.back() == '-') label.pop_back();
    return label + "." + (org == 1 ? "com" : country.top_level);
}

std::string full_name(const Company &company) {
    return company.legal_form.empty() ? company.stem : company.stem + " " + company.legal_form;
}

std::string respelled(const Company &company, Rng &rng) {
    std::string stem = company.stem;
    if (rng.chance(0.35)) stem = replaced(stem, " & ", rng.chance(0.5) ? " and " : " + ");
    if (rng.chance(0.4)) stem = ascii(stem);
    if (rng.chance(0.3)) {
        for (const Pair &pair : short_forms) stem = replaced(std::move(stem), pair.from, pair.to);
    }
    const std::string form = rng.chance(0.65) ? other_legal_form(company.legal_form, rng) : company.legal_form;
    std::string name = form.empty() ? stem : stem + (rng.chance(0.2) ? ", " : " ") + form;
    if (rng.chance(0.1)) return upper(name);
    if (rng.chance(0.06)) return lower(name);
    return name;
}

std::string website(std::string_view domain, Rng &rng) {
    if (domain.empty()) return "";
    switch (rng.below(6)) {
        case 0: return fmt::format("https://www.{}", domain);
        case 1: return fmt::format("http://{}/", domain);
        case 2: return fmt::format("www.{}", domain);
        case 3: return fmt::format("https://{}/en/home?src=crm", domain);
        case 4: return "HTTPS://WWW." + upper(domain);
        default: return std::string(domain);
    }
}

std::string phone_format(std::string_view phone, Rng &rng) {
    switch (rng.below(4)) {
        case 0: return replaced(std::string(phone), " ", "-");
        case 1: return replaced(std::string(phone), " ", "");
        case 2: {  // as dialled at home: the country code is gone
            const auto parts = split(phone, ' ');
            return fmt::format("(0{}) {}", parts[1], parts[2]);
        }
        default: return std::string(phone);
    }
}

PersonName person(Rng &rng) { return {rng.pick(first_names), rng.pick(last_names)}; }

std::string job_title(Rng &rng) { return rng.pick(titles); }

std::string email_of(const PersonName &name, std::string_view domain) {
    std::string local = ascii(name.first) + "." + ascii(name.last);
    for (const char *noise : {" ", "'"}) local = replaced(local, noise, "");
    return local + "@" + std::string(domain);
}

}  // namespace xsell::simulator
