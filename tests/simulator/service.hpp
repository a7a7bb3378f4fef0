// What all routes share: which org is asked, faults, tokens, the lock on the world, and how answers look.
#pragma once
#include <httplib.h>

#include <atomic>
#include <functional>
#include <memory>
#include <set>

#include "dialect.hpp"

namespace xsell::simulator {

struct ServiceOptions {
    std::size_t page_size = 2000;
    std::string client_id = "simulator-client", client_secret = "simulator-secret", refresh_token = "simulator-refresh";
    std::string hubspot_token = "pat-simulator";
    std::string jwt_public_key;         // PEM; "": assertions are checked for structure only
    std::string truth;                  // folder of the ground truth; "": none
    std::vector<std::string> truth_of;  // dialects whose truth is written too
    Time index_lag = 0;                 // seconds until HubSpot's search finds a change
    int port = 0;
};

HttpError salesforce_error(int status, const char *code, const std::string &message);
HttpError hubspot_error(int status, const char *category, const std::string &message);

class Service {
  public:
    Service(Simulation &simulation, ServiceOptions options) : simulation(simulation), options(std::move(options)) {}

    using Handler = std::function<void(const httplib::Request &, httplib::Response &, const Crm &, Time now)>;
    // A route of one vendor's API below /{org}: counts, strikes with faults, checks the token, locks the world for reading.
    httplib::Server::Handler api(const Vendor &vendor, Handler handler);
    // The same without token and faults.
    httplib::Server::Handler open(const Vendor &vendor, Handler handler);
    // The vendors that have orgs of their own.
    httplib::Server::Handler api(bool hubspot, Handler handler);
    httplib::Server::Handler open(bool hubspot, Handler handler);

    // `path`: the first part of the path, which is the name of the org or of the dialect.
    std::string issue_token(const Vendor &vendor, const std::string &path);
    std::string issue_token(const Crm &crm);
    void revoke_tokens(const std::string &path);

    // Vendors with a world of their own, by their path.
    std::set<std::string> worlds;
    // Seconds that the Date header is off: a source whose clock was set back.
    std::atomic<Time> skew{0};

    struct Cursor {
        std::size_t org;
        std::string version, object_name;
        std::vector<std::string> fields;
        std::vector<std::uint32_t> rows;
        Time created;
    };
    std::string keep(Cursor cursor);
    std::shared_ptr<const Cursor> cursor(const std::string &name);
    void drop_cursors();

    Simulation &simulation;
    const ServiceOptions options;
    Faults faults;
    Stats stats;

  private:
    struct Asked {
        const Vendor &vendor;
        const Crm &crm;
        std::string path;
    };
    httplib::Server::Handler route(const Vendor &vendor, bool guarded, Handler handler);
    std::optional<std::size_t> org_of(const Vendor &vendor, const std::string &path) const;
    void serve(const httplib::Request &req, httplib::Response &res, const Asked &asked, bool guarded, const Handler &handler);
    void authorize(const httplib::Request &req, const Asked &asked);

    std::mutex mutex_;
    std::map<std::string, std::set<std::string>> tokens_;
    std::map<std::string, std::shared_ptr<const Cursor>> cursors_;
    std::vector<std::string> cursor_order_;
    std::size_t issued_ = 0;
};

void mount_salesforce(httplib::Server &server, Service &service);
void mount_hubspot(httplib::Server &server, Service &service);
void mount_control(httplib::Server &server, Service &service);
void json(httplib::Response &res, std::string body, int status = 200);

}  // namespace xsell::simulator
