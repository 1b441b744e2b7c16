// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/run.h"
#include "gantry/learning/preprocessing.h"

namespace gantry::learning {

/// Labelled pictures, each brought to a network's size with values in [0, 1] (`fit_picture`), one after the other.
struct Cases {
  std::vector<float> values;
  std::vector<int> labels;
  std::vector<std::string> names;    ///< "train/normal/film_3.png", "train_images[12]"
  std::vector<std::string> digests;  ///< SHA-256 of size and pixels as stored
  std::size_t size() const { return labels.size(); }
};

/// A classification data set in three parts.
struct PictureSet {
  std::vector<std::string> classes;
  PictureInput input;  ///< size and channels; mean and standard deviation are 0 and 1
  Cases train, validation, test;
  std::string digest;  ///< SHA-256 over all digests and labels
};

/// How to read a data set. Zeros and empty lists mean: as the data set has it.
struct PictureSetOptions {
  int channels = 0, rows = 0, columns = 0;
  std::vector<std::string> classes;  ///< names of the labels 0, 1, ... of an NPZ file; must be those of a folder
  bool complete = true;              ///< train and validation must be there, as for learning
};

/// Reads labelled pictures:
/// - an NPZ file in MedMNIST's form (or a folder that holds just one): `train_images` (n, rows, columns[, 3]) and `train_labels` (n) or
///   (n, 1), the same for `val` and `test`;
/// - a folder with `train/`, `val/` and, if wanted, `test/`, each with one folder of pictures a class;
/// - a folder with one folder of pictures a class: parted 70 : 10 : 20 by the pixels' digest, so that copies stay together.
/// A picture that is both in `test` and in another part throws Error(refused) with both names: figures would be too good. Pictures that
/// `train` shares with `validation` leave `train` with a warning; labels that contradict each other are warned of. Throws Error(refused)
/// for a set without two classes in train and validation, and what `fit_picture` throws, with the picture's name.
PictureSet read_picture_set(const Path& path, const PictureSetOptions& options, Run& run);

}  // namespace gantry::learning
