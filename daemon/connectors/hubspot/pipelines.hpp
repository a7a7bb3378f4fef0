// What HubSpot's deal pipelines say about their stages: labels, and whether a stage is closed or won.
#pragma once
#include <map>
#include <string>

#include "connectors/rest.hpp"
#include "sync/record.hpp"

namespace xsell::connectors::hubspot {

struct Stage {
    std::string label;
    bool closed = false, won = false;
};

struct Pipeline {
    std::string label;
    std::map<std::string, Stage> stages;  // by id
};
using Pipelines = std::map<std::string, Pipeline>;  // by id

Pipelines read_pipelines(Session &session);  // throws SyncError

// For the deals of a page: fills is_closed and is_won where the record does not say, and puts labels in place of ids when asked
// to.
void apply_pipelines(const Pipelines &pipelines, const sync::Object &object, bool labels, sync::Page &page);

}  // namespace xsell::connectors::hubspot
