// The world and its three CRMs at one moment, and what happens to them when the clock advances.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <shared_mutex>

#include "crm.hpp"

namespace xsell::simulator {

class Simulation {
  public:
    explicit Simulation(const WorldOptions &options);
    // Applies what happens in (now, to]: readers must be kept out (see mutex). Returns how many records were touched, by kind of
    // event.
    std::map<std::string, std::size_t> advance(Time to);

    Time now() const { return now_; }
    const World &world() const { return world_; }
    const Crm &crm(std::size_t org) const { return crms_[org]; }
    std::optional<std::size_t> org_named(std::string_view name) const;
    // The oldest stamp of a transaction that has not committed yet, else now: what Salesforce calls latestDateCovered.
    Time covered(std::size_t org) const;

    mutable std::shared_mutex mutex;

  private:
    // A change of a record that is stamped now and seen only when its transaction commits.
    struct Pending {
        std::size_t org;
        Source source;
        std::size_t row;
        std::vector<Table::Change> changes;  // none: the record is deleted
        Time at, commits;
    };
    using Counts = std::map<std::string, std::size_t>;

    void populate(Crm &crm);
    void spread_activities(std::size_t count);
    void old_deletes_and_merges(Crm &crm);
    void commit_pending(Time to, Counts &counts);
    void new_deals(Time from, Time to, Counts &counts);
    void new_companies(Time from, Time to, Rng &rng, Counts &counts);
    void edits(Crm &crm, Time from, Time to, Rng &rng, Counts &counts);
    void deletes(Crm &crm, Time from, Time to, Rng &rng, Counts &counts);
    void merges(Crm &crm, Time from, Time to, Rng &rng, Counts &counts);
    void new_activities(Crm &crm, Time from, Time to, Rng &rng, Counts &counts);
    void late_commits(Crm &crm, Time to, Rng &rng, Counts &counts);
    // A live, visible record without a change under way; nullopt when a few tries find none.
    std::optional<std::size_t> some(const Crm &crm, Source source, Rng &rng,
                                    const std::function<bool(std::size_t)> &fits = {}) const;
    bool busy(const Crm &crm, Source source, std::size_t row) const;
    void delete_record(Crm &crm, Source source, std::size_t row, Time at);

    World world_;
    std::vector<Crm> crms_;
    std::vector<Pending> pending_;
    std::size_t deals_seen_ = 0;
    std::set<std::size_t> future_deals_;
    Time now_;
};

}  // namespace xsell::simulator
