// A session with a vendor's REST API: logs in when needed, sends the token to trusted hosts only, and turns transport failures
// into sync faults.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "http/client.hpp"
#include "sync/error.hpp"

namespace xsell::connectors {

struct Grant {
    std::string token;
    std::string base_url;  // paths are appended to it
};

class Session {
  public:
    using Login = std::function<Grant(Session &)>;  // throws SyncError

    Session(http::Trust trust, Login login) : client_(std::move(trust)), login_(std::move(login)) {}

    // With the token; after a 401 a new token is fetched once and the request repeated once. The response may have any status.
    http::Response get(const std::string &path);
    http::Response post(const std::string &path, const nlohmann::json &body);
    // Without the token: for logging in.
    http::Response send(const http::Request &request);

    void log_in();  // now, if it has not happened yet
    // The server's clock as of the last response, in microseconds since 1970.
    std::optional<std::int64_t> server_time() const { return server_time_; }

  private:
    http::Response authorized(http::Request request, const std::string &path);
    http::Client client_;
    Login login_;
    std::optional<Grant> grant_;
    std::optional<std::int64_t> server_time_;
};

// 408, 420, 429 and 5xx: try again, after the time that the server asks for.
bool is_transient(int status);
sync::SyncError transient_fault(const http::Response &response, const std::string &what);

// The body as JSON; a discarded value when it is none (proxies and maintenance pages answer in HTML).
nlohmann::json json_body(const http::Response &response);
// A string member; empty when it is missing or of another type.
std::string member(const nlohmann::json &value, const char *name);
// For messages: one line, at most 300 bytes.
std::string brief(const std::string &text);

}  // namespace xsell::connectors
