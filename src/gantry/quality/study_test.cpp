// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/quality/study.h"

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/quality/slices.h"
#include "gantry/volume/filters.h"

namespace gantry::study_test {
namespace {

/// A block of 48 x 40 x 24 mm with the given signal in a field of 104 x 104 x 72 mm.
Voxels<float> block(float signal, const Grid& grid = Grid({104, 104, 72})) {
  Voxels<float> image(grid, 0.0F);
  const Size3 size = grid.size();
  for (std::int64_t k = 24; k < std::min<std::int64_t>(48, size[2]); ++k) {
    for (std::int64_t j = 32; j < 72; ++j) {
      for (std::int64_t i = 28; i < 76; ++i) image(i, j, k) = signal;
    }
  }
  return image;
}

Voxels<float> with_noise(Voxels<float> image, double sigma) {
  const Random random(5);
  for (std::int64_t n = 0; n < image.count(); ++n) image[n] += static_cast<float>(sigma * random.normal(static_cast<std::uint64_t>(n)));
  return image;
}

Json measures_of(Image image, QualityModality modality = QualityModality::other) {
  gantry::Run run;
  return StudyQuality{.modality = modality}(image, run).result["measures"];
}
double value_of(const Json& measures, const char* id) { return measures.at(id).at("value").get<double>(); }

TEST(StudyQuality, finds_the_noise_that_was_added) {
  for (const double sigma : {2.0, 10.0, 25.0}) {
    const Json measures = measures_of(with_noise(block(300), sigma));
    EXPECT_NEAR(value_of(measures, "noise") / sigma, 1, 0.03) << sigma;
    EXPECT_NEAR(value_of(measures, "signal_to_noise") / (300 / sigma), 1, 0.04) << sigma;
  }
}

TEST(StudyQuality, finds_the_contrast_of_two_halves) {
  Voxels<float> image = block(200);
  for (std::int64_t k = 24; k < 48; ++k) {
    for (std::int64_t j = 32; j < 72; ++j) {
      for (std::int64_t i = 28; i < 52; ++i) image(i, j, k) = 260;
    }
  }
  // The step between the halves counts as noise where it is met, at one in twelve of the places that are looked at.
  EXPECT_NEAR(value_of(measures_of(with_noise(std::move(image), 5)), "contrast_to_noise"), 60 / 5.0, 1.2);
}

TEST(StudyQuality, finds_the_width_of_a_gaussian_blur) {
  gantry::Run run;
  for (const double sigma : {1.0, 1.5, 2.0}) {
    const Image blurred = gaussian(VoxelView<float>(block(300)), {sigma, sigma, sigma}, Border::nearest, run);
    // 2.355 sigma is the full width at half maximum.
    EXPECT_NEAR(value_of(measures_of(blurred), "edge_width") / (2.355 * sigma), 1, 0.1) << sigma;
  }
}

TEST(StudyQuality, finds_the_amplitude_of_a_ghost) {
  for (const double amplitude : {0.01, 0.04}) {
    Voxels<float> image = block(300);
    // A smear along j beside the block, as motion leaves it along the phase axis.
    for (std::int64_t k = 24; k < 48; ++k) {
      for (std::int64_t j = 0; j < 104; ++j) {
        for (std::int64_t i = 28; i < 76; ++i) image(i, j, k) += static_cast<float>(j < 32 || j >= 72 ? 300 * amplitude : 0);
      }
    }
    const Random random(9);
    for (std::int64_t n = 0; n < image.count(); ++n) {
      image[n] = std::abs(image[n] + static_cast<float>(2 * random.normal(static_cast<std::uint64_t>(n))));
    }
    // Against twice the signal; what is left of the noise's mean magnitude hides the least of it.
    EXPECT_NEAR(value_of(measures_of(std::move(image), QualityModality::mr), "ghosting"), 100 * amplitude / 2, 0.27) << amplitude;
  }
  EXPECT_LT(value_of(measures_of(with_noise(block(300), 1), QualityModality::mr), "ghosting"), 0.02);
  EXPECT_EQ(measures_of(block(300), QualityModality::mr)["ghosting"]["reason"], "the background was set to zero");
}

TEST(StudyQuality, finds_slices_that_were_moved) {
  Voxels<float> moved(Grid({104, 104, 72}, {0.8, 0.8, 3}), 0.0F);
  const Voxels<float> still = block(300, moved.grid());
  for (std::int64_t k = 0; k < 72; ++k) {
    for (std::int64_t j = 0; j < 104; ++j) {
      for (std::int64_t i = 4; i < 104; ++i) moved(i, j, k) = k % 2 == 0 ? still(i, j, k) : still(i - 4, j, k);
    }
  }
  EXPECT_EQ(value_of(measures_of(still.clone()), "slice_shift"), 0);
  const Json measures = measures_of(std::move(moved));
  EXPECT_NEAR(value_of(measures, "slice_shift"), 3.2, 1e-6);
  EXPECT_NEAR(value_of(measures, "largest_slice_shift"), 3.2, 1e-6);
}

TEST(StudyQuality, finds_slices_that_are_missing_uneven_empty_or_repeated) {
  Voxels<float> image = with_noise(block(300), 3);
  std::vector<double> positions;
  for (int k = 0; k < 72; ++k) positions.push_back(k < 30 ? k : k + 2);  // two slices between 29 and 30 are lost
  for (std::int64_t n = 0; n < 104 * 104; ++n) {
    image[50 * 104 * 104 + n] = image[49 * 104 * 104 + n];
    image[70 * 104 * 104 + n] = 0;
  }
  for (std::int64_t n = 0; n < 104 * 104; ++n) image[35 * 104 * 104 + n] *= 1.2F;
  const Grid uneven = image.grid().with_slice_positions(positions);
  image.set_grid(uneven);
  const Json measures = measures_of(std::move(image));
  EXPECT_EQ(value_of(measures, "missing_slices"), 2);
  EXPECT_EQ(value_of(measures, "slice_step"), 1);
  EXPECT_EQ(value_of(measures, "slice_step_spread"), 200);
  EXPECT_EQ(value_of(measures, "repeated_slices"), 1);
  EXPECT_EQ(value_of(measures, "empty_slices"), 1);
  EXPECT_NEAR(value_of(measures, "slice_signal_jump"), 20, 0.3);
}

TEST(StudyQuality, takes_the_smaller_of_two_middle_steps) {
  const quality::SliceSteps steps = quality::slice_steps(Grid({4, 4, 3}).with_slice_positions({0, 1, 3}));
  EXPECT_EQ(steps.median_mm, 1);
  EXPECT_EQ(steps.missing, 1);
  EXPECT_EQ(steps.spread_percent, 100);
}

TEST(StudyQuality, finds_values_that_were_clipped) {
  Voxels<float> image = with_noise(block(300), 20);
  for (float& v : image.values()) v = std::min(v, 320.0F);
  // A normal distribution has 15.87 % above one standard deviation.
  EXPECT_NEAR(value_of(measures_of(std::move(image)), "at_highest"), 15.87, 0.4);
  EXPECT_EQ(value_of(measures_of(with_noise(block(300), 20)), "at_highest"), 0);
}

TEST(StudyQuality, finds_an_object_that_the_field_cuts) {
  Voxels<float> image(Grid({50, 40, 10}), 0.0F);
  for (std::int64_t k = 0; k < 10; ++k) {
    for (std::int64_t j = 0; j < 20; ++j) {
      for (std::int64_t i = 10; i < 40; ++i) image(i, j, k) = 100;
    }
  }
  // 30 of the 176 voxels at the sides of each slice.
  EXPECT_NEAR(value_of(measures_of(std::move(image)), "truncated"), 100 * 30 / 176.0, 1e-9);
  EXPECT_EQ(value_of(measures_of(block(100)), "truncated"), 0);
}

TEST(StudyQuality, measures_a_ct_in_its_own_units) {
  Voxels<float> image(Grid({104, 104, 72}), -1000.0F);
  const Voxels<float> body = block(1);
  for (std::int64_t n = 0; n < image.count(); ++n) {
    if (body[n] > 0) image[n] = 40;
  }
  const Json measures = measures_of(with_noise(std::move(image), 12), QualityModality::ct);
  EXPECT_NEAR(value_of(measures, "noise"), 12, 0.4);
  // The 15th percentile of squares of 81 voxels: their spread is 1 / sqrt(162), and 1.04 of it lies below the mean.
  EXPECT_NEAR(value_of(measures, "soft_tissue_noise"), 12 * (1 - 1.04 / std::sqrt(162.0)), 0.25);
  EXPECT_NEAR(value_of(measures, "signal"), 1040, 2);
  EXPECT_TRUE(measures["lung_noise"]["value"].is_null());
  EXPECT_LT(value_of(measures, "slice_signal_jump"), 0.5);  // of the signal above air, not of HU about 0
  EXPECT_FALSE(measures.contains("ghosting"));
}

TEST(StudyQuality, gives_the_same_bits_for_any_number_of_threads) {
  gantry::Run one(RunOptions{.threads = 1}), three(RunOptions{.threads = 3});
  const Image image = with_noise(block(300), 10);
  EXPECT_EQ(StudyQuality{}(image, one).result, StudyQuality{}(image, three).result);
}

TEST(StudyQuality, says_why_it_measures_nothing) {
  gantry::Run run;
  EXPECT_EQ(error_of([&] { StudyQuality{}(phantom("constant"), run); }).message(), "image: must hold an object; all values are equal");
  EXPECT_EQ(error_of([&] {
              StudyQuality{.modality = QualityModality::ct}(Image(Voxels<float>(Grid({8, 8, 8}), -1000.0F)), run);
            }).message(),
            "image: must hold an object; nothing lies above -300 HU");
  EXPECT_EQ(error_of([&] {
              StudyQuality{}(Image(Voxels<float>(Grid({8, 8, 8}), NAN)), run);
            }).message(),
            "image: must hold finite values; it holds none");
  EXPECT_EQ(error_of([&] { StudyQuality{}(Image(Voxels<float>(Grid({8, 8, 8}), 1.0F, 3)), run); }).code(), ErrorCode::not_possible);
  const Json small = measures_of(phantom("impulse"));
  EXPECT_TRUE(small["noise"]["value"].is_null());
  EXPECT_EQ(small["noise"]["reason"], "too few places inside the object whose neighbours are inside");
  Voxels<float> holed = with_noise(block(300), 5);
  holed(50, 50, 30) = NAN;
  holed(0, 0, 0) = INFINITY;
  EXPECT_EQ(value_of(measures_of(std::move(holed)), "not_finite"), 2);
}

}  // namespace
}  // namespace gantry::study_test
