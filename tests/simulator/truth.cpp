#include "truth.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace xsell::simulator {
namespace {

// A file appears whole: tests may look while the clock advances.
class File {
  public:
    explicit File(std::filesystem::path path) : path_(std::move(path)), out_(path_.string() + ".new", std::ios::binary) {}
    void line(std::string &text) {
        text += '\n';
        out_ << text;
        text.clear();
    }
    void done() {
        out_.close();
        if (!out_) throw std::runtime_error("cannot write " + path_.string());
        std::filesystem::rename(path_.string() + ".new", path_);
    }

  private:
    std::filesystem::path path_;
    std::ofstream out_;
};

std::string canonical(Kind kind, std::string_view text) {
    std::string out(text);
    switch (kind) {
        case Kind::text: return replaced(out, std::string_view("\0", 1), "\xEF\xBF\xBD");
        case Kind::email: return lower(out);
        case Kind::phone: {
            std::string digits = text.starts_with('+') ? "+" : "";
            for (const char c : text) {
                if (c >= '0' && c <= '9') digits += c;
            }
            return digits;
        }
        default: return out;
    }
}

void write_row(File &file, std::string &line, const Table &table, std::size_t row, bool hubspot) {
    const Row &r = table.row(row);
    const bool unseen = hubspot && r.merged_into != 0;  // known by its id alone
    line.append(table.id(row)).append(r.deleted != 0 ? ",t," : ",f,");
    if (r.merged_into != 0) line += table.id(r.merged_into - 1);
    for (std::size_t i = 0; i < table.object().columns.size(); i++) {
        const Column &column = table.object().columns[i];
        const std::string text = unseen ? "" : canonical(column.kind, table.value(row, static_cast<int>(i)));
        line += ',';
        // The pipeline is never NULL: quotes make the empty text of a CSV.
        if (text.empty() && std::string_view(column.name) == "pipeline")
            line += "\"\"";
        else
            append_csv(line, text);
    }
    line.append(",").append(iso(r.modified)).append(",");
    if (r.deleted != 0) line += iso(r.deleted);
    file.line(line);
}

void write_object(const Simulation &simulation, const Crm &crm, const Object &object, const std::filesystem::path &folder) {
    File file(folder / (std::string(object.name) + ".csv"));
    std::string line = "crm_id,deleted,merged_into";
    for (const Column &column : object.columns) line.append(",").append(column.name);
    line += ",modified_at,deleted_at";
    file.line(line);
    for (std::size_t source = 0; source < source_count; source++) {
        const Table &table = crm.table(static_cast<Source>(source));
        if (&table.object() != &object) continue;
        for (std::size_t row = 0; row < table.size(); row++) {
            if (table.visible(row, simulation.now())) write_row(file, line, table, row, crm.hubspot());
        }
    }
    file.done();
}

void write_matches(const Simulation &simulation, const std::filesystem::path &folder) {
    File entities(folder / "entities.csv"), products(folder / "products.csv");
    std::string line = "org,account,company";
    entities.line(line);
    line = "org,product,group_product,code";
    products.line(line);
    for (std::size_t org = 0; org < org_count; org++) {
        const Crm &crm = simulation.crm(org);
        const Table &accounts = crm.table(Source::account);
        for (std::size_t row = 0; row < accounts.size(); row++) {
            line = fmt::format("{},{},{}", crm.name(), accounts.id(row), crm.company_of(row));
            if (accounts.visible(row, simulation.now())) entities.line(line);
            line.clear();
        }
        for (std::size_t product = 0; product < crm.product_row.size(); product++) {
            if (crm.product_row[product] < 0) continue;
            line = fmt::format("{},{},{},{}", crm.name(),
                               crm.table(Source::product).id(static_cast<std::size_t>(crm.product_row[product])), product,
                               simulation.world().products[product].code);
            products.line(line);
        }
    }
    entities.done();
    products.done();
}

}  // namespace

void write_truth(const Simulation &simulation, const std::string &folder) {
    for (std::size_t org = 0; org < org_count; org++) {
        const Crm &crm = simulation.crm(org);
        const auto path = std::filesystem::path(folder) / crm.name();
        std::filesystem::create_directories(path);
        for (const Object &object : objects()) write_object(simulation, crm, object, path);
    }
    write_matches(simulation, folder);
}

}  // namespace xsell::simulator
