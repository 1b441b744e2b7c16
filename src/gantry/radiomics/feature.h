// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::radiomics {

/// One number of a region, named as the image biomarker standardisation initiative (IBSI) does.
struct Feature {
  std::string_view tag;     ///< permanent code of IBSI, such as "RNU0"
  std::string_view name;    ///< "Volume (mesh)"
  std::string_view family;  ///< "morphology", "co-occurrence matrix", ...
  std::string aggregation;  ///< "2D, averaged", "3D", ...; empty where none applies
  std::string parameter;    ///< tells apart rows that share a code: "10%"
  double value = 0;         ///< NaN where the region does not define it
};
using Features = std::vector<Feature>;

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

/// Code and name of a feature, in the order of the values of its family.
struct FeatureName {
  std::string_view tag, name;
};

}  // namespace gantry::radiomics
