// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/head_mr_skull.h"

#include <algorithm>
#include <cmath>

#include "gantry/compute/parallel.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"
#include "gantry/volume/resample.h"

namespace gantry::analysis {

namespace {

constexpr double inward_mm = 5;
constexpr double outward_mm = 10;
constexpr double step_mm = 0.4;
constexpr int samples = static_cast<int>((inward_mm + outward_mm) / step_mm) + 1;

/// Trilinear between voxels, the nearest voxel beyond the image.
class Sampler {
 public:
  explicit Sampler(const VoxelView<float>& image) : image_(image), size_(image.grid().size()) {}
  float operator()(Vec3 voxel) const {
    std::array<std::int64_t, 3> low{};
    std::array<std::int64_t, 3> high{};
    std::array<double, 3> t{};
    for (int a = 0; a < 3; ++a) {
      const auto n = static_cast<std::size_t>(a);
      const double v = std::clamp(voxel[a], 0.0, static_cast<double>(size_[n] - 1));
      low[n] = static_cast<std::int64_t>(v);
      high[n] = std::min(low[n] + 1, size_[n] - 1);
      t[n] = v - static_cast<double>(low[n]);
    }
    double sum = 0;
    for (std::size_t c = 0; c < 8; ++c) {
      double w = 1;
      std::array<std::int64_t, 3> at{};
      for (std::size_t a = 0; a < 3; ++a) {
        const bool upper = (c >> a & 1) != 0;
        at[a] = upper ? high[a] : low[a];
        w *= upper ? t[a] : 1 - t[a];
      }
      if (w > 0) sum += w * image_[at[0] + size_[0] * (at[1] + size_[1] * at[2])];
    }
    return static_cast<float>(sum);
  }

 private:
  const VoxelView<float>& image_;
  Size3 size_;
};

/// Signal along the normal at one place of the rough surface, from inside to outside, and where on it the skull begins.
struct Ray {
  std::int64_t voxel = 0;
  std::array<float, samples> profile{};
  float offset_mm = 0;  ///< of the inner table, outwards
  float darkest = 0;    ///< signal of the dark line
  float weight = 0;
};

/// The part of the working grid around a mask, with a margin for the rays.
struct Part {
  Size3 begin{}, size{};
};

Part around(const Mask& mask, double margin_mm) {
  const Grid& grid = mask.grid();
  const Size3 size = grid.size();
  Part part;
  std::array<std::int64_t, 3> low{size[0], size[1], size[2]};
  std::array<std::int64_t, 3> high{-1, -1, -1};
  for (std::int64_t n = 0; n < mask.count(); ++n) {
    if (mask[n] == 0) continue;
    const std::array<std::int64_t, 3> at{n % size[0], n / size[0] % size[1], n / (size[0] * size[1])};
    for (std::size_t a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], at[a]);
      high[a] = std::max(high[a], at[a]);
    }
  }
  for (std::size_t a = 0; a < 3; ++a) {
    const std::int64_t margin = std::llround(margin_mm / grid.spacing_mm()[static_cast<int>(a)]);
    part.begin[a] = std::max<std::int64_t>(0, low[a] - margin);
    part.size[a] = std::min(size[a], high[a] + margin + 1) - part.begin[a];
  }
  return part;
}

/// Signed distance to the surface of the mask in mm, negative inside, a little smoothed.
Voxels<float> signed_distance(const Mask& mask, const Run& run) {
  const Grid& grid = mask.grid();
  Mask outside(grid);
  for (std::int64_t n = 0; n < outside.count(); ++n) outside[n] = mask[n] == 0 ? 1 : 0;
  Voxels<float> out = distance(mask, run);
  const Voxels<float> in = distance(outside, run);
  const auto half = static_cast<float>(0.5 * grid.spacing_mm().x);
  for (std::int64_t n = 0; n < out.count(); ++n) out[n] = mask[n] != 0 ? half - in[n] : out[n] - half;
  return gaussian(out, {1.5, 1.5, 1.5}, Border::nearest, run);
}

std::vector<Ray> cast_rays(const Voxels<float>& surface, const VoxelView<float>& image, const Run& run) {
  const Grid& grid = surface.grid();
  const Size3 size = grid.size();
  std::vector<Ray> rays;
  for (std::int64_t k = 1; k + 1 < size[2]; ++k) {
    for (std::int64_t j = 1; j + 1 < size[1]; ++j) {
      for (std::int64_t i = 1; i + 1 < size[0]; ++i) {
        const std::int64_t n = grid.index(i, j, k);
        if (std::abs(surface[n]) <= 0.5 * grid.spacing_mm().x) rays.push_back({n, {}, 0, 0});
      }
    }
  }
  const Sampler sample(image);
  parallel_for(run, static_cast<std::int64_t>(rays.size()), 256, [&](std::int64_t begin, std::int64_t end) {
    const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
    for (std::int64_t r = begin; r < end; ++r) {
      Ray& ray = rays[static_cast<std::size_t>(r)];
      const std::int64_t n = ray.voxel;
      const Vec3 slope{static_cast<double>(surface[n + stride[0]] - surface[n - stride[0]]),
                       static_cast<double>(surface[n + stride[1]] - surface[n - stride[1]]),
                       static_cast<double>(surface[n + stride[2]] - surface[n - stride[2]])};
      const double length = norm(slope);
      if (!(length > 1e-3)) continue;
      const Vec3 normal = (1 / length) * slope;
      const Vec3 voxel{static_cast<double>(n % size[0]), static_cast<double>(n / size[0] % size[1]),
                       static_cast<double>(n / (size[0] * size[1]))};
      const Vec3 start = grid.world_from_voxel(voxel) - (inward_mm + static_cast<double>(surface[n])) * normal;
      for (int s = 0; s < samples; ++s) {
        ray.profile[static_cast<std::size_t>(s)] = sample(image.grid().voxel_from_world(start + (step_mm * s) * normal));
      }
      ray.weight = 1;
    }
  });
  std::erase_if(rays, [](const Ray& ray) { return ray.weight == 0; });
  return rays;
}

struct Levels {
  double bone, fluid, gray;
};

/// Looks for the dark line near `expected_mm` and sets offset and weight.
void find_skull(Ray& ray, double expected_mm, double price_per_mm, const Levels& level) {
  // Half of the scale for what is darker than fluid: fluid itself says little about where the skull is.
  const auto brightness = [&](double v) {
    return v < level.fluid ? 0.5 * std::max(0.0, v - level.bone) / (level.fluid - level.bone)
                           : 0.5 + 0.5 * (v - level.fluid) / (level.gray - level.fluid);
  };
  double best = INFINITY;
  int dark = -1;
  // Behind the inner table lies marrow: what is bright on the way outwards adds to the price of going on.
  const double bright = 0.5 * (level.fluid + level.gray);
  double passed = 0;
  for (int s = 1; s + 1 < samples; ++s) {
    const auto n = static_cast<std::size_t>(s);
    if (step_mm * s > inward_mm && ray.profile[n] > bright) passed += 0.06 * step_mm;
    if (ray.profile[n] > ray.profile[n - 1] || ray.profile[n] > ray.profile[n + 1]) continue;
    const double cost = brightness(ray.profile[n]) + passed + price_per_mm * std::abs(step_mm * s - inward_mm - expected_mm);
    if (cost < best) {
      best = cost;
      dark = s;
    }
  }
  ray.weight = 0;
  if (dark < 0) return;
  const double floor = ray.profile[static_cast<std::size_t>(dark)];
  ray.darkest = static_cast<float>(floor);
  const double edge = std::max(floor + 0.03 * (level.gray - floor), 0.5 * (level.bone + level.fluid));
  int s = dark;
  while (s > 0 && ray.profile[static_cast<std::size_t>(s)] < edge) --s;
  if (s == 0) return;
  const double inner = ray.profile[static_cast<std::size_t>(s)];
  const double outer = ray.profile[static_cast<std::size_t>(s + 1)];
  const double t = inner > outer ? std::clamp((inner - edge) / (inner - outer), 0.0, 1.0) : 0.0;
  ray.offset_mm = static_cast<float>(step_mm * (s + t) - inward_mm);
  ray.weight = static_cast<float>(std::clamp(1.6 - 2 * brightness(floor), 0.0, 1.0));
}

/// Weighted mean of the offsets of the rays around each voxel; `wide` takes part where there are few.
Voxels<float> spread(const std::vector<Ray>& rays, const Grid& grid, double sigma_mm, const Voxels<float>* wide, const Run& run) {
  Voxels<float> sum(grid);
  Voxels<float> weight(grid);
  for (const Ray& ray : rays) {
    sum[ray.voxel] += ray.weight * ray.offset_mm;
    weight[ray.voxel] += ray.weight;
  }
  const Vec3 sigma{sigma_mm, sigma_mm, sigma_mm};
  sum = gaussian(sum, sigma, Border::zero, run);
  weight = gaussian(weight, sigma, Border::zero, run);
  constexpr float few = 1e-3F;
  for (std::int64_t n = 0; n < sum.count(); ++n) {
    sum[n] = wide != nullptr ? (sum[n] + few * (*wide)[n]) / (weight[n] + few) : weight[n] > 1e-7F ? sum[n] / weight[n] : 0.0F;
  }
  return sum;
}

}  // namespace

Mask find_inner_table(const TissueInput& input, const BrainExtraction& brain, const Run& run) {
  const Part part = around(brain.intracranial, outward_mm + 6);
  const Mask rough = crop(MaskView(brain.intracranial), part.begin, part.size);
  const Grid& grid = rough.grid();
  Voxels<float> surface = signed_distance(rough, run);
  std::vector<Ray> rays = cast_rays(surface, input.image, run);
  if (rays.size() < 100) return input.space.clone();

  std::vector<float> darkest(rays.size());
  std::transform(rays.begin(), rays.end(), darkest.begin(),
                 [](const Ray& ray) { return *std::min_element(ray.profile.begin(), ray.profile.end()); });
  const auto& mean = brain.intensities.mean;
  Levels level{std::min<double>(quantile(darkest, 0.1), 0.9 * mean[0]), mean[0], mean[1]};
  const auto search = [&](const Voxels<float>* expected, double price_per_mm) {
    parallel_for(run, static_cast<std::int64_t>(rays.size()), 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        Ray& ray = rays[static_cast<std::size_t>(r)];
        find_skull(ray, expected != nullptr ? (*expected)[ray.voxel] : 1.0, price_per_mm, level);
      }
    });
  };
  search(nullptr, 0.04);
  const Voxels<float> coarse = spread(rays, grid, 10, nullptr, run);
  search(&coarse, 0.07);
  // Bone as it looks where it fills the voxels.
  std::transform(rays.begin(), rays.end(), darkest.begin(), [](const Ray& ray) { return ray.darkest; });
  level.bone = std::min<double>(quantile(darkest, 0.05), 0.9 * mean[0]);
  const Voxels<float> middle = spread(rays, grid, 6, &coarse, run);
  search(&middle, 0.1);
  for (Ray& ray : rays) {
    if (std::abs(ray.offset_mm - middle[ray.voxel]) > 2.5F) ray.weight *= 0.1F;
  }
  const Voxels<float> fine = spread(rays, grid, 2.5, &middle, run);
  for (std::int64_t n = 0; n < surface.count(); ++n) surface[n] -= fine[n];

  const Voxels<float> sampled = resample(surface, input.image.grid(), Interpolation::linear, 1.0F, run);
  Mask space = Mask::uninitialized(input.image.grid());
  for (std::int64_t n = 0; n < space.count(); ++n) space[n] = sampled[n] < 0 ? 1 : 0;
  // The cut at the foramen magnum and the ends of the image stay.
  const Size3 size = grid.size();
  std::int64_t first = size[2];
  for (std::int64_t n = 0; n < rough.count(); ++n) {
    if (rough[n] == 0) continue;
    first = std::min(first, n / (size[0] * size[1]));
  }
  const double bottom = grid.world_from_voxel({0, 0, static_cast<double>(first) - 0.5}).z;
  const Size3 full = space.grid().size();
  parallel_for(run, full[2], 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < full[1]; ++j) {
        for (std::int64_t i = 0; i < full[0]; ++i) {
          const Vec3 voxel{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
          if (space.grid().world_from_voxel(voxel).z < bottom) space(i, j, k) = 0;
        }
      }
    }
  });
  return largest_component(space, Connectivity::faces, run);
}

}  // namespace gantry::analysis
