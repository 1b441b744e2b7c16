// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <openjph/ojph_arch.h>
#include <openjph/ojph_base.h>
#include <openjph/ojph_codestream.h>
#include <openjph/ojph_defs.h>
#include <openjph/ojph_file.h>
#include <openjph/ojph_mem.h>
#include <openjph/ojph_message.h>
#include <openjph/ojph_params.h>

#include <cstdio>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"

namespace gantry::codec {

namespace {

/// OpenJPH 0.9 writes its messages to global streams and throws an exception without their text (`configure_error` does nothing).
void silence_messages() {
  static std::once_flag once;
  std::call_once(once, [] {
    std::FILE* nowhere = std::fopen("/dev/null", "w");
    if (!nowhere) return;
    ojph::set_error_stream(nowhere);
    ojph::set_warning_stream(nowhere);
    ojph::set_info_stream(nowhere);
  });
}

/// The reason of an exception that is OpenJPH's own or ours.
std::string_view reason_of(const std::exception& error) {
  const std::string_view reason = error.what();
  return reason.starts_with("ojph") ? "is damaged or uses what is not supported" : reason;
}

/// The stream that OpenJPH reads.
class Input : public ojph::infile_base {
 public:
  explicit Input(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::size_t read(void* target, std::size_t size) override {
    const std::size_t count = std::min(size, bytes_.size() - at_);
    std::memcpy(target, bytes_.data() + at_, count);
    at_ += count;
    return count;
  }
  int seek(ojph::si64 offset, enum infile_base::seek origin) override {
    const std::int64_t base = origin == OJPH_SEEK_SET ? 0 : static_cast<std::int64_t>(origin == OJPH_SEEK_CUR ? at_ : bytes_.size());
    const std::int64_t target = base + offset;
    if (target < 0 || target > static_cast<std::int64_t>(bytes_.size())) return -1;
    at_ = static_cast<std::size_t>(target);
    return 0;
  }
  ojph::si64 tell() override { return static_cast<ojph::si64>(at_); }
  bool eof() override { return at_ >= bytes_.size(); }
  void close() override {}

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

class Output : public ojph::outfile_base {
 public:
  std::size_t write(const void* source, std::size_t size) override {
    const auto* begin = static_cast<const std::byte*>(source);
    bytes.insert(bytes.end(), begin, begin + size);
    return size;
  }
  ojph::si64 tell() override { return static_cast<ojph::si64>(bytes.size()); }
  Bytes bytes;
};

}  // namespace

void prepare_htj2k() { silence_messages(); }

Frame decode_htj2k(std::span<const std::byte> stream, const FrameFormat& declared) {
  frame_bytes(declared);
  silence_messages();
  try {
    Input file(stream);
    ojph::codestream codestream;
    codestream.read_headers(&file);
    const ojph::param_siz siz = codestream.access_siz();
    const ojph::ui32 components = siz.get_num_components();
    if (components == 0 || components > 4) throw std::runtime_error("must have 1 to 4 components");
    const auto precision = static_cast<int>(siz.get_bit_depth(0));
    for (ojph::ui32 c = 0; c < components; ++c) {
      const ojph::point step = siz.get_downsampling(c);
      if (step.x != 1 || step.y != 1 || static_cast<int>(siz.get_bit_depth(c)) != precision)
        throw std::runtime_error("components of different size or depth are not supported");
    }
    require_agreement(declared, siz.get_recon_height(0), siz.get_recon_width(0), components, precision);
    const ojph::param_cod cod = codestream.access_cod();
    const bool transformed = components == 3 && cod.is_using_color_transform();
    const bool is_signed = siz.is_signed(0);
    const std::int32_t low = is_signed ? -(std::int32_t{1} << (precision - 1)) : 0;
    const std::int32_t high = static_cast<std::int32_t>((std::int64_t{1} << (is_signed ? precision - 1 : precision)) - 1);

    Frame frame{format_of(declared, precision), {}};
    frame.pixels.resize(frame_bytes(frame.format));
    codestream.set_planar(false);
    codestream.create();
    const auto columns = static_cast<std::size_t>(declared.columns);
    std::vector<std::int32_t> row(columns);
    for (std::size_t line = 0; line < static_cast<std::size_t>(declared.rows) * components; ++line) {
      ojph::ui32 component = 0;
      const ojph::line_buf* buffer = codestream.pull(component);
      const std::size_t j = line / components;
      if (!buffer || buffer->size < columns || component != line % components) throw std::runtime_error("gives an unexpected line");
      for (std::size_t i = 0; i < columns; ++i) row[i] = std::clamp(buffer->i32[i], low, high);
      put_samples(frame, std::span<const std::int32_t>(row), precision, j * columns * components + component, components);
    }
    codestream.close();
    if (transformed || declared.photometric_interpretation == "YBR_ICT" || declared.photometric_interpretation == "YBR_RCT")
      frame.format.photometric_interpretation = components == 3 ? "RGB" : frame.format.photometric_interpretation;
    return frame;
  } catch (const std::runtime_error& error) {
    throw Error(ErrorCode::unreadable, fmt::format("HTJ2K: {}", reason_of(error)));
  }
}

Bytes encode_htj2k(const Frame& frame) {
  const FrameFormat& format = frame.format;
  if (format.bits_allocated > 16) throw Error(ErrorCode::not_possible, "HTJ2K: needs cells of 8 or 16 bits");
  const std::vector<std::uint16_t> patterns = patterns_of(frame);
  silence_messages();
  const auto columns = static_cast<ojph::ui32>(format.columns), rows = static_cast<ojph::ui32>(format.rows);
  const auto components = static_cast<ojph::ui32>(format.samples_per_pixel);
  try {
    ojph::codestream codestream;
    ojph::param_siz siz = codestream.access_siz();
    siz.set_image_extent(ojph::point(columns, rows));
    siz.set_num_components(components);
    for (ojph::ui32 c = 0; c < components; ++c)
      siz.set_component(c, ojph::point(1, 1), static_cast<ojph::ui32>(format.bits_stored), format.is_signed);
    siz.set_image_offset(ojph::point(0, 0));
    siz.set_tile_size(ojph::size(columns, rows));
    siz.set_tile_offset(ojph::point(0, 0));
    ojph::param_cod cod = codestream.access_cod();
    ojph::ui32 levels = 5;
    while (levels > 0 && std::min(columns, rows) >> levels == 0) --levels;
    cod.set_num_decomposition(levels);
    cod.set_block_dims(64, 64);
    cod.set_progression_order("RPCL");
    cod.set_color_transform(components == 3);
    cod.set_reversible(true);
    codestream.set_planar(false);
    Output file;
    codestream.write_headers(&file);
    const std::int32_t sign = format.is_signed ? 1 << (format.bits_stored - 1) : 0;
    ojph::ui32 next = 0;
    ojph::line_buf* buffer = codestream.exchange(nullptr, next);
    for (std::size_t line = 0; line < static_cast<std::size_t>(rows) * components; ++line) {
      const std::size_t begin = line / components * columns * components + next;
      for (std::size_t i = 0; i < columns; ++i) buffer->i32[i] = (patterns[begin + i * components] ^ sign) - sign;
      buffer = codestream.exchange(buffer, next);
    }
    codestream.flush();
    Bytes stream = std::move(file.bytes);
    codestream.close();
    if (stream.size() % 2 != 0) stream.push_back(std::byte{0});
    return stream;
  } catch (const std::runtime_error& error) {
    throw Error(ErrorCode::not_possible, fmt::format("HTJ2K: {}", reason_of(error)));
  }
}

}  // namespace gantry::codec
