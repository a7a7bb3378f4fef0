// How Zoho's modules become our objects: users, deals and stages, lines, activities, leads, rates.
#include "zoho_fixture.hpp"

namespace {

class ZohoObjects : public Zoho {};

const sync::Object user{"crm_user",
                        {{"name", ColumnType::text},
                         {"is_active", ColumnType::boolean},
                         {"team", ColumnType::text},
                         {"time_zone", ColumnType::text},
                         {"modified_at", ColumnType::timestamp}}};
const sync::Object lead{"lead",
                        {{"converted_at", ColumnType::timestamp},
                         {"converted_account_id", ColumnType::text},
                         {"converted_contact_id", ColumnType::text},
                         {"converted_opportunity_id", ColumnType::text},
                         {"modified_at", ColumnType::timestamp},
                         {"deleted_at", ColumnType::timestamp}}};

bool reply(httplib::Response &out, const json &body) {
    out.set_content(body.dump(), "application/json");
    return true;
}

TEST_F(ZohoObjects, UsersAreReadWholeAndSweptEachTime) {
    answer = [](const Request &request, httplib::Response &out) {
        if (request.path == "/org/currencies") return reply(out, {{"currencies", json::array()}});
        if (request.path != "/users" || request.parameters.at("type") != "AllUsers") return false;
        const bool last = request.parameters.at("page") == "2";
        json users = json::array();
        if (last)
            users.push_back({{"id", "2"},
                             {"full_name", "Gone"},
                             {"status", "deleted"},
                             {"Modified_Time", nullptr},
                             {"created_time", "2020-01-01T00:00:00Z"}});
        else
            users.push_back({{"id", "1"},
                             {"full_name", "Kim"},
                             {"status", "active"},
                             {"role", {{"name", "CEO"}}},
                             {"time_zone", "Africa/Nairobi"},
                             {"Modified_Time", "2026-05-14T11:35:10+03:00"}});
        return reply(out, {{"users", users}, {"info", {{"page", last ? 2 : 1}, {"more_records", !last}}}});
    };
    std::vector<sync::Page> pages;
    const auto state = drain(user, "", &pages);
    ASSERT_EQ(pages.size(), 2u);
    EXPECT_EQ(pages[0].sweep, sync::Sweep::begin);
    EXPECT_EQ(pages[1].sweep, sync::Sweep::go_on);
    EXPECT_EQ(value(user, pages[0].records.at(0), "team"), "CEO");
    EXPECT_EQ(value(user, pages[0].records.at(0), "is_active"), "true");
    EXPECT_EQ(value(user, pages[1].records.at(0), "is_active"), "false");
    EXPECT_EQ(value(user, pages[1].records.at(0), "modified_at"), "2020-01-01 00:00:00.000000+00");
    EXPECT_EQ(fetch(user, state).sweep, sync::Sweep::begin);
    EXPECT_FALSE(connector().since(user, zoho_now));
}

TEST_F(ZohoObjects, StagesComeFromThePipelinesThenFromSettings) {
    answer = [](const Request &request, httplib::Response &out) {
        if (request.path == "/settings/layouts") return reply(out, {{"layouts", {{{"id", "91023"}}, {{"id", "91024"}}}}});
        if (request.path != "/settings/pipeline") return false;
        if (request.parameters.at("layout_id") == "91024") return out.status = 204, true;
        const auto stage = [](const char *name, const char *type) {
            return json{{"display_value", name},
                        {"actual_value", name},
                        {"forecast_type", type},
                        {"forecast_category", {{"name", "Closed"}}}};
        };
        return reply(out,
                     {{"pipeline",
                       {{{"display_value", "Standard (Standard)"},
                         {"actual_value", "Standard (Standard)"},
                         {"maps", {stage("Signed", "Closed Won"), stage("Talks", "Open")}}},
                        {{"display_value", "Renewals"}, {"actual_value", "Renewals"}, {"maps", {stage("Signed", "Open")}}}}}});
    };
    settings.set("lost_stages", "Ghosted");
    struct Case {
        json pipeline;
        const char *stage, *closed, *won;
    };
    const Case cases[] = {{"Standard (Standard)", "Signed", "true", "true"},
                          {"Standard (Standard)", "Talks", "false", "false"},
                          {"Renewals", "Signed", "false", "false"},
                          {{{"name", "Standard (Standard)"}, {"id", "1"}}, "Signed", "true", "true"},
                          {nullptr, "Closed Lost to Competition", "true", "false"},
                          {nullptr, "Ghosted", "true", "false"},
                          {nullptr, "Whatever", "NULL", "NULL"}};
    int number = 0;
    for (const auto &c : cases) {
        ++number;
        add("Deals", number, zoho_now - number * one_minute,
            {{"Pipeline", c.pipeline},
             {"Stage", c.stage},
             {"Amount", 12.5},
             {"Closing_Date", "2026-05-17"},
             {"Account_Name", {{"id", "9"}, {"name", "A"}}}});
    }
    const auto page = fetch(zoho_deal, "");
    ASSERT_EQ(page.records.size(), std::size(cases));
    for (std::size_t i = 0; i < std::size(cases); ++i) {
        EXPECT_EQ(value(zoho_deal, page.records[i], "is_closed"), cases[i].closed) << i;
        EXPECT_EQ(value(zoho_deal, page.records[i], "is_won"), cases[i].won) << i;
    }
    EXPECT_EQ(value(zoho_deal, page.records[6], "pipeline"), "");
    EXPECT_EQ(value(zoho_deal, page.records[3], "pipeline"), "Standard (Standard)");
    EXPECT_EQ(value(zoho_deal, page.records[0], "account_id"), "9");
    EXPECT_EQ(value(zoho_deal, page.records[0], "closed_at"), "2026-05-17 00:00:00.000000+00");
}

TEST_F(ZohoObjects, LinesAreTheProductsOfDeals) {
    for (int i = 1; i <= 3; ++i) add("Deals", i, zoho_now - i * one_minute);
    remove("Deals", 9, zoho_now - 9 * one_minute);
    answer = [](const Request &request, httplib::Response &out) {
        const std::string one = "/Deals/" + zoho_id(1) + "/Products", two = "/Deals/" + zoho_id(2) + "/Products";
        if (request.path == one) {
            const bool last = request.parameters.at("page") == "2";
            EXPECT_NE(request.parameters.at("fields").find("Product_Name"), std::string::npos);
            return reply(out, {{"data", {{{"id", last ? "502" : "501"}, {"Product_Name", "P"}, {"Unit_Price", 99.99}}}},
                               {"info", {{"page", last ? 2 : 1}, {"more_records", !last}}}});
        }
        if (request.path == two) return out.status = 204, true;
        if (request.path == "/Deals/" + zoho_id(3) + "/Products")
            return refuse(out, 400, "INVALID_DATA", {{"resource_path_index", 1}}), true;
        return false;
    };
    const auto page = fetch(zoho_line, "");
    ASSERT_EQ(page.records.size(), 2u);
    EXPECT_EQ(page.records[0].crm_id, zoho_id(1) + "-501");
    EXPECT_EQ(value(zoho_line, page.records[0], "opportunity_id"), zoho_id(1));
    EXPECT_EQ(value(zoho_line, page.records[0], "product_id"), "501");
    EXPECT_EQ(value(zoho_line, page.records[0], "unit_price"), "99.99");
    EXPECT_EQ(value(zoho_line, page.records[0], "modified_at"), "2026-06-01 11:59:00.000000+00");
    ASSERT_TRUE(page.replaced);
    EXPECT_EQ(page.replaced->column, "opportunity_id");
    EXPECT_EQ(page.replaced->parents, (std::vector{zoho_id(1), zoho_id(2)}));  // the third is gone: the feed tells
    EXPECT_EQ(page.replaced->at, "2026-06-01 11:59:00.000000+00");
    const auto gone = fetch(zoho_line, page.next_state);
    EXPECT_TRUE(gone.records.empty());
    ASSERT_TRUE(gone.replaced);
    EXPECT_EQ(gone.replaced->parents, std::vector{zoho_id(9)});
    EXPECT_TRUE(gone.done);
}

TEST_F(ZohoObjects, LinesOfOrdersAreReadForTheWholeDeal) {
    settings.set("lines", "sales_orders");
    add("Sales_Orders", 1, zoho_now - one_minute, {{"Deal_Name", {{"id", zoho_id(7)}}}});
    add("Sales_Orders", 2, zoho_now - 2 * one_minute, {{"Deal_Name", {{"id", zoho_id(7)}}}});
    add("Sales_Orders", 3, zoho_now - 3 * one_minute, {{"Deal_Name", nullptr}});
    answer = [](const Request &request, httplib::Response &out) {
        if (request.path == "/Deals/" + zoho_id(7) + "/Sales_Orders")
            return reply(out, {{"data", {{{"id", zoho_id(1)}}, {{"id", zoho_id(4)}}}}, {"info", {{"more_records", false}}}});
        const bool first = request.path == "/Sales_Orders/" + zoho_id(1), other = request.path == "/Sales_Orders/" + zoho_id(4);
        if (!first && !other) return false;
        const json line = {{"id", first ? "11" : "41"},
                           {"Product_Name", {{"id", "501"}, {"name", "P"}}},
                           {"Quantity", 3},
                           {"List_Price", 10},
                           {"Total", 30},
                           {"Total_After_Discount", 27}};
        return reply(out, {{"data",
                            {{{"id", zoho_id(1)},
                              {"Modified_Time", zoho_time(zoho_now)},
                              {"Ordered_Items", {line, nullptr}},
                              {"$has_more", {{"Ordered_Items", other}}}}}}});
    };
    const auto page = fetch(zoho_line, "");
    ASSERT_EQ(page.records.size(), 2u);
    EXPECT_EQ(page.records[0].crm_id, "11");
    EXPECT_EQ(page.records[1].crm_id, "41");
    EXPECT_EQ(value(zoho_line, page.records[0], "opportunity_id"), zoho_id(7));
    EXPECT_EQ(value(zoho_line, page.records[0], "product_id"), "501");
    EXPECT_EQ(value(zoho_line, page.records[0], "amount"), "27");
    EXPECT_EQ(value(zoho_line, page.records[0], "quantity"), "3");
    ASSERT_TRUE(page.replaced);
    EXPECT_EQ(page.replaced->parents, std::vector{zoho_id(7)});
    ASSERT_EQ(page.rejects.size(), 1u);
    EXPECT_NE(page.rejects[0].reason.find("more lines"), std::string::npos);
}

TEST_F(ZohoObjects, ActivitiesAreCallsEventsAndTasks) {
    add("Calls", 1, zoho_now - one_minute,
        {{"Subject", "Hi"},
         {"Call_Type", "Inbound"},
         {"Call_Start_Time", "2026-05-01T10:00:00+03:00"},
         {"Call_Duration", "02:05"},
         {"Who_Id", {{"id", "31"}}},
         {"What_Id", {{"id", "32"}}},
         {"$se_module", "Deals"}});
    add("Calls", 2, zoho_now - one_minute,
        {{"Call_Duration_in_seconds", 61}, {"Call_Duration", "nonsense"}, {"What_Id", nullptr}});
    add("Events", 3, zoho_now - one_minute,
        {{"Event_Title", "Meet"},
         {"Start_DateTime", "2026-05-01T10:00:00+03:00"},
         {"End_DateTime", "2026-05-01T10:30:00+03:00"},
         {"What_Id", {{"id", "33"}}},
         {"$se_module", "Accounts"}});
    add("Tasks", 4, zoho_now - one_minute,
        {{"Subject", "Do"}, {"Status", "Completed"}, {"What_Id", {{"id", "34"}}}, {"$se_module", "Leads"}});
    remove("Tasks", 5, zoho_now - 2 * one_minute);
    std::vector<sync::Page> pages;
    drain(zoho_activity, "", &pages);
    std::map<std::string, sync::Record> found;
    for (const auto &page : pages) {
        EXPECT_TRUE(page.rejects.empty());
        for (const auto &record : page.records) found.emplace(record.crm_id, record);
    }
    ASSERT_EQ(found.size(), 5u);
    const auto at = [&](int number, const char *column) { return value(zoho_activity, found.at(zoho_id(number)), column); };
    EXPECT_EQ(at(1, "kind") + at(1, "direction") + at(1, "duration"), "callinbound125");
    EXPECT_EQ(at(1, "opportunity_id") + " " + at(1, "contact_id"), "32 31");
    EXPECT_EQ(at(2, "duration"), "61");
    EXPECT_EQ(at(3, "kind") + at(3, "account_id") + at(3, "duration"), "meeting331800");
    EXPECT_EQ(at(4, "lead_id") + at(4, "is_closed"), "34true");
    EXPECT_NE(at(5, "deleted_at"), "NULL");
    // A dead letter of any of them finds its own map again.
    const auto again = connector().replay(zoho_activity, {found.at(zoho_id(3)).raw, found.at(zoho_id(1)).raw});
    ASSERT_EQ(again.records.size(), 2u);
    EXPECT_EQ(value(zoho_activity, again.records[0], "kind"), "meeting");
    EXPECT_EQ(value(zoho_activity, again.records[1], "kind"), "call");
}

TEST_F(ZohoObjects, ModulesOfActivitiesCanBeChosen) {
    settings.set("activities", "Notes");
    add("Notes", 1, zoho_now - one_minute,
        {{"Note_Title", ""}, {"Note_Content", "text"}, {"Parent_Id", {{"id", "31"}, {"module", {{"api_name", "Contacts"}}}}}});
    const auto page = fetch(zoho_activity, "");
    ASSERT_EQ(page.records.size(), 1u);
    EXPECT_EQ(value(zoho_activity, page.records[0], "contact_id") + value(zoho_activity, page.records[0], "subject"), "31text");
    EXPECT_TRUE(asked("/Calls").empty());
}

TEST_F(ZohoObjects, ConvertedLeadsAreReadToo) {
    add("Leads", 1, zoho_now - one_minute,
        {{"$converted", true},
         {"$converted_detail",
          {{"account", "41"}, {"contact", {{"id", "42"}}}, {"deal", nullptr}, {"convert_date", "2026-05-14"}}}});
    add("Leads", 2, zoho_now - 2 * one_minute,
        {{"Converted_Account", {{"id", "43"}, {"name", "x"}}}, {"Converted_Date_Time", "2026-05-14T12:51:54+03:00"}});
    const auto page = fetch(lead, "");
    ASSERT_EQ(page.records.size(), 2u);
    EXPECT_EQ(asked("/Leads").at(0).parameters.at("converted"), "both");
    EXPECT_EQ(value(lead, page.records[0], "converted_account_id"), "41");
    EXPECT_EQ(value(lead, page.records[0], "converted_contact_id"), "42");
    EXPECT_EQ(value(lead, page.records[0], "converted_opportunity_id"), "NULL");
    EXPECT_EQ(value(lead, page.records[0], "converted_at"), "2026-05-14 00:00:00.000000+00");
    EXPECT_EQ(value(lead, page.records[1], "converted_account_id"), "43");
}

TEST_F(ZohoObjects, RatesComeWithTheFirstObject) {
    const auto currency = [](const char *code, json rate, bool base) {
        return json{{"iso_code", code},
                    {"exchange_rate", rate},
                    {"is_base", base},
                    {"exchange_rate_updated_time", "2026-01-02T01:00:00+05:30"}};
    };
    answer = [&](const Request &request, httplib::Response &out) {
        if (request.path != "/org/currencies") return false;
        return reply(out, {{"currencies",
                            {currency("USD", "1.000000000", true), currency("INR", "80.000000000", false),
                             currency("EUR", 0.8, false), currency("XTS", "0", false), nullptr}}});
    };
    settings.objects = {"account", "opportunity"};
    const auto rates = fetch(zoho_account, "").rates;
    ASSERT_EQ(rates.size(), 2u);
    EXPECT_EQ(rates[0].home + rates[0].currency + rates[0].rate + rates[0].valid_from, "USDINR0.01252026-01-01");
    EXPECT_EQ(rates[1].rate, "1.25");
    EXPECT_TRUE(fetch(zoho_deal, "").rates.empty());
    settings.set("exchange_rates", "in_home");
    made.reset();
    EXPECT_EQ(fetch(zoho_account, "").rates.at(0).rate, "80");
    answer = [&](const Request &request, httplib::Response &out) {
        if (request.path != "/org/currencies") return false;
        refuse(out, 403, "CURRENCIES_NOT_ENABLED");
        return true;
    };
    EXPECT_TRUE(fetch(zoho_account, "").rates.empty());
}

}  // namespace
