// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/csa.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "gantry/base/text.h"

namespace gantry::dicom {

std::map<std::string, std::vector<std::string>> read_csa(std::span<const std::byte> bytes) {
  std::map<std::string, std::vector<std::string>> values;
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, 4);
    return value;
  };
  const auto text = [&](std::size_t at, std::size_t size) {
    const char* first = reinterpret_cast<const char*>(bytes.data() + at);
    return std::string(trim(std::string_view(first, static_cast<std::size_t>(std::find(first, first + size, '\0') - first))));
  };
  constexpr std::size_t name_size = 64, entry_size = 84, item_header = 16;
  if (bytes.size() < 16) return values;
  const bool second_layout = std::memcmp(bytes.data(), "SV10", 4) == 0;
  std::size_t at = second_layout ? 8 : 0;
  const std::uint32_t count = std::min<std::uint32_t>(word(at), 1024);
  at += 8;
  std::uint32_t first_item_length = 0;
  for (std::uint32_t n = 0; n < count && at + entry_size <= bytes.size(); ++n) {
    const std::string name = text(at, name_size);
    const std::uint32_t items = word(at + 76);
    at += entry_size;
    if (items > 1024) return values;
    std::vector<std::string>& list = values[name];
    for (std::uint32_t m = 0; m < items; ++m) {
      if (at + item_header > bytes.size()) return values;
      std::uint32_t length = word(at + 4);
      if (!second_layout) {
        if (n == 0 && m == 0) first_item_length = word(at);
        length = word(at) >= first_item_length ? word(at) - first_item_length : 0;
      }
      at += item_header;
      if (length > bytes.size() - at) return values;
      if (length > 0) list.push_back(text(at, length));
      at += (static_cast<std::size_t>(length) + 3) / 4 * 4;
    }
    while (!list.empty() && list.back().empty()) list.pop_back();
  }
  return values;
}

}  // namespace gantry::dicom
