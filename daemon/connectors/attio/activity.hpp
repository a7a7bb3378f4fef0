// Notes, tasks and meetings: which records they are about, and whose they are.
#pragma once
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

namespace xsell::connectors::attio {

// Slug of the object with that id; empty when there is none. Lists name objects now by slug, now by id.
using SlugOf = std::function<std::string(const std::string &id)>;

// The record with a member `links`: {"people": id, "companies": id, "deals": id, "member": id of the workspace member}; the first
// of each.
nlohmann::json take_activity(const nlohmann::json &record, const SlugOf &slug_of);

}  // namespace xsell::connectors::attio
