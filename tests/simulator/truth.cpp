#include "truth.hpp"

#include <fmt/format.h>
#include <phonenumbers/phonenumberutil.h>

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

std::string iso_country(std::string_view spelling) {
    if (spelling == "USA") return "US";
    if (spelling == "UK") return "GB";
    for (std::size_t org = 0; org < org_count; org++) {
        for (const Country &country : countries(org)) {
            if (spelling != country.name) continue;
            const std::string code = upper(split(country.top_level, '.').back());
            return code == "COM" ? "US" : code == "UK" ? "GB" : code;
        }
    }
    return std::string(spelling);
}

// HubSpot's "FOOD_BEVERAGE" is the "Food & Beverage" of the others.
std::string industry(std::string_view text) {
    for (std::size_t i = 0; i < industry_count; i++) {
        const std::string name = industry_name(i);
        if (text == replaced(replaced(upper(name), " & ", "_"), " ", "_")) return name;
    }
    return std::string(text);
}

std::string telephone(std::string_view text, const std::string &country) {
    using i18n::phonenumbers::PhoneNumber;
    using i18n::phonenumbers::PhoneNumberUtil;
    static const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
    thread_local PhoneNumber number;
    std::string out;
    if (util.Parse(std::string(text), country.empty() ? "ZZ" : country, &number) == PhoneNumberUtil::NO_PARSING_ERROR &&
        util.IsValidNumber(number)) {
        util.Format(number, PhoneNumberUtil::E164, &out);
        return out;
    }
    out = text.starts_with('+') ? "+" : "";
    for (const char c : text) {
        if (c >= '0' && c <= '9') out += c;
    }
    return out;
}

// The standard form of a value; `country` is the record's own.
std::string canonical(const Column &column, std::string_view text, const std::string &country) {
    const std::string_view name = column.name;
    if (name == "country") return country;
    if (name == "industry") return industry(text);
    if (column.kind == Kind::text) return replaced(std::string(text), std::string_view("\0", 1), "\xEF\xBF\xBD");
    if (column.kind == Kind::email) return lower(text);
    if (column.kind == Kind::phone && !text.empty()) return telephone(text, country);
    return std::string(text);
}

// An org, or an org in the words of a dialect.
struct View {
    const Crm &crm;
    const Dialect *dialect;
};

std::string id_of(const View &view, Source source, std::size_t row) {
    return view.dialect ? view.dialect->ids->make(source, row) : view.crm.table(source).id(row);
}

std::string shown(const View &view, Source source, std::size_t row, std::string_view column, std::string text) {
    if (!view.dialect) return text;
    if (const auto other = view.dialect->column(view.crm, source, row, column)) return *other;
    return translated(*view.dialect, view.crm, column, text);
}

void write_row(File &file, std::string &line, const View &view, Source source, std::size_t row) {
    const Table &table = view.crm.table(source);
    const Row &r = table.row(row);
    const bool unseen = !view.dialect && view.crm.hubspot() && r.merged_into != 0;  // known by its id alone
    line.append(id_of(view, source, row)).append(r.deleted != 0 ? ",t," : ",f,");
    line += shown(view, source, row, "merged_into", r.merged_into != 0 ? id_of(view, source, r.merged_into - 1) : "");
    const int country_column = table.object().column("country");
    const std::string country = country_column < 0 ? "" : iso_country(table.value(row, country_column));
    for (std::size_t i = 0; i < table.object().columns.size(); i++) {
        const Column &column = table.object().columns[i];
        const std::string text =
            unseen ? ""
                   : shown(view, source, row, column.name, canonical(column, table.value(row, static_cast<int>(i)), country));
        line += ',';
        // The pipeline is never NULL: quotes make the empty text of a CSV.
        if (text.empty() && std::string_view(column.name) == "pipeline")
            line += "\"\"";
        else
            append_csv(line, text);
    }
    line.append(",").append(shown(view, source, row, "modified_at", iso(r.modified))).append(",");
    if (r.deleted != 0) line += shown(view, source, row, "deleted_at", iso(r.deleted));
    file.line(line);
}

void write_object(const Simulation &simulation, const View &view, const Object &object, const std::filesystem::path &folder) {
    File file(folder / (std::string(object.name) + ".csv"));
    std::string line = "crm_id,deleted,merged_into";
    for (const Column &column : object.columns) line.append(",").append(column.name);
    line += ",modified_at,deleted_at";
    file.line(line);
    for (std::size_t i = 0; i < source_count; i++) {
        const auto source = static_cast<Source>(i);
        const Table &table = view.crm.table(source);
        if (&table.object() != &object || (view.dialect && !view.dialect->shows(source))) continue;
        for (std::size_t row = 0; row < table.size(); row++) {
            if (table.visible(row, simulation.now())) write_row(file, line, view, source, row);
        }
    }
    file.done();
}

void write_org(const Simulation &simulation, const View &view, const std::filesystem::path &folder) {
    std::filesystem::create_directories(folder);
    for (const Object &object : objects()) write_object(simulation, view, object, folder);
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

void write_truth(const Simulation &simulation, const std::string &folder, const std::vector<std::string> &dialects) {
    for (std::size_t org = 0; org < org_count; org++) {
        const Crm &crm = simulation.crm(org);
        write_org(simulation, {crm, nullptr}, std::filesystem::path(folder) / crm.name());
    }
    for (const std::string &name : dialects) {
        if (const Dialect *dialect = dialect_named(name))
            write_org(simulation, {simulation.crm(dialect->org), dialect}, std::filesystem::path(folder) / name);
    }
    write_matches(simulation, folder);
}

}  // namespace xsell::simulator
