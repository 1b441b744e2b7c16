// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "gantry/image/grid.h"

namespace gantry {

/// Scalar type of an image.
enum class PixelType : std::uint8_t { i8, u8, i16, u16, i32, u32, f32, f64, c64, c128 };

std::string_view name_of(PixelType type);  ///< "u8", "f32", ...
std::size_t bytes_of(PixelType type);
bool is_integer(PixelType type);
bool is_complex(PixelType type);

template <class T>
struct PixelTypeOf;
template <>
struct PixelTypeOf<std::int8_t> {
  static constexpr auto value = PixelType::i8;
};
template <>
struct PixelTypeOf<std::uint8_t> {
  static constexpr auto value = PixelType::u8;
};
template <>
struct PixelTypeOf<std::int16_t> {
  static constexpr auto value = PixelType::i16;
};
template <>
struct PixelTypeOf<std::uint16_t> {
  static constexpr auto value = PixelType::u16;
};
template <>
struct PixelTypeOf<std::int32_t> {
  static constexpr auto value = PixelType::i32;
};
template <>
struct PixelTypeOf<std::uint32_t> {
  static constexpr auto value = PixelType::u32;
};
template <>
struct PixelTypeOf<float> {
  static constexpr auto value = PixelType::f32;
};
template <>
struct PixelTypeOf<double> {
  static constexpr auto value = PixelType::f64;
};
template <>
struct PixelTypeOf<std::complex<float>> {
  static constexpr auto value = PixelType::c64;
};
template <>
struct PixelTypeOf<std::complex<double>> {
  static constexpr auto value = PixelType::c128;
};

/// Uninitialised memory for voxels, 64-byte aligned (huge pages where they pay). Throws Error(out_of_memory) when the
/// process's budget (`set_voxel_budget`) or the machine's memory does not hold it.
std::shared_ptr<std::byte[]> allocate_voxels(std::size_t bytes);
/// Limit in bytes on all voxel memory of the process at one time; 0 = none.
void set_voxel_budget(std::uint64_t bytes);
std::uint64_t voxel_bytes_in_use();
std::uint64_t voxel_bytes_peak();

template <class T>
class VoxelView;

/// Typed, mutable voxels on a grid: what kernels write. Move-only; `clone` copies. Memory order: component fastest, then i, j, k, frame.
template <class T>
class Voxels {
 public:
  Voxels() = default;
  /// Every value is `fill`.
  explicit Voxels(Grid grid, T fill = T{}, int components = 1, std::int64_t frames = 1)
      : Voxels(uninitialized(std::move(grid), components, frames)) {
    std::fill_n(data_.get(), count(), fill);
  }
  static Voxels uninitialized(Grid grid, int components = 1, std::int64_t frames = 1) {
    Voxels v;
    v.grid_ = std::move(grid);
    v.components_ = components;
    v.frames_ = frames;
    auto bytes = allocate_voxels(static_cast<std::size_t>(v.count()) * sizeof(T));
    v.data_ = std::shared_ptr<T[]>(bytes, reinterpret_cast<T*>(bytes.get()));
    return v;
  }
  Voxels(Voxels&&) noexcept = default;
  Voxels& operator=(Voxels&&) noexcept = default;
  Voxels(const Voxels&) = delete;
  Voxels& operator=(const Voxels&) = delete;
  Voxels clone() const {
    Voxels copy = uninitialized(grid_, components_, frames_);
    std::copy_n(data_.get(), count(), copy.data_.get());
    return copy;
  }

  const Grid& grid() const { return grid_; }
  void set_grid(Grid grid) { grid_ = std::move(grid); }  ///< same number of voxels
  int components() const { return components_; }
  std::int64_t frames() const { return frames_; }
  /// Number of values: voxels x components x frames.
  std::int64_t count() const { return grid_.voxel_count() * components_ * frames_; }
  bool empty() const { return !data_; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::span<T> values() { return {data_.get(), static_cast<std::size_t>(empty() ? 0 : count())}; }
  std::span<const T> values() const { return {data_.get(), static_cast<std::size_t>(empty() ? 0 : count())}; }
  T& operator[](std::int64_t n) { return data_.get()[n]; }
  const T& operator[](std::int64_t n) const { return data_.get()[n]; }
  T& operator()(std::int64_t i, std::int64_t j, std::int64_t k) { return data_.get()[grid_.index(i, j, k) * components_]; }
  const T& operator()(std::int64_t i, std::int64_t j, std::int64_t k) const { return data_.get()[grid_.index(i, j, k) * components_]; }

 private:
  friend class VoxelView<T>;
  friend class Image;
  Grid grid_;
  int components_ = 1;
  std::int64_t frames_ = 1;
  std::shared_ptr<T[]> data_;
};

/// Read-only voxels on a grid; keeps its memory alive. Cheap to copy; what kernels read. Made from `Voxels<T>` or `Image::as<T>()`.
template <class T>
class VoxelView {
 public:
  VoxelView() = default;
  VoxelView(const Voxels<T>& voxels)  // NOLINT(google-explicit-constructor): a view of what the caller owns
      : grid_(voxels.grid_), components_(voxels.components_), frames_(voxels.frames_), data_(voxels.data_, voxels.data_.get()) {}
  VoxelView(Grid grid, int components, std::int64_t frames, std::shared_ptr<const T> data)
      : grid_(std::move(grid)), components_(components), frames_(frames), data_(std::move(data)) {}

  const Grid& grid() const { return grid_; }
  int components() const { return components_; }
  std::int64_t frames() const { return frames_; }
  std::int64_t count() const { return grid_.voxel_count() * components_ * frames_; }
  bool empty() const { return !data_; }
  const T* data() const { return data_.get(); }
  /// Of a named view only: a temporary one may hold converted voxels that end with it.
  std::span<const T> values() const&& = delete;
  std::span<const T> values() const& { return {data_.get(), static_cast<std::size_t>(empty() ? 0 : count())}; }
  const T& operator[](std::int64_t n) const { return data_.get()[n]; }
  const T& operator()(std::int64_t i, std::int64_t j, std::int64_t k) const { return data_.get()[grid_.index(i, j, k) * components_]; }
  Voxels<T> clone() const {
    auto copy = Voxels<T>::uninitialized(grid_, components_, frames_);
    std::copy_n(data_.get(), count(), copy.data());
    return copy;
  }

 private:
  Grid grid_;
  int components_ = 1;
  std::int64_t frames_ = 1;
  std::shared_ptr<const T> data_;
};

/// An immutable image of one scalar type on a grid; copies share the voxels. An edit makes a new image.
class Image {
 public:
  /// No image: `empty()` is true and nothing else may be asked.
  Image() = default;
  /// Takes over the voxels without a copy.
  template <class T>
  Image(Voxels<T>&& voxels)  // NOLINT(google-explicit-constructor): a result is an image
      : grid_(voxels.grid_),
        type_(PixelTypeOf<T>::value),
        components_(voxels.components_),
        frames_(voxels.frames_),
        data_(voxels.data_, voxels.data_.get()) {
    voxels = Voxels<T>();
  }

  /// An image of which only grid, type and counts may be asked: for forecasts.
  static Image shape_only(Grid grid, PixelType type, int components = 1, std::int64_t frames = 1);

  bool empty() const { return !data_; }
  const Grid& grid() const { return grid_; }
  PixelType type() const { return type_; }
  int components() const { return components_; }
  std::int64_t frames() const { return frames_; }
  std::int64_t count() const { return grid_.voxel_count() * components_ * frames_; }
  std::size_t byte_count() const { return static_cast<std::size_t>(count()) * bytes_of(type_); }
  const void* data() const { return data_.get(); }
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_.get()), byte_count()}; }

  /// The values as T: a view without a copy when the image holds T, else a converted copy (real to integer: rounded to nearest,
  /// saturated, NaN = 0; complex to real: magnitude).
  template <class T>
  VoxelView<T> as() const;

  /// The same voxels on another grid of the same size. Throws Error(parameter) when sizes differ.
  Image on(Grid grid) const;
  /// One frame of a 3-D+t image as a 3-D image (shares the voxels).
  Image frame(std::int64_t index) const;

 private:
  Grid grid_;
  PixelType type_ = PixelType::u8;
  int components_ = 1;
  std::int64_t frames_ = 1;
  std::shared_ptr<const void> data_;
};

/// Calls `body(VoxelView<T>)` with the image's own scalar type T among the real types; complex images throw Error(not_possible).
template <class Body>
decltype(auto) visit_real(const Image& image, Body&& body) {
  switch (image.type()) {
    case PixelType::i8:
      return body(image.as<std::int8_t>());
    case PixelType::u8:
      return body(image.as<std::uint8_t>());
    case PixelType::i16:
      return body(image.as<std::int16_t>());
    case PixelType::u16:
      return body(image.as<std::uint16_t>());
    case PixelType::i32:
      return body(image.as<std::int32_t>());
    case PixelType::u32:
      return body(image.as<std::uint32_t>());
    case PixelType::f64:
      return body(image.as<double>());
    default:
      return body(image.as<float>());
  }
}

extern template VoxelView<std::int8_t> Image::as() const;
extern template VoxelView<std::uint8_t> Image::as() const;
extern template VoxelView<std::int16_t> Image::as() const;
extern template VoxelView<std::uint16_t> Image::as() const;
extern template VoxelView<std::int32_t> Image::as() const;
extern template VoxelView<std::uint32_t> Image::as() const;
extern template VoxelView<float> Image::as() const;
extern template VoxelView<double> Image::as() const;
extern template VoxelView<std::complex<float>> Image::as() const;
extern template VoxelView<std::complex<double>> Image::as() const;

}  // namespace gantry
