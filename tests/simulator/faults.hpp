// What goes wrong on demand, and a count of everything that was served.
#pragma once
#include <map>
#include <mutex>

#include "base.hpp"

namespace xsell::simulator {

struct Fault {
    std::string kind;  // 429, 500, expired_token, cut, truncate, quota, expired_locator
    std::size_t count = 1;
    std::size_t every = 1;  // strikes each so-manyth request
    std::size_t retry_after = 1;
    std::size_t seen = 0;
};

class Faults {
  public:
    static bool known(std::string_view kind);
    void add(const std::string &org, Fault fault);
    void clear();
    // Called once for each API request: the fault that strikes it.
    std::optional<Fault> strike(const std::string &org);
    std::map<std::string, std::size_t> served() const;

  private:
    mutable std::mutex mutex_;
    std::map<std::string, std::vector<Fault>> waiting_;
    std::map<std::string, std::size_t> served_;
};

class Stats {
  public:
    void count(const std::string &method, const std::string &path);
    std::map<std::string, std::size_t> requests() const;

  private:
    mutable std::mutex mutex_;
    std::map<std::string, std::size_t> requests_;
};

}  // namespace xsell::simulator
