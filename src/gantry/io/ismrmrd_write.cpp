// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <array>
#include <complex>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/io/input_file.h"
#include "gantry/io/ismrmrd.h"

namespace gantry::io::ismrmrd {

namespace {

constexpr std::uint64_t no_address = ~std::uint64_t{0};

template <class T>
void put(Bytes& bytes, T value) {
  const std::size_t offset = bytes.size();
  bytes.resize(offset + sizeof(T));
  store_number(bytes, offset, value);
}
void put_text(Bytes& bytes, std::string_view text) {
  for (const char letter : text) put(bytes, letter);
}
void put_bytes(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

/// Datatype messages of version 3 (HDF5 File Format Specification 3.0, IV.A.2.d).
Bytes type_head(unsigned kind, std::uint32_t bits, std::uint32_t size) {
  Bytes type;
  put<std::uint8_t>(type, static_cast<std::uint8_t>(0x30U | kind));
  put<std::uint8_t>(type, static_cast<std::uint8_t>(bits));
  put<std::uint16_t>(type, static_cast<std::uint16_t>(bits >> 8U));
  put(type, size);
  return type;
}
Bytes integer_type(std::uint32_t size, bool is_signed = false) {
  Bytes type = type_head(0, is_signed ? 8 : 0, size);
  put<std::uint16_t>(type, 0);
  put<std::uint16_t>(type, static_cast<std::uint16_t>(8 * size));
  return type;
}
Bytes float_type() {
  Bytes type = type_head(1, 0x1f20, 4);
  put<std::uint32_t>(type, 32U << 16U);
  for (const int value : {23, 8, 0, 23}) put<std::uint8_t>(type, static_cast<std::uint8_t>(value));
  put<std::uint32_t>(type, 127);
  return type;
}
Bytes array_type(const Bytes& element, std::uint32_t size, std::uint32_t count) {
  Bytes type = type_head(10, 0, size * count);
  put<std::uint8_t>(type, 1);
  put(type, count);
  put_bytes(type, element);
  return type;
}
Bytes sequence_type(const Bytes& element, std::uint32_t bits = 0) {
  Bytes type = type_head(9, bits, 16);
  put_bytes(type, element);
  return type;
}

/// A compound that grows by its members.
struct Compound {
  std::vector<std::pair<std::string, Bytes>> members;
  std::vector<std::uint32_t> offsets;
  std::uint32_t size = 0;

  void add(const std::string& name, Bytes type, std::uint32_t bytes) {
    members.emplace_back(name, std::move(type));
    offsets.push_back(size);
    size += bytes;
  }
  void integers(const std::string& name, std::uint32_t bytes, std::uint32_t count = 1, bool is_signed = false) {
    add(name, count == 1 ? integer_type(bytes, is_signed) : array_type(integer_type(bytes, is_signed), bytes, count), bytes * count);
  }
  void floats(const std::string& name, std::uint32_t count = 1) {
    add(name, count == 1 ? float_type() : array_type(float_type(), 4, count), 4 * count);
  }
  Bytes type() const {
    Bytes all = type_head(6, static_cast<std::uint32_t>(members.size()), size);
    for (std::size_t n = 0; n < members.size(); ++n) {
      put_text(all, members[n].first);
      put<std::uint8_t>(all, 0);
      put<std::uint8_t>(all, static_cast<std::uint8_t>(offsets[n]));
      if (size > 255) put<std::uint8_t>(all, static_cast<std::uint8_t>(offsets[n] >> 8U));
      put_bytes(all, members[n].second);
    }
    return all;
  }
};

/// The type of a readout: the members of ISMRMRD_Acquisition without gaps.
Compound readout_type() {
  Compound counters;
  for (const char* name :
       {"kspace_encode_step_1", "kspace_encode_step_2", "average", "slice", "contrast", "phase", "repetition", "set", "segment"})
    counters.integers(name, 2);
  counters.integers("user", 2, 8);
  Compound head;
  head.integers("version", 2);
  head.integers("flags", 8);
  for (const char* name : {"measurement_uid", "scan_counter", "acquisition_time_stamp"}) head.integers(name, 4);
  head.integers("physiology_time_stamp", 4, 3);
  for (const char* name : {"number_of_samples", "available_channels", "active_channels"}) head.integers(name, 2);
  head.integers("channel_mask", 8, 16);
  for (const char* name : {"discard_pre", "discard_post", "center_sample", "encoding_space_ref", "trajectory_dimensions"})
    head.integers(name, 2);
  head.floats("sample_time_us");
  for (const char* name : {"position", "read_dir", "phase_dir", "slice_dir", "patient_table_position"}) head.floats(name, 3);
  head.add("idx", counters.type(), counters.size);
  head.integers("user_int", 4, 8, true);
  head.floats("user_float", 8);
  Compound readout;
  readout.add("head", head.type(), head.size);
  readout.add("traj", sequence_type(float_type()), 16);
  readout.add("data", sequence_type(float_type()), 16);
  return readout;
}

/// Lays out a file: superblock of version 0, objects of version 1, the root's links within its header.
class Writer {
 public:
  Writer() { bytes_.resize(96); }

  /// A sequence of `count` elements in the global heap: the 16 bytes that refer to it.
  Bytes sequence(std::span<const std::byte> content, std::uint32_t count) {
    if (heap_count_ == 1000) end_heap();
    if (heap_count_ == 0) {
      heap_ = align();
      put_text(bytes_, "GCOL");
      put<std::uint32_t>(bytes_, 1);
      put<std::uint64_t>(bytes_, 0);
    }
    ++heap_count_;
    put(bytes_, static_cast<std::uint16_t>(heap_count_));
    put<std::uint16_t>(bytes_, 1);
    put<std::uint32_t>(bytes_, 0);
    put<std::uint64_t>(bytes_, content.size());
    bytes_.insert(bytes_.end(), content.begin(), content.end());
    align();
    Bytes reference;
    put(reference, count);
    put(reference, heap_);
    put(reference, static_cast<std::uint32_t>(heap_count_));
    return reference;
  }
  /// The object of a one-dimensional dataset.
  std::uint64_t dataset(const Bytes& type, std::uint64_t count, const Bytes& values) {
    end_heap();
    const std::uint64_t address = align();
    put_bytes(bytes_, values);
    Bytes space, fill, layout;
    for (const int value : {1, 1, 0, 0, 0, 0, 0, 0}) put<std::uint8_t>(space, static_cast<std::uint8_t>(value));
    put(space, count);
    for (const int value : {2, 2, 2, 0}) put<std::uint8_t>(fill, static_cast<std::uint8_t>(value));
    put<std::uint16_t>(layout, 0x0103);
    put(layout, address);
    put<std::uint64_t>(layout, values.size());
    return object({{1, space}, {3, type}, {5, fill}, {8, layout}});
  }
  std::uint64_t group(const std::vector<std::pair<std::string, std::uint64_t>>& links) {
    Bytes info, sizes;
    put<std::uint16_t>(info, 0);
    put(info, no_address);
    put(info, no_address);
    put<std::uint16_t>(sizes, 0);
    std::vector<std::pair<std::uint16_t, Bytes>> messages{{2, info}, {10, sizes}};
    for (const auto& [name, address] : links) {
      Bytes link;
      put<std::uint16_t>(link, 1);
      put(link, static_cast<std::uint8_t>(name.size()));
      put_text(link, name);
      put(link, address);
      messages.emplace_back(static_cast<std::uint16_t>(6), link);
    }
    return object(messages);
  }
  Bytes finish(std::uint64_t root) {
    Bytes block;
    for (const int value : {0x89, 'H' + 0, 'D' + 0, 'F' + 0, 13, 10, 26, 10, 0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0, 0, 0, 0, 0})
      put<std::uint8_t>(block, static_cast<std::uint8_t>(value));
    for (const std::uint64_t value :
         {std::uint64_t{0}, no_address, static_cast<std::uint64_t>(bytes_.size()), no_address, std::uint64_t{0}, root})
      put(block, value);
    std::copy(block.begin(), block.end(), bytes_.begin());
    return std::move(bytes_);
  }

 private:
  std::uint64_t align() {
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    return bytes_.size();
  }
  /// A collection has at least 4096 bytes and ends with an object 0 that holds what is free.
  void end_heap() {
    if (heap_count_ == 0) return;
    const std::uint64_t free_at = align(), size = std::max<std::uint64_t>(4096, free_at + 16 - heap_);
    bytes_.resize(heap_ + size);
    store_number<std::uint64_t>(bytes_, free_at + 8, heap_ + size - free_at);
    store_number<std::uint64_t>(bytes_, heap_ + 8, size);
    heap_count_ = 0;
  }
  std::uint64_t object(const std::vector<std::pair<std::uint16_t, Bytes>>& messages) {
    const std::uint64_t address = align();
    Bytes body;
    for (const auto& [kind, content] : messages) {
      const std::size_t padded = (content.size() + 7) / 8 * 8;
      put(body, kind);
      put(body, static_cast<std::uint16_t>(padded));
      put<std::uint32_t>(body, 0);
      put_bytes(body, content);
      body.resize(body.size() + padded - content.size());
    }
    put<std::uint16_t>(bytes_, 1);
    put(bytes_, static_cast<std::uint16_t>(messages.size()));
    put<std::uint32_t>(bytes_, 1);
    put(bytes_, static_cast<std::uint32_t>(body.size()));
    put<std::uint32_t>(bytes_, 0);
    put_bytes(bytes_, body);
    return address;
  }

  Bytes bytes_;
  std::uint64_t heap_ = 0;
  std::uint32_t heap_count_ = 0;
};

std::string header_of(const KSpace& kspace) {
  const Grid& grid = kspace.samples.grid();
  const Size3 encoded{grid.size(0), grid.size(1), kspace.volume ? grid.size(2) : 1};
  const auto space = [&](const char* name, bool image) {
    const std::array<double, 3> spacing{grid.spacing_mm().x, grid.spacing_mm().y, grid.spacing_mm().z};
    const std::array<double, 3> share{kspace.image_share.x, kspace.image_share.y, kspace.volume ? kspace.image_share.z : 1};
    std::string sizes, fields;
    for (std::size_t a = 0; a < 3; ++a) {
      const char axis = "xyz"[a];
      const std::int64_t size = image && kspace.image_size[a] > 0 ? kspace.image_size[a] : encoded[a];
      sizes += fmt::format("<{0}>{1}</{0}>", axis, size);
      fields += fmt::format("<{0}>{1}</{0}>", axis, shortest(static_cast<double>(encoded[a]) * spacing[a] * (image ? share[a] : 1)));
    }
    return fmt::format("<{0}><matrixSize>{1}</matrixSize><fieldOfView_mm>{2}</fieldOfView_mm></{0}>\n", name, sizes, fields);
  };
  const auto limits = [&](const char* name, std::int64_t size) {
    return fmt::format("<{0}><minimum>0</minimum><maximum>{1}</maximum><center>{2}</center></{0}>\n", name, size - 1, size / 2);
  };
  return fmt::format(
      "<?xml version=\"1.0\"?>\n<ismrmrdHeader xmlns=\"http://www.ismrm.org/ISMRMRD\">\n<experimentalConditions>"
      "<H1resonanceFrequency_Hz>0</H1resonanceFrequency_Hz></experimentalConditions>\n<encoding>\n{}{}<encodingLimits>\n{}{}"
      "</encodingLimits>\n<trajectory>cartesian</trajectory>\n</encoding>\n</ismrmrdHeader>\n",
      space("encodedSpace", false), space("reconSpace", true), limits("kspace_encoding_step_1", encoded[1]),
      limits("kspace_encoding_step_2", encoded[2]));
}

}  // namespace

Bytes to_bytes(const KSpace& kspace) {
  const Image& image = kspace.samples;
  const Grid& grid = image.grid();
  const auto samples = image.as<std::complex<float>>();
  const std::int64_t nx = grid.size(0), ny = grid.size(1), nz = grid.size(2), coils = image.components();
  if (std::max({nx, ny, nz, image.frames(), coils}) > 65535)
    throw Error(ErrorCode::not_possible, "ISMRMRD: counts to 65535 samples, lines, coils and repetitions at most");
  Writer writer;
  const Compound type = readout_type();
  Bytes readouts;
  const auto vector = [&](Vec3 v) {
    for (const double value : {v.x, v.y, v.z}) put(readouts, static_cast<float>(value));
  };
  const auto zeros = [&](std::size_t count) { readouts.resize(readouts.size() + count); };
  const Mat3& direction = grid.direction();
  Bytes line(static_cast<std::size_t>(8 * nx * coils));
  std::uint32_t counter = 0;
  for (std::int64_t n = 0; n < ny * nz * image.frames(); ++n) {
    const std::int64_t j = n % ny, k = n / ny % nz, frame = n / ny / nz;
    for (std::int64_t c = 0; c < coils; ++c) {
      for (std::int64_t i = 0; i < nx; ++i) {
        const std::complex<float> value = samples[c + coils * (i + nx * n)];
        store_number(line, static_cast<std::size_t>(8 * (i + nx * c)), value.real());
        store_number(line, static_cast<std::size_t>(8 * (i + nx * c) + 4), value.imag());
      }
    }
    const auto short_number = [&](std::int64_t value) { put(readouts, static_cast<std::uint16_t>(value)); };
    short_number(1);
    put<std::uint64_t>(readouts, 0);
    put<std::uint32_t>(readouts, 0);
    put(readouts, ++counter);
    zeros(16);
    for (const std::int64_t value : {nx, coils, coils}) short_number(value);
    zeros(128);
    for (const std::int64_t value : {std::int64_t{0}, std::int64_t{0}, nx / 2, std::int64_t{0}, std::int64_t{0}}) short_number(value);
    put(readouts, 0.0F);
    const Vec3 middle{static_cast<double>(nx / 2), static_cast<double>(ny / 2), static_cast<double>(kspace.volume ? nz / 2 : k)};
    vector(grid.world_from_voxel(middle));
    for (const Vec3& axis : {direction.column[0], direction.column[1], direction.column[2], Vec3{}}) vector(axis);
    for (const std::int64_t value :
         {j, kspace.volume ? k : 0, std::int64_t{0}, kspace.volume ? 0 : k, std::int64_t{0}, std::int64_t{0}, frame})
      short_number(value);
    zeros(2 * 2 + 16 + 32 + 32);
    zeros(16);
    put_bytes(readouts, writer.sequence(line, static_cast<std::uint32_t>(2 * nx * coils)));
  }
  const std::uint64_t data = writer.dataset(type.type(), counter, readouts);
  const std::string text = header_of(kspace);
  const Bytes reference = writer.sequence(std::as_bytes(std::span(text)), static_cast<std::uint32_t>(text.size()));
  const std::uint64_t xml = writer.dataset(sequence_type(integer_type(1), 0x101), 1, reference);
  const std::uint64_t dataset = writer.group({{"data", data}, {"xml", xml}});
  return writer.finish(writer.group({{"dataset", dataset}}));
}

}  // namespace gantry::io::ismrmrd
