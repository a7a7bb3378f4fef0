// One file of an org, CSV or JSON lines: where it is, how it is written, what it holds.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/csv/reader.hpp"
#include "connectors/settings.hpp"
#include "sync/convert.hpp"

namespace xsell::connectors::csv {

// Changes whenever the content may have changed.
struct Identity {
    std::int64_t size = 0;
    std::int64_t mtime = 0;  // nanoseconds since 1970
    bool operator==(const Identity &) const = default;
};

struct File {
    std::filesystem::path path;
    std::string name;
    std::string object;  // empty: not recognised, skipped
    bool json_lines = false;
    Dialect dialect;
    char decimal = '.';  // the other of , and . may separate thousands
    sync::DateOrder order = sync::DateOrder::iso;
    std::vector<std::string> header;
    std::map<std::string, std::size_t> columns;  // our column -> position in the header
    std::vector<std::string> problems;           // why it cannot be read

    Identity identity() const;                // throws SyncError
    std::unique_ptr<RowReader> open() const;  // at the first row of data; throws SyncError
    std::int64_t map_hash(const std::vector<std::string> &attributes) const;
};

bool is_readable(const std::filesystem::path &path);  // by its extension

// The files of a folder that can be read, in the order of their names, each with its object and columns as configured or guessed.
std::vector<File> scan_folder(const std::filesystem::path &folder, const Settings &settings);

}  // namespace xsell::connectors::csv
