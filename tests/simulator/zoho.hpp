// Zoho CRM's view of the rows of an org: its ids, its modules as v8 JSON, and what the truth says of them.
#pragma once
#include <nlohmann/json.hpp>

#include "dialect.hpp"

namespace xsell::simulator {

class Service;

extern const Dialect zoho_dialect;
void mount_zoho(httplib::Server &server, Service &service);

namespace zoho {

// A module of records. Orders are not in the world: each deal with lines has one, which carries them.
struct Module {
    const char *name;
    Source source;
    const char *kind;  // of activities: "call"; "task" is what no other module takes; "" for all rows of the source
    bool orders = false;
};
const Module *module_named(std::string_view name);

bool belongs(const Module &module, const Crm &crm, std::size_t row);
std::string id_of(const Module &module, std::size_t row);
std::optional<std::size_t> row_of(const Module &module, std::string_view id);
Time modified(const Module &module, const Crm &crm, std::size_t row);
// Everything that the module has of a row; orders with their lines.
nlohmann::json record(const Module &module, const Crm &crm, std::size_t row, Time now);
nlohmann::json user(const Crm &crm, std::size_t row);
nlohmann::json pipelines();

std::string local_time(Time time);  // as the API's user sees it: "2026-05-14T11:36:18+03:00"

}  // namespace zoho
}  // namespace xsell::simulator
