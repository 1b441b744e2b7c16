// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/dicom/iod/write.h"
#include "gantry/simulation/patient_scan.h"

namespace gantry::simulation {

namespace {

using dicom::Attribute;

constexpr double fluorine_half_life_s = 6586.2;

/// A DICOM time of day (TM) from seconds after midnight.
std::string time_of_day(double seconds) {
  const auto hundredths = static_cast<long long>(std::llround(seconds * 100));
  const long long whole = hundredths / 100;
  return fmt::format("{:02}{:02}{:02}.{:02}", whole / 3600, whole / 60 % 60, whole % 60, hundredths % 100);
}

std::vector<Attribute> common_attributes(const ScanRequest& request, std::string_view name) {
  const std::uint64_t seed = request.options.seed;
  const PatientBody& body = request.body;
  const std::string date = fmt::format("2025{:02}{:02}", 1 + seed % 12, 1 + seed / 12 % 28);
  return {{"PatientName", fmt::format("Digital^Patient {}", seed)},
          {"PatientID", fmt::format("GANTRY-{}", seed)},
          {"PatientBirthDate", fmt::format("{}0101", 2025 - body.age_years)},
          {"PatientSex", body.female ? "F" : "M"},
          {"PatientAge", fmt::format("{:03}Y", body.age_years)},
          {"PatientSize", shortest(body.height_cm / 100)},
          {"PatientWeight", shortest(body.weight_kg)},
          {"StudyDate", date},
          {"StudyTime", "101500"},
          {"StudyID", fmt::format("{}", seed % 100000)},
          {"StudyDescription", fmt::format("Digital patient {}", name)},
          {"InstitutionName", "Simulated, no real person"},
          {"PatientPosition", "HFS"}};
}

void add(std::vector<Attribute>& to, std::vector<Attribute> more) {
  for (Attribute& attribute : more) to.push_back(std::move(attribute));
}

void write_ct(const Path& folder, const ScanRequest& request, const DigitalPatient& patient, const std::string& uid_seed, Run& run) {
  const Grid& grid = patient.image.grid();
  dicom::ImageSeriesSpec spec{.modality = "CT", .image = patient.image, .slope = 1, .intercept = -1024, .uid_seed = uid_seed};
  spec.attributes = common_attributes(request, "chest CT");
  add(spec.attributes, {{"SeriesDescription", "Chest without contrast"},
                        {"ProtocolName", "Chest"},
                        {"BodyPartExamined", "CHEST"},
                        {"KVP", "120"},
                        {"XRayTubeCurrent", "180"},
                        {"ExposureTime", "500"},
                        {"Exposure", "90"},
                        {"ConvolutionKernel", "STANDARD"},
                        {"FilterType", "BODY"},
                        {"ScanOptions", "HELICAL"},
                        {"DataCollectionDiameter", "500"},
                        {"ReconstructionDiameter", shortest(std::round(10 * grid.spacing_mm().x * static_cast<double>(grid.size(0))) / 10)},
                        {"GantryDetectorTilt", "0"},
                        {"SliceThickness", shortest(grid.spacing_mm().z)}});
  dicom::write_image_series(folder, spec, run);
}

void write_mr(const Path& folder, const ScanRequest& request, const DigitalPatient& patient, const std::string& uid_seed, Run& run) {
  dicom::ImageSeriesSpec spec{.modality = "MR", .image = patient.image, .slope = 1, .intercept = 0, .uid_seed = uid_seed};
  spec.attributes = common_attributes(request, "head MR");
  add(spec.attributes, {{"SeriesDescription", "T1 MPRAGE"},
                        {"ProtocolName", "t1_mprage"},
                        {"BodyPartExamined", "HEAD"},
                        {"ImageType", "ORIGINAL\\PRIMARY\\M\\NORM"},
                        {"ScanningSequence", "GR\\IR"},
                        {"SequenceVariant", "SP\\MP"},
                        {"ScanOptions", "IR"},
                        {"MRAcquisitionType", "3D"},
                        {"SequenceName", "tfl3d1_16"},
                        {"RepetitionTime", "2300"},
                        {"EchoTime", "2.98"},
                        {"InversionTime", "900"},
                        {"FlipAngle", "9"},
                        {"EchoTrainLength", "1"},
                        {"NumberOfAverages", "1"},
                        {"MagneticFieldStrength", "3"},
                        {"ImagingFrequency", "123.2"},
                        {"ImagedNucleus", "1H"},
                        {"PixelBandwidth", "240"},
                        {"TransmitCoilName", "Body"},
                        {"ReceiveCoilName", "Head_32"}});
  dicom::write_image_series(folder, spec, run);
}

/// Times of a PET series in seconds after midnight; bed positions of 45 slices follow each other.
struct PetTimes {
  double administered, series, frame_s;
  std::int64_t slices;
  std::int64_t bed_of(std::int64_t k) const { return (slices - 1 - k) / 45; }
  double acquired(std::int64_t k) const { return series + static_cast<double>(bed_of(k)) * (frame_s + 4); }
  /// Time after the start of a frame at which the activity equals the frame's mean.
  double average_offset() const {
    const double lambda = std::log(2.0) / fluorine_half_life_s;
    return std::log(lambda * frame_s / (1 - std::exp(-lambda * frame_s))) / lambda;
  }
};

void write_pet(const Path& folder, const ScanRequest& request, const DigitalPatient& patient, const std::string& uid_seed, Run& run) {
  const PetStorage& storage = request.options.pet;
  const Json& suv = patient.truth.at("suv");
  const double dose_bq = suv.at("injected_dose_mbq").get<double>() * 1e6, weight_g = request.body.weight_kg * 1000;
  const Grid& grid = patient.image.grid();
  const double administered = 9 * 3600 + 120;
  const PetTimes times{administered, administered + 60 * suv.at("uptake_minutes").get<double>(), 150, grid.size(2)};
  const bool siemens = storage.manufacturer.find("SIEMENS") != std::string::npos, ge = storage.manufacturer.find("GE") == 0;
  const auto left = [&](double reference) { return std::exp2(-(reference - administered) / fluorine_half_life_s); };
  // Part of the dose that is left at the time that the values refer to.
  const auto decay = [&](std::int64_t k) {
    if (storage.decay == "ADMIN") return 1.0;
    return storage.decay == "START" ? left(times.series) : left(times.acquired(k) + times.average_offset());
  };
  constexpr double philips_activity = 0.7512;  // Bq/mL of one count

  auto values = Voxels<float>::uninitialized(grid);
  const VoxelView<float> source = patient.image.as<float>();
  const std::int64_t plane = grid.size(0) * grid.size(1);
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    double factor = 1;
    if (storage.units != "GML") factor = dose_bq / weight_g * decay(k);
    if (storage.units == "CNTS") factor /= philips_activity;
    for (std::int64_t n = k * plane; n < (k + 1) * plane; ++n) values[n] = static_cast<float>(source[n] * factor);
  }

  dicom::ImageSeriesSpec spec{.modality = "PT", .image = Image(std::move(values)), .slope = 0, .intercept = 0, .uid_seed = uid_seed};
  if (!siemens && !ge) {  // one slope for all slices
    float highest = 0;
    const auto voxels = spec.image.as<float>();
    for (const float v : voxels.values()) highest = std::max(highest, v);
    spec.slope = highest > 0 ? *parse_double(fmt::format("{:.8g}", highest / 32000)) : 1;
  }
  spec.attributes = common_attributes(request, "FDG PET");
  const std::string date = fmt::format("2025{:02}{:02}", 1 + request.options.seed % 12, 1 + request.options.seed / 12 % 28);
  const std::string radio = "RadiopharmaceuticalInformationSequence[0].";
  add(spec.attributes, {{"SeriesDescription", "FDG PET whole body, corrected"},
                        {"ProtocolName", "FDG whole body"},
                        {"Manufacturer", storage.manufacturer},
                        {"ManufacturerModelName", siemens ? "Biograph (simulated)"
                                                  : ge    ? "Discovery (simulated)"
                                                          : "Ingenuity (simulated)"},
                        {"SeriesDate", date},
                        {"SeriesTime", time_of_day(times.series)},
                        {"AcquisitionDate", date},
                        {"ContentDate", date},
                        {"Units", storage.units},
                        {"DecayCorrection", storage.decay},
                        {"CorrectedImage", storage.decay == "NONE" ? "NORM\\DTIM\\ATTN\\SCAT\\RAN" : "NORM\\DTIM\\ATTN\\SCAT\\RAN\\DECY"},
                        {"CountsSource", "EMISSION"},
                        {"SeriesType", "WHOLE BODY\\IMAGE"},
                        {"RandomsCorrectionMethod", "DLYD"},
                        {"ScatterCorrectionMethod", "Model-based"},
                        {"AttenuationCorrectionMethod", "measured"},
                        {"ReconstructionMethod", "OSEM3D 3i21s"},
                        {"CollimatorType", "NONE"},
                        {radio + "Radiopharmaceutical", "Fluorodeoxyglucose"},
                        {radio + "RadiopharmaceuticalStartTime", time_of_day(administered)},
                        {radio + "RadiopharmaceuticalStartDateTime", date + time_of_day(administered)},
                        {radio + "RadionuclideTotalDose", shortest(dose_bq)},
                        {radio + "RadionuclideHalfLife", shortest(fluorine_half_life_s)},
                        {radio + "RadionuclidePositronFraction", "0.967"}});
  add(spec.attributes, dicom::code_attributes(radio + "RadionuclideCodeSequence", {"SCT", "77004003", "^18^Fluorine"}));
  add(spec.attributes, dicom::code_attributes(radio + "RadiopharmaceuticalCodeSequence", {"SCT", "35321007", "Fluorodeoxyglucose F^18^"}));
  if (storage.units == "GML") spec.attributes.push_back({"SUVType", "BW"});
  if (siemens && storage.decay == "START") {
    add(spec.attributes, {{"(0071,0010)", "SIEMENS MED PT"}, {"(0071,1022)DT", date + time_of_day(times.series)}});
  }
  if (ge) add(spec.attributes, {{"(0009,0010)", "GEMS_PETD_01"}, {"(0009,100D)DT", date + time_of_day(times.series)}});
  if (!siemens && !ge) {
    spec.attributes.push_back({"(7053,0010)", "Philips PET Private Group"});
    if (storage.units == "CNTS") {
      // The direct SUV factor only exists while all slices refer to one time.
      if (storage.decay != "NONE") {
        spec.attributes.push_back({"(7053,1000)DS", fmt::format("{:.10g}", philips_activity * weight_g / (dose_bq * decay(0)))});
      }
      spec.attributes.push_back({"(7053,1009)DS", shortest(philips_activity)});
    }
  }
  spec.slice_attributes = [=](std::int64_t k) {
    const double acquired = times.acquired(k);
    // GE counts the reference time from the start of the series to that of the frame, the others to the frame's mean activity.
    const double reference = acquired - times.series + (ge ? 0.0 : times.average_offset());
    std::vector<Attribute> attributes{{"AcquisitionTime", time_of_day(acquired)},
                                      {"ContentTime", time_of_day(acquired)},
                                      {"ActualFrameDuration", fmt::format("{}", std::llround(1000 * times.frame_s))},
                                      {"FrameReferenceTime", shortest(std::round(1e6 * reference) / 1000)}};
    if (storage.decay == "START") {
      attributes.push_back({"DecayFactor", fmt::format("{:.8g}", left(times.series) / left(acquired + times.average_offset()))});
    } else if (storage.decay == "ADMIN") {
      attributes.push_back({"DecayFactor", fmt::format("{:.8g}", 1 / left(acquired + times.average_offset()))});
    }
    return attributes;
  };
  dicom::write_image_series(folder, spec, run);
}

}  // namespace

void write_patient_series(const Path& folder, const ScanRequest& request, const DigitalPatient& patient, Run& run) {
  const std::string uid_seed = fmt::format("digital-patient/{}/{}", version(), sha256_hex(patient.truth.dump()));
  switch (request.options.modality) {
    case PatientModality::ct:
      return write_ct(folder, request, patient, uid_seed, run);
    case PatientModality::mr:
      return write_mr(folder, request, patient, uid_seed, run);
    case PatientModality::pet:
      return write_pet(folder, request, patient, uid_seed, run);
  }
}

}  // namespace gantry::simulation
