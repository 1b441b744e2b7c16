// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The main job on digital patients, whose truth is known. Seeds here are used nowhere else.
#include "gantry/analysis/analyze.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/random.h"
#include "gantry/dicom/iod/write.h"
#include "gantry/io/io.h"
#include "gantry/simulation/digital_patient.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/resample.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

simulation::DigitalPatient small_chest(std::uint64_t seed) {
  simulation::DigitalPatientOptions options;
  options.seed = seed;
  options.size = simulation::PatientSize::small;
  gantry::Run run;
  return simulation::make_digital_patient(options, run);
}

Json analysed(const Path& input, const Path& out, int threads = 2, const std::string& modality = "") {
  analysis::AnalyzeOptions options;
  options.inputs = {input};
  options.output = out;
  options.modality = modality;
  RunOptions settings;
  settings.threads = threads;
  gantry::Run run(settings);
  return analysis::analyze(options, run);
}

double value_of(const Json& study, const std::string& id) {
  for (const Json& finding : study.at("findings")) {
    if (finding.at("id") == id && !finding.at("value").is_null()) return finding.at("value").get<double>();
  }
  return NAN;
}

Mask mask_of(const Image& labels, const std::vector<int>& values) {
  const auto all = labels.as<std::int32_t>();
  Mask mask(all.grid());
  for (std::int64_t n = 0; n < all.count(); ++n) mask[n] = std::find(values.begin(), values.end(), all[n]) != values.end();
  return mask;
}

/// Digests of all files of a folder but provenance.json, by relative path.
std::map<std::string, std::string> digests(const Path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().filename() != "provenance.json") {
      all[fs::relative(entry.path(), folder).string()] = sha256_hex(read_bytes(entry.path()));
    }
  }
  return all;
}

class DigitalChest : public testing::TestWithParam<int> {};

TEST_P(DigitalChest, is_measured_as_it_is) {
  const auto patient = small_chest(static_cast<std::uint64_t>(GetParam()));
  const TemporaryFolder folder;
  gantry::Run run;
  dicom::write_image_as_dicom(folder.path() / "dicom", patient.image, "CT", "1.2.840.10008.1.2.1", run);
  const Json summary = analysed(folder.path() / "dicom", folder.path() / "out");
  const Json& study = summary.at("studies").at(0);
  for (const std::string side : {"lung_left", "lung_right"}) {
    const double truth = patient.truth.at("volumes_ml").at(side).get<double>();
    EXPECT_NEAR(value_of(study, side + ".volume"), truth, 0.03 * truth) << side;
    const Label* label = patient.labels.find(side);
    ASSERT_NE(label, nullptr);
    for (const Json& segment : study.at("segments")) {
      if (segment.at("id") != side) continue;
      const Image found = io::read(folder.path() / "out" / segment.at("file").get<std::string>(), run);
      const Overlap overlap_ =
          overlap(mask_of(found, {segment.at("label_value").get<int>()}), mask_of(patient.labels.image(), {label->value}), 1, run);
      EXPECT_GE(overlap_.dice, 0.97) << side;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(UnseenSeeds, DigitalChest, testing::Values(901, 902));

TEST(Analyze, gives_the_same_bytes_for_one_and_two_threads) {
  const auto patient = small_chest(903);
  const TemporaryFolder folder;
  gantry::Run run;
  dicom::write_image_as_dicom(folder.path() / "dicom", patient.image, "CT", "1.2.840.10008.1.2.1", run);
  analysed(folder.path() / "dicom", folder.path() / "one", 1);
  analysed(folder.path() / "dicom", folder.path() / "two", 2);
  const auto one = digests(folder.path() / "one"), two = digests(folder.path() / "two");
  EXPECT_GT(one.size(), 8u);
  for (const auto& [name, digest] : one) EXPECT_EQ(two.contains(name) ? two.at(name) : "missing", digest) << name;
  EXPECT_EQ(one.size(), two.size());
}

/// The image with its axes in another order: axis n of the result runs along axis `order[n]`, backwards when `flip[n]`.
Image reordered(const Image& image, std::array<int, 3> order, std::array<bool, 3> flip) {
  const Grid& grid = image.grid();
  const auto values = image.as<float>();
  Size3 size{};
  Vec3 spacing, first;
  Mat3 direction;
  for (int n = 0; n < 3; ++n) {
    const int from = order[static_cast<std::size_t>(n)];
    size[static_cast<std::size_t>(n)] = grid.size(from);
    spacing[n] = grid.spacing_mm()[from];
    const bool back = flip[static_cast<std::size_t>(n)];
    direction.column[static_cast<std::size_t>(n)] = (back ? -1.0 : 1.0) * grid.direction().column[static_cast<std::size_t>(from)];
    first[from] = back ? static_cast<double>(grid.size(from) - 1) : 0.0;
  }
  Voxels<float> result(Grid(size, spacing, grid.world_from_voxel(first), direction));
  std::array<std::int64_t, 3> at{};
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        const std::array<std::int64_t, 3> here{i, j, k};
        for (std::size_t n = 0; n < 3; ++n) at[static_cast<std::size_t>(order[n])] = flip[n] ? size[n] - 1 - here[n] : here[n];
        result(i, j, k) = values(at[0], at[1], at[2]);
      }
    }
  }
  return result;
}

TEST(Analyze, keeps_sides_and_volumes_in_every_order_of_axes) {
  const auto patient = small_chest(904);
  const TemporaryFolder folder;
  gantry::Run run;
  struct Variant {
    std::string name;
    std::array<int, 3> order;
    std::array<bool, 3> flip;
    bool dicom;
  };
  const std::vector<Variant> variants{
      {"axial", {0, 1, 2}, {false, false, false}, true},   {"coronal", {0, 2, 1}, {false, true, false}, true},
      {"reversed", {0, 1, 2}, {false, false, true}, true}, {"feet_first", {0, 1, 2}, {true, false, true}, true},
      {"ras", {0, 1, 2}, {true, true, false}, false},      {"psl", {1, 2, 0}, {false, false, false}, false}};
  double left = NAN, right = NAN;
  for (const Variant& variant : variants) {
    const Image image = reordered(patient.image, variant.order, variant.flip);
    Path input = folder.path() / (variant.name + ".nii.gz");
    if (variant.dicom) {
      input = folder.path() / variant.name;
      dicom::write_image_as_dicom(input, image, "CT", "1.2.840.10008.1.2.1", run);
    } else {
      io::write(input, image, run);
    }
    const Json summary = analysed(input, folder.path() / (variant.name + "_out"), 2, variant.dicom ? "" : "CT");
    const Json& study = summary.at("studies").at(0);
    if (variant.name == "axial") {
      left = value_of(study, "lung_left.volume");
      right = value_of(study, "lung_right.volume");
      ASSERT_GT(std::abs(right / left - 1), 0.02);
    }
    EXPECT_NEAR(value_of(study, "lung_left.volume") / left, 1, 0.005) << variant.name;
    EXPECT_NEAR(value_of(study, "lung_right.volume") / right, 1, 0.005) << variant.name;
  }
}

TEST(Analyze, killed_at_any_moment_leaves_the_former_result_or_the_new_one) {
  const auto patient = small_chest(905);
  const TemporaryFolder folder;
  gantry::Run run;
  dicom::write_image_as_dicom(folder.path() / "dicom", patient.image, "CT", "1.2.840.10008.1.2.1", run);
  const Path out = folder.path() / "out";
  analysed(folder.path() / "dicom", out);
  const auto complete = digests(out);
  const Random random(17);
  for (int moment = 0; moment < 10; ++moment) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl(GANTRY_PROGRAM, "gantry", "analyze", (folder.path() / "dicom").c_str(), "-o", out.c_str(), "--quiet", "--cache", "off",
              nullptr);
      ::_exit(127);
    }
    ::usleep(static_cast<useconds_t>(50000 + 5000000 * random.uniform(static_cast<std::uint64_t>(moment))));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(digests(out), complete);
  }
  EXPECT_EQ(digests(out), complete);
}

TEST(Analyze, refuses_an_output_folder_that_holds_something_else) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() / "out");
  write_atomic(folder.path() / "out" / "mine.txt", "precious");
  gantry::Run run;
  io::write(folder.path() / "a.nii", Voxels<float>(Grid({8, 8, 8})), run);
  try {
    analysed(folder.path() / "a.nii", folder.path() / "out", 1, "CT");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error_info(error.code()).exit_status, 2);
  }
  EXPECT_EQ(read_text(folder.path() / "out" / "mine.txt"), "precious");
}

/// The same PET, written as three vendors write it.
TEST(Analyze, finds_the_same_uptake_however_a_vendor_states_it) {
  struct Storage {
    std::string manufacturer, units, decay;
  };
  const std::vector<Storage> ways{{"SIEMENS", "BQML", "START"},
                                  {"SIEMENS", "BQML", "ADMIN"},
                                  {"SIEMENS", "BQML", "NONE"},
                                  {"SIEMENS", "GML", "START"},
                                  {"GE MEDICAL SYSTEMS", "BQML", "START"},
                                  {"GE MEDICAL SYSTEMS", "BQML", "ADMIN"},
                                  {"Philips Medical Systems", "BQML", "START"},
                                  {"Philips Medical Systems", "CNTS", "START"},
                                  {"Philips Medical Systems", "CNTS", "ADMIN"}};
  const TemporaryFolder folder;
  double reference = NAN;
  for (std::size_t n = 0; n < ways.size(); ++n) {
    simulation::DigitalPatientOptions options;
    options.seed = 906;
    options.modality = simulation::PatientModality::pet;
    options.size = simulation::PatientSize::small;
    options.pet = {ways[n].manufacturer, ways[n].units, ways[n].decay};
    gantry::Run run;
    const Path patient = folder.path() / std::to_string(n);
    simulation::write_digital_patient(patient, options, run);
    const Json summary = analysed(patient / "dicom", folder.path() / (std::to_string(n) + "_out"));
    const Json& study = summary.at("studies").at(0);
    const double found = value_of(study, "pet_lesion.1.suv_max");
    if (n == 0) reference = found;
    ASSERT_TRUE(std::isfinite(found)) << ways[n].manufacturer << " " << ways[n].units << " " << ways[n].decay;
    EXPECT_NEAR(found / reference, 1, 0.001) << ways[n].manufacturer << " " << ways[n].units << " " << ways[n].decay;
  }
}

}  // namespace
}  // namespace gantry
