// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/bundle/safetensors.h"
#include "gantry/learning/augmentation.h"
#include "gantry/learning/data_set.h"
#include "gantry/learning/engine.h"
#include "gantry/learning/scores.h"

namespace gantry::learning {

/// How a classifier learns; the learning rate as in `rate_at`.
struct TrainOptions {
  std::vector<int> widths{16, 32, 64};
  int blocks = 2;
  int epochs = 30;
  int batch = 64;
  double learning_rate = 0.1, momentum = 0.9, weight_decay = 5e-4, label_smoothing = 0;
  double averaging = 0.998;  ///< memory of the `WeightAverage` that is kept; 0 = the weights of the last step
  int members = 1;           ///< networks from other seeds that answer together
  bool even_prior = false;   ///< probabilities as if all classes were equally frequent, instead of as in the training part
  Augmentation augmentation;
  Device device = Device::cpu;
  Path checkpoint;  ///< file that holds everything after each epoch; empty = none
};
/// All but device and checkpoint, as they stand in a manifest.
Json to_json(const TrainOptions& options);

/// One line of the training record.
struct Epoch {
  double loss = 0;  ///< mean over the steps, of varied pictures
  double validation_cross_entropy = 0, validation_auc = 0, validation_accuracy = 0;
};

/// One network of a classifier that has learnt.
struct TrainedMember {
  Weights weights;  ///< of the epoch with the least cross entropy on the validation part
  int epoch = 0;    ///< which one, from 1
  std::vector<Epoch> record;
  bool resumed = false;
};

/// A classifier that has learnt.
struct TrainedClassifier {
  ClassifierDesign design;
  PictureInput input;  ///< with mean and standard deviation of the training part
  std::vector<TrainedMember> members;
  Calibration calibration;
};

/// Trains on `set.train` (`take_course`), one member after the other, and chooses the epoch of each and the temperature on
/// `set.validation`; `set.test` takes no part. The same seed and number of threads give the same weights. The checkpoint of a second member
/// is the file with `.2` behind its name, and so on. Throws Error(parameter) for options out of range, Error(not_possible) when the loss is
/// no number any more.
TrainedClassifier train_classifier(const PictureSet& set, const TrainOptions& options, Run& run);

/// Networks of one design that answer together.
using Classifiers = std::vector<std::shared_ptr<Classifier>>;
constexpr int most_members = 16;

/// The file of member `number`, from 1.
Path checkpoint_of(const Path& first, int number);
/// What the networks give for a batch: the outputs of one alone; of several the logarithm of the mean of their probabilities, so that
/// they are pooled before they are calibrated (Lakshminarayanan et al. 2017; Rahaman and Thiery 2021). Throws
/// Error(not_possible) when they are not finite.
Table forward_together(const Classifiers& classifiers, const Tensor& batch);
/// The same for all cases, in blocks of fixed size in parallel: the same bits for any number of threads.
Table scores_of(const Classifiers& classifiers, const PictureInput& input, const Cases& cases, const Run& run);

}  // namespace gantry::learning
