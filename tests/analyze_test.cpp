// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The main job on digital patients, whose truth is known. Seeds here are used nowhere else.
#include "gantry/analysis/analyze.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <numbers>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/random.h"
#include "gantry/dicom/iod/write.h"
#include "gantry/io/io.h"
#include "gantry/simulation/digital_patient.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/resample.h"

namespace gantry::analyze_test {
namespace {

namespace fs = std::filesystem;

simulation::DigitalPatient small_chest(std::uint64_t seed) {
  simulation::DigitalPatientOptions options;
  options.seed = seed;
  options.size = simulation::PatientSize::small;
  gantry::Run run;
  return simulation::make_digital_patient(options, run);
}

/// Two by two pixels are one: the analysis takes a third of the time.
Image coarse(const Image& image) {
  const Grid& grid = image.grid();
  const auto fine = image.as<float>();
  const Vec3 spacing{2 * grid.spacing_mm().x, 2 * grid.spacing_mm().y, grid.spacing_mm().z};
  Voxels<float> result(
      Grid({grid.size(0) / 2, grid.size(1) / 2, grid.size(2)}, spacing, grid.world_from_voxel({0.5, 0.5, 0}), grid.direction()));
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1) / 2; ++j) {
      for (std::int64_t i = 0; i < grid.size(0) / 2; ++i) {
        const float sum = fine(2 * i, 2 * j, k) + fine(2 * i + 1, 2 * j, k) + fine(2 * i, 2 * j + 1, k) + fine(2 * i + 1, 2 * j + 1, k);
        result(i, j, k) = 0.25F * sum;
      }
    }
  }
  return Image(std::move(result));
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

TEST_P(DigitalChest, is_measured_as_it_is_with_the_same_bytes_for_one_and_two_threads) {
  const auto patient = small_chest(static_cast<std::uint64_t>(GetParam()));
  const TemporaryFolder folder;
  gantry::Run run;
  dicom::write_image_as_dicom(folder.path() / "dicom", patient.image, "CT", "1.2.840.10008.1.2.1", run);
  const Json summary = analysed(folder.path() / "dicom", folder.path() / "out");
  if (GetParam() == 902) {
    analysed(folder.path() / "dicom", folder.path() / "one", 1);
    const auto one = digests(folder.path() / "one"), two = digests(folder.path() / "out");
    EXPECT_GT(one.size(), 8u);
    for (const auto& [name, digest] : one) EXPECT_EQ(two.contains(name) ? two.at(name) : "missing", digest) << name;
    EXPECT_EQ(one.size(), two.size());
  }
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

/// The image as a scanner with tilted axes would write it: the same box in the world and a margin, sampled along axes that are turned by
/// `degrees` about each of the patient's axes, in slices half as far apart so that nothing is lost. Nothing lies outside but air.
Image tilted(const Image& image, Vec3 degrees, const Run& run) {
  const Grid& grid = image.grid();
  Mat3 direction;
  for (int axis = 0; axis < 3; ++axis) {
    const double a = degrees[axis] * std::numbers::pi / 180;
    Mat3 turn;
    const auto second = static_cast<std::size_t>((axis + 1) % 3), third = static_cast<std::size_t>((axis + 2) % 3);
    turn.column[second][(axis + 1) % 3] = std::cos(a);
    turn.column[second][(axis + 2) % 3] = std::sin(a);
    turn.column[third][(axis + 1) % 3] = -std::sin(a);
    turn.column[third][(axis + 2) % 3] = std::cos(a);
    direction = turn * direction;
  }
  const Vec3 spacing{grid.spacing_mm().x, grid.spacing_mm().y, 0.5 * grid.spacing_mm().z};
  Vec3 half;
  const Vec3 middle = grid.world_from_voxel(
      0.5 * Vec3{static_cast<double>(grid.size(0) - 1), static_cast<double>(grid.size(1) - 1), static_cast<double>(grid.size(2) - 1)});
  for (int corner = 0; corner < 8; ++corner) {
    Vec3 voxel;
    for (int axis = 0; axis < 3; ++axis) voxel[axis] = (corner >> axis & 1) != 0 ? static_cast<double>(grid.size(axis) - 1) : 0.0;
    const Vec3 from_middle = grid.world_from_voxel(voxel) - middle;
    for (int axis = 0; axis < 3; ++axis)
      half[axis] = std::max(half[axis], std::abs(dot(from_middle, direction.column[static_cast<std::size_t>(axis)])));
  }
  Size3 size{};
  Vec3 to_first;
  for (int axis = 0; axis < 3; ++axis) {
    const auto voxels = static_cast<std::int64_t>(std::ceil(2 * half[axis] / spacing[axis])) + 1;
    size[static_cast<std::size_t>(axis)] = voxels;
    to_first[axis] = -0.5 * static_cast<double>(voxels - 1) * spacing[axis];
  }
  const Grid target(size, spacing, middle + direction * to_first, direction);
  return Image(resample(image.as<float>(), target, Interpolation::cubic, -1000.0F, run));
}

TEST(Analyze, keeps_sides_and_volumes_in_every_order_of_axes) {
  const Image chest = coarse(small_chest(904).image);
  const TemporaryFolder folder;
  gantry::Run run;
  struct Variant {
    std::string name;
    std::array<int, 3> order;
    std::array<bool, 3> flip;
    bool dicom;
    Vec3 tilt_degrees{};
  };
  const std::vector<Variant> variants{{"axial", {0, 1, 2}, {false, false, false}, true},
                                      {"coronal", {0, 2, 1}, {false, true, false}, true},
                                      {"reversed", {0, 1, 2}, {false, false, true}, true},
                                      {"feet_first", {0, 1, 2}, {true, false, true}, true},
                                      {"ras", {0, 1, 2}, {true, true, false}, false},
                                      {"psr", {1, 2, 0}, {false, false, true}, false},
                                      {"oblique", {0, 1, 2}, {false, false, false}, true, {14, -9, 11}}};
  double left = NAN, right = NAN;
  for (const Variant& variant : variants) {
    const bool oblique = norm(variant.tilt_degrees) > 0;
    const Image image = reordered(oblique ? tilted(chest, variant.tilt_degrees, run) : chest, variant.order, variant.flip);
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

/// The program itself, killed after `seconds`; nothing is killed when that is negative. Returns whether it had ended by itself.
bool ran_to_the_end(const Path& input, const Path& out, const std::string& language, double seconds) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl(GANTRY_PROGRAM, "gantry", "analyze", input.c_str(), "-o", out.c_str(), "--language", language.c_str(), "--quiet", "--cache",
            "off", nullptr);
    ::_exit(127);
  }
  if (seconds >= 0) {
    ::usleep(static_cast<useconds_t>(1e6 * seconds));
    ::kill(child, SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
  return WIFEXITED(status);
}

TEST(Analyze, killed_at_any_moment_leaves_the_former_result_or_the_new_one) {
  simulation::DigitalPatientOptions options;
  options.seed = 905;
  options.modality = simulation::PatientModality::pet;
  options.size = simulation::PatientSize::small;
  gantry::Run run;
  const TemporaryFolder folder;
  simulation::write_digital_patient(folder.path() / "patient", options, run);
  const Path input = folder.path() / "patient/dicom", out = folder.path() / "out";
  // The two results differ in their language, so that a mixture of both would be seen.
  std::map<std::string, std::map<std::string, std::string>> complete;
  double seconds = 0;
  for (const std::string language : {"zh", "en"}) {
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(ran_to_the_end(input, out, language, -1));
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    complete[language] = digests(out);
  }
  ASSERT_NE(complete["en"], complete["zh"]);
  const Random random(17);
  std::string former = "en";
  int killed = 0;
  for (int moment = 0; moment < 10; ++moment) {
    // Half of the moments lie in the last tenth, where the result is put in its place.
    const double part = random.uniform(static_cast<std::uint64_t>(moment)), share = moment % 2 == 0 ? part : 0.9 + 0.15 * part;
    const std::string next = former == "en" ? "zh" : "en";
    const bool ended = ran_to_the_end(input, out, next, share * seconds);
    killed += ended ? 0 : 1;
    const auto found = digests(out);
    EXPECT_TRUE(found == complete[next] || (!ended && found == complete[former])) << "killed after " << share * seconds << " s";
    if (found == complete[next]) former = next;
  }
  EXPECT_GE(killed, 5);
  // What a killed run leaves beside OUT must not hinder the next one.
  ASSERT_TRUE(ran_to_the_end(input, out, "zh", -1));
  EXPECT_EQ(digests(out), complete["zh"]);
}

/// Analyses with a cache; returns the steps that were reported. `stop_at`: cancels when this step is reached.
std::vector<std::string> steps_of(const Path& input, const Path& out, const Path& cache, const std::string& stop_at = "") {
  analysis::AnalyzeOptions options;
  options.inputs = {input};
  options.output = out;
  options.cache = cache;
  std::vector<std::string> steps;
  RunOptions settings;
  gantry::Run* running = nullptr;
  settings.progress = [&](double, std::string_view step) {
    steps.emplace_back(step);
    if (!stop_at.empty() && step == stop_at) running->cancel();
  };
  gantry::Run run(settings);
  running = &run;
  try {
    analysis::analyze(options, run);
    EXPECT_EQ(stop_at, "") << "was not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled) << error.what();
  }
  return steps;
}

std::int64_t count_of(const std::vector<std::string>& steps, const std::string& words) {
  return std::count_if(steps.begin(), steps.end(), [&](const std::string& step) { return step.find(words) != std::string::npos; });
}

TEST(Analyze, takes_from_the_cache_what_it_measured_before_and_gives_the_same_bytes) {
  const TemporaryFolder folder;
  gantry::Run run;
  simulation::DigitalPatientOptions options;
  options.size = simulation::PatientSize::small;
  options.modality = simulation::PatientModality::pet;
  for (const char* part : {"one", "two"}) {
    options.seed = part == std::string("one") ? 907 : 908;
    simulation::write_digital_patient(folder.path() / part, options, run);
  }
  const Path input = folder.path() / "study", cache = folder.path() / "cache";
  for (const char* part : {"one", "two"}) {
    fs::create_directories(input);
    fs::rename(folder.path() / part / "dicom", input / part);
  }
  const auto first_run = steps_of(input, folder.path() / "plain", "");
  EXPECT_EQ(count_of(first_run, "as measured before"), 0);
  std::vector<std::string> keys;  // of the two series, in the order in which they are measured
  for (const std::string& step : first_run) {
    if (step.ends_with(": reading")) keys.push_back(step.substr(0, step.find(':')));
  }
  ASSERT_EQ(keys.size(), 2u);
  const auto plain = digests(folder.path() / "plain");
  ASSERT_GT(plain.size(), 12u);

  // Cancelled after the first series: nothing is left of the result, and the next run goes on with the second one.
  steps_of(input, folder.path() / "out", cache, keys[1] + ": reading");
  EXPECT_FALSE(fs::exists(folder.path() / "out"));
  const auto resumed = steps_of(input, folder.path() / "out", cache);
  EXPECT_EQ(count_of(resumed, keys[0] + ": as measured before"), 1);
  EXPECT_EQ(count_of(resumed, keys[1] + ": as measured before"), 0);
  EXPECT_EQ(digests(folder.path() / "out"), plain);

  const auto again = steps_of(input, folder.path() / "again", cache);
  EXPECT_EQ(count_of(again, "as measured before"), 2);
  EXPECT_EQ(count_of(again, ": reading"), 0);
  EXPECT_EQ(digests(folder.path() / "again"), plain);
  EXPECT_EQ(fs::status(cache).permissions() & fs::perms::mask, fs::perms::owner_all);

  // Damaged entries are misses.
  int damaged = 0;
  for (const auto& entry : fs::recursive_directory_iterator(cache)) {
    if (!entry.is_regular_file()) continue;
    fs::resize_file(entry.path(), entry.file_size() / 2);
    ++damaged;
  }
  EXPECT_GE(damaged, 2);
  EXPECT_EQ(count_of(steps_of(input, folder.path() / "repaired", cache), "as measured before"), 0);
  EXPECT_EQ(digests(folder.path() / "repaired"), plain);

  // Another byte of the input is another input.
  for (const auto& entry : fs::recursive_directory_iterator(input / "two")) {
    Bytes bytes = read_bytes(entry.path());
    bytes.back() ^= std::byte{1};
    write_atomic(entry.path(), bytes);
    break;
  }
  const auto changed = steps_of(input, folder.path() / "changed", cache);
  EXPECT_EQ(count_of(changed, ": as measured before"), 1);
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
  simulation::DigitalPatientOptions options;
  options.seed = 906;
  options.modality = simulation::PatientModality::pet;
  options.size = simulation::PatientSize::small;
  gantry::Run run;
  const simulation::DigitalPatient patient = simulation::make_digital_patient(options, run);
  double reference = NAN;
  for (std::size_t n = 0; n < ways.size(); ++n) {
    options.pet = {ways[n].manufacturer, ways[n].units, ways[n].decay};
    const Path series = folder.path() / std::to_string(n);
    simulation::write_digital_patient_series(series, patient, options, run);
    const Json summary = analysed(series, folder.path() / (std::to_string(n) + "_out"));
    const Json& study = summary.at("studies").at(0);
    const double found = value_of(study, "pet_lesion.1.suv_max");
    if (n == 0) reference = found;
    ASSERT_TRUE(std::isfinite(found)) << ways[n].manufacturer << " " << ways[n].units << " " << ways[n].decay;
    EXPECT_NEAR(found / reference, 1, 0.001) << ways[n].manufacturer << " " << ways[n].units << " " << ways[n].decay;
  }
}

}  // namespace
}  // namespace gantry::analyze_test
