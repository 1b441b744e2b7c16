// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_maps.h"

#include <algorithm>
#include <cmath>

#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis {

namespace {

std::uint8_t tissue(float hu) {
  using Range = TissueRanges;
  if (hu < Range::air_below) return ct_air;
  if (hu < Range::fat_from) return ct_body;
  if (hu <= Range::fat_to) return ct_fat;
  if (hu <= Range::soft_to) return ct_soft_tissue;
  return hu >= Range::metal_from ? ct_metal : ct_bone;
}

void paint(const Mask& mask, std::uint8_t value, Voxels<std::uint8_t>& labels, const Run& run) {
  parallel_for(run, labels.count(), 1 << 20, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      if (mask[n] != 0) labels[n] = value;
    }
  });
}

/// Length in mm, per slice on average, of body that lies at the border of what was measured.
bool truncated(const WorkingVolume& volume, const MaskView& body) {
  const Grid& grid = body.grid();
  const Vec3 s = grid.spacing_mm();
  std::int64_t slices = 0;
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    double length = 0;
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const std::int64_t n = grid.index(i, j, k);
        if (body[n] == 0) continue;
        const bool left_right = i == 0 || i == grid.size(0) - 1 || volume.padding[n - 1] != 0 || volume.padding[n + 1] != 0;
        const bool front_back =
            j == 0 || j == grid.size(1) - 1 || volume.padding[n - grid.size(0)] != 0 || volume.padding[n + grid.size(0)] != 0;
        length += (left_right ? s.y : 0) + (front_back ? s.x : 0);
      }
    }
    slices += length > 30;
  }
  return slices * 20 > grid.size(2);
}

}  // namespace

CtMaps map_ct(const Image& image, Run& run) {
  CtMaps maps;
  run.progress(0.0, "body");
  maps.working = working_volume(image, 2.0, run);
  maps.body = find_body(maps.working, run);
  maps.body_truncated = truncated(maps.working, maps.body);
  run.progress(0.2, "airways");
  maps.airways = find_airways(maps.working, maps.body, run);
  run.progress(0.35, "lungs");
  maps.lungs = find_lungs(maps.working, maps.body, maps.airways, run);
  run.progress(0.7, "labels");

  const Grid& grid = image.grid();
  maps.labels = Voxels<std::uint8_t>(grid);
  {
    const Mask body = mask_from_field(threshold_field(maps.working, maps.body, -500, false), grid, run);
    // The skin's partial volume is no gas.
    const Mask inner_working = erode(maps.body, 4.0, run);
    auto depth = Voxels<float>::uninitialized(inner_working.grid());
    for (std::int64_t n = 0; n < depth.count(); ++n) depth[n] = inner_working[n] != 0 ? 1.0F : -1.0F;
    const Mask inner = mask_from_field(depth, grid, run);
    visit_real(image, [&](const auto& view) {
      parallel_for(run, grid.voxel_count(), 1 << 20, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t n = first; n < last; ++n) {
          const auto hu = static_cast<float>(view[n]);
          if (body[n] == 0 || !(hu > padding_hu)) continue;
          maps.labels[n] = tissue(hu);
          if (maps.labels[n] == ct_air && inner[n] == 0) maps.labels[n] = ct_body;
        }
      });
    });
  }
  if (maps.airways.found) {
    paint(mask_from_field(threshold_field(maps.working, maps.airways.lumen, -500, true), grid, run), ct_airways, maps.labels, run);
  }
  if (maps.lungs.left) paint(mask_from_field(lung_field(maps.working, maps.lungs, 1), grid, run), ct_lung_left, maps.labels, run);
  if (maps.lungs.right) paint(mask_from_field(lung_field(maps.working, maps.lungs, 2), grid, run), ct_lung_right, maps.labels, run);
  maps.histograms = label_histograms(image, maps.labels, first_nodule, run);
  maps.metal_ml = static_cast<double>(maps.histograms[ct_metal].total()) * grid.voxel_volume_mm3() / 1000;
  std::int64_t padded = 0;
  for (const std::uint8_t value : maps.working.padding.values()) padded += value;
  maps.padding_share = static_cast<double>(padded) / static_cast<double>(maps.working.padding.count());
  run.progress(1.0, "labels");
  return maps;
}

std::vector<MeasuredVolume> measure_volumes(const VoxelView<std::uint8_t>& labels, const std::vector<std::vector<int>>& groups,
                                            const Run& run) {
  const Grid& grid = labels.grid();
  const Vec3 s = grid.spacing_mm();
  std::vector<std::array<std::uint8_t, 256>> member(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    member[g].fill(0);
    for (const int value : groups[g]) member[g][static_cast<std::size_t>(value)] = 1;
  }
  struct Sums {
    std::vector<std::int64_t> voxels;
    std::vector<std::array<std::int64_t, 3>> faces;
  };
  Sums zero{std::vector<std::int64_t>(groups.size()), std::vector<std::array<std::int64_t, 3>>(groups.size())};
  const std::int64_t nx = grid.size(0), ny = grid.size(1), slice = nx * ny;
  const Sums sums = parallel_reduce<Sums>(
      run, grid.size(2), 4, zero,
      [&](std::int64_t first, std::int64_t last) {
        Sums part = zero;
        std::array<std::int64_t, 256> count{};
        std::array<std::vector<std::int64_t>, 3> edges;
        for (auto& edge : edges) edge.assign(65536, 0);
        for (std::int64_t k = first; k < last; ++k) {
          for (std::int64_t j = 0; j < ny; ++j) {
            const std::int64_t row = grid.index(0, j, k);
            for (std::int64_t i = 0; i < nx; ++i) {
              const std::int64_t n = row + i;
              const std::uint8_t v = labels[n];
              ++count[v];
              if (i + 1 < nx && labels[n + 1] != v) ++edges[0][static_cast<std::size_t>(v) << 8 | labels[n + 1]];
              if (j + 1 < ny && labels[n + nx] != v) ++edges[1][static_cast<std::size_t>(v) << 8 | labels[n + nx]];
              if (k + 1 < grid.size(2) && labels[n + slice] != v) ++edges[2][static_cast<std::size_t>(v) << 8 | labels[n + slice]];
            }
          }
        }
        for (std::size_t g = 0; g < groups.size(); ++g) {
          for (std::size_t v = 0; v < 256; ++v) part.voxels[g] += member[g][v] != 0 ? count[v] : 0;
          for (std::size_t axis = 0; axis < 3; ++axis) {
            for (std::size_t pair = 0; pair < 65536; ++pair) {
              if (edges[axis][pair] != 0 && member[g][pair >> 8] != member[g][pair & 255]) part.faces[g][axis] += edges[axis][pair];
            }
          }
        }
        return part;
      },
      [&](Sums& total, const Sums& part) {
        for (std::size_t g = 0; g < groups.size(); ++g) {
          total.voxels[g] += part.voxels[g];
          for (std::size_t axis = 0; axis < 3; ++axis) total.faces[g][axis] += part.faces[g][axis];
        }
      });
  std::vector<MeasuredVolume> volumes;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto& f = sums.faces[g];
    // A voxel surface is 3/2 of the smooth one on average over directions (Cauchy); each face moves by half a voxel along its normal.
    const double moved = 0.5 * 2.0 / 3.0 * s.x * s.y * s.z * static_cast<double>(f[0] + f[1] + f[2]);
    volumes.push_back({static_cast<double>(sums.voxels[g]) * grid.voxel_volume_mm3() / 1000, moved / 1000});
  }
  return volumes;
}

CtProtocol ct_protocol(const SeriesInput& input) {
  CtProtocol protocol;
  const Vec3 s = input.image.grid().spacing_mm();
  // A volume file may hold its slices along any axis.
  protocol.slice_spacing_mm = std::max({s.x, s.y, s.z});
  protocol.pixel_mm = std::min({s.x, s.y, s.z});
  if (!input.series || input.series->header.empty()) return protocol;
  const dicom::Header& header = input.series->header;
  protocol.header = true;
  protocol.kvp = header.number("KVP");
  protocol.slice_thickness_mm = header.number("SliceThickness");
  protocol.kernel = header.text("ConvolutionKernel").value_or("");
  protocol.manufacturer = header.text("Manufacturer").value_or("");
  // "B70f", "Br64", "FC51", "LUNG", "BONE", "YC": numbers grow with sharpness at Siemens and Canon.
  const std::string kernel = lower(protocol.kernel);
  for (const char* word : {"lung", "bone", "edge", "sharp", "hrct", "detail", "chst"}) {
    protocol.sharp_kernel = protocol.sharp_kernel || kernel.find(word) != std::string::npos;
  }
  std::string digits;
  for (const char c : kernel) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      digits += c;
    } else if (!digits.empty()) {
      break;
    }
  }
  if (!digits.empty() && (kernel[0] == 'b' || kernel[0] == 'q' || kernel[0] == 'h')) {
    protocol.sharp_kernel = protocol.sharp_kernel || std::stoi(digits.substr(0, 3)) >= 50;
  }
  if (!digits.empty() && kernel.starts_with("fc")) {
    const int number = std::stoi(digits.substr(0, 3));
    protocol.sharp_kernel = protocol.sharp_kernel || (number >= 30 && number < 60) || number >= 80;
  }
  if (kernel == "l" || kernel == "yc" || kernel == "yd" || kernel == "ya") protocol.sharp_kernel = true;
  const std::string options = lower(header.text("ScanOptions").value_or(""));
  protocol.gated = header.number("HeartRate").has_value() || options.find("ecg") != std::string::npos ||
                   options.find("card") != std::string::npos || options.find("gat") != std::string::npos;
  const std::string agent = lower(trim(header.text("ContrastBolusAgent").value_or("")));
  const bool given = !agent.empty() && agent != "no" && agent != "none" && agent != "n" && agent != "no contrast" && agent != "without";
  std::string words = lower(input.series->description + " " + header.text("ProtocolName").value_or(""));
  if (given) {
    protocol.contrast = CtProtocol::Contrast::given;
  } else if (words.find("native") != std::string::npos || words.find("non contrast") != std::string::npos ||
             words.find("non-contrast") != std::string::npos || words.find("noncontrast") != std::string::npos ||
             words.find("w/o") != std::string::npos || words.find("without contrast") != std::string::npos ||
             words.find("calcium") != std::string::npos || words.find("nativ") != std::string::npos) {
    protocol.contrast = CtProtocol::Contrast::none;
  }
  return protocol;
}

}  // namespace gantry::analysis
