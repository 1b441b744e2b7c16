// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmjpeg/djcparam.h>
#include <dcmtk/dcmjpeg/djdijg12.h>
#include <dcmtk/dcmjpeg/djdijg16.h>
#include <dcmtk/dcmjpeg/djdijg8.h>
#include <dcmtk/oflog/oflog.h>

#include <mutex>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"

namespace gantry::codec {

void prepare_jpeg_ijg() {
  static std::once_flag once;
  std::call_once(once, [] { OFLog::getLogger("dcmtk.dcmjpeg").setLogLevel(OFLogger::OFF_LOG_LEVEL); });
}

Bytes decode_jpeg_ijg(std::span<const std::byte> stream, const JpegHeader& header) {
  const bool lossless = header.process == 3;
  if (!(header.precision >= 2 && header.precision <= (lossless ? 16 : 12)))
    throw Error(ErrorCode::unreadable, fmt::format("JPEG: a precision of {} bits is not supported", header.precision));
  prepare_jpeg_ijg();
  const DJCodecParameter parameter(ECC_lossyYCbCr, EDC_never, EUC_default, EPC_default);
  std::unique_ptr<DJDecoder> decoder;
  if (header.precision <= 8) {
    decoder = std::make_unique<DJDecompressIJG8Bit>(parameter, OFFalse);
  } else if (header.precision <= 12) {
    decoder = std::make_unique<DJDecompressIJG12Bit>(parameter, OFFalse);
  } else {
    decoder = std::make_unique<DJDecompressIJG16Bit>(parameter, OFFalse);
  }
  const std::size_t count =
      static_cast<std::size_t>(header.rows) * static_cast<std::size_t>(header.columns) * static_cast<std::size_t>(header.components);
  Bytes pixels(count * decoder->bytesPerSample());
  OFCondition condition = decoder->init();
  if (condition.good()) {
    condition = decoder->decode(reinterpret_cast<Uint8*>(const_cast<std::byte*>(stream.data())), static_cast<Uint32>(stream.size()),
                                reinterpret_cast<Uint8*>(pixels.data()), static_cast<Uint32>(pixels.size()), OFFalse);
  }
  if (condition.bad()) throw Error(ErrorCode::unreadable, fmt::format("JPEG: {}", condition.text()));
  return pixels;
}

}  // namespace gantry::codec
