// Crashes at every point, lost workers, engines that share a queue, and random mixtures of all of it: the rows are the truth each
// time, and every page counts once.
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>

#include "queue_model.hpp"

namespace xsell::sync::model {
namespace {

using Outcome = Machine::Outcome;

// The n-th commit of a machine (from 0) ends so.
std::function<Outcome()> nth(int n, Outcome outcome) {
    auto left = std::make_shared<std::atomic<int>>(n);
    return [left, outcome] { return (*left)-- == 0 ? outcome : Outcome::well; };
}

// Counters are part of the transaction: each page is in them exactly once.
void expect_exact(Database &database, World &world, const std::string &what) {
    EXPECT_EQ(database.rows, world.truth()) << what;
    for (const auto &[id, run] : database.runs) {
        if (run.state != "COMPLETED") continue;
        std::int64_t done = 0;
        for (const auto &[page_id, page] : database.pages) done += page.run == id && page.status == Database::Status::done;
        EXPECT_EQ(run.pages, done) << what;
    }
}

TEST(EngineCrash, ADaemonThatDiesAtAnyCommitIsReplaced) {
    for (const auto outcome : {Outcome::die_before, Outcome::die_after}) {
        for (int at = 0; at < 8; ++at) {
            Database database;
            World world;
            fill(world, {"emea"}, 10);
            world.tables["emea/opportunity"].fan_out = at % 2 == 1;
            const auto processes = open_all(database, world);
            Machine dying;
            dying.at_commit = nth(at, outcome);
            std::atomic<bool> killed{false};
            Options doomed = quick();
            doomed.stop = &killed;
            {
                Engine first(sources(world), stores(database, dying), doomed);
                while (!dying.dead) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                killed = true;
            }
            Machine living;
            Engine second(sources(world), stores(database, living), quick());
            const auto reports = second.finish(processes, 5);
            const std::string what = "commit " + std::to_string(at) + (outcome == Outcome::die_after ? " after" : " before");
            expect_exact(database, world, what);
            for (const auto &report : reports) EXPECT_EQ(report.state, "COMPLETED") << what;
            EXPECT_EQ(database.commits, 8) << what;
        }
    }
}

TEST(EngineCrash, OtherWorkersTakeOverWhileTheyWork) {
    for (int at = 0; at < 20; ++at) {
        Database database;
        World world;
        fill(world, {"emea", "amer"}, 40);
        world.tables["amer/account"].fan_out = true;
        const auto processes = open_all(database, world);
        Machine dying, living;
        dying.at_commit = nth(at, at % 2 ? Outcome::die_after : Outcome::die_before);
        std::atomic<bool> killed{false};
        Options doomed = quick();
        doomed.stop = &killed;
        Engine first(sources(world), stores(database, dying), doomed), second(sources(world), stores(database, living), quick());
        const auto reports = second.finish(processes, 5);
        killed = true;
        expect_exact(database, world, std::to_string(at));
        EXPECT_EQ(database.commits, 4 * 14);
        for (const auto &report : reports) EXPECT_EQ(report.state, "COMPLETED");
    }
}

TEST(EngineCrash, ACommitThatNobodyHeardOfIsNotRepeated) {
    for (const auto outcome : {Outcome::lost_before, Outcome::lost_after}) {
        Database database;
        World world;
        fill(world, {"emea"}, 30);
        const auto processes = open_all(database, world);
        Machine machine;
        std::atomic<int> commits{0};
        machine.at_commit = [&] { return ++commits % 3 == 0 ? outcome : Outcome::well; };
        Engine engine(sources(world), stores(database, machine), quick());
        for (const auto &report : engine.finish(processes, 5)) EXPECT_EQ(report.state, "COMPLETED");
        expect_exact(database, world, "");
        EXPECT_EQ(database.commits, 20);
    }
}

TEST(EngineCrash, APageThatBreaksEveryConnectionFailsInTheEnd) {
    Database database;
    World world;
    fill(world, {"emea"}, 10);
    world.objects["emea"] = {"account"};
    const auto processes = open_all(database, world);
    Machine machine;
    machine.at_commit = [&] { return database.commits == 2 ? Outcome::lost_before : Outcome::well; };
    Engine engine(sources(world), stores(database, machine), quick());
    EXPECT_NE(error_of(engine.finish(processes, 5), "emea", "account").find("broke each time"), std::string::npos);
}

TEST(EngineCrash, TwoEnginesShareOneQueue) {
    Database database;
    World world;
    fill(world, {"emea", "amer", "apac"}, 60);
    for (auto &[place, table] : world.tables) table.fan_out = place.ends_with("account");
    world.before = [](const std::string &) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
    const auto processes = open_all(database, world);
    Machine machines[2];
    std::atomic<int> by[2] = {0, 0};
    for (int i = 0; i < 2; ++i) machines[i].at_commit = [&by, i] { return ++by[i], Outcome::well; };
    Engine first(sources(world), stores(database, machines[0]), quick()),
        second(sources(world), stores(database, machines[1]), quick());
    first.finish(processes, 5);
    for (const auto &report : second.finish(processes, 5))
        EXPECT_EQ(report.state, "COMPLETED");  // though the other did some of it
    expect_exact(database, world, "");
    EXPECT_EQ(database.commits, 120);
    EXPECT_EQ(world.fetches, 120);  // no page was read twice
    EXPECT_GT(by[0], 0);
    EXPECT_GT(by[1], 0);
}

// Everything at once, from a seed: serial cursors, sets of pages, sweeps, faults, told waits, lost connections, daemons that die,
// outages; the source changes between the rounds. The last round is calm, for an object may have failed in an earlier one.
class Mixture {
  public:
    explicit Mixture(unsigned seed) : seed_(seed), random_(seed) {
        const std::vector<std::string> orgs = {"emea", "amer", "apac"};
        fill(world_, {orgs.begin(), orgs.begin() + 1 + pick(3)}, 1 + pick(40));
        for (auto &[place, table] : world_.tables) {
            table.page_size = static_cast<std::size_t>(1 + pick(7));
            table.fan_out = pick(2) == 0;
            table.sweep = true;
        }
        world_.before = [this](const std::string &) { maybe_throw(); };
    }

    void run() {
        for (int round = 0; round < 3; ++round) {
            calm_ = round == 2;
            read();
            if (calm_) expect_exact(database_, world_, "seed " + std::to_string(seed_));
            if (!calm_) change();
        }
    }

  private:
    int pick(int below) {
        const std::lock_guard guard(mutex_);
        return std::uniform_int_distribution<int>(0, below - 1)(random_);
    }

    void maybe_throw() {
        if (calm_) return;
        const int dice = pick(60);
        if (dice < 6) throw SyncError(Fault::transient, "502");
        if (dice < 9) throw SyncError(Fault::transient, "429", 1);
        if (dice == 9 && pick(4) == 0) throw SyncError(Fault::object, "field gone");
        if (dice == 10 && pick(6) == 0) throw SyncError(Fault::org, "grant revoked");
        if (dice == 11 && pick(4) == 0) throw std::runtime_error("a bug");
        if (dice == 12) throw std::bad_alloc();
    }

    Outcome outcome() {
        const int dice = calm_ ? 99 : pick(50);
        return dice == 0   ? Outcome::die_before
               : dice == 1 ? Outcome::die_after
               : dice < 4  ? Outcome::lost_before
               : dice < 6  ? Outcome::lost_after
                           : Outcome::well;
    }

    // Two daemons; one that died is started anew.
    void read() {
        const auto processes = open_all(database_, world_, true);
        Machine observer;
        QueueStore watch(database_, observer);
        struct Daemon {
            Machine machine;
            std::atomic<bool> killed{false};
            std::unique_ptr<Engine> engine;
        };
        std::unique_ptr<Daemon> daemons[2];
        const auto open = [&] {
            const auto reports = watch.report(processes);
            return std::any_of(reports.begin(), reports.end(), [](const auto &report) { return !report.finished(); });
        };
        for (int ticks = 0; open(); ++ticks) {
            ASSERT_LT(ticks, 20'000) << "seed " << seed_;
            for (auto &daemon : daemons) {
                if (daemon && daemon->machine.dead) daemon->killed = true, daemon.reset();
                if (daemon) continue;
                daemon = std::make_unique<Daemon>();
                daemon->machine.at_commit = [this] { return outcome(); };
                Options options = quick();
                options.workers = static_cast<std::size_t>(1 + pick(3));
                options.stop = &daemon->killed;
                daemon->engine =
                    std::make_unique<Engine>(sources(world_, 1 + pick(4)), stores(database_, daemon->machine), options);
            }
            daemons[0]->machine.unreachable = !calm_ && ticks % 40 > 35;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        for (auto &daemon : daemons) {
            if (daemon) daemon->killed = true;
        }
    }

    void change() {
        for (auto &[place, table] : world_.tables) {
            for (auto record = table.records.begin(); record != table.records.end();) {
                if (pick(5) == 0) record->second += "'";
                record = pick(6) == 0 ? table.records.erase(record) : std::next(record);
            }
            for (int i = pick(5); i > 0; --i) table.records[std::to_string(2000 + pick(50))] = "new";
        }
    }

    const unsigned seed_;
    std::mutex mutex_;
    std::mt19937 random_;
    World world_;
    Database database_;
    std::atomic<bool> calm_{false};
};

TEST(EngineCrash, AnyMixtureEndsWithTheTruth) {
    for (unsigned seed = 1; seed <= 30 && !testing::Test::HasFailure(); ++seed) Mixture(seed).run();
}

}  // namespace
}  // namespace xsell::sync::model
