// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <complex>
#include <cstdint>
#include <vector>

namespace gantry {

/// Fast Fourier transform of a fixed length, X_k = sum_n x_n exp(-2 pi i k n / N), in single precision, of sixteen lines side by side:
/// Stockham's self-sorting form with factors 4, 2 and any odd ones, where each step is a loop over the lines. Time grows with N times the
/// sum of the prime factors of N. Safe to use from several threads at once.
class Fft {
 public:
  static constexpr std::int64_t lanes = 16;

  /// Sixteen lines in 256 N bytes: value n of line l is re()[16 n + l] + i im()[16 n + l]. At first all are 0.
  class Lines {
   public:
    explicit Lines(const Fft& fft);
    /// Valid until the next transform.
    float* re() { return values_.data() + pitch_ * re_; }
    float* im() { return values_.data() + pitch_ * im_; }
    std::complex<float> at(std::int64_t n, std::int64_t line) const;
    void set(std::int64_t n, std::int64_t line, std::complex<float> value);
    void clear();

   private:
    friend class Fft;
    std::size_t pitch_;
    std::size_t re_ = 0, im_ = 1, work_re_ = 2, work_im_ = 3;  ///< of four arrays in `values_`
    std::vector<float> values_;
  };

  /// Throws Error(parameter) unless 1 <= length <= 2^24.
  explicit Fft(std::int64_t length);

  std::int64_t length() const { return length_; }
  /// Both in place; `lines` must be made for this length. The inverse is divided by N.
  void forward(Lines& lines) const;
  void inverse(Lines& lines) const;

 private:
  struct Step {
    std::int64_t radix = 1, rest = 1;  ///< rest: length / (radix x those of the steps before)
    std::vector<float> re, im;         ///< exp(-2 pi i p k / (radix rest)), p < rest, 1 <= k < radix
    std::vector<float> cosine, sine;   ///< of 2 pi k / radix, for odd ones
  };
  void transform(Lines& lines, bool exchanged) const;

  std::int64_t length_;
  std::vector<Step> steps_;
};

inline std::complex<float> Fft::Lines::at(std::int64_t n, std::int64_t line) const {
  const float* value = values_.data() + lanes * n + line;
  return {value[pitch_ * re_], value[pitch_ * im_]};
}

inline void Fft::Lines::set(std::int64_t n, std::int64_t line, std::complex<float> value) {
  re()[lanes * n + line] = value.real();
  im()[lanes * n + line] = value.imag();
}

/// The least length of at least `least` that has no prime factor above 5.
std::int64_t fast_fft_length(std::int64_t least);

}  // namespace gantry
