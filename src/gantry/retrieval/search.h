// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/vectors_port.h"

namespace gantry {

/// Finds the pictures of an index that are most like others. Reference page: retrieval.search.
struct SimilarPictures {
  int neighbours = 5;

  struct Result {
    Table matches;  ///< query, rank, name, label, similarity
    Json summary;   ///< {"pictures", "embedding", "queries": [{"query", "nearest", "similarity", "labels": {label: share of the
                    ///< neighbours}}]}
    Image figure;   ///< up to six queries, each with its nearest
  };
  /// Throws Error(not_possible) for an empty index, without a query and for uniform pictures, Error(refused) when the index was made by
  /// other weights than those that are installed.
  Result operator()(const VectorSet& index, std::span<const Image> queries, Run& run) const;
  static void describe(Description<SimilarPictures>& d);
};

}  // namespace gantry
