// Rows as Zoho's records.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "zoho.hpp"

namespace xsell::simulator {
namespace zoho {
namespace {

using Json = nlohmann::json;

const NumberIds ids(7328395000000000000ULL, 3, true);
constexpr Source order_ids = Source::meeting;  // an org of Salesforce has no such rows: their numbers are free
constexpr const char *pipeline_name = "Standard (Standard)";
constexpr const char *kept_call = "call";

constexpr Module modules[] = {
    {"Accounts", Source::account, ""}, {"Contacts", Source::contact, ""},  {"Leads", Source::lead, ""},
    {"Products", Source::product, ""}, {"Deals", Source::opportunity, ""}, {"Calls", Source::task, kept_call},
    {"Tasks", Source::task, "task"},   {"Events", Source::event, ""},      {"Sales_Orders", Source::opportunity, "", true}};

// Lines by the row of their deal; found anew when there are more of them.
const std::vector<std::uint32_t> &lines_of(const Crm &crm, std::size_t deal) {
    struct Index {
        std::size_t size = 0;
        std::unordered_map<std::size_t, std::vector<std::uint32_t>> rows;
    };
    static std::mutex mutex;
    static std::unordered_map<const Crm *, Index> indexes;
    static const std::vector<std::uint32_t> none;
    const std::lock_guard lock(mutex);
    Index &index = indexes[&crm];
    const Table &lines = crm.table(Source::line);
    for (; index.size < lines.size(); index.size++) {
        const auto owner = crm.table(Source::opportunity).find(lines.value(index.size, "opportunity_id"));
        if (owner) index.rows[*owner].push_back(static_cast<std::uint32_t>(index.size));
    }
    const auto found = index.rows.find(deal);
    return found == index.rows.end() ? none : found->second;
}

// One row of a table, read as JSON values. Zoho writes nothing as null here and as an empty text there.
struct Reader {
    const Crm &crm;
    Source source;
    std::size_t row;

    std::string text(std::string_view column) const { return std::string(crm.table(source).value(row, column)); }
    Json string(std::string_view column) const { return text(column).empty() && row % 2 == 0 ? Json() : Json(text(column)); }
    Json number(std::string_view column) const { return text(column).empty() ? Json() : Json::parse(text(column)); }
    Json flag(std::string_view column) const { return text(column) == "t"; }
    Json time(std::string_view column) const {
        return text(column).empty() ? Json() : Json(local_time(parse_time(text(column))));
    }
    Json date(std::string_view column) const { return text(column).empty() ? Json() : Json(text(column).substr(0, 10)); }
    Json lookup(std::string_view column) const {
        const std::string native = text(column);
        const auto target = native.empty() ? std::nullopt : crm.table(*referred(column)).find(native);
        if (!target) return {};
        return {{"id", ids.make(*referred(column), *target)}, {"name", crm.table(*referred(column)).value(*target, "name")}};
    }
    Json owner() const {
        Json owner = lookup("owner_id");
        if (!owner.is_null()) owner["email"] = "someone@example.com";
        return owner;
    }
};

Json account(const Reader &r) {
    return {{"Account_Name", r.text("name")},
            {"Account_Type", r.string("type")},
            {"Industry", r.string("industry")},
            {"Website", r.string("website")},
            {"Phone", r.string("phone")},
            {"Billing_Street", r.string("street")},
            {"Billing_City", r.string("city")},
            {"Billing_State", nullptr},
            {"Billing_Code", r.string("postal_code")},
            {"Billing_Country", r.string("country")},
            {"Annual_Revenue", r.number("annual_revenue")},
            {"Employees", r.number("employees")},
            {"Description", r.string("description")},
            {"Parent_Account", nullptr},
            {"Rating", nullptr},
            {"Owner", r.owner()}};
}

Json contact(const Reader &r) {
    Json company = r.lookup("account_id");
    return {{"First_Name", r.string("first_name")},
            {"Last_Name", r.text("last_name")},
            {"Title", r.string("title")},
            {"Email", r.string("email")},
            {"Secondary_Email", nullptr},
            {"Phone", r.string("phone")},
            {"Mobile", nullptr},
            {"Department", ""},
            {"Mailing_Country", nullptr},
            {"Email_Opt_Out", r.flag("do_not_contact")},
            {"Account_Name", company},
            {"Owner", r.owner()}};
}

Json lead(const Reader &r) {
    const bool converted = !r.text("converted_at").empty();
    Json detail;
    if (converted) {
        const Json target = r.lookup("converted_account_id");
        detail = {{"convert_date", r.date("converted_at")},
                  {"account", target.is_null() ? Json() : target["id"]},
                  {"contact", nullptr},
                  {"deal", nullptr}};
    }
    return {{"Company", r.text("company")},
            {"First_Name", r.string("first_name")},
            {"Last_Name", r.text("last_name")},
            {"Designation", r.string("title")},
            {"Email", r.string("email")},
            {"Phone", r.string("phone")},
            {"Mobile", nullptr},
            {"Website", r.string("website")},
            {"Industry", r.string("industry")},
            {"Country", r.string("country")},
            {"No_of_Employees", r.number("employees")},
            {"Annual_Revenue", nullptr},
            {"Lead_Status", r.string("status")},
            {"Lead_Source", r.string("source")},
            {"Owner", r.owner()},
            {"$converted", converted},
            {"$converted_detail", detail}};
}

Json product(const Reader &r) {
    return {{"Product_Name", r.text("name")},
            {"Product_Code", r.string("code")},
            {"Product_Category", r.string("family")},
            {"Description", r.string("description")},
            {"Unit_Price", nullptr},
            {"Product_Active", r.flag("is_active")},
            {"Tax", Json::array()}};
}

Json deal(const Reader &r) {
    return {{"Deal_Name", r.text("name")},
            {"Stage", r.text("stage")},
            {"Pipeline", pipeline_name},
            {"Amount", r.number("amount")},
            {"Probability", r.number("probability")},
            {"Expected_Revenue", nullptr},
            {"Closing_Date", r.date("closed_at")},
            {"Type", r.string("type")},
            {"Lead_Source", nullptr},
            {"Account_Name", r.lookup("account_id")},
            {"Contact_Name", nullptr},
            {"Owner", r.owner()}};
}

// What an activity is about: a deal or, failing that, its account.
void relate(Json &json, const Reader &r) {
    const Json about = r.lookup("opportunity_id"), company = r.lookup("account_id");
    json["What_Id"] = about.is_null() ? company : about;
    json["Who_Id"] = r.lookup("contact_id");
    if (!json["What_Id"].is_null()) json["$se_module"] = about.is_null() ? "Accounts" : "Deals";
    json["Owner"] = r.owner();
}

Json call(const Reader &r) {
    const long seconds = r.text("duration").empty() ? 0 : std::stol(r.text("duration"));
    const std::string direction = r.text("direction");
    Json json = {{"Subject", r.text("subject")},
                 {"Call_Type", direction == "inbound" ? "Inbound" : "Outbound"},
                 {"Call_Status", r.string("status")},
                 {"Call_Start_Time", r.time("occurred_at")},
                 {"Call_Duration", fmt::format("{:02}:{:02}", seconds / 60, seconds % 60)},
                 {"Call_Duration_in_seconds", r.row % 3 == 0 ? Json() : Json(seconds)}};
    relate(json, r);
    return json;
}

Json task(const Reader &r) {
    Json json = {{"Subject", r.text("subject")},
                 {"Status", r.string("status")},
                 {"Priority", "High"},
                 {"Due_Date", r.date("occurred_at")},
                 {"Closed_Time", nullptr}};
    relate(json, r);
    return json;
}

Json event(const Reader &r) {
    const Time start = parse_time(r.text("occurred_at"));
    const long seconds = r.text("duration").empty() ? 0 : std::stol(r.text("duration"));
    Json json = {{"Event_Title", r.text("subject")},
                 {"Start_DateTime", local_time(start)},
                 {"End_DateTime", local_time(start + seconds)},
                 {"All_day", false}};
    relate(json, r);
    return json;
}

Json order(const Reader &r, Time now) {
    Json items = Json::array();
    for (const std::uint32_t row : lines_of(r.crm, r.row)) {
        const Reader line{r.crm, Source::line, row};
        if (!r.crm.table(Source::line).live(row, now)) continue;
        items.push_back({{"id", ids.make(Source::line, row)},
                         {"Product_Name", line.lookup("product_id")},
                         {"Quantity", line.number("quantity")},
                         {"List_Price", line.number("unit_price")},
                         {"Total", line.number("amount")},
                         {"Total_After_Discount", line.number("amount")},
                         {"Created_Time", line.time("created_at")},
                         {"Sequence_Number", items.size() + 1}});
    }
    return {{"Subject", "Order of " + r.text("name")},
            {"Deal_Name", {{"id", ids.make(Source::opportunity, r.row)}, {"name", r.text("name")}}},
            {"Ordered_Items", items}};
}

// What the truth says of a column where it is not the row's own value.
std::optional<std::string> told(const Crm &crm, Source source, std::size_t row, std::string_view column) {
    struct Word {
        Source source;
        const char *column, *text;
    };
    using enum Source;
    static constexpr Word words[] = {{user, "username", ""}, {opportunity, "pipeline", pipeline_name}};
    if (column == "merged_into") return "";
    for (const Word &word : words) {
        if (word.source == source && column == word.column) return word.text;
    }
    const Reader r{crm, source, row};
    if (source == line && column == "modified_at" && crm.table(line).row(row).deleted == 0) {
        const auto owner = crm.table(opportunity).find(r.text("opportunity_id"));
        if (owner) return iso(modified(*module_named("Sales_Orders"), crm, *owner));
    }
    if (source != task) return std::nullopt;
    const bool is_call = r.text("kind") == kept_call;
    if (column == "kind") return is_call ? kept_call : "task";
    if (column == "account_id" && !r.text("opportunity_id").empty()) return "";
    if (column == "direction" || column == "duration") return is_call ? std::nullopt : std::optional<std::string>("");
    if (column == "is_closed" && is_call) return "";
    return std::nullopt;
}

std::optional<std::string> told_of(const Crm &crm, Source source, std::size_t row, std::string_view column) {
    if (source == Source::event && column == "account_id" && !crm.table(source).value(row, "opportunity_id").empty()) return "";
    return told(crm, source, row, column);
}

bool shows(Source source) { return source != Source::asset; }

HttpError error(int status, const char *code, const std::string &message) {
    return {status, Json{{"code", code}, {"details", Json::object()}, {"message", message}, {"status", "error"}}.dump()};
}

constexpr Vendor vendor = {
    "zoho",
    "Authorization",
    "Zoho-oauthtoken ",
    "",
    "1000.",
    [](bool) { return error(401, "INVALID_TOKEN", "invalid oauth token"); },
    [](const Fault &fault, httplib::Response &res) {
        res.set_header("Retry-After", std::to_string(fault.retry_after));
        return error(429, "TOO_MANY_REQUESTS", "too many requests fired in a minute");
    },
    [](httplib::Response &) { return error(429, "TOO_MANY_REQUESTS", "the credits of this day are used up"); },
    [](const std::string &message) { return error(400, "INVALID_DATA", message); },
    nullptr};

}  // namespace

const Module *module_named(std::string_view name) {
    const auto found = std::find_if(std::begin(modules), std::end(modules), [&](const Module &m) { return name == m.name; });
    return found == std::end(modules) ? nullptr : found;
}

bool belongs(const Module &module, const Crm &crm, std::size_t row) {
    if (module.orders) return !lines_of(crm, row).empty();
    if (*module.kind == '\0') return true;
    const bool is_call = crm.table(module.source).value(row, "kind") == kept_call;
    return is_call == (std::string_view(module.kind) == kept_call);
}

std::string id_of(const Module &module, std::size_t row) { return ids.make(module.orders ? order_ids : module.source, row); }
std::optional<std::size_t> row_of(const Module &module, std::string_view id) {
    return ids.row(module.orders ? order_ids : module.source, id);
}

Time modified(const Module &module, const Crm &crm, std::size_t row) {
    if (!module.orders) return crm.table(module.source).row(row).modified;
    Time latest = 0;
    for (const std::uint32_t line : lines_of(crm, row)) latest = std::max(latest, crm.table(Source::line).row(line).modified);
    return latest;
}

Json record(const Module &module, const Crm &crm, std::size_t row, Time now) {
    const Reader r{crm, module.source, row};
    Json json;
    switch (module.source) {
        case Source::account: json = account(r); break;
        case Source::contact: json = contact(r); break;
        case Source::lead: json = lead(r); break;
        case Source::product: json = product(r); break;
        case Source::opportunity: json = module.orders ? order(r, now) : deal(r); break;
        case Source::event: json = event(r); break;
        default: json = std::string_view(module.kind) == kept_call ? call(r) : task(r);
    }
    json["id"] = id_of(module, row);
    json["Created_Time"] = r.time("created_at");
    json["Modified_Time"] = local_time(modified(module, crm, row));
    json["Tag"] = Json::array();
    json["$in_merge"] = false;
    json["$state"] = "save";
    return json;
}

Json user(const Crm &crm, std::size_t row) {
    const Reader r{crm, Source::user, row};
    const std::string team = r.text("team"), manager = r.text("manager");
    return {{"id", ids.make(Source::user, row)},
            {"full_name", r.text("name")},
            {"email", r.text("email")},
            {"status", r.text("is_active") == "t" ? "active" : "inactive"},
            {"role", team.empty() ? Json() : Json{{"name", team}, {"id", "1"}}},
            {"Reporting_To", manager.empty() ? Json() : Json{{"name", manager}, {"id", "1"}}},
            {"time_zone", r.string("time_zone")},
            {"territories", Json::array()},
            {"created_time", r.time("created_at")},
            {"Modified_Time", local_time(crm.table(Source::user).row(row).modified)}};
}

Json pipelines() {
    Json maps = Json::array();
    for (const char *stage :
         {"Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"}) {
        maps.push_back({{"display_value", stage},
                        {"actual_value", stage},
                        {"id", std::to_string(6801 + maps.size())},
                        {"forecast_type", std::string_view(stage).starts_with("Closed") ? stage : "Open"}});
    }
    return {{"pipeline",
             {{{"display_value", pipeline_name},
               {"actual_value", pipeline_name},
               {"default", true},
               {"id", "97001"},
               {"maps", maps}}}}};
}

std::string local_time(Time time) {
    constexpr Time ahead = 3 * hour;  // Africa/Nairobi
    return replaced(iso(time + ahead), "Z", "+03:00");
}

}  // namespace zoho

const Dialect zoho_dialect = {&zoho::vendor, 0, &zoho::ids, zoho::shows, zoho::told_of};

}  // namespace xsell::simulator
