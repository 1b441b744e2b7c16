// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gantry/dicom/study.h"

namespace gantry::dicom {

/// How the lean body mass is estimated from weight, height and sex.
enum class LeanBodyMass {
  janmahasatian,  ///< Janmahasatian 2005: 9270 w / (6680 + 216 BMI) for men, 9270 w / (8780 + 244 BMI) for women
  james,          ///< James 1976: 1.10 w - 128 (w/h)^2 for men, 1.07 w - 148 (w/h)^2 for women
};

/// Lean body mass in kg. `male` false = female.
double lean_body_mass_kg(LeanBodyMass formula, double weight_kg, double height_m, bool male);
/// Ideal body weight in kg: 48.0 + 1.06 (h - 152) for men, 45.5 + 0.91 (h - 152) for women, h in cm.
double ideal_body_weight_kg(double height_m, bool male);
/// Body surface in m^2 (DuBois 1916).
double body_surface_m2(double weight_kg, double height_m);

/// Factors that turn the values of a PET series (as `load` gives them: stored x slope) into standardized uptake values.
struct Suv {
  std::string refusal;                       ///< why there is no SUV, with the attribute's name; empty = there is
  std::vector<double> body_weight;           ///< SUVbw in g/mL = value x this, one per instance of the series
  std::optional<double> lean_janmahasatian;  ///< SUVlbm = SUVbw x this
  std::optional<double> lean_james;          ///< SUVlbm = SUVbw x this
  std::optional<double> body_surface;        ///< SUVbsa in cm^2/mL = SUVbw x this
  std::string lean_refusal;                  ///< why SUVlbm and SUVbsa cannot be given although SUVbw can
  std::vector<std::string> warnings;         ///< what was converted or assumed
  std::string method;                        ///< one sentence: units, decay correction and reference time that were used
};

/// Reads the factors from the headers of all instances, by the rules of the vendors (IBSI SUV manual, QIBA FDG-PET profile): Units BQML,
/// CNTS, CPS, GML and CM2ML; decay correction START, ADMIN and NONE. Never throws for a header: `refusal` tells.
Suv suv_factors(const Series& series);

/// The series in SUVbw (f32). Throws Error(refused) with the refusal.
Image load_suv(const Series& series, const Suv& suv, Run& run);

}  // namespace gantry::dicom
