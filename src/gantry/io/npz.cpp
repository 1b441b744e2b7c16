// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <libdeflate.h>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/io/deflate.h"
#include "gantry/io/formats.h"
#include "gantry/io/npy_header.h"
#include "gantry/io/npz.h"

/// Zip archives (PKWARE APPNOTE 6.3) as far as NumPy writes them: stored or deflated entries, ZIP64 sizes, no encryption.
namespace gantry::io::npz {

namespace {

constexpr std::uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50,
                        end64_signature = 0x06064b50, locator64_signature = 0x07064b50;
constexpr std::size_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56, locator64_size = 20;
constexpr std::uint16_t method_stored = 0, method_deflated = 8;

[[noreturn]] void fail(std::string_view what) { throw Error(ErrorCode::unreadable, fmt::format("zip archive: {}", what)); }

struct Entry {
  std::string name;
  std::uint16_t flags = 0, method = 0;
  std::uint64_t compressed_size = 0, size = 0, local_offset = 0;
};

/// Sizes and offset of 32 one bits stand in the ZIP64 extra field, in this order.
void apply_zip64(std::span<const std::byte> extra, Entry& entry) {
  while (extra.size() >= 4) {
    const auto id = load_number<std::uint16_t>(extra, 0);
    const std::size_t length = load_number<std::uint16_t>(extra, 2);
    if (length > extra.size() - 4) return;
    if (id == 1) {
      std::size_t at = 4;
      for (std::uint64_t* value : {&entry.size, &entry.compressed_size, &entry.local_offset}) {
        if (*value != 0xffffffffu) continue;
        if (at + 8 > 4 + length) return;
        *value = load_number<std::uint64_t>(extra, at);
        at += 8;
      }
    }
    extra = extra.subspan(4 + length);
  }
}

std::vector<Entry> entries_of(const InputFile& file, const Run& run) {
  const std::uint64_t size = file.size();
  if (size < end_size) fail("is truncated");
  Bytes tail(std::min<std::uint64_t>(size, end_size + 65535));
  const std::uint64_t tail_at = size - tail.size();
  file.read_at(tail_at, tail, run);
  std::size_t end = tail.size() - end_size + 1;
  do {
    if (end == 0) fail("has no directory");
    --end;
  } while (load_number<std::uint32_t>(tail, end) != end_signature);
  std::uint64_t count = load_number<std::uint16_t>(tail, end + 10);
  std::uint64_t directory_size = load_number<std::uint32_t>(tail, end + 12), directory_at = load_number<std::uint32_t>(tail, end + 16);
  if (end >= locator64_size && load_number<std::uint32_t>(tail, end - locator64_size) == locator64_signature) {
    const auto at = load_number<std::uint64_t>(tail, end - locator64_size + 8);
    Bytes end64(end64_size);
    file.read_at(at, end64, run);
    if (load_number<std::uint32_t>(end64, 0) != end64_signature) fail("has a damaged directory");
    count = load_number<std::uint64_t>(end64, 32);
    directory_size = load_number<std::uint64_t>(end64, 40);
    directory_at = load_number<std::uint64_t>(end64, 48);
  }
  if (directory_size > (std::uint64_t{16} << 20) || count > 10000) fail("has too large a directory");
  file.require(directory_at, directory_size);
  Bytes directory(directory_size);
  file.read_at(directory_at, directory, run);
  std::vector<Entry> entries;
  std::size_t at = 0;
  for (std::uint64_t n = 0; n < count; ++n) {
    if (at + central_size > directory.size() || load_number<std::uint32_t>(directory, at) != central_signature)
      fail("has a damaged directory");
    const std::size_t name = load_number<std::uint16_t>(directory, at + 28), extra = load_number<std::uint16_t>(directory, at + 30),
                      comment = load_number<std::uint16_t>(directory, at + 32);
    if (at + central_size + name + extra + comment > directory.size()) fail("has a damaged directory");
    Entry entry;
    entry.name.assign(reinterpret_cast<const char*>(directory.data()) + at + central_size, name);
    entry.flags = load_number<std::uint16_t>(directory, at + 8);
    entry.method = load_number<std::uint16_t>(directory, at + 10);
    entry.compressed_size = load_number<std::uint32_t>(directory, at + 20);
    entry.size = load_number<std::uint32_t>(directory, at + 24);
    entry.local_offset = load_number<std::uint32_t>(directory, at + 42);
    apply_zip64(std::span(directory).subspan(at + central_size + name, extra), entry);
    entries.push_back(std::move(entry));
    at += central_size + name + extra + comment;
  }
  return entries;
}

std::vector<Entry> arrays_of(const InputFile& file, const Run& run) {
  std::vector<Entry> arrays = entries_of(file, run);
  std::erase_if(arrays, [](const Entry& entry) { return !entry.name.ends_with(".npy"); });
  if (arrays.empty()) throw Error(ErrorCode::refused, "NPZ: holds no array");
  return arrays;
}

Image read_entry(const InputFile& file, const Entry& entry, Run& run) {
  if (entry.flags & 1) throw Error(ErrorCode::refused, "NPZ: encrypted archives are not read");
  if (entry.method != method_stored && entry.method != method_deflated)
    throw Error(ErrorCode::refused, fmt::format("NPZ: compression method {} is not read", entry.method));
  Bytes local(local_size);
  file.read_at(entry.local_offset, local, run);
  if (load_number<std::uint32_t>(local, 0) != local_signature) fail("has a damaged entry");
  const std::uint64_t offset =
      entry.local_offset + local_size + load_number<std::uint16_t>(local, 26) + load_number<std::uint16_t>(local, 28);
  file.require(offset, entry.compressed_size);
  Scratch data = allocate_scratch(entry.compressed_size);
  file.read_at(offset, data.bytes(), run);
  const bool deflated = entry.method == method_deflated;
  const std::size_t head_size = std::size_t{65} << 10;
  Bytes head;
  if (deflated) {
    head = inflate_head(data.bytes(), Wrapper::raw, head_size);
  } else {
    const auto bytes = data.bytes().first(std::min(data.size, head_size));
    head.assign(bytes.begin(), bytes.end());
  }
  const npy::Array array = npy::parse_array(head);
  const std::uint64_t byte_count = stored_bytes(array.layout, array.grid);
  if (deflated) {
    check_expansion(data.size, array.header_size + byte_count);
  } else if (data.size < array.header_size + byte_count) {
    throw Error(ErrorCode::unreadable,
                fmt::format("NPZ: its array is truncated: {} bytes are needed; has {}", array.header_size + byte_count, data.size));
  }
  return load_image(
      array.layout, array.grid,
      [&](std::span<std::byte> out) {
        if (deflated) return inflate(data.bytes(), Wrapper::raw, array.header_size, out, run);
        std::memcpy(out.data(), data.data.get() + array.header_size, out.size());
      },
      run);
}

}  // namespace

bool looks_like(std::span<const std::byte> head) {
  if (head.size() < local_size || load_number<std::uint32_t>(head, 0) != local_signature) return false;
  const std::size_t name = load_number<std::uint16_t>(head, 26);
  return head.size() >= local_size + name &&
         std::string_view(reinterpret_cast<const char*>(head.data()) + local_size, name).ends_with(".npy");
}

Image read(const InputFile& file, Run& run, const ReadOptions&) {
  const std::vector<Entry> arrays = arrays_of(file, run);
  if (arrays.size() > 1) {
    std::vector<std::string> names;
    for (const Entry& entry : arrays) names.push_back(to_valid_utf8(entry.name.substr(0, 60)));
    names.resize(std::min<std::size_t>(names.size(), 10));
    throw Error(ErrorCode::refused, fmt::format("NPZ: must hold one array; holds {}: {}", arrays.size(), join(names, ", ")));
  }
  return read_entry(file, arrays[0], run);
}

void write(const Path& path, const Image& image, Run& run) {
  const Bytes head = npy::encode_header(image);
  const auto body = image.bytes();
  const Bytes compressed = deflate(head, body, Wrapper::raw, run);
  const std::uint64_t size = head.size() + body.size();
  if (size >= 0xffffffffu || compressed.size() >= 0xff000000u) throw Error(ErrorCode::not_possible, "NPZ: holds at most 4 GiB");
  const std::uint32_t check = libdeflate_crc32(libdeflate_crc32(0, head.data(), head.size()), body.data(), body.size());
  constexpr std::string_view name = "arr_0.npy";
  constexpr std::uint16_t version = 20, date = 0x21;  // 1980-01-01: the archive has no time of its own
  Bytes local(local_size + name.size()), tail(central_size + name.size() + end_size);
  const auto put_common = [&](std::span<std::byte> out, std::size_t at) {  // from the version needed on
    store_number(out, at, version);
    store_number(out, at + 4, method_deflated);
    store_number(out, at + 8, date);
    store_number(out, at + 10, check);
    store_number(out, at + 14, static_cast<std::uint32_t>(compressed.size()));
    store_number(out, at + 18, static_cast<std::uint32_t>(size));
    store_number(out, at + 22, static_cast<std::uint16_t>(name.size()));
  };
  store_number(std::span(local), 0, local_signature);
  put_common(local, 4);
  std::memcpy(local.data() + local_size, name.data(), name.size());
  const std::span out(tail);
  store_number(out, 0, central_signature);
  store_number(out, 4, version);
  put_common(out, 6);
  std::memcpy(tail.data() + central_size, name.data(), name.size());
  const std::size_t end = central_size + name.size();
  store_number(out, end, end_signature);
  store_number(out, end + 8, std::uint16_t{1});
  store_number(out, end + 10, std::uint16_t{1});
  store_number(out, end + 12, static_cast<std::uint32_t>(end));
  store_number(out, end + 16, static_cast<std::uint32_t>(local.size() + compressed.size()));
  const std::array<std::span<const std::byte>, 3> pieces{local, compressed, tail};
  write_atomic(path, pieces);
}

}  // namespace gantry::io::npz

namespace gantry::io {

std::map<std::string, Image> read_arrays(const Path& path, Run& run) {
  return with_context(path.filename().string(), [&] {
    const InputFile file(path);
    std::map<std::string, Image> images;
    for (const npz::Entry& entry : npz::arrays_of(file, run)) {
      const std::string name = to_valid_utf8(entry.name.substr(0, entry.name.size() - 4));
      images[name] = with_context(name, [&] { return npz::read_entry(file, entry, run); });
    }
    return images;
  });
}

}  // namespace gantry::io
