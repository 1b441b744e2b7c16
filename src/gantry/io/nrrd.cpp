// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/io/deflate.h"
#include "gantry/io/formats.h"
#include "gantry/io/header_text.h"
#include "gantry/io/stored.h"

namespace gantry::io::nrrd {

namespace {

constexpr std::size_t max_header = std::size_t{1} << 20;

struct TypeRow {
  StoredType type;
  std::string_view names;  ///< separated by commas
};
constexpr std::array<TypeRow, 10> type_table{
    {{StoredType::i8, "int8,signed char,int8_t"},
     {StoredType::u8, "uint8,uchar,unsigned char,uint8_t"},
     {StoredType::i16, "int16,short,short int,signed short,signed short int,int16_t"},
     {StoredType::u16, "uint16,ushort,unsigned short,unsigned short int,uint16_t"},
     {StoredType::i32, "int32,int,signed int,int32_t"},
     {StoredType::u32, "uint32,uint,unsigned int,uint32_t"},
     {StoredType::i64, "int64,longlong,long long,long long int,signed long long,signed long long int,int64_t"},
     {StoredType::u64, "uint64,ulonglong,unsigned long long,unsigned long long int,uint64_t"},
     {StoredType::f32, "float"},
     {StoredType::f64, "double"}}};

StoredType type_of(std::string_view text) {
  for (const TypeRow& row : type_table) {
    for (const std::string& name : split(row.names, ',')) {
      if (name == text) return row.type;
    }
  }
  throw Error(ErrorCode::unreadable, fmt::format("NRRD type: must be a scalar type; got {}", to_valid_utf8(text.substr(0, 40))));
}

struct Header {
  std::map<std::string, std::string, std::less<>> fields;
  std::size_t size = 0;  ///< bytes up to and including the empty line, or the whole file

  std::string_view any(std::initializer_list<std::string_view> keys) const {
    for (const std::string_view key : keys) {
      if (const auto found = fields.find(key); found != fields.end()) return found->second;
    }
    return {};
  }
};

Header parse(std::string_view text, bool whole_file) {
  Header header;
  std::size_t at = std::min(text.find('\n'), text.size() - 1) + 1;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = std::min(end + 1, text.size());
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) {
      header.size = at;
      return header;
    }
    const std::size_t colon = line.find(':');
    if (line.front() == '#' || colon == std::string_view::npos || line.substr(colon).starts_with(":=")) continue;
    header.fields[lower(trim(line.substr(0, colon)))] = std::string(trim(line.substr(colon + 1)));
  }
  if (!whole_file) throw Error(ErrorCode::unreadable, "NRRD header: must end with an empty line");
  header.size = text.size();
  return header;
}

/// "(1,0,0)" and "none" items of a line.
std::vector<std::optional<std::vector<double>>> parse_vectors(std::string_view field, std::string_view text) {
  std::vector<std::optional<std::vector<double>>> vectors;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t", at)) != std::string_view::npos) {
    if (text[at] != '(') {
      const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
      if (lower(text.substr(at, end - at)) != "none") throw Error(ErrorCode::unreadable, fmt::format("{}: must be vectors or none", field));
      vectors.emplace_back();
      at = end;
      continue;
    }
    const std::size_t close = text.find(')', at);
    if (close == std::string_view::npos) throw Error(ErrorCode::unreadable, fmt::format("{}: has an open bracket", field));
    vectors.emplace_back(parse_numbers(field, replace_all(std::string(text.substr(at + 1, close - at - 1)), ",", " ")));
    at = close + 1;
  }
  return vectors;
}

/// Signs that turn the coordinates of the named space into LPS; nothing for a space without anatomical meaning.
std::optional<Vec3> lps_signs(std::string_view space) {
  std::string name = lower(space);
  if (name.ends_with("-time")) name.resize(name.size() - 5);
  if (name.size() == 4 && name.ends_with('t')) name.resize(3);
  if (name == "left-posterior-superior" || name == "lps") return Vec3{1, 1, 1};
  if (name == "right-anterior-superior" || name == "ras") return Vec3{-1, -1, 1};
  if (name == "left-anterior-superior" || name == "las") return Vec3{1, -1, 1};
  return {};
}

/// How the axes of the file make up the image.
struct Axes {
  std::vector<std::size_t> spatial;
  std::optional<std::size_t> components, frames;
};

bool is_component_kind(std::string_view kind) {
  return !kind.empty() && kind != "domain" && kind != "space" && kind != "time" && kind != "none" && kind != "???";
}

Axes axes_of(const std::vector<std::int64_t>& sizes, const std::vector<std::string_view>& kinds,
             const std::vector<std::optional<std::vector<double>>>& directions) {
  Axes axes;
  const std::size_t count = sizes.size();
  for (std::size_t n = 0; n < count; ++n) {
    const std::string kind = kinds.empty() ? std::string() : lower(kinds[n]);
    const bool placed = directions.empty() ? !is_component_kind(kind) && kind != "time" : directions[n].has_value();
    if (placed && axes.spatial.size() < 3 && !(directions.empty() && kinds.empty() && n >= 3)) {
      axes.spatial.push_back(n);
    } else if (n == 0 && kind != "time") {
      axes.components = n;
    } else if (n + 1 == count) {
      // The slowest axis: time, unless the file calls it components (or a list) and has none yet.
      (is_component_kind(kind) && kind != "list" && !axes.components ? axes.components : axes.frames) = n;
    } else {
      throw Error(ErrorCode::refused, fmt::format("NRRD axis {}: an axis between those of space is not read", n));
    }
  }
  if (axes.spatial.empty()) throw Error(ErrorCode::refused, "NRRD: needs an axis in space");
  return axes;
}

Grid grid_of(const Header& header, const Axes& axes, const std::vector<std::int64_t>& sizes,
             const std::vector<std::optional<std::vector<double>>>& directions, std::string& warning) {
  std::vector<std::int64_t> spatial_sizes;
  for (const std::size_t n : axes.spatial) spatial_sizes.push_back(sizes[n]);
  std::vector<Vec3> vectors;
  Vec3 origin;
  if (directions.empty()) {
    std::vector<double> spacings(sizes.size(), 1.0);
    if (const auto text = header.any({"spacings"}); !text.empty()) {
      const auto words = words_of(text);
      if (words.size() != sizes.size()) throw Error(ErrorCode::unreadable, "NRRD spacings: one per axis is needed");
      for (std::size_t n = 0; n < words.size(); ++n) {
        const auto number = parse_double(words[n]);
        if (number && std::isfinite(*number) && *number != 0) spacings[n] = std::abs(*number);
      }
    }
    for (std::size_t n = 0; n < axes.spatial.size(); ++n) {
      vectors.emplace_back();
      vectors.back()[static_cast<int>(n)] = spacings[axes.spatial[n]];
    }
    warning = "its orientation is not stated; axes are taken as left-posterior-superior";
    return grid_of_axes(spatial_sizes, vectors, origin);
  }
  const auto signs = lps_signs(header.any({"space"}));
  if (!signs) warning = "its space has no anatomical name; it is taken as left-posterior-superior";
  const auto placed = [&](const std::vector<double>& v) {
    if (v.empty() || v.size() > 3) throw Error(ErrorCode::unreadable, "NRRD space: must have 1 to 3 dimensions");
    Vec3 vector;
    for (std::size_t c = 0; c < v.size(); ++c) vector[static_cast<int>(c)] = v[c] * (signs ? (*signs)[static_cast<int>(c)] : 1.0);
    return vector;
  };
  for (const std::size_t n : axes.spatial) vectors.push_back(placed(*directions[n]));
  if (const auto text = header.any({"space origin"}); !text.empty()) {
    const auto origins = parse_vectors("NRRD space origin", text);
    if (origins.size() != 1 || !origins[0]) throw Error(ErrorCode::unreadable, "NRRD space origin: must be one vector");
    origin = placed(*origins[0]);
  }
  return grid_of_axes(spatial_sizes, vectors, origin);
}

/// Distances in the file of the image's neighbours; nothing when the file's order is the image's own.
std::optional<std::array<std::int64_t, 5>> strides_of(const Axes& axes, const std::vector<std::int64_t>& sizes) {
  if (!axes.components || *axes.components == 0) return {};
  std::vector<std::int64_t> step(sizes.size(), 1);
  for (std::size_t n = 1; n < sizes.size(); ++n) step[n] = step[n - 1] * sizes[n - 1];
  std::array<std::int64_t, 5> strides{step[*axes.components], 0, 0, 0, axes.frames ? step[*axes.frames] : 0};
  for (std::size_t n = 0; n < axes.spatial.size(); ++n) strides[n + 1] = step[axes.spatial[n]];
  return strides;
}

/// Offset behind `lines` line ends.
std::uint64_t behind_lines(const InputFile& source, std::uint64_t offset, long long lines, const Run& run) {
  Bytes piece(std::size_t{64} << 10);
  while (lines > 0 && offset < source.size()) {
    const auto part = std::span(piece).first(std::min<std::uint64_t>(piece.size(), source.size() - offset));
    source.read_at(offset, part, run);
    for (const std::byte octet : part) {
      ++offset;
      if (octet == std::byte{'\n'} && --lines == 0) break;
    }
  }
  return offset;
}

}  // namespace

bool looks_like(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  return text.starts_with("NRRD000");
}

Image read(const InputFile& file, Run& run, const ReadOptions&) {
  const Bytes head = file.head(max_header);
  const Header header = parse({reinterpret_cast<const char*>(head.data()), head.size()}, head.size() == file.size());
  const auto sizes = parse_sizes("NRRD sizes", header.any({"sizes"}));
  const auto dimension = parse_integer(header.any({"dimension"}));
  if (!dimension || *dimension != static_cast<long long>(sizes.size()) || sizes.empty() || sizes.size() > 5)
    throw Error(ErrorCode::unreadable, "NRRD dimension: must lie between 1 and 5 and fit the sizes");
  std::vector<std::optional<std::vector<double>>> directions;
  if (const auto text = header.any({"space directions"}); !text.empty()) directions = parse_vectors("NRRD space directions", text);
  const auto kinds = words_of(header.any({"kinds"}));
  if ((!directions.empty() && directions.size() != sizes.size()) || (!kinds.empty() && kinds.size() != sizes.size()))
    throw Error(ErrorCode::unreadable, "NRRD kinds and space directions: one per axis is needed");
  const Axes axes = axes_of(sizes, kinds, directions);
  std::string warning;
  const Grid grid = grid_of(header, axes, sizes, directions, warning);
  if (!warning.empty()) run.warn(fmt::format("{}: {}", file.path().filename().string(), warning));

  StoredLayout layout;
  layout.type = type_of(header.any({"type"}));
  if (axes.components && sizes[*axes.components] > 0x10000) throw Error(ErrorCode::refused, "NRRD: at most 65536 components are read");
  layout.components = axes.components ? static_cast<int>(sizes[*axes.components]) : 1;
  layout.frames = axes.frames ? sizes[*axes.frames] : 1;
  layout.strides = strides_of(axes, sizes);
  layout.big_endian = header.any({"endian"}) == "big";
  const std::uint64_t byte_count = stored_bytes(layout, grid);

  const std::string_view data = header.any({"data file", "datafile"});
  if (data.starts_with("LIST") || data.find('%') != std::string_view::npos)
    throw Error(ErrorCode::refused, "NRRD data file: lists of files are not read");
  std::optional<InputFile> other;
  if (!data.empty()) other.emplace(sibling_file(file.path(), data));
  const InputFile& source = other ? *other : file;
  std::uint64_t offset = other ? 0 : header.size;
  const auto lines = parse_integer(header.any({"line skip", "lineskip"})).value_or(0);
  const auto skip = parse_integer(header.any({"byte skip", "byteskip"})).value_or(0);
  if (!(lines >= 0 && lines <= 1000000 && skip >= -1 && skip <= std::int64_t{1} << 43))
    throw Error(ErrorCode::unreadable, "NRRD skips: must be -1 or more");
  offset = behind_lines(source, offset, lines, run);

  const std::string encoding = lower(header.any({"encoding"}));
  if (encoding == "raw") {
    if (skip == -1 && source.size() < byte_count) source.require(0, byte_count);
    offset = skip == -1 ? source.size() - byte_count : offset + static_cast<std::uint64_t>(skip);
    source.require(offset, byte_count);
    return load_image(
        layout, grid, [&](std::span<std::byte> out) { source.read_at(offset, out, run); }, run);
  }
  const Scratch bytes = source.tail(offset, run);
  if (encoding == "gzip" || encoding == "gz") {
    const auto before = static_cast<std::uint64_t>(std::max(0LL, skip));
    check_expansion(bytes.size, before + byte_count);
    return load_image(
        layout, grid, [&](std::span<std::byte> out) { inflate(bytes.bytes(), Wrapper::gzip, before, out, run); }, run);
  }
  if (encoding == "ascii" || encoding == "text" || encoding == "txt") {
    layout.big_endian = false;
    if (bytes.size + 1 < 2 * (byte_count / bytes_of(layout.type)))
      throw Error(ErrorCode::unreadable, "NRRD: its text values are truncated");
    const std::string_view text(reinterpret_cast<const char*>(bytes.data.get()), bytes.size);
    return load_image(
        layout, grid, [&](std::span<std::byte> out) { parse_ascii_values(text, layout.type, out); }, run);
  }
  throw Error(ErrorCode::refused, fmt::format("NRRD encoding: must be raw, gzip or text; got {}", to_valid_utf8(encoding.substr(0, 40))));
}

void write(const Path& path, const Image& image, Run& run) {
  if (is_complex(image.type())) throw Error(ErrorCode::not_possible, "NRRD: holds no complex values");
  const Grid& grid = image.grid();
  const bool vectors = image.components() > 1, with_time = image.frames() > 1;
  const bool attached = lower(path.extension().string()) == ".nrrd";
  const auto* row = std::ranges::find(type_table, stored_type_of(image.type()), &TypeRow::type);
  std::string sizes, kinds, directions;
  if (vectors) {
    sizes += fmt::format(" {}", image.components());
    kinds += " vector";
    directions += " none";
  }
  for (int a = 0; a < 3; ++a) {
    const Vec3 axis = grid.spacing_mm()[a] * grid.direction().column[static_cast<std::size_t>(a)];
    sizes += fmt::format(" {}", grid.size(a));
    kinds += " domain";
    directions += fmt::format(" ({},{},{})", shortest(axis.x), shortest(axis.y), shortest(axis.z));
  }
  if (with_time) {
    sizes += fmt::format(" {}", image.frames());
    kinds += " time";
    directions += " none";
  }
  const Path data = Path(path).replace_extension(".raw.gz");
  const Vec3 origin = grid.origin_mm();
  std::string header =
      fmt::format("NRRD0004\ntype: {}\ndimension: {}\nspace: left-posterior-superior\nsizes:{}\nspace directions:{}\nkinds:{}\n",
                  split(row->names, ',').front(), 3 + (vectors ? 1 : 0) + (with_time ? 1 : 0), sizes, directions, kinds);
  header +=
      fmt::format("endian: little\nencoding: gzip\nspace origin: ({},{},{})\n", shortest(origin.x), shortest(origin.y), shortest(origin.z));
  if (!attached) header += fmt::format("data file: {}\n", data.filename().string());
  header += '\n';
  const Bytes compressed = deflate({}, image.bytes(), Wrapper::gzip, run);
  const auto head = std::as_bytes(std::span(header.data(), header.size()));
  if (attached) {
    const std::array<std::span<const std::byte>, 2> pieces{head, compressed};
    write_atomic(path, pieces);
  } else {
    write_atomic(data, compressed);
    write_atomic(path, head);
  }
}

}  // namespace gantry::io::nrrd
