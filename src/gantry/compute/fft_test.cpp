// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/fft.h"

#include <numbers>
#include <vector>

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"

namespace gantry::fft_test {

using Spectrum = std::vector<std::complex<float>>;

TEST(Fft, of_one_wave_is_one_line) {
  constexpr std::int64_t n = 60;
  Spectrum wave(n), lines(n);
  for (std::int64_t t = 0; t < n; ++t)
    wave[static_cast<std::size_t>(t)] = std::polar(1.0F, static_cast<float>(2 * std::numbers::pi * 7 * t / n));
  Fft(n).forward(wave, lines);
  for (std::int64_t k = 0; k < n; ++k) EXPECT_NEAR(std::abs(lines[static_cast<std::size_t>(k)]), k == 7 ? n : 0, 1e-4) << k;
}

TEST(Fft, is_undone_by_its_inverse_at_any_length) {
  for (const std::int64_t n : {1, 2, 7, 97, 256, 1000}) {
    Random random(1);
    Spectrum values(static_cast<std::size_t>(n)), lines(values), back(values);
    for (auto& value : values) value = {static_cast<float>(random.next_normal()), static_cast<float>(random.next_normal())};
    const Fft fft(n);
    fft.forward(values, lines);
    fft.inverse(lines, back);
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(std::abs(back[i] - values[i]), 0, 2e-5) << n;
  }
}

TEST(Fft, is_fast_at_lengths_of_small_factors) {
  EXPECT_EQ(fast_fft_length(1), 1);
  EXPECT_EQ(fast_fft_length(1024), 1024);
  EXPECT_EQ(fast_fft_length(1025), 1080);
}

TEST(Fft, refuses_absurd_lengths) {
  EXPECT_EQ(error_of([] { Fft fft(0); }).code(), ErrorCode::parameter);
  EXPECT_EQ(error_of([] { Fft fft(std::int64_t{1} << 40); }).code(), ErrorCode::parameter);
}

}  // namespace gantry::fft_test
