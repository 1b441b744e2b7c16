// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/local_correlation.h"

#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"

namespace gantry {

namespace {

constexpr std::int64_t block = 1 << 15;
constexpr float half = 0.5F;  // values are taken from the middle of their range: less is lost in differences of squares

/// The six products whose window means the correlation is made of.
GANTRY_SIMD void products(const float* __restrict fixed, const float* __restrict weight, const float* __restrict moving, std::int64_t count,
                          float* __restrict w, float* __restrict wf, float* __restrict wm, float* __restrict wff, float* __restrict wmm,
                          float* __restrict wfm) {
  for (std::int64_t n = 0; n < count; ++n) {
    const bool known = moving[n] == moving[n];
    const float both = known ? weight[n] : 0.0F, m = known ? moving[n] - half : 0.0F, f = both * fixed[n];
    w[n] = both;
    wf[n] = f;
    wm[n] = both * m;
    wff[n] = f * fixed[n];
    wmm[n] = both * m * m;
    wfm[n] = f * m;
  }
}

/// From window means to the correlation of each window and the three maps of which the derivative is made; returns the sum.
GANTRY_SIMD double correlate(std::int64_t count, float noise, const float* __restrict weight, const float* __restrict w,
                             float* __restrict wf, float* __restrict wm, float* __restrict wff, float* __restrict wmm,
                             const float* __restrict wfm) {
  std::array<double, 8> sums{};
  for (std::int64_t n = 0; n < count; ++n) {
    const bool enough = w[n] > 0.25F && weight[n] > 0;
    const float inverse = enough ? 1 / w[n] : 0.0F;
    const float mf = wf[n] * inverse, mm = wm[n] * inverse;
    const float vf = wff[n] * inverse - mf * mf, vm = wmm[n] * inverse - mm * mm, c = wfm[n] * inverse - mf * mm;
    const float a = (vf > 0 ? vf : 0.0F) + noise, b = (vm > 0 ? vm : 0.0F) + noise;
    const float p = enough ? c / (a * b) : 0.0F, q = p * c / b;
    sums[static_cast<std::size_t>(n & 7)] += static_cast<double>(c * p);
    wf[n] = p * inverse;
    wm[n] = q * inverse;
    wff[n] = (p * mf - q * mm) * inverse;
  }
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

}  // namespace

LocalCorrelation::LocalCorrelation(const VoxelView<float>& fixed, std::array<int, 3> radius, float noise, const Run& run)
    : fixed_(fixed.clone()), weight_(Voxels<float>::uninitialized(fixed.grid())), radius_(radius), noise_(noise * noise) {
  run.check();
  for (std::int64_t n = 0; n < fixed_.count(); ++n) {
    const bool known = !std::isnan(fixed_[n]);
    weight_[n] = known ? 1.0F : 0.0F;
    fixed_[n] = known ? fixed_[n] - half : 0.0F;
    known_ += known ? 1 : 0;
  }
}

double LocalCorrelation::operator()(const Voxels<float>& moving, Voxels<float>& slope, const Run& run) const {
  const Grid& grid = fixed_.grid();
  std::array<Voxels<float>, 6> map;
  for (auto& part : map) part = Voxels<float>::uninitialized(grid);
  const std::int64_t count = fixed_.count();
  parallel_for(run, count, block, [&](std::int64_t begin, std::int64_t end) {
    products(fixed_.data() + begin, weight_.data() + begin, moving.data() + begin, end - begin, map[0].data() + begin,
             map[1].data() + begin, map[2].data() + begin, map[3].data() + begin, map[4].data() + begin, map[5].data() + begin);
  });
  for (auto& part : map) part = box_mean(part, radius_, run);
  const double sum = parallel_reduce(
      run, count, block, 0.0,
      [&](std::int64_t begin, std::int64_t end) {
        return correlate(end - begin, noise_, weight_.data() + begin, map[0].data() + begin, map[1].data() + begin, map[2].data() + begin,
                         map[3].data() + begin, map[4].data() + begin, map[5].data() + begin);
      },
      [](double& total, double part) { total += part; });
  for (std::size_t n = 1; n < 4; ++n) map[n] = box_mean(map[n], radius_, run);
  parallel_for(run, count, block, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const bool known = !std::isnan(moving[n]) && weight_[n] > 0;
      slope[n] = known ? 2 * (fixed_[n] * map[1][n] - (moving[n] - half) * map[2][n] - map[3][n]) : 0.0F;
    }
  });
  return sum / known_;
}

}  // namespace gantry
