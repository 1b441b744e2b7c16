// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "gantry/base/error.h"

namespace gantry::dicom {

namespace {

/// One frame with its object.
struct Shot {
  const Object* object = nullptr;
  const FrameInfo* frame = nullptr;
  double along_mm = 0;  ///< position on the normal
};

bool parallel(const FrameInfo& a, const FrameInfo& b) {
  const auto near = [](Vec3 p, Vec3 q) { return norm(p - q) < 2e-3; };
  return near(a.row_direction, b.row_direction) && near(a.column_direction, b.column_direction);
}

/// In which respect two shots cannot be of one volume; empty when they can.
std::string_view difference(const Shot& a, const Shot& b) {
  const FrameInfo &f = *a.frame, &g = *b.frame;
  if (f.rows != g.rows || f.columns != g.columns) return "size";
  if (a.object->samples != b.object->samples || a.object->photometric != b.object->photometric) return "colour";
  if (f.has_position != g.has_position) return "presence of a position";
  if (f.has_position && !parallel(f, g)) return "orientation";
  const auto close = [](double p, double q) { return std::abs(p - q) <= 1e-3 * std::max(std::abs(p), std::abs(q)); };
  if (!close(f.row_spacing_mm, g.row_spacing_mm) || !close(f.column_spacing_mm, g.column_spacing_mm)) return "pixel spacing";
  if (f.image_type != g.image_type) return "image type";
  if (f.echo_number != g.echo_number || std::abs(f.echo_time_ms - g.echo_time_ms) > 0.02) return "echo";
  if (f.b_value != g.b_value) return "b-value";
  if (f.stack != g.stack) return "stack";
  if (a.object->sop_class_uid != b.object->sop_class_uid) return "kind of object";
  if (a.object->pixel_problem.empty() != b.object->pixel_problem.empty()) return "readability of the pixels";
  return {};
}

bool earlier(const Shot& a, const Shot& b) {
  const auto key = [](const Shot& s) {
    return std::tie(s.frame->temporal_index, s.frame->acquisition_number, s.frame->instance_number, s.frame->time_s);
  };
  if (key(a) != key(b)) return key(a) < key(b);
  if (a.object->sop_instance_uid != b.object->sop_instance_uid) return a.object->sop_instance_uid < b.object->sop_instance_uid;
  return a.frame->frame < b.frame->frame;
}

Vec3 normal_of(const FrameInfo& frame) { return cross(frame.row_direction, frame.column_direction); }

/// All shots at one place along the normal, in time.
using Slice = std::vector<Shot>;

std::vector<Slice> slices_of(std::vector<Shot> shots) {
  const Vec3 normal = normal_of(*shots.front().frame);
  for (Shot& shot : shots) shot.along_mm = dot(shot.frame->position_mm, normal);
  std::stable_sort(shots.begin(), shots.end(), [](const Shot& a, const Shot& b) { return a.along_mm < b.along_mm; });
  constexpr double same_place_mm = 0.02;
  std::vector<Slice> slices;
  for (Shot& shot : shots) {
    if (slices.empty() || shot.along_mm - slices.back().front().along_mm > same_place_mm) slices.emplace_back();
    slices.back().push_back(shot);
  }
  for (Slice& slice : slices) std::stable_sort(slice.begin(), slice.end(), earlier);
  return slices;
}

/// Makes every slice hold the same number of shots: one, when few places are taken twice (duplicates), else as many time points as all
/// slices have.
std::int64_t level_out(std::vector<Slice>& slices, std::vector<std::string>& warnings) {
  std::map<std::size_t, std::size_t> counts;
  for (const Slice& slice : slices) ++counts[slice.size()];
  if (counts.size() == 1) return static_cast<std::int64_t>(counts.begin()->first);
  const std::size_t fewest = counts.begin()->first;
  const std::size_t usual = std::max_element(counts.begin(), counts.end(), [](auto& a, auto& b) { return a.second < b.second; })->first;
  std::size_t dropped = 0;
  if (usual == 1) {
    for (Slice& slice : slices) {
      dropped += slice.size() - 1;
      slice.resize(1);
    }
    warnings.push_back(fmt::format("{} images lie where another one lies already and are left out (duplicates)", dropped));
    return 1;
  }
  // A time series: time points that all slices have, told apart by their temporal index where it is given.
  std::map<std::int64_t, std::size_t> seen;
  bool indexed = true;
  for (const Slice& slice : slices) {
    std::set<std::int64_t> own;
    for (const Shot& shot : slice) indexed = own.insert(shot.frame->temporal_index).second && indexed;
    for (const std::int64_t index : own) ++seen[index];
  }
  for (Slice& slice : slices) {
    const std::size_t before = slice.size();
    if (indexed)
      std::erase_if(slice, [&](const Shot& shot) { return seen[shot.frame->temporal_index] != slices.size(); });
    else
      slice.resize(fewest);
    dropped += before - slice.size();
  }
  if (indexed && slices.front().empty()) {
    warnings.emplace_back("no time point is complete");
    return 0;
  }
  warnings.push_back(fmt::format("the time series is incomplete: {} images of time points that not all slices have are left out", dropped));
  return static_cast<std::int64_t>(slices.front().size());
}

/// The grid through the first shots of the slices; says what is tilted, missing or uneven.
Grid grid_of(const std::vector<Slice>& slices, std::vector<std::string>& warnings) {
  const FrameInfo& first = *slices.front().front().frame;
  const Vec3 normal = normal_of(first);
  const auto count = static_cast<std::int64_t>(slices.size());
  const Size3 size{first.columns, first.rows, count};
  if (count == 1) {
    const double thickness = first.slice_spacing_mm > 0 ? first.slice_spacing_mm : 1.0;
    return Grid(size, {first.column_spacing_mm, first.row_spacing_mm, thickness}, first.has_position ? first.position_mm : Vec3{},
                {{first.row_direction, first.column_direction, normal}});
  }
  const FrameInfo& last = *slices.back().front().frame;
  const double length = slices.back().front().along_mm - slices.front().front().along_mm;
  const double pixel = std::min(first.row_spacing_mm, first.column_spacing_mm);
  const Vec3 chord = last.position_mm - first.position_mm;
  const double drift = norm(chord - dot(chord, normal) * normal);
  Vec3 axis = normal;
  double stretch = 1;
  if (drift > 0.25 * pixel && drift > 1.7e-3 * length) {  // more than 0.1 degrees
    const double degrees = std::atan2(drift, length) * 180 / M_PI;
    if (degrees > 80) throw Error(ErrorCode::not_possible, "the slices are shifted sideways more than they follow each other");
    axis = normalized(chord);
    stretch = norm(chord) / length;
    warnings.push_back(
        fmt::format("tilted by {:.1f} degrees: the slice axis is not perpendicular to the slices; the grid is sheared alike", degrees));
  }
  double aside = 0;
  std::vector<double> positions, steps;
  for (const Slice& slice : slices) {
    const Vec3 offset = slice.front().frame->position_mm - first.position_mm;
    const double along = slice.front().along_mm - slices.front().front().along_mm;
    positions.push_back(along * stretch);
    aside = std::max(aside, norm(offset - (along * stretch) * axis));
    if (positions.size() > 1) steps.push_back(positions.back() - positions[positions.size() - 2]);
  }
  if (aside > 0.5 * pixel) {
    warnings.push_back(
        fmt::format("slices are shifted in their plane by up to {:.2f} mm against each other; this is not corrected", aside));
  }
  const double mean = positions.back() / static_cast<double>(count - 1);
  double deviation = 0;
  for (std::size_t k = 0; k < positions.size(); ++k)
    deviation = std::max(deviation, std::abs(positions[k] - mean * static_cast<double>(k)));
  Grid grid(size, {first.column_spacing_mm, first.row_spacing_mm, mean}, first.position_mm,
            {{first.row_direction, first.column_direction, axis}});
  if (deviation <= 0.02 * mean + 0.01) return grid;
  std::vector<double> sorted = steps;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
  const double usual = sorted[sorted.size() / 2];
  std::int64_t missing = 0;
  bool multiples = true;
  std::string places;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const double ratio = steps[k] / usual;
    const double whole = std::round(ratio);
    multiples = multiples && whole >= 1 && std::abs(ratio - whole) < 0.1 && whole < 1000;
    if (!multiples) break;
    if (whole > 1) {
      missing += static_cast<std::int64_t>(whole) - 1;
      if (places.size() < 60) places += fmt::format("{}{}", places.empty() ? "" : ", ", k + 1);
    }
  }
  if (multiples && missing > 0) {
    warnings.push_back(fmt::format("{} slice{} missing (after slice {}); nothing was filled in, the grid keeps the true positions", missing,
                                   missing == 1 ? " is" : "s are", places));
  } else {
    const auto [low, high] = std::minmax_element(steps.begin(), steps.end());
    warnings.push_back(fmt::format("slice distances vary between {:.2f} and {:.2f} mm; the grid keeps the true positions", *low, *high));
  }
  return grid.with_slice_positions(std::move(positions));
}

Instance instance_of(const Shot& shot) {
  Instance instance;
  const Object& object = *shot.object;
  instance.path = object.data->origin.path;
  instance.sop_class_uid = object.sop_class_uid;
  instance.sop_instance_uid = object.sop_instance_uid;
  instance.transfer_syntax_uid = object.data->transfer_syntax;
  instance.frame = shot.frame->frame;
  instance.position_mm = shot.frame->position_mm;
  instance.header = Header(object.data);
  instance.slope = shot.frame->slope;
  instance.intercept = shot.frame->intercept;
  instance.tile = shot.frame->tile;
  instance.tiles_per_row = shot.frame->tiles_per_row;
  return instance;
}

Series series_of(const Object& object) {
  Series series;
  series.study_uid = object.study_uid;
  series.series_uid = object.series_uid;
  series.frame_of_reference_uid = object.frame_of_reference_uid;
  series.modality = object.modality;
  series.description = object.description;
  series.number = static_cast<int>(std::clamp<std::int64_t>(object.series_number, -2147483647, 2147483647));
  series.header = Header(object.data);
  return series;
}

void add_warning(Series& series, const std::string& text) {
  if (std::find(series.warnings.begin(), series.warnings.end(), text) == series.warnings.end()) series.warnings.push_back(text);
}

/// One set of alike shots as a series.
Series assembled(std::vector<Shot> shots) {
  std::stable_sort(shots.begin(), shots.end(), earlier);
  const Object& front = *shots.front().object;
  Series series = series_of(front);
  for (const Shot& shot : shots) {
    for (const std::string& text : shot.object->warnings) add_warning(series, text);
    if (shot.object->derived_uid)
      add_warning(series, "a UID was missing: Study, Series or Instance UID was derived from the header's content");
  }
  if (!front.pixel_problem.empty()) series.reason = front.pixel_problem;
  if (front.sop.use == SopClass::Use::segmentation)
    series.reason = front.sop.kind + ": holds labels of other images, it is no image to analyse";
  std::vector<Slice> slices;
  const bool placed = shots.front().frame->has_position && front.sop.use == SopClass::Use::image;
  if (placed)
    slices = slices_of(shots);
  else
    slices.push_back(shots);
  try {
    series.frames = level_out(slices, series.warnings);
    if (series.frames == 0) series.reason = "no time point of the series is complete";
    series.is_volume = placed && slices.size() > 1;
    if (series.frames > 0) series.grid = grid_of(slices, series.warnings);
  } catch (const Error& error) {
    series.is_volume = false;
    if (series.reason.empty()) series.reason = error.message();
  }
  for (std::int64_t t = 0; t < series.frames; ++t) {
    for (const Slice& slice : slices) series.instances.push_back(instance_of(slice[static_cast<std::size_t>(t)]));
  }
  if (!series.instances.empty()) series.header = series.instances.front().header;
  return series;
}

/// So many image sets of one series are looked through for a further image: more is no real series but an attack on the time it takes.
constexpr std::size_t most_compared = 256;

/// The image sets of one DICOM series.
std::vector<Series> split_series(const std::vector<const Object*>& objects) {
  std::vector<Series> result;
  std::vector<std::vector<Shot>> groups;
  std::set<std::string> differences;
  for (const Object* object : objects) {
    if (object->sop.use == SopClass::Use::no_image || object->frames.empty()) {
      Series series = series_of(*object);
      series.reason = fmt::format("{}: holds no image", object->sop.kind);
      Shot shot;
      static const FrameInfo no_frame;
      shot.object = object;
      shot.frame = &no_frame;
      series.instances.push_back(instance_of(shot));
      result.push_back(std::move(series));
      continue;
    }
    for (const FrameInfo& frame : object->frames) {
      const Shot shot{object, &frame};
      std::string_view why;
      const auto last = groups.rbegin() + static_cast<std::ptrdiff_t>(std::min(groups.size(), most_compared));
      const auto home = std::find_if(groups.rbegin(), last, [&](const std::vector<Shot>& group) {
        why = difference(group.front(), shot);
        return why.empty();
      });
      if (home != last) {
        home->push_back(shot);
        continue;
      }
      if (!groups.empty()) differences.emplace(why);
      groups.push_back({shot});
    }
  }
  std::vector<Series> images;
  for (std::vector<Shot>& group : groups) images.push_back(assembled(std::move(group)));
  if (images.size() > 1) {
    std::string words;
    for (const std::string& word : differences) words += (words.empty() ? "" : ", ") + word;
    for (Series& series : images)
      add_warning(series, fmt::format("one of {} image sets of its series, which differ in {}", images.size(), words));
  }
  std::stable_sort(images.begin(), images.end(), [](const Series& a, const Series& b) { return a.instances.size() > b.instances.size(); });
  result.insert(result.begin(), std::make_move_iterator(images.begin()), std::make_move_iterator(images.end()));
  return result;
}

}  // namespace

std::vector<Study> assemble(const std::vector<Object>& objects) {
  std::map<std::string, std::map<std::string, std::vector<const Object*>>> sorted;
  for (const Object& object : objects) sorted[object.study_uid][object.series_uid].push_back(&object);
  std::vector<Study> studies;
  for (auto& [study_uid, series] : sorted) {
    Study study;
    study.study_uid = study_uid;
    for (auto& [series_uid, members] : series) {
      std::stable_sort(members.begin(), members.end(),
                       [](const Object* a, const Object* b) { return a->sop_instance_uid < b->sop_instance_uid; });
      for (Series& one : split_series(members)) study.series.push_back(std::move(one));
    }
    std::stable_sort(study.series.begin(), study.series.end(),
                     [](const Series& a, const Series& b) { return std::tie(a.number, a.series_uid) < std::tie(b.number, b.series_uid); });
    study.header = study.series.front().header;
    studies.push_back(std::move(study));
  }
  return studies;
}

}  // namespace gantry::dicom
