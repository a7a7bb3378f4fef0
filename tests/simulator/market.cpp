// Who buys what when. Everything a model can learn from this world is planted here, see README.md.
#include <algorithm>
#include <array>
#include <numeric>

#include "world.hpp"

namespace xsell::simulator {
namespace {

// A bump around the usual lag: early and late are both unlikely.
double lag_effect(Time since, Time usual) {
    const double x = static_cast<double>(since) / static_cast<double>(usual);
    return x <= 0 ? 0 : std::exp(-1.8 * (x - 1) * (x - 1));
}

constexpr std::array<double, size_count> appetite = {0.6, 0.85, 1.15, 1.6};
constexpr std::array<long, size_count> most_seats = {3, 8, 25, 80};
constexpr double win_rate = 0.66, renewal_rate = 0.85;

}  // namespace

double World::liking(const Company &company, const Product &product, Time at) const {
    const double years_in = static_cast<double>(at - begin) / static_cast<double>(year);
    double u = product.popularity + product.trend * (years_in - options.years / 2);
    u += product.industry_taste[company.industry] + product.cluster_taste[company.cluster];
    u += 0.9 - 0.7 * std::abs(static_cast<double>(company.size) - product.preferred_size);
    if (product.launch != 0 && at - product.launch < 270 * day) u += 0.7;
    return u;
}

std::optional<std::size_t> World::choose(const Company &company, Time at, std::optional<std::size_t> org,
                                         const std::vector<DealLine> &taken) {
    std::vector<double> pull(products.size(), 0);
    for (const auto &[held, since] : company.holds) {
        for (const auto &next : products[held].follow_ups) pull[next.product] += next.strength * lag_effect(at - since, next.lag);
    }
    std::optional<std::size_t> best;
    double best_value = -1e9;
    std::vector<double> odds(products.size(), 0);
    for (const Product &p : products) {
        const double noise = market_.gumbel();
        if (p.launch > at || (p.retired != 0 && p.retired < at) || company.holds.contains(p.number)) continue;
        if (const auto open = company.expected.find(p.number); open != company.expected.end() && open->second > at) continue;
        if (std::any_of(taken.begin(), taken.end(), [&p](const DealLine &line) { return line.product == p.number; })) continue;
        const bool sold = std::any_of(company.presences.begin(), company.presences.end(), [&](const Presence &presence) {
            return (!org || *org == presence.org) && presence.since < at && p.sold_by(presence.org);
        });
        const double taste = liking(company, p, at) + pull[p.number], value = taste + noise;
        if (sold) odds[p.number] = std::exp(taste);
        if (sold && value > best_value) best_value = value, best = p.number;
    }
    if (expecting_) expect(company, at, org, odds);
    return best;
}

// The noise is Gumbel's, so that each product is the one with a chance in proportion to its odds; who sells it is drawn evenly.
void World::expect(const Company &company, Time at, std::optional<std::size_t> org, const std::vector<double> &odds) {
    const double all = std::accumulate(odds.begin(), odds.end(), 0.0);
    for (const Product &p : products) {
        if (odds[p.number] == 0) continue;
        std::vector<std::size_t> sellers;
        for (const Presence &presence : company.presences) {
            if ((!org || *org == presence.org) && presence.since < at && p.sold_by(presence.org)) sellers.push_back(presence.org);
        }
        const double chance = win_rate * odds[p.number] / all / static_cast<double>(sellers.size());
        for (const std::size_t seller : sellers)
            expected_->missed[company.number][seller * products.size() + p.number] *= 1 - chance;
    }
}

void World::continue_from(Time at, std::uint64_t seed, Expectation &expectation) {
    market_ = Rng(seed);
    expected_ = &expectation;
    for (Deal &deal : deals) {
        if (deal.closes <= at || deal.renewal) continue;
        Company &company = companies[deal.company];
        deal.won = market_.chance(win_rate);
        for (const DealLine &line : deal.lines) {
            const auto held = company.holds.find(line.product);
            if (held != company.holds.end() && held->second == deal.closes) company.holds.erase(held);
            company.expected.erase(line.product);
            (deal.won ? company.holds : company.expected).try_emplace(line.product, deal.closes);
        }
    }
}

void World::begin_deal(Company &company, Time at) {
    Deal deal;
    deal.company = company.number;
    deal.created = at + market_.between(0, week - 1);
    deal.closes =
        deal.created + std::clamp<Time>(static_cast<Time>(std::exp(3.2 + 0.6 * market_.normal()) * day), 5 * day, 120 * day);
    deal.closes = midnight(deal.closes) + market_.between(8, 17) * hour + market_.between(0, 3599);
    deal.renewal = !company.holds.empty() && market_.chance(0.12);
    deal.won = market_.chance(deal.renewal ? renewal_rate : win_rate);
    expecting_ = expected_ != nullptr && !deal.renewal && deal.created > expected_->from && deal.closes <= expected_->to;
    std::optional<std::size_t> product;
    if (deal.renewal)
        product = std::next(company.holds.begin(), static_cast<std::ptrdiff_t>(market_.below(company.holds.size())))->first;
    else
        product = choose(company, at, std::nullopt, {});
    if (!product) return;
    std::vector<std::size_t> sellers;
    for (const Presence &presence : company.presences) {
        if (presence.since < at && products[*product].sold_by(presence.org)) sellers.push_back(presence.org);
    }
    if (sellers.empty()) return;
    deal.org = market_.pick(sellers);
    for (std::size_t lines = deal.renewal          ? 1
                             : market_.chance(0.3) ? (market_.chance(0.3) ? 3 : 2)
                                                   : 1;
         product && lines > 0; lines--) {
        const Product &p = products[*product];
        deal.lines.push_back({*product, market_.between(1, most_seats[company.size]),
                              std::round(p.price * market_.uniform(0.8, 1.05) * 100) / 100});
        if (lines > 1) product = choose(company, at, deal.org, deal.lines);
    }
    for (const DealLine &line : deal.lines) {
        if (deal.won)
            company.holds.try_emplace(line.product, deal.closes);
        else
            company.expected[line.product] = deal.closes;
    }
    deals.push_back(std::move(deal));
}

void World::live_one_week(Company &company, Time at) {
    const bool known =
        std::any_of(company.presences.begin(), company.presences.end(), [at](const Presence &p) { return p.since < at; });
    if (!known) return;
    if (company.moody) {
        company.moods.back().to = at + week;
        if (market_.chance(1.0 / 9)) company.moody = false;
    } else if (market_.chance(1.0 / 24)) {
        company.moody = true;
        company.moods.push_back({at, at + week});
    }
    // The mood shows in activity for two weeks before it can become a deal.
    const bool ready = company.moody && at - company.moods.back().from >= 2 * week;
    const double begin_rate = (ready ? 0.14 : 0.022) * appetite[company.size];
    if (market_.chance(begin_rate)) begin_deal(company, at);
}

void World::simulate(Time to) {
    for (; simulated_ < to; simulated_ += week) {
        for (Company &company : companies) live_one_week(company, simulated_);
    }
}

}  // namespace xsell::simulator
