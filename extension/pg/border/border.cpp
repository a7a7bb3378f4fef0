#include "border/border.hpp"

#include "core/error.hpp"

namespace xsell::pg {
namespace {

int sqlstate(core::Kind kind) {
    switch (kind) {
        case core::Kind::bad_argument: return ERRCODE_INVALID_PARAMETER_VALUE;
        case core::Kind::no_such_model: return ERRCODE_UNDEFINED_OBJECT;
        case core::Kind::not_trained: return ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
        case core::Kind::corrupt_model: return ERRCODE_DATA_CORRUPTED;
        case core::Kind::cancelled: return ERRCODE_QUERY_CANCELED;
        case core::Kind::out_of_memory_limit: return ERRCODE_OUT_OF_MEMORY;
        case core::Kind::no_data: return ERRCODE_NO_DATA_FOUND;
    }
    return ERRCODE_INTERNAL_ERROR;
}

// A cut in the middle of a character would make the message itself invalid.
void copy(char *to, std::size_t size, const char *text) {
    const int length = pg_mbcliplen(text, static_cast<int>(std::strlen(text)), static_cast<int>(size) - 1);
    std::memcpy(to, text, static_cast<std::size_t>(length));
    to[length] = '\0';
}

}  // namespace

Report describe(std::exception_ptr error) noexcept {
    Report report{ERRCODE_INTERNAL_ERROR, "unknown error", ""};
    try {
        std::rethrow_exception(std::move(error));
    } catch (const core::Error &e) {
        report.sqlstate = sqlstate(e.kind);
        copy(report.text, sizeof report.text, e.what());
        copy(report.hint, sizeof report.hint, e.hint.c_str());
    } catch (const std::bad_alloc &) {
        report.sqlstate = ERRCODE_OUT_OF_MEMORY;
        copy(report.text, sizeof report.text, "out of memory");
    } catch (const std::exception &e) {
        copy(report.text, sizeof report.text, e.what());
    } catch (...) {
    }
    return report;
}

void raise(const Report &report) {
    ereport(ERROR, (errcode(report.sqlstate), errmsg_internal("%s", report.text),
                    report.hint[0] != '\0' ? errhint("%s", report.hint) : 0));
    pg_unreachable();
}

}  // namespace xsell::pg
