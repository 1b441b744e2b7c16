// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/labels.h"

#include <set>

#include "gantry/base/error.h"

namespace gantry {

Labels::Labels(Image image, std::vector<Label> table) : image_(std::move(image)), table_(std::move(table)) {
  if (image_.empty() || !is_integer(image_.type())) throw Error(ErrorCode::parameter, "labels: must be an integer image");
  std::set<int> values;
  std::set<std::string> ids;
  for (const Label& label : table_) {
    if (label.value <= 0 || !values.insert(label.value).second) {
      throw Error(ErrorCode::parameter, fmt::format("label value: must be positive and unique; got {}", label.value));
    }
    if (!ids.insert(label.id).second) throw Error(ErrorCode::parameter, fmt::format("label id: must be unique; got {} twice", label.id));
  }
}

const Label* Labels::find(int value) const {
  const auto row = std::find_if(table_.begin(), table_.end(), [value](const Label& label) { return label.value == value; });
  return row == table_.end() ? nullptr : &*row;
}

const Label* Labels::find(std::string_view id) const {
  const auto row = std::find_if(table_.begin(), table_.end(), [id](const Label& label) { return label.id == id; });
  return row == table_.end() ? nullptr : &*row;
}

Label label_of(int value, std::string_view structure_id, std::string method) {
  const Structure& row = structure(structure_id);
  return {value, std::string(structure_id), std::string(row.meaning), code_of(row), row.color, std::move(method)};
}

}  // namespace gantry
