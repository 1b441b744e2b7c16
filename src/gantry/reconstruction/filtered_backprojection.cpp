// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/filtered_backprojection.h"

#include <numbers>

#include "gantry/operation/frames.h"
#include "gantry/reconstruction/backprojection.h"

namespace gantry {

void FilteredBackprojection::describe(Description<FilteredBackprojection>& d) {
  d.summary("Reconstructs slices from parallel or fan-beam projections by filtered back-projection.");
  d.input("projections",
          "Line integrals: axes are detector column, view, slice; the spacing of the first axis is a detector element's width");
  d.input("angles", "Angle of each view in degrees, instead of an even spread");
  d.group("scan", &FilteredBackprojection::scan);
  d.parameter("filter", &FilteredBackprojection::filter, "Window of the ramp filter; none smears the projections as they are");
  d.parameter("centre", &FilteredBackprojection::centre, "Detector column of the axis of rotation; default: the middle").range(0, 1e6);
  d.parameter("find_centre", &FilteredBackprojection::find_centre,
              "Find the axis by the centres of mass of parallel views of an object that lies wholly in view");
  d.parameter("size", &FilteredBackprojection::size, "Pixels of a slice's side; 0: as many as detector columns").range(0, 8192);
  d.parameter("pixel", &FilteredBackprojection::pixel, "Side of a pixel; 0: a detector element scaled to the axis")
      .unit("mm")
      .range(0, 1e3);
  d.parameter("unit", &FilteredBackprojection::unit, "attenuation in 1/mm, or hu");
  d.parameter("water", &FilteredBackprojection::water, "Attenuation of water, for hu").unit("1/mm").range(1e-6, 1e3);
  d.output("slices", "Reconstructed slices around the axis of rotation");
  d.example("gantry reconstruction fbp sinogram.nii slices.nii --filter hann --unit hu");
  d.reference("Kak AC, Slaney M. Principles of computerized tomographic imaging. IEEE Press 1988, chapter 3.");
}

Image FilteredBackprojection::operator()(const Image& projections, const Image* angles, Run& run) const {
  check_parameters(*this);
  require_single_component(projections);
  if (projections.frames() != 1) throw Error(ErrorCode::not_possible, "projections: must be of one time; the image has several");
  const Grid& grid = projections.grid();
  const std::int64_t columns = grid.size(0), views = grid.size(1);
  const VoxelView<float> values = projections.as<float>();
  if (!std::ranges::all_of(values.values(), [](float value) { return std::isfinite(value); }))
    throw Error(ErrorCode::parameter, "projections: must be finite");
  reconstruction::Beam geometry = reconstruction::beam_of(scan, columns, grid.spacing_mm().x, views, angles, centre);
  if (find_centre) {
    if (geometry.fan || centre) throw Error(ErrorCode::parameter, "find_centre: is for parallel beams, and instead of centre");
    geometry.centre = reconstruction::axis_column(projections, geometry);
  }
  const std::vector<double> shares = reconstruction::view_shares(geometry);
  if (geometry.fan) {
    double turned = 0;
    for (const double share : shares) turned += share;
    if (!(turned > 1.98 * std::numbers::pi))
      throw Error(ErrorCode::not_possible,
                  fmt::format("angles: a fan beam needs views all around; these cover {:.0f} degrees", turned * 180 / std::numbers::pi));
  }
  const Grid slices = reconstruction::slice_grid(size == 0 ? columns : size, pixel == 0 ? geometry.spacing_mm : pixel, grid);
  auto result = Voxels<float>::uninitialized(slices);
  const std::int64_t area = slices.size(0) * slices.size(1);
  std::vector<float> rows(static_cast<std::size_t>(columns * views));
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t n = 0; n < views; ++n) {
      for (std::int64_t c = 0; c < columns; ++c) {
        const double s = geometry.position_mm(static_cast<double>(c));
        const double weight = geometry.fan ? 0.5 * geometry.source_mm / std::hypot(geometry.source_mm, s) : 1;
        rows[static_cast<std::size_t>(n * columns + c)] = static_cast<float>(weight) * values[c + columns * (n + views * k)];
      }
    }
    reconstruction::filter_rows(rows, columns, geometry.spacing_mm, filter, run);
    const std::span<float> slice(result.data() + k * area, static_cast<std::size_t>(area));
    reconstruction::back_project(rows, geometry, shares, slices.size(0), slices.spacing_mm().x, slice, run);
    if (unit == AttenuationUnit::hu) {
      for (float& value : slice) value = static_cast<float>(1000 * (value / water - 1));
    }
    run.progress(static_cast<double>(k + 1) / static_cast<double>(grid.size(2)));
  }
  return result;
}

Cost FilteredBackprojection::cost(const Image& projections, const Image*) const {
  const auto side = static_cast<double>(size == 0 ? projections.grid().size(0) : size);
  const double slices = side * side * static_cast<double>(projections.grid().size(2));
  return {.bytes = static_cast<std::uint64_t>(4 * slices) + static_cast<std::uint64_t>(projections.count()) * 12,
          .seconds = slices * static_cast<double>(projections.grid().size(1)) * 1e-9};
}

}  // namespace gantry
