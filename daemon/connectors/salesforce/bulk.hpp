// Query jobs of the Bulk API 2.0: how they are made and looked after, and how their CSV becomes source records.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "connectors/salesforce/api.hpp"
#include "connectors/salesforce/query.hpp"

namespace xsell::connectors::salesforce {

struct Results {
    std::vector<std::string> records;  // JSON, in the form that REST gives them
    bool repaired = false;             // something in the text was replaced by U+FFFD
    std::string locator;               // of what follows; empty: that was all
    std::int64_t total = 0;            // records of the whole job; 0: not said
};

// Makes a job; nothing when Salesforce refuses this object or query for the Bulk API. Throws SyncError.
std::optional<Job> make_job(Api &api, const std::string &soql);

enum class Progress { running, complete, failed, gone };
// gone: Salesforce does not know it any more. Throws SyncError.
Progress look_at(Api &api, const Job &job);
// While it runs: seconds until it should be looked at again, the longer the older it is.
double job_wait(const Job &job, std::int64_t now);

// The next results of a complete job; nothing when they have expired. `object` and `description` give the records their type.
std::optional<Results> read_results(Api &api, const Job &job, const std::string &object,
                                    const std::optional<Description> &description);

std::string path_of(const Job &job);
// Of a job whose results are stored; that it cannot be deleted does not matter.
void drop_job(Api &api, const std::string &path);

// Throws SyncError (transient) when the CSV is cut or none at all.
std::vector<std::string> read_csv(const std::string &csv, const std::string &object,
                                  const std::optional<Description> &description);

}  // namespace xsell::connectors::salesforce
