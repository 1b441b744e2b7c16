// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/fourier.h"

#include <cmath>
#include <complex>
#include <numbers>

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"

namespace gantry::reconstruction::fourier_test {
namespace {

KSpace random_kspace(Size3 size, int coils, std::int64_t frames, bool volume) {
  Random random(5);
  auto samples = Voxels<std::complex<float>>::uninitialized(Grid(size, {2, 3, 4}, {1, 2, 3}), coils, frames);
  for (std::complex<float>& value : samples.values())
    value = {static_cast<float>(random.next_uniform() - 0.5), static_cast<float>(random.next_uniform() - 0.5)};
  return {.samples = Image(std::move(samples)), .volume = volume};
}

double energy(const Image& image) {
  double sum = 0;
  const auto values = image.as<std::complex<double>>();
  for (const std::complex<double>& value : values.values()) sum += std::norm(value);
  return sum;
}

double mean_around(const Image& image, double x, double y, double radius) {
  const auto values = image.as<float>();
  const Grid& grid = image.grid();
  double sum = 0, count = 0;
  for (std::int64_t j = 0; j < grid.size(1); ++j) {
    for (std::int64_t i = 0; i < grid.size(0); ++i) {
      const Vec3 p = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), 0});
      if (std::hypot(p.x - x, p.y - y) > radius) continue;
      sum += values(i, j, 0);
      ++count;
    }
  }
  return sum / count;
}

}  // namespace

TEST(FourierReconstruction, keeps_the_energy_of_the_samples) {
  gantry::Run run;
  for (const KSpace& kspace : {random_kspace({24, 17, 3}, 3, 2, false), random_kspace({15, 16, 9}, 2, 1, true)}) {
    const Image image = FourierReconstruction{}(kspace, run);
    EXPECT_EQ(image.grid(), kspace.samples.grid());
    EXPECT_EQ(image.frames(), kspace.samples.frames());
    EXPECT_NEAR(energy(image) / energy(kspace.samples), 1, 1e-6);
  }
}

TEST(FourierReconstruction, is_the_sum_that_defines_it) {
  gantry::Run run;
  const KSpace kspace = random_kspace({6, 5, 4}, 1, 1, true);
  const auto samples = kspace.samples.as<std::complex<float>>();
  const Image image = FourierReconstruction{}(kspace, run);
  const auto pixels = image.as<float>();
  for (std::int64_t z = 0; z < 4; ++z) {
    for (std::int64_t y = 0; y < 5; ++y) {
      for (std::int64_t x = 0; x < 6; ++x) {
        std::complex<double> sum;
        for (std::int64_t n = 0; n < 120; ++n) {
          const std::int64_t i = n % 6, j = n / 6 % 5, k = n / 30;
          const double phase = static_cast<double>((i - 3) * (x - 3)) / 6 + static_cast<double>((j - 2) * (y - 2)) / 5 +
                               static_cast<double>((k - 2) * (z - 2)) / 4;
          sum += std::complex<double>(samples[n]) * std::polar(1.0, 2 * std::numbers::pi * phase);
        }
        EXPECT_NEAR(pixels(x, y, z), std::abs(sum) / std::sqrt(120.0), 1e-6);
      }
    }
  }
}

TEST(FourierReconstruction, gives_a_disc_its_value_and_nothing_outside) {
  gantry::Run run;
  const Image image = FourierReconstruction{}(phantom_kspace("disc"), run);
  EXPECT_NEAR(mean_around(image, 0, 0, 17), 1, 0.005);
  EXPECT_NEAR(mean_around(image, 25, 25, 5), 0, 0.02);
  const Image fine = FourierReconstruction{.enlarge = 3}(phantom_kspace("disc"), run);
  EXPECT_EQ(fine.grid().size(), (Size3{192, 192, 1}));
  EXPECT_NEAR(fine.grid().spacing_mm().x, 1.0 / 3, 1e-12);
  EXPECT_NEAR(mean_around(fine, 0, 0, 17), 1, 0.005);
  // Pixels in the same place hold the same value.
  EXPECT_NEAR(fine.as<float>()(96, 96, 0), image.as<float>()(32, 32, 0), 1e-5);
  EXPECT_NEAR(norm(fine.grid().world_from_voxel({96, 96, 0}) - image.grid().world_from_voxel({32, 32, 0})), 0, 1e-9);
}

TEST(FourierReconstruction, takes_oversampling_off_and_joins_coils) {
  gantry::Run run;
  const KSpace head = phantom_kspace("head");
  const Image image = FourierReconstruction{}(head, run);
  EXPECT_EQ(image.grid().size(), (Size3{192, 192, 1}));
  // Regions of the head that are wider than the ringing at their edges; each coil alone is darker on its side.
  EXPECT_NEAR(mean_around(image, 21, 0, 6), 0.0, 0.02);
  EXPECT_NEAR(mean_around(image, 0, -33, 10), 0.3, 0.01);
  EXPECT_NEAR(mean_around(image, -40, 45, 7), 0.2, 0.01);
  EXPECT_NEAR(mean_around(image, 45, 45, 5), 0.2, 0.01);
  const Image whole = FourierReconstruction{.oversampling = 1.0}(head, run);
  EXPECT_EQ(whole.grid().size(), (Size3{384, 192, 1}));
  EXPECT_NEAR(mean_around(whole, 150, 0, 20), 0, 0.01);
  EXPECT_NEAR(mean_around(whole, 0, -33, 10), mean_around(image, 0, -33, 10), 1e-4);
  EXPECT_NEAR(norm(whole.grid().world_from_voxel({192, 96, 0}) - image.grid().world_from_voxel({96, 96, 0})), 0, 1e-9);
}

TEST(FourierReconstruction, has_the_same_bits_for_any_number_of_threads) {
  gantry::Run one(gantry::RunOptions{.threads = 1}), two(gantry::RunOptions{.threads = 2});
  const KSpace kspace = random_kspace({40, 30, 12}, 2, 1, true);
  const Image a = FourierReconstruction{}(kspace, one), b = FourierReconstruction{}(kspace, two);
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.byte_count()), 0);
}

TEST(FourierReconstruction, shows_real_brain_and_knee_as_upright_images_of_the_middle) {
  if (test_data("raw/mr/single-coil").empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  for (const char* name : {"brainksp", "rawkneedata"}) {
    const KSpace kspace = PortType<KSpace>::read(test_data(std::string("raw/mr/single-coil/") + name + ".mat"), run);
    const Image image = FourierReconstruction{}(kspace, run);
    EXPECT_NEAR(energy(image) / energy(kspace.samples), 1, 1e-5) << name;
    // Air surrounds the body: the corners are dark beside the middle.
    const double side = static_cast<double>(image.grid().size(0));
    EXPECT_GT(mean_around(image, 0, 0, side / 5), 8 * mean_around(image, -0.46 * side, -0.46 * side, side / 30)) << name;
  }
}

TEST(FourierReconstruction, shows_a_real_file_of_the_standard_format) {
  const Path path = test_data("raw/mr/acqDataBrainSim100.h5");
  if (path.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const KSpace kspace = PortType<KSpace>::read(path, run);
  const Image image = FourierReconstruction{.oversampling = 1.0}(kspace, run);
  EXPECT_EQ(image.grid().size(), (Size3{256, 256, 1}));
  EXPECT_NEAR(energy(image) / energy(kspace.samples), 1, 1e-5);
  EXPECT_GT(mean_around(image, 0, 0, 40), 20 * mean_around(image, -115, -115, 8));
}

TEST(FourierReconstruction, refuses_samples_that_are_no_numbers_and_empty_or_absurd_fields) {
  gantry::Run run;
  KSpace kspace = random_kspace({8, 8, 1}, 1, 1, false);
  kspace.image_share.x = 0;
  EXPECT_EQ(error_of([&] { FourierReconstruction{}(kspace, run); }).code(), ErrorCode::parameter);
  kspace.image_share.x = std::nan("");
  EXPECT_EQ(error_of([&] { FourierReconstruction{}(kspace, run); }).code(), ErrorCode::parameter);
  kspace.image_share.x = 1e-9;
  EXPECT_EQ(error_of([&] { FourierReconstruction{}(kspace, run); }).code(), ErrorCode::not_possible);
  auto broken = kspace.samples.as<std::complex<float>>().clone();
  broken[3] = {0, INFINITY};
  EXPECT_NE(
      std::string(error_of([&] { FourierReconstruction{}({.samples = Image(std::move(broken))}, run); }).what()).find("must be finite"),
      std::string::npos);
  EXPECT_EQ(error_of([&] { FourierReconstruction{}(KSpace{}, run); }).code(), ErrorCode::not_possible);
  EXPECT_EQ(error_of([&] { PortType<KSpace>::from_bytes({}); }).code(), ErrorCode::unreadable);
}

}  // namespace gantry::reconstruction::fourier_test
