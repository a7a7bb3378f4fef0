#include "http/client.hpp"

#include <curl/curl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>

#include "http/gzip.hpp"

namespace xsell::http {
namespace {

std::atomic<bool> stop_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in signal handlers");

constexpr int max_redirects = 5;
constexpr double longest_wait = 3600;
constexpr long login_seconds = 60;
constexpr std::size_t max_header_bytes = 256u << 10;  // of all the headers of a response; real ones have less than 16 KB

struct Receiver {
    Response response;
    CURL *curl = nullptr;
    Inflater *inflater = nullptr;
    std::size_t limit = 0;
    std::size_t header_bytes = 0;
    bool to_the_end = false;
    bool too_large = false;
    bool damaged = false;  // is not in the encoding that it claims
    enum class Packed { unknown, no, yes } packed = Packed::unknown;
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

// On the first piece of a body, when all the headers are known.
void begin_body(Receiver &receiver) {
    const std::string encoding = trimmed_lower(receiver.response.header("content-encoding").value_or(""));
    receiver.packed = encoding.empty() || encoding == "identity" ? Receiver::Packed::no : Receiver::Packed::yes;
    if (encoding != "gzip" && encoding != "x-gzip" && encoding != "deflate" && receiver.packed == Receiver::Packed::yes)
        receiver.damaged = true;
    curl_off_t length = 0;
    curl_easy_getinfo(receiver.curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length > 0) receiver.response.body.reserve(std::min(static_cast<std::size_t>(length), receiver.limit));
}

std::size_t on_body(char *data, std::size_t, std::size_t size, void *target) {
    auto &receiver = *static_cast<Receiver *>(target);
    std::string &body = receiver.response.body;
    if (receiver.packed == Receiver::Packed::unknown) begin_body(receiver);
    if (receiver.damaged) return 0;
    if (receiver.packed == Receiver::Packed::no) {
        receiver.too_large = size > receiver.limit - body.size();
        if (!receiver.too_large) body.append(data, size);
    } else {
        const auto result = receiver.inflater->add({data, size}, body, receiver.limit);
        receiver.too_large = result == Inflater::Result::too_large;
        receiver.damaged = result == Inflater::Result::damaged;
    }
    return receiver.too_large || receiver.damaged ? 0 : size;
}

std::size_t on_header(char *data, std::size_t, std::size_t size, void *target) {
    auto &receiver = *static_cast<Receiver *>(target);
    auto &headers = receiver.response.headers;
    receiver.header_bytes += size;
    if (receiver.header_bytes > max_header_bytes) {
        receiver.too_large = true;
        return 0;
    }
    std::string_view line(data, size);
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!line.empty() && blank(line.back())) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {  // the first block, or the one after a "100 Continue"
        headers.clear();
        receiver.headers_ended = false;
    }
    if (receiver.headers_ended) return size;  // trailers of a chunked body say nothing that we would believe
    receiver.headers_ended = line.empty();
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    headers.push_back({trimmed_lower(line.substr(0, colon)), std::string(value)});
    return size;
}

// `received` is counted before unpacking: a stream that unpacks to nothing must end, too.
int on_progress(void *target, curl_off_t, curl_off_t received, curl_off_t, curl_off_t) {
    auto &receiver = *static_cast<Receiver *>(target);
    if (received > 0 && static_cast<std::size_t>(received) > receiver.limit) receiver.too_large = true;
    return receiver.too_large || (stop_wanted.load() && !receiver.to_the_end) ? 1 : 0;
}

int on_connected(void *target, char *peer, char *, int, int) {
    auto &receiver = *static_cast<Receiver *>(target);
    if (!receiver.plain || is_loopback(peer)) return CURL_PREREQFUNC_OK;
    receiver.foreign_peer = true;
    return CURL_PREREQFUNC_ABORT;
}

struct HeaderList {
    curl_slist *list = nullptr;
    void add(const std::string &name, const std::string &value) {
        const auto control = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; };
        if (name.empty() || name.find_first_of(": ") != std::string::npos || std::any_of(name.begin(), name.end(), control) ||
            std::any_of(value.begin(), value.end(), control))
            throw Error(Failure::refused, "a request header holds a line break or another control character");
        append(value.empty() ? name + ";" : name + ": " + value);  // "name;" is how curl sends an empty one
    }
    void append(const std::string &line) {
        if (curl_slist *longer = curl_slist_append(list, line.c_str())) list = longer;
    }
    HeaderList() = default;
    HeaderList(const HeaderList &) = delete;
    HeaderList &operator=(const HeaderList &) = delete;
    ~HeaderList() { curl_slist_free_all(list); }
};

[[noreturn]] void fail(CURLcode code, const Receiver &receiver, const Address &address, const char *detail) {
    const std::string text = address.host + ": " + (detail && *detail ? detail : curl_easy_strerror(code));
    if (receiver.too_large) {
        throw Error(Failure::too_large, address.host + ": the response is larger than " + std::to_string(receiver.limit) +
                                            " bytes, or its headers than " + std::to_string(max_header_bytes));
    }
    if (receiver.damaged) throw Error(Failure::network, address.host + ": the compressed response is damaged");
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
    if (!text || text->empty()) return std::nullopt;
    double wait = 0;
    const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), wait, std::chars_format::fixed);
    const bool number = std::isdigit(static_cast<unsigned char>(text->back())) && stop == text->data() + text->size();
    if (number && error == std::errc::result_out_of_range) wait = longest_wait;
    if (!number) {
        if (text->find(':') == std::string::npos) return std::nullopt;  // every form of a date has a time of day
        const auto until = parse_http_date(*text);
        if (!until) return std::nullopt;
        // Measured on the server's own clock where it states it: ours may be minutes off.
        const auto now = date().value_or(
            std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
        wait = static_cast<double>(*until - now);
    }
    return std::clamp(wait, 0.0, longest_wait);
}

struct Client::Handle {
    CURL *curl = nullptr;
    Inflater inflater;
    char detail[CURL_ERROR_SIZE] = "";
    Handle() {
        static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
        curl = once == CURLE_OK ? curl_easy_init() : nullptr;
        if (!curl) throw Error(Failure::network, "libcurl cannot be initialised");
    }
    ~Handle() { curl_easy_cleanup(curl); }
};

namespace {
Limits &process_limits() {
    static Limits limits;
    return limits;
}
}  // namespace

Limits default_limits() { return process_limits(); }
void set_default_limits(const Limits &limits) { process_limits() = limits; }

Client::Client(Trust trust, Limits limits) : trust_(std::move(trust)), limits_(limits), handle_(std::make_unique<Handle>()) {}
Client::~Client() = default;

Response Client::send(const Request &request, bool to_the_end) {
    std::string url = request.url;
    for (int hop = 0;; ++hop) {
        const Address address = parse_address(url);
        trust_.check(address);
        Response response = transfer(request, address, to_the_end);
        const auto location = response.header("location");
        const bool redirect = response.status == 301 || response.status == 302 || response.status == 303 ||
                              response.status == 307 || response.status == 308;
        if (!redirect || !location) return response;
        const bool relative = location->starts_with('/') && !location->starts_with("//");
        url = relative ? address.origin() + *location : *location;
        if (!parse_address(url).same_origin(address)) {
            throw Error(Failure::refused, address.host + ": redirect to another host is refused");
        }
        if (request.method != "GET" || hop == max_redirects)
            throw Error(Failure::refused, address.host + ": redirect is refused");
    }
}

void Client::prepare(const Request &request, const Address &address) {
    CURL *curl = handle_->curl;
    curl_easy_reset(curl);  // keeps the connection
    handle_->detail[0] = '\0';
    const auto set = [curl](CURLoption option, auto value) { curl_easy_setopt(curl, option, value); };
    set(CURLOPT_URL, address.url().c_str());  // copied by curl; what was checked is what is asked
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    if (is_loopback(address.host)) set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // of a proxy
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_CONNECTTIMEOUT, limits_.connect_seconds);
    set(CURLOPT_TIMEOUT, limits_.total_seconds);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_USERAGENT, "xselld");
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_ERRORBUFFER, handle_->detail);
    if (request.method == "POST" || !request.body.empty()) {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_POSTFIELDS, request.body.c_str());
    }
    if (request.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET" && request.method != "POST") {
        set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
}

Response Client::transfer(const Request &request, const Address &address, bool to_the_end) {
    if (stop_wanted.load()) throw Error(Failure::stopped, "stopped");
    prepare(request, address);
    CURL *curl = handle_->curl;
    Receiver receiver;
    receiver.curl = curl;
    receiver.to_the_end = to_the_end;
    if (to_the_end) curl_easy_setopt(curl, CURLOPT_TIMEOUT, std::min(limits_.total_seconds, login_seconds));
    receiver.inflater = &handle_->inflater;
    handle_->inflater.begin();
    receiver.limit = limits_.body_bytes;
    receiver.plain = address.scheme == "http";
    HeaderList headers;
    for (const auto &[name, value] : request.headers) headers.add(name, value);
    headers.append("Accept-Encoding: gzip");
    headers.append("Expect:");  // a name without a value is left out
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &receiver);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, &receiver);
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) fail(code, receiver, address, handle_->detail);
    if (!receiver.headers_ended || !handle_->inflater.whole())
        throw Error(Failure::network, address.host + ": the response was cut");
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    receiver.response.status = static_cast<int>(status);
    spdlog::debug("{} {}{} -> {}, {} bytes", request.method, address.host, address.target.substr(0, address.target.find('?')),
                  status, receiver.response.body.size());
    spdlog::trace("{} {}{} was answered with {} headers", request.method, address.host, address.target,
                  receiver.response.headers.size());
    return std::move(receiver.response);
}

}  // namespace xsell::http
