#include "connectors/attio/stages.hpp"

namespace xsell::connectors::attio {
namespace {

using nlohmann::json;

std::set<std::string> titles(const Settings &settings, const char *key, std::set<std::string> usual, bool stated) {
    const auto list = settings.list(key);
    if (!stated) return usual;
    return {list.begin(), list.end()};
}

}  // namespace

Stages::Stages(const Settings &settings) : stated_(settings.has("won_stages") || settings.has("lost_stages")) {
    won_ = titles(settings, "won_stages", {"Won 🎉", "Won", "Closed Won"}, stated_);
    lost_ = titles(settings, "lost_stages", {"Lost", "Closed Lost"}, stated_);
}

void Stages::add(json &flat) const {
    const auto title = flat["one"].find("stage");
    if (title == flat["one"].end() || !title->is_string()) return;
    const bool won = won_.contains(*title), closed = won || lost_.contains(*title);
    if (!closed && !stated_) return;
    json stage = {{"closed", closed}, {"won", won}};
    const json &value = flat["part"]["stage"];
    if (closed && value.contains("active_from")) stage["closed_at"] = value["active_from"];
    flat["stage"] = std::move(stage);
}

std::string Stages::key() const {
    std::string key = stated_ ? "stated" : "usual";
    for (const auto &title : won_) key += "\nw" + title;
    for (const auto &title : lost_) key += "\nl" + title;
    return key;
}

}  // namespace xsell::connectors::attio
