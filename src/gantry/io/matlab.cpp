// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/matlab.h"

#include <algorithm>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/io/deflate.h"
#include "gantry/io/input_file.h"

namespace gantry::io::matlab {

namespace {

[[noreturn]] void fail_matlab(std::string_view what) { throw Error(ErrorCode::unreadable, fmt::format("MATLAB file: {}", what)); }

constexpr unsigned kind_matrix = 14, kind_compressed = 15;

struct MatlabElement {
  unsigned kind = 0;
  std::span<const std::byte> body;
};

/// The element at `offset`, which then points behind it and its padding.
MatlabElement take_element(std::span<const std::byte> bytes, std::size_t& offset, bool big_endian) {
  if (bytes.size() - offset < 8) fail_matlab("ends within an element");
  const auto head = load_number<std::uint32_t>(bytes, offset, big_endian);
  MatlabElement element;
  if (const unsigned small = head >> 16U; small != 0) {
    element.kind = head & 0xffffU;
    if (small > 4) fail_matlab(fmt::format("a short element has at most 4 bytes; found {}", small));
    element.body = bytes.subspan(offset + 4, small);
    offset += 8;
    return element;
  }
  element.kind = head;
  const std::size_t size = load_number<std::uint32_t>(bytes, offset + 4, big_endian);
  if (size > bytes.size() - offset - 8) fail_matlab(fmt::format("an element of {} bytes ends too early", size));
  element.body = bytes.subspan(offset + 8, size);
  const std::size_t padded = element.kind == kind_compressed ? size : (size + 7) / 8 * 8;
  offset = std::min(bytes.size(), offset + 8 + padded);
  return element;
}

std::size_t width_of(unsigned kind) {
  switch (kind) {
    case 1:
    case 2:
      return 1;
    case 3:
    case 4:
      return 2;
    case 5:
    case 6:
    case 7:
      return 4;
    case 9:
    case 12:
    case 13:
      return 8;
    default:
      fail_matlab(fmt::format("numbers of kind {} are unknown", kind));
  }
}

double number_at(const MatlabElement& element, std::size_t n, bool big_endian) {
  const std::size_t offset = n * width_of(element.kind);
  switch (element.kind) {
    case 1:
      return load_number<std::int8_t>(element.body, offset, big_endian);
    case 2:
      return load_number<std::uint8_t>(element.body, offset, big_endian);
    case 3:
      return load_number<std::int16_t>(element.body, offset, big_endian);
    case 4:
      return load_number<std::uint16_t>(element.body, offset, big_endian);
    case 5:
      return load_number<std::int32_t>(element.body, offset, big_endian);
    case 6:
      return load_number<std::uint32_t>(element.body, offset, big_endian);
    case 7:
      return static_cast<double>(load_number<float>(element.body, offset, big_endian));
    case 12:
      return static_cast<double>(load_number<std::int64_t>(element.body, offset, big_endian));
    case 13:
      return static_cast<double>(load_number<std::uint64_t>(element.body, offset, big_endian));
    default:
      return load_number<double>(element.body, offset, big_endian);
  }
}

/// Adds the array of a matrix element, unless it holds no numbers.
void take_matrix(std::span<const std::byte> body, bool big_endian, std::vector<Array>& arrays) {
  std::size_t offset = 0;
  const MatlabElement flags = take_element(body, offset, big_endian);
  if (flags.kind != 6 || flags.body.size() != 8) fail_matlab("an array begins without its flags");
  const auto word = load_number<std::uint32_t>(flags.body, 0, big_endian);
  const unsigned kind = word & 255U;
  if (kind < 6 || kind > 15) return;
  Array array;
  array.is_complex = (word & 0x800U) != 0;
  const MatlabElement lengths = take_element(body, offset, big_endian);
  const std::size_t rank = lengths.body.size() / 4;
  if (lengths.kind != 5 || rank < 2 || rank > 8) fail_matlab(fmt::format("an array has 2 to 8 axes; found {}", rank));
  std::size_t count = 1;
  for (std::size_t n = 0; n < rank; ++n) {
    const auto length = load_number<std::int32_t>(lengths.body, 4 * n, big_endian);
    // No number takes less than a byte of the file.
    if (length < 0 || (length > 0 && count > body.size() / static_cast<std::size_t>(length)))
      fail_matlab("an array states more numbers than the file holds");
    array.dimensions.push_back(length);
    count *= static_cast<std::size_t>(length);
  }
  const MatlabElement name = take_element(body, offset, big_endian);
  array.name.assign(reinterpret_cast<const char*>(name.body.data()), name.body.size());
  const MatlabElement real = take_element(body, offset, big_endian);
  const MatlabElement imaginary = array.is_complex ? take_element(body, offset, big_endian) : MatlabElement{};
  if (real.body.size() != count * width_of(real.kind) || (array.is_complex && imaginary.body.size() != count * width_of(imaginary.kind)))
    fail_matlab(fmt::format("array '{}' holds another number of values than it states", to_valid_utf8(array.name)));
  array.values.resize(count);
  for (std::size_t n = 0; n < count; ++n)
    array.values[n] = {number_at(real, n, big_endian), array.is_complex ? number_at(imaginary, n, big_endian) : 0};
  arrays.push_back(std::move(array));
}

}  // namespace

bool looks_like(std::span<const std::byte> head) {
  constexpr std::string_view mark = "MATLAB ";
  if (head.size() < 128 || std::memcmp(head.data(), mark.data(), mark.size()) != 0) return false;
  const auto end = load_number<std::uint16_t>(head, 126);
  return end == 0x4d49 || end == 0x494d;
}

std::vector<Array> read(std::span<const std::byte> bytes, Run& run) {
  if (!looks_like(bytes)) fail_matlab("the header is missing");
  const bool big_endian = load_number<std::uint16_t>(bytes, 126) == 0x494d;
  const auto version = load_number<std::uint16_t>(bytes, 124, big_endian);
  if (version != 0x0100)
    throw Error(ErrorCode::refused, fmt::format("MATLAB file: must be of version 5 (save it with -v6 or -v7); found version {}",
                                                version == 0x0200 ? "7.3" : std::to_string(version)));
  std::vector<Array> arrays;
  for (std::size_t offset = 128; offset < bytes.size();) {
    run.check();
    const MatlabElement element = take_element(bytes, offset, big_endian);
    if (element.kind == kind_matrix) take_matrix(element.body, big_endian, arrays);
    if (element.kind != kind_compressed) continue;
    const Bytes head = inflate_head(element.body, Wrapper::zlib, 8);
    if (head.size() < 8) fail_matlab("a compressed element ends too early");
    if (load_number<std::uint32_t>(head, 0, big_endian) != kind_matrix) continue;
    const std::size_t size = load_number<std::uint32_t>(head, 4, big_endian);
    check_expansion(element.body.size(), size + 8);
    Bytes content(size);
    inflate(element.body, Wrapper::zlib, 8, content, run);
    take_matrix(content, big_endian, arrays);
  }
  return arrays;
}

KSpace read_kspace(std::span<const std::byte> bytes, Run& run) {
  const std::vector<Array> arrays = read(bytes, run);
  const Array* only = nullptr;
  std::vector<std::string> names;
  for (const Array& array : arrays) {
    if (!array.is_complex || array.dimensions[0] < 2 || array.dimensions[1] < 2) continue;
    only = &array;
    names.push_back(to_valid_utf8(array.name));
  }
  if (names.size() != 1)
    throw Error(ErrorCode::refused, fmt::format("MATLAB file: must hold one complex array of two or more axes; found {}",
                                                names.empty() ? "none" : join(names, ", ")));
  const std::vector<std::int64_t>& lengths = only->dimensions;
  if (lengths.size() > 4)
    throw Error(ErrorCode::refused, "MATLAB file: k-space has the axes phase encoding, readout, coil, image; found more axes");
  const std::int64_t rows = lengths[0], columns = lengths[1], coils = lengths.size() > 2 ? lengths[2] : 1,
                     images = lengths.size() > 3 ? lengths[3] : 1;
  if (only->values.empty() || coils > 1024) fail_matlab(fmt::format("k-space has 1 to 1024 coils; found {}", coils));
  auto samples = Voxels<std::complex<float>>::uninitialized(
      Grid({columns, rows, 1}, {1, 1, 1}, {-static_cast<double>(columns / 2), -static_cast<double>(rows / 2), 0}), static_cast<int>(coils),
      images);
  for (std::int64_t n = 0; n < samples.count(); ++n) {
    const std::int64_t c = n % coils, i = n / coils % columns, j = n / coils / columns % rows, f = n / coils / columns / rows;
    samples[n] = std::complex<float>(only->values[static_cast<std::size_t>(j + rows * (i + columns * (c + coils * f)))]);
  }
  return {.samples = Image(std::move(samples))};
}

}  // namespace gantry::io::matlab
