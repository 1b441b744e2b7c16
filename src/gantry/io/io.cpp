// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/io.h"

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/io/deflate.h"
#include "gantry/io/formats.h"
#include "gantry/io/nifti_header.h"

namespace gantry::io {

namespace {

constexpr std::size_t head_size = 1024;

bool ends_with(const Path& path, std::string_view ending) { return lower(path.filename().string()).ends_with(ending); }

/// The first uncompressed bytes of a gzip file, else the bytes themselves.
Bytes uncompressed_head(const InputFile& file) {
  Bytes head = file.head(std::size_t{64} << 10);
  if (head.size() > 2 && head[0] == std::byte{0x1f} && head[1] == std::byte{0x8b}) {
    try {
      return inflate_head(head, Wrapper::gzip, head_size);
    } catch (const Error&) {
      return {};
    }
  }
  head.resize(std::min(head.size(), head_size));
  return head;
}

/// The file that describes the image: a .img file is described by the .hdr beside it.
Path described_by(const Path& path) {
  const bool voxels = ends_with(path, ".img") || ends_with(path, ".img.gz");
  if (!voxels) return path;
  Path base = path;
  if (ends_with(path, ".gz")) base.replace_extension();
  for (const char* ending : {".hdr", ".HDR"}) {
    const Path header = Path(base).replace_extension(ending);
    if (std::filesystem::exists(header)) return header;
  }
  return path;
}

struct ReadRow {
  bool (*looks_like)(std::span<const std::byte> head);
  Image (*read)(const InputFile& file, Run& run, const ReadOptions& options);
};
constexpr std::array<ReadRow, 7> read_table{{{nifti::looks_like, nifti::read},
                                             {nrrd::looks_like, nrrd::read},
                                             {png::looks_like, png::read},
                                             {jpeg::looks_like, jpeg::read},
                                             {npy::looks_like, npy::read},
                                             {npz::looks_like, npz::read},
                                             {metaimage::looks_like, metaimage::read}}};

struct WriteRow {
  std::string_view ending;
  void (*write)(const Path& path, const Image& image, Run& run);
};
constexpr std::array<WriteRow, 13> write_table{{{".nii", nifti::write},
                                                {".nii.gz", nifti::write},
                                                {".hdr", nifti::write},
                                                {".img", nifti::write},
                                                {".nrrd", nrrd::write},
                                                {".nhdr", nrrd::write},
                                                {".mha", metaimage::write},
                                                {".mhd", metaimage::write},
                                                {".npy", npy::write},
                                                {".npz", npz::write},
                                                {".png", png::write},
                                                {".jpg", jpeg::write},
                                                {".jpeg", jpeg::write}}};

const ReadRow* row_of(std::span<const std::byte> head) {
  for (const ReadRow& row : read_table) {
    if (row.looks_like(head)) return &row;
  }
  return nullptr;
}

void warn_of_positions(const std::string& name, const Grid& grid, Run& run) {
  if (!grid.slice_positions_mm().empty())
    run.warn(fmt::format("{}: the slices are not evenly spaced; the file holds their mean distance", name));
}

}  // namespace

bool is_image_file(const Path& path) {
  try {
    return row_of(uncompressed_head(InputFile(described_by(path)))) != nullptr;
  } catch (const Error&) {
    return false;
  }
}

Image read(const Path& path, Run& run, ReadOptions options) {
  const InputFile file(described_by(path));
  const ReadRow* row = row_of(uncompressed_head(file));
  const std::string name = path.filename().string();
  if (!row) throw Error(ErrorCode::unreadable, fmt::format("{}: is no image file of a known format", name));
  return with_context(name, [&] {
    try {
      return row->read(file, run, options);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::parameter) throw;
      throw Error(ErrorCode::unreadable, error.message());  // a grid that breaks an invariant is the file's fault
    }
  });
}

void write(const Path& path, const Image& image, Run& run) {
  const std::string name = path.filename().string();
  if (image.empty()) throw Error(ErrorCode::internal, fmt::format("{}: image is empty", name));
  const WriteRow* best = nullptr;
  for (const WriteRow& row : write_table) {
    if (ends_with(path, row.ending) && (!best || row.ending.size() > best->ending.size())) best = &row;
  }
  if (!best) {
    std::vector<std::string> endings;
    for (const WriteRow& row : write_table) endings.emplace_back(row.ending);
    throw Error(ErrorCode::usage, fmt::format("{}: must end in one of {}", name, join(endings, ", ")));
  }
  warn_of_positions(name, image.grid(), run);
  best->write(path, image, run);
}

bool write_slabs(const Path& path, const SlabSource& source, Run& run) {
  if (!ends_with(path, ".nii") || !nifti::write_slabs(path, source, run)) return false;
  warn_of_positions(path.filename().string(), source.grid, run);
  return true;
}

}  // namespace gantry::io
