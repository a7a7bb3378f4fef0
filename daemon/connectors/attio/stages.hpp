// What the stage of a deal means: Attio's stages say neither won nor lost.
#pragma once
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "connectors/settings.hpp"

namespace xsell::connectors::attio {

class Stages {
  public:
    explicit Stages(const Settings &settings);
    // Adds `stage`: {"closed", "won", "closed_at"} to a deal that was taken apart; nothing where its stage is unknown.
    void add(nlohmann::json &flat) const;
    std::string key() const;  // of everything that decides, for the hash of the map

  private:
    std::set<std::string> won_, lost_;
    bool stated_;  // by the configuration: every other stage is open
};

}  // namespace xsell::connectors::attio
