// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>

#include "gantry/image/structures.h"

namespace gantry {

/// How a number becomes a colour.
enum class ColorMap {
  grey,       ///< black to white, linear in the window
  inverse,    ///< white to black, for PET
  hot,        ///< black, red, yellow: uptake on top of CT
  viridis,    ///< perceptually uniform, for unsigned maps
  diverging,  ///< blue, white, red with zero in the middle, for signed maps
};

/// The colour of `part` in [0, 1] (clamped; NaN is the lower end).
Color color_of(ColorMap map, float part);
/// `color_of` at the 256 parts n / 255.
std::array<Color, 256> color_table(ColorMap map);

/// Okabe and Ito's colours, distinct for all common kinds of colour vision, in the order in which charts use them.
inline constexpr std::array<Color, 7> okabe_ito{{{0x00, 0x72, 0xb2},
                                                 {0xd5, 0x5e, 0x00},
                                                 {0x00, 0x9e, 0x73},
                                                 {0xcc, 0x79, 0xa7},
                                                 {0xe6, 0x9f, 0x00},
                                                 {0x56, 0xb4, 0xe9},
                                                 {0x00, 0x00, 0x00}}};

}  // namespace gantry
