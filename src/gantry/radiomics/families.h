// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/run.h"
#include "gantry/radiomics/region.h"

namespace gantry::radiomics {

// Each function appends one family of features in the order of the reference manual of IBSI 1. What a region does not define (a spread of
// one voxel, a texture without neighbours) is NaN.

/// Over which neighbours textures look: within the slices of axis k (2-D and 2.5-D), across them, or both.
enum class Dimensions { all, slices, volume };
constexpr std::array<std::pair<Dimensions, std::string_view>, 3> choices_of(Dimensions) {
  return {{{Dimensions::all, "all"}, {Dimensions::slices, "slices"}, {Dimensions::volume, "volume"}}};
}
inline bool has_slices(Dimensions d) { return d != Dimensions::volume; }
inline bool has_volume(Dimensions d) { return d != Dimensions::slices; }

/// Volume, area and shape of the triangle mesh, its convex hull and its ellipsoids; Moran's I and Geary's C. Warns and leaves the last two
/// undefined where their Fourier transform would take more than 2 GB.
void add_morphology(const Region& region, Features& features, Run& run);
/// Highest mean intensity within 1 cm3. `margin_mm` of `prepare_region` must be at least `peak_radius_mm`.
void add_local_intensity(const Region& region, Features& features, const Run& run);
constexpr double peak_radius_mm = 6.2035049089940001667;  ///< of a sphere of 1 cm3

/// Mean, spread and percentiles of the intensities.
void add_intensity_statistics(const Region& region, Features& features);
/// The same of the grey levels, with entropy, mode and gradients of their histogram.
void add_intensity_histogram(const Levels& levels, Features& features);

/// Grey levels of an intensity-volume histogram and the intensities they stand for.
struct VolumeHistogram {
  std::vector<double> fraction;   ///< of the voxels that have at least the level
  std::vector<double> intensity;  ///< of the level
};
/// Levels as `discretisation` says; without bins and width whole numbers stand for themselves from `lowest` to `highest` (none: of the
/// region), other intensities take 1000 bins.
VolumeHistogram volume_histogram(const Region& region, const Discretisation& discretisation, std::optional<double> lowest,
                                 std::optional<double> highest);
void add_volume_histogram(const VolumeHistogram& histogram, Features& features);

/// Grey level co-occurrence within one voxel (Chebyshev), symmetric.
void add_cooccurrence(const Levels& levels, Dimensions dimensions, Features& features, const Run& run);
/// Run lengths, size zones, distance zones and neighbouring level dependence (alpha 0, distance 1).
void add_run_lengths(const Levels& levels, Dimensions dimensions, Features& features, const Run& run);
void add_size_zones(const Levels& levels, Dimensions dimensions, Features& features, const Run& run);
/// Distances are counted in steps through faces to the nearest voxel outside `morphological`, 1 for voxels at the border.
void add_distance_zones(const Levels& levels, const MaskView& morphological, Dimensions dimensions, Features& features, const Run& run);
void add_level_dependence(const Levels& levels, Dimensions dimensions, Features& features, const Run& run);
/// Neighbourhood grey tone difference within one voxel.
void add_tone_difference(const Levels& levels, Dimensions dimensions, Features& features, const Run& run);

}  // namespace gantry::radiomics
