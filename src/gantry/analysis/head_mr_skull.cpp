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

constexpr double inward_mm = 8;
constexpr double outward_mm = 11;
constexpr double step_mm = 0.4;
constexpr int samples = static_cast<int>((inward_mm + outward_mm) / step_mm) + 1;
/// Of these the first that do not reach the air around the head.
constexpr int near_samples = static_cast<int>((inward_mm + 6) / step_mm);
constexpr int lines_at_most = 6;
constexpr int passes = 3;
constexpr int rounds = 12;

// On the scale of brightness of `Levels`: what is darker than `valley` may be bone, `dark_as_bone` surely is, and a rise by `clear_rise`
// parts two valleys.
constexpr double valley = 0.8;
constexpr double dark_as_bone = 0.35;
constexpr double clear_rise = 0.08;
constexpr double price_of_valley = 0.45;
constexpr double price_of_bright = 0.06;    // a millimetre
constexpr double price_of_distance = 0.03;  // a millimetre

/// Trilinear between voxels, the nearest voxel beyond the image.
class Sampler {
 public:
  explicit Sampler(const VoxelView<float>& image)
      : data_(image.data()), size_(image.grid().size()), stride_{1, size_[0], size_[0] * size_[1]} {}
  float operator()(Vec3 voxel) const {
    std::int64_t at = 0;
    std::array<std::int64_t, 3> next{};
    std::array<float, 3> t{};
    for (int a = 0; a < 3; ++a) {
      const auto n = static_cast<std::size_t>(a);
      const double v = std::clamp(voxel[a], 0.0, static_cast<double>(size_[n] - 1));
      const auto low = static_cast<std::int64_t>(v);
      at += low * stride_[n];
      next[n] = low + 1 < size_[n] ? stride_[n] : 0;
      t[n] = static_cast<float>(v - static_cast<double>(low));
    }
    const auto along = [&](std::int64_t n) { return data_[n] + t[0] * (data_[n + next[0]] - data_[n]); };
    const auto plane = [&](std::int64_t n) {
      const float first = along(n);
      return first + t[1] * (along(n + next[1]) - first);
    };
    const float first = plane(at);
    return first + t[2] * (plane(at + next[2]) - first);
  }

 private:
  const float* data_;
  Size3 size_;
  std::array<std::int64_t, 3> stride_;
};

/// A dark place on a ray: perhaps the bone of the inner table.
struct Line {
  float offset_mm = 0;  ///< of the edge towards the brain, outwards from the surface
  float weight = 0;     ///< how surely it is bone, 0 to 1
  float cost = 0;
};

/// Signal along the normal at one place of the surface, from inside to outside, and the dark lines on it.
struct Ray {
  std::int64_t voxel = 0;
  std::array<float, samples> profile{};
  std::array<Line, lines_at_most> lines{};
  int count = 0;
  int chosen = -1;
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
        if (std::abs(surface[n]) <= 0.5 * grid.spacing_mm().x) rays.push_back({.voxel = n});
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
      const Vec3 from = image.grid().voxel_from_world(start);
      const Vec3 step = image.grid().voxel_from_world(start + step_mm * normal) - from;
      for (int i = 0; i < samples; ++i) ray.profile[static_cast<std::size_t>(i)] = sample(from + static_cast<double>(i) * step);
      ray.count = 1;
    }
  });
  std::erase_if(rays, [](const Ray& ray) { return ray.count == 0; });
  return rays;
}

/// Signals from the darkest to the brightest; `brightness` is 0 at bone, half at fluid, 1 at grey matter.
struct Levels {
  double bone, fluid, gray;
  double thin_bone_mm;  ///< from the inner edge of a table thinner than the voxels to what is bright behind it, blur included
  double blur_mm;       ///< how far blur moves the edge of thin fluid
  double brightness(double v) const {
    return v < fluid ? 0.5 * std::max(0.0, v - bone) / (fluid - bone) : 0.5 + 0.5 * (v - fluid) / (gray - fluid);
  }
};

/// Where the samples from `dark` inwards rise above `edge`, between the samples; negative when they never do.
double rise_inwards(const Ray& ray, int dark, double edge) {
  int s = dark;
  while (s > 0 && ray.profile[static_cast<std::size_t>(s)] < edge) --s;
  const double inner = ray.profile[static_cast<std::size_t>(s)];
  const double outer = ray.profile[static_cast<std::size_t>(std::min(s + 1, samples - 1))];
  if (inner < edge) return -1;
  return s + (inner > outer ? std::clamp((inner - edge) / (inner - outer), 0.0, 1.0) : 0.0);
}

/// The dark valleys of a ray, each with a price: dark is cheap. Behind the inner table lies marrow: what is bright on the way outwards adds
/// to the price of going on, and so does every valley on the way. Marrow may be dim: a valley ends where the signal clearly rises again.
void find_lines(Ray& ray, const Levels& level) {
  double passed = 0;
  double crossed = 0;
  ray.count = 0;
  const double edge_of_bone = 0.5 * (level.bone + level.fluid);
  const auto dark_at = [&](int s) { return level.brightness(ray.profile[static_cast<std::size_t>(s)]); };
  int s = 0;
  while (s < samples && ray.count < lines_at_most) {
    if (dark_at(s) >= valley) {
      if (step_mm * s > inward_mm) passed += price_of_bright * step_mm;
      ++s;
      continue;
    }
    const int begin = s;
    double floor = 1;
    for (; s < samples && dark_at(s) < std::min(valley, floor + clear_rise); ++s) floor = std::min(floor, dark_at(s));
    // To where the signal falls again.
    const int end = s;
    while (s + 1 < samples && dark_at(s) < valley && dark_at(s + 1) >= dark_at(s)) ++s;
    const bool open = s + 1 >= samples;
    // The first place that is dark for this valley: as dark as half-way to bone, or where it is darkest.
    const double dark_enough = std::max(floor + 0.1, dark_as_bone);
    int first = begin;
    while (dark_at(first) > 0.25 && (dark_at(first) > dark_enough || (first + 1 < end && dark_at(first + 1) < dark_at(first)))) ++first;
    const double signal = ray.profile[static_cast<std::size_t>(first)];
    double at = rise_inwards(ray, first, std::max(edge_of_bone, signal + 0.03 * (level.gray - level.bone)));
    // Bone thinner than the voxels, perhaps behind fluid: next to what is bright outside. Where bone is seen, blur still draws the edge of
    // a film of fluid inwards, by some 0.35 voxels.
    const double next_to_marrow = open ? at : std::max(at, s - level.thin_bone_mm / step_mm);
    if (floor > dark_as_bone)
      at = open ? -1 : next_to_marrow;
    else if (at >= 0)
      at = std::min(next_to_marrow, at + level.blur_mm / step_mm);
    if (at >= 0) {
      Line& line = ray.lines[static_cast<std::size_t>(ray.count++)];
      line.offset_mm = static_cast<float>(step_mm * at - inward_mm);
      line.weight = static_cast<float>(std::clamp(1.6 - 2 * floor, 0.1, 1.0));
      line.cost = static_cast<float>(std::max(floor, 0.2) + passed + crossed + price_of_distance * std::abs(line.offset_mm));
    }
    crossed += price_of_valley * std::min(1.0, (valley - floor) / 0.2);
    if (open) break;
  }
}

/// Which rays belong to adjacent voxels: those of ray r are from[first[r]] to from[first[r + 1] - 1], in rising order.
struct Neighbors {
  std::vector<std::int32_t> first, from;
};

Neighbors adjacent(const std::vector<Ray>& rays, const Grid& grid) {
  const Size3 size = grid.size();
  Voxels<std::int32_t> ray_at(grid, -1);
  for (std::size_t r = 0; r < rays.size(); ++r) ray_at[rays[r].voxel] = static_cast<std::int32_t>(r);
  Neighbors near;
  near.first.reserve(rays.size() + 1);
  near.from.reserve(12 * rays.size());
  for (const Ray& ray : rays) {
    near.first.push_back(static_cast<std::int32_t>(near.from.size()));
    for (std::int64_t dk = -1; dk <= 1; ++dk) {
      for (std::int64_t dj = -1; dj <= 1; ++dj) {
        for (std::int64_t di = -1; di <= 1; ++di) {
          const std::int64_t n = ray.voxel + di + size[0] * (dj + size[1] * dk);
          if ((di != 0 || dj != 0 || dk != 0) && ray_at[n] >= 0) near.from.push_back(ray_at[n]);
        }
      }
    }
  }
  near.first.push_back(static_cast<std::int32_t>(near.from.size()));
  return near;
}

/// Means over each ray and its neighbours: along the surface noise and sulci fade, the table, parallel to it, stays as thin as it is.
void average_profiles(std::vector<Ray>& rays, const Neighbors& near, const Run& run) {
  std::vector<std::array<float, samples>> mean(rays.size());
  parallel_for(run, static_cast<std::int64_t>(rays.size()), 512, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const auto n = static_cast<std::size_t>(r);
      std::array<float, samples>& sum = mean[n];
      for (std::size_t s = 0; s < sum.size(); ++s) sum[s] = 2 * rays[n].profile[s];
      float weight = 2;
      for (std::int32_t e = near.first[n]; e < near.first[n + 1]; ++e) {
        const Ray& other = rays[static_cast<std::size_t>(near.from[static_cast<std::size_t>(e)])];
        for (std::size_t s = 0; s < sum.size(); ++s) sum[s] += other.profile[s];
        ++weight;
      }
      for (float& v : sum) v /= weight;
    }
  });
  for (std::size_t r = 0; r < rays.size(); ++r) rays[r].profile = mean[r];
}

/// Chooses one line on each ray, or none, so that lines are cheap and neighbours agree: belief propagation (min-sum) between adjacent
/// rays, all messages of a round at once. Taking none has a price too.
void choose_lines(std::vector<Ray>& rays, const Neighbors& near, const Run& run) {
  constexpr int states = lines_at_most + 1;  // the last is none
  constexpr float none_cost = 0.75F;
  constexpr float none_step = 0.15F;
  constexpr float per_mm = 0.08F;
  constexpr float at_most = 0.5F;
  const std::vector<std::int32_t>& first = near.first;
  const std::vector<std::int32_t>& from = near.from;
  // The edge in the other direction.
  std::vector<std::int32_t> back(from.size());
  for (std::size_t r = 0; r < rays.size(); ++r) {
    for (std::int32_t e = first[r]; e < first[r + 1]; ++e) {
      const auto other = static_cast<std::size_t>(from[static_cast<std::size_t>(e)]);
      const auto begin = from.begin() + first[other];
      back[static_cast<std::size_t>(e)] =
          static_cast<std::int32_t>(std::lower_bound(begin, from.begin() + first[other + 1], static_cast<std::int32_t>(r)) - from.begin());
    }
  }
  using Message = std::array<float, states>;
  std::vector<Message> messages(from.size(), Message{});
  std::vector<Message> belief(rays.size());
  const auto believe = [&] {
    parallel_for(run, static_cast<std::int64_t>(rays.size()), 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const auto n = static_cast<std::size_t>(r);
        const Ray& ray = rays[n];
        Message sum;
        sum.fill(1e6F);
        for (int s = 0; s < ray.count; ++s) sum[static_cast<std::size_t>(s)] = ray.lines[static_cast<std::size_t>(s)].cost;
        sum[states - 1] = none_cost;
        for (std::int32_t e = first[n]; e < first[n + 1]; ++e) {
          for (std::size_t s = 0; s < states; ++s) sum[s] += messages[static_cast<std::size_t>(e)][s];
        }
        belief[n] = sum;
      }
    });
  };
  believe();
  for (int round = 0; round < rounds; ++round) {
    std::vector<Message> next(messages.size());
    parallel_for(run, static_cast<std::int64_t>(rays.size()), 256, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const auto n = static_cast<std::size_t>(r);
        const Ray& to = rays[n];
        for (std::int32_t edge = first[n]; edge < first[n + 1]; ++edge) {
          const auto e = static_cast<std::size_t>(edge);
          const auto sender = static_cast<std::size_t>(from[e]);
          const Ray& by = rays[sender];
          const Message& heard = messages[static_cast<std::size_t>(back[e])];
          Message says;
          float least = INFINITY;
          for (std::size_t s = 0; s < states; ++s) {
            says[s] = belief[sender][s] - heard[s];
            least = std::min(least, says[s]);
          }
          const float none = says[states - 1] - least;
          Message& message = next[e];
          for (int t = 0; t < to.count; ++t) {
            const auto b = static_cast<std::size_t>(t);
            float best = std::min(at_most, none + none_step);
            for (int s = 0; s < by.count; ++s) {
              const auto a = static_cast<std::size_t>(s);
              best = std::min(best, says[a] - least + per_mm * std::abs(by.lines[a].offset_mm - to.lines[b].offset_mm));
            }
            message[b] = 0.5F * (messages[e][b] + best);
          }
          message[states - 1] = 0.5F * (messages[e][states - 1] + std::min(none, none_step));
        }
      }
    });
    messages = std::move(next);
    believe();
  }
  for (std::size_t r = 0; r < rays.size(); ++r) {
    const auto best = std::min_element(belief[r].begin(), belief[r].end()) - belief[r].begin();
    rays[r].chosen = best < rays[r].count ? static_cast<int>(best) : -1;
  }
}

/// Weighted mean of the offsets of the rays around each voxel; `wide` takes part where there are few.
Voxels<float> spread(const std::vector<Ray>& rays, const Grid& grid, double sigma_mm, const Voxels<float>* wide, const Run& run) {
  Voxels<float> sum(grid);
  Voxels<float> weight(grid);
  for (const Ray& ray : rays) {
    if (ray.chosen < 0) continue;
    const Line& line = ray.lines[static_cast<std::size_t>(ray.chosen)];
    sum[ray.voxel] += line.weight * line.offset_mm;
    weight[ray.voxel] += line.weight;
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
  const Part part = around(brain.intracranial, 2 * outward_mm);
  const Mask rough = crop(MaskView(brain.intracranial), part.begin, part.size);
  const Grid& grid = rough.grid();
  const auto& mean = brain.intensities.mean;
  const double edge_mm = std::cbrt(input.image.grid().voxel_volume_mm3());
  Levels level{0, mean[0], mean[1], 1 + 0.5 * edge_mm, 0.35 * edge_mm};
  Voxels<float> surface = signed_distance(rough, run);
  // What is thinner than a gyrus (a sinus, the orbit's fissure, marrow) is no part of the space.
  const auto body = [&] {
    Mask inside = Mask::uninitialized(grid);
    for (std::int64_t n = 0; n < inside.count(); ++n) inside[n] = surface[n] < 0 ? 1 : 0;
    return largest_component(open(inside, 4.5, run), Connectivity::faces, run);
  };
  // Each time from where the last one led, with the normals of that surface.
  for (int pass = 0; pass < passes; ++pass) {
    if (pass > 0) surface = signed_distance(body(), run);
    std::vector<Ray> rays = cast_rays(surface, input.image, run);
    if (rays.size() < 100) return input.space.clone();
    const Neighbors near = adjacent(rays, grid);
    average_profiles(rays, near, run);
    if (pass == 0) {
      // Bone as it looks where it fills the voxels; nearer than the air around the head.
      std::vector<float> darkest(rays.size());
      std::transform(rays.begin(), rays.end(), darkest.begin(),
                     [](const Ray& ray) { return *std::min_element(ray.profile.begin(), ray.profile.begin() + near_samples); });
      level.bone = std::min<double>(quantile(darkest, 0.1), 0.9 * mean[0]);
    }
    parallel_for(run, static_cast<std::int64_t>(rays.size()), 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) find_lines(rays[static_cast<std::size_t>(r)], level);
    });
    choose_lines(rays, near, run);
    const Voxels<float> coarse = spread(rays, grid, 8, nullptr, run);
    for (Ray& ray : rays) {
      if (ray.chosen >= 0 && std::abs(ray.lines[static_cast<std::size_t>(ray.chosen)].offset_mm - coarse[ray.voxel]) > 2.5F)
        ray.chosen = -1;
    }
    const Voxels<float> fine = spread(rays, grid, 2.5, &coarse, run);
    for (std::int64_t n = 0; n < surface.count(); ++n) surface[n] -= fine[n];
  }
  const Mask kept = body();
  for (std::int64_t n = 0; n < surface.count(); ++n) {
    if (surface[n] < 0 && kept[n] == 0) surface[n] = static_cast<float>(0.5 * grid.spacing_mm().x);
  }

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
  const double bottom = grid.world_from_voxel({0, 0, static_cast<double>(first) - 0.5}).z - 4;
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
