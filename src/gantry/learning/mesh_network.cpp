// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/mesh_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/learning/mesh_kernel.h"

namespace gantry::learning {

namespace {

using bundle::VolumeLayer;
using bundle::VolumeNetwork;

constexpr std::int64_t rows_at_once = 4;

std::int64_t whole_tiles(std::int64_t count) { return (count + tile - 1) / tile * tile; }

/// How slices lie in memory: (channels, rows, `stride`), each row with zeros before and behind its `columns` values.
struct Shape {
  std::int64_t columns = 0, rows = 0, slices = 0;
  std::int64_t margin = 0, stride = 0, channels = 0;

  Shape(const VolumeNetwork& network, const Size3& size) : columns(size[0]), rows(size[1]), slices(size[2]) {
    std::int64_t reach = 0;
    channels = network.inputs();
    for (const VolumeLayer& layer : network.layers()) {
      reach = std::max<std::int64_t>(reach, std::int64_t{layer.kernel / 2} * layer.dilation);
      if (&layer != &network.layers().back() || layer.normalised) channels = std::max<std::int64_t>(channels, layer.outputs());
    }
    margin = whole_tiles(reach);
    stride = whole_tiles(columns) + 2 * margin;
  }
  std::int64_t floats_of_slice() const { return channels * rows * stride; }
  std::int64_t offset(std::int64_t channel, std::int64_t row) const { return (channel * rows + row) * stride + margin; }
};

/// Slices that are lent and given back; their zero margins are written once.
class SlicePool {
 public:
  explicit SlicePool(const Shape& shape) : floats_(shape.floats_of_slice()) {}
  float* lend() {
    if (free_.empty()) {
      memory_.push_back(allocate_voxels(static_cast<std::size_t>(floats_) * sizeof(float)));
      auto* slice = reinterpret_cast<float*>(memory_.back().get());
      std::fill_n(slice, floats_, 0.0F);
      return slice;
    }
    float* slice = free_.back();
    free_.pop_back();
    return slice;
  }
  void give_back(float* slice) { free_.push_back(slice); }

 private:
  std::int64_t floats_;
  std::vector<std::shared_ptr<std::byte[]>> memory_;
  std::vector<float*> free_;
};

/// Weights in the order in which the kernel meets them: (block of outputs, input, slice tap, row tap, column tap, output of the block).
struct PackedLayer {
  const VolumeLayer& layer;
  std::vector<int> blocks;  ///< outputs of each block
  std::vector<float> weights, bias;

  explicit PackedLayer(const VolumeLayer& of) : layer(of), bias(of.bias.values) {
    const int outputs = layer.outputs(), inputs = layer.inputs(), kernel = layer.kernel;
    bias.resize(static_cast<std::size_t>(outputs), 0.0F);
    const int count = (outputs + most_channels_at_once - 1) / most_channels_at_once;
    for (int b = 0; b < count; ++b) blocks.push_back(outputs / count + (b < outputs % count ? 1 : 0));
    int first = 0;
    for (const int size : blocks) {
      for (int in = 0; in < inputs; ++in)
        for (int kk = 0; kk < kernel; ++kk)
          for (int jj = 0; jj < kernel; ++jj)
            for (int ii = 0; ii < kernel; ++ii)
              for (int out = first; out < first + size; ++out)
                weights.push_back(
                    layer.weights.values[static_cast<std::size_t>((((out * inputs + in) * kernel + ii) * kernel + jj) * kernel + kk)]);
      first += size;
    }
  }
};

/// What is still to be done to the stored output of a layer with normalisation, for each channel.
struct Pending {
  std::vector<float> scale, shift;
  bundle::Activation activation = bundle::Activation::linear;
};

class Runner {
 public:
  Runner(const VolumeNetwork& network, const VoxelView<float>& volume, Run& run, const SliceSink& sink)
      : network_(network), volume_(volume), run_(run), sink_(sink), shape_(network, volume.grid().size()), pool_(shape_) {}

  void operator()() {
    stored_.assign(static_cast<std::size_t>(shape_.slices), nullptr);
    double done = 0;
    const auto whole = static_cast<double>(network_.products_per_voxel());
    for (const VolumeLayer& layer : network_.layers()) {
      const double share = static_cast<double>(layer.weights.values.size()) / whole;
      Run part = run_.part(done, std::min(1.0, done + share));
      run_layer(layer, part);
      done += share;
    }
    if (!network_.layers().back().normalised) return;
    for (std::int64_t k = 0; k < shape_.slices; ++k) {
      finish(stored(k));
      deliver(k, stored(k), network_.outputs());
    }
  }

 private:
  float*& stored(std::int64_t k) { return stored_[static_cast<std::size_t>(k)]; }

  void run_layer(const VolumeLayer& layer, Run& run) {
    const bool first = &layer == &network_.layers().front();
    const bool streamed = &layer == &network_.layers().back() && !layer.normalised;
    const std::int64_t reach = std::int64_t{layer.kernel / 2} * layer.dilation;
    const PackedLayer packed(layer);
    std::vector<Moments> totals(static_cast<std::size_t>(layer.outputs()));
    std::vector<float> last;
    Shape last_shape = shape_;
    if (streamed) {
      last_shape.channels = layer.outputs();
      last.resize(static_cast<std::size_t>(last_shape.floats_of_slice()));
    }
    std::vector<float*> outputs(stored_.size(), nullptr);
    std::int64_t ready = 0;
    for (std::int64_t k = 0; k < shape_.slices; ++k) {
      for (; ready < std::min(shape_.slices, k + reach + 1); ++ready) {
        if (first)
          load(ready);
        else
          finish(stored(ready));
      }
      float* output = streamed ? last.data() : pool_.lend();
      convolve_slice(packed, k, output, totals);
      outputs[static_cast<std::size_t>(k)] = output;
      if (streamed) deliver(k, output, layer.outputs());
      // The slices that no later output needs; at the end all that are left.
      const std::int64_t from = std::max<std::int64_t>(0, k - reach), to = k + 1 == shape_.slices ? k : k - reach;
      for (std::int64_t old = from; old <= to; ++old) {
        if (!stored(old)) continue;
        pool_.give_back(stored(old));
        stored(old) = nullptr;
      }
      run.progress(static_cast<double>(k + 1) / static_cast<double>(shape_.slices));
    }
    if (streamed) return;
    stored_ = std::move(outputs);
    pending_ = pending_of(layer, totals);
  }

  /// Slice k of the volume becomes a stored one.
  void load(std::int64_t k) {
    float* slice = pool_.lend();
    const int components = volume_.components();
    for (std::int64_t channel = 0; channel < components; ++channel)
      for (std::int64_t row = 0; row < shape_.rows; ++row) {
        float* to = slice + shape_.offset(channel, row);
        const float* from = volume_.data() + shape_.columns * (row + shape_.rows * k) * components + channel;
        for (std::int64_t column = 0; column < shape_.columns; ++column) to[column] = from[column * components];
        std::fill(to + shape_.columns, to + whole_tiles(shape_.columns), 0.0F);
      }
    stored(k) = slice;
  }

  /// Does to a stored slice what was still pending.
  void finish(float* slice) {
    const auto channels = static_cast<std::int64_t>(pending_.scale.size());
    if (channels == 0) return;
    parallel_for(run_, channels * shape_.rows, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        const auto channel = static_cast<std::size_t>(n / shape_.rows);
        activate_row(slice + shape_.offset(n / shape_.rows, n % shape_.rows), shape_.columns, pending_.scale[channel],
                     pending_.shift[channel], pending_.activation);
      }
    });
  }

  void convolve_slice(const PackedLayer& packed, std::int64_t k, float* output, std::vector<Moments>& totals) {
    const VolumeLayer& layer = packed.layer;
    const auto outputs = static_cast<std::size_t>(layer.outputs());
    std::vector<Moments> moments(layer.normalised ? static_cast<std::size_t>(shape_.rows) * outputs : 0);
    parallel_for(run_, shape_.rows, rows_at_once, [&](std::int64_t begin, std::int64_t end) {
      std::vector<MeshRow> rows;
      for (std::int64_t row = begin; row < end; ++row) {
        convolve_row_of(packed, k, row, output, rows);
        for (std::size_t channel = 0; channel < outputs; ++channel) {
          float* values = output + shape_.offset(static_cast<std::int64_t>(channel), row);
          if (layer.normalised)
            moments[static_cast<std::size_t>(row) * outputs + channel] = moments_of_row(values, shape_.columns);
          else
            activate_row(values, shape_.columns, 1, 0, layer.activation);
          std::fill(values + shape_.columns, values + whole_tiles(shape_.columns), 0.0F);
        }
      }
    });
    for (std::size_t n = 0; n < moments.size(); ++n) {
      totals[n % outputs].sum += moments[n].sum;
      totals[n % outputs].squares += moments[n].squares;
    }
  }

  void convolve_row_of(const PackedLayer& packed, std::int64_t k, std::int64_t row, float* output, std::vector<MeshRow>& rows) {
    const VolumeLayer& layer = packed.layer;
    const int kernel = layer.kernel, half = kernel / 2;
    const float* weights = packed.weights.data();
    std::size_t first = 0;
    for (const int size : packed.blocks) {
      rows.clear();
      for (int in = 0; in < layer.inputs(); ++in)
        for (int kk = 0; kk < kernel; ++kk)
          for (int jj = 0; jj < kernel; ++jj) {
            const std::int64_t slice = k + std::int64_t{kk - half} * layer.dilation, line = row + std::int64_t{jj - half} * layer.dilation;
            if (slice >= 0 && slice < shape_.slices && line >= 0 && line < shape_.rows)
              rows.push_back({stored(slice) + shape_.offset(in, line), weights});
            weights += std::ptrdiff_t{kernel} * size;
          }
      float* to[most_channels_at_once] = {};
      for (int c = 0; c < size; ++c) to[c] = output + shape_.offset(static_cast<std::int64_t>(first) + c, row);
      convolve_row(rows, kernel, layer.dilation, std::span(packed.bias).subspan(first, static_cast<std::size_t>(size)), to, shape_.columns);
      first += static_cast<std::size_t>(size);
    }
  }

  Pending pending_of(const VolumeLayer& layer, const std::vector<Moments>& totals) const {
    Pending pending;
    if (!layer.normalised) return pending;
    pending.activation = layer.activation;
    const auto count = static_cast<double>(shape_.columns * shape_.rows * shape_.slices);
    for (const Moments& moments : totals) {
      const double mean = moments.sum / count, variance = std::max(0.0, moments.squares / count - mean * mean);
      const double scale = variance + layer.epsilon > 0 ? 1 / std::sqrt(variance + layer.epsilon) : 0;
      pending.scale.push_back(static_cast<float>(scale));
      pending.shift.push_back(static_cast<float>(-mean * scale));
    }
    return pending;
  }

  void deliver(std::int64_t k, const float* slice, int channels) {
    delivered_.resize(static_cast<std::size_t>(channels * shape_.rows * shape_.columns));
    for (std::int64_t n = 0; n < channels * shape_.rows; ++n)
      std::copy_n(slice + n * shape_.stride + shape_.margin, shape_.columns, delivered_.data() + n * shape_.columns);
    sink_(k, delivered_);
  }

  const VolumeNetwork& network_;
  VoxelView<float> volume_;
  Run& run_;
  const SliceSink& sink_;
  Shape shape_;
  SlicePool pool_;
  std::vector<float*> stored_;  ///< what the next layer reads
  Pending pending_;
  std::vector<float> delivered_;
};

/// The first of the highest among `classes` values that lie `step` apart.
std::uint16_t highest(const float* values, int classes, std::int64_t step) {
  std::uint16_t best = 0;
  float most = values[0];
  for (int c = 1; c < classes; ++c) {
    const float value = values[c * step];
    if (value > most) {
      most = value;
      best = static_cast<std::uint16_t>(c);
    }
  }
  return best;
}

}  // namespace

std::uint64_t mesh_network_bytes(const VolumeNetwork& network, const Size3& size) {
  const Shape shape(network, size);
  std::int64_t reach = 0;
  for (const VolumeLayer& layer : network.layers()) reach = std::max<std::int64_t>(reach, std::int64_t{layer.kernel / 2} * layer.dilation);
  const std::int64_t slices = shape.slices + std::min(shape.slices, 2 * reach + 2);
  const std::int64_t last = std::int64_t{network.outputs()} * shape.rows * (shape.stride + shape.columns);
  return static_cast<std::uint64_t>(slices * shape.floats_of_slice() + last) * sizeof(float);
}

void run_mesh_network(const VolumeNetwork& network, const VoxelView<float>& volume, Run& run, const SliceSink& sink) {
  if (volume.components() != network.inputs() || volume.frames() != 1)
    throw Error(ErrorCode::parameter,
                fmt::format("volume: must have one frame and the network's {} components; got {} frames of {} components", network.inputs(),
                            volume.frames(), volume.components()));
  const std::uint64_t bytes = mesh_network_bytes(network, volume.grid().size());
  if (run.memory_bytes() != 0 && bytes > run.memory_bytes())
    throw Error(ErrorCode::out_of_memory, fmt::format("network: needs {} MB; the budget is {} MB", bytes >> 20, run.memory_bytes() >> 20));
  Runner(network, volume, run, sink)();
}

Voxels<std::uint16_t> classify_voxels(const VolumeNetwork& network, const VoxelView<float>& volume, Run& run) {
  auto labels = Voxels<std::uint16_t>::uninitialized(volume.grid());
  const std::int64_t slice = volume.grid().size(0) * volume.grid().size(1);
  run_mesh_network(network, volume, run, [&](std::int64_t k, std::span<const float> values) {
    parallel_for(run, slice, 4096, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) labels[k * slice + n] = highest(values.data() + n, network.outputs(), slice);
    });
  });
  return labels;
}

}  // namespace gantry::learning
