// A world (core::World) as the arrays that SQL hands over.
#pragma once
#include <span>

#include "core/error.hpp"
#include "core/features/cross_sell.hpp"

#include "border/border.hpp"

namespace xsell::pg {

// Arguments of xsell_internal.cross_sell_matrix, in order.
enum WorldArgument {
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
    arg_held_first,
    arg_covered_entity,
    arg_covered_product,
    arg_lost_entity,
    arg_lost_product,
    arg_lost_days,
    arg_serving_entity,
    arg_serving_org,
    arg_known_entity,
    arg_known_org,
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

inline void require(bool condition, const char *message) {
    if (!condition) {
        throw core::Error(core::Kind::bad_argument, message);
    }
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

// From a call whose first arguments are the arrays of a world; entities and products are those of the call.
core::World collect(FunctionCallInfo fcinfo, std::span<const std::int64_t> entities, std::span<const std::int64_t> products);

}  // namespace xsell::pg
