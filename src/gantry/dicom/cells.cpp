// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "gantry/base/error.h"

namespace gantry::dicom {

namespace {

[[noreturn]] void refuse(std::string text) { throw Error(ErrorCode::unreadable, std::move(text)); }

template <class Cell>
Bytes interleaved(const Bytes& planes, std::int64_t pixels, int samples) {
  Bytes out(planes.size());
  const auto* from = reinterpret_cast<const Cell*>(planes.data());
  auto* to = reinterpret_cast<Cell*>(out.data());
  for (int s = 0; s < samples; ++s) {
    for (std::int64_t n = 0; n < pixels; ++n) to[n * samples + s] = from[s * pixels + n];
  }
  return out;
}

std::uint8_t to_byte(double value) { return static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L)); }

/// PS3.3 C.7.6.3.1.2, full range.
void ybr_to_rgb(std::span<std::byte> pixels) {
  auto* p = reinterpret_cast<std::uint8_t*>(pixels.data());
  for (std::size_t n = 0; n + 3 <= pixels.size(); n += 3) {
    const double y = p[n], b = p[n + 1] - 128.0, r = p[n + 2] - 128.0;
    p[n] = to_byte(y + 1.402 * r);
    p[n + 1] = to_byte(y - 0.344136 * b - 0.714136 * r);
    p[n + 2] = to_byte(y + 1.772 * b);
  }
}

/// Y1 Y2 Cb Cr for each pair of pixels.
Bytes unpacked_422(const Bytes& raw, std::int64_t pixels) {
  Bytes out(static_cast<std::size_t>(pixels) * 3);
  for (std::size_t n = 0; n + 1 < static_cast<std::size_t>(pixels) && n * 2 + 4 <= raw.size(); n += 2) {
    const std::byte* in = raw.data() + n * 2;
    const std::byte both[6] = {in[0], in[2], in[3], in[1], in[2], in[3]};
    std::memcpy(out.data() + n * 3, both, 6);
  }
  return out;
}

template <class Cell, class T>
bool convert_from(const std::byte* cells, const codec::FrameFormat& format, double slope, double intercept, T* out, std::int64_t count) {
  const auto* in = reinterpret_cast<const Cell*>(cells);
  using Wide = std::conditional_t<sizeof(Cell) == 4, std::int64_t, std::int32_t>;
  constexpr int bits = sizeof(Cell) * 8;
  const int left = bits - 1 - format.high_bit, right = bits - format.bits_stored;
  const auto stored = [&](std::int64_t n) { return static_cast<Wide>(static_cast<Cell>(static_cast<Cell>(in[n] << left)) >> right); };
  if constexpr (std::is_floating_point_v<T>) {
    if (slope == 1.0 && intercept == 0.0) {
      for (std::int64_t n = 0; n < count; ++n) out[n] = static_cast<T>(stored(n));
    } else if (sizeof(Cell) <= 2) {
      const auto a = static_cast<float>(slope), b = static_cast<float>(intercept);
      for (std::int64_t n = 0; n < count; ++n) out[n] = static_cast<T>(static_cast<float>(stored(n)) * a + b);
    } else {
      for (std::int64_t n = 0; n < count; ++n) out[n] = static_cast<T>(static_cast<double>(stored(n)) * slope + intercept);
    }
    return true;
  } else {
    const auto shift = static_cast<Wide>(intercept);
    Wide low = std::numeric_limits<Wide>::max(), high = std::numeric_limits<Wide>::min();
    for (std::int64_t n = 0; n < count; ++n) {
      const Wide value = stored(n) + shift;
      low = std::min(low, value);
      high = std::max(high, value);
      out[n] = static_cast<T>(value);
    }
    return count == 0 || (static_cast<std::int64_t>(low) >= static_cast<std::int64_t>(std::numeric_limits<T>::min()) &&
                          static_cast<std::int64_t>(high) <= static_cast<std::int64_t>(std::numeric_limits<T>::max()));
  }
}

/// One palette table, 8 or 16 bits an entry, plain or segmented (PS3.3 C.7.9.2), as 16-bit entries.
std::vector<std::uint16_t> palette_table(const DataSet& root, Tag plain, Tag segmented, std::size_t entries, int bits) {
  std::vector<std::uint16_t> table;
  const bool big = root.encoding().big_endian;
  const auto words = [&](std::span<const std::byte> bytes) {
    std::vector<std::uint16_t> out(bytes.size() / 2);
    for (std::size_t n = 0; n < out.size(); ++n) {
      const auto a = std::to_integer<unsigned>(bytes[2 * n]), b = std::to_integer<unsigned>(bytes[2 * n + 1]);
      out[n] = static_cast<std::uint16_t>(big ? a << 8 | b : b << 8 | a);
    }
    return out;
  };
  if (const Element* element = root.find(plain)) {
    const auto bytes = root.value(*element);
    if (bytes.size() >= entries * 2) {
      table = words(bytes.first(entries * 2));
    } else if (bytes.size() >= entries) {
      for (std::size_t n = 0; n < entries; ++n) {
        const std::size_t at = big && root.vr(*element) == "OW" ? n ^ 1U : n;
        table.push_back(std::to_integer<std::uint16_t>(bytes[std::min(at, bytes.size() - 1)]));
      }
      if (bits == 16) {
        for (auto& v : table) v = static_cast<std::uint16_t>(v * 257U);
      }
    }
    return table;
  }
  const Element* element = root.find(segmented);
  if (!element) return table;
  std::vector<std::uint16_t> code;
  const auto bytes = root.value(*element);
  if (bits == 16)
    code = words(bytes);
  else
    for (const std::byte b : bytes) code.push_back(std::to_integer<std::uint16_t>(b));
  const auto expand = [&](auto&& self, std::size_t at, std::size_t stop, int segments, int depth) -> void {
    while (at + 2 <= stop && segments != 0 && table.size() < entries) {
      const unsigned kind = code[at], length = code[at + 1];
      at += 2;
      if (kind == 0) {
        for (unsigned n = 0; n < length && at < stop && table.size() < entries; ++n) table.push_back(code[at++]);
      } else if (kind == 1 && at < stop && !table.empty()) {
        const double from = table.back(), to = code[at++];
        for (unsigned n = 1; n <= length && table.size() < entries; ++n) {
          table.push_back(static_cast<std::uint16_t>(std::lround(from + (to - from) * n / length)));
        }
      } else if (kind == 2 && at + 2 <= stop && depth == 0) {
        std::size_t offset = bits == 16 ? code[at] | static_cast<std::size_t>(code[at + 1]) << 16 : 0;
        at += 2;
        if (bits == 8 && at + 2 <= stop) {
          offset = code[at - 2] | static_cast<std::size_t>(code[at - 1]) << 8 | static_cast<std::size_t>(code[at]) << 16 |
                   static_cast<std::size_t>(code[at + 1]) << 24;
          at += 2;
        } else {
          offset /= 2;
        }
        if (offset < stop) self(self, offset, stop, static_cast<int>(length), 1);
      } else {
        return;
      }
      if (segments > 0) --segments;
    }
  };
  expand(expand, 0, code.size(), -1, 0);
  return table;
}

}  // namespace

std::int64_t CellFormat::frame_bits() const {
  const std::int64_t pixels = static_cast<std::int64_t>(frame.rows) * frame.columns;
  if (frame.photometric_interpretation == "YBR_FULL_422" && frame.samples_per_pixel == 3) return pixels * 2 * frame.bits_allocated;
  return pixels * frame.samples_per_pixel * frame.bits_allocated;
}

double CellFormat::lowest() const { return frame.is_signed ? -std::ldexp(1.0, frame.bits_stored - 1) : 0.0; }
double CellFormat::highest() const { return std::ldexp(1.0, frame.is_signed ? frame.bits_stored - 1 : frame.bits_stored) - 1; }

CellFormat cell_format(const Header::Data& data) {
  CellFormat format;
  const DataSet& root = data.root;
  codec::FrameFormat& f = format.frame;
  const auto rows = root.integer(0x00280010U).value_or(0), columns = root.integer(0x00280011U).value_or(0);
  if (rows < 1 || columns < 1 || rows > (1 << 20) || columns > (1 << 20))
    refuse(fmt::format("image: {} rows of {} columns are not possible", rows, columns));
  f.rows = static_cast<int>(rows);
  f.columns = static_cast<int>(columns);
  f.samples_per_pixel = static_cast<int>(std::clamp<std::int64_t>(root.integer(0x00280002U).value_or(1), 1, 64));
  f.photometric_interpretation = root.text(0x00280004U).value_or("MONOCHROME2");
  format.floating = data.pixel.tag != 0x7FE00010U;
  if (format.floating) {
    f.bits_allocated = f.bits_stored = data.pixel.tag == 0x7FE00008U ? 32 : 64;
    f.high_bit = f.bits_stored - 1;
  } else {
    const auto bits = root.integer(0x00280100U).value_or(0);
    if (bits != 1 && bits != 8 && bits != 16 && bits != 32) refuse(fmt::format("bits allocated: must be 1, 8, 16 or 32; got {}", bits));
    f.bits_allocated = static_cast<int>(bits);
    f.bits_stored = static_cast<int>(root.integer(0x00280101U).value_or(bits));
    if (f.bits_stored < 1 || f.bits_stored > bits) f.bits_stored = f.bits_allocated;
    f.high_bit = static_cast<int>(root.integer(0x00280102U).value_or(f.bits_stored - 1));
    if (f.high_bit >= bits || f.high_bit + 1 < f.bits_stored) f.high_bit = f.bits_stored - 1;
    f.is_signed = root.integer(0x00280103U).value_or(0) == 1 && bits > 1;
  }
  format.planar = f.samples_per_pixel > 1 && root.integer(0x00280006U).value_or(0) == 1;
  format.big_endian = root.encoding().big_endian;
  format.word_swapped_bytes = format.big_endian && f.bits_allocated == 8 && std::string_view(data.pixel.vr, 2) == "OW";
  return format;
}

Bytes plain_cells(Bytes raw, CellFormat& format, int first_bit) {
  codec::FrameFormat& f = format.frame;
  if (f.bits_allocated == 1) {
    Bytes bits(static_cast<std::size_t>(format.cells()));
    if (raw.size() * 8 < bits.size() + static_cast<std::size_t>(first_bit)) refuse("pixel data: a frame is too short");
    for (std::size_t n = 0; n < bits.size(); ++n) {
      const std::size_t at = n + static_cast<std::size_t>(first_bit);
      bits[n] = static_cast<std::byte>(std::to_integer<unsigned>(raw[at / 8]) >> (at % 8) & 1U);
    }
    f.bits_allocated = 8;
    f.bits_stored = 1;
    f.high_bit = 0;
    return bits;
  }
  if (format.big_endian && f.bits_allocated > 8) {
    const auto width = static_cast<std::ptrdiff_t>(f.bits_allocated / 8);
    for (auto at = raw.begin(); raw.end() - at >= width; at += width) std::reverse(at, at + width);
    format.big_endian = false;
  }
  const std::int64_t pixels = static_cast<std::int64_t>(f.rows) * f.columns;
  if (f.photometric_interpretation == "YBR_FULL_422" && f.samples_per_pixel == 3 && f.bits_allocated == 8) {
    raw = unpacked_422(raw, pixels);
    format.planar = false;
    f.photometric_interpretation = "YBR_FULL";
  }
  if (format.planar) {
    raw = f.bits_allocated == 8    ? interleaved<std::uint8_t>(raw, pixels, f.samples_per_pixel)
          : f.bits_allocated == 16 ? interleaved<std::uint16_t>(raw, pixels, f.samples_per_pixel)
                                   : interleaved<std::uint32_t>(raw, pixels, f.samples_per_pixel);
    format.planar = false;
  }
  if (f.photometric_interpretation == "YBR_FULL" && f.samples_per_pixel == 3 && f.bits_allocated == 8) {
    ybr_to_rgb(raw);
    f.photometric_interpretation = "RGB";
  }
  return raw;
}

template <class T>
bool convert_cells(std::span<const std::byte> cells, const CellFormat& format, double slope, double intercept, T* out, std::int64_t count) {
  const auto& f = format.frame;
  if (static_cast<std::int64_t>(cells.size()) < count * f.bits_allocated / 8) refuse("pixel data: a frame is too short");
  if constexpr (std::is_floating_point_v<T>) {
    if (format.floating && f.bits_allocated == 32) {
      const auto* in = reinterpret_cast<const float*>(cells.data());
      for (std::int64_t n = 0; n < count; ++n) out[n] = static_cast<T>(in[n] * slope + intercept);
      return true;
    }
    if (format.floating) {
      const auto* in = reinterpret_cast<const double*>(cells.data());
      for (std::int64_t n = 0; n < count; ++n) out[n] = static_cast<T>(in[n] * slope + intercept);
      return true;
    }
  }
  const std::byte* in = cells.data();
  switch (f.bits_allocated) {
    case 8:
      return f.is_signed ? convert_from<std::int8_t>(in, f, slope, intercept, out, count)
                         : convert_from<std::uint8_t>(in, f, slope, intercept, out, count);
    case 16:
      return f.is_signed ? convert_from<std::int16_t>(in, f, slope, intercept, out, count)
                         : convert_from<std::uint16_t>(in, f, slope, intercept, out, count);
    case 32:
      return f.is_signed ? convert_from<std::int32_t>(in, f, slope, intercept, out, count)
                         : convert_from<std::uint32_t>(in, f, slope, intercept, out, count);
    default:
      refuse(fmt::format("pixel data: cells of {} bits are not supported", f.bits_allocated));
  }
}

template bool convert_cells(std::span<const std::byte>, const CellFormat&, double, double, std::uint8_t*, std::int64_t);
template bool convert_cells(std::span<const std::byte>, const CellFormat&, double, double, std::int8_t*, std::int64_t);
template bool convert_cells(std::span<const std::byte>, const CellFormat&, double, double, std::uint16_t*, std::int64_t);
template bool convert_cells(std::span<const std::byte>, const CellFormat&, double, double, std::int16_t*, std::int64_t);
template bool convert_cells(std::span<const std::byte>, const CellFormat&, double, double, std::uint32_t*, std::int64_t);
template bool convert_cells(std::span<const std::byte>, const CellFormat&, double, double, std::int32_t*, std::int64_t);
template bool convert_cells(std::span<const std::byte>, const CellFormat&, double, double, float*, std::int64_t);
template bool convert_cells(std::span<const std::byte>, const CellFormat&, double, double, double*, std::int64_t);

Palette read_palette(const DataSet& root) {
  Palette palette;
  std::vector<std::uint16_t> tables[3];
  for (Tag n = 0; n < 3; ++n) {
    const auto descriptor = root.numbers(0x00281101U + n);
    if (descriptor.size() != 3) refuse("palette: a descriptor is missing");
    const std::size_t entries = descriptor[0] == 0 ? 65536 : static_cast<std::size_t>(std::fmod(descriptor[0] + 65536, 65536));
    palette.first = static_cast<std::int64_t>(descriptor[1]);
    const int bits = descriptor[2] == 8 ? 8 : 16;
    tables[n] = palette_table(root, 0x00281201U + n, 0x00281221U + n, entries, bits);
    if (tables[n].size() < entries || entries == 0) refuse("palette: a table is missing or too short");
    const bool wide = *std::max_element(tables[n].begin(), tables[n].end()) > 255;
    if (wide) {
      for (auto& v : tables[n]) v = static_cast<std::uint16_t>(v >> 8);
    }
  }
  const std::size_t size = std::min({tables[0].size(), tables[1].size(), tables[2].size()});
  for (std::size_t n = 0; n < size; ++n) {
    palette.colors.push_back(
        {static_cast<std::uint8_t>(tables[0][n]), static_cast<std::uint8_t>(tables[1][n]), static_cast<std::uint8_t>(tables[2][n])});
  }
  return palette;
}

ModalityTable read_modality_table(const DataSet& root) {
  ModalityTable table;
  const auto item = root.item(0x00283000U);
  if (!item) return table;
  const auto descriptor = item->numbers(0x00283002U);
  const auto values = item->numbers(0x00283006U);
  if (descriptor.size() != 3 || values.empty()) return table;
  const std::size_t entries = descriptor[0] == 0 ? 65536 : static_cast<std::size_t>(std::max(0.0, descriptor[0]));
  if (values.size() < entries) return table;
  table.first = static_cast<std::int64_t>(descriptor[1]);
  table.values.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(entries));
  return table;
}

}  // namespace gantry::dicom
