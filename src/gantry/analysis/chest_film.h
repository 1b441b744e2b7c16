// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/methods.h"

namespace gantry::analysis {

/// The method `chest_film`: what `other` says, and the classes of the profile's model (`models[0].bundle`, a folder of `models/`) with
/// calibrated probabilities and the picture of what spoke for them. Throws Error(not_possible) with the reason when the film is outside
/// the model's scope, the model is not there or the learning plug-in is missing: then nothing is said of the content.
SeriesResult analyze_chest_film(const SeriesInput& input, const Profile& profile, Run& run);

}  // namespace gantry::analysis
