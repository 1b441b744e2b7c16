// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/picture_model.h"

#include "gantry/base/hash.h"
#include "gantry/base/test_support.h"
#include "gantry/learning/picture_test_support.h"

namespace gantry::learning::picture_model_test {

namespace fs = std::filesystem;

namespace {

TrainOptions quick(int epochs = 4) {
  TrainOptions options;
  options.widths = {8, 16};
  options.blocks = 1;
  options.batch = 16;
  options.epochs = epochs;
  options.learning_rate = 0.05;
  return options;
}

gantry::Run seeded(int threads = 1, std::uint64_t seed = 5) { return gantry::Run(RunOptions{.threads = threads, .seed = seed}); }

bool same(const Weights& a, const Weights& b) {
  if (a.tensors.size() != b.tensors.size()) return false;
  return std::all_of(a.tensors.begin(), a.tensors.end(),
                     [&](const auto& item) { return b.tensors.at(item.first).values == item.second.values; });
}

}  // namespace

class PictureModelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!engine_is_installed()) GTEST_SKIP() << "built without LibTorch";
    test::write_bar_set(folder_.path() / "bars");
  }
  PictureSet set() {
    gantry::Run run;
    return read_picture_set(folder_.path() / "bars", {}, run);
  }
  void train(const Path& out, int epochs = 6) {
    gantry::Run run = seeded();
    train_picture_bundle(folder_.path() / "bars", {}, quick(epochs), {{"title", "Bars"}}, out, run);
  }
  TemporaryFolder folder_;
};

TEST_F(PictureModelTest, learns_which_way_bars_lie_and_writes_a_bundle_that_says_so) {
  const Path out = folder_.path() / "model";
  train(out, 10);
  const bundle::Bundle bundle = bundle::open_bundle(out);
  EXPECT_GT(bundle.manifest["figures"]["test"]["auc"].get<double>(), 0.97);
  EXPECT_EQ(bundle.manifest["training"]["data_set"]["train"]["lying"], 48);
  const std::string card = read_text(out / "card.md");
  EXPECT_NE(card.find("| classes | lying, standing |"), std::string::npos) << card;
  EXPECT_FALSE(fs::exists(folder_.path() / ".model.training"));

  const PictureModel model(out);
  const PictureAnswer answer = model.answer(test::bar(1, 77), true);
  EXPECT_EQ(answer.given, 1U);
  EXPECT_NEAR(answer.probabilities[0] + answer.probabilities[1], 1, 1e-9);
  ASSERT_EQ(answer.explanation.size(), 144U);
  EXPECT_FLOAT_EQ(*std::max_element(answer.explanation.begin(), answer.explanation.end()), 1);
  // The figures of the card come back from the files, for any number of threads.
  gantry::Run two = seeded(2), one = seeded(1);
  const Cases test = set().test;
  const Table probabilities = model.probabilities(test, two);
  EXPECT_EQ(probabilities.values, model.probabilities(test, one).values);
  EXPECT_EQ(to_json(score(probabilities, test.labels, one), model.classes()), bundle.manifest["figures"]["test"]);
}

TEST_F(PictureModelTest, gives_the_same_bytes_for_the_same_seed_and_others_for_another) {
  train(folder_.path() / "one/model", 2);
  train(folder_.path() / "two/model", 2);
  EXPECT_EQ(bundle::open_bundle(folder_.path() / "one/model").id(), bundle::open_bundle(folder_.path() / "two/model").id());
  gantry::Run run = seeded(1, 6);
  train_picture_bundle(folder_.path() / "bars", {}, quick(2), Json::object(), folder_.path() / "three/model", run);
  EXPECT_NE(sha256_hex(read_bytes(folder_.path() / "one/model/weights.safetensors")),
            sha256_hex(read_bytes(folder_.path() / "three/model/weights.safetensors")));
}

// With the names of the classes exchanged in the test part, its figures change and nothing that was learnt or chosen.
TEST_F(PictureModelTest, takes_weights_and_temperature_from_other_parts_than_the_test) {
  train(folder_.path() / "one/model", 3);
  const Path part = folder_.path() / "bars/test";
  fs::rename(part / "lying", part / "other");
  fs::rename(part / "standing", part / "lying");
  fs::rename(part / "other", part / "standing");
  train(folder_.path() / "two/model", 3);
  const Json one = bundle::open_bundle(folder_.path() / "one/model").manifest,
             two = bundle::open_bundle(folder_.path() / "two/model").manifest;
  EXPECT_EQ(read_bytes(folder_.path() / "one/model/weights.safetensors"), read_bytes(folder_.path() / "two/model/weights.safetensors"));
  EXPECT_EQ(one["calibration"], two["calibration"]);
  EXPECT_NE(one["calibration"]["temperature"], 1);
  EXPECT_EQ(one["figures"]["validation"], two["figures"]["validation"]);
  EXPECT_NEAR(one["figures"]["test"]["accuracy"].get<double>() + two["figures"]["test"]["accuracy"].get<double>(), 1, 1e-9);
}

TEST_F(PictureModelTest, goes_on_after_an_interruption_to_the_same_weights) {
  const PictureSet bars = set();
  TrainOptions options = quick(5);
  gantry::Run whole_run = seeded();
  const TrainedClassifier whole = train_classifier(bars, options, whole_run);

  options.checkpoint = folder_.path() / "checkpoint";
  // Cancelled in the middle of the fourth epoch.
  std::shared_ptr<gantry::Run> stopped;
  RunOptions with_progress{.threads = 1, .seed = 5};
  with_progress.progress = [&](double fraction, std::string_view) {
    if (fraction > 0.7) stopped->cancel();
  };
  stopped = std::make_shared<gantry::Run>(with_progress);
  EXPECT_EQ(error_of([&] { train_classifier(bars, options, *stopped); }).code(), ErrorCode::cancelled);

  gantry::Run resumed_run = seeded();
  const TrainedClassifier resumed = train_classifier(bars, options, resumed_run);
  EXPECT_TRUE(resumed.members[0].resumed);
  EXPECT_TRUE(resumed_run.warnings().empty());
  EXPECT_TRUE(same(whole.members[0].weights, resumed.members[0].weights));
  EXPECT_EQ(whole.calibration.temperature, resumed.calibration.temperature);
  EXPECT_EQ(whole.members[0].epoch, resumed.members[0].epoch);
  ASSERT_EQ(resumed.members[0].record.size(), 5U);
  for (std::size_t n = 0; n < 5; ++n) EXPECT_EQ(whole.members[0].record[n].loss, resumed.members[0].record[n].loss);
}

TEST_F(PictureModelTest, leaves_a_checkpoint_of_other_settings_or_of_nonsense_with_a_warning) {
  const PictureSet bars = set();
  TrainOptions options = quick(1);
  options.checkpoint = folder_.path() / "checkpoint";
  gantry::Run first = seeded();
  train_classifier(bars, options, first);
  options.learning_rate = 0.04;
  gantry::Run second = seeded();
  EXPECT_FALSE(train_classifier(bars, options, second).members[0].resumed);
  ASSERT_EQ(second.warnings().size(), 1U);
  EXPECT_NE(second.warnings()[0].find("begins anew"), std::string::npos);
  write_atomic(options.checkpoint, std::string_view("nonsense"));
  gantry::Run third = seeded();
  EXPECT_FALSE(train_classifier(bars, options, third).members[0].resumed);
  EXPECT_EQ(third.warnings().size(), 1U);
}

TEST_F(PictureModelTest, answers_with_the_mean_of_the_probabilities_of_its_networks) {
  TrainOptions options = quick(2);
  options.members = 2;
  options.even_prior = true;
  gantry::Run run = seeded();
  const Path out = folder_.path() / "model";
  train_picture_bundle(folder_.path() / "bars", {}, options, Json::object(), out, run);
  EXPECT_FALSE(fs::exists(folder_.path() / ".model.training.2"));
  const PictureModel model(out);
  EXPECT_EQ(model.bundle().manifest["architecture"]["members"], 2);
  EXPECT_NE(read_text(out / "card.md").find("2 residual networks"), std::string::npos);

  const PictureSet bars = set();
  gantry::Run again = seeded();
  const TrainedClassifier trained = train_classifier(bars, options, again);
  EXPECT_FALSE(same(trained.members[0].weights, trained.members[1].weights));
  Table mean;
  for (const TrainedMember& member : trained.members) {
    const std::shared_ptr<Classifier> classifier = engine().classifier(trained.design);
    classifier->set_weights(member.weights);
    const Table one = softmax(scores_of({classifier}, trained.input, bars.test, again), 1);
    mean.classes = one.classes;
    mean.values.resize(one.values.size());
    for (std::size_t n = 0; n < one.values.size(); ++n) mean.values[n] += one.values[n] / 2;
  }
  for (double& value : mean.values) value = std::log(value);
  EXPECT_EQ(model.calibration().prior, (std::vector<double>{0.5, 0.5}));
  const Table expected = calibrated(mean, trained.calibration), found = model.probabilities(bars.test, again);
  ASSERT_EQ(found.values.size(), expected.values.size());
  for (std::size_t n = 0; n < found.values.size(); ++n) EXPECT_NEAR(found.values[n], expected.values[n], 1e-9);
}

TEST_F(PictureModelTest, gives_a_reason_instead_of_an_answer_for_what_is_unlike_its_training_part) {
  test::write_bars(folder_.path() / "more/train", 60, 1000);
  test::write_bars(folder_.path() / "more/val", 60, 4000);
  test::write_bars(folder_.path() / "more/test", 20, 8000);
  gantry::Run run = seeded();
  train_picture_bundle(folder_.path() / "more", {}, quick(1), Json::object(), folder_.path() / "model", run);
  const PictureModel model(folder_.path() / "model");
  EXPECT_LE(model.bundle().manifest["figures"]["test"]["unlike"].get<double>(), 0.1);
  EXPECT_NE(read_text(folder_.path() / "model/card.md").find("Without an answer"), std::string::npos);
  EXPECT_EQ(model.answer(test::bar(0, 8000), false).probabilities.size(), 2U);
  Voxels<std::uint8_t> inverted = test::bar(0, 8000).as<std::uint8_t>().clone();
  for (std::uint8_t& value : inverted.values()) value = static_cast<std::uint8_t>(255 - value);
  const Error error = error_of([&] { model.answer(Image(std::move(inverted)), false); });
  EXPECT_EQ(error.code(), ErrorCode::not_possible);
  EXPECT_NE(error.message().find("model model: the picture is unlike those that the model learnt from"), std::string::npos)
      << error.message();
}

TEST_F(PictureModelTest, refuses_weights_that_are_hostile) {
  const Path out = folder_.path() / "model";
  train(out, 1);
  const bundle::Bundle good = bundle::open_bundle(out);
  const bundle::Weights weights = bundle::read_safetensors(out / "weights.safetensors");
  const auto refused = [&](const Bytes& bytes) {
    Json manifest = good.manifest;
    manifest.erase("files");
    bundle::write_bundle(folder_.path() / "bad", manifest, {{"weights.safetensors", bytes}});
    try {
      const PictureModel model(folder_.path() / "bad");
    } catch (const Error& error) {
      return error.message();
    }
    return std::string();
  };
  const auto changed = [&](auto change) {
    bundle::Weights bad = weights;
    change(bad.tensors);
    return refused(bundle::encode_safetensors(bad));
  };
  const Bytes whole = bundle::encode_safetensors(weights);
  EXPECT_NE(refused(Bytes(whole.begin(), whole.begin() + 7)), "");
  EXPECT_NE(refused(Bytes(whole.begin(), whole.end() - 4)).find("within the file"), std::string::npos);
  EXPECT_NE(refused(Bytes(4096, std::byte{0xff})).find("header must fit"), std::string::npos);
  EXPECT_EQ(changed([](auto& t) { t.erase("head.bias"); }), "weights: tensor 'head.bias' must be there");
  EXPECT_EQ(changed([](auto& t) { t["head.bias"].values[0] = std::nanf(""); }), "weights: tensor 'head.bias' must hold finite values");
  EXPECT_EQ(changed([](auto& t) { t["other"] = {{1}, {0.0F}}; }), "weights: the network has no tensor 'other'");
  bundle::Weights huge = weights;
  for (float& value : huge.tensors.at("head.weight").values) value = 3e38F;
  EXPECT_EQ(refused(bundle::encode_safetensors(huge)), "");
  EXPECT_EQ(error_of([&] { PictureModel(folder_.path() / "bad").answer(test::bar(0, 1), false); }).message(),
            "network: its scores must be finite; they are not");
  bundle::Weights of_two;
  for (const auto& [name, tensor] : weights.tensors) of_two.tensors["member_3." + name] = tensor;
  Json manifest = good.manifest;
  manifest.erase("files");
  manifest["architecture"]["members"] = 2;
  bundle::write_bundle(folder_.path() / "bad", manifest, {{"weights.safetensors", bundle::encode_safetensors(of_two)}});
  EXPECT_EQ(error_of([&] { PictureModel model(folder_.path() / "bad"); }).message(),
            "weights: must be those of 2 networks; there are others");
}

TEST_F(PictureModelTest, refuses_options_out_of_range_by_name) {
  const PictureSet bars = set();
  gantry::Run run = seeded();
  TrainOptions options = quick();
  options.learning_rate = std::nan("");
  EXPECT_EQ(error_of([&] { train_classifier(bars, options, run); }).message(), "learning_rate: must lie between 1e-08 and 10; got nan");
  options = quick();
  options.members = 17;
  EXPECT_EQ(error_of([&] { train_classifier(bars, options, run); }).message(), "members: must lie between 1 and 16; got 17");
  options = quick();
  options.epochs = 0;
  EXPECT_EQ(error_of([&] { train_classifier(bars, options, run); }).message(), "epochs: must lie between 1 and 10000; got 0");
}

TEST_F(PictureModelTest, does_not_replace_a_folder_that_is_no_bundle) {
  fs::create_directories(folder_.path() / "mine");
  write_atomic(folder_.path() / "mine/thesis.txt", std::string_view("years of work"));
  const Error error = error_of([&] { train(folder_.path() / "mine"); });
  EXPECT_EQ(error.code(), ErrorCode::usage);
  EXPECT_TRUE(fs::exists(folder_.path() / "mine/thesis.txt"));
}

TEST_F(PictureModelTest, refuses_manifests_that_are_not_of_a_classifier) {
  const Path out = folder_.path() / "model";
  train(out, 1);
  const Json good = parse_json(read_text(out / "manifest.json"));
  const auto refused = [&](const std::string& pointer, const Json& value) {
    Json bad = good;
    bad[Json::json_pointer(pointer)] = value;
    write_atomic(out / "manifest.json", to_text(bad));
    return std::string(error_of([&] { PictureModel model(out); }).message());
  };
  EXPECT_EQ(refused("/task", "segmentation"), "bundle: must be of the task classification; is of segmentation");
  EXPECT_EQ(refused("/classes", Json::array({Json{{"name", "one"}}})), "manifest: classes: must be 2 to 1000; got 1");
  EXPECT_EQ(refused("/classes/1", 5), "manifest: classes: must hold objects");
  EXPECT_EQ(refused("/architecture/kind", "transformer"), "manifest: architecture: kind must be residual_classifier; got \"transformer\"");
  EXPECT_EQ(refused("/architecture/widths/0", 1e12), "manifest: widths: must lie between 1 and 1024; got 1000000000000");
  EXPECT_EQ(refused("/architecture/blocks", 1.5), "manifest: blocks: must be whole; got 1.5");
  EXPECT_EQ(refused("/calibration/temperature", 0), "manifest: temperature: must lie between 0.01 and 100; got 0");
  EXPECT_NE(refused("/architecture/widths/0", 4).find("must have the shape"), std::string::npos);
  EXPECT_EQ(refused("/input/channels", 3), "manifest: mean: must hold one number a channel; got 1");
}

}  // namespace gantry::learning::picture_model_test
