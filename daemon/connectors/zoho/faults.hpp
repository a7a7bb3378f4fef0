// What Zoho's error responses mean for a sync.
#pragma once
#include <string>

#include "connectors/rest.hpp"

namespace xsell::connectors::zoho {

// What is asked for, for messages: "Deals" and the scope that reading it takes.
struct Subject {
    std::string name, scope;
};

// A walk over a list cannot go on where it stopped: its token has expired or belongs to other parameters, or the list is longer
// than Zoho shows in one walk (`limit`).
struct WalkBroken : sync::SyncError {
    WalkBroken(const std::string &what, bool is_limit) : SyncError(sync::Fault::transient, what), limit(is_limit) {}
    bool limit;
};

// The record that a path names is not there (any more).
struct Gone : sync::SyncError {
    explicit Gone(const std::string &what) : SyncError(sync::Fault::object, what) {}
};

std::string error_code(const http::Response &response);  // empty when it has none
// Throws SyncError unless the status is 200, 204 or 304 and the body is no error.
void require_good(const http::Response &response, const Subject &subject);

}  // namespace xsell::connectors::zoho
