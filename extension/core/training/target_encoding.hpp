// Target encoding: in place of a category's code, the log-odds of its rows, drawn towards those of all rows where it has few.
// What a row learns with never comes from its own label nor from another row of its entity: else a category of few rows would
// tell the label that is to be learned.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/scoring/encoding.hpp"
#include "core/training/folds.hpp"
#include "core/training/matrix.hpp"
#include "core/training/parameters.hpp"

namespace xsell::core {

// The columns that the parameters ask to encode, ascending. Throws Error{bad_argument} for a name that is not among the
// categories; those are some of the features.
std::vector<std::size_t> columns_to_encode(const Parameters &parameters, const std::vector<std::string> &features,
                                           const std::vector<std::string> &categories);

// A map for each of the matrix's categories, from all of its rows.
std::vector<CodeMap> fit_encodings(const Matrix &rows);

// The rows with their codes encoded; they have no categories any more.
Matrix encode(Matrix rows, const std::vector<CodeMap> &encodings);

// Rows to learn from: each is encoded by what other parts of the entities tell.
Matrix encode_out_of_fold(Matrix rows, std::uint64_t seed);

// A fold's two sides; the watched rows are encoded by what all those that are learned from tell. Without categories: subsets.
Matrix learned_rows(const Matrix &rows, const Fold &fold, std::uint64_t seed);
Matrix watched_rows(const Matrix &rows, const Fold &fold);

}  // namespace xsell::core
