// Damages what sources send, pages of JSON and CSV files, for as many rounds as the first argument says, and puts it through the
// readers. Build it with -DXSELL_SANITIZE=ON: whatever comes must end, lose no row without a reason, and leave text that jsonb
// takes.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "connectors/csv/reader.hpp"
#include "connectors/json_map.hpp"
#include "connectors/salesforce/field_map.hpp"
#include "sync/convert.hpp"
#include "sync/error.hpp"
#include "sync/text.hpp"

namespace {

using namespace xsell;

void require(bool good, const char *what) {
    if (good) return;
    std::fprintf(stderr, "fuzz_source: %s\n", what);
    std::abort();
}

const std::string page =
    R"({"totalSize":2,"done":false,"nextRecordsUrl":"/q/1","records":[{"attributes":{"type":"Account"},"Id":"001A","IsDeleted":false,)"
    R"("MasterRecordId":null,"Name":"A \u00c9 \ud83d\ude00 \u0000","AnnualRevenue":12.5,"NumberOfEmployees":7,"Website":"https://a.co.uk/x",)"
    R"("CreatedDate":"2020-10-22T21:03:23.000+0000","SystemModstamp":"2026-05-14T11:36:18.000+0000"},{"Id":"001B","Name":"B",)"
    R"("SystemModstamp":"2026-05-14T11:36:18Z"}]})";
const std::string table = "id,name,\"a \"\"b\"\"\"\r\n1,\"x\ny\",2\n2,\xc3\xa9,\"3\"\r\n,,\n4,\"open,5\n";

std::string damaged(std::string text, std::mt19937 &random) {
    static constexpr std::string_view pieces[] = {"\"",
                                                  "\\",
                                                  "\\u0000",
                                                  "\\ud800",
                                                  "{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  "\n",
                                                  "\r",
                                                  "null",
                                                  "1e999",
                                                  "-",
                                                  "\xff",
                                                  "\xc3",
                                                  "9999999999999999999999",
                                                  "0001-13-77T99:99:99Z"};
    for (unsigned i = random() % 6; i > 0 && !text.empty(); --i) {
        const std::size_t at = random() % text.size();
        switch (random() % 4) {
            case 0: text[at] = static_cast<char>(random()); break;
            case 1: text.erase(at, random() % 20); break;
            case 2: text.insert(at, pieces[random() % std::size(pieces)]); break;
            default: text.insert(at, text.substr(random() % text.size(), random() % 40));
        }
    }
    return text;
}

sync::Object account() {
    using enum sync::ColumnType;
    return {"account",
            {{"name", text},
             {"website", text},
             {"domain", text},
             {"annual_revenue", number},
             {"employees", integer},
             {"created_at", timestamp},
             {"modified_at", timestamp},
             {"deleted_at", timestamp},
             {"merged_into", text},
             {"attributes", json}}};
}

void json_page(const std::string &text, const connectors::Mapper &mapper, const sync::Object &object) {
    try {
        const connectors::Listing listing = connectors::read_listing(text, "records");
        sync::Page out;
        mapper.map(object, listing.records, out);
        require(out.records.size() + out.rejects.size() == listing.records.size(), "a record was lost or doubled");
        for (const sync::Record &record : out.records) {
            require(sync::is_utf8(record.raw) && record.raw.find('\0') == std::string::npos, "raw text that jsonb refuses");
            require(nlohmann::json::accept(record.raw), "raw text that is no JSON");
            require(record.values.size() == object.columns.size() && record.values[object.index("modified_at")],
                    "a record without modified_at");
        }
    } catch (const sync::SyncError &) {
    }
}

void csv_file(const std::string &text) {
    connectors::csv::Reader reader(
        [&](std::uint64_t offset, char *to, std::size_t size) -> std::size_t {
            if (offset >= text.size()) return 0;
            const std::size_t count = std::min<std::size_t>({size, text.size() - offset, 7});
            std::copy_n(text.data() + offset, count, to);
            return count;
        },
        {connectors::csv::detect_delimiter(text.substr(0, text.find('\n'))), false});
    connectors::csv::Row row;
    std::int64_t last = 0;
    while (reader.next(row)) {
        require(row.line > last, "lines that do not grow");
        last = row.line;
        for (const std::string_view field : row.fields)
            require(sync::is_utf8(field) && field.find('\0') == std::string_view::npos, "a field that text refuses");
    }
    require(reader.offset() == text.size(), "the end was not reached");
}

}  // namespace

int main(int argc, char **argv) {
    const long rounds = argc > 1 ? std::atol(argv[1]) : 100000;
    const auto sources = connectors::salesforce::sources();
    const auto source =
        std::find_if(sources.begin(), sources.end(), [](const auto &s) { return std::string_view(s.object) == "account"; });
    const connectors::Mapper mapper({"Account", "Id", ""}, source->fields, {}, {});
    const sync::Object object = account();
    std::mt19937 random(1);
    for (long round = 0; round < rounds; ++round) {
        json_page(damaged(page, random), mapper, object);
        csv_file(damaged(table, random));
        std::string reason;
        const std::string value = damaged("2026-05-14T11:36:18.123+03:00", random);
        for (const sync::Column &column : object.columns) sync::convert(column, value, reason);
    }
    std::printf("%ld pages and files, no harm done\n", rounds);
    return 0;
}
