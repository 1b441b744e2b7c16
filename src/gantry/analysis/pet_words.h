// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/pet.h"

namespace gantry::analysis {

/// What `write_pet` speaks of.
struct PetMeasured {
  const SuvImage& suv;
  const LesionMap& map;
  LesionRules rules;
  std::size_t listed = 0;  ///< the first of the lesions that are listed one by one
};

/// Adds findings, quality, sentences, tables, pictures, methods and references of a measured PET. `result.labels` must be there.
void write_pet(SeriesResult& result, const PetMeasured& pet, const SeriesInput& input, const Run& run);

/// Adds findings without numbers and the statement that no SUV could be formed, with the reason.
void write_pet_refusal(SeriesResult& result, const std::string& reason, const SeriesInput& input);

}  // namespace gantry::analysis
