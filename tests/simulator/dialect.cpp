#include "dialect.hpp"

#include <fmt/format.h>

#include <charconv>

#include "attio.hpp"
#include "pipedrive.hpp"
#include "zoho.hpp"

namespace xsell::simulator {

std::uint64_t NumberIds::first(Source source) const {
    constexpr std::uint64_t room = 100'000'000;  // rows of a kind
    return base_ + (shared_ ? static_cast<std::uint64_t>(source) * room * step_ : 0);
}

std::string NumberIds::make(Source source, std::size_t row) const { return std::to_string(first(source) + step_ * row); }

std::optional<std::size_t> NumberIds::row(Source source, std::string_view id) const {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (error != std::errc() || end != id.data() + id.size()) return std::nullopt;
    const std::uint64_t base = first(source);
    if (number < base || (number - base) % step_ != 0) return std::nullopt;
    return (number - base) / step_;
}

// The row is scrambled by a multiplication that can be undone, so that ids sort in no useful order.
std::string UuidIds::make(Source source, std::size_t row) const {
    const std::uint64_t mixed = (row + 1) * 0x9E3779B97F4A7C15ULL;
    return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", mixed >> 32, (mixed >> 16) & 0xffff, mixed & 0xfff,
                       static_cast<unsigned>(source), (mixed >> 12 & 0xf) << 44 | 0x5eed);
}

std::optional<std::size_t> UuidIds::row(Source source, std::string_view id) const {
    if (id.size() != 36) return std::nullopt;
    const auto hex = [&](std::size_t from, std::size_t length) {
        std::uint64_t value = 0;
        std::from_chars(id.data() + from, id.data() + from + length, value, 16);
        return value;
    };
    const std::uint64_t mixed = hex(0, 8) << 32 | hex(9, 4) << 16 | (hex(24, 12) >> 44) << 12 | hex(15, 3);
    const std::uint64_t row = mixed * 0xF1DE83E19937733DULL - 1;  // the inverse of the factor
    return make(source, row) == id ? std::optional<std::size_t>(row) : std::nullopt;
}

std::optional<Source> referred(std::string_view column) {
    static constexpr std::pair<std::string_view, Source> targets[] = {
        {"account_id", Source::account},
        {"parent_id", Source::account},
        {"converted_account_id", Source::account},
        {"contact_id", Source::contact},
        {"lead_id", Source::lead},
        {"converted_contact_id", Source::contact},
        {"opportunity_id", Source::opportunity},
        {"product_id", Source::product},
        {"converted_opportunity_id", Source::opportunity},
        {"owner_id", Source::user},
    };
    for (const auto &[name, source] : targets) {
        if (name == column) return source;
    }
    return std::nullopt;
}

std::string translated(const Dialect &dialect, const Crm &crm, std::string_view column, std::string_view native) {
    const auto source = native.empty() ? std::nullopt : referred(column);
    if (!source) return std::string(native);
    const auto row = crm.table(*source).find(native);
    return row ? dialect.ids->make(*source, *row) : std::string(native);
}

const std::vector<const Dialect *> &dialects() {
    static const std::vector<const Dialect *> all = {&attio_dialect, &pipedrive_dialect, &zoho_dialect};
    return all;
}

const Dialect *dialect_named(std::string_view name) {
    for (const Dialect *dialect : dialects()) {
        if (name == dialect->vendor->name) return dialect;
    }
    return nullptr;
}

}  // namespace xsell::simulator
