// The border between C++ and PostgreSQL: every entry from the server is enter(), every call into it while C++ objects live is
// pg().
//
// A backend error is a longjmp and skips destructors; an exception that leaves a C function kills the server. So errors change
// form at this border and nowhere else: pg() turns a backend error into PgError, enter() turns any exception into a backend
// error once no C++ object is alive. Who writes ereport elsewhere has left the idiom.
#pragma once
#include "border/pg.hpp"

namespace xsell::pg {

// A backend error on its way through C++; only enter() may end it, by raising it again: without a subtransaction the state of the
// backend after an error is undefined.
struct PgError {
    ErrorData *data;
};

// Plain data: survives the longjmp of raise().
struct Report {
    int sqlstate;
    char text[768];
    char hint[512];
};

Report describe(std::exception_ptr error) noexcept;
[[noreturn]] void raise(const Report &report);

// PostgreSQL -> C++.
template <class Body>
Datum enter(Body body) {
    ErrorData *backend = nullptr;
    Report report;
    try {
        return body();
    } catch (const PgError &error) {
        backend = error.data;
    } catch (...) {
        report = describe(std::current_exception());
    }
    if (backend) {
        ReThrowError(backend);
    }
    raise(report);
}

// C++ -> PostgreSQL. The body may raise a backend error; it must hold no object with a destructor and throw nothing.
template <class Body>
auto pg(Body body) -> decltype(body()) {
    static_assert(noexcept(body()), "the body may raise a backend error, it may not throw");
    struct Restore {
        sigjmp_buf *jump = PG_exception_stack;
        ErrorContextCallback *context = error_context_stack;
        ~Restore() {
            PG_exception_stack = jump;
            error_context_stack = context;
        }
    };
    MemoryContext caller = CurrentMemoryContext;
    sigjmp_buf jump;
    {
        Restore restore;
        if (sigsetjmp(jump, 0) == 0) {
            PG_exception_stack = &jump;
            return body();
        }
    }
    MemoryContextSwitchTo(caller);  // out of ErrorContext before copying
    ErrorData *error = CopyErrorData();
    FlushErrorState();
    throw PgError{error};
}

// What long loops of the core call now and then.
inline void check_for_interrupts() {
    pg([]() noexcept { CHECK_FOR_INTERRUPTS(); });
}

}  // namespace xsell::pg
