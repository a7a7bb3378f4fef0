// SQL function of summaries.
#include "core/words.hpp"

#include "border/datum.hpp"

using namespace xsell;

extern "C" {

PG_FUNCTION_INFO_V1(xsell_first_words);
Datum xsell_first_words(PG_FUNCTION_ARGS) {
    return pg::enter([&] {
        const int count = PG_GETARG_INT32(1);
        return pg::text_datum(
            core::first_words(pg::text_view(PG_GETARG_DATUM(0)), count > 0 ? static_cast<std::size_t>(count) : 0));
    });
}

}  // extern "C"
