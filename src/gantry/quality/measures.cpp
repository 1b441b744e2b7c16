// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/quality/measures.h"

#include <algorithm>
#include <cmath>

#include "gantry/compute/parallel.h"
#include "gantry/volume/measure.h"

namespace gantry::quality {

std::optional<double> local_noise(const Image& image, const MaskView& mask, double low, double high, const Run& run) {
  const Grid& grid = image.grid();
  const std::int64_t w = std::max<std::int64_t>(4, std::llround(9.0 / grid.spacing_mm().x));
  const std::int64_t h = std::max<std::int64_t>(4, std::llround(9.0 / grid.spacing_mm().y));
  std::vector<std::vector<float>> found(static_cast<std::size_t>(grid.size(2)));
  visit_real(image, [&](const auto& view) {
    parallel_for(run, grid.size(2), 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t k = first; k < last; ++k) {
        for (std::int64_t j = 0; j + h <= grid.size(1); j += h) {
          for (std::int64_t i = 0; i + w <= grid.size(0); i += w) {
            double sum = 0, squares = 0;
            bool whole = true;
            for (std::int64_t y = j; y < j + h && whole; ++y) {
              for (std::int64_t x = i; x < i + w; ++x) {
                const std::int64_t n = grid.index(x, y, k);
                if (mask[n] == 0) {
                  whole = false;
                  break;
                }
                const auto value = static_cast<double>(view[n]);
                sum += value;
                squares += value * value;
              }
            }
            if (!whole) continue;
            const auto count = static_cast<double>(w * h);
            const double mean = sum / count;
            if (!(mean >= low && mean <= high)) continue;
            found[static_cast<std::size_t>(k)].push_back(static_cast<float>(std::sqrt(std::max(0.0, squares / count - mean * mean))));
          }
        }
      }
    });
  });
  std::vector<float> all;
  for (const auto& slice : found) all.insert(all.end(), slice.begin(), slice.end());
  if (all.size() < 30) return std::nullopt;
  return quantile(std::move(all), 0.15);
}

namespace {

/// Sums of the background in line with the object along one axis, and along none.
struct Background {
  double in_line = 0, apart = 0;
  std::int64_t in_line_count = 0, apart_count = 0;
};

struct Surroundings {
  std::array<Background, 3> ghosts;
  std::int64_t zeros = 0, voxels = 0;
};

}  // namespace

std::optional<double> difference_noise(const VoxelView<float>& image, const MaskView& inside, const Run& run) {
  const Grid& grid = image.grid();
  const Size3 size = grid.size();
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  std::array<std::vector<std::vector<float>>, 3> differences;  // of each axis and slice
  for (auto& slices : differences) slices.resize(static_cast<std::size_t>(size[2]));
  parallel_for(run, std::max<std::int64_t>(0, size[2] - 2), 4, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first + 1; k < last + 1; ++k) {
      for (std::int64_t j = 1; j + 1 < size[1]; ++j) {
        for (std::int64_t n = grid.index(1, j, k), end = grid.index(size[0] - 1, j, k); n < end; ++n) {
          if ((n & 3) != 0 || inside[n] == 0) continue;
          if (!std::ranges::all_of(stride, [&](std::int64_t t) { return inside[n - t] != 0 && inside[n + t] != 0; })) continue;
          for (std::size_t a = 0; a < 3; ++a)
            differences[a][static_cast<std::size_t>(k)].push_back(std::abs(image[n - stride[a]] - 2 * image[n] + image[n + stride[a]]));
        }
      }
    }
  });
  std::optional<double> largest;
  for (auto& slices : differences) {
    std::vector<float> all;
    for (auto& slice : slices) {
      all.insert(all.end(), slice.begin(), slice.end());
      slice = {};
    }
    if (all.size() < 200) return std::nullopt;
    const double noise = 1.4826 * quantile(std::move(all), 0.5) / std::sqrt(6.0);
    if (!largest || noise > *largest) largest = noise;
  }
  return largest;
}

Ghosting background_ghosting(const VoxelView<float>& image, double threshold, double signal, const Run& run) {
  Ghosting ghosting;
  const Grid& grid = image.grid();
  const Size3 size = grid.size();
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  // Which lines of each axis meet the object.
  std::array<std::vector<std::uint8_t>, 3> meets;
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t lines = image.count() / size[static_cast<std::size_t>(axis)];
    meets[static_cast<std::size_t>(axis)].assign(static_cast<std::size_t>(lines), 0);
  }
  const auto line_of = [&](int axis, std::int64_t i, std::int64_t j, std::int64_t k) {
    return static_cast<std::size_t>(axis == 0 ? j + size[1] * k : axis == 1 ? i + size[0] * k : i + size[0] * j);
  };
  // Bright voxels of each line; those along the third axis are added up slab by slab.
  constexpr std::int64_t slab = 16;
  std::array<std::vector<std::int32_t>, 3> bright;
  for (std::size_t a = 0; a < 3; ++a) bright[a].assign(meets[a].size(), 0);
  using Counts = std::vector<std::int32_t>;
  bright[2] = parallel_reduce(
      run, size[2], slab, std::move(bright[2]),
      [&](std::int64_t first, std::int64_t last) {
        Counts down(static_cast<std::size_t>(size[0] * size[1]), 0);
        for (std::int64_t k = first; k < last; ++k) {
          for (std::int64_t j = 0; j < size[1]; ++j) {
            const float* row = image.data() + grid.index(0, j, k);
            std::int32_t* const below = down.data() + size[0] * j;
            std::int32_t* const across = bright[1].data() + size[0] * k;
            std::int32_t along = 0;
            for (std::int64_t i = 0; i < size[0]; ++i) {
              const std::int32_t one = row[i] > threshold ? 1 : 0;
              along += one;
              across[i] += one;
              below[i] += one;
            }
            bright[0][line_of(0, 0, j, k)] = along;
          }
        }
        return down;
      },
      [](Counts& total, const Counts& part) {
        for (std::size_t n = 0; n < part.size(); ++n) total[n] += part[n];
      });
  for (std::size_t a = 0; a < 3; ++a) {
    const double needed = 15 / grid.spacing_mm()[static_cast<int>(a)];
    for (std::size_t l = 0; l < bright[a].size(); ++l) meets[a][l] = bright[a][l] > needed ? 1 : 0;
  }

  // Background: dark, and at least 12 mm from anything bright along all three axes is approximated by running counters along i.
  const auto reach = [&](int axis) { return std::max<std::int64_t>(2, std::llround(12 / grid.spacing_mm()[axis])); };
  const std::array<std::int64_t, 3> far{reach(0), reach(1), reach(2)};
  const auto [ghosts, zeros, all] = parallel_reduce(
      run, (size[2] + 1) / 2, 4, Surroundings{},
      [&](std::int64_t first, std::int64_t last) {
        Surroundings part;
        for (std::int64_t k = 2 * first; k < std::min(2 * last, size[2]); k += 2) {
          for (std::int64_t j = 0; j < size[1]; j += 2) {
            for (std::int64_t i = 0; i < size[0]; i += 2) {
              const std::int64_t n = grid.index(i, j, k);
              if (!(image[n] <= threshold)) continue;
              const std::array<bool, 3> in{meets[0][line_of(0, i, j, k)] != 0, meets[1][line_of(1, i, j, k)] != 0,
                                           meets[2][line_of(2, i, j, k)] != 0};
              const int lines = in[0] + in[1] + in[2];
              // Inside the object every axis meets it: its hollows are not background.
              if (lines >= 2) continue;
              const std::array<std::int64_t, 3> at{i, j, k};
              bool clear = true;
              for (std::size_t a = 0; a < 3 && clear; ++a) {
                for (const std::int64_t side : {-far[a], -far[a] / 2, far[a] / 2, far[a]}) {
                  if (at[a] + side < 0 || at[a] + side >= size[a]) continue;
                  clear = clear && image[n + side * stride[a]] <= threshold;
                }
              }
              if (!clear) continue;
              ++part.voxels;
              if (image[n] == 0) ++part.zeros;
              for (std::size_t a = 0; a < 3; ++a) {
                if (in[a]) {
                  part.ghosts[a].in_line += image[n];
                  ++part.ghosts[a].in_line_count;
                } else if (lines == 0) {
                  part.ghosts[a].apart += image[n];
                  ++part.ghosts[a].apart_count;
                }
              }
            }
          }
        }
        return part;
      },
      [](Surroundings& total, const Surroundings& part) {
        total.zeros += part.zeros;
        total.voxels += part.voxels;
        for (std::size_t a = 0; a < 3; ++a) {
          total.ghosts[a].in_line += part.ghosts[a].in_line;
          total.ghosts[a].apart += part.ghosts[a].apart;
          total.ghosts[a].in_line_count += part.ghosts[a].in_line_count;
          total.ghosts[a].apart_count += part.ghosts[a].apart_count;
        }
      });
  ghosting.blanked = all > 0 && static_cast<double>(zeros) > 0.5 * static_cast<double>(all);
  if (!ghosting.blanked) {
    for (const Background& g : ghosts) {
      if (g.in_line_count < 500 || g.apart_count < 500) continue;
      const double excess = g.in_line / static_cast<double>(g.in_line_count) - g.apart / static_cast<double>(g.apart_count);
      ghosting.percent = std::max(ghosting.percent.value_or(0), 100 * std::max(0.0, excess) / (2 * signal));
    }
  }
  run.check();
  return ghosting;
}

std::optional<double> edge_width_mm(const VoxelView<float>& image, double threshold) {
  std::optional<double> width_mm;
  const Grid& grid = image.grid();
  const Size3 size = grid.size();
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    const double step_mm = grid.spacing_mm()[axis];
    const auto window = std::max<std::int64_t>(3, std::llround(5 / step_mm));
    std::vector<float> widths;
    const std::size_t u = (a + 1) % 3;
    const std::size_t v = (a + 2) % 3;
    for (std::int64_t q = 0; q < size[v]; q += 4) {
      for (std::int64_t p = 0; p < size[u]; p += 4) {
        const std::int64_t start = p * stride[u] + q * stride[v];
        for (const bool forward : {true, false}) {
          const auto at = [&](std::int64_t m) { return image[start + (forward ? m : size[a] - 1 - m) * stride[a]]; };
          std::int64_t first = window;
          while (first + window < size[a] && !(at(first) > threshold)) ++first;
          if (first + window >= size[a] || first == window) continue;
          float low = at(first);
          float high = at(first);
          float slope = 0;
          for (std::int64_t m = first - window; m < first + window; ++m) {
            low = std::min(low, at(m));
            if (m >= first) high = std::max(high, at(m));
            if (m + 1 <= first + 1) slope = std::max(slope, at(m + 1) - at(m));
          }
          if (high - low > 2 * threshold && slope > 0) widths.push_back(static_cast<float>(0.94 * (high - low) / slope * step_mm));
        }
      }
    }
    if (widths.size() >= 50) width_mm = std::max(width_mm.value_or(0), quantile(std::move(widths), 0.25));
  }
  return width_mm;
}

}  // namespace gantry::quality
