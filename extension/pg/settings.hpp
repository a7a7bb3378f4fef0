// The settings of xsell, defined once in a table.
#pragma once

namespace xsell::pg {

struct Settings {
    char *now;                // xsell.now: what xsell.clock() answers; empty means the real time
    int model_cache_mb;       // memory for models of one session
    int max_training_memory;  // MB
    int training_threads;
    int max_event_memory;  // MB, of one event_features
    int candidates;        // products considered for one entity
};
extern Settings settings;

// Called by _PG_init: plain C++ on the stack of the server, no object with a destructor.
void define_settings();

}  // namespace xsell::pg
