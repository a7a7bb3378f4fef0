#include "connectors/attio/faults.hpp"

#include "connectors/rest.hpp"

namespace xsell::connectors::attio {
namespace {

using sync::Fault;
using sync::SyncError;

constexpr double usual_wait = 1;  // limits are counted by the second

}  // namespace

void require_good(const http::Response &response, const std::string &what, const std::string &scopes) {
    const int status = response.status;
    if (status == 200) return;
    const auto body = json_body(response);
    const std::string code = member(body, "code"), message = member(body, "message");
    const std::string text = what + ": " + std::to_string(status) + (code.empty() ? "" : " " + brief(code)) +
                             (message.empty() ? "" : ": " + brief(message));
    if (status == 429) throw SyncError(Fault::transient, text, response.retry_after().value_or(usual_wait));
    if (is_transient(status)) throw transient_fault(response, text);
    if (status == 401) throw SyncError(Fault::org, text);
    if (status == 403) throw SyncError(Fault::object, text + "; the key needs the scopes " + scopes);
    throw SyncError(Fault::object, text);
}

}  // namespace xsell::connectors::attio
