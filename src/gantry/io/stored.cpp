// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/stored.h"

#include <bit>
#include <charconv>
#include <complex>
#include <cstring>
#include <limits>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"

namespace gantry::io {

namespace {

constexpr std::int64_t grain = std::int64_t{1} << 18;

struct StoredRow {
  std::string_view name;
  std::size_t bytes;
  std::optional<PixelType> pixel;
};
constexpr std::array<StoredRow, 13> stored_table{{{"i8", 1, PixelType::i8},
                                                  {"u8", 1, PixelType::u8},
                                                  {"i16", 2, PixelType::i16},
                                                  {"u16", 2, PixelType::u16},
                                                  {"i32", 4, PixelType::i32},
                                                  {"u32", 4, PixelType::u32},
                                                  {"i64", 8, {}},
                                                  {"u64", 8, {}},
                                                  {"f16", 2, {}},
                                                  {"f32", 4, PixelType::f32},
                                                  {"f64", 8, PixelType::f64},
                                                  {"c64", 8, PixelType::c64},
                                                  {"c128", 16, PixelType::c128}}};

const StoredRow& row_of(StoredType type) { return stored_table[static_cast<std::size_t>(type)]; }

/// Bytes of the unit whose order `big_endian` speaks of: a complex number is two of them.
std::size_t swap_unit(StoredType type) {
  const bool complex = type == StoredType::c64 || type == StoredType::c128;
  return complex ? bytes_of(type) / 2 : bytes_of(type);
}

template <class Unit>
void swap_units(std::byte* bytes, std::int64_t begin, std::int64_t end) {
  for (std::int64_t n = begin; n < end; ++n) {
    Unit unit;
    std::memcpy(&unit, bytes + n * static_cast<std::int64_t>(sizeof(Unit)), sizeof(Unit));
    if constexpr (sizeof(Unit) == 2) unit = __builtin_bswap16(unit);
    if constexpr (sizeof(Unit) == 4) unit = __builtin_bswap32(unit);
    if constexpr (sizeof(Unit) == 8) unit = __builtin_bswap64(unit);
    std::memcpy(bytes + n * static_cast<std::int64_t>(sizeof(Unit)), &unit, sizeof(Unit));
  }
}

void swap_bytes(std::span<std::byte> bytes, std::size_t unit, Run& run) {
  if (unit == 1) return;
  parallel_for(run, static_cast<std::int64_t>(bytes.size() / unit), grain, [&](std::int64_t begin, std::int64_t end) {
    if (unit == 2) return swap_units<std::uint16_t>(bytes.data(), begin, end);
    if (unit == 4) return swap_units<std::uint32_t>(bytes.data(), begin, end);
    swap_units<std::uint64_t>(bytes.data(), begin, end);
  });
}

/// IEEE 754 binary16 to binary32; exact.
float float_of_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 31u;
  const std::uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * static_cast<float>(mantissa) * 0x1p-24f;
  const std::uint32_t wide = exponent == 31 ? 255u : exponent + 112u;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

struct Half {
  std::uint16_t bits;
};

template <class To, class From>
To value_of(From from) {
  if constexpr (std::is_same_v<From, Half>) {
    return static_cast<To>(float_of_half(from.bits));
  } else {
    return static_cast<To>(from);
  }
}

/// Where value n of the image (component fastest, then i, j, k, frame) lies in the file, walked row by row.
struct Walk {
  std::array<std::int64_t, 5> size, stride;
};

/// target[n] = transform(source value that belongs to n), for all n.
template <class To, class From, class Transform>
void gather(const std::byte* source, To* target, std::int64_t count, const std::optional<Walk>& walk, Run& run, Transform transform) {
  const auto load = [source](std::int64_t at) {
    From value;
    std::memcpy(&value, source + at * static_cast<std::int64_t>(sizeof(From)), sizeof(From));
    return value;
  };
  if (!walk) {
    parallel_for(run, count, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) target[n] = transform(load(n));
    });
    return;
  }
  const auto& [size, stride] = *walk;
  const std::int64_t row = size[0] * size[1];
  const std::int64_t rows = count / row;
  parallel_for(run, rows, std::max<std::int64_t>(1, grain / row), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const std::int64_t j = r % size[2], k = r / size[2] % size[3], t = r / (size[2] * size[3]);
      const std::int64_t base = j * stride[2] + k * stride[3] + t * stride[4];
      To* out = target + r * row;
      for (std::int64_t i = 0; i < size[1]; ++i) {
        for (std::int64_t c = 0; c < size[0]; ++c) *out++ = transform(load(base + i * stride[1] + c * stride[0]));
      }
    }
  });
}

template <class T>
struct Range {
  T low, high;
};

template <class T>
Range<T> range_of(std::span<const std::byte> bytes, Run& run) {
  const Range<T> none{std::numeric_limits<T>::max(), std::numeric_limits<T>::min()};
  return parallel_reduce(
      run, static_cast<std::int64_t>(bytes.size() / sizeof(T)), grain, none,
      [&](std::int64_t begin, std::int64_t end) {
        Range<T> range = none;
        for (std::int64_t n = begin; n < end; ++n) {
          T value;
          std::memcpy(&value, bytes.data() + n * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
          range = {std::min(range.low, value), std::max(range.high, value)};
        }
        return range;
      },
      [](Range<T>& total, const Range<T>& part) {
        total = {std::min(total.low, part.low), std::max(total.high, part.high)};
      });
}

/// The pixel type that holds 64-bit integers exactly.
template <class T>
PixelType narrow_type(std::span<const std::byte> bytes, Run& run) {
  const auto [low, high] = range_of<T>(bytes, run);
  if (std::in_range<std::int32_t>(low) && std::in_range<std::int32_t>(high)) return PixelType::i32;
  if (std::in_range<std::uint32_t>(low) && std::in_range<std::uint32_t>(high)) return PixelType::u32;
  constexpr std::int64_t exact = std::int64_t{1} << 53;
  if (std::cmp_greater_equal(low, -exact) && std::cmp_less_equal(high, exact)) return PixelType::f64;
  throw Error(ErrorCode::refused, fmt::format("64-bit integers: must lie within 2^53 to be kept exactly; found {} to {}", low, high));
}

template <class To, class From>
Image convert_to(std::span<const std::byte> bytes, const StoredLayout& layout, const Grid& grid, const std::optional<Walk>& walk,
                 Run& run) {
  auto voxels = Voxels<To>::uninitialized(grid, layout.components, layout.frames);
  const bool scaled = layout.slope != 1.0 || layout.intercept != 0.0;
  if constexpr (std::is_same_v<From, std::complex<float>> || std::is_same_v<From, std::complex<double>>) {
    using Part = typename To::value_type;
    const auto slope = static_cast<Part>(layout.slope);
    const To intercept(static_cast<Part>(layout.intercept), static_cast<Part>(layout.intercept));
    gather<To, From>(bytes.data(), voxels.data(), voxels.count(), walk, run,
                     [=](From value) { return scaled ? To(value) * slope + intercept : To(value); });
  } else if (scaled) {
    const double slope = layout.slope, intercept = layout.intercept;
    gather<To, From>(bytes.data(), voxels.data(), voxels.count(), walk, run,
                     [=](From value) { return static_cast<To>(value_of<double>(value) * slope + intercept); });
  } else {
    gather<To, From>(bytes.data(), voxels.data(), voxels.count(), walk, run, [](From value) { return value_of<To>(value); });
  }
  return voxels;
}

template <class T>
Image convert_real(std::span<const std::byte> bytes, const StoredLayout& layout, const Grid& grid, const std::optional<Walk>& walk,
                   Run& run) {
  if (layout.slope != 1.0 || layout.intercept != 0.0) {
    if constexpr (std::is_same_v<T, double>) return convert_to<double, T>(bytes, layout, grid, walk, run);
    return convert_to<float, T>(bytes, layout, grid, walk, run);
  }
  if constexpr (std::is_same_v<T, Half>) {
    return convert_to<float, T>(bytes, layout, grid, walk, run);
  } else if constexpr (std::is_integral_v<T> && sizeof(T) == 8) {
    const PixelType type = narrow_type<T>(bytes, run);
    if (type == PixelType::i32) return convert_to<std::int32_t, T>(bytes, layout, grid, walk, run);
    if (type == PixelType::u32) return convert_to<std::uint32_t, T>(bytes, layout, grid, walk, run);
    return convert_to<double, T>(bytes, layout, grid, walk, run);
  } else {
    return convert_to<T, T>(bytes, layout, grid, walk, run);
  }
}

/// Calls `body` with a value of the stored C++ type.
template <class Body>
decltype(auto) visit_stored(StoredType type, Body&& body) {
  switch (type) {
    case StoredType::i8:
      return body(std::int8_t{});
    case StoredType::u8:
      return body(std::uint8_t{});
    case StoredType::i16:
      return body(std::int16_t{});
    case StoredType::u16:
      return body(std::uint16_t{});
    case StoredType::i32:
      return body(std::int32_t{});
    case StoredType::u32:
      return body(std::uint32_t{});
    case StoredType::i64:
      return body(std::int64_t{});
    case StoredType::u64:
      return body(std::uint64_t{});
    case StoredType::f16:
      return body(Half{});
    case StoredType::f32:
      return body(float{});
    case StoredType::f64:
      return body(double{});
    case StoredType::c64:
      return body(std::complex<float>{});
    default:
      return body(std::complex<double>{});
  }
}

}  // namespace

std::string_view name_of(StoredType type) { return row_of(type).name; }
std::size_t bytes_of(StoredType type) { return row_of(type).bytes; }

StoredType stored_type_of(PixelType type) {
  for (std::size_t n = 0; n < stored_table.size(); ++n) {
    if (stored_table[n].pixel == type) return static_cast<StoredType>(n);
  }
  throw Error(ErrorCode::internal, "pixel type: has no stored type");
}

std::uint64_t stored_bytes(const StoredLayout& layout, const Grid& grid) {
  const double bytes = static_cast<double>(grid.voxel_count()) * layout.components * static_cast<double>(layout.frames) *
                       static_cast<double>(bytes_of(layout.type));
  if (!(bytes <= 0x1p43)) throw Error(ErrorCode::unreadable, "image: at most 2^43 bytes are read; its header announces more");
  return static_cast<std::uint64_t>(grid.voxel_count()) * static_cast<std::uint64_t>(layout.components) *
         static_cast<std::uint64_t>(layout.frames) * bytes_of(layout.type);
}

Image load_image(const StoredLayout& layout, const Grid& grid, const std::function<void(std::span<std::byte>)>& fill, Run& run) {
  const std::uint64_t byte_count = stored_bytes(layout, grid);
  const bool scaled = layout.slope != 1.0 || layout.intercept != 0.0;
  const auto unit = swap_unit(layout.type);
  const bool swapped = layout.big_endian != (std::endian::native == std::endian::big);
  if (row_of(layout.type).pixel && !scaled && !layout.strides) {
    return visit_stored(layout.type, [&]<class T>(T) -> Image {
      if constexpr (std::is_same_v<T, Half> || (std::is_integral_v<T> && sizeof(T) == 8)) {
        throw Error(ErrorCode::internal, "stored type: is no pixel type");
      } else {
        auto voxels = Voxels<T>::uninitialized(grid, layout.components, layout.frames);
        const std::span bytes(reinterpret_cast<std::byte*>(voxels.data()), byte_count);
        fill(bytes);
        if (swapped) swap_bytes(bytes, unit, run);
        return voxels;
      }
    });
  }
  const auto scratch = allocate_voxels(byte_count);
  const std::span bytes(scratch.get(), byte_count);
  fill(bytes);
  if (swapped) swap_bytes(bytes, unit, run);
  std::optional<Walk> walk;
  if (layout.strides) walk = Walk{{layout.components, grid.size(0), grid.size(1), grid.size(2), layout.frames}, *layout.strides};
  return visit_stored(layout.type, [&]<class T>(T) -> Image {
    if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
      return convert_to<T, T>(bytes, layout, grid, walk, run);
    } else {
      return convert_real<T>(bytes, layout, grid, walk, run);
    }
  });
}

Scratch planes_of(const Image& image, Run& run) {
  Scratch planes = allocate_scratch(image.byte_count());
  const std::size_t size = bytes_of(image.type());
  const auto components = static_cast<std::size_t>(image.components());
  const auto* const source = static_cast<const std::byte*>(image.data());
  const std::int64_t pixels = image.grid().voxel_count() * image.frames();
  parallel_for(run, pixels, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::size_t c = 0; c < components; ++c) {
      std::byte* const plane = planes.data.get() + c * static_cast<std::size_t>(pixels) * size;
      for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n)
        std::memcpy(plane + n * size, source + (n * components + c) * size, size);
    }
  });
  return planes;
}

void parse_ascii_values(std::string_view text, StoredType type, std::span<std::byte> out) {
  const std::size_t count = out.size() / bytes_of(type);
  const char* at = text.data();
  const char* const end = at + text.size();
  visit_stored(type, [&]<class T>(T) {
    if constexpr (std::is_arithmetic_v<T>) {
      for (std::size_t n = 0; n < count; ++n) {
        while (at != end && (*at == ' ' || *at == ',' || (*at >= '\t' && *at <= '\r'))) ++at;
        if (at == end) throw Error(ErrorCode::unreadable, fmt::format("text values: {} are needed; found {}", count, n));
        T stored{};
        auto parsed = std::from_chars(at, end, stored);
        if (std::is_integral_v<T> && parsed.ec == std::errc() && parsed.ptr != end && (*parsed.ptr == '.' || *parsed.ptr == 'e')) {
          double real = 0;
          parsed = std::from_chars(at, end, real);
          if (!(real >= static_cast<double>(std::numeric_limits<T>::min()) && real < std::ldexp(1.0, std::numeric_limits<T>::digits)))
            parsed.ec = std::errc::result_out_of_range;
          else
            stored = static_cast<T>(real);
        }
        if (parsed.ec != std::errc()) throw Error(ErrorCode::unreadable, fmt::format("text values: value {} is no {}", n, name_of(type)));
        at = parsed.ptr;
        std::memcpy(out.data() + n * sizeof(T), &stored, sizeof(T));
      }
    } else {
      throw Error(ErrorCode::unreadable, "text values: must be real numbers");
    }
  });
}

}  // namespace gantry::io
