// One thread of the engine: claims a page, reads it, commits it, goes on with the page that follows.
#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sync/circles.hpp"
#include "sync/engine.hpp"
#include "sync/outage.hpp"

namespace xsell::sync {

// What all threads of one engine share.
class Crew {
  public:
    Crew(std::vector<Source> sources, Engine::MakeStore store, Options options);
    bool stopping() const { return options.stop && options.stop->load(); }
    bool leaving() const { return quit.load() || stopping(); }
    void note(Level level, const std::string &text) const;
    // Sleeps, but not beyond a stop.
    void pause(double seconds) const;
    // Something ended: whoever reports should look.
    void nudge();
    // What this engine has met with a page.
    struct Tally {
        int told = 0;  // waits that the source asked for
        int lost = 0;  // connections that broke while it was committed
    };
    Tally tally(std::int64_t page);
    void count(std::int64_t page, int Tally::*what);
    void forget(std::int64_t page);

    const Options options;
    const Engine::MakeStore make_store;
    std::map<std::string, Source> sources;
    std::map<int, std::vector<std::string>> orgs_by_share;  // how many pages at a time -> orgs
    std::atomic<bool> quit{false};
    Outage outage;
    Circles circles;
    Meter meter;
    std::mutex mutex;
    std::condition_variable nudged;
    bool look = false;  // under mutex

  private:
    std::mutex tally_mutex_;
    std::map<std::int64_t, Tally> tallies_;
};

// A connection that is made when it is needed and thrown away after trouble; waits longer each time.
class Link {
  public:
    explicit Link(Crew &crew) : crew_(crew) {}
    Store &store();
    void works();                          // the last call succeeded
    void broken(const std::string &what);  // throws the connection away, and waits
  private:
    Crew &crew_;
    std::unique_ptr<Store> store_;
    int attempt_ = 0;
};

class Worker {
  public:
    explicit Worker(Crew &crew) : crew_(crew), link_(crew) {}
    void run() noexcept;

  private:
    void turn();
    std::optional<Claim> claim();
    void idle();
    void read(Claim claim);
    std::optional<Claim> page(const Claim &claim, const Object &object);
    Connector &connector(const std::string &org);
    std::optional<Claim> commit(const Claim &claim, const Object &object, std::int64_t map_hash, const Page &page);
    void settle(const Claim &claim, const Failure &failure);
    void settle_thrown(const Claim &claim);  // in a catch block

    Crew &crew_;
    Link link_;
    std::map<std::string, std::unique_ptr<Connector>> connectors_;
    std::size_t turn_ = 0;
    double idle_wait_ = 0;
};

}  // namespace xsell::sync
