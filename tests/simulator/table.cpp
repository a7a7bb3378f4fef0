#include "table.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace xsell::simulator {
namespace {

constexpr char separator = '\x1f';
// In ASCII order, so that ids sort as their positions do.
constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// The three characters that make an 18-character id safe where case is lost: one bit for each capital letter.
std::string checksum(std::string_view id) {
    std::string out;
    for (std::size_t block = 0; block < 3; block++) {
        unsigned bits = 0;
        for (std::size_t i = 0; i < 5; i++) {
            const char c = id[block * 5 + i];
            if (c >= 'A' && c <= 'Z') bits |= 1u << i;
        }
        out += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits];
    }
    return out;
}

}  // namespace

int Object::column(std::string_view wanted) const {
    for (std::size_t i = 0; i < columns.size(); i++) {
        if (wanted == columns[i].name) return static_cast<int>(i);
    }
    return -1;
}

const std::vector<Object> &objects() {
    using enum Kind;
    static const std::vector<Object> all = {
        {"crm_user",
         {{"name", text},
          {"email", email},
          {"username", text},
          {"team", text},
          {"manager", text},
          {"is_active", boolean},
          {"time_zone", text},
          {"created_at", time}}},
        {"account",
         {{"name", text},
          {"type", text},
          {"industry", text},
          {"website", text},
          {"domain", text},
          {"phone", phone},
          {"street", text},
          {"city", text},
          {"postal_code", text},
          {"country", text},
          {"annual_revenue", number},
          {"employees", number},
          {"description", text},
          {"owner_id", reference},
          {"created_at", time}}},
        {"contact",
         {{"account_id", reference},
          {"first_name", text},
          {"last_name", text},
          {"title", text},
          {"email", email},
          {"phone", phone},
          {"do_not_contact", boolean},
          {"owner_id", reference},
          {"created_at", time}}},
        {"lead",
         {{"company", text},
          {"first_name", text},
          {"last_name", text},
          {"title", text},
          {"email", email},
          {"phone", phone},
          {"website", text},
          {"domain", text},
          {"industry", text},
          {"country", text},
          {"employees", number},
          {"status", text},
          {"source", text},
          {"owner_id", reference},
          {"converted_at", time},
          {"converted_account_id", reference},
          {"created_at", time}}},
        {"product",
         {{"name", text},
          {"code", text},
          {"family", text},
          {"description", text},
          {"price", number},
          {"is_active", boolean},
          {"created_at", time}}},
        {"opportunity",
         {{"account_id", reference},
          {"name", text},
          {"pipeline", text},
          {"stage", text},
          {"type", text},
          {"amount", number},
          {"currency", text},
          {"probability", number},
          {"is_closed", boolean},
          {"is_won", boolean},
          {"closed_at", time},
          {"owner_id", reference},
          {"created_at", time}}},
        {"opportunity_line",
         {{"opportunity_id", reference},
          {"product_id", reference},
          {"name", text},
          {"quantity", number},
          {"unit_price", number},
          {"amount", number},
          {"currency", text},
          {"created_at", time}}},
        {"asset",
         {{"account_id", reference},
          {"contact_id", reference},
          {"product_id", reference},
          {"name", text},
          {"status", text},
          {"quantity", number},
          {"amount", number},
          {"purchased_at", time},
          {"installed_at", time},
          {"ends_at", time},
          {"created_at", time}}},
        {"activity",
         {{"kind", text},
          {"account_id", reference},
          {"contact_id", reference},
          {"opportunity_id", reference},
          {"subject", text},
          {"occurred_at", time},
          {"duration", number},
          {"direction", text},
          {"status", text},
          {"is_closed", boolean},
          {"owner_id", reference},
          {"created_at", time}}},
    };
    return all;
}

const Object &object_named(std::string_view name) {
    for (const Object &object : objects()) {
        if (name == object.name) return object;
    }
    throw std::out_of_range("no object " + std::string(name));
}

std::string IdScheme::make(std::size_t position) const {
    if (prefix.empty()) return std::to_string(base + number_step * position);
    std::string id(15, '0');
    id.replace(0, prefix.size(), prefix);
    std::size_t rest = position + 1;
    for (std::size_t at = 14; rest != 0; at--, rest /= 62) id[at] = alphabet[rest % 62];
    return id + checksum(id);
}

std::optional<std::size_t> IdScheme::position(std::string_view id) const {
    std::uint64_t number = 0;
    if (prefix.empty()) {
        if (id.empty() || id.size() > 18 || id.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
        for (const char c : id) number = number * 10 + static_cast<std::uint64_t>(c - '0');
        if (number < base || (number - base) % number_step != 0) return std::nullopt;
        return (number - base) / number_step;
    }
    if ((id.size() != 15 && id.size() != 18) || !id.starts_with(prefix)) return std::nullopt;
    for (const char c : id.substr(prefix.size(), 15 - prefix.size())) {
        const std::size_t digit = alphabet.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        number = number * 62 + digit;
    }
    if (number == 0) return std::nullopt;
    return number - 1;
}

std::optional<std::size_t> Table::find(std::string_view id) const {
    const auto position = ids_.position(id);
    return position && *position < rows_.size() ? position : std::nullopt;
}

std::string_view Table::value(std::size_t position, int column) const {
    const Row &row = rows_[position];
    std::string_view rest(arena_.data() + row.offset, row.length);
    for (; column > 0; column--) rest.remove_prefix(rest.find(separator) + 1);
    return rest.substr(0, rest.find(separator));
}

std::vector<std::string_view> Table::values(std::size_t position) const {
    const Row &row = rows_[position];
    std::string_view rest(arena_.data() + row.offset, row.length);
    std::vector<std::string_view> all(object_->columns.size());
    for (std::string_view &value : all) {
        const std::size_t end = rest.find(separator);
        value = rest.substr(0, end);
        if (end != std::string_view::npos) rest.remove_prefix(end + 1);
    }
    return all;
}

std::size_t Table::add(std::initializer_list<std::string_view> values, Time modified, Time visible) {
    assert(values.size() == object_->columns.size());
    Row row;
    row.offset = arena_.size();
    for (const std::string_view &value : values) {
        if (&value != values.begin()) arena_ += separator;
        arena_ += value;
    }
    row.length = static_cast<std::uint32_t>(arena_.size() - row.offset);
    row.modified = modified;
    row.visible = std::max(modified, visible);
    changed_.push_back(static_cast<std::uint32_t>(rows_.size()));
    rows_.push_back(row);
    return rows_.size() - 1;
}

void Table::set(std::size_t position, std::initializer_list<Change> changes, Time modified) {
    set(position, std::vector<Change>(changes), modified);
}

void Table::set(std::size_t position, const std::vector<Change> &changes, Time modified) {
    Row &row = rows_[position];
    std::vector<std::string> values = split(std::string(arena_.data() + row.offset, row.length), separator);
    for (const auto &[column, value] : changes) values.at(static_cast<std::size_t>(column)) = value;
    row.offset = arena_.size();
    for (std::size_t i = 0; i < values.size(); i++) {
        if (i != 0) arena_ += separator;
        arena_ += values[i];
    }
    row.length = static_cast<std::uint32_t>(arena_.size() - row.offset);
    touch(position, modified);
}

void Table::touch(std::size_t position, Time modified) {
    rows_[position].modified = std::max(rows_[position].modified, modified);
    changed_.push_back(static_cast<std::uint32_t>(position));
}

void Table::remove(std::size_t position, Time at, bool bump, std::uint32_t merged_into) {
    rows_[position].deleted = std::max(at, rows_[position].modified);
    rows_[position].merged_into = merged_into;
    touch(position, bump ? at : rows_[position].modified);
}

void Table::restore(std::size_t position, Time at) {
    rows_[position].deleted = 0;
    touch(position, at);
}

bool Table::settle() {
    if (changed_.empty()) return false;
    const auto before = [this](std::uint32_t a, std::uint32_t b) {
        return rows_[a].modified != rows_[b].modified ? rows_[a].modified < rows_[b].modified : a < b;
    };
    std::vector<bool> moved(rows_.size());
    for (const std::uint32_t position : changed_) moved[position] = true;
    std::erase_if(index_, [&moved](std::uint32_t position) { return moved[position]; });
    const auto old_size = static_cast<std::ptrdiff_t>(index_.size());
    for (std::uint32_t position = 0; position < rows_.size(); position++) {
        if (moved[position]) index_.push_back(position);
    }
    std::sort(index_.begin() + old_size, index_.end(), before);
    std::inplace_merge(index_.begin(), index_.begin() + old_size, index_.end(), before);
    changed_.clear();
    return true;
}

}  // namespace xsell::simulator
