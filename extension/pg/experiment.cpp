// What xsell.experiment computes beyond arithmetic that SQL has.
#include "border/border.hpp"
#include "core/error.hpp"
#include "core/metrics/significance.hpp"

namespace core = xsell::core;
using namespace xsell::pg;

extern "C" {
PG_FUNCTION_INFO_V1(xsell_normal_tail);
PG_FUNCTION_INFO_V1(xsell_chi_square_tail);

Datum xsell_normal_tail(PG_FUNCTION_ARGS) {
    return enter([&] { return Float8GetDatum(core::normal_tail(PG_GETARG_FLOAT8(0))); });
}

Datum xsell_chi_square_tail(PG_FUNCTION_ARGS) {
    return enter([&] {
        const int degrees = PG_GETARG_INT32(1);
        if (degrees < 1) {
            throw core::Error(core::Kind::bad_argument, "a chi-square distribution has at least one degree of freedom");
        }
        return Float8GetDatum(core::chi_square_tail(PG_GETARG_FLOAT8(0), degrees));
    });
}
}
