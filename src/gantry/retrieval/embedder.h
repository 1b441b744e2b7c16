// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <span>

#include "gantry/image/vectors.h"
#include "gantry/learning/picture_model.h"

namespace gantry {

/// Turns pictures into vectors of length 1: `thumbnail`, which has learnt nothing (`thumbnail_vector`), or a classifier of pictures that is
/// installed in models/, named by its folder: its values before the last layer.
class Embedder {
 public:
  /// Throws Error(parameter) for a name of other than a-z, 0-9 and _, Error(not_found) when no such model is installed, and what
  /// `PictureModel` throws.
  explicit Embedder(const std::string& name);

  /// Name, and of a model the beginning of its weights' digest: vectors of different ones must not be compared.
  const std::string& id() const { return id_; }
  int dimension() const;
  /// One vector after the other, of 8- or 16-bit pictures as `picture_of` gives them. Warns when pictures are unlike those that a model
  /// learnt from. Throws what `fit_picture` and `thumbnail_vector` throw, with the picture's number.
  std::vector<float> embed(std::span<const Image> pictures, Run& run) const;

 private:
  std::string id_;
  std::unique_ptr<learning::PictureModel> model_;
};

/// All pictures of the images, in the order slice by slice, frame by frame: a film is one, a stack many. Throws Error(refused) for more
/// than `most`, before they are taken apart, and Error(not_possible) when there is none or an image is complex.
std::vector<Image> pictures_of(std::span<const Image> images, std::size_t most);
/// A picture as a grey square of bytes, one row after the other.
std::vector<std::uint8_t> thumbnail_bytes(const Image& picture, int side);

}  // namespace gantry
