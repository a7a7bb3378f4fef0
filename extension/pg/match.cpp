// SQL functions of entity and product matching: names, countries, components and clusters.
#include "core/error.hpp"
#include "core/match/cluster.hpp"
#include "core/match/components.hpp"
#include "core/match/country.hpp"
#include "core/match/name.hpp"

#include "border/border.hpp"
#include "text.hpp"

namespace xsell::pg {
namespace {

std::span<const std::int64_t> bigints(Datum datum) {
    return pg([&]() noexcept -> std::span<const std::int64_t> {
        ArrayType *array = DatumGetArrayTypeP(datum);
        if (ARR_HASNULL(array) && array_contains_nulls(array)) {
            ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("arrays of node numbers must not contain nulls"));
        }
        const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
        return {reinterpret_cast<const std::int64_t *>(ARR_DATA_PTR(array)), static_cast<std::size_t>(count)};
    });
}

std::span<const double> doubles(Datum datum) {
    return pg([&]() noexcept -> std::span<const double> {
        ArrayType *array = DatumGetArrayTypeP(datum);
        if (ARR_HASNULL(array) && array_contains_nulls(array)) {
            ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("arrays of scores must not contain nulls"));
        }
        const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
        return {reinterpret_cast<const double *>(ARR_DATA_PTR(array)), static_cast<std::size_t>(count)};
    });
}

std::vector<core::Link> links(std::span<const std::int64_t> a, std::span<const std::int64_t> b, std::span<const double> score) {
    if (a.size() != b.size() || (!score.empty() && score.size() != a.size())) {
        throw core::Error(core::Kind::bad_argument, "both ends of the links and their scores must be arrays of the same length");
    }
    std::vector<core::Link> all;
    all.reserve(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        all.push_back({a[i], b[i], score.empty() ? 1 : score[i]});
    }
    return all;
}

}  // namespace
}  // namespace xsell::pg

using namespace xsell;

extern "C" {

PG_FUNCTION_INFO_V1(xsell_normalize_name);
Datum xsell_normalize_name(PG_FUNCTION_ARGS) {
    return pg::enter([&] { return pg::text_of(core::normalize_name(pg::utf8(PG_GETARG_DATUM(0)))); });
}

PG_FUNCTION_INFO_V1(xsell_compact_name);
Datum xsell_compact_name(PG_FUNCTION_ARGS) {
    return pg::enter([&] { return pg::text_of(core::compact_name(pg::utf8(PG_GETARG_DATUM(0)))); });
}

PG_FUNCTION_INFO_V1(xsell_country_key);
Datum xsell_country_key(PG_FUNCTION_ARGS) {
    return pg::enter([&] { return pg::text_of(core::country_key(pg::utf8(PG_GETARG_DATUM(0)))); });
}

PG_FUNCTION_INFO_V1(xsell_name_similarity);
Datum xsell_name_similarity(PG_FUNCTION_ARGS) {
    return pg::enter(
        [&] { return Float8GetDatum(core::name_similarity(pg::utf8(PG_GETARG_DATUM(0)), pg::utf8(PG_GETARG_DATUM(1)))); });
}

PG_FUNCTION_INFO_V1(xsell_connected_components);
Datum xsell_connected_components(PG_FUNCTION_ARGS) {
    return pg::enter([&]() -> Datum {
        const auto left = pg::bigints(PG_GETARG_DATUM(0));
        const auto right = pg::bigints(PG_GETARG_DATUM(1));
        const std::vector<core::Component> found = core::connected_components(left, right, pg::check_for_interrupts);
        pg::pg([&]() noexcept {
            InitMaterializedSRF(fcinfo, 0);
            auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
            bool nulls[2] = {false, false};
            for (const core::Component &component : found) {
                Datum values[2] = {Int64GetDatum(component.node), Int64GetDatum(component.component)};
                tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
            }
        });
        return Datum(0);
    });
}

// left, right and score of the scored pairs; left and right of those that must be, and of those that must not be, one.
PG_FUNCTION_INFO_V1(xsell_match_clusters);
Datum xsell_match_clusters(PG_FUNCTION_ARGS) {
    return pg::enter([&]() -> Datum {
        const auto ids = [&](int argument) { return pg::bigints(PG_GETARG_DATUM(argument)); };
        const std::vector<core::Link> scored = pg::links(ids(0), ids(1), pg::doubles(PG_GETARG_DATUM(2)));
        const std::vector<core::Link> must = pg::links(ids(3), ids(4), {});
        const std::vector<core::Link> cannot = pg::links(ids(5), ids(6), {});
        const std::vector<core::Membership> found = core::cluster(scored, must, cannot, {}, pg::check_for_interrupts);
        pg::pg([&]() noexcept {
            InitMaterializedSRF(fcinfo, 0);
            auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
            bool nulls[2] = {false, false};
            for (const core::Membership &member : found) {
                Datum values[2] = {Int64GetDatum(member.node), Int64GetDatum(member.cluster)};
                tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
            }
        });
        return Datum(0);
    });
}
}
