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
        constexpr int most = 1000;  // the time it takes grows with them
        const int degrees = PG_GETARG_INT32(1);
        if (degrees < 1 || degrees > most) {
            throw core::Error(core::Kind::bad_argument, "degrees of freedom must be from 1 to " + std::to_string(most));
        }
        return Float8GetDatum(core::chi_square_tail(PG_GETARG_FLOAT8(0), degrees));
    });
}
}
