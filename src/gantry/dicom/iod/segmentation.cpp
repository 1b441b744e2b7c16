// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <bit>
#include <cstring>
#include <numeric>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/compute/parallel.h"
#include "gantry/dicom/iod/context.h"
#include "gantry/dicom/iod/draft.h"
#include "gantry/dicom/iod/write.h"
#include "gantry/image/structures.h"

namespace gantry::dicom {

namespace {

constexpr DerivedKind structures_kind{"segmentation", segmentation_class, "SEG", 1, "Gantry segmentation"};
constexpr DerivedKind lesions_kind{"lesion segmentation", segmentation_class, "SEG", 4, "Gantry lesion segmentation"};

/// One frame to write: where the segment numbered `segment` is not empty in plane `k`.
struct FrameKey {
  int segment = 0;
  std::int64_t k = 0;
  std::size_t row = 0;
};

/// A segment to be: its row, and which label values belong to it.
struct Part {
  const Label* label = nullptr;
  std::vector<char> holds;  ///< by label value
  bool holds_value(std::int64_t value) const {
    return value > 0 && value < static_cast<std::int64_t>(holds.size()) && holds[static_cast<std::size_t>(value)] != 0;
  }
};

std::vector<Part> parts_of(const Labels& labels, const SegmentIncludes& includes) {
  std::vector<Part> parts;
  for (const Label& row : labels.table()) {
    Part part{&row, {}};
    std::vector<int> values{row.value};
    if (const auto more = includes.find(row.value); more != includes.end())
      values.insert(values.end(), more->second.begin(), more->second.end());
    for (const int value : values) {
      if (!(value >= 0 && value <= 65535)) throw Error(ErrorCode::not_possible, fmt::format("label: must be at most 65535; got {}", value));
      if (static_cast<std::size_t>(value) >= part.holds.size()) part.holds.resize(static_cast<std::size_t>(value) + 1);
      part.holds[static_cast<std::size_t>(value)] = 1;
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

/// Whether one label value belongs to two segments.
bool overlapping(const std::vector<Part>& parts) {
  std::vector<int> owners(65536);
  for (const Part& part : parts) {
    for (std::size_t value = 1; value < part.holds.size(); ++value) owners[value] += part.holds[value];
  }
  return std::any_of(owners.begin(), owners.end(), [](int count) { return count > 1; });
}

/// sRGB as CIELab with the D50 white of the ICC profile connection space, each channel as 16 bit (PS3.3 C.10.7.1.1).
std::vector<double> cielab(Color color) {
  std::array<double, 3> linear{};
  for (std::size_t n = 0; n < 3; ++n) {
    const double c = color[n] / 255.0;
    linear[n] = c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  }
  // sRGB to XYZ, adapted to D50 (Bradford; IEC 61966-2-1 and ICC.1:2010 annex E), divided by the white point.
  const double x = (0.4360747 * linear[0] + 0.3850649 * linear[1] + 0.1430804 * linear[2]) / 0.96422;
  const double y = 0.2225045 * linear[0] + 0.7168786 * linear[1] + 0.0606169 * linear[2];
  const double z = (0.0139322 * linear[0] + 0.0971045 * linear[1] + 0.7141733 * linear[2]) / 0.82521;
  const auto f = [](double t) { return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116; };
  const double lightness = 116 * f(y) - 16, a = 500 * (f(x) - f(y)), b = 200 * (f(y) - f(z));
  const auto stored = [](double part) { return std::clamp(std::round(part * 65535), 0.0, 65535.0); };
  return {stored(lightness / 100), stored((a + 128) / 255), stored((b + 128) / 255)};
}

/// Category and type of a label: those of the table of structures, else the label's own code, else "tissue".
struct Property {
  Code category, type;
};

Property property_of(const Label& label) {
  const std::string_view family = std::string_view(label.id).substr(0, label.id.find('.'));
  Property property{{"SCT", "85756007", "Tissue"}, {"SCT", "85756007", "Tissue"}};
  for (const Structure& row : structures()) {
    if (row.id != family) continue;
    const std::string_view meaning = row.category == "49755003"    ? "Morphologically Abnormal Structure"
                                     : row.category == "85756007"  ? "Tissue"
                                     : row.category == "91720002"  ? "Body Substance"
                                     : row.category == "105590001" ? "Substance"
                                                                   : "Anatomical Structure";
    property = {{"SCT", std::string(row.category), std::string(meaning)}, code_of(row)};
  }
  if (!label.code.value.empty()) property.type = label.code;
  return property;
}

void add_segment(Draft& object, const Label& label, int number, const std::string& tracking_uid, const std::string& algorithm_type) {
  Draft& item = object.add_item("SegmentSequence");
  const Property property = property_of(label);
  item.set("SegmentNumber", number);
  item.set("SegmentLabel", single_value(label.name.empty() ? label.id : label.name));
  item.set("SegmentAlgorithmType", algorithm_type);
  item.set("SegmentAlgorithmName", single_value(label.method.empty() ? fmt::format("Gantry {}", version()) : label.method));
  item.set_code("SegmentedPropertyCategoryCodeSequence", property.category);
  item.set_code("SegmentedPropertyTypeCodeSequence", property.type);
  item.set("RecommendedDisplayCIELabValue", cielab(label.color));
  item.set("TrackingID", single_value(label.id));
  item.set("TrackingUID", tracking_uid);
}

/// For each plane of the grid the source frame that shows it; nullptr when none does (a slice that was missing and interpolated).
std::vector<const Instance*> plane_sources(const Series& source, const Grid& grid) {
  std::vector<const Instance*> sources(static_cast<std::size_t>(grid.size(2)));
  for (const Instance& instance : source.instances) {
    const Vec3 voxel = grid.voxel_from_world(instance.position_mm);
    const double k = std::round(voxel.z);
    if (!(k >= 0 && k < static_cast<double>(grid.size(2)) && std::abs(voxel.z - k) < 0.1)) continue;
    const Instance*& place = sources[static_cast<std::size_t>(k)];
    if (!place) place = &instance;
  }
  return sources;
}

/// Frames of all segments, in the order of segments, then planes.
template <class T>
std::vector<FrameKey> frames_with_content(const VoxelView<T>& values, const std::vector<Part>& parts, const Run& run) {
  const Grid& grid = values.grid();
  const std::int64_t plane = grid.size(0) * grid.size(1);
  std::size_t end_value = 1;
  for (const Part& part : parts) end_value = std::max(end_value, part.holds.size());
  std::vector<std::vector<char>> met(static_cast<std::size_t>(grid.size(2)));
  parallel_for(run, grid.size(2), 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      std::vector<char>& present = met[static_cast<std::size_t>(k)];
      present.resize(end_value);
      for (std::int64_t n = k * plane; n < (k + 1) * plane; ++n) {
        const auto value = static_cast<std::int64_t>(values[n]);
        if (value > 0 && value < static_cast<std::int64_t>(end_value)) present[static_cast<std::size_t>(value)] = 1;
      }
    }
  });
  std::vector<FrameKey> frames;
  int segment = 0;
  for (std::size_t row = 0; row < parts.size(); ++row) {
    const std::size_t before = frames.size();
    for (std::int64_t k = 0; k < grid.size(2); ++k) {
      const std::vector<char>& present = met[static_cast<std::size_t>(k)];
      const auto& holds = parts[row].holds;
      const bool any = std::inner_product(holds.begin(), holds.end(), present.begin(), false, std::logical_or<>(), std::logical_and<>());
      if (any) frames.push_back({segment + 1, k, row});
    }
    if (frames.size() > before) ++segment;
  }
  return frames;
}

/// 1, 2, ... for the planes that hold a frame, in order; 0 for the others.
std::vector<int> used_plane_numbers(const std::vector<FrameKey>& frames, std::int64_t planes) {
  std::vector<int> numbers(static_cast<std::size_t>(planes));
  for (const FrameKey& frame : frames) numbers[static_cast<std::size_t>(frame.k)] = 1;
  int next = 0;
  for (int& number : numbers) {
    if (number) number = ++next;
  }
  return numbers;
}

/// One bit a pixel, lowest bit first, frames one after another without padding between them (PS3.5 8.1.1).
template <class T>
Bytes packed_frames(const VoxelView<T>& values, const std::vector<FrameKey>& frames, const std::vector<Part>& parts, const Run& run) {
  const std::int64_t plane = values.grid().size(0) * values.grid().size(1);
  const std::int64_t frame_bytes = (plane + 7) / 8;
  const auto count = static_cast<std::int64_t>(frames.size());
  const std::int64_t total = (plane * count + 7) / 8;
  if (total >= std::int64_t{0xfffffffe})
    throw Error(ErrorCode::not_possible, fmt::format("segmentation: pixel data must stay below 4 GiB; needs {} bytes", total));
  const auto pack = [&](const FrameKey& frame, std::byte* out) {
    const T* pixels = values.data() + frame.k * plane;
    const Part& part = parts[frame.row];
    for (std::int64_t byte = 0; byte < frame_bytes; ++byte) {
      const std::int64_t first = byte * 8, bits = std::min<std::int64_t>(8, plane - first);
      unsigned packed = 0;
      for (std::int64_t bit = 0; bit < bits; ++bit)
        packed |= static_cast<unsigned>(part.holds_value(static_cast<std::int64_t>(pixels[first + bit]))) << bit;
      out[byte] = static_cast<std::byte>(packed);
    }
  };
  Bytes result(static_cast<std::size_t>(total));
  if (plane % 8 == 0) {
    parallel_for(run, count, 4, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) pack(frames[static_cast<std::size_t>(n)], result.data() + n * frame_bytes);
    });
    return result;
  }
  Bytes one(static_cast<std::size_t>(frame_bytes));
  for (std::int64_t n = 0; n < count; ++n) {
    pack(frames[static_cast<std::size_t>(n)], one.data());
    const std::int64_t at = n * plane / 8;
    const int shift = static_cast<int>(n * plane % 8);
    for (std::int64_t byte = 0; byte < frame_bytes; ++byte) {
      const auto spread = std::to_integer<unsigned>(one[static_cast<std::size_t>(byte)]) << shift;
      result[static_cast<std::size_t>(at + byte)] |= static_cast<std::byte>(spread & 0xff);
      if (spread >> 8) result[static_cast<std::size_t>(at + byte + 1)] |= static_cast<std::byte>(spread >> 8);
    }
  }
  return result;
}

/// Calls `body` with the label values as they lie in memory, or as 32 bit when they are neither u8 nor u16.
template <class Body>
auto with_values(const Image& image, Body&& body) {
  if (image.type() == PixelType::u8) return body(image.as<std::uint8_t>());
  if (image.type() == PixelType::u16) return body(image.as<std::uint16_t>());
  return body(image.as<std::int32_t>());
}

void set_dimensions(Draft& object, const std::string& organization_uid) {
  object.add_item("DimensionOrganizationSequence").set("DimensionOrganizationUID", organization_uid);
  const auto add = [&](const char* pointer, const char* group, const char* label) {
    Draft& item = object.add_item("DimensionIndexSequence");
    item.set("DimensionOrganizationUID", organization_uid);
    item.set("DimensionIndexPointer", pointer);
    item.set("FunctionalGroupPointer", group);
    item.set("DimensionDescriptionLabel", label);
  };
  add("ReferencedSegmentNumber", "SegmentIdentificationSequence", "ReferencedSegmentNumber");
  add("ImagePositionPatient", "PlanePositionSequence", "ImagePositionPatient");
}

void set_shared_groups(Draft& object, const Grid& grid) {
  const Mat3& direction = grid.direction();
  const Vec3 rows = direction.column[0], columns = direction.column[1];
  const double distance = grid.spacing_mm().z * std::abs(dot(cross(rows, columns), direction.column[2]));
  Draft& shared = object.add_item("SharedFunctionalGroupsSequence");
  Draft& measures = shared.add_item("PixelMeasuresSequence");
  measures.set("SliceThickness", distance);
  if (grid.slice_positions_mm().empty()) measures.set("SpacingBetweenSlices", distance);
  measures.set("PixelSpacing", std::vector<double>{grid.spacing_mm().y, grid.spacing_mm().x});
  shared.add_item("PlaneOrientationSequence")
      .set("ImageOrientationPatient", std::vector<double>{rows.x, rows.y, rows.z, columns.x, columns.y, columns.z});
}

/// A tile of a mosaic shows the plane, but not at the same pixels.
void set_source_image(Draft& group, const Instance& source, bool is_multi_frame) {
  Draft& derivation = group.add_item("DerivationImageSequence");
  derivation.set_code("DerivationCodeSequence", {"DCM", "113076", "Segmentation"});
  Draft& image = add_reference(derivation, "SourceImageSequence", source.sop_class_uid, source.sop_instance_uid);
  if (is_multi_frame) image.set("ReferencedFrameNumber", source.frame + 1);
  image.set("SpatialLocationsPreserved", source.tile < 0 ? "YES" : "NO");
  image.set_code("PurposeOfReferenceCodeSequence", {"DCM", "121322", "Source image for image processing operation"});
}

std::vector<std::string> words_of(const SegmentationVersion& edited) {
  return {edited.creator,   edited.date, edited.time, edited.predecessor, edited.algorithm_type, edited.series_description,
          edited.series_uid};
}

std::string content_of(const Labels& labels, const SegmentIncludes& includes, const SegmentationVersion& edited) {
  Sha256 hash;
  hash.add(labels.image().bytes());
  for (const Label& row : labels.table()) {
    hash.add(fmt::format("/{}/{}/{}/{}/{}/{}", row.value, row.id, row.name, row.code.value, fmt::join(row.color, ","), row.method));
  }
  for (const auto& [value, more] : includes) hash.add(fmt::format("/{}+{}", value, fmt::join(more, "+")));
  // What Gantry itself writes keeps its UIDs.
  if (const std::string own = fmt::format("/{}", fmt::join(words_of(edited), "/")); own != fmt::format("/{}", fmt::join(words_of({}), "/")))
    hash.add(own);
  return hash.finish_hex();
}

void set_version(Draft& object, const Series& source, const SegmentationVersion& edited) {
  object.set("ContentCreatorName", edited.creator);
  if (!edited.date.empty()) object.set("ContentDate", edited.date);
  if (!edited.time.empty()) object.set("ContentTime", edited.time);
  if (!edited.series_uid.empty()) object.set("SeriesInstanceUID", edited.series_uid);
  if (!edited.series_description.empty()) object.set("SeriesDescription", edited.series_description);
  if (edited.predecessor.empty()) return;
  Draft& study = object.add_item("PredecessorDocumentsSequence");
  study.set("StudyInstanceUID", source.study_uid);
  Draft& series = study.add_item("ReferencedSeriesSequence");
  series.set("SeriesInstanceUID", derived_series_uid(source, structures_kind.name));
  add_reference(series, "ReferencedSOPSequence", structures_kind.sop_class_uid, edited.predecessor);
}

}  // namespace

WrittenSegmentation write_segmentation(const Path& path, const Series& source, const Labels& labels, Run& run,
                                       const SegmentIncludes& includes, SegmentationSeries series, const SegmentationVersion& edited) {
  const DerivedKind& kind = series == SegmentationSeries::lesions ? lesions_kind : structures_kind;
  if (labels.image().empty() || labels.image().components() != 1 || labels.image().frames() != 1)
    throw Error(ErrorCode::parameter, "labels: must be one label image without time frames");
  const Grid& grid = labels.image().grid();
  if (grid.size() != source.grid.size())
    throw Error(ErrorCode::parameter,
                fmt::format("labels: must lie on the series' own grid of {} x {} x {} voxels; got {} x {} x {}", source.grid.size(0),
                            source.grid.size(1), source.grid.size(2), grid.size(0), grid.size(1), grid.size(2)));
  if (!(grid.size(0) <= 65535 && grid.size(1) <= 65535))
    throw Error(ErrorCode::not_possible, "labels: a DICOM image has at most 65535 rows and columns");
  const std::vector<Part> parts = parts_of(labels, includes);
  const std::vector<FrameKey> frames =
      with_values(labels.image(), [&](const auto& values) { return frames_with_content(values, parts, run); });
  if (frames.empty()) throw Error(ErrorCode::not_possible, "labels: a segmentation needs at least one voxel that is not background");

  WrittenSegmentation written{.sop_instance_uid = object_uid(source, "segmentation", content_of(labels, includes, edited)),
                              .series_instance_uid = edited.series_uid.empty() ? derived_series_uid(source, kind.name) : edited.series_uid};
  Draft object;
  set_derived_context(object, source, kind, written.sop_instance_uid, 1);
  object.set("FrameOfReferenceUID",
             source.frame_of_reference_uid.empty() ? object_uid(source, "frame of reference", "") : source.frame_of_reference_uid);
  object.set("PositionReferenceIndicator", "");

  object.set("ImageType", "DERIVED\\PRIMARY");
  object.set("ContentLabel", "SEGMENTATION");
  object.set("ContentDescription", "Structures outlined by Gantry; not a medical device");
  set_version(object, source, edited);
  object.set("SamplesPerPixel", 1);
  object.set("PhotometricInterpretation", "MONOCHROME2");
  object.set("PixelRepresentation", 0);
  object.set("BitsAllocated", 1);
  object.set("BitsStored", 1);
  object.set("HighBit", 0);
  object.set("Rows", grid.size(1));
  object.set("Columns", grid.size(0));
  object.set("NumberOfFrames", static_cast<std::int64_t>(frames.size()));
  object.set("SegmentationType", "BINARY");
  object.set("SegmentsOverlap", overlapping(parts) ? "YES" : "NO");
  const bool was_lossy = !source.header.empty() && source.header.text("LossyImageCompression").value_or("") == "01";
  object.set("LossyImageCompression", was_lossy ? "01" : "00");
  if (was_lossy) {
    object.set("LossyImageCompressionRatio", source.header.text("LossyImageCompressionRatio").value_or("1"));
    object.set("LossyImageCompressionMethod", source.header.text("LossyImageCompressionMethod").value_or("ISO_10918_1"));
  }

  int last_segment = 0;
  for (const FrameKey& frame : frames) {
    if (frame.segment == last_segment) continue;
    last_segment = frame.segment;
    const Label& label = *parts[frame.row].label;
    add_segment(object, label, frame.segment, object_uid(source, "segment", label.id), edited.algorithm_type);
    written.segment_number[label.value] = frame.segment;
  }

  const std::vector<const Instance*> instances = distinct_instances(source);
  const bool is_multi_frame =
      std::any_of(source.instances.begin(), source.instances.end(), [](const Instance& instance) { return instance.frame > 0; });
  Draft& references = object.add_item("ReferencedSeriesSequence");
  references.set("SeriesInstanceUID", source.series_uid);
  for (const Instance* instance : instances)
    add_reference(references, "ReferencedInstanceSequence", instance->sop_class_uid, instance->sop_instance_uid);

  set_dimensions(object, object_uid(source, "dimensions", written.sop_instance_uid));
  set_shared_groups(object, grid);
  const std::vector<const Instance*> sources = plane_sources(source, grid);
  const std::vector<int> position_index = used_plane_numbers(frames, grid.size(2));
  for (const FrameKey& frame : frames) {
    Draft& group = object.add_item("PerFrameFunctionalGroupsSequence");
    group.add_item("FrameContentSequence")
        .set("DimensionIndexValues", std::vector<double>{static_cast<double>(frame.segment),
                                                         static_cast<double>(position_index[static_cast<std::size_t>(frame.k)])});
    group.add_item("PlanePositionSequence").set("ImagePositionPatient", grid.world_from_voxel({0, 0, static_cast<double>(frame.k)}));
    group.add_item("SegmentIdentificationSequence").set("ReferencedSegmentNumber", frame.segment);
    if (const Instance* instance = sources[static_cast<std::size_t>(frame.k)]) set_source_image(group, *instance, is_multi_frame);
  }
  object.set_pixels(with_values(labels.image(), [&](const auto& values) { return packed_frames(values, frames, parts, run); }), 1);
  write_atomic(path, object.file());
  return written;
}

}  // namespace gantry::dicom
