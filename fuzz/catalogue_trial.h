// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstring>
#include <limits>
#include <span>

#include "gantry/base/error.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/operation/catalogue.h"
#include "gantry/operation/contours_port.h"
#include "gantry/operation/dicom_port.h"
#include "gantry/operation/kspace_port.h"
#include "gantry/operation/phantom_summary.h"
#include "gantry/operation/points_port.h"
#include "gantry/operation/vectors_port.h"
#include "gantry/operation/video_port.h"

namespace gantry::fuzz {

/// Choices out of given bytes; zeros when they have run out.
class Draw {
 public:
  explicit Draw(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool spent() const { return at_ >= bytes_.size(); }
  std::uint8_t byte() { return spent() ? 0 : bytes_[at_++]; }
  /// One of 0 .. count - 1.
  std::size_t below(std::size_t count) { return (byte() | static_cast<std::size_t>(byte()) << 8) % count; }
  bool one_in(std::size_t count) { return below(count) == count - 1; }
  /// Any bits as a number.
  double bits() {
    std::uint64_t word = 0;
    for (int n = 0; n < 8; ++n) word = word << 8 | byte();
    double number = 0;
    std::memcpy(&number, &word, sizeof number);
    return number;
  }
  /// A number that is likely to find the edge of something.
  double number() {
    static constexpr std::array<double, 20> edges{0,    -0.0, 1,    -1,  0.5,   2,          3,           10,         1e-3,   1e-30,
                                                  1e30, 1e9,  -1e9, 255, 32768, 2147483648, -2147483649, 4294967296, 1e-310, 1e300};
    switch (below(8)) {
      case 0:
        return std::numeric_limits<double>::quiet_NaN();
      case 1:
        return byte() % 2 ? INFINITY : -INFINITY;
      case 2:
        return bits();
      case 3:
        return static_cast<double>(byte()) / 16 - 4;
      default:
        return edges[below(edges.size())];
    }
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

inline Grid drawn_grid(Draw& draw) {
  const auto size = [&] { return static_cast<std::int64_t>(1 + draw.below(9)); };
  const Size3 sizes{size(), size(), draw.one_in(4) ? 1 : size()};
  const auto spacing = [&] { return draw.one_in(40) ? 1e4 : draw.one_in(40) ? 1e-3 : std::array{1.0, 0.5, 3.0}[draw.below(3)]; };
  Mat3 direction;
  if (draw.one_in(3)) std::swap(direction.column[0], direction.column[2]);
  if (draw.one_in(3)) direction.column[1] = -1.0 * direction.column[1];
  if (draw.one_in(4)) direction.column[0] = normalized(Vec3{1, 0.3, -0.2});
  Grid grid(sizes, {spacing(), spacing(), spacing()}, {draw.below(3) * 100.0, -50, 7}, direction);
  if (sizes[2] > 1 && draw.one_in(6)) {
    std::vector<double> positions{0};
    for (std::int64_t k = 1; k < sizes[2]; ++k) positions.push_back(positions.back() + 1 + static_cast<double>(k % 3));
    grid = grid.with_slice_positions(std::move(positions));
  }
  return grid;
}

/// Small images of every type with constant, stepped, random and impossible values, and now and then a phantom; mostly on one grid, because
/// operations refuse inputs that do not fit together.
inline Image drawn_image(Draw& draw, const Grid& common) {
  if (draw.one_in(40)) return phantom(phantoms()[draw.below(phantoms().size())].name);
  const Grid grid = draw.one_in(8) ? drawn_grid(draw) : common;
  const int components = draw.one_in(5) ? static_cast<int>(2 + draw.below(3)) : 1;
  const std::int64_t frames = draw.one_in(8) ? 2 : 1;
  auto values = Voxels<double>::uninitialized(grid, components, frames);
  const std::size_t pattern = draw.below(5);
  const double constant = draw.number();
  for (std::int64_t n = 0; n < values.count(); ++n) {
    values[n] = pattern == 0   ? constant
                : pattern == 1 ? static_cast<double>(n % 7)
                : pattern == 2 ? draw.number()
                : pattern == 3 ? static_cast<double>(draw.byte() % 3)
                               : 100.0 * std::sin(static_cast<double>(n));
  }
  const Image image(std::move(values));
  switch (draw.below(10)) {
    case 0:
      return Image(image.as<std::int8_t>().clone());
    case 1:
      return Image(image.as<std::uint8_t>().clone());
    case 2:
      return Image(image.as<std::int16_t>().clone());
    case 3:
      return Image(image.as<std::uint16_t>().clone());
    case 4:
      return Image(image.as<std::int32_t>().clone());
    case 5:
      return Image(image.as<std::uint32_t>().clone());
    case 6:
      return image;
    case 7:
      return Image(image.as<std::complex<float>>().clone());
    default:
      return Image(image.as<float>().clone());
  }
}

inline Labels drawn_labels(Draw& draw, const Grid& common) {
  const Image image = drawn_image(draw, common);
  std::vector<Label> table;
  if (draw.one_in(2)) table.push_back({.value = 1, .id = "one", .name = "One", .color = {200, 10, 10}});
  if (draw.one_in(2)) table.push_back({.value = 2147483647, .id = "last", .name = "Last"});
  return Labels(is_integer(image.type()) ? image : Image(image.as<std::int32_t>().clone()), std::move(table));
}

/// A few rows without sense under the columns of sentences, or a small cohort with the columns that statistics look for.
inline Table drawn_table(Draw& draw) {
  if (draw.one_in(2)) {
    Table cohort({"id", "score", "label", "time", "event"});
    for (std::size_t row = 0, rows = 4 + draw.below(12); row < rows; ++row) {
      const auto one_of = [&](std::size_t count) { return static_cast<double>(draw.below(count)); };
      std::vector<Table::Cell> cells{static_cast<double>(row), one_of(9), one_of(2), one_of(7), one_of(2)};
      if (draw.one_in(20)) cells[draw.below(cells.size())] = draw.number();
      if (draw.one_in(20)) cells[draw.below(cells.size())] = std::monostate();
      cohort.add(std::move(cells));
    }
    return cohort;
  }
  Table table({"x", "concept", "sentence"});
  for (std::size_t rows = draw.below(4); rows > 0; --rows) table.add({draw.number(), std::string("word"), std::monostate()});
  return table;
}

inline Json drawn_json(Draw& draw, int depth = 0) {
  switch (draw.below(depth < 3 ? 8 : 5)) {
    case 0:
      return nullptr;
    case 1:
      return draw.byte() % 2 == 0;
    case 2:
      return static_cast<std::int64_t>(draw.bits() > 0 ? 7 : -7);
    case 3:
      return draw.number();
    case 4:
      return std::array{"", "mirror", "\xff\xfe", "a\nb", "中"}[draw.below(5)];
    case 5:
      return Json{{"key", drawn_json(draw, depth + 1)}};
    default: {
      Json list = Json::array();
      for (std::size_t count = draw.below(5); count > 0; --count) list.push_back(drawn_json(draw, depth + 1));
      return list;
    }
  }
}

/// A summary of an analysis in which one entry of a finding may be anything.
inline Json drawn_summary(Draw& draw) {
  Json summary = phantom_summary("findings");
  Json& findings = summary["studies"][0]["findings"];
  if (draw.one_in(2)) {
    const char* const key = std::array{"id", "value", "unit", "interval", "method", "reason"}[draw.below(6)];
    findings[draw.below(findings.size())][key] = drawn_json(draw);
  }
  return summary;
}

/// Known shapes or polygons, about the middle of the common grid, that may be flat, crossed, tilted or far away.
inline Contours drawn_contours(Draw& draw, const Grid& common) {
  const auto half = [&](int axis) { return 0.5 * static_cast<double>(common.size(axis) - 1); };
  const Vec3 middle = common.world_from_voxel({half(0), half(1), half(2)});
  if (!draw.one_in(2)) {
    Contours known = phantom_contours(std::array{"sphere", "box", "cylinder", "two_spheres"}[draw.below(4)]);
    for (ContouredRegion& region : known.regions) {
      for (Contour& polygon : region.polygons) {
        for (Vec3& point : polygon) point = point + middle;
      }
    }
    return known;
  }
  Contours contours;
  for (std::size_t regions = draw.below(3); regions > 0; --regions) {
    ContouredRegion region{.number = static_cast<int>(regions), .name = draw.one_in(2) ? "one" : ""};
    for (std::size_t polygons = draw.below(4); polygons > 0; --polygons) {
      Contour polygon;
      const double height = draw.one_in(6) ? draw.number() : static_cast<double>(draw.below(9));
      for (std::size_t points = 3 + draw.below(5); points > 0; --points) {
        const auto place = [&] { return draw.one_in(20) ? draw.number() : static_cast<double>(draw.byte()) / 4 - 32; };
        polygon.push_back(middle + Vec3{place(), place(), draw.one_in(30) ? place() : height});
      }
      region.polygons.push_back(std::move(polygon));
    }
    contours.regions.push_back(std::move(region));
  }
  return contours;
}

/// A value for a port; of types that are not known here there is none.
inline Value drawn_value(const PortInfo& type, Draw& draw, const Grid& common) {
  if (&type == &port_info<Image>()) return Value(drawn_image(draw, common));
  if (&type == &port_info<Labels>()) return Value(drawn_labels(draw, common));
  if (&type == &port_info<Table>()) return Value(drawn_table(draw));
  if (&type == &port_info<Json>()) return Value(draw.one_in(2) ? drawn_summary(draw) : drawn_json(draw));
  if (&type == &port_info<PointSet>()) {
    PointSet points;
    for (std::size_t count = draw.below(5); count > 0; --count)
      points.positions_mm.push_back({draw.number(), draw.number(), draw.number()});
    return Value(std::move(points));
  }
  if (&type == &port_info<VectorSet>()) {
    static const VectorSet shapes = phantom_vectors("shapes");
    return Value(shapes);
  }
  if (&type == &port_info<Video>()) {
    static const Video beating = phantom_video("beating");
    if (draw.one_in(2)) return Value(beating);
    Video video{drawn_image(draw, common), {}, "drawn"};
    for (std::int64_t n = 0; draw.one_in(2) && n < video.frames.frames(); ++n) video.times_s.push_back(draw.number());
    return Value(std::move(video));
  }
  if (&type == &port_info<Contours>()) return Value(drawn_contours(draw, common));
  if (&type == &port_info<DicomFiles>()) {
    static const std::vector<DicomFiles::File> known = [] {
      std::vector<DicomFiles::File> files = phantom_dicom("versions").files;
      files.push_back(phantom_dicom("slice").files.front());
      return files;
    }();
    DicomFiles objects;
    for (std::size_t count = 1 + draw.below(3); count > 0; --count) {
      Bytes bytes = *known[draw.below(known.size())].bytes;
      for (std::size_t changes = draw.below(4); changes > 0; --changes)
        bytes[132 + draw.below(bytes.size() - 132)] = static_cast<std::byte>(draw.byte());
      objects.files.push_back({std::to_string(count), std::make_shared<const Bytes>(std::move(bytes))});
    }
    return Value(std::move(objects));
  }
  if (&type == &port_info<KSpace>()) {
    KSpace kspace{.samples = drawn_image(draw, common), .volume = draw.one_in(3), .image_share = {draw.number(), 1, 0.5}};
    if (draw.one_in(2)) kspace.image_size = {static_cast<std::int64_t>(draw.below(40)), 3, static_cast<std::int64_t>(draw.below(3))};
    return Value(std::move(kspace));
  }
  if (&type == &port_info<std::string>()) return Value(std::string("text \xff 中"));
  if (&type == &port_info<Transform>()) {
    return Value(Transform(Mat3{{Vec3{draw.number(), 0, 0}, Vec3{0.1, 1, 0}, Vec3{0, 0, 1}}}, {draw.number(), 2, 3}));
  }
  return {};
}

/// A parameter out of its range, at its ends, beyond them, or of another kind altogether.
inline Json drawn_parameter(const ParameterInfo& info, Draw& draw) {
  const auto number = [&]() -> double {
    const double low = std::max(info.minimum, -1e6), high = std::min(info.maximum, 1e6);
    switch (draw.below(6)) {
      case 0:
        return info.minimum;
      case 1:
        return info.maximum;
      case 2:
        return draw.number();
      default:
        return low + (high - low) * draw.byte() / 255 * (draw.one_in(2) ? 1 : 0.01);
    }
  };
  if (draw.one_in(12)) return drawn_json(draw);
  switch (info.kind) {
    case ParameterKind::boolean:
      return draw.one_in(2);
    case ParameterKind::integer:
      return std::floor(number());
    case ParameterKind::number:
      return number();
    case ParameterKind::choice:
      return info.choices[draw.below(info.choices.size())];
    case ParameterKind::numbers: {
      Json list = Json::array();
      const std::size_t count = draw.one_in(8) ? draw.below(6) : info.count != 0 ? info.count : draw.below(4);
      for (std::size_t n = 0; n < count; ++n) list.push_back(number());
      return list;
    }
    default:
      if (!draw.one_in(4)) return info.default_value;
      return std::array{"", "1", "auto", "\xff"}[draw.below(4)];
  }
}

/// One call as the bytes say: inputs of every shape, parameters in and out of range. An Error is an answer; anything else is a find.
/// Results must be complete, of their declared types, and the same for one thread and three. Returns whether the operation gave a result.
inline bool try_operation(const Operation& operation, Draw& draw) {
  set_voxel_budget(std::uint64_t{32} << 20);
  try {
    const OperationInfo& info = operation.info();
    const Grid common = drawn_grid(draw);
    Arguments inputs;
    for (const PortDescription& port : info.inputs) {
      if (port.optional ? draw.one_in(2) : draw.one_in(60)) continue;
      for (std::size_t count = port.variadic ? draw.below(4) : 1; count > 0; --count) {
        const PortInfo& type = draw.one_in(60) ? port_info<Json>() : *port.type;
        if (Value value = drawn_value(type, draw, common); !value.empty()) inputs[port.name].push_back(std::move(value));
      }
    }
    Json parameters = Json::object();
    for (const ParameterInfo& parameter : info.parameters) {
      if (draw.one_in(2)) parameters[parameter.name] = drawn_parameter(parameter, draw);
    }
    if (draw.one_in(60)) parameters["unknown"] = 1;
    operation.cost(inputs, parameters);
    operation.shapes(inputs, parameters);
    operation.cache_key(inputs, parameters);
    std::map<std::string, std::string> digests;
    for (const int threads : {1, 3}) {
      Run run(RunOptions{.threads = threads});
      const Arguments outputs = operation.run(inputs, parameters, run);
      for (const PortDescription& port : info.outputs) {
        const auto made = outputs.find(port.name);
        if (made == outputs.end() ? !port.optional : &made->second.front().type() != port.type)
          throw std::logic_error(fmt::format("{}: output {} is missing or of another type", info.id, port.name));
        if (made == outputs.end()) continue;
        const std::string digest = made->second.front().digest();
        if (threads == 1) digests[port.name] = digest;
        if (digests.at(port.name) != digest)
          throw std::logic_error(fmt::format("{}: {} depends on the number of threads", info.id, port.name));
      }
    }
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal) throw std::logic_error(error.what());
    return false;
  }
}

}  // namespace gantry::fuzz
