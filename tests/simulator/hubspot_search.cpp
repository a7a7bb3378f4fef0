#include <fmt/format.h>

#include <algorithm>

#include "hubspot.hpp"

namespace xsell::simulator {
namespace {

using Json = nlohmann::json;

enum class Op { eq, neq, lt, lte, gt, gte, between, in, has, has_not };
constexpr std::pair<std::string_view, Op> operators[] = {
    {"EQ", Op::eq},   {"NEQ", Op::neq},         {"LT", Op::lt}, {"LTE", Op::lte},          {"GT", Op::gt},
    {"GTE", Op::gte}, {"BETWEEN", Op::between}, {"IN", Op::in}, {"HAS_PROPERTY", Op::has}, {"NOT_HAS_PROPERTY", Op::has_not}};

struct Test {
    const Property *property;
    Op op;
    std::vector<std::string> values;
    std::vector<double> numbers;
};

[[noreturn]] void refuse(const std::string &message) { throw hubspot_error(400, "VALIDATION_ERROR", message); }

double number_of(const Property &property, const std::string &text) {
    if (property.type == Property::datetime) {
        // Epoch milliseconds as text, or ISO.
        if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos) return std::stod(text);
        const auto millis = parse_millis(text);
        if (!millis) refuse(fmt::format("{} is not a valid datetime", text));
        return static_cast<double>(*millis);
    }
    return std::strtod(text.c_str(), nullptr);
}

Test parse_filter(const Json &filter, const HubType &type) {
    const std::string name = filter.at("operator").get<std::string>();
    const auto op =
        std::find_if(std::begin(operators), std::end(operators), [&](const auto &known) { return known.first == name; });
    if (op == std::end(operators)) refuse("unknown operator " + name);
    Test test{type.property(filter.at("propertyName").get<std::string>()), op->second, {}, {}};
    const auto take = [&](const Json &value) {
        test.values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    };
    if (filter.contains("value")) take(filter["value"]);
    if (filter.contains("highValue")) take(filter["highValue"]);
    if (filter.contains("values")) {
        for (const Json &value : filter["values"]) take(value);
    }
    const std::size_t needed = test.op == Op::has || test.op == Op::has_not ? 0 : test.op == Op::between ? 2 : 1;
    if (test.values.size() < needed) refuse("a filter needs a value");
    if (test.property) {
        for (const std::string &value : test.values) test.numbers.push_back(number_of(*test.property, value));
    }
    return test;
}

template <class Order>
bool accepted(const Test &test, Order order) {
    switch (test.op) {
        case Op::eq: return order(0) == 0;
        case Op::neq: return order(0) != 0;
        case Op::lt: return order(0) < 0;
        case Op::lte: return order(0) <= 0;
        case Op::gt: return order(0) > 0;
        case Op::gte: return order(0) >= 0;
        case Op::between: return order(0) >= 0 && order(1) <= 0;
        case Op::has: return true;
        case Op::has_not: return false;
        case Op::in: break;
    }
    for (std::size_t i = 0; i < test.values.size(); i++) {
        if (order(i) == 0) return true;
    }
    return false;
}

// A property that the type does not have is empty in every record: a filter on it finds nothing and says nothing.
bool passes(const Test &test, const Crm &crm, const HubType &type, std::uint32_t row) {
    const bool empty_passes = test.op == Op::has_not || test.op == Op::neq;
    if (!test.property) return empty_passes;
    const Property &p = *test.property;
    const auto numeric = [&](double value) {
        return accepted(test, [&](std::size_t i) { return value < test.numbers[i] ? -1 : value > test.numbers[i] ? 1 : 0; });
    };
    if (p.special == Property::modified) return numeric(static_cast<double>(crm.table(*type.source).row(row).modified) * 1000);
    if (p.special == Property::object_id) return numeric(static_cast<double>(crm.table(*type.source).number(row)));
    std::string text = property_text(crm, type, p, row);
    if (text.empty()) return empty_passes;
    if (p.type == Property::number || p.type == Property::datetime) return numeric(number_of(p, text));
    if (p.type == Property::boolean) text = text == "t" ? "true" : "false";
    return accepted(test, [&](std::size_t i) { return lower(text).compare(lower(test.values[i])); });
}

// Where a search by keyset can begin: rows stand in the order of their ids.
std::uint32_t first_row(const std::vector<std::vector<Test>> &groups, const Crm &crm, const HubType &type) {
    if (groups.size() != 1 || !type.source) return 0;
    std::uint32_t first = 0;
    for (const Test &test : groups[0]) {
        if (!test.property || test.property->special != Property::object_id || (test.op != Op::gt && test.op != Op::gte))
            continue;
        const double steps = (test.numbers[0] - static_cast<double>(crm.table(*type.source).number(0))) / number_step;
        if (steps > 0) first = std::max(first, static_cast<std::uint32_t>(std::min(steps, 4e9)));
    }
    return first;
}

std::vector<std::vector<Test>> parse_groups(const Json &request, const HubType &type) {
    std::vector<std::vector<Test>> groups;
    std::size_t total = 0;
    for (const Json &group : request.value("filterGroups", Json::array())) {
        auto &tests = groups.emplace_back();
        for (const Json &filter : group.at("filters")) tests.push_back(parse_filter(filter, type));
        if (tests.size() > 6) refuse("a filterGroup may have at most 6 filters");
        total += tests.size();
    }
    if (groups.size() > 5) refuse("at most 5 filterGroups are allowed");
    if (total > 18) refuse("at most 18 filters are allowed");
    return groups;
}

void sort_rows(const Json &request, const Crm &crm, const HubType &type, std::vector<std::uint32_t> &rows) {
    const Json sorts = request.value("sorts", Json::array());
    if (sorts.size() > 1) refuse("only one sort is allowed");
    if (sorts.empty()) return;
    std::string name = sorts[0].is_string() ? sorts[0].get<std::string>() : sorts[0].at("propertyName").get<std::string>();
    bool descending = sorts[0].is_object() && sorts[0].value("direction", "ASCENDING") == "DESCENDING";
    if (name.starts_with('-')) descending = true, name.erase(0, 1);
    const Property *property = type.property(name);
    if (!property) return;
    if (property->special == Property::object_id) {
        if (descending) std::reverse(rows.begin(), rows.end());
        return;
    }
    std::vector<std::pair<std::string, std::uint32_t>> keyed;
    for (const std::uint32_t row : rows) {
        std::string key = property_text(crm, type, *property, row);
        if (property->type == Property::number && !key.empty()) key = fmt::format("{:030.4f}", std::stod(key));
        keyed.emplace_back(std::move(key), row);
    }
    std::stable_sort(keyed.begin(), keyed.end(),
                     [&](const auto &a, const auto &b) { return descending ? a.first > b.first : a.first < b.first; });
    std::transform(keyed.begin(), keyed.end(), rows.begin(), [](const auto &pair) { return pair.second; });
}

std::string association_types(const HubType &from, const HubType &to, bool primary) {
    struct Type {
        std::string_view from, to;
        int plain, primary;
    };
    static constexpr Type types[] = {{"contact", "company", 279, 1}, {"deal", "company", 341, 5},  {"company", "contact", 280, 0},
                                     {"company", "deal", 342, 0},    {"deal", "contact", 3, 0},    {"contact", "deal", 4, 0},
                                     {"deal", "line_item", 19, 0},   {"line_item", "deal", 20, 0}, {"call", "company", 182, 0},
                                     {"call", "contact", 194, 0},    {"call", "deal", 206, 0},     {"email", "company", 186, 0},
                                     {"email", "contact", 198, 0},   {"email", "deal", 210, 0},    {"meeting", "company", 188, 0},
                                     {"meeting", "contact", 200, 0}, {"meeting", "deal", 212, 0},  {"note", "company", 190, 0},
                                     {"note", "contact", 202, 0},    {"note", "deal", 214, 0},     {"task", "company", 192, 0},
                                     {"task", "contact", 204, 0},    {"task", "deal", 216, 0}};
    const auto type = std::find_if(std::begin(types), std::end(types),
                                   [&](const Type &t) { return t.from == from.singular && t.to == to.singular; });
    const int plain = type == std::end(types) ? 999 : type->plain;
    std::string list = fmt::format(R"({{"category":"HUBSPOT_DEFINED","typeId":{},"label":null}})", plain);
    if (primary && plain != 999 && type->primary != 0)
        list += fmt::format(R"(,{{"category":"HUBSPOT_DEFINED","typeId":{},"label":"Primary"}})", type->primary);
    return list;
}

std::size_t count_of(const Json &request, const char *name, std::size_t usual) {
    if (!request.contains(name) || request[name].is_null()) return usual;
    const Json &value = request[name];
    return value.is_string() ? std::stoul("0" + value.get<std::string>()) : value.get<std::size_t>();
}

}  // namespace

std::string hubspot_search(const Json &request, const Crm &crm, const HubType &type, Time now) {
    const std::size_t limit = count_of(request, "limit", 10), after = count_of(request, "after", 0);
    if (limit > 200 || limit == 0) refuse("limit must be between 1 and 200");
    if (after + limit > 10000) refuse("The maximum number of results that can be paged through is 10000");
    const auto groups = parse_groups(request, type);
    std::vector<std::uint32_t> rows;
    const std::size_t size = type.source ? crm.table(*type.source).size() : 0;
    for (std::uint32_t row = first_row(groups, crm, type); row < size; row++) {
        const Table &table = crm.table(*type.source);
        if (!table.live(row, now) || table.row(row).modified > now) continue;
        const bool found =
            groups.empty() || std::any_of(groups.begin(), groups.end(), [&](const std::vector<Test> &tests) {
                return std::all_of(tests.begin(), tests.end(), [&](const Test &test) { return passes(test, crm, type, row); });
            });
        if (found) rows.push_back(row);
    }
    sort_rows(request, crm, type, rows);
    const auto properties = request.value("properties", std::vector<std::string>{});
    std::string body = fmt::format(R"({{"total":{},"results":[)", rows.size());
    const std::size_t end = std::min(rows.size(), after + limit);
    for (std::size_t i = after; i < end; i++) {
        if (i != after) body += ',';
        append_hub_record(body, crm, type, properties, rows[i], "");
    }
    body += ']';
    if (end < rows.size()) body += fmt::format(R"(,"paging":{{"next":{{"after":"{}"}}}})", end);
    return body + "}";
}

std::pair<int, std::string> hubspot_associations(const Json &request, const Crm &crm, const HubType &from, const HubType &to,
                                                 Time now, HubRelations &relations) {
    constexpr std::size_t page = 500;
    const Json &inputs = request.at("inputs");
    if (inputs.size() > 1000) refuse("at most 1000 inputs are allowed");
    const Table *table = from.source ? &crm.table(*from.source) : nullptr;
    std::string results, errors;
    std::size_t missing = 0;
    for (const Json &input : inputs) {
        const std::string id = input.at("id").get<std::string>();
        const auto row = table ? table->find(id) : std::nullopt;
        const auto related = row && table->live(*row, now) ? relations.of(crm, from, to, *row, now) : std::vector<Relation>{};
        if (related.empty()) {
            missing++;
            errors += fmt::format(
                R"({}{{"status":"error","category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.NO_ASSOCIATIONS_FOUND",)"
                R"("message":"No {} is associated with {} {}.","context":{{"fromObjectId":["{}"]}}}})",
                errors.empty() ? "" : ",", to.singular, from.singular, id, id);
            continue;
        }
        const std::size_t after = count_of(input, "after", 0), end = std::min(related.size(), after + page);
        results += fmt::format(R"({}{{"from":{{"id":"{}"}},"to":[)", results.empty() ? "" : ",", id);
        for (std::size_t i = after; i < end; i++) {
            results += fmt::format(R"({}{{"toObjectId":{},"associationTypes":[{}]}})", i == after ? "" : ",",
                                   crm.table(*to.source).id(related[i].row), association_types(from, to, related[i].primary));
        }
        results += end < related.size() ? fmt::format(R"(],"paging":{{"next":{{"after":"{}"}}}}}})", end) : "]}";
    }
    std::string body = fmt::format(R"({{"status":"COMPLETE","results":[{}])", results);
    if (missing > 0) body += fmt::format(R"(,"numErrors":{},"errors":[{}])", missing, errors);
    return {missing > 0 ? 207 : 200, body + fmt::format(R"(,"startedAt":"{0}","completedAt":"{0}"}})", iso(now))};
}

}  // namespace xsell::simulator
