// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/iod/read_segmentation.h"

#include <algorithm>
#include <set>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/codec/codec.h"
#include "gantry/dicom/cells.h"
#include "gantry/dicom/fragments.h"
#include "gantry/dicom/iod/context.h"

namespace gantry::dicom {

namespace {

constexpr std::uint64_t most_decoded_bytes = std::uint64_t{1} << 30;
constexpr std::int64_t most_frames = 100000;
constexpr std::size_t most_text = 256;

/// One value without the spaces around it, as long as a name may be.
std::string words(const DataSet& set, Tag tag) {
  std::string text(trim(set.text(tag).value_or("")));
  if (text.size() > most_text) text = to_valid_utf8(text.substr(0, most_text));
  return text;
}

Code read_code(const DataSet& set, Tag sequence) {
  const auto item = set.item(sequence);
  if (!item) return {};
  return {words(*item, 0x00080102U), words(*item, 0x00080100U), words(*item, 0x00080104U)};
}

std::string time_of(const DataSet& root) {
  const std::string date = words(root, 0x00080023U), time = words(root, 0x00080033U);
  const std::size_t dot = std::min(time.find('.'), time.size());
  if (date.size() != 8 || !all_digits(date) || dot != 6 || !all_digits(std::string_view(time).substr(0, 6))) return {};
  if (time.size() > 13 || (dot + 1 < time.size() && !all_digits(std::string_view(time).substr(dot + 1)))) return {};
  return date + time;
}

Segment read_segment(const DataSet& item) {
  Segment segment;
  const auto number = item.integer(0x00620004U);
  if (!number || !(*number >= 1 && *number <= 65535))
    throw Error(ErrorCode::unreadable, fmt::format("SegmentNumber: must lie between 1 and 65535; got {}", number.value_or(0)));
  segment.number = static_cast<int>(*number);
  segment.label = words(item, 0x00620005U);
  segment.category = read_code(item, 0x00620003U);
  segment.type = read_code(item, 0x0062000FU);
  segment.algorithm_type = words(item, 0x00620008U);
  segment.algorithm_name = words(item, 0x00620009U);
  segment.tracking_uid = words(item, 0x00620021U);
  return segment;
}

}  // namespace

bool is_segmentation(std::string_view sop_class_uid) { return sop_class_uid == segmentation_class || sop_class_uid == label_map_class; }

Segmentation read_segmentation(const Header::Data& data) {
  const DataSet& root = data.root;
  if (!is_segmentation(words(root, 0x00080016U))) throw Error(ErrorCode::unreadable, "object: must be a segmentation");
  Segmentation found;
  found.study_uid = words(root, 0x0020000DU);
  found.series_uid = words(root, 0x0020000EU);
  found.sop_instance_uid = words(root, 0x00080018U);
  if (found.study_uid.empty() || found.series_uid.empty() || found.sop_instance_uid.empty())
    throw Error(ErrorCode::unreadable, "object: its UIDs must be there; one is missing");
  found.series_description = words(root, 0x0008103EU);
  found.content_label = words(root, 0x00700080U);
  found.creator = words(root, 0x00700084U);
  found.content_time = time_of(root);
  for (const DataSet& series : root.items(0x00081115U, 1000)) {
    if (std::string uid = words(series, 0x0020000EU); !uid.empty()) found.source_series_uids.push_back(std::move(uid));
  }
  std::vector<std::string>& uids = found.source_series_uids;
  std::sort(uids.begin(), uids.end());
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
  for (const DataSet& study : root.items(0x0040A360U, 100)) {
    for (const DataSet& series : study.items(0x00081115U, 100)) {
      for (const DataSet& object : series.items(0x00081199U, 100)) found.predecessors.push_back(words(object, 0x00081155U));
    }
  }
  std::set<int> numbers;
  const bool label_map = words(root, 0x00620001U) == "LABELMAP";
  for (const DataSet& item : root.items(0x00620002U, 65535)) {
    if (label_map && item.integer(0x00620004U) == 0) continue;  // the background
    Segment segment = read_segment(item);
    if (numbers.insert(segment.number).second) found.segments.push_back(std::move(segment));
  }
  if (found.segments.empty()) throw Error(ErrorCode::unreadable, "SegmentSequence: must hold at least one segment");
  std::sort(found.segments.begin(), found.segments.end(), [](const Segment& a, const Segment& b) { return a.number < b.number; });
  return found;
}

SegmentationFrames::SegmentationFrames(std::shared_ptr<const Header::Data> data, Run& run) : data_(std::move(data)) {
  const DataSet& root = data_->root;
  const CellFormat format = cell_format(*data_);
  rows = format.frame.rows;
  columns = format.frame.columns;
  bits_allocated_ = format.frame.bits_allocated;
  const std::string type = words(root, 0x00620001U);
  label_map_ = type == "LABELMAP";
  const bool whole = bits_allocated_ == 8 || (label_map_ && bits_allocated_ == 16 && !format.big_endian);
  if (format.frame.samples_per_pixel != 1 || !(type == "BINARY" ? bits_allocated_ == 1 : whole && (label_map_ || type == "FRACTIONAL")))
    throw Error(ErrorCode::unreadable, fmt::format("pixel data: must be of type BINARY, FRACTIONAL or LABELMAP; got {} of {} bits",
                                                   type.substr(0, 16), bits_allocated_));
  if (type == "FRACTIONAL") threshold_ = std::max<std::int64_t>(1, (root.integer(0x0062000EU).value_or(255) + 1) / 2);

  const auto count = root.integer(0x00280008U).value_or(0);
  if (!(count >= 1 && count <= most_frames))
    throw Error(ErrorCode::unreadable, fmt::format("NumberOfFrames: must lie between 1 and {}; got {}", most_frames, count));
  const auto frame_bits = static_cast<std::uint64_t>(format.frame_bits());
  bytes = (frame_bits * static_cast<std::uint64_t>(count) + 7) / 8;
  if (data_->pixel.tag == 0 || (!data_->pixel.encapsulated && bytes > data_->pixel.present))
    throw Error(ErrorCode::unreadable, fmt::format("pixel data: {} bytes are due, {} are present", bytes, data_->pixel.present));

  const Object object = describe_object(data_);
  const std::vector<DataSet> groups = root.items(0x52009230U);
  if (object.frames.size() != static_cast<std::size_t>(count) || (!label_map_ && groups.size() != object.frames.size()))
    throw Error(ErrorCode::unreadable, fmt::format("frames: {} are stated, {} are described", count, groups.size()));
  std::set<int> numbers;
  for (const DataSet& item : root.items(0x00620002U, 65535)) numbers.insert(static_cast<int>(item.integer(0x00620004U).value_or(0)));
  const FrameInfo& first = object.frames.front();
  row_spacing_mm = first.row_spacing_mm;
  column_spacing_mm = first.column_spacing_mm;
  slice_spacing_mm = first.slice_spacing_mm;
  row_direction = first.row_direction;
  column_direction = first.column_direction;
  for (std::size_t n = 0; n < object.frames.size(); ++n) {
    const FrameInfo& frame = object.frames[n];
    const double reach = norm(frame.position_mm) + frame.row_spacing_mm + frame.column_spacing_mm + frame.slice_spacing_mm;
    if (!frame.has_position || !frame.has_spacing || !(reach < 1e6))
      throw Error(ErrorCode::unreadable,
                  fmt::format("frame {}: has no place: position, orientation or pixel spacing is missing or absurd", n + 1));
    const double turn = norm(frame.row_direction - row_direction) + norm(frame.column_direction - column_direction);
    if (!(turn < 1e-3 && frame.row_spacing_mm == row_spacing_mm && frame.column_spacing_mm == column_spacing_mm))
      throw Error(ErrorCode::unreadable, fmt::format("frame {}: lies on another raster than the first", n + 1));
    Place place{0, frame.position_mm};
    if (!label_map_) {
      auto identification = groups[n].item(0x0062000AU);
      const auto shared = root.item(0x52009229U);
      if (!identification && shared) identification = shared->item(0x0062000AU);
      place.segment = identification ? static_cast<int>(identification->integer(0x0062000BU).value_or(0)) : 0;
      if (!numbers.contains(place.segment))
        throw Error(ErrorCode::unreadable, fmt::format("frame {}: belongs to segment {}, which is none", n + 1, place.segment));
    }
    places.push_back(place);
  }

  reader_ = data_->origin.open();
  if (!data_->pixel.encapsulated) return;
  const auto fragments = locate_frames(*data_, *reader_, count);
  std::vector<Bytes> streams;
  std::uint64_t size = bytes;
  for (const FrameFragments& frame : fragments) {
    for (const auto& piece : frame.pieces) size += piece.length;
    if (size > most_decoded_bytes) throw Error(ErrorCode::refused, "pixel data: compressed, and too large to be decoded at once");
    streams.push_back(read_fragments(*reader_, frame));
  }
  const std::vector<std::span<const std::byte>> spans(streams.begin(), streams.end());
  codec::FrameFormat declared = format.frame;
  if (declared.bits_allocated == 1 && data_->transfer_syntax.starts_with("1.2.840.10008.1.2.4.")) declared.bits_allocated = 8;
  decoded_.resize(streams.size());
  codec::decode_untrusted(
      data_->transfer_syntax, spans, declared,
      [&](std::size_t n, codec::Frame&& frame) {
        const bool fits = frame.format.rows == rows && frame.format.columns == columns && frame.format.samples_per_pixel == 1 &&
                          frame.format.bits_allocated == declared.bits_allocated;
        if (!fits) throw Error(ErrorCode::unreadable, fmt::format("frame {}: its pixels are not what the header says", n + 1));
        decoded_[n] = std::move(frame.pixels);
      },
      run);
  bits_allocated_ = declared.bits_allocated;
}

std::map<int, PixelBits> SegmentationFrames::take_apart(std::span<const std::byte> cells, int segment) const {
  const auto pixels = static_cast<std::size_t>(rows * columns);
  const std::size_t words_of_frame = (pixels + 63) / 64;
  std::map<int, PixelBits> found;
  const std::size_t cell = bits_allocated_ == 16 ? 2 : 1;
  if (cells.size() < pixels * cell) throw Error(ErrorCode::unreadable, "pixel data: end too early");
  int last = -1;
  PixelBits* bits = nullptr;
  for (std::size_t n = 0; n < pixels; ++n) {
    int value = std::to_integer<int>(cells[n * cell]);
    if (cell == 2) value |= std::to_integer<int>(cells[2 * n + 1]) << 8;
    if (!label_map_) value = value >= threshold_ ? segment : 0;
    if (value == 0) continue;
    if (value != last) {
      bits = &found[value];
      if (bits->empty()) bits->resize(words_of_frame);
      last = value;
    }
    (*bits)[n / 64] |= std::uint64_t{1} << (n % 64);
  }
  return found;
}

std::map<int, PixelBits> SegmentationFrames::read(std::size_t frame) const {
  const Place& place = places.at(frame);
  const auto pixels = static_cast<std::uint64_t>(rows * columns);
  Bytes raw;
  unsigned shift = 0;
  if (data_->pixel.encapsulated) {
    raw = decoded_.at(frame);
  } else {
    const std::uint64_t first_bit = pixels * static_cast<std::uint64_t>(bits_allocated_) * frame;
    shift = static_cast<unsigned>(first_bit % 8);
    raw.resize(static_cast<std::size_t>((first_bit % 8 + pixels * static_cast<std::uint64_t>(bits_allocated_) + 7) / 8));
    if (reader_->read(data_->pixel.offset + first_bit / 8, raw) != raw.size())
      throw Error(ErrorCode::unreadable, "pixel data: end too early");
  }
  if (bits_allocated_ != 1) return take_apart(raw, place.segment);
  if (raw.size() * 8 < shift + pixels) throw Error(ErrorCode::unreadable, "pixel data: end too early");
  PixelBits bits((static_cast<std::size_t>(pixels) + 63) / 64);
  bool any = false;
  for (std::size_t word = 0; word < bits.size(); ++word) {
    std::uint64_t value = 0;
    for (std::size_t byte = 0; byte < 8 && word * 8 + byte < raw.size(); ++byte)
      value |= std::to_integer<std::uint64_t>(raw[word * 8 + byte]) << (8 * byte);
    value >>= shift;
    if (shift != 0 && word * 8 + 8 < raw.size()) value |= std::to_integer<std::uint64_t>(raw[word * 8 + 8]) << (64 - shift);
    if (word + 1 == bits.size() && pixels % 64 != 0) value &= (std::uint64_t{1} << (pixels % 64)) - 1;
    bits[word] = value;
    any = any || value != 0;
  }
  if (!any) return {};
  return {{place.segment, std::move(bits)}};
}

}  // namespace gantry::dicom
