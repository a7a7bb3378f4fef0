// Which records of one type belong to which of another.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "connectors/rest.hpp"

namespace xsell::connectors::hubspot {

// id -> associated ids, the primary one first, the others by number.
using Links = std::map<std::string, std::vector<std::string>>;

// Throws SyncError.
Links read_links(Session &session, const std::string &from, const std::string &to, const std::vector<std::string> &ids);

// The record's JSON with "associations": {"companies": ["1", "2"]} added, so that its stored text changes when they do.
std::string with_links(std::string_view record, const std::string &id, const std::map<std::string, Links> &links);

}  // namespace xsell::connectors::hubspot
