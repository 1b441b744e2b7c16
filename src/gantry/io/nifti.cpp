// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <atomic>
#include <cstring>

#include "gantry/base/atomic_file.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/io/deflate.h"
#include "gantry/io/formats.h"
#include "gantry/io/nifti_header.h"
#include "gantry/io/stored.h"

namespace gantry::io::nifti {

namespace {

struct TypeRow {
  int code;
  std::string_view name;
  std::optional<StoredType> type;
  int components = 1;
};
constexpr std::array<TypeRow, 17> type_table{{{1, "binary", {}},
                                              {2, "uint8", StoredType::u8},
                                              {4, "int16", StoredType::i16},
                                              {8, "int32", StoredType::i32},
                                              {16, "float32", StoredType::f32},
                                              {32, "complex64", StoredType::c64},
                                              {64, "float64", StoredType::f64},
                                              {128, "rgb24", StoredType::u8, 3},
                                              {256, "int8", StoredType::i8},
                                              {512, "uint16", StoredType::u16},
                                              {768, "uint32", StoredType::u32},
                                              {1024, "int64", StoredType::i64},
                                              {1280, "uint64", StoredType::u64},
                                              {1536, "float128", {}},
                                              {1792, "complex128", StoredType::c128},
                                              {2048, "complex256", {}},
                                              {2304, "rgba32", StoredType::u8, 4}}};

const TypeRow& type_row(int code) {
  for (const TypeRow& row : type_table) {
    if (row.code != code) continue;
    if (!row.type) throw Error(ErrorCode::refused, fmt::format("NIfTI datatype: {} ({}) is not supported", code, row.name));
    return row;
  }
  throw Error(ErrorCode::unreadable, fmt::format("NIfTI datatype: must be one of the standard; got {}", code));
}

int type_code(StoredType type, int components) {
  for (const TypeRow& row : type_table) {
    if (row.type == type && row.components == components) return row.code;
  }
  throw Error(ErrorCode::internal, "NIfTI datatype: none fits");
}

bool is_gzip(std::span<const std::byte> head) { return head.size() > 2 && head[0] == std::byte{0x1f} && head[1] == std::byte{0x8b}; }

/// `name.img` or `name.img.gz` beside `name.hdr`.
Path voxel_file_of(const Path& header) {
  Path base = header;
  if (lower(base.extension().string()) == ".gz") base.replace_extension();
  for (const char* ending : {".img", ".IMG", ".img.gz"}) {
    Path candidate = base;
    candidate.replace_extension();
    candidate += ending;
    if (std::filesystem::exists(candidate)) return candidate;
  }
  throw Error(ErrorCode::not_found, fmt::format("{}: its .img file is missing", header.filename().string()));
}

constexpr int intent_vector = 1007;

/// Header of a file of this kind of image; `pair` = voxels in a file of their own.
Header header_for(const Grid& grid, PixelType type, int components, std::int64_t frames, bool pair) {
  Header header;
  set_grid(header, grid);
  const bool colour = type == PixelType::u8 && (components == 3 || components == 4);
  header.dim[4] = frames;
  header.dim[5] = colour ? 1 : components;
  header.dim[6] = header.dim[7] = 1;
  header.dim[0] = header.dim[5] > 1 ? 5 : header.dim[4] > 1 ? 4 : 3;
  for (std::size_t n = 4; n < 8; ++n) header.pixdim[n] = 1;
  header.version = std::ranges::all_of(header.dim, [](std::int64_t n) { return n <= 0x7fff; }) ? 1 : 2;
  header.datatype = type_code(stored_type_of(type), colour ? components : 1);
  header.bitpix = static_cast<int>(8 * bytes_of(type)) * (colour ? components : 1);
  header.intent_code = header.dim[5] > 1 ? intent_vector : 0;
  header.scl_slope = 1;
  header.pair = pair;
  header.vox_offset = pair ? 0 : static_cast<std::int64_t>(header.size() + 4);
  return header;
}

Bytes bytes_of_header(const Header& header) {
  Bytes head = encode_header(header);
  head.resize(header.size() + 4);  // no extensions
  return head;
}

}  // namespace

bool looks_like(std::span<const std::byte> head) { return version_of(head) != 0; }

Image read(const InputFile& file, Run& run, const ReadOptions& options) {
  Bytes head = file.head(Header::max_size);
  Scratch compressed;
  if (is_gzip(head)) {
    compressed = file.tail(0, run);
    head = inflate_head(compressed.bytes(), Wrapper::gzip, Header::max_size);
  }
  const Header header = parse_header(head);
  const TypeRow& row = type_row(header.datatype);
  std::string warning;
  const Grid grid = grid_of(header, warning);
  if (!warning.empty()) run.warn(fmt::format("{}: {}", file.path().filename().string(), warning));

  StoredLayout layout;
  layout.type = *row.type;
  layout.big_endian = header.big_endian;
  layout.frames = header.dim[4];
  if (row.components > 1 && header.dim[5] > 1) throw Error(ErrorCode::refused, "NIfTI dim[5]: must be 1 for colour");
  if (!(header.dim[5] <= 0x10000)) throw Error(ErrorCode::refused, "NIfTI dim[5]: at most 65536 components are read");
  layout.components = row.components > 1 ? row.components : static_cast<int>(header.dim[5]);
  if (header.dim[5] > 1) {
    const std::int64_t volume = grid.voxel_count();
    layout.strides = {volume * layout.frames, 1, grid.size(0), grid.size(0) * grid.size(1), volume};
  }
  const bool scaled = std::isfinite(header.scl_slope) && header.scl_slope != 0 && std::isfinite(header.scl_inter) && row.components == 1;
  if (scaled && !options.stored) {
    layout.slope = header.scl_slope;
    layout.intercept = header.scl_inter;
  }

  const auto minimum = static_cast<std::int64_t>(header.pair ? 0 : header.size());
  const std::int64_t offset = header.vox_offset == 0 && !header.pair ? minimum + 4 : header.vox_offset;
  if (!(offset >= minimum && offset <= std::int64_t{1} << 43))
    throw Error(ErrorCode::unreadable, fmt::format("NIfTI vox_offset: must lie behind the header of {} bytes; got {}", minimum, offset));
  const auto skip = static_cast<std::uint64_t>(offset);
  const std::uint64_t byte_count = stored_bytes(layout, grid);

  if (header.pair) {
    const InputFile voxels(voxel_file_of(file.path()));
    if (!is_gzip(voxels.head(3))) {
      voxels.require(skip, byte_count);
      return load_image(
          layout, grid, [&](std::span<std::byte> out) { voxels.read_at(skip, out, run); }, run);
    }
    compressed = voxels.tail(0, run);
  }
  if (compressed.data) {
    check_expansion(compressed.size, skip + byte_count);
    return load_image(
        layout, grid, [&](std::span<std::byte> out) { inflate(compressed.bytes(), Wrapper::gzip, skip, out, run); }, run);
  }
  file.require(skip, byte_count);
  return load_image(
      layout, grid, [&](std::span<std::byte> out) { file.read_at(skip, out, run); }, run);
}

void write(const Path& path, const Image& image, Run& run) {
  const std::string ending = lower(path.extension().string());
  const Header header = header_for(image.grid(), image.type(), image.components(), image.frames(), ending == ".hdr" || ending == ".img");
  const Bytes head = bytes_of_header(header);
  std::span<const std::byte> body = image.bytes();
  Scratch planar;
  if (header.dim[5] > 1) {
    planar = planes_of(image, run);
    body = planar.bytes();
  }
  if (header.pair) {
    Path other = path;
    write_atomic(other.replace_extension(".img"), body);
    write_atomic(other.replace_extension(".hdr"), head);
  } else if (ending == ".gz") {
    write_atomic(path, deflate(head, body, Wrapper::gzip, run));
  } else {
    const std::array<std::span<const std::byte>, 2> pieces{head, body};
    write_atomic(path, pieces);
  }
}

bool write_slabs(const Path& path, const SlabSource& source, Run& run) {
  const Header header = header_for(source.grid, source.type, source.components, source.frames, false);
  if (header.dim[5] > 1) return false;  // components would lie in planes
  AtomicFile file(path);
  file.write_at(0, bytes_of_header(header));
  constexpr std::size_t slab_bytes = std::size_t{1} << 20;
  const std::size_t slice_bytes = source.slice_bytes();
  const auto grain = static_cast<std::int64_t>(std::max<std::size_t>(1, slab_bytes / std::max<std::size_t>(1, slice_bytes)));
  std::atomic<bool> fits{true};
  parallel_for(run, source.slices(), grain, [&](std::int64_t first, std::int64_t last) {
    thread_local Bytes slab;
    slab.resize(static_cast<std::size_t>(last - first) * slice_bytes);
    if (!fits) return;
    if (!source.read(first, last - first, slab)) fits = false;
    if (fits) file.write_at(static_cast<std::uint64_t>(header.vox_offset) + static_cast<std::uint64_t>(first) * slice_bytes, slab);
  });
  if (fits) file.commit();
  return fits;
}

}  // namespace gantry::io::nifti
