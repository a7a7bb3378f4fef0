// xsell_internal.member_scores: a version's probability beside those of its members, for measuring them.
#include "border/datum.hpp"
#include "model_cache.hpp"
#include "row_reader.hpp"

namespace core = xsell::core;
using namespace xsell::pg;

extern "C" {
PG_FUNCTION_INFO_V1(xsell_member_scores);

Datum xsell_member_scores(PG_FUNCTION_ARGS) {
    return enter([&] {
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const core::Model &model = handle.use(text_view(PG_GETARG_DATUM(0)), require_version(PG_GETARG_INT32(1)));
        const RealArray row(PG_GETARG_DATUM(2));
        require_length(handle, model, row);
        float values[core::max_features];
        row.copy_to(values);
        const core::Score score = model.score(values);
        return pg([&]() noexcept {
            Datum elements[1 + core::member_kinds.size()] = {Float8GetDatum(score.probability)};
            for (std::size_t i = 0; i < score.member.size(); ++i) {
                elements[i + 1] = Float8GetDatum(score.member[i]);
            }
            return PointerGetDatum(
                construct_array(elements, lengthof(elements), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
        });
    });
}
}
