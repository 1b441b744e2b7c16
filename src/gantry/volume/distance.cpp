// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/distance.h"

#include <limits>

#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/compute/vector.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/lines.h"
#include "gantry/volume/morphology.h"
#include "gantry/volume/row_scan.h"

namespace gantry {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::int64_t lanes = 16;

/// Squared distances of `n` voxels between two sites, one before the first and one behind the last (where told so).
GANTRY_SIMD void fill_gap(float* out, std::int64_t n, bool before, bool behind, float step_squared) {
  const auto far = static_cast<std::int32_t>(n) + 1;
  const std::int32_t left = before ? 1 : far, right = behind ? static_cast<std::int32_t>(n) : far + static_cast<std::int32_t>(n);
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(n); ++i) {
    const auto d = static_cast<float>(std::min(left + i, right - i));
    out[i] = d * d * step_squared;
  }
}

/// Squared distances along one row.
void row_distances(const std::uint8_t* row, bool to_background, float step_squared, std::int64_t n, float* out) {
  std::int64_t i = 0;
  bool before = false;
  while (i < n) {
    const std::int64_t site = to_background ? skip_non_zeros(row, i, n) : skip_zeros(row, i, n);
    if (!before && site == n) {
      std::fill(out + i, out + n, infinity);
    } else {
      fill_gap(out + i, site - i, before, site < n, step_squared);
    }
    i = to_background ? skip_zeros(row, site, n) : skip_non_zeros(row, site, n);
    std::fill(out + site, out + i, 0.0F);
    before = true;
  }
}

/// Sixteen lines at once, sample p of lane l at in[16 p + l]: looks outwards until no lane can win any more. Gives up (false) when
/// this takes more than `budget` steps; the lower envelope does it then.
GANTRY_SIMD bool search_lines(const float* in, const float* squares, std::int64_t n, std::int64_t budget, float* out) {
  using Long4 = std::int64_t __attribute__((vector_size(32)));
  for (std::int64_t p = 0; p < n; ++p) {
    Float8 a = load8(in + p * lanes), b = load8(in + p * lanes + 8);
    const std::int64_t reach = std::max(p, n - 1 - p);
    for (std::int64_t d = 1; d <= reach;) {
      const Float8 nearest = fill8(squares[d]);
      const Long4 more = (Long4)((nearest < a) | (nearest < b));
      if ((more[0] | more[1] | more[2] | more[3]) == 0) break;
      const std::int64_t stop = std::min(reach, d + 3);
      budget -= stop - d + 1;
      if (budget < 0) return false;
      for (; d <= stop; ++d) {
        const Float8 square = fill8(squares[d]);
        if (p >= d) {
          a = min8(load8(in + (p - d) * lanes) + square, a);
          b = min8(load8(in + (p - d) * lanes + 8) + square, b);
        }
        if (p + d < n) {
          a = min8(load8(in + (p + d) * lanes) + square, a);
          b = min8(load8(in + (p + d) * lanes + 8) + square, b);
        }
      }
    }
    store8(out + p * lanes, a);
    store8(out + p * lanes + 8, b);
  }
  return true;
}

/// Lower envelope of the parabolas f[q] + (x - x_q)^2 of one line, samples `stride` apart. With even spacing places are counted in
/// samples and the divisions are looked up.
class Envelope {
 public:
  /// `spacing_mm` 0: uneven, at `positions`.
  Envelope(const std::vector<double>& positions, double spacing_mm)
      : x_(positions),
        spacing_(spacing_mm),
        f_(positions.size()),
        inverse_(positions.size()),
        apex_(positions.size()),
        from_(positions.size() + 1) {
    for (std::size_t d = 1; d < inverse_.size(); ++d) inverse_[d] = 0.5 / static_cast<double>(d);
  }

  void apply(const float* in, std::int64_t stride, float* out) {
    const auto n = static_cast<std::int64_t>(x_.size());
    const bool even = spacing_ > 0;
    const double scale = even ? 1 / (spacing_ * spacing_) : 1;
    std::int64_t count = 0;
    for (std::int64_t q = 0; q < n; ++q) {
      const float value = in[q * stride];
      if (value == infinity) continue;
      const double f = f_[static_cast<std::size_t>(q)] = static_cast<double>(value) * scale;
      double from = -std::numeric_limits<double>::infinity();
      while (count > 0) {
        const std::int64_t v = apex_[static_cast<std::size_t>(count - 1)];
        from = even ? even_crossing(q, f, v) : crossing(q, f, v);
        if (from > from_[static_cast<std::size_t>(count - 1)]) break;
        --count;
        from = -std::numeric_limits<double>::infinity();
      }
      apex_[static_cast<std::size_t>(count)] = q;
      from_[static_cast<std::size_t>(count)] = from;
      ++count;
    }
    if (count == 0) {
      for (std::int64_t p = 0; p < n; ++p) out[p * stride] = infinity;
      return;
    }
    std::int64_t c = 0;
    for (std::int64_t p = 0; p < n; ++p) {
      const double x = even ? static_cast<double>(p) : at(p);
      while (c + 1 < count && from_[static_cast<std::size_t>(c + 1)] < x) ++c;
      const std::int64_t q = apex_[static_cast<std::size_t>(c)];
      const double d = even ? static_cast<double>(p - q) * spacing_ : at(p) - at(q);
      out[p * stride] = in[q * stride] + static_cast<float>(d * d);
    }
  }

 private:
  double at(std::int64_t n) const { return x_[static_cast<std::size_t>(n)]; }
  double crossing(std::int64_t q, double f, std::int64_t v) const {
    const double xq = at(q), xv = at(v);
    return ((f + xq * xq) - (f_[static_cast<std::size_t>(v)] + xv * xv)) / (2 * (xq - xv));
  }
  double even_crossing(std::int64_t q, double f, std::int64_t v) const {
    return (f - f_[static_cast<std::size_t>(v)]) * inverse_[static_cast<std::size_t>(q - v)] + 0.5 * static_cast<double>(q + v);
  }

  const std::vector<double>& x_;
  double spacing_;
  std::vector<double> f_, inverse_;
  std::vector<std::int64_t> apex_;
  std::vector<double> from_;
};

GANTRY_SIMD void root_row(float* row, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) row[i] = std::sqrt(row[i]);
}

}  // namespace

Voxels<float> squared_distance(const MaskView& mask, bool to_background, bool rooted, const Run& run) {
  require_volume(mask, "mask");
  const Grid& grid = mask.grid();
  const auto [ni, nj, nk] = grid.size();
  const Vec3 h = grid.spacing_mm();
  const int last_axis = nk > 1 ? 2 : nj > 1 ? 1 : 0;
  auto result = Voxels<float>::uninitialized(grid);
  parallel_for(run, nj * nk, 512, [&, ni = ni](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      float* const out = result.data() + row * ni;
      row_distances(mask.data() + row * ni, to_background, static_cast<float>(h.x * h.x), ni, out);
      if (rooted && last_axis == 0) root_row(out, ni);
    }
  });
  for (int axis = 1; axis < 3; ++axis) {
    const std::int64_t n = grid.size(axis);
    if (n == 1) continue;
    const bool even = axis == 1 || grid.slice_positions_mm().size() <= 1;
    std::vector<double> positions(static_cast<std::size_t>(n));
    std::vector<float> squares(static_cast<std::size_t>(n));
    for (std::int64_t p = 0; p < n; ++p) {
      const double x = static_cast<double>(p) * h[axis];
      positions[static_cast<std::size_t>(p)] = even ? x : grid.slice_positions_mm()[static_cast<std::size_t>(p)];
      squares[static_cast<std::size_t>(p)] = static_cast<float>(x * x);
    }
    for_each_lines(result, axis, 0, Border::nearest, run, [&](const Lines& lines) {
      std::vector<float> in(static_cast<std::size_t>(n * lanes)), out(in.size());
      Envelope envelope(positions, even ? h[axis] : 0.0);
      for (std::int64_t first = 0; first < lines.width; first += lanes) {
        const std::int64_t width = std::min(lanes, lines.width - first);
        for (std::int64_t p = 0; p < n; ++p) std::copy_n(lines.rows[p] + first, width, in.data() + p * lanes);
        if (!(even && search_lines(in.data(), squares.data(), n, 24 * n, out.data()))) {
          for (std::int64_t l = 0; l < width; ++l) envelope.apply(in.data() + l, lanes, out.data() + l);
        }
        if (rooted && axis == last_axis) root_row(out.data(), n * lanes);
        for (std::int64_t p = 0; p < n; ++p) std::copy_n(out.data() + p * lanes, width, lines.out + p * lines.width + first);
      }
    });
  }
  return result;
}

Voxels<float> distance(const MaskView& mask, const Run& run) { return squared_distance(mask, false, true, run); }

}  // namespace gantry
