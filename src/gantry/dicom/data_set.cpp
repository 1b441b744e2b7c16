// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/data_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "gantry/base/text.h"
#include "gantry/dicom/charset.h"

namespace gantry::dicom {

namespace {

constexpr Tag item_tag = 0xFFFEE000U;

template <class T>
T loaded(const std::byte* at, bool big_endian) {
  std::array<std::byte, sizeof(T)> raw;
  std::memcpy(raw.data(), at, sizeof(T));
  if (big_endian) std::reverse(raw.begin(), raw.end());
  return std::bit_cast<T>(raw);
}

template <class T>
std::vector<double> numbers_as(std::span<const std::byte> bytes, bool big_endian) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (std::size_t n = 0; n < values.size(); ++n) values[n] = static_cast<double>(loaded<T>(bytes.data() + n * sizeof(T), big_endian));
  return values;
}

bool is_text_vr(std::string_view vr) {
  static constexpr std::string_view list = "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT";
  return list.find(vr) != std::string_view::npos;
}
bool is_localized(std::string_view vr) {
  return vr == "LO" || vr == "LT" || vr == "PN" || vr == "SH" || vr == "ST" || vr == "UC" || vr == "UT";
}
bool is_one_value(std::string_view vr) { return vr == "LT" || vr == "ST" || vr == "UT" || vr == "UR"; }

std::string_view without_padding(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  return text;
}

std::optional<double> decimal(std::string_view text) {
  text = trim(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Json json_name(const std::string& text) {
  static constexpr std::array<const char*, 3> groups{"Alphabetic", "Ideographic", "Phonetic"};
  Json name = Json::object();
  const auto parts = split(text, '=');
  for (std::size_t n = 0; n < std::min(parts.size(), groups.size()); ++n) {
    if (!parts[n].empty()) name[groups[n]] = parts[n];
  }
  return name;
}

}  // namespace

const Element* DataSet::find(Tag tag) const {
  const auto found = std::lower_bound(elements_.begin(), elements_.end(), tag, [](const Element& e, Tag t) { return e.tag < t; });
  return found == elements_.end() || found->tag != tag ? nullptr : &*found;
}

std::span<const std::byte> DataSet::value(const Element& element) const {
  if (element.external || element.offset > bytes_.size() || element.length > bytes_.size() - element.offset) return {};
  return bytes_.subspan(static_cast<std::size_t>(element.offset), static_cast<std::size_t>(element.length));
}

std::string DataSet::vr(const Element& element) const {
  std::string vr(element.vr, 2);
  if (element.vr[0] != 0 && vr != "UN") return vr;
  if ((element.tag & 0xFFFFU) == 0) return "UL";
  if ((element.tag & 0x00010000U) != 0 && (element.tag & 0xFF00U) == 0) return "LO";
  const auto* entry = dictionary_entry(element.tag);
  if (!entry) return element.undefined ? "SQ" : "UN";
  vr = entry->vr;
  if (vr == "OX") return "OW";
  if (vr == "XS") {
    for (const DataSet* set = this; set; set = set->parent_) {
      if (const Element* representation = set->find(0x00280103U)) {
        const auto bytes = set->value(*representation);
        if (bytes.size() >= 2) return loaded<std::uint16_t>(bytes.data(), set->encoding_.big_endian) == 1 ? "SS" : "US";
      }
    }
    return "US";
  }
  return vr;
}

std::string DataSet::character_set() const {
  for (const DataSet* set = this; set; set = set->parent_) {
    if (const Element* element = set->find(0x00080005U)) {
      const auto bytes = set->value(*element);
      return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
  }
  return {};
}

std::vector<double> DataSet::numbers_of(const Element& element) const {
  const auto bytes = value(element);
  const bool big = encoding_.big_endian;
  const std::string kind = vr(element);
  if (kind == "US" || kind == "OW") return numbers_as<std::uint16_t>(bytes, big);
  if (kind == "SS") return numbers_as<std::int16_t>(bytes, big);
  if (kind == "UL" || kind == "OL") return numbers_as<std::uint32_t>(bytes, big);
  if (kind == "SL") return numbers_as<std::int32_t>(bytes, big);
  if (kind == "FL" || kind == "OF") return numbers_as<float>(bytes, big);
  if (kind == "FD" || kind == "OD") return numbers_as<double>(bytes, big);
  if (kind == "UV" || kind == "OV") return numbers_as<std::uint64_t>(bytes, big);
  if (kind == "SV") return numbers_as<std::int64_t>(bytes, big);
  if (kind == "OB") return numbers_as<std::uint8_t>(bytes, big);
  std::vector<double> values;
  if (kind == "AT" || kind == "SQ") return values;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\\', begin), text.size());
    const auto number = decimal(text.substr(begin, end - begin));
    if (!number) return {};
    values.push_back(*number);
    begin = end + 1;
  }
  return values;
}

std::string DataSet::text_of(const Element& element) const {
  const auto bytes = value(element);
  const std::string kind = vr(element);
  const std::string_view raw(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (is_text_vr(kind) || kind == "UN") {
    if (kind == "UN") {
      const auto body = without_padding(raw);
      const bool printable = std::all_of(body.begin(), body.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
      if (!printable) return {};
    }
    std::string text = is_localized(kind) ? utf8_from(raw, character_set(), kind == "PN") : to_valid_utf8(raw);
    if (is_one_value(kind)) return std::string(without_padding(text));
    if (text.find('\\') == std::string::npos) return std::string(trim(text));
    std::vector<std::string> values = split(text, '\\');
    for (std::string& v : values) v = std::string(trim(v));
    return join(values, "\\");
  }
  if (kind == "AT") {
    std::string text;
    for (std::size_t n = 0; n + 4 <= bytes.size(); n += 4) {
      const Tag tag = static_cast<Tag>(loaded<std::uint16_t>(bytes.data() + n, encoding_.big_endian)) << 16 |
                      loaded<std::uint16_t>(bytes.data() + n + 2, encoding_.big_endian);
      text += (text.empty() ? "" : "\\") + dicom::text_of(tag);
    }
    return text;
  }
  if (kind == "SQ" || (kind.front() == 'O' && bytes.size() > 1024)) return {};
  std::string text;
  for (const double v : numbers_of(element)) text += (text.empty() ? "" : "\\") + shortest(v);
  return text;
}

std::optional<std::string> DataSet::text(Tag tag) const {
  const Element* element = find(tag);
  if (!element || element->length == 0) return std::nullopt;
  std::string text = text_of(*element);
  if (text.empty()) return std::nullopt;
  return text;
}

std::vector<double> DataSet::numbers(Tag tag) const {
  const Element* element = find(tag);
  return element && element->length > 0 ? numbers_of(*element) : std::vector<double>{};
}

std::optional<double> DataSet::number(Tag tag) const {
  const Element* element = find(tag);
  if (!element || element->length == 0) return std::nullopt;
  const auto values = numbers_of(*element);
  if (values.empty()) return std::nullopt;
  return values.front();
}

std::optional<std::int64_t> DataSet::integer(Tag tag) const {
  const auto value = number(tag);
  if (!value || !(std::abs(*value) < 9e15)) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(*value));
}

std::vector<DataSet> DataSet::items(Tag tag, std::size_t most) const {
  std::vector<DataSet> items;
  const Element* element = find(tag);
  if (!element) return items;
  const auto bytes = value(*element);
  Encoding encoding = encoding_;
  if (element->vr[0] == 'U' && element->vr[1] == 'N') encoding = {true, false};
  std::size_t at = 0;
  while (at + 8 <= bytes.size() && items.size() < most) {
    const auto word = [&](std::size_t n) { return static_cast<Tag>(loaded<std::uint16_t>(bytes.data() + at + n, encoding.big_endian)); };
    const Tag found = word(0) << 16 | word(2);
    const auto length = loaded<std::uint32_t>(bytes.data() + at + 4, encoding.big_endian);
    if (found != item_tag) break;
    at += 8;
    std::size_t end = 0, next = 0;
    if (length != 0xFFFFFFFFU) {
      end = next = at + std::min<std::size_t>(length, bytes.size() - at);
    } else if (!item_extent(bytes, at, encoding, end, next)) {
      end = next = bytes.size();
    }
    items.push_back(parse_item(bytes.subspan(at, end - at), encoding, this));
    at = next;
  }
  return items;
}

std::optional<DataSet> DataSet::item(Tag tag, std::size_t index) const {
  auto found = items(tag, index + 1);
  if (found.size() <= index) return std::nullopt;
  return std::move(found[index]);
}

Json DataSet::to_json(int depth) const {
  Json json = Json::object();
  for (const Element& element : elements_) {
    if ((element.tag & 0xFFFFU) == 0) continue;
    const std::string kind = vr(element);
    Json entry = Json::object();
    entry["vr"] = kind;
    Json values = Json::array();
    if (kind == "SQ") {
      if (depth > 1) {
        for (const DataSet& item : items(element.tag)) values.push_back(item.to_json(depth - 1));
      }
    } else if (kind == "AT") {
      for (std::string tag : split(text_of(element), '\\')) {
        if (tag.size() == 11) values.push_back(tag.substr(1, 4) + tag.substr(6, 4));
      }
    } else if (kind == "DS" || kind == "IS" || kind == "US" || kind == "SS" || kind == "UL" || kind == "SL" || kind == "FL" ||
               kind == "FD" || kind == "UV" || kind == "SV") {
      const auto numbers = element.length > 0 ? numbers_of(element) : std::vector<double>{};
      const bool whole = kind != "DS" && kind != "FL" && kind != "FD";
      for (const double v : numbers) {
        if (whole && std::abs(v) < 9e15)
          values.push_back(static_cast<std::int64_t>(v));
        else
          values.push_back(v);
      }
      if (numbers.empty() && element.length > 0) values.push_back(text_of(element));
    } else if (is_text_vr(kind)) {
      const std::string text = element.length > 0 ? text_of(element) : std::string();
      if (!text.empty()) {
        for (const std::string& v : is_one_value(kind) ? std::vector<std::string>{text} : split(text, '\\')) {
          if (v.empty())
            values.push_back(nullptr);
          else
            values.push_back(kind == "PN" ? json_name(v) : Json(v));
        }
      }
    }
    if (!values.empty()) entry["Value"] = std::move(values);
    json[fmt::format("{:08X}", element.tag)] = std::move(entry);
  }
  return json;
}

}  // namespace gantry::dicom
