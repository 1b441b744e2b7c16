// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gantry/bundle/safetensors.h"

namespace gantry::bundle {

/// What follows a convolution, value by value: elu is x for x > 0 and exp(x) - 1 below; gelu is x/2 (1 + erf(x / sqrt 2)).
enum class Activation { linear, relu, elu, gelu };
constexpr std::array<std::pair<Activation, std::string_view>, 4> choices_of(Activation) {
  return {{{Activation::linear, "linear"}, {Activation::relu, "relu"}, {Activation::elu, "elu"}, {Activation::gelu, "gelu"}}};
}
/// The activation of that name; Error(unreadable) for another one.
Activation activation_named(std::string_view name);
std::string_view name_of(Activation activation);

/// A convolution of three dimensions with zeros around the volume, so that its output has the input's size, and what follows it.
struct VolumeLayer {
  std::string name;
  int kernel = 3;           ///< taps along each axis; odd
  int dilation = 1;         ///< voxels from tap to tap
  Tensor weights;           ///< (outputs, inputs, kernel, kernel, kernel); the first of the three runs along the volume's axis i
  Tensor bias;              ///< (outputs), or without values
  bool normalised = false;  ///< each channel to mean 0 and variance 1 over the whole volume, before the activation
  double epsilon = 1e-5;    ///< added to that variance
  Activation activation = Activation::linear;

  int outputs() const { return static_cast<int>(weights.shape[0]); }
  int inputs() const { return static_cast<int>(weights.shape[1]); }
};

/// A feed-forward network on volumes as data: a chain of convolutions, such as MeshNet (Fedorov et al. 2017). Holds what is needed to run
/// it and nothing of the library that trained it.
class VolumeNetwork {
 public:
  /// Throws Error(unreadable) that names the layer unless: 1 to 256 layers; kernels odd and up to 7, dilations 1 to 64; weights and bias of
  /// the stated shapes and finite; inputs are the outputs of the layer before; at most 1024 channels and 2^26 parameters.
  explicit VolumeNetwork(std::vector<VolumeLayer> layers);

  const std::vector<VolumeLayer>& layers() const { return layers_; }
  int inputs() const { return layers_.front().inputs(); }
  int outputs() const { return layers_.back().outputs(); }
  std::int64_t parameters() const;
  /// How many voxels away a voxel can still have influence, normalisation aside.
  int reach() const;
  /// Multiplications for each voxel.
  std::int64_t products_per_voxel() const;

 private:
  std::vector<VolumeLayer> layers_;
};

/// How the values of an image become the network's input: from its lowest and highest value, or from two quantiles, to 0 and 1; values
/// beyond the quantiles lie outside [0, 1].
struct InputRange {
  double low = 0;   ///< fraction of the voxels below the value that becomes 0
  double high = 1;  ///< fraction of the voxels below the value that becomes 1
};

/// One class that a network tells apart.
struct NetworkClass {
  std::string name;
  std::array<int, 3> color{};  ///< red, green, blue, 0 to 255
};

/// A network for segmentation as a foreign format describes it.
struct ImportedNetwork {
  VolumeNetwork network;
  std::array<std::int64_t, 3> input_size{};  ///< voxels along i, j, k that it was made for
  InputRange range;
  std::vector<NetworkClass> classes;  ///< as many as outputs; the first is background
  std::string format;                 ///< "tfjs layers-model" or "onnx"
  std::string producer;               ///< the program that wrote it, as it says
};

/// Reads a network from a tfjs `model.json`, an `.onnx` file, or a folder that holds one of them. Names and colours of classes come from a
/// `colormap*.json` beside it that has as many labels as the network has outputs, else they are numbered. Throws Error(not_found),
/// Error(unreadable) with what is malformed and Error(refused) for what is no chain of convolutions, named.
ImportedNetwork read_network(const Path& source);

}  // namespace gantry::bundle
