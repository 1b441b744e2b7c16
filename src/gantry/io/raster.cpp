// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <png.h>
#include <turbojpeg.h>

#include <csetjmp>

#include "gantry/base/error.h"
#include "gantry/io/formats.h"
#include "gantry/io/png.h"

namespace gantry::io {

namespace {

constexpr std::int64_t max_pixels = std::int64_t{1} << 31;

bool begins_with(std::span<const std::byte> head, std::initializer_list<int> octets) {
  return head.size() >= octets.size() &&
         std::ranges::equal(head.first(octets.size()), octets, {}, [](std::byte b) { return std::to_integer<int>(b); });
}

void require_picture(const Image& image, std::string_view format) {
  if (image.grid().size(2) != 1 || image.frames() != 1)
    throw Error(ErrorCode::not_possible,
                fmt::format("{}: holds one slice; the image has {} slices and {} frames", format, image.grid().size(2), image.frames()));
}

/// State of one libpng call: its callbacks must not throw through C frames.
struct PngInput {
  std::span<const std::byte> bytes;
  std::size_t at = 0;
};

struct PngFailure {
  std::jmp_buf jump;
  std::array<char, 128> reason{};
};

void png_fail(png_structp png, png_const_charp message) {
  auto& failure = *static_cast<PngFailure*>(png_get_error_ptr(png));
  std::snprintf(failure.reason.data(), failure.reason.size(), "%s", message);
  std::longjmp(failure.jump, 1);
}

void png_ignore(png_structp, png_const_charp) {}

void png_take(png_structp png, png_bytep target, png_size_t size) {
  auto& input = *static_cast<PngInput*>(png_get_io_ptr(png));
  if (size > input.bytes.size() - input.at) png_error(png, "is truncated");
  std::memcpy(target, input.bytes.data() + input.at, size);
  input.at += size;
}

void png_put(png_structp png, png_bytep source, png_size_t size) {
  auto& output = *static_cast<Bytes*>(png_get_io_ptr(png));
  const auto* begin = reinterpret_cast<const std::byte*>(source);
  try {
    output.insert(output.end(), begin, begin + size);
    return;
  } catch (...) {
  }
  png_error(png, "memory is exhausted");
}

void png_flush_nothing(png_structp) {}

struct PngHeader {
  png_uint_32 width = 0, height = 0;
  int depth = 0, components = 0;
};

/// libpng with its error return; nothing with a destructor lives in these functions.
bool png_begin(png_structp png, png_infop info, PngFailure& failure, PngHeader& header) {
  if (setjmp(failure.jump)) return false;
  png_read_info(png, info);
  png_set_expand(png);
  png_set_swap(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  header.width = png_get_image_width(png, info);
  header.height = png_get_image_height(png, info);
  header.depth = png_get_bit_depth(png, info);
  header.components = png_get_channels(png, info);
  return true;
}

bool png_rows(png_structp png, png_infop info, PngFailure& failure, png_bytepp rows) {
  if (setjmp(failure.jump)) return false;
  png_read_image(png, rows);
  png_read_end(png, info);
  return true;
}

bool png_encode(png_structp png, png_infop info, PngFailure& failure, const PngHeader& header, png_bytepp rows) {
  if (setjmp(failure.jump)) return false;
  constexpr std::array<int, 5> colours{0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  png_set_IHDR(png, info, header.width, header.height, header.depth, colours[static_cast<std::size_t>(header.components)],
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  png_set_swap(png);
  png_write_image(png, rows);
  png_write_end(png, info);
  return true;
}

template <class T>
std::vector<png_bytep> rows_of(T* data, const PngHeader& header) {
  std::vector<png_bytep> rows(header.height);
  auto* bytes = reinterpret_cast<png_bytep>(const_cast<std::remove_const_t<T>*>(data));
  for (std::size_t j = 0; j < rows.size(); ++j)
    rows[j] = bytes + j * header.width * static_cast<std::size_t>(header.components) * sizeof(T);
  return rows;
}

}  // namespace

namespace png {

bool looks_like(std::span<const std::byte> head) { return begins_with(head, {0x89, 'P', 'N', 'G', 13, 10, 26, 10}); }

Image read(const InputFile& file, Run& run, const ReadOptions&) {
  const Scratch bytes = file.tail(0, run);
  PngInput input{bytes.bytes()};
  PngFailure failure;
  PngHeader header;
  png_structp state = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure, png_fail, png_ignore);
  png_infop info = state ? png_create_info_struct(state) : nullptr;
  if (!info) throw Error(ErrorCode::out_of_memory, "memory: a PNG decoder needs more");
  const auto finish = [&](void*) { png_destroy_read_struct(&state, &info, nullptr); };
  const std::unique_ptr<void, decltype(finish)> owner(state, finish);
  const auto fail = [&] { throw Error(ErrorCode::unreadable, fmt::format("PNG: {}", failure.reason.data())); };
  png_set_read_fn(state, &input, png_take);
  png_set_user_limits(state, 1000000, 1000000);
  png_set_chunk_malloc_max(state, std::size_t{8} << 20);
  if (!png_begin(state, info, failure, header)) fail();
  const double content = static_cast<double>(header.width) * header.height * header.components * header.depth / 8;
  if (static_cast<std::int64_t>(header.width) * header.height > max_pixels ||
      content > 8 * 1032.0 * static_cast<double>(bytes.size) + 65536)
    throw Error(ErrorCode::unreadable,
                fmt::format("PNG: {} bytes cannot hold the announced {} x {} pixels", bytes.size, header.width, header.height));
  const Grid grid({header.width, header.height, 1});
  if (header.depth == 16) {
    auto voxels = Voxels<std::uint16_t>(grid, 0, header.components);
    auto rows = rows_of(voxels.data(), header);
    if (!png_rows(state, info, failure, rows.data())) fail();
    return voxels;
  }
  auto voxels = Voxels<std::uint8_t>(grid, 0, header.components);
  auto rows = rows_of(voxels.data(), header);
  if (!png_rows(state, info, failure, rows.data())) fail();
  return voxels;
}

void write(const Path& path, const Image& image, Run&) { write_atomic(path, png_bytes(image)); }

}  // namespace png

Bytes png_bytes(const Image& image) {
  require_picture(image, "PNG");
  if (image.type() != PixelType::u8 && image.type() != PixelType::u16)
    throw Error(ErrorCode::not_possible, fmt::format("PNG: holds u8 and u16 values; the image has {}", name_of(image.type())));
  if (image.components() > 4) throw Error(ErrorCode::not_possible, "PNG: holds at most 4 components");
  const PngHeader header{static_cast<png_uint_32>(image.grid().size(0)), static_cast<png_uint_32>(image.grid().size(1)),
                         static_cast<int>(8 * bytes_of(image.type())), image.components()};
  Bytes output;
  PngFailure failure;
  png_structp state = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, png_fail, png_ignore);
  png_infop info = state ? png_create_info_struct(state) : nullptr;
  if (!info) throw Error(ErrorCode::out_of_memory, "memory: a PNG encoder needs more");
  const auto finish = [&](void*) { png_destroy_write_struct(&state, &info); };
  const std::unique_ptr<void, decltype(finish)> owner(state, finish);
  png_set_write_fn(state, &output, png_put, png_flush_nothing);
  auto rows = header.depth == 16 ? rows_of(static_cast<const std::uint16_t*>(image.data()), header)
                                 : rows_of(static_cast<const std::uint8_t*>(image.data()), header);
  if (!png_encode(state, info, failure, header, rows.data()))
    throw Error(ErrorCode::not_possible, fmt::format("PNG: {}", failure.reason.data()));
  return output;
}

namespace jpeg {

bool looks_like(std::span<const std::byte> head) { return begins_with(head, {0xff, 0xd8, 0xff}); }

Image read(const InputFile& file, Run& run, const ReadOptions&) {
  const Scratch bytes = file.tail(0, run);
  const std::unique_ptr<void, int (*)(tjhandle)> handle(tjInitDecompress(), tjDestroy);
  const auto require = [&](int result) {
    if (result != 0) throw Error(ErrorCode::unreadable, fmt::format("JPEG: {}", tjGetErrorStr2(handle.get())));
  };
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data.get());
  int width = 0, height = 0, sampling = 0, colours = 0;
  require(tjDecompressHeader3(handle.get(), data, bytes.size, &width, &height, &sampling, &colours));
  const bool grey = colours == TJCS_GRAY;
  // A block of 64 samples takes at least one bit of each stream.
  if (static_cast<double>(width) * height > 64.0 * 8 * 64 * static_cast<double>(bytes.size))
    throw Error(ErrorCode::unreadable, fmt::format("JPEG: {} bytes cannot hold the announced {} x {} pixels", bytes.size, width, height));
  auto voxels = Voxels<std::uint8_t>::uninitialized(Grid({width, height, 1}), grey ? 1 : 3);
  require(tjDecompress2(handle.get(), data, bytes.size, voxels.data(), width, 0, height, grey ? TJPF_GRAY : TJPF_RGB, TJFLAG_ACCURATEDCT));
  return voxels;
}

void write(const Path& path, const Image& image, Run&) {
  require_picture(image, "JPEG");
  if (image.type() != PixelType::u8 || (image.components() != 1 && image.components() != 3))
    throw Error(ErrorCode::not_possible, "JPEG: holds u8 values with 1 or 3 components");
  const auto width = image.grid().size(0), height = image.grid().size(1);
  if (width > 65535 || height > 65535) throw Error(ErrorCode::not_possible, "JPEG: holds at most 65535 x 65535 pixels");
  constexpr int quality = 95;
  const bool grey = image.components() == 1;
  const std::unique_ptr<void, int (*)(tjhandle)> handle(tjInitCompress(), tjDestroy);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  const int result =
      tjCompress2(handle.get(), static_cast<const unsigned char*>(image.data()), static_cast<int>(width), 0, static_cast<int>(height),
                  grey ? TJPF_GRAY : TJPF_RGB, &memory, &size, grey ? TJSAMP_GRAY : TJSAMP_444, quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(memory, tjFree);
  if (result != 0) throw Error(ErrorCode::not_possible, fmt::format("JPEG: {}", tjGetErrorStr2(handle.get())));
  write_atomic(path, std::as_bytes(std::span(memory, size)));
}

}  // namespace jpeg

}  // namespace gantry::io
