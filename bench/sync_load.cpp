// Loading: pages of JSON as Salesforce sends them, parsed, mapped and merged by the daemon's own code, against the way of the
// usual extractors: a parsed record, INSERT ... VALUES of a thousand rows ... ON CONFLICT. Both end in the same rows of the same
// two tables.
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "connectors/json_map.hpp"
#include "connectors/salesforce/field_map.hpp"
#include "host.hpp"
#include "store/page_store.hpp"

namespace {

using namespace xsell;
constexpr int pages = 50, page_rows = 2000, rounds = 5;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string page_text(int page) {
    std::string text = R"({"totalSize":100000,"done":false,"records":[)";
    for (int i = 0; i < page_rows; ++i) {
        const int n = page * page_rows + i;
        text += fmt::format(
            R"({}{{"attributes":{{"type":"Account","url":"/services/data/v60.0/sobjects/Account/001{:012d}AAA"}},"Id":"001{:012d}AAA",)"
            R"("IsDeleted":false,"MasterRecordId":null,"Name":"Company {} \u00c9tudes & Partners","Type":"Customer","Industry":"Manufacturing",)"
            R"("Website":"https://www.company{}.example.com/start","Phone":"+49 (30) 555-{:05d}","BillingStreet":"{} High Street","BillingCity":"Berlin",)"
            R"("BillingState":null,"BillingPostalCode":"{:05d}","BillingCountry":"Germany","AnnualRevenue":{}.5,"NumberOfEmployees":{},)"
            R"("AccountSource":"Web","Rating":"Warm","Description":"A company that makes, sells and mends things number {}.","OwnerId":"005000000000001AAA",)"
            R"("LastActivityDate":"2026-04-30","CreatedDate":"2020-10-22T21:03:23.000+0000","SystemModstamp":"2026-05-14T11:36:18.000+0000"}})",
            i ? "," : "", n, n, n, n, n % 100000, n % 500, n % 100000, n * 37, n % 9000, n);
    }
    return text + "]}";
}

struct Connection {
    PGconn *handle = PQconnectdb("");
    Connection() {
        if (PQstatus(handle) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(handle));
    }
    ~Connection() { PQfinish(handle); }
    void run(const std::string &sql) {
        PGresult *result = PQexec(handle, sql.c_str());
        const bool good = PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
        const std::string error = PQerrorMessage(handle);
        PQclear(result);
        if (!good) throw std::runtime_error(error);
    }
    std::string literal(const std::string &text) {
        char *quoted = PQescapeLiteral(handle, text.c_str(), text.size());
        std::string out = quoted;
        PQfreemem(quoted);
        return out;
    }
};

double ours(const std::vector<std::string> &texts) {
    const auto sources = connectors::salesforce::sources();
    const auto source =
        std::find_if(sources.begin(), sources.end(), [](const auto &s) { return std::string_view(s.object) == "account"; });
    const connectors::Mapper mapper({"Account", "Id", ""}, source->fields, {}, {});
    const double from = seconds();
    store::PageStore store("");
    const sync::Object object = store.object("account");
    const std::int64_t run = store.begin("bench", "account");
    for (const std::string &text : texts) {
        const connectors::Listing listing = connectors::read_listing(text, "records");
        sync::Page page;
        mapper.map(object, listing.records, page);
        if (page.records.size() != page_rows) throw std::runtime_error("a page lost records");
        store.commit_page("bench", object, run, mapper.hash(), page);
    }
    store.end("bench", "account", run, std::nullopt);
    return pages * page_rows / (seconds() - from);
}

// The columns that both ways fill, as the peer reads them.
constexpr const char *fields[][2] = {{"crm_id", "Id"},
                                     {"name", "Name"},
                                     {"type", "Type"},
                                     {"industry", "Industry"},
                                     {"website", "Website"},
                                     {"phone", "Phone"},
                                     {"street", "BillingStreet"},
                                     {"city", "BillingCity"},
                                     {"state", "BillingState"},
                                     {"postal_code", "BillingPostalCode"},
                                     {"country", "BillingCountry"},
                                     {"annual_revenue", "AnnualRevenue"},
                                     {"employees", "NumberOfEmployees"},
                                     {"source", "AccountSource"},
                                     {"rating", "Rating"},
                                     {"description", "Description"},
                                     {"owner_id", "OwnerId"},
                                     {"last_activity_at", "LastActivityDate"},
                                     {"created_at", "CreatedDate"},
                                     {"modified_at", "SystemModstamp"}};

double peer(const std::vector<std::string> &texts) {
    const double from = seconds();
    Connection db;
    std::string columns, updates;
    for (const auto &field : fields) {
        columns += std::string(", ") + field[0];
        updates += fmt::format("{}{} = excluded.{}", updates.empty() ? "" : ", ", field[0], field[0]);
    }
    for (const std::string &text : texts) {
        const nlohmann::json page = nlohmann::json::parse(text);
        db.run("BEGIN");
        for (std::size_t start = 0; start < page["records"].size(); start += 1000) {
            std::string accounts, records;
            for (std::size_t i = start; i < std::min(start + 1000, page["records"].size()); ++i) {
                const nlohmann::json &record = page["records"][i];
                accounts += std::string(i == start ? "" : ", ") + "('bench'";
                for (const auto &field : fields) {
                    const nlohmann::json &value = record[field[1]];
                    accounts +=
                        ", " +
                        (value.is_null() ? "NULL" : db.literal(value.is_string() ? value.get<std::string>() : value.dump()));
                }
                accounts += ")";
                records += fmt::format("{}('bench', 'account', {}, {}, false, 0, false, 1, {})", i == start ? "" : ", ",
                                       db.literal(record["Id"]), db.literal(record["SystemModstamp"]), db.literal(record.dump()));
            }
            db.run("INSERT INTO xsell.account (org_id" + columns + ") VALUES " + accounts +
                   " ON CONFLICT (org_id, crm_id) DO UPDATE SET " + updates);
            db.run(
                "INSERT INTO xsell_internal.source_record (org_id, object, crm_id, modified_at, deleted, content, repaired, "
                "run_id, raw) VALUES " +
                records +
                " ON CONFLICT (org_id, object, crm_id) DO UPDATE SET modified_at = excluded.modified_at, raw = excluded.raw");
        }
        db.run("COMMIT");
    }
    return pages * page_rows / (seconds() - from);
}

}  // namespace

int main() {
    try {
        std::vector<std::string> texts;
        for (int page = 0; page < pages; ++page) texts.push_back(page_text(page));
        Connection db;
        db.run("INSERT INTO xsell.org (org_id, name, connector) VALUES ('bench', 'Bench', 'salesforce') ON CONFLICT DO NOTHING");
        const auto fresh = [&] {
            db.run(
                "TRUNCATE xsell.account, xsell_internal.source_record, xsell_internal.sync_run, xsell_internal.sync_state; "
                "CHECKPOINT");
        };
        std::vector<double> our_rates, peer_rates, ratios;
        for (int round = 0; round < rounds; ++round) {
            fresh();
            our_rates.push_back(ours(texts));
            fresh();
            peer_rates.push_back(peer(texts));
            ratios.push_back(our_rates.back() / peer_rates.back());
        }
        bench::print_row({"sync_load", bench::middle(our_rates), bench::middle(peer_rates), "INSERT VALUES x 1000 ON CONFLICT",
                          "records/s", bench::middle(ratios), rounds});
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "bench_sync_load: %s\n", error.what());
        return 1;
    }
}
