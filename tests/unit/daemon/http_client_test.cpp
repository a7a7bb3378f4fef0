#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <set>

#include "http/client.hpp"
#include "http_server.hpp"

namespace {

using namespace xsell::http;
using xsell::test::Server;

Failure failure_of(Client &client, const std::string &url) {
    try {
        client.send({"GET", url, {}, ""});
    } catch (const Error &error) {
        return error.failure;
    }
    ADD_FAILURE() << url << " was sent";
    return Failure::network;
}

Trust trusting(const std::string &url) {
    Trust trust;
    trust.add(url);
    return trust;
}

// Answers one connection after the other with the given bytes, and hangs up after each.
class RawServer {
  public:
    // `pause`: between two bytes of an answer.
    explicit RawServer(std::vector<std::string> answers, std::chrono::milliseconds pause = {})
        : answers_(std::move(answers)), pause_(pause) {
        socket_ = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (bind(socket_, reinterpret_cast<sockaddr *>(&address), size) != 0 || listen(socket_, 1) != 0)
            throw std::runtime_error("no socket");
        getsockname(socket_, reinterpret_cast<sockaddr *>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~RawServer() {
        thread_.join();
        close(socket_);
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
    std::string request;  // the last one, once its answer has come

  private:
    void serve() {
        for (const auto &answer : answers_) {
            const int peer = accept(socket_, nullptr, nullptr);
            char got[4096];
            const ssize_t size = read(peer, got, sizeof got);
            if (size > 0) request.assign(got, static_cast<std::size_t>(size));
            const std::size_t piece = pause_.count() ? 1 : answer.size();
            for (std::size_t at = 0; size > 0 && at < answer.size(); at += piece) {
                // The client may have hung up: what it made of it is what the tests look at.
                if (send(peer, answer.data() + at, piece, MSG_NOSIGNAL) < 0) break;
                std::this_thread::sleep_for(pause_);
            }
            close(peer);
        }
    }
    std::vector<std::string> answers_;
    std::chrono::milliseconds pause_;
    int socket_, port_;
    std::thread thread_;
};

// 65,536 times the letter x, and {"half":[1,2,3]}.
std::string hex(std::string_view digits) {
    std::string bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2)
        bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
    return bytes;
}
const std::string gzip_bomb =
    hex("1f8b08000000000002ffedc101010000008090dbcdef080a" + std::string(126, '0') + "6a9a58b42c00000100");
const std::string gzip_json =
    hex("1f8b08000000000002ffab56ca48cc4953b28a36d431d2318ead050063209500"
        "10000000");

std::string ok(const std::string &headers, const std::string &body) {
    return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// The proxy that the environment names, while it lives.
class Proxy {
  public:
    explicit Proxy(const std::string &url) {
        for (const char *name : names) setenv(name, url.c_str(), 1);
    }
    ~Proxy() {
        for (const char *name : names) unsetenv(name);
    }

  private:
    static constexpr const char *names[] = {"http_proxy", "https_proxy", "ALL_PROXY"};
};

TEST(Client, SendsAndReceives) {
    Server server;
    server.server.Post("/echo", [](const httplib::Request &in, httplib::Response &out) {
        out.set_header("X-Agent", in.get_header_value("User-Agent"));
        out.set_content(in.get_header_value("X-One") + "|" + in.body, "text/plain");
    });
    server.start();
    Client client(trusting(server.url()));
    const Response response = client.send({"POST", server.url() + "/echo", {{"X-One", "1"}}, "body"});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "1|body");
    EXPECT_EQ(response.header("x-agent"), "xselld");
    EXPECT_EQ(client.send({"GET", server.url() + "/nothing", {}, ""}).status, 404);
}

TEST(Client, SendsNoInjectedHeader) {
    Client client(trusting("http://127.0.0.1:9"));
    const std::vector<Header> bad = {
        {"X-One", "1\r\nX-Two: 2"},        {"X-One", "1\nX-Two: 2"}, {"X-One\r\nX-Two", "1"}, {"X-One: a", "1"}, {"", "1"},
        {"X-One", std::string("a\0b", 3)}, {"X-One", "a\x7f"}};
    for (const auto &header : bad) {
        try {
            client.send({"GET", "http://127.0.0.1:9/", {header}, ""});
            ADD_FAILURE() << header.name << ": " << header.value;
        } catch (const Error &error) {
            EXPECT_EQ(error.failure, Failure::refused) << header.name << ": " << header.value;
        }
    }
}

TEST(Client, SendsEveryMethod) {
    Server server;
    const auto echo = [](const httplib::Request &in, httplib::Response &out) {
        out.set_content(in.method + "|" + in.body, "text/plain");
    };
    server.server.Patch("/", echo).Put("/", echo).Delete("/", echo).Get("/", echo).Post("/", echo);
    server.start();
    Client client(trusting(server.url()));
    const auto body = [&](const char *method, const char *text) {
        return client.send({method, server.url() + "/", {{"Content-Type", "text/plain"}}, text}).body;
    };
    EXPECT_EQ(body("PATCH", "a"), "PATCH|a");
    EXPECT_EQ(body("PUT", "b"), "PUT|b");
    EXPECT_EQ(body("DELETE", ""), "DELETE|");
    EXPECT_EQ(body("POST", ""), "POST|");
    EXPECT_EQ(body("GET", ""), "GET|");  // nothing is left of the requests before it
    EXPECT_EQ(client.send({"HEAD", server.url() + "/", {}, ""}).status, 200);
    EXPECT_EQ(body("GET", ""), "GET|");
}

TEST(Client, KeepsItsConnection) {
    Server server;
    std::set<int> ports;
    server.server.Get("/", [&](const httplib::Request &in, httplib::Response &) { ports.insert(in.remote_port); });
    server.start();
    Client client(trusting(server.url()));
    for (int i = 0; i < 3; ++i) client.send({"GET", server.url() + "/", {}, ""});
    EXPECT_EQ(ports.size(), 1u);
}

TEST(Client, RefusesRedirectsToOtherHosts) {
    Server other, server;
    std::atomic<int> reached = 0;
    other.server.Get("/", [&](const httplib::Request &, httplib::Response &) { ++reached; });
    other.start();
    server.server.Get("/away", [&](const httplib::Request &, httplib::Response &out) { out.set_redirect(other.url() + "/"); });
    server.server.Get("/sly", [](const httplib::Request &, httplib::Response &out) { out.set_redirect("//evil.example.com/"); });
    server.server.Get("/near", [](const httplib::Request &, httplib::Response &out) { out.set_redirect("/here"); });
    server.server.Get("/here", [](const httplib::Request &, httplib::Response &out) { out.set_content("here", "text/plain"); });
    server.server.Get("/loop", [](const httplib::Request &, httplib::Response &out) { out.set_redirect("/loop"); });
    server.server.Post("/near", [](const httplib::Request &, httplib::Response &out) { out.set_redirect("/here"); });
    server.start();
    Trust trust = trusting(server.url());
    trust.add(other.url());  // even a trusted host is another host
    Client client(trust);
    EXPECT_EQ(failure_of(client, server.url() + "/away"), Failure::refused);
    EXPECT_EQ(failure_of(client, server.url() + "/sly"), Failure::refused);
    EXPECT_EQ(failure_of(client, server.url() + "/loop"), Failure::refused);
    EXPECT_EQ(client.send({"GET", server.url() + "/near", {}, ""}).body, "here");
    EXPECT_THROW(client.send({"POST", server.url() + "/near", {}, "secret"}), Error);
    EXPECT_EQ(reached, 0);
}

TEST(Client, RefusesForeignHosts) {
    Client client(trusting("http://127.0.0.1:9"));
    EXPECT_EQ(failure_of(client, "https://example.com/"), Failure::refused);
    EXPECT_EQ(failure_of(client, "http://127.0.0.1:10/"), Failure::refused);
    Trust careless;
    careless.add("http://example.com");
    Client plain(careless);
    EXPECT_EQ(failure_of(plain, "http://example.com/"), Failure::refused);
}

TEST(Client, CapsTheBodyAfterUnpacking) {
    Server server;
    server.server.Get(
        "/", [](const httplib::Request &, httplib::Response &out) { out.set_content(std::string(5000, 'x'), "text/plain"); });
    server.start();
    Limits limits;
    limits.body_bytes = 4999;
    Client small(trusting(server.url()), limits);
    EXPECT_EQ(failure_of(small, server.url() + "/"), Failure::too_large);
    limits.body_bytes = 5000;
    Client enough(trusting(server.url()), limits);
    EXPECT_EQ(enough.send({"GET", server.url() + "/", {}, ""}).body.size(), 5000u);
}

TEST(Client, CapsBombsAndFloods) {
    Limits limits;
    limits.body_bytes = 60'000;
    std::string nothing = gzip_json.substr(0, 10);  // unpacks to nothing, however long it goes on
    for (int i = 0; i < 40'000; ++i) nothing += std::string("\x00\x00\x00\xff\xff", 5);
    std::string headers;
    for (int i = 0; i < 6000; ++i) headers += "X-Header-" + std::to_string(i) + ": " + std::string(40, 'x') + "\r\n";
    for (const auto &answer : {ok("Content-Encoding: gzip\r\n", gzip_bomb), ok("Content-Encoding: gzip\r\n", nothing),
                               "HTTP/1.0 200 OK\r\n\r\n" + std::string(70'000, 'x'), ok(headers, "")}) {
        RawServer server({answer});
        Client client(trusting(server.url()), limits);
        EXPECT_EQ(failure_of(client, server.url()), Failure::too_large) << answer.substr(0, 60);
    }
    limits.body_bytes = 70'000;
    RawServer server({ok("Content-Encoding: gzip\r\n", gzip_bomb)});
    Client client(trusting(server.url()), limits);
    EXPECT_EQ(client.send({"GET", server.url(), {}, ""}).body, std::string(65'536, 'x'));
}

TEST(Client, TakesTheLimitsOfTheProcess) {
    const Limits before = default_limits();
    Limits limits;
    limits.body_bytes = 3;
    set_default_limits(limits);
    RawServer server({ok("", "four")});
    Client client(trusting(server.url()));
    set_default_limits(before);
    EXPECT_EQ(failure_of(client, server.url()), Failure::too_large);
}

TEST(Client, NoticesCutBodies) {
    const std::string gzip = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n",
                      chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string cut = gzip_json.substr(0, 20), tailless = gzip_json.substr(0, gzip_json.size() - 8);
    std::string damaged = gzip_json;
    damaged[gzip_json.size() - 6] ^= 1;  // the checksum
    for (const std::string &answer : {
             std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":"),
             chunked + "5\r\n{\"a\":\r\n",
             chunked + "5\r\n{\"a",
             chunked + "zz\r\n{}\r\n0\r\n\r\n",
             chunked + "-2\r\n{}\r\n0\r\n\r\n",
             chunked + "ffffffffffffffffff\r\n{}",
             std::string("HTTP/1.1 200 OK\r\nContent-Le"),
             std::string("HTTP/1.1 "),
             std::string("{}"),
             std::string(),
             gzip + "\r\n" + cut,                                                        // until the end of the connection
             gzip + "Content-Length: " + std::to_string(cut.size()) + "\r\n\r\n" + cut,  // the proxy cut it and counted anew
             gzip + "Content-Length: " + std::to_string(tailless.size()) + "\r\n\r\n" + tailless,
             gzip + "Content-Length: " + std::to_string(damaged.size()) + "\r\n\r\n" + damaged,
             gzip + "Content-Length: 5\r\n\r\nplain",
             gzip + "Content-Length: 100\r\n\r\n" + gzip_json,
             gzip + "Transfer-Encoding: chunked\r\n\r\n14\r\n" + cut + "\r\n0\r\n\r\n",
         }) {
        RawServer server({answer});
        Client client(trusting(server.url()));
        EXPECT_EQ(failure_of(client, server.url()), Failure::network) << answer;
    }
}

TEST(Client, ReadsWhateverIsWhole) {
    const struct {
        std::string answer;
        int status;
        std::string body;
    } cases[] = {
        {"HTTP/1.0 200 OK\r\n\r\n{}", 200, "{}"},  // ends with the connection
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nxxxxx", 204, ""},
        {"HTTP/1.1 100 Continue\r\nX-One: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;name=value\r\n{\r\n01\r\n}\r\n0\r\nX-Trailer: 1\r\n\r\n", 200,
         "{}"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more than was announced", 200, "{}"},
        {ok("Content-Encoding: gzip\r\n", gzip_json), 200, "{\"half\":[1,2,3]}"},
        {"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>", 502, "<html></html>"},
        {"HTTP/1.1 304 Not Modified\r\nLocation: https://example.com/\r\n\r\n", 304, ""},
        {"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", 302, ""},
    };
    for (const auto &c : cases) {
        RawServer server({c.answer});
        Client client(trusting(server.url()));
        const auto response = client.send({"GET", server.url(), {}, ""});
        EXPECT_EQ(response.status, c.status) << c.answer;
        EXPECT_EQ(response.body, c.body) << c.answer;
        EXPECT_EQ(response.header("x-one"), std::nullopt) << c.answer;
    }
}

TEST(Client, TrimsHeaderValues) {
    RawServer server({ok("Retry-After: \t 17 \t\r\nX-Two:2\r\n", "")});
    Client client(trusting(server.url()));
    const auto response = client.send({"GET", server.url(), {{"X-Empty", ""}}, ""});
    EXPECT_EQ(response.retry_after(), 17);
    EXPECT_EQ(response.header("x-two"), "2");
    EXPECT_NE(server.request.find("\r\nX-Empty:\r\n"), std::string::npos) << server.request;
}

TEST(Client, GoesOnAfterAnError) {
    const std::string good = ok("", "good"), cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut";
    RawServer server(
        {cut, good, ok("Content-Encoding: gzip\r\n", "plain"), good, "HTTP/1.1 204 No Content\r\n\r\nleft over", good});
    Client client(trusting(server.url()));
    const Request request{"GET", server.url(), {}, ""};
    EXPECT_EQ(failure_of(client, server.url()), Failure::network);
    EXPECT_EQ(client.send(request).body, "good");
    EXPECT_EQ(failure_of(client, server.url()), Failure::network);
    EXPECT_EQ(client.send(request).body, "good");
    EXPECT_EQ(client.send(request).status, 204);
    EXPECT_EQ(client.send(request).body, "good");
}

TEST(Client, SendsNoSecretOfLoopbackToAProxy) {
    const Proxy proxy("http://127.0.0.1:9");
    RawServer server({ok("", "here")});
    Client client(trusting(server.url()));
    EXPECT_EQ(client.send({"GET", server.url(), {}, ""}).body, "here");
}

TEST(Client, TunnelsThroughAProxy) {
    RawServer proxy({"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"});
    const Proxy environment(proxy.url());
    Client client(Trust({"example.com"}));
    try {
        client.send({"GET", "https://api.example.com/path?query", {{"Authorization", "Bearer planted-secret"}}, ""});
        ADD_FAILURE();
    } catch (const Error &error) {
        EXPECT_EQ(error.failure, Failure::network) << error.what();
    }
    EXPECT_TRUE(proxy.request.starts_with("CONNECT api.example.com:443 ")) << proxy.request;
    EXPECT_EQ(proxy.request.find("planted-secret"), std::string::npos);
    EXPECT_EQ(proxy.request.find("path"), std::string::npos);
}

TEST(Client, DoesNotWaitForeverForSlowServers) {
    Limits limits;
    limits.total_seconds = 1;
    RawServer server({"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x')}, std::chrono::milliseconds(20));
    Client client(trusting(server.url()), limits);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(failure_of(client, server.url()), Failure::network);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST(Client, TimesOut) {
    Server server;
    server.server.Get(
        "/", [](const httplib::Request &, httplib::Response &) { std::this_thread::sleep_for(std::chrono::milliseconds(1500)); });
    server.start();
    Limits limits;
    limits.total_seconds = 1;
    Client client(trusting(server.url()), limits);
    EXPECT_EQ(failure_of(client, server.url() + "/"), Failure::network);
}

TEST(Client, StopsOnRequest) {
    Server server;
    server.server.Get(
        "/", [](const httplib::Request &, httplib::Response &) { std::this_thread::sleep_for(std::chrono::milliseconds(1500)); });
    server.start();
    Client client(trusting(server.url()));
    std::thread stopper([] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        stop_transfers();
    });
    EXPECT_EQ(failure_of(client, server.url() + "/"), Failure::stopped);
    stopper.join();
    EXPECT_EQ(failure_of(client, server.url() + "/"), Failure::stopped);
    allow_transfers();
}

}  // namespace
