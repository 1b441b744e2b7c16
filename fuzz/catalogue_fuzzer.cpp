// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/catalogue/catalogue.h"

#include "catalogue_trial.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gantry::fuzz::Draw draw({data, size});
  const auto& operations = gantry::catalogue().operations();
  gantry::fuzz::try_operation(*operations[draw.below(operations.size())], draw);
  return 0;
}
