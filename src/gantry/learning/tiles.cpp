// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/tiles.h"

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"

namespace gantry::learning {

namespace {

constexpr std::int64_t tiles_at_once = 4;

std::vector<float> weights_along(std::int64_t tile) {
  std::vector<float> weights(static_cast<std::size_t>(tile));
  const double sigma = 0.125 * static_cast<double>(tile), middle = static_cast<double>(tile - 1) / 2;
  for (std::int64_t n = 0; n < tile; ++n) {
    const double x = (static_cast<double>(n) - middle) / sigma;
    weights[static_cast<std::size_t>(n)] = static_cast<float>(std::max(1e-3, std::exp(-0.5 * x * x)));
  }
  return weights;
}

/// One axis of the tiling, with what lies outside the volume on either side.
struct Axis {
  std::int64_t size, tile, before;  ///< `before`: voxels of the first tile that lie outside
  std::vector<std::int64_t> starts;
  std::vector<float> weights;
  std::vector<float> sums;  ///< of all tiles' weights at each voxel of the volume

  Axis(std::int64_t size_, std::int64_t tile_) : size(size_), tile(tile_), before(std::max<std::int64_t>(0, (tile_ - size_) / 2)) {
    starts = tile_starts(size, tile);
    weights = weights_along(tile);
    sums.assign(static_cast<std::size_t>(size), 0.0F);
    for (std::int64_t& start : starts) {
      start -= before;
      for (std::int64_t n = first(start); n < last(start); ++n)
        sums[static_cast<std::size_t>(n)] += weights[static_cast<std::size_t>(n - start)];
    }
  }
  /// The voxels of the volume in a tile.
  std::int64_t first(std::int64_t start) const { return std::max<std::int64_t>(0, start); }
  std::int64_t last(std::int64_t start) const { return std::min(size, start + tile); }
};

Tensor cut(const Voxels<float>& volume, const std::array<const Axis*, 3>& axes, const std::array<std::int64_t, 3>& start) {
  const auto& [i, j, k] = axes;
  Tensor tile{{1, volume.frames(), k->tile, j->tile, i->tile}, {}};
  tile.values.assign(static_cast<std::size_t>(volume.frames() * k->tile * j->tile * i->tile), 0.0F);
  const std::int64_t i0 = i->first(start[0]), count = i->last(start[0]) - i0;
  for (std::int64_t c = 0; c < volume.frames(); ++c) {
    for (std::int64_t z = k->first(start[2]); z < k->last(start[2]); ++z) {
      for (std::int64_t y = j->first(start[1]); y < j->last(start[1]); ++y) {
        const float* from = volume.data() + c * volume.grid().voxel_count() + volume.grid().index(i0, y, z);
        const std::int64_t row = (c * k->tile + z - start[2]) * j->tile + y - start[1];
        std::copy_n(from, count, tile.values.begin() + row * i->tile + i0 - start[0]);
      }
    }
  }
  return tile;
}

}  // namespace

std::vector<std::int64_t> tile_starts(std::int64_t size, std::int64_t tile) {
  if (size <= tile) return {0};
  const double over = static_cast<double>(size - tile);
  const auto steps = static_cast<std::int64_t>(std::ceil(over / (0.5 * static_cast<double>(tile))));
  std::vector<std::int64_t> starts;
  for (std::int64_t n = 0; n <= steps; ++n) starts.push_back(std::llround(static_cast<double>(n) * over / static_cast<double>(steps)));
  return starts;
}

void run_tiles(const Segmenter& network, int classes, const Voxels<float>& volume, const Size3& tile, Run& run, const SliceSink& sink) {
  const Size3& size = volume.grid().size();
  const Axis along_i(size[0], tile[0]), along_j(size[1], tile[1]), along_k(size[2], tile[2]);
  const std::int64_t plane = size[0] * size[1], slice = plane * classes, held = std::min(size[2], tile[2]);
  const std::uint64_t bytes = static_cast<std::uint64_t>(held * slice + 2 * tiles_at_once * classes * tile[0] * tile[1] * tile[2]) * 4;
  if (run.memory_bytes() && bytes > run.memory_bytes())
    throw Error(ErrorCode::out_of_memory,
                fmt::format("network: needs {} MB for its scores; the budget is {} MB", bytes >> 20, run.memory_bytes() >> 20));
  std::vector<float> scores(static_cast<std::size_t>(held * slice));  // slice z lies at z % held
  std::int64_t given = 0;
  std::vector<std::array<std::int64_t, 2>> places;
  for (const std::int64_t j : along_j.starts)
    for (const std::int64_t i : along_i.starts) places.push_back({i, j});
  for (std::size_t layer = 0; layer < along_k.starts.size(); ++layer) {
    const std::int64_t k = along_k.starts[layer];
    for (std::size_t n = 0; n < places.size(); n += tiles_at_once) {
      run.progress((static_cast<double>(layer) + static_cast<double>(n) / static_cast<double>(places.size())) /
                       static_cast<double>(along_k.starts.size()),
                   "network");
      std::vector<Tensor> answers(std::min<std::size_t>(tiles_at_once, places.size() - n));
      parallel_for(run, static_cast<std::int64_t>(answers.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin; t < end; ++t) {
          const auto& place = places[n + static_cast<std::size_t>(t)];
          answers[static_cast<std::size_t>(t)] = network.forward(cut(volume, {&along_i, &along_j, &along_k}, {place[0], place[1], k}), 1);
        }
      });
      for (std::size_t t = 0; t < answers.size(); ++t) {
        const auto [i, j] = places[n + t];
        const std::int64_t i0 = along_i.first(i), i1 = along_i.last(i);
        for (std::int64_t c = 0; c < classes; ++c) {
          for (std::int64_t z = along_k.first(k); z < along_k.last(k); ++z) {
            for (std::int64_t y = along_j.first(j); y < along_j.last(j); ++y) {
              const float weight = along_k.weights[static_cast<std::size_t>(z - k)] * along_j.weights[static_cast<std::size_t>(y - j)];
              const float* from = answers[t].values.data() + ((c * tile[2] + z - k) * tile[1] + y - j) * tile[0] - i;
              float* to = scores.data() + (z % held) * slice + c * plane + y * size[0];
              for (std::int64_t x = i0; x < i1; ++x) to[x] += weight * along_i.weights[static_cast<std::size_t>(x - i)] * from[x];
            }
          }
        }
      }
    }
    // Slices that no later tile reaches.
    const std::int64_t done = layer + 1 < along_k.starts.size() ? along_k.first(along_k.starts[layer + 1]) : size[2];
    for (; given < done; ++given) {
      const std::span<float> one(scores.data() + (given % held) * slice, static_cast<std::size_t>(slice));
      for (std::int64_t c = 0; c < classes; ++c) {
        for (std::int64_t y = 0; y < size[1]; ++y) {
          const float sum = along_k.sums[static_cast<std::size_t>(given)] * along_j.sums[static_cast<std::size_t>(y)];
          float* row = one.data() + c * plane + y * size[0];
          float check = 0;
          for (std::int64_t x = 0; x < size[0]; ++x) check += row[x] /= sum * along_i.sums[static_cast<std::size_t>(x)];
          if (!std::isfinite(check)) throw Error(ErrorCode::not_possible, "network: its scores must be finite; they are not");
        }
      }
      sink(given, one);
      std::fill(one.begin(), one.end(), 0.0F);
    }
  }
}

LabelsOnGrid::LabelsOnGrid(const Grid& from, const Grid& to, int classes, const Run& run)
    : classes_(classes), from_(from.size()), labels_(Voxels<std::uint8_t>::uninitialized(to)), run_(run) {
  for (int axis = 0; axis < 3; ++axis) {
    const auto last = static_cast<double>(from.size(axis) - 1);
    for (std::int64_t n = 0; n < to.size(axis); ++n) {
      const auto at = static_cast<double>(n);
      const Vec3 voxel = from.voxel_from_world(to.world_from_voxel({axis == 0 ? at : 0, axis == 1 ? at : 0, axis == 2 ? at : 0}));
      double x = std::clamp(axis == 0 ? voxel.x : axis == 1 ? voxel.y : voxel.z, 0.0, last);
      if (std::abs(x - std::round(x)) < 1e-6) x = std::round(x);
      const auto below = static_cast<std::int64_t>(x);
      places_[static_cast<std::size_t>(axis)].push_back({below, static_cast<float>(x - static_cast<double>(below))});
    }
  }
}

void LabelsOnGrid::take(std::int64_t k, std::span<const float> scores) {
  const auto& places = places_[2];
  for (; next_ < static_cast<std::int64_t>(places.size()); ++next_) {
    const Place& place = places[static_cast<std::size_t>(next_)];
    if (place.part == 0 ? place.below > k : place.below + 1 > k) break;
    if (place.part == 0)
      label_slice(next_, place.below == k ? scores : std::span<const float>(before_), {}, 0);
    else
      label_slice(next_, before_, scores, place.part);
  }
  if (next_ < static_cast<std::int64_t>(places.size())) before_.assign(scores.begin(), scores.end());
}

void LabelsOnGrid::label_slice(std::int64_t z, std::span<const float> below, std::span<const float> above, float part) {
  const Size3& to = labels_.grid().size();
  const std::int64_t plane = from_[0] * from_[1];
  parallel_for(run_, to[1], 16, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> row(static_cast<std::size_t>(from_[0]));
    std::vector<float> best(static_cast<std::size_t>(to[0]));
    for (std::int64_t y = begin; y < end; ++y) {
      const Place& v = places_[1][static_cast<std::size_t>(y)];
      std::uint8_t* out = labels_.data() + labels_.grid().index(0, y, z);
      for (int c = 0; c < classes_; ++c) {
        const std::int64_t first = c * plane + v.below * from_[0], second = v.part > 0 ? first + from_[0] : first;
        for (std::int64_t x = 0; x < from_[0]; ++x) {
          const auto at = [&](std::int64_t n) {
            const float value = below[static_cast<std::size_t>(n)];
            return part > 0 ? value + part * (above[static_cast<std::size_t>(n)] - value) : value;
          };
          const float value = at(first + x);
          row[static_cast<std::size_t>(x)] = v.part > 0 ? value + v.part * (at(second + x) - value) : value;
        }
        for (std::int64_t x = 0; x < to[0]; ++x) {
          const Place& u = places_[0][static_cast<std::size_t>(x)];
          const float value = row[static_cast<std::size_t>(u.below)];
          const float score = u.part > 0 ? value + u.part * (row[static_cast<std::size_t>(u.below) + 1] - value) : value;
          if (c == 0 || score > best[static_cast<std::size_t>(x)]) {
            best[static_cast<std::size_t>(x)] = score;
            out[x] = static_cast<std::uint8_t>(c);
          }
        }
      }
    }
  });
}

}  // namespace gantry::learning
