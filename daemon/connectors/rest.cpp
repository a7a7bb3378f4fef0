#include "connectors/rest.hpp"

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

}  // namespace

Session::Session(http::Trust trust, Login login, std::shared_ptr<sync::Host> host, Scheme scheme)
    : client_(std::move(trust)), login_(std::move(login)), host_(std::move(host)), scheme_(scheme) {}

http::Response Session::send(const http::Request &request) {
    try {
        auto response = client_.send(request);
        if (const auto date = response.date()) server_time_ = *date * 1'000'000;
        return response;
    } catch (const http::Error &error) {
        throw fault_of(error);
    }
}

void Session::renew() {
    const std::string stale = grant_ ? grant_->token : "";
    grant_.reset();
    if (!host_) {
        grant_ = login_(*this, "");
        return;
    }
    std::optional<Grant> fresh;
    const auto token = host_->renewed(stale, [&](const std::optional<sync::Token> &kept) {
        fresh = login_(*this, kept ? kept->refresh : "");
        const double lifetime = fresh->expires_in * 1e6;
        const std::int64_t expires = lifetime > 0 && server_time_ ? *server_time_ + static_cast<std::int64_t>(lifetime) : 0;
        return sync::Token{fresh->token, fresh->refresh, fresh->base_url, expires, fresh->kept};
    });
    grant_ = Grant{token.access, token.base_url, token.refresh};
}

void Session::log_in() {
    if (grant_) return;
    if (host_) {
        if (const auto kept = host_->token()) {
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
    if (response.status != 401) return response;
    renew();
    response = attempt();
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

SyncError transient_fault(const http::Response &response, const std::string &what) {
    return {Fault::transient, what, response.retry_after().value_or(0)};
}

nlohmann::json json_body(const http::Response &response) { return nlohmann::json::parse(response.body, nullptr, false); }

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
