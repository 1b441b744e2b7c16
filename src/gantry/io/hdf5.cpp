// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/hdf5.h"

#include <algorithm>
#include <array>
#include <limits>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/io/deflate.h"
#include "gantry/io/hdf5_type.h"
#include "gantry/io/input_file.h"

namespace gantry::io::hdf5 {

namespace {

constexpr std::array<unsigned char, 8> hdf5_signature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
constexpr std::uint64_t undefined_address = std::numeric_limits<std::uint64_t>::max();
/// Of one dataset.
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 34;

[[noreturn]] void fail_damaged_hdf5(std::string_view what) { throw Error(ErrorCode::unreadable, fmt::format("HDF5: {}", what)); }
[[noreturn]] void refuse_hdf5(std::string_view what) { throw Error(ErrorCode::refused, fmt::format("HDF5: {} are not read", what)); }

template <class T>
T field(std::span<const std::byte> bytes, std::size_t offset) {
  if (!(offset <= bytes.size() && sizeof(T) <= bytes.size() - offset)) fail_damaged_hdf5("a message ends too early");
  return load_number<T>(bytes, offset);
}

bool is_marked(std::span<const std::byte> bytes, std::string_view mark) {
  return bytes.size() >= mark.size() && std::memcmp(bytes.data(), mark.data(), mark.size()) == 0;
}

std::uint64_t product(std::span<const std::uint64_t> lengths, std::uint64_t size) {
  for (const std::uint64_t length : lengths) {
    if (length != 0 && size > most_bytes / length)
      throw Error(ErrorCode::refused, fmt::format("HDF5: a dataset may have at most {} bytes", most_bytes));
    size *= length;
  }
  return size;
}

struct Filter {
  unsigned id = 0;
};

std::vector<Filter> filters_of(std::span<const std::byte> body) {
  std::vector<Filter> filters;
  const auto version = field<std::uint8_t>(body, 0), count = field<std::uint8_t>(body, 1);
  if (version < 1 || version > 2 || count > 32) fail_damaged_hdf5("the list of filters is damaged");
  std::size_t offset = version == 1 ? 8 : 2;
  for (unsigned n = 0; n < count; ++n) {
    const auto id = field<std::uint16_t>(body, offset);
    offset += 2;
    std::size_t name = 0;
    if (version == 1 || id >= 256) {
      name = field<std::uint16_t>(body, offset);
      offset += 2;
    }
    const auto values = field<std::uint16_t>(body, offset + 2);
    offset += 4 + (version == 1 ? (name + 7) / 8 * 8 : name) + std::size_t{4} * values;
    if (version == 1 && values % 2 == 1) offset += 4;
    if (id < 1 || id > 3) refuse_hdf5(fmt::format("data behind the filter {}", id));
    filters.push_back({id});
  }
  return filters;
}

/// Bytes of each place in a value side by side become values again.
void unshuffle(Bytes& bytes, std::size_t size) {
  if (size < 2) return;
  const std::size_t count = bytes.size() / size;
  Bytes values(bytes);
  for (std::size_t n = 0; n < count; ++n) {
    for (std::size_t b = 0; b < size; ++b) values[n * size + b] = bytes[b * count + n];
  }
  bytes = std::move(values);
}

}  // namespace

struct File::Layout {
  unsigned kind = 0;  ///< 0 compact, 1 contiguous, 2 chunked
  std::span<const std::byte> compact;
  std::uint64_t address = undefined_address;
  std::vector<std::uint64_t> chunk;
  std::vector<Filter> filters;

  static Layout parse(std::span<const std::byte> body, std::size_t rank) {
    Layout layout;
    const auto version = field<std::uint8_t>(body, 0);
    std::size_t offset = 2;
    if (version == 1 || version == 2) {
      const std::size_t lengths = field<std::uint8_t>(body, 1);
      layout.kind = field<std::uint8_t>(body, 2);
      offset = 8;
      if (layout.kind != 0) layout.address = field<std::uint64_t>(body, offset), offset += 8;
      if (layout.kind == 2) return layout.with_chunk(body, offset, lengths, rank);
      offset += 4 * lengths;
      if (layout.kind == 0) layout.take_compact(body, offset + 4, field<std::uint32_t>(body, offset));
      return layout;
    }
    if (version != 3 && version != 4) fail_damaged_hdf5(fmt::format("a layout must be of version 1 to 4; found {}", version));
    layout.kind = field<std::uint8_t>(body, 1);
    if (layout.kind == 0) {
      layout.take_compact(body, 4, field<std::uint16_t>(body, 2));
    } else if (layout.kind == 1) {
      layout.address = field<std::uint64_t>(body, 2);
    } else if (version == 3) {
      const std::size_t lengths = field<std::uint8_t>(body, 2);
      layout.address = field<std::uint64_t>(body, 3);
      return layout.with_chunk(body, 11, lengths, rank);
    } else {
      refuse_hdf5("chunks with an index of HDF5 1.10 or later");
    }
    return layout;
  }

 private:
  void take_compact(std::span<const std::byte> body, std::size_t offset, std::size_t count) {
    if (!(offset <= body.size() && count <= body.size() - offset)) fail_damaged_hdf5("a compact dataset ends too early");
    compact = body.subspan(offset, count);
  }
  Layout with_chunk(std::span<const std::byte> body, std::size_t offset, std::size_t lengths, std::size_t rank) {
    if (lengths != rank + 1) fail_damaged_hdf5("chunks have another number of axes than their dataset");
    for (std::size_t n = 0; n < rank; ++n) {
      chunk.push_back(field<std::uint32_t>(body, offset + 4 * n));
      if (chunk.back() == 0) fail_damaged_hdf5("a chunk is empty");
    }
    return *this;
  }
};

std::uint64_t Dataset::count() const { return product(dimensions, 1); }

std::span<const std::byte> Dataset::value(std::uint64_t index) const {
  if (index >= values.size() / type.size) fail_damaged_hdf5("a dataset has fewer values than it states");
  return std::span(values).subspan(index * type.size, type.size);
}

bool looks_like(std::span<const std::byte> head) {
  for (std::size_t offset = 0; offset + 8 <= head.size(); offset = offset == 0 ? 512 : offset * 2) {
    if (std::memcmp(head.data() + offset, hdf5_signature.data(), 8) == 0) return true;
  }
  return false;
}

File::File(std::span<const std::byte> bytes) : bytes_(bytes) {
  std::uint64_t start = 0;
  while (start + 8 <= bytes.size() && std::memcmp(bytes.data() + start, hdf5_signature.data(), 8) != 0)
    start = start == 0 ? 512 : start * 2;
  if (start + 8 > bytes.size()) fail_damaged_hdf5("the signature is missing");
  const std::span<const std::byte> block = bytes.subspan(start);
  const auto version = field<std::uint8_t>(block, 8);
  if (version > 3) fail_damaged_hdf5(fmt::format("the superblock must be of version 0 to 3; found {}", version));
  const std::size_t sizes = version < 2 ? 13 : 9;
  if (field<std::uint8_t>(block, sizes) != 8 || field<std::uint8_t>(block, sizes + 1) != 8) refuse_hdf5("addresses of other than 8 bytes");
  const std::size_t base_at = version == 0 ? 24 : version == 1 ? 28 : 12;
  const auto base = field<std::uint64_t>(block, base_at);
  if (base > bytes.size()) fail_damaged_hdf5("the base address lies outside the file");
  bytes_ = bytes.subspan(base);
  root_ = field<std::uint64_t>(block, version < 2 ? base_at + 40 : base_at + 24);
}

std::span<const std::byte> File::at(std::uint64_t address, std::uint64_t size, std::string_view what) const {
  if (!(address <= bytes_.size() && size <= bytes_.size() - address))
    fail_damaged_hdf5(fmt::format("{} of {} bytes at {} lies outside the file", what, size, address));
  return bytes_.subspan(address, size);
}

std::vector<File::Message> File::messages(std::uint64_t address) const {
  const std::span<const std::byte> head = at(address, 16, "an object");
  const bool recent = is_marked(head, "OHDR");
  const unsigned flags = recent ? field<std::uint8_t>(head, 5) : 0;
  const std::size_t prefix = !recent ? 8 : (flags & 4U) != 0 ? 6 : 4;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> blocks;
  if (recent) {
    std::uint64_t begin = address + 6 + ((flags & 0x20U) != 0 ? 16 : 0) + ((flags & 0x10U) != 0 ? 4 : 0);
    std::uint64_t size = 0;
    for (unsigned n = 0; n < 1U << (flags & 3U); ++n)
      size |= static_cast<std::uint64_t>(field<std::uint8_t>(at(begin + n, 1, "an object"), 0)) << (8 * n);
    blocks.emplace_back(begin + (std::uint64_t{1} << (flags & 3U)), size);
  } else {
    if (field<std::uint8_t>(head, 0) != 1) fail_damaged_hdf5(fmt::format("there is no object at {}", address));
    blocks.emplace_back(address + 16, field<std::uint32_t>(head, 8));
  }
  std::vector<Message> all;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (blocks.size() > 1000) fail_damaged_hdf5("an object has too many parts");
    const std::span<const std::byte> block = at(blocks[b].first, blocks[b].second, "the header of an object");
    std::size_t offset = 0;
    while (offset + prefix <= block.size()) {
      Message message;
      message.type = recent ? field<std::uint8_t>(block, offset) : field<std::uint16_t>(block, offset);
      const std::size_t size = field<std::uint16_t>(block, offset + (recent ? 1 : 2));
      const unsigned shared = field<std::uint8_t>(block, offset + (recent ? 3 : 4)) & 2U;
      offset += prefix;
      if (size > block.size() - offset) fail_damaged_hdf5("a message ends too early");
      message.body = block.subspan(offset, size);
      offset += size;
      if (message.type == 0x10) {
        const auto next = field<std::uint64_t>(message.body, 0), length = field<std::uint64_t>(message.body, 8);
        if (recent && length < 8) fail_damaged_hdf5("a part of an object is too short");
        blocks.emplace_back(recent ? next + 4 : next, recent ? length - 8 : length);
      } else if (message.type != 0) {
        if (shared != 0 && (message.type == 1 || message.type == 3)) refuse_hdf5("types that datasets share");
        all.push_back(message);
      }
      if (all.size() > 100000) fail_damaged_hdf5("an object has too many messages");
    }
  }
  return all;
}

void File::symbol_table(std::uint64_t node, std::span<const std::byte> names, std::map<std::string, std::uint64_t>& found, int depth,
                        std::uint64_t& budget) const {
  if (depth > 16 || budget-- == 0) fail_damaged_hdf5("a group runs in circles");
  std::span<const std::byte> head = at(node, 8, "a group");
  const auto count = field<std::uint16_t>(head, 6);
  if (is_marked(head, "TREE")) {
    const std::span<const std::byte> entries = at(node + 24, 8 + std::uint64_t{16} * count, "a group");
    for (std::size_t n = 0; n < count; ++n) symbol_table(field<std::uint64_t>(entries, 8 + 16 * n), names, found, depth + 1, budget);
    return;
  }
  if (!is_marked(head, "SNOD")) fail_damaged_hdf5(fmt::format("there is no group at {}", node));
  const std::span<const std::byte> entries = at(node + 8, std::uint64_t{40} * count, "a group");
  for (std::size_t n = 0; n < count; ++n) {
    const auto begin = field<std::uint64_t>(entries, 40 * n);
    std::string name;
    for (std::uint64_t c = begin; c < names.size() && names[c] != std::byte{0}; ++c) name += static_cast<char>(names[c]);
    found[name] = field<std::uint64_t>(entries, 40 * n + 8);
  }
}

std::map<std::string, std::uint64_t> File::links(std::uint64_t address) const {
  std::map<std::string, std::uint64_t> found;
  for (const Message& message : messages(address)) {
    const std::span<const std::byte> body = message.body;
    if (message.type == 0x11) {
      const std::span<const std::byte> heap = at(field<std::uint64_t>(body, 8), 32, "the names of a group");
      if (!is_marked(heap, "HEAP")) fail_damaged_hdf5("a group has no names");
      const auto names = at(field<std::uint64_t>(heap, 24), field<std::uint64_t>(heap, 8), "the names of a group");
      std::uint64_t budget = bytes_.size() / 24 + 1;
      symbol_table(field<std::uint64_t>(body, 0), names, found, 0, budget);
    } else if (message.type == 0x02) {
      const bool ordered = (field<std::uint8_t>(body, 1) & 1U) != 0;
      if (field<std::uint64_t>(body, ordered ? 10 : 2) != undefined_address) refuse_hdf5("groups of very many links");
    } else if (message.type == 0x06) {
      const unsigned flags = field<std::uint8_t>(body, 1);
      std::size_t offset = 2;
      unsigned kind = 0;
      if ((flags & 8U) != 0) kind = field<std::uint8_t>(body, offset++);
      if ((flags & 4U) != 0) offset += 8;
      if ((flags & 16U) != 0) ++offset;
      std::uint64_t length = 0;
      for (unsigned n = 0; n < 1U << (flags & 3U); ++n)
        length |= static_cast<std::uint64_t>(field<std::uint8_t>(body, offset++)) << (8 * n);
      if (length > body.size() - offset) fail_damaged_hdf5("a link ends too early");
      const std::string name(reinterpret_cast<const char*>(body.data()) + offset, length);
      if (kind == 0) found[name] = field<std::uint64_t>(body, offset + length);
    }
  }
  return found;
}

std::uint64_t File::find(const std::string& path) const {
  std::uint64_t address = root_;
  for (const std::string& name : split(path, '/')) {
    if (name.empty()) continue;
    const auto inside = links(address);
    const auto link = inside.find(name);
    if (link == inside.end()) throw Error(ErrorCode::unreadable, fmt::format("HDF5: '{}' is missing", path));
    address = link->second;
  }
  return address;
}

std::vector<std::string> File::names(const std::string& group) const {
  std::vector<std::string> all;
  for (const auto& [name, address] : links(find(group))) all.push_back(name);
  return all;
}

bool File::contains(const std::string& path) const {
  const auto slash = path.rfind('/');
  const std::string group = slash == std::string::npos ? "/" : path.substr(0, slash), name = path.substr(slash + 1);
  if (slash != std::string::npos && !group.empty() && !contains(group)) return false;
  return links(find(group)).contains(name);
}

void File::read_chunks(const Layout& layout, std::uint64_t node, int depth, std::uint64_t& budget, Dataset& into, Run& run) const {
  if (depth > 16 || budget-- == 0) fail_damaged_hdf5("the chunks of a dataset run in circles");
  run.check();
  const std::size_t rank = layout.chunk.size();
  const std::span<const std::byte> head = at(node, 24, "an index of chunks");
  if (!is_marked(head, "TREE") || field<std::uint8_t>(head, 4) != 1) fail_damaged_hdf5("the index of chunks is damaged");
  const auto level = field<std::uint8_t>(head, 5);
  const auto count = field<std::uint16_t>(head, 6);
  const std::size_t key = 8 + 8 * (rank + 1);
  const std::span<const std::byte> entries = at(node + 24, count * (key + 8), "an index of chunks");
  const std::size_t size = into.type.size;
  const std::uint64_t chunk_bytes = product(layout.chunk, size);
  for (std::size_t n = 0; n < count; ++n) {
    const std::span<const std::byte> entry = entries.subspan(n * (key + 8), key + 8);
    const auto address = field<std::uint64_t>(entry, key);
    if (level > 0) {
      read_chunks(layout, address, depth + 1, budget, into, run);
      continue;
    }
    if (budget-- == 0) fail_damaged_hdf5("the chunks of a dataset run in circles");
    std::span<const std::byte> stored = at(address, field<std::uint32_t>(entry, 0), "a chunk");
    const auto skipped = field<std::uint32_t>(entry, 4);
    Bytes scratch;
    for (std::size_t f = layout.filters.size(); f-- > 0;) {
      if ((skipped >> f & 1U) != 0) continue;
      if (layout.filters[f].id == 3) {
        if (stored.size() < 4) fail_damaged_hdf5("a chunk ends too early");
        stored = stored.first(stored.size() - 4);
        continue;
      }
      if (layout.filters[f].id == 1) {
        Bytes plain;
        // Behind deflate a checksum of 4 bytes may still follow the values.
        const bool checked = f > 0 && layout.filters[f - 1].id == 3;
        check_expansion(stored.size(), chunk_bytes);
        plain.resize(chunk_bytes + (checked ? 4 : 0));
        inflate(stored, Wrapper::zlib, 0, plain, run);
        scratch = std::move(plain);
      } else {
        scratch = Bytes(stored.begin(), stored.end());
        unshuffle(scratch, size);
      }
      stored = scratch;
    }
    if (stored.size() < chunk_bytes) fail_damaged_hdf5("a chunk ends too early");
    // Rows along the last axis, where the chunk overlaps the dataset.
    std::vector<std::uint64_t> begin(rank), extent(rank), place(rank, 0);
    bool inside = true;
    for (std::size_t a = 0; a < rank; ++a) {
      begin[a] = field<std::uint64_t>(entry, 8 + 8 * a);
      inside = inside && begin[a] < into.dimensions[a];
      if (inside) extent[a] = std::min(layout.chunk[a], into.dimensions[a] - begin[a]);
    }
    while (inside) {
      std::uint64_t from = 0, to = 0;
      for (std::size_t a = 0; a < rank; ++a) {
        from = from * layout.chunk[a] + place[a];
        to = to * into.dimensions[a] + begin[a] + place[a];
      }
      std::memcpy(into.values.data() + to * size, stored.data() + from * size, extent[rank - 1] * size);
      std::size_t a = rank - 1;
      while (a > 0 && ++place[a - 1] == extent[a - 1]) place[--a] = 0;
      if (a == 0) break;
    }
  }
}

Dataset File::dataset(const std::string& path, Run& run) const {
  return with_context(path, [&] {
    Dataset result;
    const std::vector<Message> all = messages(find(path));
    const auto message = [&](unsigned type) {
      const auto found = std::find_if(all.begin(), all.end(), [&](const Message& m) { return m.type == type; });
      return found == all.end() ? nullptr : &*found;
    };
    const Message *space = message(1), *type = message(3), *stored = message(8), *filters = message(11);
    if (!space || !type || !stored) fail_damaged_hdf5("is no dataset");
    const auto version = field<std::uint8_t>(space->body, 0), rank = field<std::uint8_t>(space->body, 1);
    if (version < 1 || version > 2 || rank > 32) fail_damaged_hdf5("the size of a dataset is damaged");
    for (std::size_t n = 0; n < rank; ++n) result.dimensions.push_back(field<std::uint64_t>(space->body, (version == 1 ? 8 : 4) + 8 * n));
    std::size_t offset = 0;
    result.type = parse_type(type->body, offset);
    Layout layout = Layout::parse(stored->body, rank);
    if (filters) layout.filters = filters_of(filters->body);
    const std::uint64_t bytes = product(result.dimensions, result.type.size);
    if (layout.kind == 0) {
      if (layout.compact.size() < bytes) fail_damaged_hdf5("a compact dataset ends too early");
      result.values.assign(layout.compact.begin(), layout.compact.begin() + static_cast<std::ptrdiff_t>(bytes));
    } else if (layout.kind == 1) {
      if (layout.address == undefined_address) fail_damaged_hdf5("a dataset has no values");
      const std::span<const std::byte> values = at(layout.address, bytes, "a dataset");
      result.values.assign(values.begin(), values.end());
    } else if (layout.kind == 2) {
      // Deflate expands at most 1032 times, and each chunk needs an entry of the index.
      if (bytes / 1100 > bytes_.size()) fail_damaged_hdf5(fmt::format("a dataset states {} bytes; the file cannot hold them", bytes));
      result.values.resize(bytes);
      std::uint64_t budget = bytes_.size() / 24 + 1;
      if (layout.address != undefined_address && bytes > 0 && rank > 0) read_chunks(layout, layout.address, 0, budget, result, run);
    } else {
      refuse_hdf5("virtual datasets");
    }
    return result;
  });
}

std::span<const std::byte> File::sequence(const Type& type, std::span<const std::byte> value) const {
  if (type.kind != Type::Kind::sequence || value.size() < 16) fail_damaged_hdf5("a value of variable length was expected");
  const std::uint64_t count = field<std::uint32_t>(value, 0), address = field<std::uint64_t>(value, 4);
  const auto index = field<std::uint32_t>(value, 12);
  if (count == 0) return {};
  auto found = heaps_.find(address);
  if (found == heaps_.end()) {
    const std::span<const std::byte> head = at(address, 16, "a heap");
    if (!is_marked(head, "GCOL")) fail_damaged_hdf5("a heap is missing");
    const auto size = field<std::uint64_t>(head, 8);
    const std::span<const std::byte> heap = at(address, size, "a heap");
    std::map<std::uint32_t, std::span<const std::byte>> objects;
    for (std::size_t offset = 16; offset + 16 <= heap.size();) {
      const auto number = field<std::uint16_t>(heap, offset);
      const auto length = field<std::uint64_t>(heap, offset + 8);
      if (number == 0) break;
      if (length > heap.size() - offset - 16) fail_damaged_hdf5("an object of a heap ends too early");
      objects[number] = heap.subspan(offset + 16, length);
      offset += 16 + (length + 7) / 8 * 8;
    }
    found = heaps_.emplace(address, std::move(objects)).first;
  }
  const auto object = found->second.find(index);
  const std::uint64_t bytes = count * (type.element ? type.element->size : 1);
  if (object == found->second.end() || object->second.size() < bytes) fail_damaged_hdf5("a value of variable length is missing");
  return object->second.first(bytes);
}

}  // namespace gantry::io::hdf5
