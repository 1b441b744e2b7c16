// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <charconv>
#include <functional>

#include "gantry/base/text.h"
#include "gantry/dicom/data_set.h"

namespace gantry::dicom {

namespace {

constexpr Tag shared_groups = 0x52009229U, frame_groups = 0x52009230U;

struct Step {
  Tag tag = 0;
  std::size_t index = 0;
};

/// "A[0].B[2].C" as steps; empty when a name is unknown.
std::vector<Step> steps_of(std::string_view path) {
  std::vector<Step> steps;
  for (const std::string& part : split(path, '.')) {
    std::string_view name = part;
    Step step;
    if (const auto bracket = name.find('['); bracket != std::string_view::npos && name.back() == ']') {
      const auto index = parse_integer(name.substr(bracket + 1, name.size() - bracket - 2));
      if (!index || *index < 0 || *index > 1000000) return {};
      step.index = static_cast<std::size_t>(*index);
      name = name.substr(0, bracket);
    }
    const auto tag = tag_of(name);
    if (!tag || steps.size() > 16) return {};
    step.tag = *tag;
    steps.push_back(step);
  }
  return steps;
}

using Visit = std::function<bool(const DataSet& set, const Element& element)>;

bool visit(const DataSet& set, std::span<const Step> steps, const Visit& found) {
  if (steps.size() == 1) {
    const Element* element = set.find(steps.front().tag);
    return element && element->length > 0 && found(set, *element);
  }
  const auto item = set.item(steps.front().tag, steps.front().index);
  return item && visit(*item, steps.subspan(1), found);
}

/// In the first item of each macro of a functional group.
bool visit_groups(const DataSet& groups, std::span<const Step> steps, const Visit& found) {
  for (const Element& macro : groups.elements()) {
    if (groups.vr(macro) != "SQ") continue;
    const auto item = groups.item(macro.tag);
    if (item && visit(*item, steps, found)) return true;
  }
  return false;
}

bool visit_path(const Header::Data& data, std::string_view path, const Visit& found) {
  const auto steps = steps_of(path);
  if (steps.empty()) return false;
  if ((steps.front().tag >> 16) == 2) return visit(data.meta, steps, found);
  if (visit(data.root, steps, found)) return true;
  for (const Tag tag : {shared_groups, frame_groups}) {
    if (!data.root.find(tag)) continue;
    const auto groups = data.root.item(tag);
    if (groups && visit_groups(*groups, steps, found)) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> Header::text(std::string_view keyword) const {
  std::string text;
  if (!data_) return std::nullopt;
  visit_path(*data_, keyword, [&](const DataSet& set, const Element& element) {
    text = set.text_of(element);
    return !text.empty();
  });
  if (text.empty()) return std::nullopt;
  return text;
}

std::vector<double> Header::numbers(std::string_view keyword) const {
  std::vector<double> values;
  if (!data_) return values;
  visit_path(*data_, keyword, [&](const DataSet& set, const Element& element) {
    values = set.numbers_of(element);
    return !values.empty();
  });
  return values;
}

std::optional<double> Header::number(std::string_view keyword) const {
  const auto values = numbers(keyword);
  if (values.empty()) return std::nullopt;
  return values.front();
}

Json Header::to_json() const {
  if (!data_) return Json::object();
  Json json = data_->meta.to_json();
  json.update(data_->root.to_json());
  return json;
}

}  // namespace gantry::dicom
