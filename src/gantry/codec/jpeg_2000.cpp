// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <openjpeg.h>

#include <cstring>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"

namespace gantry::codec {

namespace {

using Codec = std::unique_ptr<opj_codec_t, void (*)(opj_codec_t*)>;
using Stream = std::unique_ptr<opj_stream_t, void (*)(opj_stream_t*)>;
using OpjImage = std::unique_ptr<opj_image_t, void (*)(opj_image_t*)>;

/// What OpenJPEG reads from; positions beyond the end are refused.
struct Input {
  std::span<const std::byte> bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T read_input(void* buffer, OPJ_SIZE_T size, void* user) {
  auto& input = *static_cast<Input*>(user);
  const std::size_t count = std::min<std::size_t>(size, input.bytes.size() - input.at);
  if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(buffer, input.bytes.data() + input.at, count);
  input.at += count;
  return count;
}

OPJ_OFF_T skip_input(OPJ_OFF_T size, void* user) {
  auto& input = *static_cast<Input*>(user);
  if (size < 0) return -1;
  const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(size), input.bytes.size() - input.at);
  input.at += count;
  return static_cast<OPJ_OFF_T>(count);
}

OPJ_BOOL seek_input(OPJ_OFF_T at, void* user) {
  auto& input = *static_cast<Input*>(user);
  if (at < 0 || static_cast<std::size_t>(at) > input.bytes.size()) return OPJ_FALSE;
  input.at = static_cast<std::size_t>(at);
  return OPJ_TRUE;
}

struct Output {
  Bytes bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T write_output(void* buffer, OPJ_SIZE_T size, void* user) {
  auto& output = *static_cast<Output*>(user);
  if (output.at + size > output.bytes.size()) output.bytes.resize(output.at + size);
  std::memcpy(output.bytes.data() + output.at, buffer, size);
  output.at += size;
  return size;
}

OPJ_OFF_T skip_output(OPJ_OFF_T size, void* user) {
  static_cast<Output*>(user)->at += static_cast<std::size_t>(size);
  return size;
}

OPJ_BOOL seek_output(OPJ_OFF_T at, void* user) {
  static_cast<Output*>(user)->at = static_cast<std::size_t>(at);
  return OPJ_TRUE;
}

void keep_message(const char* message, void* user) {
  auto& text = *static_cast<std::string*>(user);
  if (text.empty()) text = message;
  while (!text.empty() && (text.back() == '\n' || text.back() == '.')) text.pop_back();
}

void ignore_message(const char*, void*) {}

[[noreturn]] void fail(const std::string& reason, std::string_view otherwise) {
  throw Error(ErrorCode::unreadable, fmt::format("JPEG 2000: {}", reason.empty() ? otherwise : reason));
}

/// True when the first COD segment of the codestream asks for a multiple component transform (ISO 15444-1, A.6.1).
bool has_component_transform(std::span<const std::byte> stream) {
  const auto octet = [&](std::size_t at) { return std::to_integer<unsigned>(stream[at]); };
  // In a JP2 file the codestream begins with SOC and SIZ after its boxes.
  std::size_t at = 0;
  while (at + 4 <= stream.size() && !(octet(at) == 0xff && octet(at + 1) == 0x4f && octet(at + 2) == 0xff && octet(at + 3) == 0x51)) ++at;
  at += 2;
  while (at + 9 <= stream.size() && octet(at) == 0xff && octet(at + 1) != 0x90) {
    if (octet(at + 1) == 0x52) return octet(at + 8) == 1;
    at += 2 + (octet(at + 2) << 8 | octet(at + 3));
  }
  return false;
}

}  // namespace

Frame decode_jpeg_2000(std::span<const std::byte> stream, const FrameFormat& declared) {
  frame_bytes(declared);
  constexpr std::array<unsigned char, 4> jp2_box{0, 0, 0, 12};
  const bool boxed = stream.size() > 12 && std::memcmp(stream.data(), jp2_box.data(), 4) == 0;
  std::string reason;
  const Codec codec(opj_create_decompress(boxed ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K), opj_destroy_codec);
  Input input{stream};
  const Stream source(opj_stream_create(std::size_t{1} << 16, OPJ_TRUE), opj_stream_destroy);
  if (!codec || !source) throw Error(ErrorCode::out_of_memory, "memory: a JPEG 2000 decoder needs more");
  opj_set_error_handler(codec.get(), keep_message, &reason);
  opj_set_warning_handler(codec.get(), ignore_message, nullptr);
  opj_stream_set_user_data(source.get(), &input, nullptr);
  opj_stream_set_user_data_length(source.get(), stream.size());
  opj_stream_set_read_function(source.get(), read_input);
  opj_stream_set_skip_function(source.get(), skip_input);
  opj_stream_set_seek_function(source.get(), seek_input);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  parameters.flags |= OPJ_DPARAMETERS_IGNORE_PCLR_CMAP_CDEF_FLAG;
  if (!opj_setup_decoder(codec.get(), &parameters)) fail(reason, "cannot be set up");

  opj_image_t* raw = nullptr;
  const bool read = opj_read_header(source.get(), codec.get(), &raw);
  const OpjImage image(raw, opj_image_destroy);
  if (!read || !image) fail(reason, "has no valid header");
  if (image->numcomps == 0 || image->numcomps > 4) fail({}, "must have 1 to 4 components");
  const auto rows = static_cast<std::int64_t>(image->y1) - image->y0, columns = static_cast<std::int64_t>(image->x1) - image->x0;
  const int precision = static_cast<int>(image->comps[0].prec);
  for (OPJ_UINT32 c = 0; c < image->numcomps; ++c) {
    if (image->comps[c].dx != 1 || image->comps[c].dy != 1 || image->comps[c].prec != image->comps[0].prec)
      fail({}, "components of different size or depth are not supported");
  }
  require_agreement(declared, rows, columns, image->numcomps, precision);
  if (!opj_decode(codec.get(), source.get(), image.get())) fail(reason, "cannot be decoded");
  opj_end_decompress(codec.get(), source.get());

  Frame frame{format_of(declared, precision), {}};
  frame.pixels.resize(frame_bytes(frame.format));
  const std::size_t pixels = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  for (OPJ_UINT32 c = 0; c < image->numcomps; ++c) {
    const opj_image_comp_t& component = image->comps[c];
    if (!component.data || static_cast<std::size_t>(component.w) * component.h != pixels) fail(reason, "lacks a component");
    put_samples(frame, std::span<const std::int32_t>(component.data, pixels), precision, c, image->numcomps);
  }
  if (image->numcomps == 3 && (has_component_transform(stream) || declared.photometric_interpretation == "YBR_ICT" ||
                               declared.photometric_interpretation == "YBR_RCT")) {
    frame.format.photometric_interpretation = "RGB";
  }
  return frame;
}

Bytes encode_jpeg_2000(const Frame& frame) {
  const FrameFormat& format = frame.format;
  if (format.bits_allocated > 16) throw Error(ErrorCode::not_possible, "JPEG 2000: needs cells of 8 or 16 bits");
  const std::vector<std::uint16_t> patterns = patterns_of(frame);
  const auto components = static_cast<OPJ_UINT32>(format.samples_per_pixel);
  std::array<opj_image_cmptparm_t, 4> layout{};
  for (opj_image_cmptparm_t& component : layout) {
    component.dx = component.dy = 1;
    component.w = static_cast<OPJ_UINT32>(format.columns);
    component.h = static_cast<OPJ_UINT32>(format.rows);
    component.prec = static_cast<OPJ_UINT32>(format.bits_stored);
    component.sgnd = format.is_signed ? 1 : 0;
  }
  const OpjImage image(opj_image_create(components, layout.data(), components == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY), opj_image_destroy);
  if (!image) throw Error(ErrorCode::out_of_memory, "memory: a JPEG 2000 encoder needs more");
  image->x1 = static_cast<OPJ_UINT32>(format.columns);
  image->y1 = static_cast<OPJ_UINT32>(format.rows);
  const int sign = format.is_signed ? 1 << (format.bits_stored - 1) : 0;
  for (std::size_t n = 0; n < patterns.size(); ++n) image->comps[n % components].data[n / components] = (patterns[n] ^ sign) - sign;

  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.tcp_numlayers = 1;
  parameters.tcp_rates[0] = 0;  // lossless
  parameters.cp_disto_alloc = 1;
  parameters.irreversible = 0;
  parameters.tcp_mct = components == 3 ? 1 : 0;
  const int shorter = std::min(format.rows, format.columns);
  while (parameters.numresolution > 1 && shorter >> (parameters.numresolution - 1) == 0) --parameters.numresolution;

  std::string reason;
  const Codec codec(opj_create_compress(OPJ_CODEC_J2K), opj_destroy_codec);
  const Stream sink(opj_stream_create(std::size_t{1} << 16, OPJ_FALSE), opj_stream_destroy);
  if (!codec || !sink) throw Error(ErrorCode::out_of_memory, "memory: a JPEG 2000 encoder needs more");
  Output output;
  opj_set_error_handler(codec.get(), keep_message, &reason);
  opj_stream_set_user_data(sink.get(), &output, nullptr);
  opj_stream_set_write_function(sink.get(), write_output);
  opj_stream_set_skip_function(sink.get(), skip_output);
  opj_stream_set_seek_function(sink.get(), seek_output);
  if (!opj_setup_encoder(codec.get(), &parameters, image.get()) || !opj_start_compress(codec.get(), image.get(), sink.get()) ||
      !opj_encode(codec.get(), sink.get()) || !opj_end_compress(codec.get(), sink.get())) {
    throw Error(ErrorCode::not_possible, fmt::format("JPEG 2000: {}", reason.empty() ? "cannot be encoded" : reason));
  }
  if (output.bytes.size() % 2 != 0) output.bytes.push_back(std::byte{0});
  return std::move(output.bytes);
}

}  // namespace gantry::codec
