// The engine against a source and a store in memory: faults, retries, stops, and a crash at any commit.
#include "sync/engine.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace xsell::sync {
namespace {

struct Crash {};

// What survives a crash: rows, states and counters, changed together or not at all.
struct Disk {
    std::map<std::string, std::string> rows;    // "account/id" -> value
    std::map<std::string, std::string> states;  // object -> state
    std::map<std::string, std::int64_t> fetched;
    std::vector<std::string> ends;
    int commits = 0;
};

class MemoryStore : public Store {
  public:
    explicit MemoryStore(Disk &disk, int crash_at = -1, bool after = false) : disk_(disk), crash_at_(crash_at), after_(after) {}
    Object object(const std::string &name) override { return {name, {{"name", ColumnType::text}}}; }
    bool lock(const std::string &, const std::string &object) override { return object != "locked"; }
    void unlock(const std::string &, const std::string &) override {}
    std::string state(const std::string &, const std::string &object) override { return disk_.states[object]; }
    std::int64_t begin(const std::string &, const std::string &) override { return 1; }
    MergeCounts commit_page(const std::string &, const Object &object, std::int64_t, std::int64_t, const Page &page) override {
        if (!after_ && disk_.commits == crash_at_) throw Crash();
        if (lose_ > 0 && --lose_ == 0) {
            write(object, page);
            throw SyncError(Fault::transient, "the connection was lost after the commit");
        }
        write(object, page);
        if (after_ && disk_.commits == crash_at_) throw Crash();
        MergeCounts counts;
        counts.fetched = counts.changed = static_cast<std::int64_t>(page.records.size());
        return counts;
    }
    void end(const std::string &, const std::string &object, std::int64_t, const std::optional<std::string> &error) override {
        disk_.ends.push_back(object + ": " + error.value_or("completed"));
    }
    int lose_ = 0;  // the n-th commit succeeds, but nobody hears of it

  private:
    void write(const Object &object, const Page &page) {
        for (const auto &record : page.records) disk_.rows[object.name + "/" + record.crm_id] = *record.values[0];
        disk_.states[object.name] = page.next_state;
        disk_.fetched[object.name] += static_cast<std::int64_t>(page.records.size());
        ++disk_.commits;
    }
    Disk &disk_;
    int crash_at_;
    bool after_;
};

// Pages of three out of ten records for each object; faults are thrown once each before a page.
class MemoryConnector : public Connector {
  public:
    std::vector<std::string> objects() const override { return names; }
    Page fetch(const Object &object, const std::string &state) override {
        const int from = state.empty() ? 0 : std::stoi(state);
        if (const auto fault = faults.find(object.name + "@" + std::to_string(from));
            fault != faults.end() && fault->second.second-- > 0) {
            throw SyncError(fault->second.first, "planted fault", wait);
        }
        Page page;
        for (int i = from; i < std::min(from + 3, 10); ++i)
            page.records.push_back({std::to_string(i), {"value " + std::to_string(i)}, "{}", false});
        page.next_state = std::to_string(circle ? from : std::min(from + 3, 10));
        page.done = !circle && from + 3 >= 10;
        return page;
    }
    std::optional<std::int64_t> count(const Object &) override { return 10; }
    std::vector<Finding> check() override { return {}; }
    std::int64_t map_hash(const Object &) const override { return 1; }
    std::vector<std::string> names = {"account", "opportunity"};
    std::map<std::string, std::pair<Fault, int>> faults;  // "account@3" -> fault, how often
    double wait = 0;
    bool circle = false;
};

Options quick(std::vector<double> *waits = nullptr) {
    Options options;
    options.lock_patience = 0;
    options.sleep = [waits](double seconds) {
        if (waits) waits->push_back(seconds);
    };
    return options;
}

TEST(Engine, ReadsEverything) {
    Disk disk;
    MemoryStore store(disk);
    MemoryConnector connector;
    const OrgResult result = sync_org("emea", connector, store, quick());
    EXPECT_FALSE(result.failed());
    EXPECT_EQ(disk.rows.size(), 20u);
    EXPECT_EQ(result.objects.at(0).counts.fetched, 10);
    EXPECT_EQ(disk.ends, (std::vector<std::string>{"account: completed", "opportunity: completed"}));
}

TEST(Engine, ACrashAtAnyCommitLosesAndDoublesNothing) {
    Disk whole;
    MemoryStore calm(whole);
    MemoryConnector source;
    sync_org("emea", source, calm, quick());
    for (int crash_at = 0; crash_at <= 8; ++crash_at) {
        for (const bool after : {false, true}) {
            Disk disk;
            MemoryStore dying(disk, crash_at, after);
            MemoryConnector first, second;
            try {
                sync_org("emea", first, dying, quick());
            } catch (const Crash &) {
            }
            MemoryStore living(disk);
            EXPECT_FALSE(sync_org("emea", second, living, quick()).failed());
            EXPECT_EQ(disk.rows, whole.rows) << crash_at;
        }
    }
}

TEST(Engine, ACommitThatNobodyHeardOfIsNotRepeated) {
    Disk disk;
    MemoryStore store(disk);
    store.lose_ = 2;
    MemoryConnector connector;
    EXPECT_FALSE(sync_org("emea", connector, store, quick()).failed());
    EXPECT_EQ(disk.fetched["account"], 10);
}

TEST(Engine, TransientFaultsAreWaitedOutWithGrowingPauses) {
    Disk disk;
    MemoryStore store(disk);
    MemoryConnector connector;
    connector.faults["account@3"] = {Fault::transient, 5};
    std::vector<double> waits;
    EXPECT_FALSE(sync_org("emea", connector, store, quick(&waits)).failed());
    ASSERT_EQ(waits.size(), 5u);
    for (std::size_t i = 0; i < waits.size(); ++i) {
        EXPECT_GE(waits[i], 0);
        EXPECT_LE(waits[i], std::pow(2.0, static_cast<double>(i)));
    }
    EXPECT_EQ(disk.rows.size(), 20u);
}

TEST(Engine, TriesAreBoundedAndOtherObjectsGoOn) {
    Disk disk;
    MemoryStore store(disk);
    MemoryConnector connector;
    connector.faults["account@3"] = {Fault::transient, 1000};
    const OrgResult result = sync_org("emea", connector, store, quick());
    EXPECT_TRUE(result.failed());
    EXPECT_EQ(*result.objects.at(0).error, "planted fault");
    EXPECT_FALSE(result.objects.at(1).error);
    EXPECT_EQ(disk.rows.size(), 13u);  // the page before the fault stays
}

TEST(Engine, AWaitThatTheServerNamesIsKeptAndCostsNoTry) {
    Disk disk;
    MemoryStore store(disk);
    MemoryConnector connector;
    connector.wait = 7200;
    connector.faults["account@0"] = {Fault::transient, 20};
    std::vector<double> waits;
    EXPECT_FALSE(sync_org("emea", connector, store, quick(&waits)).failed());
    EXPECT_EQ(waits, std::vector<double>(20, 3600));
}

TEST(Engine, FaultsOfAnObjectAndOfAnOrg) {
    for (const auto &[fault, objects] : std::map<Fault, std::size_t>{{Fault::object, 2}, {Fault::org, 1}, {Fault::quota, 1}}) {
        Disk disk;
        MemoryStore store(disk);
        MemoryConnector connector;
        connector.faults["account@0"] = {fault, 1};
        const OrgResult result = sync_org("emea", connector, store, quick());
        EXPECT_TRUE(result.failed());
        EXPECT_EQ(result.objects.size(), objects);
        EXPECT_EQ(disk.ends.at(0), "account: planted fault");
    }
}

TEST(Engine, DoesNotReadInCircles) {
    Disk disk;
    MemoryStore store(disk);
    MemoryConnector connector;
    connector.circle = true;
    const OrgResult result = sync_org("emea", connector, store, quick());
    EXPECT_TRUE(result.failed());
    EXPECT_LE(disk.commits, 4);
}

TEST(Engine, StopsAfterThePage) {
    Disk disk;
    MemoryStore store(disk);
    MemoryConnector connector;
    std::atomic<bool> stop{false};
    Options options = quick();
    options.stop = &stop;
    options.progress = [&](const Progress &progress) { stop = progress.page == 2; };
    const OrgResult result = sync_org("emea", connector, store, options);
    EXPECT_EQ(*result.error, "stopped");
    EXPECT_EQ(disk.states["account"], "6");
    EXPECT_EQ(disk.ends, std::vector<std::string>{"account: stopped"});
    EXPECT_FALSE(sync_org("emea", connector, store, quick()).failed());
    EXPECT_EQ(disk.rows.size(), 20u);
}

TEST(Engine, WhatAnotherDaemonReadsIsLeftAlone) {
    Disk disk;
    MemoryStore store(disk);
    MemoryConnector connector;
    connector.names = {"locked", "account"};
    const OrgResult result = sync_org("emea", connector, store, quick());
    EXPECT_FALSE(result.failed());
    EXPECT_TRUE(result.objects.at(0).busy);
    EXPECT_EQ(disk.rows.size(), 10u);
}

TEST(Engine, OneOrgStopsNoOther) {
    Disk disk;
    std::vector<OrgJob> jobs(3);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        jobs[i].org = "org" + std::to_string(i);
        jobs[i].connector = [i]() -> std::unique_ptr<Connector> {
            if (i == 1) throw std::runtime_error("wrong password");
            return std::make_unique<MemoryConnector>();
        };
        jobs[i].store = [&disk] { return std::make_unique<MemoryStore>(disk); };
    }
    Options options = quick();
    options.workers = 1;
    const auto results = sync_orgs(jobs, options);
    EXPECT_FALSE(results.at(0).failed());
    EXPECT_EQ(*results.at(1).error, "wrong password");
    EXPECT_FALSE(results.at(2).failed());
}

}  // namespace
}  // namespace xsell::sync
