#include "connectors/csv/folder.hpp"

#include "connectors/csv/mapping.hpp"
#include "sync/error.hpp"

namespace xsell::connectors::csv {
namespace {

const std::vector<std::string> reading_order = {"crm_user",    "account",          "contact", "lead",    "product",
                                                "opportunity", "opportunity_line", "asset",   "activity"};

}  // namespace

Folder::Folder(const Settings &settings) : path_(settings.path("path")), listing_(listing(path_)) {
    if (!path_.empty()) files_ = scan_folder(path_, settings);
    for (const auto &file : files_) {
        if (file.object == invoice_line) {
            sources_["opportunity"].push_back({&file, Kind::invoices});
            sources_["opportunity_line"].push_back({&file, Kind::line_items});
        } else if (!file.object.empty()) {
            sources_[file.object].push_back({&file, Kind::rows});
        }
    }
    derive("account", Kind::customers);
    derive("product", Kind::articles);
}

// Accounts and products that no file lists are found among invoice lines; accounts among deals as well.
void Folder::derive(const std::string &object, Kind from_invoices) {
    if (sources_.contains(object)) return;
    for (const auto &file : files_) {
        if (file.object == invoice_line) sources_[object].push_back({&file, from_invoices});
    }
    for (const auto &file : files_) {
        if (object == "account" && file.object == "opportunity" && file.columns.contains("account_id"))
            sources_[object].push_back({&file, Kind::buyers});
    }
}

Folder::Listing Folder::listing(const std::filesystem::path &path) {
    Listing out;
    std::error_code error;
    for (const auto &entry : std::filesystem::directory_iterator(path, error)) {
        std::error_code unreachable;
        if (!is_readable(entry.path()) || !entry.is_regular_file(unreachable)) continue;
        File file;
        file.path = entry.path();
        try {
            out[entry.path().filename().string()] = file.identity();
        } catch (const sync::SyncError &) {
            // It was taken away just now.
        }
    }
    return out;
}

bool Folder::current() const { return listing(path_) == listing_; }

const Sources *Folder::sources(const std::string &object) const {
    const auto found = sources_.find(object);
    return found == sources_.end() ? nullptr : &found->second;
}

std::vector<std::string> Folder::objects() const {
    std::vector<std::string> out;
    for (const auto &name : reading_order) {
        if (sources_.contains(name)) out.push_back(name);
    }
    return out;
}

}  // namespace xsell::connectors::csv
