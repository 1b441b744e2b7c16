// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>

#include "gantry/operation/description.h"

namespace gantry {

/// Correlation of the values (Pearson) or of their ranks (Spearman).
enum class CorrelationMethod { pearson, spearman };
constexpr std::array<std::pair<CorrelationMethod, std::string_view>, 2> choices_of(CorrelationMethod) {
  return {{{CorrelationMethod::pearson, "pearson"}, {CorrelationMethod::spearman, "spearman"}}};
}

/// Which image features go with which columns of another table (genes, proteins, laboratory values) of the same subjects: the correlation
/// of each with each, with the false discovery rate held by Benjamini and Hochberg. Reference page: statistics.association.
struct AssociationSearch {
  std::string key = "id";
  CorrelationMethod method = CorrelationMethod::spearman;
  double false_discovery_rate = 0.05;

  struct Result {
    Table
        associations;  ///< feature, variable, count, r, p, q, significant (0 or 1); by rising p; pairs that cannot be told are last, empty
    Json result;       ///< {"subjects", "tests", "significant"}
    Image figure;      ///< RGB: sorted p against their rank, with the line below which they are called
  };
  /// Rows are joined by `key`. Throws Error(parameter) when a table lacks it, Error(not_possible) for a key that is there twice, fewer than
  /// three common subjects, no column of numbers, or more than ten million pairs.
  Result operator()(const Table& features, const Table& variables, Run& run) const;
  static void describe(Description<AssociationSearch>& d);
};

}  // namespace gantry
