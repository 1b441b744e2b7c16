// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/ball.h"

#include <cstring>

#include "gantry/compute/parallel.h"

namespace gantry {

namespace {

using Word = std::uint64_t;
constexpr std::int64_t ball_rows_per_block = 256;
constexpr std::size_t most_rows = 1000;  // of a ball; with more of them exact distances are quicker
constexpr std::int64_t most_half_width = 40;

/// One row of the ball: all voxels within `half_width` along i.
struct BallRow {
  std::int64_t dj, dk, half_width;
};

std::vector<BallRow> ball_rows(const Grid& grid, double limit) {
  const Vec3 h = grid.spacing_mm();
  // Beyond the grid nothing is to be found.
  const auto reach = [&](int axis) { return std::min(grid.size(axis) - 1, static_cast<std::int64_t>(std::sqrt(limit) / h[axis])); };
  std::vector<BallRow> rows;
  const std::int64_t rj = reach(1), rk = reach(2);
  if ((2 * rj + 1) * (2 * rk + 1) > static_cast<std::int64_t>(2 * most_rows)) return {};
  for (std::int64_t dk = -rk; dk <= rk; ++dk) {
    for (std::int64_t dj = -rj; dj <= rj; ++dj) {
      const double y = static_cast<double>(dj) * h.y, z = static_cast<double>(dk) * h.z;
      const double rest = limit - y * y - z * z;
      if (!(rest >= 0)) continue;
      auto half_width = static_cast<std::int64_t>(std::sqrt(rest) / h.x);
      half_width = std::min(half_width, grid.size(0) - 1);
      if (half_width > most_half_width || rows.size() == most_rows) return {};
      rows.push_back({dj, dk, half_width});
    }
  }
  return rows;
}

/// Bit b of the result is set where byte b of eight voxels is not zero.
Word bits_of(const std::uint8_t* voxels) {
  Word eight = 0;
  std::memcpy(&eight, voxels, 8);
  constexpr Word low = 0x7f7f7f7f7f7f7f7fULL;
  const Word ones = ((((eight & low) + low) | eight) >> 7) & 0x0101010101010101ULL;
  return (ones * 0x0102040810204080ULL) >> 56;
}

/// Eight bytes of 0 or 1 out of eight bits.
Word bytes_of(Word bits) { return (((bits & 0x7f) * 0x0002040810204081ULL) & 0x0101010101010101ULL) | (bits >> 7) << 56; }

void pack(const std::uint8_t* row, std::int64_t n, bool background, Word* words) {
  for (std::int64_t first = 0; first < n; first += 64, ++words) {
    const std::int64_t count = std::min<std::int64_t>(64, n - first);
    Word word = 0;
    std::int64_t i = 0;
    for (; i + 8 <= count; i += 8) word |= bits_of(row + first + i) << i;
    for (; i < count; ++i) word |= static_cast<Word>(row[first + i] != 0) << i;
    if (background) word = ~word & (count == 64 ? ~Word{0} : (Word{1} << count) - 1);
    *words = word;
  }
}

void unpack(const Word* words, std::int64_t n, bool inverted, std::uint8_t* row) {
  const Word flip = inverted ? 0x0101010101010101ULL : 0;
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const Word eight = bytes_of(words[i / 64] >> (i % 64) & 0xff) ^ flip;
    std::memcpy(row + i, &eight, 8);
  }
  for (; i < n; ++i) row[i] = static_cast<std::uint8_t>((words[i / 64] >> (i % 64) & 1) ^ (flip & 1));
}

/// One voxel wider on both sides.
void widen(const Word* in, std::int64_t words, Word* out) {
  for (std::int64_t w = 0; w < words; ++w) {
    const Word before = w > 0 ? in[w - 1] >> 63 : 0, after = w + 1 < words ? in[w + 1] << 63 : 0;
    out[w] = in[w] | in[w] << 1 | in[w] >> 1 | before | after;
  }
}

void join(const Word* in, Word* sum, std::int64_t words) {
  for (std::int64_t w = 0; w < words; ++w) sum[w] |= in[w];
}

}  // namespace

std::optional<Mask> morphology_by_words(const MaskView& mask, double limit_mm2, bool erosion, const Run& run) {
  const Grid& grid = mask.grid();
  if (grid.slice_positions_mm().size() > 1) return std::nullopt;
  const std::vector<BallRow> ball = ball_rows(grid, limit_mm2);
  if (ball.empty()) return std::nullopt;
  std::int64_t widest = 0;
  for (const BallRow& row : ball) widest = std::max(widest, row.half_width);

  const auto [ni, nj, nk] = grid.size();
  const std::int64_t words = (ni + 63) / 64, rows = nj * nk;
  // Every row, widened by 0, 1, ..., widest.
  std::vector<std::vector<Word>> wide(static_cast<std::size_t>(widest) + 1, std::vector<Word>(static_cast<std::size_t>(rows * words)));
  parallel_for(run, rows, ball_rows_per_block, [&, ni = ni](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      pack(mask.data() + row * ni, ni, erosion, wide[0].data() + row * words);
      for (std::size_t w = 1; w < wide.size(); ++w) widen(wide[w - 1].data() + row * words, words, wide[w].data() + row * words);
    }
  });
  auto result = Mask::uninitialized(grid);
  parallel_for(run, rows, ball_rows_per_block, [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
    std::vector<Word> sum(static_cast<std::size_t>(words));
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t j = row % nj, k = row / nj;
      std::fill(sum.begin(), sum.end(), Word{0});
      for (const BallRow& b : ball) {
        const std::int64_t y = j + b.dj, z = k + b.dk;
        if (y < 0 || y >= nj || z < 0 || z >= nk) continue;
        join(wide[static_cast<std::size_t>(b.half_width)].data() + (z * nj + y) * words, sum.data(), words);
      }
      unpack(sum.data(), ni, erosion, result.data() + row * ni);
    }
  });
  return result;
}

}  // namespace gantry
