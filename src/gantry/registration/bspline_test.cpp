// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/bspline.h"

#include <gtest/gtest.h>

#include <numbers>

#include "gantry/base/test_support.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/io/io.h"
#include "gantry/registration/apply.h"
#include "gantry/registration/control_grid.h"
#include "gantry/registration/linear_search.h"
#include "gantry/registration/local_correlation.h"
#include "gantry/registration/scene_test_support.h"
#include "gantry/registration/warp.h"
#include "gantry/volume/measure.h"

namespace gantry::bspline_test {
namespace {

const Grid head_grid({64, 72, 60}, {2.2, 2.2, 2.4}, {-69.3, -78.1, -70.8});

/// A turn by 5 degrees with a shift, then a smooth field: waves of 90 to 110 mm that move by up to 5 mm along each axis, 8.6 mm in all.
Vec3 wavy(Vec3 p) {
  const Vec3 q = rotation_about({0, 0, 5 * std::numbers::pi / 180}) * p + Vec3{3, -4, 2};
  const double w = 2 * std::numbers::pi;
  return q + 5 * Vec3{std::sin(w * q.y / 110) * std::cos(w * q.z / 100), std::sin(w * q.z / 95 + 1) * std::cos(w * q.x / 105),
                      std::sin(w * q.x / 90 + 2) * std::cos(w * q.y / 100)};
}

TEST(SplineRegistration, recovers_a_known_smooth_field) {
  const BlobScene scene;
  const auto same = [](double v) { return v; };
  // The fixed scan shows the scene at the places to which the truth takes its points: moving_from_fixed is the truth itself.
  const Image fixed = scan_of(scene, head_grid, wavy, same, 5, 1), moving = scan_of(
                                                                       scene, head_grid, [](Vec3 p) { return p; }, same, 5, 2);
  gantry::Run run;
  const auto result = SplineRegistration{.spacing = 12, .finest = 2.2}(fixed, moving, nullptr, nullptr, nullptr, run);
  std::vector<float> before, after;
  for (double x = -60; x <= 60; x += 6) {
    for (double y = -70; y <= 70; y += 6) {
      for (double z = -55; z <= 55; z += 6) {
        const Vec3 p{x, y, z};
        if (BlobScene::inside(wavy(p)) > 0.75) continue;  // beyond the outermost blobs nothing tells where a point is
        before.push_back(static_cast<float>(norm(wavy(p) - p)));
        after.push_back(static_cast<float>(norm(result.transform(p) - wavy(p))));
      }
    }
  }
  EXPECT_GT(quantile(before, 0.5), 6);
  EXPECT_LE(quantile(after, 0.5), 0.3);
  EXPECT_LE(quantile(after, 0.95), 1.0);
  EXPECT_GT(result.report["smallest_jacobian"].get<double>(), 0.3);
  EXPECT_EQ(result.report["folded_percent"].get<double>(), 0);
  EXPECT_GT(result.report["correlation"].get<double>(), result.report["first_correlation"].get<double>());
  // Applying the transform gives what the registration gave, and points come back through the inverse.
  const Image again = ApplyTransform{.outside = smallest_value(moving)}(moving, result.transform, fixed, run);
  const auto a = again.as<float>(), b = result.registered.as<float>();
  for (std::int64_t n = 0; n < a.count(); ++n) ASSERT_EQ(a[n], b[n]);
  const PointSet points{{{10, -20, 5}, {-30, 12, 22}, {0, 0, 0}}, {}};
  const PointSet there = ApplyToPoints{}(points, result.transform, run);
  const PointSet back = ApplyToPoints{.inverse = true}(there, result.transform, run);
  for (std::size_t n = 0; n < 3; ++n) EXPECT_LE(norm(back.positions_mm[n] - points.positions_mm[n]), 1e-3);
}

TEST(SplineRegistration, gives_the_same_bits_for_any_number_of_threads) {
  const BlobScene scene;
  const auto same = [](double v) { return v; };
  const Grid grid({32, 36, 30}, {4.4, 4.4, 4.8}, {-68.2, -77, -69.6});
  const Image fixed = scan_of(scene, grid, wavy, same, 5, 1), moving = scan_of(
                                                                  scene, grid, [](Vec3 p) { return p; }, same, 5, 2);
  std::vector<Image> results;
  for (const int threads : {1, 2, 3}) {
    gantry::Run run(RunOptions{.threads = threads});
    results.push_back(SplineRegistration{.spacing = 20, .iterations = 8}(fixed, moving, nullptr, nullptr, nullptr, run).registered);
  }
  for (const Image& other : results) {
    ASSERT_EQ(other.byte_count(), results[0].byte_count());
    EXPECT_TRUE(std::equal(other.bytes().begin(), other.bytes().end(), results[0].bytes().begin()));
  }
}

TEST(SplineRegistration, refuses_what_cannot_be_registered) {
  const Image head = phantom("shepp_logan");
  gantry::Run run;
  const auto refuses = [&](const Image& fixed, const Image& moving, const Transform* initial) {
    EXPECT_THROW(SplineRegistration{}(fixed, moving, nullptr, nullptr, initial, run), Error);
  };
  refuses(head, phantom("constant"), nullptr);
  refuses(Image(Voxels<float>(head.grid(), NAN)), head, nullptr);
  refuses(Image(Voxels<float>(Grid({64, 64, 1}), 0.0F)), head, nullptr);
  const Transform bent = phantom_transform("bend");
  refuses(head, head, &bent);
  const Transform away(Mat3{}, Vec3{900, 0, 0});
  refuses(head, head, &away);
  EXPECT_THROW((SplineRegistration{.spacing = 0}(head, head, nullptr, nullptr, nullptr, run)), Error);
  EXPECT_THROW((SplineRegistration{.bending = NAN}(head, head, nullptr, nullptr, nullptr, run)), Error);
}

/// Right lungs of one patient at two times, without masks: outlines meet, nothing folds, and back is the inverse of there.
TEST(SplineRegistration, aligns_lungs) {
  const Path folder = test_data("registration/lung-ct");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const auto read = [&](const char* name) { return io::read(folder / name, run); };
  const Image fixed = read("3DCT_lung_baseline.mha"), moving = read("3DCT_lung_followup.mha");
  const Image fixed_lung = read("3DCT_lung_baseline_mask.mha"), moving_lung = read("3DCT_lung_followup_mask.mha");
  const auto result = SplineRegistration{.spacing = 10, .finest = 2.5}(fixed, moving, nullptr, nullptr, nullptr, run);
  const Image moved = ApplyTransform{.interpolation = Interpolation::nearest}(moving_lung, result.transform, fixed, run);
  const auto inside = fixed_lung.as<std::uint8_t>();
  EXPECT_GE(overlap(moved.as<std::uint8_t>(), inside, 1, run).dice, 0.95);
  const Voxels<float> volume = jacobian(result.transform, fixed.grid(), run);
  for (std::int64_t n = 0; n < volume.count(); ++n) {
    if (inside[n] != 0) {
      ASSERT_GT(volume[n], 0);
    }
  }
  const PointSet landmarks = PortType<PointSet>::read(folder / "3DCT_lung_baseline_landmarks.txt", run);
  ASSERT_EQ(landmarks.positions_mm.size(), 100u);
  const PointSet back = ApplyToPoints{.inverse = true}(ApplyToPoints{}(landmarks, result.transform, run), result.transform, run);
  for (std::size_t n = 0; n < 100; ++n) EXPECT_LE(norm(back.positions_mm[n] - landmarks.positions_mm[n]), 1e-2);
}

/// Slopes of a function of the displacement by differences.
TEST(ControlGrid, gathers_what_expanding_spreads) {
  gantry::Run run;
  const ControlGrid control({40, 30, 50}, 9);
  const Grid grid({20, 15, 25}, {2, 2, 2});
  std::array<SplineLine, 3> lines;
  for (int axis = 0; axis < 3; ++axis) lines[static_cast<std::size_t>(axis)] = control.line(axis, grid.size(axis), 2, 1);
  Random random(3);
  std::vector<double> c(static_cast<std::size_t>(3 * control.count())), back(c.size());
  for (double& value : c) value = random.next_normal();
  const PlanarField spread = expand(control, c, lines, grid, run);
  std::array<Voxels<float>, 3> force;
  double left = 0, right = 0;
  for (std::size_t part = 0; part < 3; ++part) {
    force[part] = Voxels<float>(grid);
    for (std::int64_t n = 0; n < grid.voxel_count(); ++n) {
      force[part][n] = static_cast<float>(random.next_normal());
      left += static_cast<double>(force[part][n]) * spread.part[part][n];
    }
  }
  gather(control, force, lines, back, run);
  for (std::size_t n = 0; n < c.size(); ++n) right += c[n] * back[n];
  EXPECT_NEAR(left, right, 1e-3 * std::abs(left) + 1e-3);
}

TEST(ControlGrid, refines_without_changing_the_displacement) {
  gantry::Run run;
  const ControlGrid coarse({40, 30, 50}, 12), fine({40, 30, 50}, 6);
  const Grid grid({40, 30, 50}, {1, 1, 1});
  Random random(4);
  std::vector<double> c(static_cast<std::size_t>(3 * coarse.count()));
  for (double& value : c) value = random.next_normal();
  const auto field = [&](const ControlGrid& control, const std::vector<double>& values) {
    std::array<SplineLine, 3> lines;
    for (int axis = 0; axis < 3; ++axis) lines[static_cast<std::size_t>(axis)] = control.line(axis, grid.size(axis), 1, 0.5);
    return expand(control, values, lines, grid, run);
  };
  const std::vector<double> finer = coarse.refined(c, fine);
  const PlanarField a = field(coarse, c), b = field(fine, finer);
  for (std::size_t part = 0; part < 3; ++part) {
    for (std::int64_t n = 0; n < grid.voxel_count(); ++n) ASSERT_NEAR(a.part[part][n], b.part[part][n], 1e-5);
  }
  std::vector<double> gradient(finer.size(), 0.0), other(c.size(), 0.0);
  EXPECT_NEAR(coarse.bending(c, 1, other, run), fine.bending(finer, 1, gradient, run), 1e-10);
}

TEST(ControlGrid, has_no_bending_in_linear_maps_and_the_slope_of_its_differences) {
  gantry::Run run;
  const ControlGrid control({40, 30, 50}, 10);
  std::vector<double> c(static_cast<std::size_t>(3 * control.count())), gradient(c.size(), 0.0);
  for (std::int64_t n = 0; n < control.count(); ++n) {
    c[static_cast<std::size_t>(n)] = 0.3 * static_cast<double>(n % control.size()[0]) + 2;
    c[static_cast<std::size_t>(control.count() + n)] = -0.1 * static_cast<double>(n / (control.size()[0] * control.size()[1]));
  }
  EXPECT_NEAR(control.bending(c, 1, gradient, run), 0, 1e-12);
  Random random(5);
  for (double& value : c) value = random.next_normal();
  std::fill(gradient.begin(), gradient.end(), 0.0);
  control.bending(c, 1, gradient, run);
  std::vector<double> unused(c.size(), 0.0);
  for (const std::size_t n : {std::size_t{0}, std::size_t{77}, c.size() - 200}) {
    const double kept = c[n];
    c[n] = kept + 1e-3;
    const double above = control.bending(c, 0, unused, run);
    c[n] = kept - 1e-3;
    const double below = control.bending(c, 0, unused, run);
    c[n] = kept;
    EXPECT_NEAR((above - below) / 2e-3, gradient[n], 1e-6);
  }
}

TEST(LocalCorrelation, is_one_for_a_copy_in_another_contrast_and_knows_its_slope) {
  gantry::Run run;
  const Grid grid({16, 14, 12});
  Random random(6);
  Voxels<float> fixed(grid), moving(grid), slope(grid);
  for (std::int64_t n = 0; n < grid.voxel_count(); ++n) {
    fixed[n] = static_cast<float>(random.next_uniform());
    moving[n] = 0.9F - 0.7F * fixed[n];
  }
  fixed[100] = moving[500] = NAN;
  const LocalCorrelation correlation(fixed, {2, 2, 2}, 0.01F, run);
  EXPECT_NEAR(correlation(moving, slope, run), 1, 0.01);
  for (std::int64_t n = 0; n < grid.voxel_count(); ++n) moving[n] += static_cast<float>(0.3 * random.next_normal());
  correlation(moving, slope, run);
  EXPECT_EQ(slope[100], 0);
  EXPECT_EQ(slope[500], 0);
  Voxels<float> unused(grid);
  for (const std::int64_t n : {0, 101, 700, 1500}) {
    const float kept = moving[n];
    moving[n] = kept + 0.02F;
    const double above = correlation(moving, unused, run);
    moving[n] = kept - 0.02F;
    const double below = correlation(moving, unused, run);
    moving[n] = kept;
    EXPECT_NEAR((above - below) / 0.04 * correlation.voxel_count(), slope[n], 0.05 + 0.05 * std::abs(slope[n]));
  }
}

}  // namespace
}  // namespace gantry::bspline_test
