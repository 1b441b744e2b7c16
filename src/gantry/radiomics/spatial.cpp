// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiomics/spatial.h"

#include <array>
#include <cmath>
#include <complex>

#include "gantry/compute/fft.h"
#include "gantry/compute/parallel.h"

namespace gantry::radiomics {

namespace {

constexpr std::int64_t most_pairwise = 1500;
using Complex = std::complex<float>;

struct Spread {
  double mean = 0, squares = 0;
};

Spread spread_of(const Region& region) {
  Spread spread;
  const auto count = static_cast<double>(region.voxels);
  for (std::int64_t n = 0; n < region.values.count(); ++n) spread.mean += region.intensity[n] != 0 ? region.values[n] / count : 0.0;
  for (std::int64_t n = 0; n < region.values.count(); ++n) {
    const double d = region.intensity[n] != 0 ? region.values[n] - spread.mean : 0;
    spread.squares += d * d;
  }
  return spread;
}

/// Sums over ordered pairs: of the weights, of their products with both deviations, and with the square of the first.
struct PairSums {
  double weights = 0, products = 0, squares = 0;
};

PairSums pair_by_pair(const Region& region, const Spread& spread) {
  struct Place {
    Vec3 at;
    double value;
  };
  std::vector<Place> places;
  const Vec3 s = region.grid.spacing_mm();
  const Size3 size = region.grid.size();
  for (std::int64_t n = 0; n < region.values.count(); ++n) {
    if (region.intensity[n] == 0) continue;
    const std::int64_t i = n % size[0], j = n / size[0] % size[1], k = n / (size[0] * size[1]);
    places.push_back(
        {{static_cast<double>(i) * s.x, static_cast<double>(j) * s.y, static_cast<double>(k) * s.z}, region.values[n] - spread.mean});
  }
  PairSums sums;
  for (const Place& a : places) {
    for (const Place& b : places) {
      if (&a == &b) continue;
      const double weight = 1 / norm(a.at - b.at);
      sums.weights += weight;
      sums.products += weight * a.value * b.value;
      sums.squares += weight * a.value * a.value;
    }
  }
  return sums;
}

Size3 padded(const Region& region) {
  Size3 size = region.grid.size();
  for (auto& n : size) n = n == 1 ? 1 : fast_fft_length(2 * n - 1);
  return size;
}

/// Transforms along one axis, in place.
void transform(std::vector<Complex>& data, const Size3& size, std::size_t axis, bool forward, const Run& run) {
  const std::int64_t length = size[axis];
  if (length == 1) return;
  const Fft fft(length);
  const std::int64_t stride = axis == 0 ? 1 : axis == 1 ? size[0] : size[0] * size[1];
  const std::int64_t count = static_cast<std::int64_t>(data.size()) / length;
  parallel_for(run, (count + Fft::lanes - 1) / Fft::lanes, 4, [&](std::int64_t begin, std::int64_t end) {
    Fft::Lines lines(fft);
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = Fft::lanes * block, taken = std::min(Fft::lanes, count - first);
      std::array<Complex*, Fft::lanes> starts{};
      for (std::int64_t l = 0; l < taken; ++l)
        starts[static_cast<std::size_t>(l)] = data.data() + (first + l) / stride * stride * length + (first + l) % stride;
      for (std::int64_t n = 0; n < length; ++n) {
        for (std::int64_t l = 0; l < taken; ++l) lines.set(n, l, starts[static_cast<std::size_t>(l)][stride * n]);
      }
      forward ? fft.forward(lines) : fft.inverse(lines);
      for (std::int64_t n = 0; n < length; ++n) {
        for (std::int64_t l = 0; l < taken; ++l) starts[static_cast<std::size_t>(l)][stride * n] = lines.at(n, l);
      }
    }
  });
}

/// The convolutions of the mask (real part) and of the scaled deviations (imaginary part) with the weights, in one transform.
PairSums by_convolution(const Region& region, const Spread& spread, const Run& run) {
  const Size3 size = padded(region), inner = region.grid.size();
  const Vec3 s = region.grid.spacing_mm();
  const auto total = static_cast<std::size_t>(size[0] * size[1] * size[2]);
  std::vector<Complex> data(total), weights(total);
  const double deviation = std::sqrt(spread.squares / static_cast<double>(region.voxels));
  const auto at = [&](std::int64_t i, std::int64_t j, std::int64_t k) { return static_cast<std::size_t>(i + size[0] * (j + size[1] * k)); };
  parallel_for(run, size[2], 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        for (std::int64_t i = 0; i < size[0]; ++i) {
          const double x = static_cast<double>(std::min(i, size[0] - i)) * s.x, y = static_cast<double>(std::min(j, size[1] - j)) * s.y;
          const double z = static_cast<double>(std::min(k, size[2] - k)) * s.z, d = std::sqrt(x * x + y * y + z * z);
          weights[at(i, j, k)] = d > 0 ? static_cast<float>(s.x / d) : 0;
          if (i < inner[0] && j < inner[1] && k < inner[2]) {
            const std::int64_t n = region.grid.index(i, j, k);
            if (region.intensity[n] != 0) data[at(i, j, k)] = {1, static_cast<float>((region.values[n] - spread.mean) / deviation)};
          }
        }
      }
    }
  });
  for (std::size_t axis = 0; axis < 3; ++axis) {
    transform(data, size, axis, true, run);
    transform(weights, size, axis, true, run);
  }
  // The weights are even, so that their spectrum is real.
  for (std::size_t n = 0; n < total; ++n) data[n] *= weights[n].real();
  for (std::size_t axis = 0; axis < 3; ++axis) transform(data, size, axis, false, run);
  PairSums sums;
  for (std::int64_t n = 0; n < region.values.count(); ++n) {
    if (region.intensity[n] == 0) continue;
    const Complex near = data[at(n % inner[0], n / inner[0] % inner[1], n / (inner[0] * inner[1]))];
    const double value = region.values[n] - spread.mean;
    sums.weights += near.real() / s.x;
    sums.products += value * near.imag() * deviation / s.x;
    sums.squares += value * value * near.real() / s.x;
  }
  return sums;
}

}  // namespace

std::uint64_t autocorrelation_bytes(const Region& region) {
  if (region.voxels <= most_pairwise) return 0;
  const Size3 size = padded(region);
  return static_cast<std::uint64_t>(size[0]) * static_cast<std::uint64_t>(size[1]) * static_cast<std::uint64_t>(size[2]) * 2 *
         sizeof(Complex);
}

Autocorrelation autocorrelation(const Region& region, const Run& run) {
  const Spread spread = spread_of(region);
  if (region.voxels < 2 || !(spread.squares > 0)) return {};
  const PairSums sums = region.voxels <= most_pairwise ? pair_by_pair(region, spread) : by_convolution(region, spread, run);
  const auto count = static_cast<double>(region.voxels);
  return {count * sums.products / (sums.weights * spread.squares),
          (count - 1) * 2 * (sums.squares - sums.products) / (2 * sums.weights * spread.squares)};
}

}  // namespace gantry::radiomics
