// AxisCare: lists by startAfterId, visits by date or change with page tokens, caregivers keyed by id, errors as it makes them.
#include "axiscare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "axiscare_world.hpp"
#include "service.hpp"

namespace xsell::simulator {
namespace {

using namespace care;
using httplib::Request;
using httplib::Response;
using Json = nlohmann::json;

constexpr std::size_t visits_page = 200;

HttpError refusal(int status, const std::string &message) {
    return {status, Json{{"results", nullptr}, {"errors", {message}}, {"success", false}}.dump()};
}
HttpError unauthorized(bool) { return refusal(401, "Unauthorized"); }
HttpError limited(const Fault &fault, Response &res) {
    res.set_header("Retry-After", std::to_string(fault.retry_after));
    return refusal(429, "Too many requests");
}
HttpError quota(Response &) { return refusal(429, "Too many requests"); }
HttpError invalid(const std::string &message) { return refusal(400, message); }

const Vendor vendor = {"axiscare", "Authorization", "Bearer ", "axiscare-simulator", "axc-", unauthorized, limited,
                       quota,      invalid,         nullptr};

class Site {
  public:
    explicit Site(Service &service)
        : service_(service), agency_(service.simulation.world().options.seed, service.simulation.now()) {}

    void people(const std::string &list, const Request &req, Response &res, Time now) {
        tell_truth(now);
        const std::size_t limit = std::min<std::size_t>(parameter(req, "limit", 100), 500),
                          after = parameter(req, "startAfterId", 0);
        Json page = list == "caregivers" ? Json::object() : Json::array(), next;
        std::size_t last = 0, count = 0;
        for (Json &one : agency_.people(list, now)) {
            const std::size_t id = one["id"];
            if (id <= after) continue;
            if (count == limit) {
                next = root(req) + fmt::format("/api/{}?startAfterId={}&limit={}", list, last, limit);
                break;
            }
            last = id, count++;
            if (page.is_object())
                page[std::to_string(id)] = std::move(one);
            else
                page.push_back(std::move(one));
        }
        answer(res, list, page, next);
    }

    void visits(const Request &req, Response &res, Time now) {
        tell_truth(now);
        const auto all = found(req, now);
        if (all.rows.empty()) throw refusal(404, "No visits found");
        Json page = Json::array(), next;
        const std::size_t end = std::min(all.rows.size(), all.from + visits_page);
        for (std::size_t i = all.from; i < end; i++) page.push_back(all.rows[i].record);
        if (end < all.rows.size()) {
            const std::string token = service_.keep({0, all.query, "visits", {}, {static_cast<std::uint32_t>(end)}, now});
            next = root(req) + "/api/visits?pageToken=" + token;
        }
        answer(res, "visits", page, next);
    }

  private:
    struct Found {
        std::vector<Visit> rows;
        std::size_t from = 0;
        std::string query;
    };

    static std::size_t parameter(const Request &req, const char *name, std::size_t usual) {
        return req.has_param(name) ? std::strtoul(req.get_param_value(name).c_str(), nullptr, 10) : usual;
    }
    std::string root(const Request &req) const { return "http://" + req.get_header_value("Host") + "/axiscare"; }

    static void answer(Response &res, const std::string &list, const Json &page, const Json &next) {
        json(res, Json{{"results", {{list, page}, {"nextPage", next}}}, {"errors", nullptr}, {"success", true}}.dump());
    }

    // A page token stands for its query: "updated|since" or "dates|from|to".
    Found found(const Request &req, Time now) {
        Found result;
        if (req.has_param("pageToken")) {
            const auto cursor = service_.cursor(req.get_param_value("pageToken"));
            if (!cursor) throw refusal(422, "The page token is not valid");
            result.query = cursor->version, result.from = cursor->rows.front();
        } else if (req.has_param("updatedSinceDate")) {
            result.query = "updated|" + req.get_param_value("updatedSinceDate");
        } else if (req.has_param("startDate") && req.has_param("endDate")) {
            result.query = "dates|" + req.get_param_value("startDate") + "|" + req.get_param_value("endDate");
        } else {
            throw refusal(422, "startDate and endDate, updatedSinceDate or visitIds are required");
        }
        const auto parts = split(result.query, '|');
        for (Visit &visit : agency_.visits(now)) {
            const bool wanted =
                parts[0] == "updated" ? visit.updated >= parse_time(parts[1]) : visit.day >= parts[1] && visit.day <= parts[2];
            if (wanted) result.rows.push_back(std::move(visit));
        }
        return result;
    }

    void tell_truth(Time now) {
        const std::lock_guard lock(mutex_);
        if (service_.options.truth.empty() || told_ == now) return;
        const auto folder = std::filesystem::path(service_.options.truth) / "axiscare";
        std::filesystem::create_directories(folder);
        for (const char *object : {"crm_user", "account", "contact", "lead", "product", "activity"}) write(folder, object, now);
        told_ = now;
    }

    void write(const std::filesystem::path &folder, const std::string &object, Time now) const {
        std::string text = "crm_id,deleted,merged_into";
        for (const auto &column : Agency::truth_columns(object)) text += "," + column;
        text += '\n';
        for (const auto &row : agency_.truth(object, now)) {
            for (std::size_t i = 0; i < row.size(); i++) {
                if (i > 0) text += ',';
                append_csv(text, row[i]);
            }
            text += '\n';
        }
        const auto path = folder / (object + ".csv");
        std::ofstream(path.string() + ".new", std::ios::binary) << text;
        std::filesystem::rename(path.string() + ".new", path);
    }

    Service &service_;
    const Agency agency_;
    std::mutex mutex_;
    Time told_ = -1;
};

}  // namespace

void mount_axiscare(httplib::Server &server, Service &service) {
    service.worlds.insert(vendor.name);
    const auto site = std::make_shared<Site>(service);
    const auto api = [&](auto handler) {
        const auto guarded =
            service.api(vendor, [handler](const Request &req, Response &res, const Crm &, Time now) { handler(req, res, now); });
        // The version is looked at before the token.
        return [guarded](const Request &req, Response &res) {
            const auto version = req.get_header_value("X-AxisCare-Api-Version");
            if (version == "2023-10-01") return guarded(req, res);
            const HttpError error = refusal(400, "Unsupported version");
            json(res, error.body, error.status);
        };
    };
    for (const std::string list : {"clients", "caregivers", "leads"}) {
        server.Get("/axiscare/api/" + list,
                   api([site, list](const Request &req, Response &res, Time now) { site->people(list, req, res, now); }));
    }
    server.Get("/axiscare/api/visits", api([site](const Request &req, Response &res, Time now) { site->visits(req, res, now); }));
}

}  // namespace xsell::simulator
