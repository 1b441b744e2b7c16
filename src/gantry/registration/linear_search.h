// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/image/transform.h"
#include "gantry/registration/prepared.h"

namespace gantry {

/// Rotations and shifts alone, or any linear map.
enum class LinearKind { rigid, affine };

/// Which linear map is sought, how finely, and where from.
struct LinearSearchOptions {
  LinearKind kind = LinearKind::rigid;
  double finest_mm = 1;           ///< the last level is as fine as this, or as the images
  std::int64_t samples = 200000;  ///< of the fixed image at the last level
  bool far = true;                ///< first tries shifts over half the fixed image; else begins at `start`
  Transform start{};              ///< moving_from_fixed; linear
};

/// The map that was found and how well it fits.
struct LinearSearchResult {
  Transform moving_from_fixed;
  double information = 0;        ///< mutual information at the end, in nats
  double first_information = 0;  ///< and at the same level for the start
  double overlap = 0;            ///< share of the fixed samples that lie on the moving image
  int evaluations = 0;
};

/// Finds the linear map with the highest mutual information, from coarse to fine. Throws Error(not_possible) when the images do not
/// overlap.
LinearSearchResult search_linear(const Prepared& fixed, const Prepared& moving, const LinearSearchOptions& options, Run& run);

/// The matrix that turns by |axis| radians about `axis` (Rodrigues' formula), and the angle of a rotation matrix in degrees.
Mat3 rotation_about(Vec3 axis);
double angle_degrees(const Mat3& rotation);

}  // namespace gantry
