// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/rigid.h"

#include <gtest/gtest.h>

#include <numbers>

#include "gantry/image/phantom/phantom.h"
#include "gantry/registration/linear_search.h"
#include "gantry/registration/scene_test_support.h"
#include "gantry/registration/warp.h"

namespace gantry::rigid_test {
namespace {

const Grid fixed_grid({64, 72, 60}, {2.2, 2.2, 2.4}, {-69.3, -78.1, -70.8});

/// moving_from_fixed: turns by `degrees` about `axis` through the origin, then shifts.
Transform turned(Vec3 axis, double degrees, Vec3 shift) {
  return {rotation_about((degrees * std::numbers::pi / 180) * normalized(axis)), shift};
}

/// Fixed and moving scans of one scene such that `truth` takes points of the fixed to the moving one.
struct Pair {
  Image fixed, moving;
};
Pair pair_of(const Transform& truth, const Grid& moving_grid, const std::function<double(double)>& seen, double noise = 10) {
  const BlobScene scene;
  const Transform back = inverse_linear(truth);
  return {scan_of(
              scene, fixed_grid, [](Vec3 p) { return p; }, [](double v) { return v; }, noise, 1),
          scan_of(scene, moving_grid, back, seen, noise, 2)};
}

/// The angle between a found and a true rotation, and the distance of the places to which they take the middle.
void expect_near(const Transform& found, const Transform& truth, double degrees, double mm) {
  EXPECT_LE(angle_degrees(transposed(found.linear()) * truth.linear()), degrees);
  EXPECT_LE(norm(found(Vec3{}) - truth(Vec3{})), mm);
}

TEST(RigidRegistration, finds_five_degrees_to_a_twentieth) {
  const Transform truth = turned({0, 0, 1}, 5, {3.75, -5, 2.5});
  const auto [fixed, moving] = pair_of(truth, fixed_grid, [](double v) { return v; });
  gantry::Run run;
  const auto result = RigidRegistration{}(fixed, moving, nullptr, nullptr, nullptr, run);
  expect_near(result.transform, truth, 0.05, 0.05);
  EXPECT_NEAR(result.report["rotation_degrees"].get<double>(), 5, 0.05);
  // What comes out is the moving image where the fixed one is: alike but for noise.
  const auto a = fixed.as<float>(), b = result.registered.as<float>();
  double squares = 0, count = 0;
  for (std::int64_t k = 20; k < 40; ++k) {
    for (std::int64_t j = 20; j < 50; ++j) {
      for (std::int64_t i = 20; i < 44; ++i, ++count) squares += std::pow(a(i, j, k) - b(i, j, k), 2);
    }
  }
  EXPECT_LT(std::sqrt(squares / count), 20);
}

TEST(RigidRegistration, finds_a_turned_image_of_another_contrast_on_an_oblique_grid) {
  const Transform truth = turned({1, -2, 0.5}, 5, {-6, 4, 8});
  const Grid oblique({70, 66, 50}, {2, 2.5, 3}, {-60, -90, -70}, rotation_about({0.1, 0.05, -0.2}));
  const auto [fixed, moving] = pair_of(truth, oblique, [](double v) { return 0.05 * v * v * std::exp(-v / 150); });
  gantry::Run run;
  const auto result = RigidRegistration{}(fixed, moving, nullptr, nullptr, nullptr, run);
  expect_near(result.transform, truth, 0.05, 0.05);
}

TEST(RigidRegistration, finds_what_lies_far_away) {
  const Transform truth = turned({0, 1, 0}, 12, {55, -40, 45});
  const Grid far({64, 72, 60}, {2.2, 2.2, 2.4}, {-20, -120, -20});
  const auto [fixed, moving] = pair_of(truth, far, [](double v) { return v; });
  gantry::Run run;
  expect_near(RigidRegistration{}(fixed, moving, nullptr, nullptr, nullptr, run).transform, truth, 0.1, 0.1);
}

TEST(RigidRegistration, begins_at_the_initial_transform_and_counts_only_inside_the_masks) {
  const Transform truth = turned({1, 0, 0}, 5, {2, 3, -4});
  auto [fixed, moving] = pair_of(truth, fixed_grid, [](double v) { return v; });
  // A bright bar that does not move with the rest, outside the mask.
  Voxels<float> a = fixed.as<float>().clone(), b = moving.as<float>().clone();
  Voxels<std::uint8_t> mask(fixed_grid, 1);
  for (std::int64_t k = 0; k < 60; ++k) {
    for (std::int64_t j = 0; j < 14; ++j) {
      for (std::int64_t i = 0; i < 64; ++i) {
        a(i, j, k) = b(i, j, k) = static_cast<float>(3000 + 40 * i + 20 * k);
        mask(i, j, k) = 0;
      }
    }
  }
  const Labels inside(Image(std::move(mask)), {});
  const Transform near = turned({1, 0, 0}, 3, {0, 0, 0});
  gantry::Run run;
  const auto result = RigidRegistration{}(Image(std::move(a)), Image(std::move(b)), &inside, &inside, &near, run);
  expect_near(result.transform, truth, 0.1, 0.1);
}

TEST(RigidRegistration, gives_the_same_bits_for_any_number_of_threads) {
  const auto [fixed, moving] = pair_of(turned({0, 0, 1}, 5, {1, 2, 3}), fixed_grid, [](double v) { return v; });
  std::vector<Transform> found;
  for (const int threads : {1, 2, 3}) {
    gantry::Run run(RunOptions{.threads = threads});
    found.push_back(RigidRegistration{.finest = 4}(fixed, moving, nullptr, nullptr, nullptr, run).transform);
  }
  for (const Transform& other : found) {
    EXPECT_EQ(other.linear(), found[0].linear());
    EXPECT_EQ(other.translation_mm(), found[0].translation_mm());
  }
}

TEST(RigidRegistration, takes_missing_values_for_unknown) {
  const Transform truth = turned({0, 0, 1}, 5, {3, -4, 2});
  auto [fixed, moving] = pair_of(truth, fixed_grid, [](double v) { return v; });
  Voxels<float> holes = moving.as<float>().clone();
  for (std::int64_t n = 0; n < holes.count(); n += 97) holes[n] = n % 2 == 0 ? NAN : INFINITY;
  gantry::Run run;
  expect_near(RigidRegistration{}(fixed, Image(std::move(holes)), nullptr, nullptr, nullptr, run).transform, truth, 0.1, 0.1);
}

void expect_refused(const Image& fixed, const Image& moving, const Labels* mask, const std::string& words) {
  gantry::Run run;
  try {
    RigidRegistration{}(fixed, moving, mask, nullptr, nullptr, run);
    ADD_FAILURE() << "not refused: " << words;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(RigidRegistration, refuses_what_cannot_be_registered) {
  const Image head = phantom("shepp_logan");
  expect_refused(phantom("constant"), head, nullptr, "fixed image: is constant");
  expect_refused(head, Image(Voxels<float>(head.grid(), NAN)), nullptr, "moving image: has no finite value");
  expect_refused(head, Image(Voxels<float>(Grid({9, 9, 1}), 0.0F)), nullptr, "moving image: must be a volume");
  expect_refused(Image(Voxels<std::uint8_t>(Grid({9, 9, 9}), 1, 3)), head, nullptr, "fixed image: must have one component");
  expect_refused(Image(Voxels<float>(Grid({9, 9, 9}), 1, 1, 2)), head, nullptr, "fixed image: must have one frame");
  const Labels empty(Image(Voxels<std::uint8_t>(head.grid(), 0)), {}), other(Image(Voxels<std::uint8_t>(Grid({9, 9, 9}), 1)), {});
  expect_refused(head, head, &empty, "its mask holds no voxel");
  expect_refused(head, head, &other, "its mask must lie on the same grid");
  gantry::Run run;
  const Transform away(Mat3{}, Vec3{5000, 0, 0});
  EXPECT_THROW(RigidRegistration{}(head, head, nullptr, nullptr, &away, run), Error);
  EXPECT_THROW(RigidRegistration{.finest = NAN}(head, head, nullptr, nullptr, nullptr, run), Error);
}

}  // namespace
}  // namespace gantry::rigid_test
