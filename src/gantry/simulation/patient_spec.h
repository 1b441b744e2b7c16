// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gantry/base/json.h"
#include "gantry/base/random.h"
#include "gantry/image/geometry.h"
#include "gantry/simulation/digital_patient.h"

namespace gantry::simulation {

/// Density classes of a lung nodule.
enum class NoduleType { solid, part_solid, ground_glass };
std::string_view name_of(NoduleType type);

/// A lung nodule as asked for.
struct NoduleSpec {
  Vec3 center_lps_mm;
  double diameter_mm = 0;
  NoduleType type = NoduleType::solid;
};

/// Another lesion as asked for.
struct LesionSpec {
  std::string structure;  ///< liver_lesion, kidney_lesion, brain_tumor, coronary_calcification, aortic_calcification, pet_lesion
  Vec3 center_lps_mm;
  double diameter_mm = 0;
  std::optional<double> value;  ///< HU or SUV put in
};

/// A specification after its checks; what is absent is drawn.
struct PatientSpec {
  std::optional<std::string> sex;  ///< "F" or "M"
  std::optional<double> height_cm, weight_kg;
  std::optional<double> lung_volume_ml, brain_volume_ml;
  std::optional<double> laa950_percent;
  std::optional<std::vector<NoduleSpec>> nodules;
  std::optional<int> nodule_count;  ///< CT: how many nodules are drawn when `nodules` is absent
  std::optional<std::vector<LesionSpec>> lesions;
  std::optional<double> slice_mm;        ///< CT: distance and thickness of the slices
  std::optional<double> below_lungs_mm;  ///< CT: how far the scan goes on below the lungs
  std::optional<double> myocardium_suv, injected_dose_mbq, uptake_minutes;
};

/// Reads the form of truth.json. Unknown keys, wrong types, NaN and values out of range throw Error(parameter) that names the key, as
/// "spec: nodules[2].diameter_mm: must lie between 2 and 60 mm; got -3". Results that a truth.json holds beside what can be asked for
/// (volumes of other structures, measured SUV, ...) are checked for their type and otherwise passed over.
PatientSpec parse_patient_spec(const Json& spec);

/// Sex, size and weight of the patient, drawn where the specification leaves them open.
struct PatientBody {
  bool female = false;
  double height_cm = 175, weight_kg = 78;
  int age_years = 60;
};
PatientBody drawn_body(const PatientSpec& spec, Random random);

/// {"center_lps_mm": [x, y, z], ...} helpers for truth.json; numbers rounded to `digits` after the point.
Json rounded(double value, int digits);
Json point_json(Vec3 point_mm);

}  // namespace gantry::simulation
