// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/methods.h"
#include "gantry/analysis/pet_lesions.h"

namespace gantry::analysis {

/// A PET in standardised uptake values by body weight, and what is needed to state the others.
struct SuvImage {
  Image image;                                ///< f32, SUV by body weight; empty when refused
  std::string refusal;                        ///< why there are no SUV
  std::optional<double> lean_factor;          ///< SUVlbm = SUVbw x this (Janmahasatian)
  std::optional<double> body_surface_factor;  ///< SUVbsa = SUVbw x this
  std::string lean_refusal;                   ///< why there is no lean_factor
  std::string method;                         ///< how the values became SUV
  std::vector<std::string> warnings;
};

/// Converts a series by the attributes of its instances. Without any (NIfTI) the values are taken as SUV by body weight when they lie in a
/// range that uptake values can have (least value >= -1, greatest 0.1 to 500), with a warning; else they are refused.
SuvImage standardised_uptake(const SeriesInput& input, Run& run);

/// The method `pet`: regions of high uptake by fixed thresholds and by the share of each focus' own maximum; SUVmax, mean and peak, volume
/// and total glycolysis of each and together. Uptake is not told apart by origin. Without SUV the result holds the reason and no numbers.
/// Parameters of the profile: suv_threshold (2.5), suv_high_threshold (4.0), focus_share (0.41), minimum_volume_ml (0.3).
SeriesResult analyze_pet(const SeriesInput& input, const Profile& profile, Run& run);

}  // namespace gantry::analysis
