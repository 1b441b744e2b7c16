// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/points_port.h"

#include <numbers>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/image/phantom/phantom.h"

namespace gantry {

namespace {

constexpr double farthest_mm = 1e7;

double checked(double value, std::size_t point) {
  if (!(std::abs(value) <= farthest_mm))
    throw Error(ErrorCode::unreadable, fmt::format("points: coordinates must lie within 10 km; point {} has {}", point + 1, value));
  return value;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

PointSet of_csv(std::string text) {
  // Without a header: a first row of numbers.
  const std::string first = text.substr(0, text.find('\n'));
  const auto cells = split(first, ',');
  const bool headless = cells.size() >= 3 && std::all_of(cells.begin(), cells.begin() + 3,
                                                         [](const std::string& cell) { return parse_double(trim(cell)).has_value(); });
  if (headless) {
    std::string header = "x,y,z";
    for (std::size_t n = 3; n < cells.size(); ++n) header += fmt::format(",column_{}", n + 1);
    text = header + "\n" + text;
  }
  const Table table = PortType<Table>::from_bytes(bytes_of(text));
  const auto column = [&](const std::string& name) -> std::optional<std::size_t> {
    for (std::size_t n = 0; n < table.columns().size(); ++n) {
      const std::string word = lower(trim(table.columns()[n]));
      if (word == name || word == name + "_mm") return n;
    }
    return {};
  };
  const std::array<std::optional<std::size_t>, 3> place{column("x"), column("y"), column("z")};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (!place[axis])
      throw Error(ErrorCode::unreadable, fmt::format("points: need the columns x, y and z; found {}", join(table.columns(), ", ")));
  }
  const auto name = column("name");
  PointSet points;
  for (const auto& row : table.rows()) {
    Vec3 position;
    for (int axis = 0; axis < 3; ++axis) {
      const auto* number = std::get_if<double>(&row[*place[static_cast<std::size_t>(axis)]]);
      if (number == nullptr)
        throw Error(ErrorCode::unreadable,
                    fmt::format("points: {} of point {} must be a number", "xyz"[axis], points.positions_mm.size() + 1));
      position[axis] = checked(*number, points.positions_mm.size());
    }
    points.positions_mm.push_back(position);
    if (!name) continue;
    const auto& cell = row[*name];
    const auto* number = std::get_if<double>(&cell);
    const auto* word = std::get_if<std::string>(&cell);
    points.names.push_back(number ? shortest(*number) : word ? *word : std::string());
  }
  return points;
}

/// "point", the number, then numbers: white space of any kind between them.
PointSet of_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  while (true) {
    begin = text.find_first_not_of(" \t\r\n\v\f", begin);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \t\r\n\v\f", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  if (words.empty() || lower(std::string(words[0])) != "point") {
    throw Error(words.empty() || words[0] != "index" ? ErrorCode::unreadable : ErrorCode::refused,
                fmt::format("points: a text file must begin with the word point (positions in mm); found {}",
                            words.empty() ? "nothing" : fmt::format("\"{}\"", to_valid_utf8(words[0].substr(0, 20)))));
  }
  const auto count = words.size() > 1 ? parse_integer(words[1]) : std::nullopt;
  if (!count || *count < 0 || static_cast<unsigned long long>(*count) > words.size() ||
      words.size() != 2 + 3 * static_cast<std::size_t>(*count)) {
    throw Error(ErrorCode::unreadable,
                fmt::format("points: the second word must be the number of points, each with three numbers; found {} "
                            "words behind it",
                            words.size() < 2 ? 0 : words.size() - 2));
  }
  PointSet points;
  for (std::size_t n = 2; n < words.size(); n += 3) {
    Vec3 position;
    for (int axis = 0; axis < 3; ++axis) {
      const auto number = parse_double(words[n + static_cast<std::size_t>(axis)]);
      if (!number)
        throw Error(ErrorCode::unreadable,
                    fmt::format("points: {} of point {} must be a number", "xyz"[axis], points.positions_mm.size() + 1));
      position[axis] = checked(*number, points.positions_mm.size());
    }
    points.positions_mm.push_back(position);
  }
  return points;
}

std::string csv_of(const PointSet& points) {
  std::vector<std::string> columns{"x", "y", "z"};
  if (!points.names.empty()) columns.emplace_back("name");
  Table table(columns);
  for (std::size_t n = 0; n < points.positions_mm.size(); ++n) {
    const Vec3& p = points.positions_mm[n];
    std::vector<Table::Cell> row{p.x, p.y, p.z};
    if (!points.names.empty()) row.emplace_back(points.names[n]);
    table.add(std::move(row));
  }
  return table.to_csv();
}

std::string words_of(const PointSet& points) {
  std::string text = fmt::format("point\n{}\n", points.positions_mm.size());
  for (const Vec3& p : points.positions_mm) text += fmt::format("{} {} {}\n", shortest(p.x), shortest(p.y), shortest(p.z));
  return text;
}

}  // namespace

PointSet PortType<PointSet>::read(const Path& path, Run&) {
  return with_context(path.filename().string(), [&] {
    const std::string text = to_valid_utf8(read_text(path));
    return lower(path.extension().string()) == ".txt" ? of_words(text) : of_csv(text);
  });
}
void PortType<PointSet>::write(const Path& path, const PointSet& points, Run&) {
  write_atomic(path, lower(path.extension().string()) == ".txt" ? words_of(points) : csv_of(points));
}
Bytes PortType<PointSet>::to_bytes(const PointSet& points) {
  const std::string text = csv_of(points);
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}
PointSet PortType<PointSet>::from_bytes(std::span<const std::byte> bytes) {
  return of_csv({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

PointSet phantom_points(std::string_view name) {
  if (name != "corners") throw Error(ErrorCode::usage, fmt::format("phantom: points must be corners; got {}", name));
  PointSet points;
  for (int corner = 0; corner < 8; ++corner) {
    points.positions_mm.push_back({corner & 1 ? 16.0 : -16.0, corner & 2 ? 12.0 : -12.0, corner & 4 ? 8.0 : -8.0});
    points.names.push_back(fmt::format("corner {}", corner + 1));
  }
  return points;
}

Transform phantom_transform(std::string_view name) {
  if (name == "turn") {
    const double c = std::cos(5 * std::numbers::pi / 180), s = std::sin(5 * std::numbers::pi / 180);
    return {Mat3{{Vec3{c, s, 0}, Vec3{-s, c, 0}, Vec3{0, 0, 1}}}, Vec3{3, -4, 2}};
  }
  if (name != "bend") throw Error(ErrorCode::usage, fmt::format("phantom: a transform must be turn or bend; got {}", name));
  const Grid grid = phantom("constant").grid();
  Voxels<float> field(grid, 0.0F, 3);
  for (std::int64_t n = 0; n < grid.voxel_count(); ++n) {
    const double x = grid.origin_mm().x + static_cast<double>(n % grid.size(0));
    field[3 * n + 2] = static_cast<float>(4 * std::cos(std::numbers::pi * x / 64));
  }
  return Transform(Image(std::move(field)));
}

}  // namespace gantry
