// Pipedrive's view of the rows of an org: its ids, its records as v1 and v2 JSON, and what the truth says of them.
#pragma once
#include <nlohmann/json.hpp>

#include "dialect.hpp"

namespace xsell::simulator {

class Service;

extern const Dialect pipedrive_dialect;
void mount_pipedrive(httplib::Server &server, Service &service);

namespace pipedrive {

// What one of its lists holds.
enum class List { users, organizations, persons, leads, archived_leads, products, deals, archived_deals, activities, notes };

// Does the row belong to the list? Deleted ones belong to none; but see deleted_deal.
bool belongs(List list, const Crm &crm, Source source, std::size_t row);
bool deleted_deal(List list, const Crm &crm, std::size_t row, Time now);  // of the last 30 days
std::vector<Source> sources_of(List list);
// When it changed: a deal does so when its products do.
Time modified(const Crm &crm, Source source, std::size_t row);
nlohmann::json record(List list, const Crm &crm, Source source, std::size_t row);
nlohmann::json deal_product(const Crm &crm, std::size_t row);
const std::vector<std::uint32_t> &lines_of(const Crm &crm, std::size_t deal);
std::optional<std::size_t> deal_row(std::string_view id);

// The lists that explain the others.
nlohmann::json pipelines();
nlohmann::json stages();
nlohmann::json activity_types();
nlohmann::json fields(const std::string &kind);  // "deal", "organization", ...

}  // namespace pipedrive
}  // namespace xsell::simulator
