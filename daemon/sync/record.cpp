#include "sync/record.hpp"

#include <stdexcept>

namespace xsell::sync {

std::size_t Object::index(std::string_view column) const {
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i].name == column) return i;
    }
    throw std::out_of_range(name + " has no column " + std::string(column));
}

}  // namespace xsell::sync
