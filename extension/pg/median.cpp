// xsell_internal.median: of an array, without sorting it.
#include <algorithm>
#include <cmath>
#include <vector>

#include "world_arrays.hpp"

namespace xsell::pg {
namespace {

// Halfway between the two in the middle, as percentile_cont interpolates.
double median(std::vector<double> &numbers) {
    const auto less = [](double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); };  // NaN last
    const auto upper = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
    std::nth_element(numbers.begin(), upper, numbers.end(), less);
    if (numbers.size() % 2 == 1) {
        return *upper;
    }
    const double lower = *std::max_element(numbers.begin(), upper, less);
    return lower + 0.5 * (*upper - lower);
}

}  // namespace
}  // namespace xsell::pg

extern "C" {
PG_FUNCTION_INFO_V1(xsell_median);

Datum xsell_median(PG_FUNCTION_ARGS) {
    return xsell::pg::enter([&]() -> Datum {
        const auto given = xsell::pg::elements<double>(fcinfo, 0);
        std::vector<double> numbers(given.begin(), given.end());
        if (numbers.empty()) {
            PG_RETURN_NULL();
        }
        PG_RETURN_FLOAT8(xsell::pg::median(numbers));
    });
}
}
