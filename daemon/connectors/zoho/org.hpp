// What an org's settings say: which stages of its pipelines are closed or won, and its exchange rates.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "connectors/settings.hpp"
#include "connectors/zoho/api.hpp"
#include "sync/record.hpp"

namespace xsell::connectors::zoho {

class Stages {
  public:
    explicit Stages(const Settings &settings);  // won_stages, lost_stages: before what Zoho says
    void read(Api &api);                        // throws SyncError; what may not be read is not an error
    // Fills is_closed and is_won of a page's deals.
    void apply(const sync::Object &object, sync::Page &page) const;
    std::uint64_t hash() const;  // of the settings

  private:
    struct Meaning {
        bool closed = false, won = false;
    };
    const Meaning *find(const std::string &pipeline, const std::string &stage) const;
    void read_pipelines(Api &api, const std::string &layout);
    std::map<std::string, Meaning> named_;                                    // by the configuration
    std::map<std::string, Meaning> stages_;                                   // by the stage alone
    std::map<std::pair<std::string, std::string>, Meaning> pipeline_stages_;  // by pipeline and stage
};

enum class RateMeaning { per_home, in_home, none };

// Rates of an org with several currencies; nothing for others. Throws SyncError.
std::vector<sync::Rate> read_rates(Api &api, RateMeaning meaning);

}  // namespace xsell::connectors::zoho
