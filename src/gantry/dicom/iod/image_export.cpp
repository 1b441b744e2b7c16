// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
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

struct NamedSyntax {
  std::string_view name, uid;
};
constexpr NamedSyntax named_syntaxes[] = {
    {"explicit", "1.2.840.10008.1.2.1"},     {"implicit", "1.2.840.10008.1.2"},           {"deflated", "1.2.840.10008.1.2.1.99"},
    {"rle", "1.2.840.10008.1.2.5"},          {"jpeg_lossless", "1.2.840.10008.1.2.4.70"}, {"jpeg_ls", "1.2.840.10008.1.2.4.80"},
    {"jpeg_2000", "1.2.840.10008.1.2.4.90"}, {"htj2k", "1.2.840.10008.1.2.4.201"},
};

/// What a scaling must hold.
struct Values {
  float low = std::numeric_limits<float>::infinity(), high = -std::numeric_limits<float>::infinity();
  bool whole = true;
};

Values values_of(const Image& image, const Run& run) {
  const VoxelView<float> voxels = image.as<float>();
  return parallel_reduce(
      run, voxels.count(), 1 << 16, Values{},
      [&](std::int64_t begin, std::int64_t end) {
        Values part;
        for (std::int64_t n = begin; n < end; ++n) {
          const float value = voxels[n];
          if (!std::isfinite(value)) continue;
          part.low = std::min(part.low, value);
          part.high = std::max(part.high, value);
          if (value != std::floor(value)) part.whole = false;
        }
        return part;
      },
      [](Values& total, const Values& part) {
        total.low = std::min(total.low, part.low);
        total.high = std::max(total.high, part.high);
        total.whole = total.whole && part.whole;
      });
}

/// What a new series keeps of the one that it was made from.
std::vector<Attribute> kept_attributes(const Series& source, std::string_view modality) {
  std::vector<Attribute> kept;
  const auto keep = [&](std::initializer_list<const char*> paths) {
    for (const char* path : paths) {
      if (std::string value = valid_text(source.header, path); !value.empty()) kept.push_back({path, std::move(value)});
    }
  };
  keep({"PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "PatientAge",
        "PatientSize",
        "PatientWeight",
        "PatientIdentityRemoved",
        "DeidentificationMethod",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "StudyDescription",
        "AccessionNumber",
        "ReferringPhysicianName",
        "SeriesDescription",
        "SeriesDate",
        "SeriesTime",
        "AcquisitionDate",
        "AcquisitionTime",
        "ContentDate",
        "ContentTime",
        "ProtocolName",
        "BodyPartExamined",
        "Manufacturer",
        "ManufacturerModelName"});
  kept.push_back({"StudyInstanceUID", source.study_uid});
  kept.push_back({"SeriesNumber", std::to_string(std::max(0, source.number))});
  if (modality == "RGB" || modality == "OT") keep({"Modality", "ViewPosition", "PatientOrientation"});
  if (modality == "RGB") return kept;
  if (!source.frame_of_reference_uid.empty()) kept.push_back({"FrameOfReferenceUID", source.frame_of_reference_uid});
  keep({"SliceThickness", "PatientPosition"});
  if (modality == "OT") return kept;
  kept.push_back({"ImageType", modality == "CT"   ? "DERIVED\\SECONDARY\\AXIAL"
                               : modality == "MR" ? "DERIVED\\SECONDARY\\OTHER"
                                                  : "DERIVED\\PRIMARY"});
  if (modality == "CT") {
    keep({"KVP", "XRayTubeCurrent", "ExposureTime", "ConvolutionKernel", "GantryDetectorTilt", "ContrastBolusAgent",
          "ReconstructionDiameter"});
  } else if (modality == "MR") {
    keep({"ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength",
          "InversionTime", "FlipAngle", "MagneticFieldStrength", "SequenceName"});
  } else {
    keep({"Units", "CountsSource", "SeriesType", "CorrectedImage", "DecayCorrection", "CollimatorType", "ReconstructionMethod",
          "FrameReferenceTime", "ActualFrameDuration", "DecayFactor", "RadiopharmaceuticalInformationSequence[0].Radiopharmaceutical",
          "RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartTime",
          "RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime",
          "RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose",
          "RadiopharmaceuticalInformationSequence[0].RadionuclideHalfLife",
          "RadiopharmaceuticalInformationSequence[0].RadionuclidePositronFraction",
          "RadiopharmaceuticalInformationSequence[0].RadionuclideCodeSequence[0].CodeValue",
          "RadiopharmaceuticalInformationSequence[0].RadionuclideCodeSequence[0].CodingSchemeDesignator",
          "RadiopharmaceuticalInformationSequence[0].RadionuclideCodeSequence[0].CodeMeaning"});
    // Philips' factors from counts to SUV and to Bq/mL.
    for (const char* tag : {"(7053,1000)", "(7053,1009)"}) {
      const auto factor = source.header.empty() ? std::nullopt : source.header.number(tag);
      if (!factor) continue;
      kept.push_back({"(7053,0010)", "Philips PET Private Group"});
      kept.push_back({std::string(tag) + "DS", decimal_string(*factor)});
    }
  }
  return kept;
}

/// Single-frame secondary captures of an RGB image, one a plane.
void write_captures(const Path& folder, const Image& image, const std::string& transfer_syntax_uid, const Series* source, const Run& run) {
  const VoxelView<std::uint8_t> pixels = image.as<std::uint8_t>();
  const Grid& grid = pixels.grid();
  if (!(grid.size(0) <= 65535 && grid.size(1) <= 65535))
    throw Error(ErrorCode::not_possible, "image: a DICOM image has at most 65535 rows and columns");
  const std::string seed =
      sha256_hex(image.bytes()) + fmt::format("/{}x{}/{}", grid.size(0), grid.size(1), source ? source->series_uid : "");
  Draft base;
  for (const char* type_2 : {"PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
                             "ReferringPhysicianName", "StudyID", "AccessionNumber", "PatientOrientation"}) {
    base.set(type_2, "");
  }
  base.set("SpecificCharacterSet", "ISO_IR 192");
  base.set("StudyInstanceUID", derived_uid(seed + "/study"));
  base.set("SeriesNumber", 1);
  base.set("Manufacturer", "Gantry");
  if (source) {
    for (const Attribute& attribute : kept_attributes(*source, "RGB")) base.set(attribute.keyword, attribute.value);
  }
  base.set("SeriesInstanceUID", derived_uid(seed + "/series"));
  base.set("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7");
  base.set_default("Modality", "OT");
  base.set("SoftwareVersions", version());
  base.set("ConversionType", "WSD");
  base.set("ImageType", "DERIVED\\SECONDARY");
  set_laterality(base);
  const std::int64_t slices = grid.size(2) * pixels.frames(), plane = grid.size(0) * grid.size(1) * 3;
  const int digits = std::max(4, static_cast<int>(std::to_string(slices).size()));
  parallel_for(run, slices, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      Draft object = base;
      object.set("SOPInstanceUID", derived_uid(fmt::format("{}/instance/{}", seed, n)));
      object.set("InstanceNumber", n + 1);
      const auto* first = reinterpret_cast<const std::byte*>(pixels.data() + n * plane);
      set_frame(object,
                {{.rows = static_cast<int>(grid.size(1)),
                  .columns = static_cast<int>(grid.size(0)),
                  .samples_per_pixel = 3,
                  .bits_allocated = 8,
                  .bits_stored = 8,
                  .high_bit = 7,
                  .photometric_interpretation = "RGB"},
                 Bytes(first, first + plane)},
                transfer_syntax_uid);
      write_atomic(folder / fmt::format("{:0{}}.dcm", n + 1, digits), object.file(transfer_syntax_uid));
    }
  });
}

}  // namespace

std::string transfer_syntax_of(std::string_view name) {
  const std::string word = to_snake(name);
  std::vector<std::string> names;
  for (const NamedSyntax& row : named_syntaxes) {
    if (row.name == word || row.uid == word) return std::string(row.uid);
    names.emplace_back(row.name);
  }
  if (codec::can_encode(word)) return word;
  throw Error(ErrorCode::parameter,
              fmt::format("transfer syntax: must be {} or a UID that can be written; got '{}'", join(names, ", "), name));
}

void write_image_as_dicom(const Path& folder, const Image& image, const std::string& modality, const std::string& transfer_syntax_uid,
                          Run& run, const Series* source) {
  if (image.empty() || is_complex(image.type())) throw Error(ErrorCode::parameter, "image: must hold real values to become DICOM");
  if (std::filesystem::exists(folder) && !(std::filesystem::is_directory(folder) && std::filesystem::is_empty(folder)))
    throw Error(ErrorCode::refused, fmt::format("{}: must be a new or empty folder", folder.filename().string()));
  const std::string syntax = transfer_syntax_of(transfer_syntax_uid);
  StagedFolder staged(folder);
  if (image.components() == 3 && image.type() == PixelType::u8) {
    write_captures(staged.path(), image, syntax, source, run);
    staged.commit();
    return;
  }
  ImageSeriesSpec spec{.modality = modality, .image = image, .transfer_syntax_uid = syntax};
  if (modality.empty()) {
    const std::string own = source ? source->modality : "";
    spec.modality = own == "CT" || own == "MR" || own == "PT" ? own : "OT";
  }
  if (source) {
    spec.attributes = kept_attributes(*source, spec.modality);
    if (!modality.empty()) spec.attributes.push_back({"Modality", modality});
    spec.uid_seed = fmt::format("{}/{}/{}", source->study_uid, source->series_uid, sha256_hex(image.bytes()));
  }
  const Values values = values_of(image, run);
  const bool fits = values.low >= 0 ? values.high <= 65535 : values.low >= -32768 && values.high <= 32767;
  const bool fits_pet = values.low >= -32768 && values.high <= 32767;
  if (!(values.whole && (spec.modality == "PT" ? fits_pet : fits)) && values.low <= values.high) {
    spec.slope = 0;
    if (spec.modality != "PT") spec.intercept = *parse_double(decimal_string(std::floor(values.low)));
    run.warn(fmt::format("values are stored with 16 bits, in steps of at most {}", decimal_string((values.high - values.low) / 32767)));
  }
  write_image_series(staged.path(), spec, run);
  staged.commit();
}

}  // namespace gantry::dicom
