// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/data_set.h"

#include "gantry/base/test_support.h"
#include "gantry/learning/picture_test_support.h"

namespace gantry::learning::data_set_test {

namespace fs = std::filesystem;

namespace {

std::string refused(const Path& path, const PictureSetOptions& options = {}) {
  gantry::Run run;
  return error_of([&] { read_picture_set(path, options, run); }).what();
}

}  // namespace

TEST(PictureSet, reads_folders_of_three_parts) {
  const TemporaryFolder folder;
  test::write_bar_set(folder.path(), 5);
  gantry::Run run;
  const PictureSet set = read_picture_set(folder.path(), {}, run);
  EXPECT_EQ(set.classes, (std::vector<std::string>{"lying", "standing"}));
  EXPECT_EQ(set.input.rows, 12);
  EXPECT_EQ(set.train.size(), 10U);
  EXPECT_EQ(set.test.size(), 24U);
  EXPECT_EQ(set.train.names[5], "train/standing/000.png");
  EXPECT_EQ(set.train.labels[5], 1);
  EXPECT_TRUE(run.warnings().empty());
}

TEST(PictureSet, parts_a_flat_folder_by_content_so_that_copies_stay_together) {
  const TemporaryFolder folder;
  test::write_bars(folder.path(), 40, 50);
  fs::copy_file(folder.path() / "lying/003.png", folder.path() / "lying/copy.png");
  gantry::Run run;
  const PictureSet set = read_picture_set(folder.path(), {}, run);
  EXPECT_EQ(set.train.size() + set.validation.size() + set.test.size(), 81U);
  EXPECT_GT(set.train.size(), 40U);
  EXPECT_GT(set.test.size(), 4U);
}

TEST(PictureSet, refuses_a_picture_that_is_in_train_and_test_by_name) {
  const TemporaryFolder folder;
  test::write_bar_set(folder.path(), 5);
  fs::copy_file(folder.path() / "train/lying/002.png", folder.path() / "test/lying/stranger.png");
  EXPECT_EQ(refused(folder.path()),
            "data set: no picture of the test part may be in another part; test/lying/stranger.png is train/lying/002.png");
}

TEST(PictureSet, leaves_out_of_train_what_validation_has_and_says_so) {
  const TemporaryFolder folder;
  test::write_bar_set(folder.path(), 5);
  fs::copy_file(folder.path() / "val/lying/002.png", folder.path() / "train/lying/stranger.png");
  gantry::Run run;
  const PictureSet set = read_picture_set(folder.path(), {}, run);
  EXPECT_EQ(set.train.size(), 10U);
  EXPECT_EQ(set.train.values.size(), 10 * set.input.values());
  ASSERT_EQ(run.warnings().size(), 1U);
  EXPECT_NE(run.warnings()[0].find("train/lying/stranger.png is val/lying/002.png"), std::string::npos) << run.warnings()[0];
}

TEST(PictureSet, warns_of_labels_that_contradict_each_other) {
  const TemporaryFolder folder;
  test::write_bar_set(folder.path(), 5);
  fs::copy_file(folder.path() / "train/lying/002.png", folder.path() / "train/standing/stranger.png");
  gantry::Run run;
  read_picture_set(folder.path(), {}, run);
  ASSERT_EQ(run.warnings().size(), 1U);
  EXPECT_NE(run.warnings()[0].find("another label"), std::string::npos);
}

TEST(PictureSet, refuses_empty_and_one_sided_sets) {
  const TemporaryFolder folder;
  EXPECT_NE(refused(folder.path()).find("has 0 NPZ files and no folders"), std::string::npos);
  fs::create_directories(folder.path() / "train/lying");
  fs::create_directories(folder.path() / "train/standing");
  EXPECT_EQ(refused(folder.path()), "data set: train must hold pictures of at least two classes; has 0 pictures of 0 classes");
  test::write_bars(folder.path() / "train", 2, 1);
  EXPECT_EQ(refused(folder.path()), "data set: validation must hold pictures of at least two classes; has 0 pictures of 0 classes");
  EXPECT_EQ(refused(folder.path() / "nowhere"), "nowhere: is not there");
}

TEST(PictureSet, names_the_picture_that_cannot_be_used) {
  const TemporaryFolder folder;
  test::write_bar_set(folder.path(), 3);
  gantry::Run run;
  Voxels<float> hole(Grid({12, 12, 1}), 0.5f);
  hole[3] = std::nanf("");
  io::write(folder.path() / "train/lying/hole.npy", std::move(hole), run);
  EXPECT_EQ(refused(folder.path()), "train/lying/hole.npy: image: f32 values must lie between 0 and 1; value 3 is nan");
  write_atomic(folder.path() / "train/lying/hole.npy", std::string_view("no picture"));
  EXPECT_NE(refused(folder.path()).find("train/lying/hole.npy"), std::string::npos);
}

TEST(PictureSet, reads_the_parts_of_a_real_archive) {
  const Path data = test_data("classification/pneumoniamnist");
  if (data.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const PictureSet set = read_picture_set(data, {.classes = {"normal", "pneumonia"}}, run);
  EXPECT_EQ(set.validation.size(), 524U);
  EXPECT_EQ(set.test.size(), 624U);
  EXPECT_EQ(std::count(set.test.labels.begin(), set.test.labels.end(), 1), 390);
  EXPECT_EQ(set.train.size(), 4698U);  // 4708 less the 10 copies of pictures that validation has too
  EXPECT_EQ(run.warnings().size(), 1U);
  EXPECT_NE(refused(data, {.classes = {"one"}}).find("must be a whole number below 1"), std::string::npos);
}

}  // namespace gantry::learning::data_set_test
