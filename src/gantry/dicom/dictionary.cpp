// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/dictionary.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <vector>

namespace gantry::dicom {

extern const std::string_view dictionary_text;

namespace {

struct Dictionary {
  std::vector<DictionaryEntry> by_tag;
  std::unordered_map<std::string_view, std::uint32_t> by_keyword;

  Dictionary() {
    by_tag.reserve(5200);
    by_keyword.reserve(5200);
    std::string_view rest = dictionary_text;
    while (rest.size() > 12) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      DictionaryEntry entry;
      std::from_chars(line.data(), line.data() + 8, entry.tag, 16);
      entry.vr = line.substr(9, 2);
      entry.keyword = line.substr(12);
      by_keyword.emplace(entry.keyword, static_cast<std::uint32_t>(by_tag.size()));
      by_tag.push_back(entry);
    }
  }
};

const Dictionary& dictionary() {
  static const Dictionary dictionary;
  return dictionary;
}

std::optional<Tag> hexadecimal(std::string_view digits) {
  Tag tag = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), tag, 16);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return tag;
}

}  // namespace

const DictionaryEntry* dictionary_entry(std::string_view keyword) {
  const auto& table = dictionary();
  const auto found = table.by_keyword.find(keyword);
  return found == table.by_keyword.end() ? nullptr : &table.by_tag[found->second];
}

const DictionaryEntry* dictionary_entry(Tag tag) {
  const Tag group = tag >> 24;
  if ((group == 0x60 || group == 0x50) && (tag & 0x00010000U) == 0) tag &= 0xFF00FFFFU;
  const auto& rows = dictionary().by_tag;
  const auto found = std::lower_bound(rows.begin(), rows.end(), tag, [](const DictionaryEntry& row, Tag t) { return row.tag < t; });
  return found == rows.end() || found->tag != tag ? nullptr : &*found;
}

std::optional<Tag> tag_of(std::string_view name) {
  if (name.size() == 11 && name.front() == '(' && name[5] == ',' && name.back() == ')') {
    const auto group = hexadecimal(name.substr(1, 4));
    const auto element = hexadecimal(name.substr(6, 4));
    if (group && element) return *group << 16 | *element;
    return std::nullopt;
  }
  if (const auto* entry = dictionary_entry(name)) return entry->tag;
  if (name.size() == 8) return hexadecimal(name);
  return std::nullopt;
}

std::string text_of(Tag tag) { return fmt::format("({:04X},{:04X})", tag >> 16, tag & 0xFFFFU); }

}  // namespace gantry::dicom
