#include "connectors/zoho/org.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

#include <spdlog/spdlog.h>

#include "sync/convert.hpp"

namespace xsell::connectors::zoho {
namespace {

using nlohmann::json;
using sync::Fault;
using sync::SyncError;

// What every new org has; names that an org has made up are told by its pipelines.
constexpr const char *usual_won[] = {"Closed Won"};
constexpr const char *usual_lost[] = {"Closed Lost", "Closed Lost to Competition", "Closed-Lost to Competition"};

// nullptr where the database has no such column.
sync::Value *column(sync::Record &record, const sync::Object &object, const char *name) {
    const auto found = std::find_if(object.columns.begin(), object.columns.end(), [&](const auto &c) { return c.name == name; });
    return found == object.columns.end() ? nullptr : &record.values[static_cast<std::size_t>(found - object.columns.begin())];
}

json array_of(const json &body, const char *name) {
    const auto found = body.find(name);
    return found != body.end() && found->is_array() ? *found : json::array();
}

// A setting that the token may not read is not worth stopping an object for.
void tolerate(const std::function<void()> &read) {
    try {
        read();
    } catch (const SyncError &error) {
        if (error.fault != Fault::object) throw;
        spdlog::info("zoho: {}", error.what());
    }
}

double number(const json &value) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.is_number() ? value.dump() : "";
    double result = 0;
    std::from_chars(text.data(), text.data() + text.size(), result);
    return result;
}

}  // namespace

Stages::Stages(const Settings &settings) {
    for (const char *name : usual_won) stages_[name] = {true, true};
    for (const char *name : usual_lost) stages_[name] = {true, false};
    for (const auto &name : settings.list("won_stages")) named_[name] = {true, true};
    for (const auto &name : settings.list("lost_stages")) named_[name] = {true, false};
}

void Stages::read(Api &api) {
    tolerate([&] {
        const auto layouts = api.object("/settings/layouts?module=Deals", settings_subject("layouts of Deals", "layouts"));
        for (const auto &layout : array_of(layouts, "layouts")) {
            const std::string id = member(layout, "id");
            if (!id.empty()) tolerate([&] { read_pipelines(api, id); });
        }
    });
}

void Stages::read_pipelines(Api &api, const std::string &layout) {
    const auto body =
        api.object("/settings/pipeline?layout_id=" + http::encode(layout), settings_subject("pipelines of Deals", "pipeline"));
    for (const auto &pipeline : array_of(body, "pipeline")) {
        for (const auto &stage : array_of(pipeline, "maps")) {
            const std::string type = member(stage, "forecast_type");
            if (type.empty()) continue;
            const Meaning meaning{type.starts_with("Closed"), type == "Closed Won"};
            for (const char *name : {"actual_value", "display_value"}) {
                const std::string value = member(stage, name);
                stages_[value] = meaning;
                for (const char *label : {"actual_value", "display_value"})
                    pipeline_stages_[{member(pipeline, label), value}] = meaning;
            }
        }
    }
}

const Stages::Meaning *Stages::find(const std::string &pipeline, const std::string &stage) const {
    if (const auto found = named_.find(stage); found != named_.end()) return &found->second;
    if (const auto found = pipeline_stages_.find({pipeline, stage}); found != pipeline_stages_.end()) return &found->second;
    if (const auto found = stages_.find(stage); found != stages_.end()) return &found->second;
    return nullptr;
}

void Stages::apply(const sync::Object &object, sync::Page &page) const {
    for (auto &record : page.records) {
        const sync::Value *pipeline = column(record, object, "pipeline"), *stage = column(record, object, "stage");
        if (!stage || !*stage) continue;
        const Meaning *meaning = find(pipeline ? pipeline->value_or("") : "", **stage);
        if (!meaning) continue;  // left to stage_map
        for (const auto &[name, value] : {std::pair{"is_closed", meaning->closed}, std::pair{"is_won", meaning->won}}) {
            if (sync::Value *to = column(record, object, name); to && !*to) *to = value ? "true" : "false";
        }
    }
}

std::uint64_t Stages::hash() const {
    std::uint64_t hash = 0;
    for (const auto &[name, meaning] : named_) hash = hash * 31 + std::hash<std::string>()(name) * 2 + (meaning.won ? 1 : 0);
    return hash;
}

std::vector<sync::Rate> read_rates(Api &api, RateMeaning meaning) {
    std::vector<sync::Rate> rates;
    if (meaning == RateMeaning::none) return rates;
    tolerate([&] {
        const auto list = array_of(api.object("/org/currencies", settings_subject("currencies", "currencies")), "currencies");
        const auto is_base = [](const json &currency) {
            return currency.is_object() && currency.value("is_base", json()) == json(true);
        };
        const auto base = std::find_if(list.begin(), list.end(), is_base);
        const std::string home = base == list.end() ? "" : member(*base, "iso_code");
        for (const auto &currency : list) {
            const double rate = currency.is_object() ? number(currency.value("exchange_rate", json())) : 0;
            const std::string code = member(currency, "iso_code");
            auto since = sync::to_timestamp(member(currency, "exchange_rate_updated_time"));
            if (!since) since = sync::to_timestamp(member(currency, "modified_time"));
            if (home.empty() || code.empty() || code == home || !(rate > 0) || !since) continue;
            char digits[64];
            const double value = meaning == RateMeaning::per_home ? 1 / rate : rate;
            const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
            rates.push_back({home, code, since->substr(0, 10), std::string(digits, end)});
        }
    });
    return rates;
}

}  // namespace xsell::connectors::zoho
