// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>
#include <deque>

#include "gantry/analysis/head_mr_shape.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis {

namespace {

constexpr std::uint8_t nobody = 0;
constexpr std::uint8_t ventricle = 1;
constexpr std::uint8_t cistern = 2;

/// Fluid inside the brain with what is known of each voxel.
struct Fluid {
  const Grid& grid;
  Mask mask;            ///< fluid deeper than the shell of the sulci
  Voxels<float> depth;  ///< mm inside the space
  Voxels<float> side;   ///< mm to the patient's left of the mid-plane
};

constexpr double shell_mm = 12;
constexpr double farthest_side_mm = 45;
/// Behind the middle of the lateral ventricles; from there on fluid at the mid-plane is cistern.
constexpr double behind_third_mm = 18;

Fluid deep_fluid(const TissueMaps& tissue, const MaskView& space, const MidPlane& plane, const Run& run) {
  const Grid& grid = space.grid();
  const Size3 size = grid.size();
  Mask outside(grid);
  for (std::int64_t n = 0; n < outside.count(); ++n) outside[n] = space[n] == 0 ? 1 : 0;
  Fluid fluid{grid, Mask(grid), distance(outside, run), Voxels<float>::uninitialized(grid)};
  const Vec3 origin = grid.world_from_voxel({0, 0, 0});
  const Vec3 i_mm = grid.world_from_voxel({1, 0, 0}) - origin;
  parallel_for(run, size[2], 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        const double first = plane.side_mm(grid.world_from_voxel({0, static_cast<double>(j), static_cast<double>(k)}));
        const double step = dot(i_mm, plane.normal);
        for (std::int64_t i = 0; i < size[0]; ++i) {
          const std::int64_t n = grid.index(i, j, k);
          fluid.side[n] = static_cast<float>(first + static_cast<double>(i) * step);
          fluid.mask[n] = tissue.label[n] == static_cast<std::uint8_t>(Tissue::fluid) && fluid.depth[n] > shell_mm &&
                                  std::abs(fluid.side[n]) < farthest_side_mm
                              ? 1
                              : 0;
        }
      }
    }
  });
  return fluid;
}

/// The largest wide and deep body of fluid on each side, away from the mid-plane, where the cisterns lie: lateral ventricles.
Mask lateral_bodies(const Fluid& fluid, const Run& run) {
  const Vec3 spacing = fluid.grid.spacing_mm();
  const double opening = std::max(1.3, 1.05 * std::max({spacing.x, spacing.y, spacing.z}));
  const double voxel_ml = fluid.grid.voxel_volume_mm3() / 1000;
  Mask bodies(fluid.grid);
  for (const double sign : {-1.0, 1.0}) {
    Mask wide(fluid.grid);
    for (std::int64_t n = 0; n < wide.count(); ++n) {
      const double side = sign * fluid.side[n];
      wide[n] = fluid.mask[n] != 0 && fluid.depth[n] > 29 && side > 1 && side < 28 ? 1 : 0;
    }
    const Components parts = connected_components(open(wide, opening, run), Connectivity::corners, run);
    if (parts.items.empty() || static_cast<double>(parts.items[0].voxels) * voxel_ml < 0.1) continue;
    for (std::int64_t n = 0; n < bodies.count(); ++n) {
      if (parts.labels[n] == 1) bodies[n] = 1;
    }
  }
  return bodies;
}

Vec3 centre_of(const Mask& mask) {
  const Grid& grid = mask.grid();
  const Size3 size = grid.size();
  Vec3 sum;
  double count = 0;
  for (std::int64_t n = 0; n < mask.count(); ++n) {
    if (mask[n] == 0) continue;
    sum = sum +
          Vec3{static_cast<double>(n % size[0]), static_cast<double>(n / size[0] % size[1]), static_cast<double>(n / (size[0] * size[1]))};
    ++count;
  }
  return grid.world_from_voxel((1 / count) * sum);
}

/// The third ventricle: fluid at the mid-plane, below and around the middle of the lateral ventricles, between two thalami: towards both
/// sides tissue begins within 7 mm and is at least 5 mm thick.
Mask third_ventricle(const Fluid& fluid, const TissueMaps& tissue, Vec3 middle, const MidPlane& plane, const Run& run) {
  const Grid& grid = fluid.grid;
  const Size3 size = grid.size();
  const auto solid = [&](Vec3 world) {
    const Vec3 v = grid.voxel_from_world(world);
    const std::int64_t i = std::llround(v.x);
    const std::int64_t j = std::llround(v.y);
    const std::int64_t k = std::llround(v.z);
    if (i < 0 || j < 0 || k < 0 || i >= size[0] || j >= size[1] || k >= size[2]) return false;
    const auto t = static_cast<Tissue>(tissue.label[grid.index(i, j, k)]);
    return t == Tissue::gray || t == Tissue::white;
  };
  // Millimetres from the mid-plane to tissue that goes on for 5 mm; infinite when there is none within 7 mm.
  const auto wall = [&](Vec3 at, double sign) {
    for (double t = 0; t <= 7; t += 0.5) {
      bool thick = true;
      for (double u = t; u < t + 5 && thick; u += 0.5) thick = solid(at + sign * u * plane.normal);
      if (thick) return t;
    }
    return static_cast<double>(INFINITY);
  };
  Mask slit(grid);
  parallel_for(run, size[2], 2, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        for (std::int64_t i = 0; i < size[0]; ++i) {
          const std::int64_t n = grid.index(i, j, k);
          if (fluid.mask[n] == 0 || std::abs(fluid.side[n]) > 7 || fluid.depth[n] < 18) continue;
          const Vec3 at = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
          const Vec3 from = at - middle;
          if (from.z > 0 || from.z < -32 || from.y < -28 || from.y > behind_third_mm) continue;
          const Vec3 centre = at - static_cast<double>(fluid.side[n]) * plane.normal;
          if (std::isfinite(wall(centre, 1)) && std::isfinite(wall(centre, -1))) slit[n] = 1;
        }
      }
    }
  });
  // Its largest piece, and what is not much smaller: the mass between the thalami may part it.
  const Components parts = connected_components(slit, Connectivity::corners, run);
  for (std::int64_t n = 0; n < slit.count(); ++n) {
    const std::int32_t part = parts.labels[n];
    if (part > 0 &&
        static_cast<double>(parts.items[static_cast<std::size_t>(part - 1)].voxels) < 0.2 * static_cast<double>(parts.items[0].voxels))
      slit[n] = 0;
  }
  return slit;
}

/// Mean share of fluid in the 27 voxels around each voxel of `mask`, 0 to 255; low where fluid is thin or mixed.
Voxels<std::uint8_t> fullness(const TissueMaps& tissue, const Mask& mask, const Run& run) {
  const Size3 size = mask.grid().size();
  Voxels<std::uint8_t> mean(mask.grid());
  parallel_for(run, size[2], 2, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = std::max<std::int64_t>(begin, 1); k < std::min(end, size[2] - 1); ++k) {
      for (std::int64_t j = 1; j + 1 < size[1]; ++j) {
        for (std::int64_t i = 1; i + 1 < size[0]; ++i) {
          const std::int64_t n = mask.grid().index(i, j, k);
          if (mask[n] == 0) continue;
          int sum = 0;
          for (std::int64_t dk = -1; dk <= 1; ++dk) {
            for (std::int64_t dj = -1; dj <= 1; ++dj) {
              for (std::int64_t di = -1; di <= 1; ++di) sum += tissue.fluid[n + di + size[0] * (dj + size[1] * dk)];
            }
          }
          mean[n] = static_cast<std::uint8_t>(sum / 27);
        }
      }
    }
  });
  return mean;
}

/// Floods the mask from its markers, the fullest voxels first: each voxel goes to the marker from which a path through fuller fluid leads
/// to it, so that basins part where the fluid between them is thinnest (watershed).
void flood(Voxels<std::uint8_t>& owner, const Mask& mask, const Voxels<std::uint8_t>& level) {
  const Size3 size = mask.grid().size();
  std::array<std::deque<std::int64_t>, 256> queue;
  for (std::int64_t n = 0; n < owner.count(); ++n) {
    if (owner[n] != nobody) queue[level[n]].push_back(n);
  }
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  for (int height = 255; height >= 0;) {
    auto& here = queue[static_cast<std::size_t>(height)];
    if (here.empty()) {
      --height;
      continue;
    }
    const std::int64_t n = here.front();
    here.pop_front();
    for (std::size_t a = 0; a < 3; ++a) {
      const std::int64_t at = n / stride[a] % size[a];
      for (const std::int64_t m : {at > 0 ? n - stride[a] : n, at + 1 < size[a] ? n + stride[a] : n}) {
        if (owner[m] != nobody || mask[m] == 0) continue;
        owner[m] = owner[n];
        queue[static_cast<std::size_t>(std::min<int>(height, level[m]))].push_back(m);
      }
    }
  }
}

}  // namespace

Mask find_ventricles(const TissueMaps& tissue, const MaskView& space, const MidPlane& plane, const Run& run) {
  const Fluid fluid = deep_fluid(tissue, space, plane, run);
  const Mask bodies = lateral_bodies(fluid, run);
  if (std::none_of(bodies.values().begin(), bodies.values().end(), [](std::uint8_t v) { return v != 0; })) return Mask(fluid.grid);
  const Vec3 middle = centre_of(bodies);
  const Mask third = third_ventricle(fluid, tissue, middle, plane, run);
  const Size3 size = fluid.grid.size();
  Voxels<std::uint8_t> owner(fluid.grid);
  for (std::int64_t n = 0; n < owner.count(); ++n) {
    if (bodies[n] != 0 || third[n] != 0) {
      owner[n] = ventricle;
    } else if (fluid.mask[n] != 0) {
      const Vec3 from = fluid.grid.world_from_voxel({static_cast<double>(n % size[0]), static_cast<double>(n / size[0] % size[1]),
                                                     static_cast<double>(n / (size[0] * size[1]))}) -
                        middle;
      const bool quadrigeminal = std::abs(fluid.side[n]) < 8 && from.y > behind_third_mm + 4;
      if (fluid.depth[n] < shell_mm + 4 || quadrigeminal) owner[n] = cistern;
    }
  }
  flood(owner, fluid.mask, fullness(tissue, fluid.mask, run));
  const Voxels<float> away = distance(bodies, run);
  Mask ventricles(fluid.grid);
  for (std::int64_t n = 0; n < ventricles.count(); ++n) ventricles[n] = owner[n] == ventricle && (third[n] != 0 || away[n] <= 22) ? 1 : 0;
  return ventricles;
}

}  // namespace gantry::analysis
