// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/io/formats.h"
#include "gantry/io/npy_header.h"

namespace gantry::io::npy {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t max_header = std::size_t{64} << 10;

struct TypeRow {
  std::string_view code;  ///< without the byte order
  StoredType type;
};
constexpr std::array<TypeRow, 14> type_table{{{"b1", StoredType::u8},
                                              {"u1", StoredType::u8},
                                              {"i1", StoredType::i8},
                                              {"i2", StoredType::i16},
                                              {"u2", StoredType::u16},
                                              {"i4", StoredType::i32},
                                              {"u4", StoredType::u32},
                                              {"i8", StoredType::i64},
                                              {"u8", StoredType::u64},
                                              {"f2", StoredType::f16},
                                              {"f4", StoredType::f32},
                                              {"f8", StoredType::f64},
                                              {"c8", StoredType::c64},
                                              {"c16", StoredType::c128}}};

/// The text behind `'key':` in the header's dictionary.
std::string_view value_of(std::string_view dictionary, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::size_t at = dictionary.find(fmt::format("{}{}{}", quote, key, quote));
    if (at == std::string_view::npos) continue;
    const std::size_t colon = dictionary.find(':', at);
    if (colon != std::string_view::npos) return trim(dictionary.substr(colon + 1));
  }
  throw Error(ErrorCode::unreadable, fmt::format("NPY header: lacks {}", key));
}

std::vector<std::int64_t> parse_shape(std::string_view text) {
  if (!text.starts_with('(')) throw Error(ErrorCode::unreadable, "NPY shape: must be a tuple");
  const std::size_t close = text.find(')');
  if (close == std::string_view::npos) throw Error(ErrorCode::unreadable, "NPY shape: must be a tuple");
  std::vector<std::int64_t> shape;
  for (const std::string& part : split(text.substr(1, close - 1), ',')) {
    std::string_view word = trim(part);
    if (word.empty()) continue;
    if (word.ends_with('L')) word.remove_suffix(1);
    const auto number = parse_integer(word);
    if (!number || !(*number >= 1 && *number <= 0x7fffffff))
      throw Error(ErrorCode::refused, "NPY shape: every axis must have 1 to 2147483647 elements");
    shape.push_back(*number);
  }
  return shape;
}

void set_type(StoredLayout& layout, std::string_view text) {
  if (!(text.starts_with('\'') || text.starts_with('"'))) throw Error(ErrorCode::refused, "NPY descr: structured arrays are not read");
  const std::string_view code = text.substr(1, text.find(text[0], 1) - 1);
  const auto* row = code.empty() ? type_table.end() : std::ranges::find(type_table, code.substr(1), &TypeRow::code);
  if (row == type_table.end() || std::string_view("<>|=").find(code[0]) == std::string_view::npos)
    throw Error(ErrorCode::refused, fmt::format("NPY descr: must be a numeric type; got {}", to_valid_utf8(code.substr(0, 20))));
  layout.type = row->type;
  layout.big_endian = code[0] == '>';
}

}  // namespace

bool looks_like(std::span<const std::byte> head) {
  return std::string_view(reinterpret_cast<const char*>(head.data()), head.size()).starts_with(magic);
}

Array parse_array(std::span<const std::byte> head) {
  if (!looks_like(head) || head.size() < 12) throw Error(ErrorCode::unreadable, "NPY: must begin with its magic text");
  const unsigned version = std::to_integer<unsigned>(head[6]);
  if (!(version >= 1 && version <= 3))
    throw Error(ErrorCode::unreadable, fmt::format("NPY version: must lie between 1 and 3; got {}", version));
  const std::size_t prefix = version == 1 ? 10 : 12;
  const std::size_t length = version == 1 ? load_number<std::uint16_t>(head, 8) : load_number<std::uint32_t>(head, 8);
  if (length > max_header || prefix + length > head.size())
    throw Error(ErrorCode::unreadable, "NPY header: is truncated or longer than 64 KiB");
  const std::string_view text(reinterpret_cast<const char*>(head.data()) + prefix, length);
  Array array;
  array.header_size = prefix + length;
  set_type(array.layout, value_of(text, "descr"));
  const bool fortran = value_of(text, "fortran_order").starts_with("True");
  const std::vector<std::int64_t> shape = parse_shape(value_of(text, "shape"));
  if (shape.empty() || shape.size() > 5)
    throw Error(ErrorCode::refused, fmt::format("NPY shape: must have 1 to 5 axes to be an image; has {}", shape.size()));

  // Which axis of the array is component, x, y, z, t.
  const std::size_t axes = shape.size();
  const std::size_t spatial = std::min<std::size_t>(axes, 3), first = axes == 5 ? 1 : 0;
  std::vector<std::int64_t> step(axes, 1);
  if (fortran) {
    for (std::size_t n = 1; n < axes; ++n) step[n] = step[n - 1] * shape[n - 1];
  } else {
    for (std::size_t n = axes - 1; n > 0; --n) step[n - 1] = step[n] * shape[n];
  }
  Size3 size{1, 1, 1};
  std::array<std::int64_t, 5> strides{};
  for (std::size_t a = 0; a < spatial; ++a) {
    const std::size_t axis = first + spatial - 1 - a;
    size[a] = shape[axis];
    strides[a + 1] = step[axis];
  }
  if (axes >= 4) {
    if (shape.back() > 0x10000) throw Error(ErrorCode::refused, "NPY shape: at most 65536 components are read");
    array.layout.components = static_cast<int>(shape.back());
    strides[0] = step.back();
  }
  if (axes == 5) {
    array.layout.frames = shape[0];
    strides[4] = step[0];
  }
  if (fortran && axes > 1) array.layout.strides = strides;
  array.grid = Grid(size);
  return array;
}

Bytes encode_header(const Image& image) {
  const StoredType type = stored_type_of(image.type());
  const auto row = std::find_if(type_table.begin() + 1, type_table.end(), [&](const TypeRow& r) { return r.type == type; });
  const Size3 size = image.grid().size();
  std::string shape = fmt::format("{}, {}, {}", size[2], size[1], size[0]);
  if (image.components() > 1 || image.frames() > 1) shape += fmt::format(", {}", image.components());
  if (image.frames() > 1) shape = fmt::format("{}, {}", image.frames(), shape);
  std::string text =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}", bytes_of(type) == 1 ? '|' : '<', row->code, shape);
  constexpr std::size_t prefix = 10, alignment = 64;
  text.append(alignment - 1 - (prefix + text.size()) % alignment, ' ');
  text += '\n';
  Bytes header(prefix + text.size());
  std::memcpy(header.data(), magic.data(), magic.size());
  header[6] = std::byte{1};
  store_number(std::span(header), 8, static_cast<std::uint16_t>(text.size()));
  std::memcpy(header.data() + prefix, text.data(), text.size());
  return header;
}

Image read(const InputFile& file, Run& run, const ReadOptions&) {
  const Array array = parse_array(file.head(max_header + 12));
  file.require(array.header_size, stored_bytes(array.layout, array.grid));
  return load_image(
      array.layout, array.grid, [&](std::span<std::byte> out) { file.read_at(array.header_size, out, run); }, run);
}

void write(const Path& path, const Image& image, Run&) {
  const Bytes header = encode_header(image);
  const std::array<std::span<const std::byte>, 2> pieces{header, image.bytes()};
  write_atomic(path, pieces);
}

}  // namespace gantry::io::npy
