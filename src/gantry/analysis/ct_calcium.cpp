// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_calcium.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis {

namespace {

int weight_of(float peak_hu) { return peak_hu >= 400 ? 4 : peak_hu >= 300 ? 3 : peak_hu >= 200 ? 2 : 1; }

/// The voxels of `image` in a box as HU.
Voxels<float> cropped_hu(const Image& image, const VoxelBox& box) {
  Size3 size{};
  for (std::size_t a = 0; a < 3; ++a) size[a] = box.end[a] - box.begin[a];
  auto part = Voxels<float>::uninitialized(image.grid().cropped(box.begin, size));
  visit_real(image, [&](const auto& view) {
    for (std::int64_t k = 0; k < size[2]; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        const std::int64_t from = view.grid().index(box.begin[0], box.begin[1] + j, box.begin[2] + k), to = part.grid().index(0, j, k);
        for (std::int64_t i = 0; i < size[0]; ++i) part[to + i] = static_cast<float>(view[from + i]);
      }
    }
  });
  return part;
}

}  // namespace

double agatston_score(const Image& image, const MaskView& mask, const Run& run) {
  const Grid& grid = image.grid();
  if (!grid.slice_positions_mm().empty()) throw Error(ErrorCode::not_possible, "Agatston score: slices must be evenly spaced");
  if (!mask.grid().same_space(grid)) throw Error(ErrorCode::not_possible, "Agatston score: mask must lie on the grid of the image");
  const VoxelBox box = bounding_box(mask, 0);
  if (box.empty()) return 0;
  const Voxels<float> hu = cropped_hu(image, box);
  const Grid& part = hu.grid();
  const double pixel_mm2 = grid.spacing_mm().x * grid.spacing_mm().y;
  const std::int64_t plane = part.size(0) * part.size(1);
  double score = 0;
  for (std::int64_t k = 0; k < part.size(2); ++k) {
    Mask slice(Grid({part.size(0), part.size(1), 1}, part.spacing_mm()));
    for (std::int64_t n = 0; n < plane; ++n) {
      const std::int64_t there = grid.index(box.begin[0] + n % part.size(0), box.begin[1] + n / part.size(0), box.begin[2] + k);
      slice[n] = mask[there] != 0 && hu[n + k * plane] >= calcium_hu;
    }
    const Components parts = connected_components(slice, Connectivity::edges, run);
    std::vector<float> peak(parts.items.size(), calcium_hu);
    for (std::int64_t n = 0; n < plane; ++n) {
      if (slice[n] == 0) continue;
      float& highest = peak[static_cast<std::size_t>(parts.labels[n] - 1)];
      highest = std::max(highest, hu[n + k * plane]);
    }
    for (std::size_t p = 0; p < parts.items.size(); ++p) {
      const double area = static_cast<double>(parts.items[p].voxels) * pixel_mm2;
      if (area >= least_calcium_mm2 * (1 - 1e-9)) score += area * weight_of(peak[p]);
    }
  }
  constexpr double reference_mm = 3;
  return score * grid.spacing_mm().z / reference_mm;
}

Calcium find_calcium(const Image& image, const MaskView& inside, double blood_hu, double noise_hu, const Run& run) {
  const Grid& grid = image.grid();
  Calcium calcium;
  calcium.mask = Mask(grid);
  if (!inside.grid().same_space(grid)) throw Error(ErrorCode::not_possible, "calcium: the heart must lie on the grid of the image");
  VoxelBox box = bounding_box(inside, 0);
  if (box.empty()) return calcium;
  for (std::size_t a = 0; a < 3; ++a) {  // 10 mm around, so that what reaches out is seen to do so
    const auto margin = static_cast<std::int64_t>(std::ceil(10 / grid.spacing_mm()[static_cast<int>(a)]));
    box.begin[a] = std::max<std::int64_t>(0, box.begin[a] - margin);
    box.end[a] = std::min(grid.size()[a], box.end[a] + margin);
  }
  const Voxels<float> hu = cropped_hu(image, box);
  const Grid& part = hu.grid();
  Mask bright = Mask::uninitialized(part);
  for (std::int64_t n = 0; n < bright.count(); ++n) bright[n] = hu[n] >= calcium_hu;
  const Components parts = connected_components(bright, Connectivity::corners, run);
  struct Group {
    std::int64_t inside = 0;
    float peak = 0;
    double x = 0, y = 0, z = 0;
    std::int64_t slice = -1, in_slice = 0, widest = 0;  // pixels in the current and in the widest slice
  };
  std::vector<Group> groups(parts.items.size());
  const auto there = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    return grid.index(box.begin[0] + i, box.begin[1] + j, box.begin[2] + k);
  };
  for (std::int64_t k = 0; k < part.size(2); ++k) {
    for (std::int64_t j = 0; j < part.size(1); ++j) {
      for (std::int64_t i = 0; i < part.size(0); ++i) {
        const std::int64_t n = part.index(i, j, k);
        if (bright[n] == 0) continue;
        Group& group = groups[static_cast<std::size_t>(parts.labels[n] - 1)];
        group.inside += inside[there(i, j, k)];
        group.peak = std::max(group.peak, hu[n]);
        group.x += static_cast<double>(i);
        group.y += static_cast<double>(j);
        group.z += static_cast<double>(k);
        if (group.slice != k) group.slice = k, group.in_slice = 0;
        group.widest = std::max(group.widest, ++group.in_slice);
      }
    }
  }
  const double pixel_mm2 = grid.spacing_mm().x * grid.spacing_mm().y;
  std::vector<std::uint8_t> keep(groups.size());
  for (std::size_t p = 0; p < groups.size(); ++p) {
    const Group& group = groups[p];
    const std::int64_t voxels = parts.items[p].voxels;
    const bool mostly_inside = 3 * group.inside > 2 * voxels;
    keep[p] = mostly_inside && static_cast<double>(group.widest) * pixel_mm2 >= least_calcium_mm2 && group.peak >= blood_hu + 4 * noise_hu;
    if (keep[p] == 0) continue;
    const auto count = static_cast<double>(voxels);
    CalciumLesion lesion;
    lesion.position_mm = part.world_from_voxel({group.x / count, group.y / count, group.z / count});
    lesion.volume_ml = count * grid.voxel_volume_mm3() / 1000;
    lesion.peak_hu = group.peak;
    calcium.lesions.push_back(lesion);
  }
  for (std::int64_t k = 0; k < part.size(2); ++k) {
    for (std::int64_t j = 0; j < part.size(1); ++j) {
      for (std::int64_t i = 0; i < part.size(0); ++i) {
        const std::int64_t n = part.index(i, j, k);
        if (bright[n] != 0 && keep[static_cast<std::size_t>(parts.labels[n] - 1)] != 0) calcium.mask[there(i, j, k)] = 1;
      }
    }
  }
  std::stable_sort(calcium.lesions.begin(), calcium.lesions.end(),
                   [](const CalciumLesion& a, const CalciumLesion& b) { return a.volume_ml > b.volume_ml; });
  if (!calcium.lesions.empty()) {
    const MeasuredVolume volume = measure_volumes(calcium.mask, {{1}}, run)[0];
    calcium.volume_ml = volume.ml;
    calcium.half_voxel_ml = volume.half_voxel_ml;
  }
  return calcium;
}

CalciumProtocol calcium_protocol(const CtProtocol& protocol, const Grid& grid, double blood_hu, double noise_hu) {
  CalciumProtocol result;
  constexpr double native_blood_hu = 90;
  if (protocol.contrast == CtProtocol::Contrast::given || blood_hu > native_blood_hu) {
    const std::string blood = fmt::format("{:.0f}", blood_hu);
    result.volume_reason =
        protocol.contrast == CtProtocol::Contrast::given
            ? Words{"contrast agent was given (header)", "已使用对比剂（据头信息）"}
            : Words{"contrast agent: the inside of the heart measures " + blood + " HU", "含对比剂：心腔内为 " + blood + " HU"};
    result.score_reason = result.volume_reason;
    return result;
  }
  result.volume = true;
  result.gated = protocol.gated;
  const auto refuse = [&](std::string en, std::string zh) {
    result.score_reason = {std::move(en), std::move(zh)};
    return result;
  };
  constexpr double axial = 0.96;  // cosine of 16 degrees
  if (std::abs(grid.direction().column[2].z) < axial) return refuse("the slices are not axial", "层面不是轴位");
  if (!grid.slice_positions_mm().empty()) return refuse("the slices are not evenly spaced", "层间距不均匀");
  if (!protocol.kvp) return refuse("the tube voltage is unknown, and the score is defined at 120 kVp", "管电压未知，而积分以 120 kVp 定义");
  if (std::abs(*protocol.kvp - 120) > 1) {
    return refuse(fmt::format("scanned at {:.0f} kVp, and the score is defined at 120 kVp", *protocol.kvp),
                  fmt::format("扫描管电压为 {:.0f} kVp，而积分以 120 kVp 定义", *protocol.kvp));
  }
  const double thickness = protocol.slice_thickness_mm.value_or(protocol.slice_spacing_mm);
  if (!(thickness > 2.45 && thickness < 3.05)) {
    return refuse(fmt::format("slices of {:.2g} mm, and the score is defined for 2.5 to 3 mm", thickness),
                  fmt::format("层厚 {:.2g} mm，而积分以 2.5 至 3 mm 层厚定义", thickness));
  }
  if (protocol.slice_spacing_mm > 3.05) {
    return refuse(fmt::format("slices {:.2g} mm apart leave gaps", protocol.slice_spacing_mm),
                  fmt::format("层间距 {:.2g} mm，层间有遗漏", protocol.slice_spacing_mm));
  }
  if (noise_hu > 30) {
    return refuse(fmt::format("noise of {:.0f} HU lifts single pixels above 130 HU", noise_hu),
                  fmt::format("噪声 {:.0f} HU，会使个别像素超过 130 HU", noise_hu));
  }
  result.score = true;
  return result;
}

}  // namespace gantry::analysis
