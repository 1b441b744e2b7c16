// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/projection.h"

#include <map>

#include "gantry/base/test_support.h"
#include "gantry/simulation/digital_patient.h"

namespace gantry::projection_test {

namespace {

/// One slice of the small digital patient's noise-free CT, and its labels.
struct Slice {
  Image image;
  std::vector<int> labels;
};

Slice middle_slice(double* pixel_mm = nullptr) {
  gantry::Run run;
  const simulation::DigitalPatient patient =
      simulation::make_digital_patient({.seed = 7, .size = simulation::PatientSize::small, .noise = 0}, run);
  const Grid& grid = patient.clean.grid();
  const std::int64_t k = grid.size(2) / 3;
  const Grid one = grid.cropped({0, 0, k}, {grid.size(0), grid.size(1), 1});
  Voxels<float> slice(one);
  const VoxelView<float> values = patient.clean.as<float>();
  const VoxelView<std::uint8_t> labels = patient.labels.image().as<std::uint8_t>();
  Slice result;
  for (std::int64_t n = 0; n < one.voxel_count(); ++n) {
    slice[n] = values[n + one.voxel_count() * k];
    result.labels.push_back(labels[n + one.voxel_count() * k]);
  }
  if (pixel_mm) *pixel_mm = one.spacing_mm().x;
  result.image = std::move(slice);
  return result;
}

/// The greatest difference of the mean HU of `b` from that of `a` in any structure of at least 60 pixels all of whose neighbours within two
/// pixels are of it and of nearly its value.
double worst_difference(const Slice& a, const Image& b) {
  const VoxelView<float> before = a.image.as<float>(), after = b.as<float>();
  const std::int64_t side = a.image.grid().size(0);
  std::map<int, std::array<double, 3>> sums;
  for (std::int64_t j = 2; j + 2 < side; ++j) {
    for (std::int64_t i = 2; i + 2 < side; ++i) {
      const std::int64_t n = i + side * j;
      const int label = a.labels[static_cast<std::size_t>(n)];
      bool uniform = true;
      for (std::int64_t v = -2; v <= 2; ++v) {
        for (std::int64_t u = -2; u <= 2; ++u) {
          const std::int64_t m = n + u + side * v;
          uniform = uniform && a.labels[static_cast<std::size_t>(m)] == label && std::abs(before[m] - before[n]) < 5;
        }
      }
      if (!uniform) continue;
      auto& [first, second, count] = sums[label];
      first += before[n];
      second += after[n];
      ++count;
    }
  }
  double worst = 0;
  int regions = 0;
  for (const auto& [label, sum] : sums) {
    if (sum[2] < 60) continue;
    ++regions;
    worst = std::max(worst, std::abs(sum[1] - sum[0]) / sum[2]);
  }
  EXPECT_GE(regions, 3);
  return worst;
}

}  // namespace

TEST(ProjectionScan, of_a_digital_patient_gives_its_hounsfield_units_back) {
  gantry::Run run;
  double pixel_mm = 0;
  const Slice patient = middle_slice(&pixel_mm);
  const int side = static_cast<int>(patient.image.grid().size(0));
  const ProjectionScan quiet{.views = 720, .element = 0.5 * pixel_mm};
  ProjectionScan noisy = quiet, fan = quiet;
  noisy.photons = 1e6;
  fan.scan = {.shape = reconstruction::BeamShape::fan, .angle_range = 360, .source_distance = 570, .detector_distance = 470};
  fan.views = 900;
  fan.element = pixel_mm;
  ProjectionScan noisy_fan = fan;
  noisy_fan.photons = 1e6;
  for (const ProjectionScan& scan : {quiet, noisy, fan, noisy_fan}) {
    const Image rows = scan(patient.image, run);
    const Image back =
        FilteredBackprojection{.scan = scan.scan, .size = side, .pixel = pixel_mm, .unit = AttenuationUnit::hu}(rows, nullptr, run);
    EXPECT_LT(worst_difference(patient, back), 10);
  }
}

TEST(ProjectionScan, counts_photons_with_the_variance_of_poisson) {
  gantry::Run run;
  const Image nothing(Voxels<float>(Grid({64, 64, 1}), 0.0F));
  const Image rows = ProjectionScan{.views = 200, .unit = AttenuationUnit::attenuation, .photons = 1e4}(nothing, run);
  const VoxelView<float> values = rows.as<float>();
  double sum = 0, square = 0;
  for (std::int64_t n = 0; n < values.count(); ++n) {
    sum += values[n];
    square += static_cast<double>(values[n]) * values[n];
  }
  const auto count = static_cast<double>(values.count());
  EXPECT_NEAR(sum / count, 0, 3e-4);
  EXPECT_NEAR(square / count, 1e-4, 3e-6);  // 1 / photons
}

TEST(ProjectionScan, of_an_oblong_slice_sums_up_to_its_content) {
  gantry::Run run;
  Voxels<float> oblong(Grid({40, 20, 2}), 0.01F);
  const Image rows = ProjectionScan{.views = 2, .unit = AttenuationUnit::attenuation}(Image(std::move(oblong)), run);
  const VoxelView<float> values = rows.as<float>();
  double sum = 0;
  for (const float value : values.values()) sum += value;
  EXPECT_NEAR(sum, 2 * 2 * 0.01 * 800, 1e-3);
}

TEST(ProjectionScan, refuses_what_it_cannot_do) {
  gantry::Run run;
  const auto refusal = [&](const ProjectionScan& scan, const Image& image) {
    return std::string(error_of([&] { scan(image, run); }).what());
  };
  EXPECT_NE(refusal({}, Image(Voxels<float>(Grid({8, 9, 1}, {1, 2, 1})))).find("image: must hold square pixels"), std::string::npos);
  EXPECT_EQ(refusal({}, Image(Voxels<float>(Grid({8, 8, 1}), INFINITY))), "image: must hold finite values");
  EXPECT_NE(refusal({.element = 1e-5}, Image(Voxels<float>(Grid({8, 8, 1})))).find("element: would need"), std::string::npos);
}

}  // namespace gantry::projection_test
