// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/volume_set.h"

#include "gantry/base/test_support.h"
#include "gantry/learning/volume_test_support.h"

namespace gantry::learning::volume_set_test {

namespace fs = std::filesystem;

class VolumeSetTest : public testing::Test {
 protected:
  void SetUp() override { test::write_balls(root_, 6); }
  VolumeSet read(VolumeSetOptions options = {.folds = 3}) const {
    gantry::Run run;
    return read_volume_set(root_, options, run);
  }
  std::string refused(VolumeSetOptions options = {.folds = 3}) const {
    const Error error = error_of([&] { read(options); });
    EXPECT_EQ(error.code(), ErrorCode::refused) << error.what();
    return error.what();
  }
  void write(const char* name, Image image) const {
    gantry::Run run;
    io::write(root_ / name, image, run);
  }
  TemporaryFolder folder_;
  const Path root_ = folder_.path() / "balls";
};

TEST_F(VolumeSetTest, deals_every_case_into_one_fold_and_always_the_same_way) {
  const VolumeSet set = read();
  ASSERT_EQ(set.cases.size(), 6U);
  EXPECT_EQ(set.cases[0].name, "ball_00");
  EXPECT_EQ(set.channels(), 1);
  EXPECT_EQ(set.classes, (std::vector<std::string>{"background", "class_1", "class_2"}));
  EXPECT_EQ(set.cases[0].image.grid().orientation(), "LPS");
  ASSERT_EQ(set.folds.size(), 3U);
  std::vector<int> held_out(6);
  for (std::size_t f = 0; f < 3; ++f) {
    EXPECT_EQ(set.folds[f].size(), 2U);
    EXPECT_EQ(set.training_of(f).size(), 4U);
    for (const std::size_t n : set.folds[f]) ++held_out[n];
  }
  EXPECT_EQ(held_out, std::vector<int>(6, 1));
  EXPECT_EQ(read().folds, set.folds);
  EXPECT_EQ(read().digest, set.digest);
}

TEST_F(VolumeSetTest, keeps_copies_of_an_image_in_one_fold) {
  fs::copy_file(root_ / "images/ball_01.nii", root_ / "images/copy.nii");
  fs::copy_file(root_ / "labels/ball_01.nii", root_ / "labels/copy.nii");
  const VolumeSet set = read();
  ASSERT_EQ(set.cases[6].name, "copy");
  for (const auto& fold : set.folds) EXPECT_EQ(std::count(fold.begin(), fold.end(), 1U), std::count(fold.begin(), fold.end(), 6U));
}

TEST_F(VolumeSetTest, takes_names_and_folds_from_the_files_of_others) {
  write_atomic(root_ / "dataset.json",
               std::string_view(R"({"modality": {"0": "CT"}, "labels": {"0": "air", "2": "dark", "1": "bright"}})"));
  write_atomic(root_ / "splits_final.json",
               std::string_view(R"([{"train": ["ball_00", "ball_01", "ball_02", "ball_03"], "val": ["ball_04", "ball_05"]},
    {"train": ["ball_02", "ball_03", "ball_04", "ball_05"], "val": ["ball_00", "ball_01"]}])"));
  const VolumeSet set = read();
  EXPECT_EQ(set.classes, (std::vector<std::string>{"air", "bright", "dark"}));
  EXPECT_TRUE(set.ct);
  EXPECT_EQ(set.folds, (std::vector<std::vector<std::size_t>>{{4, 5}, {0, 1}}));
}

TEST_F(VolumeSetTest, refuses_folds_that_leak) {
  const Path file = root_ / "splits_final.json";
  const std::string second = R"({"train": ["ball_02", "ball_03", "ball_04", "ball_05"], "val": ["ball_00", "ball_01"]})";
  write_atomic(file,
               std::string_view("[" + second +
                                R"(, {"train": ["ball_00", "ball_01", "ball_02", "ball_03"], "val": ["ball_03", "ball_04", "ball_05"]}])"));
  EXPECT_EQ(refused(), "splits_final.json: fold 1 leaks: ball_03, which it holds out, is ball_03 of its training part");
  fs::copy_file(root_ / "images/ball_00.nii", root_ / "images/ball_05.nii", fs::copy_options::overwrite_existing);
  write_atomic(file, std::string_view("[" + second + "," + second + "]"));
  EXPECT_EQ(refused(), "splits_final.json: fold 0 leaks: ball_00, which it holds out, is ball_05 of its training part");
  write_atomic(file, std::string_view(R"([{"train": ["ball_00"], "val": ["ball_9"]}, {}])"));
  EXPECT_EQ(refused(), "splits_final.json: fold 0: the data set has no case \"ball_9\"");
  write_atomic(file, std::string_view(R"([{"train": ["ball_00"], "val": ["ball_01"]}, {}])"));
  EXPECT_EQ(refused(), "splits_final.json: fold 0: must name every case of the data set");
}

TEST_F(VolumeSetTest, refuses_sets_that_are_empty_or_incomplete_by_name) {
  EXPECT_EQ(refused({.folds = 7}), "data set: must hold at least 7 different images, one a fold; has 6");
  fs::remove(root_ / "labels/ball_03.nii");
  EXPECT_EQ(refused(), "ball_03: has no label image");
  fs::remove(root_ / "images/ball_03.nii");
  fs::remove(root_ / "images/ball_04.nii");
  EXPECT_EQ(refused(), "ball_04: has no image");
  for (const auto& entry : fs::directory_iterator(root_ / "images")) fs::remove(entry.path());
  EXPECT_EQ(refused(), "data set: must hold at least one case; its folder of images is empty");
  fs::remove_all(root_ / "images");
  EXPECT_EQ(refused(), "data set: must be a folder with images and labels, or imagesTr and labelsTr");
}

TEST_F(VolumeSetTest, refuses_images_and_labels_that_do_not_fit_by_name) {
  test::Balls good(3);
  good.image[5] = std::nanf("");
  write("images/ball_02.nii", Image(good.image.clone()));
  EXPECT_EQ(refused(), "ball_02: image: must hold finite values; found nan");
  write("images/ball_02.nii", Image(Voxels<float>(good.image.grid(), 7.0F)));
  EXPECT_EQ(refused(), "ball_02: image: must have contrast; all its values are equal");
  Voxels<float> two(good.image.grid(), 0.0F, 1, 2);
  two[0] = 1;
  write("images/ball_02.nii", Image(std::move(two)));
  EXPECT_EQ(refused(), "ball_02: image: must have 1 channels, as ball_00; has 2");
  good.image[5] = 0;
  write("images/ball_02.nii", Image(good.image.clone()));
  EXPECT_EQ(refused({.classes = {"background", "bright"}, .folds = 3}), "ball_00: labels: must be whole numbers below 2; found 2");
  EXPECT_EQ(refused({.classes = {"background", "bright", "dark", "green"}, .folds = 3}), "data set: no voxel is of the class 3 (green)");
  write("labels/ball_02.nii", Image(Voxels<float>(good.image.grid(), 0.5F)));
  EXPECT_EQ(refused(), "ball_02: labels: must be whole numbers below 256; found 0.5");
  write("labels/ball_02.nii", Image(Voxels<std::uint8_t>(Grid({20, 18, 24}))));
  EXPECT_EQ(refused(), "ball_02: labels: must have the grid of their image");
}

TEST_F(VolumeSetTest, stops_at_half_of_the_memory_budget) {
  gantry::Run run(RunOptions{.memory_bytes = 100000});
  EXPECT_EQ(error_of([&] { read_volume_set(root_, {}, run); }).code(), ErrorCode::out_of_memory);
}

}  // namespace gantry::learning::volume_set_test
