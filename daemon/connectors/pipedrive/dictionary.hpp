// What stands behind the numbers in Pipedrive's records: names of stages and pipelines, labels of options, names of custom
// fields. Read when it is first needed, and again with every sync.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "connectors/pipedrive/api.hpp"

namespace xsell::connectors::pipedrive {

struct Stage {
    std::string name, pipeline;  // pipeline: its id
};

// A field of one kind of record, as .../dealFields describes it.
struct FieldInfo {
    std::string code;  // the key in records: "title", or 40 hex digits of a custom field
    std::string name;  // as people see it
    bool custom = false;
    std::map<std::string, std::string> options;  // id -> label
};

class Dictionary {
  public:
    Dictionary(Api &api, std::string currency) : api_(api), currency_(std::move(currency)) {}
    void forget();

    const Stage *stage(const std::string &id);
    const std::string *pipeline(const std::string &id);
    // What kind of activity a type of the company's own looks like: the key of its icon; "" when it is unknown.
    std::string icon(const std::string &type);
    // By code, else by name; nullptr when there is none, or the fields may not be read.
    const FieldInfo *field(const Endpoint &fields, const std::string &name);
    std::vector<std::string> field_names(const Endpoint &fields);
    // The label of an option's id, labels of several; nothing when the value is none.
    std::optional<nlohmann::json> label(const Endpoint &fields, const std::string &code, const nlohmann::json &value);
    const std::string &currency() const { return currency_; }  // of the org; may be empty

  private:
    void need_stages();
    const std::vector<FieldInfo> &fields(const Endpoint &endpoint);
    std::vector<nlohmann::json> optional_list(const Endpoint &endpoint);
    Api &api_;
    std::string currency_;
    bool has_stages_ = false;
    std::map<std::string, Stage> stages_;
    std::map<std::string, std::string> pipelines_;
    std::optional<std::map<std::string, std::string>> icons_;
    std::map<std::string, std::vector<FieldInfo>> fields_;  // by path
};

// A number or a string as text; "" for anything else.
std::string scalar(const nlohmann::json &value);

}  // namespace xsell::connectors::pipedrive
