// What all routes share: which org is asked, faults, tokens, the lock on the world, and how answers look.
#pragma once
#include <httplib.h>

#include <functional>
#include <memory>
#include <set>

#include "faults.hpp"
#include "simulation.hpp"

namespace xsell::simulator {

struct ServiceOptions {
    std::size_t page_size = 2000;
    std::string client_id = "simulator-client", client_secret = "simulator-secret", refresh_token = "simulator-refresh";
    std::string hubspot_token = "pat-simulator";
    std::string jwt_public_key;  // PEM; "": assertions are checked for structure only
    std::string truth;           // folder of the ground truth; "": none
    Time index_lag = 0;          // seconds until HubSpot's search finds a change
    int port = 0;
};

// An answer other than success; the status and the finished body.
struct HttpError {
    int status;
    std::string body;
};
HttpError salesforce_error(int status, const char *code, const std::string &message);
HttpError hubspot_error(int status, const char *category, const std::string &message);

class Service {
  public:
    Service(Simulation &simulation, ServiceOptions options) : simulation(simulation), options(std::move(options)) {}

    using Handler = std::function<void(const httplib::Request &, httplib::Response &, const Crm &, Time now)>;
    // A route of one vendor's API below /{org}: counts, strikes with faults, checks the token, locks the world for reading.
    httplib::Server::Handler api(bool hubspot, Handler handler);
    // The same without token and faults.
    httplib::Server::Handler open(bool hubspot, Handler handler);

    std::string issue_token(const Crm &crm);
    void revoke_tokens(const Crm &crm);

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
    httplib::Server::Handler route(bool hubspot, bool guarded, Handler handler);
    void serve(const httplib::Request &req, httplib::Response &res, const Crm &crm, bool guarded, const Handler &handler);
    void authorize(const httplib::Request &req, const Crm &crm);

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
