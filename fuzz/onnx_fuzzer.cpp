// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"
#include "gantry/bundle/onnx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    gantry::bundle::parse_onnx(std::as_bytes(std::span(data, size)));
  } catch (const gantry::Error&) {
  }
  return 0;
}
