// The one exception of the core: what went wrong, by kind, and what the user may do about it.
#pragma once
#include <stdexcept>
#include <string>
#include <utility>

namespace xsell::core {

enum class Kind {
    bad_argument,         // 22023
    no_such_model,        // 42704
    not_trained,          // 55000
    corrupt_model,        // XX001
    cancelled,            // 57014
    out_of_memory_limit,  // 53200
    no_data,              // 02000
};

struct Error : std::runtime_error {
    Error(Kind what_kind, const std::string &text, std::string what_to_do = {})
        : std::runtime_error(text), kind(what_kind), hint(std::move(what_to_do)) {}
    Kind kind;
    std::string hint;  // a sentence; may be empty
};

}  // namespace xsell::core
