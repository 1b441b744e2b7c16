// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstddef>
#include <span>

#include "gantry/bundle/network.h"

namespace gantry::bundle {

/// Reads an ONNX model (onnx.proto, IR version 3 and later) that is a chain of Conv (3-D, stride 1, one group, pads that keep the size,
/// equal along the three axes), Relu, Elu (alpha 1), Gelu (exact) and InstanceNormalization (scale 1, shift 0), with float32
/// initialisers inside the file. Own reader of the wire format: every length is checked against what is left, nothing nests deeper than
/// the schema, at most 4096 nodes and tensors and 64 entries in any other list. Other operators are Error(refused) by name; malformed
/// content is Error(unreadable). Classes are left empty.
ImportedNetwork read_onnx(const Path& file);
/// The same from the bytes of a file.
ImportedNetwork parse_onnx(std::span<const std::byte> bytes);

}  // namespace gantry::bundle
