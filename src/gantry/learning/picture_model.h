// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <optional>

#include "gantry/bundle/bundle.h"
#include "gantry/learning/novelty.h"
#include "gantry/learning/train_classifier.h"

namespace gantry::learning {

/// What a classifier says of one picture.
struct PictureAnswer {
  std::vector<double> probabilities;  ///< calibrated, one a class
  std::size_t given = 0;              ///< the class with the greatest one
  /// Grad-CAM for the given class on the network's rows and columns, from 0 to 1; empty when it was not asked for or nothing stands out.
  std::vector<float> explanation;
};

/// A bundle of the task `classification`, ready to run. Safe to ask from several threads, but for explanations.
class PictureModel {
 public:
  /// Throws what `bundle::open_bundle` throws, Error(unreadable) for a manifest or weights that are not of a classifier, and what `engine`
  /// throws.
  explicit PictureModel(const Path& folder, Device device = Device::cpu);

  const bundle::Bundle& bundle() const { return bundle_; }
  const std::vector<std::string>& classes() const { return classes_; }
  const PictureInput& input() const { return input_; }
  const std::optional<Novelty>& novelty() const { return novelty_; }
  const Calibration& calibration() const { return calibration_; }

  /// The answer for a picture. What `fit_picture` refuses is refused; for a picture that is unlike those that the model learnt from there
  /// is no answer but Error(not_possible) `model NAME: reason`.
  PictureAnswer answer(const Image& picture, bool explain) const;
  /// What the networks find in pictures before they judge: the values before the last layer, of all networks one after the other, each
  /// picture's brought to mean 0 and length 1. `values` holds pictures as `fit_picture` gives them. The same bits for any number of
  /// threads; safe to call from several at once. Throws Error(not_possible) for values that are not finite or all the same.
  std::vector<float> embeddings(std::span<const float> values, const Run& run) const;
  int embedding_size() const { return static_cast<int>(classifiers_.size()) * design_.widths.back(); }
  /// Calibrated probabilities of all cases, like or unlike.
  Table probabilities(const Cases& cases, const Run& run) const;

 private:
  bundle::Bundle bundle_;
  std::vector<std::string> classes_;
  PictureInput input_;
  Calibration calibration_;
  ClassifierDesign design_;
  Device device_ = Device::cpu;
  Classifiers classifiers_;
  std::optional<Novelty> novelty_;
};

/// Trains, measures validation and test once, and writes the bundle `destination` (weights.safetensors, novelty.safetensors, card.md,
/// manifest.json), named by its folder. The checkpoints lie beside it (`BundlePlace`, `checkpoint_of`) until the bundle is whole.
void train_picture_bundle(const Path& data_set, const PictureSetOptions& reading, TrainOptions options, const Json& description,
                          const Path& destination, Run& run);

}  // namespace gantry::learning
