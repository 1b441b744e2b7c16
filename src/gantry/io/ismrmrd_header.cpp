// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/ismrmrd_header.h"

#include <vector>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::io::ismrmrd {

namespace {

[[noreturn]] void fail_header(std::string_view what) { throw Error(ErrorCode::unreadable, fmt::format("ISMRMRD header: {}", what)); }

}  // namespace

std::map<std::string, std::string> first_texts(std::string_view xml) {
  std::map<std::string, std::string> texts;
  std::vector<std::string> path;
  std::string text;
  for (std::size_t at = 0; at < xml.size();) {
    if (xml[at] != '<') {
      const std::size_t next = std::min(xml.find('<', at), xml.size());
      text.append(xml.substr(at, next - at));
      at = next;
      continue;
    }
    if (xml.substr(at).starts_with("<!--")) {
      const std::size_t end = xml.find("-->", at);
      if (end == std::string_view::npos) fail_header("a comment has no end");
      at = end + 3;
      continue;
    }
    const std::size_t end = xml.find('>', at);
    if (end == std::string_view::npos) fail_header("a tag has no end");
    std::string_view tag = xml.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.empty() || tag.front() == '?' || tag.front() == '!') continue;
    const bool closing = tag.front() == '/', alone = tag.back() == '/';
    if (closing) tag.remove_prefix(1);
    if (alone && !tag.empty()) tag.remove_suffix(1);
    tag = tag.substr(0, tag.find_first_of(" \t\r\n"));
    if (const auto colon = tag.find(':'); colon != std::string_view::npos) tag.remove_prefix(colon + 1);
    if (closing) {
      if (path.empty() || path.back() != tag) fail_header("tags do not match");
      texts.emplace(join(path, "/"), std::string(trim(text)));
      path.pop_back();
    } else if (!alone) {
      path.emplace_back(tag);
      if (path.size() > 32) fail_header("is nested too deeply");
    }
    text.clear();
  }
  if (!path.empty()) fail_header("ends within an element");
  return texts;
}

Encoding parse_header(std::string_view xml) {
  const auto texts = first_texts(xml);
  const std::string root = "ismrmrdHeader/encoding/";
  const auto number = [&](const std::string& name) -> std::optional<double> {
    const auto found = texts.find(root + name);
    if (found == texts.end()) return {};
    const auto value = parse_double(found->second);
    if (!value || !(*value >= 0 && *value <= 1e6)) fail_header(fmt::format("{}: must lie between 0 and 1000000", name));
    return value;
  };
  Encoding encoding;
  const auto space = [&](const std::string& name, Size3& size, Vec3& field_mm) {
    for (std::size_t a = 0; a < 3; ++a) {
      const std::string axis(1, "xyz"[a]);
      size[a] = static_cast<std::int64_t>(number(name + "/matrixSize/" + axis).value_or(0));
      (a == 0 ? field_mm.x : a == 1 ? field_mm.y : field_mm.z) = number(name + "/fieldOfView_mm/" + axis).value_or(0);
    }
  };
  space("encodedSpace", encoding.encoded_size, encoding.encoded_field_mm);
  space("reconSpace", encoding.image_size, encoding.image_field_mm);
  for (const std::int64_t length : encoding.encoded_size) {
    if (length < 1 || length > 16384) fail_header(fmt::format("the encoded matrix must have 1 to 16384 samples an axis; found {}", length));
  }
  for (const std::int64_t length : encoding.image_size) {
    if (length > 16384) fail_header(fmt::format("the image must have at most 16384 pixels an axis; found {}", length));
  }
  if (const auto found = texts.find(root + "trajectory"); found != texts.end()) encoding.trajectory = lower(found->second);
  const auto centre = [&](const std::string& name) -> std::optional<std::int64_t> {
    const auto value = number("encodingLimits/" + name + "/center");
    return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
  };
  encoding.centre_1 = centre("kspace_encoding_step_1");
  encoding.centre_2 = centre("kspace_encoding_step_2");
  return encoding;
}

}  // namespace gantry::io::ismrmrd
