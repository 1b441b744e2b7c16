// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/suv.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::dicom {

namespace {

constexpr double day_s = 86400;

[[noreturn]] void refuse(std::string text) { throw Error(ErrorCode::refused, std::move(text)); }

/// Seconds since midnight of HHMMSS.FFFFFF (shorter forms too, and HH:MM:SS).
std::optional<double> clock_s(std::string text) {
  std::erase(text, ':');
  if (text.size() < 2) return std::nullopt;
  double seconds = 0;
  for (const auto& [at, factor] : {std::pair<std::size_t, double>{0, 3600}, {2, 60}, {4, 1}}) {
    if (text.size() <= at) break;
    const auto part = parse_double(at == 4 ? text.substr(4) : text.substr(at, 2));
    if (!part || *part < 0 || *part >= (at == 0 ? 24 : 61)) return std::nullopt;
    seconds += *part * factor;
  }
  return seconds;
}

/// Seconds of the day's beginning on one continuous scale.
std::optional<double> date_s(std::string text) {
  std::erase(text, '.');
  if (text.size() != 8) return std::nullopt;
  const auto number = parse_integer(text);
  if (!number || *number < 0) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(*number / 10000)),
                                        std::chrono::month(static_cast<unsigned>(*number / 100 % 100)),
                                        std::chrono::day(static_cast<unsigned>(*number % 100))};
  if (!day.ok()) return std::nullopt;
  return static_cast<double>(std::chrono::sys_days(day).time_since_epoch().count()) * day_s;
}

/// YYYYMMDDHHMMSS.FFFFFF; an offset from UTC is left out, as all times of a study are local.
std::optional<double> date_time_s(const std::optional<std::string>& text) {
  if (!text || text->size() < 10) return std::nullopt;
  const auto day = date_s(text->substr(0, 8));
  const auto time = clock_s(text->substr(8, text->find_first_of("+-&", 8) - 8));
  if (!day || !time) return std::nullopt;
  return *day + *time;
}

std::optional<double> joined(const Header& header, std::initializer_list<const char*> dates, const char* time) {
  const auto clock = header.text(time);
  if (!clock) return std::nullopt;
  const auto seconds = clock_s(*clock);
  if (!seconds) return std::nullopt;
  for (const char* date : dates) {
    const auto text = header.text(date);
    const auto day = text ? date_s(*text) : std::nullopt;
    if (day) return *day + *seconds;
  }
  return seconds;
}

std::optional<double> acquisition_s(const Header& header) {
  if (const auto time = joined(header, {"AcquisitionDate", "SeriesDate", "StudyDate"}, "AcquisitionTime")) return time;
  return date_time_s(header.text("AcquisitionDateTime"));
}
std::optional<double> series_s(const Header& header) { return joined(header, {"SeriesDate", "StudyDate"}, "SeriesTime"); }

double required(std::optional<double> value, const char* name) {
  if (!value) refuse(fmt::format("{} is missing", name));
  if (!(*value > 0)) refuse(fmt::format("{} must be positive; got {}", name, shortest(*value)));
  return *value;
}

enum class Vendor { ge, siemens, philips, other };

Vendor vendor_of(const Header& header) {
  const std::string name = lower(header.text("Manufacturer").value_or(""));
  if (name.starts_with("ge ") || name == "ge" || name.find("general electric") != std::string::npos) return Vendor::ge;
  if (name.find("siemens") != std::string::npos || name.starts_with("cps")) return Vendor::siemens;
  if (name.find("philips") != std::string::npos) return Vendor::philips;
  return Vendor::other;
}

/// Average time of the decays in a frame of `duration_s`, from its start.
double average_time_s(double duration_s, double half_life_s) {
  const double lambda = std::log(2.0) / half_life_s, x = lambda * duration_s;
  if (x < 1e-6) return duration_s / 2;
  return std::log(x / (1 - std::exp(-x))) / lambda;
}

class Factors {
 public:
  explicit Factors(const Series& series) : series_(series), header_(series.header) {}

  Suv compute() {
    Suv suv;
    try {
      if (series_.instances.empty()) refuse("the series holds no images");
      if (series_.modality != "PT")
        refuse(fmt::format("Modality must be PT; got {}", series_.modality.empty() ? "none" : series_.modality));
      for (const Instance& instance : series_.instances) {
        if (instance.intercept != 0) refuse(fmt::format("RescaleIntercept must be 0; got {}", shortest(instance.intercept)));
        suv.body_weight.push_back(factor_of(instance));
        if (!std::isfinite(suv.body_weight.back()) || !(suv.body_weight.back() > 0)) refuse("the factor is not finite");
      }
      suv.method = method_;
      check_corrections();
      body_factors(suv);
    } catch (const Error& error) {
      suv.refusal = error.message();
      suv.body_weight.clear();
    }
    suv.warnings = warnings_;
    return suv;
  }

 private:
  void warn(const std::string& text) {
    if (std::find(warnings_.begin(), warnings_.end(), text) == warnings_.end()) warnings_.push_back(text);
  }

  double weight_g() {
    const double weight = required(header_.number("PatientWeight"), "PatientWeight (0010,1030)");
    if (weight < 1000) return weight * 1000;
    warn("PatientWeight (0010,1030) is 1000 or more: taken as gram");
    return weight;
  }
  double height_m() {
    const double height = required(header_.number("PatientSize"), "PatientSize (0010,1020)");
    if (height <= 3) return height;
    warn("PatientSize (0010,1020) is larger than 3: taken as centimetres");
    return height / 100;
  }
  bool male() {
    const std::string sex = header_.text("PatientSex").value_or("");
    if (sex != "M" && sex != "F") refuse("PatientSex (0010,0040) must be M or F; got " + (sex.empty() ? "none" : sex));
    return sex == "M";
  }
  static std::string tracer(const char* keyword) { return fmt::format("RadiopharmaceuticalInformationSequence[0].{}", keyword); }

  double dose_bq() {
    const double dose = required(header_.number(tracer("RadionuclideTotalDose")), "RadionuclideTotalDose (0018,1074)");
    if (dose >= 1e4) return dose;
    warn("RadionuclideTotalDose (0018,1074) is below 10000: taken as MBq");
    return dose * 1e6;
  }
  double half_life_s() { return required(header_.number(tracer("RadionuclideHalfLife")), "RadionuclideHalfLife (0018,1075)"); }

  static double frame_duration_s(const Header& header) {
    return required(header.number("ActualFrameDuration"), "ActualFrameDuration (0018,1242)") / 1000;
  }
  static double frame_reference_s(const Header& header) {
    const auto value = header.number("FrameReferenceTime");
    if (!value) refuse("FrameReferenceTime (0054,1300) is missing");
    return *value / 1000;
  }

  /// The time to which the values of one image are decay corrected; nullopt = to the administration.
  std::optional<double> reference_s(const Header& header) {
    const std::string correction = header.text("DecayCorrection").value_or("");
    if (correction == "ADMIN") {
      method_ += "decay corrected to the administration";
      return std::nullopt;
    }
    if (correction.empty()) {
      if (const auto corrected = date_time_s(header.text("DecayCorrectionDateTime")); corrected && header.text("DecayCorrected") == "YES") {
        method_ += "decay corrected to DecayCorrectionDateTime";
        return corrected;
      }
      refuse("DecayCorrection (0054,1102) is missing");
    }
    const auto acquisition = acquisition_s(header);
    if (correction == "NONE") {
      if (!acquisition) refuse("AcquisitionTime (0008,0032) is missing");
      method_ += "not decay corrected, mean decay time of each frame";
      return *acquisition + average_time_s(frame_duration_s(header), half_life_s());
    }
    if (correction != "START") refuse(fmt::format("DecayCorrection (0054,1102) must be START, ADMIN or NONE; got {}", correction));
    const Vendor vendor = vendor_of(header);
    if (vendor == Vendor::ge || vendor == Vendor::siemens) {
      const auto stated = date_time_s(header.text(vendor == Vendor::ge ? "(0009,100D)" : "(0071,1022)"));
      if (stated) {
        method_ += vendor == Vendor::ge ? "decay corrected to the scan start of (0009,100D)" : "decay corrected to the time of (0071,1022)";
        return stated;
      }
    }
    if (!acquisition) refuse("AcquisitionTime (0008,0032) is missing");
    const auto start = series_s(header);
    if (!start) refuse("SeriesTime (0008,0031) is missing");
    method_ += "decay corrected to the start of the series";
    if (std::abs(*acquisition - *start) < 1e-3) return acquisition;
    if (vendor == Vendor::other) warn("the manufacturer is not known: times are taken as on Siemens and Philips scanners");
    if (vendor == Vendor::ge) return *acquisition - frame_reference_s(header);
    return *acquisition + average_time_s(frame_duration_s(header), half_life_s()) - frame_reference_s(header);
  }

  /// From the administration to `reference` in seconds.
  double elapsed_s(double reference) {
    if (const auto given = date_time_s(header_.text(tracer("RadiopharmaceuticalStartDateTime")))) {
      return checked(reference - *given);
    }
    const auto text = header_.text(tracer("RadiopharmaceuticalStartTime"));
    const auto clock = text ? clock_s(*text) : std::nullopt;
    if (!clock) refuse("RadiopharmaceuticalStartDateTime (0018,1078) and RadiopharmaceuticalStartTime (0018,1072) are missing");
    double elapsed = reference - std::floor(reference / day_s) * day_s - *clock;
    if (elapsed < -dynamic_s) {
      elapsed += day_s;
      warn("the administration is taken to be before midnight, the scan after it");
    }
    return checked(elapsed);
  }
  double checked(double elapsed) {
    if (elapsed > day_s) refuse(fmt::format("the scan must follow the administration within 24 h; got {:.1f} h", elapsed / 3600));
    if (elapsed < -dynamic_s) {
      refuse(
          fmt::format("the scan must not precede the administration, RadiopharmaceuticalStartDateTime (0018,1078); it does by {:.1f} min",
                      -elapsed / 60));
    }
    if (elapsed < 0) warn(fmt::format("the administration lies {:.0f} s behind the start of the scan: taken as a dynamic scan", -elapsed));
    return elapsed;
  }

  /// SUVbw of an activity concentration of 1 Bq/mL in this image.
  double from_concentration(const Header& header) {
    const double weight = weight_g(), dose = dose_bq(), half_life = half_life_s();
    const auto reference = reference_s(header);
    const double decay = reference ? std::exp2(-elapsed_s(*reference) / half_life) : 1.0;
    return weight / (dose * decay);
  }

  double voxel_ml() const { return series_.grid.voxel_volume_mm3() / 1000; }
  static bool corrected(const Header& header, std::string_view word) {
    for (const std::string& one : split(header.text("CorrectedImage").value_or(""), '\\')) {
      if (one == word) return true;
    }
    return false;
  }

  double factor_of(const Instance& instance) {
    const Header& header = instance.header;
    std::string units = header.text("Units").value_or("");
    if (units.empty()) units = header.text("RescaleType").value_or("");
    if (units.empty()) refuse("Units (0054,1001) is missing");
    method_ = "Units " + units + ", ";
    const std::string type = header.text("SUVType").value_or("");
    if (units == "BQML") return from_concentration(header);
    if (units == "CPS") {
      if (!corrected(header, "DCAL")) refuse("CorrectedImage (0028,0051) must hold DCAL for Units CPS");
      return from_concentration(header) / voxel_ml();
    }
    if (units == "CNTS") return from_counts(header);
    if (units == "GML") return from_mass(type);
    if (units == "CM2ML") {
      if (!type.empty() && type != "BSA") refuse(fmt::format("SUVType (0054,1006) must be BSA for Units CM2ML; got {}", type));
      method_ += "values are SUVbsa";
      const double weight = weight_g();
      return weight / (1e4 * body_surface_m2(weight / 1000, height_m()));
    }
    refuse(fmt::format("Units (0054,1001) must be BQML, CNTS, CPS, GML or CM2ML; got {}", units));
  }

  double from_counts(const Header& header) {
    const double concentration = header.number("(7053,1009)").value_or(0), uptake = header.number("(7053,1000)").value_or(0);
    if (concentration > 0) {
      method_ += "Philips activity scale factor (7053,1009), ";
      const double factor = concentration * from_concentration(header);
      if (uptake > 0 && std::abs(factor / uptake - 1) > 0.01) {
        warn(fmt::format("the Philips factors (7053,1009) and (7053,1000) differ by {:.1f} %; the former is used",
                         100 * (uptake / factor - 1)));
      }
      return factor;
    }
    if (uptake > 0) {
      method_ += "Philips SUV scale factor (7053,1000)";
      return uptake;
    }
    if (!corrected(header, "DCAL")) {
      refuse("Units CNTS need the Philips factors (7053,1009) or (7053,1000), or DCAL in CorrectedImage (0028,0051)");
    }
    return from_concentration(header) / (frame_duration_s(header) * voxel_ml());
  }

  double from_mass(const std::string& type) {
    if (type.empty() || type == "BW") {
      method_ += "values are SUVbw";
      return 1.0;
    }
    method_ += "values are SUV by " + type;
    if (type != "IBW" && !type.starts_with("LBM"))
      refuse(fmt::format("SUVType (0054,1006) must be BW, LBM or IBW for Units GML; got {}", type));
    const double weight = weight_g(), height = height_m();
    const bool man = male();
    if (type == "IBW") return weight / (1000 * ideal_body_weight_kg(height, man));
    const auto formula = type == "LBMJANMA" ? LeanBodyMass::janmahasatian : LeanBodyMass::james;
    if (type == "LBM") warn("SUVType (0054,1006) LBM does not say which formula: James is assumed");
    return weight / (1000 * lean_body_mass_kg(formula, weight / 1000, height, man));
  }

  void check_corrections() {
    if (!header_.text("CorrectedImage")) return;
    if (!corrected(header_, "ATTN")) warn("CorrectedImage (0028,0051) does not hold ATTN: not corrected for attenuation");
    const std::string decay = header_.text("DecayCorrection").value_or("");
    if ((decay == "START" || decay == "ADMIN") && !corrected(header_, "DECY")) {
      warn("CorrectedImage (0028,0051) does not hold DECY although DecayCorrection is " + decay);
    }
  }

  void body_factors(Suv& suv) {
    try {
      const double weight_kg = weight_g() / 1000, height = height_m();
      suv.body_surface = 1e4 * body_surface_m2(weight_kg, height) / (1000 * weight_kg);
      const bool man = male();
      suv.lean_janmahasatian = lean_body_mass_kg(LeanBodyMass::janmahasatian, weight_kg, height, man) / weight_kg;
      suv.lean_james = lean_body_mass_kg(LeanBodyMass::james, weight_kg, height, man) / weight_kg;
    } catch (const Error& error) {
      suv.lean_refusal = error.message();
    }
  }

  /// A scan may begin this long before the injection (dynamic studies).
  static constexpr double dynamic_s = 600;

  const Series& series_;
  const Header& header_;
  std::string method_;
  std::vector<std::string> warnings_;
};

}  // namespace

double lean_body_mass_kg(LeanBodyMass formula, double weight_kg, double height_m, bool male) {
  if (formula == LeanBodyMass::janmahasatian) {
    const double bmi = weight_kg / (height_m * height_m);
    return male ? 9270 * weight_kg / (6680 + 216 * bmi) : 9270 * weight_kg / (8780 + 244 * bmi);
  }
  const double ratio = weight_kg / (height_m * 100);
  return male ? 1.10 * weight_kg - 128 * ratio * ratio : 1.07 * weight_kg - 148 * ratio * ratio;
}

double ideal_body_weight_kg(double height_m, bool male) {
  const double above_cm = height_m * 100 - 152;
  return male ? 48.0 + 1.06 * above_cm : 45.5 + 0.91 * above_cm;
}

double body_surface_m2(double weight_kg, double height_m) {
  return 0.007184 * std::pow(weight_kg, 0.425) * std::pow(height_m * 100, 0.725);
}

Suv suv_factors(const Series& series) { return Factors(series).compute(); }

Image load_suv(const Series& series, const Suv& suv, Run& run) {
  if (!suv.refusal.empty()) throw Error(ErrorCode::refused, "SUV: " + suv.refusal);
  if (suv.body_weight.size() != series.instances.size()) throw Error(ErrorCode::internal, "SUV: one factor per instance is needed");
  const Image image = load(series, run);
  auto voxels = image.as<float>().clone();
  const std::int64_t slice = image.grid().size(0) * image.grid().size(1);
  for (std::size_t n = 0; n < suv.body_weight.size(); ++n) {
    const auto factor = static_cast<float>(suv.body_weight[n]);
    if (factor == 1.0F) continue;
    float* values = voxels.data() + static_cast<std::int64_t>(n) * slice;
    for (std::int64_t v = 0; v < slice; ++v) values[v] *= factor;
  }
  return Image(std::move(voxels));
}

}  // namespace gantry::dicom
