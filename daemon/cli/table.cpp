#include "cli/table.hpp"

#include <algorithm>

namespace xsell::cli {
namespace {

// Characters, not bytes: names of customers are not all ASCII.
std::size_t width(const std::string &text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

Table::Table(std::vector<std::string> columns) : columns_(std::move(columns)) {
    for (auto &column : columns_) {
        right_.push_back(column.ends_with('>'));
        if (right_.back()) column.pop_back();
    }
}

void Table::add(std::vector<std::string> row) {
    row.resize(columns_.size());
    for (auto &cell : row)
        std::replace_if(
            cell.begin(), cell.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    rows_.push_back(std::move(row));
}

std::string Table::text() const {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        widths.push_back(width(columns_[c]));
        for (const auto &row : rows_) widths[c] = std::max(widths[c], width(row[c]));
    }
    std::string out;
    const auto line = [&](const std::vector<std::string> &cells) {
        std::string text;
        for (std::size_t c = 0; c < cells.size(); ++c) {
            const std::string gap(widths[c] - width(cells[c]), ' ');
            text += (c ? "  " : "") + (right_[c] ? gap + cells[c] : cells[c] + gap);
        }
        while (text.ends_with(' ')) text.pop_back();
        out += text + "\n";
    };
    line(columns_);
    std::vector<std::string> rules;
    for (const std::size_t w : widths) rules.emplace_back(w, '-');
    line(rules);
    for (const auto &row : rows_) line(row);
    return out;
}

}  // namespace xsell::cli
