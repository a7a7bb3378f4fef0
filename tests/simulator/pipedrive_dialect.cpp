// Pipedrive as a dialect: which org it shows, what the truth says of it, and how it refuses.
#include <fmt/format.h>

#include "pipedrive_rows.hpp"

namespace xsell::simulator::pipedrive {

const PipedriveIds ids;

bool archived(const Crm &crm, Source source, std::size_t row) {
    if (source == Source::opportunity) return crm.table(source).value(row, "is_closed") == "t" && row % 4 == 0;
    return source == Source::lead && !crm.table(source).value(row, "converted_at").empty();
}

bool done(const Reader &r) { return r.flag("is_closed"); }
std::string product_price(std::size_t row) { return plain(10 + 3.5 * static_cast<double>(row)); }

std::pair<std::string, std::string> street_of(const std::string &text) {
    const std::size_t space = text.find(' ');
    return {text.substr(0, space), space == std::string::npos ? "" : text.substr(space + 1)};
}

namespace {

constexpr std::size_t amer = 1;

// What the truth says of a column where it is not the row's own value.
std::optional<std::string> told(const Crm &crm, Source source, std::size_t row, std::string_view column) {
    struct Word {
        const char *column, *text;
        Source source;
    };
    using enum Source;
    static constexpr Word words[] = {{"team", "", user},
                                     {"manager", "", user},
                                     {"type", "", account},
                                     {"phone", "", account},
                                     {"description", "", account},
                                     {"do_not_contact", "", contact},
                                     {"company", "", lead},
                                     {"first_name", "", lead},
                                     {"title", "", lead},
                                     {"email", "", lead},
                                     {"phone", "", lead},
                                     {"website", "", lead},
                                     {"domain", "", lead},
                                     {"industry", "", lead},
                                     {"country", "", lead},
                                     {"employees", "", lead},
                                     {"converted_at", "", lead},
                                     {"converted_account_id", "", lead},
                                     {"pipeline", pipeline_name, opportunity},
                                     {"type", "", opportunity},
                                     {"currency", currency, opportunity},
                                     {"currency", currency, line},
                                     {"direction", "", task},
                                     {"direction", "", event}};
    if (column == "merged_into") return "";
    for (const Word &word : words) {
        if (word.source == source && column == word.column) return word.text;
    }
    const Reader r{crm, source, row};
    if (source == user && column == "username") return lower(r.text("email"));
    if (source == account && column == "street") {
        const auto [number, street] = street_of(r.text("street"));
        return street + " " + number;
    }
    if (source == lead && column == "last_name") return r.text("company") + " lead";
    if (source == lead && column == "status") return archived(crm, source, row) ? "archived" : "open";
    if (source == product && column == "price") return product_price(row);
    if (source == opportunity && column == "modified_at") return r.changed();
    if (source == opportunity && column == "stage" && r.flag("is_closed")) return r.flag("is_won") ? "Won" : "Lost";
    const bool is_note = PipedriveIds::is_note(source, row);
    if (is_note && column == "kind") return "note";
    if (is_note && column == "occurred_at") return r.added();
    if (is_note && (column == "duration" || column == "status" || column == "is_closed")) return "";
    if ((source == task || source == event) && column == "status") return done(r) ? "done" : "open";
    if ((source == task || source == event) && column == "is_closed") return done(r) ? "t" : "f";
    if (source == event && column == "occurred_at") return r.text("occurred_at").substr(0, 17) + "00Z";
    return std::nullopt;
}

bool shown(Source source) {
    using enum Source;
    return source != asset && source != call && source != email && source != meeting && source != note;
}

}  // namespace
}  // namespace xsell::simulator::pipedrive

namespace xsell::simulator {
namespace {

HttpError refusal(int status, const std::string &error, const std::string &info = "") {
    return {status, nlohmann::json{{"success", false},
                                   {"error", error},
                                   {"error_info", info},
                                   {"errorCode", status},
                                   {"data", nullptr},
                                   {"additional_data", nullptr}}
                        .dump()};
}

constexpr const char *support = "Please check developers.pipedrive.com for more information about Pipedrive API.";

HttpError unauthorized(bool) { return refusal(401, "unauthorized access", support); }
HttpError limited(const Fault &fault, httplib::Response &res) {
    res.set_header("x-ratelimit-remaining", "0");
    res.set_header("x-ratelimit-reset", std::to_string(fault.retry_after));
    return refusal(429, "request over limit", support);
}
HttpError quota(httplib::Response &res) {
    res.set_header("x-ratelimit-remaining", "79");
    return refusal(429, "request over limit", support);
}
HttpError invalid(const std::string &message) { return refusal(400, message); }
void finish(httplib::Response &res) {
    res.set_header("x-ratelimit-limit", "80");
    if (!res.has_header("x-ratelimit-remaining")) res.set_header("x-ratelimit-remaining", "79");
    if (!res.has_header("x-ratelimit-reset")) res.set_header("x-ratelimit-reset", "2");
    res.set_header("x-daily-ratelimit-token-limit", "150000");
    res.set_header("x-daily-ratelimit-token-remaining", "145543");
}

constexpr Vendor vendor = {"pipedrive", "x-api-token", "",    "pipedrive-simulator", "", unauthorized, limited,
                           quota,       invalid,       finish};

}  // namespace

const Dialect pipedrive_dialect = {&vendor, pipedrive::amer, &pipedrive::ids, pipedrive::shown, pipedrive::told};

}  // namespace xsell::simulator
