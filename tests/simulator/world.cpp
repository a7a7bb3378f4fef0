#include "world.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xsell::simulator {
namespace {

constexpr std::size_t family_count = 6;
constexpr const char *product_first[] = {"Endpoint", "Archive", "Edge", "Elastic", "Insight",  "Premium",
                                         "Identity", "Stream",  "Mesh", "Hybrid",  "Forecast", "Guided"};
constexpr const char *product_second[] = {"Shield", "Vault", "Router", "Compute", "Board", "Care",
                                          "Gate",   "Lake",  "Link",   "Store",   "Lens",  "Desk"};
constexpr const char *family_codes[] = {"SEC", "DAT", "NET", "CLD", "ANA", "SUP"};

std::string local_name(const std::string &name, std::size_t org, Rng &rng) {
    const auto words = split(name, ' ');
    const std::string edition = words.size() > 2 ? " " + words[2] : "";
    switch (org) {
        case 0: return name;
        case 1: return rng.chance(0.5) ? words[0] + words[1] + edition : name + " (US)";
        default: return rng.chance(0.5) ? words[1] + " for " + words[0] + edition : "APAC " + name;
    }
}

}  // namespace

World::World(const WorldOptions &given, Time until)
    : options(given),
      begin(midnight(given.now) - static_cast<Time>(given.years * static_cast<double>(year))),
      rng_(given.seed),
      market_(given.seed ^ 0xA5A5A5A5ULL),
      simulated_(begin) {
    make_products();
    make_companies();
    simulate(until);
}

void World::make_products() {
    for (std::size_t i = 0; i < options.products; i++) {
        Product p;
        p.number = i;
        p.family = i % family_count;
        p.code = fmt::format("{}-{}", family_codes[p.family], 100 + 10 * (i / family_count) + p.family);
        p.name = fmt::format("{} {}", product_first[(i * 5 + i / 12) % 12], product_second[(i * 7 + i / 6 * 5) % 12]);
        if (i >= 12) p.name += i < 24 ? " Plus" : i < 36 ? " Pro" : fmt::format(" {}", 2000 + i);
        const double where = rng_.uniform();
        const std::size_t left_out = rng_.below(org_count), alone = rng_.below(org_count);
        for (std::size_t org = 0; org < org_count; org++) {
            const bool sold = where < 0.65 || (where < 0.88 ? org != left_out : org == alone);
            if (sold) p.names[org] = local_name(p.name, org, rng_);
        }
        p.price = std::round(std::exp(rng_.uniform(std::log(400.0), std::log(12000.0))) / 10) * 10;
        p.popularity = 0.5 * rng_.normal();
        p.trend = 0.45 * rng_.normal();
        p.preferred_size = rng_.uniform(0, size_count - 1);
        const double span = static_cast<double>(options.now - begin);
        if (rng_.chance(0.25)) p.launch = begin + static_cast<Time>(rng_.uniform(0.1, 0.85) * span);
        if (p.launch == 0 && rng_.chance(0.06)) p.retired = begin + static_cast<Time>(rng_.uniform(0.4, 0.8) * span);
        p.installed = i % 2 == 0;
        for (double &taste : p.industry_taste) taste = rng_.chance(0.22) ? rng_.uniform(1.7, 2.8) : -0.5;
        for (double &taste : p.cluster_taste) taste = rng_.chance(0.2) ? rng_.uniform(1.5, 2.4) : -0.4;
        products.push_back(std::move(p));
    }
    for (Product &p : products) {
        for (std::size_t n = rng_.below(3); n > 0; n--) {
            const std::size_t other = rng_.below(products.size());
            if (other != p.number) p.follow_ups.push_back({other, rng_.uniform(2.2, 3.6), rng_.between(60, 200) * day});
        }
    }
}

Company World::make_company(std::size_t home, Rng &rng) {
    Company c;
    c.number = companies.size();
    c.industry = rng.below(industry_count);
    c.cluster = rng.below(cluster_count);
    c.country = &rng.pick(countries(home));
    c.city = rng.pick(c.country->cities);
    c.legal_form = rng.pick(c.country->legal_forms);
    do c.stem = make_stem(c.industry, rng);
    while (++stems_[c.stem] > 1);
    if (rng.chance(0.93)) {
        c.domain = domain_of(c.stem, *c.country, home);
        if (++domains_[c.domain] > 1) c.domain = fmt::format("{}{}", domains_[c.domain], c.domain);
    }
    c.phone = fmt::format("{} {} {}", c.country->dial, rng.between(20, 99), rng.between(1000000, 9999999));
    const double scale = rng.normal() * 1.4 + 5;
    c.employees = std::clamp(static_cast<long>(std::exp(scale)), 3L, 90000L);
    c.size = c.employees < 50 ? 0 : c.employees < 250 ? 1 : c.employees < 1000 ? 2 : 3;
    c.revenue = static_cast<long>(std::exp(scale * 0.9 + 12 + 0.4 * rng.normal())) / 1000 * 1000;
    return c;
}

void World::make_companies() {
    for (std::size_t accounts = 0; accounts < options.accounts;) {
        const double where = rng_.uniform();
        const std::size_t home = where < 0.4 ? 0 : where < 0.75 ? 1 : 2;
        Company c = make_company(home, rng_);
        const double spread = rng_.uniform();
        const std::size_t wanted = spread < 0.05 ? 3 : spread < 0.23 ? 2 : 1;
        for (std::size_t n = 0; n < wanted && accounts < options.accounts; n++) {
            Presence presence;
            presence.org = n == 2 || (n == 1 && wanted == 3) ? (home + n) % org_count
                           : n == 0                          ? home
                                                             : (home + 1 + rng_.below(2)) % org_count;
            presence.since = rng_.chance(0.6) ? begin - rng_.between(0, 700) * day - rng_.between(0, day)
                                              : begin + rng_.between(0, options.now - begin - 40 * day);
            accounts++;
            if (accounts < options.accounts && rng_.chance(0.03)) {
                presence.duplicated = true;
                accounts++;
            }
            c.presences.push_back(presence);
        }
        companies.push_back(std::move(c));
    }
}

std::size_t World::add_company(std::size_t org, Time since, Rng &rng) {
    Company c = make_company(org, rng);
    c.presences.push_back({org, since, false});
    companies.push_back(std::move(c));
    return companies.size() - 1;
}

}  // namespace xsell::simulator
