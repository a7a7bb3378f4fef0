#include "faults.hpp"

#include <algorithm>

namespace xsell::simulator {

bool Faults::known(std::string_view kind) {
    static constexpr std::string_view kinds[] = {"429", "500", "expired_token", "cut", "truncate", "quota", "expired_locator"};
    return std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds);
}

void Faults::add(const std::string &org, Fault fault) {
    const std::lock_guard lock(mutex_);
    waiting_[org].push_back(std::move(fault));
}

void Faults::clear() {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
}

std::optional<Fault> Faults::strike(const std::string &org) {
    const std::lock_guard lock(mutex_);
    auto &faults = waiting_[org];
    for (auto fault = faults.begin(); fault != faults.end(); ++fault) {
        if (++fault->seen % std::max<std::size_t>(fault->every, 1) != 0) continue;
        const Fault struck = *fault;
        if (--fault->count == 0) faults.erase(fault);
        served_[org + " " + struck.kind]++;
        return struck;
    }
    return std::nullopt;
}

std::map<std::string, std::size_t> Faults::served() const {
    const std::lock_guard lock(mutex_);
    return served_;
}

// Ids and locators are folded, so that the list stays short.
void Stats::count(const std::string &method, const std::string &path) {
    std::string folded;
    for (const std::string &part : split(path.substr(1), '/')) {
        const bool id = part.starts_with("0r8") || (part.size() > 6 && part.find_first_not_of("0123456789") == std::string::npos);
        folded += "/" + (id ? "*" : part);
    }
    const std::lock_guard lock(mutex_);
    requests_[method + " " + folded]++;
}

std::map<std::string, std::size_t> Stats::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

}  // namespace xsell::simulator
