// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <limits>

#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/compute/vector.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/filters.h"
#include "gantry/volume/median_network.h"

namespace gantry {

namespace {

using median_network::Network;

constexpr std::int64_t median_rows = 32;

/// Runs a network on values[0..]; everything is unrolled, so the values live in registers.
template <const Network& network, int first, int last>
[[gnu::always_inline]] inline void apply(Float8* values) {
  if constexpr (last - first == 1) {
    constexpr median_network::Comparator c = network.comparator[first];
    const Float8 a = values[c.low], b = values[c.high];
    if constexpr (c.need_low) values[c.low] = min8(a, b);
    if constexpr (c.need_high) values[c.high] = max8(a, b);
  } else if constexpr (last > first) {
    apply<network, first, (first + last) / 2>(values);
    apply<network, (first + last) / 2, last>(values);
  }
}

/// Columns of S values along k are sorted once for all rows, merged along j into lists of S^2, two neighbours along i into pairs of
/// 2 S^2, of which the places that the median can come from are kept, and those are joined with the remaining lists.
template <int S>
struct Networks;
template <>
struct Networks<3> {
  static constexpr Network column = median_network::sorter(3);
  static constexpr Network plane = median_network::merger(3, 3, 0, 8);
  /// Of 18 values the places 4 to 13 may be the median of 27: the others have more than 13 above or below them.
  static constexpr Network pair = median_network::merger(2, 9, 4, 13);
};
template <>
struct Networks<5> {
  static constexpr Network column = median_network::sorter(5);
  static constexpr Network plane = median_network::merger(5, 5, 0, 24);
  static constexpr Network pair = median_network::merger(2, 25, 0, 49);
  /// Of 100 values the places 37 to 62 may be the median of 125.
  static constexpr Network quad = median_network::merger(2, 50, 37, 62);
};

/// out[s][i] = the s-th smallest of the S values rows[..][i]; NaN counts as infinity. n is a multiple of 8.
template <int S>
[[gnu::always_inline]] inline void sort_columns(const float* const* rows, float* const* out, std::int64_t n) {
  const Float8 infinity = fill8(std::numeric_limits<float>::infinity());
  for (std::int64_t i = 0; i < n; i += 8) {
    Float8 v[S];
    for (int s = 0; s < S; ++s) {
      const Float8 value = load8(rows[s] + i);
      v[s] = value == value ? value : infinity;
    }
    apply<Networks<S>::column, 0, Networks<S>::column.count>(v);
    for (int s = 0; s < S; ++s) store8(out[s] + i, v[Networks<S>::column.sorted[s]]);
  }
}

/// out[m][i] = the m-th smallest of the S sorted columns columns[S * c + s][i].
template <int S>
[[gnu::always_inline]] inline void merge_plane(const float* const* columns, float* const* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += 8) {
    Float8 v[S * S];
    for (int m = 0; m < S * S; ++m) v[m] = load8(columns[m] + i);
    apply<Networks<S>::plane, 0, Networks<S>::plane.count>(v);
    for (int m = 0; m < S * S; ++m) store8(out[m] + i, v[Networks<S>::plane.sorted[m]]);
  }
}

GANTRY_SIMD void sort_columns_3(const float* const* rows, float* const* out, std::int64_t n) { sort_columns<3>(rows, out, n); }
GANTRY_SIMD void sort_columns_5(const float* const* rows, float* const* out, std::int64_t n) { sort_columns<5>(rows, out, n); }
GANTRY_SIMD void merge_plane_3(const float* const* columns, float* const* out, std::int64_t n) { merge_plane<3>(columns, out, n); }
GANTRY_SIMD void merge_plane_5(const float* const* columns, float* const* out, std::int64_t n) { merge_plane<5>(columns, out, n); }

/// Median of the lists at i, i + 1, i + 2: the 10th of 10 kept and 9 further values, which is the smallest over all ways to take ten of
/// the larger of the two last taken.
GANTRY_SIMD void select_3(const float* const* lists, float* out, std::int64_t n) {
  using N = Networks<3>;
  for (std::int64_t i = 0; i < n; i += 8) {
    Float8 v[18];
    for (int m = 0; m < 9; ++m) {
      v[m] = load8(lists[m] + i);
      v[9 + m] = load8(lists[m] + i + 1);
    }
    apply<N::pair, 0, N::pair.count>(v);
    Float8 result = v[N::pair.sorted[13]];
    for (int taken = 1; taken < 10; ++taken) {
      result = min8(result, max8(v[N::pair.sorted[4 + taken - 1]], load8(lists[9 - taken] + i + 2)));
    }
    store8(out + i, result);
  }
}

GANTRY_SIMD void pairs_5(const float* const* lists, float* const* pairs, std::int64_t n) {
  using N = Networks<5>;
  for (std::int64_t i = 0; i < n; i += 8) {
    Float8 v[50];
    for (int m = 0; m < 25; ++m) {
      v[m] = load8(lists[m] + i);
      v[25 + m] = load8(lists[m] + i + 1);
    }
    apply<N::pair, 0, N::pair.count>(v);
    for (int m = 0; m < 50; ++m) store8(pairs[m] + i, v[N::pair.sorted[m]]);
  }
}

/// Median of the pairs at i and i + 2 and the list at i + 4: the 26th of 26 kept and 25 further values.
GANTRY_SIMD void select_5(const float* const* pairs, const float* const* lists, float* out, std::int64_t n) {
  using N = Networks<5>;
  for (std::int64_t i = 0; i < n; i += 8) {
    Float8 v[100];
    for (int m = 0; m < 50; ++m) {
      v[m] = load8(pairs[m] + i);
      v[50 + m] = load8(pairs[m] + i + 2);
    }
    apply<N::quad, 0, N::quad.count>(v);
    Float8 result = v[N::quad.sorted[62]];
    for (int taken = 1; taken < 26; ++taken) {
      result = min8(result, max8(v[N::quad.sorted[37 + taken - 1]], load8(lists[25 - taken] + i + 4)));
    }
    store8(out + i, result);
  }
}

/// Rows of scratch of one width.
class Rows {
 public:
  Rows(std::int64_t count, std::int64_t width) : values_(static_cast<std::size_t>(count * width)) {
    for (std::int64_t n = 0; n < count; ++n) pointers_.push_back(values_.data() + n * width);
  }
  float* const* data() { return pointers_.data(); }
  float* operator[](std::int64_t n) { return pointers_[static_cast<std::size_t>(n)]; }

 private:
  std::vector<float> values_;
  std::vector<float*> pointers_;
};

/// Filters rows [j_begin, j_end) of slice k.
class MedianBlock {
 public:
  MedianBlock(const VoxelView<float>& image, int radius, Border border, Voxels<float>& result)
      : image_(image),
        radius_(radius),
        side_(2 * radius + 1),
        border_(border),
        result_(result),
        n_(image.grid().size(0)),
        inner_((n_ + 7) / 8 * 8),
        width_(inner_ + 24),
        loaded_(side_, width_),
        columns_(side_ * side_, width_),
        lists_(side_ * side_, width_),
        pairs_(radius == 2 ? 50 : 0, width_),
        row_(1, width_) {}

  void filter(std::int64_t k, std::int64_t j_begin, std::int64_t j_end) {
    for (std::int64_t j = j_begin - radius_; j < j_begin + radius_; ++j) load_column(k, j);
    std::vector<const float*> window(static_cast<std::size_t>(side_ * side_));
    for (std::int64_t j = j_begin; j < j_end; ++j) {
      load_column(k, j + radius_);
      for (std::int64_t m = 0; m < side_ * side_; ++m) window[static_cast<std::size_t>(m)] = columns_[m];
      const std::int64_t padded = (n_ + 2 * radius_ + 7) / 8 * 8;
      if (radius_ == 1) {
        merge_plane_3(window.data(), lists_.data(), padded);
        select_3(lists_.data(), row_[0], inner_);
      } else {
        merge_plane_5(window.data(), lists_.data(), padded);
        pairs_5(lists_.data(), pairs_.data(), padded);
        select_5(pairs_.data(), lists_.data(), row_[0], inner_);
      }
      std::copy_n(row_[0], n_, result_.data() + result_.grid().index(0, j, k));
    }
  }

 private:
  /// Sorts the columns along k of row j into its place of the ring; the borders along i repeat sorted columns.
  void load_column(std::int64_t k, std::int64_t j) {
    const auto [ni, nj, nk] = image_.grid().size();
    const std::int64_t y = border_index(j, nj, border_);
    for (int s = 0; s < side_; ++s) {
      const std::int64_t z = border_index(k + s - radius_, nk, border_);
      if (y < 0 || z < 0) {
        std::fill_n(loaded_[s], n_, 0.0F);
      } else {
        std::copy_n(&image_(0, y, z), n_, loaded_[s]);
      }
    }
    const std::int64_t place = ((j % side_) + side_) % side_ * side_;
    float* const* const out = columns_.data() + place;
    std::array<float*, 5> inside{};
    for (int s = 0; s < side_; ++s) inside[static_cast<std::size_t>(s)] = out[s] + 8;  // aligned; moved to the radius below
    if (radius_ == 1) {
      sort_columns_3(loaded_.data(), inside.data(), inner_);
    } else {
      sort_columns_5(loaded_.data(), inside.data(), inner_);
    }
    for (int s = 0; s < side_; ++s) {
      float* const row = out[s];
      std::copy(row + 8, row + 8 + n_, row + radius_);
      for (int b = 1; b <= radius_; ++b) {
        const std::int64_t before = border_index(-b, ni, border_), after = border_index(ni - 1 + b, ni, border_);
        row[radius_ - b] = before < 0 ? 0.0F : row[radius_ + before];
        row[radius_ + n_ - 1 + b] = after < 0 ? 0.0F : row[radius_ + after];
      }
    }
  }

  const VoxelView<float>& image_;
  int radius_, side_;
  Border border_;
  Voxels<float>& result_;
  std::int64_t n_, inner_, width_;
  Rows loaded_, columns_, lists_, pairs_, row_;
};

}  // namespace

Voxels<float> median(const VoxelView<float>& image, int radius, Border border, const Run& run) {
  require_volume(image, "image");
  if (radius != 1 && radius != 2) throw Error(ErrorCode::parameter, fmt::format("radius: must be 1 or 2 voxels; got {}", radius));
  const std::int64_t nj = image.grid().size(1), nk = image.grid().size(2);
  auto result = Voxels<float>::uninitialized(image.grid());
  const std::int64_t parts = (nj + median_rows - 1) / median_rows;
  parallel_for(run, nk * parts, 4, [&](std::int64_t begin, std::int64_t end) {
    MedianBlock block(image, radius, border, result);
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t first = n % parts * median_rows;
      block.filter(n / parts, first, std::min(nj, first + median_rows));
    }
  });
  return result;
}

}  // namespace gantry
