// simulator: a generated market behind three CRMs, served over HTTP in the vendors' wire formats.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <fstream>
#include <iostream>
#include <sstream>

#include "attio.hpp"
#include "axiscare.hpp"
#include "pipedrive.hpp"
#include "scaling.hpp"
#include "service.hpp"
#include "truth.hpp"
#include "zoho.hpp"

namespace {

using namespace xsell::simulator;

constexpr const char *footer = R"(
The orgs: emea and amer speak Salesforce REST, apac speaks HubSpot. Their base_url is http://127.0.0.1:PORT/<org>, auth_url the same.
  Salesforce: client_id simulator-client, client_secret simulator-secret (client credentials or JWT bearer with any user)
  HubSpot:    private app token pat-simulator, or OAuth with refresh token simulator-refresh
The same rows in other words: zoho (client and secret as above, refresh token simulator-refresh), pipedrive (token pipedrive-simulator),
attio (attio-simulator); and axiscare (axiscare-simulator), a world of its own. Their base_url is http://127.0.0.1:PORT/<name>.
The clock stands still until a test moves it:
  curl -d '{"now":"2026-06-02T00:00:00Z"}' http://127.0.0.1:PORT/_sim/clock
  curl -d '{"org":"emea","kind":"429","count":3,"every":5}' http://127.0.0.1:PORT/_sim/faults
        kinds: 429 500 expired_token cut truncate quota expired_locator; none clears all
  curl http://127.0.0.1:PORT/_sim/stats          curl -d '' http://127.0.0.1:PORT/_sim/stop
The same seed and the same clock settings give the same bytes. tests/simulator/README.md has the rest.)";

struct Arguments {
    WorldOptions world;
    ServiceOptions service;
    ScalingOptions scaling;
    std::string clock = "2026-06-01T00:00:00Z", port_file, key_file;
};

void declare(CLI::App &app, Arguments &a) {
    app.footer(footer);
    declare_scaling(app, a.scaling);
    app.add_option("--port", a.service.port, "Port on 127.0.0.1; 0 picks a free one")
        ->capture_default_str()
        ->check(CLI::Range(0, 65535));
    app.add_option("--port-file", a.port_file, "Write the port here once requests are answered");
    app.add_option("--seed", a.world.seed, "Seed of the world")->capture_default_str();
    app.add_option("--accounts", a.world.accounts, "Accounts over all orgs")
        ->capture_default_str()
        ->check(CLI::Range(30, 5000000));
    app.add_option("--activities", a.world.activities, "Tasks, calls, e-mails, meetings and notes over all orgs")
        ->capture_default_str();
    app.add_option("--products", a.world.products, "Products of the group; each org sells most of them")
        ->capture_default_str()
        ->check(CLI::Range(6, 400));
    app.add_option("--years", a.world.years, "Years of history before the clock")
        ->capture_default_str()
        ->check(CLI::Range(0.5, 20.0));
    app.add_option("--clock", a.clock, "World time at the start")->capture_default_str();
    app.add_option("--truth", a.service.truth, "Folder for the ground truth as CSV, rewritten with every move of the clock");
    app.add_option("--truth-of", a.service.truth_of,
                   "Dialects (zoho, pipedrive, attio) whose truth is written too; may be repeated");
    app.add_option("--page-size", a.service.page_size, "Most records on a Salesforce page")
        ->capture_default_str()
        ->check(CLI::Range(1, 2000));
    app.add_option("--index-lag", a.service.index_lag, "Seconds until HubSpot's search finds a change")->capture_default_str();
    app.add_option("--client-id", a.service.client_id, "Client id of both vendors")->capture_default_str();
    app.add_option("--client-secret", a.service.client_secret, "Client secret of both vendors")->capture_default_str();
    app.add_option("--refresh-token", a.service.refresh_token, "Refresh token of both vendors")->capture_default_str();
    app.add_option("--hubspot-token", a.service.hubspot_token, "Private app token of HubSpot")->capture_default_str();
    app.add_option("--jwt-public-key", a.key_file, "PEM file: check the RS256 signature of JWT assertions with it")
        ->check(CLI::ExistingFile);
}

std::string read_file(const std::string &path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

// Nothing is lost by leaving at once (files appear whole), and a server with idle connections would take seconds to close.
void leave(int) { _exit(0); }

int serve(Arguments &a) {
    std::signal(SIGTERM, leave);
    std::signal(SIGINT, leave);
    a.world.now = parse_time(a.clock);
    httplib::Server server;
    server.new_task_queue = [] { return new httplib::ThreadPool(24); };
    server.set_keep_alive_max_count(1000000);
    server.set_tcp_nodelay(true);
    if (a.service.port == 0)
        a.service.port = server.bind_to_any_port("127.0.0.1");
    else if (!server.bind_to_port("127.0.0.1", a.service.port))
        throw std::runtime_error(fmt::format("port {} is taken", a.service.port));
    if (!a.key_file.empty()) a.service.jwt_public_key = read_file(a.key_file);

    Simulation simulation(a.world);
    Service service(simulation, a.service);
    mount_salesforce(server, service);
    mount_hubspot(server, service);
    mount_control(server, service);
    mount_attio(server, service);
    mount_axiscare(server, service);
    mount_pipedrive(server, service);
    mount_zoho(server, service);
    mount_scaling(server, service, a.scaling);
    // Clients take the source's time from this header: it is the world's.
    server.set_post_routing_handler([&simulation, &service](const httplib::Request &, httplib::Response &res) {
        const std::shared_lock lock(simulation.mutex);
        res.set_header("Date", http_date(simulation.now() + service.skew));
    });
    if (!a.service.truth.empty()) write_truth(simulation, a.service.truth, a.service.truth_of);
    if (!a.port_file.empty()) {
        std::ofstream(a.port_file + ".new") << a.service.port << '\n';
        std::rename((a.port_file + ".new").c_str(), a.port_file.c_str());
    }
    std::cout << fmt::format(
                     "simulator: ready on http://127.0.0.1:{} with emea, amer (Salesforce) and apac (HubSpot); {} companies, {} "
                     "deals, clock {}",
                     a.service.port, simulation.world().companies.size(), simulation.world().deals.size(), iso(simulation.now()))
              << std::endl;
    server.listen_after_bind();
    return 0;
}

}  // namespace

int main(int argc, char **argv) {
    CLI::App app("A generated, seeded market behind three CRMs, served on 127.0.0.1 in the vendors' wire formats.", "simulator");
    Arguments arguments;
    declare(app, arguments);
    CLI11_PARSE(app, argc, argv);
    try {
        return serve(arguments);
    } catch (const std::exception &error) {
        std::cerr << "simulator: " << error.what() << '\n';
        return 1;
    }
}
