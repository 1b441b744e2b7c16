// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/run.h"
#include "gantry/learning/engine.h"

namespace gantry::learning {

/// The mean of weights over the steps of a training, later steps more: it lies in flatter ground than the last step and varies less from
/// seed to seed (Polyak and Juditsky 1992; Tarvainen and Valpola 2017).
class WeightAverage {
 public:
  /// `memory` is the share that the mean keeps at each step, 0 to 0.99999; the first steps are forgotten sooner.
  explicit WeightAverage(double memory) : memory_(memory) {}
  void add(const Weights& weights);
  /// Empty before the first step.
  const Weights& weights() const { return mean_; }
  std::int64_t steps() const { return steps_; }
  /// Goes on from what `weights` and `steps` gave.
  void restore(Weights mean, std::int64_t steps);

 private:
  double memory_;
  Weights mean_;
  std::int64_t steps_ = 0;
};

/// What a training consists of, whatever the task: epochs of steps, and an examination after each.
struct Course {
  int epochs = 1;
  std::uint64_t seed = 0;  ///< draws the first weights
  Path checkpoint;         ///< file that holds everything after each epoch; empty = none
  std::string settings;    ///< all that the weights depend on, as text; a checkpoint of others is not taken up
  /// Lets the network learn for one epoch, counted from 0; returns the mean loss.
  std::function<double(int epoch)> learn;
  /// Figures of the network as it is, the first of which is to be small; empty: the weights of the last epoch are taken.
  std::function<std::vector<double>()> examine;
  /// What `learn` adds the weights to after each step; it is examined and kept in the place of the last weights. Null: none.
  WeightAverage* average = nullptr;
  /// The line of progress for a row of the record.
  std::function<std::string(const std::vector<double>& row)> describe;
};

/// What came of it.
struct Outcome {
  Weights weights;                          ///< of the epoch whose first figure is the least, or of the last one
  int epoch = 0;                            ///< which one, from 1
  std::vector<std::vector<double>> record;  ///< of each epoch: the mean loss, then the figures
  bool resumed = false;
};

/// Trains from weights that the course's seed draws (He et al. 2015). A checkpoint of the same settings, seed, device and number of threads
/// is taken up, and the result has the bits that an unbroken training gives on a CPU; one of other settings is left with a warning.
Outcome take_course(Learner& learner, const Course& course, Device device, Run& run);

/// A permutation of 0 to count - 1 for an epoch.
std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed, int epoch);

/// The learning rate after so many epochs, whole and part: it rises to `greatest` over the first and falls to zero with a cosine
/// (Loshchilov and Hutter 2017).
double rate_at(double greatest, int epochs, double epochs_done);

/// Throws Error(parameter) `NAME: must lie between ...` unless low <= value <= high.
void check_option(std::string_view name, double value, double low, double high);
/// Throws Error(not_possible) when a loss is no finite number.
void check_loss(double loss, int epoch);

}  // namespace gantry::learning
