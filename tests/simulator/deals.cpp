// Deals, their lines, assets and activities as records of a CRM.
#include <fmt/format.h>

#include <algorithm>

#include "crm.hpp"

namespace xsell::simulator {
namespace {

struct Stage {
    const char *salesforce, *hubspot;
    int probability;
};
constexpr Stage open_stages[] = {{"Prospecting", "appointmentscheduled", 10},
                                 {"Qualification", "qualifiedtobuy", 20},
                                 {"Proposal/Price Quote", "presentationscheduled", 60},
                                 {"Negotiation/Review", "contractsent", 80}};
constexpr Stage won_stage = {"Closed Won", "closedwon", 100}, lost_stage = {"Closed Lost", "closedlost", 0};

double rate(const std::string &currency, std::size_t org) {
    if (currency == "AUD") return 1.6;
    return currency == "USD" || org == 1 ? 1.1 : 1.0;
}

double cents(double amount) { return std::round(amount * 100) / 100; }

constexpr const char *subjects[] = {"Follow up on offer",   "Intro call",     "Demo of new release", "Quarterly review",
                                    "Send contract",        "Price question", "Onboarding session",  "Support escalation ⚠️",
                                    "Re: Angebot für 2025", "Lunch & learn"};

}  // namespace

// Only HubSpot deals name a currency: both Salesforce orgs keep a single one, and then the API has no such field.
std::string Crm::currency_of(const Company &company) const {
    if (!hubspot()) return "";
    return std::string_view(company.country->name) == "Australia" ? "AUD" : "USD";
}

void Crm::add_deal(const Deal &deal, std::size_t deal_number, Time now, Time visible) {
    const auto account = account_of(deal.company);
    if (!account) return;
    std::size_t where = *account;
    if (accounts_of[deal.company].size() > 1 && rng.chance(0.25)) {
        const std::size_t second = accounts_of[deal.company][1];
        if (table(Source::account).row(second).deleted == 0) where = second;
    }
    const Company &company = world_.companies[deal.company];
    const std::string currency = currency_of(company);
    const double factor = rate(currency, org_);
    double total = 0;
    for (const DealLine &line : deal.lines) total += cents(line.price * factor) * static_cast<double>(line.quantity);
    const double progress = static_cast<double>(now - deal.created) / static_cast<double>(deal.closes - deal.created);
    const Stage &stage = open_stages[std::min<std::size_t>(3, static_cast<std::size_t>(std::clamp(progress, 0.0, 1.0) * 4))];
    const std::string account_name(table(Source::account).value(where, 0));
    const std::string name = fmt::format("{} - {}{}", account_name, world_.products[deal.lines.front().product].names[org_],
                                         deal.renewal        ? " renewal"
                                         : rng.chance(0.004) ? std::string(1, '\0')
                                                             : "");
    const std::string type = hubspot()      ? (deal.renewal ? "existingbusiness" : "newbusiness")
                             : deal.renewal ? "Existing Business"
                                            : "New Business";
    const Time expected = hubspot() ? deal.closes : midnight(deal.closes);
    const Time edited = std::min(deal.created + rng.between(0, 3 * day), std::max(now, deal.created));
    const std::size_t row = table(Source::opportunity)
                                .add({table(Source::account).id(where), name, hubspot() ? "default" : "",
                                      hubspot() ? stage.hubspot : stage.salesforce, type, plain(total), currency,
                                      std::to_string(stage.probability), "f", "f", iso(expected), owner(), iso(deal.created)},
                                     edited, visible);
    for (const DealLine &line : deal.lines) {
        if (product_row[line.product] < 0) continue;
        const double price = cents(line.price * factor);
        const auto product = static_cast<std::size_t>(product_row[line.product]);
        table(Source::line)
            .add({table(Source::opportunity).id(row), table(Source::product).id(product),
                  world_.products[line.product].names[org_], std::to_string(line.quantity), plain(price),
                  plain(cents(price * static_cast<double>(line.quantity))), currency, iso(deal.created)},
                 edited, visible);
    }
    opportunity_of[deal_number] = row;
    open_deals.push_back({row, deal_number, deal.closes});
    if (deal.closes <= now) close_deal(row, deal.closes, visible);
}

void Crm::close_deal(std::size_t opportunity, Time at, Time visible) {
    const auto open =
        std::find_if(open_deals.rbegin(), open_deals.rend(), [=](const OpenDeal &d) { return d.opportunity == opportunity; });
    if (open == open_deals.rend()) return;
    const Deal &deal = world_.deals[open->deal];
    open_deals.erase(std::next(open).base());
    Table &deals = table(Source::opportunity);
    if (deals.row(opportunity).deleted != 0) return;
    const Stage &stage = deal.won ? won_stage : lost_stage;
    const Object &o = deals.object();
    deals.set(opportunity,
              {{o.column("stage"), hubspot() ? stage.hubspot : stage.salesforce},
               {o.column("probability"), std::to_string(stage.probability)},
               {o.column("is_closed"), "t"},
               {o.column("is_won"), boolean(deal.won)},
               {o.column("closed_at"), iso(hubspot() ? at : midnight(at))}},
              at);
    const auto account = table(Source::account).find(deals.value(opportunity, o.column("account_id")));
    if (!deal.won || !account || visible > at) return;
    Table &accounts = table(Source::account);
    if (accounts.row(*account).deleted == 0) accounts.set(*account, {{1, hubspot() ? "customer" : "Customer"}}, at);
    for (const DealLine &line : deal.lines) {
        if (!hubspot() && world_.products[line.product].installed && !deal.renewal) add_asset(*account, line, at);
    }
}

void Crm::add_asset(std::size_t account, const DealLine &line, Time at) {
    if (product_row[line.product] < 0) return;
    const auto &people = contacts_[account];
    const double price = cents(line.price * rate("", org_)) * static_cast<double>(line.quantity);
    table(Source::asset)
        .add({table(Source::account).id(account), people.empty() ? "" : table(Source::contact).id(people[0]),
              table(Source::product).id(static_cast<std::size_t>(product_row[line.product])),
              world_.products[line.product].names[org_], "Installed", std::to_string(line.quantity), plain(price),
              iso(midnight(at)), iso(midnight(at)), iso(midnight(at) + 3 * year), iso(at)},
             at);
}

void Crm::add_activity(std::size_t account, std::optional<std::size_t> opportunity, Time at, Time visible) {
    static constexpr const char *kinds[] = {"task", "call", "email", "meeting", "note"};
    const double where = rng.uniform();
    const std::size_t kind = where < 0.35 ? 0 : where < 0.6 ? 1 : where < 0.8 ? 2 : where < 0.95 || !hubspot() ? 3 : 4;
    static constexpr Source hubspot_tables[] = {Source::task, Source::call, Source::email, Source::meeting, Source::note};
    Table &target = table(hubspot() ? hubspot_tables[kind] : kind == 3 ? Source::event : Source::task);
    const bool done = !rng.chance(0.04);
    const bool day_only = !hubspot() && kind != 3;  // a Salesforce task has a due day, not a moment
    const Time occurred = (day_only ? midnight(at) : at) + (done ? 0 : 3 * day);
    std::string duration, direction, status, closed;
    if (kind == 1) duration = std::to_string(60 * rng.between(1, 40)), direction = rng.chance(0.3) ? "inbound" : "outbound";
    if (kind == 3) duration = std::to_string(900 * rng.between(1, 8));
    if (kind == 2 && hubspot()) direction = rng.chance(0.3) ? "inbound" : "outbound";
    if (kind < 3 && !hubspot()) status = done ? "Completed" : "Not Started", closed = boolean(done);
    if (kind == 0 && hubspot()) status = done ? "COMPLETED" : "NOT_STARTED", closed = boolean(done);
    const auto &people = contacts_[account];
    const std::string contact = people.empty() || rng.chance(0.2) ? "" : table(Source::contact).id(rng.pick(people));
    const std::string subject = rng.chance(0.0005) ? std::string("Call") + '\0' + "back" : rng.pick(subjects);
    target.add(
        {kinds[kind], table(Source::account).id(account), contact, opportunity ? table(Source::opportunity).id(*opportunity) : "",
         subject, iso(occurred), duration, direction, status, closed, owner(), iso(at)},
        at, visible);
}

}  // namespace xsell::simulator
