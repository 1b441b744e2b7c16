// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>

#include "gantry/base/run.h"
#include "gantry/reconstruction/beam.h"

namespace gantry::reconstruction {

/// Line integrals of one square slice around the axis of rotation, and their exact adjoint. Along a ray the values are interpolated
/// linearly between the two pixels of each row or column that it crosses, whichever it crosses more steeply (Joseph 1982). Outside the
/// slice all is 0.
class Projector {
 public:
  /// Throws Error(parameter) when a fan beam's source would lie in the slice.
  Projector(Beam beam, std::int64_t size, double pixel_mm);

  const Beam& beam() const { return beam_; }
  std::int64_t size() const { return size_; }

  /// The integrals (value times mm) of a slice, a row of `columns` values for each view of `views`, one after the other.
  void forward(std::span<const float> slice, std::span<const std::int64_t> views, std::span<float> rows, const Run& run) const;
  /// Adds to `slice` what the rows of these views put into it: the transpose of `forward`. The same bits for any number of threads.
  void adjoint(std::span<const float> rows, std::span<const std::int64_t> views, std::span<float> slice, const Run& run) const;

 private:
  struct Rays;
  Rays rays_of(std::int64_t view) const;

  Beam beam_;
  std::int64_t size_;
  double pixel_mm_;
};

}  // namespace gantry::reconstruction
