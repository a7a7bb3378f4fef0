#include "settings.hpp"

#include "border/pg.hpp"

extern "C" {
#include "utils/datetime.h"
}

namespace xsell::pg {

Settings settings;

namespace {

// Called wherever the server likes, even without a transaction: decodes without raising.
bool check_now(char **value, void **, GucSource) {
    if (*value == nullptr || **value == '\0') {
        return true;
    }
    char work[MAXDATELEN + MAXDATEFIELDS];
    char *field[MAXDATEFIELDS];
    int type[MAXDATEFIELDS];
    int fields = 0;
    int kind = 0;
    int zone = 0;
    struct pg_tm parts;
    fsec_t fraction;
    int failed = ParseDateTime(*value, work, sizeof work, field, type, MAXDATEFIELDS, &fields);
#if PG_VERSION_NUM >= 160000
    DateTimeErrorExtra extra;
    failed = failed != 0 ? failed : DecodeDateTime(field, type, fields, &kind, &parts, &fraction, &zone, &extra);
#else
    failed = failed != 0 ? failed : DecodeDateTime(field, type, fields, &kind, &parts, &fraction, &zone);
#endif
    TimestampTz at;
    if (failed == 0 && (kind == DTK_EPOCH || (kind == DTK_DATE && tm2timestamp(&parts, fraction, &zone, &at) == 0))) {
        return true;
    }
    GUC_check_errdetail("It is not a time.");
    GUC_check_errhint("Write it as in '2024-12-31 00:00:00+00'; the empty string means the real time.");
    return false;
}

struct Number {
    const char *name;
    const char *text;
    int *variable;
    int initial, low, high;
    GucContext context;
    int unit;
};

const Number numbers[] = {
    {"xsell.model_cache_mb", "Memory that a session may keep models in.", &settings.model_cache_mb, 256, 1, 1 << 20, PGC_SUSET,
     GUC_UNIT_MB},
    {"xsell.max_training_memory", "Memory that a training may take; one that would need more is refused.",
     &settings.max_training_memory, 4096, 16, 1 << 24, PGC_SUSET, GUC_UNIT_MB},
    {"xsell.training_threads", "Threads of a training.", &settings.training_threads, 1, 1, 256, PGC_SUSET, 0},
    {"xsell.max_event_memory", "Memory that one call of xsell.event_features may take.", &settings.max_event_memory, 1024, 1,
     1 << 20, PGC_SUSET, GUC_UNIT_MB},
    {"xsell.candidates", "Products considered for one entity.", &settings.candidates, 200, 10, 2000, PGC_USERSET, 0},
};

}  // namespace

void define_settings() {
    DefineCustomStringVariable("xsell.now", "The time xsell works at; empty means the real time.", nullptr, &settings.now, "",
                               PGC_USERSET, 0, check_now, nullptr, nullptr);
    for (const Number &n : numbers) {
        DefineCustomIntVariable(n.name, n.text, nullptr, n.variable, n.initial, n.low, n.high, n.context, n.unit, nullptr,
                                nullptr, nullptr);
    }
    MarkGUCPrefixReserved("xsell");
}

}  // namespace xsell::pg
