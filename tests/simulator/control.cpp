// The tests' own door: clock, faults, statistics, stop. No CRM has these paths.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "propensity.hpp"
#include "service.hpp"
#include "truth.hpp"

namespace xsell::simulator {
namespace {

using httplib::Request;
using httplib::Response;
using Json = nlohmann::json;

void clock(Service &service, const Request &req, Response &res) {
    const Time to = parse_time(Json::parse(req.body).at("now").get<std::string>());
    const std::unique_lock lock(service.simulation.mutex);
    if (to < service.simulation.now())
        throw std::invalid_argument("the clock does not go back; it shows " + iso(service.simulation.now()));
    const Json events = service.simulation.advance(to);
    if (!service.options.truth.empty()) write_truth(service.simulation, service.options.truth, service.options.truth_of);
    json(res, Json{{"now", iso(to)}, {"events", events}}.dump());
}

void propensity(Service &service, const Request &req, Response &res) {
    const Json request = Json::parse(req.body);
    const Time from = parse_time(request.at("at").get<std::string>()), ahead = request.value("days", Time{180}) * day;
    const std::size_t futures = request.value("futures", std::size_t{200});
    const WorldOptions &world = service.simulation.world().options;
    if (from >= world.now) throw std::invalid_argument("at must be earlier than the clock was at the start, " + iso(world.now));
    if (ahead <= 0 || futures == 0) throw std::invalid_argument("days and futures must be positive");
    std::string answer = "org,company,group_product,probability\n";
    for (const Propensity &p : propensities(world, from, ahead, futures))
        answer += fmt::format("{},{},{},{:.6f}\n", org_names[p.org], p.company, p.product, p.probability);
    res.set_content(answer, "text/csv");
}

void faults(Service &service, const Request &req, Response &res) {
    const Json request = Json::parse(req.body);
    Fault fault;
    fault.kind = request.at("kind").is_number() ? request["kind"].dump() : request["kind"].get<std::string>();
    const std::string org = request.at("org").get<std::string>();
    if (fault.kind == "none") {
        service.faults.clear();
        return json(res, "{}");
    }
    if (!Faults::known(fault.kind))
        throw std::invalid_argument("kind is one of 429, 500, expired_token, cut, truncate, quota, expired_locator, none");
    if (!service.simulation.org_named(org) && !dialect_named(org) && !service.worlds.contains(org))
        throw std::invalid_argument("no org " + org);
    fault.count = std::max<std::size_t>(1, request.value("count", std::size_t{1}));
    fault.every = request.value("every", std::size_t{1});
    fault.retry_after = request.value("retry_after", std::size_t{1});
    service.faults.add(org, fault);
    json(res, "{}");
}

}  // namespace

void mount_control(httplib::Server &server, Service &service) {
    const auto guarded = [](auto handler) {
        return [handler](const Request &req, Response &res) {
            try {
                handler(req, res);
            } catch (const std::exception &error) {
                json(res, Json{{"error", error.what()}}.dump(), 400);
            }
        };
    };
    server.Post("/_sim/clock", guarded([&](const Request &req, Response &res) { clock(service, req, res); }));
    server.Get("/_sim/clock", guarded([&](const Request &, Response &res) {
                   const std::shared_lock lock(service.simulation.mutex);
                   json(res, Json{{"now", iso(service.simulation.now())}}.dump());
               }));
    server.Post("/_sim/propensity", guarded([&](const Request &req, Response &res) { propensity(service, req, res); }));
    server.Post("/_sim/skew", guarded([&](const Request &req, Response &res) {
                    service.skew = Json::parse(req.body).at("seconds").get<Time>();
                    json(res, "{}");
                }));
    server.Post("/_sim/faults", guarded([&](const Request &req, Response &res) { faults(service, req, res); }));
    server.Get("/_sim/stats", guarded([&](const Request &, Response &res) {
                   json(res, Json{{"requests", service.stats.requests()}, {"faults", service.faults.served()}}.dump(2));
               }));
    server.Post("/_sim/stop", guarded([](const Request &, Response &res) {
                    json(res, "{}");
                    std::thread([] {
                        std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the answer goes out first
                        std::raise(SIGTERM);
                    }).detach();
                }));
}

}  // namespace xsell::simulator
