// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compression/transcoding.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/dicom/cells.h"
#include "gantry/dicom/fragments.h"
#include "gantry/dicom/network/part10.h"

namespace gantry::compression {

namespace {

using dicom::DataSet;
using dicom::Element;
using dicom::Tag;

constexpr Tag photometric_tag = 0x00280004U, planar_tag = 0x00280006U, pixel_tag = 0x7FE00010U;
constexpr std::uint32_t undefined_length = 0xFFFFFFFFU;

[[noreturn]] void keep(const std::string& reason) { throw Error(ErrorCode::not_possible, reason); }

bool is_one_of(std::string_view uid, std::initializer_list<std::string_view> ends) {
  constexpr std::string_view root = "1.2.840.10008.1.2";
  return uid.starts_with(root) && std::find(ends.begin(), ends.end(), uid.substr(root.size())) != ends.end();
}

template <class T>
void put(Bytes& out, T value) {
  out.resize(out.size() + sizeof(T));
  std::memcpy(out.data() + out.size() - sizeof(T), &value, sizeof(T));
}

void put_tag(Bytes& out, Tag tag) {
  put(out, static_cast<std::uint16_t>(tag >> 16U));
  put(out, static_cast<std::uint16_t>(tag & 0xFFFFU));
}

/// Bytes of the numbers that a value representation holds: what another byte order swaps.
std::size_t number_width(std::string_view vr) {
  for (const std::string_view two : {"US", "SS", "OW", "AT"}) {
    if (vr == two) return 2;
  }
  for (const std::string_view four : {"UL", "SL", "FL", "OF", "OL"}) {
    if (vr == four) return 4;
  }
  for (const std::string_view eight : {"FD", "OD", "OV", "SV", "UV"}) {
    if (vr == eight) return 8;
  }
  return 1;
}

bool has_long_length(std::string_view vr) {
  constexpr std::array<std::string_view, 13> all{"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"};
  return std::find(all.begin(), all.end(), vr) != all.end();
}

/// Tag, value representation and length of an element in explicit little-endian form.
void put_head(Bytes& out, Tag tag, std::string_view vr, std::uint32_t length) {
  // A value that is too long for its representation's length goes as UN (PS3.5, 6.2.2).
  if (!has_long_length(vr) && length > 0xFFFFU) vr = "UN";
  put_tag(out, tag);
  put(out, vr[0]);
  put(out, vr[1]);
  if (has_long_length(vr)) {
    put(out, std::uint16_t{0});
    put(out, length);
  } else {
    put(out, static_cast<std::uint16_t>(length));
  }
}

void put_value(Bytes& out, Tag tag, std::string_view vr, std::span<const std::byte> value, bool swap) {
  const std::size_t length = value.size() + value.size() % 2;
  if (length > 0xFFFFFFF0U) keep(fmt::format("element {:08X} has 4 GiB or more", tag));
  put_head(out, tag, vr, static_cast<std::uint32_t>(length));
  const std::size_t begin = out.size();
  out.insert(out.end(), value.begin(), value.end());
  if (value.size() % 2 == 1) out.push_back(std::byte{0});
  const std::size_t width = swap ? number_width(vr) : 1;
  for (std::size_t n = begin; width > 1 && n + width <= out.size(); n += width)
    std::reverse(out.begin() + static_cast<std::ptrdiff_t>(n), out.begin() + static_cast<std::ptrdiff_t>(n + width));
}

using Changes = std::vector<std::pair<Tag, std::string>>;
void put_elements(Bytes& out, const DataSet& set, const dicom::Reader* reader, const Changes& changes, int depth, Tag first = 0,
                  Tag last = 0xFFFFFFFFU);

void put_element(Bytes& out, const DataSet& set, const Element& element, const dicom::Reader* reader, int depth) {
  const dicom::Encoding encoding = set.encoding();
  const std::string vr = set.vr(element);
  if (!encoding.implicit && !encoding.big_endian && !element.external) {
    // The same form: every byte of the value stays, items with it.
    const std::string written(element.vr, 2);
    const auto value = set.value(element);
    if (!element.undefined) return put_value(out, element.tag, written, value, false);
    put_head(out, element.tag, written, undefined_length);
    out.insert(out.end(), value.begin(), value.end());
    put_tag(out, 0xFFFEE0DDU);
    put(out, std::uint32_t{0});
    return;
  }
  if (vr == "SQ") {
    if (depth > 32) keep("sequences are nested too deeply");
    put_head(out, element.tag, vr, undefined_length);
    for (const DataSet& item : set.items(element.tag)) {
      put_tag(out, 0xFFFEE000U);
      put(out, undefined_length);
      put_elements(out, item, nullptr, {}, depth + 1);
      put_tag(out, 0xFFFEE00DU);
      put(out, std::uint32_t{0});
    }
    put_tag(out, 0xFFFEE0DDU);
    put(out, std::uint32_t{0});
    return;
  }
  if (!element.external) return put_value(out, element.tag, vr, set.value(element), encoding.big_endian);
  if (!reader) keep(fmt::format("element {:08X} lies outside the header", element.tag));
  if (element.length > reader->size()) throw Error(ErrorCode::unreadable, fmt::format("element {:08X} ends too early", element.tag));
  Bytes value(element.length);
  if (reader->read(element.offset, value) != value.size())
    throw Error(ErrorCode::unreadable, fmt::format("element {:08X} ends too early", element.tag));
  put_value(out, element.tag, vr, value, encoding.big_endian);
}

/// The elements of a data set from tag `first` to `last`; `changes` replaces texts (US is written from a number) of elements that are
/// there.
void put_elements(Bytes& out, const DataSet& set, const dicom::Reader* reader, const Changes& changes, int depth, Tag first, Tag last) {
  for (const Element& element : set.elements()) {
    const Tag tag = element.tag;
    if (tag < first || tag > last) continue;
    // Group lengths would be wrong; offset tables tell of the former coding; pixels follow.
    if ((tag & 0xFFFFU) == 0 || (depth == 0 && tag >= 0x7FE00001U && tag <= pixel_tag)) continue;
    const auto change = std::find_if(changes.begin(), changes.end(), [tag](const auto& one) { return one.first == tag; });
    if (change == changes.end()) {
      put_element(out, set, element, reader, depth);
    } else if (tag == planar_tag) {
      put_head(out, tag, "US", 2);
      put(out, std::uint16_t{0});
    } else {
      std::string text = change->second;
      if (text.size() % 2 == 1) text += ' ';
      put_value(out, tag, "CS", std::as_bytes(std::span(text)), false);
    }
  }
}

void read_native_frames(OpenedObject& object, const dicom::Reader& reader, dicom::CellFormat format, std::int64_t count) {
  const dicom::PixelElement& pixel = object.header->pixel;
  const auto length = static_cast<std::uint64_t>(format.frame_bits() / 8);
  if (length * static_cast<std::uint64_t>(count) > pixel.present)
    throw Error(ErrorCode::unreadable, fmt::format("pixel data: {} frames need {} bytes, {} are present", count,
                                                   length * static_cast<std::uint64_t>(count), pixel.present));
  if (format.word_swapped_bytes && length % 2 == 1) keep("frames of an odd length in swapped words");
  for (std::int64_t n = 0; n < count; ++n) {
    Bytes raw(length);
    if (reader.read(pixel.offset + length * static_cast<std::uint64_t>(n), raw) != raw.size())
      throw Error(ErrorCode::unreadable, "pixel data: end too early");
    dicom::CellFormat own = format;
    if (own.word_swapped_bytes) {
      for (std::size_t b = 0; b + 2 <= raw.size(); b += 2) std::swap(raw[b], raw[b + 1]);
      own.word_swapped_bytes = own.big_endian = false;
    }
    object.frames.push_back(dicom::plain_cells(std::move(raw), own));
    object.format = own.frame;
  }
}

void decode_frames(OpenedObject& object, const dicom::Reader& reader, const dicom::CellFormat& format, std::int64_t count, Run& run) {
  const auto places = dicom::locate_frames(*object.header, reader, count);
  std::vector<Bytes> streams;
  for (const dicom::FrameFragments& place : places) streams.push_back(dicom::read_fragments(reader, place));
  const std::vector<std::span<const std::byte>> spans(streams.begin(), streams.end());
  object.frames.resize(streams.size());
  std::string difference;
  codec::decode_untrusted(
      object.header->transfer_syntax, spans, format.frame,
      [&](std::size_t n, codec::Frame&& frame) {
        if (frame.format.rows != format.frame.rows || frame.format.columns != format.frame.columns ||
            frame.format.samples_per_pixel != format.frame.samples_per_pixel || frame.format.bits_allocated != format.frame.bits_allocated)
          difference = "pixel data: a codestream has another size than stated";
        object.frames[n] = std::move(frame.pixels);
        object.format = frame.format;
      },
      run);
  if (!difference.empty()) throw Error(ErrorCode::unreadable, difference);
}

}  // namespace

OpenedObject open_object(std::shared_ptr<const Bytes> bytes, const std::string& transfer_syntax_uid, Run& run) {
  dicom::Origin origin;
  origin.memory = std::move(bytes);
  OpenedObject object;
  object.header = dicom::read_header(origin);
  const dicom::Header::Data& data = *object.header;
  if (data.pixel.tag == 0) keep("has no pixels");
  if (data.pixel.tag != pixel_tag) keep("has floating-point pixels");
  if (data.transfer_syntax == transfer_syntax_uid) keep("is coded so already");
  if (data.pixel.encapsulated) {
    if (is_one_of(data.transfer_syntax, {".4.50", ".4.51", ".4.81", ".4.91", ".4.203"}))
      keep("was perhaps coded with loss, which would only grow");
    if (!codec::can_decode(data.transfer_syntax)) keep(fmt::format("the transfer syntax {} cannot be decoded", data.transfer_syntax));
  }
  const dicom::CellFormat format = dicom::cell_format(data);
  const std::string& colour = format.frame.photometric_interpretation;
  if (format.frame.bits_allocated == 1) keep("has pixels of 1 bit");
  if (colour.starts_with("YBR") && !(data.pixel.encapsulated && colour == "YBR_RCT"))
    keep(fmt::format("has the colours {}, which decoding would turn into RGB", colour));
  const auto count = data.root.integer(0x00280008U).value_or(1);
  if (count < 1 || count > 100000)
    throw Error(ErrorCode::unreadable, fmt::format("number of frames: must lie between 1 and 100000; got {}", count));
  const auto reader = data.origin.open();
  if (data.pixel.encapsulated) {
    decode_frames(object, *reader, format, count, run);
  } else {
    read_native_frames(object, *reader, format, count);
  }
  return object;
}

Bytes coded_frame(const OpenedObject& object, std::size_t frame, const std::string& transfer_syntax_uid) {
  const Bytes& cells = object.frames[frame];
  Bytes stream = codec::encode(transfer_syntax_uid, {object.format, cells});
  codec::FrameFormat declared = object.format;
  declared.photometric_interpretation = codec::encoded_photometric_interpretation(transfer_syntax_uid, object.format);
  if (codec::decode(transfer_syntax_uid, stream, declared).pixels != cells)
    keep("its pixels do not come back bit for bit (bits beyond those stored are in use)");
  return stream;
}

Bytes object_with(const OpenedObject& object, const std::vector<Bytes>& streams, const std::string& transfer_syntax_uid) {
  const dicom::Header::Data& data = *object.header;
  const std::string sop_class = data.root.text(0x00080016U).value_or(data.meta.text(0x00020002U).value_or("")),
                    sop_instance = data.root.text(0x00080018U).value_or(data.meta.text(0x00020003U).value_or(""));
  Bytes out = dicom::write_file_meta(sop_class, sop_instance, transfer_syntax_uid, data.meta.text(0x00020016U).value_or(""));
  Changes changes;
  const std::string colour = codec::encoded_photometric_interpretation(transfer_syntax_uid, object.format);
  if (colour != data.root.text(photometric_tag).value_or(colour)) changes.emplace_back(photometric_tag, colour);
  if (object.format.samples_per_pixel > 1 && data.root.integer(planar_tag).value_or(0) != 0) changes.emplace_back(planar_tag, "0");
  const auto reader = data.origin.open();
  put_elements(out, data.root, reader.get(), changes, 0, 0, pixel_tag);
  put_head(out, pixel_tag, "OB", undefined_length);
  std::uint64_t total = 0;
  for (const Bytes& stream : streams) total += 8 + stream.size() + stream.size() % 2;
  put_tag(out, 0xFFFEE000U);
  const bool table = streams.size() > 1 && total < undefined_length;
  put(out, static_cast<std::uint32_t>(table ? 4 * streams.size() : 0));
  std::uint64_t at = 0;
  for (const Bytes& stream : streams) {
    if (table) put(out, static_cast<std::uint32_t>(at));
    at += 8 + stream.size() + stream.size() % 2;
  }
  for (const Bytes& stream : streams) {
    put_tag(out, 0xFFFEE000U);
    put(out, static_cast<std::uint32_t>(stream.size() + stream.size() % 2));
    out.insert(out.end(), stream.begin(), stream.end());
    if (stream.size() % 2 == 1) out.push_back(std::byte{0});
  }
  put_tag(out, 0xFFFEE0DDU);
  put(out, std::uint32_t{0});
  put_elements(out, data.root, reader.get(), {}, 0, pixel_tag + 1);
  return out;
}

}  // namespace gantry::compression
