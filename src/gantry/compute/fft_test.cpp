// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/fft.h"

#include <numbers>
#include <vector>

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"

namespace gantry::fft_test {

TEST(Fft, of_one_wave_is_one_line) {
  constexpr std::int64_t n = 60;
  const Fft fft(n);
  Fft::Lines lines(fft);
  for (std::int64_t t = 0; t < n; ++t) lines.set(t, 3, std::polar(1.0F, static_cast<float>(2 * std::numbers::pi * 7 * t / n)));
  fft.forward(lines);
  for (std::int64_t k = 0; k < n; ++k) {
    EXPECT_NEAR(std::abs(lines.at(k, 3)), k == 7 ? n : 0, 1e-4) << k;
    EXPECT_EQ(std::abs(lines.at(k, 4)), 0) << k;
  }
}

TEST(Fft, is_the_sum_of_its_definition_and_undone_by_its_inverse_at_any_length) {
  for (const std::int64_t n : {1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 24, 60, 97, 121, 256, 315, 1000}) {
    Random random(1);
    const Fft fft(n);
    Fft::Lines lines(fft);
    for (std::int64_t t = 0; t < n; ++t) {
      for (std::int64_t l = 0; l < Fft::lanes; ++l)
        lines.set(t, l, {static_cast<float>(random.next_normal()), static_cast<float>(random.next_normal())});
    }
    const Fft::Lines given = lines;
    fft.forward(lines);
    for (const std::int64_t l : {0, 7, 15}) {
      for (std::int64_t k = 0; k < n; ++k) {
        std::complex<double> sum;
        for (std::int64_t t = 0; t < n; ++t)
          sum += std::complex<double>(given.at(t, l)) *
                 std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k * t % n) / static_cast<double>(n));
        ASSERT_NEAR(std::abs(std::complex<double>(lines.at(k, l)) - sum), 0, 1e-6 * static_cast<double>(n) + 1e-6) << n << " " << k;
      }
    }
    fft.inverse(lines);
    for (std::int64_t t = 0; t < n; ++t) {
      for (std::int64_t l = 0; l < Fft::lanes; ++l) ASSERT_NEAR(std::abs(lines.at(t, l) - given.at(t, l)), 0, 5e-6) << n << " " << t;
    }
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
