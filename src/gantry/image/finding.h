// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <optional>
#include <string>

#include "gantry/image/code.h"
#include "gantry/image/geometry.h"

namespace gantry {

/// How much attention a finding asks for in a report.
enum class Attention { look_first, note, usual, none };

/// A coded, measured statement about a series: the common currency of analysis, reports, tables and structured reports.
struct Finding {
  std::string id;    ///< "lung_left.volume", "lung_nodule.1.diameter"
  std::string name;  ///< the same words in the language of the output
  Code code;
  std::optional<double> value;                    ///< none: it could not be measured; `reason` says why
  std::string unit;                               ///< UCUM; "1" when dimensionless
  std::optional<std::array<double, 2>> interval;  ///< 95 % unless `method` says otherwise
  std::optional<double> confidence;               ///< calibrated, in [0, 1]
  std::string segment;                            ///< id of the segment it belongs to, or empty
  std::string method;                             ///< how it was measured, with thresholds
  std::string model;                              ///< id of the model, or empty for measured methods
  std::string reason;                             ///< why `value` is missing or must not be compared; empty otherwise
  std::optional<Vec3> position_mm;                ///< where, in LPS mm
  Attention attention = Attention::none;
};

}  // namespace gantry
