// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>

#include "gantry/analysis/ct_nodule_shape.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/resample.h"

namespace gantry::analysis {

namespace {

Voxels<float> float_crop(const Image& image, const VoxelBox& box, const Run& run) {
  Size3 size{};
  for (std::size_t a = 0; a < 3; ++a) size[a] = box.end[a] - box.begin[a];
  Grid grid = image.grid().cropped(box.begin, size);
  auto values = Voxels<float>::uninitialized(grid);
  visit_real(image, [&](const auto& view) {
    parallel_for(run, size[2], 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t k = first; k < last; ++k) {
        for (std::int64_t j = 0; j < size[1]; ++j) {
          const auto* from = view.data() + view.grid().index(box.begin[0], box.begin[1] + j, box.begin[2] + k);
          float* to = values.data() + grid.index(0, j, k);
          for (std::int64_t i = 0; i < size[0]; ++i) {
            const auto hu = static_cast<float>(from[i]);
            to[i] = hu > padding_hu ? std::min(hu, 3000.0F) : -1000.0F;
          }
        }
      }
    });
  });
  return values;
}

}  // namespace

LungCube lung_cube(const Image& image, const WorkingVolume& volume, const Lungs& lungs, int side, const Run& run) {
  const Grid& working = volume.hu.grid();
  Mask own = Mask::uninitialized(working);
  for (std::int64_t n = 0; n < own.count(); ++n) own[n] = lungs.side[n] == side;
  LungCube cube;
  const VoxelBox lung_box = bounding_box(own, 3);
  if (lung_box.empty()) return cube;
  // Nodules that hang on the pleura: a wider closing than that of the lung's outline, but no bone and no other lung.
  Mask search = closed_lung(own, 9.0, run);
  for (std::int64_t n = 0; n < search.count(); ++n) {
    if (search[n] != 0 && own[n] == 0) search[n] = lungs.side[n] == 0 && volume.hu[n] < 250;
  }
  const Vec3 s = image.grid().spacing_mm();
  const double in_plane = std::min({s.x, s.y, s.z});
  const double spacing = std::clamp(in_plane, 1.0, 1.4);
  Size3 size{};
  Vec3 wide = working.spacing_mm();
  for (std::size_t a = 0; a < 3; ++a) {
    size[a] = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(static_cast<double>(lung_box.end[a] - lung_box.begin[a]) *
                                                                            wide[static_cast<int>(a)] / spacing)));
  }
  const Vec3 begin{static_cast<double>(lung_box.begin[0]), static_cast<double>(lung_box.begin[1]), static_cast<double>(lung_box.begin[2])};
  const Grid target(size, {spacing, spacing, spacing}, working.world_from_voxel(begin), working.direction());
  cube.inside = mask_from_field(threshold_field(volume, search, lungs.threshold_hu, true), target, run);
  for (int axis = 0; axis < 3; ++axis) {
    const Vec3 along = target.direction().column[static_cast<std::size_t>(axis)];
    double step = 0;
    for (int b = 0; b < 3; ++b) step += std::abs(dot(along, image.grid().direction().column[static_cast<std::size_t>(b)])) * s[b];
    cube.sample_mm[axis] = step;
  }
  const VoxelBox source = box_on(image.grid(), target, {{0, 0, 0}, size});
  if (source.empty()) return cube;
  cube.hu = resample(float_crop(image, source, run), target, Interpolation::linear, -1000.0F, run);
  std::vector<float> values;
  for (std::int64_t n = 0; n < cube.inside.count(); n += 11) {
    if (cube.inside[n] != 0 && cube.hu[n] < -500) values.push_back(cube.hu[n]);
  }
  if (!values.empty()) cube.background_hu = quantile(std::move(values), 0.5);
  return cube;
}

}  // namespace gantry::analysis
