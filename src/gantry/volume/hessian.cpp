// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/convolve.h"
#include "gantry/volume/filters.h"

namespace gantry {

namespace {

/// Symmetric matrix entries of `n` voxels in, eigenvalues by rising magnitude out. Cyclic Jacobi; four sweeps reach float precision.
GANTRY_SIMD void eigenvalues_row(const float* __restrict xx, const float* __restrict yy, const float* __restrict zz,
                                 const float* __restrict xy, const float* __restrict xz, const float* __restrict yz,
                                 float* __restrict first, float* __restrict second, float* __restrict third, std::int64_t n) {
  for (std::int64_t v = 0; v < n; ++v) {
    float a = xx[v], b = yy[v], c = zz[v], d = xy[v], e = xz[v], f = yz[v];
    // Rotates the plane (p, q) with off-diagonal o; r and s couple p and q to the third axis.
    const auto rotate = [](float& p, float& q, float& o, float& r, float& s) __attribute__((always_inline)) {
      const float difference = q - p;
      const float root = std::sqrt(difference * difference + 4.0F * o * o);
      const float denominator = difference < 0.0F ? difference - root : difference + root;
      const float t = denominator == 0.0F ? 0.0F : 2.0F * o / denominator;
      const float cosine = 1.0F / std::sqrt(t * t + 1.0F);
      const float sine = t * cosine;
      p -= t * o;
      q += t * o;
      o = 0.0F;
      const float old = r;
      r = cosine * old - sine * s;
      s = sine * old + cosine * s;
    };
#pragma GCC unroll 4
    for (int sweep = 0; sweep < 4; ++sweep) {
      rotate(a, b, d, e, f);
      rotate(a, c, e, d, f);
      rotate(b, c, f, d, e);
    }
    float ma = std::abs(a), mb = std::abs(b), mc = std::abs(c);
    const auto order = [](float& u, float& mu, float& w, float& mw) __attribute__((always_inline)) {
      const bool swap = mu > mw;
      const float lo = swap ? w : u, hi = swap ? u : w, mlo = swap ? mw : mu, mhi = swap ? mu : mw;
      u = lo;
      w = hi;
      mu = mlo;
      mw = mhi;
    };
    order(a, ma, b, mb);
    order(b, mb, c, mc);
    order(a, ma, b, mb);
    first[v] = a;
    second[v] = b;
    third[v] = c;
  }
}

GANTRY_SIMD void scale_row(float* row, float scale, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) row[i] *= scale;
}

enum Order { smooth = 0, first = 1, second = 2 };

struct AxisTaps {
  GaussianTaps taps;
  std::int64_t radius = 0;
  bool flat = false;  ///< one voxel: derivatives are zero
  void apply(const float* const* centre, Order order, float* out, std::int64_t n) const {
    if (order == smooth) {
      convolve_even(centre, taps.smooth.data(), radius, out, n);
    } else if (flat) {
      std::fill_n(out, n, 0.0F);
    } else if (order == first) {
      convolve_odd(centre, taps.first.data(), radius, out, n);
    } else {
      convolve_even(centre, taps.second.data(), radius, out, n);
    }
  }
};

}  // namespace

std::array<Voxels<float>, 3> hessian_eigenvalues(const VoxelView<float>& image, double sigma_mm, const Run& run) {
  require_volume(image, "image");
  const Grid& grid = image.grid();
  const auto [ni, nj, nk] = grid.size();
  std::array<AxisTaps, 3> axes;
  for (int axis = 0; axis < 3; ++axis) {
    const double sigma_voxels = sigma_mm / grid.spacing_mm()[axis];
    if (!(sigma_mm > 0 && sigma_voxels <= 1000)) {
      throw Error(ErrorCode::parameter, fmt::format("sigma: must be positive and at most 1000 voxels; got {} mm", shortest(sigma_mm)));
    }
    AxisTaps& a = axes[static_cast<std::size_t>(axis)];
    a.flat = grid.size(axis) == 1;
    a.taps = gaussian_taps(sigma_voxels);
    if (a.flat) a.taps.smooth = {1.0F};
    a.radius = a.taps.radius();
  }
  std::array<Voxels<float>, 3> result;
  for (auto& r : result) r = Voxels<float>::uninitialized(grid);
  const std::int64_t slice = ni * nj;
  const auto size = static_cast<std::size_t>(slice);

  parallel_for(run, nk, 2, [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
    const auto& [ai, aj, ak] = axes;
    std::array<std::vector<float>, 3> along_k;   // k: smooth, first, second
    std::array<std::vector<float>, 6> along_jk;  // the same six pairs as `pairs`
    std::array<std::vector<float>, 6> entries;   // xx yy zz xy xz yz
    for (auto& s : along_k) s.resize(size);
    for (auto& s : along_jk) s.resize(size);
    for (auto& s : entries) s.resize(static_cast<std::size_t>(ni));
    struct Pair {
      Order j, k, i;
    };
    static constexpr std::array<Pair, 6> pairs{{{smooth, smooth, second},
                                                {second, smooth, smooth},
                                                {smooth, second, smooth},
                                                {first, smooth, first},
                                                {smooth, first, first},
                                                {first, first, smooth}}};
    std::vector<const float*> rows;
    std::vector<float> padded(static_cast<std::size_t>(ni + 2 * ai.radius));
    std::vector<const float*> shifted(static_cast<std::size_t>(2 * ai.radius + 1));
    for (std::size_t t = 0; t < shifted.size(); ++t) shifted[t] = padded.data() + t;
    const Vec3 h = grid.spacing_mm();
    const std::array<double, 6> unit{h.x * h.x, h.y * h.y, h.z * h.z, h.x * h.y, h.x * h.z, h.y * h.z};
    for (std::int64_t k = begin; k < end; ++k) {
      rows.resize(static_cast<std::size_t>(2 * ak.radius + 1));
      for (std::int64_t t = -ak.radius; t <= ak.radius; ++t) {
        rows[static_cast<std::size_t>(t + ak.radius)] = image.data() + border_index(k + t, nk, Border::mirror) * slice;
      }
      for (const Order order : {smooth, first, second}) ak.apply(rows.data() + ak.radius, order, along_k[order].data(), slice);
      for (std::size_t p = 0; p < pairs.size(); ++p) {
        rows.resize(static_cast<std::size_t>(nj + 2 * aj.radius));
        for (std::int64_t j = -aj.radius; j < nj + aj.radius; ++j) {
          rows[static_cast<std::size_t>(j + aj.radius)] = along_k[pairs[p].k].data() + border_index(j, nj, Border::mirror) * ni;
        }
        for (std::int64_t j = 0; j < nj; ++j) {
          aj.apply(rows.data() + aj.radius + j, pairs[p].j, along_jk[p].data() + j * ni, ni);
        }
      }
      for (std::int64_t j = 0; j < nj; ++j) {
        for (std::size_t p = 0; p < pairs.size(); ++p) {
          const float* const row = along_jk[p].data() + j * ni;
          for (std::int64_t i = -ai.radius; i < 0; ++i) {
            padded[static_cast<std::size_t>(i + ai.radius)] = row[border_index(i, ni, Border::mirror)];
          }
          std::copy_n(row, ni, padded.data() + ai.radius);
          for (std::int64_t i = ni; i < ni + ai.radius; ++i) {
            padded[static_cast<std::size_t>(i + ai.radius)] = row[border_index(i, ni, Border::mirror)];
          }
          ai.apply(shifted.data() + ai.radius, pairs[p].i, entries[p].data(), ni);
          scale_row(entries[p].data(), static_cast<float>(sigma_mm * sigma_mm / unit[p]), ni);
        }
        const std::int64_t at = k * slice + j * ni;
        eigenvalues_row(entries[0].data(), entries[1].data(), entries[2].data(), entries[3].data(), entries[4].data(), entries[5].data(),
                        result[0].data() + at, result[1].data() + at, result[2].data() + at, ni);
      }
    }
  });
  return result;
}

}  // namespace gantry
