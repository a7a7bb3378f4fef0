// How HubSpot's records are asked for, within its limits on requests.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connectors/hubspot/field_map.hpp"
#include "connectors/json_map.hpp"
#include "connectors/quota.hpp"
#include "connectors/rest.hpp"
#include "connectors/settings.hpp"

namespace xsell::connectors::hubspot {

struct Part {
    const Source *source;
    Mapper mapper;
    std::set<std::string> asked;  // properties that the configuration names
    bool searchable() const { return *source->modified != '\0'; }
    std::vector<std::string> properties() const;
};

class Api {
  public:
    explicit Api(const Settings &settings);  // notes problems in the settings
    void connect(http::Trust trust, Session::Login login, std::shared_ptr<sync::Host> host);
    Session &session() { return *session_; }
    void require_quota() { quota_.require(); }  // throws SyncError

    std::int64_t now();  // the server's time. Throws SyncError
    // Live records with an id above `after` that were modified since (0: all of them), by ascending id. Throws SyncError.
    Listing search(const Part &part, const std::string &after, std::int64_t since, std::int64_t limit);
    // `after`: the list's own cursor, in `paging` of what it gave last. Throws SyncError.
    Listing list(const Part &part, bool archived, const std::string &after);
    // At most 100 records; those that are not there are left out. Throws SyncError.
    Listing by_ids(const Part &part, bool archived, const std::vector<std::string> &ids);
    std::string path(const Part &part) const;

  private:
    void watch(const http::Response &response);
    void set_rate(double per_interval, double seconds);

    std::string objects_path_;
    Quota quota_;
    double most_;        // requests in ten seconds, as configured; 0: as HubSpot says
    double stated_ = 0;  // by the headers
    std::optional<Session> session_;
};

}  // namespace xsell::connectors::hubspot
