#include "http/address.hpp"

#include <gtest/gtest.h>

#include "http/client.hpp"

namespace {

using namespace xsell::http;

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
    EXPECT_EQ(six.url(), "http://[::1]:8080/");
    EXPECT_EQ(plain.url(), "https://api.example.com:443/a/b?c=d");
    EXPECT_EQ(parse_address("https://host?x=http://evil.org/").host, "host");
}

TEST(Address, RefusesWhatIsNoCleanAddress) {
    for (const char *bad : {"",
                            "ftp://a.b/",
                            "https://",
                            "https://user@host/",
                            "https://user:pass@host/",
                            "https://a b/",
                            "https://host:0/",
                            "https://host:99999/",
                            "https://host:80x/",
                            "https://host\\@evil.com/",
                            "https://[::1]x/",
                            "https://ho%73t/",
                            "host",
                            "https://host..//",
                            "https://.host/",
                            "https://a..b/",
                            "https://h\xC3\xB6st.com/",
                            "https://host\t/",
                            "https://a.com;b.com/",
                            "https:///x",
                            "https://[::1",
                            "https://host:-1/",
                            "https://host:+443/",
                            "https://[fe80::1%25eth0]/"}) {
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
    EXPECT_TRUE(passes("https://na1.salesforce.com./x"));  // the root's own dot changes nothing
    EXPECT_TRUE(passes("https://salesforce.com:443/"));
    EXPECT_FALSE(passes("https://salesforce.com:80/"));
    EXPECT_FALSE(passes("https://xn--slesforce-f1a.com/"));
    EXPECT_FALSE(passes("https://com/"));
    EXPECT_FALSE(passes("https://evil.org/salesforce.com"));
    EXPECT_FALSE(passes("https://evil.org?.salesforce.com"));
    EXPECT_FALSE(passes("https://evil.org#.salesforce.com"));
    EXPECT_FALSE(passes("https://127.0.0.1:8080/x"));
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
    EXPECT_EQ(wait({{"retry-after", "999999"}}), 3600);
    EXPECT_EQ(wait({{"retry-after", "1.5"}}), 1.5);
    EXPECT_EQ(wait({{"retry-after", std::string(400, '9')}}), 3600);
    for (const char *nonsense :
         {"later", "", "17 seconds", "17, 18", "inf", "nan", "1e3", "0x10", "17.", ":", "Sun, 99 Nov 1994 08:49:37 GMT"})
        EXPECT_EQ(wait({{"retry-after", nonsense}}), std::nullopt) << nonsense;
    EXPECT_EQ(wait({{"date", "Sun, 06 Nov 1994 08:49:37 GMT"}, {"retry-after", "Sun, 06 Nov 2094 08:49:37 GMT"}}), 3600);
    // By the server's clock, however wrong ours is.
    EXPECT_EQ(wait({{"date", "Sun, 06 Nov 1994 08:49:07 GMT"}, {"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}), 30);
    EXPECT_EQ(wait({{"date", "Sun, 06 Nov 1994 08:49:37 GMT"}, {"retry-after", "Sun, 06 Nov 1994 08:49:07 GMT"}}), 0);
}

}  // namespace
