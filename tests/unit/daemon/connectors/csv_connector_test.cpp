// A folder of CSV files as a CRM: guesses, pages, restarts, rejects, sweeps.
#include "connectors/csv/connector.hpp"

#include "connectors/csv/decimal.hpp"
#include "connectors/csv/mapping.hpp"
#include "csv_fixture.hpp"

namespace xsell::connectors {
namespace {

using namespace test_csv;

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
    for (const auto sweep : third.sweeps)
        EXPECT_EQ(sweep, sync::Sweep::none);  // nothing is deleted unless the files are complete
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
