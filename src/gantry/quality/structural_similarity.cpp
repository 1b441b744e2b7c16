// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/quality/structural_similarity.h"

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/volume/checks.h"

namespace gantry {

namespace {

constexpr int fields = 5;  ///< weighted means of x, y, x^2, y^2 and x y

std::vector<double> weights_of(SimilarityWindow window) {
  if (window == SimilarityWindow::uniform) return std::vector<double>(7, 1.0 / 7);
  std::vector<double> weights;
  double sum = 0;
  for (int n = -5; n <= 5; ++n) {
    weights.push_back(std::exp(-0.5 * n * n / (1.5 * 1.5)));
    sum += weights.back();
  }
  for (double& w : weights) w /= sum;
  return weights;
}

/// Adds w times a row to a row.
GANTRY_SIMD void add_scaled(double* out, const double* in, double w, std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) out[n] += w * in[n];
}

/// The five products of two rows whose ends are already mirrored.
GANTRY_SIMD void products(const double* x, const double* y, double* out, std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) {
    out[n] = x[n];
    out[count + n] = y[n];
    out[2 * count + n] = x[n] * x[n];
    out[3 * count + n] = y[n] * y[n];
    out[4 * count + n] = x[n] * y[n];
  }
}

/// Similarity out of the five means.
GANTRY_SIMD void compare_rows(const double* means, std::int64_t stride, std::int64_t count, double c1, double c2, double normalize,
                              double* out) {
  for (std::int64_t n = 0; n < count; ++n) {
    const double x = means[n], y = means[stride + n];
    const double vx = normalize * (means[2 * stride + n] - x * x), vy = normalize * (means[3 * stride + n] - y * y);
    const double vxy = normalize * (means[4 * stride + n] - x * y);
    out[n] = ((2 * x * y + c1) * (2 * vxy + c2)) / ((x * x + y * y + c1) * (vx + vy + c2));
  }
}

/// Means of one slice over the window's part in the slice: five planes.
class SliceMeans {
 public:
  SliceMeans(const VoxelView<float>& a, const VoxelView<float>& b, const std::vector<double>& weights)
      : a_(a), b_(b), weights_(weights), radius_(static_cast<std::int64_t>(weights.size() / 2)) {}

  void operator()(std::int64_t k, std::vector<double>& out) const {
    const auto [ni, nj, nk] = a_.grid().size();
    const std::int64_t ri = ni > 1 ? radius_ : 0, rj = nj > 1 ? radius_ : 0, wide = ni + 2 * ri;
    std::vector<double> x(static_cast<std::size_t>(wide)), y(x.size()), rows(static_cast<std::size_t>(wide * fields));
    std::vector<double> along(static_cast<std::size_t>(ni * fields * nj), 0.0);
    for (std::int64_t j = 0; j < nj; ++j) {
      const std::int64_t row = a_.grid().index(0, j, k);
      for (std::int64_t i = 0; i < wide; ++i) {
        const std::int64_t from = row + border_index(i - ri, ni, Border::mirror);
        x[static_cast<std::size_t>(i)] = a_[from];
        y[static_cast<std::size_t>(i)] = b_[from];
      }
      products(x.data(), y.data(), rows.data(), wide);
      for (std::int64_t f = 0; f < fields; ++f) {
        double* const sum = along.data() + (f * nj + j) * ni;
        if (ri == 0) {
          std::copy_n(rows.data() + f * wide, ni, sum);
        } else {
          for (std::int64_t w = 0; w <= 2 * ri; ++w) add_scaled(sum, rows.data() + f * wide + w, weights_[static_cast<std::size_t>(w)], ni);
        }
      }
    }
    if (rj == 0) {
      out = std::move(along);
      return;
    }
    out.assign(along.size(), 0.0);
    for (std::int64_t f = 0; f < fields; ++f) {
      for (std::int64_t j = 0; j < nj; ++j) {
        for (std::int64_t w = -rj; w <= rj; ++w) {
          add_scaled(out.data() + (f * nj + j) * ni, along.data() + (f * nj + border_index(j + w, nj, Border::mirror)) * ni,
                     weights_[static_cast<std::size_t>(w + rj)], ni);
        }
      }
    }
  }

 private:
  const VoxelView<float>& a_;
  const VoxelView<float>& b_;
  const std::vector<double>& weights_;
  std::int64_t radius_;
};

}  // namespace

Similarity structural_similarity(const VoxelView<float>& a, const VoxelView<float>& b, const SimilarityOptions& options, const Run& run) {
  const Size3 size = a.grid().size();
  if (size != b.grid().size()) {
    throw Error(ErrorCode::not_possible, fmt::format("images: must have one size; got {} x {} x {} and {} x {} x {}", size[0], size[1],
                                                     size[2], b.grid().size(0), b.grid().size(1), b.grid().size(2)));
  }
  const std::vector<double> weights = weights_of(options.window);
  const auto length = static_cast<std::int64_t>(weights.size());
  const std::int64_t radius = length / 2;
  std::array<std::int64_t, 3> margin{};
  double voxels = 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (size[axis] == 1 || (axis == 2 && options.slices)) continue;
    if (size[axis] < length) {
      throw Error(ErrorCode::not_possible, fmt::format("images: an axis of {} voxels is shorter than the window of {}{}", size[axis],
                                                       length, axis == 2 ? "; compare slice by slice" : ""));
    }
    margin[axis] = radius;
    voxels *= static_cast<double>(length);
  }
  const double c1 = std::pow(0.01 * options.range, 2), c2 = std::pow(0.03 * options.range, 2);
  const double normalize = options.sample_covariance && voxels > 1 ? voxels / (voxels - 1) : 1.0;
  const auto [ni, nj, nk] = size;
  const std::int64_t plane = ni * nj;
  Similarity result{.map = Voxels<float>::uninitialized(a.grid())};
  const SliceMeans slice_means(a, b, weights);
  const double sum = parallel_reduce(
      run, nk, 16, 0.0,
      [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
        // A ring of the slices that the window reaches.
        const std::int64_t reach = margin[2];
        std::vector<std::vector<double>> ring(static_cast<std::size_t>(2 * reach + 1));
        std::vector<double> means, row(static_cast<std::size_t>(ni));
        double total = 0;
        std::int64_t made = begin - reach;
        for (std::int64_t k = begin; k < end; ++k) {
          for (; made <= k + reach; ++made) {
            run.check();
            slice_means(border_index(made, nk, Border::mirror), ring[static_cast<std::size_t>((made + 2 * nk + reach) % (2 * reach + 1))]);
          }
          const auto slice = [&](std::int64_t n) -> const std::vector<double>& {
            return ring[static_cast<std::size_t>((n + 2 * nk + reach) % (2 * reach + 1))];
          };
          if (reach > 0) {
            means.assign(static_cast<std::size_t>(plane * fields), 0.0);
            for (std::int64_t w = -reach; w <= reach; ++w) {
              add_scaled(means.data(), slice(k + w).data(), weights[static_cast<std::size_t>(w + reach)], plane * fields);
            }
          }
          const double* const all = reach > 0 ? means.data() : slice(k).data();
          for (std::int64_t j = 0; j < nj; ++j) {
            compare_rows(all + j * ni, plane, ni, c1, c2, normalize, row.data());
            std::transform(row.begin(), row.end(), result.map.data() + a.grid().index(0, j, k),
                           [](double v) { return static_cast<float>(v); });
            if (k < margin[2] || k >= nk - margin[2] || j < margin[1] || j >= nj - margin[1]) continue;
            for (std::int64_t i = margin[0]; i < ni - margin[0]; ++i) total += row[static_cast<std::size_t>(i)];
          }
        }
        return total;
      },
      [](double& total, double part) { total += part; });
  result.mean =
      sum / (static_cast<double>(ni - 2 * margin[0]) * static_cast<double>(nj - 2 * margin[1]) * static_cast<double>(nk - 2 * margin[2]));
  return result;
}

}  // namespace gantry
