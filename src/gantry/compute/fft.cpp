// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/fft.h"

#include <kissfft/kiss_fft.h>

#include "gantry/base/error.h"

namespace gantry {

namespace {

struct PlanRelease {
  void operator()(kiss_fft_state* plan) const { kiss_fft_free(plan); }
};
using Plan = std::unique_ptr<kiss_fft_state, PlanRelease>;

const kiss_fft_cpx* points(std::span<const std::complex<float>> values) { return reinterpret_cast<const kiss_fft_cpx*>(values.data()); }
kiss_fft_cpx* points(std::span<std::complex<float>> values) { return reinterpret_cast<kiss_fft_cpx*>(values.data()); }

}  // namespace

struct Fft::Plans {
  Plan forward, inverse;
};

Fft::Fft(std::int64_t length) : length_(length), plans_(std::make_unique<Plans>()) {
  if (length < 1 || length > std::int64_t{1} << 24)
    throw Error(ErrorCode::parameter, fmt::format("Fourier transform: its length must lie between 1 and 2^24; got {}", length));
  plans_->forward.reset(kiss_fft_alloc(static_cast<int>(length), 0, nullptr, nullptr));
  plans_->inverse.reset(kiss_fft_alloc(static_cast<int>(length), 1, nullptr, nullptr));
  if (!plans_->forward || !plans_->inverse) throw Error(ErrorCode::out_of_memory, "memory: a Fourier transform needs more");
}
Fft::~Fft() = default;

void Fft::forward(std::span<const std::complex<float>> in, std::span<std::complex<float>> out) const {
  kiss_fft(plans_->forward.get(), points(in), points(out));
}

void Fft::inverse(std::span<const std::complex<float>> in, std::span<std::complex<float>> out) const {
  kiss_fft(plans_->inverse.get(), points(in), points(out));
  const float share = 1.0F / static_cast<float>(length_);
  for (std::complex<float>& value : out) value *= share;
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
