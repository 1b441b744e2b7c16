// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/image/code.h"
#include "gantry/image/geometry.h"

namespace gantry::dicom {

/// A data set under construction: what the writers of IODs fill. Text is UTF-8; every object says so in SpecificCharacterSet. Elements
/// are kept by tag, so that the order in which they are set does not show in the file.
///
/// A path is a keyword ("PatientSex"), an item and what lies in it ("ReferencedSeriesSequence[0].SeriesInstanceUID"; the last item may be
/// new), or a tag "(7053,1000)DS" with its value representation (left out: from the dictionary, else DS for a number and LO for words).
/// A private tag needs its creator, "(7053,0010)" = "Philips PET Private Group". Errors: parameter (unknown keyword, malformed path, a
/// value that does not fit its value representation, no creator).
class Draft {
 public:
  /// Sets an element from text; several values are parted by a backslash, an empty text is a value of length zero.
  void set(std::string_view path, std::string_view text);
  void set(std::string_view path, const char* text) { set(path, std::string_view(text)); }
  /// Sets a number in the form that the value representation asks for.
  void set(std::string_view path, double value);
  void set(std::string_view path, int value) { set(path, static_cast<double>(value)); }
  void set(std::string_view path, std::int64_t value) { set(path, static_cast<double>(value)); }
  void set(std::string_view path, const std::vector<double>& values);
  void set(std::string_view path, Vec3 value) { set(path, std::vector<double>{value.x, value.y, value.z}); }
  /// Sets what is not there yet.
  void set_default(std::string_view path, std::string_view text);
  void set_default(std::string_view path, double value);
  /// One item of the sequence at `path` with CodeValue, CodingSchemeDesignator and CodeMeaning; an empty code makes an empty sequence.
  void set_code(std::string_view path, const Code& code);
  /// A sequence without items.
  void set_empty_sequence(std::string_view path);
  /// Appends an item to the sequence and returns it; the reference is good until the next one is appended.
  Draft& add_item(std::string_view path);
  /// Appends a finished item.
  void add_item(std::string_view path, Draft item);

  bool has(std::string_view path) const;
  /// Text of a textual element of the top level, empty when absent.
  std::string text(std::string_view keyword) const;
  void remove(std::string_view keyword);

  /// Native pixel cells (little endian): OB up to 8 bits, else OW.
  void set_pixels(Bytes pixels, int bits_allocated);
  /// Encapsulated pixel data: one fragment a frame, after a basic offset table.
  void set_encapsulated_pixels(std::vector<Bytes> frames);
  /// Bytes of an element as they are (OB, OW, OL ...).
  void set_bytes(std::string_view keyword, Bytes bytes);

  /// A DICOM file (PS3.10) of this data set, which must hold SOPClassUID and SOPInstanceUID. Native data are written with explicit
  /// little-endian value representations (`1.2.840.10008.1.2.1`), implicit ones (`1.2.840.10008.1.2`) or deflated (`...1.99`);
  /// any other transfer syntax needs encapsulated pixels. Error(not_possible) otherwise.
  Bytes file(std::string_view transfer_syntax_uid = "1.2.840.10008.1.2.1") const;

 private:
  struct Element {
    std::array<char, 2> vr{};
    Bytes bytes;                   ///< value, even length
    std::vector<Draft> items;      ///< of SQ
    std::vector<Bytes> fragments;  ///< of encapsulated pixel data
    bool encapsulated = false;
  };
  struct Place {
    Draft* object;
    std::uint32_t tag;
    std::array<char, 2> vr;
  };
  Place place(std::string_view path);
  const Element* find(std::string_view path) const;
  void append_to(Bytes& out, bool explicit_vr) const;
  static void append_element(Bytes& out, std::uint32_t tag, const Element& element, bool explicit_vr);

  std::map<std::uint32_t, Element> elements_;
};

/// `value` as a decimal string of at most 16 characters, as exact as fits.
std::string decimal_string(double value);
/// `text` as one value of at most `characters` characters: backslashes and control characters become blanks.
std::string single_value(std::string_view text, std::size_t characters = 64);

}  // namespace gantry::dicom
