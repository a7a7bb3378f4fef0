// What a sync is measured against when HTTP and JSON are left out: the records of ScalingTest as prepared COPY text, staged and
// merged by the statements that xselld uses, a page to a transaction, over as many connections as xselld has workers.
//   bench_sync_load load RECORDS WORKERS       prints records per second
//   bench_sync_load rows FILE                  medians of "name|unit|peer|ours|peer's" lines, one JSON object for each name
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "connectors/scaling_test/connector.hpp"
#include "host.hpp"
#include "store/page_loader.hpp"

namespace {

using namespace xsell;
constexpr std::size_t page_rows = 2000;
constexpr const char *org = "bench";

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Prepared {
    const sync::Object *object;
    std::string text;
    std::size_t rows;
};

sync::Object object_of(store::Database &database, const std::string &name) {
    static const std::map<std::string, sync::ColumnType> types = {{"numeric", sync::ColumnType::number},
                                                                  {"bigint", sync::ColumnType::integer},
                                                                  {"integer", sync::ColumnType::integer},
                                                                  {"boolean", sync::ColumnType::boolean},
                                                                  {"timestamptz", sync::ColumnType::timestamp},
                                                                  {"timestamp with time zone", sync::ColumnType::timestamp},
                                                                  {"jsonb", sync::ColumnType::json}};
    sync::Object object{name, {}};
    for (const auto &row : database.query("SELECT name, type FROM xsell_internal.sync_columns($1)", {name}).rows) {
        const auto type = types.find(row.at(1).value_or(""));
        object.columns.push_back({row.at(0).value_or(""), type == types.end() ? sync::ColumnType::text : type->second});
    }
    return object;
}

void prepare(sync::Connector &connector, const sync::Object &object, std::vector<Prepared> &pages) {
    std::vector<std::string> states = {""};
    for (std::size_t i = 0; i < states.size(); ++i) {
        sync::Page page = connector.fetch(object, states[i]);
        states.insert(states.end(), page.fan_out.begin(), page.fan_out.end());
        Prepared out{&object, "", page.records.size()};
        for (const auto &entry : store::distinct_entries(object, page.records, connector.map_hash(object)))
            store::append_copy_row(out.text, page.records[entry.place], entry.content);
        pages.push_back(std::move(out));
    }
}

void load_pages(const std::vector<Prepared> &pages, std::atomic<std::size_t> &next) {
    store::Database database("", "bench");
    std::map<std::string, store::MergePlan> plans;
    for (std::size_t i = next++; i < pages.size(); i = next++) {
        const Prepared &page = pages[i];
        if (!plans.contains(page.object->name)) plans[page.object->name] = store::merge_plan(database, *page.object);
        const store::MergePlan &plan = plans[page.object->name];
        store::Transaction transaction(database);
        database.copy_begin(plan.copy);
        database.copy_data(page.text);
        database.copy_end();
        const auto merged = database.query(plan.steps.at("insert"), {org, "1"});
        if (merged.number(0, 0) != static_cast<std::int64_t>(page.rows)) throw std::runtime_error("a page lost records");
        transaction.commit();
    }
}

double load(const std::string &records, std::size_t workers) {
    connectors::Settings settings;
    settings.org = org, settings.connector = "scaling_test";
    settings.set("records", records);
    settings.set("page_size", std::to_string(page_rows));
    const auto connector = connectors::make_scaling_test(settings);
    store::Database database("", "bench");
    database.execute(
        "INSERT INTO xsell.org (org_id, name, connector) VALUES ('bench', 'Bench', 'scaling_test') ON CONFLICT DO NOTHING");
    std::vector<sync::Object> objects;
    for (const auto &name : connector->objects()) objects.push_back(object_of(database, name));
    std::vector<Prepared> pages;
    for (const auto &object : objects) prepare(*connector, object, pages);
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;
    std::vector<std::exception_ptr> errors(workers);
    const double from = seconds();
    for (std::size_t i = 0; i < workers; ++i) {
        threads.emplace_back([&, i] {
            try {
                load_pages(pages, next);
            } catch (...) {
                errors[i] = std::current_exception();
            }
        });
    }
    for (auto &thread : threads) thread.join();
    const double took = seconds() - from;
    for (const auto &error : errors) {
        if (error) std::rethrow_exception(error);
    }
    return std::stod(records) / took;
}

struct Measured {
    std::string unit, peer;
    std::vector<double> ours, theirs, ratios;
};

void print_rows(const std::string &file) {
    std::map<std::string, Measured> all;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        std::string name, unit, peer, ours, theirs;
        std::getline(fields, name, '|'), std::getline(fields, unit, '|'), std::getline(fields, peer, '|');
        std::getline(fields, ours, '|'), std::getline(fields, theirs, '|');
        Measured &measured = all[name];
        measured.unit = unit, measured.peer = peer;
        measured.ours.push_back(std::stod(ours)), measured.theirs.push_back(std::stod(theirs));
        measured.ratios.push_back(measured.ours.back() / measured.theirs.back());
    }
    for (const auto &[name, m] : all)
        bench::print_row({name, bench::middle(m.ours), bench::middle(m.theirs), m.peer, m.unit, bench::middle(m.ratios),
                          static_cast<int>(m.ratios.size())});
}

}  // namespace

int main(int argc, char **argv) {
    try {
        const std::vector<std::string> arguments(argv + 1, argv + argc);
        if (arguments.size() == 3 && arguments[0] == "load") {
            std::printf("%f\n", load(arguments[1], std::stoul(arguments[2])));
        } else if (arguments.size() == 2 && arguments[0] == "rows") {
            print_rows(arguments[1]);
        } else {
            std::fprintf(stderr, "usage: bench_sync_load load RECORDS WORKERS | rows FILE\n");
            return 2;
        }
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "bench_sync_load: %s\n", error.what());
        return 1;
    }
}
