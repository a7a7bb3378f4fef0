#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

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

// Answers the first connection with the given bytes and hangs up.
class RawServer {
  public:
    explicit RawServer(std::string answer) : answer_(std::move(answer)) {
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

  private:
    void serve() {
        const int peer = accept(socket_, nullptr, nullptr);
        char request[4096];
        if (read(peer, request, sizeof request) > 0 && write(peer, answer_.data(), answer_.size()) < 0)
            ADD_FAILURE() << "cannot write";
        close(peer);
    }
    std::string answer_;
    int socket_, port_;
    std::thread thread_;
};

TEST(Address, TakesUrlsApart) {
    const Address plain = parse_address("HTTPS://Api.Example.COM./a/b?c=d#e");
    EXPECT_EQ(plain.scheme, "https");
    EXPECT_EQ(plain.host, "api.example.com");
    EXPECT_EQ(plain.port, 443);
    EXPECT_EQ(plain.target, "/a/b?c=d");
    const Address six = parse_address("http://[::1]:8080");
    EXPECT_EQ(six.host, "::1");
    EXPECT_EQ(six.port, 8080);
    EXPECT_EQ(six.target, "/");
}

TEST(Address, RefusesWhatIsNoCleanAddress) {
    for (const char *bad :
         {"", "ftp://a.b/", "https://", "https://user@host/", "https://user:pass@host/", "https://a b/", "https://host:0/",
          "https://host:99999/", "https://host:80x/", "https://host\\@evil.com/", "https://[::1]x/", "https://ho%73t/", "host"}) {
        EXPECT_THROW(parse_address(bad), Error) << bad;
    }
}

TEST(Address, KnowsLoopback) {
    for (const char *host : {"127.0.0.1", "127.255.1.2", "::1", "localhost"}) EXPECT_TRUE(is_loopback(host)) << host;
    for (const char *host : {"128.0.0.1", "127.0.0.1.example.com", "127.1", "localhost.example.com", "::2", "10.0.0.1"})
        EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(Trust, LetsConfiguredAndVendorHostsPassAlone) {
    Trust trust({"salesforce.com"});
    trust.add("https://crm.example.com:8443/org");
    trust.add("http://127.0.0.1:8080");
    const auto passes = [&](const std::string &url) {
        try {
            trust.check(parse_address(url));
            return true;
        } catch (const Error &error) {
            EXPECT_EQ(error.failure, Failure::refused);
            return false;
        }
    };
    EXPECT_TRUE(passes("https://na1.salesforce.com/x"));
    EXPECT_TRUE(passes("https://crm.example.com:8443/elsewhere"));
    EXPECT_TRUE(passes("http://127.0.0.1:8080/x"));
    EXPECT_FALSE(passes("https://evilsalesforce.com/"));
    EXPECT_FALSE(passes("https://salesforce.com.evil.org/"));
    EXPECT_FALSE(passes("http://na1.salesforce.com/"));
    EXPECT_FALSE(passes("https://na1.salesforce.com:444/"));
    EXPECT_FALSE(passes("https://crm.example.com/"));
    EXPECT_FALSE(passes("http://127.0.0.1:8081/"));
    EXPECT_FALSE(passes("http://crm.example.com:8443/"));
}

TEST(Encoding, FollowsItsStandards) {
    EXPECT_EQ(encode("a b+c='1'&\xC3\xA9~"), "a%20b%2Bc%3D%271%27%26%C3%A9~");
    EXPECT_EQ(encode_form({{"a", "1 2"}, {"b", "&"}}), "a=1%202&b=%26");
    EXPECT_EQ(encode_base64(""), "");
    EXPECT_EQ(encode_base64("f"), "Zg==");
    EXPECT_EQ(encode_base64("fo"), "Zm8=");
    EXPECT_EQ(encode_base64("foo"), "Zm9v");
    EXPECT_EQ(encode_base64("foobar"), "Zm9vYmFy");
}

TEST(Dates, AreReadInAllThreeForms) {
    EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), 784111777);
    EXPECT_EQ(parse_http_date("soon"), std::nullopt);
}

TEST(Dates, RetryAfterIsANumberOrADate) {
    const auto wait = [](std::vector<Header> headers) {
        Response response;
        response.headers = std::move(headers);
        return response.retry_after();
    };
    EXPECT_EQ(wait({}), std::nullopt);
    EXPECT_EQ(wait({{"retry-after", "17"}}), 17);
    EXPECT_EQ(wait({{"retry-after", "-5"}}), 0);
    EXPECT_EQ(wait({{"retry-after", "nan"}}), 0);
    EXPECT_EQ(wait({{"retry-after", "999999"}}), 3600);
    EXPECT_EQ(wait({{"retry-after", "later"}}), std::nullopt);
    // By the server's clock, however wrong ours is.
    EXPECT_EQ(wait({{"date", "Sun, 06 Nov 1994 08:49:07 GMT"}, {"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}), 30);
    EXPECT_EQ(wait({{"date", "Sun, 06 Nov 1994 08:49:37 GMT"}, {"retry-after", "Sun, 06 Nov 1994 08:49:07 GMT"}}), 0);
}

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
    EXPECT_THROW(client.send({"GET", server.url(), {{"X-One", "1\r\nX-Two: 2"}}, ""}), Error);
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

TEST(Client, NoticesCutBodies) {
    for (const char *answer :
         {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n", "HTTP/1.1 200 OK\r\nContent-Le", ""}) {
        RawServer server(answer);
        Client client(trusting(server.url()));
        EXPECT_EQ(failure_of(client, server.url()), Failure::network) << answer;
    }
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
