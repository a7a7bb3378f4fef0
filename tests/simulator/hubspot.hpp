// Parts of the HubSpot API that stand in files of their own.
#pragma once
#include <nlohmann/json.hpp>

#include "hubspot_types.hpp"
#include "service.hpp"

namespace xsell::simulator {

const HubType &hub_type_or_404(std::string_view name);
// POST .../search; the body has been parsed.
std::string hubspot_search(const nlohmann::json &request, const Crm &crm, const HubType &type, Time now);
// POST /crm/v4/associations/{from}/{to}/batch/read; the status is 207 when some inputs have nothing.
std::pair<int, std::string> hubspot_associations(const nlohmann::json &request, const Crm &crm, const HubType &from,
                                                 const HubType &to, Time now, HubRelations &relations);

}  // namespace xsell::simulator
