#include "axiscare_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace xsell::simulator::care {
namespace {

using Json = nlohmann::json;

constexpr std::size_t per_list = 60, administrators = 5, services = 6;
constexpr Time history = 180 * day, ahead = 14 * day, edits_every = 21 * day;
constexpr const char *first_names[] = {"John", "Alice", "Leslie", "Maria", "Ed", "Rosa", "Walter", "Ines"};
constexpr const char *last_names[] = {"Lakeman", "Tavner", "Claret", "Delgado", "Novak", "Okafor", "Whitfield", "Strand"};
constexpr const char *cities[] = {"Milwaukee", "Madison", "Racine", "Waukesha"};
constexpr const char *service_names[] = {"Homemaking", "Companionship",    "Transportation",
                                         "Overnight",  "Meal preparation", "Respite"};

std::uint64_t base_of(const std::string &list) { return list == "clients" ? 1000 : list == "leads" ? 5000 : 100; }
std::string flag(bool value) { return value ? "t" : "f"; }
std::string midnight_text(Time time) { return iso(midnight(time)); }

}  // namespace

struct Agency::Person {
    std::uint64_t id;
    std::string first, last, city, street, email, phone, mobile;
    bool active;
    Time created, gone;  // gone 0: still there
    std::uint64_t administrator, number;
};

std::uint64_t Agency::hash(std::uint64_t a, std::uint64_t b, std::uint64_t c) const {
    return Rng(seed_ * 1000003 + a * 8191 + b * 131 + c).next();
}

std::string Agency::mark(std::uint64_t kind, std::uint64_t number) const { return fmt::format("{}{}-{}", planted, kind, number); }

// Telephone and town change now and then.
Agency::Person Agency::person(const std::string &list, std::size_t number, Time now) const {
    const std::uint64_t base = base_of(list), kind = base;
    const auto pick = [&](const auto &pool, std::uint64_t salt) {
        return std::string(pool[hash(kind, number, salt) % std::size(pool)]);
    };
    Person p;
    p.number = number;
    p.id = base + 3 * number;
    p.first = pick(first_names, 1), p.last = pick(last_names, 2) + std::to_string(number % 7);
    p.created = midnight(opened_ - history + static_cast<Time>(hash(kind, number, 3) % 240) * day);
    const Time edits = std::max<Time>(0, now - p.created) / edits_every;
    p.city = std::string(cities[hash(kind, number, 10 + static_cast<std::uint64_t>(edits)) % std::size(cities)]);
    p.street = fmt::format("{} Main St", 1 + hash(kind, number, 4) % 900);
    p.email = number % 5 == 0 ? "" : lower(p.first) + "." + std::to_string(p.id) + "@example.com";
    p.phone = fmt::format("414-{:03}-{:04}", 220 + hash(kind, number, 5) % 700,
                          hash(kind, number, 20 + static_cast<std::uint64_t>(edits)) % 10000);
    p.mobile = number % 4 == 0
                   ? ""
                   : fmt::format("+1 414-{:03}-{:04}", 220 + hash(kind, number, 6) % 700, hash(kind, number, 7) % 10000);
    p.active = hash(kind, number, 40 + static_cast<std::uint64_t>(edits / 4)) % 5 != 0;
    p.gone = number % 13 == 5 ? opened_ + static_cast<Time>(1 + hash(kind, number, 8) % 60) * day : 0;
    p.administrator = 1 + hash(kind, number, 9) % administrators;
    return p;
}

std::vector<Agency::Person> Agency::everybody(const std::string &list, Time now) const {
    std::vector<Person> all;
    for (std::size_t number = 0; number < per_list; number++) {
        Person p = person(list, number, now);
        if (p.created <= now) all.push_back(std::move(p));
    }
    return all;
}

Json Agency::record(const std::string &list, const Person &p) const {
    const std::uint64_t kind = base_of(list);
    const auto health = [&](std::uint64_t what) { return mark(kind + what, p.number); };
    Json r = {{"id", p.id},
              {"firstName", p.first},
              {"lastName", p.last},
              {"goesBy", health(1)},
              {"gender", "F"},
              {"dateOfBirth", "1941-02-03"},
              {"status", {{"active", p.active}, {"label", health(2)}}},
              {"classes", {{{"code", "ALZ"}, {"name", health(3)}}}},
              {"region", {{"id", 1}, {"name", "Wisconsin"}}},
              {"personalEmail", p.email.empty() ? Json() : Json(p.email)},
              {"homePhone", p.phone},
              {"mobilePhone", p.mobile.empty() ? Json() : Json(p.mobile)},
              {"otherPhone", "call the daughter: " + health(4)},
              {"notes", health(5)},
              {"customFields", {{"condition", health(6)}, {"deep", {{"deeper", {health(7)}}}}}}};
    if (list == "caregivers") {
        r["hireDate"] = iso_day(p.created);
        r["medicalLeave"] = {{"reason", health(8)}};
        return r;
    }
    r["createdDate"] = iso_day(p.created);
    r["assessmentDate"] = iso_day(p.created + day);
    r["administrators"] = {{{"id", p.administrator},
                            {"name", "Admin " + std::to_string(p.administrator)},
                            {"username", "admin" + std::to_string(p.administrator)}}};
    r["residentialAddress"] = {{"name", health(9)}, {"streetAddress1", p.street}, {"streetAddress2", ""}, {"locality", p.city},
                               {"region", "WI"},    {"postalCode", "53201"}};
    r["priorityNote"] = health(10);
    r["medicaidNumber"] = health(11);
    r["diagnoses"] = {{{"code", "F03"}, {"text", health(12)}}, health(13)};
    r["medications"] = {health(14)};
    r["allergies"] = health(15);
    r["referredBy"] = {{"type", "contact"}, {"name", health(16)}};
    r["effectiveEndDate"] = health(17);  // somebody typed into the wrong field
    return r;
}

std::vector<Json> Agency::people(const std::string &list, Time now) const {
    std::vector<Json> all;
    for (const Person &p : everybody(list, now)) {
        if (p.gone == 0 || p.gone > now) all.push_back(record(list, p));
    }
    return all;
}

Visit Agency::visit(const Person &client, Time at, Time now) const {
    const std::uint64_t number = client.number, dice = hash(7, number, static_cast<std::uint64_t>(at / day));
    const std::uint64_t service = dice % services, caregiver = dice / 7 % per_list;
    const Time start = at + 15 * hour, end = start + 2 * hour, cancelled = at - 12 * hour, verified = end + 9 * hour;
    Visit visit;
    visit.day = iso_day(at), visit.updated = std::max(at - ahead, client.created);
    Json &r = visit.record;
    r = {
        {"id", fmt::format("s={}:d={}", number, visit.day)},
        {"client", {{"id", client.id}, {"firstName", client.first}, {"lastName", client.last}, {"externalId", mark(71, number)}}},
        {"caregiver", {{"id", base_of("caregivers") + 3 * caregiver}}},
        {"startDate", iso(start)},
        {"endDate", iso(end)},
        {"scheduledStartDate", iso(start)},
        {"scheduledEndDate", iso(end)},
        {"clockIn", nullptr},
        {"timezone", "US/Central"},
        {"service",
         {{"id", service + 1},
          {"code", "S" + std::to_string(service + 1)},
          {"description", service_names[service]},
          {"procedureCode", mark(72, number)}}},
        {"type", "Hourly"},
        {"verified", now >= verified},
        {"removed", dice % 23 == 0 && now >= cancelled},
        {"notes", mark(73, number)},
        {"adls", {{{"task", mark(74, number)}}}},
        {"modificationReason", mark(75, number)}};
    if (now >= start)  // clocked in late; nobody is told
        r["clockIn"] = {{"time", iso(start + 90)}, {"method", "Mobile"}, {"location", {{"note", mark(76, number)}}}};
    if (now >= start + 90) r["startDate"] = iso(start + 90);
    if (now >= verified) visit.updated = verified;
    if (r["removed"]) visit.updated = cancelled;
    return visit;
}

// Every client is visited each third day, two hours in the afternoon; plans reach two weeks ahead.
std::vector<Visit> Agency::visits(Time now) const {
    const auto clients = everybody("clients", now);
    std::vector<Visit> all;
    for (Time at = midnight(opened_ - history); at <= now + ahead; at += day) {
        for (const Person &client : clients) {
            const bool planned = (static_cast<std::uint64_t>(at / day) + client.number) % 3 == 0;
            if (planned && client.created <= at && (client.gone == 0 || client.gone > at)) all.push_back(visit(client, at, now));
        }
    }
    return all;
}

const std::vector<std::string> &Agency::truth_columns(const std::string &object) {
    static const std::map<std::string, std::vector<std::string>> columns = {
        {"crm_user", {"name", "email", "username", "is_active", "team", "created_at"}},
        {"account", {"name", "type", "phone", "street", "city", "state", "postal_code", "owner_id", "created_at"}},
        {"contact", {"account_id", "first_name", "last_name", "email", "phone", "mobile", "owner_id", "created_at"}},
        {"lead", {"first_name", "last_name", "email", "phone", "status", "owner_id", "created_at"}},
        {"product", {"name", "code"}},
        {"activity", {"kind", "account_id", "contact_id", "occurred_at", "duration", "is_closed", "owner_id"}}};
    return columns.at(object);
}

namespace {

std::string e164(const std::string &text) {
    std::string digits;
    for (const char c : text) {
        if (c >= '0' && c <= '9') digits += c;
    }
    return digits.empty() ? "" : digits.size() == 10 ? "+1" + digits : "+" + digits;
}

TruthRow service_row(std::size_t service) {
    return {std::to_string(service + 1), "f", "", service_names[service], "S" + std::to_string(service + 1)};
}

TruthRow visit_row(const Json &r) {
    const Time start = parse_time(r["startDate"].get<std::string>()), end = parse_time(r["endDate"].get<std::string>());
    return {r["id"],
            flag(r["removed"]),
            "",
            "visit",
            r["client"]["id"].dump(),
            r["client"]["id"].dump(),
            iso(start),
            std::to_string(end - start),
            flag(r["verified"]),
            r["caregiver"]["id"].dump()};
}

}  // namespace

std::vector<TruthRow> Agency::truth(const std::string &object, Time now) const {
    std::vector<TruthRow> rows;
    if (object == "activity") {
        for (const Visit &visit : visits(now)) rows.push_back(visit_row(visit.record));
        return rows;
    }
    if (object == "product") {
        for (std::size_t service = 0; service < services; service++) rows.push_back(service_row(service));
        return rows;
    }
    const std::string list = object == "crm_user" ? "caregivers" : object == "lead" ? "leads" : "clients";
    for (const Person &p : everybody(list, now)) {
        const std::string id = std::to_string(p.id), owner = "admin-" + std::to_string(p.administrator),
                          made = midnight_text(p.created);
        TruthRow row = {id, flag(p.gone != 0 && p.gone <= now), ""};
        TruthRow rest;
        if (object == "crm_user") rest = {p.first + " " + p.last, p.email, "", flag(p.active), "Wisconsin", made};
        if (object == "account")
            rest = {p.first + " " + p.last, "client", e164(p.phone), p.street, p.city, "WI", "53201", owner, made};
        if (object == "contact") rest = {id, p.first, p.last, p.email, e164(p.phone), e164(p.mobile), owner, made};
        if (object == "lead") rest = {p.first, p.last, p.email, e164(p.phone), p.active ? "Active" : "Inactive", owner, made};
        row.insert(row.end(), rest.begin(), rest.end());
        rows.push_back(std::move(row));
    }
    if (object != "crm_user") return rows;
    std::set<std::uint64_t> office;
    for (const Person &p : everybody("clients", now)) {
        if (p.gone == 0 || p.gone > now) office.insert(p.administrator);
    }
    for (const std::uint64_t one : office)
        rows.push_back({"admin-" + std::to_string(one), "f", "", "Admin " + std::to_string(one), "",
                        "admin" + std::to_string(one), "", "", ""});
    return rows;
}

}  // namespace xsell::simulator::care
