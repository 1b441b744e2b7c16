// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/projection.h"

#include <numeric>

#include "gantry/base/random.h"
#include "gantry/compute/parallel.h"
#include "gantry/operation/frames.h"
#include "gantry/reconstruction/projector.h"

namespace gantry {

void ProjectionScan::describe(Description<ProjectionScan>& d) {
  d.summary("Takes parallel or fan-beam projections of a volume, with Poisson noise.");
  d.input("image", "Volume with square pixels in its slices: HU, or attenuation in 1/mm");
  d.group("scan", &ProjectionScan::scan);
  d.parameter("views", &ProjectionScan::views, "Number of views").range(1, 20000);
  d.parameter("columns", &ProjectionScan::columns, "Detector columns; 0: as many as see the whole slice").range(0, 20000);
  d.parameter("element", &ProjectionScan::element, "Width of a detector element; 0: a pixel, scaled to the detector")
      .unit("mm")
      .range(0, 1e3);
  d.parameter("unit", &ProjectionScan::unit, "What the image holds: hu, or attenuation in 1/mm");
  d.parameter("water", &ProjectionScan::water, "Attenuation of water, for hu").unit("1/mm").range(1e-6, 1e3);
  d.parameter("photons", &ProjectionScan::photons, "Photons of a ray without attenuation; 0: no noise").range(0, 1e12);
  d.output("projections", "Line integrals: detector column, view, slice");
  d.example("gantry simulation project ct.nii sinogram.nii --views 720 --photons 1e5");
  d.reference("Joseph PM. An improved algorithm for reprojecting rays through pixel images. IEEE TMI 1982;1:192-196.");
}

Image ProjectionScan::operator()(const Image& image, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  const Grid& grid = image.grid();
  const double pixel_mm = grid.spacing_mm().x;
  if (image.frames() != 1 || !(std::abs(pixel_mm - grid.spacing_mm().y) <= 1e-6 * pixel_mm))
    throw Error(ErrorCode::not_possible, fmt::format("image: must hold square pixels of one time; got {} x {} mm, {} times", pixel_mm,
                                                     grid.spacing_mm().y, image.frames()));
  // The slice lies in the middle of a square of nothing.
  const std::int64_t size = std::max(grid.size(0), grid.size(1)), left = (size - grid.size(0)) / 2, above = (size - grid.size(1)) / 2;
  const double magnification =
      scan.shape == reconstruction::BeamShape::fan ? (scan.source_distance + scan.detector_distance) / scan.source_distance : 1;
  const double width_mm = element == 0 ? pixel_mm * magnification : element;
  std::int64_t count = columns;
  if (count == 0) {
    double reach = 0.5 * std::sqrt(2.0) * static_cast<double>(size) * pixel_mm;
    if (scan.shape == reconstruction::BeamShape::fan) {
      if (!(reach < 0.95 * scan.source_distance))
        throw Error(ErrorCode::parameter,
                    fmt::format("source_distance: must leave the slice, which reaches {:.1f} mm, outside the source; got {} mm", reach,
                                scan.source_distance));
      reach /= std::sqrt(1 - reach * reach / (scan.source_distance * scan.source_distance));
    }
    const double needed = std::ceil(2 * reach * magnification / width_mm) + 1;
    if (!(needed <= 20000))
      throw Error(ErrorCode::parameter, fmt::format("element: would need {} detector columns, at most 20000 are made", needed));
    count = static_cast<std::int64_t>(needed);
  }
  const reconstruction::Projector projector(reconstruction::beam_of(scan, count, width_mm, views, nullptr, std::nullopt), size, pixel_mm);
  auto result =
      Voxels<float>::uninitialized(Grid({count, views, grid.size(2)}, {width_mm, 1, grid.spacing_mm().z}, {0, 0, grid.origin_mm().z}));
  const VoxelView<float> values = image.as<float>();
  std::vector<std::int64_t> every(static_cast<std::size_t>(views));
  std::iota(every.begin(), every.end(), std::int64_t{0});
  std::vector<float> slice(static_cast<std::size_t>(size * size));
  const Random random(run.seed());
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const float value = values[grid.index(i, j, k)];
        if (!std::isfinite(value)) throw Error(ErrorCode::parameter, "image: must hold finite values");
        // Less than nothing does not attenuate: air outside the scanner's circle is padded with -2048 HU and the like.
        slice[static_cast<std::size_t>(i + left + size * (j + above))] =
            unit == AttenuationUnit::hu ? std::max(0.0F, static_cast<float>(water * (1 + 0.001 * value))) : value;
      }
    }
    const std::span<float> rows(result.data() + k * count * views, static_cast<std::size_t>(count * views));
    projector.forward(slice, every, rows, run);
    if (photons > 0) {
      parallel_for(run, views, 8, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t n = begin * count; n < end * count; ++n) {
          const double mean = photons * std::exp(-static_cast<double>(rows[static_cast<std::size_t>(n)]));
          const double counted = random.poisson(static_cast<std::uint64_t>(k * count * views + n), mean);
          rows[static_cast<std::size_t>(n)] = static_cast<float>(std::log(photons / std::max(counted, 1.0)));
        }
      });
    }
    run.progress(static_cast<double>(k + 1) / static_cast<double>(grid.size(2)));
  }
  return result;
}

Cost ProjectionScan::cost(const Image& image) const {
  const double rays =
      static_cast<double>(columns == 0 ? 1.5 * static_cast<double>(std::max(image.grid().size(0), image.grid().size(1))) : columns) * views;
  const auto slices = static_cast<double>(image.grid().size(2));
  return {.bytes = static_cast<std::uint64_t>(4 * rays * slices),
          .seconds = rays * slices * static_cast<double>(std::max(image.grid().size(0), image.grid().size(1))) * 1e-9};
}

}  // namespace gantry
