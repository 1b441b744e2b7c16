// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/segmentation_model.h"

#include "gantry/base/hash.h"
#include "gantry/base/test_support.h"
#include "gantry/learning/trained_bundle.h"
#include "gantry/learning/volume_test_support.h"
#include "gantry/volume/resample.h"

namespace gantry::learning::segmentation_model_test {

namespace fs = std::filesystem;

namespace {

SegmentationOptions quick(int epochs) {
  SegmentationOptions options;
  options.widths = {8, 12};
  options.epochs = epochs;
  options.batch = 1;
  options.learning_rate = 0.01;
  return options;
}

gantry::Run seeded(std::uint64_t seed = 5) { return gantry::Run(RunOptions{.threads = 1, .seed = seed}); }

std::string weights_digest(const Path& folder) { return sha256_hex(read_bytes(folder / "weights.safetensors")); }

}  // namespace

class SegmentationModelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!engine_is_installed()) GTEST_SKIP() << "built without LibTorch";
    test::write_balls(balls_);
  }
  void train(const Path& out, const SegmentationOptions& options, gantry::Run run = seeded()) const {
    train_segmentation_bundle(balls_, {.classes = {"background", "bright ball", "dark ball"}}, options, {{"title", "Balls"}}, out, run);
  }
  VolumeSet set() const {
    gantry::Run run;
    return read_volume_set(balls_, {.classes = {"background", "bright ball", "dark ball"}, .folds = 0}, run);
  }
  TemporaryFolder folder_;
  const Path balls_ = folder_.path() / "balls", out_ = folder_.path() / "model";
};

TEST_F(SegmentationModelTest, learns_balls_and_finds_them_in_images_of_any_orientation_and_spacing) {
  train(out_, quick(30));
  EXPECT_FALSE(fs::exists(folder_.path() / ".model.training"));
  const SegmentationModel model(out_);
  const Json& figures = model.bundle().manifest["figures"]["validation"];
  EXPECT_GT(figures["dice"].get<double>(), 0.85);
  EXPECT_EQ(figures["cases"], 2);
  const std::string card = read_text(out_ / "card.md");
  EXPECT_NE(card.find("8 cases learnt from, 2 held out (fold 0 of 5, counted from 0)"), std::string::npos) << card;

  gantry::Run run;
  test::Balls fresh(77);
  const Labels labels = model.segment(Image(fresh.image.clone()), run);
  ASSERT_EQ(labels.table().size(), 2U);
  EXPECT_EQ(labels.table()[1].id, "dark_ball");
  EXPECT_EQ(labels.table()[1].method, model.bundle().id());
  const auto found = labels.image().as<std::uint8_t>();
  EXPECT_GT(dice_of(found.values(), fresh.labels.values(), 1), 0.85);
  EXPECT_GT(dice_of(found.values(), fresh.labels.values(), 2), 0.85);

  // The same voxels with axes to +S, -L, -P: the answer turns with them.
  Voxels<float> turned(Grid({24, 20, 18}, {1, 1, 1}, {14, 27, 20}, Mat3{{Vec3{0, 0, 1}, Vec3{-1, 0, 0}, Vec3{0, -1, 0}}}));
  for (std::int64_t k = 0; k < 18; ++k)
    for (std::int64_t j = 0; j < 20; ++j)
      for (std::int64_t i = 0; i < 24; ++i) turned(i, j, k) = fresh.image(19 - j, 17 - k, i);
  const Labels of_turned = model.segment(Image(std::move(turned)), run);
  const auto other = of_turned.image().as<std::uint8_t>();
  for (std::int64_t k = 0; k < 18; ++k)
    for (std::int64_t j = 0; j < 20; ++j)
      for (std::int64_t i = 0; i < 24; ++i) ASSERT_EQ(other(i, j, k), found(19 - j, 17 - k, i));

  // Twice as fine: the same balls, on the finer grid.
  const Grid fine = with_spacing(fresh.image.grid(), {0.5, 0.5, 0.5});
  const Labels of_fine = model.segment(Image(resample(fresh.image, fine, Interpolation::linear, 500, run)), run);
  EXPECT_EQ(of_fine.image().grid().size(), (Size3{40, 36, 48}));
  const auto expected = resample_labels<std::uint8_t>(fresh.labels, fine, run);
  const auto given = of_fine.image().as<std::uint8_t>();
  EXPECT_GT(dice_of(given.values(), expected.values(), 1), 0.8);
}

TEST_F(SegmentationModelTest, measures_what_it_held_out_as_its_card_does_and_refuses_what_it_learnt_from) {
  train(out_, quick(2));
  const SegmentationModel model(out_);
  gantry::Run run = seeded();
  EXPECT_EQ(evaluate_segmentation(model, set(), "validation", run), model.bundle().manifest["figures"]["validation"]);
  EXPECT_EQ(evaluate_segmentation(model, set(), "train", run)["cases"], 8);
  const Error error = error_of([&] { evaluate_segmentation(model, set(), "test", run); });
  EXPECT_EQ(error.code(), ErrorCode::refused);
  EXPECT_NE(std::string(error.what()).find("it did from ball_"), std::string::npos) << error.what();
  VolumeSet fewer = set();
  fewer.classes.pop_back();
  EXPECT_EQ(error_of([&] { evaluate_segmentation(model, fewer, "train", run); }).message(),
            "data set: must have the 3 classes of the model; has 2");
}

TEST_F(SegmentationModelTest, gives_the_same_bytes_for_the_same_seed_and_others_for_another) {
  train(folder_.path() / "one/model", quick(1));
  train(folder_.path() / "two/model", quick(1));
  train(folder_.path() / "three/model", quick(1), seeded(6));
  EXPECT_EQ(bundle::open_bundle(folder_.path() / "one/model").id(), bundle::open_bundle(folder_.path() / "two/model").id());
  EXPECT_NE(weights_digest(folder_.path() / "one/model"), weights_digest(folder_.path() / "three/model"));
}

TEST_F(SegmentationModelTest, goes_on_after_an_interruption_to_the_same_weights) {
  train(folder_.path() / "whole/model", quick(4));
  std::shared_ptr<gantry::Run> stopped;
  RunOptions with_progress{.threads = 1, .seed = 5};
  with_progress.progress = [&](double fraction, std::string_view) {
    if (fraction > 0.6) stopped->cancel();
  };
  stopped = std::make_shared<gantry::Run>(with_progress);
  EXPECT_EQ(error_of([&] { train(out_, quick(4), *stopped); }).code(), ErrorCode::cancelled);
  EXPECT_TRUE(fs::exists(folder_.path() / ".model.training"));
  gantry::Run run = seeded();
  train(out_, quick(4), run);
  EXPECT_TRUE(run.warnings().empty());
  EXPECT_EQ(weights_digest(out_), weights_digest(folder_.path() / "whole/model"));
}

TEST_F(SegmentationModelTest, refuses_options_images_and_manifests_that_do_not_fit_by_name) {
  SegmentationOptions options = quick(1);
  options.fold = 5;
  EXPECT_EQ(error_of([&] { train(out_, options); }).message(), "fold: must lie between 0 and 4; got 5");
  options = quick(1);
  options.learning_rate = std::nan("");
  EXPECT_EQ(error_of([&] { train(out_, options); }).message(), "learning_rate: must lie between 1e-08 and 10; got nan");
  train(out_, quick(1));
  const SegmentationModel model(out_);
  gantry::Run run;
  test::Balls balls(1);
  EXPECT_EQ(error_of([&] {
              model.segment(Image(Voxels<float>(Grid({9, 9, 9}), 1.0F)), run);
            }).message(),
            "image: must have contrast; all its values are equal");
  Voxels<float> two(Grid({9, 9, 9}), 0, 1, 2);
  two[3] = 1;
  EXPECT_EQ(error_of([&] { model.segment(Image(std::move(two)), run); }).message(), "image: must have 1 channels; has 2");
  balls.image[7] = INFINITY;
  EXPECT_EQ(error_of([&] { model.segment(Image(balls.image.clone()), run); }).message(), "image: must hold finite values; found inf");

  const Json good = parse_json(read_text(out_ / "manifest.json"));
  const auto refused = [&](const std::string& pointer, const Json& value) {
    Json bad = good;
    bad[Json::json_pointer(pointer)] = value;
    write_atomic(out_ / "manifest.json", to_text(bad));
    return std::string(error_of([&] { SegmentationModel changed(out_); }).message());
  };
  EXPECT_EQ(refused("/task", "classification"), "bundle: must be of the task segmentation; is of classification");
  EXPECT_EQ(refused("/classes", Json::array({Json{{"name", "one"}}})), "manifest: classes: must be 2 to 256; got 1");
  EXPECT_EQ(refused("/architecture/kind", "transformer"), "manifest: architecture: kind must be u_net; got \"transformer\"");
  EXPECT_EQ(refused("/architecture/widths/0", 1e12), "manifest: widths: must lie between 1 and 512; got 1000000000000");
  EXPECT_EQ(refused("/architecture/block", 9), "manifest: block: must lie between 1 and 4; got 9");
  EXPECT_EQ(refused("/input/patch/0", 7), "manifest: patch: must be multiples of 4; got 7");
  EXPECT_NE(refused("/architecture/widths/0", 4).find("must have the shape"), std::string::npos);
  EXPECT_NE(refused("/input/channels", 2).find("must have the shape"), std::string::npos);
}

TEST_F(SegmentationModelTest, refuses_weights_that_are_hostile) {
  train(out_, quick(1));
  const auto replace = [&](auto change) {
    bundle::Bundle bundle = bundle::open_bundle(out_);
    Weights weights = bundle::read_safetensors(out_ / "weights.safetensors");
    change(weights);
    bundle::write_bundle(out_, bundle.manifest, {{"weights.safetensors", bundle::encode_safetensors(weights)}});
  };
  replace([](Weights& weights) {
    for (float& value : weights.tensors.at("head.weight").values) value = 3e38F;
  });
  gantry::Run run;
  test::Balls balls(1);
  EXPECT_EQ(error_of([&] { SegmentationModel(out_).segment(Image(balls.image.clone()), run); }).message(),
            "network: its scores must be finite; they are not");
  replace([](Weights& weights) { weights.tensors.at("head.bias").values[0] = std::nanf(""); });
  EXPECT_NE(std::string(error_of([&] { SegmentationModel changed(out_); }).what()).find("'head.bias' must hold finite values"),
            std::string::npos);
}

TEST(SegmentationScores, counts_a_structure_only_where_the_model_or_the_reference_has_it) {
  const std::vector<std::uint8_t> given{0, 1, 1, 2}, truth{0, 1, 0, 0};
  EXPECT_NEAR(dice_of(given, truth, 1), 2.0 / 3, 1e-12);
  EXPECT_EQ(dice_of(given, truth, 2), 0);
  EXPECT_TRUE(std::isnan(dice_of(given, truth, 3)));
  gantry::Run run = seeded();
  const double none = std::nan("");
  const Json scores = score_segmentations({"background", "a", "b"}, {"x", "y"}, {{0.8, none}, {0.6, 0.5}}, run);
  EXPECT_EQ(scores["structures"]["a"]["dice"], 0.7);
  EXPECT_EQ(scores["structures"]["b"]["dice"], 0.5);
  EXPECT_EQ(scores["structures"]["b"]["cases"], 1);
  EXPECT_EQ(scores["dice"], 0.6);
  EXPECT_EQ(scores["structures"]["a"]["dice_interval"], Json::array({0.6, 0.8}));
}

}  // namespace gantry::learning::segmentation_model_test
