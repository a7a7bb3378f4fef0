#include "http/client.hpp"

#include <curl/curl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>

namespace xsell::http {
namespace {

std::atomic<bool> stop_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in signal handlers");

constexpr int max_redirects = 5;

struct Receiver {
    Response response;
    std::size_t limit = 0;
    bool too_large = false;
    bool plain = false;  // http: only a loopback peer will do, whatever the name resolved to
    bool foreign_peer = false;
    bool headers_ended = false;  // the empty line after them has come
};

std::string trimmed_lower(std::string_view text) {
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::size_t on_body(char *data, std::size_t, std::size_t size, void *target) {
    auto &receiver = *static_cast<Receiver *>(target);
    if (receiver.response.body.size() + size > receiver.limit) {
        receiver.too_large = true;
        return 0;
    }
    receiver.response.body.append(data, size);
    return size;
}

std::size_t on_header(char *data, std::size_t, std::size_t size, void *target) {
    auto &receiver = *static_cast<Receiver *>(target);
    auto &headers = receiver.response.headers;
    std::string_view line(data, size);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    receiver.headers_ended = line.empty();
    if (line.starts_with("HTTP/")) headers.clear();  // the block after a "100 Continue"
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    headers.push_back({trimmed_lower(line.substr(0, colon)), std::string(value)});
    return size;
}

int on_progress(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return stop_wanted.load() ? 1 : 0; }

int on_connected(void *target, char *peer, char *, int, int) {
    auto &receiver = *static_cast<Receiver *>(target);
    if (!receiver.plain || is_loopback(peer)) return CURL_PREREQFUNC_OK;
    receiver.foreign_peer = true;
    return CURL_PREREQFUNC_ABORT;
}

struct HeaderList {
    curl_slist *list = nullptr;
    void add(const std::string &line) {
        if (line.find_first_of("\r\n") != std::string::npos) throw Error(Failure::refused, "a request header holds a line break");
        list = curl_slist_append(list, line.c_str());
    }
    ~HeaderList() { curl_slist_free_all(list); }
};

[[noreturn]] void fail(CURLcode code, const Receiver &receiver, const Address &address, const char *detail) {
    const std::string text = address.host + ": " + (detail && *detail ? detail : curl_easy_strerror(code));
    if (receiver.too_large) {
        throw Error(Failure::too_large,
                    address.host + ": the response is larger than " + std::to_string(receiver.limit) + " bytes");
    }
    if (receiver.foreign_peer)
        throw Error(Failure::refused, address.host + ": plain http, but the name is not a loopback address");
    if (code == CURLE_ABORTED_BY_CALLBACK) throw Error(Failure::stopped, "stopped");
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM) {
        throw Error(Failure::tls, text);
    }
    throw Error(Failure::network, text);
}

}  // namespace

void stop_transfers() noexcept { stop_wanted.store(true); }
void allow_transfers() noexcept { stop_wanted.store(false); }

std::optional<std::string> Response::header(std::string_view lower_name) const {
    for (const auto &[name, value] : headers) {
        if (name == lower_name) return value;
    }
    return std::nullopt;
}

std::optional<std::int64_t> parse_http_date(const std::string &text) {
    const time_t seconds = curl_getdate(text.c_str(), nullptr);
    if (seconds == -1) return std::nullopt;
    return static_cast<std::int64_t>(seconds);
}

std::optional<std::int64_t> Response::date() const {
    const auto text = header("date");
    return text ? parse_http_date(*text) : std::nullopt;
}

std::optional<double> Response::retry_after() const {
    const auto text = header("retry-after");
    if (!text) return std::nullopt;
    double wait = 0;
    const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), wait);
    if (error != std::errc() || stop != text->data() + text->size()) {
        const auto until = parse_http_date(*text);
        if (!until) return std::nullopt;
        // Measured on the server's own clock where it states it: ours may be minutes off.
        const auto now = date().value_or(
            std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
        wait = static_cast<double>(*until - now);
    }
    return wait > 0 ? std::min(wait, 3600.0) : 0.0;  // a NaN ends as 0
}

struct Client::Handle {
    CURL *curl = nullptr;
    char detail[CURL_ERROR_SIZE] = "";
    Handle() {
        static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
        curl = once == CURLE_OK ? curl_easy_init() : nullptr;
        if (!curl) throw Error(Failure::network, "libcurl cannot be initialised");
    }
    ~Handle() { curl_easy_cleanup(curl); }
};

Client::Client(Trust trust, Limits limits) : trust_(std::move(trust)), limits_(limits), handle_(std::make_unique<Handle>()) {}
Client::~Client() = default;

Response Client::send(const Request &request) {
    Request current = request;
    for (int hop = 0;; ++hop) {
        const Address address = parse_address(current.url);
        trust_.check(address);
        Response response = transfer(current, address);
        const auto location = response.header("location");
        if (response.status < 300 || response.status > 399 || !location) return response;
        const bool relative = location->starts_with('/') && !location->starts_with("//");
        const std::string origin = current.url.substr(0, current.url.find('/', current.url.find("://") + 3));
        const std::string next = relative ? origin + *location : *location;
        if (!parse_address(next).same_origin(address)) {
            throw Error(Failure::refused, address.host + ": redirect to another host is refused");
        }
        if (request.method != "GET" || hop == max_redirects)
            throw Error(Failure::refused, address.host + ": redirect is refused");
        current.url = next;
    }
}

void Client::prepare(const Request &request, const Address &address) {
    CURL *curl = handle_->curl;
    curl_easy_reset(curl);  // keeps the connection
    handle_->detail[0] = '\0';
    const auto set = [curl](CURLoption option, auto value) { curl_easy_setopt(curl, option, value); };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    if (is_loopback(address.host)) set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_CONNECTTIMEOUT, limits_.connect_seconds);
    set(CURLOPT_TIMEOUT, limits_.total_seconds);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_ACCEPT_ENCODING, "gzip");
    set(CURLOPT_USERAGENT, "xselld");
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_ERRORBUFFER, handle_->detail);
    if (request.method == "POST") {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_POSTFIELDS, request.body.c_str());
    } else if (request.method != "GET") {
        set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
}

Response Client::transfer(const Request &request, const Address &address) {
    if (stop_wanted.load()) throw Error(Failure::stopped, "stopped");
    prepare(request, address);
    CURL *curl = handle_->curl;
    Receiver receiver;
    receiver.limit = limits_.body_bytes;
    receiver.plain = address.scheme == "http";
    HeaderList headers;
    for (const auto &[name, value] : request.headers) headers.add(name + ": " + value);
    headers.add("Expect:");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, &receiver);
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) fail(code, receiver, address, handle_->detail);
    if (!receiver.headers_ended) throw Error(Failure::network, address.host + ": the response was cut");
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    receiver.response.status = static_cast<int>(status);
    spdlog::debug("{} {}{} -> {}, {} bytes", request.method, address.host, address.target.substr(0, address.target.find('?')),
                  status, receiver.response.body.size());
    return std::move(receiver.response);
}

}  // namespace xsell::http
