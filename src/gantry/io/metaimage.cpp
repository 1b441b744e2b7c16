// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/io/deflate.h"
#include "gantry/io/formats.h"
#include "gantry/io/header_text.h"
#include "gantry/io/stored.h"

namespace gantry::io::metaimage {

namespace {

constexpr std::size_t max_header = std::size_t{64} << 10;

struct TypeRow {
  std::string_view name;
  StoredType type;
};
constexpr std::array<TypeRow, 12> type_table{{{"MET_CHAR", StoredType::i8},
                                              {"MET_UCHAR", StoredType::u8},
                                              {"MET_SHORT", StoredType::i16},
                                              {"MET_USHORT", StoredType::u16},
                                              {"MET_INT", StoredType::i32},
                                              {"MET_UINT", StoredType::u32},
                                              {"MET_LONG", StoredType::i32},
                                              {"MET_ULONG", StoredType::u32},
                                              {"MET_LONG_LONG", StoredType::i64},
                                              {"MET_ULONG_LONG", StoredType::u64},
                                              {"MET_FLOAT", StoredType::f32},
                                              {"MET_DOUBLE", StoredType::f64}}};

StoredType type_of(std::string_view name) {
  std::string plain(name);
  if (plain.ends_with("_ARRAY")) plain.resize(plain.size() - 6);
  const auto* row = std::ranges::find(type_table, plain, &TypeRow::name);
  if (row == type_table.end())
    throw Error(ErrorCode::unreadable,
                fmt::format("MetaImage ElementType: must be a scalar type; got {}", to_valid_utf8(name.substr(0, 40))));
  return row->type;
}

struct Header {
  std::map<std::string, std::string, std::less<>> fields;
  std::size_t size = 0;  ///< bytes up to and including the line of ElementDataFile

  std::string_view operator[](std::string_view key) const {
    const auto found = fields.find(key);
    return found == fields.end() ? std::string_view() : std::string_view(found->second);
  }
  /// The first of several names that is there.
  std::string_view any(std::initializer_list<std::string_view> keys) const {
    for (const std::string_view key : keys) {
      if (const auto value = (*this)[key]; !value.empty()) return value;
    }
    return {};
  }
  bool flag(std::initializer_list<std::string_view> keys, bool otherwise) const {
    const std::string value = lower(any(keys));
    return value.empty() ? otherwise : value == "true" || value == "1";
  }
};

Header parse(std::string_view text) {
  Header header;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equal = line.find('=');
    if (equal == std::string_view::npos) {
      if (trim(line).empty()) continue;
      break;
    }
    const std::string key(trim(line.substr(0, equal)));
    header.fields[key] = std::string(trim(line.substr(equal + 1)));
    if (key == "ElementDataFile") {
      header.size = at;
      return header;
    }
  }
  throw Error(ErrorCode::unreadable, "MetaImage header: must end with ElementDataFile");
}

Grid grid_of(const Header& header, const std::vector<std::int64_t>& sizes) {
  const std::size_t axes_count = sizes.size();
  std::vector<double> spacing(axes_count, 1.0), origin(axes_count, 0.0), matrix(axes_count * axes_count, 0.0);
  for (std::size_t n = 0; n < axes_count; ++n) matrix[n * axes_count + n] = 1;
  if (const auto text = header.any({"ElementSpacing", "ElementSize"}); !text.empty())
    spacing = parse_numbers("ElementSpacing", text, axes_count);
  if (const auto text = header.any({"Offset", "Position", "Origin"}); !text.empty()) origin = parse_numbers("Offset", text, axes_count);
  if (const auto text = header.any({"TransformMatrix", "Rotation", "Orientation"}); !text.empty())
    matrix = parse_numbers("TransformMatrix", text, axes_count * axes_count);
  // Row n of the matrix is the direction of axis n. A time axis beyond the third has no place in space.
  const std::size_t spatial = std::min<std::size_t>(3, axes_count);
  std::vector<Vec3> axes(spatial);
  Vec3 origin_mm;
  for (std::size_t n = 0; n < spatial; ++n) {
    for (std::size_t c = 0; c < spatial; ++c) axes[n][static_cast<int>(c)] = matrix[n * axes_count + c] * std::abs(spacing[n]);
    origin_mm[static_cast<int>(n)] = origin[n];
  }
  return grid_of_axes(sizes, std::move(axes), origin_mm);
}

}  // namespace

bool looks_like(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::size_t equal = line.find('=');
  if (equal == std::string_view::npos) return false;
  const std::string_view key = trim(line.substr(0, equal));
  constexpr std::array<std::string_view, 5> first_keys{"ObjectType", "NDims", "Comment", "ObjectSubType", "TransformType"};
  return std::ranges::find(first_keys, key) != first_keys.end() && text.find("NDims") != std::string_view::npos;
}

Image read(const InputFile& file, Run& run, const ReadOptions&) {
  const Bytes head = file.head(max_header);
  const Header header = parse({reinterpret_cast<const char*>(head.data()), head.size()});
  const auto sizes = parse_sizes("DimSize", header["DimSize"]);
  if (const auto axes = parse_integer(header["NDims"]);
      !axes || *axes != static_cast<long long>(sizes.size()) || sizes.empty() || sizes.size() > 4)
    throw Error(ErrorCode::unreadable,
                fmt::format("MetaImage NDims: must lie between 1 and 4 and fit DimSize; got {}", to_valid_utf8(header["NDims"])));
  const Grid grid = grid_of(header, sizes);
  StoredLayout layout;
  layout.type = type_of(header["ElementType"]);
  layout.frames = sizes.size() == 4 ? sizes[3] : 1;
  if (const auto text = header["ElementNumberOfChannels"]; !text.empty()) {
    const auto channels = parse_sizes("ElementNumberOfChannels", text);
    if (channels.size() != 1 || channels[0] > 0x10000)
      throw Error(ErrorCode::unreadable, "MetaImage ElementNumberOfChannels: must lie between 1 and 65536");
    layout.components = static_cast<int>(channels[0]);
  }
  layout.big_endian = header.flag({"BinaryDataByteOrderMSB", "ElementByteOrderMSB"}, false);
  const std::uint64_t byte_count = stored_bytes(layout, grid);

  const std::string_view data = header["ElementDataFile"];
  const bool local = lower(data) == "local";
  if (data.starts_with("LIST") || data.find('%') != std::string_view::npos)
    throw Error(ErrorCode::refused, "MetaImage ElementDataFile: lists of slice files are not read");
  std::optional<InputFile> other;
  if (!local) other.emplace(sibling_file(file.path(), data));
  const InputFile& source = local ? file : *other;
  const bool binary = header.flag({"BinaryData"}, true), compressed = header.flag({"CompressedData"}, false);
  std::uint64_t offset = local ? header.size : 0;
  if (const auto text = header["HeaderSize"]; !text.empty() && !local) {
    const auto skip = parse_integer(text);
    if (!skip || !(*skip >= -1)) throw Error(ErrorCode::unreadable, "MetaImage HeaderSize: must be -1 or more");
    if (*skip == -1 && source.size() < byte_count) source.require(0, byte_count);
    offset = *skip == -1 ? source.size() - byte_count : static_cast<std::uint64_t>(*skip);
  }
  if (!binary || compressed) {
    const Scratch bytes = source.tail(offset, run);
    if (compressed) {
      check_expansion(bytes.size, byte_count);
      return load_image(
          layout, grid, [&](std::span<std::byte> out) { inflate(bytes.bytes(), Wrapper::zlib, 0, out, run); }, run);
    }
    layout.big_endian = false;
    if (bytes.size < 2 * (byte_count / bytes_of(layout.type)) - 1)
      throw Error(ErrorCode::unreadable, "MetaImage: its text values are truncated");
    const std::string_view text(reinterpret_cast<const char*>(bytes.data.get()), bytes.size);
    return load_image(
        layout, grid, [&](std::span<std::byte> out) { parse_ascii_values(text, layout.type, out); }, run);
  }
  source.require(offset, byte_count);
  return load_image(
      layout, grid, [&](std::span<std::byte> out) { source.read_at(offset, out, run); }, run);
}

void write(const Path& path, const Image& image, Run& run) {
  if (is_complex(image.type())) throw Error(ErrorCode::not_possible, "MetaImage: holds no complex values");
  const Grid& grid = image.grid();
  const bool with_time = image.frames() > 1;
  const int axes = with_time ? 4 : 3;
  const StoredType type = stored_type_of(image.type());
  const auto* row = std::ranges::find(type_table, type, &TypeRow::type);
  const bool attached = lower(path.extension().string()) == ".mha";
  const Bytes compressed = deflate({}, image.bytes(), Wrapper::zlib, run);

  std::string matrix, offset, spacing, size;
  for (int a = 0; a < axes; ++a) {
    for (int c = 0; c < axes; ++c) {
      const bool spatial = a < 3 && c < 3;
      matrix += ' ' + shortest(spatial ? grid.direction().column[static_cast<std::size_t>(a)][c] : a == c ? 1.0 : 0.0);
    }
    offset += ' ' + shortest(a < 3 ? grid.origin_mm()[a] : 0.0);
    spacing += ' ' + shortest(a < 3 ? grid.spacing_mm()[a] : 1.0);
    size += fmt::format(" {}", a < 3 ? grid.size(a) : image.frames());
  }
  const Path data = Path(path).replace_extension(".zraw");
  std::string header =
      fmt::format("ObjectType = Image\nNDims = {}\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = True\n", axes);
  header += fmt::format("CompressedDataSize = {}\nTransformMatrix ={}\nOffset ={}\nCenterOfRotation ={}\nElementSpacing ={}\nDimSize ={}\n",
                        compressed.size(), matrix, offset, with_time ? " 0 0 0 0" : " 0 0 0", spacing, size);
  if (image.components() > 1) header += fmt::format("ElementNumberOfChannels = {}\n", image.components());
  header += fmt::format("ElementType = {}\nElementDataFile = {}\n", row->name, attached ? "LOCAL" : data.filename().string());
  const auto head = std::as_bytes(std::span(header.data(), header.size()));
  if (attached) {
    const std::array<std::span<const std::byte>, 2> pieces{head, compressed};
    write_atomic(path, pieces);
  } else {
    write_atomic(data, compressed);
    write_atomic(path, head);
  }
}

}  // namespace gantry::io::metaimage
