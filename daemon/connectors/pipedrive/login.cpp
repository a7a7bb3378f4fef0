#include "connectors/pipedrive/login.hpp"

namespace xsell::connectors::pipedrive {
namespace {

using sync::Fault;
using sync::SyncError;

constexpr const char *suffix = "pipedrive.com";

}  // namespace

Login::Login(const Settings &settings) {
    oauth_ = settings.choice("auth", {"token", "oauth"}) == "oauth";
    base_url_ = settings.url("base_url", "https://api.pipedrive.com");
    if (oauth_) {
        auth_url_ = settings.url("auth_url", "https://oauth.pipedrive.com");
        client_id_ = settings.required("client_id");
        client_secret_ = settings.secret("client_secret");
        refresh_token_ = settings.secret("refresh_token");
    } else {
        token_ = settings.secret("token");
    }
}

http::Trust Login::trust() const {
    http::Trust trust({suffix});
    trust.add(base_url_);
    if (oauth_) trust.add(auth_url_);
    return trust;
}

Scheme Login::scheme() const { return oauth_ ? Scheme{} : Scheme{"x-api-token", ""}; }

http::Response Login::refresh(Session &session, const std::string &token) const {
    return session.send({"POST",
                         auth_url_ + "/oauth/token",
                         {{"Content-Type", "application/x-www-form-urlencoded"},
                          {"Accept", "application/json"},
                          {"Authorization", "Basic " + http::encode_base64(client_id_ + ":" + client_secret_)}},
                         http::encode_form({{"grant_type", "refresh_token"}, {"refresh_token", token}})});
}

// The company's own host, where the answer names one of Pipedrive's; data goes nowhere else.
std::string Login::domain_of(const nlohmann::json &body) const {
    std::string domain = member(body, "api_domain");
    while (domain.ends_with('/')) domain.pop_back();
    try {
        const auto address = http::parse_address(domain);
        const bool own = address.scheme == "https" && address.host.ends_with(std::string(".") + suffix);
        if (own && http::parse_address(base_url_).host.ends_with(suffix)) return domain;
    } catch (const http::Error &) {
        return base_url_;
    }
    return base_url_;
}

// A refresh token may be good for one use: the answer brings the next one.
Grant Login::operator()(Session &session, const std::string &rotated) const {
    if (!oauth_) return {token_, base_url_};
    const std::string sent = rotated.empty() ? refresh_token_ : rotated;
    const auto response = refresh(session, sent);
    const auto body = json_body(response);
    Grant grant{member(body, "access_token"), domain_of(body), member(body, "refresh_token")};
    if (response.status == 200 && !grant.token.empty()) {
        const auto life = body.find("expires_in");
        if (life != body.end() && life->is_number()) grant.expires_in = life->get<double>();
        grant.sent = sent;
        grant.kept = true;
        return grant;
    }
    const std::string status = std::to_string(response.status);
    if (is_transient(response.status) || response.status == 200)
        throw transient_fault(response, "Pipedrive's token endpoint answered " + status + " without a token");
    throw SyncError(Fault::org, "Pipedrive gives no token: " + status + " " + brief(member(body, "error")) +
                                    "; install the app again and put its refresh token into the configuration (one that was "
                                    "not used for 60 days is dead)");
}

}  // namespace xsell::connectors::pipedrive
