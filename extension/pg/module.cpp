// What the server calls when it loads the module. Settings and nothing else: it may run in the postmaster, before any fork.
#include "border/pg.hpp"
#include "settings.hpp"

extern "C" {
PG_MODULE_MAGIC;
void _PG_init(void);
void _PG_init(void) { xsell::pg::define_settings(); }
}
