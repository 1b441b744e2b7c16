// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/non_local_means.h"

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/image/phantom/phantom.h"

namespace gantry::non_local_means_test {
namespace {

/// The head phantom at 0 to 1000 with noise of 40; `rician` as the magnitude of a complex signal.
Image noisy_head(bool rician) {
  auto image = phantom("shepp_logan").as<float>().clone();
  const Random random(3);
  for (std::int64_t n = 0; n < image.count(); ++n) {
    const auto index = static_cast<std::uint64_t>(n);
    const double real = 1000 * image[n] + 40 * random.normal(2 * index), imaginary = 40 * random.normal(2 * index + 1);
    image[n] = static_cast<float>(rician ? std::hypot(real, imaginary) : real);
  }
  return image;
}

double rms_error(const Image& image, double from = -1, double to = 2) {
  const auto values = image.as<float>(), truth = phantom("shepp_logan").as<float>();
  double sum = 0, count = 0;
  for (std::int64_t n = 0; n < values.count(); ++n) {
    if (truth[n] < from || truth[n] > to) continue;
    sum += std::pow(values[n] - 1000 * truth[n], 2);
    ++count;
  }
  return std::sqrt(sum / count);
}

TEST(NoiseDeviation, is_that_of_the_noise_that_was_added) {
  EXPECT_NEAR(noise_deviation(noisy_head(false).as<float>(), gantry::Run()), 40, 3);
  EXPECT_NEAR(noise_deviation(phantom("noise").as<float>(), gantry::Run()), 1, 0.02);
  EXPECT_EQ(noise_deviation(phantom("constant").as<float>(), gantry::Run()), 0);
}

TEST(NonLocalMeans, takes_off_most_of_a_known_noise_and_keeps_the_edges) {
  gantry::Run run;
  const Image noisy = noisy_head(false);
  const auto cleaned = NonLocalMeans{.search_radius = 3}(noisy, run);
  EXPECT_NEAR(rms_error(noisy), 40, 0.5);
  EXPECT_LT(rms_error(cleaned.filtered), 12);
  // The thin skull is an edge everywhere.
  EXPECT_LT(rms_error(cleaned.filtered, 0.9, 1.1), 30);
  EXPECT_NEAR(cleaned.result["sigma"][0].get<double>(), 40, 3);
}

TEST(NonLocalMeans, takes_the_bias_of_magnitudes_off) {
  gantry::Run run;
  const Image noisy = noisy_head(true);
  const auto gaussian = NonLocalMeans{.sigma = 40, .search_radius = 3}(noisy, run);
  const auto rician = NonLocalMeans{.sigma = 40, .search_radius = 3, .noise = NoiseModel::rician}(noisy, run);
  // Air is 0: as magnitudes its mean is 40 sqrt(pi / 2) = 50.
  EXPECT_NEAR(rms_error(gaussian.filtered, -0.01, 0.01), 50, 3);
  EXPECT_LT(rms_error(rician.filtered, -0.01, 0.01), 25);
  EXPECT_LT(rms_error(rician.filtered, 0.15, 0.35), 12);
}

TEST(NonLocalMeans, keeps_a_constant_and_an_image_far_above_the_noise) {
  gantry::Run run;
  const auto same = NonLocalMeans{.sigma = 1, .search_radius = 2}(phantom("constant"), run).filtered.as<float>();
  for (std::int64_t n = 0; n < same.count(); ++n) ASSERT_NEAR(same[n], 100, 1e-3);
  const auto steps = NonLocalMeans{.sigma = 1e-4, .search_radius = 2}(phantom("checkerboard"), run).filtered.as<float>();
  const auto truth = phantom("checkerboard").as<float>();
  for (std::int64_t n = 0; n < steps.count(); ++n) ASSERT_NEAR(steps[n], truth[n], 1e-6);
}

TEST(NonLocalMeans, is_the_mean_over_the_window_where_everything_is_alike) {
  // With weights so wide that all are 1, an impulse is spread over the 5^3 voxels around it.
  gantry::Run run;
  const auto spread = NonLocalMeans{.sigma = 1000, .strength = 5, .patch_radius = 1, .search_radius = 2}(phantom("impulse"), run);
  const auto values = spread.filtered.as<float>();
  EXPECT_NEAR(values(32, 32, 32), 1 / 125.0, 1e-5);
  EXPECT_NEAR(values(34, 30, 32), 1 / 125.0, 1e-5);
  EXPECT_NEAR(values(35, 32, 32), 0, 1e-7);
}

TEST(NonLocalMeans, takes_slices_as_planes_and_series_frame_by_frame) {
  gantry::Run run;
  auto series = Voxels<float>::uninitialized(Grid({24, 20, 1}), 1, 2);
  const Random random(9);
  for (std::int64_t n = 0; n < series.count(); ++n) {
    series[n] = static_cast<float>((n < 480 ? 100 : 500) + 5 * random.normal(static_cast<std::uint64_t>(n)));
  }
  const auto cleaned = NonLocalMeans{.sigma = 5}(Image(std::move(series)), run);
  const auto values = cleaned.filtered.as<float>();
  EXPECT_EQ(cleaned.result["sigma"].size(), 2U);
  for (std::int64_t n = 0; n < values.count(); ++n) ASSERT_NEAR(values[n], n < 480 ? 100 : 500, 12);
}

TEST(NonLocalMeans, gives_the_same_bits_for_any_number_of_threads) {
  gantry::Run one(RunOptions{.threads = 1}), three(RunOptions{.threads = 3});
  const NonLocalMeans filter{.search_radius = 1};
  EXPECT_TRUE(std::ranges::equal(filter(noisy_head(false), one).filtered.bytes(), filter(noisy_head(false), three).filtered.bytes()));
}

TEST(NonLocalMeans, refuses_what_has_no_answer) {
  gantry::Run run;
  EXPECT_EQ(error_of([&] { NonLocalMeans{}(phantom("constant"), run); }).message(),
            "image: has no noise that could be estimated; state sigma");
  EXPECT_EQ(error_of([&] { NonLocalMeans{.sigma = 0}(phantom("noise"), run); }).code(), ErrorCode::parameter);
  EXPECT_EQ(error_of([&] { NonLocalMeans{.search_radius = 0}(phantom("noise"), run); }).code(), ErrorCode::parameter);
  auto broken = phantom("noise").as<float>().clone();
  broken[5] = NAN;
  EXPECT_EQ(error_of([&] { NonLocalMeans{.sigma = 1}(Image(std::move(broken)), run); }).message(), "image: must be finite; found nan");
}

}  // namespace
}  // namespace gantry::non_local_means_test
