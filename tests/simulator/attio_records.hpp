// Rows as Attio's JSON.
#pragma once
#include <nlohmann/json.hpp>

#include "dialect.hpp"

namespace xsell::simulator::attio {

inline constexpr const char *object_ids[][2] = {{"companies", "c9422fd9-e54f-493d-a67d-e57166191b05"},
                                                {"people", "30ff61f7-6b37-414e-8d6f-fb42f963e996"},
                                                {"deals", "1f0a7c11-2b5d-4f53-9d6b-7f3f5f0a9c01"},
                                                {"products", "5b8e0a3e-90a3-4bd5-8f1c-2a4de0c7b102"},
                                                {"deal_products", "77d1c2a4-0c1f-4a7e-b0de-93b6f8e5a203"}};

// What the objects of records/query are; nullopt for another slug.
std::optional<Source> source_of(std::string_view slug);
nlohmann::json record(const Crm &crm, Source source, std::size_t row, Time now);  // of those
nlohmann::json member(const Crm &crm, std::size_t row);
nlohmann::json activity(const Crm &crm, Source source, std::size_t row);  // note, task, meeting
Time created(const Crm &crm, Source source, std::size_t row);

}  // namespace xsell::simulator::attio
