// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Transforms in files: JSON of all kinds, ITK's text files of linear ones, images of displacements.
#include <bit>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/io/deflate.h"
#include "gantry/io/io.h"
#include "gantry/operation/value.h"

namespace gantry {

namespace {

static_assert(std::endian::native == std::endian::little);
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base 64 of RFC 4648, section 4.
std::string base64_of(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t n = 0; n < bytes.size(); n += 3) {
    std::uint32_t three = 0;
    for (std::size_t b = 0; b < 3; ++b) three = three << 8 | (n + b < bytes.size() ? std::to_integer<std::uint32_t>(bytes[n + b]) : 0);
    for (int s = 18; s >= 0; s -= 6) text += alphabet[three >> s & 63];
  }
  for (std::size_t pad = bytes.size() % 3; pad != 0 && pad < 3; ++pad) text[text.size() - (3 - pad)] = '=';
  return text;
}

Bytes bytes_of_base64(std::string_view text) {
  std::array<std::int8_t, 256> value{};
  value.fill(-1);
  for (std::size_t n = 0; n < alphabet.size(); ++n) value[static_cast<unsigned char>(alphabet[n])] = static_cast<std::int8_t>(n);
  while (text.ends_with('=')) text.remove_suffix(1);
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t held = 0;
  int bits = 0;
  for (const char c : text) {
    const std::int8_t six = value[static_cast<unsigned char>(c)];
    if (six < 0) throw Error(ErrorCode::unreadable, "transform: the displacements are no base 64");
    held = held << 6 | static_cast<std::uint32_t>(six);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::byte>(held >> bits & 255));
  }
  return bytes;
}

Json triple_of(Vec3 v) { return {v.x, v.y, v.z}; }
Vec3 checked_vec3(const Json& json) {
  if (json.size() != 3) throw Error(ErrorCode::unreadable, fmt::format("transform: needs lists of 3 numbers; found {}", json.size()));
  return {json.at(0).get<double>(), json.at(1).get<double>(), json.at(2).get<double>()};
}

Json json_of(const Transform& transform, const Run& run) {
  Json json = Transform(transform.linear(), transform.translation_mm()).to_json();
  if (transform.is_linear()) return json;
  json["type"] = "affine_and_field";
  const Image& field = *transform.displacement_mm();
  const Grid& grid = field.grid();
  if (!grid.slice_positions_mm().empty()) throw Error(ErrorCode::not_possible, "transform: a field must have evenly spaced slices");
  Json direction = Json::array();
  for (const Vec3& column : grid.direction().column) direction.push_back(triple_of(column));
  json["field"] = {{"size", grid.size()},
                   {"spacing_mm", triple_of(grid.spacing_mm())},
                   {"origin_mm", triple_of(grid.origin_mm())},
                   {"axes", direction},
                   {"displacement_mm", base64_of(io::deflate({}, field.bytes(), io::Wrapper::zlib, run))}};
  return json;
}

void require_finite(const Image& field) {
  const VoxelView<float> values = field.as<float>();
  for (std::int64_t n = 0; n < values.count(); ++n) {
    if (!std::isfinite(values[n]))
      throw Error(ErrorCode::unreadable, fmt::format("transform: displacements must be finite; found {}", values[n]));
  }
}

Transform of_json(const Json& json, Run& run) {
  try {
    if (json.at("type") != "affine_and_field") return Transform::from_json(json);
    Json linear = json;
    linear["type"] = "affine";
    const Transform map = Transform::from_json(linear);
    const Json& field = json.at("field");
    Size3 size{};
    for (std::size_t axis = 0; axis < 3; ++axis) size[axis] = field.at("size").at(axis).get<std::int64_t>();
    Mat3 direction;
    for (std::size_t axis = 0; axis < 3; ++axis) direction.column[axis] = checked_vec3(field.at("axes").at(axis));
    const Grid grid(size, checked_vec3(field.at("spacing_mm")), checked_vec3(field.at("origin_mm")), direction);
    const Bytes packed = bytes_of_base64(field.at("displacement_mm").get_ref<const std::string&>());
    io::check_expansion(packed.size(), static_cast<std::uint64_t>(grid.voxel_count()) * 12);
    auto displacement = Voxels<float>::uninitialized(grid, 3);
    io::inflate(packed, io::Wrapper::zlib, 0, std::as_writable_bytes(displacement.values()), run);
    Image image(std::move(displacement));
    require_finite(image);
    return Transform(std::move(image), map.linear(), map.translation_mm());
  } catch (const nlohmann::json::exception&) {
    throw Error(
        ErrorCode::unreadable,
        "transform: needs \"type\" (affine or affine_and_field), \"matrix\", \"translation_mm\" and for a field \"field\" with \"size\", "
        "\"spacing_mm\", \"origin_mm\", \"axes\" and \"displacement_mm\"");
  }
}

std::vector<double> numbers_of(std::string_view text) {
  std::vector<double> numbers;
  for (const std::string& word : split(text, ' ')) {
    if (trim(word).empty()) continue;
    const auto number = parse_double(trim(word));
    if (!number || !std::isfinite(*number)) throw Error(ErrorCode::unreadable, "transform: parameters must be numbers");
    numbers.push_back(*number);
  }
  return numbers;
}

/// "#Insight Transform File V1.0": one affine transform, y = A (x - c) + c + t.
Transform of_itk(std::string_view text) {
  std::string kind;
  std::vector<double> parameters, centre{0, 0, 0};
  int transforms = 0;
  for (const std::string& line : split(text, '\n')) {
    const auto colon = line.find(':');
    if (line.starts_with('#') || colon == std::string::npos) continue;
    const std::string_view key = trim(std::string_view(line).substr(0, colon)), rest = trim(std::string_view(line).substr(colon + 1));
    if (key == "Transform") {
      kind = rest;
      ++transforms;
    }
    if (key == "Parameters") parameters = numbers_of(rest);
    if (key == "FixedParameters") centre = numbers_of(rest);
  }
  if (transforms != 1) throw Error(ErrorCode::refused, fmt::format("transform: the file must hold one transform; holds {}", transforms));
  if (!(kind.starts_with("AffineTransform_") || kind.starts_with("MatrixOffsetTransformBase_")) || !kind.ends_with("_3_3"))
    throw Error(ErrorCode::refused,
                fmt::format("transform: must be an AffineTransform of three dimensions; is {}", to_valid_utf8(kind.substr(0, 60))));
  if (parameters.size() != 12 || centre.size() != 3)
    throw Error(ErrorCode::unreadable,
                fmt::format("transform: needs 12 parameters and 3 fixed ones; has {} and {}", parameters.size(), centre.size()));
  Mat3 linear;
  for (std::size_t n = 0; n < 9; ++n) linear.column[n % 3][static_cast<int>(n / 3)] = parameters[n];
  const Vec3 c{centre[0], centre[1], centre[2]};
  return {linear, c + Vec3{parameters[9], parameters[10], parameters[11]} - linear * c};
}

std::string itk_of(const Transform& transform) {
  if (!transform.is_linear()) throw Error(ErrorCode::not_possible, "transform: a .tfm file holds a linear one; use .json or .nii.gz");
  std::string text = "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\nParameters:";
  for (int row = 0; row < 3; ++row) {
    for (const Vec3& column : transform.linear().column) text += " " + shortest(column[row]);
  }
  for (int axis = 0; axis < 3; ++axis) text += " " + shortest(transform.translation_mm()[axis]);
  return text + "\nFixedParameters: 0 0 0\n";
}

/// Displacements of the whole transform, T(x) - x, where the voxels of its field are taken from.
Image whole_displacement(const Transform& transform) {
  const Image& field = *transform.displacement_mm();
  const VoxelView<float> values = field.as<float>();
  const Mat3 back = inverse(transform.linear());
  const Grid& grid = field.grid();
  Mat3 direction = back * grid.direction();
  Vec3 spacing = grid.spacing_mm();
  for (int axis = 0; axis < 3; ++axis) {
    Vec3& column = direction.column[static_cast<std::size_t>(axis)];
    spacing[axis] *= norm(column);
    column = normalized(column);
  }
  const Grid from(grid.size(), spacing, back * (grid.origin_mm() - transform.translation_mm()), direction);
  auto whole = Voxels<float>::uninitialized(from, 3);
  const auto [ni, nj, nk] = grid.size();
  for (std::int64_t n = 0; n < grid.voxel_count(); ++n) {
    const Vec3 voxel{static_cast<double>(n % ni), static_cast<double>(n / ni % nj), static_cast<double>(n / (ni * nj))};
    const Vec3 shift = grid.world_from_voxel(voxel) - from.world_from_voxel(voxel);
    for (int axis = 0; axis < 3; ++axis) whole[3 * n + axis] = static_cast<float>(shift[axis]) + values[3 * n + axis];
  }
  return whole;
}

std::string ending_of(const Path& path) { return lower(path.extension().string()); }

}  // namespace

Transform PortType<Transform>::read(const Path& path, Run& run) {
  return with_context(path.filename().string(), [&] {
    const std::string ending = ending_of(path);
    if (ending == ".tfm") return of_itk(to_valid_utf8(read_text(path)));
    if (ending == ".json") return of_json(parse_json(read_text(path)), run);
    const Image field = io::read(path, run);
    if (field.components() != 3 || field.frames() != 1 || is_complex(field.type())) {
      throw Error(ErrorCode::refused, fmt::format("transform: a field must have 3 components (LPS mm) and one frame; has {} and {}",
                                                  field.components(), field.frames()));
    }
    Image displacement(field.as<float>().clone());
    require_finite(displacement);
    return Transform(std::move(displacement));
  });
}

void PortType<Transform>::write(const Path& path, const Transform& transform, Run& run) {
  const std::string ending = ending_of(path);
  if (ending == ".json") return write_atomic(path, to_text(json_of(transform, run)));
  if (ending == ".tfm") return write_atomic(path, itk_of(transform));
  if (transform.is_linear())
    throw Error(ErrorCode::not_possible, "transform: a linear one has no grid to be written as a field on; use .json or .tfm");
  io::write(path, whole_displacement(transform), run);
}

// The linear part as JSON; behind a zero byte the field as an image.
Bytes PortType<Transform>::to_bytes(const Transform& transform) {
  const std::string text = Transform(transform.linear(), transform.translation_mm()).to_json().dump();
  const auto words = std::as_bytes(std::span(text));
  Bytes bytes(words.begin(), words.end());
  if (transform.is_linear()) return bytes;
  bytes.push_back(std::byte{0});
  const Bytes field = PortType<Image>::to_bytes(*transform.displacement_mm());
  bytes.insert(bytes.end(), field.begin(), field.end());
  return bytes;
}

Transform PortType<Transform>::from_bytes(std::span<const std::byte> bytes) {
  const auto end = std::ranges::find(bytes, std::byte{0});
  const auto size = static_cast<std::size_t>(end - bytes.begin());
  const Transform map = Transform::from_json(parse_json({reinterpret_cast<const char*>(bytes.data()), size}));
  if (end == bytes.end()) return map;
  return Transform(PortType<Image>::from_bytes(bytes.subspan(size + 1)), map.linear(), map.translation_mm());
}

}  // namespace gantry
