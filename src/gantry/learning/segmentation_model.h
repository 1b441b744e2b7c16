// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>

#include "gantry/bundle/bundle.h"
#include "gantry/image/labels.h"
#include "gantry/learning/volume_augmentation.h"
#include "gantry/learning/volume_plan.h"

namespace gantry::learning {

/// How a segmenter learns: by Adam, the learning rate as in `rate_at`. An epoch draws one patch of each case.
struct SegmentationOptions {
  std::vector<int> widths{16, 32, 64};
  int block = 2;
  int epochs = 40;
  int batch = 2;
  double learning_rate = 0.003, momentum = 0.9, weight_decay = 0.01, longest_gradient = 12;
  std::int64_t most_patch_voxels = 1 << 18;
  VolumeAugmentation augmentation;
  int fold = 0;  ///< which one is held out
  Device device = Device::cpu;
};
/// All but the device, as they stand in a manifest.
Json to_json(const SegmentationOptions& options);

/// The classes of an image with canonical axes on its own grid: prepared, in tiles, the scores brought to its grid.
Voxels<std::uint8_t> segment_canonical(const Segmenter& segmenter, int classes, const VolumePlan& plan, const Voxels<float>& image,
                                       Run& run);

/// A bundle of the task `segmentation` and architecture `u_net`, ready to run. Safe to ask from several threads.
class SegmentationModel {
 public:
  /// Throws what `bundle::open_bundle` throws, Error(unreadable) for a manifest or weights that are not of a segmenter, and what `engine`
  /// throws.
  explicit SegmentationModel(const Path& folder, Device device = Device::cpu);

  const bundle::Bundle& bundle() const { return bundle_; }
  const std::vector<std::string>& classes() const { return classes_; }
  const VolumePlan& plan() const { return plan_; }

  /// The classes on the grid of `image`, with the id of the bundle as method. Throws Error(refused) for what `canonical_channels` and
  /// `prepare_volume` refuse, and what `run_tiles` throws.
  Labels segment(const Image& image, Run& run) const;
  /// The same for an image with canonical axes, on its grid.
  Voxels<std::uint8_t> classes_of(const Voxels<float>& image, Run& run) const;

 private:
  bundle::Bundle bundle_;
  std::vector<std::string> classes_;
  VolumePlan plan_;
  std::unique_ptr<Segmenter> segmenter_;
};

/// Whether a bundle is one that `SegmentationModel` opens.
bool holds_segmenter(const bundle::Bundle& bundle);

/// Trains on all folds but one, measures the one that was held out, and writes the bundle `destination`, as `train_picture_bundle` does.
/// The weights are those of the last epoch, so that nothing is chosen by the part that is measured.
void train_segmentation_bundle(const Path& data_set, const VolumeSetOptions& reading, const SegmentationOptions& options,
                               const Json& description, const Path& destination, Run& run);

/// Dice of each class but the first over cases: mean with 95 % interval (percentiles of 1000 bootstraps over cases), `dice` the mean of the
/// classes. A class that neither the model nor the reference has in a case does not count there.
Json score_segmentations(const std::vector<std::string>& classes, const std::vector<std::string>& names,
                         const std::vector<std::vector<double>>& dice, const Run& run);

/// Measures a model on a part of a data set (`cases_of_part`). Throws Error(refused) also when the number of classes differs.
Json evaluate_segmentation(const SegmentationModel& model, const VolumeSet& set, const std::string& part, Run& run);

/// Dice of a class: 2 |A and B| / (|A| + |B|); NaN when neither has it.
double dice_of(std::span<const std::uint8_t> given, std::span<const std::uint8_t> truth, std::uint8_t label);

}  // namespace gantry::learning
