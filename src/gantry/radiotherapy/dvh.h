// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/contours_port.h"
#include "gantry/operation/description.h"
#include "gantry/radiotherapy/dose_volume.h"

namespace gantry {

/// Dose-volume histograms of contoured regions. Reference page: radiotherapy.dvh.
struct DoseVolumeHistograms {
  std::string regions;
  double bin = 0.01;
  std::vector<double> dose_at{2, 50, 95, 98};
  std::vector<double> volume_at;
  double step = 0;
  EndCaps end_caps = EndCaps::half;

  struct Result {
    /// {"regions": {NAME: {"number", "kind", "volume_cm3", "outside_cm3", "minimum_gy", "mean_gy", "maximum_gy", "dose_at_gy":
    /// {"95": ...}, "volume_at_percent": {"20": ...}, "homogeneity_index", "step_mm"}}, "left_out": [{"name", "reason"}]}. A second region
    /// of the same name is called "NAME (NUMBER)".
    Json result;
    Table curves;  ///< region, dose_gy, volume_cm3, volume_percent: cumulative, one row a bin
    Image figure;  ///< RGB
  };
  /// Throws Error(parameter) for a name that is not among the regions, Error(not_possible) for a dose that is not finite, for
  /// several frames, or when no region has a volume.
  Result operator()(const Image& dose, const Contours& structures, Run& run) const;
  static void describe(Description<DoseVolumeHistograms>& d);
};

}  // namespace gantry
