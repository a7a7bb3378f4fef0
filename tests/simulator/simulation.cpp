#include "simulation.hpp"

#include <algorithm>

namespace xsell::simulator {

Simulation::Simulation(const WorldOptions &options) : world_(options), now_(options.now) {
    for (std::size_t org = 0; org < org_count; org++) crms_.emplace_back(org, world_, options.seed);
    for (Crm &crm : crms_) populate(crm);
    Counts counts;
    new_deals(world_.begin - week, now_, counts);
    for (Crm &crm : crms_) {
        const std::size_t leads = crm.hubspot() ? 0 : crm.table(Source::account).size() / 5;
        for (std::size_t n = 0; n < leads; n++) crm.add_lead(crm.rng.between(world_.begin, now_ - day));
        for (std::size_t lead = 0; lead < leads; lead += 6)
            crm.convert_lead(lead, crm.rng.between(now_ - 300 * day, now_ - hour), now_);
    }
    spread_activities(options.activities);
    Rng rng(options.seed ^ 0xBEEF);
    for (Crm &crm : crms_) {
        old_deletes_and_merges(crm);
        late_commits(crm, now_, rng, counts);
        crm.date_merges();
        crm.settle();
    }
}

void Simulation::populate(Crm &crm) {
    crm.add_users(world_.begin);
    crm.add_products(now_);
    for (const Company &company : world_.companies) {
        for (const Presence &presence : company.presences) {
            if (presence.org != crm.org() || presence.since > now_) continue;
            crm.add_account(company, presence, now_, &presence == &company.presences.front());
            if (presence.duplicated) crm.add_account(company, presence, now_, false);
        }
    }
}

std::optional<std::size_t> Simulation::org_named(std::string_view name) const {
    for (const Crm &crm : crms_) {
        if (crm.name() == name) return crm.org();
    }
    return std::nullopt;
}

// More than half of all activities fall into moods and the weeks before a deal closes; the rest is noise over the years.
void Simulation::spread_activities(std::size_t count) {
    struct Burst {
        std::size_t org, account;
        std::optional<std::size_t> opportunity;
        Time from, to;
    };
    std::vector<Burst> bursts, quiet;
    for (Crm &crm : crms_) {
        for (const Company &company : world_.companies) {
            const auto account = crm.account_of(company.number);
            if (!account) continue;
            const Time since = parse_time(crm.table(Source::account).value(*account, "created_at"));
            if (since >= now_ - hour) continue;
            for (std::size_t n = 0; n <= company.size; n++)
                quiet.push_back({crm.org(), *account, {}, std::max(since, world_.begin), now_});
            for (const Stretch &mood : company.moods) {
                if (mood.from > since && mood.from < now_)
                    bursts.push_back({crm.org(), *account, {}, mood.from, std::min(mood.to, now_)});
            }
        }
    }
    for (const auto &crm : crms_) {
        for (const auto &[deal, opportunity] :
             std::map<std::size_t, std::size_t>(crm.opportunity_of.begin(), crm.opportunity_of.end())) {
            const auto account = crm.table(Source::account).find(crm.table(Source::opportunity).value(opportunity, 0));
            const Deal &d = world_.deals[deal];
            if (account && d.created < now_)
                bursts.push_back({crm.org(), *account, opportunity, d.created, std::min(d.closes, now_)});
        }
    }
    Rng rng(world_.options.seed ^ 0xAC71);
    for (std::size_t n = 0; n < count && !quiet.empty(); n++) {
        const Burst &burst = !bursts.empty() && rng.chance(0.6) ? rng.pick(bursts) : rng.pick(quiet);
        crms_[burst.org].add_activity(burst.account, burst.opportunity, rng.between(burst.from, burst.to));
    }
}

// A world that was never tidied would hide mistakes of the first sync: it starts with tombstones and merge losers.
void Simulation::old_deletes_and_merges(Crm &crm) {
    Counts counts;
    Rng rng(world_.options.seed * 7 + crm.org());
    merges(crm, now_ - 100 * day, now_ - day, rng, counts);
    deletes(crm, now_ - 40 * day, now_ - day, rng, counts);
}

bool Simulation::busy(const Crm &crm, Source source, std::size_t row) const {
    return std::any_of(pending_.begin(), pending_.end(),
                       [&](const Pending &p) { return p.org == crm.org() && p.source == source && p.row == row; });
}

std::optional<std::size_t> Simulation::some(const Crm &crm, Source source, Rng &rng,
                                            const std::function<bool(std::size_t)> &fits) const {
    const Table &table = crm.table(source);
    for (int tries = 0; tries < 200 && table.size() > 0; tries++) {
        const std::size_t row = rng.below(table.size());
        if (table.live(row, now_) && !busy(crm, source, row) && (!fits || fits(row))) return row;
    }
    return std::nullopt;
}

Time Simulation::covered(std::size_t org) const {
    Time oldest = now_;
    for (const Pending &p : pending_) {
        if (p.org == org) oldest = std::min(oldest, p.at);
    }
    for (std::size_t i = 0; i < source_count; i++) {
        const Table &table = crms_[org].table(static_cast<Source>(i));
        const auto &index = table.by_modified();
        for (std::size_t at = index.size(); at-- > 0 && table.row(index[at]).modified > now_ - latest_commit;) {
            if (table.row(index[at]).visible > now_) oldest = std::min(oldest, table.row(index[at]).modified);
        }
    }
    return oldest;
}

std::map<std::string, std::size_t> Simulation::advance(Time to) {
    Counts counts;
    if (to <= now_) return counts;
    Rng rng(world_.options.seed ^ (static_cast<std::uint64_t>(to) * 0x9E37ULL));
    const Time from = now_;
    commit_pending(to, counts);
    world_.simulate(to + 90 * day);
    new_companies(from, to, rng, counts);
    now_ = to;
    new_deals(from, to, counts);
    for (Crm &crm : crms_) {
        edits(crm, from, to, rng, counts);
        merges(crm, from, to, rng, counts);
        deletes(crm, from, to, rng, counts);
        new_activities(crm, from, to, rng, counts);
        late_commits(crm, to, rng, counts);
        crm.date_merges();
        crm.settle();
    }
    return counts;
}

}  // namespace xsell::simulator
