// A session with a vendor's REST API: logs in when needed, sends the token to trusted hosts only, and turns transport failures
// into sync faults.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "http/client.hpp"
#include "sync/error.hpp"
#include "sync/host.hpp"

namespace xsell::connectors {

// What a login gives. Tokens that come from the configuration are not `kept`; those that a vendor issued are, by the host.
struct Grant {
    std::string token;
    std::string base_url;      // paths are appended to it
    std::string refresh = "";  // the refresh token that came with it, if one did; kept when it is another one than `sent`
    double expires_in = 0;     // seconds; 0: not said
    bool kept = false;
    std::string sent = "";  // the refresh token that this one was got for, if any: the same one back means that it is not rotated
};

// How the token travels.
struct Scheme {
    const char *header = "Authorization";
    const char *prefix = "Bearer ";
};

// Of one request.
struct Call {
    std::vector<http::Header> headers;     // added to Accept and the token
    double cost = 1;                       // tokens it takes from the budget
    const sync::Budget *budget = nullptr;  // instead of the session's own
};

class Session {
  public:
    // `rotated`: the refresh token that the vendor gave last, "" before the first time (use the configured one). Throws
    // SyncError.
    using Login = std::function<Grant(Session &, const std::string &rotated)>;
    // Sees every response with a token: for headers that tell of quotas. May throw SyncError to keep the next request back.
    using Watch = std::function<void(const http::Response &)>;

    Session(http::Trust trust, Login login, std::shared_ptr<sync::Host> host, Scheme scheme = {});

    void budget(const sync::Budget &budget) { budget_ = budget; }  // every request takes its cost from it before it goes out
    // The vendor is known to replace the refresh token at each login: nothing is asked where the new one could not be kept.
    void rotates() { rotates_ = true; }
    void watch(Watch watch) { watch_ = std::move(watch); }
    void headers(std::vector<http::Header> headers) { headers_ = std::move(headers); }  // with every request that has the token

    // With the token; after a 401 a new token is fetched once (once for all workers) and the request repeated with it: a second
    // 401 is for the caller. The response may have any status. Paths begin with '/'; they are appended to the grant's base_url.
    http::Response get(const std::string &path, const Call &call = {});
    http::Response post(const std::string &path, const nlohmann::json &body, const Call &call = {});
    http::Response request(http::Request request, const std::string &path, const Call &call = {});
    // Without the token: for logging in.
    http::Response send(const http::Request &request);

    void log_in();  // now, if it has not happened yet
    const std::string &base_url();
    // The server's clock as of the last response, in microseconds since 1970.
    std::optional<std::int64_t> server_time() const { return server_time_; }
    sync::Host *host() const { return host_.get(); }

  private:
    bool renew();  // whether this session itself has logged in for it
    sync::Token fresh(const std::string &rotated);
    void take(const Call &call);
    http::Client client_;
    Login login_;
    std::shared_ptr<sync::Host> host_;
    Scheme scheme_;
    std::optional<sync::Budget> budget_;
    Watch watch_;
    std::vector<http::Header> headers_;
    std::optional<Grant> grant_;
    std::string refresh_;  // the rotated one, where there is no host to keep it
    bool rotates_ = false, logging_in_ = false;
    std::optional<std::int64_t> server_time_;
};

// 408, 420, 429 and 5xx: try again, after the time that the server asks for.
bool is_transient(int status);
// Seconds, 0..3600, that a response asks to wait; 0 where it does not say. Retry-After goes before all else; x-ratelimit-reset
// (seconds from now, or a time) and X-HubSpot-RateLimit-Interval-Milliseconds count when the limit they tell of is what was hit.
double wait_of(const http::Response &response);
sync::SyncError transient_fault(const http::Response &response, const std::string &what);

// A discarded value when the text is no JSON or nests deeper than 500 levels, for a value is copied and written out by recursion.
// Lone surrogates are mended.
nlohmann::json parse_json(std::string_view text);
// The body as JSON; a discarded value when it is none (proxies and maintenance pages answer in HTML).
nlohmann::json json_body(const http::Response &response);
// A string member; empty when it is missing or of another type.
std::string member(const nlohmann::json &value, const char *name);
// For messages: one line, at most 300 bytes.
std::string brief(const std::string &text);

}  // namespace xsell::connectors
