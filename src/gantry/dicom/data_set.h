// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/base/json.h"
#include "gantry/dicom/dictionary.h"
#include "gantry/dicom/source.h"
#include "gantry/dicom/study.h"

namespace gantry::dicom {

/// How a data set is written down (PS3.5 section 7).
struct Encoding {
  bool implicit = true;
  bool big_endian = false;
};

/// One attribute: where its value lies. Nested items stay unparsed until somebody asks.
struct Element {
  Tag tag = 0;
  char vr[2] = {0, 0};       ///< as written; zeros under implicit VR
  bool undefined = false;    ///< was of undefined length; `length` then covers the items without the delimiter
  bool external = false;     ///< `offset` counts in the source, not in the header bytes (bulk data)
  std::uint64_t offset = 0;  ///< of the value
  std::uint64_t length = 0;
};

/// The elements of one data set or item, by rising tag; the bytes belong to the Header::Data behind it. The functions return nullopt or
/// empty for what is absent, empty or not of that kind.
class DataSet {
 public:
  DataSet() = default;
  DataSet(std::span<const std::byte> bytes, Encoding encoding, const DataSet* parent = nullptr)
      : bytes_(bytes), encoding_(encoding), parent_(parent) {}

  const Element* find(Tag tag) const;
  const std::vector<Element>& elements() const { return elements_; }
  std::span<const std::byte> value(const Element& element) const;
  std::string vr(const Element& element) const;  ///< as written, or by the dictionary, or "UN"

  std::optional<std::string> text(Tag tag) const;  ///< UTF-8; several values joined by backslash
  std::optional<double> number(Tag tag) const;
  std::vector<double> numbers(Tag tag) const;
  std::optional<std::int64_t> integer(Tag tag) const;
  std::string text_of(const Element& element) const;
  std::vector<double> numbers_of(const Element& element) const;

  /// The items of a sequence, at most `most`. They refer to this data set, which must stay where it is.
  std::vector<DataSet> items(Tag tag, std::size_t most = 100000) const;
  std::optional<DataSet> item(Tag tag, std::size_t index = 0) const;
  /// The value of Specific Character Set that holds here, with that of enclosing data sets.
  std::string character_set() const;
  /// The data set in the DICOM JSON Model, at most `depth` levels.
  Json to_json(int depth = 16) const;

  Encoding encoding() const { return encoding_; }
  /// Points at the bytes that the elements' offsets count in; they must outlive the data set.
  void set_bytes(std::span<const std::byte> bytes) { bytes_ = bytes; }

 private:
  friend class Parser;
  std::span<const std::byte> bytes_;
  Encoding encoding_;
  const DataSet* parent_ = nullptr;
  std::vector<Element> elements_;
};

/// Where the pixels of an object lie in its source.
struct PixelElement {
  Tag tag = 0;  ///< (7FE0,0010), (7FE0,0008) or (7FE0,0009); 0 = none
  char vr[2] = {0, 0};
  bool encapsulated = false;
  std::uint64_t offset = 0;   ///< of the value, or of the first item
  std::uint64_t length = 0;   ///< stated
  std::uint64_t present = 0;  ///< what the source really holds of it
};

/// A parsed header: its bytes up to the pixels, the elements, and where the pixels are. Immutable once read.
struct Header::Data {
  Origin origin;
  Bytes bytes;
  DataSet meta, root;
  std::string transfer_syntax;
  PixelElement pixel;
  bool has_preamble = false;
  std::string complaint;  ///< what is wrong although the data set could be read
  std::uint64_t source_size = 0;

  Data() = default;
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
};

/// True when the first bytes look like DICOM: "DICM" behind the preamble, or elements of group 0002 or 0008 at the start.
bool looks_like_dicom(std::span<const std::byte> first);

/// Parses everything but pixels and bulk values (more than 1 MiB); sequences are delimited, not entered. Throws Error(unreadable) with the
/// place for what is no data set, Error(refused) above 256 MiB of header. Memory is bounded by what the source really holds.
std::shared_ptr<const Header::Data> read_header(const Origin& origin);
/// The same over an opened origin whose first bytes were read already.
std::shared_ptr<const Header::Data> read_header(const Origin& origin, const Reader& reader, Bytes first);
/// As many bytes of the start as an ordinary header takes.
Bytes first_bytes(const Reader& reader);

/// Where the undefined-length item whose elements begin at `begin` of `bytes` ends, and where the next item begins. False when it has no
/// end.
bool item_extent(std::span<const std::byte> bytes, std::size_t begin, Encoding encoding, std::size_t& end, std::size_t& next);

/// Parses the elements of `bytes`, which lie inside `parent` (for items). Stops at the first damage.
DataSet parse_item(std::span<const std::byte> bytes, Encoding encoding, const DataSet* parent);

}  // namespace gantry::dicom
