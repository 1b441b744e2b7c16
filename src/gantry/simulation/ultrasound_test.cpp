// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/ultrasound.h"

#include <cmath>
#include <numbers>

#include "gantry/base/test_support.h"
#include "gantry/reconstruction/plane_wave.h"

namespace gantry::simulation::ultrasound_test {
namespace {

constexpr double wavelength_mm = 1.54 / 5;

/// Tissue of one amplitude, `width` x `depth` mm, pixels of 0.2 mm; its upper edge lies at depth 0, its middle at x = 0.
Image tissue(double width, double depth, float amplitude) {
  const auto columns = static_cast<std::int64_t>(std::llround(width / 0.2)), rows = static_cast<std::int64_t>(std::llround(depth / 0.2));
  return Image(Voxels<float>(Grid({columns, rows, 1}, {0.2, 0.2, 0.2}, {0.1 - width / 2, 0.1, 0}), amplitude));
}

Image point_image(const UltrasoundScan& scan, PlaneWaveBeamforming form, Vec3 point, double depth) {
  gantry::Run run;
  const PointSet points{.positions_mm = {point}};
  UltrasoundScan one = scan;
  one.target_strength = 1;
  one.directivity = false;
  form.angle_range = scan.angle_range;
  return form(one(tissue(20, depth, 0), &points, run), run);
}

struct Peak {
  double value = 0, x_mm = 0, z_mm = 0;
  double lateral_mm = 0, axial_mm = 0;  ///< full widths at half of the peak
};

/// Where the profile through the peak falls to half, linear between pixels, on both sides.
double width_at_half(const std::vector<double>& profile, std::size_t peak, double step) {
  const double half = profile[peak] / 2;
  std::size_t right = peak, left = peak;
  while (right + 1 < profile.size() && profile[right] >= half) ++right;
  while (left > 0 && profile[left] >= half) --left;
  const double past_right = (half - profile[right]) / (profile[right - 1] - profile[right]);
  const double past_left = (half - profile[left]) / (profile[left + 1] - profile[left]);
  return step * (static_cast<double>(right - left) - past_right - past_left);
}

Peak peak_of(const Image& image) {
  const auto values = image.as<float>();
  const Grid& grid = image.grid();
  std::int64_t best = 0;
  for (std::int64_t n = 0; n < values.count(); ++n) {
    if (values[n] > values[best]) best = n;
  }
  const std::int64_t i = best % grid.size(0), j = best / grid.size(0);
  std::vector<double> row, column;
  for (std::int64_t n = 0; n < grid.size(0); ++n) row.push_back(static_cast<double>(values(n, j, 0)));
  for (std::int64_t n = 0; n < grid.size(1); ++n) column.push_back(static_cast<double>(values(i, n, 0)));
  const Vec3 place = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), 0});
  return {static_cast<double>(values[best]), place.x, place.y, width_at_half(row, static_cast<std::size_t>(i), grid.spacing_mm().x),
          width_at_half(column, static_cast<std::size_t>(j), grid.spacing_mm().y)};
}

/// Mean and standard deviation of the envelope in a rectangle, mm.
std::pair<double, double> statistics_in(const Image& image, double x0, double x1, double z0, double z1) {
  const auto values = image.as<float>();
  const Grid& grid = image.grid();
  double sum = 0, squares = 0, count = 0;
  for (std::int64_t j = 0; j < grid.size(1); ++j) {
    for (std::int64_t i = 0; i < grid.size(0); ++i) {
      const Vec3 p = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), 0});
      if (p.x < x0 || p.x > x1 || p.y < z0 || p.y > z1) continue;
      const auto value = static_cast<double>(values(i, j, 0));
      sum += value;
      squares += value * value;
      ++count;
    }
  }
  return {sum / count, std::sqrt(squares / count - sum * sum / (count * count))};
}

}  // namespace

TEST(PlaneWaveBeamforming, shows_a_point_in_its_place_with_its_strength) {
  for (const Vec3 point : {Vec3{0, 20, 0}, Vec3{-4.2, 14, 0}, Vec3{3, 26, 0}}) {
    const Peak peak = peak_of(point_image({.elements = 128}, {.pixel = 0.05, .first_depth = 10}, point, 30));
    EXPECT_NEAR(peak.x_mm, point.x, 0.051);
    EXPECT_NEAR(peak.z_mm, point.y, 0.051);
    EXPECT_NEAR(peak.value, 1, 0.06);
  }
}

// An aperture of the width z / F that listens evenly has the amplitude sinc(x / (wavelength F)), which is 1/2 at 0.6034.
TEST(PlaneWaveBeamforming, is_as_sharp_across_as_the_aperture_allows) {
  for (const double f_number : {1.5, 2.0, 3.0}) {
    const Peak peak = peak_of(point_image({.elements = 128, .bandwidth = 0.3},
                                          {.f_number = f_number, .pixel = 0.03, .first_depth = 22, .last_depth = 28}, {0, 25, 0}, 30));
    EXPECT_NEAR(peak.lateral_mm / (1.2067 * wavelength_mm * f_number), 1, 0.05) << f_number;
  }
}

// A Gaussian spectrum of the width B f at half of its height belongs to an envelope of 4 ln 2 / (pi B f) in time, half of that way in
// depth.
TEST(PlaneWaveBeamforming, is_as_sharp_along_as_the_bandwidth_allows) {
  for (const double bandwidth : {0.3, 0.6, 0.9}) {
    const Peak peak = peak_of(point_image({.elements = 64, .bandwidth = bandwidth},
                                          {.f_number = 3, .pixel = 0.01, .first_depth = 18, .last_depth = 22}, {0, 20, 0}, 24));
    EXPECT_NEAR(peak.axial_mm / (2 * std::numbers::ln2 / std::numbers::pi * wavelength_mm / bandwidth), 1, 0.04) << bandwidth;
  }
}

// Waves from -a to a make an aperture for sending: the amplitude gains the factor sinc(2 x sin a / wavelength).
TEST(PlaneWaveBeamforming, is_sharper_with_more_waves) {
  const UltrasoundScan scan{.elements = 128, .bandwidth = 0.3, .transmits = 13, .angle_range = 24, .directivity = false};
  const PlaneWaveBeamforming form{.f_number = 1.5, .pixel = 0.02, .first_depth = 18, .last_depth = 22};
  const Peak peak = peak_of(point_image(scan, form, {0, 20, 0}, 24));
  const auto sinc = [](double u) { return u == 0 ? 1 : std::sin(std::numbers::pi * u) / (std::numbers::pi * u); };
  double x = 0;
  while (sinc(x / (wavelength_mm * 1.5)) * sinc(2 * x * std::sin(12 * std::numbers::pi / 180) / wavelength_mm) > 0.5) x += 1e-4;
  EXPECT_NEAR(peak.lateral_mm / (2 * x), 1, 0.05);
  const Peak alone = peak_of(point_image({.elements = 128, .bandwidth = 0.3}, form, {0, 20, 0}, 24));
  EXPECT_LT(peak.lateral_mm, 0.9 * alone.lateral_mm);
}

// Fully developed speckle has Rayleigh's distribution: mean by deviation sqrt(pi / (4 - pi)) = 1.913; a region of the amplitude r beside
// one of 1 has the contrast to noise ratio 1.913 (1 - r) / sqrt(1 + r^2).
TEST(PlaneWaveBeamforming, shows_speckle_and_cysts_as_theory_says) {
  gantry::Run run;
  const Image whole = tissue(20, 24, 1);
  const double rayleigh = std::sqrt(std::numbers::pi / (4 - std::numbers::pi));
  for (const float amplitude : {0.0F, 0.5F}) {
    Voxels<float> values = whole.as<float>().clone();
    for (std::int64_t j = 0; j < whole.grid().size(1); ++j) {
      for (std::int64_t i = 0; i < whole.grid().size(0); ++i) {
        const Vec3 p = whole.grid().world_from_voxel({static_cast<double>(i), static_cast<double>(j), 0});
        if (std::hypot(p.x, p.y - 14) < 5) values(i, j, 0) = amplitude;
      }
    }
    const UltrasoundScan scan{.elements = 64, .transmits = 3, .angle_range = 16, .density = 150};
    const Image image = PlaneWaveBeamforming{.angle_range = 16, .window = ApertureWindow::hann, .first_depth = 4, .last_depth = 23}(
        scan(Image(std::move(values)), nullptr, run), run);
    const auto [inside, inside_deviation] = statistics_in(image, -3, 3, 11, 17);
    const auto [left, left_deviation] = statistics_in(image, -9, -6, 7, 21);
    const auto [right, right_deviation] = statistics_in(image, 6, 9, 7, 21);
    const double outside = (left + right) / 2, deviation = std::hypot(left_deviation, right_deviation) / std::numbers::sqrt2;
    EXPECT_NEAR(outside / deviation, rayleigh, 0.12);
    const auto r = static_cast<double>(amplitude);
    if (amplitude > 0) {
      EXPECT_NEAR(inside / outside, r, 0.08);
      EXPECT_NEAR((outside - inside) / std::hypot(deviation, inside_deviation), rayleigh * (1 - r) / std::sqrt(1 + r * r), 0.12);
    } else {
      EXPECT_LT(inside / outside, 0.05);  // 26 dB below
      EXPECT_NEAR((outside - inside) / std::hypot(deviation, inside_deviation), rayleigh, 0.15);
    }
  }
}

TEST(PlaneWaveBeamforming, states_decibels_below_its_largest_value) {
  gantry::Run run;
  const PointSet points{.positions_mm = {{0, 10, 0}}};
  const Image echoes = UltrasoundScan{.elements = 32}(tissue(10, 14, 0), &points, run);
  const Image linear = PlaneWaveBeamforming{}(echoes, run),
              decibels = PlaneWaveBeamforming{.scale = EchoScale::decibel, .dynamic_range = 40}(echoes, run);
  const double largest = peak_of(linear).value;
  const auto a = linear.as<float>(), b = decibels.as<float>();
  for (std::int64_t n = 0; n < a.count(); n += 7)
    EXPECT_NEAR(b[n], std::max(-40.0, 20 * std::log10(static_cast<double>(a[n]) / largest)), 1e-3);
}

TEST(Ultrasound, has_the_same_bits_for_any_number_of_threads) {
  gantry::Run one(gantry::RunOptions{.threads = 1}), two(gantry::RunOptions{.threads = 2});
  const UltrasoundScan scan{.elements = 16, .transmits = 3, .angle_range = 10, .density = 5};
  const Image a = scan(tissue(6, 8, 1), nullptr, one), b = scan(tissue(6, 8, 1), nullptr, two);
  ASSERT_EQ(std::memcmp(a.data(), b.data(), a.byte_count()), 0);
  const Image c = PlaneWaveBeamforming{.angle_range = 10}(a, one), d = PlaneWaveBeamforming{.angle_range = 10}(b, two);
  EXPECT_EQ(std::memcmp(c.data(), d.data(), c.byte_count()), 0);
}

TEST(Ultrasound, refuses_what_makes_no_echoes) {
  gantry::Run run;
  const auto failure = [](auto&& body) { return std::string(error_of(body).what()); };
  const PointSet above{.positions_mm = {{0, -3, 0}}}, nowhere{.positions_mm = {{NAN, 3, 0}}};
  const UltrasoundScan scan{.elements = 8};
  EXPECT_NE(failure([&] { scan(tissue(4, 4, 0), &above, run); }).find("within the depth"), std::string::npos);
  EXPECT_NE(failure([&] { scan(tissue(4, 4, 0), &nowhere, run); }).find("within the depth"), std::string::npos);
  EXPECT_NE(failure([&] { scan(tissue(4, 4, NAN), nullptr, run); }).find("finite"), std::string::npos);
  EXPECT_EQ(error_of([&] { UltrasoundScan{.density = 1e4}(tissue(200, 200, 1), nullptr, run); }).code(), ErrorCode::parameter);
  EXPECT_EQ(error_of([&] { UltrasoundScan{.frequency = NAN}(tissue(4, 4, 1), nullptr, run); }).code(), ErrorCode::parameter);
  Voxels<float> echoes(Grid({64, 8, 1}, {0.05, 0.3, 1}));
  echoes[5] = INFINITY;
  const Image broken(std::move(echoes)), silent(Voxels<float>(Grid({64, 8, 1}, {0.05, 0.3, 1})));
  EXPECT_NE(failure([&] { PlaneWaveBeamforming{}(broken, run); }).find("must be finite"), std::string::npos);
  EXPECT_NE(failure([&] { PlaneWaveBeamforming{.scale = EchoScale::decibel}(silent, run); }).find("more than zeros"), std::string::npos);
  EXPECT_NE(failure([&] { PlaneWaveBeamforming{.first_depth = 50}(silent, run); }).find("above the last depth"), std::string::npos);
  EXPECT_NE(failure([&] { PlaneWaveBeamforming{.pixel = 1e-6}(silent, run); }).find("at most 1e8"), std::string::npos);
  EXPECT_NE(failure([&] {
              PlaneWaveBeamforming{}(Image(Voxels<float>(Grid({4, 1, 1}))), run);
            }).find("8 samples and 2 elements"),
            std::string::npos);
}

}  // namespace gantry::simulation::ultrasound_test
