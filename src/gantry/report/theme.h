// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>

#include "gantry/image/finding.h"
#include "gantry/image/structures.h"

namespace gantry::report {

/// Colours of one appearance of a report; the style sheet of HTML and the PDF take them from here.
struct Theme {
  Color background, panel, text, quiet, line, accent;
  struct Tint {
    Color text, background;
  };
  Tint look_first, note, usual;
  Color range_track, range_usual;
  const Tint& tint(Attention attention) const {
    return attention == Attention::look_first ? look_first : attention == Attention::note ? note : usual;
  }
};

inline constexpr Theme light_theme{{0xff, 0xff, 0xff},
                                   {0xf5, 0xf7, 0xf8},
                                   {0x14, 0x18, 0x1f},
                                   {0x58, 0x64, 0x74},
                                   {0xdd, 0xe3, 0xe8},
                                   {0x0b, 0x6e, 0x75},
                                   {{0xa3, 0x23, 0x1f}, {0xfd, 0xec, 0xeb}},
                                   {{0x8a, 0x52, 0x00}, {0xff, 0xf5, 0xe2}},
                                   {{0x1f, 0x6b, 0x3b}, {0xe9, 0xf5, 0xed}},
                                   {0xdd, 0xe3, 0xe8},
                                   {0x7f, 0xb3, 0xb8}};
inline constexpr Theme dark_theme{{0x0f, 0x12, 0x16},
                                  {0x17, 0x1b, 0x21},
                                  {0xe8, 0xeb, 0xef},
                                  {0x9a, 0xa5, 0xb1},
                                  {0x2a, 0x30, 0x38},
                                  {0x56, 0xc5, 0xca},
                                  {{0xf1, 0x9a, 0x94}, {0x2f, 0x1a, 0x19}},
                                  {{0xf0, 0xbd, 0x6a}, {0x2b, 0x23, 0x14}},
                                  {{0x8f, 0xd3, 0xa6}, {0x16, 0x26, 0x1c}},
                                  {0x2a, 0x30, 0x38},
                                  {0x2f, 0x6e, 0x74}};

/// Contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance).
double contrast(const Color& a, const Color& b);
/// "#0b6e75".
std::string hex(const Color& color);

/// The words that a report's frame is made of.
struct FrameWords {
  std::string_view at_a_glance, key_images, measurements, charts, not_analysed, certainty, methods, references, range, usual, this_patient,
      nothing, page, of, image;
};
const FrameWords& frame_words(std::string_view language);

/// Text from anywhere made safe to show: valid UTF-8, line ends and tabs as spaces, no control characters and none that turn the direction
/// of the text around them.
std::string plain(std::string_view text);
/// Number of bytes of a sentence of "At a glance" that are set bold: up to the first colon, without a bracket before it; 0 when it has
/// none.
std::size_t bold_bytes(std::string_view text);

}  // namespace gantry::report
