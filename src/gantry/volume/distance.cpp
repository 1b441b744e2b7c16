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

namespace gantry {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::int64_t lanes = 16;

/// Squared distances along one row, by two scans.
void row_distances(const std::uint8_t* row, bool to_background, float step_squared, std::int64_t n, float* out) {
  std::int64_t last = -1;
  for (std::int64_t i = 0; i < n; ++i) {
    if ((row[i] != 0) != to_background) last = i;
    const auto d = static_cast<float>(i - last);
    out[i] = last < 0 ? infinity : d * d * step_squared;
  }
  last = -1;
  for (std::int64_t i = n - 1; i >= 0; --i) {
    if ((row[i] != 0) != to_background) last = i;
    if (last >= 0) {
      const auto d = static_cast<float>(last - i);
      out[i] = std::min(out[i], d * d * step_squared);
    }
  }
}

/// Sixteen lines at once, sample p of lane l at in[16 p + l]: looks outwards until no lane can win any more. Gives up (false) when
/// this takes more than `budget` steps; the lower envelope does it then.
GANTRY_SIMD bool search_lines(const float* in, const float* squares, std::int64_t n, std::int64_t budget, float* out) {
  for (std::int64_t p = 0; p < n; ++p) {
    Float8 a = load8(in + p * lanes), b = load8(in + p * lanes + 8);
    const std::int64_t reach = std::max(p, n - 1 - p);
    for (std::int64_t d = 1; d <= reach; ++d) {
      const Float8 square = fill8(squares[d]);
      const Int8 more = (square < a) | (square < b);
      std::int32_t any = 0;
      for (int l = 0; l < 8; ++l) any |= more[l];
      if (any == 0) break;
      if (--budget < 0) return false;
      if (p >= d) {
        a = min8(load8(in + (p - d) * lanes) + square, a);
        b = min8(load8(in + (p - d) * lanes + 8) + square, b);
      }
      if (p + d < n) {
        a = min8(load8(in + (p + d) * lanes) + square, a);
        b = min8(load8(in + (p + d) * lanes + 8) + square, b);
      }
    }
    store8(out + p * lanes, a);
    store8(out + p * lanes + 8, b);
  }
  return true;
}

/// Lower envelope of the parabolas f[q] + (x - x_q)^2 of one line, samples `stride` apart.
class Envelope {
 public:
  explicit Envelope(const std::vector<double>& positions) : x_(positions), apex_(positions.size()), from_(positions.size() + 1) {}

  void apply(const float* in, std::int64_t stride, float* out) {
    const auto n = static_cast<std::int64_t>(x_.size());
    const auto f = [&](std::int64_t q) { return static_cast<double>(in[q * stride]); };
    std::int64_t count = 0;
    for (std::int64_t q = 0; q < n; ++q) {
      if (in[q * stride] == infinity) continue;
      double from = -std::numeric_limits<double>::infinity();
      while (count > 0) {
        const std::int64_t v = apex_[static_cast<std::size_t>(count - 1)];
        const double xq = at(q), xv = at(v);
        from = ((f(q) + xq * xq) - (f(v) + xv * xv)) / (2 * (xq - xv));
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
      while (c + 1 < count && from_[static_cast<std::size_t>(c + 1)] < at(p)) ++c;
      const std::int64_t q = apex_[static_cast<std::size_t>(c)];
      const double d = at(p) - at(q);
      out[p * stride] = in[q * stride] + static_cast<float>(d * d);
    }
  }

 private:
  double at(std::int64_t n) const { return x_[static_cast<std::size_t>(n)]; }
  const std::vector<double>& x_;
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
      Envelope envelope(positions);
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
