// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/novelty.h"

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/learning/picture_test_support.h"

namespace gantry::learning::novelty_test {

namespace {

const PictureInput small{.channels = 1, .rows = 12, .columns = 12, .mean = {0}, .standard_deviation = {1}};

Cases bars(std::size_t count, std::uint64_t seed) {
  Cases cases;
  for (std::size_t n = 0; n < count; ++n) {
    const auto values = fit_picture(test::bar(static_cast<int>(n % 2), seed + n), small);
    cases.values.insert(cases.values.end(), values.begin(), values.end());
    cases.labels.push_back(static_cast<int>(n % 2));
  }
  return cases;
}

std::vector<float> picture(const Cases& cases, std::size_t n) {
  const auto begin = cases.values.begin() + static_cast<std::ptrdiff_t>(n * small.values());
  return {begin, begin + static_cast<std::ptrdiff_t>(small.values())};
}

/// A bundle of the figures alone.
bundle::Bundle bundle_of(const Novelty& novelty, const Path& folder, const Json& changes = Json::object()) {
  Json manifest{{"name", "bars"}, {"version", "1"}, {"task", "classification"}, {"novelty", novelty.to_json()}};
  manifest["novelty"].update(changes);
  bundle::write_bundle(folder, manifest, {{novelty_file, bundle::encode_safetensors(novelty.tensors())}});
  return bundle::open_bundle(folder);
}

}  // namespace

TEST(Novelty, measures_distances_in_the_variances_of_the_training_part) {
  const Novelty novelty = *Novelty::learnt(bars(400, 1), bars(200, 5000), small);
  const Cases others = bars(300, 9000);
  gantry::Run run;
  EXPECT_LE(novelty.share_unlike(others, small, run), 0.05);
  // T2 of the training part itself is its number of directions on average, by definition of a covariance.
  const Cases own = bars(400, 1);
  double sum = 0;
  for (std::size_t n = 0; n < own.size(); ++n) sum += novelty.place(picture(own, n), small).structure;
  EXPECT_NEAR(sum / 400, 399.0 / 400, 1e-3);
}

TEST(Novelty, keeps_its_figures_when_only_the_exposure_changes) {
  const Novelty novelty = *Novelty::learnt(bars(400, 1), bars(200, 5000), small);
  std::vector<float> values = picture(bars(1, 77), 0);
  const Novelty::Place before = novelty.place(values, small);
  for (float& v : values) v = 0.1F + 0.5F * v;
  EXPECT_NEAR(novelty.place(values, small).structure, before.structure, 1e-3);
  EXPECT_NEAR(novelty.place(values, small).detail, before.detail, 1e-4);
}

TEST(Novelty, gives_a_reason_for_what_is_inverted_noisy_or_empty) {
  const Novelty novelty = *Novelty::learnt(bars(400, 1), bars(200, 5000), small);
  const auto reason = [&](const std::vector<float>& values) { return novelty.reason(values, small); };
  std::vector<float> inverted = picture(bars(1, 77), 0), noise(small.values()), slope(small.values());
  EXPECT_EQ(reason(inverted), "");
  for (float& v : inverted) v = 1 - v;
  EXPECT_NE(reason(inverted).find("unlike those that the model learnt from"), std::string::npos);
  Random random(3);
  for (float& v : noise) v = static_cast<float>(random.next_uniform());
  EXPECT_NE(reason(noise), "");
  EXPECT_NE(reason(std::vector<float>(small.values(), 0.5F)), "");
  for (std::size_t n = 0; n < slope.size(); ++n) slope[n] = static_cast<float>(n) / static_cast<float>(slope.size());
  EXPECT_NE(reason(slope), "");
}

TEST(Novelty, needs_enough_pictures_for_a_limit) {
  EXPECT_FALSE(Novelty::learnt(bars(400, 1), bars(98, 5000), small));
  EXPECT_FALSE(Novelty::learnt(bars(99, 1), bars(200, 5000), small));
  EXPECT_TRUE(Novelty::learnt(bars(100, 1), bars(99, 5000), small));
}

TEST(Novelty, comes_back_from_a_bundle_and_refuses_one_that_does_not_fit) {
  const TemporaryFolder folder;
  const Novelty novelty = *Novelty::learnt(bars(200, 1), bars(120, 5000), small);
  const Novelty back = *Novelty::of(bundle_of(novelty, folder.path() / "bars"));
  const std::vector<float> values = picture(bars(1, 77), 0);
  EXPECT_EQ(back.place(values, small).structure, novelty.place(values, small).structure);
  EXPECT_EQ(back.to_json(), novelty.to_json());
  const auto refused = [&](const Json& changes) {
    return std::string(error_of([&] { Novelty::of(bundle_of(novelty, folder.path() / "bad", changes)); }).what());
  };
  EXPECT_EQ(refused({{"rows", 0}}), "manifest: rows: must lie between 1 and 28; got 0");
  EXPECT_EQ(refused({{"directions", 1e9}}), "manifest: directions: must lie between 1 and 64; got 1000000000");
  EXPECT_EQ(refused({{"rows", 11}}), "novelty: tensor 'mean' must be there, finite, of the shape [132]");
  EXPECT_EQ(refused({{"most_detail", "NaN"}}).rfind("manifest: most_detail", 0), 0U);
  bundle::Weights tensors = novelty.tensors();
  tensors.tensors["variances"].values[0] = 0;
  bundle::write_bundle(folder.path() / "zero",
                       {{"name", "bars"}, {"version", "1"}, {"task", "classification"}, {"novelty", novelty.to_json()}},
                       {{novelty_file, bundle::encode_safetensors(tensors)}});
  EXPECT_STREQ(error_of([&] { Novelty::of(bundle::open_bundle(folder.path() / "zero")); }).what(),
               "novelty: variances must be more than 0");
}

}  // namespace gantry::learning::novelty_test
