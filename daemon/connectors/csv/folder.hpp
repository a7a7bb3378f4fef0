// The folder of an org: its files, and which of them each object is read from.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "connectors/csv/cursor.hpp"
#include "connectors/csv/file.hpp"

namespace xsell::connectors::csv {

using Sources = std::vector<Source>;

class Folder {
  public:
    explicit Folder(const Settings &settings);  // notes problems there
    Folder(const Folder &) = delete;            // sources point into files
    Folder &operator=(const Folder &) = delete;

    // False when files have come, gone or changed since it was looked at.
    bool current() const;
    const std::vector<File> &files() const { return files_; }
    const Sources *sources(const std::string &object) const;  // nullptr: no file holds such records
    std::vector<std::string> objects() const;                 // in the order in which they should be read

  private:
    using Listing = std::map<std::string, Identity>;
    static Listing listing(const std::filesystem::path &path);
    void derive(const std::string &object, Kind from_invoices);

    std::filesystem::path path_;
    Listing listing_;
    std::vector<File> files_;
    std::map<std::string, Sources> sources_;
};

}  // namespace xsell::connectors::csv
