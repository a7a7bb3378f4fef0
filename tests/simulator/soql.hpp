// The subset of SOQL that sync needs: SELECT fields or COUNT(), WHERE with AND, OR, NOT, IN and comparisons, ORDER BY, LIMIT.
#pragma once
#include <limits>
#include <memory>
#include <stdexcept>

#include "sobject.hpp"

namespace xsell::simulator {

struct SoqlError : std::runtime_error {
    SoqlError(const char *error_code, const std::string &message) : std::runtime_error(message), code(error_code) {}
    const char *code;
};

struct Condition {
    enum Op { all, any, negation, equal, unequal, less, less_equal, greater, greater_equal, in, not_in } op = all;
    std::vector<Condition> parts;      // of all, any, negation
    const Field *field = nullptr;      // of comparisons
    std::vector<std::string> texts;    // canonical literals; empty is null
    std::vector<std::int64_t> millis;  // of datetime literals
    std::vector<double> numbers;
};

struct Soql {
    const SObject *object = nullptr;
    bool count = false;
    std::vector<const Field *> fields;
    std::optional<Condition> where;
    struct Order {
        const Field *field;
        bool descending;
    };
    std::vector<Order> order;
    std::size_t limit = std::numeric_limits<std::size_t>::max();
};

Soql parse_soql(std::string_view text);  // throws SoqlError

// Rows that a query returns, in its order. `all_rows`: queryAll, with the recycle bin and archived activities.
std::vector<std::uint32_t> run_soql(const Soql &query, const Crm &crm, Time now, bool all_rows);

}  // namespace xsell::simulator
