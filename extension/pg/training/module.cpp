// The module that links XGBoost; loaded when something is trained, never before and never by the postmaster.
#include "border/pg.hpp"

extern "C" {
PG_MODULE_MAGIC;
}
