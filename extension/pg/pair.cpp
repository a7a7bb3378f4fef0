// SQL function of the pairs of accounts that look alike: the six similarities, by the formulas that find lookalikes.
#include <limits>

#include "core/features/lookalike.hpp"

#include "border/border.hpp"

namespace xsell::pg {
namespace {

double number_or_nan(FunctionCallInfo fcinfo, int n) {
    return PG_ARGISNULL(n) ? std::numeric_limits<double>::quiet_NaN() : PG_GETARG_FLOAT8(n);
}

// Codes of two values of which only it is known whether they are the same; unknown is a code below 0.
struct Codes {
    std::int32_t a;
    std::int32_t b;
};

Codes codes(FunctionCallInfo fcinfo, int n) {
    if (PG_ARGISNULL(n)) {
        return {-1, -1};
    }
    return {0, PG_GETARG_BOOL(n) ? 0 : 1};
}

std::size_t count(FunctionCallInfo fcinfo, int n) {
    return PG_ARGISNULL(n) || PG_GETARG_INT64(n) < 0 ? 0 : static_cast<std::size_t>(PG_GETARG_INT64(n));
}

}  // namespace
}  // namespace xsell::pg

using namespace xsell;

extern "C" {

PG_FUNCTION_INFO_V1(xsell_pair_similarity);
Datum xsell_pair_similarity(PG_FUNCTION_ARGS) {
    return pg::enter([&] {
        const pg::Codes industry = pg::codes(fcinfo, 0);
        const pg::Codes country = pg::codes(fcinfo, 1);
        const core::Profile a{industry.a, country.a, pg::number_or_nan(fcinfo, 2), pg::number_or_nan(fcinfo, 4),
                              pg::number_or_nan(fcinfo, 6)};
        const core::Profile b{industry.b, country.b, pg::number_or_nan(fcinfo, 3), pg::number_or_nan(fcinfo, 5),
                              pg::number_or_nan(fcinfo, 7)};
        const core::PairSimilarity similarity = core::pair_similarity(a, b, pg::count(fcinfo, 8), pg::count(fcinfo, 9));
        return pg::pg([&]() noexcept {
            Datum values[core::similarities];
            for (std::size_t i = 0; i < core::similarities; ++i) {
                values[i] = Float4GetDatum(similarity[i]);
            }
            return PointerGetDatum(construct_array(values, core::similarities, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
        });
    });
}

}  // extern "C"
