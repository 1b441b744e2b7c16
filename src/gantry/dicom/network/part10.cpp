// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/network/part10.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"

namespace gantry::dicom {

namespace {

constexpr std::size_t preamble = 132;
constexpr std::size_t most_meta = 65536;

std::uint32_t word(const std::byte* at, int bytes) {
  std::uint32_t value = 0;
  for (int n = bytes; n-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(at[n]);
  return value;
}

void append(Bytes& out, std::uint32_t value, int bytes) {
  for (int n = 0; n < bytes; ++n) out.push_back(static_cast<std::byte>(value >> 8 * n & 0xFFU));
}

void append_element(Bytes& out, std::uint32_t element, std::string_view vr, std::string value) {
  if (value.size() % 2 != 0) value += vr == "UI" || vr == "OB" ? '\0' : ' ';
  append(out, 2, 2);
  append(out, element, 2);
  for (const char c : vr) out.push_back(static_cast<std::byte>(c));
  if (vr == "OB") append(out, 0, 2);
  append(out, static_cast<std::uint32_t>(value.size()), vr == "OB" ? 4 : 2);
  for (const char c : value) out.push_back(static_cast<std::byte>(c));
}

[[noreturn]] void refuse(std::string_view what) { throw Error(ErrorCode::refused, fmt::format("meta header: {}", what)); }

}  // namespace

std::optional<FileMeta> read_file_meta(std::span<const std::byte> start) {
  if (start.size() < preamble) return std::nullopt;
  if (std::memcmp(start.data() + 128, "DICM", 4) != 0) refuse("a DICOM file must begin with one; there is none");
  FileMeta meta;
  std::size_t at = preamble;
  for (;;) {
    if (at > most_meta) refuse(fmt::format("may take at most {} bytes", most_meta));
    if (start.size() < at + 8) return std::nullopt;
    const std::uint32_t group = word(start.data() + at, 2), element = word(start.data() + at + 2, 2);
    if (group != 2) break;
    const char vr[2] = {static_cast<char>(start[at + 4]), static_cast<char>(start[at + 5])};
    const std::string_view kind(vr, 2);
    if (vr[0] < 'A' || vr[0] > 'Z' || vr[1] < 'A' || vr[1] > 'Z') refuse("must be written with explicit value representations");
    const bool wide = kind == "OB" || kind == "OW" || kind == "UN" || kind == "UT" || kind == "SQ";
    if (wide && start.size() < at + 12) return std::nullopt;
    const std::uint64_t length = wide ? word(start.data() + at + 8, 4) : word(start.data() + at + 6, 2);
    const std::size_t value = at + (wide ? 12 : 8);
    if (length > most_meta) refuse(fmt::format("may take at most {} bytes", most_meta));
    if (start.size() < value + length) return std::nullopt;
    const std::string text(trim({reinterpret_cast<const char*>(start.data()) + value, static_cast<std::size_t>(length)}));
    if (element == 0x0002) meta.sop_class_uid = text;
    if (element == 0x0003) meta.sop_instance_uid = text;
    if (element == 0x0010) meta.transfer_syntax_uid = text;
    at = value + static_cast<std::size_t>(length);
  }
  meta.data_set = at;
  return meta;
}

FileMeta read_file_meta(const Path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Error(ErrorCode::not_found, path.filename().string() + ": cannot be opened");
  Bytes start(most_meta + 4096);
  std::size_t size = 0;
  std::optional<FileMeta> meta;
  try {
    // Ordinary headers lie in the first few kilobytes.
    for (std::size_t most = 4096;; most = start.size()) {
      const ssize_t count = ::pread(file, start.data() + size, most - size, static_cast<off_t>(size));
      if (count > 0) size += static_cast<std::size_t>(count);
      meta = read_file_meta(std::span(start).first(size));
      if (meta || count <= 0 || most == start.size()) break;
    }
  } catch (...) {
    ::close(file);
    throw;
  }
  ::close(file);
  if (!meta) refuse("a DICOM file must begin with one; the file ends too early");
  return *meta;
}

Bytes write_file_meta(std::string_view sop_class_uid, std::string_view sop_instance_uid, std::string_view transfer_syntax_uid,
                      std::string_view source_ae_title) {
  Bytes elements;
  append_element(elements, 0x0001, "OB", std::string("\0\1", 2));
  append_element(elements, 0x0002, "UI", std::string(sop_class_uid));
  append_element(elements, 0x0003, "UI", std::string(sop_instance_uid));
  append_element(elements, 0x0010, "UI", std::string(transfer_syntax_uid));
  append_element(elements, 0x0012, "UI", std::string(implementation_class_uid()));
  append_element(elements, 0x0013, "SH", std::string(implementation_version_name()));
  if (!source_ae_title.empty()) append_element(elements, 0x0016, "AE", std::string(source_ae_title.substr(0, 16)));
  Bytes out(128);
  for (const char c : std::string_view("DICM")) out.push_back(static_cast<std::byte>(c));
  append(out, 2, 2);
  append(out, 0, 2);
  for (const char c : std::string_view("UL")) out.push_back(static_cast<std::byte>(c));
  append(out, 4, 2);
  append(out, static_cast<std::uint32_t>(elements.size()), 4);
  out.insert(out.end(), elements.begin(), elements.end());
  return out;
}

std::string_view implementation_class_uid() { return "2.25.261730152433915283498732215473862150113"; }

std::string_view implementation_version_name() {
  static const std::string name = replace_all("GANTRY_" + std::string(version()), ".", "_").substr(0, 16);
  return name;
}

bool is_uid(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.front() == '.' || text.back() == '.') return false;
  for (std::size_t n = 0; n < text.size(); ++n) {
    if (text[n] != '.' && (text[n] < '0' || text[n] > '9')) return false;
    if (text[n] == '.' && text[n - 1] == '.') return false;
  }
  return true;
}

}  // namespace gantry::dicom
