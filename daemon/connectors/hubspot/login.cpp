#include "connectors/hubspot/login.hpp"

namespace xsell::connectors::hubspot {

using sync::Fault;
using sync::SyncError;

Login::Login(const Settings &settings) {
    oauth_ = settings.choice("auth", {"token", "oauth"}) == "oauth";
    base_url_ = settings.url("base_url", "https://api.hubapi.com");
    auth_url_ = settings.url("auth_url", base_url_);
    if (oauth_) {
        client_id_ = settings.required("client_id");
        client_secret_ = settings.secret("client_secret");
        refresh_token_ = settings.secret("refresh_token");
    } else {
        token_ = settings.secret("token");
    }
}

http::Trust Login::trust() const {
    http::Trust trust({"hubapi.com", "hubspot.com"});
    trust.add(base_url_);
    trust.add(auth_url_);
    return trust;
}

Grant Login::operator()(Session &session, const std::string &rotated) const {
    if (!oauth_) return {token_, base_url_};
    const std::string refresh = rotated.empty() ? refresh_token_ : rotated;
    const auto response = session.send({"POST",
                                        auth_url_ + "/oauth/v1/token",
                                        {{"Content-Type", "application/x-www-form-urlencoded"}},
                                        http::encode_form({{"grant_type", "refresh_token"},
                                                           {"client_id", client_id_},
                                                           {"client_secret", client_secret_},
                                                           {"refresh_token", refresh}})});
    const auto body = json_body(response);
    Grant grant{member(body, "access_token"), base_url_};
    if (response.status == 200 && !grant.token.empty()) {
        const std::string fresh = member(body, "refresh_token");
        grant.refresh = fresh.empty() ? refresh : fresh;
        if (const auto seconds = body.value("expires_in", nlohmann::json()); seconds.is_number()) grant.expires_in = seconds;
        grant.sent = refresh;
        grant.kept = true;
        return grant;
    }
    if (is_transient(response.status) || response.status == 200) {
        throw transient_fault(response, "token endpoint answered " + std::to_string(response.status) + " without a token");
    }
    throw SyncError(Fault::org, "HubSpot gives no token: " + std::to_string(response.status) + " " +
                                    brief(member(body, "status")) + " " + brief(member(body, "message")));
}

}  // namespace xsell::connectors::hubspot
