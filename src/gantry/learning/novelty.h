// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>

#include "gantry/bundle/bundle.h"
#include "gantry/bundle/safetensors.h"
#include "gantry/learning/data_set.h"

namespace gantry::learning {

/// Tells pictures that are unlike those of a training part, of which a network is not to speak. A picture counts as a grey thumbnail of at
/// most 28 x 28 pixels with mean 0 and deviation 1, so that neither exposure nor size decides. Two figures tell how it lies to the main
/// directions of the training part (Jackson and Mudholkar 1979): its squared distance along them, in their own variances (Hotelling's T2:
/// an inverted or turned film), and what they leave over (Q: noise, other kinds of pictures).
class Novelty {
 public:
  /// How a picture lies.
  struct Place {
    double structure = 0;  ///< T2 over the number of directions
    double detail = 0;     ///< Q over the number of pixels
  };
  /// From at least 100 pictures of the training part. A new picture of the validation part's kind exceeds each of the two limits with a
  /// probability of at most 1 % (split conformal: value number ceil(.99 (n + 1)) of n); too little detail is half of the least there.
  /// Nothing when the validation part has less than 99 pictures: no limit follows from so few. Costs the eigenvectors of a matrix of 784 x
  /// 784 at most: a second.
  static std::optional<Novelty> learnt(const Cases& train, const Cases& validation, const PictureInput& input);
  /// From the member `novelty` of a manifest and its file; nothing when there is none. Throws Error(unreadable) for what does not fit.
  static std::optional<Novelty> of(const bundle::Bundle& bundle);

  /// For a picture as `fit_picture` gives it.
  Place place(std::span<const float> values, const PictureInput& input) const;
  /// Why the picture is unlike those of the training part; empty when it is like them.
  std::string reason(std::span<const float> values, const PictureInput& input) const;
  /// Share of the pictures that have a reason, to four digits as figures are stated.
  double share_unlike(const Cases& cases, const PictureInput& input, const Run& run) const;

  /// For the manifest and its file `novelty_file`.
  Json to_json() const;
  bundle::Weights tensors() const;

 private:
  int rows_ = 0, columns_ = 0;
  std::vector<float> mean_, directions_, variances_;  ///< rows x columns; one direction after the other; along each
  double most_structure_ = 0, most_detail_ = 0, least_detail_ = 0;
};

constexpr const char* novelty_file = "novelty.safetensors";

}  // namespace gantry::learning
