#include "scaling.hpp"

#include <malloc.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "connectors/scaling_test/records.hpp"
#include "service.hpp"

namespace xsell::simulator {
namespace {

using httplib::Request;
using httplib::Response;
using Json = nlohmann::json;

constexpr const char *org = "scaling";  // its name among the faults

// The records, and the lock that keeps readers from a change that is under way.
struct Scaling {
    scaling::Feed feed;
    std::shared_mutex mutex;
    explicit Scaling(const ScalingOptions &options) : feed(options.seed, options.records) {}
};

std::uint64_t number(const Request &req, const char *name, std::uint64_t fallback, std::uint64_t low, std::uint64_t high) {
    if (!req.has_param(name)) return fallback;
    const std::uint64_t value = std::stoull(req.get_param_value(name));
    if (value < low || value > high) throw std::invalid_argument(std::string(name) + " is out of range");
    return value;
}

// False when the request is to fail; `half` when the answer is to be cut.
bool survives(Service &service, Response &res, bool &half) {
    const auto fault = service.faults.strike(org);
    if (!fault) return true;
    half = fault->kind == "cut" || fault->kind == "truncate";
    if (half) return true;
    if (fault->kind == "429") {
        res.set_header("Retry-After", std::to_string(fault->retry_after));
        json(res, R"({"error":"too many requests"})", 429);
    } else {
        res.status = 500;
        res.set_content("<html><body><h1>Internal Server Error</h1></body></html>", "text/html");
    }
    return false;
}

void list(Scaling &all, Service &service, const Request &req, Response &res) {
    service.stats.count(req.method, req.path);
    bool half = false;
    if (!survives(service, res, half)) return;
    const auto kind = scaling::kind_named(req.matches[1].str());
    if (!kind) return json(res, R"({"error":"no such object"})", 404);
    scaling::Query query;
    query.page = number(req, "page", 1, 1, UINT32_MAX);
    query.per_page = number(req, "per_page", 100, 1, 20000);
    if (req.has_param("modified_since")) query.since = parse_time(req.get_param_value("modified_since"));
    if (req.has_param("revision")) query.revision = number(req, "revision", 0, 0, UINT64_MAX);
    const std::shared_lock lock(all.mutex);
    std::string body = all.feed.body(*kind, query);
    if (half) body.resize(body.size() / 2);
    json(res, std::move(body));
}

void control(Scaling &all, Service &service, const Request &req, Response &res) {
    const Json request = Json::parse(req.body);
    if (request.contains("fault")) {
        const Json &in = request["fault"];
        if (in.at("kind") == "none") {
            service.faults.clear();
        } else {
            Fault fault;
            fault.kind = in.at("kind").get<std::string>();
            fault.count = in.value("count", std::size_t{1});
            fault.every = in.value("every", std::size_t{1});
            fault.retry_after = in.value("retry_after", std::size_t{1});
            service.faults.add(org, fault);
        }
    }
    Time now = 0;
    {
        const std::shared_lock lock(service.simulation.mutex);
        now = service.simulation.now();
    }
    const std::unique_lock lock(all.mutex);
    if (request.contains("changed")) all.feed.change(request["changed"].get<std::uint64_t>(), now);
    json(res, Json{{"revision", all.feed.revision()}}.dump());
}

}  // namespace

void declare_scaling(CLI::App &app, ScalingOptions &options) {
    app.add_option("--scaling-records", options.records, "Synthetic records below /scaling/v1, for load tests")
        ->capture_default_str()
        ->check(CLI::Range(0ULL, 1000000000ULL));
    app.add_option("--scaling-seed", options.seed, "Seed of the synthetic records")->capture_default_str();
}

void mount_scaling(httplib::Server &server, Service &service, const ScalingOptions &options) {
    if (options.records > 0) {
        // Pages of some megabytes, made and dropped all the time: fresh memory from the kernel would cost more than filling it.
        mallopt(M_MMAP_THRESHOLD, 1 << 26);
        mallopt(M_TRIM_THRESHOLD, 1 << 28);
    }
    const auto all = std::make_shared<Scaling>(options);
    const auto guarded = [all, &service](auto handler) {
        return [all, &service, handler](const Request &req, Response &res) {
            try {
                handler(*all, service, req, res);
            } catch (const std::exception &error) {
                json(res, Json{{"error", error.what()}}.dump(), 400);
            }
        };
    };
    server.Get(R"(/scaling/v1/([a-z_]+))", guarded(list));
    server.Post("/_sim/scaling", guarded(control));
}

}  // namespace xsell::simulator
