// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/filters.h"

#include <gtest/gtest.h>

#include "gantry/base/error.h"
#include "gantry/base/random.h"

namespace gantry::filters_test {
namespace {

Voxels<float> noise(const Grid& grid, std::uint64_t seed = 1) {
  Voxels<float> image(grid);
  const Random random(seed);
  for (std::int64_t n = 0; n < image.count(); ++n) image[n] = static_cast<float>(random.normal(static_cast<std::uint64_t>(n)));
  return image;
}

/// The mean over a cube by definition, mirrored borders.
double direct_mean(const Voxels<float>& image, Size3 at, std::array<int, 3> r) {
  const auto mirrored = [](std::int64_t i, std::int64_t n) {
    while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
    return i;
  };
  double sum = 0;
  int count = 0;
  for (int c = -r[2]; c <= r[2]; ++c) {
    for (int b = -r[1]; b <= r[1]; ++b) {
      for (int a = -r[0]; a <= r[0]; ++a, ++count) {
        sum += image(mirrored(at[0] + a, image.grid().size(0)), mirrored(at[1] + b, image.grid().size(1)),
                     mirrored(at[2] + c, image.grid().size(2)));
      }
    }
  }
  return sum / count;
}

TEST(Gaussian, keeps_the_mean_of_a_constant_image) {
  const Voxels<float> image(Grid({20, 11, 7}, {0.5, 1, 3}), 37.5F);
  for (const Border border : {Border::mirror, Border::nearest}) {
    const auto smooth = gaussian(image, {1.5, 2, 4}, border, {});
    for (const float value : smooth.values()) EXPECT_NEAR(value, 37.5, 1e-4);
  }
}

TEST(Gaussian, of_an_impulse_is_the_gaussian_in_millimetres) {
  Voxels<float> image(Grid({41, 41, 21}, {1, 0.5, 2}));
  image(20, 20, 10) = 1000;
  const double sigma = 2.5;
  const auto smooth = gaussian(image, {sigma, sigma, sigma}, Border::zero, {});
  const double voxel = 1 * 0.5 * 2;
  for (const auto& [i, j, k] : std::vector<std::array<int, 3>>{{20, 20, 10}, {23, 20, 10}, {20, 25, 10}, {20, 20, 12}, {18, 23, 11}}) {
    const double x = i - 20, y = (j - 20) * 0.5, z = (k - 10) * 2;
    const double density = std::exp(-(x * x + y * y + z * z) / (2 * sigma * sigma)) / std::pow(2 * M_PI * sigma * sigma, 1.5);
    EXPECT_NEAR(smooth(i, j, k), 1000 * voxel * density, 2e-3 * 1000 * voxel * density);
  }
  double sum = 0;
  for (const float value : smooth.values()) sum += value;
  EXPECT_NEAR(sum, 1000, 2);  // what the zero border swallows is far out
}

TEST(Gaussian, mirror_keeps_the_sum_and_zero_loses_at_the_border) {
  const auto image = [] {
    Voxels<float> v(Grid({9, 8, 5}));
    v(0, 0, 0) = 64;
    return v;
  }();
  const auto sum = [](const Voxels<float>& v) {
    double s = 0;
    for (const float value : v.values()) s += value;
    return s;
  };
  EXPECT_NEAR(sum(gaussian(image, {2, 2, 2}, Border::mirror, {})), 64, 1e-3);
  EXPECT_LT(sum(gaussian(image, {2, 2, 2}, Border::zero, {})), 64.0 / 4);
}

TEST(Gaussian, leaves_an_axis_with_sigma_zero_or_one_voxel_alone) {
  const auto image = noise(Grid({33, 5, 1}));
  const auto smooth = gaussian(image, {0, 0, 5}, Border::zero, {});
  EXPECT_TRUE(std::ranges::equal(image.values(), smooth.values()));
}

TEST(Gaussian, refuses_a_sigma_that_is_no_width) {
  const Voxels<float> image(Grid({4, 4, 4}));
  for (const double sigma : {-1.0, std::nan(""), 1e9}) {
    EXPECT_THROW(gaussian(image, {sigma, 1, 1}, Border::mirror, {}), Error);
  }
}

TEST(Gaussian, refuses_several_components) {
  const Voxels<float> image(Grid({4, 4, 4}), 0, 3);
  EXPECT_THROW(gaussian(image, {1, 1, 1}, Border::mirror, {}), Error);
}

TEST(Gaussian, spreads_a_nan_no_further_than_its_taps) {
  Voxels<float> image(Grid({40, 40, 40}));
  image(20, 20, 20) = std::nanf("");
  const auto smooth = gaussian(image, {1, 1, 1}, Border::mirror, {});
  EXPECT_TRUE(std::isnan(smooth(24, 16, 20)));
  EXPECT_EQ(smooth(25, 20, 20), 0);
  EXPECT_EQ(smooth(20, 20, 15), 0);
}

TEST(BoxMean, equals_the_definition) {
  const auto image = noise(Grid({19, 35, 6}));
  for (const std::array<int, 3> r : {std::array{1, 0, 2}, std::array{3, 2, 1}, std::array{40, 1, 9}}) {
    const auto mean = box_mean(image, r, {});
    for (const Size3 at : {Size3{0, 0, 0}, Size3{18, 34, 5}, Size3{7, 20, 3}, Size3{1, 33, 0}}) {
      EXPECT_NEAR(mean(at[0], at[1], at[2]), direct_mean(image, at, r), 2e-6);
    }
  }
}

TEST(BoxMean, keeps_an_infinity_inside_its_window) {
  Voxels<float> image(Grid({30, 1, 1}), 1);
  image(10, 0, 0) = std::numeric_limits<float>::infinity();
  const auto mean = box_mean(image, {2, 0, 0}, {});
  EXPECT_TRUE(std::isinf(mean(12, 0, 0)));
  EXPECT_NEAR(mean(13, 0, 0), 1, 1e-6);
  EXPECT_NEAR(mean(7, 0, 0), 1, 1e-6);
}

TEST(Median, equals_a_sort_of_the_window) {
  for (const Size3 size : {Size3{21, 9, 7}, Size3{3, 2, 1}, Size3{1, 1, 5}, Size3{70, 4, 3}}) {
    const auto image = noise(Grid(size), 5);
    for (const int r : {1, 2}) {
      for (const Border border : {Border::mirror, Border::nearest, Border::zero}) {
        const auto result = median(image, r, border, {});
        const auto value = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
          std::array<std::int64_t, 3> at{i, j, k};
          for (std::size_t a = 0; a < 3; ++a) {
            const std::int64_t n = size[a];
            if (at[a] >= 0 && at[a] < n) continue;
            if (border == Border::zero) return 0.0F;
            if (border == Border::nearest) at[a] = std::clamp<std::int64_t>(at[a], 0, n - 1);
            while (at[a] < 0 || at[a] >= n) at[a] = at[a] < 0 ? -1 - at[a] : 2 * n - 1 - at[a];
          }
          return image(at[0], at[1], at[2]);
        };
        for (std::int64_t k = 0; k < size[2]; ++k) {
          for (std::int64_t j = 0; j < size[1]; ++j) {
            for (std::int64_t i = 0; i < size[0]; ++i) {
              std::vector<float> window;
              for (int c = -r; c <= r; ++c) {
                for (int b = -r; b <= r; ++b) {
                  for (int a = -r; a <= r; ++a) window.push_back(value(i + a, j + b, k + c));
                }
              }
              std::sort(window.begin(), window.end());
              ASSERT_EQ(result(i, j, k), window[window.size() / 2]) << i << " " << j << " " << k << " r " << r;
            }
          }
        }
      }
    }
  }
}

TEST(Median, takes_nan_for_the_largest_value) {
  Voxels<float> image(Grid({9, 9, 9}), 2);
  image(4, 4, 4) = std::nanf("");
  const auto result = median(image, 1, Border::mirror, {});
  for (const float value : result.values()) EXPECT_EQ(value, 2);
}

TEST(Median, refuses_other_radii) {
  const Voxels<float> image(Grid({4, 4, 4}));
  EXPECT_THROW(median(image, 0, Border::mirror, {}), Error);
  EXPECT_THROW(median(image, 3, Border::mirror, {}), Error);
}

TEST(Hessian, of_a_quadratic_has_its_known_eigenvalues) {
  // f = x^2 - 2 y^2 + 0.5 z^2 + 3 x y in mm: second derivatives known everywhere, smoothing does not change them.
  const Grid grid({41, 51, 31}, {1, 0.8, 1.5});
  Voxels<float> image(grid);
  for (std::int64_t k = 0; k < 31; ++k) {
    for (std::int64_t j = 0; j < 51; ++j) {
      for (std::int64_t i = 0; i < 41; ++i) {
        const double x = static_cast<double>(i - 20), y = 0.8 * static_cast<double>(j - 25), z = 1.5 * static_cast<double>(k - 15);
        image(i, j, k) = static_cast<float>(x * x - 2 * y * y + 0.5 * z * z + 3 * x * y);
      }
    }
  }
  const double sigma = 2;
  const auto values = hessian_eigenvalues(image, sigma, {});
  // [[2, 3], [3, -4]] has eigenvalues -1 +- sqrt(18); z gives 1.
  const double root = std::sqrt(18.0);
  EXPECT_NEAR(values[0](20, 25, 15), sigma * sigma * 1, 0.02);
  EXPECT_NEAR(values[1](20, 25, 15), sigma * sigma * (-1 + root), 0.02);
  EXPECT_NEAR(values[2](20, 25, 15), sigma * sigma * (-1 - root), 0.02);
}

TEST(Hessian, of_a_gaussian_blob_is_closed_form_at_its_centre) {
  // A blob of width b smoothed by s: the second derivative at the centre is -b^3 / (b^2 + s^2)^(5/2) for unit height.
  const Grid grid({49, 49, 49});
  Voxels<float> image(grid);
  const double b = 3, s = 2;
  for (std::int64_t n = 0; n < image.count(); ++n) {
    const double x = static_cast<double>(n % 49 - 24), y = static_cast<double>(n / 49 % 49 - 24), z = static_cast<double>(n / 49 / 49 - 24);
    image[n] = static_cast<float>(100 * std::exp(-(x * x + y * y + z * z) / (2 * b * b)));
  }
  const auto values = hessian_eigenvalues(image, s, {});
  const double expected = -100 * s * s * b * b * b / std::pow(b * b + s * s, 2.5);
  for (const auto& v : values) EXPECT_NEAR(v(24, 24, 24), expected, 4e-3 * std::abs(expected));  // the taps end at 4 s
}

TEST(Hessian, of_a_plane_image_is_zero_across_the_plane) {
  const auto image = noise(Grid({30, 30, 1}));
  const auto values = hessian_eigenvalues(image, 1.5, {});
  for (std::int64_t n = 0; n < image.count(); ++n) EXPECT_EQ(values[0][n], 0);
  EXPECT_THROW(hessian_eigenvalues(image, 0, {}), Error);
}

TEST(GradientMagnitude, of_a_linear_image_is_its_slope) {
  const Grid grid({9, 8, 7}, {2, 0.5, 3});
  Voxels<float> image(grid);
  for (std::int64_t k = 0; k < 7; ++k) {
    for (std::int64_t j = 0; j < 8; ++j) {
      for (std::int64_t i = 0; i < 9; ++i) {
        image(i, j, k) =
            static_cast<float>(3 * 2.0 * static_cast<double>(i) + 4 * 0.5 * static_cast<double>(j) - 12 * 3.0 * static_cast<double>(k));
      }
    }
  }
  const auto gradient = gradient_magnitude(image, {});
  for (const float value : gradient.values()) EXPECT_NEAR(value, 13, 1e-4);
}

TEST(GradientMagnitude, honours_slice_positions_and_one_voxel_axes) {
  const Grid grid = Grid({1, 1, 4}).with_slice_positions({0, 1, 4, 6});
  Voxels<float> image(grid);
  for (std::int64_t k = 0; k < 4; ++k) image(0, 0, k) = static_cast<float>(2 * grid.slice_positions_mm()[static_cast<std::size_t>(k)]);
  const auto gradient = gradient_magnitude(image, {});
  for (const float value : gradient.values()) EXPECT_NEAR(value, 2, 1e-6);
}

}  // namespace
}  // namespace gantry::filters_test
