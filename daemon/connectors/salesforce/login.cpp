#include "connectors/salesforce/login.hpp"

#include <chrono>
#include <stdexcept>

#include "http/jwt.hpp"

namespace xsell::connectors::salesforce {
namespace {

using sync::Fault;
using sync::SyncError;

constexpr const char *production = "https://login.salesforce.com";
constexpr const char *sandbox = "https://test.salesforce.com";
constexpr int assertion_seconds = 150;  // Salesforce accepts at most 180

// A response that gives no token. Errors are an object here, not the array of the data API.
[[noreturn]] void refuse(const http::Response &response) {
    const auto body = json_body(response);
    const std::string error = member(body, "error");
    if (error.empty() && (is_transient(response.status) || response.status == 200)) {
        throw transient_fault(response, "token endpoint answered " + std::to_string(response.status) + " without a token");
    }
    throw SyncError(Fault::org,
                    "Salesforce gives no token: " + (error.empty() ? "status " + std::to_string(response.status) : brief(error)) +
                        (error.empty() ? "" : ", " + brief(member(body, "error_description"))));
}

}  // namespace

Login::Login(const Settings &settings) {
    auth_ = settings.choice("auth", {"client_credentials", "jwt", "refresh_token"});
    base_url_ = settings.url("base_url");
    auth_url_ = settings.url("auth_url", base_url_.empty() ? production : base_url_);
    client_id_ = settings.required("client_id");
    if (auth_ == "jwt") {
        username_ = settings.required("username");
        private_key_ = settings.secret("private_key");
        audience_ = settings.text(
            "audience", auth_url_ == sandbox || auth_url_.find(".sandbox.") != std::string::npos ? sandbox : production);
        return;
    }
    client_secret_ = settings.secret("client_secret", auth_ == "client_credentials");
    if (auth_ == "refresh_token") {
        refresh_token_ = settings.secret("refresh_token");
    } else if (auth_url_ == production || auth_url_ == sandbox) {
        settings.problem("auth_url: client credentials work on your My Domain address alone (https://NAME.my.salesforce.com)");
    }
}

http::Trust Login::trust() const {
    http::Trust trust({"salesforce.com", "force.com", "salesforce.mil"});
    trust.add(auth_url_);
    if (!base_url_.empty()) trust.add(base_url_);
    return trust;
}

http::Request Login::by_credentials() const {
    http::Request request{
        "POST", auth_url_ + "/services/oauth2/token", {}, http::encode_form({{"grant_type", "client_credentials"}})};
    request.headers.push_back({"Authorization", "Basic " + http::encode_base64(client_id_ + ":" + client_secret_)});
    return request;
}

http::Request Login::by_assertion(Session &session) const {
    // The assertion is dated by Salesforce's clock, whatever ours says; any response states it.
    session.send({"GET", auth_url_ + "/services/data", {}, ""});
    const auto now = session.server_time().value_or(
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
    const nlohmann::json claims = {
        {"iss", client_id_}, {"sub", username_}, {"aud", audience_}, {"exp", now / 1'000'000 + assertion_seconds}};
    std::string assertion;
    try {
        assertion = http::sign_jwt(claims.dump(), private_key_);
    } catch (const std::runtime_error &error) {
        throw SyncError(Fault::org, error.what());
    }
    return {"POST",
            auth_url_ + "/services/oauth2/token",
            {},
            http::encode_form({{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, {"assertion", assertion}})};
}

http::Request Login::by_refresh(const std::string &refresh_token) const {
    std::vector<std::pair<std::string, std::string>> form = {{"grant_type", "refresh_token"}, {"client_id", client_id_}};
    if (!client_secret_.empty()) form.emplace_back("client_secret", client_secret_);  // a public client has none
    form.emplace_back("refresh_token", refresh_token);
    return {"POST", auth_url_ + "/services/oauth2/token", {}, http::encode_form(form)};
}

Grant Login::operator()(Session &session, const std::string &rotated) const {
    const std::string refresh = rotated.empty() ? refresh_token_ : rotated;
    http::Request request = auth_ == "jwt"             ? by_assertion(session)
                            : auth_ == "refresh_token" ? by_refresh(refresh)
                                                       : by_credentials();
    request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    const auto response = session.send(request);
    const auto body = json_body(response);
    Grant grant{member(body, "access_token"), base_url_.empty() ? member(body, "instance_url") : base_url_};
    if (response.status != 200 || grant.token.empty() || grant.base_url.empty()) refuse(response);
    while (grant.base_url.ends_with('/')) grant.base_url.pop_back();
    const std::string fresh = member(body, "refresh_token");
    grant.refresh = fresh.empty() ? refresh : fresh;
    grant.sent = refresh;
    grant.kept = true;
    return grant;  // an instance_url that is not Salesforce's own is refused when it is used
}

}  // namespace xsell::connectors::salesforce
