#include "row_reader.hpp"

#include "core/error.hpp"

namespace xsell::pg {
namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

// Which column of the record feeds which feature. Plain memory in the context of the handle.
struct RecordMap {
    MemoryContext context;
    Oid type;
    std::int32_t typmod;
    std::uint64_t shape_id;  // the server's, another one after ALTER TABLE
    std::uint64_t relation_changes;
    std::uint64_t handle_changes;
    TupleDesc shape;
    Datum *values;
    bool *nulls;
    int *column;  // per feature, from 0
    Oid *column_type;
};

bool is_number(Oid type) {
    return type == FLOAT4OID || type == FLOAT8OID || type == INT2OID || type == INT4OID || type == INT8OID || type == NUMERICOID;
}

float to_float(Datum value, Oid type) {
    switch (type) {
        case FLOAT4OID: return DatumGetFloat4(value);
        case FLOAT8OID: return static_cast<float>(DatumGetFloat8(value));
        case INT2OID: return static_cast<float>(DatumGetInt16(value));
        case INT4OID: return static_cast<float>(DatumGetInt32(value));
        case INT8OID: return static_cast<float>(DatumGetInt64(value));
        default: return pg([&]() noexcept { return DatumGetFloat4(DirectFunctionCall1(numeric_float4, value)); });
    }
}

// The column with that name; -1 when there is none.
int find_column(TupleDesc shape, const std::string &name) {
    int found = -1;
    for (int i = 0; i < shape->natts; ++i) {
        const Form_pg_attribute attribute = TupleDescAttr(shape, i);
        if (attribute->attisdropped || name != NameStr(attribute->attname)) {
            continue;
        }
        if (found >= 0) {
            throw core::Error(core::Kind::bad_argument, "the row has two columns \"" + name + "\"",
                              "Give each column its own name.");
        }
        found = i;
    }
    return found;
}

RecordMap *new_map(ModelHandle &handle, std::size_t features, Oid type, std::int32_t typmod) {
    return pg([&]() noexcept {
        MemoryContext own = AllocSetContextCreate(handle.context(), "xsell record map", ALLOCSET_SMALL_SIZES);
        MemoryContext caller = MemoryContextSwitchTo(own);
        auto *map = static_cast<RecordMap *>(palloc0(sizeof(RecordMap)));
        map->context = own;
        map->type = type;
        map->typmod = typmod;
        map->relation_changes = relation_changes();
        map->shape_id = assign_record_type_identifier(type, typmod);
        map->handle_changes = handle.changes();
        map->shape = lookup_rowtype_tupdesc_copy(type, typmod);
        map->values = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<std::size_t>(map->shape->natts)));
        map->nulls = static_cast<bool *>(palloc(sizeof(bool) * static_cast<std::size_t>(map->shape->natts)));
        map->column = static_cast<int *>(palloc(sizeof(int) * features));
        map->column_type = static_cast<Oid *>(palloc(sizeof(Oid) * features));
        MemoryContextSwitchTo(caller);
        return map;
    });
}

void find_columns(const ModelHandle &handle, const std::vector<std::string> &names, RecordMap *map) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        const int column = find_column(map->shape, names[i]);
        if (column < 0) {
            throw core::Error(core::Kind::bad_argument, "the row has no column \"" + names[i] + "\"",
                              "Model \"" + std::string(handle.name()) + "\" binds its features to columns by name.");
        }
        const Oid declared = TupleDescAttr(map->shape, column)->atttypid;
        const Oid base = pg([&]() noexcept { return getBaseType(declared); });
        if (!is_number(base)) {
            const char *spelled = pg([&]() noexcept { return format_type_be(declared); });
            throw core::Error(core::Kind::bad_argument, "column \"" + names[i] + "\" is of type " + spelled + ", not a number",
                              "Features are smallint, integer, bigint, numeric, real or double precision; categories and times "
                              "become numbers in "
                              "xsell.features and in the views of xsell.create_scoring_view.");
        }
        map->column[i] = column;
        map->column_type[i] = base;
    }
}

RecordMap *bind(ModelHandle &handle, const core::Model &model, Oid type, std::int32_t typmod) {
    const std::vector<std::string> names = version_features(std::string(handle.name()).c_str(), handle.version());
    if (names.size() != model.features()) {
        throw core::Error(core::Kind::corrupt_model, "model \"" + std::string(handle.name()) + "\" version " +
                                                         std::to_string(handle.version()) +
                                                         " names another number of features than it has");
    }
    RecordMap *map = new_map(handle, names.size(), type, typmod);
    try {
        find_columns(handle, names, map);
    } catch (...) {
        MemoryContextDelete(map->context);  // a call site that is kept may meet many rows that do not fit
        throw;
    }
    return map;
}

// Row types change within a transaction too, under a call site that PL/pgSQL keeps.
bool is_current(RecordMap &map) {
    if (map.relation_changes == relation_changes()) {
        return true;
    }
    const bool same = map.shape_id == pg([&]() noexcept { return assign_record_type_identifier(map.type, map.typmod); });
    if (same) {
        map.relation_changes = relation_changes();
    }
    return same;
}

}  // namespace

void require_length(const ModelHandle &handle, const core::Model &model, const RealArray &row) {
    if (row.dimensions() == 1 && row.size() == model.features()) {
        return;
    }
    const std::string name(handle.name());
    if (row.dimensions() > 1) {
        throw core::Error(core::Kind::bad_argument,
                          "features must be an array of one dimension, not " + std::to_string(row.dimensions()));
    }
    throw core::Error(core::Kind::bad_argument,
                      "model \"" + name + "\" version " + std::to_string(handle.version()) + " expects " +
                          std::to_string(model.features()) + " features, got " + std::to_string(row.size()),
                      "xsell.features('" + name + "', now()) makes rows that fit; NULL elements are allowed.");
}

int require_version(int version) {
    if (version <= 0) {
        throw core::Error(core::Kind::bad_argument, "versions are counted from 1");
    }
    return version;
}

void read_record(ModelHandle &handle, const core::Model &model, Datum record, float *out) {
    HeapTupleHeader header = pg([&]() noexcept { return DatumGetHeapTupleHeader(record); });
    const Oid type = HeapTupleHeaderGetTypeId(header);
    const std::int32_t typmod = HeapTupleHeaderGetTypMod(header);
    auto *map = static_cast<RecordMap *>(handle.extra);
    if (map == nullptr || map->type != type || map->typmod != typmod || map->handle_changes != handle.changes() ||
        !is_current(*map)) {
        RecordMap *fresh = bind(handle, model, type, typmod);
        if (map != nullptr) {
            MemoryContextDelete(map->context);
        }
        handle.extra = map = fresh;
    }
    HeapTupleData tuple{};
    tuple.t_len = HeapTupleHeaderGetDatumLength(header);
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_tableOid = InvalidOid;
    tuple.t_data = header;
    pg([&]() noexcept { heap_deform_tuple(&tuple, map->shape, map->values, map->nulls); });
    for (std::size_t i = 0; i < model.features(); ++i) {
        const int column = map->column[i];
        out[i] = map->nulls[column] ? missing : to_float(map->values[column], map->column_type[i]);
    }
}

}  // namespace xsell::pg
