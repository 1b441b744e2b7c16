// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/vectors_port.h"

namespace gantry {

/// Makes an index of pictures, in which similar ones are found. Reference page: retrieval.index.
struct PictureIndexing {
  std::string model = "thumbnail";

  struct Result {
    VectorSet index;  ///< one vector, name, label and thumbnail for each picture
    Json info;        ///< {"pictures", "dimension", "embedding", "labels": {label: number}}
  };
  /// `records`: one row a picture, in order, with the columns `name` and `label`, either of which may be missing. Throws Error(refused)
  /// when there are more or fewer rows than pictures or more than a million pictures, Error(not_possible) for uniform pictures and without
  /// any.
  Result operator()(std::span<const Image> pictures, const Table* records, Run& run) const;
  static void describe(Description<PictureIndexing>& d);
};

}  // namespace gantry
