// What happens while the clock advances.
#include <algorithm>

#include "simulation.hpp"

namespace xsell::simulator {
namespace {

// How many events of a yearly-per-record rate fall into the interval; at least one, at most a twentieth of the records.
std::size_t times(const Table &table, double per_year, Time from, Time to) {
    const double expected =
        static_cast<double>(table.size()) * per_year * static_cast<double>(to - from) / static_cast<double>(year);
    return static_cast<std::size_t>(std::clamp(expected, 1.0, std::max(1.0, static_cast<double>(table.size()) / 20)));
}

Time moment(Time from, Time to, Rng &rng) { return rng.between(from + 1, to); }

}  // namespace

void Simulation::commit_pending(Time to, Counts &counts) {
    std::vector<Pending> later;
    for (Pending &p : pending_) {
        if (p.commits > to) {
            later.push_back(std::move(p));
            continue;
        }
        Crm &crm = crms_[p.org];
        if (p.changes.empty())
            delete_record(crm, p.source, p.row, p.at);
        else
            crm.table(p.source).set(p.row, p.changes, p.at);
        counts["late_commits"]++;
    }
    pending_ = std::move(later);
}

void Simulation::new_deals(Time from, Time to, Counts &counts) {
    for (; deals_seen_ < world_.deals.size(); deals_seen_++) future_deals_.insert(deals_seen_);
    for (auto it = future_deals_.begin(); it != future_deals_.end();) {
        const Deal &deal = world_.deals[*it];
        if (deal.created > to) {
            ++it;
            continue;
        }
        const bool late = deal.created > to - latest_commit / 2 && deal.closes > to;
        crms_[deal.org].add_deal(deal, *it, to, late ? deal.created + latest_commit : 0);
        counts["new_deals"]++;
        it = future_deals_.erase(it);
    }
    for (Crm &crm : crms_) {
        const auto open = crm.open_deals;
        for (const Crm::OpenDeal &deal : open) {
            if (deal.closes <= from || deal.closes > to || busy(crm, Source::opportunity, deal.opportunity)) continue;
            crm.close_deal(deal.opportunity, deal.closes);
            counts["closed_deals"]++;
        }
        // A deal whose closing fell into a late change of its record closes with the next step.
        for (const Crm::OpenDeal &deal : std::vector<Crm::OpenDeal>(crm.open_deals)) {
            if (deal.closes <= from && !busy(crm, Source::opportunity, deal.opportunity)) crm.close_deal(deal.opportunity, to);
        }
    }
}

void Simulation::new_companies(Time from, Time to, Rng &rng, Counts &counts) {
    const std::size_t count = std::max<std::size_t>(org_count, times(crms_[0].table(Source::account), 0.15, from, to));
    for (std::size_t n = 0; n < count; n++) {
        const std::size_t org = n % org_count;
        const std::size_t number = world_.add_company(org, moment(from, to, rng), rng);
        const Company &company = world_.companies[number];
        crms_[org].add_account(company, company.presences.front(), to, true);
        counts["new_accounts"]++;
    }
    for (Crm &crm : crms_) {
        if (!crm.hubspot()) crm.add_lead(moment(from, to, rng)), counts["new_leads"]++;
    }
}

void Simulation::edits(Crm &crm, Time from, Time to, Rng &rng, Counts &counts) {
    const auto edit = [&](Source source, double per_year, const auto &changes) {
        Table &table = crm.table(source);
        for (std::size_t n = times(table, per_year, from, to); n > 0; n--) {
            const auto row = some(crm, source, rng);
            if (!row) return;
            table.set(*row, changes(table, *row), moment(from, to, rng));
            counts["edits"]++;
        }
    };
    using Changes = std::vector<Table::Change>;
    edit(Source::account, 0.5, [&](const Table &t, std::size_t row) -> Changes {
        const Company &company = world_.companies[crm.company_of(row)];
        if (rng.chance(0.3)) return {{t.object().column("owner_id"), crm.table(Source::user).id(rng.below(15))}};
        if (rng.chance(0.4)) return {{t.object().column("phone"), phone_format(company.phone, rng)}};
        return {{t.object().column("name"), respelled(company, rng)}};
    });
    edit(Source::contact, 0.4, [&](const Table &t, std::size_t) -> Changes {
        return {{t.object().column("title"), job_title(rng)}};
    });
    edit(Source::opportunity, 0.15, [&](const Table &t, std::size_t row) -> Changes {
        return {
            {t.object().column("amount"), plain(std::stod("0" + std::string(t.value(row, "amount"))) * rng.uniform(0.9, 1.1))}};
    });
    edit(Source::line, 0.05, [&](const Table &t, std::size_t row) -> Changes {
        const double price = std::stod("0" + std::string(t.value(row, "unit_price")));
        const auto quantity = rng.between(1, 20);
        return {{t.object().column("quantity"), std::to_string(quantity)},
                {t.object().column("amount"), plain(price * static_cast<double>(quantity))}};
    });
    edit(Source::product, 0.2, [&](const Table &t, std::size_t row) -> Changes {
        return {{t.object().column("description"), "Revised " + iso_day(to) + ": " + std::string(t.value(row, "name"))}};
    });
    if (!crm.hubspot()) {
        edit(Source::user, 0.1, [&](const Table &t, std::size_t row) -> Changes {
            return {{t.object().column("is_active"), boolean(t.value(row, "is_active") != "t")}};
        });
        edit(Source::asset, 0.1, [](const Table &t, std::size_t) -> Changes {
            return {{t.object().column("status"), "Obsolete"}};
        });
        edit(Source::lead, 0.3, [](const Table &t, std::size_t) -> Changes {
            return {{t.object().column("status"), "Working - Contacted"}};
        });
        if (const auto lead = some(crm, Source::lead, rng,
                                   [&](std::size_t row) { return crm.table(Source::lead).value(row, "converted_at").empty(); })) {
            crm.convert_lead(*lead, moment(from, to, rng), to);
            counts["converted_leads"]++;
        }
    }
    edit(Source::task, 0.02, [&](const Table &t, std::size_t) -> Changes {
        return {{t.object().column("subject"), "Rescheduled: offer"}};
    });
}

void Simulation::delete_record(Crm &crm, Source source, std::size_t row, Time at) {
    const bool bump = !crm.hubspot();  // HubSpot archives without touching lastmodified
    crm.table(source).remove(row, at, bump);
    if (source != Source::opportunity) return;
    Table &lines = crm.table(Source::line);
    const std::string id = crm.table(source).id(row);
    for (std::size_t line = 0; line < lines.size(); line++) {
        if (lines.row(line).deleted == 0 && lines.value(line, 0) == id) lines.remove(line, at, bump);
    }
}

void Simulation::deletes(Crm &crm, Time from, Time to, Rng &rng, Counts &counts) {
    using enum Source;
    for (const auto &[source, per_year] : {std::pair{contact, 0.05},
                                           {opportunity, 0.03},
                                           {line, 0.02},
                                           {lead, 0.05},
                                           {asset, 0.02},
                                           {task, 0.01},
                                           {event, 0.01},
                                           {call, 0.01},
                                           {note, 0.01}}) {
        Table &table = crm.table(source);
        for (std::size_t n = table.size() == 0 ? 0 : times(table, per_year, from, to); n > 0; n--) {
            // A winner stays: its losers are named nowhere else in HubSpot.
            if (const auto row = some(crm, source, rng, [&](std::size_t r) { return crm.losers(source, r).empty(); }))
                delete_record(crm, source, *row, moment(from, to, rng)), counts["deletes"]++;
        }
    }
    // An account leaves the CRM only when nothing hangs on it but its contacts, which go along in Salesforce.
    const auto row = some(crm, account, rng, [&](std::size_t r) {
        const std::string id = crm.table(account).id(r);
        for (const Source child : {opportunity, asset, task, event, call, email, meeting, note}) {
            const Table &children = crm.table(child);
            const int column = children.object().column("account_id");
            for (std::size_t c = 0; c < children.size(); c++) {
                if (children.value(c, column) == id) return false;
            }
        }
        return true;
    });
    if (row) {
        const Time at = moment(from, to, rng);
        for (const std::uint32_t person : crm.contacts_of(*row)) {
            const bool kept = busy(crm, contact, person) || !crm.losers(contact, person).empty();
            if (crm.table(contact).live(person, to) && !kept) delete_record(crm, contact, person, at);
        }
        delete_record(crm, account, *row, at);
        counts["deletes"]++;
    }
    // One record comes back from the recycle bin.
    Table &contacts = crm.table(contact);
    for (std::size_t r = 0; r < contacts.size(); r++) {
        if (contacts.row(r).deleted == 0 || contacts.row(r).deleted > from || contacts.row(r).merged_into != 0) continue;
        const auto owner = crm.table(account).find(contacts.value(r, 0));
        if (!owner || crm.table(account).row(*owner).deleted != 0) continue;
        contacts.restore(r, moment(from, to, rng));
        counts["restores"]++;
        break;
    }
}

void Simulation::merges(Crm &crm, Time from, Time to, Rng &rng, Counts &counts) {
    Table &accounts = crm.table(Source::account);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> twins;
    for (std::uint32_t row = 0; row < accounts.size(); row++) {
        const auto &all = crm.accounts_of[crm.company_of(row)];
        if (all.size() == 2 && all[0] == row && accounts.live(all[0], now_) && accounts.live(all[1], now_))
            twins.emplace_back(all[0], all[1]);
    }
    for (std::size_t n = std::min<std::size_t>(twins.size(), 1 + twins.size() / 8); n > 0; n--) {
        const std::size_t at = rng.below(twins.size());
        const auto [winner, loser] = twins[at];
        twins.erase(twins.begin() + static_cast<std::ptrdiff_t>(at));
        if (busy(crm, Source::account, winner) || busy(crm, Source::account, loser)) continue;
        crm.merge(Source::account, winner, loser, moment(from, to, rng));
        counts["merges"]++;
    }
    const auto account = some(crm, Source::account, rng, [&](std::size_t row) { return crm.contacts_of(row).size() > 2; });
    if (!account) return;
    const auto people = crm.contacts_of(*account);
    const Table &contacts = crm.table(Source::contact);
    if (!contacts.live(people[0], now_) || !contacts.live(people[1], now_)) return;
    if (busy(crm, Source::contact, people[0]) || busy(crm, Source::contact, people[1])) return;
    crm.merge(Source::contact, people[0], people[1], moment(from, to, rng));
    counts["merges"]++;
}

void Simulation::new_activities(Crm &crm, Time from, Time to, Rng &rng, Counts &counts) {
    const double per_second =
        static_cast<double>(world_.options.activities) / (world_.options.years * static_cast<double>(year)) / org_count;
    const auto count = std::max<std::size_t>(5, static_cast<std::size_t>(per_second * static_cast<double>(to - from)));
    for (std::size_t n = 0; n < count; n++) {
        const Time at = moment(from, to, rng);
        if (!crm.open_deals.empty() && rng.chance(0.6)) {
            const Crm::OpenDeal &deal = rng.pick(crm.open_deals);
            const auto account = crm.table(Source::account).find(crm.table(Source::opportunity).value(deal.opportunity, 0));
            if (account && crm.table(Source::opportunity).live(deal.opportunity, to))
                crm.add_activity(*account, deal.opportunity, at);
        } else if (const auto account = some(crm, Source::account, rng)) {
            crm.add_activity(*account, std::nullopt, at);
        }
        counts["activities"]++;
    }
}

// Rows stamped just before `to` that nobody can see yet: they appear with the next step, older than what was read meanwhile.
void Simulation::late_commits(Crm &crm, Time to, Rng &rng, Counts &counts) {
    const auto stamp = [&] { return to - rng.between(30, latest_commit - 60); };
    const auto commit = [&](Time at) { return std::max(to + 1, at + rng.between(60, latest_commit)); };
    for (int n = 0; n < 3; n++) {
        const auto account = some(crm, Source::account, rng);
        if (!account) return;
        const Time at = stamp(), commits = commit(at);
        if (n == 0) crm.add_contact(*account, at, commits);
        crm.add_activity(*account, std::nullopt, at, commits);
        counts["late_rows"]++;
    }
    const auto later = [&](Source source, std::vector<Table::Change> changes) {
        const Time at = stamp();
        const auto row = some(crm, source, rng, [&](std::size_t r) { return crm.table(source).row(r).modified < at; });
        if (!row) return;
        pending_.push_back({crm.org(), source, *row, std::move(changes), at, commit(at)});
        counts["late_changes"]++;
    };
    later(Source::account, {{crm.table(Source::account).object().column("city"), "Late Town"}});
    later(Source::opportunity, {{crm.table(Source::opportunity).object().column("name"), "Renamed late"}});
    later(Source::lead, {});
    later(Source::line, {});
}

}  // namespace xsell::simulator
