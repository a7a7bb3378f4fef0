#include "connectors/hubspot/pipelines.hpp"

#include <algorithm>

#include "connectors/hubspot/faults.hpp"

namespace xsell::connectors::hubspot {
namespace {

using Json = nlohmann::json;

Stage read_stage(const Json &json) {
    const Json metadata = json.value("metadata", Json::object());
    Stage stage{member(json, "label"), member(metadata, "isClosed") == "true", false};
    stage.won = stage.closed && member(metadata, "probability").starts_with('1');  // "1.0"; lost ones have "0.0"
    return stage;
}

// nullptr where the database has no such column.
sync::Value *column(sync::Record &record, const sync::Object &object, const char *name) {
    const auto found = std::find_if(object.columns.begin(), object.columns.end(), [&](const auto &c) { return c.name == name; });
    return found == object.columns.end() ? nullptr : &record.values[static_cast<std::size_t>(found - object.columns.begin())];
}

void fill(sync::Value *value, const std::string &text, bool replace) {
    if (value && !text.empty() && (replace || !*value)) *value = text;
}

}  // namespace

Pipelines read_pipelines(Session &session) {
    const auto response = session.get("/crm/v3/pipelines/deals");
    require_good(response, "pipelines");
    Pipelines pipelines;
    try {
        const Json body = json_body(response);
        for (const auto &json : body.at("results")) {
            Pipeline &pipeline = pipelines[member(json, "id")];
            pipeline.label = member(json, "label");
            for (const auto &stage : json.value("stages", Json::array()))
                pipeline.stages[member(stage, "id")] = read_stage(stage);
        }
    } catch (const Json::exception &) {
        throw sync::SyncError(sync::Fault::transient, "pipelines: the response is no complete JSON");
    }
    return pipelines;
}

void apply_pipelines(const Pipelines &pipelines, const sync::Object &object, bool labels, sync::Page &page) {
    for (auto &record : page.records) {
        sync::Value *pipeline_id = column(record, object, "pipeline"), *stage_id = column(record, object, "stage");
        if (!pipeline_id || !stage_id || !*pipeline_id || !*stage_id) continue;
        const auto pipeline = pipelines.find(**pipeline_id);
        if (pipeline == pipelines.end()) continue;
        const auto stage = pipeline->second.stages.find(**stage_id);
        if (stage != pipeline->second.stages.end()) {
            fill(column(record, object, "is_closed"), stage->second.closed ? "true" : "false", false);
            fill(column(record, object, "is_won"), stage->second.won ? "true" : "false", false);
            fill(stage_id, stage->second.label, labels);
        }
        fill(pipeline_id, pipeline->second.label, labels);
    }
}

}  // namespace xsell::connectors::hubspot
