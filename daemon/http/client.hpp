// The HTTP client: one kept-alive connection, gzip, limits on time and size, and no request to a host that is not trusted.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/address.hpp"
#include "http/error.hpp"

namespace xsell::http {

struct Header {
    std::string name, value;
};

struct Request {
    std::string method = "GET";
    std::string url;
    std::vector<Header> headers;
    std::string body;
};

struct Response {
    int status = 0;
    std::vector<Header> headers;  // names in lower case
    std::string body;
    std::optional<std::string> header(std::string_view lower_name) const;
    // The server's clock (Date), as seconds since 1970.
    std::optional<std::int64_t> date() const;
    // Seconds that Retry-After asks for, whether it is a number or a date, clamped to 0..3600; nothing when it is neither.
    std::optional<double> retry_after() const;
};

struct Limits {
    long connect_seconds = 10;
    long total_seconds = 300;
    std::size_t body_bytes = 64u << 20;  // before unpacking, and after it: what a response may take of the memory
};

// Of clients that are not told otherwise, in the whole process; set before the first of them is made.
Limits default_limits();
void set_default_limits(const Limits &limits);

// "Sun, 06 Nov 1994 08:49:37 GMT" and the two older forms, as seconds since 1970.
std::optional<std::int64_t> parse_http_date(const std::string &text);

// Ends running transfers, and refuses new ones, in the whole process; safe in a signal handler.
void stop_transfers() noexcept;
void allow_transfers() noexcept;

// Not for use by two threads at once.
class Client {
  public:
    explicit Client(Trust trust, Limits limits = default_limits());
    ~Client();
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;

    // Throws Error. A redirect is followed for GET on the same origin only. `to_the_end`: once sent, it is not ended by
    // stop_transfers(), and takes a minute at most; for a login, whose answer may hold a token that is given once.
    Response send(const Request &request, bool to_the_end = false);

  private:
    struct Handle;
    void prepare(const Request &request, const Address &address);
    Response transfer(const Request &request, const Address &address, bool to_the_end);
    Trust trust_;
    Limits limits_;
    std::unique_ptr<Handle> handle_;
};

}  // namespace xsell::http
