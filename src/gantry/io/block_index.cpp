// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/block_index.h"

#include "gantry/io/input_file.h"

namespace gantry::io {

namespace {

constexpr std::size_t fixed_header = 10;                  // ID1 ID2 CM FLG MTIME XFL OS
constexpr std::size_t subfield_at = fixed_header + 2;     // behind XLEN
constexpr std::size_t payload_at = subfield_at + 4;       // behind SI1 SI2 LEN
constexpr std::size_t sizes_at = payload_at + 8 + 4 + 4;  // behind total, head size, block size
constexpr std::size_t max_blocks = 16000;

}  // namespace

std::uint32_t BlockIndex::block_size_for(std::uint64_t body_size) {
  std::uint64_t size = std::uint64_t{512} << 10;
  while (body_size / size >= max_blocks - 2) size *= 2;
  return static_cast<std::uint32_t>(size);
}

std::size_t BlockIndex::block_count() const {
  const std::uint64_t body = total - head_size;
  return std::max<std::size_t>(1, (head_size ? 1 : 0) + (body + block_size - 1) / block_size);
}

BlockIndex::Range BlockIndex::range(std::size_t block) const {
  if (head_size != 0 && block == 0) return {0, head_size};
  const std::uint64_t offset = head_size + static_cast<std::uint64_t>(block - (head_size ? 1 : 0)) * block_size;
  return {offset, std::min<std::uint64_t>(block_size, total - offset)};
}

Bytes BlockIndex::gzip_header() const {
  Bytes header(sizes_at + 4 * compressed_sizes.size());
  const auto put = [&](std::size_t at, unsigned value) { header[at] = static_cast<std::byte>(value); };
  put(0, 0x1f);
  put(1, 0x8b);
  put(2, 8);    // deflate
  put(3, 4);    // FEXTRA
  put(9, 255);  // unknown system
  store_number(std::span(header), fixed_header, static_cast<std::uint16_t>(header.size() - subfield_at));
  put(subfield_at, 'G');
  put(subfield_at + 1, 'N');
  store_number(std::span(header), subfield_at + 2, static_cast<std::uint16_t>(header.size() - payload_at));
  store_number(std::span(header), payload_at, total);
  store_number(std::span(header), payload_at + 8, head_size);
  store_number(std::span(header), payload_at + 12, block_size);
  for (std::size_t n = 0; n < compressed_sizes.size(); ++n) store_number(std::span(header), sizes_at + 4 * n, compressed_sizes[n]);
  return header;
}

std::optional<std::pair<BlockIndex, std::size_t>> BlockIndex::parse(std::span<const std::byte> file) {
  if (file.size() < sizes_at + 8) return {};
  const auto octet = [&](std::size_t at) { return std::to_integer<unsigned>(file[at]); };
  if (octet(0) != 0x1f || octet(1) != 0x8b || octet(2) != 8 || octet(3) != 4) return {};
  if (octet(subfield_at) != 'G' || octet(subfield_at + 1) != 'N') return {};
  const std::size_t header_size = subfield_at + load_number<std::uint16_t>(file, fixed_header);
  if (payload_at + load_number<std::uint16_t>(file, subfield_at + 2) != header_size) return {};
  if (header_size < sizes_at + 4 || (header_size - sizes_at) % 4 != 0 || header_size + 8 > file.size()) return {};
  BlockIndex index;
  index.total = load_number<std::uint64_t>(file, payload_at);
  index.head_size = load_number<std::uint32_t>(file, payload_at + 8);
  index.block_size = load_number<std::uint32_t>(file, payload_at + 12);
  const std::size_t blocks = (header_size - sizes_at) / 4;
  if (index.block_size == 0 || index.total < index.head_size || index.block_count() != blocks) return {};
  std::uint64_t compressed = 0;
  for (std::size_t n = 0; n < blocks; ++n) {
    index.compressed_sizes.push_back(load_number<std::uint32_t>(file, sizes_at + 4 * n));
    compressed += index.compressed_sizes.back();
  }
  if (compressed != file.size() - header_size - 8) return {};
  return std::pair(std::move(index), header_size);
}

}  // namespace gantry::io
