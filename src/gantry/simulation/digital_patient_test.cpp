// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/digital_patient.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/simulation/patient_spec.h"

namespace gantry::simulation::digital_patient_test {
namespace {

DigitalPatient made(const DigitalPatientOptions& options, int threads = 2) {
  Run run(RunOptions{.threads = threads});
  return make_digital_patient(options, run);
}

DigitalPatientOptions small_ct(std::uint64_t seed) { return {.seed = seed, .size = PatientSize::small}; }

const DigitalPatient& ct_seven() {
  static const DigitalPatient patient = made(small_ct(7));
  return patient;
}

Vec3 point_of(const Json& json) { return {json[0].get<double>(), json[1].get<double>(), json[2].get<double>()}; }

std::map<std::string, std::int64_t> counts_of(const Labels& labels) {
  std::map<std::string, std::int64_t> counts;
  const auto voxels = labels.image().as<std::uint8_t>();
  for (const std::uint8_t v : voxels.values()) {
    if (const Label* label = labels.find(v)) ++counts[label->id];
  }
  return counts;
}

Vec3 center_of(const Labels& labels, std::string_view id) {
  const auto voxels = labels.image().as<std::uint8_t>();
  const Grid& grid = voxels.grid();
  const int value = labels.find(id)->value;
  Vec3 sum;
  double count = 0;
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        if (voxels(i, j, k) != value) continue;
        sum = sum + grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        ++count;
      }
    }
  }
  return (1 / count) * sum;
}

std::string message_of(const Json& spec, PatientModality modality = PatientModality::ct) {
  DigitalPatientOptions options = small_ct(7);
  options.modality = modality;
  options.spec = spec;
  try {
    made(options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::parameter) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(DigitalPatient, is_the_same_for_any_number_of_threads) {
  const DigitalPatient one = made(small_ct(7), 1);
  EXPECT_EQ(sha256_hex(one.image.bytes()), sha256_hex(ct_seven().image.bytes()));
  EXPECT_EQ(sha256_hex(one.labels.image().bytes()), sha256_hex(ct_seven().labels.image().bytes()));
  EXPECT_EQ(one.truth.dump(), ct_seven().truth.dump());
}

TEST(DigitalPatient, counts_in_the_labels_agree_with_the_true_volumes) {
  const DigitalPatient& patient = ct_seven();
  const double voxel_ml = patient.image.grid().voxel_volume_mm3() / 1000;
  auto counts = counts_of(patient.labels);
  for (const char* id : {"lung_left", "lung_right", "liver", "heart"}) {
    const double truth = patient.truth["volumes_ml"][id].get<double>();
    EXPECT_NEAR(static_cast<double>(counts[id]) * voxel_ml, truth, 0.02 * truth) << id;
  }
}

TEST(DigitalPatient, lies_with_the_heart_to_the_left_and_the_liver_to_the_right) {
  const Labels& labels = ct_seven().labels;
  EXPECT_EQ(ct_seven().image.grid().orientation(), "LPS");
  EXPECT_GT(center_of(labels, "heart").x, 5);
  EXPECT_LT(center_of(labels, "liver").x, -15);
  EXPECT_GT(center_of(labels, "spleen").x, 40);
  EXPECT_GT(center_of(labels, "lung_left").x, 30);
  EXPECT_LT(center_of(labels, "lung_right").x, -30);
  EXPECT_GT(center_of(labels, "spine").y, center_of(labels, "heart").y + 40);
  EXPECT_GT(center_of(labels, "lung_left").z, center_of(labels, "liver").z + 40);
}

TEST(DigitalPatient, has_the_lung_volume_that_was_asked_for) {
  DigitalPatientOptions options = small_ct(3);
  options.spec = Json{{"patient", Json{{"lung_volume_ml", 3100}}}, {"nodules", Json::array()}, {"lesions", Json::array()}};
  const Json truth = made(options).truth;
  EXPECT_NEAR(truth["volumes_ml"]["lung_left"].get<double>() + truth["volumes_ml"]["lung_right"].get<double>(), 3100, 35);
}

TEST(DigitalPatient, holds_nodules_of_the_stated_kind_where_they_are_stated) {
  const DigitalPatient& patient = ct_seven();
  const auto clean = patient.clean.as<float>();
  const Grid& grid = clean.grid();
  ASSERT_GE(patient.truth["nodules"].size(), 2U);
  for (const Json& nodule : patient.truth["nodules"]) {
    if (nodule["diameter_mm"].get<double>() < 8) continue;  // slices of 4 mm blur smaller ones
    const Vec3 v = grid.voxel_from_world(point_of(nodule["center_lps_mm"]));
    const float value = clean(std::lround(v.x), std::lround(v.y), std::lround(v.z));
    if (nodule["type"] == "ground_glass") {
      EXPECT_NEAR(value, -620, 90);
    } else {
      EXPECT_GT(value, nodule["type"] == "solid" ? -150 : -450) << nodule.dump();
    }
  }
}

TEST(DigitalPatient, has_noise_of_the_asked_standard_deviation) {
  DigitalPatientOptions options = small_ct(7);
  options.noise = 25;
  const DigitalPatient noisier = made(options);
  for (const DigitalPatient* patient : {&ct_seven(), &noisier}) {
    const double asked = patient->truth["noise"].get<double>();
    const auto noisy = patient->image.as<float>(), clean = patient->clean.as<float>();
    double sum = 0, squares = 0, count = 0;
    for (std::int64_t n = 0; n < noisy.count(); ++n) {
      if (clean[n] < -900) continue;  // air is clipped at -1024
      const double d = noisy[n] - clean[n];
      sum += d, squares += d * d, ++count;
    }
    EXPECT_NEAR(sum / count, 0, 0.02 * asked);
    EXPECT_NEAR(std::sqrt(squares / count), asked, 0.02 * asked);
  }
  EXPECT_EQ(noisier.truth["noise"], 25);
}

TEST(DigitalPatient, has_more_low_attenuation_with_more_emphysema) {
  double last = -1;
  for (const double asked : {0.0, 12.0}) {
    DigitalPatientOptions options = small_ct(5);
    options.noise = 0.0;
    options.spec = Json{{"laa950_percent", asked}, {"nodules", Json::array()}};
    const double truth = made(options).truth["laa950_percent"].get<double>();
    EXPECT_GT(truth, last);
    EXPECT_NEAR(truth, asked, 1.0 + 0.2 * asked);
    last = truth;
  }
}

TEST(DigitalPatient, is_made_again_by_its_own_truth) {
  DigitalPatientOptions options = small_ct(7);
  options.spec = ct_seven().truth;
  const DigitalPatient again = made(options);
  EXPECT_EQ(again.truth["nodules"].dump(), ct_seven().truth["nodules"].dump());
  EXPECT_EQ(sha256_hex(again.image.bytes()), sha256_hex(ct_seven().image.bytes()));
}

TEST(DigitalPatient, refuses_bad_specifications_by_name) {
  const auto nodule = [](Json center, Json diameter) {
    return Json{{"nodules", Json::array({Json{{"center_lps_mm", std::move(center)}, {"diameter_mm", std::move(diameter)}}})}};
  };
  const Json somewhere = Json::array({-70, 0, 80});
  EXPECT_NE(message_of(nodule(Json::array({0, 400, 0}), 8)).find("nodules[0].center_lps_mm: must lie inside a lung"), std::string::npos);
  EXPECT_NE(message_of(nodule(somewhere, -3)).find("nodules[0].diameter_mm: must lie between 2 and 60 mm; got -3"), std::string::npos);
  EXPECT_NE(message_of(nodule(somewhere, std::nan(""))).find("nodules[0].diameter_mm"), std::string::npos);
  EXPECT_NE(message_of(nodule(Json::array({1, 2}), 8)).find("three numbers"), std::string::npos);
  EXPECT_NE(message_of(nodule(somewhere, "eight")).find("must be a number"), std::string::npos);
  EXPECT_NE(message_of(Json{{"nodule", Json::array()}}).find("did you mean 'nodules'"), std::string::npos);
  EXPECT_NE(message_of(Json{{"laa950_percent", 99}}).find("laa950_percent: must lie between 0 and 60"), std::string::npos);
  EXPECT_NE(message_of(Json::array()).find("must be an object"), std::string::npos);
  const Json twice = Json{{"center_lps_mm", somewhere}, {"diameter_mm", 10}};
  EXPECT_NE(message_of(Json{{"nodules", Json::array({twice, twice})}}).find("must not overlap"), std::string::npos);
  DigitalPatientOptions options = small_ct(7);
  options.noise = std::nan("");
  EXPECT_THROW(made(options), Error);
}

DigitalPatientOptions small_mr(std::uint64_t seed) { return {.seed = seed, .modality = PatientModality::mr, .size = PatientSize::small}; }

const DigitalPatient& mr_seven() {
  static const DigitalPatient patient = [] {
    DigitalPatientOptions options = small_mr(7);
    options.spec =
        Json{{"patient", Json{{"brain_volume_ml", 1300}}},
             {"lesions", Json::array({Json{{"structure", "brain_tumor"}, {"center_lps_mm", {32, -20, 35}}, {"diameter_mm", 24}}})}};
    return made(options);
  }();
  return patient;
}

/// Mean of the noise-free image over voxels whose six neighbours have the same label.
double inner_mean(const DigitalPatient& patient, std::string_view id) {
  const auto labels = patient.labels.image().as<std::uint8_t>();
  const auto clean = patient.clean.as<float>();
  const Grid& grid = clean.grid();
  const int value = patient.labels.find(id)->value;
  double sum = 0, count = 0;
  for (std::int64_t k = 1; k + 1 < grid.size(2); ++k) {
    for (std::int64_t j = 1; j + 1 < grid.size(1); ++j) {
      for (std::int64_t i = 1; i + 1 < grid.size(0); ++i) {
        if (labels(i, j, k) != value || labels(i - 1, j, k) != value || labels(i + 1, j, k) != value || labels(i, j - 1, k) != value ||
            labels(i, j + 1, k) != value || labels(i, j, k - 1) != value || labels(i, j, k + 1) != value) {
          continue;
        }
        sum += clean(i, j, k), ++count;
      }
    }
  }
  EXPECT_GT(count, 20) << id;
  return sum / count;
}

TEST(DigitalPatientHead, has_the_brain_volume_that_was_asked_for_and_tissues_in_their_shares) {
  const Json& volumes = mr_seven().truth["volumes_ml"];
  EXPECT_NEAR(volumes["brain"].get<double>(), 1300, 30);
  const double gray = volumes["gray_matter"], white = volumes["white_matter"], brain = volumes["brain"], skull = volumes["intracranial"];
  EXPECT_GT(gray / brain, 0.45);
  EXPECT_LT(gray / brain, 0.65);
  EXPECT_NEAR(gray + white + volumes["deep_nuclei"].get<double>(), brain, 0.01);
  EXPECT_GT(brain / skull, 0.70);
  EXPECT_LT(brain / skull, 0.95);
}

TEST(DigitalPatientHead, shows_white_matter_brighter_than_gray_and_fluid_darkest) {
  const double white = inner_mean(mr_seven(), "white_matter"), gray = inner_mean(mr_seven(), "gray_matter");
  const double fluid = inner_mean(mr_seven(), "ventricles"), nuclei = inner_mean(mr_seven(), "deep_nuclei");
  EXPECT_GT(white, 1.15 * gray);
  EXPECT_GT(gray, 1.4 * fluid);
  EXPECT_GT(white, nuclei);
  EXPECT_GT(nuclei, fluid);
}

TEST(DigitalPatientHead, holds_the_tumor_on_the_stated_side) {
  const DigitalPatient& patient = mr_seven();
  ASSERT_EQ(patient.lesions.table().size(), 1U);
  const Vec3 center = center_of(patient.lesions, "brain_tumor.1");
  EXPECT_NEAR(center.x, 32, 4);
  EXPECT_NEAR(center.y, -20, 4);
  EXPECT_NEAR(center.z, 35, 4);
}

DigitalPatientOptions small_pet() {
  DigitalPatientOptions options{.seed = 9, .modality = PatientModality::pet, .size = PatientSize::small, .noise = 0.0};
  options.spec = Json{
      {"lesions", Json::array({Json{{"structure", "pet_lesion"}, {"center_lps_mm", {-80, 0, 100}}, {"diameter_mm", 32}, {"value", 9}}})}};
  return options;
}

TEST(DigitalPatientPet, tells_what_a_lesion_measures) {
  const DigitalPatient patient = made(small_pet());
  const Json& lesion = patient.truth["lesions"][0];
  EXPECT_NEAR(lesion["volume_ml"].get<double>(), 4.0 / 3 * 3.14159265 * 16 * 16 * 16 / 1000, 1.5);
  EXPECT_GT(lesion["suv_max"].get<double>(), 8.7);  // 32 mm is wide enough to recover
  EXPECT_LT(lesion["suv_max"].get<double>(), 9.01);
  EXPECT_LE(lesion["suv_peak"].get<double>(), lesion["suv_max"].get<double>());
  EXPECT_NEAR(lesion["mtv41_ml"].get<double>(), lesion["volume_ml"].get<double>(), 0.25 * lesion["volume_ml"].get<double>());
  EXPECT_NEAR(inner_mean(patient, "liver"), 2.1, 0.06);
}

/// The highest mean over a sphere of 1 mL about a voxel of the lesion, by points of which each voxel (5.4 x 5.4 x 5 mm) holds 20 x 20 x 20.
TEST(DigitalPatientPet, states_the_peak_of_a_sphere_of_one_millilitre) {
  DigitalPatientOptions options = small_pet();
  options.spec["lesions"][0]["diameter_mm"] = 13;
  const DigitalPatient patient = made(options);
  const auto image = patient.clean.as<float>();
  const Grid& grid = image.grid();
  const double radius = std::cbrt(3000 / (4 * 3.14159265358979));
  double peak = 0;
  for (std::int64_t voxel = 0; voxel < grid.voxel_count(); ++voxel) {
    if (image[voxel] < 0.5 * patient.truth["lesions"][0]["suv_max"].get<double>()) continue;
    const Size3 n = grid.size();
    const std::int64_t i = voxel % n[0], j = voxel / n[0] % n[1], k = voxel / (n[0] * n[1]);
    const Vec3 at = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
    if (norm(at - Vec3{-80, 0, 100}) > 12) continue;
    double sum = 0, count = 0;
    for (int z = -30; z < 30; ++z) {
      for (int y = -30; y < 30; ++y) {
        for (int x = -30; x < 30; ++x) {
          const Vec3 d{(x + 0.5) * 0.27, (y + 0.5) * 0.27, (z + 0.5) * 0.25};
          if (norm(d) > radius) continue;
          sum += image(i + std::llround((x + 0.5) / 20), j + std::llround((y + 0.5) / 20), k + std::llround((z + 0.5) / 20));
          ++count;
        }
      }
    }
    peak = std::max(peak, sum / count);
  }
  EXPECT_NEAR(patient.truth["lesions"][0]["suv_peak"].get<double>() / peak, 1, 0.005);
}

TEST(DigitalPatientPet, states_no_volume_where_the_threshold_does_not_part_the_lesion_from_its_organ) {
  DigitalPatientOptions options = small_pet();
  // In the liver, SUV 2.1: 41 % of 4 lies below it, 2.5 above.
  options.spec = Json{
      {"lesions", Json::array({Json{{"structure", "pet_lesion"}, {"center_lps_mm", {-55, -15, -63}}, {"diameter_mm", 30}, {"value", 4}}})}};
  const Json truth = made(options).truth;
  EXPECT_TRUE(truth["lesions"][0]["mtv41_ml"].is_null());
  EXPECT_TRUE(truth["lesions"][0]["mtv25_ml"].is_number());
  EXPECT_EQ(parse_patient_spec(truth).lesions->size(), 1U);
}

TEST(DigitalPatientPet, refuses_what_no_vendor_writes) {
  DigitalPatientOptions options = small_pet();
  options.pet.units = "CNTS";
  EXPECT_THROW(made(options), Error);
  options = small_pet();
  options.pet.decay = "LATER";
  EXPECT_THROW(made(options), Error);
  EXPECT_NE(
      message_of(Json{{"lesions", Json::array({Json{{"structure", "brain_tumor"}, {"center_lps_mm", {0, 0, 50}}, {"diameter_mm", 9}}})}},
                 PatientModality::pet)
          .find("belongs to another modality"),
      std::string::npos);
}

}  // namespace
}  // namespace gantry::simulation::digital_patient_test
