// xsell_internal.stored_features: runs the query of a feature set into a receiver that makes one real[] of each row.
#include <unordered_map>

#include "border/datum.hpp"
#include "core/error.hpp"
#include "row_array.hpp"
#include "stored_query.hpp"

extern "C" {
#include "utils/date.h"
#include "utils/fmgrprotos.h"
}

namespace xsell::pg {
namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();
constexpr float other = 0;  // a value that the dictionary does not have

struct Bytes {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using Codes = std::unordered_map<std::string, float, Bytes, std::equal_to<>>;

// The dictionary of one categorical, built once a statement: no row looks anything up in a table. It knows its values by their
// hashes, because not everybody who computes features may read them; those met once are then known by themselves.
struct Dictionary {
    Codes by_hash;
    Codes met;
};

// What the definition said of a feature when it was stored.
struct Feature {
    std::string name;
    std::string kind;
    Dictionary dictionary;
};

struct Column {
    int number = 0;  // from 0, in the rows of the query
    Oid type = InvalidOid;
    Dictionary *dictionary = nullptr;
};

constexpr int no_column = -1;
constexpr double microseconds_a_day = 86400e6;

float days(TimestampTz at, Timestamp value) {
    // Beyond the calendar there is no number of days.
    return TIMESTAMP_NOT_FINITE(value)
               ? missing
               : static_cast<float>((static_cast<double>(at) - static_cast<double>(value)) / microseconds_a_day);
}

// SHA-256 of a text in UTF-8, so that a dump restored in another encoding keeps its codes.
std::string_view hash(std::string_view value) {
    return text_view(pg([&]() noexcept {
        const int size = static_cast<int>(value.size());
        char *utf8 = pg_server_to_any(value.data(), size, PG_UTF8);
        const bool same = utf8 == value.data();
        text *bytes = cstring_to_text_with_len(utf8, same ? size : static_cast<int>(std::strlen(utf8)));
        return DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes));
    }));
}

float code(Dictionary &dictionary, std::string_view value) {
    if (const auto known = dictionary.met.find(value); known != dictionary.met.end()) {
        return known->second;
    }
    const auto found = dictionary.by_hash.find(hash(value));
    if (found == dictionary.by_hash.end()) {
        return other;  // not remembered: there may be millions
    }
    dictionary.met.emplace(value, found->second);
    return found->second;
}

// Dates and times without a zone are taken as UTC, whatever the session's zone.
float number(const Column &column, Datum value, TimestampTz at) {
    switch (column.type) {
        case BOOLOID: return DatumGetBool(value) ? 1 : 0;
        case INT2OID: return DatumGetInt16(value);
        case INT4OID: return static_cast<float>(DatumGetInt32(value));
        case INT8OID: return static_cast<float>(DatumGetInt64(value));
        case FLOAT4OID: return DatumGetFloat4(value);
        case FLOAT8OID: return static_cast<float>(DatumGetFloat8(value));
        case NUMERICOID:
            return static_cast<float>(
                pg([&]() noexcept { return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value)); }));
        case DATEOID: {
            const DateADT day = DatumGetDateADT(value);
            return DATE_NOT_FINITE(day) ? missing : static_cast<float>(static_cast<double>(at) / microseconds_a_day - day);
        }
        case TIMESTAMPOID:
        case TIMESTAMPTZOID: return days(at, DatumGetTimestamp(value));
        case TEXTOID:
        case VARCHAROID: return code(*column.dictionary, text_view(value));
        default:
            return code(*column.dictionary, pg([&]() noexcept { return DatumGetCString(DirectFunctionCall1(enum_out, value)); }));
    }
}

std::int64_t key(const Column &column, Datum value) {
    switch (column.type) {
        case INT2OID: return DatumGetInt16(value);
        case INT4OID: return DatumGetInt32(value);
        default: return DatumGetInt64(value);
    }
}

struct Layout {
    Column entity;
    Column product{no_column};
    std::vector<Column> features;
};

class Encoder {
  public:
    Encoder(const Layout &layout, const ReturnSetInfo *result, TimestampTz at)
        : layout_(layout), result_(result), at_(at), x_(layout.features.size()), array_(layout.features.size()) {
        link_.self = this;
        link_.receiver.receiveSlot = [](TupleTableSlot *slot, DestReceiver *receiver) {
            return DatumGetBool(enter([&] {
                reinterpret_cast<Link *>(receiver)->self->add(slot);
                return BoolGetDatum(true);
            }));
        };
        link_.receiver.rStartup = [](DestReceiver *, int, TupleDesc) {};
        link_.receiver.rShutdown = [](DestReceiver *) {};
        link_.receiver.rDestroy = [](DestReceiver *) {};
        link_.receiver.mydest = DestNone;
        row_ = pg(
            []() noexcept { return AllocSetContextCreate(CurrentMemoryContext, "xsell feature row", ALLOCSET_DEFAULT_SIZES); });
    }

    DestReceiver *destination() { return &link_.receiver; }

  private:
    struct Link {
        DestReceiver receiver;  // first: the server knows us by its address
        Encoder *self;
    };

    void add(TupleTableSlot *slot) {
        pg([&]() noexcept {
            slot_getallattrs(slot);
            if (slot->tts_isnull[layout_.entity.number]) {
                ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                                errmsg("the query of a feature set returned a row without entity_id"),
                                errhint("Leave such rows out: WHERE entity_id IS NOT NULL.")));
            }
        });
        MemoryContext caller = MemoryContextSwitchTo(row_);  // what conversions leave behind goes with the row
        for (std::size_t i = 0; i < x_.size(); ++i) {
            const Column &column = layout_.features[i];
            x_[i] = slot->tts_isnull[column.number] ? missing : number(column, slot->tts_values[column.number], at_);
        }
        MemoryContextSwitchTo(caller);
        pg([&]() noexcept { put(slot); });
    }

    void put(TupleTableSlot *slot) noexcept {
        const Column &product = layout_.product;
        const bool no_product = product.number == no_column || slot->tts_isnull[product.number];
        Datum values[] = {Int64GetDatum(key(layout_.entity, slot->tts_values[layout_.entity.number])),
                          no_product ? Datum{0} : Int64GetDatum(key(product, slot->tts_values[product.number])),
                          TimestampTzGetDatum(at_), array_.fill(x_.data())};
        bool nulls[] = {false, no_product, false, false};
        tuplestore_putvalues(result_->setResult, result_->setDesc, values, nulls);
        MemoryContextReset(row_);
    }

    Link link_ = {};
    const Layout &layout_;
    const ReturnSetInfo *result_;
    TimestampTz at_;
    std::vector<float> x_;
    RowArray array_;
    MemoryContext row_;
};

// Of texts or bytes.
std::vector<std::string> texts(Datum array) {
    Datum *values = nullptr;
    int count = 0;
    pg([&]() noexcept {
        deconstruct_array(DatumGetArrayTypeP(array), ARR_ELEMTYPE(DatumGetArrayTypeP(array)), -1, false, TYPALIGN_INT, &values,
                          nullptr, &count);
    });
    std::vector<std::string> result;
    for (int i = 0; i < count; ++i) {
        const auto *raw = reinterpret_cast<const text *>(DatumGetPointer(values[i]));
        result.emplace_back(VARDATA_ANY(raw), VARSIZE_ANY_EXHDR(raw));
    }
    return result;
}

enum Argument { arg_owner, arg_query, arg_at, arg_feature, arg_kind, arg_category_feature, arg_category_hash, arg_category_code };

std::vector<Feature> stored(FunctionCallInfo fcinfo) {
    std::vector<Feature> features;
    std::unordered_map<std::string, std::size_t> position;
    auto names = texts(PG_GETARG_DATUM(arg_feature));
    const auto kinds = texts(PG_GETARG_DATUM(arg_kind));
    if (names.size() != kinds.size() || names.empty()) {
        throw core::Error(core::Kind::bad_argument, "a feature set has features, and a kind for each");
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        position.emplace(names[i], i);
        features.push_back({std::move(names[i]), kinds[i], {}});
    }
    const auto category = texts(PG_GETARG_DATUM(arg_category_feature));
    auto hash = texts(PG_GETARG_DATUM(arg_category_hash));
    ArrayType *codes = pg([&]() noexcept { return PG_GETARG_ARRAYTYPE_P(arg_category_code); });
    if (hash.size() != category.size() || array_contains_nulls(codes) ||
        static_cast<std::size_t>(ArrayGetNItems(ARR_NDIM(codes), ARR_DIMS(codes))) != hash.size()) {
        throw core::Error(core::Kind::bad_argument, "the dictionaries of a feature set are incomplete");
    }
    const auto *code = reinterpret_cast<const std::int32_t *>(ARR_DATA_PTR(codes));
    for (std::size_t i = 0; i < hash.size(); ++i) {
        const auto found = position.find(category[i]);
        if (found == position.end()) {
            throw core::Error(core::Kind::bad_argument, "there is a dictionary for \"" + category[i] + "\", which is no feature");
        }
        features[found->second].dictionary.by_hash.emplace(std::move(hash[i]), static_cast<float>(code[i]));
    }
    return features;
}

int find_column(TupleDesc columns, const char *name) {
    for (int i = 0; i < columns->natts; ++i) {
        if (std::strcmp(NameStr(TupleDescAttr(columns, i)->attname), name) == 0) {
            return i;
        }
    }
    return no_column;
}

Column column_at(TupleDesc columns, int number, Dictionary *dictionary) {
    const Oid type = TupleDescAttr(columns, number)->atttypid;
    return {number, pg([&]() noexcept { return getBaseType(type); }), dictionary};
}

[[noreturn]] void refuse_changed(const char *name, const char *how) {
    pg([&]() noexcept {
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("column \"%s\" of the feature set's query %s", name, how),
                        errhint("What the query reads has changed since it was stored. xsell.create_feature_set with the same "
                                "name makes a new version.")));
    });
    throw std::logic_error("not reached");
}

// A key must still be an integer.
Column key_column(TupleDesc columns, const char *name) {
    const int number = find_column(columns, name);
    if (number == no_column) {
        return {no_column};
    }
    const Column column = column_at(columns, number, nullptr);
    if (column.type != INT2OID && column.type != INT4OID && column.type != INT8OID) {
        refuse_changed(name, "is no longer an integer");
    }
    return column;
}

// By name: columns that the tables beneath have gained or moved change nothing.
Layout lay_out(TupleDesc columns, std::vector<Feature> &features) {
    Layout layout;
    layout.entity = key_column(columns, "entity_id");
    layout.product = key_column(columns, "product_id");
    if (layout.entity.number == no_column) {
        refuse_changed("entity_id", "is gone");
    }
    for (Feature &feature : features) {
        const int number = find_column(columns, feature.name.c_str());
        if (number == no_column) {
            refuse_changed(feature.name.c_str(), "is gone");
        }
        const char *kind = feature_kind(TupleDescAttr(columns, number)->atttypid);
        if (kind == nullptr || feature.kind != kind) {
            refuse_changed(feature.name.c_str(), ("is no longer a " + feature.kind).c_str());
        }
        layout.features.push_back(column_at(columns, number, &feature.dictionary));
    }
    return layout;
}

void stored_features(FunctionCallInfo fcinfo) {
    const char *definition = nullptr;
    pg([&]() noexcept {
        for (int i = arg_query; i <= arg_category_code; ++i) {
            if (PG_ARGISNULL(i)) {
                ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument %d must not be NULL", i + 1)));
            }
        }
        InitMaterializedSRF(fcinfo, 0);
        definition = text_to_cstring(PG_GETARG_TEXT_PP(arg_query));
    });
    std::vector<Feature> features = stored(fcinfo);
    Confinement confinement;
    confinement.become(acting_role(PG_ARGISNULL(arg_owner) ? nullptr : NameStr(*PG_GETARG_NAME(arg_owner)), definition));
    StoredQuery query(definition);
    const Layout layout = lay_out(query.columns(), features);
    const TimestampTz at = PG_GETARG_TIMESTAMPTZ(arg_at);
    Encoder encoder(layout, reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo), at);
    query.run(TimestampTzGetDatum(at), false, encoder.destination());
}

}  // namespace
}  // namespace xsell::pg

extern "C" {
PG_FUNCTION_INFO_V1(xsell_stored_features);

Datum xsell_stored_features(PG_FUNCTION_ARGS) {
    return xsell::pg::enter([&] {
        xsell::pg::stored_features(fcinfo);
        return Datum{0};
    });
}
}
