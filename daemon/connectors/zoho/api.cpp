#include "connectors/zoho/api.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include <spdlog/spdlog.h>

#include "connectors/zoho/field_map.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::zoho {
namespace {

using nlohmann::json;
using sync::Fault;
using sync::SyncError;

constexpr std::size_t most_fields = 50, most_ids = 100;

std::string joined(const std::vector<std::string> &list, std::size_t from, std::size_t to) {
    std::string text;
    for (std::size_t i = from; i < to; ++i) text += (i == from ? "" : ",") + list[i];
    return text;
}

std::string lower(const std::string &text) { return sync::lower_ascii(text); }

}  // namespace

Api::Api(const Login &login, std::string root, std::shared_ptr<sync::Host> host)
    : session_(login.trust(), login, std::move(host), {"Authorization", "Zoho-oauthtoken "}), root_(std::move(root)) {
    // A missing scope comes as 401 too; a new token would not help, and Zoho gives out ten in ten minutes.
    session_.watch([this](const http::Response &response) {
        if (response.status == 401 && error_code(response) == "OAUTH_SCOPE_MISMATCH") require_good(response, subject_);
    });
}

http::Response Api::get(const std::string &path, const Subject &subject, std::optional<std::int64_t> since) {
    subject_ = subject;
    Call call;
    if (since) call.headers.push_back({"If-Modified-Since", header_time(*since)});
    auto response = session_.get(root_ + path, call);
    require_good(response, subject);
    return response;
}

List Api::list(const std::string &path, const char *key, const Subject &subject, std::optional<std::int64_t> since) {
    auto response = get(path, subject, since);
    List list;
    if (response.status != 200) return list;
    list.listing = read_listing(std::move(response.body), key);
    const auto info = list.listing.rest.find("info");
    const auto more = info == list.listing.rest.end() || !info->is_object() ? json() : info->value("more_records", json());
    if (!more.is_boolean() || !list.listing.found)
        throw SyncError(Fault::transient, subject.name + ": the page does not say whether it is the last");
    list.more = more.get<bool>();
    if (const auto page = info->value("page", json()); page.is_number_integer()) list.page = page.get<std::int64_t>();
    list.token = member(*info, "next_page_token");
    return list;
}

json Api::object(const std::string &path, const Subject &subject) {
    const auto response = get(path, subject);
    if (response.status != 200) return json::object();
    auto body = json_body(response);
    if (!body.is_object()) throw SyncError(Fault::transient, subject.name + ": the response is no complete JSON");
    return body;
}

std::string header_time(std::int64_t micros) {
    using namespace std::chrono;
    const sys_seconds time = floor<seconds>(sys_time<microseconds>(microseconds(micros)));
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    char out[64];
    std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d+00:00", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    return out;
}

Subject module_subject(const std::string &module) {
    if (module == "users") return {"users", "ZohoCRM.users.READ"};
    return {module, "ZohoCRM.modules." + lower(module) + ".READ (or ZohoCRM.modules.READ)"};
}

Subject settings_subject(const std::string &name, const std::string &scope) {
    return {name, "ZohoCRM.settings." + scope + ".READ (or ZohoCRM.settings.READ)"};
}

std::optional<std::set<std::string>> known_fields(Api &api, const std::string &module) {
    try {
        const auto body = api.object("/settings/fields?module=" + module, settings_subject("fields of " + module, "fields"));
        std::set<std::string> known;
        for (const auto &field : body.value("fields", json::array())) known.insert(member(field, "api_name"));
        if (!known.empty()) return known;
    } catch (const json::exception &) {
        throw SyncError(Fault::transient, "fields of " + module + ": the response has an unknown form");
    } catch (const SyncError &error) {
        if (error.fault != Fault::object) throw;
        spdlog::info("zoho: {}; every field of the map is asked for", error.what());
    }
    return std::nullopt;
}

std::vector<std::string> field_lists(const std::vector<std::string> &fields) {
    std::vector<std::string> all = {"Modified_Time"}, lists;
    for (const auto &field : fields) {
        const std::string name = field.substr(0, field.find('.'));
        const bool asked = name != "id" && !name.starts_with('$');  // these come by themselves
        if (asked && std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
    }
    for (std::size_t from = 0; from < all.size(); from += most_fields)
        lists.push_back(joined(all, from, std::min(from + most_fields, all.size())));
    return lists;
}

std::vector<std::string> completed(Api &api, const std::string &module, const std::string &extra,
                                   const std::vector<std::string_view> &rows, const std::vector<std::string> &lists) {
    std::vector<std::string> texts(rows.begin(), rows.end()), ids;
    if (lists.size() < 2) return texts;
    std::multimap<std::string, std::size_t> places;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::string id = text_at(rows[i], "id").value_or("");
        if (!is_id(id)) continue;
        places.emplace(id, i);
        ids.push_back(id);
    }
    for (std::size_t list = 1; list < lists.size(); ++list) {
        for (std::size_t from = 0; from < ids.size(); from += most_ids) {
            const auto found = api.list("/" + module + "?ids=" + joined(ids, from, std::min(from + most_ids, ids.size())) +
                                            "&fields=" + lists[list] + "&per_page=200" + extra,
                                        "data", module_subject(module));
            for (const auto raw : found.listing.records) {
                const auto row = parse_json(raw);
                if (!row.is_object()) continue;
                std::string members;
                for (std::size_t at = 0; at < lists[list].size();) {
                    const std::size_t end = std::min(lists[list].find(',', at), lists[list].size());
                    const std::string name = lists[list].substr(at, end - at);
                    if (row.contains(name)) members += ",\"" + name + "\":" + row[name].dump();
                    at = end + 1;
                }
                const auto [first, last] = places.equal_range(member(row, "id"));
                for (auto place = first; place != last; ++place) {
                    std::string &text = texts[place->second];
                    text.insert(text.rfind('}'), members);
                }
            }
        }
    }
    return texts;
}

}  // namespace xsell::connectors::zoho
