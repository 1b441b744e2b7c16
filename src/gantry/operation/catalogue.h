// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"

namespace gantry {

/// All operations by id. Built once, then only read; `catalogue()` in catalogue/ is the one that programs use.
class Catalogue {
 public:
  /// Lists an operation under `id` ("family.name", snake_case). Throws Error(internal) for a second one of that id and for incomplete
  /// descriptions.
  template <class Op>
  void add(std::string id) {
    insert(std::make_unique<DescribedOperation<Op>>(std::move(id)));
  }

  /// The operation, or Error(usage) that names the nearest id.
  const Operation& at(std::string_view id) const;
  const Operation* find(std::string_view id) const;
  /// In the order of their listing.
  const std::vector<std::unique_ptr<Operation>>& operations() const { return operations_; }

 private:
  void insert(std::unique_ptr<Operation> operation);
  std::vector<std::unique_ptr<Operation>> operations_;
};

}  // namespace gantry
