// A folder of files and a connector that reads it, page by page.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "connectors/csv/connector.hpp"
#include "sync/error.hpp"

namespace xsell::connectors::test_csv {

using sync::ColumnType;

inline sync::Object object(const std::string &name) {
    const std::map<std::string, std::vector<sync::Column>> columns = {
        {"account",
         {{"name"}, {"employees", ColumnType::integer}, {"website"}, {"domain"}, {"country"}, {"attributes", ColumnType::json}}},
        {"product", {{"name"}, {"code"}, {"price", ColumnType::number}}},
        {"opportunity",
         {{"account_id"},
          {"pipeline"},
          {"stage"},
          {"amount", ColumnType::number},
          {"product_name"},
          {"is_won", ColumnType::boolean},
          {"closed_at", ColumnType::timestamp}}},
        {"opportunity_line", {{"opportunity_id"}, {"product_id"}, {"amount", ColumnType::number}}},
        {"crm_user", {{"name"}, {"manager"}}}};
    sync::Object out{name, columns.at(name)};
    out.columns.push_back({"created_at", ColumnType::timestamp});
    out.columns.push_back({"modified_at", ColumnType::timestamp});
    return out;
}

class CsvFolder : public testing::Test {
  protected:
    CsvFolder() {
        char name[] = "/tmp/xsell_csv_XXXXXX";
        folder_ = mkdtemp(name);
        settings_.org = "test", settings_.connector = "csv", settings_.where = "test.toml:1";
        settings_.set("path", folder_.string());
    }
    ~CsvFolder() override { std::filesystem::remove_all(folder_); }

    void write(const std::string &name, const std::string &text, int age_seconds = 100) {
        std::ofstream(folder_ / name, std::ios::binary) << text;
        std::filesystem::last_write_time(folder_ / name,
                                         std::filesystem::file_time_type::clock::now() - std::chrono::seconds(age_seconds));
    }

    struct Result {
        std::map<std::string, std::map<std::string, std::string>> rows;  // id -> column -> value, NULLs left out
        std::vector<sync::Reject> rejects;
        std::vector<sync::Sweep> sweeps;
        std::string sweep_at;
        std::string state;
        int pages = 0;
    };
    // Reads an object to its end; a new connector for every page when `forgetful`, as after a crash.
    Result read(const std::string &name, const std::string &state = "", bool forgetful = false) {
        Result out;
        out.state = state;
        const auto definition = object(name);
        auto connector = make_csv(settings_);
        for (bool done = false; !done; ++out.pages) {
            if (forgetful) connector = make_csv(settings_);
            const sync::Page page = connector->fetch(definition, out.state);
            for (const auto &record : page.records) {
                auto &row = out.rows[record.crm_id];
                EXPECT_TRUE(nlohmann::json::accept(record.raw)) << record.raw;
                for (std::size_t i = 0; i < definition.columns.size(); ++i) {
                    if (record.values[i]) row[definition.columns[i].name] = *record.values[i];
                }
            }
            out.rejects.insert(out.rejects.end(), page.rejects.begin(), page.rejects.end());
            out.sweeps.push_back(page.sweep);
            if (page.sweep == sync::Sweep::begin) out.sweep_at = page.sweep_at;
            out.state = page.next_state;
            done = page.done;
        }
        return out;
    }

    std::filesystem::path folder_;
    Settings settings_;
};

}  // namespace xsell::connectors::test_csv
