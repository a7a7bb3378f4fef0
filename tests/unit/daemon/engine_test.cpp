// The engine against a queue and a source in memory: faults of every kind, shares, stops, circles, a database that is away.
#include "sync/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>

#include "queue_model.hpp"
#include "sync/context.hpp"

namespace xsell::sync::model {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Throws at one place, the first `times` times.
struct Planted {
    std::string place;
    std::atomic<int> times;
    std::function<void()> thrower;
    void operator()(const std::string &at) {
        if (at == place && times-- > 0) thrower();
    }
};

TEST(Engine, ReadsEverythingOnce) {
    Database database;
    World world;
    fill(world, {"emea", "amer", "apac"}, 10);
    const auto reports = read_all(database, world);
    EXPECT_EQ(database.rows, world.truth());
    EXPECT_EQ(database.commits, 24);
    for (const auto &report : reports) EXPECT_EQ(report.state, "COMPLETED") << report.org << " " << report.object;
    EXPECT_EQ(reports.size(), 9u);
}

TEST(Engine, PagesThatFillExactlyAndEmptyObjectsEnd) {
    Database database;
    World world;
    fill(world, {"emea"}, 9);
    world.tables["emea/opportunity"].records.clear();
    read_all(database, world);
    EXPECT_EQ(database.rows, world.truth());
    EXPECT_EQ(database.commits, 4);
}

TEST(Engine, PagesOfASetAreReadByAllButNoMoreThanTheShareAtATime) {
    for (const int each : {1, 3}) {
        Database database;
        World world;
        fill(world, {"emea"}, 60);
        for (auto &[place, table] : world.tables) table.fan_out = true;
        world.before = [](const std::string &) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
        const auto processes = open_all(database, world);
        Machine machine;
        Options options = quick();
        options.workers = 6;
        Engine engine(sources(world, each), stores(database, machine), options);
        const auto reports = engine.finish(processes, 5);
        EXPECT_EQ(database.rows, world.truth());
        EXPECT_EQ(database.most_claimed, each);
        EXPECT_EQ(database.commits, 40);
    }
}

TEST(Engine, EveryWorkerHasAConnectorOfItsOwn) {
    Database database;
    World world;
    fill(world, {"emea"}, 90);
    world.tables["emea/account"].fan_out = true;
    world.before = [](const std::string &) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
    read_all(database, world);
    EXPECT_GT(world.connectors, 1);
    EXPECT_LE(world.connectors, 4);
}

TEST(Engine, TransientFaultsAreTriedAgain) {
    Database database;
    World world;
    fill(world, {"emea"}, 10);
    Planted planted{"emea/account@3", {5}, [] { throw SyncError(Fault::transient, "503"); }};
    world.before = std::ref(planted);
    EXPECT_EQ(error_of(read_all(database, world), "emea", "account"), "COMPLETED");
    EXPECT_EQ(database.rows, world.truth());
    EXPECT_EQ(database.failures.size(), 5u);
    for (const auto &failure : database.failures) EXPECT_TRUE(failure.counts);
}

TEST(Engine, TriesAreBoundedAndEverythingElseGoesOn) {
    Database database;
    World world;
    fill(world, {"emea", "amer"}, 10);
    Planted planted{"emea/account@3", {1000}, [] { throw SyncError(Fault::transient, "503 again and again"); }};
    world.before = std::ref(planted);
    const auto reports = read_all(database, world);
    EXPECT_EQ(error_of(reports, "emea", "account"), "503 again and again");
    EXPECT_EQ(database.failures.size(), 6u);
    EXPECT_EQ(error_of(reports, "emea", "opportunity"), "COMPLETED");
    EXPECT_EQ(error_of(reports, "amer", "account"), "COMPLETED");
    EXPECT_EQ(database.rows.size(), 33u);  // the page before the fault stays
}

TEST(Engine, AWaitThatTheServerNamesCostsNoTryUpToALimit) {
    for (const int times : {20, 60, 61}) {
        Database database;
        World world;
        fill(world, {"emea"}, 4);
        Planted planted{"emea/account@", {times}, [] { throw SyncError(Fault::transient, "429", 7200); }};
        world.before = std::ref(planted);
        const auto reports = read_all(database, world);
        EXPECT_EQ(error_of(reports, "emea", "account") == "COMPLETED", times <= 60) << times;
        EXPECT_EQ(database.rows == world.truth(), times <= 60);
        for (const auto &failure : database.failures) {
            EXPECT_EQ(failure.wait, quick().retries.longest_told_wait);
            EXPECT_FALSE(failure.counts);
        }
    }
}

TEST(Engine, FaultsOfAnObjectAndOfAnOrgGoNoFurther) {
    for (const auto fault : {Fault::object, Fault::org, Fault::quota}) {
        Database database;
        World world;
        fill(world, {"emea", "amer"}, 10);
        Planted planted{"emea/account@", {1}, [fault] { throw SyncError(fault, "no scope"); }};
        world.before = [&](const std::string &place) {
            if (place.starts_with("emea/opp")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
            planted(place);
        };
        const auto reports = read_all(database, world);
        EXPECT_EQ(error_of(reports, "emea", "account"), "no scope");
        EXPECT_EQ(error_of(reports, "emea", "opportunity"), fault == Fault::object ? "COMPLETED" : "no scope");
        EXPECT_EQ(error_of(reports, "amer", "account"), "COMPLETED");
        EXPECT_EQ(error_of(reports, "amer", "opportunity"), "COMPLETED");
    }
}

TEST(Engine, ExceptionsOfAnyKindBecomeFailures) {
    const std::vector<std::pair<std::function<void()>, std::string>> kinds = {
        {[] { throw std::out_of_range("no such column"); }, "no such column"},
        {[] { throw std::bad_alloc(); }, "out of memory"},
        {[] { throw 17; }, "something that is no std::exception was thrown"}};
    for (const auto &[thrower, message] : kinds) {
        Database database;
        World world;
        fill(world, {"emea", "amer"}, 10);
        Planted planted{"emea/account@6", {1000}, thrower};
        world.before = std::ref(planted);
        const auto reports = read_all(database, world);
        EXPECT_EQ(error_of(reports, "emea", "account"), message);
        EXPECT_EQ(database.rows.size(), 36u);
    }
}

TEST(Engine, AConnectorThatCannotBeMadeFailsItsOrgAlone) {
    Database database;
    World world;
    fill(world, {"emea", "amer"}, 10);
    const auto processes = open_all(database, world);
    auto list = sources(world);
    list.at(0).connector = []() -> std::unique_ptr<Connector> { throw std::runtime_error("client_id: is missing"); };
    Machine machine;
    Engine engine(list, stores(database, machine), quick());
    const auto reports = engine.finish(processes, 5);
    EXPECT_EQ(error_of(reports, "amer", "account"), "client_id: is missing");  // sources are in the order of names
    EXPECT_EQ(error_of(reports, "emea", "account"), "COMPLETED");
}

TEST(Engine, AnOrgFaultDropsTheConnector) {
    Database database;
    World world;
    fill(world, {"emea"}, 10);
    Options options = quick();
    options.workers = 1;
    Planted planted{"emea/account@", {1}, [] { throw SyncError(Fault::org, "401"); }};
    world.before = std::ref(planted);
    const auto processes = open_all(database, world);
    Machine machine;
    Engine engine(sources(world), stores(database, machine), options);
    engine.finish(processes, 5);
    engine.settle();
    EXPECT_EQ(world.connectors, 1);
    engine.finish(open_all(database, world), 5);
    EXPECT_EQ(world.connectors, 2);
    EXPECT_EQ(database.rows, world.truth());
}

TEST(Engine, AnUnknownObjectFailsAlone) {
    Database database;
    World world;
    fill(world, {"emea"}, 10);
    world.objects["emea"].insert(world.objects["emea"].begin(), "unknown");
    const auto reports = read_all(database, world);
    EXPECT_EQ(error_of(reports, "emea", "unknown"), "the extension knows no object 'unknown'");
    EXPECT_EQ(error_of(reports, "emea", "account"), "COMPLETED");
}

TEST(Engine, DoesNotReadInCircles) {
    Database database;
    World world;
    fill(world, {"emea"}, 30);
    world.tables["emea/account"].circle = true;
    const auto reports = read_all(database, world);
    EXPECT_NE(error_of(reports, "emea", "account").find("leads back"), std::string::npos);
    EXPECT_LE(database.commits, 3 + 10);
    EXPECT_EQ(error_of(reports, "emea", "opportunity"), "COMPLETED");
}

TEST(Engine, StopsWithinTimeAndPutsPagesBack) {
    Database database;
    World world;
    fill(world, {"emea", "amer"}, 1500);
    world.before = [](const std::string &) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
    const auto processes = open_all(database, world);
    std::atomic<bool> stop{false};
    Options options = quick();
    options.stop = &stop;
    Machine machine;
    Clock::time_point asked;
    {
        Engine engine(sources(world), stores(database, machine), options);
        std::thread signal([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(60));
            asked = Clock::now();
            stop = true;
        });
        engine.finish(processes, 5);
        signal.join();
    }
    EXPECT_LT(seconds_since(asked), 1);
    EXPECT_GT(database.commits, 0);
    for (const auto &[id, page] : database.pages) EXPECT_NE(page.status, Database::Status::claimed) << id;
    EXPECT_TRUE(database.failures.empty());
    read_all(database, world, quick());
    EXPECT_EQ(database.rows, world.truth());
}

// Whoever waits for the end does not wait for somebody to resume the org; what was read stays, and the rest follows then.
TEST(Engine, AnOrgThatIsPausedIsNotWaitedFor) {
    Database database;
    World world;
    fill(world, {"emea", "amer"}, 30);
    world.before = [&](const std::string &place) {
        if (place != "emea/account@6") return;
        const std::lock_guard guard(database.mutex);
        database.paused.insert("emea");
    };
    const auto reports = read_all(database, world);
    EXPECT_EQ(error_of(reports, "amer", "account"), "COMPLETED");
    EXPECT_EQ(error_of(reports, "emea", "account"), "PROCESSING_BATCHES");
    for (const auto &[id, page] : database.pages) EXPECT_NE(page.status, Database::Status::claimed) << id;
    world.before = nullptr;
    database.paused.clear();
    read_all(database, world);
    EXPECT_EQ(database.rows, world.truth());
}

TEST(Engine, AProcessThatWasPurgedIsNotWaitedFor) {
    Database database;
    World world;
    fill(world, {"amer", "emea"}, 30);
    const auto processes = open_all(database, world);
    world.before = [&](const std::string &place) {
        if (place != "emea/account@6") return;
        const std::lock_guard guard(database.mutex);
        std::erase_if(database.pages, [&](const auto &page) { return database.runs.at(page.second.run).org == "emea"; });
        std::erase_if(database.runs, [](const auto &run) { return run.second.org == "emea"; });
        std::erase_if(database.processes, [](const auto &process) { return process.second.org == "emea"; });
    };
    Machine machine;
    Engine engine(sources(world), stores(database, machine), quick());
    const auto reports = engine.finish(processes, 5);
    EXPECT_EQ(reports.size(), 3u) << "the process of amer and its objects";
    EXPECT_EQ(error_of(reports, "amer", "account"), "COMPLETED");
}

TEST(Engine, AnIdleEngineStopsAtOnceAndSoDoesOneWithoutADatabase) {
    for (const bool away : {false, true}) {
        Database database;
        World world;
        fill(world, {"emea"}, 1);
        std::atomic<bool> stop{false};
        Options options = quick();
        options.stop = &stop;
        options.idle_wait = 30;
        options.longest_outage_wait = options.retries.first_wait = 30;
        Machine machine;
        machine.unreachable = away;
        Clock::time_point asked;
        {
            Engine engine(sources(world), stores(database, machine), options);
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            asked = Clock::now();
            stop = true;
        }
        EXPECT_LT(seconds_since(asked), 1.5);
    }
}

TEST(Engine, APatientEngineOutlivesItsDatabaseAndAnImpatientOneSaysSoOnce) {
    Database database;
    World world;
    fill(world, {"emea"}, 300);
    world.before = [](const std::string &) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
    auto processes = open_all(database, world);
    Machine machine;
    Options options = quick();
    std::mutex mutex;
    std::vector<std::string> errors;
    options.note = [&](Level level, const std::string &text) {
        const std::lock_guard guard(mutex);
        if (level == Level::error) errors.push_back(text);
    };
    {
        Engine engine(sources(world), stores(database, machine), options);
        std::thread outage([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            machine.unreachable = true;
            std::this_thread::sleep_for(std::chrono::milliseconds(300));
            machine.unreachable = false;
        });
        engine.finish(processes, 5);
        outage.join();
    }
    EXPECT_EQ(database.rows, world.truth());
    EXPECT_EQ(errors.size(), 1u);  // though every worker met it many times
    machine.unreachable = true;
    processes = open_all(database, world, true);
    Engine engine(sources(world), stores(database, machine), options);
    try {
        engine.finish(processes, 0.2);
        FAIL() << "the database is away";
    } catch (const SyncError &error) {
        EXPECT_EQ(error.fault, Fault::transient);
        EXPECT_NE(std::string(error.what()).find("the connection to the database was lost; given up"), std::string::npos);
    }
}

TEST(Engine, LinesAndProgressSayWhatIsRead) {
    Database database;
    World world;
    fill(world, {"emea"}, 600);
    world.tables["emea/opportunity"].records.clear();
    world.before = [](const std::string &) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
    Options options = quick();
    options.progress_every = 0.05;
    std::mutex mutex;
    std::vector<Progress> lines;
    std::set<std::int64_t> pages;
    options.progress = [&](const Progress &progress) {
        EXPECT_EQ(Context::current().run, progress.run.run);
        lines.push_back(progress);
    };
    options.note = [&](Level, const std::string &) {
        const std::lock_guard guard(mutex);
        EXPECT_NE(Context::current().run, 0);
        pages.insert(Context::current().page);
    };
    read_all(database, world, options);
    EXPECT_EQ(pages.size(), 201u);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines.back().total, 600);
    EXPECT_GT(lines.back().rate, 0);
    EXPECT_TRUE(lines.back().left);
    EXPECT_EQ(lines.back().run.object, "account");
}

}  // namespace
}  // namespace xsell::sync::model
