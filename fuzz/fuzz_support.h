// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "gantry/base/error.h"
#include "gantry/io/formats.h"

namespace gantry::io {

/// Hands `data` to a reader as a file in memory. An Error is an answer; everything else is a find.
template <class Reader>
void read_as_file(const std::uint8_t* data, std::size_t size, Reader&& reader) {
  static const int descriptor = ::memfd_create("fuzz", 0);
  static const Path path = "/proc/self/fd/" + std::to_string(descriptor);
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, data, size, 0) != static_cast<ssize_t>(size)) return;
  set_voxel_budget(std::uint64_t{256} << 20);
  Run run(RunOptions{.threads = 1});
  try {
    const InputFile file(path);
    reader(file, run);
  } catch (const Error&) {
  }
}

}  // namespace gantry::io
