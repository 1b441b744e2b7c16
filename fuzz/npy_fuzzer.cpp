// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gantry::io::read_as_file(data, size, [](const auto& file, auto& run) { gantry::io::npy::read(file, run, {}); });
  gantry::io::read_as_file(data, size, [](const auto& file, auto& run) { gantry::io::npz::read(file, run, {}); });
  return 0;
}
