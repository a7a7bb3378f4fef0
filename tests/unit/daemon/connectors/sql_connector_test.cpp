// Queries over somebody else's tables: paging at ties, changes, late transactions, deletes, and what must never be written.
#include "connectors/sql/connector.hpp"

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "connectors/sql/database.hpp"
#include "connectors/sql/state.hpp"
#include "sql_fixture.hpp"
#include "sync/error.hpp"

namespace xsell::connectors {
namespace {

using sync::ColumnType;

sync::Object account() {
    return {"account",
            {{"name"},
             {"website"},
             {"domain"},
             {"city"},
             {"employees", ColumnType::integer},
             {"attributes", ColumnType::json},
             {"modified_at", ColumnType::timestamp},
             {"deleted_at", ColumnType::timestamp}}};
}

struct Reading {
    std::map<std::string, std::map<std::string, std::string>> rows;  // id -> column -> value, NULLs left out
    std::multiset<std::string> shown;
    std::vector<sync::Reject> rejects;
    std::vector<sync::Sweep> sweeps;
    std::string state;
    std::optional<std::int64_t> count, total;
    int pages = 0;
};

class SqlTables : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(server_.running()) << server_.log("start.log");
        settings_.org = "warehouse", settings_.connector = "sql", settings_.database_url = server_.url();
        run("DROP SCHEMA IF EXISTS crm CASCADE; CREATE SCHEMA crm; GRANT USAGE ON SCHEMA crm TO PUBLIC");
        query_ = {"account", "SELECT * FROM crm.company -- all of them", "id", "updated_at", "", {}, "test.toml:7"};
    }
    void run(const std::string &sql) { ASSERT_NO_FATAL_FAILURE(server_.run(sql)); }
    std::unique_ptr<sync::Connector> connector() {
        Settings settings = settings_;
        settings.queries = {query_};
        return make_sql(settings);
    }
    // Reads to the end; a new connector for every page, as after a crash.
    Reading read(const std::string &state = "") {
        Reading out;
        out.state = state;
        for (bool done = false; !done && out.pages < 200; ++out.pages) {
            const sync::Page page = connector()->fetch(account(), out.state);
            for (const auto &record : page.records) {
                EXPECT_TRUE(nlohmann::json::accept(record.raw)) << record.raw;
                out.shown.insert(record.crm_id);
                auto &row = out.rows[record.crm_id];
                for (std::size_t i = 0; i < record.values.size(); ++i) {
                    if (record.values[i]) row[account().columns[i].name] = *record.values[i];
                }
            }
            out.rejects.insert(out.rejects.end(), page.rejects.begin(), page.rejects.end());
            out.sweeps.push_back(page.sweep);
            if (page.source_count) out.count = page.source_count;
            if (page.total) out.total = page.total;
            out.state = page.next_state;
            done = page.done;
        }
        return out;
    }
    sync::SyncError failure() {
        try {
            connector()->fetch(account(), "");
        } catch (const sync::SyncError &error) {
            return error;
        }
        ADD_FAILURE() << "nothing was thrown";
        return {sync::Fault::lost, ""};
    }

    const test::Postgres &server_ = test::Postgres::instance();
    Settings settings_;
    QuerySettings query_;
};

constexpr const char *company =
    "CREATE TABLE crm.company (id bigint PRIMARY KEY, name text, website text, employees int, address jsonb, updated_at "
    "timestamptz, gone text);";

TEST_F(SqlTables, PagesSurviveTiesAndMapFields) {
    // All have the same cursor; ids beyond 2^53; the last page is full.
    run(std::string(company) +
        "INSERT INTO crm.company SELECT 9007199254740993 + n, 'Company ' || n, 'https://www.c' || n || '.co.uk/x', n,"
        " jsonb_build_object('city', 'Bonn', 'zip', n), '2026-01-01 12:00+02' FROM generate_series(1, 40) n");
    settings_.set("page_size", "10");
    settings_.attributes["account"] = {"address.zip"};
    query_.columns = {{"city", "address.city"}};
    const Reading all = read();
    EXPECT_EQ(all.rows.size(), 40u);
    EXPECT_EQ(all.shown.size(), 40u);
    EXPECT_EQ(all.count, 40);
    EXPECT_EQ(all.total, 40);
    EXPECT_EQ(all.sweeps.front(), sync::Sweep::begin);
    EXPECT_EQ(all.sweeps.back(), sync::Sweep::go_on);
    const auto &row = all.rows.at("9007199254740994");
    EXPECT_EQ(row.at("domain"), "c1.co.uk");
    EXPECT_EQ(row.at("city"), "Bonn");
    EXPECT_EQ(row.at("attributes"), R"({"address.zip":1})");
    EXPECT_EQ(row.at("modified_at"), "2026-01-01 10:00:00.000000+00");
    // Nothing changed: what lies within the lookback of the newest is read again, by (cursor, id), without a sweep.
    const Reading again = read(all.state);
    EXPECT_EQ(again.shown.size(), 40u);
    EXPECT_EQ(again.sweeps.front(), sync::Sweep::none);
    EXPECT_EQ(connector()->count(account()), 40);
}

TEST_F(SqlTables, ChangesAreFoundAndUndatedRowsAreNotLost) {
    run(std::string(company) +
        "INSERT INTO crm.company SELECT n, 'old', NULL, 1, NULL, now() - interval '1 day' * n FROM generate_series(1, 30) n;"
        "INSERT INTO crm.company VALUES (99, 'undated', NULL, 1, NULL, NULL)");
    settings_.set("page_size", "7");
    const Reading first = read();
    EXPECT_EQ(first.rows.size(), 31u);
    EXPECT_FALSE(first.rows.at("99").at("modified_at").empty());
    run("UPDATE crm.company SET name = 'new', updated_at = now() WHERE id IN (3, 17);"
        "INSERT INTO crm.company VALUES (100, 'undated too', NULL, 1, NULL, NULL)");
    const Reading second = read(first.state);
    EXPECT_EQ(second.rows.at("3").at("name"), "new");
    EXPECT_EQ(second.rows.at("17").at("name"), "new");
    EXPECT_TRUE(second.rows.contains("100"));
    EXPECT_LE(second.rows.size(), 5u);  // these, 99, and the newest of the old ones
}

TEST_F(SqlTables, ABatchThatIsLoadedLateIsFound) {
    // The loader stamps a batch when it begins to extract it and writes it much later.
    run(std::string(company) + "INSERT INTO crm.company VALUES (1, 'first batch', NULL, 1, NULL, now() - interval '3 hours')");
    const Reading first = read();
    run("INSERT INTO crm.company VALUES (2, 'second batch', NULL, 1, NULL, now() - interval '2 hours')");
    EXPECT_TRUE(read(first.state).rows.contains("2"));
}

TEST_F(SqlTables, AnOpenTransactionHoldsTheWatermarkBack) {
    run(std::string(company) + "INSERT INTO crm.company VALUES (1, 'a', NULL, 1, NULL, now() + interval '1 hour')");
    settings_.set("lookback", "0");
    std::jthread writer([&] {
        server_.run("BEGIN; INSERT INTO crm.company VALUES (2, 'late', NULL, 1, NULL, now()); SELECT pg_sleep(1.5); COMMIT");
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    const Reading first = read();
    EXPECT_FALSE(first.rows.contains("2"));
    writer.join();
    EXPECT_TRUE(read(first.state).rows.contains("2"));
}

TEST_F(SqlTables, DeletesByTimeByFlagAndByAbsence) {
    run(std::string(company) +
        "INSERT INTO crm.company VALUES (1, 'a', NULL, 1, NULL, '2026-01-02', NULL), (2, 'b', NULL, 1, NULL, '2026-01-02', ''),"
        "(3, 'c', NULL, 1, NULL, '2026-01-02', 'false'), (4, 'd', NULL, 1, NULL, '2026-01-02', 'true'),"
        "(5, 'e', NULL, 1, NULL, '2026-01-02', '2026-01-01T00:00:00Z'), (6, 'f', NULL, 1, NULL, '2026-01-02', 'perhaps')");
    query_.deleted = "gone";
    const Reading all = read();
    for (const char *id : {"1", "2", "3"}) EXPECT_FALSE(all.rows.at(id).contains("deleted_at")) << id;
    EXPECT_EQ(all.rows.at("4").at("deleted_at"), "2026-01-02 00:00:00.000000+00");
    EXPECT_EQ(all.rows.at("5").at("deleted_at"), "2026-01-01 00:00:00.000000+00");
    ASSERT_EQ(all.rejects.size(), 1u);
    EXPECT_EQ(all.rejects[0].crm_id, "6");
    EXPECT_EQ(all.rejects[0].reason, "gone: 'perhaps' is neither a time nor a flag");
    // A flag column of type boolean.
    query_.query = "SELECT id, name, updated_at, id = 4 AS gone FROM crm.company";
    const Reading flags = read();
    EXPECT_TRUE(flags.rows.at("4").contains("deleted_at"));
    EXPECT_FALSE(flags.rows.at("5").contains("deleted_at"));
    EXPECT_EQ(flags.count, 5);
    const sync::Page again =
        connector()->replay(account(), {R"({"id": 6, "name": "f", "updated_at": "2026-01-02", "gone": true})"});
    EXPECT_TRUE(again.records.at(0).values.back());
}

TEST_F(SqlTables, WithoutACursorAllIsReadEachTime) {
    run(std::string(company) + "INSERT INTO crm.company SELECT n, 'x' FROM generate_series(1, 5) n");
    query_.cursor = "";
    const Reading first = read();
    EXPECT_EQ(first.rows.size(), 5u);
    EXPECT_EQ(first.sweeps.front(), sync::Sweep::begin);
    const Reading second = read(first.state);
    EXPECT_EQ(second.rows.size(), 5u);
    EXPECT_EQ(second.sweeps.front(), sync::Sweep::begin);
    EXPECT_FALSE(connector()->since(account(), 0));
}

TEST_F(SqlTables, NumbersAsCursorTextAsIdAndRowsWithoutId) {
    run("CREATE TABLE crm.company (id text, name text, seq bigint);"
        "INSERT INTO crm.company SELECT 'k' || n, 'x', n FROM generate_series(1, 25) n; INSERT INTO crm.company VALUES (NULL, "
        "'y', 26), (NULL, 'z', 27)");
    query_.cursor = "seq";
    settings_.set("page_size", "5");
    settings_.set("overlap", "3");
    const Reading first = read();
    EXPECT_EQ(first.rows.size(), 25u);
    ASSERT_EQ(first.rejects.size(), 1u);
    EXPECT_EQ(first.rejects[0].reason, "2 rows have no id");
    run("INSERT INTO crm.company VALUES ('late', 'x', 25), ('new', 'x', 100)");
    const Reading second = read(first.state);
    EXPECT_TRUE(second.rows.contains("late"));
    EXPECT_TRUE(second.rows.contains("new"));
    EXPECT_FALSE(second.rows.contains("k23"));
    EXPECT_NE(connector()->check().at(0).text.find("2 of them without id"), std::string::npos);
}

TEST_F(SqlTables, EverythingIsReadAgainWhenItIsTimeOrTheQueryChanged) {
    run(std::string(company) + "INSERT INTO crm.company SELECT n, 'x', NULL, 1, NULL, '2026-01-01' FROM generate_series(1, 5) n");
    const Reading first = read();
    settings_.set("full_every", "1s");
    sleep(2);
    EXPECT_EQ(read(first.state).sweeps.front(), sync::Sweep::begin);
    settings_.set("full_every", "0");
    EXPECT_EQ(read(first.state).sweeps.front(), sync::Sweep::none);
    query_.query = "SELECT * FROM crm.company WHERE id > 1;\n";
    const Reading other = read(first.state);
    EXPECT_EQ(other.sweeps.front(), sync::Sweep::begin);
    EXPECT_EQ(other.rows.size(), 4u);
}

TEST_F(SqlTables, NothingCanBeWritten) {
    run(std::string(company) +
        "CREATE FUNCTION crm.spoil() RETURNS SETOF crm.company LANGUAGE sql AS 'DELETE FROM crm.company RETURNING *'");
    query_.query = "SELECT * FROM crm.spoil()";
    const auto error = failure();
    EXPECT_EQ(error.fault, sync::Fault::object);
    EXPECT_NE(std::string(error.what()).find("read-only"), std::string::npos) << error.what();
    query_.query = "SELECT * FROM crm.company) AS q; DROP TABLE crm.company; SELECT (1";
    EXPECT_EQ(failure().fault, sync::Fault::object);
    run("SELECT 1 FROM crm.company");
}

TEST_F(SqlTables, WhatIsWrongIsSaid) {
    run(std::string(company) +
        "CREATE ROLE stranger LOGIN; CREATE VIEW crm.slow AS SELECT c.* FROM crm.company c WHERE pg_sleep(5) IS NOT NULL;"
        "INSERT INTO crm.company VALUES (1)");
    query_.cursor = "updatedat";
    EXPECT_NE(std::string(failure().what()).find("did you mean 'updated_at'?"), std::string::npos);
    query_.cursor = "name";
    EXPECT_NE(std::string(failure().what()).find("neither a time nor a number"), std::string::npos);
    query_.cursor = "updated_at", query_.columns = {{"city", "adress.city"}};
    EXPECT_NE(std::string(failure().what()).find("did you mean 'address'?"), std::string::npos);
    query_.columns = {}, query_.query = "SELECT * FROM crm.compnay";
    EXPECT_EQ(failure().fault, sync::Fault::object);
    query_.query = "SELECT * FROM crm.slow";
    settings_.set("timeout", "1s");
    EXPECT_EQ(failure().fault, sync::Fault::transient);
    query_.query = "SELECT * FROM crm.company";
    settings_.database_url = server_.url("stranger");
    EXPECT_NE(std::string(failure().what()).find("needs SELECT"), std::string::npos) << failure().what();
    settings_.database_url = server_.url("nobody_at_all");
    EXPECT_EQ(failure().fault, sync::Fault::org);
    settings_.database_url = "host=/nowhere";
    EXPECT_EQ(failure().fault, sync::Fault::transient);
    settings_.database_url = "postgres:/user:secret@host";
    EXPECT_EQ(std::string(failure().what()).find("secret"), std::string::npos);
    run("DROP OWNED BY stranger; DROP ROLE stranger");
}

TEST_F(SqlTables, AStopEndsALongStatement) {
    run(std::string(company) + "INSERT INTO crm.company VALUES (1)");
    struct Stopping : sync::Host {
        double take(const sync::Budget &, double) override { return 0; }
        void used(const std::string &, double, double) override {}
        std::optional<sync::Token> token() override { return std::nullopt; }
        sync::Token renewed(const std::string &,
                            const std::function<sync::Token(const std::optional<sync::Token> &)> &) override {
            return {};
        }
        void pause(double) override {
            if (std::chrono::steady_clock::now() > until) throw sync::SyncError(sync::Fault::stopped, "stopped");
        }
        std::chrono::steady_clock::time_point until = std::chrono::steady_clock::now() + std::chrono::milliseconds(600);
    };
    settings_.host = std::make_shared<Stopping>();
    query_.query = "SELECT c.* FROM crm.company c WHERE pg_sleep(30) IS NOT NULL";
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(failure().fault, sync::Fault::stopped);
    const auto took = std::chrono::steady_clock::now() - before;
    EXPECT_GT(took, std::chrono::milliseconds(500));
    EXPECT_LT(took, std::chrono::seconds(10));
    sql::Database database(server_.url(), 5, nullptr);  // it was cancelled in the server too: only this question mentions it
    EXPECT_EQ(database.query("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(30)%'")
                  .number(0, 0),
              1);
}

TEST_F(SqlTables, DamagedStatesAndMistakenSettings) {
    for (const char *state : {"[", "[]", R"({"watermark":5})", R"({"scan":{}})", R"({"scan":{"phase":"x","full":true,"at":""}})"})
        EXPECT_THROW(connector()->fetch(account(), state), sync::SyncError) << state;
    Settings settings = settings_;
    settings.queries = {query_, query_, {"acount", "SELECT 1", "", "", "", {}, "test.toml:9"}};
    settings.set("url", "postgres://user:secret@host/db");
    try {
        make_sql(settings);
        FAIL();
    } catch (const SettingsError &error) {
        const std::string text = error.what();
        EXPECT_NE(text.find("did you mean 'account'?"), std::string::npos) << text;
        EXPECT_NE(text.find("is there twice"), std::string::npos);
        EXPECT_NE(text.find("id is missing"), std::string::npos);
        EXPECT_NE(text.find("url: a secret is not written"), std::string::npos);
    }
}

}  // namespace
}  // namespace xsell::connectors
