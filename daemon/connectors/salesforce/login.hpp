// How Salesforce gives out tokens: client credentials, or an assertion signed with a private key.
#pragma once
#include <string>

#include "connectors/rest.hpp"
#include "connectors/settings.hpp"

namespace xsell::connectors::salesforce {

class Login {
  public:
    explicit Login(const Settings &settings);  // notes problems in the settings
    Grant operator()(Session &session, const std::string &rotated) const;  // throws SyncError
    http::Trust trust() const;                 // the configured hosts and Salesforce's own

  private:
    http::Request by_credentials() const;
    http::Request by_assertion(Session &session) const;
    bool jwt_;
    std::string base_url_, auth_url_, client_id_, client_secret_, username_, private_key_, audience_;
};

}  // namespace xsell::connectors::salesforce
