// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/generation/denoising.h"

#include "gantry/base/test_support.h"
#include "gantry/generation/denoiser.h"
#include "gantry/io/io.h"
#include "gantry/learning/trained_bundle.h"

namespace gantry::generation::denoising_test {

using bundle::Tensor;
using learning::Weights;

namespace {

/// One layer that tells by how much the next voxel along an axis differs.
Weights step_along(std::size_t axis) {
  Tensor kernel{{1, 1, 3, 3, 3}, std::vector<float>(27)};
  const std::array<std::size_t, 3> step{1, 3, 9};  // columns run fastest
  kernel.values[13 + step[axis]] = 1;
  kernel.values[13] = -1;
  return {.tensors = {{"convolution_1.weight", kernel}, {"convolution_1.bias", {{1}, {0}}}}, .metadata = {}};
}

/// Two layers of arbitrary weights.
Weights arbitrary() {
  Weights weights;
  Random random(3, 1);
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, std::size_t count) {
    Tensor tensor{std::move(shape), {}};
    for (std::size_t n = 0; n < count; ++n) tensor.values.push_back(static_cast<float>(0.2 * random.next_normal()));
    weights.tensors[name] = std::move(tensor);
  };
  add("convolution_1.weight", {4, 1, 3, 3, 3}, 108);
  add("convolution_1.bias", {4}, 4);
  add("convolution_2.weight", {1, 4, 3, 3, 3}, 108);
  add("convolution_2.bias", {1}, 1);
  return weights;
}

/// Activity in soft balls, nothing else.
Voxels<float> soft_balls(std::uint64_t seed, std::int64_t size = 20) {
  Random random(seed, 9);
  Voxels<float> image(Grid({size, size, size}, {4, 4, 4}, {3, 4, 5}), 1);
  for (int ball = 0; ball < 6; ++ball) {
    const auto place = [&] { return random.next_uniform(0, static_cast<double>(size)); };
    const Vec3 centre{place(), place(), place()};
    const double radius = random.next_uniform(2, 6), height = random.next_uniform(1, 6);
    for (std::int64_t k = 0; k < size; ++k)
      for (std::int64_t j = 0; j < size; ++j)
        for (std::int64_t i = 0; i < size; ++i) {
          const Vec3 at{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
          image(i, j, k) += static_cast<float>(height / (1 + std::exp(2 * (norm(at - centre) - radius))));
        }
  }
  return image;
}

DenoisingOptions quick(int epochs) {
  DenoisingOptions options;
  options.widths = {8, 8};
  options.epochs = epochs;
  options.batch = 2;
  options.learning_rate = 0.01;
  options.patch = 10;
  return options;
}

}  // namespace

TEST(CountNoise, has_the_deviation_and_the_correlation_that_it_states) {
  gantry::Run run;
  Voxels<float> image(Grid({60, 50, 40}), 2);
  for (std::int64_t k = 0; k < 40; ++k)
    for (std::int64_t j = 0; j < 50; ++j)
      for (std::int64_t i = 30; i < 60; ++i) image(i, j, k) = 0;
  const double scale = std::sqrt(2.0);
  const Voxels<float> noisy = with_count_noise(image, {.level = 0.3, .correlation = 0.6}, Random(1), run);
  const auto moments = [&](std::int64_t begin) {
    double squares = 0, product = 0, count = 0;
    for (std::int64_t k = 4; k < 36; ++k)  // at the mirrored border it varies more
      for (std::int64_t j = 4; j < 46; ++j)
        for (std::int64_t i = begin; i < begin + 24; ++i) {
          const double a = static_cast<double>(noisy(i, j, k) - image(i, j, k)),
                       b = static_cast<double>(noisy(i + 1, j, k) - image(i + 1, j, k));
          squares += a * a;
          product += a * b;
          ++count;
        }
    return std::pair(std::sqrt(squares / count), product / squares);
  };
  const auto [hot, correlation] = moments(4);
  const auto [cold, same] = moments(31);
  EXPECT_NEAR(hot, scale * std::sqrt(0.3 * 2 / scale + 0.0004), 0.02 * hot);
  EXPECT_NEAR(cold, 0.02 * scale, 0.02 * cold);
  // Of exp(-x^2 / 2 s^2) with itself, one voxel apart.
  const auto tap = [](double x) { return std::exp(-x * x / (2 * 0.36)); };
  const double expected = 2 * (tap(0) * tap(1) + tap(1) * tap(2)) / (1 + 2 * tap(1) * tap(1) + 2 * tap(2) * tap(2));
  EXPECT_NEAR(correlation, expected, 0.02);
  EXPECT_NEAR(same, expected, 0.02);
  const Voxels<float> nothing = with_count_noise(Voxels<float>(Grid({5, 5, 5})), {}, Random(1), run);
  for (std::int64_t n = 0; n < nothing.count(); ++n) ASSERT_EQ(nothing[n], 0);
}

TEST(Denoise, adds_the_mean_of_what_the_network_says_from_two_sides_and_takes_the_border_for_what_lies_beyond) {
  gantry::Run run;
  Voxels<float> image(Grid({7, 6, 130}, {1, 2, 3}));
  Random random(4);
  for (std::int64_t n = 0; n < image.count(); ++n) image[n] = static_cast<float>(random.next_uniform(0, 10));
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const Voxels<float> next = denoise(chain_of(step_along(axis)), image, run);
    ASSERT_EQ(next.grid(), image.grid());
    for (std::int64_t k = 0; k < 130; ++k)
      for (std::int64_t j = 0; j < 6; ++j)
        for (std::int64_t i = 0; i < 7; ++i) {
          // The axes of the other side are rows and slices from behind, and columns.
          constexpr std::array<std::pair<std::size_t, int>, 3> otherwise{{{1, -1}, {2, -1}, {0, 1}}};
          const auto stepped = [&](std::size_t along, int step) {
            Size3 at{i, j, k};
            at[along] = std::clamp<std::int64_t>(at[along] + step, 0, image.grid().size(static_cast<int>(along)) - 1);
            return image(at[0], at[1], at[2]);
          };
          const float expected = (stepped(axis, 1) + stepped(otherwise[axis].first, otherwise[axis].second)) / 2;
          ASSERT_NEAR(next(i, j, k), expected, 1e-5) << axis << " " << i << " " << j << " " << k;
        }
  }
}

TEST(Denoise, follows_the_scale_of_the_image) {
  gantry::Run run;
  const bundle::VolumeNetwork network = chain_of(arbitrary());
  const Voxels<float> image = soft_balls(1, 12), given = denoise(network, image, run);
  Voxels<float> other(image.grid());
  for (std::int64_t n = 0; n < image.count(); ++n) other[n] = 4096 * image[n];
  const Voxels<float> of_other = denoise(network, other, run);
  float moved = 0;
  for (std::int64_t n = 0; n < image.count(); ++n) {
    ASSERT_NEAR(of_other[n], 4096 * given[n], 0.1);
    moved = std::max(moved, std::abs(given[n] - image[n]));
  }
  EXPECT_GT(moved, 0.1);
  const Voxels<float> nothing = denoise(network, Voxels<float>(Grid({3, 1, 2})), run);
  for (std::int64_t n = 0; n < nothing.count(); ++n) ASSERT_EQ(nothing[n], 0);
}

TEST(Denoise, refuses_images_and_weights_that_do_not_fit_by_name) {
  gantry::Run run;
  const bundle::VolumeNetwork network = chain_of(arbitrary());
  const auto message = [&](const Voxels<float>& image) { return error_of([&] { denoise(network, image, run); }).message(); };
  EXPECT_EQ(message(Voxels<float>(Grid({9, 9, 9}), 0, 3)), "image: must be one volume of one number a voxel");
  EXPECT_EQ(message(Voxels<float>(Grid({4, 4, 4}), std::nanf(""))), "image: must hold finite values; found nan");
  const auto refused = [&](auto change) {
    Weights weights = arbitrary();
    change(weights);
    const Error error = error_of([&] { chain_of(weights); });
    EXPECT_EQ(error.code(), ErrorCode::unreadable);
    return std::string(error.message());
  };
  EXPECT_EQ(refused([](Weights& w) { w.tensors.erase("convolution_2.bias"); }), "weights: must lead from 1 channel to 1; lead from 1 to 4");
  EXPECT_EQ(refused([](Weights& w) { w.tensors["stem.weight"] = w.tensors.extract("convolution_1.weight").mapped(); }),
            "weights: convolution_1.weight and .bias must be there");
  EXPECT_EQ(refused([](Weights& w) {
              w.tensors["convolution_1.weight"].shape = {4, 27};
            }),
            "weights: convolution_1.weight must be (outputs, inputs, 3, 3, 3)");
  EXPECT_NE(refused([](Weights& w) { w.tensors["convolution_1.weight"].values[5] = INFINITY; }).find("must be finite"), std::string::npos);
  EXPECT_EQ(error_of([&] { DenoisingModel model("/nowhere"); }).code(), ErrorCode::not_found);
}

TEST(Denoiser, warns_where_values_are_no_activity) {
  gantry::Run run;
  Voxels<float> image = soft_balls(2, 8);
  Denoiser()(Image(image.clone()), run);
  EXPECT_TRUE(run.warnings().empty());
  for (std::int64_t n = 0; n < 256; ++n) image[n] = -1;
  Denoiser()(Image(std::move(image)), run);
  ASSERT_EQ(run.warnings().size(), 1U);
  EXPECT_NE(run.warnings()[0].find("50 % of the values are negative"), std::string::npos) << run.warnings()[0];
}

class DenoisingTraining : public testing::Test {
 protected:
  void SetUp() override {
    if (!learning::engine_is_installed()) GTEST_SKIP() << "built without LibTorch";
    gantry::Run run;
    std::filesystem::create_directories(balls_ / "images");
    for (std::uint64_t n = 0; n < 10; ++n) io::write(balls_ / "images" / fmt::format("balls_{}.nii", n), Image(soft_balls(n)), run);
  }
  void train(const Path& out, const DenoisingOptions& options) const {
    gantry::Run run(RunOptions{.threads = 2, .seed = 5});
    train_denoising_bundle(balls_, {}, options, {{"title", "Balls"}}, out, run);
  }
  TemporaryFolder folder_;
  const Path balls_ = folder_.path() / "balls", out_ = folder_.path() / "model";
};

TEST_F(DenoisingTraining, takes_most_of_the_noise_off_unseen_images_and_says_how_much) {
  train(out_, quick(60));
  const DenoisingModel model(out_);
  const Json &manifest = model.bundle().manifest, &figures = manifest["figures"]["validation"], &level = figures["levels"][1];
  EXPECT_EQ(figures["cases"], 2);
  EXPECT_GT(level["psnr_db"].get<double>(), level["psnr_noisy_db"].get<double>() + 4);
  EXPECT_NEAR(level["gain_db"].get<double>(), level["psnr_db"].get<double>() - level["psnr_nlm_db"].get<double>(), 2e-3);
  const std::string card = read_text(out_ / "card.md");
  EXPECT_NE(card.find(fmt::format("| 0.3 | 2 | {:.2f} |", level["psnr_noisy_db"].get<double>())), std::string::npos) << card;
  gantry::Run run;
  const learning::VolumeSet set = learning::read_volume_set(balls_, {.folds = 0, .labels = false}, run);
  EXPECT_EQ(score_denoising(model.network(), set, learning::cases_of_part(manifest, set, "validation"), run), figures);
  EXPECT_EQ(error_of([&] { learning::cases_of_part(manifest, set, "test"); }).code(), ErrorCode::refused);
}

TEST_F(DenoisingTraining, gives_the_same_bytes_again_and_refuses_what_does_not_fit) {
  train(folder_.path() / "one/model", quick(1));
  train(folder_.path() / "two/model", quick(1));
  EXPECT_EQ(bundle::open_bundle(folder_.path() / "one/model").id(), bundle::open_bundle(folder_.path() / "two/model").id());
  DenoisingOptions options = quick(1);
  options.patch = 21;
  EXPECT_EQ(error_of([&] { train(out_, options); }).message(), "balls_0: image: must have 21 voxels along each axis; has 20");
  options.widths = {0};
  EXPECT_EQ(error_of([&] { train(out_, options); }).message(), "regressor: width must lie between 1 and 256; got 0");
  options.level = {0.5, 0.1};
  EXPECT_EQ(error_of([&] { train(out_, options); }).message(), "level: must lie between 0.5 and 100; got 0.1");
}

/// The model that ships, on the patients that it held out.
TEST(PetDenoising, comes_nearer_than_non_local_means_at_its_best_on_unseen_patients) {
  const Path patients = test_data("sarcoma/nifti");
  if (patients.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA holds no sarcoma/nifti";
  TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "images");
  for (const auto& entry : std::filesystem::directory_iterator(patients))
    std::filesystem::create_symlink(entry.path() / "PET_image.nii.gz",
                                    folder.path() / "images" / (entry.path().filename().string() + ".nii.gz"));
  gantry::Run run;
  const learning::VolumeSet set = learning::read_volume_set(folder.path(), {.folds = 0, .labels = false}, run);
  const DenoisingModel model(bundle::installed_bundle("pet_denoising"));
  const Json& manifest = model.bundle().manifest;
  EXPECT_EQ(manifest["training"]["data_set"]["sha256"], set.digest);
  const Json figures = score_denoising(model.network(), set, learning::cases_of_part(manifest, set, "validation"), run);
  EXPECT_EQ(figures["cases"], 8);
  for (const Json& level : figures["levels"]) {
    EXPECT_GE(level["gain_db"].get<double>(), 1);
    EXPECT_LT(std::abs(level["change_of_sum_percent"].get<double>()), 2);
  }
}

}  // namespace gantry::generation::denoising_test
