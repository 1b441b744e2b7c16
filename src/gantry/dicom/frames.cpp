// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/codec/codec.h"
#include "gantry/dicom/csa.h"

namespace gantry::dicom {

namespace {

constexpr std::int64_t max_frames = 100000;

double seconds_of(const DataSet& set) {
  const auto clock = [](const std::string& text) {  // HHMMSS.FFFFFF
    if (text.size() < 2) return 0.0;
    const auto two = [&](std::size_t at) { return at + 2 <= text.size() ? parse_double(text.substr(at, 2)).value_or(0) : 0.0; };
    const double fraction = text.size() > 6 ? parse_double("0" + text.substr(6)).value_or(0) : 0.0;
    return two(0) * 3600 + two(2) * 60 + two(4) + fraction;
  };
  if (const auto both = set.text(0x0008002AU); both && both->size() >= 8) {
    return parse_double(both->substr(0, 8)).value_or(0) * 86400 + clock(both->substr(8, both->find_first_of("+-&", 8) - 8));
  }
  const double date = parse_double(set.text(0x00080022U).value_or("")).value_or(0);
  return date * 86400 + clock(set.text(0x00080032U).value_or(""));
}

void take_position(const DataSet& set, FrameInfo& frame) {
  const auto position = set.numbers(0x00200032U);
  if (position.size() == 3) {
    frame.position_mm = {position[0], position[1], position[2]};
    frame.has_position = true;
  }
}

/// Unit, perpendicular in-plane directions out of Image Orientation (Patient); false when they are unusable.
bool take_orientation(const DataSet& set, FrameInfo& frame) {
  const auto v = set.numbers(0x00200037U);
  if (v.size() != 6) return false;
  const Vec3 row{v[0], v[1], v[2]}, column{v[3], v[4], v[5]};
  if (!(norm(row) > 0.9 && norm(row) < 1.1 && norm(column) > 0.9 && norm(column) < 1.1)) return false;
  const Vec3 unit = normalized(row);
  if (!(std::abs(dot(unit, normalized(column))) < 0.05)) return false;
  frame.row_direction = unit;
  frame.column_direction = normalized(column - dot(column, unit) * unit);
  return true;
}

void take_measures(const DataSet& set, FrameInfo& frame) {
  const auto spacing = set.numbers(0x00280030U);
  if (spacing.size() == 2 && spacing[0] > 0 && spacing[1] > 0) {
    frame.row_spacing_mm = spacing[0];
    frame.column_spacing_mm = spacing[1];
    frame.has_spacing = true;
  }
  if (const auto between = set.number(0x00180088U); between && std::abs(*between) > 0) {
    frame.slice_spacing_mm = std::abs(*between);
  } else if (const auto thickness = set.number(0x00180050U); thickness && *thickness > 0 && frame.slice_spacing_mm == 0) {
    frame.slice_spacing_mm = *thickness;
  }
}

void take_rescale(const DataSet& set, FrameInfo& frame) {
  if (const auto slope = set.number(0x00281053U); slope && *slope != 0) frame.slope = *slope;
  if (const auto intercept = set.number(0x00281052U)) frame.intercept = *intercept;
}

/// Philips MR: Rescale Slope and Intercept only serve display; (value / Rescale Slope) / Scale Slope (2005,100E) is comparable between
/// series (Chenevert 2014, the "precise" value).
void take_philips_scale(const DataSet& set, FrameInfo& frame) {
  const auto scale = set.number(0x2005100EU);
  if (!scale || !(*scale > 0)) return;
  frame.intercept /= frame.slope * *scale;
  frame.slope = 1.0 / *scale;
}

bool is_philips_mr(const DataSet& root, const std::string& modality) {
  return modality == "MR" && lower(root.text(0x00080070U).value_or("")).find("philips") != std::string::npos;
}

/// Spacing for images without Pixel Spacing: at the detector, of a scanned film, or of an ultrasound region.
void take_other_spacing(const DataSet& root, FrameInfo& frame, std::vector<std::string>& warnings) {
  if (frame.has_spacing) return;
  for (const Tag tag : {0x00181164U, 0x00182010U}) {
    const auto spacing = root.numbers(tag);
    if (spacing.size() == 2 && spacing[0] > 0 && spacing[1] > 0) {
      frame.row_spacing_mm = spacing[0];
      frame.column_spacing_mm = spacing[1];
      frame.has_spacing = true;
      warnings.push_back(tag == 0x00181164U ? "the pixel spacing is that at the detector: lengths in the patient are smaller"
                                            : "the pixel spacing is that of the scanned film");
      return;
    }
  }
  if (const auto region = root.item(0x00186011U)) {
    const auto x = region->number(0x0018602CU), y = region->number(0x0018602EU);
    if (x && y && region->integer(0x00186024U) == 3 && region->integer(0x00186026U) == 3 && *x != 0 && *y != 0) {
      frame.column_spacing_mm = std::abs(*x) * 10;
      frame.row_spacing_mm = std::abs(*y) * 10;
      frame.has_spacing = true;
      return;
    }
  }
  const auto ratio = root.numbers(0x00280034U);
  if (ratio.size() == 2 && ratio[0] > 0 && ratio[1] > 0) frame.row_spacing_mm = ratio[0] / ratio[1];
  warnings.emplace_back("the pixel size is not stated: 1 mm is assumed");
}

double b_value_of(const DataSet& root) {
  double b = -1;
  if (const auto value = root.number(0x00189087U))
    b = *value;
  else if (const auto siemens = root.number(0x0019100CU))
    b = *siemens;
  else if (const auto ge = root.number(0x00431039U))
    b = std::fmod(*ge, 1e9);
  if (b < 0 || !std::isfinite(b)) return -1;
  return b < 100 ? std::round(b / 5) * 5 : std::round(b / 25) * 25;
}

/// Values of the root data set that hold for all frames unless a functional group says otherwise.
FrameInfo base_frame(const DataSet& root, const std::string& modality) {
  FrameInfo frame;
  frame.rows = static_cast<int>(std::clamp<std::int64_t>(root.integer(0x00280010U).value_or(0), 0, 1 << 30));
  frame.columns = static_cast<int>(std::clamp<std::int64_t>(root.integer(0x00280011U).value_or(0), 0, 1 << 30));
  take_position(root, frame);
  frame.has_position = take_orientation(root, frame) && frame.has_position;
  take_measures(root, frame);
  take_rescale(root, frame);
  if (is_philips_mr(root, modality)) take_philips_scale(root, frame);
  frame.image_type = root.text(0x00080008U).value_or("");
  if (modality == "MR") {
    frame.echo_time_ms = root.number(0x00180081U).value_or(-1);
    frame.echo_number = root.integer(0x00180086U).value_or(0);
    frame.b_value = b_value_of(root);
  }
  frame.temporal_index = root.integer(0x00200100U).value_or(0);
  frame.acquisition_number = root.integer(0x00200012U).value_or(0);
  frame.instance_number = root.integer(0x00200013U).value_or(0);
  frame.time_s = seconds_of(root);
  return frame;
}

/// What one item of the shared or per-frame functional groups says.
void take_groups(const DataSet& groups, bool philips, FrameInfo& frame, bool& oriented) {
  if (const auto plane = groups.item(0x00209113U)) take_position(*plane, frame);
  if (const auto plane = groups.item(0x00209116U)) oriented = take_orientation(*plane, frame) || oriented;
  if (const auto measures = groups.item(0x00289110U)) take_measures(*measures, frame);
  if (const auto values = groups.item(0x00289145U)) take_rescale(*values, frame);
  if (philips) {
    if (const auto own = groups.item(0x2005140FU)) take_philips_scale(*own, frame);
  }
  for (const Tag type : {0x00189226U, 0x00189329U, 0x00189751U}) {
    if (const auto item = groups.item(type)) frame.image_type = item->text(0x00089007U).value_or(frame.image_type);
  }
  if (const auto echo = groups.item(0x00189114U)) frame.echo_time_ms = echo->number(0x00189082U).value_or(frame.echo_time_ms);
  if (const auto diffusion = groups.item(0x00189117U)) {
    if (const double b = b_value_of(*diffusion); b >= 0) frame.b_value = b;
  }
  if (const auto content = groups.item(0x00209111U)) {
    frame.stack = content->text(0x00209056U).value_or("");
    frame.temporal_index = content->integer(0x00209128U).value_or(frame.temporal_index);
    frame.acquisition_number = content->integer(0x00209156U).value_or(frame.acquisition_number);
  }
}

void describe_functional_groups(const DataSet& root, std::int64_t count, const FrameInfo& base, Object& object) {
  FrameInfo common = base;
  const bool philips = is_philips_mr(root, object.modality);
  bool oriented = common.has_position;
  common.has_position = false;
  if (const auto shared = root.item(0x52009229U)) take_groups(*shared, philips, common, oriented);
  const auto items = root.items(0x52009230U, static_cast<std::size_t>(count));
  for (std::int64_t n = 0; n < count; ++n) {
    FrameInfo frame = common;
    bool frame_oriented = oriented;
    if (static_cast<std::size_t>(n) < items.size()) take_groups(items[static_cast<std::size_t>(n)], philips, frame, frame_oriented);
    frame.has_position = frame.has_position && frame_oriented;
    frame.frame = static_cast<int>(n);
    object.frames.push_back(std::move(frame));
  }
  if (static_cast<std::int64_t>(items.size()) < count && !items.empty()) {
    object.warnings.push_back(fmt::format("only {} of {} frames are described", items.size(), count));
  }
}

/// RT dose: planes at Grid Frame Offset Vector along the normal (PS3.3 C.8.8.3.2).
void describe_dose(const DataSet& root, std::int64_t count, const FrameInfo& base, Object& object) {
  const auto offsets = root.numbers(0x3004000CU);
  const double scaling = root.number(0x3004000EU).value_or(1.0);
  const bool planes = base.has_position && offsets.size() == static_cast<std::size_t>(count);
  const Vec3 normal = cross(base.row_direction, base.column_direction);
  for (std::int64_t n = 0; n < count; ++n) {
    FrameInfo frame = base;
    frame.frame = static_cast<int>(n);
    frame.slope = scaling;
    frame.intercept = 0;
    if (planes) {
      const double offset = offsets[static_cast<std::size_t>(n)];
      if (offsets.front() == 0)
        frame.position_mm = base.position_mm + offset * normal;
      else
        frame.position_mm = base.position_mm + ((offset - base.position_mm.z) / (normal.z == 0 ? 1.0 : normal.z)) * normal;
    }
    frame.has_position = planes || count == 1;
    object.frames.push_back(frame);
  }
}

/// NM reconstructed slices: the first detector's position, Slice Vector and Time Slot Vector.
void describe_nuclear(const DataSet& root, std::int64_t count, const FrameInfo& base, Object& object) {
  FrameInfo common = base;
  const auto slices = root.numbers(0x00540080U);
  const bool reconstructed = base.image_type.find("RECON") != std::string::npos;
  if (const auto detector = root.item(0x00540022U)) {
    take_position(*detector, common);
    common.has_position = take_orientation(*detector, common) && common.has_position;
  }
  const bool volume =
      reconstructed && common.has_position && slices.size() == static_cast<std::size_t>(count) && common.slice_spacing_mm > 0;
  auto times = root.numbers(0x00540070U);
  if (times.size() != static_cast<std::size_t>(count)) times = root.numbers(0x00540100U);
  const double step = root.number(0x00180088U).value_or(common.slice_spacing_mm);
  const Vec3 normal = cross(common.row_direction, common.column_direction);
  for (std::int64_t n = 0; n < count; ++n) {
    FrameInfo frame = common;
    const auto at = static_cast<std::size_t>(n);
    frame.frame = static_cast<int>(n);
    frame.has_position = volume;
    if (volume) frame.position_mm = common.position_mm + (slices[at] - 1) * step * normal;
    if (times.size() == static_cast<std::size_t>(count)) frame.temporal_index = static_cast<std::int64_t>(times[at]);
    object.frames.push_back(frame);
  }
}

/// Siemens mosaic: one picture of n x n tiles, a tile a slice; CSA "NumberOfImagesInMosaic" and "SliceNormalVector" tell how.
bool describe_mosaic(const DataSet& root, FrameInfo& base, Object& object) {
  if (base.image_type.find("MOSAIC") == std::string::npos || !base.has_position) return false;
  std::int64_t count = root.integer(0x0019100AU).value_or(0);
  Vec3 normal = cross(base.row_direction, base.column_direction);
  if (const Element* element = root.find(0x00291010U)) {
    auto csa = read_csa(root.value(*element));
    if (const auto& n = csa["NumberOfImagesInMosaic"]; !n.empty()) count = parse_integer(n.front()).value_or(count);
    if (const auto& v = csa["SliceNormalVector"]; v.size() >= 3) {
      const Vec3 stated{parse_double(v[0]).value_or(0), parse_double(v[1]).value_or(0), parse_double(v[2]).value_or(0)};
      if (norm(stated) > 0.9 && dot(stated, normal) < 0) normal = -1.0 * normal;
    }
  }
  if (count < 2 || count > 10000) {
    object.warnings.emplace_back("a mosaic without the number of its tiles: shown as one picture");
    base.has_position = false;
    return false;
  }
  const auto side = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(count))));
  if (base.rows % side != 0 || base.columns % side != 0) {
    object.warnings.emplace_back("a mosaic whose size is no multiple of its tiles: shown as one picture");
    base.has_position = false;
    return false;
  }
  const int rows = base.rows / side, columns = base.columns / side;
  const double step = base.slice_spacing_mm > 0 ? base.slice_spacing_mm : 1.0;
  const Vec3 first = base.position_mm + (base.column_spacing_mm * (base.columns - columns) / 2.0) * base.row_direction +
                     (base.row_spacing_mm * (base.rows - rows) / 2.0) * base.column_direction;
  for (int n = 0; n < count; ++n) {
    FrameInfo frame = base;
    frame.tile = n;
    frame.tiles_per_row = side;
    frame.rows = rows;
    frame.columns = columns;
    frame.position_mm = first + (n * step) * normal;
    object.frames.push_back(frame);
  }
  return true;
}

/// Why the pixels cannot be had; empty when nothing speaks against it.
std::string problem_of_pixels(const Header::Data& data, const FrameInfo& base, int samples, std::int64_t count) {
  const PixelElement& pixel = data.pixel;
  if (pixel.tag == 0) return "holds no pixel data";
  if (base.rows <= 0 || base.columns <= 0) return "rows or columns are missing or zero";
  const std::int64_t bits = pixel.tag == 0x7FE00008U ? 32 : pixel.tag == 0x7FE00009U ? 64 : data.root.integer(0x00280100U).value_or(0);
  if (bits != 1 && bits != 8 && bits != 16 && bits != 32 && bits != 64) return fmt::format("{} bits allocated are not supported", bits);
  if (static_cast<double>(base.rows) * base.columns * samples * static_cast<double>(count) > 1e12)
    return "the stated image is absurdly large";
  if (pixel.encapsulated) {
    if (!codec::can_decode(data.transfer_syntax)) return fmt::format("transfer syntax {} cannot be decoded", data.transfer_syntax);
    return pixel.length < 8 ? "holds no pixel data" : "";
  }
  double expected = static_cast<double>(base.rows) * base.columns * samples * static_cast<double>(count) * static_cast<double>(bits) / 8;
  if (data.root.text(0x00280004U).value_or("") == "YBR_FULL_422") expected *= 2.0 / 3.0;
  if (pixel.present == 0) return "the pixel data are empty";
  if (static_cast<double>(pixel.present) < std::floor(expected)) {
    return fmt::format("the pixel data hold {} of {:.0f} bytes (truncated)", pixel.present, expected);
  }
  return {};
}

}  // namespace

Object describe_object(std::shared_ptr<const Header::Data> data) {
  Object object;
  const DataSet& root = data->root;
  const bool pixels = data->pixel.tag != 0;
  object.sop_class_uid = root.text(0x00080016U).value_or(data->meta.text(0x00020002U).value_or(""));
  object.sop_instance_uid = root.text(0x00080018U).value_or(data->meta.text(0x00020003U).value_or(""));
  object.sop = sop_class(object.sop_class_uid, pixels);
  object.study_uid = root.text(0x0020000DU).value_or("");
  object.series_uid = root.text(0x0020000EU).value_or("");
  object.frame_of_reference_uid = root.text(0x00200052U).value_or("");
  object.modality = root.text(0x00080060U).value_or("");
  object.description = root.text(0x0008103EU).value_or("");
  object.series_number = root.integer(0x00200011U).value_or(0);
  object.photometric = root.text(0x00280004U).value_or("MONOCHROME2");
  object.samples = static_cast<int>(std::clamp<std::int64_t>(root.integer(0x00280002U).value_or(1), 1, 64));
  const auto text = [&](Tag tag) { return root.text(tag).value_or(""); };
  if (object.study_uid.empty()) {
    object.derived_uid = true;
    object.study_uid = gantry::derived_uid("study|" + text(0x00100020U) + "|" + text(0x00080020U) + "|" + text(0x00080030U) + "|" +
                                           text(0x00200010U) + "|" + text(0x00080050U));
  }
  if (object.series_uid.empty()) {
    object.derived_uid = true;
    object.series_uid = gantry::derived_uid("series|" + object.study_uid + "|" + text(0x00200011U) + "|" + object.modality + "|" +
                                            object.description + "|" + object.frame_of_reference_uid);
  }
  if (object.sop_instance_uid.empty()) {
    object.derived_uid = true;
    object.sop_instance_uid = gantry::derived_uid("instance|" + object.series_uid + "|" + text(0x00200013U) + "|" + text(0x00200032U));
  }
  object.data = data;
  if (object.sop.use == SopClass::Use::no_image) return object;

  FrameInfo base = base_frame(root, object.modality);
  const std::int64_t count = root.integer(0x00280008U).value_or(1);
  if (count > max_frames) throw Error(ErrorCode::refused, fmt::format("number of frames: at most {}; states {}", max_frames, count));
  const std::int64_t frames = std::max<std::int64_t>(1, count);
  object.pixel_problem = problem_of_pixels(*data, base, object.samples, frames);
  if (root.find(0x52009229U) || root.find(0x52009230U)) {
    describe_functional_groups(root, frames, base, object);
  } else if (root.find(0x3004000EU) || root.find(0x3004000CU)) {
    describe_dose(root, frames, base, object);
  } else if (object.modality == "NM" && frames > 1) {
    describe_nuclear(root, frames, base, object);
  } else if (frames > 1 || !describe_mosaic(root, base, object)) {
    for (std::int64_t n = 0; n < frames; ++n) {
      object.frames.push_back(base);
      object.frames.back().frame = static_cast<int>(n);
      if (frames > 1) {
        object.frames.back().has_position = false;
        object.frames.back().temporal_index = n;
      }
    }
  }
  if (!object.frames.front().has_spacing) {
    FrameInfo measured = object.frames.front();
    take_other_spacing(root, measured, object.warnings);
    for (FrameInfo& frame : object.frames) {
      frame.row_spacing_mm = measured.row_spacing_mm;
      frame.column_spacing_mm = measured.column_spacing_mm;
      frame.has_spacing = measured.has_spacing;
    }
  }
  if (object.photometric == "MONOCHROME1") object.warnings.emplace_back("MONOCHROME1: low values are shown bright; values are as stored");
  return object;
}

}  // namespace gantry::dicom
