// Rows of features as SQL has them (a real[], a record) read into the float vector that a model takes.
#pragma once
#include "border/datum.hpp"
#include "core/scoring/blob.hpp"
#include "model_cache.hpp"

namespace xsell::pg {

// Throws unless the array has one dimension and as many elements as the model has features.
void require_length(const ModelHandle &handle, const core::Model &model, const RealArray &row);

// Throws unless it can be the number of a version.
int require_version(int version);

// Binds columns to features by name; the map is kept with the handle. NULL is missing.
void read_record(ModelHandle &handle, const core::Model &model, Datum record, float *out);

}  // namespace xsell::pg
