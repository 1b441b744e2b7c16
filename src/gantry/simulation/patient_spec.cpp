// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/patient_spec.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::simulation {

namespace {

[[noreturn]] void refuse(const std::string& key, const std::string& rule) {
  throw Error(ErrorCode::parameter, fmt::format("spec: {}: {}", key, rule));
}

double number(const Json& json, const std::string& key, double low, double high, std::string_view unit) {
  if (!json.is_number()) refuse(key, fmt::format("must be a number; got {}", json.type_name()));
  const double value = json.get<double>();
  if (!(value >= low && value <= high)) {
    refuse(key, fmt::format("must lie between {} and {}{}{}; got {}", shortest(low), shortest(high), unit.empty() ? "" : " ", unit,
                            shortest(value)));
  }
  return value;
}

void finite_number(const Json& json, const std::string& key) {
  if (json.is_null()) return;
  number(json, key, -1e9, 1e9, "");
}

std::string word(const Json& json, const std::string& key) {
  if (!json.is_string()) refuse(key, fmt::format("must be text; got {}", json.type_name()));
  return json.get<std::string>();
}

Vec3 point(const Json& json, const std::string& key) {
  if (!json.is_array() || json.size() != 3) refuse(key, "must hold three numbers in LPS mm");
  Vec3 p;
  for (int axis = 0; axis < 3; ++axis)
    p[axis] = number(json[static_cast<std::size_t>(axis)], fmt::format("{}[{}]", key, axis), -2000, 2000, "mm");
  return p;
}

void only_object(const Json& json, const std::string& key) {
  if (!json.is_object()) refuse(key, fmt::format("must be an object; got {}", json.type_name()));
}

[[noreturn]] void unknown(const std::string& key, const std::string& where, const std::vector<std::string>& known) {
  const std::string near = nearest_word(key, known);
  refuse(where.empty() ? key : where + "." + key,
         near.empty() ? fmt::format("unknown key; known are {}", join(known, ", ")) : fmt::format("unknown key; did you mean '{}'?", near));
}

void check_keys(const Json& json, const std::string& where, const std::vector<std::string>& known) {
  for (const auto& [key, value] : json.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) unknown(key, where, known);
  }
}

const std::vector<std::string> lesion_structures{"liver_lesion",           "kidney_lesion",        "brain_tumor",
                                                 "coronary_calcification", "aortic_calcification", "pet_lesion"};

NoduleSpec parse_nodule(const Json& json, const std::string& where) {
  only_object(json, where);
  check_keys(json, where, {"center_lps_mm", "diameter_mm", "type", "volume_ml", "lung", "mean_hu"});
  for (const char* key : {"center_lps_mm", "diameter_mm"}) {
    if (!json.contains(key)) refuse(where, fmt::format("needs {}", key));
  }
  NoduleSpec nodule;
  nodule.center_lps_mm = point(json["center_lps_mm"], where + ".center_lps_mm");
  nodule.diameter_mm = number(json["diameter_mm"], where + ".diameter_mm", 2, 60, "mm");
  if (json.contains("type")) {
    const std::string type = word(json["type"], where + ".type");
    if (type == "solid") {
      nodule.type = NoduleType::solid;
    } else if (type == "part_solid") {
      nodule.type = NoduleType::part_solid;
    } else if (type == "ground_glass") {
      nodule.type = NoduleType::ground_glass;
    } else {
      refuse(where + ".type", fmt::format("must be solid, part_solid or ground_glass; got '{}'", type));
    }
  }
  return nodule;
}

LesionSpec parse_lesion(const Json& json, const std::string& where) {
  only_object(json, where);
  check_keys(json, where,
             {"structure", "center_lps_mm", "diameter_mm", "value", "volume_ml", "volume130_ml", "site", "suv_max", "suv_peak",
              "suv_mean41", "mtv41_ml", "mtv25_ml", "recovery_max"});
  for (const char* key : {"structure", "center_lps_mm", "diameter_mm"}) {
    if (!json.contains(key)) refuse(where, fmt::format("needs {}", key));
  }
  LesionSpec lesion;
  lesion.structure = word(json["structure"], where + ".structure");
  if (std::find(lesion_structures.begin(), lesion_structures.end(), lesion.structure) == lesion_structures.end()) {
    refuse(where + ".structure", fmt::format("must be one of {}; got '{}'", join(lesion_structures, ", "), lesion.structure));
  }
  lesion.center_lps_mm = point(json["center_lps_mm"], where + ".center_lps_mm");
  lesion.diameter_mm = number(json["diameter_mm"], where + ".diameter_mm", 1, 120, "mm");
  if (json.contains("value") && !json["value"].is_null()) lesion.value = number(json["value"], where + ".value", -1024, 3000, "");
  if (lesion.structure == "pet_lesion" && lesion.value && !(*lesion.value >= 0.1 && *lesion.value <= 60)) {
    refuse(where + ".value", fmt::format("must lie between 0.1 and 60 (SUV); got {}", shortest(*lesion.value)));
  }
  for (const char* key : {"volume_ml", "volume130_ml", "suv_max", "suv_peak", "suv_mean41", "mtv41_ml", "mtv25_ml", "recovery_max"}) {
    if (json.contains(key) && !json[key].is_null()) finite_number(json[key], where + "." + key);
  }
  return lesion;
}

template <class T, class Parse>
std::vector<T> parse_list(const Json& json, const std::string& key, Parse parse) {
  if (!json.is_array()) refuse(key, fmt::format("must be a list; got {}", json.type_name()));
  if (json.size() > 60) refuse(key, fmt::format("at most 60; got {}", json.size()));
  std::vector<T> values;
  for (std::size_t n = 0; n < json.size(); ++n) values.push_back(parse(json[n], fmt::format("{}[{}]", key, n)));
  return values;
}

}  // namespace

std::string_view name_of(NoduleType type) {
  return type == NoduleType::solid ? "solid" : type == NoduleType::part_solid ? "part_solid" : "ground_glass";
}

PatientSpec parse_patient_spec(const Json& json) {
  PatientSpec spec;
  if (json.is_null()) return spec;
  only_object(json, "");
  check_keys(json, "",
             {"gantry_version", "seed", "modality", "size", "noise", "patient", "volumes_ml", "volumes_method", "incomplete",
              "laa950_percent", "laa950_method", "nodules", "nodule_count", "lesions", "suv", "image", "scan"});
  if (json.contains("patient")) {
    const Json& patient = json["patient"];
    only_object(patient, "patient");
    check_keys(patient, "patient",
               {"sex", "age_years", "height_cm", "weight_kg", "lung_volume_ml", "brain_volume_ml", "emphysema_percent"});
    if (patient.contains("sex")) {
      spec.sex = word(patient["sex"], "patient.sex");
      if (*spec.sex != "F" && *spec.sex != "M") refuse("patient.sex", fmt::format("must be F or M; got '{}'", *spec.sex));
    }
    if (patient.contains("height_cm")) spec.height_cm = number(patient["height_cm"], "patient.height_cm", 140, 210, "cm");
    if (patient.contains("weight_kg")) spec.weight_kg = number(patient["weight_kg"], "patient.weight_kg", 35, 180, "kg");
    if (patient.contains("lung_volume_ml"))
      spec.lung_volume_ml = number(patient["lung_volume_ml"], "patient.lung_volume_ml", 1800, 7500, "mL");
    if (patient.contains("brain_volume_ml"))
      spec.brain_volume_ml = number(patient["brain_volume_ml"], "patient.brain_volume_ml", 1000, 1700, "mL");
    if (patient.contains("emphysema_percent"))
      spec.laa950_percent = number(patient["emphysema_percent"], "patient.emphysema_percent", 0, 60, "%");
  }
  if (json.contains("volumes_ml")) {
    const Json& volumes = json["volumes_ml"];
    only_object(volumes, "volumes_ml");
    for (const auto& [key, value] : volumes.items()) number(value, "volumes_ml." + key, 0, 500000, "mL");
    if (!spec.lung_volume_ml && volumes.contains("lung_left") && volumes.contains("lung_right")) {
      spec.lung_volume_ml = number(volumes["lung_left"].get<double>() + volumes["lung_right"].get<double>(),
                                   "volumes_ml.lung_left + lung_right", 1800, 7500, "mL");
    }
    if (!spec.brain_volume_ml && volumes.contains("brain"))
      spec.brain_volume_ml = number(volumes["brain"], "volumes_ml.brain", 1000, 1700, "mL");
  }
  if (json.contains("laa950_percent")) {
    const double target = number(json["laa950_percent"], "laa950_percent", 0, 60, "%");
    if (!spec.laa950_percent) spec.laa950_percent = target;
  }
  if (json.contains("nodules")) spec.nodules = parse_list<NoduleSpec>(json["nodules"], "nodules", parse_nodule);
  if (json.contains("nodule_count")) spec.nodule_count = static_cast<int>(number(json["nodule_count"], "nodule_count", 0, 60, ""));
  if (json.contains("lesions")) spec.lesions = parse_list<LesionSpec>(json["lesions"], "lesions", parse_lesion);
  if (json.contains("scan")) {
    const Json& scan = json["scan"];
    only_object(scan, "scan");
    check_keys(scan, "scan", {"slice_mm", "below_lungs_mm"});
    if (scan.contains("slice_mm")) spec.slice_mm = number(scan["slice_mm"], "scan.slice_mm", 0.5, 10, "mm");
    if (scan.contains("below_lungs_mm")) spec.below_lungs_mm = number(scan["below_lungs_mm"], "scan.below_lungs_mm", 0, 150, "mm");
  }
  if (json.contains("suv")) {
    const Json& suv = json["suv"];
    only_object(suv, "suv");
    check_keys(suv, "suv",
               {"myocardium", "injected_dose_mbq", "uptake_minutes", "max", "liver_mean", "blood_mean", "manufacturer", "units", "decay",
                "method"});
    if (suv.contains("myocardium")) spec.myocardium_suv = number(suv["myocardium"], "suv.myocardium", 0.5, 20, "");
    if (suv.contains("injected_dose_mbq"))
      spec.injected_dose_mbq = number(suv["injected_dose_mbq"], "suv.injected_dose_mbq", 20, 1500, "MBq");
    if (suv.contains("uptake_minutes")) spec.uptake_minutes = number(suv["uptake_minutes"], "suv.uptake_minutes", 20, 240, "min");
  }
  return spec;
}

PatientBody drawn_body(const PatientSpec& spec, Random random) {
  PatientBody body;
  const bool female = random.next_uniform() < 0.5;
  body.female = spec.sex ? *spec.sex == "F" : female;
  const double tall = random.next_normal(), heavy = random.next_normal();
  const double height = std::clamp((body.female ? 163.0 : 176.0) + 6.5 * tall, 148.0, 196.0);
  body.height_cm = spec.height_cm.value_or(std::round(height));
  const double index = std::clamp(25.5 + 3.2 * heavy, 18.0, 36.0);
  body.weight_kg = spec.weight_kg.value_or(std::round(10 * index * body.height_cm * body.height_cm / 1e4) / 10);
  body.age_years = static_cast<int>(random.next_integer(42, 82));
  return body;
}

Json rounded(double value, int digits) {
  const double scale = std::pow(10.0, digits);
  return std::round(value * scale) / scale;
}

Json point_json(Vec3 p) { return Json::array({rounded(p.x, 2), rounded(p.y, 2), rounded(p.z, 2)}); }

}  // namespace gantry::simulation
