// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <memory>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/dicom/cells.h"
#include "gantry/dicom/fragments.h"
#include "gantry/dicom/slabs.h"
#include "gantry/dicom/study.h"

namespace gantry::dicom {

static_assert(std::endian::native == std::endian::little, "pixel cells are read in place");

namespace {

/// One source frame and the slices of the volume that it fills (several for a mosaic).
struct Job {
  const Header::Data* data = nullptr;
  int frame = 0;
  std::vector<std::size_t> slots;
};

/// What the whole series needs.
struct Plan {
  const Series* series = nullptr;
  std::vector<Job> jobs;
  std::map<const Header::Data*, CellFormat> formats;
  std::map<const Header::Data*, Palette> palettes;
  std::map<const Header::Data*, ModalityTable> tables;
  bool stored = false;
  bool color = false;
  int components = 1;
  std::int64_t slice_pixels = 0;
};

Plan make_plan(const Series& series, bool stored) {
  Plan plan;
  plan.series = &series;
  plan.stored = stored;
  if (series.instances.empty()) {
    throw Error(ErrorCode::unreadable, "series: " + (series.reason.empty() ? std::string("holds no images") : series.reason));
  }
  if (static_cast<std::int64_t>(series.instances.size()) != series.grid.size(2) * series.frames) {
    throw Error(ErrorCode::unreadable, "series: " + (series.reason.empty() ? std::string("is no complete set of slices") : series.reason));
  }
  plan.slice_pixels = series.grid.size(0) * series.grid.size(1);
  for (std::size_t n = 0; n < series.instances.size(); ++n) {
    const Instance& instance = series.instances[n];
    const Header::Data* data = instance.header.data();
    if (!data || data->pixel.tag == 0) throw Error(ErrorCode::unreadable, "series: holds no pixel data");
    if (instance.tile > 0 && !plan.jobs.empty() && plan.jobs.back().data == data && plan.jobs.back().frame == instance.frame) {
      plan.jobs.back().slots.push_back(n);
    } else {
      plan.jobs.push_back({data, instance.frame, {n}});
    }
    if (plan.formats.contains(data)) continue;
    const CellFormat format = cell_format(*data);
    plan.formats.emplace(data, format);
    if (!stored && format.frame.photometric_interpretation == "PALETTE COLOR" && format.frame.samples_per_pixel == 1) {
      plan.palettes.emplace(data, read_palette(data->root));
    }
    if (!stored && format.frame.samples_per_pixel == 1 && data->root.find(0x00283000U)) {
      ModalityTable table = read_modality_table(data->root);
      if (!table.values.empty()) plan.tables.emplace(data, std::move(table));
    }
  }
  const CellFormat& first = plan.formats.at(plan.jobs.front().data);
  plan.color = !plan.palettes.empty();
  plan.components = plan.color ? 3 : first.frame.samples_per_pixel;
  for (const auto& [data, format] : plan.formats) {
    const int components = plan.palettes.contains(data) ? 3 : format.frame.samples_per_pixel;
    if (components != plan.components) throw Error(ErrorCode::unreadable, "series: its images differ in the number of samples");
  }
  return plan;
}

/// The type that holds every value that the headers allow; f32 where a value is no whole number.
PixelType type_of(const Plan& plan) {
  if (plan.color) return PixelType::u8;
  double low = 0, high = 0;
  int bits = 1;
  bool is_signed = false;
  for (const Instance& instance : plan.series->instances) {
    const CellFormat& format = plan.formats.at(instance.header.data());
    if (format.floating) return format.frame.bits_allocated == 64 ? PixelType::f64 : PixelType::f32;
    if (plan.tables.contains(instance.header.data())) return PixelType::f32;
    double shift = 0;
    if (!plan.stored && plan.components == 1) {
      if (instance.slope != 1.0 || instance.intercept != std::floor(instance.intercept) || !(std::abs(instance.intercept) < 1e6)) {
        return PixelType::f32;
      }
      shift = instance.intercept;
    }
    low = std::min(low, format.lowest() + shift);
    high = std::max(high, format.highest() + shift);
    bits = std::max(bits, format.frame.bits_allocated);
    is_signed = is_signed || format.frame.is_signed;
  }
  if (bits <= 8 && low >= 0 && high <= 255) return PixelType::u8;
  if (bits <= 8 && low >= -128 && high <= 127 && is_signed) return PixelType::i8;
  if (bits <= 16 && low >= 0 && (plan.stored || high > 32767) && high <= 65535 && !is_signed) return PixelType::u16;
  if (bits <= 16) return PixelType::i16;
  if (low >= 0 && !is_signed && high <= 4294967295.0) return PixelType::u32;
  return PixelType::i32;
}

/// Puts the cells of one frame into its slices of a volume that begins with slice `first`. False when a value does not fit into T.
template <class T>
bool place(const Plan& plan, const Job& job, std::span<const std::byte> cells, const CellFormat& format, T* volume, std::size_t first = 0) {
  const std::int64_t count = plan.slice_pixels * plan.components;
  const auto palette = plan.palettes.find(job.data);
  const auto table = plan.tables.find(job.data);
  bool fits = true;
  for (const std::size_t slot : job.slots) {
    const Instance& instance = plan.series->instances[slot];
    T* out = volume + static_cast<std::int64_t>(slot - first) * count;
    const bool rescale = !plan.stored && plan.components == 1;
    const double slope = rescale ? instance.slope : 1.0, intercept = rescale ? instance.intercept : 0.0;
    if (palette != plan.palettes.end() || table != plan.tables.end()) {
      std::vector<std::int32_t> index(static_cast<std::size_t>(plan.slice_pixels));
      convert_cells(cells, format, 1.0, 0.0, index.data(), plan.slice_pixels);
      for (std::size_t n = 0; n < index.size(); ++n) {
        if (palette != plan.palettes.end()) {
          const auto& color = palette->second[index[n]];
          for (std::size_t c = 0; c < 3; ++c) out[n * 3 + c] = static_cast<T>(color[c]);
        } else {
          const auto& values = table->second.values;
          const std::int64_t at = std::clamp<std::int64_t>(index[n] - table->second.first, 0, static_cast<std::int64_t>(values.size()) - 1);
          out[n] = static_cast<T>(values[static_cast<std::size_t>(at)]);
        }
      }
      continue;
    }
    if (instance.tile < 0) {
      fits = convert_cells(cells, format, slope, intercept, out, count) && fits;
      continue;
    }
    const std::int64_t columns = plan.series->grid.size(0), rows = plan.series->grid.size(1);
    const std::int64_t tile_row = instance.tile / instance.tiles_per_row, tile_column = instance.tile % instance.tiles_per_row;
    const std::int64_t width = format.frame.columns, bytes = format.frame.bits_allocated / 8;
    for (std::int64_t j = 0; j < rows; ++j) {
      const std::int64_t start = ((tile_row * rows + j) * width + tile_column * columns) * bytes;
      fits = convert_cells(cells.subspan(static_cast<std::size_t>(start)), format, slope, intercept, out + j * columns, columns) && fits;
    }
  }
  return fits;
}

void check_size(const Plan& plan, const Job& job, const CellFormat& format) {
  const Instance& instance = plan.series->instances[job.slots.front()];
  const std::int64_t side = instance.tile >= 0 ? instance.tiles_per_row : 1;
  if (format.frame.columns != plan.series->grid.size(0) * side || format.frame.rows != plan.series->grid.size(1) * side) {
    throw Error(ErrorCode::unreadable, fmt::format("pixel data: {} x {} pixels where {} x {} are due", format.frame.columns,
                                                   format.frame.rows, plan.series->grid.size(0) * side, plan.series->grid.size(1) * side));
  }
}

/// Reads a native frame straight into `out` where stored cells and voxels are the same; else through a buffer. False as `place`.
template <class T>
bool read_native(const Plan& plan, const Job& job, T* volume, std::size_t first = 0) {
  CellFormat format = plan.formats.at(job.data);
  check_size(plan, job, format);
  const PixelElement& pixel = job.data->pixel;
  const std::uint64_t bits = static_cast<std::uint64_t>(format.frame_bits());
  const std::uint64_t first_bit = bits * static_cast<std::uint64_t>(job.frame);
  const std::uint64_t offset = first_bit / 8, length = (first_bit % 8 + bits + 7) / 8;
  if (offset + length > pixel.present) {
    throw Error(ErrorCode::unreadable,
                fmt::format("pixel data: frame {} needs bytes up to {}, {} are present", job.frame + 1, offset + length, pixel.present));
  }
  const auto reader = job.data->origin.open();
  const Instance& instance = plan.series->instances[job.slots.front()];
  const bool rescale = !plan.stored && plan.components == 1;
  const bool same = std::is_integral_v<T> && !format.floating && format.frame.bits_allocated == static_cast<int>(sizeof(T)) * 8 &&
                    format.frame.bits_stored == format.frame.bits_allocated && format.frame.is_signed == std::is_signed_v<T> &&
                    !format.big_endian && !format.planar && format.frame.photometric_interpretation.find("YBR") == std::string::npos &&
                    instance.tile < 0 && !plan.color && (!rescale || (instance.slope == 1.0 && instance.intercept == 0.0));
  if (same) {
    T* out = volume + static_cast<std::int64_t>(job.slots.front() - first) * plan.slice_pixels * plan.components;
    if (reader->read(pixel.offset + offset, {reinterpret_cast<std::byte*>(out), static_cast<std::size_t>(length)}) != length) {
      throw Error(ErrorCode::unreadable, "pixel data: end too early");
    }
    return true;
  }
  // Bytes in swapped words: whole words are read, also when a frame begins or ends within one.
  const std::uint64_t before = format.word_swapped_bytes ? offset % 2 : 0;
  const std::uint64_t after = format.word_swapped_bytes ? std::min((offset + length) % 2, pixel.present - offset - length) : 0;
  Bytes raw(static_cast<std::size_t>(before + length + after));
  if (reader->read(pixel.offset + offset - before, raw) != raw.size()) throw Error(ErrorCode::unreadable, "pixel data: end too early");
  if (format.word_swapped_bytes) {
    for (std::size_t n = 0; n + 2 <= raw.size(); n += 2) std::swap(raw[n], raw[n + 1]);
    raw = Bytes(raw.begin() + static_cast<std::ptrdiff_t>(before), raw.begin() + static_cast<std::ptrdiff_t>(before + length));
    format.word_swapped_bytes = format.big_endian = false;
  }
  raw = plain_cells(std::move(raw), format, static_cast<int>(first_bit % 8));
  return place(plan, job, raw, format, volume, first);
}

/// Decodes the encapsulated frames of jobs [begin, end), which share transfer syntax and format.
void decode_jobs(const Plan& plan, std::span<const Job> jobs, Run& run, const std::function<void(const Job&, codec::Frame&&)>& decoded) {
  constexpr std::size_t batch_bytes = std::size_t{128} << 20;
  std::unique_ptr<Reader> reader;
  const Header::Data* open = nullptr;
  std::vector<FrameFragments> frames;
  std::size_t next = 0;
  while (next < jobs.size()) {
    std::vector<Bytes> streams;
    std::vector<std::span<const std::byte>> spans;
    const std::size_t begin = next;
    std::size_t total = 0;
    while (next < jobs.size() && (total < batch_bytes || next == begin)) {
      const Job& job = jobs[next];
      if (job.data != open) {
        reader = job.data->origin.open();
        const auto count = std::max<std::int64_t>(1, job.data->root.integer(0x00280008U).value_or(1));
        frames = locate_frames(*job.data, *reader, count);
        open = job.data;
      }
      if (static_cast<std::size_t>(job.frame) >= frames.size()) throw Error(ErrorCode::unreadable, "pixel data: a frame is missing");
      streams.push_back(read_fragments(*reader, frames[static_cast<std::size_t>(job.frame)]));
      total += streams.back().size();
      ++next;
    }
    for (const Bytes& stream : streams) spans.emplace_back(stream);
    const Header::Data& first = *jobs[begin].data;
    codec::FrameFormat declared = plan.formats.at(&first).frame;
    const bool codestream = first.transfer_syntax.starts_with("1.2.840.10008.1.2.4.");
    if (declared.bits_allocated == 1 && codestream) declared.bits_allocated = 8;  // only RLE and deflate keep bits packed
    codec::decode_untrusted(
        first.transfer_syntax, spans, declared, [&](std::size_t n, codec::Frame&& frame) { decoded(jobs[begin + n], std::move(frame)); },
        run);
    run.check();
  }
}

bool same_coding(const Plan& plan, const Job& a, const Job& b) {
  if (a.data == b.data) return true;
  const auto &f = plan.formats.at(a.data).frame, &g = plan.formats.at(b.data).frame;
  return a.data->pixel.encapsulated == b.data->pixel.encapsulated && a.data->transfer_syntax == b.data->transfer_syntax &&
         f.rows == g.rows && f.columns == g.columns && f.samples_per_pixel == g.samples_per_pixel && f.bits_allocated == g.bits_allocated &&
         f.bits_stored == g.bits_stored && f.high_bit == g.high_bit && f.is_signed == g.is_signed &&
         f.photometric_interpretation == g.photometric_interpretation;
}

/// Fills a volume of T; empty when a value does not fit.
template <class T>
Image fill(const Plan& plan, Run& run) {
  Voxels<T> voxels;
  const auto allocate = [&] {
    if (voxels.empty()) voxels = Voxels<T>::uninitialized(plan.series->grid, plan.components, plan.series->frames);
  };
  std::atomic<bool> fits{true};
  std::size_t begin = 0;
  while (begin < plan.jobs.size()) {
    std::size_t end = begin + 1;
    while (end < plan.jobs.size() && same_coding(plan, plan.jobs[begin], plan.jobs[end])) ++end;
    const std::span<const Job> jobs(plan.jobs.data() + begin, end - begin);
    if (!jobs.front().data->pixel.encapsulated) {
      allocate();
      parallel_for(run, static_cast<std::int64_t>(jobs.size()), 4, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t n = first; n < last; ++n) {
          if (!read_native(plan, jobs[static_cast<std::size_t>(n)], voxels.data())) fits = false;
        }
      });
    } else {
      decode_jobs(plan, jobs, run, [&](const Job& job, codec::Frame&& frame) {
        CellFormat format;
        format.frame = frame.format;
        check_size(plan, job, format);
        const int samples = plan.palettes.contains(job.data) ? 1 : plan.components;
        if (frame.format.samples_per_pixel != samples)
          throw Error(ErrorCode::unreadable, "pixel data: the codestream has other samples than stated");
        if (format.frame.bits_allocated == 1) frame.pixels = plain_cells(std::move(frame.pixels), format);
        allocate();
        if (!place<T>(plan, job, frame.pixels, format, voxels.data())) fits = false;
      });
    }
    begin = end;
  }
  if (!fits) return {};
  return Image(std::move(voxels));
}

/// `body` with a value of the C++ type of pixels.
template <class Body>
auto for_type(PixelType type, Body&& body) {
  switch (type) {
    case PixelType::u8:
      return body(std::uint8_t{});
    case PixelType::i8:
      return body(std::int8_t{});
    case PixelType::u16:
      return body(std::uint16_t{});
    case PixelType::i16:
      return body(std::int16_t{});
    case PixelType::u32:
      return body(std::uint32_t{});
    case PixelType::i32:
      return body(std::int32_t{});
    case PixelType::f64:
      return body(double{});
    default:
      return body(float{});
  }
}

Image filled(PixelType type, const Plan& plan, Run& run) {
  return for_type(type, [&](auto value) { return fill<decltype(value)>(plan, run); });
}

}  // namespace

Image load(const Series& series, Run& run, bool stored) {
  const Plan plan = make_plan(series, stored);
  PixelType type = type_of(plan);
  Image image = filled(type, plan, run);
  // Only a codestream deeper than the header states, or 16-bit values that an intercept shifts, can overflow: then there is a wider type.
  for (const PixelType wider : {PixelType::i16, PixelType::u16, PixelType::i32, PixelType::f64}) {
    if (!image.empty()) break;
    if (bytes_of(wider) < bytes_of(type) || wider == type) continue;
    type = wider;
    image = filled(type, plan, run);
  }
  return image;
}

std::optional<SlabSource> slabs(const Series& series, bool stored) {
  const auto plan = std::make_shared<const Plan>(make_plan(series, stored));
  const bool simple = plan->jobs.size() == series.instances.size() &&
                      std::none_of(plan->jobs.begin(), plan->jobs.end(), [](const Job& job) { return job.data->pixel.encapsulated; });
  if (!simple) return std::nullopt;
  SlabSource source{series.grid, type_of(*plan), plan->components, series.frames, {}};
  source.read = [plan, type = source.type](std::int64_t first, std::int64_t count, std::span<std::byte> out) {
    return for_type(type, [&](auto value) {
      for (std::int64_t n = first; n < first + count; ++n) {
        const Job& job = plan->jobs[static_cast<std::size_t>(n)];
        if (!read_native(*plan, job, reinterpret_cast<decltype(value)*>(out.data()), static_cast<std::size_t>(first))) return false;
      }
      return true;
    });
  };
  return source;
}

}  // namespace gantry::dicom
