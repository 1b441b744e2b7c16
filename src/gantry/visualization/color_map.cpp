// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/color_map.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace gantry {

namespace {

constexpr std::array<Color, 2> grey{{{0, 0, 0}, {255, 255, 255}}};
constexpr std::array<Color, 2> inverse{{{255, 255, 255}, {0, 0, 0}}};
constexpr std::array<Color, 4> hot{{{0, 0, 0}, {168, 0, 0}, {255, 96, 0}, {255, 240, 64}}};
// Nine samples of matplotlib's viridis (CC0) at equal steps; between them colours are linear, which stays within 3 of 255 levels.
constexpr std::array<Color, 9> viridis{{{68, 1, 84},
                                        {71, 44, 122},
                                        {59, 81, 139},
                                        {44, 113, 142},
                                        {33, 144, 141},
                                        {39, 173, 129},
                                        {92, 200, 99},
                                        {170, 220, 50},
                                        {253, 231, 37}}};
constexpr std::array<Color, 5> diverging{{{33, 79, 148}, {122, 168, 214}, {245, 245, 245}, {224, 135, 110}, {158, 30, 38}}};

std::span<const Color> stops_of(ColorMap map) {
  switch (map) {
    case ColorMap::inverse:
      return inverse;
    case ColorMap::hot:
      return hot;
    case ColorMap::viridis:
      return viridis;
    case ColorMap::diverging:
      return diverging;
    default:
      return grey;
  }
}

}  // namespace

Color color_of(ColorMap map, float part) {
  const std::span<const Color> stops = stops_of(map);
  const float at = (part > 0 ? std::min(part, 1.0F) : 0.0F) * static_cast<float>(stops.size() - 1);
  const std::size_t low = std::min(static_cast<std::size_t>(at), stops.size() - 2);
  const float rest = at - static_cast<float>(low);
  Color result{};
  for (std::size_t c = 0; c < 3; ++c) {
    const auto a = static_cast<float>(stops[low][c]);
    const auto b = static_cast<float>(stops[low + 1][c]);
    result[c] = static_cast<std::uint8_t>(std::lround(a + rest * (b - a)));
  }
  return result;
}

std::array<Color, 256> color_table(ColorMap map) {
  std::array<Color, 256> table{};
  for (std::size_t n = 0; n < table.size(); ++n) table[n] = color_of(map, static_cast<float>(n) / 255.0F);
  return table;
}

}  // namespace gantry
