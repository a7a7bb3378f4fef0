// How Pipedrive is logged in to: a user's API token, or OAuth with a refresh token that changes with every use.
#pragma once
#include <string>

#include "connectors/rest.hpp"
#include "connectors/settings.hpp"

namespace xsell::connectors::pipedrive {

class Login {
  public:
    explicit Login(const Settings &settings);                              // notes problems in the settings
    Grant operator()(Session &session, const std::string &rotated) const;  // throws SyncError
    http::Trust trust() const;                                             // the configured hosts and Pipedrive's own
    Scheme scheme() const;
    bool oauth() const { return oauth_; }

  private:
    http::Response refresh(Session &session, const std::string &token) const;
    std::string domain_of(const nlohmann::json &body) const;
    bool oauth_;
    std::string base_url_, auth_url_, token_, client_id_, client_secret_, refresh_token_;
};

}  // namespace xsell::connectors::pipedrive
