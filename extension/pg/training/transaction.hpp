// Transactions inside a procedure: phases that commit, and errors that leave a state from which the procedure can go on.
#pragma once
#include "border/border.hpp"

extern "C" {
#include "utils/resowner.h"
}

namespace xsell::pg {

inline void commit() {
    pg([]() noexcept { SPI_commit(); });
}

inline void rollback() {
    pg([]() noexcept { SPI_rollback(); });
}

// Runs statements in a subtransaction: an error inside is undone before it is passed on, so that the procedure may roll back,
// note the failure and commit. The body must not commit.
template <class Body>
void guarded(Body body) {
    MemoryContext context = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    auto back = [&] {
        MemoryContextSwitchTo(context);
        CurrentResourceOwner = owner;
    };
    pg([]() noexcept { BeginInternalSubTransaction(nullptr); });
    MemoryContextSwitchTo(context);
    try {
        body();
    } catch (...) {
        pg([]() noexcept { RollbackAndReleaseCurrentSubTransaction(); });
        back();
        throw;
    }
    pg([]() noexcept { ReleaseCurrentSubTransaction(); });
    back();
}

}  // namespace xsell::pg
