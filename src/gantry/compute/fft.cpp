// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/fft.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/base/error.h"
#include "gantry/compute/simd.h"

namespace gantry {

namespace {

constexpr std::int64_t lanes = Fft::lanes;

// Each step takes `rest` groups of `radix` runs of `stride` values, group p from x[stride (p + rest j)], j < radix, to
// y[stride (radix p + k)], k < radix: Stockham's order, which needs no sorting at the end.

/// The factors of group p lie from `factor` on: of k = 1, 2, 3.
GANTRY_SIMD void step_4(const float* __restrict xr, const float* __restrict xi, float* __restrict yr, float* __restrict yi,
                        std::int64_t rest, std::int64_t stride, const float* factor_re, const float* factor_im) {
  const std::int64_t quarter = stride * rest;
  for (std::int64_t p = 0; p < rest; ++p) {
    const float c1 = factor_re[3 * p], c2 = factor_re[3 * p + 1], c3 = factor_re[3 * p + 2];
    const float s1 = factor_im[3 * p], s2 = factor_im[3 * p + 1], s3 = factor_im[3 * p + 2];
    const float *r = xr + stride * p, *i = xi + stride * p;
    float *to_r = yr + 4 * stride * p, *to_i = yi + 4 * stride * p;
#pragma GCC ivdep  // runs lie apart
    for (std::int64_t q = 0; q < stride; ++q) {
      const float ar = r[q] + r[q + 2 * quarter], ai = i[q] + i[q + 2 * quarter];
      const float br = r[q] - r[q + 2 * quarter], bi = i[q] - i[q + 2 * quarter];
      const float cr = r[q + quarter] + r[q + 3 * quarter], ci = i[q + quarter] + i[q + 3 * quarter];
      const float dr = r[q + quarter] - r[q + 3 * quarter], di = i[q + quarter] - i[q + 3 * quarter];
      const float ur = br + di, ui = bi - dr, vr = ar - cr, vi = ai - ci, wr = br - di, wi = bi + dr;
      to_r[q] = ar + cr;
      to_i[q] = ai + ci;
      to_r[q + stride] = ur * c1 - ui * s1;
      to_i[q + stride] = ur * s1 + ui * c1;
      to_r[q + 2 * stride] = vr * c2 - vi * s2;
      to_i[q + 2 * stride] = vr * s2 + vi * c2;
      to_r[q + 3 * stride] = wr * c3 - wi * s3;
      to_i[q + 3 * stride] = wr * s3 + wi * c3;
    }
  }
}

GANTRY_SIMD void step_2(const float* __restrict xr, const float* __restrict xi, float* __restrict yr, float* __restrict yi,
                        std::int64_t rest, std::int64_t stride, const float* factor_re, const float* factor_im) {
  const std::int64_t half = stride * rest;
  for (std::int64_t p = 0; p < rest; ++p) {
    const float c = factor_re[p], s = factor_im[p];
    const float *r = xr + stride * p, *i = xi + stride * p;
    float *to_r = yr + 2 * stride * p, *to_i = yi + 2 * stride * p;
#pragma GCC ivdep  // runs lie apart
    for (std::int64_t q = 0; q < stride; ++q) {
      const float ur = r[q] - r[q + half], ui = i[q] - i[q + half];
      to_r[q] = r[q] + r[q + half];
      to_i[q] = i[q] + i[q + half];
      to_r[q + stride] = ur * c - ui * s;
      to_i[q + stride] = ur * s + ui * c;
    }
  }
}

/// An odd radix: outputs k and radix - k share the sums over pairs of inputs j and radix - j. `pairs` holds 64 x radix / 2 values.
GANTRY_SIMD void step_odd(const float* __restrict xr, const float* __restrict xi, float* __restrict yr, float* __restrict yi,
                          std::int64_t radix, std::int64_t rest, std::int64_t stride, const float* factor_re, const float* factor_im,
                          const float* cosine, const float* sine, float* __restrict pairs) {
  const std::int64_t part = stride * rest, half = radix / 2;
  for (std::int64_t p = 0; p < rest; ++p) {
    for (std::int64_t first = 0; first < stride; first += lanes) {
      const float *r = xr + stride * p + first, *i = xi + stride * p + first;
      float *to_r = yr + radix * stride * p + first, *to_i = yi + radix * stride * p + first;
#pragma GCC ivdep
      for (std::int64_t l = 0; l < lanes; ++l) {
        to_r[l] = r[l];
        to_i[l] = i[l];
      }
      for (std::int64_t j = 1; j <= half; ++j) {
        float* pair = pairs + 4 * lanes * (j - 1);
        const std::int64_t a = part * j, b = part * (radix - j);
#pragma GCC ivdep
        for (std::int64_t l = 0; l < lanes; ++l) {
          pair[l] = r[a + l] + r[b + l];
          pair[lanes + l] = i[a + l] + i[b + l];
          pair[2 * lanes + l] = r[a + l] - r[b + l];
          pair[3 * lanes + l] = i[a + l] - i[b + l];
          to_r[l] += pair[l];
          to_i[l] += pair[lanes + l];
        }
      }
      for (std::int64_t k = 1; k <= half; ++k) {
        float even_r[lanes], even_i[lanes], odd_r[lanes], odd_i[lanes];  // NOLINT: plain arrays stay in registers
        for (std::int64_t l = 0; l < lanes; ++l) {
          even_r[l] = r[l];
          even_i[l] = i[l];
          odd_r[l] = odd_i[l] = 0;
        }
        for (std::int64_t j = 1, turn = k; j <= half; ++j, turn = (turn + k) % radix) {
          const float* pair = pairs + 4 * lanes * (j - 1);
          const float c = cosine[turn], s = sine[turn];
#pragma GCC ivdep
          for (std::int64_t l = 0; l < lanes; ++l) {
            even_r[l] += c * pair[l];
            even_i[l] += c * pair[lanes + l];
            odd_r[l] += s * pair[3 * lanes + l];
            odd_i[l] -= s * pair[2 * lanes + l];
          }
        }
        const std::int64_t a = (radix - 1) * p + k - 1, b = (radix - 1) * p + radix - k - 1;
        const float ca = factor_re[a], sa = factor_im[a], cb = factor_re[b], sb = factor_im[b];
#pragma GCC ivdep
        for (std::int64_t l = 0; l < lanes; ++l) {
          const float ur = even_r[l] + odd_r[l], ui = even_i[l] + odd_i[l], vr = even_r[l] - odd_r[l], vi = even_i[l] - odd_i[l];
          to_r[stride * k + l] = ur * ca - ui * sa;
          to_i[stride * k + l] = ur * sa + ui * ca;
          to_r[stride * (radix - k) + l] = vr * cb - vi * sb;
          to_i[stride * (radix - k) + l] = vr * sb + vi * cb;
        }
      }
    }
  }
}

std::int64_t next_radix(std::int64_t length) {
  if (length % 4 == 0) return 4;
  if (length % 2 == 0) return 2;
  for (std::int64_t radix = 3; radix * radix <= length; radix += 2) {
    if (length % radix == 0) return radix;
  }
  return length;
}

}  // namespace

// Whole pages and a part of one lie between the arrays: in step of 4 KB they would drive each other out of the first cache.
Fft::Lines::Lines(const Fft& fft)
    : pitch_((static_cast<std::size_t>(lanes * fft.length()) + 1023) / 1024 * 1024 + 272), values_(4 * pitch_) {}

void Fft::Lines::clear() {
  std::fill_n(re(), pitch_, 0.0F);
  std::fill_n(im(), pitch_, 0.0F);
}

Fft::Fft(std::int64_t length) : length_(length) {
  if (length < 1 || length > std::int64_t{1} << 24)
    throw Error(ErrorCode::parameter, fmt::format("Fourier transform: its length must lie between 1 and 2^24; got {}", length));
  for (std::int64_t rest = length; rest > 1;) {
    Step step;
    step.radix = next_radix(rest);
    const double turn = 2 * std::numbers::pi / static_cast<double>(rest);
    rest /= step.radix;
    step.rest = rest;
    for (std::int64_t p = 0; p < rest; ++p) {
      for (std::int64_t k = 1; k < step.radix; ++k) {
        const double angle = turn * static_cast<double>(p * k);
        step.re.push_back(static_cast<float>(std::cos(angle)));
        step.im.push_back(static_cast<float>(-std::sin(angle)));
      }
    }
    for (std::int64_t k = 0; k < step.radix && step.radix % 2 == 1; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(step.radix);
      step.cosine.push_back(static_cast<float>(std::cos(angle)));
      step.sine.push_back(static_cast<float>(std::sin(angle)));
    }
    steps_.push_back(std::move(step));
  }
}

void Fft::transform(Lines& lines, bool exchanged) const {
  if (exchanged) std::swap(lines.re_, lines.im_);
  std::int64_t stride = lanes;
  for (const Step& step : steps_) {
    float* const all = lines.values_.data();
    const float *xr = lines.re(), *xi = lines.im(), *cosines = step.re.data(), *sines = step.im.data();
    float *yr = all + lines.pitch_ * lines.work_re_, *yi = all + lines.pitch_ * lines.work_im_;
    if (step.radix == 4) {
      step_4(xr, xi, yr, yi, step.rest, stride, cosines, sines);
    } else if (step.radix == 2) {
      step_2(xr, xi, yr, yi, step.rest, stride, cosines, sines);
    } else {
      std::vector<float> pairs(static_cast<std::size_t>(4 * lanes * (step.radix / 2)));
      step_odd(xr, xi, yr, yi, step.radix, step.rest, stride, cosines, sines, step.cosine.data(), step.sine.data(), pairs.data());
    }
    std::swap(lines.re_, lines.work_re_);
    std::swap(lines.im_, lines.work_im_);
    stride *= step.radix;
  }
  if (exchanged) std::swap(lines.re_, lines.im_);
}

void Fft::forward(Lines& lines) const { transform(lines, false); }

void Fft::inverse(Lines& lines) const {
  transform(lines, true);  // with real and imaginary part exchanged, forward is backward
  const float share = 1.0F / static_cast<float>(length_);
  for (float* values : {lines.re(), lines.im()}) {
    for (std::int64_t n = 0; n < lanes * length_; ++n) values[n] *= share;
  }
}

std::int64_t fast_fft_length(std::int64_t least) {
  for (std::int64_t length = std::max<std::int64_t>(least, 1);; ++length) {
    std::int64_t rest = length;
    for (const int prime : {2, 3, 5}) {
      while (rest % prime == 0) rest /= prime;
    }
    if (rest == 1) return length;
  }
}

}  // namespace gantry
