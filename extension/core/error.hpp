// The one exception type of the core: what went wrong, in PostgreSQL's message style, and what the user can do about it.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace xsell::core {

enum class Kind { bad_argument, no_such_model, not_trained, corrupt_model, cancelled, out_of_memory_limit, no_data };

struct Error : std::runtime_error {
    Kind kind;
    std::string hint;

    Error(Kind what_kind, const std::string &message, std::string what_helps = {})
        : std::runtime_error(message), kind(what_kind), hint(std::move(what_helps)) {}
};

}  // namespace xsell::core
