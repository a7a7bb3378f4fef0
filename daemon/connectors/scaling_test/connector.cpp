#include "connectors/scaling_test/connector.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "connectors/json_map.hpp"
#include "connectors/rest.hpp"
#include "connectors/scaling_test/records.hpp"
#include "sync/convert.hpp"
#include "sync/error.hpp"

namespace xsell::connectors {
namespace {

using enum Rule;
using nlohmann::json;
using sync::Fault;
using sync::SyncError;

constexpr Field account[] = {
    {"name", "Name"},
    {"type", "Type"},
    {"industry", "Industry"},
    {"website", "Website"},
    {"domain", "Website", domain},
    {"phone", "Phone", phone},
    {"city", "BillingCity"},
    {"country", "BillingCountry"},
    {"annual_revenue", "AnnualRevenue"},
    {"employees", "NumberOfEmployees"},
    {"owner_id", "OwnerId"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
};

constexpr Field contact[] = {
    {"account_id", "AccountId"},   {"first_name", "FirstName"}, {"last_name", "LastName"},     {"title", "Title"},
    {"department", "Department"},  {"email", "Email", email},   {"phone", "Phone", phone},     {"mobile", "MobilePhone", phone},
    {"country", "MailingCountry"}, {"owner_id", "OwnerId"},     {"created_at", "CreatedDate"}, {"modified_at", "SystemModstamp"},
};

constexpr Field opportunity[] = {
    {"account_id", "AccountId"},
    {"name", "Name"},
    {"pipeline", "", constant, ""},
    {"stage", "StageName"},
    {"type", "Type"},
    {"amount", "Amount"},
    {"probability", "Probability"},
    {"source", "LeadSource"},
    {"closed_at", "CloseDate"},
    {"owner_id", "OwnerId"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
};

// In the order of scaling::Kind.
const std::span<const Field> fields[] = {account, contact, opportunity};

http::Trust trust(const std::string &url) {
    http::Trust out;
    if (!url_problem(url)) out.add(url);
    return out;
}

std::int64_t local_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// {} or {"since":S} where a reading begins; {"page":2,"size":2000,"since":S,"revision":R} of a page. Times in seconds since 1970.
struct State {
    std::int64_t since = 0;
    std::uint64_t page = 1, size = 0;
    std::optional<std::uint64_t> revision;

    static State from(const std::string &text) {
        State state;
        if (text.empty()) return state;
        try {
            const json in = json::parse(text);
            state.since = in.value("since", std::int64_t{0});
            state.page = in.value("page", std::uint64_t{1});
            state.size = in.value("size", std::uint64_t{0});
            if (in.contains("revision")) state.revision = in.at("revision").get<std::uint64_t>();
        } catch (const json::exception &) {
            throw SyncError(Fault::object, "the stored state is damaged");
        }
        if (state.page == 0 || (state.page > 1) != (state.size > 0))
            throw SyncError(Fault::object, "the stored state is damaged");
        return state;
    }
};

struct Answer {
    Listing listing;
    std::uint64_t total = 0, revision = 0;
    std::int64_t now = 0;  // the source's clock, in seconds
};

class ScalingTest : public sync::Connector {
  public:
    explicit ScalingTest(const Settings &settings)
        : size_(static_cast<std::uint64_t>(settings.integer("page_size", 2000, 1, 20000))),
          lookback_(settings.seconds("lookback", 600)) {
        const std::string base = settings.url("base_url");
        const auto records = settings.integer("records", 100000, 0, 1'000'000'000);
        const auto seed = settings.integer("seed", 1, 0, 1'000'000'000);
        if (base.empty()) {
            feed_.emplace(static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(records));
        } else {
            if (settings.has("records") || settings.has("seed"))
                settings.problem("records and seed: with base_url the simulator decides (--scaling-records, --scaling-seed)");
            // The simulator asks nobody who they are.
            session_.emplace(
                trust(base),
                [base](Session &, const std::string &) {
                    return Grant{"none", base};
                },
                settings.host);
        }
        objects_ = settings.chosen({scaling::kind_names.begin(), scaling::kind_names.end()});
        for (const auto &name : objects_) mappers_.emplace(name, mapper(settings, name));
        settings.finish();
    }

    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &state) override;
    std::optional<std::int64_t> count(const sync::Object &object) override {
        State state;
        state.size = 1;
        return static_cast<std::int64_t>(ask(object, state).total);
    }
    std::optional<std::string> since(const sync::Object &, std::int64_t micros) override {
        return json{{"since", micros / 1'000'000}}.dump();
    }
    sync::Page replay(const sync::Object &object, const std::vector<std::string> &payloads) override {
        sync::Page page;
        mappers_.at(object.name).map(object, std::vector<std::string_view>(payloads.begin(), payloads.end()), page);
        return page;
    }
    std::vector<sync::Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override { return mappers_.at(object.name).hash(); }

  private:
    static Mapper mapper(const Settings &settings, const std::string &name) {
        const auto columns = settings.columns.find(name);
        const auto attributes = settings.attributes.find(name);
        return Mapper({name, "Id", ""}, fields[static_cast<std::size_t>(*scaling::kind_named(name))],
                      columns == settings.columns.end() ? std::map<std::string, std::string>{} : columns->second,
                      attributes == settings.attributes.end() ? std::vector<std::string>{} : attributes->second);
    }
    Answer ask(const sync::Object &object, const State &state);
    std::string request(const sync::Object &object, const State &state);

    std::uint64_t size_;
    std::int64_t lookback_;
    std::optional<scaling::Feed> feed_;
    std::optional<Session> session_;
    std::vector<std::string> objects_;
    std::map<std::string, Mapper> mappers_;
};

std::string ScalingTest::request(const sync::Object &object, const State &state) {
    if (feed_) {
        const auto kind = scaling::kind_named(object.name);
        return feed_->body(*kind, {state.page, state.size, state.since, state.revision});
    }
    std::string path =
        "/scaling/v1/" + object.name + "?page=" + std::to_string(state.page) + "&per_page=" + std::to_string(state.size);
    if (state.since > 0) {
        std::string time = sync::from_micros(state.since * 1'000'000).substr(0, 19) + 'Z';
        time[10] = 'T';
        path += "&modified_since=" + time;
    }
    if (state.revision) path += "&revision=" + std::to_string(*state.revision);
    auto response = session_->get(path);
    if (is_transient(response.status))
        throw transient_fault(response, object.name + ": the server answered " + std::to_string(response.status));
    if (response.status != 200)
        throw SyncError(Fault::object,
                        object.name + ": the server answered " + std::to_string(response.status) + ": " + brief(response.body));
    return std::move(response.body);
}

Answer ScalingTest::ask(const sync::Object &object, const State &state) {
    Answer answer;
    answer.listing = read_listing(request(object, state), "data");
    const json &rest = answer.listing.rest;
    try {
        answer.total = rest.at("total").get<std::uint64_t>();
        answer.revision = rest.at("revision").get<std::uint64_t>();
        // A page that is shorter than its place in the total says would be a loss that nobody sees.
        const std::uint64_t before = (state.page - 1) * state.size;
        const std::uint64_t due = before < answer.total ? std::min(state.size, answer.total - before) : 0;
        if (answer.listing.records.size() != due || rest.at("has_more").get<bool>() != (before + due < answer.total))
            throw SyncError(Fault::transient, object.name + ": page " + std::to_string(state.page) + " has " +
                                                  std::to_string(answer.listing.records.size()) + " records instead of " +
                                                  std::to_string(due));
    } catch (const json::exception &) {
        throw SyncError(Fault::transient, object.name + ": the answer has no total, revision and has_more");
    }
    answer.now = feed_ ? local_seconds() : session_->server_time().value_or(0) / 1'000'000;
    return answer;
}

sync::Page ScalingTest::fetch(const sync::Object &object, const std::string &text) {
    State state = State::from(text);
    const bool first = state.size == 0;
    if (first) state.size = size_;
    Answer answer = ask(object, state);
    // A clock that was set back must not hide what changed since.
    if (first && answer.now > 0 && state.since > answer.now - lookback_) {
        state.since = std::max<std::int64_t>(0, answer.now - lookback_);
        answer = ask(object, state);
    }
    sync::Page page;
    mappers_.at(object.name).map(object, answer.listing.records, page);
    page.done = true;
    if (!first) return page;
    for (std::uint64_t number = 2; (number - 1) * state.size < answer.total; ++number)
        page.fan_out.push_back(
            json{{"page", number}, {"size", state.size}, {"since", state.since}, {"revision", answer.revision}}.dump());
    page.total = static_cast<std::int64_t>(answer.total);
    if (state.since == 0) page.source_count = page.total;
    page.next_state = json{{"since", answer.now > 0 ? std::max<std::int64_t>(0, answer.now - lookback_) : state.since}}.dump();
    return page;
}

std::vector<sync::Finding> ScalingTest::check() {
    std::vector<sync::Finding> findings;
    for (const auto &name : objects_) {
        try {
            const auto found = count({name, {}});
            findings.push_back({sync::Finding::Level::ok, name + ": " + std::to_string(*found) + " records"});
        } catch (const std::exception &error) {
            findings.push_back({sync::Finding::Level::error, name + " cannot be read: " + error.what()});
        }
    }
    return findings;
}

}  // namespace

std::unique_ptr<sync::Connector> make_scaling_test(const Settings &settings) { return std::make_unique<ScalingTest>(settings); }

}  // namespace xsell::connectors
