// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/ramp.h"

#include <numbers>
#include <vector>

#include "gantry/compute/fft.h"
#include "gantry/compute/parallel.h"

namespace gantry::reconstruction {

namespace {

constexpr double pi = std::numbers::pi;

/// The transfer function: transform of the sampled impulse response, times the window.
std::vector<float> transfer_function(const Fft& fft, double spacing_mm, RampWindow window) {
  const std::int64_t length = fft.length();
  Fft::Lines taps(fft);
  for (std::int64_t n = 0; n < length; ++n) {
    const auto away = static_cast<double>(std::min(n, length - n));
    double tap = 0;
    if (window == RampWindow::shepp_logan) {
      tap = -2 / (pi * pi * (4 * away * away - 1));
    } else if (away == 0) {
      tap = 0.25;
    } else if (std::min(n, length - n) % 2 == 1) {
      tap = -1 / (pi * pi * away * away);
    }
    taps.set(n, 0, static_cast<float>(tap / spacing_mm));  // 1 / T^2, times T
  }
  fft.forward(taps);
  std::vector<float> result(static_cast<std::size_t>(length));
  for (std::int64_t k = 0; k < length; ++k) {
    const double share = static_cast<double>(std::min(k, length - k)) / (0.5 * static_cast<double>(length));  // of the highest frequency
    double factor = 1;
    if (window == RampWindow::cosine) factor = std::cos(0.5 * pi * share);
    if (window == RampWindow::hamming) factor = 0.54 + 0.46 * std::cos(pi * share);
    if (window == RampWindow::hann) factor = 0.5 + 0.5 * std::cos(pi * share);
    result[static_cast<std::size_t>(k)] = static_cast<float>(factor) * taps.at(k, 0).real();
  }
  return result;
}

}  // namespace

void filter_rows(std::span<float> rows, std::int64_t columns, double spacing_mm, RampWindow window, const Run& run) {
  if (window == RampWindow::none) return;
  const Fft fft(fast_fft_length(2 * columns));
  const std::vector<float> transfer = transfer_function(fft, spacing_mm, window);
  const std::int64_t count = std::ssize(rows) / columns, length = fft.length();
  // The filter is real and even: one complex transform takes two rows, one as its real and one as its imaginary part.
  constexpr std::int64_t together = 2 * Fft::lanes;
  parallel_for(run, (count + together - 1) / together, 1, [&](std::int64_t begin, std::int64_t end) {
    Fft::Lines lines(fft);
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = together * block, taken = std::min(together, count - first);
      lines.clear();
      for (std::int64_t row = 0; row < taken; ++row) {
        const float* in = rows.data() + (first + row) * columns;
        float* out = (row % 2 == 0 ? lines.re() : lines.im()) + row / 2;
        for (std::int64_t n = 0; n < columns; ++n) out[Fft::lanes * n] = in[n];
      }
      fft.forward(lines);
      for (float* values : {lines.re(), lines.im()}) {
        for (std::int64_t k = 0; k < length; ++k) {
          for (std::int64_t l = 0; l < Fft::lanes; ++l) values[Fft::lanes * k + l] *= transfer[static_cast<std::size_t>(k)];
        }
      }
      fft.inverse(lines);
      for (std::int64_t row = 0; row < taken; ++row) {
        float* out = rows.data() + (first + row) * columns;
        const float* in = (row % 2 == 0 ? lines.re() : lines.im()) + row / 2;
        for (std::int64_t n = 0; n < columns; ++n) out[n] = in[Fft::lanes * n];
      }
    }
  });
}

}  // namespace gantry::reconstruction
