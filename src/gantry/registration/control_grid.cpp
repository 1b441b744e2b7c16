// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/control_grid.h"

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/bspline.h"

namespace gantry {

namespace {

std::array<double, 4> slopes(double f) {
  const double g = 1 - f;
  return {-0.5 * g * g, 1.5 * f * f - 2 * f, 2 * g - 1.5 * g * g, 0.5 * f * f};
}
std::array<double, 4> curvatures(double f) { return {1 - f, 3 * f - 2, 1 - 3 * f, f}; }

/// Integrals over [0, length] (in units of the spacing) of products of n-th derivatives of the splines of control points a and a + offset
/// - 3.
std::vector<double> gram_of(std::int64_t count, double length, int derivative) {
  std::vector<double> gram(static_cast<std::size_t>(count * 7), 0.0);
  // Four Gauss points integrate polynomials of degree 7 exactly.
  constexpr std::array<double, 4> point{-0.8611363115940526, -0.3399810435848563, 0.3399810435848563, 0.8611363115940526};
  constexpr std::array<double, 4> weight{0.3478548451374538, 0.6521451548625461, 0.6521451548625461, 0.3478548451374538};
  for (std::int64_t cell = 0; static_cast<double>(cell) < length; ++cell) {
    const double width = std::min(1.0, length - static_cast<double>(cell));
    for (std::size_t q = 0; q < 4; ++q) {
      const double f = 0.5 * width * (1 + point[q]);
      const auto b = derivative == 0 ? bspline_weights(f) : derivative == 1 ? slopes(f) : curvatures(f);
      for (std::int64_t m = 0; m < 4; ++m) {
        for (std::int64_t n = 0; n < 4; ++n) {
          if (cell + std::max(m, n) >= count) continue;
          gram[static_cast<std::size_t>((cell + m) * 7 + n - m + 3)] +=
              0.5 * width * weight[q] * b[static_cast<std::size_t>(m)] * b[static_cast<std::size_t>(n)];
        }
      }
    }
  }
  return gram;
}

/// out += factor * (banded matrix along `axis`) in.
void add_banded(const Size3& size, int axis, const std::vector<double>& gram, double factor, const std::vector<double>& in,
                std::vector<double>& out) {
  const std::int64_t stride = axis == 0 ? 1 : axis == 1 ? size[0] : size[0] * size[1];
  const std::int64_t n = size[static_cast<std::size_t>(axis)];
  const std::int64_t inner = stride, outer = size[0] * size[1] * size[2] / (n * inner);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t a = 0; a < n; ++a) {
      double* const target = out.data() + o * n * inner + a * inner;
      for (std::int64_t offset = std::max<std::int64_t>(-3, -a); offset <= std::min<std::int64_t>(3, n - 1 - a); ++offset) {
        const double w = factor * gram[static_cast<std::size_t>(a * 7 + offset + 3)];
        if (w == 0) continue;
        const double* const source = in.data() + o * n * inner + (a + offset) * inner;
        for (std::int64_t i = 0; i < inner; ++i) target[i] += w * source[i];
      }
    }
  }
}

}  // namespace

ControlGrid::ControlGrid(Vec3 box_mm, double spacing_mm) : box_mm_(box_mm), spacing_mm_(spacing_mm) {
  double controls = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const double cells = std::ceil(box_mm[axis] / spacing_mm - 1e-9);
    controls *= cells + 4;
    size_[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(cells) + 4;
  }
  if (!(controls <= 2e7))
    throw Error(ErrorCode::parameter, fmt::format("spacing: gives {:.3g} control points; at most 2e7 are allowed", controls));
  for (std::size_t axis = 0; axis < 3; ++axis) {
    for (int derivative = 0; derivative < 3; ++derivative)
      gram_[axis][static_cast<std::size_t>(derivative)] = gram_of(size_[axis], box_mm[static_cast<int>(axis)] / spacing_mm, derivative);
  }
}

SplineLine ControlGrid::line(int axis, std::int64_t voxels, double step_mm, double first_mm) const {
  SplineLine line;
  const std::int64_t last = size_[static_cast<std::size_t>(axis)] - 4;
  for (std::int64_t n = 0; n < voxels; ++n) {
    const double position = (first_mm + static_cast<double>(n) * step_mm) / spacing_mm_;
    const auto cell = static_cast<std::int64_t>(std::floor(position));
    const auto all = bspline_weights(static_cast<float>(position - static_cast<double>(cell)));
    const std::int64_t base = std::clamp<std::int64_t>(cell, 0, last);
    std::array<float, 4> weight{};
    for (std::int64_t t = 0; t < 4; ++t) {
      const std::int64_t held = cell + t - base;
      if (held >= 0 && held < 4) weight[static_cast<std::size_t>(held)] = all[static_cast<std::size_t>(t)];
    }
    line.base.push_back(static_cast<std::int32_t>(base));
    line.weight.push_back(weight);
  }
  return line;
}

std::vector<double> ControlGrid::refined(std::span<const double> coefficients, const ControlGrid& finer) const {
  Size3 size = size_;
  std::vector<double> values(coefficients.begin(), coefficients.end());
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    Size3 next = size;
    next[a] = finer.size_[a];
    const std::int64_t inner = axis == 0 ? 1 : axis == 1 ? size[0] : size[0] * size[1];
    const std::int64_t outer = 3 * size[0] * size[1] * size[2] / (size[a] * inner);
    std::vector<double> result(static_cast<std::size_t>(3 * next[0] * next[1] * next[2]));
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t n = 0; n < next[a]; ++n) {
        // Index n lies at n - 1 spacings; an even place has a coarse control point of its own.
        const std::int64_t place = n - 1;
        const std::int64_t centre = (place >= 0 ? place / 2 : -1) + 1;
        const auto from = [&](std::int64_t c, std::int64_t i) {
          return values[static_cast<std::size_t>((o * size[a] + std::clamp<std::int64_t>(c, 0, size[a] - 1)) * inner + i)];
        };
        for (std::int64_t i = 0; i < inner; ++i) {
          result[static_cast<std::size_t>((o * next[a] + n) * inner + i)] =
              place % 2 == 0 ? (from(centre - 1, i) + 6 * from(centre, i) + from(centre + 1, i)) / 8
                             : (from(centre, i) + from(centre + 1, i)) / 2;
        }
      }
    }
    values = std::move(result);
    size = next;
  }
  return values;
}

double ControlGrid::bending(std::span<const double> coefficients, double weight, std::span<double> gradient, const Run& run) const {
  const auto n = static_cast<std::size_t>(count());
  // Gram matrices are in units of the spacing: each second derivative brings spacing^-2, the box spacing^3.
  const double volume = box_mm_.x * box_mm_.y * box_mm_.z;
  const double scale = 1 / (spacing_mm_ * volume);
  std::array<double, 3> energy{};
  parallel_for(run, 3, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      const auto* const first = coefficients.data() + static_cast<std::size_t>(part) * n;
      const std::vector<double> c(first, first + n);
      std::array<std::vector<double>, 3> x, z;
      for (std::size_t d = 0; d < 3; ++d) {
        x[d].assign(n, 0.0);
        z[d].assign(n, 0.0);
        add_banded(size_, 0, gram_[0][d], 1, c, x[d]);
      }
      add_banded(size_, 1, gram_[1][0], 1, x[2], z[0]);
      add_banded(size_, 1, gram_[1][2], 1, x[0], z[0]);
      add_banded(size_, 1, gram_[1][1], 2, x[1], z[0]);
      add_banded(size_, 1, gram_[1][0], 2, x[1], z[1]);
      add_banded(size_, 1, gram_[1][1], 2, x[0], z[1]);
      add_banded(size_, 1, gram_[1][0], 1, x[0], z[2]);
      std::vector<double> product(n, 0.0);
      for (std::size_t d = 0; d < 3; ++d) add_banded(size_, 2, gram_[2][d], 1, z[d], product);
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        sum += c[i] * product[i];
        gradient[static_cast<std::size_t>(part) * n + i] += 2 * weight * scale * product[i];
      }
      energy[static_cast<std::size_t>(part)] = sum * scale;
    }
  });
  return energy[0] + energy[1] + energy[2];
}

void slice_of(const Size3& size, const float* coefficients, const SplineLine& line, std::int64_t k, float* slice) {
  const std::int64_t plane = size[0] * size[1];
  const auto& w = line.weight[static_cast<std::size_t>(k)];
  const float* const from = coefficients + line.base[static_cast<std::size_t>(k)] * plane;
  for (std::int64_t n = 0; n < plane; ++n)
    slice[n] = w[0] * from[n] + w[1] * from[n + plane] + w[2] * from[n + 2 * plane] + w[3] * from[n + 3 * plane];
}

void row_of(const Size3& size, const float* slice, const SplineLine& line, std::int64_t j, float* row) {
  const auto& w = line.weight[static_cast<std::size_t>(j)];
  const std::int64_t ni = size[0];
  const float* const from = slice + line.base[static_cast<std::size_t>(j)] * ni;
  for (std::int64_t n = 0; n < ni; ++n) row[n] = w[0] * from[n] + w[1] * from[n + ni] + w[2] * from[n + 2 * ni] + w[3] * from[n + 3 * ni];
}

void values_of(const float* row, const SplineLine& line, float* values) {
  for (std::size_t i = 0; i < line.base.size(); ++i) {
    const float* const from = row + line.base[i];
    const auto& w = line.weight[i];
    values[i] = w[0] * from[0] + w[1] * from[1] + w[2] * from[2] + w[3] * from[3];
  }
}

PlanarField expand(const ControlGrid& control, std::span<const double> coefficients, const std::array<SplineLine, 3>& lines,
                   const Grid& grid, const Run& run) {
  PlanarField field;
  for (auto& part : field.part) part = Voxels<float>::uninitialized(grid);
  const std::vector<float> values(coefficients.begin(), coefficients.end());
  const auto [ni, nj, nk] = grid.size();
  const Size3& size = control.size();
  parallel_for(run, 3 * nk, 1, [&, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
    std::vector<float> slice(static_cast<std::size_t>(size[0] * size[1])), row(static_cast<std::size_t>(size[0]));
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t part = n / nk, k = n % nk;
      slice_of(size, values.data() + part * control.count(), lines[2], k, slice.data());
      for (std::int64_t j = 0; j < nj; ++j) {
        row_of(size, slice.data(), lines[1], j, row.data());
        values_of(row.data(), lines[0], &field.part[static_cast<std::size_t>(part)](0, j, k));
      }
    }
  });
  return field;
}

void gather(const ControlGrid& control, const std::array<Voxels<float>, 3>& force, const std::array<SplineLine, 3>& lines,
            std::span<double> gradient, const Run& run) {
  const auto [ni, nj, nk] = force[0].grid().size();
  const Size3& size = control.size();
  const std::int64_t plane = size[0] * size[1];
  std::vector<float> slices(static_cast<std::size_t>(3 * nk * plane), 0.0F);
  parallel_for(run, 3 * nk, 1, [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
    std::vector<float> row(static_cast<std::size_t>(size[0]));
    for (std::int64_t n = begin; n < end; ++n) {
      float* const slice = slices.data() + n * plane;
      const float* const from = force[static_cast<std::size_t>(n / nk)].data() + n % nk * ni * nj;
      for (std::int64_t j = 0; j < nj; ++j) {
        std::fill(row.begin(), row.end(), 0.0F);
        for (std::int64_t i = 0; i < ni; ++i) {
          const float value = from[j * ni + i];
          if (value == 0) continue;
          const auto& w = lines[0].weight[static_cast<std::size_t>(i)];
          float* const to = row.data() + lines[0].base[static_cast<std::size_t>(i)];
          for (std::size_t t = 0; t < 4; ++t) to[t] += w[t] * value;
        }
        const auto& w = lines[1].weight[static_cast<std::size_t>(j)];
        for (std::size_t t = 0; t < 4; ++t) {
          float* const to = slice + (lines[1].base[static_cast<std::size_t>(j)] + static_cast<std::int32_t>(t)) * size[0];
          for (std::int64_t i = 0; i < size[0]; ++i) to[i] += w[t] * row[static_cast<std::size_t>(i)];
        }
      }
    }
  });
  parallel_for(run, 3 * size[2], 1, [&, nk = nk](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      double* const to = gradient.data() + n * plane;
      const std::int64_t part = n / size[2], c = n % size[2];
      std::fill_n(to, plane, 0.0);
      for (std::int64_t k = 0; k < nk; ++k) {
        const std::int64_t t = c - lines[2].base[static_cast<std::size_t>(k)];
        if (t < 0 || t > 3) continue;
        const float w = lines[2].weight[static_cast<std::size_t>(k)][static_cast<std::size_t>(t)];
        const float* const from = slices.data() + (part * nk + k) * plane;
        for (std::int64_t i = 0; i < plane; ++i) to[i] += static_cast<double>(w * from[i]);
      }
    }
  });
}

}  // namespace gantry
