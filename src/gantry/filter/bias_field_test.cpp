// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/bias_field.h"

#include <gtest/gtest.h>

#include "gantry/base/error.h"
#include "gantry/base/random.h"

namespace gantry::bias_field_test {
namespace {

struct Phantom {
  Voxels<float> truth, image;
  Voxels<float> field;
  Mask mask;
};

/// Concentric tissues 30, 70, 100 in a ball, times a smooth field of about +-25 %, with 1 % noise.
Phantom phantom() {
  const Grid grid({64, 60, 52}, {3, 3, 3});
  Phantom p{Voxels<float>(grid), Voxels<float>(grid), Voxels<float>(grid), Mask(grid)};
  const Random random(5);
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const std::int64_t n = grid.index(i, j, k);
        const double x = (static_cast<double>(i) - 32) / 32;
        const double y = (static_cast<double>(j) - 30) / 30;
        const double z = (static_cast<double>(k) - 26) / 26;
        const double r = std::sqrt(x * x + y * y + z * z);
        p.field[n] = static_cast<float>(std::exp(0.2 * x - 0.15 * y + 0.15 * std::sin(2 * z) + 0.1 * x * y));
        if (r > 0.85) continue;
        const double ripple = std::sin(9 * x) * std::sin(8 * y) * std::sin(7 * z);
        p.truth[n] = r < 0.2 || r > 0.78 ? 30.0F : ripple > 0.0 ? 100.0F : 70.0F;
        p.mask[n] = 1;
        p.image[n] = p.truth[n] * p.field[n] * static_cast<float>(1 + 0.01 * random.normal(static_cast<std::uint64_t>(n)));
      }
    }
  }
  return p;
}

double variation(const Voxels<float>& image, const Voxels<float>& truth, float tissue) {
  double sum = 0;
  double squares = 0;
  double count = 0;
  for (std::int64_t n = 0; n < image.count(); ++n) {
    if (truth[n] != tissue) continue;
    sum += image[n];
    squares += static_cast<double>(image[n]) * image[n];
    ++count;
  }
  const double mean = sum / count;
  return std::sqrt(squares / count - mean * mean) / mean;
}

TEST(BiasField, evens_out_each_tissue_of_a_phantom_with_a_known_field) {
  const Phantom p = phantom();
  const BiasField field = estimate_bias_field(p.image, p.mask, {.working_spacing_mm = 3}, gantry::Run());
  const Voxels<float> corrected = field.corrected(p.image, gantry::Run());
  for (const float tissue : {30.0F, 70.0F, 100.0F}) {
    EXPECT_GT(variation(p.image, p.truth, tissue), 0.12);
    EXPECT_LT(variation(corrected, p.truth, tissue), 0.03) << tissue;
  }
  const Voxels<float> found = field.factors(gantry::Run());
  double log_ratio = 0;
  double worst = 0;
  double count = 0;
  for (std::int64_t n = 0; n < found.count(); ++n) {
    if (p.mask[n] != 0) log_ratio += std::log(found[n] / p.field[n]), ++count;
  }
  for (std::int64_t n = 0; n < found.count(); ++n) {
    if (p.mask[n] != 0) worst = std::max(worst, std::abs(std::log(found[n] / p.field[n]) - log_ratio / count));
  }
  EXPECT_LT(worst, 0.12);
}

TEST(BiasField, leaves_an_even_image_nearly_as_it_is) {
  Phantom p = phantom();
  const BiasField field = estimate_bias_field(p.truth, p.mask, {.working_spacing_mm = 3}, gantry::Run());
  const Voxels<float> corrected = field.corrected(p.truth, gantry::Run());
  for (const float tissue : {30.0F, 70.0F, 100.0F}) EXPECT_LT(variation(corrected, p.truth, tissue), 0.02) << tissue;
}

TEST(BiasField, has_the_same_bits_for_any_number_of_threads) {
  const Phantom p = phantom();
  const Voxels<float> one = estimate_bias_field(p.image, p.mask, {}, gantry::Run()).factors(gantry::Run({.threads = 1}));
  const Voxels<float> many = estimate_bias_field(p.image, p.mask, {}, gantry::Run({.threads = 3})).factors(gantry::Run({.threads = 3}));
  EXPECT_TRUE(std::equal(one.values().begin(), one.values().end(), many.values().begin()));
}

TEST(BiasField, refuses_what_it_cannot_use) {
  const Grid grid({16, 16, 16}, {4, 4, 4});
  EXPECT_THROW(estimate_bias_field(Voxels<float>(grid, 5.0F), Mask(grid, 1), {}, gantry::Run()), Error);
  EXPECT_THROW(estimate_bias_field(Voxels<float>(grid, NAN), Mask(grid, 1), {}, gantry::Run()), Error);
  EXPECT_THROW(estimate_bias_field(Voxels<float>(grid, 5.0F), Mask(grid, 0), {}, gantry::Run()), Error);
  EXPECT_THROW(estimate_bias_field(Voxels<float>(grid, 5.0F), Mask(grid, 1), {.levels = 0}, gantry::Run()), Error);
  EXPECT_THROW(estimate_bias_field(Voxels<float>(grid, 5.0F), Mask(grid, 1), {.kernel_fwhm = NAN}, gantry::Run()), Error);
  EXPECT_THROW(estimate_bias_field(Voxels<float>(grid, 5.0F), Mask(Grid({8, 8, 8}), 1), {}, gantry::Run()), Error);
}

}  // namespace
}  // namespace gantry::bias_field_test
