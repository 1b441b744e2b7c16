// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/charset.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "gantry/base/text.h"

namespace gantry::dicom {

namespace {

/// One character set that G0 or G1 may hold: the escape sequence that calls it and ICU's name of its encoding.
struct CodeElement {
  std::string_view escape;  ///< behind ESC
  bool high = false;        ///< G1: bytes from 0x80
  bool wide = false;        ///< two bytes a character
  std::string_view encoding;
};

/// PS3.3 table C.12-3 and C.12-4. Wide sets in G0 are decoded with their high bits set (EUC).
constexpr std::array<CodeElement, 18> code_elements{{
    {"(B", false, false, "US-ASCII"},
    {"(J", false, false, "US-ASCII"},
    {")I", true, false, "Shift_JIS"},
    {"$B", false, true, "EUC-JP"},
    {"$@", false, true, "EUC-JP"},
    {"$(D", false, true, "EUC-JP-212"},
    {"$)C", true, true, "EUC-KR"},
    {"$)A", true, true, "GB2312"},
    {"-A", true, false, "ISO-8859-1"},
    {"-B", true, false, "ISO-8859-2"},
    {"-C", true, false, "ISO-8859-3"},
    {"-D", true, false, "ISO-8859-4"},
    {"-L", true, false, "ISO-8859-5"},
    {"-G", true, false, "ISO-8859-6"},
    {"-F", true, false, "ISO-8859-7"},
    {"-H", true, false, "ISO-8859-8"},
    {"-M", true, false, "ISO-8859-9"},
    {"-T", true, false, "TIS-620"},
}};

struct Term {
  std::string_view name;  ///< behind "ISO_IR " or "ISO 2022 IR "
  std::string_view encoding;
};
constexpr std::array<Term, 17> terms{{{"6", "US-ASCII"},
                                      {"100", "ISO-8859-1"},
                                      {"101", "ISO-8859-2"},
                                      {"109", "ISO-8859-3"},
                                      {"110", "ISO-8859-4"},
                                      {"144", "ISO-8859-5"},
                                      {"127", "ISO-8859-6"},
                                      {"126", "ISO-8859-7"},
                                      {"138", "ISO-8859-8"},
                                      {"148", "ISO-8859-9"},
                                      {"203", "ISO-8859-15"},
                                      {"13", "Shift_JIS"},
                                      {"166", "TIS-620"},
                                      {"192", "UTF-8"},
                                      {"58", "GB2312"},
                                      {"149", "EUC-KR"},
                                      {"87", "US-ASCII"}}};

/// ICU's encoding of one value of Specific Character Set; empty for an unknown one.
std::string_view encoding_of_term(std::string_view term) {
  term = trim(term);
  if (term.empty()) return "US-ASCII";
  if (term == "GB18030" || term == "GBK") return "GB18030";
  std::string key;
  for (const char c : term) {
    if (c != ' ' && c != '_' && c != '-') key += c;
  }
  for (const std::string_view prefix : {"ISO2022IR", "ISOIR"}) {
    if (key.starts_with(prefix)) {
      const std::string_view number = std::string_view(key).substr(prefix.size());
      for (const Term& row : terms) {
        if (row.name == number) return row.encoding;
      }
      return number == "159" ? std::string_view("US-ASCII") : std::string_view();
    }
  }
  return {};
}

/// Through ICU; U+FFFD for what has no meaning there.
std::string convert(std::string_view bytes, std::string_view encoding) {
  if (bytes.empty()) return {};
  std::string source(bytes);
  std::string name(encoding);
  if (encoding == "EUC-JP-212") {  // JIS X 0212 is code set 3 of EUC: each pair behind 0x8F
    source.clear();
    for (std::size_t n = 0; n + 1 < bytes.size(); n += 2) (source += '\x8F').append(bytes.substr(n, 2));
    name = "EUC-JP";
  }
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, void (*)(UConverter*)> converter(ucnv_open(name.c_str(), &status), ucnv_close);
  if (U_FAILURE(status)) return to_valid_utf8(source);
  std::vector<UChar> wide(source.size() * 2 + 8);
  const auto count = ucnv_toUChars(converter.get(), wide.data(), static_cast<std::int32_t>(wide.size()), source.data(),
                                   static_cast<std::int32_t>(source.size()), &status);
  if (U_FAILURE(status)) return to_valid_utf8(source);
  std::string out(static_cast<std::size_t>(count) * 3 + 8, '\0');
  status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, void (*)(UConverter*)> utf8(ucnv_open("UTF-8", &status), ucnv_close);
  if (U_FAILURE(status)) return to_valid_utf8(source);
  const auto size = ucnv_fromUChars(utf8.get(), out.data(), static_cast<std::int32_t>(out.size()), wide.data(), count, &status);
  if (U_FAILURE(status)) return to_valid_utf8(source);
  out.resize(static_cast<std::size_t>(size));
  return out;
}

/// Text with escape sequences: G0 and G1 change as they say and fall back to the first character set at each delimiter.
std::string with_code_extensions(std::string_view bytes, std::string_view initial, bool person_name) {
  std::string out, run;
  std::string_view g0_encoding = "US-ASCII", g1_encoding = initial;
  bool g0_wide = false, run_high = false;
  const auto flush = [&] {
    if (run.empty()) return;
    const std::string_view encoding = run_high ? g1_encoding : g0_encoding;
    if (!run_high && g0_wide) {
      for (char& c : run) c = static_cast<char>(static_cast<unsigned char>(c) | 0x80U);
    }
    out += encoding == "US-ASCII" ? to_valid_utf8(run) : convert(run, encoding);
    run.clear();
  };
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const char c = bytes[n];
    if (c == '\x1B') {
      const std::string_view rest = bytes.substr(n + 1);
      const auto found =
          std::find_if(code_elements.begin(), code_elements.end(), [&](const CodeElement& e) { return rest.starts_with(e.escape); });
      flush();
      if (found == code_elements.end()) continue;
      if (found->high) {
        g1_encoding = found->encoding;
      } else {
        g0_encoding = found->encoding;
        g0_wide = found->wide;
      }
      n += found->escape.size();
      continue;
    }
    const bool delimiter =
        c == '\r' || c == '\n' || c == '\f' || c == '\t' || (!g0_wide && (c == '\\' || (person_name && (c == '^' || c == '='))));
    if (delimiter) {
      flush();
      out += c;
      g0_encoding = "US-ASCII";
      g0_wide = false;
      g1_encoding = initial;
      continue;
    }
    const bool high = static_cast<unsigned char>(c) >= 0x80;
    if (high != run_high) flush();
    run_high = high;
    run += c;
  }
  flush();
  return out;
}

}  // namespace

std::string utf8_from(std::string_view bytes, std::string_view character_set, bool person_name) {
  const bool plain = std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\x1B'; });
  if (plain) return std::string(bytes);
  const std::vector<std::string> values = split(character_set, '\\');
  const std::string_view first = values.empty() ? std::string_view() : std::string_view(values.front());
  const std::string_view initial = encoding_of_term(first);
  if (initial == "UTF-8") return to_valid_utf8(bytes);
  if (initial.empty() || (initial == "US-ASCII" && values.size() < 2 && bytes.find('\x1B') == std::string_view::npos)) {
    return is_utf8(bytes) ? std::string(bytes) : convert(bytes, "ISO-8859-1");
  }
  const bool extended = bytes.find('\x1B') != std::string_view::npos;
  if (!extended) return initial == "US-ASCII" ? to_valid_utf8(bytes) : convert(bytes, initial);
  return with_code_extensions(bytes, initial, person_name);
}

}  // namespace gantry::dicom
