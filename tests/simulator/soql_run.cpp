#include <algorithm>

#include "soql.hpp"

namespace xsell::simulator {
namespace {

struct Range {  // of SystemModstamp, in milliseconds, both ends included
    std::int64_t from = std::numeric_limits<std::int64_t>::min(), to = std::numeric_limits<std::int64_t>::max();
};

// What a condition says at least about SystemModstamp: enough to find the part of the index that must be looked at.
Range bounds(const Condition &c) {
    Range range;
    if (c.op == Condition::all) {
        for (const Condition &part : c.parts) {
            const Range inner = bounds(part);
            range = {std::max(range.from, inner.from), std::min(range.to, inner.to)};
        }
    } else if (c.op == Condition::any) {
        range = {range.to, range.from};
        for (const Condition &part : c.parts) {
            const Range inner = bounds(part);
            range = {std::min(range.from, inner.from), std::max(range.to, inner.to)};
        }
    } else if (c.field && c.field->special == Field::stamp) {
        const std::int64_t t = c.millis.at(0);
        if (c.op == Condition::equal) range = {t, t};
        if (c.op == Condition::greater || c.op == Condition::greater_equal) range.from = t;
        if (c.op == Condition::less || c.op == Condition::less_equal) range.to = t;
    }
    return range;
}

class Filter {
  public:
    Filter(const Crm &crm, const SObject &object, Time now)
        : crm_(crm), table_(crm.table(object.source)), object_(object), now_(now) {}

    bool matches(const Condition &c, std::uint32_t row) const {
        switch (c.op) {
            case Condition::all:
                return std::all_of(c.parts.begin(), c.parts.end(), [&](const Condition &part) { return matches(part, row); });
            case Condition::any:
                return std::any_of(c.parts.begin(), c.parts.end(), [&](const Condition &part) { return matches(part, row); });
            case Condition::negation: return !matches(c.parts[0], row);
            default: break;
        }
        if (c.field->special == Field::stamp) {
            const std::int64_t value = table_.row(row).modified * 1000;
            return accept(
                c, [&](std::size_t i) { return value < c.millis[i] ? -1 : value > c.millis[i]; }, false);
        }
        if (c.field->special == Field::deleted)
            return (table_.row(row).deleted != 0) == ((c.op == Condition::equal) == (c.texts[0] == "t"));
        return compare(c, field_text(crm_, object_, *c.field, row, now_));
    }

  private:
    template <class Compare>
    static bool accept(const Condition &c, Compare order, bool null) {
        const auto equals = [&](std::size_t i) { return c.texts[i].empty() ? null : !null && order(i) == 0; };
        const bool comparable = !null && !c.texts[0].empty();
        switch (c.op) {
            case Condition::equal: return equals(0);
            case Condition::unequal: return !equals(0);
            case Condition::less: return comparable && order(0) < 0;
            case Condition::less_equal: return comparable && order(0) <= 0;
            case Condition::greater: return comparable && order(0) > 0;
            case Condition::greater_equal: return comparable && order(0) >= 0;
            default: break;
        }
        bool found = false;
        for (std::size_t i = 0; i < c.texts.size(); i++) found |= equals(i);
        return found == (c.op == Condition::in);
    }

    static bool compare(const Condition &c, const std::string &value) {
        const bool null = value.empty();
        switch (c.field->type) {
            case FieldType::number:
            case FieldType::integer: {
                const double number = std::strtod(value.c_str(), nullptr);
                return accept(
                    c, [&](std::size_t i) { return number < c.numbers[i] ? -1 : number > c.numbers[i]; }, null);
            }
            case FieldType::datetime:
            case FieldType::date: {
                const std::int64_t millis = null ? 0 : parse_millis(value).value_or(0);
                return accept(
                    c, [&](std::size_t i) { return millis < c.millis[i] ? -1 : millis > c.millis[i]; }, null);
            }
            case FieldType::id:
            case FieldType::reference:  // 15 and 18 characters name the same record
                return accept(
                    c, [&](std::size_t i) { return value.compare(0, 15, c.texts[i], 0, 15); }, null);
            case FieldType::boolean:
                return accept(
                    c, [&](std::size_t i) { return value.compare(c.texts[i]); }, null);
            default:
                return accept(
                    c, [&](std::size_t i) { return lower(value).compare(lower(c.texts[i])); }, null);
        }
    }

    const Crm &crm_;
    const Table &table_;
    const SObject &object_;
    Time now_;
};

bool by_stamp(const Soql &q) {
    if (q.order.empty() || q.order[0].descending || q.order[0].field->special != Field::stamp) return false;
    return q.order.size() == 1 ||
           (q.order.size() == 2 && q.order[1].field->special == Field::record_id && !q.order[1].descending);
}

void sort_rows(const Soql &q, const Crm &crm, Time now, std::vector<std::uint32_t> &rows) {
    const Table &table = crm.table(q.object->source);
    if (q.order.empty() || (q.order[0].field->special == Field::record_id && !q.order[0].descending)) {
        std::sort(rows.begin(), rows.end());
        return;
    }
    std::stable_sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) {
        for (const Soql::Order &by : q.order) {
            int order = 0;
            if (by.field->special == Field::stamp)
                order = table.row(a).modified < table.row(b).modified ? -1 : table.row(a).modified > table.row(b).modified;
            else if (by.field->special == Field::record_id)
                order = a < b ? -1 : a > b;
            else
                order = field_text(crm, *q.object, *by.field, a, now).compare(field_text(crm, *q.object, *by.field, b, now));
            if (order != 0) return by.descending ? order > 0 : order < 0;
        }
        return false;
    });
}

}  // namespace

std::vector<std::uint32_t> run_soql(const Soql &q, const Crm &crm, Time now, bool all_rows) {
    const Table &table = crm.table(q.object->source);
    const Filter filter(crm, *q.object, now);
    const Field *archived = q.object->field("IsArchived");
    const Range range = q.where ? bounds(*q.where) : Range{};
    const auto &index = table.by_modified();
    const auto stamp = [&](std::uint32_t row) { return table.row(row).modified * 1000; };
    auto at = std::lower_bound(index.begin(), index.end(), range.from,
                               [&](std::uint32_t row, std::int64_t t) { return stamp(row) < t; });
    std::vector<std::uint32_t> rows;
    const bool sorted = by_stamp(q);
    for (; at != index.end() && stamp(*at) <= range.to; ++at) {
        if (!table.visible(*at, now)) continue;
        if (!all_rows && table.row(*at).deleted != 0) continue;
        if (!all_rows && archived && field_text(crm, *q.object, *archived, *at, now) == "t") continue;
        if (q.where && !filter.matches(*q.where, *at)) continue;
        rows.push_back(*at);
        if (sorted && !q.count && rows.size() >= q.limit) break;
    }
    if (!sorted && !q.count) sort_rows(q, crm, now, rows);
    if (!q.count && rows.size() > q.limit) rows.resize(q.limit);
    return rows;
}

}  // namespace xsell::simulator
