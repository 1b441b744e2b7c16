// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"
#include "gantry/base/files.h"
#include "gantry/bundle/tfjs.h"

// The input is the description; the weight file beside it has a fixed content.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const gantry::TemporaryFolder folder;
  static const bool weights = [] {
    gantry::write_atomic(folder.path() / "weights.bin", std::string(4096, '?'));
    return true;
  }();
  static_cast<void>(weights);
  gantry::write_atomic(folder.path() / "model.json", std::string_view(reinterpret_cast<const char*>(data), size));
  try {
    gantry::bundle::read_tfjs(folder.path() / "model.json");
  } catch (const gantry::Error&) {
  }
  return 0;
}
