// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/image.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <limits>

#include "gantry/base/error.h"

namespace gantry {

namespace {

struct TypeRow {
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<TypeRow, 10> type_table{
    {{"i8", 1}, {"u8", 1}, {"i16", 2}, {"u16", 2}, {"i32", 4}, {"u32", 4}, {"f32", 4}, {"f64", 8}, {"c64", 8}, {"c128", 16}}};

std::atomic<std::uint64_t> voxel_budget{0};
std::atomic<std::uint64_t> voxels_in_use{0};
std::atomic<std::uint64_t> voxels_peak{0};

constexpr std::size_t huge_page = std::size_t{1} << 21;

template <class T>
struct IsComplex : std::false_type {};
template <class T>
struct IsComplex<std::complex<T>> : std::true_type {};

template <class To, class From>
To converted(From value) {
  if constexpr (IsComplex<To>::value) {
    using Part = typename To::value_type;
    if constexpr (IsComplex<From>::value) {
      return To(static_cast<Part>(value.real()), static_cast<Part>(value.imag()));
    } else {
      return To(static_cast<Part>(value), Part{0});
    }
  } else if constexpr (IsComplex<From>::value) {
    return converted<To>(std::abs(value));
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    if (!(value == value)) return To{0};
    const double rounded = std::nearbyint(static_cast<double>(value));
    if (rounded <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    if (rounded >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return static_cast<To>(rounded);
  } else if constexpr (std::is_integral_v<To>) {
    const auto wide = static_cast<std::int64_t>(value);
    if (wide < static_cast<std::int64_t>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    if (wide > static_cast<std::int64_t>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

template <class To, class From>
void convert(const void* source, To* target, std::int64_t count) {
  const auto* values = static_cast<const From*>(source);
  for (std::int64_t n = 0; n < count; ++n) target[n] = converted<To>(values[n]);
}

template <class To>
void convert_from(PixelType type, const void* source, To* target, std::int64_t count) {
  switch (type) {
    case PixelType::i8:
      return convert<To, std::int8_t>(source, target, count);
    case PixelType::u8:
      return convert<To, std::uint8_t>(source, target, count);
    case PixelType::i16:
      return convert<To, std::int16_t>(source, target, count);
    case PixelType::u16:
      return convert<To, std::uint16_t>(source, target, count);
    case PixelType::i32:
      return convert<To, std::int32_t>(source, target, count);
    case PixelType::u32:
      return convert<To, std::uint32_t>(source, target, count);
    case PixelType::f32:
      return convert<To, float>(source, target, count);
    case PixelType::f64:
      return convert<To, double>(source, target, count);
    case PixelType::c64:
      return convert<To, std::complex<float>>(source, target, count);
    case PixelType::c128:
      return convert<To, std::complex<double>>(source, target, count);
  }
}

}  // namespace

std::string_view name_of(PixelType type) { return type_table[static_cast<std::size_t>(type)].name; }
std::size_t bytes_of(PixelType type) { return type_table[static_cast<std::size_t>(type)].bytes; }
bool is_integer(PixelType type) { return type < PixelType::f32; }
bool is_complex(PixelType type) { return type >= PixelType::c64; }

void set_voxel_budget(std::uint64_t bytes) { voxel_budget = bytes; }
std::uint64_t voxel_bytes_in_use() { return voxels_in_use; }
std::uint64_t voxel_bytes_peak() { return voxels_peak; }

std::shared_ptr<std::byte[]> allocate_voxels(std::size_t bytes) {
  const bool huge = bytes >= 2 * huge_page;
  const std::size_t alignment = huge ? huge_page : 64;
  const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  const std::uint64_t budget = voxel_budget;
  const std::uint64_t after = voxels_in_use.fetch_add(rounded) + rounded;
  void* memory = budget != 0 && after > budget ? nullptr : std::aligned_alloc(alignment, rounded);
  if (!memory) {
    voxels_in_use -= rounded;
    if (budget != 0 && after > budget) {
      throw Error(ErrorCode::out_of_memory,
                  fmt::format("memory: at most {} MiB are allowed; {} MiB are needed", budget >> 20, after >> 20));
    }
    throw Error(ErrorCode::out_of_memory, fmt::format("memory: the machine has no {} MiB left", rounded >> 20));
  }
  if (huge) ::madvise(memory, rounded, MADV_HUGEPAGE);
  for (std::uint64_t peak = voxels_peak; peak < after && !voxels_peak.compare_exchange_weak(peak, after);) {
  }
  return {static_cast<std::byte*>(memory), [rounded](std::byte* pointer) {
            std::free(pointer);
            voxels_in_use -= rounded;
          }};
}

template <class T>
VoxelView<T> Image::as() const {
  if (empty()) throw Error(ErrorCode::internal, "image: is empty");
  if (type_ == PixelTypeOf<T>::value) return VoxelView<T>(grid_, components_, frames_, std::static_pointer_cast<const T>(data_));
  auto copy = Voxels<T>::uninitialized(grid_, components_, frames_);
  convert_from<T>(type_, data_.get(), copy.data(), count());
  return copy;
}

template VoxelView<std::int8_t> Image::as() const;
template VoxelView<std::uint8_t> Image::as() const;
template VoxelView<std::int16_t> Image::as() const;
template VoxelView<std::uint16_t> Image::as() const;
template VoxelView<std::int32_t> Image::as() const;
template VoxelView<std::uint32_t> Image::as() const;
template VoxelView<float> Image::as() const;
template VoxelView<double> Image::as() const;
template VoxelView<std::complex<float>> Image::as() const;
template VoxelView<std::complex<double>> Image::as() const;

Image Image::shape_only(Grid grid, PixelType type, int components, std::int64_t frames) {
  Image image;
  image.grid_ = std::move(grid);
  image.type_ = type;
  image.components_ = components;
  image.frames_ = frames;
  image.data_ = std::make_shared<const char>();
  return image;
}

Image Image::on(Grid grid) const {
  if (grid.size() != grid_.size()) throw Error(ErrorCode::parameter, "grid: must have the image's size");
  Image image = *this;
  image.grid_ = std::move(grid);
  return image;
}

Image Image::frame(std::int64_t index) const {
  if (!(index >= 0 && index < frames_))
    throw Error(ErrorCode::parameter, fmt::format("frame: must lie between 0 and {}; got {}", frames_ - 1, index));
  Image image = *this;
  image.frames_ = 1;
  const auto offset = static_cast<std::size_t>(index * grid_.voxel_count() * components_) * bytes_of(type_);
  image.data_ = std::shared_ptr<const void>(data_, static_cast<const std::byte*>(data_.get()) + offset);
  return image;
}

}  // namespace gantry
