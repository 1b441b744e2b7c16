// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/video/tracker.h"

#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"

namespace gantry {

namespace {

using Level = PlanePyramid::Level;

/// (1 4 6 4 1) / 16 at every second place of a row that goes on by two pixels at both ends: `in` is its first pixel.
GANTRY_SIMD void halve_row(const float* __restrict in, std::int64_t count, float* __restrict out) {
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = (in[2 * i - 2] + in[2 * i + 2] + 4 * (in[2 * i - 1] + in[2 * i + 1]) + 6 * in[2 * i]) * 0.0625F;
}

GANTRY_SIMD void halve_column(const float* __restrict a, const float* __restrict b, const float* __restrict c, const float* __restrict d,
                              const float* __restrict e, std::int64_t count, float* __restrict out) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = (a[i] + e[i] + 4 * (b[i] + d[i]) + 6 * c[i]) * 0.0625F;
}

/// Every second row and column of the smoothed plane; the border pixel goes on beyond the border.
Level halved(const Level& fine) {
  Level coarse{(fine.columns + 1) / 2, (fine.rows + 1) / 2, {}};
  const int columns = fine.columns, rows = fine.rows;
  std::vector<float> across(static_cast<std::size_t>(coarse.columns) * static_cast<std::size_t>(rows));
  std::vector<float> line(static_cast<std::size_t>(columns) + 4);
  for (int j = 0; j < rows; ++j) {
    const float* row = fine.values.data() + static_cast<std::ptrdiff_t>(j) * columns;
    std::copy_n(row, columns, line.begin() + 2);
    line[0] = line[1] = row[0];
    line[line.size() - 1] = line[line.size() - 2] = row[columns - 1];
    halve_row(line.data() + 2, coarse.columns, across.data() + static_cast<std::ptrdiff_t>(j) * coarse.columns);
  }
  coarse.values.resize(static_cast<std::size_t>(coarse.columns) * static_cast<std::size_t>(coarse.rows));
  for (int j = 0; j < coarse.rows; ++j) {
    const auto row = [&](int r) { return across.data() + static_cast<std::ptrdiff_t>(std::clamp(r, 0, rows - 1)) * coarse.columns; };
    halve_column(row(2 * j - 2), row(2 * j - 1), row(2 * j), row(2 * j + 1), row(2 * j + 2), coarse.columns,
                 coarse.values.data() + static_cast<std::ptrdiff_t>(j) * coarse.columns);
  }
  return coarse;
}

std::array<float, 4> cubic_weights(float t) {
  const float t2 = t * t, t3 = t2 * t;
  return {0.5F * (-t3 + 2 * t2 - t), 0.5F * (3 * t3 - 5 * t2 + 2), 0.5F * (-3 * t3 + 4 * t2 + t), 0.5F * (t3 - t2)};
}

GANTRY_SIMD void filter_rows_of_patch(const float* __restrict in, std::ptrdiff_t pitch, int side, int tall, const float* weights,
                                      float* __restrict rows) {
  const float a = weights[0], b = weights[1], c = weights[2], d = weights[3];
  for (int r = 0; r < tall; ++r) {
    for (int n = 0; n < side; ++n) rows[n] = a * in[n] + b * in[n + 1] + c * in[n + 2] + d * in[n + 3];
    in += pitch;
    rows += side;
  }
}

GANTRY_SIMD void filter_columns_of_patch(const float* __restrict rows, std::int64_t count, int side, const float* weights,
                                         float* __restrict out) {
  const float a = weights[0], b = weights[1], c = weights[2], d = weights[3];
  for (std::int64_t n = 0; n < count; ++n) out[n] = a * rows[n] + b * rows[n + side] + c * rows[n + 2 * side] + d * rows[n + 3 * side];
}

/// What is written again and again while a patch is matched.
struct Scratch {
  std::vector<float> rows, square, patch;
};

/// The square of `side` pixels around `centre` as `out`, by cubic interpolation; beyond the border the border pixel goes on.
void sample_patch(const Level& level, PixelPoint centre, int side, Scratch& scratch, float* out) {
  const double left = centre.i - 0.5 * (side - 1), top = centre.j - 0.5 * (side - 1);
  const int i0 = static_cast<int>(std::floor(left)), j0 = static_cast<int>(std::floor(top));
  const auto wx = cubic_weights(static_cast<float>(left - i0)), wy = cubic_weights(static_cast<float>(top - j0));
  const int tall = side + 3;
  scratch.rows.resize(static_cast<std::size_t>(side) * static_cast<std::size_t>(tall));
  if (i0 >= 1 && j0 >= 1 && i0 + side + 1 < level.columns && j0 + side + 1 < level.rows) {
    filter_rows_of_patch(level.values.data() + static_cast<std::ptrdiff_t>(j0 - 1) * level.columns + i0 - 1, level.columns, side, tall,
                         wx.data(), scratch.rows.data());
  } else {
    scratch.square.resize(static_cast<std::size_t>(tall) * static_cast<std::size_t>(tall));
    for (int r = 0; r < tall; ++r) {
      const float* source = level.values.data() + static_cast<std::ptrdiff_t>(std::clamp(j0 - 1 + r, 0, level.rows - 1)) * level.columns;
      for (int c = 0; c < tall; ++c)
        scratch.square[static_cast<std::size_t>(r * tall + c)] = source[std::clamp(i0 - 1 + c, 0, level.columns - 1)];
    }
    filter_rows_of_patch(scratch.square.data(), tall, side, tall, wx.data(), scratch.rows.data());
  }
  filter_columns_of_patch(scratch.rows.data(), static_cast<std::int64_t>(side) * side, side, wy.data(), out);
}

/// Sums over patches go along this many lanes, which are added at the end; patches are followed by zeros up to a multiple.
constexpr std::size_t lanes = 16;

std::size_t padded(int side) { return (static_cast<std::size_t>(side * side) + lanes - 1) / lanes * lanes; }

template <std::size_t Count>
using LaneSums = std::array<std::array<float, lanes>, Count>;

template <std::size_t Count>
std::array<double, Count> added(const LaneSums<Count>& lane_sums) {
  std::array<double, Count> sums{};
  for (std::size_t n = 0; n < Count; ++n) {
    for (const float lane : lane_sums[n]) sums[n] += lane;
  }
  return sums;
}

/// Of v, a, b; v v, a a, a b, b b, a v, b v.
GANTRY_SIMD void moments(const float* v, const float* a, const float* b, std::size_t count, LaneSums<9>& sums) {
  LaneSums<9> own{};  // which no other pointer reaches
  for (std::size_t n = 0; n < count; n += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      const float x = v[n + l], y = a[n + l], z = b[n + l];
      own[0][l] += x;
      own[1][l] += y;
      own[2][l] += z;
      own[3][l] += x * x;
      own[4][l] += y * y;
      own[5][l] += y * z;
      own[6][l] += z * z;
      own[7][l] += y * x;
      own[8][l] += z * x;
    }
  }
  sums = own;
}

/// With p = patch - offset: of p, p p, p v, p a, p b.
GANTRY_SIMD void sums_with_patch(const float* patch, float offset, const float* v, const float* a, const float* b, std::size_t count,
                                 LaneSums<5>& sums) {
  LaneSums<5> own{};  // which no other pointer reaches
  for (std::size_t n = 0; n < count; n += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      const float p = patch[n + l] - offset;
      own[0][l] += p;
      own[1][l] += p * p;
      own[2][l] += p * v[n + l];
      own[3][l] += p * a[n + l];
      own[4][l] += p * b[n + l];
    }
  }
  sums = own;
}

/// With p = patch - offset: of p a x, p a y, p b x, p b y.
GANTRY_SIMD void sums_with_places(const float* patch, float offset, const float* a, const float* b, const float* x, const float* y,
                                  std::size_t count, LaneSums<4>& sums) {
  LaneSums<4> own{};  // which no other pointer reaches
  for (std::size_t n = 0; n < count; n += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      const float p = patch[n + l] - offset, pa = p * a[n + l], pb = p * b[n + l];
      own[0][l] += pa * x[n + l];
      own[1][l] += pa * y[n + l];
      own[2][l] += pb * x[n + l];
      own[3][l] += pb * y[n + l];
    }
  }
  sums = own;
}

/// A patch without its mean, its slopes without theirs, and the inverse of their products.
struct Template {
  std::vector<float> values, slope_i, slope_j;
  float mean = 0;                 ///< which was taken from `values`
  double with_i = 0, with_j = 0;  ///< sums of the products of values and slopes
  double a = 0, b = 0, c = 0;     ///< of the inverse [[a, b], [b, c]]
  double power = 0;               ///< sum of squares of `values`
  bool textured = false;
};

Template template_at(const Level& level, PixelPoint centre, int side, Scratch& scratch) {
  Template result;
  const int wide = side + 2;
  scratch.patch.resize(static_cast<std::size_t>(wide * wide));
  sample_patch(level, centre, wide, scratch, scratch.patch.data());
  const auto count = static_cast<std::size_t>(side * side);
  result.values.resize(padded(side));
  result.slope_i.resize(padded(side));
  result.slope_j.resize(padded(side));
  const float middle = scratch.patch[scratch.patch.size() / 2];
  for (int r = 0; r < side; ++r) {
    const float* p = scratch.patch.data() + (r + 1) * wide + 1;
    float *v = result.values.data() + r * side, *i = result.slope_i.data() + r * side, *j = result.slope_j.data() + r * side;
    for (int c = 0; c < side; ++c) {
      v[c] = p[c] - middle;
      i[c] = 0.5F * (p[c + 1] - p[c - 1]);
      j[c] = 0.5F * (p[c + wide] - p[c - wide]);
    }
  }
  LaneSums<9> lane_sums{};
  moments(result.values.data(), result.slope_i.data(), result.slope_j.data(), result.values.size(), lane_sums);
  const auto [v, i, j, vv, aa, ab, bb, av, bv] = added(lane_sums);
  const auto n = static_cast<double>(count);
  const auto mean_v = static_cast<float>(v / n), mean_i = static_cast<float>(i / n), mean_j = static_cast<float>(j / n);
  for (std::size_t at = 0; at < count; ++at) {
    result.values[at] -= mean_v;
    result.slope_i[at] -= mean_i;
    result.slope_j[at] -= mean_j;
  }
  result.mean = middle + mean_v;
  const double ii = aa - i * i / n, ij = ab - i * j / n, jj = bb - j * j / n;
  result.with_i = av - i * v / n;
  result.with_j = bv - j * v / n;
  result.power = vv - v * v / n;
  const double determinant = ii * jj - ij * ij;
  // The weaker direction must have a thousandth of the texture of the stronger one.
  result.textured = result.power > 0 && determinant > 1e-3 * (ii + jj) * (ii + jj);
  if (result.textured) {
    result.a = jj / determinant;
    result.b = -ij / determinant;
    result.c = ii / determinant;
  }
  return result;
}

/// Moves `at` to where the template is found on this level; the correlation there.
double descend(const Template& wanted, const Level& level, int side, PixelPoint& at, const TrackerOptions& options, Scratch& scratch) {
  const auto count = static_cast<std::size_t>(side * side);
  scratch.patch.resize(padded(side));
  std::fill(scratch.patch.begin() + static_cast<std::ptrdiff_t>(count), scratch.patch.end(), wanted.mean);
  double last = INFINITY;
  for (int turn = 0;; ++turn) {
    sample_patch(level, at, side, scratch, scratch.patch.data());
    LaneSums<5> lane_sums{};
    sums_with_patch(scratch.patch.data(), wanted.mean, wanted.values.data(), wanted.slope_i.data(), wanted.slope_j.data(),
                    scratch.patch.size(), lane_sums);
    const auto [sum, squares, product, with_i, with_j] = added(lane_sums);
    const double power = squares - sum * sum / static_cast<double>(count);
    const double correlation = power > 0 && wanted.power > 0 ? product / std::sqrt(power * wanted.power) : 0;
    const double pi = wanted.with_i - with_i, pj = wanted.with_j - with_j;  // the mean falls out: the slopes have none
    const double di = wanted.a * pi + wanted.b * pj, dj = wanted.b * pi + wanted.c * pj;
    const double step = std::hypot(di, dj);
    // Steps that grow lead away from the minimum.
    if (turn == options.iterations || !(step < 2 * last) || !(step < side)) return correlation;
    at.i += di;
    at.j += dj;
    if (step < options.step_px) return correlation;
    last = step;
  }
}

/// Inverse of a symmetric, positive definite matrix by Gauss and Jordan; false where it is nearly singular.
bool inverted(std::array<double, 36> m, std::array<double, 36>& inverse) {
  inverse = {};
  std::array<double, 6> scale{};
  for (std::size_t n = 0; n < 6; ++n) {
    inverse[7 * n] = 1;
    scale[n] = m[7 * n];
  }
  for (std::size_t column = 0; column < 6; ++column) {
    const double pivot = m[7 * column];
    if (!(pivot > 1e-6 * scale[column])) return false;
    for (std::size_t c = 0; c < 6; ++c) {
      m[6 * column + c] /= pivot;
      inverse[6 * column + c] /= pivot;
    }
    for (std::size_t row = 0; row < 6; ++row) {
      const double factor = m[6 * row + column];
      if (row == column || factor == 0) continue;
      for (std::size_t c = 0; c < 6; ++c) {
        m[6 * row + c] -= factor * m[6 * column + c];
        inverse[6 * row + c] -= factor * inverse[6 * column + c];
      }
    }
  }
  return true;
}

/// The six derivatives of a patch by position and by the linear map, at offset (x, y) with the slopes (i, j).
std::array<double, 6> derivatives(double i, double j, double x, double y) { return {i, j, i * x, i * y, j * x, j * y}; }

/// The value at a place between pixels, by cubic interpolation; beyond the border the border pixel goes on.
float sampled(const Level& level, double i, double j) {
  const int i0 = static_cast<int>(std::floor(i)), j0 = static_cast<int>(std::floor(j));
  const auto wx = cubic_weights(static_cast<float>(i - i0)), wy = cubic_weights(static_cast<float>(j - j0));
  float sum = 0;
  const bool inside = i0 >= 1 && j0 >= 1 && i0 + 2 < level.columns && j0 + 2 < level.rows;
  for (int r = 0; r < 4; ++r) {
    const int row = inside ? j0 - 1 + r : std::clamp(j0 - 1 + r, 0, level.rows - 1);
    const float* line = level.values.data() + static_cast<std::ptrdiff_t>(row) * level.columns;
    float part = 0;
    for (int c = 0; c < 4; ++c)
      part += wx[static_cast<std::size_t>(c)] * line[inside ? i0 - 1 + c : std::clamp(i0 - 1 + c, 0, level.columns - 1)];
    sum += wy[static_cast<std::size_t>(r)] * part;
  }
  return sum;
}

/// The values at (i + a x + b y, j + c x + d y) for offsets (x, y), by cubic interpolation; all must lie within 1 and the size of the
/// plane less 2.
GANTRY_SIMD void sample_map(const float* plane, int columns, float i, float j, const float* map, const float* x, const float* y,
                            std::size_t count, float* __restrict out) {
  const float a = map[0], b = map[1], c = map[2], d = map[3];
  for (std::size_t n = 0; n < count; ++n) {
    const float px = i + (a * x[n] + b * y[n]), py = j + (c * x[n] + d * y[n]);
    const int i0 = static_cast<int>(px), j0 = static_cast<int>(py);
    const float t = px - static_cast<float>(i0), u = py - static_cast<float>(j0);
    const float t2 = t * t, t3 = t2 * t, u2 = u * u, u3 = u2 * u;
    const float wa = 0.5F * (-t3 + 2 * t2 - t), wb = 0.5F * (3 * t3 - 5 * t2 + 2), wc = 0.5F * (-3 * t3 + 4 * t2 + t),
                wd = 0.5F * (t3 - t2);
    const int p = (j0 - 1) * columns + i0 - 1, q = p + columns, r = q + columns, s = r + columns;
    const float first = wa * plane[p] + wb * plane[p + 1] + wc * plane[p + 2] + wd * plane[p + 3];
    const float second = wa * plane[q] + wb * plane[q + 1] + wc * plane[q + 2] + wd * plane[q + 3];
    const float third = wa * plane[r] + wb * plane[r + 1] + wc * plane[r + 2] + wd * plane[r + 3];
    const float fourth = wa * plane[s] + wb * plane[s + 1] + wc * plane[s + 2] + wd * plane[s + 3];
    out[n] = 0.5F * ((-u3 + 2 * u2 - u) * first + (3 * u3 - 5 * u2 + 2) * second + (-3 * u3 + 4 * u2 + u) * third + (u3 - u2) * fourth);
  }
}

/// The square of offsets (x, y) as it lies in a plane, turned and stretched by `linear` around `at`.
void sample_affine(const Level& level, PixelPoint at, const std::array<double, 4>& linear, const std::vector<float>& x,
                   const std::vector<float>& y, double half, std::size_t count, float* out) {
  const double wide = half * (std::abs(linear[0]) + std::abs(linear[1])), high = half * (std::abs(linear[2]) + std::abs(linear[3]));
  if (at.i - wide >= 1 && at.j - high >= 1 && at.i + wide + 3 < level.columns && at.j + high + 3 < level.rows) {
    // Counted from a pixel nearby, so that single precision is enough.
    const int left = static_cast<int>(at.i - wide) - 1, top = static_cast<int>(at.j - high) - 1;
    const std::array<float, 4> map{static_cast<float>(linear[0]), static_cast<float>(linear[1]), static_cast<float>(linear[2]),
                                   static_cast<float>(linear[3])};
    sample_map(level.values.data() + static_cast<std::ptrdiff_t>(top) * level.columns + left, level.columns,
               static_cast<float>(at.i - left), static_cast<float>(at.j - top), map.data(), x.data(), y.data(), count, out);
    return;
  }
  for (std::size_t n = 0; n < count; ++n)
    out[n] = sampled(level, at.i + linear[0] * x[n] + linear[1] * y[n], at.j + linear[2] * x[n] + linear[3] * y[n]);
}

bool within(const Level& level, PixelPoint at) { return at.i >= 0 && at.j >= 0 && at.i <= level.columns - 1 && at.j <= level.rows - 1; }

}  // namespace

PlanePyramid pyramid_of(std::span<const float> values, int columns, int rows, int levels) {
  PlanePyramid pyramid;
  pyramid.levels.push_back({columns, rows, {values.begin(), values.end()}});
  while (static_cast<int>(pyramid.levels.size()) < levels && std::min(pyramid.levels.back().columns, pyramid.levels.back().rows) >= 32)
    pyramid.levels.push_back(halved(pyramid.levels.back()));
  return pyramid;
}

PatchMatch match_patch(const PlanePyramid& first, PixelPoint from, const PlanePyramid& second, PixelPoint guess, int coarse_levels,
                       const TrackerOptions& options) {
  PatchMatch match{guess, 0, false};
  Scratch scratch;
  const int levels = std::min({coarse_levels, static_cast<int>(first.levels.size()), static_cast<int>(second.levels.size())});
  for (int level = levels - 1; level >= 0; --level) {
    const double scale = 1.0 / (1 << level);
    const auto n = static_cast<std::size_t>(level);
    const Template wanted = template_at(first.levels[n], {from.i * scale, from.j * scale}, options.window, scratch);
    if (!wanted.textured) {
      if (level == 0) return match;
      continue;
    }
    PixelPoint at{match.at.i * scale, match.at.j * scale};
    match.correlation = descend(wanted, second.levels[n], options.window, at, options, scratch);
    if (!within(second.levels[n], at)) {
      if (level == 0) return match;
      continue;
    }
    match.at = {at.i / scale, at.j / scale};
  }
  match.found = match.correlation >= options.min_correlation;
  return match;
}

AffinePatch::AffinePatch(const PlanePyramid& plane, PixelPoint centre, int window) : window_(window) {
  Scratch scratch;
  Template patch = template_at(plane.levels.front(), centre, window, scratch);
  values_ = std::move(patch.values);
  slope_i_ = std::move(patch.slope_i);
  slope_j_ = std::move(patch.slope_j);
  power_ = patch.power;
  mean_ = patch.mean;
  if (!patch.textured) return;
  const double half = 0.5 * (window - 1);
  const auto count = static_cast<std::size_t>(window * window);
  std::array<double, 36> products{};
  for (std::size_t n = 0; n < count; ++n) {
    const double x = static_cast<double>(n % static_cast<std::size_t>(window)) - half,
                 y = static_cast<double>(n / static_cast<std::size_t>(window)) - half;
    const auto d = derivatives(slope_i_[n], slope_j_[n], x, y);
    for (std::size_t r = 0; r < 6; ++r) {
      sums_[r] += d[r];
      with_values_[r] += d[r] * values_[n];
      for (std::size_t c = 0; c < 6; ++c) products[6 * r + c] += d[r] * d[c];
    }
  }
  for (std::size_t r = 0; r < 6; ++r) {
    for (std::size_t c = 0; c < 6; ++c) products[6 * r + c] -= sums_[r] * sums_[c] / static_cast<double>(count);
  }
  textured_ = inverted(products, inverse_);
}

AffineMatch AffinePatch::match(const PlanePyramid& plane, const AffineMatch& guess, const TrackerOptions& options) const {
  AffineMatch result = guess;
  result.match.found = false;
  if (!textured_) return result;
  const Level& level = plane.levels.front();
  const double half = 0.5 * (window_ - 1);
  const auto count = static_cast<std::size_t>(window_ * window_);
  std::vector<float> patch(values_.size(), mean_), x(values_.size()), y(values_.size());
  for (std::size_t n = 0; n < count; ++n) {
    x[n] = static_cast<float>(static_cast<double>(n % static_cast<std::size_t>(window_)) - half);
    y[n] = static_cast<float>(static_cast<double>(n / static_cast<std::size_t>(window_)) - half);
  }
  PixelPoint& at = result.match.at;
  auto& [a, b, c, d] = result.linear;
  double last = INFINITY;
  for (int turn = 0;; ++turn) {
    sample_affine(level, at, result.linear, x, y, half, count, patch.data());
    LaneSums<5> lane_sums{};
    LaneSums<4> place_sums{};
    sums_with_patch(patch.data(), mean_, values_.data(), slope_i_.data(), slope_j_.data(), patch.size(), lane_sums);
    sums_with_places(patch.data(), mean_, slope_i_.data(), slope_j_.data(), x.data(), y.data(), patch.size(), place_sums);
    const auto [sum, squares, product, with_i, with_j] = added(lane_sums);
    const auto [with_ix, with_iy, with_jx, with_jy] = added(place_sums);
    const double mean = sum / static_cast<double>(count), power = squares - sum * mean;
    if (!(power > 0) || !(product > 0)) return result;
    result.match.correlation = product / std::sqrt(power * power_);
    if (turn == options.iterations) break;
    // Mean and contrast of what is found are brought to those of the patch.
    const double gain = product / power;
    const std::array<double, 6> with_patch{with_i, with_j, with_ix, with_iy, with_jx, with_jy};
    std::array<double, 6> p{}, step{};
    for (std::size_t r = 0; r < 6; ++r) p[r] = gain * (with_patch[r] - mean * sums_[r]) - with_values_[r];
    for (std::size_t r = 0; r < 6; ++r) {
      for (std::size_t k = 0; k < 6; ++k) step[r] += inverse_[6 * r + k] * p[k];
    }
    // The patch's own map is the inverse of the one that was solved for.
    const double ea = 1 + step[2], eb = step[3], ec = step[4], ed = 1 + step[5], determinant = ea * ed - eb * ec;
    if (!(std::abs(determinant - 1) < 0.5)) return result;
    const double ia = ed / determinant, ib = -eb / determinant, ic = -ec / determinant, id = ea / determinant;
    const double ti = -(ia * step[0] + ib * step[1]), tj = -(ic * step[0] + id * step[1]);
    at = {at.i + a * ti + b * tj, at.j + c * ti + d * tj};
    result.linear = {a * ia + b * ic, a * ib + b * id, c * ia + d * ic, c * ib + d * id};
    const double size = std::hypot(ti, tj) + half * (std::abs(step[2]) + std::abs(step[3]) + std::abs(step[4]) + std::abs(step[5]));
    if (!(size < 2 * last) || !within(level, at)) return result;
    if (size < options.step_px) break;
    last = size;
  }
  const double stretch = a * d - b * c;
  result.match.found =
      result.match.correlation >= options.min_correlation && stretch > 0.25 && stretch < 4 && std::hypot(a, c) < 2 && std::hypot(b, d) < 2;
  return result;
}

std::vector<PixelPoint> textured_points(const PlanePyramid& plane, int count, int window, const Run& run) {
  const Level& level = plane.levels.front();
  const int columns = level.columns, rows = level.rows, half = window / 2;
  if (columns <= 2 * half + 2 || rows <= 2 * half + 2) return {};
  const auto cells = static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows);
  // Sums over the window of the products of the slopes: along rows, then along columns.
  std::array<std::vector<float>, 3> products, sums;
  for (int p = 0; p < 3; ++p) {
    products[static_cast<std::size_t>(p)].resize(cells);
    sums[static_cast<std::size_t>(p)].resize(cells);
  }
  parallel_for(run, rows, 16, [&](std::int64_t begin, std::int64_t end) {
    std::array<std::vector<float>, 3> line;
    for (auto& one : line) one.resize(static_cast<std::size_t>(columns));
    for (auto j = static_cast<int>(begin); j < static_cast<int>(end); ++j) {
      const auto row = [&](int r) { return level.values.data() + static_cast<std::ptrdiff_t>(std::clamp(r, 0, rows - 1)) * columns; };
      const float *above = row(j - 1), *here = row(j), *below = row(j + 1);
      for (int i = 0; i < columns; ++i) {
        const float si = 0.5F * (here[std::min(i + 1, columns - 1)] - here[std::max(i - 1, 0)]), sj = 0.5F * (below[i] - above[i]);
        const auto n = static_cast<std::size_t>(i);
        line[0][n] = si * si;
        line[1][n] = si * sj;
        line[2][n] = sj * sj;
      }
      for (std::size_t p = 0; p < 3; ++p) {
        for (int i = half; i < columns - half; ++i) {
          float sum = 0;
          for (int c = i - half; c <= i + half; ++c) sum += line[p][static_cast<std::size_t>(c)];
          products[p][static_cast<std::size_t>(j) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(i)] = sum;
        }
      }
    }
  });
  std::vector<float> strength(cells, 0.0F);
  parallel_for(run, rows - 2 * half, 16, [&](std::int64_t begin, std::int64_t end) {
    for (auto j = static_cast<int>(begin) + half; j < static_cast<int>(end) + half; ++j) {
      for (int i = half; i < columns - half; ++i) {
        std::array<double, 3> sum{};
        for (int r = j - half; r <= j + half; ++r) {
          const auto n = static_cast<std::size_t>(r) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(i);
          for (std::size_t p = 0; p < 3; ++p) sum[p] += products[p][n];
        }
        const double weaker = 0.5 * (sum[0] + sum[2] - std::hypot(sum[0] - sum[2], 2 * sum[1]));
        strength[static_cast<std::size_t>(j) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(i)] =
            static_cast<float>(weaker);
      }
    }
  });
  std::vector<std::size_t> order;
  float highest = 0;
  for (const float v : strength) highest = std::max(highest, v);
  for (std::size_t n = 0; n < cells; ++n) {
    if (strength[n] > 0.01F * highest) order.push_back(n);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return strength[a] > strength[b]; });
  std::vector<PixelPoint> chosen;
  std::vector<bool> taken(cells, false);
  for (const std::size_t n : order) {
    if (static_cast<int>(chosen.size()) == count) break;
    if (taken[n]) continue;
    const int i = static_cast<int>(n % static_cast<std::size_t>(columns)), j = static_cast<int>(n / static_cast<std::size_t>(columns));
    chosen.push_back({static_cast<double>(i), static_cast<double>(j)});
    for (int r = std::max(0, j - half); r <= std::min(rows - 1, j + half); ++r) {
      for (int c = std::max(0, i - half); c <= std::min(columns - 1, i + half); ++c)
        taken[static_cast<std::size_t>(r) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(c)] = true;
    }
  }
  return chosen;
}

std::vector<PointTrack> track_points(const std::vector<PixelPoint>& points, int frames, const std::function<PlanePyramid(int)>& plane,
                                     const TrackerOptions& options, Run& run) {
  constexpr double farthest_px = 2;
  std::vector<PointTrack> tracks(points.size());
  for (std::size_t n = 0; n < points.size(); ++n) tracks[n] = {{points[n]}, {1.0}};
  PlanePyramid before = plane(0);
  std::vector<AffinePatch> patches;
  std::vector<AffineMatch> states(points.size());
  patches.reserve(points.size());
  for (const PixelPoint& point : points) patches.emplace_back(before, point, options.window);
  for (int frame = 1; frame < frames; ++frame) {
    PlanePyramid now = plane(frame);
    const int levels = static_cast<int>(now.levels.size());
    parallel_for(run, static_cast<std::int64_t>(points.size()), 4, [&](std::int64_t begin, std::int64_t end) {
      for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) {
        PointTrack& track = tracks[n];
        if (static_cast<int>(track.at.size()) != frame) continue;
        const PixelPoint last = track.at.back();
        PatchMatch match = match_patch(before, last, now, last, levels, options);
        const PixelPoint expected = match.found ? match.at : last;
        const AffineMatch anchored = patches[n].match(now, {{expected, 0, false}, states[n].linear}, options);
        if (anchored.match.found && std::hypot(anchored.match.at.i - expected.i, anchored.match.at.j - expected.j) <= farthest_px) {
          match = anchored.match;
          states[n] = anchored;
        }
        if (!match.found) continue;
        track.at.push_back(match.at);
        track.correlations.push_back(match.correlation);
      }
    });
    before = std::move(now);
    run.progress(static_cast<double>(frame) / frames);
  }
  return tracks;
}

}  // namespace gantry
