// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/image/code.h"
#include "gantry/image/image.h"
#include "gantry/image/structures.h"

namespace gantry {

/// What one value of a label image means.
struct Label {
  int value = 0;
  std::string id;  ///< snake_case, unique within the table
  std::string name;
  Code code;
  Color color{};
  std::string method;  ///< how it was made, such as "threshold -910 HU, region growing"
};

/// An integer image and the meaning of its values. 0 is background and has no row.
/// Invariants (Error(parameter)): integer image, values of rows positive and unique, ids unique.
class Labels {
 public:
  Labels() = default;
  Labels(Image image, std::vector<Label> table);
  const Image& image() const { return image_; }
  const std::vector<Label>& table() const { return table_; }
  /// The row with this value or id; nullptr when there is none.
  const Label* find(int value) const;
  const Label* find(std::string_view id) const;

 private:
  Image image_;
  std::vector<Label> table_;
};

/// A row made from the table of structures.
Label label_of(int value, std::string_view structure_id, std::string method);

}  // namespace gantry
