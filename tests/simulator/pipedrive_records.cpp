// The rows of an org as records of Pipedrive.
#include "pipedrive_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

namespace xsell::simulator::pipedrive {
namespace {

constexpr std::size_t family_count = 6;
constexpr const char *segment = "5f3a0c1e2b4d69788796a5b4c3d2e1f00f1e2d3c";  // a custom field of organizations

struct StageInfo {
    int id;
    const char *name;
};
constexpr StageInfo stage_list[] = {
    {1, "Prospecting"}, {2, "Qualification"}, {3, "Proposal/Price Quote"}, {4, "Negotiation/Review"}};

std::string blank(std::string text) { return replaced(replaced(std::move(text), "T", " "), "Z", ""); }  // as v1 writes times

int option_of(std::string_view industry) {
    for (std::size_t i = 0; i < industry_count; i++) {
        if (industry == industry_name(i)) return static_cast<int>(100 + i);
    }
    return 0;
}

std::vector<std::string> families() {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < family_count; i++) names.emplace_back(family_name(i));
    return names;
}

Json user(const Reader &r) {
    return {{"id", r.id()},
            {"name", r.text("name")},
            {"email", r.text("email")},
            {"active_flag", r.flag("is_active")},
            {"timezone_name", r.text("time_zone")},
            {"is_admin", r.row == 0 ? 1 : 0},
            {"created", blank(r.added())},
            {"modified", blank(r.changed())}};
}

Json organization(const Reader &r) {
    const auto [number, street] = street_of(r.text("street"));
    const int industry = option_of(r.text("industry"));
    Json custom = {{segment, r.row % 2 ? Json(31) : Json()}};
    if (r.row % 3 == 0) custom = nullptr;
    return {{"id", r.id()},
            {"name", r.text("name")},
            {"owner_id", r.reference("owner_id")},
            {"website", r.string("website")},
            {"linkedin", nullptr},
            {"industry", industry ? Json(industry) : Json()},
            {"annual_revenue", r.number("annual_revenue")},
            {"employee_count", r.number("employees")},
            {"country_code", nullptr},
            {"address",
             {{"value", r.text("street") + ", " + r.text("city")},
              {"route", street},
              {"street_number", number},
              {"locality", r.text("city")},
              {"postal_code", r.text("postal_code")},
              {"country", r.text("country")},
              {"admin_area_level_1", ""}}},
            {"label_ids", Json::array()},
            {"visible_to", 3},
            {"is_deleted", false},
            {"add_time", r.added()},
            {"update_time", r.changed()},
            {"custom_fields", custom}};
}

Json person(const Reader &r) {
    Json emails = Json::array(), phones = Json::array();
    if (r.row % 5 == 0) emails.push_back({{"value", "old@old.example"}, {"primary", r.text("email").empty()}, {"label", "home"}});
    if (r.row % 5 == 0 && r.text("email").empty()) emails.clear();
    if (!r.text("email").empty()) emails.push_back({{"value", r.text("email")}, {"primary", true}, {"label", "work"}});
    if (!r.text("phone").empty()) phones.push_back({{"value", r.text("phone")}, {"primary", true}, {"label", "work"}});
    const std::string first = r.text("first_name");
    return {{"id", r.id()},
            {"name", first + (first.empty() ? "" : " ") + r.text("last_name")},
            {"first_name", r.string("first_name")},
            {"last_name", r.text("last_name")},
            {"org_id", r.reference("account_id")},
            {"owner_id", r.reference("owner_id")},
            {"job_title", r.string("title")},
            {"emails", emails},
            {"phones", phones.empty() && r.row % 2 ? Json() : phones},
            {"is_deleted", false},
            {"add_time", r.added()},
            {"update_time", r.changed()},
            {"custom_fields", nullptr}};
}

Json lead(const Reader &r) {
    const auto millis = [](const std::string &time) { return replaced(time, "Z", ".000Z"); };
    return {{"id", r.id()},
            {"title", r.text("company") + " lead"},
            {"owner_id", r.reference("owner_id")},
            {"label_ids", Json::array()},
            {"value", r.row % 2 ? Json{{"amount", 100}, {"currency", currency}} : Json()},
            {"person_id", nullptr},
            {"organization_id", nullptr},
            {"source_name", r.text("source")},
            {"is_archived", archived(r.crm, r.source, r.row)},
            {"expected_close_date", nullptr},
            {"was_seen", true},
            {"add_time", millis(r.added())},
            {"update_time", millis(r.changed())}};
}

Json product(const Reader &r) {
    const auto names = families();
    const auto family = std::find(names.begin(), names.end(), r.text("family"));
    const Json price = {
        {"product_id", r.id()}, {"price", Json::parse(product_price(r.row))}, {"currency", currency}, {"cost", 0}};
    Json other = price;
    other["currency"] = "EUR", other["price"] = 1;
    return {{"id", r.id()},
            {"name", r.text("name")},
            {"code", r.string("code")},
            {"description", r.string("description")},
            {"unit", ""},
            {"tax", 0},
            {"category", family == names.end() ? Json() : Json(50 + (family - names.begin()))},
            {"owner_id", nullptr},
            {"is_linkable", r.flag("is_active")},
            {"is_deleted", false},
            {"prices", r.row % 2 ? Json{price, other} : Json{price}},
            {"add_time", r.added()},
            {"update_time", r.changed()},
            {"custom_fields", Json::object()}};
}

std::string status_of(const Reader &r) {
    if (r.crm.table(r.source).row(r.row).deleted != 0) return "deleted";
    return !r.flag("is_closed") ? "open" : r.flag("is_won") ? "won" : "lost";
}

Json deal(const Reader &r) {
    const std::string status = status_of(r), closes = r.text("closed_at");
    int stage = 1;
    for (const StageInfo &info : stage_list) {
        if (r.text("stage") == info.name) stage = info.id;
    }
    return {{"id", r.id()},
            {"title", r.text("name")},
            {"owner_id", r.reference("owner_id")},
            {"value", r.number("amount")},
            {"currency", currency},
            {"person_id", nullptr},
            {"org_id", r.reference("account_id")},
            {"stage_id", stage},
            {"pipeline_id", 1},
            {"status", status},
            {"probability", r.number("probability")},
            {"lost_reason", nullptr},
            {"close_time", r.flag("is_closed") ? Json(closes) : Json()},
            {"won_time", status == "won" ? Json(closes) : Json()},
            {"lost_time", status == "lost" ? Json(closes) : Json()},
            {"expected_close_date", closes.empty() ? Json() : Json(closes.substr(0, 10))},
            {"is_archived", archived(r.crm, r.source, r.row)},
            {"is_deleted", status == "deleted"},
            {"channel", nullptr},
            {"origin", "ManuallyCreated"},
            {"add_time", r.added()},
            {"update_time", r.changed()},
            {"custom_fields", r.row % 2 ? Json() : Json{{segment, nullptr}}}};
}

Json activity(const Reader &r) {
    const std::string at = r.text("occurred_at"), kind = r.text("kind");
    const long seconds = r.text("duration").empty() ? 0 : std::stol(r.text("duration"));
    const char *type = kind == "task" && r.row % 2           ? "deadline"
                       : kind == "meeting" && r.row % 5 == 0 ? "site_visit"
                                                             : kind.c_str();
    return {{"id", r.id()},
            {"subject", r.text("subject")},
            {"type", type},
            {"owner_id", r.reference("owner_id")},
            {"done", done(r)},
            {"deal_id", r.reference("opportunity_id")},
            {"lead_id", nullptr},
            {"person_id", r.reference("contact_id")},
            {"org_id", r.reference("account_id")},
            {"due_date", at.substr(0, 10)},
            {"due_time", r.source == Source::task ? Json() : Json(at.substr(11, 5))},
            {"duration", seconds ? Json(fmt::format("{:02}:{:02}", seconds / 3600, seconds / 60 % 60)) : Json()},
            {"participants", Json::array()},
            {"is_deleted", false},
            {"add_time", r.added()},
            {"update_time", r.changed()}};
}

Json note(const Reader &r) {
    return {{"id", PipedriveIds::note_base + r.row},
            {"content", r.text("subject")},
            {"deal_id", r.reference("opportunity_id")},
            {"person_id", r.reference("contact_id")},
            {"org_id", r.reference("account_id")},
            {"lead_id", nullptr},
            {"user_id", r.reference("owner_id")},
            {"active_flag", true},
            {"add_time", blank(r.added())},
            {"update_time", blank(r.changed())}};
}

}  // namespace

std::vector<Source> sources_of(List list) {
    using enum Source;
    static const std::vector<Source> all[] = {{user},    {account},     {contact},     {lead},        {lead},
                                              {product}, {opportunity}, {opportunity}, {task, event}, {task}};
    return all[static_cast<std::size_t>(list)];
}

bool belongs(List list, const Crm &crm, Source source, std::size_t row) {
    if (list == List::archived_deals || list == List::archived_leads) return archived(crm, source, row);
    if (list == List::deals || list == List::leads) return !archived(crm, source, row);
    return (list == List::notes) == PipedriveIds::is_note(source, row);
}

bool deleted_deal(List list, const Crm &crm, std::size_t row, Time now) {
    const Time deleted = crm.table(Source::opportunity).row(row).deleted;
    return list == List::deals && deleted != 0 && deleted > now - 30 * day;
}

// Lines are only added; their deals stay.
const std::vector<std::uint32_t> &lines_of(const Crm &crm, std::size_t deal) {
    static std::mutex mutex;
    static std::map<std::size_t, std::pair<std::size_t, std::map<std::size_t, std::vector<std::uint32_t>>>> known;  // by org
    const std::lock_guard lock(mutex);
    auto &[read, lines] = known[crm.org()];
    const Table &table = crm.table(Source::line);
    for (; read < table.size(); read++) {
        if (const auto parent = crm.table(Source::opportunity).find(table.value(read, "opportunity_id")))
            lines[*parent].push_back(static_cast<std::uint32_t>(read));
    }
    return lines[deal];
}

Time modified(const Crm &crm, Source source, std::size_t row) {
    Time latest = crm.table(source).row(row).modified;
    if (source != Source::opportunity) return latest;
    for (const std::uint32_t line : lines_of(crm, row)) latest = std::max(latest, crm.table(Source::line).row(line).modified);
    return latest;
}

Json record(List list, const Crm &crm, Source source, std::size_t row) {
    static constexpr Json (*make[])(const Reader &) = {user,    organization, person, lead,     lead,
                                                       product, deal,         deal,   activity, note};
    return make[static_cast<std::size_t>(list)]({crm, source, row});
}

Json deal_product(const Crm &crm, std::size_t row) {
    const Reader r{crm, Source::line, row};
    return {{"id", r.id()},
            {"deal_id", r.reference("opportunity_id")},
            {"product_id", r.reference("product_id")},
            {"product_variation_id", nullptr},
            {"name", r.text("name")},
            {"item_price", r.number("unit_price")},
            {"quantity", r.number("quantity")},
            {"sum", r.number("amount")},
            {"currency", currency},
            {"is_enabled", true},
            {"add_time", r.added()},
            {"update_time", r.changed()}};
}

std::optional<std::size_t> deal_row(std::string_view id) { return ids.row(Source::opportunity, id); }

Json pipelines() {
    return {{{"id", 1}, {"name", pipeline_name}, {"order_nr", 1}, {"is_deleted", false}, {"is_deal_probability_enabled", true}}};
}

Json stages() {
    Json all = Json::array();
    for (const StageInfo &stage : stage_list)
        all.push_back({{"id", stage.id},
                       {"name", stage.name},
                       {"pipeline_id", 1},
                       {"order_nr", stage.id},
                       {"deal_probability", 100},
                       {"is_deleted", false}});
    return all;
}

Json activity_types() {
    return {{{"id", 1}, {"key_string", "call"}, {"icon_key", "call"}, {"name", "Call"}},
            {{"id", 9}, {"key_string", "site_visit"}, {"icon_key", "meeting"}, {"name", "Site visit"}}};
}

Json fields(const std::string &kind) {
    Json all = {
        {{"field_code", "id"}, {"field_name", "ID"}, {"field_type", "int"}, {"options", nullptr}, {"is_custom_field", false}}};
    Json options = Json::array();
    if (kind == "organization") {
        for (std::size_t i = 0; i < industry_count; i++) options.push_back({{"id", 100 + i}, {"label", industry_name(i)}});
        all.push_back({{"field_code", "industry"},
                       {"field_name", "Industry"},
                       {"field_type", "enum"},
                       {"options", options},
                       {"is_custom_field", false}});
        all.push_back({{"field_code", segment},
                       {"field_name", "Segment"},
                       {"field_type", "enum"},
                       {"options", {{{"id", 31}, {"label", "Enterprise"}}}},
                       {"is_custom_field", true}});
    } else if (kind == "product") {
        for (const auto &name : families()) options.push_back({{"id", 50 + options.size()}, {"label", name}});
        all.push_back({{"field_code", "category"},
                       {"field_name", "Category"},
                       {"field_type", "enum"},
                       {"options", options},
                       {"is_custom_field", false}});
    }
    return all;
}

}  // namespace xsell::simulator::pipedrive
