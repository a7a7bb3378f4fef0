// SQL function of the feature set cross_sell: arrays of what was known in, feature rows out.
#include "core/error.hpp"
#include "core/features/cross_sell.hpp"

#include "row_array.hpp"
#include "world_arrays.hpp"

namespace xsell::pg {
namespace {

// real[] with nulls: NaN where null.
std::vector<float> nullable_floats(FunctionCallInfo fcinfo, int argument) {
    Datum *values = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    pg([&]() noexcept {
        deconstruct_array(DatumGetArrayTypeP(fcinfo->args[argument].value), FLOAT4OID, sizeof(float), true, TYPALIGN_INT, &values,
                          &nulls, &count);
    });
    std::vector<float> result(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < result.size(); ++i) {
        result[i] = nulls[i] ? std::numeric_limits<float>::quiet_NaN() : DatumGetFloat4(values[i]);
    }
    return result;
}

template <class T>
std::vector<std::uint8_t> flags(std::span<const T> values) {
    return {values.begin(), values.end()};
}

core::Csr pairs(FunctionCallInfo fcinfo, int row_argument, const Positions &rows, std::size_t row_count,
                const Positions *columns) {
    const auto left = elements<std::int64_t>(fcinfo, row_argument);
    const auto right = elements<std::int64_t>(fcinfo, row_argument + 1);
    require(left.size() == right.size(), "both arrays of pairs must have the same length");
    std::vector<std::pair<std::uint32_t, std::uint32_t>> all;
    all.reserve(left.size());
    for (std::size_t i = 0; i < left.size(); ++i) {
        all.emplace_back(rows.of(left[i]), columns ? columns->of(right[i]) : static_cast<std::uint32_t>(right[i]));
    }
    return core::make_csr(row_count, std::move(all));
}

std::vector<core::Profile> profiles(FunctionCallInfo fcinfo, std::size_t count) {
    const auto industry = elements<std::int32_t>(fcinfo, arg_industry);
    const auto country = elements<std::int32_t>(fcinfo, arg_country);
    const auto employees = elements<double>(fcinfo, arg_log_employees);
    const auto age = elements<double>(fcinfo, arg_age_days);
    const auto idle = elements<double>(fcinfo, arg_idle_days);
    require(industry.size() == count && country.size() == count && employees.size() == count && age.size() == count &&
                idle.size() == count,
            "every array of entities must have one element an entity");
    std::vector<core::Profile> result(count);
    for (std::size_t i = 0; i < count; ++i) {
        result[i] = {industry[i], country[i], employees[i], age[i], idle[i]};
    }
    return result;
}

// Days since each held pair was bought, in the order of `held`; the least of a pair that is named twice.
std::vector<float> pair_days(FunctionCallInfo fcinfo, int pairs_argument, int argument, const core::Csr &held,
                             const Positions &entity, const Positions &product) {
    const auto left = elements<std::int64_t>(fcinfo, pairs_argument);
    const auto right = elements<std::int64_t>(fcinfo, pairs_argument + 1);
    const auto days = elements<float>(fcinfo, argument);
    require(days.size() == left.size(), "days since purchases must have one element a held pair");
    std::vector<float> result(held.column.size(), std::numeric_limits<float>::infinity());
    for (std::size_t i = 0; i < left.size(); ++i) {
        const std::uint32_t row = entity.of(left[i]);
        const auto basket = held.row(row);
        const auto at = std::lower_bound(basket.begin(), basket.end(), product.of(right[i])) - basket.begin();
        float &least = result[held.start[row] + static_cast<std::size_t>(at)];
        least = std::min(least, days[i]);
    }
    return result;
}

}  // namespace

core::World collect(FunctionCallInfo fcinfo, std::span<const std::int64_t> entities, std::span<const std::int64_t> products) {
    const Positions entity(entities);
    const Positions product(products);
    core::World world;
    world.profiles = profiles(fcinfo, entities.size());
    world.eligible = flags(elements<bool>(fcinfo, arg_eligible));
    world.entity_values = nullable_floats(fcinfo, arg_entity_feature);
    world.entity_features = entities.empty() ? 0 : world.entity_values.size() / entities.size();
    world.active = flags(elements<bool>(fcinfo, arg_active));
    const auto family = elements<std::int32_t>(fcinfo, arg_family);
    require(std::all_of(family.begin(), family.end(),
                        [&](std::int32_t f) { return f <= static_cast<std::int64_t>(products.size()); }),
            "families are numbered from 0, or 1, without gaps");
    world.family.assign(family.begin(), family.end());
    world.product_values = nullable_floats(fcinfo, arg_product_feature);
    world.product_features = products.empty() ? core::popularity_windows : world.product_values.size() / products.size();
    require(world.eligible.size() == entities.size() && world.entity_values.size() == world.entity_features * entities.size() &&
                world.active.size() == products.size() && world.family.size() == products.size() &&
                world.product_values.size() == world.product_features * products.size() &&
                world.product_features >= core::popularity_windows,
            "every array of entities or products must have one element, or one row, each");
    world.held = pairs(fcinfo, arg_held_entity, entity, entities.size(), &product);
    world.held_days = pair_days(fcinfo, arg_held_entity, arg_held_days, world.held, entity, product);
    world.held_first = pair_days(fcinfo, arg_held_entity, arg_held_first, world.held, entity, product);
    world.lost = pairs(fcinfo, arg_lost_entity, entity, entities.size(), &product);
    world.lost_days = pair_days(fcinfo, arg_lost_entity, arg_lost_days, world.lost, entity, product);
    world.covered = pairs(fcinfo, arg_covered_entity, entity, entities.size(), &product);
    world.serving = pairs(fcinfo, arg_serving_entity, entity, entities.size(), nullptr);
    world.known = pairs(fcinfo, arg_known_entity, entity, entities.size(), nullptr);
    world.selling = pairs(fcinfo, arg_selling_product, product, products.size(), nullptr);
    return world;
}

}  // namespace xsell::pg

using namespace xsell;

extern "C" {

PG_FUNCTION_INFO_V1(xsell_cross_sell_matrix);
Datum xsell_cross_sell_matrix(PG_FUNCTION_ARGS) {
    return pg::enter([&]() -> Datum {
        const auto entities = pg::elements<std::int64_t>(fcinfo, pg::arg_entity);
        const auto products = pg::elements<std::int64_t>(fcinfo, pg::arg_product);
        const core::World world = pg::collect(fcinfo, entities, products);
        core::CandidateLimits limits;
        limits.total = static_cast<std::size_t>(std::max(PG_GETARG_INT32(pg::arg_candidates), 1));
        pg::pg([&]() noexcept { InitMaterializedSRF(fcinfo, 0); });
        auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
        core::CrossSell cross_sell(world, limits, pg::check_for_interrupts);
        pg::RowArray array(cross_sell.width());
        for (std::uint32_t entity = 0; entity < entities.size(); ++entity) {
            if (!world.eligible[entity]) {
                continue;
            }
            const core::CrossSell::Rows rows = cross_sell.rows(entity);
            pg::pg([&]() noexcept {
                CHECK_FOR_INTERRUPTS();
                bool nulls[3] = {false, false, false};
                for (std::size_t i = 0; i < rows.products.size(); ++i) {
                    Datum values[3] = {Int64GetDatum(entities[entity]), Int64GetDatum(products[rows.products[i]]),
                                       array.fill(rows.values.data() + i * cross_sell.width())};
                    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
                }
            });
        }
        return Datum(0);
    });
}
}
