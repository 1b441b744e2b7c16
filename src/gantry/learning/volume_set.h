// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry::learning {

/// A volume and the class of each of its voxels, axes i, j, k nearest to +L, +P, +S (`to_canonical`).
struct VolumeCase {
  std::string name;
  Voxels<float> image;  ///< one frame a channel
  Voxels<std::uint8_t> labels;
  std::string digest;  ///< SHA-256 of size and voxels as stored; copies of an image have the same
};

/// A data set of volumes, parted for cross-validation.
struct VolumeSet {
  std::vector<std::string> classes;             ///< of the labels 0, 1, ...; the first is background
  std::vector<VolumeCase> cases;                ///< in the order of their names
  std::vector<std::vector<std::size_t>> folds;  ///< the cases that each fold holds out; empty unless asked for
  bool ct = false;                              ///< `dataset.json` says that the images are CT
  std::string digest;                           ///< SHA-256 over all names, images and labels

  int channels() const { return cases.empty() ? 0 : static_cast<int>(cases[0].image.frames()); }
  /// All cases but those that a fold holds out. Throws Error(refused) when there is no such fold.
  std::vector<std::size_t> training_of(std::size_t fold) const;
};

/// How to read a data set.
struct VolumeSetOptions {
  std::vector<std::string> classes;  ///< names of the labels 0, 1, ...; empty: those of `dataset.json`, else numbered
  int folds = 5;                     ///< 2 to 20; 0 = it is not parted
  bool labels = true;                ///< false: images alone are read, also where a folder of labels lies beside them
};

/// Reads a folder with `images/` and `labels/`, or `imagesTr/` and `labelsTr/` as the Medical Segmentation Decathlon has them: one image
/// file and one label file of the same name a case (nnU-Net's `_0000` at the end of image names is taken off), the frames of an image
/// being its channels. Folds are those of a file `splits_final.json` as nnU-Net writes it, else cases are dealt out at random, always
/// the same way and copies of an image together. Throws Error(refused), with the name of the case, for no or too few cases, an image
/// without label and the other way round, images that differ in channels, values that are not finite, an image without contrast, a label
/// image on another grid or with values that are no class, a class that no case has; for folds that leak (the same case or copies of one
/// image on both sides), name unknown cases or leave a side empty; Error(out_of_memory) beyond the Run's budget.
VolumeSet read_volume_set(const Path& folder, const VolumeSetOptions& options, Run& run);

/// The `data_set` of a training record: what was learnt from and what was held out, with the beginnings of the digests.
Json data_set_record(const VolumeSet& set, const std::vector<std::size_t>& training, const std::vector<std::size_t>& held_out);
/// The cases of one part for a model: `train` (those that it learnt from), `validation` (those that it held out) or `test` (all;
/// Error(refused) with the name when it learnt from one of them or from a copy). Throws Error(refused) when the part has no case.
std::vector<std::size_t> cases_of_part(const Json& manifest, const VolumeSet& set, const std::string& part);

/// Checks an image for a network and gives it canonical axes, one frame a channel. Throws Error(refused) for several components, complex
/// or colour values, values that are not finite and no contrast.
Voxels<float> canonical_channels(const Image& image);

}  // namespace gantry::learning
