#include "crm.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xsell::simulator {
namespace {

constexpr const char *object_names[source_count] = {"crm_user",    "account",          "contact",  "lead",     "product",
                                                    "opportunity", "opportunity_line", "asset",    "activity", "activity",
                                                    "activity",    "activity",         "activity", "activity"};
constexpr const char *key_prefix[source_count] = {"005", "001", "003", "00Q", "01t", "006", "00k",
                                                  "02i", "00T", "00U", "",    "",    "",    ""};
constexpr const char *pods[org_count] = {"Kz", "gB", ""};
constexpr const char *zones[org_count] = {"Europe/Berlin", "America/Chicago", "Australia/Sydney"};

std::string country_spelling(const Country &country, Rng &rng) {
    if (rng.chance(0.9)) return country.name;
    if (std::string_view(country.name) == "United States") return "USA";
    if (std::string_view(country.name) == "United Kingdom") return "UK";
    return country.name;
}

// Last edit of a record made at `created`: often never, else somewhere between then and now.
Time last_edit(Time created, Time now, Rng &rng) { return rng.chance(0.3) ? rng.between(created, now) : created; }

std::string description(Rng &rng) {
    switch (rng.below(60)) {
        case 0: return "Imported\nfrom the \"old\" system, see file";
        case 1: return std::string("Legacy note ") + '\0' + " end";  // goes out as \u0000
        case 2: return "Happy customer 🚀 since day one";
        case 3: return "日本語のメモ";
        default: return "";
    }
}

}  // namespace

const Object &object_of(Source source) { return object_named(object_names[static_cast<std::size_t>(source)]); }

Crm::Crm(std::size_t org, const World &world, std::uint64_t seed)
    : rng(seed * 31 + org + 1), name_(org_names[org]), org_(org), world_(world) {
    for (std::size_t i = 0; i < source_count; i++) {
        IdScheme ids;
        // HubSpot ids grow from 10 to 11 digits on the way, so that comparing them as text goes wrong. No two types share an id.
        if (hubspot())
            ids.base = 9999999000ULL + i;
        else
            ids.prefix = std::string(key_prefix[i]) + pods[org];
        tables_.emplace_back(object_of(static_cast<Source>(i)), ids);
    }
}

void Crm::add_users(Time begin) {
    for (std::size_t i = 0; i < 15; i++) {
        const PersonName who = person(rng);
        const std::string email = lower(fmt::format("{}.{}@{}.example", replaced(email_of(who, ""), "@", ""), i, name_));
        const bool active = hubspot() || i % 7 != 6;
        const std::string team = i % 5 == 4 ? "" : fmt::format("{} Team {}", upper(name_), 1 + i % 3);
        const std::string manager(hubspot() || i == 0 ? "" : table(Source::user).value(0, "name"));
        table(Source::user)
            .add({who.first + " " + who.last, rng.chance(0.2) ? upper(email) : email, hubspot() ? "" : email, team, manager,
                  boolean(active), hubspot() ? "" : zones[org_], iso(begin - 400 * day)},
                 begin - rng.between(1, 300) * day);
    }
}

void Crm::add_products(Time now) {
    product_row.assign(world_.products.size(), -1);
    for (const Product &p : world_.products) {
        if (!p.sold_by(org_) || p.launch > now) continue;
        const Time created = p.launch != 0 ? p.launch : world_.begin - rng.between(100, 700) * day;
        const bool retired = p.retired != 0 && p.retired <= now;
        const std::string code = rng.chance(0.06) ? "" : rng.chance(0.1) ? lower(p.code) : p.code;
        product_row[p.number] = static_cast<std::int32_t>(table(Source::product).size());
        table(Source::product)
            .add({p.names[org_], code, hubspot() ? "" : family_name(p.family), description(rng), hubspot() ? plain(p.price) : "",
                  hubspot() ? "" : boolean(!retired), iso(created)},
                 retired ? p.retired : last_edit(created, now, rng));
    }
}

std::size_t Crm::add_account(const Company &company, const Presence &presence, Time now, bool home) {
    const std::size_t account = table(Source::account).size();
    std::string domain = rng.chance(0.12) ? "" : company.domain;
    if (!home && !domain.empty() && rng.chance(0.12))
        domain = domain_of(company.stem, countries(org_)[0], org_);  // its site in that region
    const Time created = presence.since + (home ? 0 : rng.between(0, 3600));
    const std::string industry = rng.chance(0.06) ? "" : industry_name(company.industry);
    const std::string phone = rng.chance(0.15) ? "" : phone_format(company.phone, rng);
    const bool big_job = rng.chance(0.3);  // a mass update stamped many records with one second
    const Time mass_update = world_.options.now - 45 * day + 3 * hour;
    table(Source::account)
        .add({home ? full_name(company) : respelled(company, rng), hubspot() ? "lead" : "Prospect",
              hubspot() ? replaced(replaced(upper(industry), " & ", "_"), " ", "_") : industry, website(domain, rng), domain,
              phone, fmt::format("{} Main Street", 1 + rng.below(300)), company.city, std::to_string(rng.between(10000, 99999)),
              country_spelling(*company.country, rng), rng.chance(0.2) ? "" : std::to_string(company.revenue),
              rng.chance(0.1) ? "" : std::to_string(company.employees), description(rng), owner(), iso(created)},
             big_job && created < mass_update ? mass_update : last_edit(created, now, rng));
    account_company_.push_back(company.number);
    accounts_of[company.number].push_back(static_cast<std::uint32_t>(account));
    contacts_.emplace_back();
    for (std::size_t n = 2 + rng.below(3); n > 0; n--) add_contact(account, std::min(created + rng.between(0, 60 * day), now));
    return account;
}

std::size_t Crm::add_contact(std::size_t account, Time at, Time visible) {
    const Company &company = world_.companies[account_company_[account]];
    const PersonName who = person(rng);
    const std::string email =
        email_of(who, company.domain.empty() ? domain_of(company.stem, *company.country, org_) : company.domain);
    const std::string title = rng.chance(0.004) ? std::string("Head") + '\0' + " of Data" : rng.chance(0.1) ? "" : job_title(rng);
    const std::size_t contact =
        table(Source::contact)
            .add({table(Source::account).id(account), rng.chance(0.05) ? "" : who.first, who.last, title,
                  rng.chance(0.1)   ? ""
                  : rng.chance(0.1) ? email
                                    : lower(email),
                  rng.chance(0.4) ? "" : phone_format(company.phone, rng), boolean(rng.chance(0.04)), owner(), iso(at)},
                 at, visible);
    contacts_[account].push_back(static_cast<std::uint32_t>(contact));
    return contact;
}

void Crm::add_lead(Time at) {
    const std::size_t industry = rng.below(industry_count);
    const Country &country = rng.pick(countries(org_));
    const std::string company = make_stem(industry, rng), domain = domain_of(company, country, org_);
    const PersonName who = person(rng);
    table(Source::lead)
        .add({company, who.first, who.last, job_title(rng), email_of(who, domain),
              fmt::format("{} {} {}", country.dial, rng.between(20, 99), rng.between(1000000, 9999999)),
              rng.chance(0.5) ? "" : website(domain, rng), domain, industry_name(industry), country.name,
              rng.chance(0.5) ? "" : std::to_string(rng.between(5, 3000)),
              rng.chance(0.6) ? "Open - Not Contacted" : "Working - Contacted", rng.chance(0.5) ? "Web" : "Trade Show", owner(),
              "", "", iso(at)},
             at);
}

void Crm::convert_lead(std::size_t lead, Time at, Time now) {
    const std::size_t accounts = table(Source::account).size();
    if (accounts == 0) return;
    const std::size_t account = rng.below(accounts);
    if (!table(Source::account).live(account, now)) return;
    const Object &object = table(Source::lead).object();
    table(Source::lead)
        .set(lead,
             {{object.column("status"), "Closed - Converted"},
              {object.column("converted_at"), iso(midnight(at))},
              {object.column("converted_account_id"), table(Source::account).id(account)}},
             at);
}

std::optional<std::size_t> Crm::account_of(std::size_t company) const {
    const auto found = accounts_of.find(company);
    if (found == accounts_of.end()) return std::nullopt;
    for (const std::uint32_t account : found->second) {
        if (table(Source::account).row(account).deleted == 0) return account;
    }
    return std::nullopt;
}

void Crm::move_children(std::string_view column, std::initializer_list<Source> sources, const std::string &from,
                        const std::string &to, Time at) {
    for (const Source source : sources) {
        Table &children = table(source);
        const int at_column = children.object().column(column);
        if (at_column < 0) continue;
        for (std::size_t row = 0; row < children.size(); row++) {
            if (children.value(row, at_column) == from) children.set(row, {{at_column, to}}, at);
        }
    }
}

void Crm::merge(Source source, std::size_t winner, std::size_t loser, Time at) {
    Table &merged = table(source);
    // HubSpot's own lastmodified of the loser stays; the winner's moves.
    merged.remove(loser, at, !hubspot(), static_cast<std::uint32_t>(winner + 1));
    merged.touch(winner, at);
    losers_[static_cast<std::size_t>(source)][winner].push_back(static_cast<std::uint32_t>(loser));
    if (hubspot()) fresh_merges_.push_back({source, winner, loser});
    using enum Source;
    const std::initializer_list<Source> children = {contact, opportunity, asset, task, event, call, email, meeting, note};
    move_children(source == account ? "account_id" : "contact_id", children, merged.id(loser), merged.id(winner), at);
    if (source == account) {
        for (const std::uint32_t moved : contacts_[loser]) contacts_[winner].push_back(moved);
        contacts_[loser].clear();
    }
}

void Crm::date_merges() {
    for (const Merge &merge : fresh_merges_) {
        Table &merged = table(merge.source);
        merged.remove(merge.loser, merged.row(merge.winner).modified, true, static_cast<std::uint32_t>(merge.winner + 1));
    }
    fresh_merges_.clear();
}

const std::vector<std::uint32_t> &Crm::losers(Source source, std::size_t winner) const {
    static const std::vector<std::uint32_t> none;
    const auto &all = losers_[static_cast<std::size_t>(source)];
    const auto found = all.find(winner);
    return found == all.end() ? none : found->second;
}

bool Crm::settle() {
    bool any = false;
    for (Table &table : tables_) any |= table.settle();
    return any;
}

}  // namespace xsell::simulator
