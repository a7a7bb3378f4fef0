#include "connectors/zoho/login.hpp"

#include <algorithm>

namespace xsell::connectors::zoho {
namespace {

using sync::Fault;
using sync::SyncError;

struct DataCentre {
    const char *name;      // as the setting has it
    const char *accounts;  // host that issues tokens
    const char *domain;    // that the API's hosts are in: www., sandbox., developer.
};
constexpr DataCentre centres[] = {
    {"com", "accounts.zoho.com", "zohoapis.com"},
    {"eu", "accounts.zoho.eu", "zohoapis.eu"},
    {"in", "accounts.zoho.in", "zohoapis.in"},
    {"com.au", "accounts.zoho.com.au", "zohoapis.com.au"},
    {"com.cn", "accounts.zoho.com.cn", "zohoapis.com.cn"},
    {"jp", "accounts.zoho.jp", "zohoapis.jp"},
    {"ca", "accounts.zohocloud.ca", "zohoapis.ca"},
};
constexpr double blocked_seconds = 600;  // ten tokens in ten minutes, then none for the rest of them

std::vector<std::string> domains() {
    std::vector<std::string> list;
    for (const auto &centre : centres) list.emplace_back(centre.domain);
    return list;
}

// A response that gives no token; errors come with status 200 too.
[[noreturn]] void refuse(const http::Response &response) {
    const auto body = json_body(response);
    const std::string error = member(body, "error"), description = member(body, "error_description");
    const std::string text = "Zoho gives no token: status " + std::to_string(response.status) +
                             (error.empty() ? "" : " " + brief(error)) + (description.empty() ? "" : ", " + brief(description));
    if (error == "Access Denied" || description.find("too many requests") != std::string::npos)
        throw SyncError(Fault::transient, text, std::max(blocked_seconds, response.retry_after().value_or(0)));
    if (is_transient(response.status) || error.empty()) throw transient_fault(response, text);
    throw SyncError(Fault::org, text + (error.starts_with("invalid_client")
                                            ? "; clients are known to the data centre that they were registered at alone "
                                              "(setting data_centre)"
                                            : ""));
}

}  // namespace

Login::Login(const Settings &settings) {
    std::vector<std::string> names;
    for (const auto &centre : centres) names.emplace_back(centre.name);
    const std::string name = settings.choice("data_centre", names);
    const std::string environment = settings.choice("environment", {"production", "sandbox", "developer"});
    const auto &centre = *std::find_if(std::begin(centres), std::end(centres), [&](const auto &c) { return name == c.name; });
    follow_ = !settings.has("base_url") && environment == "production";
    const std::string host = environment == "production" ? "www" : environment;
    base_url_ = settings.url("base_url", "https://" + host + "." + centre.domain);
    auth_url_ = settings.url("auth_url", std::string("https://") + centre.accounts);
    client_id_ = settings.required("client_id");
    client_secret_ = settings.secret("client_secret");
    refresh_token_ = settings.secret("refresh_token");
}

http::Trust Login::trust() const {
    http::Trust trust(domains());
    trust.add(base_url_);
    trust.add(auth_url_);
    return trust;
}

// The data centre of the token's answer, when it is one of Zoho's own; else the configured one.
std::string Login::api_host(const std::string &said) const {
    if (!follow_ || said.empty()) return base_url_;
    try {
        const auto address = http::parse_address(said);
        http::Trust(domains()).check(address);
        return "https://" + address.host;
    } catch (const http::Error &) {
        return base_url_;
    }
}

Grant Login::operator()(Session &session, const std::string &) const {
    const auto response = session.send({"POST",
                                        auth_url_ + "/oauth/v2/token",
                                        {{"Content-Type", "application/x-www-form-urlencoded"}},
                                        http::encode_form({{"grant_type", "refresh_token"},
                                                           {"client_id", client_id_},
                                                           {"client_secret", client_secret_},
                                                           {"refresh_token", refresh_token_}})});
    const auto body = json_body(response);
    Grant grant{member(body, "access_token"), api_host(member(body, "api_domain"))};
    if (response.status != 200 || grant.token.empty()) refuse(response);
    const auto lifetime = body.find("expires_in");
    if (lifetime != body.end() && lifetime->is_number()) grant.expires_in = lifetime->get<double>();
    grant.kept = true;
    return grant;
}

}  // namespace xsell::connectors::zoho
