// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <bit>
#include <map>

#include "gantry/annotation/versions.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry {

namespace {

/// A frame of one of the two objects, by its place along the normal.
struct PlacedFrame {
  double height_mm = 0;
  std::size_t side = 0, frame = 0;
};

/// Which former segment each later one is: by tracking UID, then label, then a code of its own, then number; each is taken once.
std::map<int, int> paired_segments(const std::vector<dicom::Segment>& former, const std::vector<dicom::Segment>& later) {
  std::map<int, int> pairs;
  std::map<int, bool> taken;
  const auto label_of = [](const dicom::Segment& segment) { return lower(trim(segment.label)); };
  const auto code_of = [](const dicom::Segment& segment) {
    return segment.type.value.empty() ? "" : segment.type.scheme + "\n" + segment.type.value;
  };
  const auto pass = [&](const auto& name_of) {
    std::map<std::string, std::vector<int>> names;
    std::map<std::string, int> asked;
    for (const dicom::Segment& segment : former) {
      if (!taken[segment.number]) names[name_of(segment)].push_back(segment.number);
    }
    for (const dicom::Segment& segment : later) asked[name_of(segment)] += !pairs.contains(segment.number);
    for (const dicom::Segment& segment : later) {
      const std::string name = name_of(segment);
      if (name.empty() || pairs.contains(segment.number) || asked[name] != 1) continue;
      const auto found = names.find(name);
      if (found == names.end() || found->second.size() != 1) continue;
      pairs[segment.number] = found->second.front();
      taken[found->second.front()] = true;
    }
  };
  pass([](const dicom::Segment& segment) { return segment.tracking_uid; });
  pass(label_of);
  pass([&](const dicom::Segment& segment) { return label_of(segment) + "\n" + std::to_string(segment.number); });
  // A new name with the same number and code is a renamed segment.
  pass([&](const dicom::Segment& segment) { return code_of(segment) + "\n" + std::to_string(segment.number); });
  return pairs;
}

void check_same_raster(const dicom::SegmentationFrames& a, const dicom::SegmentationFrames& b) {
  if (a.rows != b.rows || a.columns != b.columns)
    throw Error(ErrorCode::not_possible,
                fmt::format("they lie on other rasters: {} x {} and {} x {} pixels", a.columns, a.rows, b.columns, b.rows));
  const double turn = norm(a.row_direction - b.row_direction) + norm(a.column_direction - b.column_direction);
  const auto differ = [](double x, double y) { return !(std::abs(x - y) <= 1e-3 * std::min(x, y)); };
  if (!(turn < 2e-3) || differ(a.row_spacing_mm, b.row_spacing_mm) || differ(a.column_spacing_mm, b.column_spacing_mm))
    throw Error(ErrorCode::not_possible, "they lie on other rasters: direction or pixel spacing differ");
}

void join_bits(dicom::PixelBits& into, dicom::PixelBits&& bits) {
  if (into.empty()) {
    into = std::move(bits);
    return;
  }
  for (std::size_t n = 0; n < bits.size(); ++n) into[n] |= bits[n];
}

/// The comparison on its way.
class Comparison {
 public:
  Comparison(const AnnotationObject* former, const AnnotationObject& later, Run& run) : run_(run) {
    frames_[1].emplace(later.open(), run);
    if (former) frames_[0].emplace(former->open(), run);
    if (former) check_same_raster(*frames_[0], *frames_[1]);
    static const std::vector<dicom::Segment> none;
    pairs_ = paired_segments(former ? former->about.segments : none, later.about.segments);
    std::map<int, bool> met;
    for (const dicom::Segment& segment : later.about.segments) {
      const auto pair = pairs_.find(segment.number);
      const int before = pair == pairs_.end() ? 0 : pair->second;
      met[before] = true;
      change.segments.push_back({before, segment.number, segment.label});
    }
    for (const dicom::Segment& segment : former ? former->about.segments : none) {
      if (!met[segment.number]) change.segments.push_back({segment.number, 0, segment.label});
    }
  }

  void run() {
    const dicom::SegmentationFrames& raster = *frames_[1];
    const Vec3 normal = cross(raster.row_direction, raster.column_direction);
    std::vector<PlacedFrame> frames;
    for (std::size_t side = 0; side < 2; ++side) {
      for (std::size_t n = 0; frames_[side] && n < frames_[side]->places.size(); ++n)
        frames.push_back({dot(frames_[side]->places[n].position_mm, normal), side, n});
    }
    std::sort(frames.begin(), frames.end(), [](const PlacedFrame& a, const PlacedFrame& b) {
      return std::tie(a.height_mm, a.side, a.frame) < std::tie(b.height_mm, b.side, b.frame);
    });
    const double stated = raster.slice_spacing_mm > 0 ? raster.slice_spacing_mm : frames_[0] ? frames_[0]->slice_spacing_mm : 0;
    const double tolerance = std::max(1e-3, 0.1 * stated);
    double smallest = 0;
    for (std::size_t begin = 0; begin < frames.size();) {
      std::size_t end = begin + 1;
      while (end < frames.size() && frames[end].height_mm - frames[begin].height_mm <= tolerance) ++end;
      if (begin > 0) {
        const double step = frames[begin].height_mm - last_height_;
        smallest = smallest > 0 ? std::min(smallest, step) : step;
      }
      last_height_ = frames[begin].height_mm;
      compare_plane(std::span(frames).subspan(begin, end - begin));
      run_.progress(static_cast<double>(end) / static_cast<double>(frames.size()), "comparing versions");
      begin = end;
    }
    change.voxel_ml = raster.row_spacing_mm * raster.column_spacing_mm * (stated > 0 ? stated : smallest) / 1000;
  }

  VersionChange change;

 private:
  void compare_plane(std::span<const PlacedFrame> frames) {
    const dicom::SegmentationFrames& raster = *frames_[1];
    const auto place = [&](const PlacedFrame& one) { return frames_[one.side]->places[one.frame].position_mm; };
    const Vec3 origin = place(frames.front());
    std::array<std::map<int, dicom::PixelBits>, 2> bits;
    for (const PlacedFrame& one : frames) {
      const Vec3 shift = place(one) - origin;
      if (!(std::abs(dot(shift, raster.row_direction)) <= 0.05 * raster.column_spacing_mm &&
            std::abs(dot(shift, raster.column_direction)) <= 0.05 * raster.row_spacing_mm))
        throw Error(ErrorCode::not_possible, "they lie on other rasters: planes are shifted against each other");
      for (auto& [segment, content] : frames_[one.side]->read(one.frame)) join_bits(bits[one.side][segment], std::move(content));
    }
    std::int64_t changed = 0, all = 0;
    for (SegmentChange& segment : change.segments) {
      const dicom::PixelBits *before = bits_of(bits[0], segment.former_number), *after = bits_of(bits[1], segment.number);
      const std::size_t words = std::max(before ? before->size() : 0, after ? after->size() : 0);
      std::int64_t kept = 0, added = 0, removed = 0;
      for (std::size_t n = 0; n < words; ++n) {
        const std::uint64_t a = before ? (*before)[n] : 0, b = after ? (*after)[n] : 0;
        kept += std::popcount(a & b);
        added += std::popcount(b & ~a);
        removed += std::popcount(a & ~b);
      }
      segment.kept += kept;
      segment.added += added;
      segment.removed += removed;
      changed += added + removed;
      all += kept + added + removed;
    }
    if (changed < most_changed_ || (changed == most_changed_ && all <= most_voxels_)) return;
    most_changed_ = changed;
    most_voxels_ = all;
    keep_plane(bits, origin);
  }

  void keep_plane(const std::array<std::map<int, dicom::PixelBits>, 2>& bits, Vec3 origin) {
    const dicom::SegmentationFrames& raster = *frames_[1];
    change.rows = raster.rows;
    change.columns = raster.columns;
    change.origin_mm = origin;
    change.row_step_mm = raster.column_spacing_mm * raster.row_direction;
    change.column_step_mm = raster.row_spacing_mm * raster.column_direction;
    change.plane.assign(static_cast<std::size_t>(raster.rows * raster.columns), 0);
    for (const SegmentChange& segment : change.segments) {
      const dicom::PixelBits *before = bits_of(bits[0], segment.former_number), *after = bits_of(bits[1], segment.number);
      for (std::size_t n = 0; n < change.plane.size(); ++n) {
        const bool was = before && ((*before)[n / 64] >> (n % 64) & 1) != 0, is = after && ((*after)[n / 64] >> (n % 64) & 1) != 0;
        const std::uint8_t value = was && is ? 1 : is ? 2 : was ? 3 : 0;
        change.plane[n] = std::max(change.plane[n], value);
      }
    }
  }

  static const dicom::PixelBits* bits_of(const std::map<int, dicom::PixelBits>& bits, int number) {
    const auto found = bits.find(number);
    return number == 0 || found == bits.end() ? nullptr : &found->second;
  }

  Run& run_;
  std::array<std::optional<dicom::SegmentationFrames>, 2> frames_;
  std::map<int, int> pairs_;
  double last_height_ = 0;
  std::int64_t most_changed_ = 0, most_voxels_ = 0;
};

}  // namespace

VersionChange compare_versions(const AnnotationObject* former, const AnnotationObject& later, Run& run) {
  try {
    Comparison comparison(former, later, run);
    comparison.run();
    return std::move(comparison.change);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) throw;
    VersionChange failed;
    failed.reason = error.what();
    return failed;
  }
}

}  // namespace gantry
