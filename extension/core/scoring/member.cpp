#include "core/scoring/member.hpp"

namespace xsell::core {

namespace {

constexpr std::array<std::string_view, member_kinds.size()> names = {"xgboost", "random_forest", "gradient_boosting",
                                                                     "neural_network"};

}  // namespace

std::string_view name_of(MemberKind kind) { return names[static_cast<std::size_t>(kind) - 1]; }

std::optional<MemberKind> member_kind(std::string_view name) {
    for (const MemberKind kind : member_kinds) {
        if (name_of(kind) == name) return kind;
    }
    return std::nullopt;
}

}  // namespace xsell::core
