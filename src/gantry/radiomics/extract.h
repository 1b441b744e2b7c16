// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/radiomics/families.h"

namespace gantry {

/// Settings that others have published, under their names.
enum class RadiomicsPreset {
  none,
  ibsi_digital_phantom,
  ibsi_config_a,
  ibsi_config_b,
  ibsi_config_c,
  ibsi_config_d,
  ibsi_config_e,
  pyradiomics_default
};
constexpr std::array<std::pair<RadiomicsPreset, std::string_view>, 8> choices_of(RadiomicsPreset) {
  return {{{RadiomicsPreset::none, "none"},
           {RadiomicsPreset::ibsi_digital_phantom, "ibsi-digital-phantom"},
           {RadiomicsPreset::ibsi_config_a, "ibsi-config-a"},
           {RadiomicsPreset::ibsi_config_b, "ibsi-config-b"},
           {RadiomicsPreset::ibsi_config_c, "ibsi-config-c"},
           {RadiomicsPreset::ibsi_config_d, "ibsi-config-d"},
           {RadiomicsPreset::ibsi_config_e, "ibsi-config-e"},
           {RadiomicsPreset::pyradiomics_default, "pyradiomics-default"}}};
}

/// All features of IBSI 1 of the region that a mask marks in an image. A parameter that is not given is the preset's. Reference page:
/// radiomics.extract.
struct RadiomicsExtraction {
  RadiomicsPreset preset = RadiomicsPreset::none;
  std::optional<int> label;
  std::optional<Vec3> spacing;
  std::optional<Interpolation> interpolation;
  std::optional<bool> round;
  std::optional<double> lowest, highest, outliers;
  std::optional<double> bin_width;
  std::optional<int> bins;
  std::optional<double> ivh_bin_width;
  std::optional<int> ivh_bins;
  std::optional<radiomics::Dimensions> dimensions;

  struct Result {
    /// {"features": [{"tag", "name", "family", "aggregation", "parameter", "value"}], "region": {"voxels", "voxels_of_mask", "spacing_mm",
    /// "size", "grey_levels", "lowest", "highest"}}. A value is null where the region does not define it.
    Json features;
    Table table;   ///< the same rows
    Image levels;  ///< grey levels on the grid that was computed on, 0 outside
    Image figure;  ///< RGB: their histogram
  };
  /// Throws Error(not_possible) for a mask on another grid or without a voxel, values in it that are not finite, colour, several frames, a
  /// range that leaves no voxel, or more than 1024 grey levels.
  Result operator()(const Image& image, const Image& mask, Run& run) const;
  Cost cost(const Image& image, const Image& mask) const;
  static void describe(Description<RadiomicsExtraction>& d);
};

}  // namespace gantry
