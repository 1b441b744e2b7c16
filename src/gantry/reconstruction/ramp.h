// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "gantry/base/run.h"

namespace gantry::reconstruction {

/// Windows of the ramp filter; `none` leaves the projections as they are.
enum class RampWindow { ram_lak, shepp_logan, cosine, hamming, hann, none };
constexpr std::array<std::pair<RampWindow, std::string_view>, 6> choices_of(RampWindow) {
  return {{{RampWindow::ram_lak, "ram_lak"},
           {RampWindow::shepp_logan, "shepp_logan"},
           {RampWindow::cosine, "cosine"},
           {RampWindow::hamming, "hamming"},
           {RampWindow::hann, "hann"},
           {RampWindow::none, "none"}}};
}

/// Convolves each row of `columns` values, `spacing_mm` apart, with the ramp filter and multiplies by the spacing: the result is in 1/mm
/// times the input. The filter is built from the samples of its impulse response, so that constants come out right, and rows are followed
/// by as many zeros at least (Kak and Slaney 1988, section 3.3).
void filter_rows(std::span<float> rows, std::int64_t columns, double spacing_mm, RampWindow window, const Run& run);

}  // namespace gantry::reconstruction
