// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/video/tracker.h"

#include "gantry/compute/parallel.h"

namespace gantry {

namespace {

using Level = PlanePyramid::Level;

/// Every second row and column of the smoothed plane; the border pixel goes on beyond the border.
Level halved(const Level& fine) {
  Level coarse{(fine.columns + 1) / 2, (fine.rows + 1) / 2, {}};
  const int columns = fine.columns, rows = fine.rows;
  std::vector<float> across(static_cast<std::size_t>(coarse.columns) * static_cast<std::size_t>(rows));
  for (int j = 0; j < rows; ++j) {
    const float* row = fine.values.data() + static_cast<std::ptrdiff_t>(j) * columns;
    const auto at = [&](int i) { return row[std::clamp(i, 0, columns - 1)]; };
    float* out = across.data() + static_cast<std::ptrdiff_t>(j) * coarse.columns;
    for (int i = 0; i < coarse.columns; ++i) {
      const int c = 2 * i;
      out[i] = (at(c - 2) + at(c + 2) + 4 * (at(c - 1) + at(c + 1)) + 6 * at(c)) / 16;
    }
  }
  coarse.values.resize(static_cast<std::size_t>(coarse.columns) * static_cast<std::size_t>(coarse.rows));
  for (int j = 0; j < coarse.rows; ++j) {
    const auto row = [&](int r) { return across.data() + static_cast<std::ptrdiff_t>(std::clamp(r, 0, rows - 1)) * coarse.columns; };
    const float *a = row(2 * j - 2), *b = row(2 * j - 1), *c = row(2 * j), *d = row(2 * j + 1), *e = row(2 * j + 2);
    float* out = coarse.values.data() + static_cast<std::ptrdiff_t>(j) * coarse.columns;
    for (int i = 0; i < coarse.columns; ++i) out[i] = (a[i] + e[i] + 4 * (b[i] + d[i]) + 6 * c[i]) / 16;
  }
  return coarse;
}

std::array<float, 4> cubic_weights(float t) {
  const float t2 = t * t, t3 = t2 * t;
  return {0.5F * (-t3 + 2 * t2 - t), 0.5F * (3 * t3 - 5 * t2 + 2), 0.5F * (-3 * t3 + 4 * t2 + t), 0.5F * (t3 - t2)};
}

/// The square of `side` pixels around `centre` as `out`, by cubic interpolation; beyond the border the border pixel goes on.
void sample_patch(const Level& level, PixelPoint centre, int side, std::vector<float>& rows, float* out) {
  const double left = centre.i - 0.5 * (side - 1), top = centre.j - 0.5 * (side - 1);
  const int i0 = static_cast<int>(std::floor(left)), j0 = static_cast<int>(std::floor(top));
  const auto wx = cubic_weights(static_cast<float>(left - i0)), wy = cubic_weights(static_cast<float>(top - j0));
  const int tall = side + 3;
  rows.resize(static_cast<std::size_t>(side) * static_cast<std::size_t>(tall));
  const bool inside = i0 >= 1 && i0 + side + 1 < level.columns;
  std::vector<float> line;
  if (!inside) line.resize(static_cast<std::size_t>(tall));
  for (int r = 0; r < tall; ++r) {
    const float* source = level.values.data() + static_cast<std::ptrdiff_t>(std::clamp(j0 - 1 + r, 0, level.rows - 1)) * level.columns;
    const float* in = source + i0 - 1;
    if (!inside) {
      for (int c = 0; c < tall; ++c) line[static_cast<std::size_t>(c)] = source[std::clamp(i0 - 1 + c, 0, level.columns - 1)];
      in = line.data();
    }
    float* row = rows.data() + static_cast<std::ptrdiff_t>(r) * side;
    for (int c = 0; c < side; ++c) row[c] = wx[0] * in[c] + wx[1] * in[c + 1] + wx[2] * in[c + 2] + wx[3] * in[c + 3];
  }
  for (int r = 0; r < side; ++r) {
    const float* a = rows.data() + static_cast<std::ptrdiff_t>(r) * side;
    float* to = out + static_cast<std::ptrdiff_t>(r) * side;
    for (int c = 0; c < side; ++c) to[c] = wy[0] * a[c] + wy[1] * a[c + side] + wy[2] * a[c + 2 * side] + wy[3] * a[c + 3 * side];
  }
}

/// A patch without its mean, its slopes without theirs, and the inverse of their products.
struct Template {
  std::vector<float> values, slope_i, slope_j;
  double a = 0, b = 0, c = 0;  ///< of the inverse [[a, b], [b, c]]
  double power = 0;            ///< sum of squares of `values`
  bool textured = false;
};

void without_mean(std::vector<float>& values) {
  double sum = 0;
  for (const float v : values) sum += v;
  const auto mean = static_cast<float>(sum / static_cast<double>(values.size()));
  for (float& v : values) v -= mean;
}

Template template_at(const Level& level, PixelPoint centre, int side) {
  Template result;
  const int wide = side + 2;
  std::vector<float> rows, patch(static_cast<std::size_t>(wide * wide));
  sample_patch(level, centre, wide, rows, patch.data());
  const auto count = static_cast<std::size_t>(side * side);
  result.values.resize(count);
  result.slope_i.resize(count);
  result.slope_j.resize(count);
  for (int r = 0; r < side; ++r) {
    for (int c = 0; c < side; ++c) {
      const float* p = patch.data() + (r + 1) * wide + c + 1;
      const auto n = static_cast<std::size_t>(r * side + c);
      result.values[n] = p[0];
      result.slope_i[n] = 0.5F * (p[1] - p[-1]);
      result.slope_j[n] = 0.5F * (p[wide] - p[-wide]);
    }
  }
  without_mean(result.values);
  without_mean(result.slope_i);
  without_mean(result.slope_j);
  double ii = 0, ij = 0, jj = 0;
  for (std::size_t n = 0; n < count; ++n) {
    ii += static_cast<double>(result.slope_i[n]) * result.slope_i[n];
    ij += static_cast<double>(result.slope_i[n]) * result.slope_j[n];
    jj += static_cast<double>(result.slope_j[n]) * result.slope_j[n];
    result.power += static_cast<double>(result.values[n]) * result.values[n];
  }
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
double descend(const Template& wanted, const Level& level, int side, PixelPoint& at, const TrackerOptions& options) {
  std::vector<float> rows, patch(static_cast<std::size_t>(side * side));
  const auto count = patch.size();
  double last = INFINITY;
  for (int turn = 0;; ++turn) {
    sample_patch(level, at, side, rows, patch.data());
    double sum = 0, squares = 0, product = 0, pi = 0, pj = 0;
    for (std::size_t n = 0; n < count; ++n) {
      const double v = patch[n];
      sum += v;
      squares += v * v;
      product += v * wanted.values[n];
      const double missing = static_cast<double>(wanted.values[n]) - v;  // the mean falls out: the slopes have none
      pi += missing * wanted.slope_i[n];
      pj += missing * wanted.slope_j[n];
    }
    const double power = squares - sum * sum / static_cast<double>(count);
    const double correlation = power > 0 && wanted.power > 0 ? product / std::sqrt(power * wanted.power) : 0;
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
  const int levels = std::min({coarse_levels, static_cast<int>(first.levels.size()), static_cast<int>(second.levels.size())});
  for (int level = levels - 1; level >= 0; --level) {
    const double scale = 1.0 / (1 << level);
    const auto n = static_cast<std::size_t>(level);
    const Template wanted = template_at(first.levels[n], {from.i * scale, from.j * scale}, options.window);
    if (!wanted.textured) {
      if (level == 0) return match;
      continue;
    }
    PixelPoint at{match.at.i * scale, match.at.j * scale};
    match.correlation = descend(wanted, second.levels[n], options.window, at, options);
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
  Template patch = template_at(plane.levels.front(), centre, window);
  values_ = std::move(patch.values);
  slope_i_ = std::move(patch.slope_i);
  slope_j_ = std::move(patch.slope_j);
  power_ = patch.power;
  if (!patch.textured) return;
  const double half = 0.5 * (window - 1), count = static_cast<double>(values_.size());
  std::array<double, 36> products{};
  for (std::size_t n = 0; n < values_.size(); ++n) {
    const double x = static_cast<double>(n % static_cast<std::size_t>(window)) - half,
                 y = static_cast<double>(n / static_cast<std::size_t>(window)) - half;
    const auto d = derivatives(slope_i_[n], slope_j_[n], x, y);
    for (std::size_t r = 0; r < 6; ++r) {
      means_[r] += d[r] / count;
      for (std::size_t c = 0; c < 6; ++c) products[6 * r + c] += d[r] * d[c];
    }
  }
  for (std::size_t r = 0; r < 6; ++r) {
    for (std::size_t c = 0; c < 6; ++c) products[6 * r + c] -= count * means_[r] * means_[c];
  }
  textured_ = inverted(products, inverse_);
}

AffineMatch AffinePatch::match(const PlanePyramid& plane, const AffineMatch& guess, const TrackerOptions& options) const {
  AffineMatch result = guess;
  result.match.found = false;
  if (!textured_) return result;
  const Level& level = plane.levels.front();
  const double half = 0.5 * (window_ - 1), count = static_cast<double>(values_.size());
  std::vector<float> patch(values_.size());
  PixelPoint& at = result.match.at;
  auto& [a, b, c, d] = result.linear;
  double last = INFINITY;
  for (int turn = 0;; ++turn) {
    double sum = 0, squares = 0, product = 0;
    for (std::size_t n = 0; n < values_.size(); ++n) {
      const double x = static_cast<double>(n % static_cast<std::size_t>(window_)) - half,
                   y = static_cast<double>(n / static_cast<std::size_t>(window_)) - half;
      const float v = sampled(level, at.i + a * x + b * y, at.j + c * x + d * y);
      patch[n] = v;
      sum += v;
      squares += static_cast<double>(v) * v;
      product += static_cast<double>(v) * values_[n];
    }
    const double power = squares - sum * sum / count;
    if (!(power > 0) || !(product > 0)) return result;
    result.match.correlation = product / std::sqrt(power * power_);
    if (turn == options.iterations) break;
    // Mean and contrast of what is found are brought to those of the patch.
    const double gain = product / power, mean = sum / count;
    std::array<double, 6> p{}, step{};
    for (std::size_t n = 0; n < values_.size(); ++n) {
      const double x = static_cast<double>(n % static_cast<std::size_t>(window_)) - half,
                   y = static_cast<double>(n / static_cast<std::size_t>(window_)) - half;
      const double difference = gain * (static_cast<double>(patch[n]) - mean) - values_[n];
      const auto slopes = derivatives(slope_i_[n], slope_j_[n], x, y);
      for (std::size_t r = 0; r < 6; ++r) p[r] += slopes[r] * difference;
    }
    for (std::size_t r = 0; r < 6; ++r) {
      for (std::size_t k = 0; k < 6; ++k) step[r] += inverse_[6 * r + k] * p[k];
    }
    // The patch's own map is the inverse of the one that was solved for.
    const double ea = 1 + step[2], eb = step[3], ec = step[4], ed = 1 + step[5], determinant = ea * ed - eb * ec;
    if (!(std::abs(determinant - 1) < 0.5)) return result;
    const double ia = ed / determinant, ib = -eb / determinant, ic = -ec / determinant, id = ea / determinant;
    const double ti = -(ia * step[0] + ib * step[1]), tj = -(ic * step[0] + id * step[1]);
    at = {at.i + a * ti + b * tj, at.j + c * ti + d * tj};
    const std::array<double, 4> now{a * ia + b * ic, a * ib + b * id, c * ia + d * ic, c * ib + d * id};
    result.linear = now;
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
