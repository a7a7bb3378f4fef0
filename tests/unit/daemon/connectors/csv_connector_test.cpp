// A folder of CSV files as a CRM: guesses, pages, restarts, rejects, sweeps.
#include "connectors/csv/connector.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "connectors/csv/decimal.hpp"
#include "connectors/csv/mapping.hpp"
#include "sync/error.hpp"

namespace xsell::connectors {
namespace {

using sync::ColumnType;

sync::Object object(const std::string &name) {
    const std::map<std::string, std::vector<sync::Column>> columns = {
        {"account",
         {{"name"}, {"employees", ColumnType::integer}, {"website"}, {"domain"}, {"country"}, {"attributes", ColumnType::json}}},
        {"product", {{"name"}, {"code"}, {"price", ColumnType::number}}},
        {"opportunity",
         {{"account_id"},
          {"pipeline"},
          {"stage"},
          {"amount", ColumnType::number},
          {"product_name"},
          {"is_won", ColumnType::boolean},
          {"closed_at", ColumnType::timestamp}}},
        {"opportunity_line", {{"opportunity_id"}, {"product_id"}, {"amount", ColumnType::number}}},
        {"crm_user", {{"name"}, {"manager"}}}};
    sync::Object out{name, columns.at(name)};
    out.columns.push_back({"created_at", ColumnType::timestamp});
    out.columns.push_back({"modified_at", ColumnType::timestamp});
    return out;
}

class CsvFolder : public testing::Test {
  protected:
    CsvFolder() {
        char name[] = "/tmp/xsell_csv_XXXXXX";
        folder_ = mkdtemp(name);
        settings_.org = "test", settings_.connector = "csv", settings_.where = "test.toml:1";
        settings_.set("path", folder_.string());
    }
    ~CsvFolder() override { std::filesystem::remove_all(folder_); }

    void write(const std::string &name, const std::string &text, int age_seconds = 100) {
        std::ofstream(folder_ / name, std::ios::binary) << text;
        std::filesystem::last_write_time(folder_ / name,
                                         std::filesystem::file_time_type::clock::now() - std::chrono::seconds(age_seconds));
    }

    struct Result {
        std::map<std::string, std::map<std::string, std::string>> rows;  // id -> column -> value, NULLs left out
        std::vector<sync::Reject> rejects;
        std::vector<sync::Sweep> sweeps;
        std::string sweep_at;
        std::string state;
        int pages = 0;
    };
    // Reads an object to its end; a new connector for every page when `forgetful`, as after a crash.
    Result read(const std::string &name, const std::string &state = "", bool forgetful = false) {
        Result out;
        out.state = state;
        const auto definition = object(name);
        auto connector = make_csv(settings_);
        for (bool done = false; !done; ++out.pages) {
            if (forgetful) connector = make_csv(settings_);
            const sync::Page page = connector->fetch(definition, out.state);
            for (const auto &record : page.records) {
                auto &row = out.rows[record.crm_id];
                EXPECT_TRUE(nlohmann::json::accept(record.raw)) << record.raw;
                for (std::size_t i = 0; i < definition.columns.size(); ++i) {
                    if (record.values[i]) row[definition.columns[i].name] = *record.values[i];
                }
            }
            out.rejects.insert(out.rejects.end(), page.rejects.begin(), page.rejects.end());
            out.sweeps.push_back(page.sweep);
            if (page.sweep == sync::Sweep::begin) out.sweep_at = page.sweep_at;
            out.state = page.next_state;
            done = page.done;
        }
        return out;
    }

    std::filesystem::path folder_;
    Settings settings_;
};

TEST_F(CsvFolder, GuessesFilesAndColumns) {
    write("Accounts.csv", "Account,Employees,office_location,Website\nAcme,12.0,Kenya,https://www.acme.co.uk/x\n");
    write("sales-pipeline.csv",
          "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\nO1,Kim,GTX "
          "Pro,Acme,Won,2016-10-20,2017-03-01,1054\n");
    write("clicks.csv", "Created_On,Source\n2016-11-14,Referral\n");
    EXPECT_EQ(make_csv(settings_)->objects(), (std::vector<std::string>{"account", "opportunity"}));
    const auto account = read("account").rows.at("Acme");
    EXPECT_EQ(account.at("employees"), "12");
    EXPECT_EQ(account.at("domain"), "acme.co.uk");
    EXPECT_EQ(account.at("country"), "Kenya");
    const auto deal = read("opportunity").rows.at("O1");
    EXPECT_EQ(deal.at("product_name"), "GTX Pro");
    EXPECT_EQ(deal.at("pipeline"), "");
    EXPECT_EQ(deal.at("closed_at"), "2017-03-01 00:00:00.000000+00");
}

TEST_F(CsvFolder, ConfiguredColumnsWin) {
    write("kunden.csv", "Nr;Firma;Land;Segment\n7;Müller;DE;A\n");
    settings_.files.push_back({"kunden.csv", "account", {{"crm_id", "Nr"}, {"name", "Firma"}, {"country", "Land"}}, ""});
    settings_.attributes["account"] = {"Segment"};
    const auto row = read("account").rows.at("7");
    EXPECT_EQ(row.at("name"), "Müller");
    EXPECT_EQ(row.at("attributes"), R"({"Segment":"A"})");
}

TEST_F(CsvFolder, MistakesInTheSettingsComeAllAtOnce) {
    write("accounts.csv", "id,name\n1,a\n");
    settings_.set("ful", "true");
    settings_.set("encoding", "ebcdic");
    settings_.files.push_back({"acounts.csv", "acount", {}, ""});
    try {
        make_csv(settings_);
        FAIL();
    } catch (const SettingsError &error) {
        EXPECT_EQ(error.problems.size(), 4u) << error.what();
        EXPECT_NE(std::string(error.what()).find("did you mean 'full'"), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("did you mean 'accounts.csv'"), std::string::npos);
    }
}

TEST_F(CsvFolder, InvoiceLinesBecomeWonOpportunities) {
    write("invoice_lines.csv",
          "invoice_no,invoice_date,customer_id,stock_code,quantity,unit_price\n"
          "1,2010-12-01 08:26,c1,A,6,2.55\n2,2010-12-02 09:00,c2,B,1,10\n1,2010-12-01 "
          "08:26,c1,A,1,0.10\n3,2010-12-03,c2,B,-1,10\nx,never,c1,A,1,1\n");
    const auto deals = read("opportunity").rows;
    EXPECT_EQ(deals.size(), 3u);
    EXPECT_EQ(deals.at("1").at("amount"), "15.4");
    EXPECT_EQ(deals.at("1").at("is_won"), "true");
    EXPECT_EQ(deals.at("1").at("closed_at"), "2010-12-01 08:26:00.000000+00");
    EXPECT_EQ(deals.at("3").at("is_won"), "false");  // goods that came back
    const Result lines = read("opportunity_line");
    EXPECT_EQ(lines.rows.size(), 4u);
    EXPECT_EQ(lines.rows.at("1:A").at("amount"), "15.3");
    EXPECT_EQ(lines.rows.at("1:A:2").at("amount"), "0.1");
    ASSERT_EQ(lines.rejects.size(), 1u);
    EXPECT_EQ(lines.rejects[0].place, "invoice_lines.csv:6");
    EXPECT_EQ(lines.rejects[0].reason, "date: 'never' is not a date or time");
    EXPECT_EQ(read("account").rows.size(), 2u);  // no file lists them
    EXPECT_EQ(read("product").rows.size(), 2u);
}

TEST_F(CsvFolder, PagesGoOnWhereTheStateSays) {
    std::string accounts = "id,name,employees\n", lines = "invoice_no,date,customer,sku,qty,price\n";
    for (int i = 0; i < 12000; ++i) {
        accounts += std::to_string(i % 11990) + ",Name " + std::to_string(i) + (i % 1000 == 7 ? ",many\n" : ",3\n");
        lines += std::to_string(i % 7) + ",2024-01-01,c,p" + std::to_string(i % 3) + ",1,1\n";
    }
    write("accounts.csv", accounts);
    write("invoice_lines.csv", lines);
    for (const char *name : {"account", "opportunity", "opportunity_line"}) {
        const Result calm = read(name), forgetful = read(name, "", true);
        EXPECT_EQ(calm.rows, forgetful.rows) << name;
        EXPECT_EQ(calm.rejects.size(), forgetful.rejects.size()) << name;
    }
    const Result account = read("account");
    EXPECT_GE(account.pages, 3);
    EXPECT_EQ(account.rejects.size(), 12u + 9u);  // bad numbers, and ids that came before (one of those is bad itself)
    EXPECT_EQ(read("opportunity_line").rows.size(), 12000u);
}

TEST_F(CsvFolder, AnUnchangedFileIsNotReadAgain) {
    write("accounts.csv", "id,name\n1,a\n2,b\n");
    const Result first = read("account");
    const Result second = read("account", first.state);
    EXPECT_EQ(second.rows.size(), 0u);
    EXPECT_EQ(second.state, first.state);
    write("accounts.csv", "id,name\n1,a\n3,c\n", 50);
    const Result third = read("account", second.state);
    EXPECT_EQ(third.rows.size(), 2u);
    for (const auto sweep : third.sweeps) EXPECT_EQ(sweep, sync::Sweep::none);  // nothing is deleted unless the files are complete
}

TEST_F(CsvFolder, AnOlderCopyInPlaceOfANewerOneStillCounts) {
    write("accounts.csv", "id,name\n1,a\n", 50);
    const Result first = read("account");
    write("accounts.csv", "id,name\n1,restored\n", 5000);
    const Result second = read("account", first.state);
    EXPECT_GT(second.rows.at("1").at("modified_at"), first.rows.at("1").at("modified_at"));
}

TEST_F(CsvFolder, CompleteFilesSweepWhatVanished) {
    using sync::Sweep;
    settings_.set("full", "true");
    write("accounts.csv", "id,name,employees\n1,a,1\n2,b,many\n3,c\n");
    write("accounts_2.csv", "id,name,employees\n9,z,1\n", 70);
    const Result first = read("account", "", true);
    EXPECT_EQ(first.sweeps, (std::vector<Sweep>{Sweep::begin, Sweep::go_on, Sweep::go_on}));
    // A rejected row is not a vanished one: its id is told.
    ASSERT_EQ(first.rejects.size(), 2u);
    EXPECT_EQ(first.rejects[0].crm_id, "2");
    EXPECT_EQ(first.rejects[1].crm_id, "3");
    EXPECT_EQ(read("account", first.state).sweeps, std::vector<Sweep>{Sweep::none});
    write("accounts.csv", "id,name,employees\n1,a,1\n", 50);
    const Result second = read("account", first.state);
    EXPECT_EQ(second.sweeps.front(), Sweep::begin);
    EXPECT_EQ(second.rows.size(), 2u);  // the other file is read again: only then it is known what is gone
    EXPECT_GT(second.sweep_at, first.sweep_at);
    std::filesystem::remove(folder_ / "accounts_2.csv");
    const Result third = read("account", second.state);
    EXPECT_EQ(third.sweeps.front(), Sweep::begin);
    EXPECT_EQ(third.rows.size(), 1u);
    EXPECT_EQ(read("account", third.state).sweeps, std::vector<Sweep>{Sweep::none});
}

TEST_F(CsvFolder, AFileThatChangesDuringASweepIsSweptAgain) {
    settings_.set("full", "true");
    std::string many = "id,name\n";
    for (int i = 0; i < 7000; ++i) many += std::to_string(i) + ",x\n";
    write("accounts.csv", many);
    auto connector = make_csv(settings_);
    const auto page = connector->fetch(object("account"), "");
    EXPECT_EQ(page.sweep, sync::Sweep::begin);
    write("accounts.csv", "id,name\n1,a\n", 50);
    const Result rest = read("account", page.next_state);
    EXPECT_EQ(rest.rows.size(), 1u);
    EXPECT_EQ(read("account", rest.state).sweeps.front(), sync::Sweep::begin);
}

TEST_F(CsvFolder, FilesComeAndChangeWhileAConnectorLives) {
    write("accounts.csv", "id,name\n1,a\n");
    const auto connector = make_csv(settings_);
    const auto page = connector->fetch(object("account"), "");
    const auto done = connector->fetch(object("account"), page.next_state);
    EXPECT_TRUE(done.done);
    write("accounts.csv", "name,id\nb,1\n", 50);  // the columns have changed places
    write("accounts_2.csv", "id,name\n2,c\n");
    std::map<std::string, std::string> names;
    std::string state = done.next_state;
    for (bool over = false; !over;) {
        const auto next = connector->fetch(object("account"), state);
        for (const auto &record : next.records) names[record.crm_id] = *record.values[0];
        state = next.next_state, over = next.done;
    }
    EXPECT_EQ(names, (std::map<std::string, std::string>{{"1", "b"}, {"2", "c"}}));
    std::filesystem::remove(folder_ / "accounts.csv");
    std::filesystem::remove(folder_ / "accounts_2.csv");
    EXPECT_THROW(connector->fetch(object("account"), state), sync::SyncError);
}

TEST_F(CsvFolder, DamagedStates) {
    write("accounts.csv", "id,name\n1,a\n");
    for (const char *state : {"[", "[]", "{}", R"({"files":{"accounts.csv":{"size":"x"}}})"})
        EXPECT_THROW(make_csv(settings_)->fetch(object("account"), state), sync::SyncError) << state;
}

TEST_F(CsvFolder, JsonLinesAreRowsToo) {
    write("accounts.jsonl",
          "\xEF\xBB\xBF{\"id\":9007199254740993,\"name\":\"Caf\\u00e9\",\"billing\":{\"country\":\"DE\",\"tags\":[1,2]},\"website\":null}\r\n"
          "\n"
          "{\"id\":\"2\",\"name\":\"b\",\"employees\":12.0,\"extra\":{\"deep\":true}}\n"
          "{\"id\":\"3\",\"name\":\"nul \\u0000 and \\ud800 alone\"}\n"
          "{\"id\":\"4\",\"name\":\n"
          "[1]\n"
          "{\"id\":\"5\"} x\n"
          "{\"id\":\"6\",\"employees\":\"many\"}\n"
          "{\"id\":\"7\",\"name\":\"last\"}");
    settings_.attributes["account"] = {"extra.deep", "nowhere"};
    const Result all = read("account", "", true);
    EXPECT_EQ(all.rows.size(), 4u);
    EXPECT_EQ(all.rows.at("9007199254740993").at("name"), "Café");
    EXPECT_EQ(all.rows.at("9007199254740993").at("country"), "DE");
    EXPECT_EQ(all.rows.at("2").at("employees"), "12");
    EXPECT_EQ(all.rows.at("2").at("attributes"), R"({"extra.deep":"true","nowhere":""})");
    EXPECT_EQ(all.rows.at("7").at("name"), "last");
    ASSERT_EQ(all.rejects.size(), 4u);
    EXPECT_EQ(all.rejects[0].place, "accounts.jsonl:5");
    EXPECT_EQ(all.rejects[3].place, "accounts.jsonl:8");
    EXPECT_EQ(all.rejects[3].crm_id, "6");
    EXPECT_EQ(all.rejects[3].reason, "employees: 'many' is not a whole number");
    const auto page = make_csv(settings_)->fetch(object("account"), "");
    EXPECT_EQ(page.records[0].raw.find("{\"id\":9007199254740993"), 0u);  // the source's own text, a number stays a number
    EXPECT_TRUE(page.records[2].repaired);
}

TEST_F(CsvFolder, DecimalCommas) {
    settings_.set("decimal", ",");
    write("produkte.csv", "Artikelnummer;Bezeichnung;Preis\n1;a;1.234,50\n2;b;1.234\n3;c;0,5\n4;d;-1 234 567,89\n5;e;1.5\n6;f;1,234.50\n7;g;12\n8;h;1.23,4\n");
    const Result all = read("product");
    const std::map<std::string, std::string> prices = {{"1", "1234.50"}, {"2", "1234"}, {"3", "0.5"}, {"4", "-1234567.89"}, {"7", "12"}};
    EXPECT_EQ(all.rows.size(), prices.size());
    for (const auto &[id, price] : prices) EXPECT_EQ(all.rows.at(id).at("price"), price) << id;
    EXPECT_EQ(all.rejects.size(), 3u);
    EXPECT_EQ(all.rejects[0].reason, "price: '1.5' is not a number with a decimal comma");
}

TEST_F(CsvFolder, GermanHeaders) {
    settings_.set("decimal", ","), settings_.set("dates", "dmy");
    write("Verkäufe.csv",
          "Rechnungsnummer;Rechnungsdatum;Kunde;Artikelnummer;Bezeichnung;Menge;Einzelpreis\nR1;22.10.2024;Acme GmbH;A1;Schraube;10;0,25\n");
    write("Kunden.csv", "KUNDENNUMMER;Firma;Straße;PLZ;Ort;Land;Währung\n7;Müller AG;Weg 1;10115;Berlin;Deutschland;EUR\n");
    EXPECT_EQ(make_csv(settings_)->objects(), (std::vector<std::string>{"account", "product", "opportunity", "opportunity_line"}));
    EXPECT_EQ(read("account").rows.at("7").at("name"), "Müller AG");
    EXPECT_EQ(read("product").rows.at("A1").at("name"), "Schraube");
    EXPECT_EQ(read("opportunity").rows.at("R1").at("amount"), "2.5");
    EXPECT_EQ(read("opportunity").rows.at("R1").at("closed_at"), "2024-10-22 00:00:00.000000+00");
    EXPECT_EQ(csv::normalised("ÄNDERUNGS-Datum"), "änderungsdatum");
}

TEST_F(CsvFolder, DealsAloneGiveTheirAccounts) {
    write("deals.csv",
          "deal_id,account_id,account_name,stage,close_date\n1,a1,Acme,Won,2024-02-01\n2,a1,Acme,Lost,2023-01-01\n3,a2,,Won,2024-03-01\n4,,,Won,2024-03-01\n");
    const Result all = read("account");
    EXPECT_EQ(all.rows.size(), 2u);
    EXPECT_EQ(all.rows.at("a1").at("name"), "Acme");
    EXPECT_EQ(all.rows.at("a1").at("created_at"), "2023-01-01 00:00:00.000000+00");
    EXPECT_EQ(all.rows.at("a2").at("name"), "a2");
    write("accounts.csv", "id,name\na1,Acme Inc\n");
    EXPECT_EQ(read("account").rows.size(), 1u);  // a file that lists them is the better source
}

TEST_F(CsvFolder, LongFilesGoOnWithoutReadingThemAgain) {
    std::string text = "id,name\n";
    for (int i = 0; i < 620000; ++i) text += std::to_string(i) + ",n\n";
    text += "5,again early\n619999,again late\n";
    write("accounts.csv", text);
    const auto first = make_csv(settings_)->fetch(object("account"), "");
    // Jumps ahead: nobody wants to wait for a hundred pages. The place is what an earlier reading would have stored.
    auto json = nlohmann::json::parse(first.next_state);
    auto &file = json["files"]["accounts.csv"];
    file["offset"] = text.find("\n600000,") + 1, file["line"] = 600002, file["rows"] = 600000;
    const auto connector = make_csv(settings_);
    std::string state = json.dump();
    std::size_t records = first.records.size(), rejects = 0;
    for (bool done = false; !done;) {
        const auto page = connector->fetch(object("account"), state);
        records += page.records.size(), rejects += page.rejects.size();
        for (const auto &reject : page.rejects) EXPECT_EQ(reject.place, "accounts.csv:620002");
        state = page.next_state, done = page.done;
        if (page.done) {
            EXPECT_EQ(page.source_count, 620002);
        }
    }
    EXPECT_EQ(records, 5000u + 20000u + 1u);  // an id of the first half million is known; a later one replaces the earlier row
    EXPECT_EQ(rejects, 1u);
}

TEST_F(CsvFolder, AStopEndsALongResumption) {
    struct Stopping : sync::Host {
        double take(const sync::Budget &, double) override { return 0; }
        void used(const std::string &, double, double) override {}
        std::optional<sync::Token> token() override { return std::nullopt; }
        sync::Token renewed(const std::string &, const std::function<sync::Token(const std::optional<sync::Token> &)> &) override { return {}; }
        void pause(double) override { throw sync::SyncError(sync::Fault::stopped, "stopped"); }
    };
    std::string text = "invoice_no,date,customer,sku,qty,price\n";
    for (int i = 0; i < 12000; ++i) text += std::to_string(i) + ",2024-01-01,c,p,1,1\n";
    write("invoice_lines.csv", text);
    settings_.host = std::make_shared<Stopping>();
    for (const char *name : {"opportunity", "opportunity_line"}) {
        try {
            auto connector = make_csv(settings_);
            std::string state;
            for (int i = 0; i < 4; ++i) state = connector->fetch(object(name), state).next_state;
            ADD_FAILURE() << name << " was not stopped";
        } catch (const sync::SyncError &error) {
            EXPECT_EQ(error.fault, sync::Fault::stopped);
        }
    }
}

TEST_F(CsvFolder, AFileThatCannotBeReadSaysWhy) {
    write("accounts.csv", "");
    write("contacts.csv", "first,last\nA,B\n");
    write("leads.csv", "\xFF\xFEi\0d\0");
    const auto connector = make_csv(settings_);
    int errors = 0;
    for (const auto &finding : connector->check()) errors += finding.level == sync::Finding::Level::error;
    EXPECT_EQ(errors, 3);
    EXPECT_THROW(connector->fetch(object("account"), ""), sync::SyncError);
}

TEST(CsvMapping, FileNames) {
    EXPECT_EQ(csv::object_by_name("Account.csv"), "account");
    EXPECT_EQ(csv::object_by_name("sales_teams.csv"), "crm_user");
    EXPECT_EQ(csv::object_by_name("OpportunityLineItem.csv"), "opportunity_line");
    EXPECT_EQ(csv::object_by_name("contacts_2024-05-01.csv"), "contact");
    EXPECT_FALSE(csv::object_by_name("truth_accounts.csv"));
    EXPECT_FALSE(csv::object_by_name("test_targets.csv"));
    EXPECT_FALSE(csv::looks_like_invoice_lines({"customer_id", "stock_code"}));
    EXPECT_TRUE(csv::looks_like_invoice_lines(
        {"SalesOrderNumber", "OrderDate", "ResellerKey", "ProductKey", "OrderQuantity", "UnitPrice"}));
}

TEST(CsvDecimal, IsExact) {
    using csv::Decimal;
    Decimal sum;
    for (int i = 0; i < 10; ++i) sum = *sum.plus(*Decimal::parse("0.1"));
    EXPECT_EQ(sum.text(), "1");
    EXPECT_EQ(Decimal::parse("2.55")->times(*Decimal::parse("6")).text(), "15.3");
    EXPECT_EQ(Decimal::parse("-0.05")->text(), "-0.05");
    EXPECT_EQ(Decimal::parse("0")->text(), "0");
    for (const char *bad : {"1e3", "", "-", "1.2.3", "1234567890123456789"}) EXPECT_FALSE(Decimal::parse(bad)) << bad;
}

}  // namespace
}  // namespace xsell::connectors
