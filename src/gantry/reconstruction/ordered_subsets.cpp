// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/ordered_subsets.h"

#include <numeric>

#include "gantry/operation/frames.h"
#include "gantry/reconstruction/projector.h"

namespace gantry {

namespace {

/// Every `subsets`-th view, the next subset beginning as far from the last as can be (Herman and Meyer 1993): 0, 4, 2, 6, 1, 5, 3, 7 of 8.
std::vector<std::vector<std::int64_t>> subsets_of(std::int64_t views, std::int64_t count) {
  std::vector<std::int64_t> first(static_cast<std::size_t>(count));
  std::iota(first.begin(), first.end(), std::int64_t{0});
  const auto place = [&](std::int64_t n) {  // the digits of n in base 2, mirrored at the point
    double mirrored = 0, digit = 0.5;
    for (; n > 0; n /= 2, digit /= 2) mirrored += digit * static_cast<double>(n % 2);
    return mirrored;
  };
  std::stable_sort(first.begin(), first.end(), [&](std::int64_t a, std::int64_t b) { return place(a) < place(b); });
  std::vector<std::vector<std::int64_t>> subsets;
  for (const std::int64_t begin : first) {
    subsets.emplace_back();
    for (std::int64_t view = begin; view < views; view += count) subsets.back().push_back(view);
  }
  return subsets;
}

}  // namespace

void OrderedSubsets::describe(Description<OrderedSubsets>& d) {
  d.summary("Reconstructs activity from counts by ordered-subset expectation maximisation, with attenuation.");
  d.input("projections", "Counts: axes are detector column, view, slice; the spacing of the first axis is a detector element's width");
  d.input("angles", "Angle of each view in degrees, instead of an even spread");
  d.input("attenuation", "Linear attenuation in 1/mm on the slices to reconstruct: square, around the axis of rotation");
  d.group("scan", &OrderedSubsets::scan);
  d.parameter("centre", &OrderedSubsets::centre, "Detector column of the axis of rotation; default: the middle").range(0, 1e6);
  d.parameter("size", &OrderedSubsets::size, "Pixels of a slice's side; 0: as many as detector columns, or those of the attenuation")
      .range(0, 4096);
  d.parameter("pixel", &OrderedSubsets::pixel, "Side of a pixel; 0: a detector element scaled to the axis, or that of the attenuation")
      .unit("mm")
      .range(0, 1e3);
  d.parameter("subsets", &OrderedSubsets::subsets, "Subsets of the views; 1 is MLEM").range(1, 1000);
  d.parameter("iterations", &OrderedSubsets::iterations, "How often all views are used").range(1, 1000);
  d.output("activity", "Activity per mm in the unit of the counts, around the axis of rotation");
  d.example("gantry reconstruction osem counts.nii activity.nii --subsets 8 --iterations 4");
  d.reference("Hudson HM, Larkin RS. Accelerated image reconstruction using ordered subsets of projection data. IEEE TMI 1994;13:601-609.");
}

Image OrderedSubsets::operator()(const Image& projections, const Image* angles, const Image* attenuation, Run& run) const {
  check_parameters(*this);
  require_single_component(projections);
  if (projections.frames() != 1) throw Error(ErrorCode::not_possible, "projections: must be of one time; the image has several");
  const Grid& grid = projections.grid();
  const std::int64_t columns = grid.size(0), views = grid.size(1), slices = grid.size(2);
  if (subsets > views) throw Error(ErrorCode::parameter, fmt::format("subsets: must be at most the {} views; got {}", views, subsets));
  const VoxelView<float> counts = projections.as<float>();
  for (std::int64_t n = 0; n < counts.count(); ++n) {
    if (!(counts[n] >= 0 && std::isfinite(counts[n])))
      throw Error(ErrorCode::parameter, fmt::format("projections: counts must be finite and not negative; one is {}", counts[n]));
  }
  const reconstruction::Beam beam = reconstruction::beam_of(scan, columns, grid.spacing_mm().x, views, angles, centre);
  std::int64_t side = size == 0 ? columns : size;
  double pixel_mm = pixel == 0 ? beam.spacing_mm : pixel;
  if (attenuation) {
    require_single_component(*attenuation);
    const Grid& map = attenuation->grid();
    if (map.size(0) != map.size(1) || map.size(2) != slices || map.spacing_mm().x != map.spacing_mm().y || attenuation->frames() != 1)
      throw Error(ErrorCode::parameter, fmt::format("attenuation: must be square with {} slices; got {} x {} x {}", slices, map.size(0),
                                                    map.size(1), map.size(2)));
    if ((size != 0 && size != map.size(0)) || (pixel != 0 && pixel != map.spacing_mm().x))
      throw Error(ErrorCode::parameter, "size, pixel: the attenuation gives the grid; leave them out");
    const VoxelView<float> lengths = attenuation->as<float>();
    for (std::int64_t n = 0; n < lengths.count(); ++n) {
      if (!(lengths[n] >= 0 && std::isfinite(lengths[n])))
        throw Error(ErrorCode::parameter, fmt::format("attenuation: must be finite and not negative; one value is {}", lengths[n]));
    }
    side = map.size(0);
    pixel_mm = map.spacing_mm().x;
  }
  const reconstruction::Projector projector(beam, side, pixel_mm);
  const auto parts = subsets_of(views, subsets);
  auto result = Voxels<float>::uninitialized(reconstruction::slice_grid(side, pixel_mm, grid));
  const std::int64_t area = side * side;
  std::vector<std::int64_t> every(static_cast<std::size_t>(views));
  std::iota(every.begin(), every.end(), std::int64_t{0});
  std::vector<float> survival(static_cast<std::size_t>(columns * views), 1.0F), rows, back(static_cast<std::size_t>(area));
  std::vector<std::vector<float>> sensitivity(parts.size());
  // What one subset's rows of a full set are, one after the other.
  const auto gather = [&](const std::vector<std::int64_t>& part, const float* full) {
    std::vector<float> picked(part.size() * static_cast<std::size_t>(columns));
    for (std::size_t n = 0; n < part.size(); ++n)
      std::copy_n(full + part[n] * columns, columns, picked.begin() + static_cast<std::ptrdiff_t>(n * static_cast<std::size_t>(columns)));
    return picked;
  };
  for (std::int64_t k = 0; k < slices; ++k) {
    if (attenuation) {
      const VoxelView<float> map = attenuation->as<float>();
      projector.forward({map.data() + k * area, static_cast<std::size_t>(area)}, every, survival, run);
      for (float& value : survival) value = std::exp(-value);
    }
    if (k == 0 || attenuation) {
      for (std::size_t s = 0; s < parts.size(); ++s) {
        sensitivity[s].assign(static_cast<std::size_t>(area), 0.0F);
        projector.adjoint(gather(parts[s], survival.data()), parts[s], sensitivity[s], run);
      }
    }
    const std::span<float> activity(result.data() + k * area, static_cast<std::size_t>(area));
    // Seen by no view: stays 0.
    for (std::size_t n = 0; n < activity.size(); ++n) {
      double seen = 0;
      for (const auto& part : sensitivity) seen += part[n];
      activity[n] = seen > 0 ? 1.0F : 0.0F;
    }
    for (int iteration = 0; iteration < iterations; ++iteration) {
      for (std::size_t s = 0; s < parts.size(); ++s) {
        rows.assign(parts[s].size() * static_cast<std::size_t>(columns), 0.0F);
        projector.forward(activity, parts[s], rows, run);
        const std::vector<float> measured = gather(parts[s], counts.data() + k * columns * views);
        const std::vector<float> passed = gather(parts[s], survival.data());
        for (std::size_t n = 0; n < rows.size(); ++n) {
          const float expected = rows[n] * passed[n];
          rows[n] = expected > 0 ? passed[n] * (measured[n] / expected) : 0.0F;
        }
        std::ranges::fill(back, 0.0F);
        projector.adjoint(rows, parts[s], back, run);
        for (std::size_t n = 0; n < activity.size(); ++n) {
          if (sensitivity[s][n] > 0) activity[n] *= back[n] / sensitivity[s][n];
        }
      }
      run.progress((static_cast<double>(k) + static_cast<double>(iteration + 1) / iterations) / static_cast<double>(slices));
    }
  }
  return result;
}

Cost OrderedSubsets::cost(const Image& projections, const Image*, const Image* attenuation) const {
  const double side = static_cast<double>(attenuation ? attenuation->grid().size(0) : size == 0 ? projections.grid().size(0) : size);
  const double slices = side * side * static_cast<double>(projections.grid().size(2));
  return {.bytes = static_cast<std::uint64_t>(4 * slices + 4 * side * side * (40.0 + subsets)) +
                   static_cast<std::uint64_t>(projections.count()) * 8,
          .seconds = slices * static_cast<double>(projections.grid().size(1)) * iterations * 6e-9};
}

}  // namespace gantry
