#include "connectors/pipedrive/api.hpp"

#include <algorithm>
#include <utility>

#include "connectors/pipedrive/faults.hpp"

namespace xsell::connectors::pipedrive {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;
using sync::Fault;
using sync::SyncError;

constexpr double window = 2;          // seconds
constexpr int most_short_pages = 50;  // of a list of fields, stages, ...

// Tokens that may be used in two seconds.
struct Plan {
    const char *name;
    double token, oauth;
};
constexpr Plan plans[] = {{"lite", 20, 80}, {"growth", 40, 160}, {"premium", 100, 400}, {"ultimate", 120, 480}};

double burst_of(const Settings &settings, bool oauth) {
    std::vector<std::string> names;
    for (const auto &plan : plans) names.emplace_back(plan.name);
    const std::string name = settings.choice("plan", names);
    const auto plan = std::find_if(std::begin(plans), std::end(plans), [&](const Plan &p) { return name == p.name; });
    const double usual = oauth ? plan->oauth : plan->token;
    return static_cast<double>(settings.integer("burst", static_cast<std::int64_t>(usual), 1, 100'000));
}

const json &child(const json &value, const char *name) {
    static const json nothing;
    if (!value.is_object()) return nothing;
    const auto found = value.find(name);
    return found == value.end() ? nothing : *found;
}

std::optional<std::int64_t> whole(const json &value) {
    return value.is_number_integer() ? std::optional(value.get<std::int64_t>()) : std::nullopt;
}

}  // namespace

Api::Api(const Settings &settings)
    : login_(settings),
      quota_percent_(static_cast<double>(settings.integer("quota_percent", 80, 1, 100))),
      burst_(burst_of(settings, login_.oauth())) {}

void Api::open(std::shared_ptr<sync::Host> host) {
    host_ = host;
    session_.emplace(login_.trust(), login_, std::move(host), login_.scheme());
    session_->budget({"tokens", burst_ / window, burst_});
    session_->watch([this](const http::Response &response) { watch(response); });
}

// The generic host knows some lists of v1 only without /api in front of it; companies' hosts know them with it.
std::string Api::root(Version version) {
    if (version == Version::v2) return "/api/v2";
    if (v1_root_.empty()) v1_root_ = http::parse_address(session_->base_url()).host == "api.pipedrive.com" ? "/v1" : "/api/v1";
    return v1_root_;
}

void Api::watch(const http::Response &response) {
    const auto limit = number_header(response, "x-daily-ratelimit-token-limit"),
               left = number_header(response, "x-daily-ratelimit-token-remaining");
    if (!limit || !left || *limit <= 0) return;
    const double used = std::max(0.0, *limit - *left);
    if (host_) host_->used("API tokens of the day", used, *limit);
    quota_reached_ = 100 * used >= quota_percent_ * *limit;
}

http::Response Api::get(const Endpoint &endpoint, const std::string &query) {
    // Said once: the next sync asks anew, for the day may be over.
    if (std::exchange(quota_reached_, false))
        throw SyncError(Fault::quota, "the share of the day's API tokens that quota_percent allows is used up");
    if (blocked_until_ && steady_clock::now() < *blocked_until_) {
        const std::chrono::duration<double> left = *blocked_until_ - steady_clock::now();
        throw SyncError(Fault::transient, "Pipedrive's Cloudflare blocked this address; waiting until it lets us in again",
                        left.count());
    }
    const Call call{{}, endpoint.cost};
    auto response = session_->get(root(endpoint.version) + endpoint.path + query, call);
    if (response.status == 404 && endpoint.version == Version::v1 && v1_root_ == "/api/v1") {
        auto other = session_->get(std::string("/v1") + endpoint.path + query, call);
        if (other.status == 200) v1_root_ = "/v1";
        if (other.status != 404) response = std::move(other);
    }
    blocked_until_.reset();
    if (is_blocked(response))
        blocked_until_ = steady_clock::now() + std::chrono::seconds(static_cast<std::int64_t>(blocked_wait));
    return response;
}

Listing Api::page(http::Response response, const std::string &what) {
    require_good(response, what);
    auto listing = read_listing(std::move(response.body), "data");
    require_success(listing.rest, what);
    const auto data = listing.rest.find("data");
    const bool empty = data != listing.rest.end() && data->is_null();
    if (!listing.found && !empty) throw SyncError(Fault::transient, what + ": the answer is no list");
    return listing;
}

// The end of a list is where the answer no longer says that it goes on, never a short page.
Next Api::next(const Listing &listing, Version version, std::int64_t asked) {
    Next next;
    const json &additional = child(listing.rest, "additional_data");
    if (version == Version::v2) {
        next.cursor = member(additional, "next_cursor");
        return next;
    }
    const json &pagination = child(additional, "pagination").is_object() ? child(additional, "pagination") : additional;
    const json &more = child(pagination, "more_items_in_collection");
    if (!more.is_boolean() || !more.get<bool>()) return next;
    const auto records = static_cast<std::int64_t>(listing.records.size());
    // Servers lower the limit that they were asked for: theirs counts.
    const std::int64_t step = whole(child(pagination, "limit")).value_or(records);
    next.position = whole(child(pagination, "next_start")).value_or(whole(child(pagination, "start")).value_or(asked) + step);
    return next;
}

std::vector<json> Api::all(const Endpoint &endpoint) {
    std::vector<json> records;
    std::string cursor;
    for (int pages = 0;; ++pages) {
        const std::string query =
            endpoint.version == Version::v1 ? "" : "?limit=500" + (cursor.empty() ? "" : "&cursor=" + http::encode(cursor));
        const auto listing = page(get(endpoint, query), endpoint.path + 1);
        for (const auto raw : listing.records) {
            auto record = parse_json(raw);
            if (record.is_object()) records.push_back(std::move(record));
        }
        const Next next = Api::next(listing, endpoint.version, 0);
        if (endpoint.version == Version::v1 || next.cursor.empty()) return records;
        if (next.cursor == cursor || pages == most_short_pages)
            throw SyncError(Fault::object, std::string(endpoint.path + 1) + ": the pages have no end");
        cursor = next.cursor;
    }
}

std::int64_t Api::server_now() {
    const auto response = get(endpoint::me);
    // Its date is wanted, not its content: not every app may see users.
    if (response.status != 404 && (response.status != 403 || is_blocked(response))) require_good(response, "login");
    if (const auto now = session_->server_time()) return *now;
    throw SyncError(Fault::transient, "the server does not state its time");
}

}  // namespace xsell::connectors::pipedrive
