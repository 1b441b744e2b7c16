// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/ramp.h"

#include <numbers>
#include <vector>

#include "gantry/compute/fft.h"
#include "gantry/compute/parallel.h"

namespace gantry::reconstruction {

namespace {

using Row = std::vector<std::complex<float>>;

constexpr double pi = std::numbers::pi;

/// The transfer function: transform of the sampled impulse response, times the window.
std::vector<float> transfer_function(const Fft& fft, double spacing_mm, RampWindow window) {
  const std::int64_t length = fft.length();
  Row taps(static_cast<std::size_t>(length)), lines(taps.size());
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
    taps[static_cast<std::size_t>(n)] = static_cast<float>(tap / spacing_mm);  // 1 / T^2, times T
  }
  fft.forward(taps, lines);
  std::vector<float> result(lines.size());
  for (std::int64_t k = 0; k < length; ++k) {
    const double share = static_cast<double>(std::min(k, length - k)) / (0.5 * static_cast<double>(length));  // of the highest frequency
    double factor = 1;
    if (window == RampWindow::cosine) factor = std::cos(0.5 * pi * share);
    if (window == RampWindow::hamming) factor = 0.54 + 0.46 * std::cos(pi * share);
    if (window == RampWindow::hann) factor = 0.5 + 0.5 * std::cos(pi * share);
    result[static_cast<std::size_t>(k)] = static_cast<float>(factor) * lines[static_cast<std::size_t>(k)].real();
  }
  return result;
}

}  // namespace

void filter_rows(std::span<float> rows, std::int64_t columns, double spacing_mm, RampWindow window, const Run& run) {
  if (window == RampWindow::none) return;
  const Fft fft(fast_fft_length(2 * columns));
  const std::vector<float> transfer = transfer_function(fft, spacing_mm, window);
  const std::int64_t count = std::ssize(rows) / columns;
  // The filter is real and even: one complex transform takes two rows, one as its real and one as its imaginary part.
  parallel_for(run, (count + 1) / 2, 4, [&](std::int64_t begin, std::int64_t end) {
    Row values(static_cast<std::size_t>(fft.length())), lines(values.size());
    for (std::int64_t pair = begin; pair < end; ++pair) {
      float* first = rows.data() + 2 * pair * columns;
      float* second = 2 * pair + 1 < count ? first + columns : nullptr;
      std::ranges::fill(values, std::complex<float>());
      for (std::int64_t n = 0; n < columns; ++n) values[static_cast<std::size_t>(n)] = {first[n], second ? second[n] : 0.0F};
      fft.forward(values, lines);
      for (std::size_t k = 0; k < lines.size(); ++k) lines[k] *= transfer[k];
      fft.inverse(lines, values);
      for (std::int64_t n = 0; n < columns; ++n) {
        first[n] = values[static_cast<std::size_t>(n)].real();
        if (second) second[n] = values[static_cast<std::size_t>(n)].imag();
      }
    }
  });
}

}  // namespace gantry::reconstruction
