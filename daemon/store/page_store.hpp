// The queue and the tables in PostgreSQL. One session per worker: the locks it holds are what tells others that it lives.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "store/database.hpp"
#include "store/page_loader.hpp"
#include "sync/store.hpp"

namespace xsell::store {

class PageStore : public sync::Store {
  public:
    // `identity` names the worker to people who look at the queue; the database numbers workers by itself.
    explicit PageStore(const std::string &url, std::string identity = "")
        : database_(url, "xselld sync"), identity_(std::move(identity)) {}
    sync::Object object(const std::string &name) override;
    std::int64_t open(const sync::Opening &opening) override;
    std::optional<sync::Claim> claim(const std::vector<std::string> &orgs, int each) override;
    sync::Committed commit(const sync::Claim &claim, const sync::Object &object, std::int64_t map_hash,
                           const sync::Page &page) override;
    void fail(const sync::Claim &claim, const sync::Failure &failure) override;
    void release(const sync::Claim &claim) noexcept override;
    std::vector<sync::RunReport> report(const std::vector<std::int64_t> &processes) override;
    int recover() override;
    void wait(double seconds) override;
    Database &database() { return database_; }

  private:
    // A page that this session has claimed: the number of the claim is what the database asks for when it is committed.
    struct Held {
        std::int64_t number;
        bool blank;  // nothing of the object was stored when its run began
    };
    // How the records are written: as if none were stored, over what is stored, or in parts to find the ones that are refused.
    enum class Way { insert, merge, halve };
    void session();
    void worker();
    const Held &held(const sync::Claim &claim);
    const MergePlan &plan(const sync::Object &object);
    struct Check {
        std::vector<Entry> different;
        bool sweeping;  // the object is being read as a whole
        bool noted;     // there are rejects or doubts about records of the object
    };
    Check check(const sync::Claim &claim, const Held &mine, const std::vector<Entry> &all, const sync::Page &page);
    void store_before(const sync::Claim &claim, const sync::Page &page, bool sweeping);
    std::int64_t store_after(const sync::Claim &claim, const sync::Page &page);
    sync::Committed store(const sync::Claim &claim, const sync::Object &object, const std::vector<Entry> &entries,
                          const sync::Page &page, Way way);
    bool says_more(const std::map<std::string, sync::SourceField> &fields) const;
    void note_fields(const sync::Claim &claim, const std::map<std::string, sync::SourceField> &fields);

    Database database_;
    std::string identity_;
    int session_ = 0, worker_ = 0;            // generation of the connection that was set up, and that is a worker
    std::map<std::int64_t, Held> held_;       // by page
    std::map<std::string, MergePlan> plans_;  // by object
    std::map<std::string, sync::Object> objects_;
    std::int64_t fields_run_ = 0;
    // What this worker has stored about the fields of that run: the types seen, and whether they were in every record.
    struct Told {
        std::set<std::string> types;
        bool always = true;
    };
    std::map<std::string, Told> told_;
};

}  // namespace xsell::store
