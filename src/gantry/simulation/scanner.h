// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/random.h"
#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry::simulation {

/// Blurs in place along the three axes with Gaussians of the given standard deviations in mm (sampled taps to 4 sigma, whole-sample
/// mirrored ends): a scanner's resolution and slice profile.
void blur(Voxels<float>& image, Vec3 sigma_mm, const Run& run);

/// Noise of filtered back-projection: mean 0, standard deviation 1 in every voxel, its power spectrum in the slice near |f| exp(-(f/f0)^2)
/// as a soft kernel gives it (a Gaussian of `grain_mm` less a broader one), slightly correlated between slices.
Voxels<float> ct_noise(const Grid& grid, double grain_mm, Random random, const Run& run);

/// White noise blurred by Gaussians of `sigma_mm`, standard deviation 1: the blotches of iterative emission images.
Voxels<float> smooth_noise(const Grid& grid, Vec3 sigma_mm, Random random, const Run& run);

/// Magnitude of the image with complex Gaussian noise of standard deviation `sigma` (Rician), in place.
void add_rician_noise(Voxels<float>& image, double sigma, Random random, const Run& run);

}  // namespace gantry::simulation
