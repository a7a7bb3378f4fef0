// Both sides of tokens.test: a vendor that replaces the refresh token with each login, and workers that share an org's token.
//
//   token_race vendor PORT_FILE strict|lenient LIFE     a vendor whose access tokens last for LIFE requests
//   token_race work URL DATABASE ORG KEY_FILE SECONDS THREADS     prints how often they were served
//   token_race take DATABASE ORG RATE BURST SECONDS THREADS       prints how many tokens of a rate limit they were given
#include <httplib.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "connectors/rest.hpp"
#include "store/host.hpp"
#include "sync/error.hpp"

namespace {

using namespace xsell;
using nlohmann::json;
using std::chrono::milliseconds;

// A refresh token is good once. One that comes again means theft: everything is revoked. The lenient vendor lets a client ask
// again whose answer was lost on the way, which it sees by the successor not having been used: so a client that uses a token
// before it has stored it gets caught.
struct Vendor {
    std::mutex mutex;
    bool strict = true, revoked = false, used = true;
    int life = 100, number = 0, left = 0;
    int renewals = 0, expiries = 0, repeated = 0, served = 0;

    std::string refresh(int n) const { return "refresh-" + std::to_string(n); }
    std::string access(int n) const { return "access-" + std::to_string(n); }

    void token(const httplib::Request &in, httplib::Response &out) {
        std::this_thread::sleep_for(milliseconds(5));
        {
            const std::lock_guard guard(mutex);
            const std::string sent = in.get_param_value("refresh_token");
            if (!revoked && sent == refresh(number)) {
                ++renewals, ++number;
                left = life, used = false;
            } else if (!revoked && !strict && number > 0 && sent == refresh(number - 1) && !used) {
                ++repeated;
            } else {
                revoked = true;
                out.status = 400;
                return out.set_content(R"({"error":"invalid_grant"})", "application/json");
            }
            const json body = {{"access_token", access(number)}, {"refresh_token", refresh(number)}, {"expires_in", 3600}};
            out.set_content(body.dump(), "application/json");
        }
        std::this_thread::sleep_for(milliseconds(5));
    }

    void data(const httplib::Request &in, httplib::Response &out) {
        const std::lock_guard guard(mutex);
        const bool known = !revoked && number > 0 && in.get_header_value("Authorization") == "Bearer " + access(number);
        if (known && left == 0) ++expiries, left = -1;
        if (!known || left < 0) {
            out.status = 401;
            return out.set_content("<html>expired</html>", "text/html");
        }
        --left, ++served;
        used = true;
        out.set_content("{}", "application/json");
    }

    std::string state() {
        const std::lock_guard guard(mutex);
        return json{
            {"renewals", renewals}, {"expiries", expiries}, {"repeated", repeated}, {"served", served}, {"revoked", revoked}}
            .dump();
    }
};

int sell(const char *port_file, bool strict, int life) {
    Vendor vendor;
    vendor.strict = strict, vendor.life = life;
    httplib::Server server;
    server.set_tcp_nodelay(true);
    server.new_task_queue = [] { return new httplib::ThreadPool(40); };
    server.Post("/token", [&](const httplib::Request &in, httplib::Response &out) { vendor.token(in, out); });
    server.Get("/data", [&](const httplib::Request &in, httplib::Response &out) { vendor.data(in, out); });
    server.Get("/state",
               [&](const httplib::Request &, httplib::Response &out) { out.set_content(vendor.state(), "text/plain"); });
    const int port = server.bind_to_any_port("127.0.0.1");
    std::ofstream(port_file) << port << '\n';
    return server.listen_after_bind() ? 0 : 1;
}

connectors::Grant log_in(connectors::Session &session, const std::string &url, const std::string &rotated) {
    const std::string refresh = rotated.empty() ? "refresh-0" : rotated;
    const auto response = session.send({"POST",
                                        url + "/token",
                                        {{"Content-Type", "application/x-www-form-urlencoded"}},
                                        http::encode_form({{"grant_type", "refresh_token"}, {"refresh_token", refresh}})});
    const auto body = connectors::json_body(response);
    connectors::Grant grant{connectors::member(body, "access_token"), url};
    if (response.status != 200 || grant.token.empty()) throw sync::SyncError(sync::Fault::org, "the grant was revoked");
    grant.refresh = connectors::member(body, "refresh_token");
    grant.expires_in = 3600, grant.kept = true, grant.sent = refresh;
    return grant;
}

struct Work {
    std::string url, database, org, key_file;
    std::chrono::steady_clock::time_point end;
    std::atomic<int> served{0}, failed{0};

    void run() {
        http::Trust trust;
        trust.add(url);
        const auto login = [this](connectors::Session &session, const std::string &rotated) {
            return log_in(session, url, rotated);
        };
        std::optional<std::filesystem::path> key;
        if (!key_file.empty()) key = key_file;
        const char *login_text = std::getenv("TOKEN_LOGIN");  // which login it is, where that matters
        connectors::Session session(trust, login, store::make_host(database, org, key, nullptr, login_text ? login_text : ""));
        while (std::chrono::steady_clock::now() < end) {
            try {
                if (session.get("/data").status != 200) throw sync::SyncError(sync::Fault::org, "401 with a fresh token");
                ++served;
            } catch (const sync::SyncError &error) {
                if (error.fault == sync::Fault::transient) continue;
                ++failed;
                std::fprintf(stderr, "%s\n", error.what());
                return;
            } catch (const std::exception &error) {
                ++failed;
                std::fprintf(stderr, "%s\n", error.what());
                return;
            }
        }
    }
};

int work(char **arguments) {
    Work work{arguments[0], arguments[1], arguments[2], arguments[3], {}};
    work.end = std::chrono::steady_clock::now() + milliseconds(static_cast<int>(1000 * std::atof(arguments[4])));
    std::vector<std::thread> threads;
    for (int i = std::atoi(arguments[5]); i > 0; --i) threads.emplace_back([&] { work.run(); });
    for (auto &thread : threads) thread.join();
    std::printf("%d\n", work.served.load());
    return work.failed ? 1 : 0;
}

int take(char **arguments) {
    const auto host = store::make_host(arguments[0], arguments[1], std::nullopt, nullptr);
    const sync::Budget budget{"requests", std::atof(arguments[2]), std::atof(arguments[3])};
    const auto end = std::chrono::steady_clock::now() + milliseconds(static_cast<int>(1000 * std::atof(arguments[4])));
    std::atomic<int> taken{0};
    std::vector<std::thread> threads;
    for (int i = std::atoi(arguments[5]); i > 0; --i) {
        threads.emplace_back([&] {
            for (;;) {
                host->pause(host->take(budget, 1));
                if (std::chrono::steady_clock::now() >= end) return;
                ++taken;
            }
        });
    }
    for (auto &thread : threads) thread.join();
    std::printf("%d\n", taken.load());
    return 0;
}

}  // namespace

int main(int count, char **arguments) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
    if (count == 5 && !std::strcmp(arguments[1], "vendor"))
        return sell(arguments[2], !std::strcmp(arguments[3], "strict"), std::atoi(arguments[4]));
    if (count == 8 && !std::strcmp(arguments[1], "work")) return work(arguments + 2);
    if (count == 8 && !std::strcmp(arguments[1], "take")) return take(arguments + 2);
    return 2;
}
