// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/header_text.h"

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::io {

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view space = " \t\r\n\v\f";
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(space, at)) != std::string_view::npos) {
    const std::size_t end = std::min(line.find_first_of(space, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

std::vector<double> parse_numbers(std::string_view field, std::string_view text, std::size_t count) {
  std::vector<double> numbers;
  for (const std::string_view word : words_of(text)) {
    const auto number = parse_double(word);
    if (!number) throw Error(ErrorCode::unreadable, fmt::format("{}: must be numbers", field));
    numbers.push_back(*number);
  }
  if (count != 0 && numbers.size() != count)
    throw Error(ErrorCode::unreadable, fmt::format("{}: must be {} numbers; found {}", field, count, numbers.size()));
  return numbers;
}

std::vector<std::int64_t> parse_sizes(std::string_view field, std::string_view text) {
  std::vector<std::int64_t> sizes;
  for (const std::string_view word : words_of(text)) {
    const auto number = parse_integer(word);
    if (!number || !(*number >= 1 && *number <= 0x7fffffff))
      throw Error(ErrorCode::unreadable, fmt::format("{}: must be whole numbers from 1 to 2147483647", field));
    sizes.push_back(*number);
  }
  return sizes;
}

Grid grid_of_axes(const std::vector<std::int64_t>& sizes, std::vector<Vec3> axes, Vec3 origin_mm) {
  Size3 size{1, 1, 1};
  std::copy_n(sizes.begin(), std::min<std::size_t>(3, sizes.size()), size.begin());
  while (axes.size() < 3) {
    Vec3 best{0, 0, 1};
    if (axes.size() == 2) {
      const Vec3 normal = cross(axes[0], axes[1]);
      if (norm(normal) > 0) best = normalized(normal);
    } else {
      best = axes.empty() ? Vec3{1, 0, 0} : std::abs(axes[0].x) <= std::abs(axes[0].y) ? Vec3{1, 0, 0} : Vec3{0, 1, 0};
    }
    axes.push_back(best);
  }
  Vec3 spacing;
  Mat3 direction;
  for (int a = 0; a < 3; ++a) {
    const Vec3 axis = axes[static_cast<std::size_t>(a)];
    spacing[a] = norm(axis);
    if (!(std::isfinite(spacing[a]) && spacing[a] > 0))
      throw Error(ErrorCode::unreadable, fmt::format("axis {}: must have a positive length", a));
    direction.column[static_cast<std::size_t>(a)] = (1 / spacing[a]) * axis;
  }
  return Grid(size, spacing, origin_mm, direction);
}

}  // namespace gantry::io
