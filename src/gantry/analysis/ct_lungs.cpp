// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>

#include "gantry/analysis/ct_structures.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"
#include "gantry/volume/resample.h"

namespace gantry::analysis {

namespace {

constexpr double split_share = 0.12;  // the smaller lung holds at least this share of the larger one

/// Parts of the air inside the body that are lung and not gas: gas is as dark as the air around the patient up to its rim.
Mask lung_parts(const WorkingVolume& volume, const MaskView& inside, const Run& run) {
  const Grid& grid = volume.hu.grid();
  const Components parts = connected_components(inside, Connectivity::faces, run);
  const double voxel_ml = grid.voxel_volume_mm3() / 1000;
  Mask inner = erode(inside, 4.0, run);

  struct Evidence {
    std::vector<float> values;
    std::int64_t core = 0, core_like = 0, touches_top = 0, touches_bottom = 0, shell = 0, shell_bone = 0;
  };
  std::vector<Evidence> evidence(parts.items.size());
  const auto like = static_cast<float>(volume.air_hu + 60);
  const std::int64_t slice = grid.size(0) * grid.size(1);
  for (std::int64_t n = 0; n < inside.count(); ++n) {
    if (inside[n] == 0) continue;
    const auto p = static_cast<std::size_t>(parts.labels[n] - 1);
    if (static_cast<double>(parts.items[p].voxels) * voxel_ml < 3) continue;
    Evidence& e = evidence[p];
    if (e.values.size() < 200000 || n % 7 == 0) e.values.push_back(volume.hu[n]);
    if (inner[n] != 0) {
      ++e.core;
      e.core_like += volume.hu[n] > like;
    }
    const std::int64_t k = n / slice;
    e.touches_top += k == grid.size(2) - 1;
    e.touches_bottom += k == 0;
    for (const std::int64_t step : {std::int64_t{-1}, std::int64_t{1}, -grid.size(0), grid.size(0)}) {
      const std::int64_t m = n + step;
      if (m < 0 || m >= inside.count() || inside[m] != 0) continue;
      ++e.shell;
      e.shell_bone += volume.hu[m] > 250;
    }
  }
  std::vector<std::uint8_t> keep(parts.items.size());
  for (std::size_t p = 0; p < parts.items.size(); ++p) {
    Evidence& e = evidence[p];
    const double ml = static_cast<double>(parts.items[p].voxels) * voxel_ml;
    if (e.values.empty()) continue;
    const double tenth = quantile(std::move(e.values), 0.1);
    const double core_share = e.core > 0 ? static_cast<double>(e.core_like) / static_cast<double>(e.core) : 1.0;
    const bool bony = e.shell_bone > 0.35 * static_cast<double>(e.shell);  // air cells of the skull
    const bool lung_density = tenth > volume.air_hu + 60 && core_share > 0.5;
    const bool large = ml > 300 && core_share > 0.25;
    const double face_mm2 = static_cast<double>(std::max(e.touches_top, e.touches_bottom)) * grid.spacing_mm().x * grid.spacing_mm().y;
    const bool cut = face_mm2 > 100;
    keep[p] = !bony && (large || (lung_density && (ml > 150 || (cut && ml > 5))));
  }
  // Small parts beside a lung belong to it when they are no gas: recesses that partial volume cuts off.
  Mask lung = Mask::uninitialized(grid);
  std::int64_t count = 0;
  for (std::int64_t n = 0; n < lung.count(); ++n) {
    lung[n] = inside[n] != 0 && keep[static_cast<std::size_t>(parts.labels[n] - 1)] != 0;
    count += lung[n];
  }
  if (count == 0) return lung;
  const Mask near = dilate(lung, 6.0, run);
  std::vector<std::int64_t> total(parts.items.size()), close_by(parts.items.size()), gas(parts.items.size());
  for (std::int64_t n = 0; n < lung.count(); ++n) {
    if (inside[n] == 0) continue;
    const auto p = static_cast<std::size_t>(parts.labels[n] - 1);
    ++total[p];
    close_by[p] += near[n] != 0;
    gas[p] += volume.hu[n] < volume.air_hu + 75;
  }
  for (std::int64_t n = 0; n < lung.count(); ++n) {
    if (inside[n] == 0 || lung[n] != 0) continue;
    const auto p = static_cast<std::size_t>(parts.labels[n] - 1);
    lung[n] = close_by[p] > 0 && static_cast<double>(total[p]) * voxel_ml < 100 && 20 * gas[p] <= total[p];
  }
  return lung;
}

double centroid_x(const MaskView& mask, std::int64_t& count) {
  const Grid& grid = mask.grid();
  double sum = 0;
  count = 0;
  for (std::int64_t n = 0; n < mask.count(); ++n) {
    if (mask[n] == 0) continue;
    sum += static_cast<double>(n % grid.size(0));
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

/// Two markers, one in each lung, by ever deeper erosion until the air falls into two large parts side by side.
bool find_markers(const MaskView& lung, Mask& first, Mask& second, const Run& run) {
  const Grid& grid = lung.grid();
  Mask outside = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < lung.count(); ++n) outside[n] = lung[n] == 0;
  const Voxels<float> depth = distance(outside, run);
  for (const float radius : {0.0F, 1.6F, 2.6F, 3.6F, 5.0F, 7.0F, 9.0F, 12.0F}) {
    Mask core = Mask::uninitialized(grid);
    for (std::int64_t n = 0; n < lung.count(); ++n) core[n] = lung[n] != 0 && depth[n] > radius;
    const Components parts = connected_components(core, Connectivity::faces, run);
    if (parts.items.size() < 2) continue;
    const auto& a = parts.items[0];
    const auto& b = parts.items[1];
    const double apart = std::abs(a.centroid_voxel.x - b.centroid_voxel.x) * grid.spacing_mm().x;
    if (static_cast<double>(b.voxels) < split_share * static_cast<double>(a.voxels) || apart < 50) continue;
    first = Mask::uninitialized(grid);
    second = Mask::uninitialized(grid);
    for (std::int64_t n = 0; n < lung.count(); ++n) {
      first[n] = parts.labels[n] == 1;
      second[n] = parts.labels[n] == 2;
    }
    return true;
  }
  return false;
}

/// Grows both markers through the lung, one layer of voxels at a time, so that each voxel joins the marker that reaches it first.
Voxels<std::uint8_t> grow_markers(const MaskView& lung, const MaskView& first, const MaskView& second, const Run& run) {
  const Grid& grid = lung.grid();
  const std::int64_t nx = grid.size(0), ny = grid.size(1), nz = grid.size(2);
  Voxels<std::uint8_t> part(grid);
  std::vector<std::int64_t> front, next;
  for (std::int64_t n = 0; n < lung.count(); ++n) {
    if (first[n] != 0) part[n] = 1;
    if (second[n] != 0) part[n] = 2;
    if (part[n] != 0) front.push_back(n);
  }
  while (!front.empty()) {
    run.check();
    next.clear();
    for (const std::int64_t n : front) {
      const std::int64_t i = n % nx, j = n / nx % ny, k = n / (nx * ny);
      const auto reach = [&](bool inside, std::int64_t m) {
        if (!inside || lung[m] == 0 || part[m] != 0) return;
        part[m] = part[n];
        next.push_back(m);
      };
      reach(i > 0, n - 1);
      reach(i + 1 < nx, n + 1);
      reach(j > 0, n - nx);
      reach(j + 1 < ny, n + nx);
      reach(k > 0, n - nx * ny);
      reach(k + 1 < nz, n + nx * ny);
    }
    front.swap(next);
  }
  // Parts that touch no marker go to the nearer one.
  bool lonely = false;
  for (std::int64_t n = 0; n < lung.count() && !lonely; ++n) lonely = lung[n] != 0 && part[n] == 0;
  if (lonely) {
    const Voxels<float> to_first = distance(first, run), to_second = distance(second, run);
    for (std::int64_t n = 0; n < lung.count(); ++n) {
      if (lung[n] != 0 && part[n] == 0) part[n] = to_first[n] <= to_second[n] ? 1 : 2;
    }
  }
  return part;
}

/// Mean voxel x of bone in the slices of the lung: the spine outweighs the ribs of both sides together.
double bone_x(const WorkingVolume& volume, const MaskView& lung) {
  const Grid& grid = volume.hu.grid();
  const VoxelBox box = bounding_box(lung, 0);
  double sum = 0, weight = 0;
  for (std::int64_t k = box.begin[2]; k < box.end[2]; ++k) {
    for (std::int64_t j = (box.begin[1] + box.end[1]) / 2; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const float hu = volume.hu[grid.index(i, j, k)];
        if (!(hu > 180)) continue;
        sum += static_cast<double>(i);
        weight += 1;
      }
    }
  }
  return weight > 50 ? sum / weight : -1;
}

double median_inside(const WorkingVolume& volume, const MaskView& mask) {
  std::vector<float> values;
  for (std::int64_t n = 0; n < mask.count(); ++n) {
    if (mask[n] != 0 && n % 5 == 0) values.push_back(volume.hu[n]);
  }
  return values.empty() ? -850 : quantile(std::move(values), 0.5);
}

bool reaches_edge(const WorkingVolume& volume, const MaskView& lung) {
  const Grid& grid = volume.hu.grid();
  const Vec3 s = grid.spacing_mm();
  double area = 0;
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const std::int64_t n = grid.index(i, j, k);
        if (lung[n] == 0) continue;
        if (k == 0 || k == grid.size(2) - 1) area += s.x * s.y;
        const bool left_pad = i == 0 || volume.padding[n - 1] != 0;
        const bool right_pad = i == grid.size(0) - 1 || volume.padding[n + 1] != 0;
        const bool front_pad = j == 0 || volume.padding[n - grid.size(0)] != 0;
        const bool back_pad = j == grid.size(1) - 1 || volume.padding[n + grid.size(0)] != 0;
        if (left_pad || right_pad) area += s.y * s.z;
        if (front_pad || back_pad) area += s.x * s.z;
      }
    }
  }
  return area > 150;
}

}  // namespace

Mask closed_lung(const MaskView& lung, double radius_mm, const Run& run) {
  const Grid& grid = lung.grid();
  const Vec3 s = grid.spacing_mm();
  const auto margin = static_cast<std::int64_t>(std::ceil(radius_mm / std::min({s.x, s.y, s.z}))) + 2;
  const VoxelBox box = bounding_box(lung, margin);
  Mask result(grid);
  if (box.empty()) return result;
  Size3 size{};
  for (std::size_t a = 0; a < 3; ++a) size[a] = box.end[a] - box.begin[a];
  // Holes are filled between dilation and erosion: a nodule thicker than the ball that hangs on the pleura becomes a hole there.
  const Mask full = erode(fill_holes(dilate(crop(lung, box.begin, size), radius_mm, run), false, run), radius_mm, run);
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      const std::int64_t to = grid.index(box.begin[0], box.begin[1] + j, box.begin[2] + k), from = full.grid().index(0, j, k);
      for (std::int64_t i = 0; i < size[0]; ++i) result[to + i] = full[from + i] != 0 || lung[to + i] != 0;
    }
  }
  return result;
}

Lungs find_lungs(const WorkingVolume& volume, const MaskView& body, const Airways& airways, const Run& run) {
  const Grid& grid = volume.hu.grid();
  Lungs lungs;
  lungs.side = Voxels<std::uint8_t>(grid);
  lungs.air_filled = Mask(grid);
  const Vec3 s = grid.spacing_mm();
  const Mask tube = airways.found ? dilate(airways.lumen, std::max(2.0, 1.01 * std::max(s.x, s.y)), run) : Mask(grid);
  const auto inside_below = [&](double threshold) {
    Mask inside = Mask::uninitialized(grid);
    for (std::int64_t n = 0; n < inside.count(); ++n) {
      inside[n] = body[n] != 0 && volume.padding[n] == 0 && tube[n] == 0 && volume.hu[n] < threshold;
    }
    return inside;
  };
  // First by a fixed threshold, then by the middle between this patient's lung and soft tissue.
  Mask lung = lung_parts(volume, inside_below(-400), run);
  if (volume_ml(lung) < 5) return lungs;
  constexpr double soft_tissue_hu = 40;
  lungs.threshold_hu = std::clamp(0.5 * (median_inside(volume, lung) + soft_tissue_hu), -480.0, -250.0);
  lung = lung_parts(volume, inside_below(lungs.threshold_hu), run);
  if (volume_ml(lung) < 5) return lungs;

  Mask first, second;
  Voxels<std::uint8_t> part;
  const bool both = find_markers(lung, first, second, run);
  if (both) {
    part = grow_markers(lung, first, second, run);
    std::int64_t count = 0;
    if (centroid_x(first, count) < centroid_x(second, count)) {  // i grows towards the patient's left
      for (std::uint8_t& value : part.values()) value = value == 1 ? 2 : value == 2 ? 1 : 0;
    }
  } else {
    std::int64_t lung_count = 0, lumen_count = 0;
    const double x = centroid_x(lung, lung_count);
    const double trachea_x = centroid_x(airways.lumen, lumen_count);
    const double spine_x = bone_x(volume, lung);
    const double middle = lumen_count > 0 ? trachea_x : spine_x;
    lungs.side_certain = middle >= 0 && std::abs(x - middle) * s.x > 15;
    const bool is_left = middle >= 0 ? x > middle : 2 * x > static_cast<double>(grid.size(0));
    part = Voxels<std::uint8_t>(grid);
    for (std::int64_t n = 0; n < part.count(); ++n) part[n] = lung[n] != 0 ? (is_left ? 1 : 2) : 0;
  }

  for (const std::uint8_t side : {std::uint8_t{1}, std::uint8_t{2}}) {
    Mask own = Mask::uninitialized(grid);
    std::int64_t count = 0;
    for (std::int64_t n = 0; n < own.count(); ++n) {
      own[n] = part[n] == side;
      count += own[n];
    }
    if (count == 0) continue;
    const Mask full = closed_lung(own, 6.0, run);
    std::int64_t filled = 0;
    for (std::int64_t n = 0; n < full.count(); ++n) {
      if (full[n] == 0 || lungs.side[n] != 0 || (part[n] != 0 && part[n] != side) || body[n] == 0) continue;
      if (volume.hu[n] > 350 && own[n] == 0) continue;  // a rib between two bulges of lung
      lungs.side[n] = side;
      ++filled;
    }
    if (static_cast<double>(filled) * grid.voxel_volume_mm3() / 1000 < 1) continue;
    (side == 1 ? lungs.left : lungs.right) = true;
    (side == 1 ? lungs.left_incomplete : lungs.right_incomplete) = reaches_edge(volume, own);
  }
  lungs.air_filled = std::move(lung);
  // The lumen of trachea and main bronchi is no lung; the bronchi deep inside were filled with the vessels.
  for (std::int64_t n = 0; n < lungs.side.count(); ++n) {
    if (airways.lumen[n] != 0) lungs.side[n] = 0;
  }
  return lungs;
}

}  // namespace gantry::analysis
