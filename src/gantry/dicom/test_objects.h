// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/dicom/data_set.h"

namespace gantry::dicom::test {

/// Writes data sets byte by byte for tests, in any encoding and also wrongly.
class Writer {
 public:
  explicit Writer(Encoding encoding = {false, false}) : encoding_(encoding) {}

  Writer& word16(std::uint32_t value) {
    const char bytes[2] = {static_cast<char>(value & 0xFFU), static_cast<char>(value >> 8 & 0xFFU)};
    if (encoding_.big_endian)
      bytes_.append({bytes[1], bytes[0]});
    else
      bytes_.append({bytes[0], bytes[1]});
    return *this;
  }
  Writer& word32(std::uint32_t value) {
    if (encoding_.big_endian) return word16(value >> 16).word16(value & 0xFFFFU);
    return word16(value & 0xFFFFU).word16(value >> 16);
  }
  Writer& raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  /// Tag, VR and length alone.
  Writer& prefix(Tag tag, std::string_view vr, std::uint32_t length) {
    word16(tag >> 16).word16(tag & 0xFFFFU);
    if (encoding_.implicit) return word32(length);
    raw(vr);
    static constexpr std::string_view wide = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
    if (wide.find(vr) != std::string_view::npos) return word16(0).word32(length);
    return word16(length);
  }
  Writer& text(Tag tag, std::string_view vr, std::string value) {
    if (value.size() % 2 != 0) value += vr == "UI" || vr == "OB" ? '\0' : ' ';
    return prefix(tag, vr, static_cast<std::uint32_t>(value.size())).raw(value);
  }
  Writer& us(Tag tag, std::uint32_t value) { return prefix(tag, "US", 2).word16(value); }
  Writer& ul(Tag tag, std::uint32_t value) { return prefix(tag, "UL", 4).word32(value); }
  Writer& words(Tag tag, std::string_view vr, const std::vector<std::uint16_t>& values) {
    prefix(tag, vr, static_cast<std::uint32_t>(values.size() * 2));
    for (const std::uint16_t v : values) word16(v);
    return *this;
  }
  /// A sequence of one item per entry, of explicit or undefined lengths.
  Writer& sequence(Tag tag, const std::vector<Writer>& items, bool undefined = false) {
    std::string content;
    for (const Writer& item : items) {
      Writer one(encoding_);
      one.word16(0xFFFE).word16(0xE000).word32(undefined ? 0xFFFFFFFFU : static_cast<std::uint32_t>(item.bytes_.size())).raw(item.bytes_);
      if (undefined) one.word16(0xFFFE).word16(0xE00D).word32(0);
      content += one.bytes_;
    }
    prefix(tag, "SQ", undefined ? 0xFFFFFFFFU : static_cast<std::uint32_t>(content.size())).raw(content);
    if (undefined) word16(0xFFFE).word16(0xE0DD).word32(0);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }
  Encoding encoding() const { return encoding_; }

 private:
  Encoding encoding_;
  std::string bytes_;
};

/// Preamble, meta header and data set.
inline std::string part10(const Writer& set, const std::string& transfer_syntax = "1.2.840.10008.1.2.1") {
  Writer meta;
  meta.text(0x00020010U, "UI", transfer_syntax);
  Writer head;
  head.ul(0x00020000U, static_cast<std::uint32_t>(meta.bytes().size()));
  return std::string(128, '\0') + "DICM" + head.bytes() + meta.bytes() + set.bytes();
}

inline void save(const Path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::shared_ptr<const Header::Data> parse(const std::string& bytes) {
  Origin origin;
  const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
  origin.memory = std::make_shared<const Bytes>(first, first + bytes.size());
  return read_header(origin);
}

/// One slice for `slice_file`.
struct Slice {
  std::string modality = "CT";
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.2";
  std::string uid = "1.2.3.1";
  std::string series_uid = "1.2.3";
  std::string position = "0\\0\\0";
  std::string orientation = "1\\0\\0\\0\\1\\0";
  std::string spacing = "2\\0.5";
  std::string image_type = "ORIGINAL\\PRIMARY\\AXIAL";
  int instance = 1;
  int rows = 2, columns = 3;
  int bits_stored = 16;
  bool is_signed = true;
  std::string slope = "1", intercept = "0";
  std::vector<std::uint16_t> pixels{1, 2, 3, 4, 5, 6};
  std::function<void(Writer&)> before_series;  ///< elements of groups 0009 to 0019
  std::function<void(Writer&)> more;           ///< elements behind (0020,0037) and before (0028,0002)
};

inline Writer slice_set(const Slice& s, Encoding encoding = {false, false}) {
  Writer w(encoding);
  w.text(0x00080008U, "CS", s.image_type)
      .text(0x00080016U, "UI", s.sop_class)
      .text(0x00080018U, "UI", s.uid)
      .text(0x00080060U, "CS", s.modality);
  if (s.before_series) s.before_series(w);
  w.text(0x0020000DU, "UI", "1.2").text(0x0020000EU, "UI", s.series_uid).text(0x00200011U, "IS", "4");
  w.text(0x00200013U, "IS", std::to_string(s.instance));
  if (!s.position.empty()) w.text(0x00200032U, "DS", s.position).text(0x00200037U, "DS", s.orientation);
  if (s.more) s.more(w);
  w.us(0x00280002U, 1).text(0x00280004U, "CS", "MONOCHROME2").us(0x00280010U, static_cast<std::uint32_t>(s.rows));
  w.us(0x00280011U, static_cast<std::uint32_t>(s.columns)).text(0x00280030U, "DS", s.spacing).us(0x00280100U, 16);
  w.us(0x00280101U, static_cast<std::uint32_t>(s.bits_stored))
      .us(0x00280102U, static_cast<std::uint32_t>(s.bits_stored - 1))
      .us(0x00280103U, s.is_signed);
  w.text(0x00281052U, "DS", s.intercept).text(0x00281053U, "DS", s.slope).words(0x7FE00010U, "OW", s.pixels);
  return w;
}

}  // namespace gantry::dicom::test
