// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "gantry/base/run.h"
#include "gantry/bundle/network.h"
#include "gantry/image/image.h"

namespace gantry::learning {

/// Takes slice k of a network's output: (channels, rows, columns). Called for k = 0, 1, 2, ... on one thread; the values end with the call.
using SliceSink = std::function<void(std::int64_t k, std::span<const float> values)>;

/// Runs a network over a whole volume (one component for each of its inputs, one frame) without LibTorch: each layer directly, row by row,
/// in single precision. The same bits for any number of threads. Holds the widest layer but the last for the whole volume and a few
/// slices more (`mesh_network_bytes`). 27 * 225 products a voxel take about 0.2 us on one core with AVX2. Throws Error(parameter) when the
/// components do not fit and Error(out_of_memory) beyond the Run's budget.
void run_mesh_network(const bundle::VolumeNetwork& network, const VoxelView<float>& volume, Run& run, const SliceSink& sink);

/// The class with the highest output at each voxel, the first one of equals. Never holds the outputs of more than one slice.
Voxels<std::uint16_t> classify_voxels(const bundle::VolumeNetwork& network, const VoxelView<float>& volume, Run& run);

/// Memory that `run_mesh_network` allocates for a volume of this size, in bytes.
std::uint64_t mesh_network_bytes(const bundle::VolumeNetwork& network, const Size3& size);

}  // namespace gantry::learning
