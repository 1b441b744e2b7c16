// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gantry/base/files.h"

namespace gantry::bundle {

/// An array of 32-bit floats, the last index runs fastest.
struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// What a safetensors file holds.
struct Weights {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;  ///< its `__metadata__`
};

/// Reads a safetensors file (8 bytes length of the header, JSON header, data) whose tensors are all F32. Throws Error(not_found) when there
/// is none and Error(unreadable) when it is truncated, has a header over 1 MB, offsets that overlap, leave gaps or do not fit their shape,
/// another type, or more than `most_bytes` of data. Reads no more memory than the file has bytes.
Weights read_safetensors(const Path& path, std::int64_t most_bytes = std::int64_t{1} << 30);
/// The bytes of the safetensors file that holds `weights`: tensors in the order of their names, the header padded to 8 bytes. Throws
/// Error(parameter) when a tensor's values do not fit its shape.
Bytes encode_safetensors(const Weights& weights);

}  // namespace gantry::bundle
