// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/bias_field.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"

namespace gantry {

namespace {

/// Basis of a uniform cubic B-spline along one axis of `count` voxels that spans the whole axis: first control point and four weights
/// for each voxel.
struct AxisBasis {
  int points = 0;
  std::vector<int> first;
  std::vector<std::array<double, 4>> weight;

  /// The spline spans `extent` voxels, which may be a little more than the axis has.
  AxisBasis(std::int64_t count, std::int64_t extent, int spans) : points(spans + 3) {
    first.resize(static_cast<std::size_t>(count));
    weight.resize(static_cast<std::size_t>(count));
    for (std::int64_t n = 0; n < count; ++n) {
      const double position = (static_cast<double>(n) + 0.5) / static_cast<double>(extent) * spans;
      const int span = std::clamp(static_cast<int>(position), 0, spans - 1);
      const double t = position - span;
      const double t2 = t * t;
      const double t3 = t2 * t;
      first[static_cast<std::size_t>(n)] = span;
      weight[static_cast<std::size_t>(n)] = {(1 - 3 * t + 3 * t2 - t3) / 6, (4 - 6 * t2 + 3 * t3) / 6, (1 + 3 * t + 3 * t2 - 3 * t3) / 6,
                                             t3 / 6};
    }
  }
};

using Bases = std::array<AxisBasis, 3>;

/// Sum over voxels of value * product over the axes of weight^power, for each control point. Separable: one axis after the other.
std::vector<double> splat(const std::vector<double>& values, const Size3& size, const Bases& bases, int power) {
  const auto raised = [power](double w) { return power == 2 ? w * w : w * w * w; };
  const auto [nx, ny, nz] = size;
  const int px = bases[0].points;
  const int py = bases[1].points;
  const int pz = bases[2].points;
  std::vector<double> along_x(static_cast<std::size_t>(px * ny * nz), 0.0);
  for (std::int64_t line = 0; line < ny * nz; ++line) {
    for (std::int64_t i = 0; i < nx; ++i) {
      const double v = values[static_cast<std::size_t>(line * nx + i)];
      if (v == 0) continue;
      const int first = bases[0].first[static_cast<std::size_t>(i)];
      for (int a = 0; a < 4; ++a) {
        along_x[static_cast<std::size_t>(line * px + first + a)] +=
            v * raised(bases[0].weight[static_cast<std::size_t>(i)][static_cast<std::size_t>(a)]);
      }
    }
  }
  std::vector<double> along_y(static_cast<std::size_t>(px * py * nz), 0.0);
  for (std::int64_t k = 0; k < nz; ++k) {
    for (std::int64_t j = 0; j < ny; ++j) {
      const int first = bases[1].first[static_cast<std::size_t>(j)];
      for (int a = 0; a < 4; ++a) {
        const double w = raised(bases[1].weight[static_cast<std::size_t>(j)][static_cast<std::size_t>(a)]);
        for (int x = 0; x < px; ++x) {
          along_y[static_cast<std::size_t>((k * py + first + a) * px + x)] += w * along_x[static_cast<std::size_t>((k * ny + j) * px + x)];
        }
      }
    }
  }
  std::vector<double> all(static_cast<std::size_t>(px * py * pz), 0.0);
  for (std::int64_t k = 0; k < nz; ++k) {
    const int first = bases[2].first[static_cast<std::size_t>(k)];
    for (int a = 0; a < 4; ++a) {
      const double w = raised(bases[2].weight[static_cast<std::size_t>(k)][static_cast<std::size_t>(a)]);
      for (int xy = 0; xy < px * py; ++xy) {
        all[static_cast<std::size_t>((first + a) * px * py + xy)] += w * along_y[static_cast<std::size_t>(k * px * py + xy)];
      }
    }
  }
  return all;
}

/// Calls `line(j, k, row)` with the spline's values along i for every line of the grid.
template <class Line>
void evaluate_lines(const std::vector<double>& control, const Size3& size, const Bases& bases, const Run& run, Line&& line) {
  const auto [nx, ny, nz] = size;
  const int px = bases[0].points;
  const int py = bases[1].points;
  parallel_for(run, nz, 4, [&, nx = nx, ny = ny](std::int64_t begin, std::int64_t end) {
    std::vector<double> plane(static_cast<std::size_t>(px * py));
    std::vector<double> row(static_cast<std::size_t>(px));
    std::vector<double> values(static_cast<std::size_t>(nx));
    for (std::int64_t k = begin; k < end; ++k) {
      std::fill(plane.begin(), plane.end(), 0.0);
      const int first_z = bases[2].first[static_cast<std::size_t>(k)];
      for (int c = 0; c < 4; ++c) {
        const double w = bases[2].weight[static_cast<std::size_t>(k)][static_cast<std::size_t>(c)];
        for (int xy = 0; xy < px * py; ++xy) {
          plane[static_cast<std::size_t>(xy)] += w * control[static_cast<std::size_t>((first_z + c) * px * py + xy)];
        }
      }
      for (std::int64_t j = 0; j < ny; ++j) {
        std::fill(row.begin(), row.end(), 0.0);
        const int first_y = bases[1].first[static_cast<std::size_t>(j)];
        for (int b = 0; b < 4; ++b) {
          const double w = bases[1].weight[static_cast<std::size_t>(j)][static_cast<std::size_t>(b)];
          for (int x = 0; x < px; ++x) row[static_cast<std::size_t>(x)] += w * plane[static_cast<std::size_t>((first_y + b) * px + x)];
        }
        for (std::int64_t i = 0; i < nx; ++i) {
          const auto first_x = static_cast<std::size_t>(bases[0].first[static_cast<std::size_t>(i)]);
          const auto& w = bases[0].weight[static_cast<std::size_t>(i)];
          values[static_cast<std::size_t>(i)] =
              w[0] * row[first_x] + w[1] * row[first_x + 1] + w[2] * row[first_x + 2] + w[3] * row[first_x + 3];
        }
        line(j, k, values);
      }
    }
  });
}

Bases bases_for(const Size3& size, const Size3& extent, const std::array<int, 3>& points) {
  return {AxisBasis(size[0], extent[0], points[0] - 3), AxisBasis(size[1], extent[1], points[1] - 3),
          AxisBasis(size[2], extent[2], points[2] - 3)};
}

/// Sharpens the histogram of log intensities and tells for each of its bins the expected true log intensity.
class Sharpening {
 public:
  Sharpening(const BiasFieldOptions& options) : options_(options) {
    padded_ = 1;
    while (padded_ < options.bins) padded_ *= 2;
    padded_ *= 2;
  }

  /// E[u | v] at the bins' centres. `slope` is the width of a bin.
  std::vector<double> expected(const std::vector<double>& histogram, double minimum, double slope) const {
    const int n = padded_;
    const int offset = (n - options_.bins) / 2;
    const double width = options_.kernel_fwhm / slope;
    std::vector<double> kernel(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) {
      const double d = std::min(i, n - i);
      kernel[static_cast<std::size_t>(i)] =
          2 * std::sqrt(std::numbers::ln2 / std::numbers::pi) / width * std::exp(-4 * std::numbers::ln2 * d * d / (width * width));
    }
    const std::vector<double> inverse = wiener_inverse(kernel);
    std::vector<double> observed(static_cast<std::size_t>(n), 0.0);
    std::copy(histogram.begin(), histogram.end(), observed.begin() + offset);
    std::vector<double> sharp = convolve(observed, inverse);
    std::vector<double> weighted(sharp.size());
    for (int i = 0; i < n; ++i) {
      auto& s = sharp[static_cast<std::size_t>(i)];
      s = std::max(s, 0.0);
      weighted[static_cast<std::size_t>(i)] = s * (minimum + (i - offset) * slope);
    }
    const std::vector<double> numerator = convolve(weighted, kernel);
    const std::vector<double> denominator = convolve(sharp, kernel);
    std::vector<double> expected(histogram.size());
    for (int b = 0; b < options_.bins; ++b) {
      const auto i = static_cast<std::size_t>(b + offset);
      expected[static_cast<std::size_t>(b)] = denominator[i] > 1e-12 ? numerator[i] / denominator[i] : minimum + b * slope;
    }
    return expected;
  }

 private:
  /// The circular kernel whose transform is F / (F^2 + noise) for the symmetric, hence real, transform F of `kernel`.
  std::vector<double> wiener_inverse(const std::vector<double>& kernel) const {
    const int n = padded_;
    std::vector<double> cosine(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) cosine[static_cast<std::size_t>(i)] = std::cos(2 * std::numbers::pi * i / n);
    const auto transform = [&](const std::vector<double>& in) {
      std::vector<double> out(static_cast<std::size_t>(n), 0.0);
      for (int f = 0; f < n; ++f) {
        double sum = 0;
        for (int i = 0; i < n; ++i) sum += in[static_cast<std::size_t>(i)] * cosine[static_cast<std::size_t>((f * i) % n)];
        out[static_cast<std::size_t>(f)] = sum;
      }
      return out;
    };
    std::vector<double> spectrum = transform(kernel);
    for (double& f : spectrum) f = f / (f * f + options_.wiener_noise);
    std::vector<double> inverse = transform(spectrum);
    for (double& v : inverse) v /= n;
    return inverse;
  }

  std::vector<double> convolve(const std::vector<double>& values, const std::vector<double>& kernel) const {
    const int n = padded_;
    std::vector<double> out(static_cast<std::size_t>(n), 0.0);
    for (int i = 0; i < n; ++i) {
      const double v = values[static_cast<std::size_t>(i)];
      if (v == 0) continue;
      for (int o = 0; o < n; ++o) out[static_cast<std::size_t>(o)] += v * kernel[static_cast<std::size_t>((o - i + n) % n)];
    }
    return out;
  }

  BiasFieldOptions options_;
  int padded_;
};

/// The image averaged over blocks, logarithms of what is usable. Weight: share of usable voxels in the block is at least a half.
struct Working {
  Size3 size{};
  Size3 extent{};  ///< of the blocks, in voxels of the image
  std::vector<double> log_value;
  std::vector<std::uint8_t> usable;
  std::int64_t count = 0;
};

Working reduce(const VoxelView<float>& image, const MaskView& mask, double spacing_mm) {
  const Grid& grid = image.grid();
  std::array<std::int64_t, 3> factor{};
  Working w;
  for (int a = 0; a < 3; ++a) {
    const auto n = static_cast<std::size_t>(a);
    const std::int64_t most = std::max<std::int64_t>(1, grid.size(a) / 4);
    factor[n] = std::clamp<std::int64_t>(std::llround(spacing_mm / grid.spacing_mm()[a]), 1, most);
    w.size[n] = (grid.size(a) + factor[n] - 1) / factor[n];
    w.extent[n] = w.size[n] * factor[n];
  }
  const auto total = static_cast<std::size_t>(w.size[0] * w.size[1] * w.size[2]);
  std::vector<double> sum(total, 0.0);
  std::vector<std::int32_t> in(total, 0);
  std::vector<std::int32_t> all(total, 0);
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      const std::int64_t row = w.size[0] * (j / factor[1] + w.size[1] * (k / factor[2]));
      const std::int64_t at = grid.index(0, j, k);
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const auto n = static_cast<std::size_t>(row + i / factor[0]);
        ++all[n];
        const float v = image[at + i];
        if (mask[at + i] != 0 && v > 0 && std::isfinite(v)) {
          ++in[n];
          sum[n] += v;
        }
      }
    }
  }
  w.log_value.assign(total, 0.0);
  w.usable.assign(total, 0);
  for (std::size_t n = 0; n < total; ++n) {
    if (in[n] == 0 || 2 * in[n] < all[n]) continue;
    w.usable[n] = 1;
    w.log_value[n] = std::log(sum[n] / in[n]);
    ++w.count;
  }
  return w;
}

void check(const BiasFieldOptions& o) {
  const auto refuse = [](std::string_view what, std::string_view rule, double found) {
    throw Error(ErrorCode::parameter, fmt::format("{}: must lie between {}; got {}", what, rule, found));
  };
  if (!(o.levels >= 1 && o.levels <= 8)) refuse("levels", "1 and 8", o.levels);
  if (!(o.iterations >= 1 && o.iterations <= 1000)) refuse("iterations", "1 and 1000", o.iterations);
  if (!(o.convergence >= 0 && o.convergence <= 1)) refuse("convergence", "0 and 1", o.convergence);
  if (!(o.kernel_fwhm >= 0.01 && o.kernel_fwhm <= 2)) refuse("kernel_fwhm", "0.01 and 2", o.kernel_fwhm);
  if (!(o.wiener_noise >= 1e-6 && o.wiener_noise <= 1)) refuse("wiener_noise", "1e-6 and 1", o.wiener_noise);
  if (!(o.bins >= 16 && o.bins <= 1024)) refuse("bins", "16 and 1024", o.bins);
  if (!(o.working_spacing_mm >= 0.1 && o.working_spacing_mm <= 50)) refuse("working_spacing_mm", "0.1 and 50 mm", o.working_spacing_mm);
}

}  // namespace

BiasField::BiasField(Grid domain, Size3 extent, std::vector<Lattice> levels, int iterations)
    : domain_(std::move(domain)), extent_(extent), levels_(std::move(levels)), iterations_(iterations) {}

Voxels<float> BiasField::factors(const Run& run) const {
  Voxels<float> field(domain_, 0.0F);
  for (const Lattice& level : levels_) {
    evaluate_lines(level.control, domain_.size(), bases_for(domain_.size(), extent_, level.points), run,
                   [&](std::int64_t j, std::int64_t k, const std::vector<double>& row) {
                     float* out = field.data() + domain_.index(0, j, k);
                     for (std::size_t i = 0; i < row.size(); ++i) out[i] += static_cast<float>(row[i]);
                   });
  }
  parallel_for(run, field.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) field[n] = std::exp(field[n]);
  });
  return field;
}

Voxels<float> BiasField::corrected(const VoxelView<float>& image, const Run& run) const {
  if (image.grid().size() != domain_.size()) throw Error(ErrorCode::parameter, "image: must have the grid that the field was estimated on");
  Voxels<float> out = factors(run);
  parallel_for(run, out.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) out[n] = image[n] / out[n];
  });
  return out;
}

BiasField estimate_bias_field(const VoxelView<float>& image, const MaskView& mask, const BiasFieldOptions& options, const Run& run) {
  check(options);
  if (image.grid().size() != mask.grid().size()) throw Error(ErrorCode::parameter, "mask: must have the grid of the image; sizes differ");
  const Working working = reduce(image, mask, options.working_spacing_mm);
  if (working.count < 64) {
    throw Error(ErrorCode::not_possible,
                fmt::format("bias field: needs at least 64 averaged voxels under the mask; found {}", working.count));
  }
  const std::size_t total = working.usable.size();
  std::vector<double> value = working.log_value;
  std::vector<double> change(total, 0.0);
  std::vector<BiasField::Lattice> lattices;
  const Sharpening sharpening(options);
  int iterations = 0;
  for (int level = 0; level < options.levels; ++level) {
    BiasField::Lattice lattice;
    for (int a = 0; a < 3; ++a) {
      // A span must hold some voxels; an axis of one or a few voxels stays at one span.
      const auto spans =
          std::min<std::int64_t>(std::int64_t{1} << level, std::max<std::int64_t>(1, working.size[static_cast<std::size_t>(a)] / 3));
      lattice.points[static_cast<std::size_t>(a)] = static_cast<int>(spans) + 3;
    }
    const Bases bases = bases_for(working.size, working.size, lattice.points);
    lattice.control.assign(static_cast<std::size_t>(lattice.points[0] * lattice.points[1] * lattice.points[2]), 0.0);
    std::vector<double> ones(total);
    for (std::size_t n = 0; n < total; ++n) ones[n] = working.usable[n];
    const std::vector<double> weight_sum = splat(ones, working.size, bases, 2);
    std::array<std::vector<double>, 3> square_sum;
    for (std::size_t a = 0; a < 3; ++a) {
      for (const auto& w : bases[a].weight) square_sum[a].push_back(w[0] * w[0] + w[1] * w[1] + w[2] * w[2] + w[3] * w[3]);
    }

    for (int iteration = 0; iteration < options.iterations; ++iteration) {
      run.check();
      ++iterations;
      double low = INFINITY;
      double high = -INFINITY;
      for (std::size_t n = 0; n < total; ++n) {
        if (working.usable[n] == 0) continue;
        low = std::min(low, value[n]);
        high = std::max(high, value[n]);
      }
      if (!(high - low > 1e-6)) {
        if (lattices.empty() && iteration == 0) throw Error(ErrorCode::not_possible, "bias field: the image is constant under the mask");
        break;
      }
      const double slope = (high - low) / (options.bins - 1);
      std::vector<double> histogram(static_cast<std::size_t>(options.bins), 0.0);
      const auto bin_of = [&](double v) {
        const double position = (v - low) / slope;
        const int bin = std::clamp(static_cast<int>(position), 0, options.bins - 2);
        return std::pair(static_cast<std::size_t>(bin), std::clamp(position - bin, 0.0, 1.0));
      };
      for (std::size_t n = 0; n < total; ++n) {
        if (working.usable[n] == 0) continue;
        const auto [bin, part] = bin_of(value[n]);
        histogram[bin] += 1 - part;
        histogram[bin + 1] += part;
      }
      const std::vector<double> expected = sharpening.expected(histogram, low, slope);

      std::vector<double> residual(total, 0.0);
      std::size_t n = 0;
      for (std::int64_t k = 0; k < working.size[2]; ++k) {
        for (std::int64_t j = 0; j < working.size[1]; ++j) {
          const double yz = square_sum[1][static_cast<std::size_t>(j)] * square_sum[2][static_cast<std::size_t>(k)];
          for (std::int64_t i = 0; i < working.size[0]; ++i, ++n) {
            if (working.usable[n] == 0) continue;
            const auto [bin, part] = bin_of(value[n]);
            residual[n] =
                (value[n] - ((1 - part) * expected[bin] + part * expected[bin + 1])) / (square_sum[0][static_cast<std::size_t>(i)] * yz);
          }
        }
      }
      std::vector<double> update = splat(residual, working.size, bases, 3);
      for (std::size_t c = 0; c < update.size(); ++c) update[c] = weight_sum[c] > 1e-9 ? update[c] / weight_sum[c] : 0.0;
      evaluate_lines(update, working.size, bases, run, [&](std::int64_t j, std::int64_t k, const std::vector<double>& row) {
        std::copy(row.begin(), row.end(), change.begin() + working.size[0] * (j + working.size[1] * k));
      });

      double mean = 0;
      for (std::size_t m = 0; m < total; ++m) mean += working.usable[m] != 0 ? change[m] : 0;
      mean /= static_cast<double>(working.count);
      double sum = 0;
      double squares = 0;
      for (std::size_t m = 0; m < total; ++m) {
        if (working.usable[m] == 0) continue;
        // A constant factor says nothing about the field: it is taken out so that the overall intensity stays.
        value[m] -= change[m] - mean;
        const double ratio = std::exp(change[m] - mean);
        sum += ratio;
        squares += ratio * ratio;
      }
      for (std::size_t c = 0; c < update.size(); ++c) lattice.control[c] += update[c] - mean;
      const auto count = static_cast<double>(working.count);
      const double variance = std::max(0.0, squares / count - (sum / count) * (sum / count));
      if (std::sqrt(variance) / (sum / count) < options.convergence) break;
    }
    lattices.push_back(std::move(lattice));
  }
  return {image.grid(), working.extent, std::move(lattices), iterations};
}

}  // namespace gantry
