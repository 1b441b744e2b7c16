// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/bias_correction.h"

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/image/phantom/phantom.h"

namespace gantry::bias_correction_test {
namespace {

/// A ball of two tissues, 70 and 100, times a field from about 0.8 to 1.25, with 1 % noise; 3 mm voxels.
struct Ball {
  Voxels<float> truth = Voxels<float>(Grid({48, 48, 48}, {3, 3, 3})), image = truth.clone(), field = truth.clone();
  Ball() {
    const Random random(5);
    for (std::int64_t k = 0; k < 48; ++k) {
      for (std::int64_t j = 0; j < 48; ++j) {
        for (std::int64_t i = 0; i < 48; ++i) {
          const std::int64_t n = truth.grid().index(i, j, k);
          const double x = (static_cast<double>(i) - 23.5) / 24, y = (static_cast<double>(j) - 23.5) / 24,
                       z = (static_cast<double>(k) - 23.5) / 24;
          field[n] = static_cast<float>(std::exp(0.2 * x - 0.15 * y + 0.1 * std::sin(2 * z)));
          if (x * x + y * y + z * z > 0.8) continue;
          truth[n] = std::sin(9 * x) * std::sin(8 * y) * std::sin(7 * z) > 0 ? 100 : 70;
          image[n] = truth[n] * field[n] * static_cast<float>(1 + 0.01 * random.normal(static_cast<std::uint64_t>(n)));
        }
      }
    }
  }
};

TEST(BiasCorrection, finds_a_known_field_without_a_mask) {
  const Ball ball;
  gantry::Run run;
  const Image image(ball.image.clone());
  const auto result = BiasCorrection{}(image, nullptr, run);
  const auto field = result.field.as<float>(), corrected = result.corrected.as<float>();
  double mean = 0, squares = 0, count = 0;
  for (std::int64_t n = 0; n < field.count(); ++n) {
    if (ball.truth[n] == 0) continue;
    const double ratio = std::log(field[n] / ball.field[n]);
    mean += ratio;
    squares += ratio * ratio;
    ++count;
    ASSERT_NEAR(corrected[n] * field[n], ball.image[n], 1e-3);
  }
  mean /= count;
  // The field spreads by 0.13 (standard deviation of its logarithm); what is left of it:
  EXPECT_LT(std::sqrt(squares / count - mean * mean), 0.03);
  EXPECT_GT(result.result["field_maximum"].get<double>(), 1.15);
}

TEST(BiasCorrection, estimates_under_the_mask_that_it_is_given) {
  const Ball ball;
  gantry::Run run;
  Mask half(ball.truth.grid(), std::uint8_t{0});
  for (std::int64_t n = 0; n < half.count() / 2; ++n) half[n] = ball.truth[n] > 0 ? 1 : 0;
  std::int64_t voxels = 0;
  for (const std::uint8_t v : half.values()) voxels += v;
  const Labels mask(Image(std::move(half)), {});
  EXPECT_EQ(BiasCorrection{.levels = 2}(Image(ball.image.clone()), &mask, run).result["mask_voxels"], voxels);
}

TEST(BiasCorrection, gives_the_same_bits_for_any_number_of_threads) {
  const Ball ball;
  gantry::Run one(RunOptions{.threads = 1}), three(RunOptions{.threads = 3});
  const Image image(ball.image.clone());
  const BiasCorrection correction{.levels = 2, .iterations = 5};
  EXPECT_TRUE(std::ranges::equal(correction(image, nullptr, one).corrected.bytes(), correction(image, nullptr, three).corrected.bytes()));
}

TEST(BiasCorrection, refuses_what_has_no_field) {
  gantry::Run run;
  const Labels other(Image(Mask(Grid({4, 4, 4}), std::uint8_t{1})), {}), empty(Image(Mask(phantom("ramp").grid(), std::uint8_t{0})), {});
  EXPECT_EQ(error_of([&] { BiasCorrection{}(phantom("ramp"), &other, run); }).message(), "mask: must lie on the grid of the image");
  EXPECT_EQ(error_of([&] { BiasCorrection{}(phantom("ramp"), &empty, run); }).code(), ErrorCode::not_possible);
  EXPECT_EQ(error_of([&] { BiasCorrection{}(phantom("constant"), nullptr, run); }).code(), ErrorCode::not_possible);
  EXPECT_EQ(error_of([&] { BiasCorrection{.levels = 0}(phantom("ramp"), nullptr, run); }).code(), ErrorCode::parameter);
}

}  // namespace
}  // namespace gantry::bias_correction_test
