// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/volume_augmentation.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace gantry::learning {

namespace {

constexpr double beyond_voxels = 2;  // how far a patch may reach over the volume's end

/// Rotation about i, then j, then k.
Mat3 rotation(double a, double b, double c) {
  const double ca = std::cos(a), sa = std::sin(a), cb = std::cos(b), sb = std::sin(b), cc = std::cos(c), sc = std::sin(c);
  Mat3 turn;
  turn.column = {Vec3{cb * cc, cb * sc, -sb}, Vec3{sa * sb * cc - ca * sc, sa * sb * sc + ca * cc, sa * cb},
                 Vec3{ca * sb * cc + sa * sc, ca * sb * sc - sa * cc, ca * cb}};
  return turn;
}

/// The middle of the patch, in voxels of the volume.
std::array<double, 3> draw_place(const VolumeSource& source, const Size3& patch, double foreground_share, Random& random) {
  const Size3& size = source.image.grid().size();
  std::array<double, 3> place{};
  const bool on_class = random.next_uniform() < foreground_share;
  std::vector<std::size_t> there;
  for (std::size_t c = 0; c < source.positions.size(); ++c)
    if (!source.positions[c].empty()) there.push_back(c);
  std::int64_t voxel = -1;
  if (on_class && !there.empty()) {
    const auto& voxels =
        source.positions[there[static_cast<std::size_t>(random.next_integer(0, static_cast<std::int64_t>(there.size()) - 1))]];
    voxel = voxels[static_cast<std::size_t>(random.next_integer(0, static_cast<std::int64_t>(voxels.size()) - 1))];
  }
  const std::array<std::int64_t, 3> at{voxel % size[0], voxel / size[0] % size[1], voxel / (size[0] * size[1])};
  for (std::size_t a = 0; a < 3; ++a) {
    const double half = static_cast<double>(std::min(patch[a], size[a])) / 2, end = static_cast<double>(size[a]);
    const double low = half - 0.5 - beyond_voxels, high = end - half - 0.5 + beyond_voxels;
    place[a] = voxel < 0 ? random.next_uniform(low, high) : std::clamp(static_cast<double>(at[a]), low, high);
  }
  return place;
}

void vary_values(std::span<float> values, const VolumeAugmentation& augmentation, Random& random) {
  const auto within = [&](double most) { return random.next_uniform(-most, most); };
  const auto contrast = static_cast<float>(1 + within(augmentation.contrast)),
             brightness = static_cast<float>(within(augmentation.brightness));
  for (float& value : values) value = contrast * value + brightness;
  const auto moments = [&] {
    double sum = 0, squares = 0;
    for (const float value : values) sum += value, squares += static_cast<double>(value) * value;
    const double mean = sum / static_cast<double>(values.size());
    return std::pair{mean, std::sqrt(std::max(0.0, squares / static_cast<double>(values.size()) - mean * mean))};
  };
  const double exponent = std::exp(within(std::log1p(augmentation.gamma)));
  if (random.next_uniform() < augmentation.gamma_share) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    const float low = *least, range = *most - *least;
    if (range > 0) {
      const auto [mean, deviation] = moments();
      for (float& value : values) value = std::pow((value - low) / range, static_cast<float>(exponent));
      const auto [mean_after, deviation_after] = moments();
      const double factor = deviation / std::max(1e-8, deviation_after);
      for (float& value : values) value = static_cast<float>((value - mean_after) * factor + mean);
    }
  }
  const auto noise = static_cast<float>(random.next_uniform(0, augmentation.noise));
  if (random.next_uniform() < augmentation.noise_share)
    for (float& value : values) value += noise * static_cast<float>(random.next_normal());
}

}  // namespace

Json to_json(const VolumeAugmentation& augmentation) {
  return {{"turned", augmentation.turned},
          {"rotation_degrees", augmentation.rotation_degrees},
          {"scale", augmentation.scale},
          {"contrast", augmentation.contrast},
          {"brightness", augmentation.brightness},
          {"gamma", augmentation.gamma},
          {"gamma_share", augmentation.gamma_share},
          {"noise", augmentation.noise},
          {"noise_share", augmentation.noise_share},
          {"foreground_share", augmentation.foreground_share},
          {"mirror", augmentation.mirror}};
}

void draw_patch(const VolumeSource& source, const Size3& patch, const VolumeAugmentation& augmentation, Random random,
                std::span<float> values, std::span<std::uint8_t> labels) {
  const Grid& grid = source.image.grid();
  const Size3& size = grid.size();
  const auto place = draw_place(source, patch, augmentation.foreground_share, random);
  const bool turned = random.next_uniform() < augmentation.turned;
  const auto angle = [&] { return random.next_uniform(-1, 1) * augmentation.rotation_degrees * std::numbers::pi / 180; };
  const double a = angle(), b = angle(), c = angle(), scale = std::exp(random.next_uniform(-1, 1) * std::log1p(augmentation.scale));
  Mat3 turn = turned ? rotation(a, b, c) : Mat3{};
  const std::array<double, 3> mm{grid.spacing_mm().x, grid.spacing_mm().y, grid.spacing_mm().z};
  // Column n: how far a step along axis n of the patch goes, in voxels of the volume.
  std::array<std::array<double, 3>, 3> step{};
  for (std::size_t n = 0; n < 3; ++n) {
    const double side = (augmentation.mirror && random.next_uniform() < 0.5 ? -1 : 1) * (turned ? scale : 1);
    const Vec3 along = turn.column[n];
    step[n] = {side * along.x * mm[n] / mm[0], side * along.y * mm[n] / mm[1], side * along.z * mm[n] / mm[2]};
  }
  const std::int64_t voxels = patch[0] * patch[1] * patch[2], plane = size[0] * size[1], volume = grid.voxel_count();
  std::int64_t out = 0;
  for (std::int64_t k = 0; k < patch[2]; ++k) {
    for (std::int64_t j = 0; j < patch[1]; ++j) {
      for (std::int64_t i = 0; i < patch[0]; ++i, ++out) {
        const std::array<double, 3> from_middle{static_cast<double>(i) - static_cast<double>(patch[0] - 1) / 2,
                                                static_cast<double>(j) - static_cast<double>(patch[1] - 1) / 2,
                                                static_cast<double>(k) - static_cast<double>(patch[2] - 1) / 2};
        std::array<std::int64_t, 3> below{};
        std::array<float, 3> part{};
        std::int64_t nearest = 0, stride = 1;
        bool inside = true;
        for (std::size_t n = 0; n < 3; ++n) {
          const double x = place[n] + step[0][n] * from_middle[0] + step[1][n] * from_middle[1] + step[2][n] * from_middle[2];
          const auto last = static_cast<double>(size[n] - 1);
          inside = inside && x > -0.5 && x < last + 0.5;
          const double held = std::clamp(x, 0.0, last);
          below[n] = std::min(static_cast<std::int64_t>(held), std::max<std::int64_t>(0, size[n] - 2));
          part[n] = static_cast<float>(held - static_cast<double>(below[n]));
          nearest += stride * static_cast<std::int64_t>(held + 0.5);
          stride *= size[n];
        }
        const auto at = static_cast<std::size_t>(out);
        labels[at] = inside ? source.labels[nearest] : std::uint8_t{0};
        const std::int64_t corner = below[0] + size[0] * below[1] + plane * below[2];
        const std::int64_t right = size[0] > 1 ? 1 : 0, down = size[1] > 1 ? size[0] : 0, deep = size[2] > 1 ? plane : 0;
        for (std::int64_t channel = 0; channel < source.image.frames(); ++channel) {
          const float* v = source.image.data() + channel * volume + corner;
          const auto row = [&](const float* r) { return r[0] + part[0] * (r[right] - r[0]); };
          const auto slice = [&](const float* s) { return row(s) + part[1] * (row(s + down) - row(s)); };
          values[static_cast<std::size_t>(channel * voxels) + at] = inside ? slice(v) + part[2] * (slice(v + deep) - slice(v)) : 0.0F;
        }
      }
    }
  }
  for (std::int64_t channel = 0; channel < source.image.frames(); ++channel)
    vary_values(values.subspan(static_cast<std::size_t>(channel * voxels), static_cast<std::size_t>(voxels)), augmentation, random);
}

}  // namespace gantry::learning
