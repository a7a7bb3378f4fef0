// What the connector asks Salesforce's REST API, question by question. Every request counts against the daily quota.
#pragma once
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "connectors/quota.hpp"
#include "connectors/rest.hpp"
#include "connectors/settings.hpp"

namespace xsell::connectors::salesforce {

// An object as its description tells it.
struct Description {
    std::map<std::string, std::string> types;  // field -> type; relations too, as "relation"
    bool replicateable = true;                 // it can say up to when its changes are complete
    bool has(const std::string &field) const;  // of a path: its first step
    std::string type(const std::string &field) const;
};

class Api {
  public:
    explicit Api(const Settings &settings);  // notes problems in the settings
    void connect(http::Trust trust, Session::Login login, std::shared_ptr<sync::Host> host);

    Session &session() { return *session_; }
    const std::string &version() const { return version_; }
    bool quota_reached() const { return quota_.reached(); }

    // The response may have any status. Paths begin with "/services/data/".
    http::Response get(const std::string &path);
    http::Response send(const http::Request &request, const std::string &path);
    // queryAll: the recycle bin and archived activities too. Queries too long for an address travel in a body.
    http::Response query_all(const std::string &soql);
    // All records of a small query, without the recycle bin. Throws SyncError.
    nlohmann::json rows(const std::string &soql, const std::string &what);

    std::int64_t now();  // the server's time. Throws SyncError
    // Nothing where this user may not have it described. Throws SyncError (transient, org, quota).
    std::optional<Description> describe(const std::string &object);
    // Up to when everything that changed is visible: transactions still open hold it back. Nothing where the object cannot tell.
    std::optional<std::int64_t> covered(const std::string &object, std::int64_t now);
    // Live records; nothing where it cannot be told. `recycled`: the object has a recycle bin.
    std::optional<std::int64_t> count(const std::string &object, bool recycled);

  private:
    std::string data() const { return "/services/data/" + version_; }
    http::Response by_body(const std::string &query);
    void watch(const http::Response &response);

    std::string version_;
    Quota quota_;
    std::optional<Session> session_;
};

// Those of the responses that only say that this cannot be had: wrong object, missing right, unknown address.
bool is_refusal(const http::Response &response);

}  // namespace xsell::connectors::salesforce
