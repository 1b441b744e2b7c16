// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/scanner.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gantry/compute/parallel.h"

namespace gantry::simulation {

namespace {

/// Half of a symmetric kernel: tap[0] is the centre.
std::vector<float> gaussian_taps(double sigma) {
  const int radius = std::max(1, static_cast<int>(std::ceil(4 * sigma)));
  std::vector<double> raw;
  double sum = 0;
  for (int n = 0; n <= radius; ++n) {
    raw.push_back(std::exp(-0.5 * n * n / (sigma * sigma)));
    sum += (n ? 2 : 1) * raw.back();
  }
  std::vector<float> taps;
  for (const double r : raw) taps.push_back(static_cast<float>(r / sum));
  return taps;
}

std::int64_t mirrored(std::int64_t n, std::int64_t count) {
  if (count == 1) return 0;
  const std::int64_t period = 2 * count - 2;
  n = ((n % period) + period) % period;
  return n < count ? n : period - n;
}

/// One line of `count` values `stride` apart is filtered for `width` neighbouring columns at once.
void filter_lines(float* data, std::int64_t count, std::int64_t stride, std::int64_t width, const std::vector<float>& taps,
                  std::vector<float>& scratch) {
  scratch.resize(static_cast<std::size_t>(count * width));
  for (std::int64_t n = 0; n < count; ++n) std::copy_n(data + n * stride, width, scratch.data() + n * width);
  const auto radius = static_cast<std::int64_t>(taps.size()) - 1;
  for (std::int64_t n = 0; n < count; ++n) {
    float* out = data + n * stride;
    const float* center = scratch.data() + n * width;
    for (std::int64_t c = 0; c < width; ++c) out[c] = taps[0] * center[c];
    for (std::int64_t r = 1; r <= radius; ++r) {
      const float* a = scratch.data() + mirrored(n - r, count) * width;
      const float* b = scratch.data() + mirrored(n + r, count) * width;
      const float tap = taps[static_cast<std::size_t>(r)];
      for (std::int64_t c = 0; c < width; ++c) out[c] += tap * (a[c] + b[c]);
    }
  }
}

/// Filters one slice in its plane.
void filter_plane(float* slice, std::int64_t nx, std::int64_t ny, const std::vector<float>& taps_x, const std::vector<float>& taps_y,
                  std::vector<float>& scratch) {
  if (!taps_y.empty()) filter_lines(slice, ny, nx, nx, taps_y, scratch);
  if (taps_x.empty()) return;
  const auto radius = static_cast<std::int64_t>(taps_x.size()) - 1;
  scratch.resize(static_cast<std::size_t>(nx + 2 * radius));
  for (std::int64_t j = 0; j < ny; ++j) {
    float* row = slice + j * nx;
    for (std::int64_t i = -radius; i < nx + radius; ++i) scratch[static_cast<std::size_t>(i + radius)] = row[mirrored(i, nx)];
    const float* center = scratch.data() + radius;
    for (std::int64_t i = 0; i < nx; ++i) row[i] = taps_x[0] * center[i];
    for (std::int64_t r = 1; r <= radius; ++r) {
      const float tap = taps_x[static_cast<std::size_t>(r)];
      for (std::int64_t i = 0; i < nx; ++i) row[i] += tap * (center[i - r] + center[i + r]);
    }
  }
}

std::vector<float> taps_for(double sigma_mm, double spacing_mm, std::int64_t count) {
  if (!(sigma_mm > 0) || count == 1) return {};
  return gaussian_taps(sigma_mm / spacing_mm);
}

}  // namespace

void blur(Voxels<float>& image, Vec3 sigma, const Run& run) {
  const Grid& grid = image.grid();
  const std::int64_t nx = grid.size(0), ny = grid.size(1), nz = grid.size(2);
  const Vec3 spacing = grid.spacing_mm();
  const auto tx = taps_for(sigma.x, spacing.x, nx), ty = taps_for(sigma.y, spacing.y, ny), tz = taps_for(sigma.z, spacing.z, nz);
  parallel_for(run, nz, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch;
    for (std::int64_t k = begin; k < end; ++k) filter_plane(image.data() + k * nx * ny, nx, ny, tx, ty, scratch);
  });
  if (tz.empty()) return;
  parallel_for(run, ny, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch;
    for (std::int64_t j = begin; j < end; ++j) filter_lines(image.data() + j * nx, nz, nx * ny, nx, tz, scratch);
  });
}

Voxels<float> ct_noise(const Grid& grid, double grain, Random random, const Run& run) {
  const std::int64_t nx = grid.size(0), ny = grid.size(1), nz = grid.size(2);
  const Vec3 spacing = grid.spacing_mm();
  const auto narrow_x = gaussian_taps(grain / spacing.x), narrow_y = gaussian_taps(grain / spacing.y);
  const auto broad_x = gaussian_taps(2.2 * grain / spacing.x), broad_y = gaussian_taps(2.2 * grain / spacing.y);
  constexpr float removed = 0.85F;
  // Sum of squares of the kernel narrow - removed * broad, so that the result has unit variance away from the border.
  const auto tap = [](const std::vector<float>& taps, std::size_t n) { return n < taps.size() ? static_cast<double>(taps[n]) : 0.0; };
  double power = 0;
  for (std::size_t b = 0; b < broad_y.size(); ++b) {
    for (std::size_t a = 0; a < broad_x.size(); ++a) {
      const double value = tap(narrow_x, a) * tap(narrow_y, b) - removed * tap(broad_x, a) * tap(broad_y, b);
      power += (a ? 2 : 1) * (b ? 2 : 1) * value * value;
    }
  }
  const double between = std::min(0.45, 0.5 * std::exp(-spacing.z / 1.6));
  const double level = 1 / std::sqrt(power * (1 + 2 * between * between));
  Voxels<float> noise = Voxels<float>::uninitialized(grid);
  parallel_for(run, nz, 1, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t count = nx * ny;
    std::vector<float> scratch, broad(static_cast<std::size_t>(count));
    for (std::int64_t k = begin; k < end; ++k) {
      float* slice = noise.data() + k * count;
      for (std::int64_t n = 0; n < count; n += 2) {
        // Box-Muller on one pair of uniforms: two independent values.
        const auto counter = static_cast<std::uint64_t>(k * count + n);
        const std::uint64_t bits = random.bits(counter);
        const float u = (static_cast<float>(bits >> 40) + 0.5F) * 0x1p-24F;
        const float angle = static_cast<float>(bits & 0xFFFFFFu) * static_cast<float>(2 * 3.14159265358979 * 0x1p-24);
        const float radius = std::sqrt(-2.0F * std::log(u)) * static_cast<float>(level);
        slice[n] = radius * std::cos(angle);
        if (n + 1 < count) slice[n + 1] = radius * std::sin(angle);
      }
      std::copy_n(slice, count, broad.data());
      filter_plane(slice, nx, ny, narrow_x, narrow_y, scratch);
      filter_plane(broad.data(), nx, ny, broad_x, broad_y, scratch);
      for (std::int64_t n = 0; n < count; ++n) slice[n] -= removed * broad[static_cast<std::size_t>(n)];
    }
  });
  if (nz > 1) {
    const std::vector<float> taps{1.0F, static_cast<float>(between)};
    parallel_for(run, ny, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> scratch;
      for (std::int64_t j = begin; j < end; ++j) filter_lines(noise.data() + j * nx, nz, nx * ny, nx, taps, scratch);
    });
  }
  return noise;
}

Voxels<float> smooth_noise(const Grid& grid, Vec3 sigma, Random random, const Run& run) {
  Voxels<float> noise = Voxels<float>::uninitialized(grid);
  double power = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const std::vector<float> taps = taps_for(sigma[axis], grid.spacing_mm()[axis], grid.size(axis));
    if (taps.empty()) continue;
    double sum = -static_cast<double>(taps[0]) * taps[0];
    for (const float tap : taps) sum += 2.0 * tap * tap;
    power *= sum;
  }
  const double level = 1 / std::sqrt(power);
  parallel_for(run, noise.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) noise[n] = static_cast<float>(level * random.normal(static_cast<std::uint64_t>(n)));
  });
  blur(noise, sigma, run);
  return noise;
}

void add_rician_noise(Voxels<float>& image, double sigma, Random random, const Run& run) {
  const Random other(random.bits(0), 7);
  parallel_for(run, image.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const auto counter = static_cast<std::uint64_t>(n);
      const double real = image[n] + sigma * random.normal(counter), imaginary = sigma * other.normal(counter);
      image[n] = static_cast<float>(std::sqrt(real * real + imaginary * imaginary));
    }
  });
}

}  // namespace gantry::simulation
