// The Store that the engine writes to, in PostgreSQL: COPY into staging, one merge, state and counters, all in one transaction.
#pragma once
#include <set>
#include <string>

#include "store/database.hpp"
#include "sync/store.hpp"

namespace xsell::store {

class PageStore : public sync::Store {
  public:
    explicit PageStore(const std::string &url) : database_(url, "xselld sync") {}
    sync::Object object(const std::string &name) override;
    bool lock(const std::string &org, const std::string &object) override;
    void unlock(const std::string &org, const std::string &object) override;
    std::string state(const std::string &org, const std::string &object) override;
    std::int64_t begin(const std::string &org, const std::string &object) override;
    sync::MergeCounts commit_page(const std::string &org, const sync::Object &object, std::int64_t run, std::int64_t map_hash,
                                  const sync::Page &page) override;
    void end(const std::string &org, const std::string &object, std::int64_t run,
             const std::optional<std::string> &error) override;
    Database &database() { return database_; }

  private:
    Database database_;
    std::set<std::string> held_;  // locks of the session `generation_`
    int generation_ = 0;
};

// One row of a COPY in text format, newline included.
void append_copy_row(std::string &out, const sync::Record &record);

}  // namespace xsell::store
