// Compares what is stored with what the source shows now: counts and sets of ids, object by object. Reads everything, writes
// nothing.
#include <spdlog/spdlog.h>

#include <cstdio>
#include <thread>
#include <unordered_set>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/table.hpp"
#include "store/object.hpp"
#include "sync/context.hpp"

namespace xsell::cli {
namespace {

using Ids = std::unordered_set<std::string>;

struct Shown {
    Ids live, rejected;
};

// A source that stumbles is asked again, as a sync would.
sync::Page read_page(sync::Connector &connector, const sync::Object &object, const std::string &state) {
    constexpr int tries = 6;
    for (int attempt = 1;; ++attempt) {
        try {
            return connector.fetch(object, state);
        } catch (const sync::SyncError &error) {
            if (error.fault != sync::Fault::transient || attempt == tries) throw;
            const double wait = error.wait > 0 ? error.wait : 1 << attempt;
            spdlog::warn("{}; next try in {:.0f} s", error.what(), wait);
            for (double waited = 0; waited < wait && !Signals::stop; waited += 0.1)
                std::this_thread::sleep_for(std::chrono::milliseconds(100));
            if (Signals::stop) throw sync::SyncError(sync::Fault::stopped, "stopped");
        }
    }
}

// Everything that a full reading of the source brings.
Shown read_source(sync::Connector &connector, const sync::Object &object) {
    Shown shown;
    const std::size_t deleted = object.index("deleted_at");
    std::vector<std::string> states = {""};
    while (!states.empty()) {
        const std::string state = std::move(states.back());
        states.pop_back();
        sync::Page page = read_page(connector, object, state);
        for (auto &record : page.records) {
            if (!record.values[deleted])
                shown.live.insert(std::move(record.crm_id));
            else
                shown.live.erase(record.crm_id);
        }
        for (auto &reject : page.rejects) shown.rejected.insert(std::move(reject.crm_id));
        if (!page.done) states.push_back(std::move(page.next_state));
        states.insert(states.end(), page.fan_out.begin(), page.fan_out.end());
    }
    return shown;
}

// How many of `these` are not among the others, with a few of them for the reader.
struct Missing {
    std::size_t count = 0;
    std::string examples;
    void add(const std::string &id) {
        constexpr std::size_t shown = 3;
        if (++count <= shown) examples += (examples.empty() ? "" : " ") + id;
    }
};

class Reconciliation {
  public:
    explicit Reconciliation(store::Database &database) : database_(database) {}

    void compare(const std::string &org, const sync::Object &object, const Shown &shown) {
        Ids stored;
        const auto rows = database_.query(
            "SELECT r.crm_id FROM xsell_internal.source_record r JOIN xsell." + store::quote_name(object.name) +
                " t USING (org_id, crm_id) WHERE r.org_id = $1 AND r.object = $2 AND NOT r.deleted AND t.deleted_at IS NULL",
            {org, object.name});
        for (const auto &row : rows.rows) stored.insert(row.at(0).value_or(""));
        Missing here, there;
        for (const auto &id : shown.live) {
            if (!stored.contains(id)) here.add(id);
        }
        for (const auto &id : stored) {
            if (!shown.live.contains(id) && !shown.rejected.contains(id)) there.add(id);
        }
        differences_ += here.count + there.count;
        const auto cell = [](const Missing &missing) {
            return std::to_string(missing.count) + (missing.count == 0 ? "" : ": " + missing.examples);
        };
        table_.add({org, object.name, std::to_string(shown.live.size()), std::to_string(stored.size()),
                    std::to_string(shown.rejected.size()), cell(here), cell(there)});
    }

    int finish() const {
        std::printf("%s", hidden(table_.text()).c_str());
        if (differences_ == 0) {
            std::printf("\nThe tables hold what the sources show.\n");
            return 0;
        }
        std::printf(
            "\n%zu records differ. What changed a moment ago arrives with the next sync; xselld sync --full reads all again.\n",
            differences_);
        return 1;
    }

  private:
    store::Database &database_;
    Table table_{{"org", "object", "in the source>", "stored>", "rejected>", "missing here: some", "gone there: some"}};
    std::size_t differences_ = 0;
};

}  // namespace

int reconcile_command(const std::filesystem::path &file, const SyncArguments &arguments) {
    const config::Config config = load_config(file, Needs::orgs);
    require_objects(arguments.objects);
    Signals::listen();
    const auto database = connect(config, "xselld reconcile");
    Reconciliation reconciliation(*database);
    bool failed = false;
    for (const auto *org : chosen_orgs(config, arguments.orgs)) {
        try {
            const auto connector = make_connector(config, *org);
            for (const auto &name : connector->objects()) {
                if (!wanted(arguments, name)) continue;
                const sync::ContextScope scope({org->id, name, 0, 0});
                spdlog::info("reading everything from the source");
                const sync::Object object = store::object_columns(*database, name);
                reconciliation.compare(org->id, object, read_source(*connector, object));
            }
        } catch (const std::exception &error) {
            spdlog::error("{}: {}", org->id, error.what());
            failed = true;
        }
    }
    const int status = reconciliation.finish();
    return failed ? 1 : status;
}

}  // namespace xsell::cli
