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

http::Response Session::send(const http::Request &request) {
    try {
        auto response = client_.send(request);
        if (const auto date = response.date()) server_time_ = *date * 1'000'000;
        return response;
    } catch (const http::Error &error) {
        throw fault_of(error);
    }
}

void Session::log_in() {
    if (!grant_) grant_ = login_(*this);
}

http::Response Session::authorized(http::Request request, const std::string &path) {
    // A path from a response must not be able to turn into another host ("@host", ".host").
    if (!path.starts_with('/')) throw SyncError(Fault::object, "the source names a next page that is no path");
    log_in();
    const auto attempt = [&] {
        request.url = grant_->base_url + path;
        request.headers.push_back({"Authorization", "Bearer " + grant_->token});
        auto response = send(request);
        request.headers.pop_back();
        return response;
    };
    auto response = attempt();
    if (response.status != 401) return response;
    grant_.reset();
    log_in();
    response = attempt();
    if (response.status == 401) grant_.reset();
    return response;
}

http::Response Session::get(const std::string &path) {
    return authorized({"GET", "", {{"Accept", "application/json"}}, ""}, path);
}

http::Response Session::post(const std::string &path, const nlohmann::json &body) {
    return authorized({"POST", "", {{"Accept", "application/json"}, {"Content-Type", "application/json"}}, body.dump()}, path);
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
