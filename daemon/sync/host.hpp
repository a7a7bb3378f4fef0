// What a connector may ask of the daemon that it runs in: its share of the vendor's limits, and the org's tokens. Shared by all
// workers of all daemons on one database, where the store implements it.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace xsell::sync {

// A limit of one API: a bucket that holds `burst` tokens and gains `per_second`.
struct Budget {
    const char *name;  // "search", "requests"; a bucket per org and name
    double per_second;
    double burst;
};

struct Token {
    std::string access, refresh;  // refresh: empty where the vendor gives none
    std::string base_url;         // where the API lives, if the token's answer said so
    std::int64_t expires_at = 0;  // microseconds since 1970; 0: not said
    bool kept = false;            // issued by the vendor: worth storing. false: it comes from the configuration
};

// Every token, and every refresh token, is told to one listener of the process as soon as it is known and before it is used, so
// that logs can hide it. Set the listener before the first sync; it may be called by any thread.
void on_token(std::function<void(const std::string &)> listener);
void tell_token(const Token &token);

class Host {
  public:
    virtual ~Host() = default;
    // Takes `cost` tokens. Returns the seconds to wait before the request may go out: they are reserved, not to be asked again.
    virtual double take(const Budget &budget, double cost) = 0;
    // What the vendor's headers say of a quota that lasts longer than seconds (a day): how much of it is used. Kept, shown by
    // xselld status.
    virtual void used(const std::string &quota, double used, double limit) = 0;
    // The token that is kept for the org, if any.
    virtual std::optional<Token> token() = 0;
    // Under a lock that all daemons share: when the kept token is no longer `stale` it is returned, for somebody else has renewed
    // it meanwhile; else `renew` is run with what is kept, and what it returns is kept (encrypted, committed) before anybody uses
    // it. What `renew` throws passes through.
    virtual Token renewed(const std::string &stale, const std::function<Token(const std::optional<Token> &)> &renew) = 0;
    // Whether kept tokens outlive this process. A vendor that replaces the refresh token at each login must not be asked for one
    // otherwise: the next process would come with a token that is spent.
    virtual bool keeps() const { return true; }
    // Waits; throws SyncError (stopped) when the daemon is to stop.
    virtual void pause(double seconds) = 0;
};

}  // namespace xsell::sync
