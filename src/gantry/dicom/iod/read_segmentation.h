// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gantry/base/run.h"
#include "gantry/dicom/data_set.h"
#include "gantry/dicom/frames.h"
#include "gantry/image/code.h"

namespace gantry::dicom {

/// What a Segmentation says of one of its segments (PS3.3 C.8.20.4). Texts are UTF-8; absent = empty.
struct Segment {
  int number = 0;
  std::string label;
  Code category, type;         ///< Segmented Property Category and Type
  std::string algorithm_type;  ///< AUTOMATIC, SEMIAUTOMATIC or MANUAL
  std::string algorithm_name;
  std::string tracking_uid;
};

/// What a Segmentation or Label Map Segmentation says of itself, without its pixels.
struct Segmentation {
  std::string study_uid, series_uid, sop_instance_uid;
  std::string series_description, content_label, creator;  ///< creator: Content Creator's Name
  std::string content_time;                     ///< "20240229101530.25": Content Date and Time; empty unless both are well-formed
  std::vector<std::string> source_series_uids;  ///< Referenced Series Sequence, sorted, each once
  std::vector<std::string> predecessors;        ///< SOP Instance UIDs of the Predecessor Documents Sequence
  std::vector<Segment> segments;                ///< by number, each once
};

/// True for the SOP classes of segmentations on a raster.
bool is_segmentation(std::string_view sop_class_uid);

/// Reads the header alone. Throws Error(unreadable) for an object of another class, without UIDs, without segments or with segment numbers
/// outside 1 to 65535.
Segmentation read_segmentation(const Header::Data& data);

/// One bit a pixel, row by row, in words of 64, first pixel in the lowest bit; bits behind the last pixel are 0.
using PixelBits = std::vector<std::uint64_t>;

/// The frames of a segmentation with their places, read one at a time. BINARY frames are taken as they are, those of a label map are taken
/// apart, FRACTIONAL ones count from half of the maximum on. Not thread-safe.
class SegmentationFrames {
 public:
  /// Where one frame lies.
  struct Place {
    int segment = 0;  ///< 0 for a frame of a label map
    Vec3 position_mm;
  };

  /// Reads places, no pixels of native objects; compressed ones are decoded (at most 1 GiB of pixels, else Error(refused)). Throws
  /// Error(unreadable) for damage and for frames without a place, a segment or the same raster.
  SegmentationFrames(std::shared_ptr<const Header::Data> data, Run& run);

  std::int64_t rows = 0, columns = 0;
  double row_spacing_mm = 1, column_spacing_mm = 1;  ///< between rows (y), between columns (x)
  double slice_spacing_mm = 0;                       ///< as stated; 0 = not
  Vec3 row_direction{1, 0, 0}, column_direction{0, 1, 0};
  std::vector<Place> places;  ///< of each frame
  std::uint64_t bytes = 0;    ///< of pixels that `read` takes for all frames

  /// The segments of a frame that are not empty.
  std::map<int, PixelBits> read(std::size_t frame) const;

 private:
  std::map<int, PixelBits> take_apart(std::span<const std::byte> cells, int segment) const;

  std::shared_ptr<const Header::Data> data_;
  std::unique_ptr<Reader> reader_;
  std::vector<Bytes> decoded_;
  int bits_allocated_ = 1;
  std::int64_t threshold_ = 1;  ///< FRACTIONAL: the lowest value that counts
  bool label_map_ = false;
};

}  // namespace gantry::dicom
