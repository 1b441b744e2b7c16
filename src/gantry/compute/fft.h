// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <span>

namespace gantry {

/// Fast Fourier transform of a fixed length, X_k = sum_n x_n exp(-2 pi i k n / N), single precision (KissFFT). Safe to use from several
/// threads at once.
class Fft {
 public:
  /// Throws Error(parameter) unless 1 <= length <= 2^24.
  explicit Fft(std::int64_t length);
  ~Fft();
  Fft(const Fft&) = delete;
  Fft& operator=(const Fft&) = delete;

  std::int64_t length() const { return length_; }
  /// `in` and `out` have `length` values and do not overlap.
  void forward(std::span<const std::complex<float>> in, std::span<std::complex<float>> out) const;
  /// The inverse, divided by N.
  void inverse(std::span<const std::complex<float>> in, std::span<std::complex<float>> out) const;

 private:
  struct Plans;
  std::int64_t length_;
  std::unique_ptr<Plans> plans_;
};

/// The least length of at least `least` that has no prime factor above 5.
std::int64_t fast_fft_length(std::int64_t least);

}  // namespace gantry
