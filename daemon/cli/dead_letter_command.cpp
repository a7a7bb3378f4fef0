#include <algorithm>
#include <cstdio>
#include <map>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/table.hpp"
#include "store/object.hpp"
#include "store/replay.hpp"
#include "sync/text.hpp"

namespace xsell::cli {
namespace {

store::Value or_null(const std::vector<std::string> &items) {
    if (items.empty()) return std::nullopt;
    return store::array({items.begin(), items.end()});
}

store::Value or_null(const std::vector<std::int64_t> &ids) {
    if (ids.empty()) return std::nullopt;
    std::string list;
    for (const auto id : ids) list += (list.empty() ? "{" : ",") + std::to_string(id);
    return list + "}";
}

constexpr const char *chosen =
    " WHERE ($1::bigint[] IS NULL OR d.dead_letter_id = ANY ($1)) AND ($2::text[] IS NULL OR d.org_id = ANY ($2))"
    " AND ($3::text[] IS NULL OR d.object = ANY ($3))";

std::vector<store::Value> parameters(const DeadLetterArguments &a) {
    return {or_null(a.ids), or_null(a.orgs), or_null(a.objects)};
}

std::string shortened(const std::string &text, std::size_t most) {
    return text.size() <= most ? text : sync::cut(text, most) + "...";
}

struct Letters {
    std::vector<std::string> payloads;
    std::size_t cut = 0;  // too long to have been kept whole
};

}  // namespace

int dead_letter_list_command(const std::filesystem::path &file, const DeadLetterArguments &arguments) {
    const config::Config config = load_config(file, Needs::database);
    const auto database = connect(config, "xselld dead-letter");
    auto values = parameters(arguments);
    values.emplace_back(std::to_string(arguments.limit));
    const auto rows = database->query(
        "SELECT d.dead_letter_id, d.org_id, d.object, d.place, d.times, pg_catalog.to_char(d.last_seen "
        "AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), d.reason, pg_catalog.count(*) OVER ()"
        " FROM xsell.rejected_record d" +
            std::string(chosen) + " ORDER BY d.last_seen DESC, 1 LIMIT $4",
        values);
    if (rows.rows.empty()) {
        std::printf("No record was put aside.\n");
        return 0;
    }
    Table table({"id>", "org", "object", "place", "times>", "last seen (UTC)", "reason"});
    for (const auto &row : rows.rows) {
        std::vector<std::string> cells;
        for (std::size_t c = 0; c < 7; ++c) cells.push_back(shortened(row.at(c).value_or(""), 100));
        table.add(cells);
    }
    std::printf("%s", hidden(table.text()).c_str());
    if (rows.number(0, 7) > static_cast<std::int64_t>(rows.rows.size()))
        std::printf("... and %lld more: --limit shows them\n",
                    static_cast<long long>(rows.number(0, 7) - static_cast<std::int64_t>(rows.rows.size())));
    return 0;
}

int dead_letter_show_command(const std::filesystem::path &file, std::int64_t id) {
    const config::Config config = load_config(file, Needs::database);
    const auto database = connect(config, "xselld dead-letter");
    const auto found = database->query(
        "SELECT org_id, object, crm_id, place, reason, times, first_seen, last_seen, payload FROM xsell.rejected_record WHERE "
        "dead_letter_id = $1",
        {std::to_string(id)});
    if (found.rows.empty())
        throw Refused("there is no dead letter " + std::to_string(id) + "; xselld dead-letter list shows them");
    constexpr const char *titles[] = {"org", "object", "id", "place", "reason", "times", "first seen", "last seen"};
    for (std::size_t c = 0; c < std::size(titles); ++c)
        std::printf("%-11s%s\n", titles[c], hidden(found.rows[0].at(c).value_or("")).c_str());
    std::printf("\n%s\n", hidden(found.rows[0].at(8).value_or("")).c_str());
    return 0;
}

int dead_letter_discard_command(const std::filesystem::path &file, const DeadLetterArguments &arguments) {
    if (arguments.ids.empty() && arguments.orgs.empty() && arguments.objects.empty() && !arguments.all)
        throw Refused("which ones? Name their ids, --org, --object, or --all");
    const config::Config config = load_config(file, Needs::database);
    const auto database = connect(config, "xselld dead-letter");
    const auto gone = database->query("WITH gone AS (DELETE FROM xsell_internal.dead_letter d" + std::string(chosen) +
                                          " RETURNING 1) SELECT pg_catalog.count(*) FROM gone",
                                      parameters(arguments));
    std::printf("%lld discarded. A record that still does not fit comes back when its source is read again.\n",
                static_cast<long long>(gone.number(0, 0)));
    return 0;
}

int dead_letter_retry_command(const std::filesystem::path &file, const DeadLetterArguments &arguments) {
    const config::Config config = load_config(file, Needs::orgs);
    const auto database = connect(config, "xselld dead-letter");
    std::map<std::pair<std::string, std::string>, Letters> by_object;
    const auto rows =
        database->query("SELECT d.org_id, d.object, d.payload, pg_catalog.octet_length(d.payload) FROM xsell.rejected_record d" +
                            std::string(chosen) + " ORDER BY 1, 2, d.dead_letter_id",
                        parameters(arguments));
    for (std::size_t i = 0; i < rows.rows.size(); ++i) {
        auto &letters = by_object[{rows.rows[i].at(0).value_or(""), rows.rows[i].at(1).value_or("")}];
        const bool whole = rows.rows[i].at(2) && rows.number(i, 3) < static_cast<std::int64_t>(sync::payload_limit) - 4;
        if (whole)
            letters.payloads.push_back(*rows.rows[i].at(2));
        else
            ++letters.cut;
    }
    Table table({"org", "object", "tried>", "stored>", "still rejected>", "note"});
    bool wrong = false;
    for (const auto &[key, letters] : by_object) {
        const auto &[org, name] = key;
        std::string note = letters.cut == 0 ? "" : std::to_string(letters.cut) + " were not kept whole: xselld sync --full";
        sync::MergeCounts counts;
        try {
            const auto connector = make_connector(config, *chosen_orgs(config, {org}).front());
            const sync::Object object = store::object_columns(*database, name);
            const sync::Page page = connector->replay(object, letters.payloads);
            counts = store::replay(*database, org, object, connector->map_hash(object), page);
        } catch (const std::exception &error) {
            note = error.what();
            wrong = true;
        }
        table.add({org, name, std::to_string(letters.payloads.size()), std::to_string(counts.changed),
                   std::to_string(counts.rejected), note});
    }
    std::printf("%s", table.empty() ? "No record was put aside.\n" : hidden(table.text()).c_str());
    return wrong ? 1 : 0;
}

}  // namespace xsell::cli
