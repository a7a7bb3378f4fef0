// How Salesforce gives out tokens: for client credentials, for an assertion signed with a private key, or for a refresh token.
#pragma once
#include <string>

#include "connectors/rest.hpp"
#include "connectors/settings.hpp"

namespace xsell::connectors::salesforce {

class Login {
  public:
    explicit Login(const Settings &settings);  // notes problems in the settings
    // `rotated`: the refresh token that Salesforce gave last; empty: use the configured one. Throws SyncError.
    Grant operator()(Session &session, const std::string &rotated) const;
    http::Trust trust() const;  // the configured hosts and Salesforce's own

  private:
    http::Request by_credentials() const;
    http::Request by_assertion(Session &session) const;
    http::Request by_refresh(const std::string &refresh_token) const;
    std::string auth_, base_url_, auth_url_, client_id_, client_secret_, username_, private_key_, audience_, refresh_token_;
};

}  // namespace xsell::connectors::salesforce
