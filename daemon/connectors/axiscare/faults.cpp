#include "connectors/axiscare/faults.hpp"

#include <algorithm>
#include <array>

#include "connectors/rest.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::axiscare {
namespace {

using nlohmann::json;
using sync::Fault;
using sync::SyncError;

constexpr double throttled_wait = 5;

struct Meaning {
    int status;
    Fault fault;
    const char *text;
};
constexpr std::array meanings = {
    Meaning{400, Fault::object, "the request was refused"},
    Meaning{401, Fault::org, "the token is not valid"},
    Meaning{403, Fault::object, "the token has no permission for it; AxisCare gives permissions by endpoint"},
    Meaning{404, Fault::object, "there is no such list; is it the right site?"},
    Meaning{422, Fault::object, "the parameters were refused"},
};

// Do the response's errors speak of it?
bool tells(const json &body, const char *word) {
    const auto errors = body.is_object() ? body.find("errors") : body.end();
    return body.is_object() && errors != body.end() && sync::lower_ascii(errors->dump()).find(word) != std::string::npos;
}

bool found_nothing(int status, const json &body) { return status == 404 && tells(body, "no ") && tells(body, "found"); }

json good_results(const json &body, const std::string &what) {
    if (!body.is_object()) throw SyncError(Fault::transient, what + ": the response is no JSON");
    if (body.value("success", json()) == false || !body.contains("results") || !body["results"].is_object())
        throw SyncError(Fault::transient, what + ": the response says 200 and holds no results");
    return body["results"];
}

}  // namespace

json results_of(const http::Response &response, const std::string &what) {
    const int status = response.status;
    const json body = json_body(response);  // nothing of the text goes into a message
    if (status == 200) return good_results(body, what);
    if (found_nothing(status, body)) return json::array();
    const std::string text = what + ": " + std::to_string(status);
    if (status == 429)
        throw SyncError(Fault::transient, text + " too many requests", response.retry_after().value_or(throttled_wait));
    if (is_transient(status)) throw transient_fault(response, text);
    if (status == 400 && tells(body, "version"))
        throw SyncError(Fault::org, text + " AxisCare does not know this version of its API; set api_version");
    const auto found =
        std::find_if(meanings.begin(), meanings.end(), [&](const Meaning &meaning) { return meaning.status == status; });
    if (found == meanings.end()) throw SyncError(Fault::object, text);
    throw SyncError(found->fault, text + " " + found->text);
}

bool is_stale(const http::Response &response) {
    constexpr std::array refusals = {400, 404, 410, 422};
    return std::find(refusals.begin(), refusals.end(), response.status) != refusals.end() &&
           !found_nothing(response.status, json_body(response));
}

}  // namespace xsell::connectors::axiscare
