#include "attio_records.hpp"

#include <algorithm>

#include "attio.hpp"

namespace xsell::simulator::attio {
namespace {

using Json = nlohmann::json;

const UuidIds ids;
constexpr std::size_t apac = 2;
constexpr const char *workspace = "edbb5cd2-e046-4b4f-bd62-eeefa0a76787";

struct Stage {
    std::string_view id, title;
    bool closed, won;
};
constexpr Stage stages[] = {{"appointmentscheduled", "Lead", false, false},
                            {"qualifiedtobuy", "In Progress", false, false},
                            {"presentationscheduled", "Demo", false, false},
                            {"contractsent", "Contract", false, false},
                            {"closedwon", "Won 🎉", true, true},
                            {"closedlost", "Lost", true, false}};
const Stage &stage_of(const Crm &crm, std::size_t row) {
    const auto id = crm.table(Source::opportunity).value(row, "stage");
    return *std::find_if(std::begin(stages), std::end(stages) - 1, [&](const Stage &stage) { return stage.id == id; });
}

std::string stamp(Time time) { return replaced(iso(time), "Z", ".000000000Z"); }

// Values carry the time at which their transaction committed: what a sweep did not see is younger than it.
Time committed(const Crm &crm, Source source, std::size_t row) { return crm.table(source).row(row).modified + latest_commit; }

std::string text_of(const Crm &crm, Source source, std::size_t row, std::string_view column) {
    return std::string(crm.table(source).value(row, column));
}

std::string country_code(std::string_view name) {
    for (const Country &country : countries(apac)) {
        if (name != country.name) continue;
        const std::string code = upper(split(country.top_level, '.').back());
        return code == "COM" ? "US" : code == "UK" ? "GB" : code;
    }
    return "";
}

// One row while its attributes are written.
struct Writer {
    const Crm &crm;
    Source source;
    std::size_t row;
    Json values = Json::object();

    std::string text(std::string_view column) const { return text_of(crm, source, row, column); }

    Json value(const char *type, Json members, Time from) const {
        members.update({{"active_from", stamp(from)},
                        {"active_until", nullptr},
                        {"created_by_actor", {{"type", "system"}, {"id", nullptr}}},
                        {"attribute_type", type}});
        return members;
    }
    void set(const char *slug, const char *type, Json members) {
        values[slug] = Json::array({value(type, std::move(members), committed(crm, source, row))});
    }
    void none(const char *slug) { values[slug] = Json::array(); }
    void plain(const char *slug, std::string_view column) {
        text(column).empty() ? none(slug) : set(slug, "text", {{"value", text(column)}});
    }
    void number(const char *slug, std::string_view column) {
        text(column).empty() ? none(slug) : set(slug, "number", {{"value", Json::parse(text(column))}});
    }
    void money(const char *slug, std::string_view column, const std::string &currency) {
        if (text(column).empty()) return none(slug);
        set(slug, "currency", {{"currency_value", Json::parse(text(column))}, {"currency_code", currency}});
    }
    void reference(const char *slug, const char *object, std::string_view column) {
        const std::string id = translated(attio_dialect, crm, column, text(column));
        id.empty() ? none(slug) : set(slug, "record-reference", {{"target_object", object}, {"target_record_id", id}});
    }
    void owner() {
        const std::string id = translated(attio_dialect, crm, "owner_id", text("owner_id"));
        if (id.empty()) return none("owner");
        set("owner", "actor-reference", {{"referenced_actor_type", "workspace-member"}, {"referenced_actor_id", id}});
    }
};

void company(Writer &w) {
    w.plain("name", "name");
    w.plain("description", "description");
    if (const auto domain = w.text("domain"); !domain.empty())
        w.set("domains", "domain", {{"domain", domain}, {"root_domain", domain}});
    if (const auto industry = w.text("industry"); !industry.empty())
        w.set("categories", "select", {{"option", {{"title", industry}, {"is_archived", false}}}});
    w.set("primary_location", "location",
          {{"line_1", w.text("street")},
           {"locality", w.text("city")},
           {"postcode", w.text("postal_code")},
           {"country_code", country_code(w.text("country"))}});
    w.none("team");
    w.owner();
}

void person(Writer &w) {
    const std::string first = w.text("first_name"), last = w.text("last_name");
    w.set("name", "personal-name", {{"first_name", first}, {"last_name", last}, {"full_name", first + " " + last}});
    if (const auto mail = w.text("email"); !mail.empty())
        w.set("email_addresses", "email-address", {{"email_address", mail}, {"original_email_address", mail}});
    if (const auto phone = w.text("phone"); !phone.empty())
        w.set("phone_numbers", "phone-number", {{"phone_number", phone}, {"original_phone_number", phone}});
    w.plain("job_title", "title");
    w.reference("company", "companies", "account_id");
    w.owner();
}

void deal(Writer &w) {
    const Stage &stage = stage_of(w.crm, w.row);
    w.plain("name", "name");
    w.set("stage", "status", {{"status", {{"title", stage.title}, {"is_archived", false}}}});
    if (stage.closed) w.values["stage"][0]["active_from"] = stamp(parse_time(w.text("closed_at")));
    w.money("value", "amount", w.text("currency"));
    w.reference("associated_company", "companies", "account_id");
    w.none("associated_people");
    w.owner();
}

void product(Writer &w) {
    w.plain("name", "name");
    w.plain("code", "code");
    w.plain("family", "family");
    w.plain("description", "description");
    w.money("price", "price", "USD");
    w.set("is_active", "checkbox", {{"value", w.text("is_active") != "f"}});
}

void line(Writer &w) {
    w.plain("name", "name");
    w.reference("deal", "deals", "opportunity_id");
    w.reference("product", "products", "product_id");
    w.number("quantity", "quantity");
    w.money("unit_price", "unit_price", w.text("currency"));
    w.money("amount", "amount", w.text("currency"));
}

struct Kind {
    const char *slug;
    Source source;
    void (*write)(Writer &);
};
constexpr Kind kinds[] = {{"companies", Source::account, company},
                          {"people", Source::contact, person},
                          {"deals", Source::opportunity, deal},
                          {"products", Source::product, product},
                          {"deal_products", Source::line, line}};

// A note belongs to one record alone.
std::string_view parent_column(const Crm &crm, std::size_t row) {
    for (const char *column : {"opportunity_id", "contact_id"}) {
        if (!crm.table(Source::note).value(row, column).empty()) return column;
    }
    return "account_id";
}

const char *slug_of(std::string_view column) {
    return column == "account_id" ? "companies" : column == "contact_id" ? "people" : "deals";
}
const char *object_id(std::string_view slug) {
    for (const auto &object : object_ids) {
        if (slug == object[0]) return object[1];
    }
    return "";
}

Json linked(const Crm &crm, Source source, std::size_t row, std::initializer_list<const char *> columns) {
    Json list = Json::array();
    for (const char *column : columns) {
        const std::string id = translated(attio_dialect, crm, column, text_of(crm, source, row, column));
        if (id.empty()) continue;
        const char *slug = slug_of(column);
        if (source == Source::task)
            list.push_back({{"target_object_id", object_id(slug)}, {"target_record_id", id}});
        else
            list.push_back({{"object_slug", slug}, {"object_id", object_id(slug)}, {"record_id", id}});
    }
    return list;
}

bool is_done(const Crm &crm, std::size_t row) { return crm.table(Source::task).value(row, "is_closed") == "t"; }

// When a record changed, as far as the wire shows it.
Time shown_change(const Crm &crm, Source source, std::size_t row) {
    const Time made = created(crm, source, row);
    if (std::none_of(std::begin(kinds), std::end(kinds), [&](const Kind &kind) { return kind.source == source; })) return made;
    const bool closed = source == Source::opportunity && stage_of(crm, row).closed;
    return std::max({made, committed(crm, source, row), closed ? parse_time(text_of(crm, source, row, "closed_at")) : 0});
}

}  // namespace

std::optional<Source> source_of(std::string_view slug) {
    for (const Kind &kind : kinds) {
        if (slug == kind.slug) return kind.source;
    }
    return std::nullopt;
}

Time created(const Crm &crm, Source source, std::size_t row) { return parse_time(crm.table(source).value(row, "created_at")); }

Json record(const Crm &crm, Source source, std::size_t row, Time now) {
    const Kind &kind = *std::find_if(std::begin(kinds), std::end(kinds) - 1, [&](const Kind &k) { return k.source == source; });
    Writer writer{crm, source, row};
    kind.write(writer);
    const Time made = created(crm, source, row);
    writer.values["created_at"] = Json::array({writer.value("timestamp", {{"value", stamp(made)}}, made)});
    // Attio's own: it moves with every e-mail, and says nothing of the record.
    writer.values["last_interaction"] =
        Json::array({writer.value("interaction", {{"interaction_type", "email"}, {"interacted_at", stamp(now)}}, now)});
    const std::string id = ids.make(source, row);
    return {{"id", {{"workspace_id", workspace}, {"object_id", object_id(kind.slug)}, {"record_id", id}}},
            {"created_at", stamp(made)},
            {"web_url", std::string("https://app.attio.com/simulator/") + kind.slug + "/" + id},
            {"values", std::move(writer.values)}};
}

Json member(const Crm &crm, std::size_t row) {
    const std::string name = text_of(crm, Source::user, row, "name");
    const std::size_t blank = std::min(name.find(' '), name.size());
    return {{"id", {{"workspace_id", workspace}, {"workspace_member_id", ids.make(Source::user, row)}}},
            {"first_name", name.substr(0, blank)},
            {"last_name", name.substr(std::min(blank + 1, name.size()))},
            {"avatar_url", nullptr},
            {"email_address", text_of(crm, Source::user, row, "email")},
            {"access_level", text_of(crm, Source::user, row, "is_active") == "t" ? "member" : "suspended"},
            {"created_at", stamp(created(crm, Source::user, row))}};
}

Json activity(const Crm &crm, Source source, std::size_t row) {
    const auto text = [&](std::string_view column) { return text_of(crm, source, row, column); };
    const char *id = source == Source::note ? "note_id" : source == Source::task ? "task_id" : "meeting_id";
    const std::string owner = translated(attio_dialect, crm, "owner_id", text("owner_id"));
    const Json by = owner.empty() ? Json{{"type", "system"}, {"id", nullptr}} : Json{{"type", "workspace-member"}, {"id", owner}};
    Json item = {{"id", {{"workspace_id", workspace}, {id, ids.make(source, row)}}},
                 {"created_at", stamp(created(crm, source, row))},
                 {"created_by_actor", source == Source::task ? Json{{"type", "app"}, {"id", "0061e423"}} : by}};
    if (source == Source::note) {
        const auto column = parent_column(crm, row);
        item.update({{"title", text("subject")},
                     {"content_plaintext", text("subject")},
                     {"parent_object", slug_of(column)},
                     {"parent_record_id", translated(attio_dialect, crm, column, text(column))}});
    } else if (source == Source::task) {
        item.update({{"content_plaintext", text("subject")},
                     {"deadline_at", stamp(parse_time(text("occurred_at")))},
                     {"is_completed", is_done(crm, row)},
                     {"completed_at", is_done(crm, row) ? Json(stamp(crm.table(source).row(row).modified)) : Json()},
                     {"linked_records", linked(crm, source, row, {"account_id", "contact_id"})},
                     {"assignees", owner.empty() ? Json::array()
                                                 : Json::array({{{"referenced_actor_type", "workspace-member"},
                                                                 {"referenced_actor_id", owner}}})}});
    } else {
        const Time start = parse_time(text("occurred_at"));
        const auto seconds = text("duration").empty() ? 0 : static_cast<Time>(std::stoll(text("duration")));
        item.update({{"title", text("subject")},
                     {"description", ""},
                     {"is_all_day", false},
                     {"start", {{"datetime", stamp(start)}, {"timezone", "UTC"}}},
                     {"end", {{"datetime", stamp(start + seconds)}, {"timezone", "UTC"}}},
                     {"participants", Json::array()},
                     {"linked_records", linked(crm, source, row, {"account_id", "contact_id", "opportunity_id"})}});
    }
    return item;
}

namespace {

bool shown(Source source) {
    constexpr Source with[] = {Source::user, Source::account, Source::contact, Source::product, Source::opportunity,
                               Source::line, Source::task,    Source::meeting, Source::note};
    return std::find(std::begin(with), std::end(with), source) != std::end(with);
}

struct Absent {
    Source source;
    std::string_view column;
};
// What Attio's standard objects have no place for.
constexpr Absent absent[] = {{Source::user, "username"},
                             {Source::user, "team"},
                             {Source::user, "manager"},
                             {Source::user, "time_zone"},
                             {Source::account, "type"},
                             {Source::account, "phone"},
                             {Source::account, "employees"},
                             {Source::account, "annual_revenue"},
                             {Source::contact, "do_not_contact"},
                             {Source::opportunity, "type"},
                             {Source::opportunity, "probability"},
                             {Source::task, "opportunity_id"},
                             {Source::task, "duration"},
                             {Source::task, "direction"},
                             {Source::task, "status"},
                             {Source::note, "duration"},
                             {Source::note, "direction"},
                             {Source::note, "status"},
                             {Source::note, "is_closed"},
                             {Source::meeting, "direction"},
                             {Source::meeting, "status"},
                             {Source::meeting, "is_closed"}};

std::optional<std::string> deal_told(const Crm &crm, std::size_t row, std::string_view column) {
    const Stage &stage = stage_of(crm, row);
    if (column == "pipeline") return "";
    if (column == "stage") return std::string(stage.title);
    if (column == "is_closed") return stage.closed ? "t" : "";
    if (column == "is_won") return stage.closed ? boolean(stage.won) : "";
    if (column == "closed_at" && !stage.closed) return "";
    if (column == "currency" && text_of(crm, Source::opportunity, row, "amount").empty()) return "";
    return std::nullopt;
}

std::optional<std::string> told(const Crm &crm, Source source, std::size_t row, std::string_view column) {
    if (column == "merged_into") return "";
    if (column == "modified_at") return iso(shown_change(crm, source, row));
    for (const Absent &one : absent) {
        if (one.source == source && one.column == column) return "";
    }
    if (source == Source::opportunity) return deal_told(crm, row, column);
    if (source == Source::account && column == "website") return text_of(crm, source, row, "domain");
    if (source == Source::account && column == "country") return country_code(text_of(crm, source, row, "country"));
    if (source == Source::product && column == "is_active") return text_of(crm, source, row, column) == "f" ? "f" : "t";
    if (source != Source::note) return std::nullopt;
    if (column == "occurred_at") return iso(created(crm, source, row));
    const bool link = column == "account_id" || column == "contact_id" || column == "opportunity_id";
    return link && column != parent_column(crm, row) ? std::optional<std::string>("") : std::nullopt;
}

}  // namespace

extern const Vendor vendor;

}  // namespace xsell::simulator::attio

namespace xsell::simulator {

const Dialect attio_dialect = {&attio::vendor, attio::apac, &attio::ids, attio::shown, attio::told};

}  // namespace xsell::simulator
