// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/bundle/safetensors.h"

namespace gantry::learning {

using bundle::Tensor;
using bundle::Weights;

/// A network with its weights, ready to run. Sizes of a batch are (n, channels, rows, columns) or (n, channels, slices, rows, columns).
class Network {
 public:
  virtual ~Network() = default;
  /// What the last layer gives for a batch, before any softmax. Safe to call from several threads at once; each call uses `threads`
  /// threads. Throws Error(parameter) when the batch does not fit the network.
  virtual Tensor forward(const Tensor& batch, int threads) const = 0;
};

/// A residual network for images of one class each: a 3x3 convolution, then one stage for each width, each stage after the first halving
/// the size, of `blocks` pairs of 3x3 convolutions with batch normalisation and a shortcut (He et al. 2016), mean over the image, one
/// linear layer.
struct ClassifierDesign {
  int channels = 1;
  int classes = 2;
  std::vector<int> widths{16, 32, 64};
  int blocks = 2;  ///< of each stage
};

/// A U-Net for volumes (Ronneberger et al. 2015, Isensee et al. 2021), without residuals. Blocks of `block`^3 voxels become channels before
/// the first convolution and voxels again after the last one (Shi et al. 2016), so that the widest layers work on few positions and no
/// voxel is lost. Each stage is two 3x3x3 convolutions, each followed by instance normalisation and a leaky ReLU; from one stage to the
/// next the size halves by a stride; on the way up a 1x1x1 convolution, linear interpolation and the stage's features of the way down.
struct SegmenterDesign {
  int channels = 1;
  int classes = 2;
  std::vector<int> widths{16, 32, 64};
  int block = 2;

  /// What each side of a volume must be a multiple of.
  int divisor() const { return block << (widths.empty() ? 0 : widths.size() - 1); }
};

/// A chain of 3x3x3 convolutions without padding, an ELU after each but the last: each layer takes a voxel off every face. It runs
/// without LibTorch too (`run_mesh_network`).
struct ChainDesign {
  int channels = 1;
  int outputs = 1;
  std::vector<int> widths{32, 32, 32};  ///< of the layers before the last

  /// How far an output sees, which is also how much smaller it is on each side.
  int reach() const { return static_cast<int>(widths.size()) + 1; }
};

/// Where a network computes.
enum class Device { cpu, cuda };

/// How weights follow the gradient: stochastic descent with Nesterov momentum, or Adam with decay apart from the gradient (AdamW,
/// Loshchilov and Hutter 2019; second moments over 1000 steps), which gets further in few steps.
enum class Descent { nesterov, adam };

/// One step of descent; the decay acts on weights of convolutions and linear layers alone.
struct StepOptions {
  Descent descent = Descent::nesterov;
  double learning_rate = 0.1;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  double label_smoothing = 0;   ///< share of the target that is spread evenly over all classes; classifiers alone
  double longest_gradient = 0;  ///< a gradient that is longer, all weights together, is shortened to this; 0 = never
  int threads = 1;
};

/// A network that learns.
class Learner : public Network {
 public:
  /// Everything that `forward` depends on, by name. What `set_weights` takes; it throws Error(unreadable) naming the tensor that is
  /// missing, superfluous, not finite or of another shape.
  virtual Weights weights() const = 0;
  virtual void set_weights(const Weights& weights) = 0;
  /// The memory of the optimiser, for going on after an interruption with the same steps.
  virtual Weights optimiser_state() const = 0;
  virtual void set_optimiser_state(const Weights& state) = 0;
};

/// A classifier that can also learn and explain itself. `forward` gives (n, classes) and uses the stored statistics of normalisation.
class Classifier : public Learner {
 public:
  /// One step on a batch; returns its mean cross entropy before the step. `labels` are 0 to classes - 1. The same steps from the same
  /// weights give the same bits for the same number of threads. Not safe beside other calls.
  virtual double learn(const Tensor& batch, std::span<const int> labels, const StepOptions& options) = 0;
  /// Grad-CAM (Selvaraju et al. 2017) of the last stage for one class: (n, rows, columns) of that stage, not negative, not normalised.
  virtual Tensor activation_map(const Tensor& batch, int label) = 0;
};

/// A network that tells the class of each voxel. `forward` gives (n, classes, slices, rows, columns) for a batch whose sides are multiples
/// of the design's divisor.
class Segmenter : public Learner {
 public:
  /// One step on a batch; `labels` are 0 to classes - 1, one a voxel of each volume. Returns cross entropy + 1 - Dice of the
  /// probabilities, the mean over volumes and classes but the first, before the step. The same bits for any number of threads on a
  /// CPU; otherwise as `Classifier::learn`.
  virtual double learn(const Tensor& batch, std::span<const std::uint8_t> labels, const StepOptions& options) = 0;
};

/// A network that tells numbers for each voxel. `forward` gives (n, outputs, slices, rows, columns), each side smaller by twice the reach.
class Regressor : public Learner {
 public:
  /// One step on a batch; `targets` has the shape that `forward` gives. Returns the mean squared error before the step. The same bits for
  /// any number of threads on a CPU; otherwise as `Classifier::learn`.
  virtual double learn(const Tensor& batch, const Tensor& targets, const StepOptions& options) = 0;
};

/// The library behind networks. Plug-ins implement it; there is one, on LibTorch.
class Engine {
 public:
  virtual ~Engine() = default;
  /// Such as "LibTorch 1.13.1".
  virtual std::string name() const = 0;
  /// Whether `Device::cuda` can be used: the library has it and a processor is there.
  virtual bool has_cuda() const = 0;
  /// A classifier whose weights are still all zero. Throws Error(parameter) for a design beyond 64 channels, 1000 classes, 6 stages,
  /// 1024 features or 16 blocks.
  virtual std::unique_ptr<Classifier> classifier(const ClassifierDesign& design, Device device = Device::cpu) const = 0;
  /// A segmenter whose weights are still all zero. Throws Error(parameter) for a design beyond 64 channels, 256 classes, 6 stages, 512
  /// features or a block of 4.
  virtual std::unique_ptr<Segmenter> segmenter(const SegmenterDesign& design, Device device = Device::cpu) const = 0;
  /// A regressor whose weights `convolution_N.weight` and `.bias` are still all zero. Throws Error(parameter) for a design beyond 64
  /// channels or outputs, 16 layers or 256 features.
  virtual std::unique_ptr<Regressor> regressor(const ChainDesign& design, Device device = Device::cpu) const = 0;
};

/// The engine, opened on first use: `libgantry_torch.so` beside libgantry.so, or in $GANTRY_HOME when that is set. Throws
/// Error(not_possible) that names the package to install when it is missing or does not load, at each call anew. Costs half a second and
/// 160 MB the first time.
const Engine& engine();
/// The device named `auto` (CUDA where there is one), `cpu` or `cuda`. Throws Error(parameter) for another name and Error(not_possible)
/// that says what is missing for `cuda`.
Device device_named(std::string_view name);
std::string_view name_of(Device device);
/// Whether the plug-in's file is there; opens nothing.
bool engine_is_installed();

}  // namespace gantry::learning
