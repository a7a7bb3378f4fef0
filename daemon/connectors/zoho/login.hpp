// How Zoho gives out tokens: hourly ones for a refresh token that never changes, by the accounts host of the org's data centre.
#pragma once
#include <string>

#include "connectors/rest.hpp"
#include "connectors/settings.hpp"

namespace xsell::connectors::zoho {

class Login {
  public:
    explicit Login(const Settings &settings);                              // notes problems in the settings
    Grant operator()(Session &session, const std::string &rotated) const;  // throws SyncError
    http::Trust trust() const;                                             // the configured hosts and Zoho's own

  private:
    std::string api_host(const std::string &said) const;
    bool follow_ = false;  // the token's answer may name the API's host
    std::string base_url_, auth_url_, client_id_, client_secret_, refresh_token_;
};

}  // namespace xsell::connectors::zoho
