#include "connectors/rest.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "sync/text.hpp"

namespace xsell::connectors {
namespace {

using sync::Fault;
using sync::SyncError;

SyncError fault_of(const http::Error &error) {
    switch (error.failure) {
        case http::Failure::network: return {Fault::transient, error.what()};
        case http::Failure::too_large: return {Fault::object, error.what()};
        case http::Failure::stopped: return {Fault::stopped, error.what()};
        default: return {Fault::org, error.what()};
    }
}

bool nests_deep(std::string_view json) {
    constexpr int deepest = 500;
    int depth = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_text && c == '\\')
            ++i;
        else if (c == '"')
            in_text = !in_text;
        else if (!in_text && (c == '[' || c == '{') && ++depth > deepest)
            return true;
        else if (!in_text && (c == ']' || c == '}'))
            --depth;
    }
    return false;
}

struct Raised {
    explicit Raised(bool &raised) : flag(raised) { flag = true; }
    ~Raised() { flag = false; }
    bool &flag;
};

}  // namespace

Session::Session(http::Trust trust, Login login, std::shared_ptr<sync::Host> host, Scheme scheme)
    : client_(std::move(trust)), login_(std::move(login)), host_(std::move(host)), scheme_(scheme) {}

http::Response Session::send(const http::Request &request) {
    try {
        auto response = client_.send(request, logging_in_);
        if (const auto date = response.date()) server_time_ = *date * 1'000'000;
        return response;
    } catch (const http::Error &error) {
        throw fault_of(error);
    }
}

// One login, by whoever holds the lock. A response without a refresh token, or with the one that was sent, leaves the kept one
// valid.
sync::Token Session::fresh(const std::string &rotated) {
    // A stop must not cut off the answer: it may hold a refresh token that is given once.
    const Raised logging_in(logging_in_);
    const Grant grant = login_(*this, rotated);
    const bool same = grant.refresh.empty() || grant.refresh == grant.sent;
    sync::Token token{grant.token, same ? rotated : grant.refresh, grant.base_url, 0, grant.kept};
    token.kept |= !token.refresh.empty();
    constexpr double longest = 1e9;
    if (grant.expires_in > 0 && server_time_)
        token.expires_at = *server_time_ + static_cast<std::int64_t>(std::min(grant.expires_in, longest) * 1e6);
    sync::tell_token(token);
    if (token.access.empty()) throw SyncError(Fault::transient, "the login gave no token");
    return token;
}

bool Session::renew() {
    const std::string stale = grant_ ? grant_->token : "";
    grant_.reset();
    if (rotates_ && (!host_ || !host_->keeps())) {
        throw SyncError(
            Fault::org,
            "the vendor issues a new refresh token with each login, and there is no key to keep it with; make one with: "
            "xselld key new FILE, and set token_key of [sync] to that file");
    }
    bool own = !host_;
    sync::Token token;
    if (host_) {
        token = host_->renewed(stale, [&](const std::optional<sync::Token> &kept) {
            own = true;
            return fresh(kept ? kept->refresh : std::string());
        });
        sync::tell_token(token);
    } else {
        token = fresh(refresh_);
        refresh_ = token.refresh;
    }
    grant_ = Grant{token.access, token.base_url, token.refresh};
    return own;
}

void Session::log_in() {
    if (grant_) return;
    if (host_) {
        if (const auto kept = host_->token()) {
            sync::tell_token(*kept);
            grant_ = Grant{kept->access, kept->base_url, kept->refresh};
            return;
        }
    }
    renew();
}

const std::string &Session::base_url() {
    log_in();
    return grant_->base_url;
}

void Session::take(const Call &call) {
    const sync::Budget *budget = call.budget ? call.budget : budget_ ? &*budget_ : nullptr;
    if (!host_ || !budget) return;
    if (const double wait = host_->take(*budget, call.cost); wait > 0) host_->pause(wait);
}

http::Response Session::request(http::Request request, const std::string &path, const Call &call) {
    // A path from a response must not be able to turn into another host ("@host", ".host").
    if (!path.starts_with('/')) throw SyncError(Fault::object, "the source names a next page that is no path");
    log_in();
    request.headers.insert(request.headers.end(), headers_.begin(), headers_.end());
    request.headers.insert(request.headers.end(), call.headers.begin(), call.headers.end());
    const auto attempt = [&] {
        take(call);
        request.url = grant_->base_url + path;
        request.headers.push_back({scheme_.header, scheme_.prefix + grant_->token});
        auto response = send(request);
        request.headers.pop_back();
        if (watch_) watch_(response);
        return response;
    };
    auto response = attempt();
    // A token that somebody else has renewed may have expired since, one that we were given just now cannot have.
    constexpr int tries = 10;
    bool own = false;
    for (int i = 0; i < tries && !own && response.status == 401; ++i) {
        own = renew();
        response = attempt();
    }
    if (response.status == 401) grant_.reset();
    return response;
}

http::Response Session::get(const std::string &path, const Call &call) {
    return request({"GET", "", {{"Accept", "application/json"}}, ""}, path, call);
}

http::Response Session::post(const std::string &path, const nlohmann::json &body, const Call &call) {
    return request({"POST", "", {{"Accept", "application/json"}, {"Content-Type", "application/json"}}, body.dump()}, path, call);
}

bool is_transient(int status) { return status == 408 || status == 420 || status == 429 || status >= 500; }

double wait_of(const http::Response &response) {
    constexpr double longest = 3600;
    if (const auto told = response.retry_after()) return *told;
    const auto number = [&](const char *name) -> std::optional<double> {
        const auto text = response.header(name);
        if (!text) return std::nullopt;
        double value = 0;
        const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), value, std::chars_format::fixed);
        const bool good = error == std::errc() && stop == text->data() + text->size() && std::isfinite(value);
        return good ? std::optional(value) : std::nullopt;
    };
    const bool limited = response.status == 429 || response.status == 420 || number("x-ratelimit-remaining") == 0.0;
    if (!limited) return 0;
    double wait = 0;
    if (const auto reset = number("x-ratelimit-reset")) {
        constexpr double times = 1e8;  // above it: not seconds to wait, but a time
        const auto now = response.date();
        wait = *reset < times ? *reset : now ? *reset - static_cast<double>(*now) : 0;
    } else if (const auto interval = number("x-hubspot-ratelimit-interval-milliseconds"); interval && response.status == 429) {
        wait = *interval / 1000;
    }
    return std::clamp(wait, 0.0, longest);
}

SyncError transient_fault(const http::Response &response, const std::string &what) {
    return {Fault::transient, what, wait_of(response)};
}

nlohmann::json parse_json(std::string_view text) {
    if (nests_deep(text)) return nlohmann::json(nlohmann::json::value_t::discarded);
    return nlohmann::json::parse(sync::clean_json(text).text, nullptr, false);
}

nlohmann::json json_body(const http::Response &response) { return parse_json(response.body); }

std::string member(const nlohmann::json &value, const char *name) {
    if (!value.is_object()) return "";
    const auto found = value.find(name);
    return found != value.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string brief(const std::string &text) {
    std::string line = sync::cut(sync::clean_text(text).text, 300);
    for (char &c : line) {
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    }
    return line;
}

}  // namespace xsell::connectors
