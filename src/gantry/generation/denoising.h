// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>

#include "gantry/base/random.h"
#include "gantry/bundle/bundle.h"
#include "gantry/bundle/network.h"
#include "gantry/learning/engine.h"
#include "gantry/learning/volume_set.h"

namespace gantry::generation {

/// Noise as of an emission image with few counts: normal, smoothed with a Gaussian of `correlation` voxels and of a standard deviation that
/// grows with the root of the activity, r sqrt(level max(x, 0) / r + floor^2), r being the root mean square of the image.
struct CountNoise {
  double level = 0.1;        ///< variance over activity, both in units of r
  double correlation = 0.6;  ///< standard deviation of the Gaussian in voxels; the noise has its deviation after it
  static constexpr double floor = 0.02;
};
/// The image with that noise.
Voxels<float> with_count_noise(const VoxelView<float>& image, const CountNoise& noise, Random random, const Run& run);

/// How a network learns to take noise off: it sees an image with simulated noise and tells what the image itself differs from it (Zhang et
/// al. 2017). By Adam, the learning rate as in `rate_at`; an epoch draws one patch of each case, turned and mirrored, with fresh noise
/// whose level (evenly on a log scale) and correlation are drawn from the ranges.
struct DenoisingOptions {
  std::vector<int> widths{32, 32, 32, 32};
  int epochs = 1200;
  int batch = 4;
  double learning_rate = 0.002, momentum = 0.9, weight_decay = 0.01, longest_gradient = 1;
  std::array<double, 2> level{0.05, 0.6}, correlation{0.5, 0.7};
  int patch = 16;  ///< voxels along each side
  int fold = 0;    ///< which one is held out
  learning::Device device = learning::Device::cpu;
};
/// All but the device, as they stand in a manifest.
Json to_json(const DenoisingOptions& options);

/// The weights of `Regressor` as a network that runs without LibTorch. Throws Error(unreadable) unless they are a chain of convolutions
/// from 1 channel to 1.
bundle::VolumeNetwork chain_of(const learning::Weights& weights);

/// The image and what the network adds to it, as the mean over two sides that the image is seen from (Timofte et al. 2016). The network
/// sees values over their root mean square; what lies outside the image is as its border. Needs no LibTorch; about 11 us a voxel on one
/// core. Throws Error(refused) for several components or frames and values that are not finite; Error(out_of_memory) beyond the Run's
/// budget.
Voxels<float> denoise(const bundle::VolumeNetwork& network, const VoxelView<float>& image, Run& run);

/// A bundle of the task `denoising`, ready to run. Safe to ask from several threads.
class DenoisingModel {
 public:
  /// Throws what `bundle::open_bundle` throws, and Error(unreadable) for a manifest or weights that do not fit. Needs no LibTorch.
  explicit DenoisingModel(const Path& folder);
  const bundle::Bundle& bundle() const { return bundle_; }
  const bundle::VolumeNetwork& network() const { return *network_; }

 private:
  bundle::Bundle bundle_;
  std::unique_ptr<bundle::VolumeNetwork> network_;
};

/// How near the network comes to images that were given noise of levels 0.1 and 0.3 (correlation 0.6), beside `filter.nlm` with the best of
/// four settings, chosen by the truth: peak signal-to-noise ratio, 20 log10(range of the image / root mean square error),
/// means over cases; gain in dB with 95 % interval (normal) and the least; change of the sum of all values in percent.
Json score_denoising(const bundle::VolumeNetwork& network, const learning::VolumeSet& set, const std::vector<std::size_t>& cases, Run& run);

/// Trains on all folds but one, measures the one that was held out, and writes the bundle `destination`, as
/// `learning::train_segmentation_bundle` does. `reading.labels` is taken as false. Throws Error(refused) for an image of several channels
/// or one that is smaller than a patch.
void train_denoising_bundle(const Path& data_set, learning::VolumeSetOptions reading, const DenoisingOptions& options,
                            const Json& description, const Path& destination, Run& run);

}  // namespace gantry::generation
