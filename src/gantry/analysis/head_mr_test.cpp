// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/head_mr.h"

#include <gtest/gtest.h>

#include <set>

#include "gantry/base/error.h"
#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/io/io.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/resample.h"

namespace gantry::analysis::head_mr_test {
namespace {

/// What lies at a point of the phantom: a head of ellipsoids with neck, eyes and marrow, T1-weighted.
enum class Part : std::uint8_t { air, scalp, skull, fluid, gray, white, ventricle, neck };

double ellipsoid(Vec3 p, Vec3 c, Vec3 r) {
  const Vec3 d{(p.x - c.x) / r.x, (p.y - c.y) / r.y, (p.z - c.z) / r.z};
  return norm(d);
}

Part part_at(Vec3 p) {
  const Vec3 centre{2, -5, 10};
  // Gyri: the cortex waves.
  const double wave = 2.0 * std::cos((p.x - centre.x) / 5) * std::sin(p.y / 6) * std::sin(p.z / 5.5);
  if (ellipsoid(p, centre + Vec3{13, 5, 5}, {6, 26, 9}) < 1 || ellipsoid(p, centre + Vec3{-13, 5, 5}, {6, 26, 9}) < 1)
    return Part::ventricle;
  const double brain = ellipsoid(p, centre, {66 + wave, 82 + wave, 60 + wave});
  // Deep nuclei beside the ventricles, and folds of grey matter that reach inwards.
  if (ellipsoid(p, centre + Vec3{27, 2, -4}, {9, 18, 10}) < 1 || ellipsoid(p, centre + Vec3{-27, 2, -4}, {9, 18, 10}) < 1)
    return Part::gray;
  if (brain > 0.6 && brain < 1 && std::cos((p.x - centre.x) / 4.5) * std::sin(p.y / 5) * std::sin(p.z / 4.5) > 0.3) return Part::gray;
  if (brain < 0.92) return Part::white;
  if (brain < 1) return Part::gray;
  if (ellipsoid(p, centre, {71, 87, 65}) < 1) return Part::fluid;
  if (ellipsoid(p, centre, {77, 93, 71}) < 1) return Part::skull;
  if (ellipsoid(p, centre, {84, 100, 78}) < 1) return Part::scalp;
  const double neck = std::hypot(p.x - 2, p.y - 15);
  if (p.z < -40 && p.z > -110 && neck < 55) return neck < 8 ? Part::white : Part::neck;
  return Part::air;
}

struct Phantom {
  Voxels<float> image;
  double brain_ml = 0, gray_ml = 0, white_ml = 0, ventricles_ml = 0, intracranial_ml = 0;
};

/// 2 x 2 x 2 sub-voxels, 2 % noise, a bias field of +-15 %.
Phantom phantom(const Grid& grid, bool bias = true) {
  Phantom p{Voxels<float>(grid)};
  constexpr std::array<float, 8> signal{0, 130, 5, 25, 70, 100, 25, 60};
  const Random random(11);
  std::array<double, 8> ml{};
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const Vec3 v{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
        float sum = 0;
        for (int s = 0; s < 8; ++s) {
          const Vec3 w = grid.world_from_voxel(v + Vec3{(s & 1) * 0.5 - 0.25, (s >> 1 & 1) * 0.5 - 0.25, (s >> 2 & 1) * 0.5 - 0.25});
          const auto part = static_cast<std::size_t>(part_at(w));
          sum += signal[part];
          // The cord below the brain belongs to none of the volumes.
          if (w.z > -54) ml[part] += grid.voxel_volume_mm3() / 8000;
        }
        const Vec3 w = grid.world_from_voxel(v);
        const double field = bias ? std::exp(0.0015 * w.x - 0.001 * w.y + 0.001 * w.z) : 1.0;
        const std::int64_t n = grid.index(i, j, k);
        const double noise = 2 * random.normal(static_cast<std::uint64_t>(n));
        p.image[n] = static_cast<float>(std::abs(sum / 8 * field + noise));
      }
    }
  }
  p.gray_ml = ml[4];
  p.white_ml = ml[5];
  p.ventricles_ml = ml[6];
  p.brain_ml = ml[4] + ml[5];
  p.intracranial_ml = ml[3] + ml[4] + ml[5] + ml[6];
  return p;
}

Grid axial() { return Grid({110, 120, 104}, {1.75, 1.75, 2}, {-95, -110, -115}); }

const Phantom& plain() {
  static const Phantom one = phantom(axial());
  return one;
}

/// What is measured of it, by one thread.
const HeadMr& measured() {
  static const HeadMr head = [] {
    gantry::Run run(RunOptions{.threads = 1});
    return measure_head_mr(plain().image, run);
  }();
  return head;
}

TEST(HeadMr, measures_the_volumes_of_a_phantom) {
  const Phantom& p = plain();
  const HeadMr& head = measured();
  EXPECT_NEAR(head.brain_ml / p.brain_ml, 1, 0.03);
  EXPECT_NEAR(head.tissue.white_ml / p.white_ml, 1, 0.05);
  EXPECT_NEAR(head.tissue.gray_ml / p.gray_ml, 1, 0.08);
  EXPECT_NEAR(head.intracranial_ml / p.intracranial_ml, 1, 0.04);
  EXPECT_NEAR(head.ventricles_ml / p.ventricles_ml, 1, 0.12);
  EXPECT_NEAR(head.plane.side_mm({2, 0, 0}), 0, 1.0);
  EXPECT_GT(head.plane.normal.x, 0.99);
  EXPECT_FALSE(head.brain.cut_below);
  ASSERT_TRUE(head.quality.noise);
  EXPECT_NEAR(*head.quality.noise, 2, 0.6);
}

TEST(HeadMr, does_not_take_a_dark_tumor_for_fluid) {
  Phantom p{plain().image.clone()};
  p.intracranial_ml = plain().intracranial_ml;
  const Grid& grid = p.image.grid();
  const Random random(12);
  for (std::int64_t n = 0; n < p.image.count(); ++n) {
    const Vec3 v{static_cast<double>(n % grid.size(0)), static_cast<double>(n / grid.size(0) % grid.size(1)),
                 static_cast<double>(n / grid.size(0) / grid.size(1))};
    if (norm(grid.world_from_voxel(v) - Vec3{28, -45, 25}) < 17)
      p.image[n] = static_cast<float>(40 + 2 * random.normal(static_cast<std::uint64_t>(n)));
  }
  gantry::Run run;
  const HeadMr head = measure_head_mr(p.image, run);
  EXPECT_NEAR(head.brain.intensities.mean[0] / head.brain.intensities.mean[2], 0.25, 0.03);
  EXPECT_NEAR(head.intracranial_ml / p.intracranial_ml, 1, 0.04);
}

TEST(HeadMr, gives_the_same_sides_and_volumes_in_any_order_of_axes) {
  const Phantom& p = plain();
  const HeadMr& first = measured();
  gantry::Run run;
  // Coronal slices from back to front, columns from the feet: the same voxels in another order.
  const Size3 size = p.image.grid().size();
  const Grid& g = p.image.grid();
  const Mat3 turned{{Vec3{-1, 0, 0}, Vec3{0, 0, -1}, Vec3{0, -1, 0}}};
  const Vec3 last =
      g.world_from_voxel({static_cast<double>(size[0] - 1), static_cast<double>(size[1] - 1), static_cast<double>(size[2] - 1)});
  Voxels<float> coronal(Grid({size[0], size[2], size[1]}, {g.spacing_mm().x, g.spacing_mm().z, g.spacing_mm().y}, last, turned));
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) coronal(size[0] - 1 - i, size[2] - 1 - k, size[1] - 1 - j) = p.image(i, j, k);
    }
  }
  const HeadMr second = measure_head_mr(coronal, run);
  EXPECT_NEAR(second.brain_ml / first.brain_ml, 1, 0.005);
  EXPECT_NEAR(second.intracranial_ml / first.intracranial_ml, 1, 0.005);
  EXPECT_NEAR(second.tissue.gray_ml / first.tissue.gray_ml, 1, 0.005);
  EXPECT_GT(second.plane.normal.x, 0.99);
}

TEST(HeadMr, has_the_same_bits_for_any_number_of_threads) {
  gantry::Run many(RunOptions{.threads = 3});
  const HeadMr& a = measured();
  const HeadMr b = measure_head_mr(plain().image, many);
  EXPECT_TRUE(std::equal(a.tissue.label.values().begin(), a.tissue.label.values().end(), b.tissue.label.values().begin()));
  EXPECT_EQ(a.brain_ml, b.brain_ml);
  EXPECT_EQ(a.plane.normal, b.plane.normal);
}

TEST(HeadMr, keeps_the_outline_of_a_brain_whose_skull_was_removed) {
  Voxels<float> image = plain().image.clone();
  const Grid& grid = image.grid();
  double outline_ml = 0;
  for (std::int64_t n = 0; n < image.count(); ++n) {
    const Vec3 voxel{static_cast<double>(n % grid.size(0)), static_cast<double>(n / grid.size(0) % grid.size(1)),
                     static_cast<double>(n / (grid.size(0) * grid.size(1)))};
    const Part part = part_at(grid.world_from_voxel(voxel));
    const bool brain = part == Part::gray || part == Part::white || part == Part::ventricle;
    if (!brain || grid.world_from_voxel(voxel).z < -50) image[n] = 0;
    outline_ml += image[n] > 0 ? grid.voxel_volume_mm3() / 1000 : 0;
  }
  SeriesInput input;
  input.image = Image(std::move(image));
  input.modality = "MR";
  gantry::Run run;
  const SeriesResult result = analyze_head_mr(input, Profile{}, run);
  const auto value = [&](std::string_view id) {
    const auto found = std::find_if(result.findings.begin(), result.findings.end(), [&](const Finding& f) { return f.id == id; });
    return found == result.findings.end() ? NAN : found->value.value_or(NAN);
  };
  EXPECT_NEAR(value("intracranial.volume") / outline_ml, 1, 0.002);
  EXPECT_NEAR(value("brain.volume") / plain().brain_ml, 1, 0.03);
  ASSERT_FALSE(result.warnings.empty());
  EXPECT_NE(result.warnings.back().find("skull was removed"), std::string::npos);
}

/// Tissue maps of a white brain in a shell of fluid, with what `fluid_at` says is fluid inside it.
template <class Test>
TissueMaps brain_with(const Grid& grid, Mask& space, Test&& fluid_at) {
  TissueMaps maps{Voxels<std::uint8_t>(grid), Voxels<std::uint8_t>(grid), Voxels<std::uint8_t>(grid), Voxels<std::uint8_t>(grid), {}};
  for (std::int64_t n = 0; n < space.count(); ++n) {
    const Vec3 p = grid.world_from_voxel({static_cast<double>(n % grid.size(0)), static_cast<double>(n / grid.size(0) % grid.size(1)),
                                          static_cast<double>(n / (grid.size(0) * grid.size(1)))});
    if (ellipsoid(p, {}, {70, 85, 62}) > 1) continue;
    space[n] = 1;
    const double share = ellipsoid(p, {}, {63, 78, 55}) > 1 ? 1.0 : fluid_at(p);
    maps.fluid[n] = static_cast<std::uint8_t>(255 * share);
    maps.white[n] = static_cast<std::uint8_t>(255 - maps.fluid[n]);
    maps.label[n] = static_cast<std::uint8_t>(share > 0.5 ? Tissue::fluid : Tissue::white);
  }
  return maps;
}

TEST(Ventricles, take_the_third_and_leave_the_cistern_behind_it) {
  const Grid grid({74, 90, 66}, {2, 2, 2}, {-73, -89, -65});
  Mask space(grid);
  const auto lateral = [](Vec3 p) { return ellipsoid(p, {13, 0, 6}, {5, 26, 8}) < 1 || ellipsoid(p, {-13, 0, 6}, {5, 26, 8}) < 1; };
  const auto third = [](Vec3 p) { return ellipsoid(p, {0, -2, -11}, {2.6, 14, 9}) < 1; };
  const auto cistern = [](Vec3 p) { return ellipsoid(p, {0, 34, -12}, {9, 8, 7}) < 1 || (std::hypot(p.x, p.y - 34) < 4 && p.z < -12); };
  // Blurred fluid that joins a lateral ventricle to the cistern.
  const auto leak = [](Vec3 p) { return p.x > 6 && p.x < 14 && p.y > 16 && p.y < 34 && p.z > -8 && p.z < -4; };
  const auto joint = [](Vec3 p) { return p.x > 11 && p.x < 14 && p.y > 16 && p.y < 20 && p.z >= -4 && p.z < 4; };
  const TissueMaps maps = brain_with(grid, space, [&](Vec3 p) {
    return lateral(p) || third(p) || cistern(p) ? 1.0 : leak(p) || joint(p) ? 0.55 : 0.0;
  });
  gantry::Run run;
  const Mask found = find_ventricles(maps, space, MidPlane{}, run);
  double missed = 0;
  double third_missed = 0;
  double wrong = 0;
  double all = 0;
  double all_third = 0;
  for (std::int64_t n = 0; n < found.count(); ++n) {
    const Vec3 p = grid.world_from_voxel({static_cast<double>(n % grid.size(0)), static_cast<double>(n / grid.size(0) % grid.size(1)),
                                          static_cast<double>(n / (grid.size(0) * grid.size(1)))});
    all += lateral(p) ? 1 : 0;
    all_third += third(p) ? 1 : 0;
    missed += lateral(p) && found[n] == 0 ? 1 : 0;
    third_missed += third(p) && found[n] == 0 ? 1 : 0;
    wrong += cistern(p) && found[n] != 0 ? 1 : 0;
  }
  EXPECT_EQ(missed, 0) << "of " << all;
  EXPECT_LT(third_missed, 0.1 * all_third);
  EXPECT_EQ(wrong, 0);
  const TissueMaps none = brain_with(grid, space, [](Vec3) { return 0.0; });
  const Mask empty = find_ventricles(none, space, MidPlane{}, run);
  EXPECT_TRUE(std::none_of(empty.values().begin(), empty.values().end(), [](std::uint8_t v) { return v != 0; }));
}

TEST(HeadMr, states_why_it_measures_nothing) {
  const auto reason = [](Image image) {
    SeriesInput input;
    input.image = std::move(image);
    input.modality = "MR";
    gantry::Run run;
    const SeriesResult result = analyze_head_mr(input, Profile{}, run);
    EXPECT_FALSE(result.findings.empty());
    for (const Finding& f : result.findings) {
      EXPECT_FALSE(f.value);
      EXPECT_FALSE(f.reason.empty());
    }
    EXPECT_TRUE(result.segments.empty());
    return result.findings.at(0).reason;
  };
  const Grid grid({64, 64, 64}, {3, 3, 3});
  EXPECT_NE(reason(Voxels<float>(grid, 7.0F)).find("constant"), std::string::npos);
  EXPECT_NE(reason(Voxels<float>(grid, NAN)).find("constant"), std::string::npos);
  EXPECT_NE(reason(Voxels<float>(Grid({64, 64, 1}), 7.0F)).find("8 voxels"), std::string::npos);
  EXPECT_NE(reason(Voxels<float>(Grid({16, 16, 16}), 7.0F)).find("too small"), std::string::npos);
  Voxels<float> noise(grid);
  const Random random(3);
  for (std::int64_t n = 0; n < noise.count(); ++n) noise[n] = static_cast<float>(std::abs(random.normal(static_cast<std::uint64_t>(n))));
  EXPECT_FALSE(reason(std::move(noise)).empty());
}

TEST(HeadMr, gives_findings_segments_pictures_and_words) {
  SeriesInput input;
  input.image = Image(plain().image.clone());
  input.modality = "MR";
  gantry::Run run;
  const SeriesResult result = analyze_head_mr(input, Profile{}, run);
  std::set<std::string> ids;
  for (const Finding& f : result.findings) ids.insert(f.id);
  for (const char* id : {"brain.volume", "intracranial.volume", "gray_matter.volume", "white_matter.volume", "cerebrospinal_fluid.volume",
                         "ventricles.volume", "brain.asymmetry", "brain.fraction"}) {
    EXPECT_TRUE(ids.contains(id)) << id;
  }
  EXPECT_EQ(ids.size(), result.findings.size());
  EXPECT_EQ(result.labels.image().grid().size(), input.image.grid().size());
  EXPECT_EQ(result.images.size(), 3U);
  EXPECT_FALSE(result.glances.empty());
  for (const auto& glance : result.glances) {
    EXPECT_FALSE(glance.text.zh.empty());
    for (const int image : glance.images) EXPECT_LE(image, 3);
  }
}

TEST(HeadMr, agrees_with_a_network_on_a_real_head) {
  const Path data = test_data();
  if (data.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const Image image = io::read(data / "models/brainchop/t1_crop.nii.gz", run);
  const HeadMr head = measure_head_mr(image.as<float>(), run);
  // Networks give 1,608 mL for the brain with its fluid and 1,251 mL without.
  EXPECT_NEAR(head.intracranial_ml, 1608, 0.05 * 1608);
  EXPECT_GT(head.brain_ml, 1150);
  EXPECT_LT(head.brain_ml, 1420);
  EXPECT_GT(head.ventricles_ml, 5);
  EXPECT_LT(head.ventricles_ml, 40);
}

}  // namespace
}  // namespace gantry::analysis::head_mr_test
