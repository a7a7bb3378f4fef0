// SQL function of the feature set cross_sell: arrays of what was known in, feature rows out.
#include "core/error.hpp"
#include "core/features/cross_sell.hpp"

#include "border/border.hpp"
#include "row_array.hpp"

namespace xsell::pg {
namespace {

// Arguments of xsell_internal.cross_sell_matrix, in order.
enum Argument {
    arg_entity,
    arg_eligible,
    arg_industry,
    arg_country,
    arg_log_employees,
    arg_age_days,
    arg_idle_days,
    arg_entity_feature,
    arg_product,
    arg_active,
    arg_family,
    arg_product_feature,
    arg_held_entity,
    arg_held_product,
    arg_held_days,
    arg_covered_entity,
    arg_covered_product,
    arg_serving_entity,
    arg_serving_org,
    arg_selling_product,
    arg_selling_org,
    arg_candidates
};

// A fixed-width array without nulls as a view of its elements.
template <class T>
std::span<const T> elements(FunctionCallInfo fcinfo, int argument) {
    return pg([&]() noexcept -> std::span<const T> {
        ArrayType *array = DatumGetArrayTypeP(fcinfo->args[argument].value);
        if (array_contains_nulls(array)) {
            ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                    errmsg("array argument %d must not contain nulls", argument + 1));
        }
        return {reinterpret_cast<const T *>(ARR_DATA_PTR(array)),
                static_cast<std::size_t>(ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)))};
    });
}

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

void require(bool condition, const char *message) {
    if (!condition) {
        throw core::Error(core::Kind::bad_argument, message);
    }
}

template <class T>
std::vector<std::uint8_t> flags(std::span<const T> values) {
    return {values.begin(), values.end()};
}

// Ids as positions in an ascending array of ids.
class Positions {
  public:
    explicit Positions(std::span<const std::int64_t> ids) : ids_(ids) {
        require(std::is_sorted(ids.begin(), ids.end(), std::less_equal<>()), "ids must be ascending and differ");
    }

    std::uint32_t of(std::int64_t id) const {
        const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
        require(found != ids_.end() && *found == id, "a pair names an id that is not among the ids");
        return static_cast<std::uint32_t>(found - ids_.begin());
    }

  private:
    std::span<const std::int64_t> ids_;
};

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

// Days since each held pair was last bought, in the order of `held`; the least of a pair that is named twice.
std::vector<float> held_days(FunctionCallInfo fcinfo, const core::Csr &held, const Positions &entity, const Positions &product) {
    const auto left = elements<std::int64_t>(fcinfo, arg_held_entity);
    const auto right = elements<std::int64_t>(fcinfo, arg_held_product);
    const auto days = elements<float>(fcinfo, arg_held_days);
    require(days.size() == left.size(), "held_days must have one element a held pair");
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
    world.held_days = held_days(fcinfo, world.held, entity, product);
    world.covered = pairs(fcinfo, arg_covered_entity, entity, entities.size(), &product);
    world.serving = pairs(fcinfo, arg_serving_entity, entity, entities.size(), nullptr);
    world.selling = pairs(fcinfo, arg_selling_product, product, products.size(), nullptr);
    return world;
}

}  // namespace
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
