// Files as people have them: JSON lines, decimal commas, German headers, deals without accounts, millions of rows.
#include "connectors/csv/mapping.hpp"
#include "csv_fixture.hpp"

namespace xsell::connectors {
namespace {

using namespace test_csv;

TEST_F(CsvFolder, JsonLinesAreRowsToo) {
    write("accounts.jsonl",
          "\xEF\xBB\xBF{\"id\":9007199254740993,\"name\":\"Caf\\u00e9\",\"billing\":{\"country\":\"DE\",\"tags\":[1,2]},"
          "\"website\":null}\r\n"
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
    write("produkte.csv",
          "Artikelnummer;Bezeichnung;Preis\n1;a;1.234,50\n2;b;1.234\n3;c;0,5\n4;d;-1 234 "
          "567,89\n5;e;1.5\n6;f;1,234.50\n7;g;12\n8;h;1.23,4\n");
    const Result all = read("product");
    const std::map<std::string, std::string> prices = {
        {"1", "1234.50"}, {"2", "1234"}, {"3", "0.5"}, {"4", "-1234567.89"}, {"7", "12"}};
    EXPECT_EQ(all.rows.size(), prices.size());
    for (const auto &[id, price] : prices) EXPECT_EQ(all.rows.at(id).at("price"), price) << id;
    EXPECT_EQ(all.rejects.size(), 3u);
    EXPECT_EQ(all.rejects[0].reason, "price: '1.5' is not a number with a decimal comma");
}

TEST_F(CsvFolder, GermanHeaders) {
    settings_.set("decimal", ","), settings_.set("dates", "dmy");
    write("Verkäufe.csv",
          "Rechnungsnummer;Rechnungsdatum;Kunde;Artikelnummer;Bezeichnung;Menge;Einzelpreis\nR1;22.10.2024;Acme "
          "GmbH;A1;Schraube;10;0,25\n");
    write("Kunden.csv", "KUNDENNUMMER;Firma;Straße;PLZ;Ort;Land;Währung\n7;Müller AG;Weg 1;10115;Berlin;Deutschland;EUR\n");
    EXPECT_EQ(make_csv(settings_)->objects(),
              (std::vector<std::string>{"account", "product", "opportunity", "opportunity_line"}));
    EXPECT_EQ(read("account").rows.at("7").at("name"), "Müller AG");
    EXPECT_EQ(read("product").rows.at("A1").at("name"), "Schraube");
    EXPECT_EQ(read("opportunity").rows.at("R1").at("amount"), "2.5");
    EXPECT_EQ(read("opportunity").rows.at("R1").at("closed_at"), "2024-10-22 00:00:00.000000+00");
    EXPECT_EQ(csv::normalised("ÄNDERUNGS-Datum"), "änderungsdatum");
}

TEST_F(CsvFolder, DealsAloneGiveTheirAccounts) {
    write("deals.csv",
          "deal_id,account_id,account_name,stage,close_date\n1,a1,Acme,Won,2024-02-01\n2,a1,Acme,Lost,2023-01-01\n3,a2,,Won,2024-"
          "03-01\n4,,,Won,2024-03-01\n");
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
        sync::Token renewed(const std::string &,
                            const std::function<sync::Token(const std::optional<sync::Token> &)> &) override {
            return {};
        }
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

}  // namespace
}  // namespace xsell::connectors
