// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/nifti_header.h"

#include <cstring>

#include "gantry/base/error.h"
#include "gantry/io/input_file.h"

namespace gantry::io::nifti {

namespace {

bool has_text(std::span<const std::byte> head, std::size_t offset, std::string_view text) {
  return head.size() >= offset + text.size() && std::memcmp(head.data() + offset, text.data(), text.size()) == 0;
}

constexpr std::string_view magic_single_1("n+1\0", 4), magic_pair_1("ni1\0", 4);
constexpr std::string_view magic_single_2("n+2\0\r\n\x1a\n", 8), magic_pair_2("ni2\0\r\n\x1a\n", 8);
constexpr int code_scanner = 1;

/// Reads the fields of one header version in turn.
struct FieldReader {
  std::span<const std::byte> bytes;
  bool big_endian;
  template <class T>
  T at(std::size_t offset) const {
    return load_number<T>(bytes, offset, big_endian);
  }
};

Header parse_version_1(std::span<const std::byte> head, bool big_endian) {
  const FieldReader field{head, big_endian};
  Header h;
  h.big_endian = big_endian;
  h.pair = has_text(head, 344, magic_pair_1);
  for (std::size_t n = 0; n < 8; ++n) {
    h.dim[n] = field.at<std::int16_t>(40 + 2 * n);
    h.pixdim[n] = field.at<float>(76 + 4 * n);
  }
  h.intent_code = field.at<std::int16_t>(68);
  h.datatype = field.at<std::int16_t>(70);
  const float offset = field.at<float>(108);
  h.vox_offset = offset >= 0 && offset < 0x1p62f ? static_cast<std::int64_t>(offset) : -1;
  h.scl_slope = field.at<float>(112);
  h.scl_inter = field.at<float>(116);
  h.xyzt_units = field.at<std::uint8_t>(123);
  h.qform_code = field.at<std::int16_t>(252);
  h.sform_code = field.at<std::int16_t>(254);
  for (std::size_t n = 0; n < 3; ++n) {
    h.quatern[n] = field.at<float>(256 + 4 * n);
    h.qoffset[n] = field.at<float>(268 + 4 * n);
    for (std::size_t c = 0; c < 4; ++c) h.srow[n][c] = field.at<float>(280 + 16 * n + 4 * c);
  }
  return h;
}

Header parse_version_2(std::span<const std::byte> head, bool big_endian) {
  const FieldReader field{head, big_endian};
  Header h;
  h.version = 2;
  h.big_endian = big_endian;
  h.pair = has_text(head, 4, magic_pair_2);
  h.datatype = field.at<std::int16_t>(12);
  for (std::size_t n = 0; n < 8; ++n) {
    h.dim[n] = field.at<std::int64_t>(16 + 8 * n);
    h.pixdim[n] = field.at<double>(104 + 8 * n);
  }
  h.vox_offset = field.at<std::int64_t>(168);
  h.scl_slope = field.at<double>(176);
  h.scl_inter = field.at<double>(184);
  h.qform_code = field.at<std::int32_t>(344);
  h.sform_code = field.at<std::int32_t>(348);
  for (std::size_t n = 0; n < 3; ++n) {
    h.quatern[n] = field.at<double>(352 + 8 * n);
    h.qoffset[n] = field.at<double>(376 + 8 * n);
    for (std::size_t c = 0; c < 4; ++c) h.srow[n][c] = field.at<double>(400 + 32 * n + 8 * c);
  }
  h.xyzt_units = field.at<std::int32_t>(500);
  h.intent_code = field.at<std::int32_t>(504);
  return h;
}

/// Millimetres in one spatial unit of the file (1 = metre, 2 = millimetre, 3 = micrometre; unknown counts as millimetre).
double millimetres_per_unit(int xyzt_units) {
  const int unit = xyzt_units & 7;
  return unit == 1 ? 1000.0 : unit == 3 ? 0.001 : 1.0;
}

/// Rotation of the quaternion (a, b, c, d) with a = sqrt(1 - b^2 - c^2 - d^2) >= 0, method 2 of the standard.
Mat3 rotation_of(const std::array<double, 3>& quatern) {
  auto [b, c, d] = quatern;
  double a = 1.0 - (b * b + c * c + d * d);
  if (a < 1e-7) {
    const double scale = 1.0 / std::sqrt(b * b + c * c + d * d);
    b *= scale;
    c *= scale;
    d *= scale;
    a = 0.0;
  } else {
    a = std::sqrt(a);
  }
  return {{Vec3{a * a + b * b - c * c - d * d, 2 * (b * c + a * d), 2 * (b * d - a * c)},
           Vec3{2 * (b * c - a * d), a * a + c * c - b * b - d * d, 2 * (c * d + a * b)},
           Vec3{2 * (b * d + a * c), 2 * (c * d - a * b), a * a + d * d - b * b - c * c}}};
}

/// The quaternion of a proper rotation; the inverse of `rotation_of`.
std::array<double, 3> quaternion_of(const Mat3& r) {
  const auto m = [&](int row, int column) { return r.column[static_cast<std::size_t>(column)][row]; };
  const double trace = m(0, 0) + m(1, 1) + m(2, 2);
  std::array<double, 4> q{};  // a, b, c, d
  if (trace > 0) {
    const double s = 2 * std::sqrt(1 + trace);
    q = {s / 4, (m(2, 1) - m(1, 2)) / s, (m(0, 2) - m(2, 0)) / s, (m(1, 0) - m(0, 1)) / s};
  } else if (m(0, 0) >= m(1, 1) && m(0, 0) >= m(2, 2)) {
    const double s = 2 * std::sqrt(std::max(0.0, 1 + m(0, 0) - m(1, 1) - m(2, 2)));
    q = {(m(2, 1) - m(1, 2)) / s, s / 4, (m(0, 1) + m(1, 0)) / s, (m(0, 2) + m(2, 0)) / s};
  } else if (m(1, 1) >= m(2, 2)) {
    const double s = 2 * std::sqrt(std::max(0.0, 1 + m(1, 1) - m(0, 0) - m(2, 2)));
    q = {(m(0, 2) - m(2, 0)) / s, (m(0, 1) + m(1, 0)) / s, s / 4, (m(1, 2) + m(2, 1)) / s};
  } else {
    const double s = 2 * std::sqrt(std::max(0.0, 1 + m(2, 2) - m(0, 0) - m(1, 1)));
    q = {(m(1, 0) - m(0, 1)) / s, (m(0, 2) + m(2, 0)) / s, (m(1, 2) + m(2, 1)) / s, s / 4};
  }
  const double sign = q[0] < 0 ? -1.0 : 1.0;
  return {sign * q[1], sign * q[2], sign * q[3]};
}

/// RAS to LPS and back: x and y change their sign.
Vec3 flipped(Vec3 v) { return {-v.x, -v.y, v.z}; }

bool is_orthonormal(const Mat3& m) {
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < a; ++b) {
      if (!(std::abs(dot(m.column[static_cast<std::size_t>(a)], m.column[static_cast<std::size_t>(b)])) < 1e-4)) return false;
    }
  }
  return true;
}

/// A grid out of the axis vectors (mm per voxel) and the origin, both in RAS; nothing when they span no volume.
std::optional<Grid> grid_from_ras(Size3 size, const Mat3& axes, Vec3 origin, double mm) {
  Vec3 spacing;
  Mat3 direction;
  for (int a = 0; a < 3; ++a) {
    const Vec3 axis = axes.column[static_cast<std::size_t>(a)];
    const double length = norm(axis);
    if (!(std::isfinite(length) && length > 0)) return {};
    spacing[a] = length * mm;
    direction.column[static_cast<std::size_t>(a)] = flipped((1 / length) * axis);
  }
  if (!(std::abs(determinant(direction)) >= 1e-3)) return {};
  for (int a = 0; a < 3; ++a) {
    if (!(std::isfinite(origin[a]) && std::isfinite(spacing[a]) && spacing[a] > 0)) return {};
  }
  return Grid(size, spacing, mm * flipped(origin), direction);
}

}  // namespace

int version_of(std::span<const std::byte> head) {
  if (head.size() < 348) return 0;
  for (const bool big : {false, true}) {
    const auto size = load_number<std::int32_t>(head, 0, big);
    if (size == 348 && (has_text(head, 344, magic_single_1) || has_text(head, 344, magic_pair_1))) return 1;
    if (size == 540 && head.size() >= 540 && (has_text(head, 4, magic_single_2) || has_text(head, 4, magic_pair_2))) return 2;
  }
  return 0;
}

Header parse_header(std::span<const std::byte> head) {
  const int version = version_of(head);
  if (version == 0) throw Error(ErrorCode::unreadable, "NIfTI header: needs 348 or 540 bytes with its magic text");
  const auto expected = version == 1 ? 348 : 540;
  const bool big_endian = load_number<std::int32_t>(head, 0, false) != expected;
  Header header = version == 1 ? parse_version_1(head, big_endian) : parse_version_2(head, big_endian);
  const std::int64_t axes = header.dim[0];
  if (!(axes >= 1 && axes <= 7)) throw Error(ErrorCode::unreadable, fmt::format("NIfTI dim[0]: must lie between 1 and 7; got {}", axes));
  for (std::size_t n = 1; n < 8; ++n) {
    if (static_cast<std::int64_t>(n) > axes) {
      header.dim[n] = 1;
    } else if (!(header.dim[n] >= 1 && header.dim[n] <= 0x7fffffff)) {
      throw Error(ErrorCode::unreadable, fmt::format("NIfTI dim[{}]: must lie between 1 and 2147483647; got {}", n, header.dim[n]));
    }
  }
  if (header.dim[6] != 1 || header.dim[7] != 1)
    throw Error(ErrorCode::refused, "NIfTI dim[6], dim[7]: must be 1: not an image in space, time and components");
  return header;
}

Bytes encode_header(const Header& h) {
  Bytes bytes(h.size());
  const std::span out(bytes);
  const auto put_text = [&](std::size_t offset, std::string_view text) { std::memcpy(out.data() + offset, text.data(), text.size()); };
  store_number(out, 0, static_cast<std::int32_t>(h.size()));
  if (h.version == 1) {
    put_text(38, "r");
    for (std::size_t n = 0; n < 8; ++n) {
      store_number(out, 40 + 2 * n, static_cast<std::int16_t>(h.dim[n]));
      store_number(out, 76 + 4 * n, static_cast<float>(h.pixdim[n]));
    }
    store_number(out, 68, static_cast<std::int16_t>(h.intent_code));
    store_number(out, 70, static_cast<std::int16_t>(h.datatype));
    store_number(out, 72, static_cast<std::int16_t>(h.bitpix));
    store_number(out, 108, static_cast<float>(h.vox_offset));
    store_number(out, 112, static_cast<float>(h.scl_slope));
    store_number(out, 116, static_cast<float>(h.scl_inter));
    store_number(out, 123, static_cast<std::uint8_t>(h.xyzt_units));
    store_number(out, 252, static_cast<std::int16_t>(h.qform_code));
    store_number(out, 254, static_cast<std::int16_t>(h.sform_code));
    for (std::size_t n = 0; n < 3; ++n) {
      store_number(out, 256 + 4 * n, static_cast<float>(h.quatern[n]));
      store_number(out, 268 + 4 * n, static_cast<float>(h.qoffset[n]));
      for (std::size_t c = 0; c < 4; ++c) store_number(out, 280 + 16 * n + 4 * c, static_cast<float>(h.srow[n][c]));
    }
    put_text(344, h.pair ? magic_pair_1 : magic_single_1);
  } else {
    put_text(4, h.pair ? magic_pair_2 : magic_single_2);
    store_number(out, 12, static_cast<std::int16_t>(h.datatype));
    store_number(out, 14, static_cast<std::int16_t>(h.bitpix));
    for (std::size_t n = 0; n < 8; ++n) {
      store_number(out, 16 + 8 * n, h.dim[n]);
      store_number(out, 104 + 8 * n, h.pixdim[n]);
    }
    store_number(out, 168, h.vox_offset);
    store_number(out, 176, h.scl_slope);
    store_number(out, 184, h.scl_inter);
    store_number(out, 344, static_cast<std::int32_t>(h.qform_code));
    store_number(out, 348, static_cast<std::int32_t>(h.sform_code));
    for (std::size_t n = 0; n < 3; ++n) {
      store_number(out, 352 + 8 * n, h.quatern[n]);
      store_number(out, 376 + 8 * n, h.qoffset[n]);
      for (std::size_t c = 0; c < 4; ++c) store_number(out, 400 + 32 * n + 8 * c, h.srow[n][c]);
    }
    store_number(out, 500, static_cast<std::int32_t>(h.xyzt_units));
    store_number(out, 504, static_cast<std::int32_t>(h.intent_code));
  }
  return bytes;
}

Grid grid_of(const Header& h, std::string& warning) {
  const Size3 size{h.dim[1], h.dim[2], h.dim[3]};
  const double mm = millimetres_per_unit(h.xyzt_units);
  if (h.sform_code > 0) {
    Mat3 axes;
    Vec3 origin;
    for (int row = 0; row < 3; ++row) {
      const auto& values = h.srow[static_cast<std::size_t>(row)];
      for (std::size_t column = 0; column < 3; ++column) axes.column[column][row] = values[column];
      origin[row] = values[3];
    }
    if (auto grid = grid_from_ras(size, axes, origin, mm)) return *grid;
    warning = "its sform spans no volume and is not used";
  }
  Vec3 spacing;
  for (int axis = 0; axis < 3; ++axis) {
    const double step = std::abs(h.pixdim[static_cast<std::size_t>(axis) + 1]);
    spacing[axis] = std::isfinite(step) && step > 0 ? step : 1.0;
    if (spacing[axis] != step && warning.empty() && size[static_cast<std::size_t>(axis)] > 1)
      warning = "its voxel size is not positive; 1 mm is taken";
  }
  if (h.qform_code > 0) {
    Mat3 axes = rotation_of(h.quatern);
    const double handedness = h.pixdim[0] < 0 ? -1.0 : 1.0;
    for (int axis = 0; axis < 3; ++axis) {
      auto& column = axes.column[static_cast<std::size_t>(axis)];
      column = spacing[axis] * (axis == 2 ? handedness : 1.0) * column;
    }
    if (auto grid = grid_from_ras(size, axes, {h.qoffset[0], h.qoffset[1], h.qoffset[2]}, mm)) return *grid;
    warning = "its qform is not finite and is not used";
  }
  // Method 1 of the standard: voxel sizes alone, in RAS.
  if (warning.empty()) warning = "its orientation is not stated; sides are taken as right-anterior-superior";
  Mat3 axes;
  for (int axis = 0; axis < 3; ++axis) axes.column[static_cast<std::size_t>(axis)][axis] = spacing[axis];
  if (auto grid = grid_from_ras(size, axes, {}, mm)) return *grid;
  throw Error(ErrorCode::unreadable, "NIfTI pixdim: must be finite");
}

void set_grid(Header& h, const Grid& grid) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    h.dim[axis + 1] = grid.size()[axis];
    h.pixdim[axis + 1] = grid.spacing_mm()[static_cast<int>(axis)];
  }
  h.xyzt_units = 2;
  Mat3 ras = grid.direction();
  for (Vec3& column : ras.column) column = flipped(column);
  const Vec3 origin = flipped(grid.origin_mm());
  h.sform_code = code_scanner;
  for (int row = 0; row < 3; ++row) {
    auto& values = h.srow[static_cast<std::size_t>(row)];
    for (int column = 0; column < 3; ++column)
      values[static_cast<std::size_t>(column)] = ras.column[static_cast<std::size_t>(column)][row] * grid.spacing_mm()[column];
    values[3] = origin[row];
    h.qoffset[static_cast<std::size_t>(row)] = origin[row];
  }
  h.pixdim[0] = determinant(ras) < 0 ? -1.0 : 1.0;
  h.qform_code = is_orthonormal(ras) ? code_scanner : 0;
  if (h.qform_code == 0) return;
  ras.column[2] = h.pixdim[0] * ras.column[2];
  h.quatern = quaternion_of(ras);
}

}  // namespace gantry::io::nifti
