#include "config/rates.hpp"

#include <algorithm>
#include <fstream>

#include "connectors/csv/mapping.hpp"
#include "connectors/csv/reader.hpp"
#include "sync/convert.hpp"
#include "sync/text.hpp"

namespace xsell::config {
namespace {

using connectors::csv::Row;

std::size_t find_header(const Row &header, const std::vector<std::string> &words) {
    for (const auto &word : words) {
        for (std::size_t i = 0; i < header.fields.size(); ++i) {
            if (connectors::csv::normalised(header.fields[i]) == word) return i;
        }
    }
    return header.fields.size();
}

}  // namespace

std::string rate_problem(const Rate &rate) {
    const bool letters = std::all_of(rate.currency.begin(), rate.currency.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (rate.currency.size() != 3 || !letters) return "currency: '" + rate.currency + "' is not a currency such as EUR";
    const auto day = sync::to_micros(rate.valid_from);
    if (!day || rate.valid_from.size() != 10) return "valid_from: '" + rate.valid_from + "' is not a day such as 2024-01-31";
    const auto number = sync::to_number(rate.rate);
    if (!number) return "rate: '" + rate.rate + "' is not a number";
    if (number->starts_with('-') || number->find_first_of("123456789") == std::string::npos)
        return "rate: '" + rate.rate + "' is not above zero";
    return "";
}

std::vector<Rate> read_rates(const std::filesystem::path &file, std::vector<std::string> &problems) {
    std::vector<Rate> rates;
    std::ifstream in(file, std::ios::binary);
    const std::string name = file.filename().string();
    if (!in || !std::filesystem::is_regular_file(file)) {
        problems.push_back("the file " + file.string() + " cannot be read");
        return rates;
    }
    connectors::csv::Reader reader(
        [&](std::uint64_t offset, char *to, std::size_t size) {
            in.clear();
            in.seekg(static_cast<std::streamoff>(offset));
            in.read(to, static_cast<std::streamsize>(size));
            return static_cast<std::size_t>(in.gcount());
        },
        {});
    Row row;
    if (!reader.next(row)) return rates;
    const std::size_t width = row.fields.size();
    const std::size_t currency = find_header(row, {"currency"}), day = find_header(row, {"validfrom", "date", "day"}),
                      rate = find_header(row, {"rate"});
    if (currency == width || day == width || rate == width) {
        problems.push_back(name + ": the header is not currency,valid_from,rate");
        return rates;
    }
    while (reader.next(row)) {
        const std::string place = name + ":" + std::to_string(row.line) + ": ";
        if (!row.error.empty() || row.fields.size() != width) {
            problems.push_back(place + (row.error.empty() ? "wrong number of fields" : row.error));
            continue;
        }
        const auto field = [&](std::size_t i) { return std::string(sync::trim(row.fields[i])); };
        const Rate found{field(currency), field(day), field(rate)};
        if (const std::string wrong = rate_problem(found); !wrong.empty())
            problems.push_back(place + wrong);
        else
            rates.push_back(found);
    }
    return rates;
}

}  // namespace xsell::config
