// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/compute/parallel.h"
#include "gantry/dicom/iod/context.h"
#include "gantry/dicom/iod/draft.h"
#include "gantry/dicom/iod/frame.h"
#include "gantry/dicom/iod/write.h"

namespace gantry::dicom {

namespace {

struct ModalityClass {
  std::string_view modality, sop_class_uid;
};
constexpr ModalityClass modality_classes[] = {
    {"CT", "1.2.840.10008.5.1.4.1.1.2"},
    {"MR", "1.2.840.10008.5.1.4.1.1.4"},
    {"PT", "1.2.840.10008.5.1.4.1.1.128"},
    {"OT", "1.2.840.10008.5.1.4.1.1.7"},
};

std::string_view sop_class_of(std::string_view modality) {
  for (const ModalityClass& row : modality_classes) {
    if (row.modality == modality) return row.sop_class_uid;
  }
  throw Error(ErrorCode::parameter, fmt::format("modality: must be CT, MR, PT or OT; got '{}'", modality));
}

/// How stored values of one slice follow from modality units.
struct Scaling {
  double slope = 1, intercept = 0;
};

struct Extent {
  float low = std::numeric_limits<float>::infinity(), high = -std::numeric_limits<float>::infinity();
};

/// Lowest and highest finite value of each slice.
std::vector<Extent> slice_extents(const VoxelView<float>& voxels, std::int64_t slices, const Run& run) {
  const std::int64_t plane = voxels.grid().size(0) * voxels.grid().size(1);
  std::vector<Extent> extents(static_cast<std::size_t>(slices));
  parallel_for(run, slices, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      Extent extent;
      const float* values = voxels.data() + k * plane;
      for (std::int64_t n = 0; n < plane; ++n) {
        if (!std::isfinite(values[n])) continue;
        extent.low = std::min(extent.low, values[n]);
        extent.high = std::max(extent.high, values[n]);
      }
      extents[static_cast<std::size_t>(k)] = extent.low <= extent.high ? extent : Extent{0, 0};
    }
  });
  return extents;
}

/// Stored cells of one slice, rounded to nearest and saturated; anything that is no number is 0.
template <class Cell>
Bytes stored_cells(const float* values, std::int64_t count, Scaling scaling) {
  Bytes bytes(static_cast<std::size_t>(count) * sizeof(Cell));
  auto* cells = reinterpret_cast<Cell*>(bytes.data());
  const auto factor = static_cast<float>(1 / scaling.slope), intercept = static_cast<float>(scaling.intercept);
  constexpr auto low = static_cast<float>(std::numeric_limits<Cell>::min()), high = static_cast<float>(std::numeric_limits<Cell>::max());
  for (std::int64_t n = 0; n < count; ++n) {
    const float stored = (values[n] - intercept) * factor;
    const float kept = stored >= low ? (stored <= high ? stored : high) : (stored < low ? low : 0.0f);
    cells[n] = static_cast<Cell>(static_cast<std::int32_t>(kept + (kept < 0 ? -0.5f : 0.5f)));
  }
  return bytes;
}

/// Values below which 1 % and 99 % of the image's voxels lie (histogram of 4096 bins over the whole range).
Extent percentile_range(const VoxelView<float>& voxels, std::int64_t slices, Extent range, const Run& run) {
  constexpr int bins = 4096;
  if (!(range.high > range.low)) return range;
  const std::int64_t plane = voxels.grid().size(0) * voxels.grid().size(1);
  const float scale = (bins - 1) / (range.high - range.low);
  using Histogram = std::vector<std::int64_t>;
  const Histogram histogram = parallel_reduce(
      run, slices, 8, Histogram(bins),
      [&](std::int64_t begin, std::int64_t end) {
        Histogram part(bins);
        for (std::int64_t n = begin * plane; n < end * plane; ++n) {
          if (std::isfinite(voxels[n])) ++part[static_cast<std::size_t>((voxels[n] - range.low) * scale)];
        }
        return part;
      },
      [](Histogram& total, const Histogram& part) {
        for (std::size_t b = 0; b < total.size(); ++b) total[b] += part[b];
      });
  std::int64_t total = 0;
  for (const std::int64_t count : histogram) total += count;
  const auto value_at = [&](double fraction) {
    std::int64_t below = 0;
    for (int b = 0; b < bins; ++b) {
      below += histogram[static_cast<std::size_t>(b)];
      if (static_cast<double>(below) >= fraction * static_cast<double>(total)) return range.low + static_cast<float>(b) / scale;
    }
    return range.high;
  };
  return {value_at(0.01), value_at(0.99)};
}

void set_common_defaults(Draft& object, const ImageSeriesSpec& spec, const std::string& seed) {
  object.set("SpecificCharacterSet", "ISO_IR 192");
  // Secondary captures may come of any modality (PS3.3 C.7.3.1.1.1).
  if (spec.modality == "OT") {
    object.set_default("Modality", "OT");
  } else {
    object.set("Modality", spec.modality);
  }
  object.set_default("StudyInstanceUID", derived_uid(seed + "/study"));
  object.set_default("SeriesInstanceUID", derived_uid(seed + "/series"));
  object.set_default("FrameOfReferenceUID", derived_uid(seed + "/frame-of-reference"));
  for (const char* type_2 : {"PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
                             "ReferringPhysicianName", "StudyID", "AccessionNumber", "PositionReferenceIndicator", "AcquisitionNumber"}) {
    object.set_default(type_2, "");
  }
  object.set_default("SeriesNumber", "1");
  object.set_default("Manufacturer", "Gantry");
  object.set_default("ManufacturerModelName", "Gantry");
  object.set_default("SoftwareVersions", std::string(version()));
  object.set_default("PatientPosition", "HFS");
  set_laterality(object);
  for (const char* kind : {"Series", "Acquisition", "Content"}) {
    const std::string name = kind;
    object.set_default(name + "Date", object.text("StudyDate"));
    object.set_default(name + "Time", object.text("StudyTime"));
  }
}

void set_ct_defaults(Draft& object) {
  object.set_default("ImageType", "ORIGINAL\\PRIMARY\\AXIAL");
  object.set_default("KVP", "");
  object.set_default("RescaleType", "HU");
}

void set_mr_defaults(Draft& object) {
  object.set_default("ImageType", "ORIGINAL\\PRIMARY\\OTHER");
  object.set_default("ScanningSequence", "RM");
  object.set_default("SequenceVariant", "NONE");
  object.set_default("MRAcquisitionType", "3D");
  for (const char* type_2 : {"ScanOptions", "RepetitionTime", "EchoTime", "EchoTrainLength"}) object.set_default(type_2, "");
}

/// A volume of no modality is a set of secondary captures that also state their plane.
void set_capture_defaults(Draft& object) {
  object.set_default("ImageType", "DERIVED\\SECONDARY");
  object.set_default("ConversionType", "WSD");
  object.set_default("PatientOrientation", "");
  object.set_default("RescaleType", "US");
  object.remove("PatientPosition");
}

/// PET states the patient's position by codes; PatientPosition may not stand beside them (PS3.3 C.7.3.1 and C.8.4.6).
void set_orientation_codes(Draft& object) {
  if (!object.has("PatientOrientationCodeSequence")) {
    struct Term {
      std::string_view letters;
      Code code;
    };
    const Term modifiers[] = {{"S", {"SCT", "40199007", "supine"}},
                              {"P", {"SCT", "1240000", "prone"}},
                              {"DL", {"SCT", "102536004", "left lateral decubitus"}},
                              {"DR", {"SCT", "102535000", "right lateral decubitus"}}};
    const Term relations[] = {{"HF", {"SCT", "102540008", "headfirst"}}, {"FF", {"SCT", "102541007", "feet-first"}}};
    const std::string position = object.text("PatientPosition");
    const std::string head = position.substr(0, 2), rest = position.size() > 2 ? position.substr(2) : "";
    object.set_empty_sequence("PatientOrientationCodeSequence");
    object.set_empty_sequence("PatientGantryRelationshipCodeSequence");
    for (const Term& relation : relations) {
      for (const Term& modifier : modifiers) {
        if (relation.letters != head || modifier.letters != rest) continue;
        object.set_code("PatientOrientationCodeSequence", {"SCT", "102538003", "recumbent"});
        object.set_code("PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence", modifier.code);
        object.set_code("PatientGantryRelationshipCodeSequence", relation.code);
      }
    }
  }
  object.remove("PatientPosition");
}

void set_pet_defaults(Draft& object, std::int64_t slices) {
  object.set_default("ImageType", "ORIGINAL\\PRIMARY");
  object.set_default("Units", "BQML");
  object.set_default("CountsSource", "EMISSION");
  object.set_default("SeriesType", "STATIC\\IMAGE");
  object.set_default("NumberOfSlices", static_cast<double>(slices));
  object.set_default("CorrectedImage", "");
  object.set_default("DecayCorrection", "NONE");
  object.set_default("CollimatorType", "");
  // Required values: a series without times gets the first moment of 1970 rather than an invalid object.
  if (object.text("SeriesDate").empty()) object.set("SeriesDate", "19700101");
  if (object.text("SeriesTime").empty()) object.set("SeriesTime", "000000");
  object.set_default("FrameReferenceTime", "0");
  object.set_default("ActualFrameDuration", "");
  if (!object.has("RadiopharmaceuticalInformationSequence")) object.set_empty_sequence("RadiopharmaceuticalInformationSequence");
  set_orientation_codes(object);
  if (object.text("DecayCorrection") != "NONE") object.set_default("DecayFactor", "1");
}

void set_attributes(Draft& object, const std::vector<Attribute>& attributes) {
  for (const Attribute& attribute : attributes) object.set(attribute.keyword, attribute.value);
}

/// ImagePlane and what follows from the grid (PS3.3 C.7.6.2): all of it per slice but the position.
void set_plane(Draft& object, const Grid& grid) {
  const Mat3& direction = grid.direction();
  const Vec3 rows = direction.column[0], columns = direction.column[1];
  if (!(std::abs(dot(rows, columns)) < 1e-4))
    throw Error(ErrorCode::not_possible, "grid: a DICOM image needs rows and columns at right angles");
  object.set("ImageOrientationPatient", std::vector<double>{rows.x, rows.y, rows.z, columns.x, columns.y, columns.z});
  object.set("PixelSpacing", std::vector<double>{grid.spacing_mm().y, grid.spacing_mm().x});
  const double distance = grid.spacing_mm().z * std::abs(dot(cross(rows, columns), direction.column[2]));
  object.set_default("SliceThickness", distance);
  if (grid.size(2) > 1 && grid.slice_positions_mm().empty()) object.set_default("SpacingBetweenSlices", distance);
}

std::string content_seed(const ImageSeriesSpec& spec) {
  Sha256 hash;
  hash.add(spec.modality).add(spec.image.bytes());
  const Grid& grid = spec.image.grid();
  for (int corner = 0; corner < 4; ++corner) {
    const Vec3 at = grid.world_from_voxel({corner == 1 ? 1.0 : 0.0, corner == 2 ? 1.0 : 0.0, corner == 3 ? 1.0 : 0.0});
    hash.add(fmt::format("/{} {} {}", at.x, at.y, at.z));
  }
  for (const Attribute& attribute : spec.attributes) hash.add("/" + attribute.keyword + "=" + attribute.value);
  return hash.finish_hex();
}

}  // namespace

std::vector<Attribute> code_attributes(const std::string& path, const Code& code) {
  return {
      {path + "[0].CodeValue", code.value}, {path + "[0].CodingSchemeDesignator", code.scheme}, {path + "[0].CodeMeaning", code.meaning}};
}

void write_image_series(const Path& folder, const ImageSeriesSpec& spec, Run& run) {
  const std::string_view sop_class = sop_class_of(spec.modality);
  if (spec.image.empty() || spec.image.components() != 1)
    throw Error(ErrorCode::parameter, "image: must hold one value a voxel to become a CT, MR or PET series");
  if (!(std::isfinite(spec.slope) && spec.slope >= 0 && std::isfinite(spec.intercept)))
    throw Error(ErrorCode::parameter, fmt::format("slope: must be positive, or 0 to choose one; got {}", shortest(spec.slope)));
  const VoxelView<float> voxels = spec.image.as<float>();
  const Grid& grid = voxels.grid();
  const std::int64_t depth = grid.size(2), slices = depth * voxels.frames(), plane = grid.size(0) * grid.size(1);
  if (!(grid.size(0) <= 65535 && grid.size(1) <= 65535))
    throw Error(ErrorCode::not_possible, "image: a DICOM image has at most 65535 rows and columns");
  const bool is_pet = spec.modality == "PT";
  const std::string seed = spec.uid_seed.empty() ? content_seed(spec) : spec.uid_seed;

  // What all slices share; PixelRepresentation comes first because attributes such as PixelPaddingValue depend on it.
  const std::vector<Extent> extents = slice_extents(voxels, slices, run);
  Extent range;
  for (const Extent& extent : extents) range = {std::min(range.low, extent.low), std::max(range.high, extent.high)};
  const bool is_signed = is_pet || spec.intercept > range.low;
  const double cell_high = is_signed ? 32767 : 65535;
  const auto automatic_slope = [&](Extent extent) {
    const double reach =
        is_signed ? std::max(std::abs(extent.low - spec.intercept), std::abs(extent.high - spec.intercept)) : extent.high - spec.intercept;
    return reach > 0 ? *parse_double(decimal_string(reach / cell_high * 1.0000001)) : 1.0;
  };
  Scaling shared{spec.slope, is_pet ? 0.0 : spec.intercept};
  if (spec.slope == 0 && !is_pet) shared.slope = automatic_slope(range);

  Draft base;
  base.set("PixelRepresentation", is_signed ? 1 : 0);
  set_attributes(base, spec.attributes);
  set_common_defaults(base, spec, seed);
  base.set("SOPClassUID", sop_class);
  if (spec.modality == "CT") set_ct_defaults(base);
  if (spec.modality == "MR") set_mr_defaults(base);
  if (is_pet) set_pet_defaults(base, depth);
  if (spec.modality == "OT") set_capture_defaults(base);
  set_plane(base, grid);
  base.set("SamplesPerPixel", 1);
  base.set_default("PhotometricInterpretation", "MONOCHROME2");
  base.set("Rows", grid.size(1));
  base.set("Columns", grid.size(0));
  base.set("BitsAllocated", 16);
  base.set("BitsStored", 16);
  base.set("HighBit", 15);
  if (!is_pet && !base.has("WindowCenter")) {
    const Extent shown = spec.modality == "CT" ? Extent{-160, 240} : percentile_range(voxels, slices, range, run);
    base.set("WindowCenter", std::round((shown.low + shown.high) / 2.0));
    base.set_default("WindowWidth", std::max(1.0f, std::round(shown.high - shown.low)));
  }
  const bool with_rescale = spec.modality != "MR" || shared.slope != 1 || shared.intercept != 0;

  std::filesystem::create_directories(folder);
  const Vec3 normal = cross(grid.direction().column[0], grid.direction().column[1]);
  const int digits = std::max(4, static_cast<int>(std::to_string(slices).size()));
  const auto write_slice = [&](std::int64_t n) {
    const std::int64_t k = n % depth, frame = n / depth;
    Draft object = base;
    object.set("SOPInstanceUID", derived_uid(fmt::format("{}/instance/{}", seed, n)));
    object.set("InstanceNumber", n + 1);
    if (voxels.frames() > 1) {
      object.set("AcquisitionNumber", frame + 1);
      object.set("TemporalPositionIdentifier", frame + 1);
      object.set("NumberOfTemporalPositions", voxels.frames());
    }
    const Vec3 position = grid.world_from_voxel({0, 0, static_cast<double>(k)});
    object.set("ImagePositionPatient", position);
    object.set("SliceLocation", dot(normal, position));
    if (is_pet) object.set("ImageIndex", n + 1);
    if (spec.slice_attributes) set_attributes(object, spec.slice_attributes(k));
    Scaling scaling = shared;
    const auto own_slope = parse_double(object.text("RescaleSlope"));
    if (own_slope && *own_slope > 0) {
      scaling.slope = *own_slope;
      if (const auto own_intercept = parse_double(object.text("RescaleIntercept"))) scaling.intercept = *own_intercept;
    } else if (scaling.slope == 0) {
      scaling.slope = automatic_slope(extents[static_cast<std::size_t>(n)]);
    }
    if (with_rescale) {
      object.set("RescaleSlope", scaling.slope);
      object.set("RescaleIntercept", scaling.intercept);
    }
    const float* values = voxels.data() + n * plane;
    const codec::FrameFormat format{
        .rows = static_cast<int>(grid.size(1)), .columns = static_cast<int>(grid.size(0)), .is_signed = is_signed};
    set_frame(
        object,
        {format, is_signed ? stored_cells<std::int16_t>(values, plane, scaling) : stored_cells<std::uint16_t>(values, plane, scaling)},
        spec.transfer_syntax_uid);
    write_atomic(folder / fmt::format("{:0{}}.dcm", n + 1, digits), object.file(spec.transfer_syntax_uid));
  };
  parallel_for(run, slices, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) write_slice(n);
  });
}

}  // namespace gantry::dicom
