// Why a sync stopped, and what may be done about it.
#pragma once
#include <stdexcept>
#include <string>

namespace xsell::sync {

enum class Fault {
    transient,  // try again: the engine waits and repeats the page
    object,     // this object cannot be read (missing scope, unknown field); others go on
    org,        // this org cannot be read (revoked grant, wrong password); other orgs go on
    quota,      // the vendor's daily limit is used up; this org goes on at the next schedule
    lost,       // the page was given to another worker meanwhile; it is theirs now
    stopped,    // SIGTERM
};

struct SyncError : std::runtime_error {
    SyncError(Fault kind, const std::string &what, double wait_seconds = 0)
        : std::runtime_error(what), fault(kind), wait(wait_seconds) {}
    Fault fault;
    double wait;  // seconds the server asked for; 0: not said
};

}  // namespace xsell::sync
