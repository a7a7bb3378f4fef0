// One page of a pass over a Salesforce object: by a query over REST, or by a job of the Bulk API when the query is a big one.
#pragma once
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "connectors/salesforce/api.hpp"
#include "connectors/salesforce/part.hpp"
#include "connectors/salesforce/query.hpp"
#include "sync/record.hpp"

namespace xsell::connectors::salesforce {

class Passes {
  public:
    // bulk_from: records from which on a query goes by a job; nothing: none ever does.
    Passes(Api &api, std::optional<std::int64_t> bulk_from, bool multi_currency)
        : api_(api), bulk_from_(bulk_from), multi_currency_(multi_currency) {}

    // Adds a page's records and moves the reading on; true when the pass is over. `list`: the parts of the object. Throws
    // SyncError; transient with a waiting time while a job runs.
    bool step(const sync::Object &object, const std::vector<Part *> &list, Reading &reading, sync::Page &page);

  private:
    enum class Outcome { more, over, refused };
    bool by_query(const sync::Object &object, const std::vector<Part *> &list, Reading &reading, sync::Page &page);
    Outcome by_job(const sync::Object &object, const std::vector<Part *> &list, Reading &reading, sync::Page &page);
    bool job_runs(Reading &reading, Outcome &outcome);
    std::optional<http::Response> next_page(Part &part, Reading &reading);
    bool may_bulk(const Part &part) const { return bulk_from_ && !part.source->leads_to; }
    void map(const sync::Object &object, const std::vector<Part *> &list, const Reading &reading,
             std::span<const std::string_view> raws, sync::Page &page);
    void map_led(const sync::Object &object, Part &target, const char *field, std::span<const std::string_view> raws,
                 sync::Page &page);
    void map_plain(const sync::Object &object, Part &part, std::span<const std::string_view> raws, sync::Page &page);

    Api &api_;
    std::optional<std::int64_t> bulk_from_;
    bool multi_currency_;
    bool prices_ = true;  // this user may read the standard price book
};

}  // namespace xsell::connectors::salesforce
