// Pipedrive's two API versions: where they live, what a call costs, how their lists go on, and what is left of the day's tokens.
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "connectors/json_map.hpp"
#include "connectors/pipedrive/login.hpp"
#include "connectors/rest.hpp"
#include "connectors/settings.hpp"

namespace xsell::connectors::pipedrive {

enum class Version { v1, v2 };

// A list or a single thing of the API, and the tokens that Pipedrive takes for a call (x-token-cost).
struct Endpoint {
    Version version;
    const char *path;
    double cost;
};

namespace endpoint {
inline constexpr Endpoint users{Version::v1, "/users", 20};
inline constexpr Endpoint me{Version::v1, "/users/me", 2};
inline constexpr Endpoint organizations{Version::v2, "/organizations", 10};
inline constexpr Endpoint persons{Version::v2, "/persons", 10};
inline constexpr Endpoint leads{Version::v1, "/leads", 20};
inline constexpr Endpoint archived_leads{Version::v1, "/leads/archived", 40};
inline constexpr Endpoint products{Version::v2, "/products", 10};
inline constexpr Endpoint deals{Version::v2, "/deals", 10};
inline constexpr Endpoint archived_deals{Version::v2, "/deals/archived", 20};
inline constexpr Endpoint deal_products{Version::v2, "/deals/products", 10};
inline constexpr Endpoint activities{Version::v2, "/activities", 10};
inline constexpr Endpoint notes{Version::v1, "/notes", 20};
inline constexpr Endpoint pipelines{Version::v2, "/pipelines", 5};
inline constexpr Endpoint stages{Version::v2, "/stages", 5};
inline constexpr Endpoint activity_types{Version::v1, "/activityTypes", 20};
inline constexpr Endpoint organization_fields{Version::v2, "/organizationFields", 10};
inline constexpr Endpoint person_fields{Version::v2, "/personFields", 10};
inline constexpr Endpoint deal_fields{Version::v2, "/dealFields", 10};
inline constexpr Endpoint product_fields{Version::v2, "/productFields", 10};
inline constexpr Endpoint activity_fields{Version::v2, "/activityFields", 10};
}  // namespace endpoint

// Where a list goes on; nothing of both: this was its last page.
struct Next {
    std::string cursor;                    // v2
    std::optional<std::int64_t> position;  // v1
    bool more() const { return !cursor.empty() || position; }
};

class Api {
  public:
    explicit Api(const Settings &settings);       // notes problems in the settings
    void open(std::shared_ptr<sync::Host> host);  // before the first call

    // Any status; the query begins with '?' or is empty. Throws SyncError (quota) instead of asking when the share of the day's
    // tokens that quota_percent allows is used up.
    http::Response get(const Endpoint &endpoint, const std::string &query = "");
    // The records of a list's page. Throws SyncError when the response is no page.
    static Listing page(http::Response response, const std::string &what);
    // What the page says of the next one. `asked`: the position that it was read from.
    static Next next(const Listing &listing, Version version, std::int64_t asked);
    // All of a short v2 list.
    std::vector<nlohmann::json> all(const Endpoint &endpoint);
    std::int64_t server_now();  // asks; throws SyncError
    // As of the last response.
    std::optional<std::int64_t> server_time() const { return session_->server_time(); }

  private:
    std::string root(Version version);
    void watch(const http::Response &response);
    Login login_;
    double quota_percent_, burst_;
    std::string v1_root_;
    bool quota_reached_ = false;
    std::optional<std::chrono::steady_clock::time_point> blocked_until_;
    std::shared_ptr<sync::Host> host_;
    std::optional<Session> session_;
};

}  // namespace xsell::connectors::pipedrive
