// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/engine.h"

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"

namespace gantry::learning::engine_test {

namespace {

/// Weights that are neither zero nor alike, from a formula.
Weights some_weights(const Learner& learner) {
  Weights weights = learner.weights();
  for (auto& [name, tensor] : weights.tensors) {
    for (std::size_t n = 0; n < tensor.values.size(); ++n) {
      const auto phase = static_cast<float>(n * 7 % 101) / 101.0f;
      tensor.values[n] = name.find("running_var") != std::string::npos ? 0.5f + phase : 0.4f * (phase - 0.5f);
    }
  }
  return weights;
}

Tensor batch_of(std::int64_t count, std::int64_t channels = 1) {
  Tensor batch{{count, channels, 9, 8}, std::vector<float>(static_cast<std::size_t>(count * channels * 72))};
  for (std::size_t n = 0; n < batch.values.size(); ++n) batch.values[n] = static_cast<float>(n * 13 % 29) / 29.0f - 0.5f;
  return batch;
}

}  // namespace

TEST(Engine, names_the_package_when_the_plugin_is_missing) {
  const TemporaryFolder empty;
  ::setenv("GANTRY_HOME", empty.path().c_str(), 1);
  EXPECT_FALSE(engine_is_installed());
  const Error error = error_of([] { engine(); });
  ::unsetenv("GANTRY_HOME");
  EXPECT_EQ(error.code(), ErrorCode::not_possible);
  EXPECT_NE(std::string(error.what()).find("install the package gantry-torch"), std::string::npos) << error.what();
}

TEST(Engine, names_the_package_when_the_plugin_does_not_load) {
  const TemporaryFolder home;
  write_atomic(home.path() / "libgantry_torch.so", std::string_view("no library"));
  ::setenv("GANTRY_HOME", home.path().c_str(), 1);
  const Error error = error_of([] { engine(); });
  ::unsetenv("GANTRY_HOME");
  EXPECT_NE(std::string(error.what()).find("does not load"), std::string::npos) << error.what();
}

class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!engine_is_installed()) GTEST_SKIP() << "built without LibTorch";
  }
  const ClassifierDesign design_{.channels = 1, .classes = 3, .widths = {4, 6}, .blocks = 1};
};

TEST_F(EngineTest, says_which_library_it_is) { EXPECT_EQ(engine().name().rfind("LibTorch ", 0), 0U); }

TEST_F(EngineTest, gives_zero_for_a_network_of_zeros) {
  const auto classifier = engine().classifier(design_);
  const Tensor scores = classifier->forward(batch_of(2), 1);
  EXPECT_EQ(scores.shape, (std::vector<std::int64_t>{2, 3}));
  for (const float score : scores.values) EXPECT_EQ(score, 0.0f);
}

TEST_F(EngineTest, gives_the_same_bits_alone_and_in_a_batch_of_the_same_size_and_for_any_threads) {
  const auto classifier = engine().classifier(design_);
  classifier->set_weights(some_weights(*classifier));
  const Tensor one = classifier->forward(batch_of(5), 1);
  EXPECT_NE(one.values[0], one.values[1]);
  EXPECT_EQ(one.values, classifier->forward(batch_of(5), 1).values);
  EXPECT_EQ(one.values, classifier->forward(batch_of(5), 2).values);
}

TEST_F(EngineTest, returns_the_weights_that_it_was_given) {
  const auto classifier = engine().classifier(design_);
  const Weights weights = some_weights(*classifier);
  classifier->set_weights(weights);
  const Weights back = classifier->weights();
  ASSERT_EQ(back.tensors.size(), weights.tensors.size());
  for (const auto& [name, tensor] : weights.tensors) EXPECT_EQ(back.tensors.at(name).values, tensor.values) << name;
}

TEST_F(EngineTest, learns_two_images_by_heart) {
  const auto classifier = engine().classifier(design_);
  classifier->set_weights(some_weights(*classifier));
  const Tensor batch = batch_of(2);
  const std::vector<int> labels{2, 0};
  const StepOptions options{.learning_rate = 0.05};
  const double first = classifier->learn(batch, labels, options);
  double last = first;
  for (int n = 0; n < 150; ++n) last = classifier->learn(batch, labels, options);
  EXPECT_LT(last, 0.05 * first);
}

TEST_F(EngineTest, goes_on_from_weights_and_momentum_with_the_same_bits) {
  const StepOptions options{.learning_rate = 0.05};
  const std::vector<int> labels{2, 0, 1};
  const auto through = engine().classifier(design_), before = engine().classifier(design_), after = engine().classifier(design_);
  through->set_weights(some_weights(*through));
  before->set_weights(some_weights(*before));
  for (int n = 0; n < 6; ++n) through->learn(batch_of(3), labels, options);
  for (int n = 0; n < 3; ++n) before->learn(batch_of(3), labels, options);
  after->set_weights(before->weights());
  after->set_optimiser_state(before->optimiser_state());
  for (int n = 0; n < 3; ++n) after->learn(batch_of(3), labels, options);
  const Weights whole = through->weights(), resumed = after->weights();
  for (const auto& [name, tensor] : whole.tensors) EXPECT_EQ(tensor.values, resumed.tensors.at(name).values) << name;
}

TEST_F(EngineTest, explains_by_the_last_stage) {
  const auto classifier = engine().classifier(design_);
  classifier->set_weights(some_weights(*classifier));
  const Tensor map = classifier->activation_map(batch_of(2), 1);
  EXPECT_EQ(map.shape, (std::vector<std::int64_t>{2, 5, 4}));
  EXPECT_GE(*std::min_element(map.values.begin(), map.values.end()), 0.0f);
}

// One stage whose block adds a constant: features are A_c = max(0, max(0, w_c x) + d_c) and the score of class l is b_l + sum_c h_lc mean
// A_c, so that the gradient by A_c at each of Z places is h_lc / Z, and Grad-CAM is max(0, sum_c h_lc A_c) / Z.
TEST_F(EngineTest, explains_by_grad_cam_as_it_is_defined) {
  const auto classifier = engine().classifier({.channels = 1, .classes = 2, .widths = {3}, .blocks = 1});
  Weights weights = some_weights(*classifier);
  const auto fill = [&](const std::string& name, const std::vector<float>& values) {
    ASSERT_EQ(weights.tensors.at(name).values.size(), values.size()) << name;
    weights.tensors[name].values = values;
  };
  const std::vector<float> w{1, -2, 0.5F}, d{0.25F, -0.1F, 0}, h{1, -1.5F, 0.5F, -2, 1, 3}, one{1, 1, 1}, zero{0, 0, 0};
  std::vector<float> stem(27, 0.0F);
  for (std::size_t c = 0; c < 3; ++c) stem[c * 9 + 4] = w[c];  // the middle of each kernel alone
  fill("stem.weight", stem);
  const auto normalize = [&](const std::string& name, const std::vector<float>& weight, const std::vector<float>& bias) {
    fill(name + ".weight", weight);
    fill(name + ".bias", bias);
    fill(name + ".running_mean", zero);
    fill(name + ".running_var", one);
  };
  normalize("stem_normalization", one, zero);
  normalize("stage_1_block_1.normalization_2", zero, d);
  fill("head.weight", h);
  classifier->set_weights(weights);
  const Tensor batch = batch_of(2);
  const double scale = 1 / std::sqrt(1 + 1e-5);  // the small number that normalisation adds to the variance
  for (int label = 0; label < 2; ++label) {
    const Tensor map = classifier->activation_map(batch, label);
    ASSERT_EQ(map.shape, (std::vector<std::int64_t>{2, 9, 8}));
    int dark = 0;
    for (std::size_t n = 0; n < map.values.size(); ++n) {
      double sum = 0;
      for (std::size_t c = 0; c < 3; ++c)
        sum += h[static_cast<std::size_t>(label) * 3 + c] * std::max(0.0, std::max(0.0, w[c] * batch.values[n] * scale) + d[c]);
      EXPECT_NEAR(map.values[n], std::max(0.0, sum) / 72, 1e-7) << label << " " << n;
      dark += sum < 0 ? 1 : 0;
    }
    EXPECT_GT(dark, 10);
    EXPECT_LT(dark, 134);
  }
}

TEST_F(EngineTest, refuses_a_wrong_number_of_channels) {
  const auto classifier = engine().classifier(design_);
  const Error error = error_of([&] { classifier->forward(batch_of(2, 3), 1); });
  EXPECT_STREQ(error.what(), "batch: must be images of 1 channels, (n, 1, rows, columns); got [2, 3, 9, 8]");
}

TEST_F(EngineTest, refuses_weights_that_do_not_fit_by_name) {
  const auto classifier = engine().classifier(design_);
  const Weights good = classifier->weights();
  const auto refuse = [&](auto change) {
    Weights bad = good;
    change(bad.tensors);
    return std::string(error_of([&] { classifier->set_weights(bad); }).what());
  };
  EXPECT_EQ(refuse([](auto& t) { t.erase("head.bias"); }), "weights: tensor 'head.bias' must be there");
  EXPECT_EQ(refuse([](auto& t) { t["extra"] = {{1}, {0.0f}}; }), "weights: the network has no tensor 'extra'");
  EXPECT_EQ(refuse([](auto& t) { t["head.bias"] = {{2}, {0.0f, 0.0f}}; }), "weights: tensor 'head.bias' must have the shape [3]; got [2]");
  EXPECT_EQ(refuse([](auto& t) { t["head.bias"].values[1] = std::nanf(""); }), "weights: tensor 'head.bias' must hold finite values");
}

TEST_F(EngineTest, refuses_absurd_designs_before_it_allocates) {
  EXPECT_EQ(error_of([] { engine().classifier({.channels = 1 << 30}); }).code(), ErrorCode::parameter);
  EXPECT_EQ(error_of([] { engine().classifier({.widths = {}}); }).code(), ErrorCode::parameter);
  EXPECT_EQ(error_of([] { engine().classifier({.widths = {16, -1}}); }).code(), ErrorCode::parameter);
}

class SegmenterTest : public EngineTest {
 protected:
  const SegmenterDesign design_{.channels = 1, .classes = 3, .widths = {4, 6}, .block = 2};
  static Tensor volumes(std::int64_t count) {
    Tensor batch{{count, 1, 8, 4, 12}, std::vector<float>(static_cast<std::size_t>(count * 384))};
    for (std::size_t n = 0; n < batch.values.size(); ++n) batch.values[n] = static_cast<float>(n * 13 % 29) / 29.0f - 0.5f;
    return batch;
  }
  /// The class of a voxel follows from its value.
  static std::vector<std::uint8_t> labels(const Tensor& batch) {
    std::vector<std::uint8_t> labels;
    for (const float value : batch.values) labels.push_back(value < -0.2f ? 0 : value < 0.2f ? 1 : 2);
    return labels;
  }
};

TEST_F(SegmenterTest, gives_scores_for_every_voxel_and_zero_for_a_network_of_zeros) {
  const auto segmenter = engine().segmenter(design_);
  const Tensor scores = segmenter->forward(volumes(2), 1);
  EXPECT_EQ(scores.shape, (std::vector<std::int64_t>{2, 3, 8, 4, 12}));
  for (const float score : scores.values) EXPECT_EQ(score, 0.0f);
}

// A head that copies channel b of its stage's features shows which voxel of a block is which: with widths of one the bias alone speaks.
TEST_F(SegmenterTest, puts_the_outputs_of_a_block_back_where_its_voxels_lay) {
  const auto segmenter = engine().segmenter({.channels = 1, .classes = 2, .widths = {1}, .block = 2});
  Weights weights = segmenter->weights();
  for (std::size_t n = 0; n < 16; ++n) weights.tensors.at("head.bias").values[n] = static_cast<float>(n);
  segmenter->set_weights(weights);
  const Tensor scores = segmenter->forward(volumes(1), 1);
  const auto at = [&](std::size_t c, std::size_t k, std::size_t j, std::size_t i) { return scores.values[((c * 8 + k) * 4 + j) * 12 + i]; };
  EXPECT_EQ(at(0, 0, 0, 0), 0.0f);
  EXPECT_EQ(at(0, 2, 2, 5), 1.0f);
  EXPECT_EQ(at(0, 4, 3, 10), 2.0f);
  EXPECT_EQ(at(0, 7, 0, 0), 4.0f);
  EXPECT_EQ(at(1, 7, 3, 11), 15.0f);
}

// Cross entropy of evenly spread probabilities is log 3, Dice of 1/3 with each class 2/3 n / (n + N / 3).
TEST_F(SegmenterTest, starts_at_the_loss_that_follows_for_even_probabilities) {
  const auto segmenter = engine().segmenter(design_);
  const Tensor batch = volumes(1);
  const auto truth = labels(batch);
  double dice = 0;
  for (const std::uint8_t label : {1, 2}) {
    const auto count = static_cast<double>(std::count(truth.begin(), truth.end(), label));
    dice += 0.5 * (2.0 / 3 * count) / (count + 384.0 / 3);
  }
  EXPECT_NEAR(segmenter->learn(batch, truth, {.learning_rate = 1e-9}), std::log(3.0) + 1 - dice, 1e-5);
}

TEST_F(SegmenterTest, learns_a_volume_by_heart_either_way) {
  for (const Descent descent : {Descent::nesterov, Descent::adam}) {
    const auto segmenter = engine().segmenter(design_);
    Weights weights = segmenter->weights();
    Random random(4);
    for (auto& [name, tensor] : weights.tensors)
      for (float& value : tensor.values)
        value = name.find("normalization") == std::string::npos ? 0.2f * static_cast<float>(random.next_normal()) : 1.0f;
    segmenter->set_weights(weights);
    const Tensor batch = volumes(2);
    const StepOptions options{.descent = descent, .learning_rate = 0.03, .longest_gradient = 12};
    const double first = segmenter->learn(batch, labels(batch), options);
    double last = first;
    for (int n = 0; n < 120; ++n) last = segmenter->learn(batch, labels(batch), options);
    EXPECT_LT(last, 0.5 * first) << first;
  }
}

TEST_F(SegmenterTest, learns_the_same_bits_with_any_number_of_threads) {
  const Tensor batch = volumes(3);
  std::vector<Weights> learnt;
  for (const int threads : {1, 2, 5}) {
    const auto segmenter = engine().segmenter(design_);
    segmenter->set_weights(some_weights(*segmenter));
    for (int n = 0; n < 3; ++n) segmenter->learn(batch, labels(batch), {.threads = threads});
    learnt.push_back(segmenter->weights());
  }
  for (const auto& [name, tensor] : learnt[0].tensors) {
    EXPECT_EQ(tensor.values, learnt[1].tensors.at(name).values) << name;
    EXPECT_EQ(tensor.values, learnt[2].tensors.at(name).values) << name;
  }
}

TEST_F(SegmenterTest, goes_on_from_weights_and_the_memory_of_adam_with_the_same_bits) {
  const StepOptions options{.descent = Descent::adam, .learning_rate = 0.01};
  const Tensor batch = volumes(1);
  const auto through = engine().segmenter(design_), before = engine().segmenter(design_), after = engine().segmenter(design_);
  through->set_weights(some_weights(*through));
  before->set_weights(some_weights(*before));
  for (int n = 0; n < 6; ++n) through->learn(batch, labels(batch), options);
  for (int n = 0; n < 3; ++n) before->learn(batch, labels(batch), options);
  after->set_weights(before->weights());
  after->set_optimiser_state(before->optimiser_state());
  for (int n = 0; n < 3; ++n) after->learn(batch, labels(batch), options);
  const Weights whole = through->weights(), resumed = after->weights();
  for (const auto& [name, tensor] : whole.tensors) EXPECT_EQ(tensor.values, resumed.tensors.at(name).values) << name;
}

TEST_F(SegmenterTest, refuses_batches_labels_and_designs_that_do_not_fit) {
  const auto segmenter = engine().segmenter(design_);
  Tensor odd{{1, 1, 8, 6, 12}, std::vector<float>(576)};
  EXPECT_STREQ(
      error_of([&] { segmenter->forward(odd, 1); }).what(),
      "batch: must be volumes of 1 channels, (n, 1, slices, rows, columns), with sides that are multiples of 4; got [1, 1, 8, 6, 12]");
  auto wrong = labels(volumes(1));
  wrong[3] = 3;
  EXPECT_STREQ(error_of([&] { segmenter->learn(volumes(1), wrong, {}); }).what(), "label: must lie between 0 and 2; got 3");
  wrong.pop_back();
  EXPECT_STREQ(error_of([&] { segmenter->learn(volumes(1), wrong, {}); }).what(), "labels: must be one a voxel; got 383 for 384");
  EXPECT_EQ(error_of([] { engine().segmenter({.classes = 1000}); }).code(), ErrorCode::parameter);
  EXPECT_EQ(error_of([] { engine().segmenter({.widths = {}}); }).code(), ErrorCode::parameter);
  EXPECT_EQ(error_of([] { engine().segmenter({.block = 64}); }).code(), ErrorCode::parameter);
}

TEST_F(EngineTest, says_why_there_is_no_cuda) {
  EXPECT_EQ(device_named("cpu"), Device::cpu);
  EXPECT_EQ(error_of([] { device_named("tpu"); }).message(), "device: must be auto, cpu or cuda; got tpu");
  if (engine().has_cuda()) {
    EXPECT_EQ(device_named("auto"), Device::cuda);
    return;
  }
  EXPECT_EQ(device_named("auto"), Device::cpu);
  const Error error = error_of([] { device_named("cuda"); });
  EXPECT_EQ(error.code(), ErrorCode::not_possible);
  EXPECT_NE(std::string(error.what()).find("finds none here: use --device cpu"), std::string::npos) << error.what();
}

}  // namespace gantry::learning::engine_test
