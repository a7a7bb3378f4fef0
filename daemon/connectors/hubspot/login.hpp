// How HubSpot gives out tokens: the fixed one of a private app, or short-lived ones for a refresh token.
#pragma once
#include <string>

#include "connectors/rest.hpp"
#include "connectors/settings.hpp"

namespace xsell::connectors::hubspot {

class Login {
  public:
    explicit Login(const Settings &settings);                              // notes problems in the settings
    Grant operator()(Session &session, const std::string &rotated) const;  // throws SyncError
    http::Trust trust() const;                                             // the configured hosts and HubSpot's own

  private:
    bool oauth_;
    std::string base_url_, auth_url_, token_, client_id_, client_secret_, refresh_token_;
};

}  // namespace xsell::connectors::hubspot
