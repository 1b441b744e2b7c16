// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/annotation/agreement.h"

#include <gtest/gtest.h>

#include "gantry/annotation/staple.h"
#include "gantry/base/error.h"

namespace gantry::agreement_test {
namespace {

/// One row of voxels of 1 cubic millimetre with these labels.
Image row(const std::vector<int>& labels) {
  Voxels<std::uint8_t> values(Grid({static_cast<std::int64_t>(labels.size()), 1, 1}));
  for (std::size_t n = 0; n < labels.size(); ++n) values[static_cast<std::int64_t>(n)] = static_cast<std::uint8_t>(labels[n]);
  return Image(std::move(values));
}

std::vector<int> values_of(const Image& image) {
  const auto values = image.as<std::int32_t>();
  return {values.values().begin(), values.values().end()};
}

RaterAgreement::Result agree(const std::vector<Image>& raters, const Labels* region = nullptr,
                             ConsensusRule rule = ConsensusRule::majority) {
  gantry::Run run;
  return RaterAgreement{.rule = rule}(raters, region, run);
}

TEST(RaterAgreement, of_two_raters_is_the_kappa_of_the_textbook) {
  // 20 voxels both marked, 5 the first alone, 10 the second alone, 15 neither.
  std::vector<int> first, second;
  for (int n = 0; n < 50; ++n) {
    first.push_back(n < 25);
    second.push_back(n < 20 || (n >= 25 && n < 35));
  }
  const Json agreement = agree({row(first), row(second)}).agreement;
  EXPECT_NEAR(agreement["pairs"][0]["cohen_kappa"].get<double>(), 0.4, 1e-12);
  EXPECT_NEAR(agreement["pairs"][0]["labels"]["1"]["dice"].get<double>(), 40.0 / 55.0, 1e-12);
  EXPECT_EQ(agreement["voxels"], 50);
  // More background beyond what both left out: kappa goes to Dice (Zijdenbos et al. 1994), Dice stays.
  first.resize(20000);
  second.resize(20000);
  const Json wide = agree({row(first), row(second)}).agreement;
  EXPECT_NEAR(wide["pairs"][0]["cohen_kappa"].get<double>(), 40.0 / 55.0, 1e-3);
  // A region of the 50 voxels gives the former answer.
  std::vector<int> inside(20000);
  std::fill_n(inside.begin(), 50, 1);
  Label label;
  label.value = 1;
  label.id = "region";
  const Labels region(row(inside), {label});
  const Json limited = agree({row(first), row(second)}, &region).agreement;
  EXPECT_NEAR(limited["pairs"][0]["cohen_kappa"].get<double>(), 0.4, 1e-12);
}

TEST(RaterAgreement, of_three_raters_has_a_majority_and_fleiss_kappa) {
  const auto result = agree({row({0, 1, 1, 2, 2, 0, 3}), row({0, 1, 2, 2, 0, 0, 1}), row({0, 1, 1, 2, 1, 2, 2})});
  EXPECT_EQ(values_of(result.consensus), (std::vector<int>{0, 1, 1, 2, 0, 0, 0})) << "three answers are no majority";
  // Agreeing pairs of raters: 3 + 3 + 1 + 3 + 0 + 1 + 0 of 21; shares 7, 6, 7 and 1 of 21.
  const double observed = 11.0 / 21, expected = (49 + 36 + 49 + 1) / 441.0;
  EXPECT_NEAR(result.agreement["fleiss"]["kappa"].get<double>(), (observed - expected) / (1 - expected), 1e-12);
  EXPECT_EQ(result.agreement["pairs"].size(), 3u);
  const Json& first = result.agreement["labels"]["1"]["raters"][0];
  EXPECT_EQ(first["sensitivity"], 1.0);
  EXPECT_EQ(first["dice"], 1.0);
  EXPECT_NEAR(result.agreement["labels"]["1"]["raters"][2]["dice"].get<double>(), 4.0 / 5.0, 1e-12);
}

TEST(Staple, finds_the_rates_that_its_peer_finds) {
  // Patterns of three raters (bits) and their voxels; SimpleITK 2.5.7's STAPLEImageFilter of the same image.
  const std::vector<RaterPattern> patterns{{0, 8000}, {1, 300}, {2, 40}, {3, 60}, {4, 30}, {5, 70}, {6, 500}, {7, 1000}};
  const Staple found = staple(patterns, 3);
  EXPECT_NEAR(found.sensitivity[0], 0.671173, 2e-4);
  EXPECT_NEAR(found.sensitivity[1], 0.938558, 2e-4);
  EXPECT_NEAR(found.sensitivity[2], 0.947474, 2e-4);
  EXPECT_NEAR(found.specificity[0], 0.964216, 2e-4);
  EXPECT_NEAR(found.specificity[1], 0.998043, 2e-4);
  EXPECT_NEAR(found.specificity[2], 0.999853, 2e-4);
}

TEST(Staple, believes_raters_who_agree_with_each_other) {
  // Two careful raters against one who marks at random: a majority of one voxel each follows the two.
  std::vector<int> one, two, careless;
  for (int n = 0; n < 400; ++n) {
    one.push_back(n < 100);
    two.push_back(n < 100 && n != 7);
    careless.push_back(n % 3 == 0);
  }
  const auto result = agree({row(one), row(two), row(careless)}, nullptr, ConsensusRule::staple);
  EXPECT_EQ(values_of(result.consensus), one);
  const Json& raters = result.agreement["labels"]["1"]["raters"];
  EXPECT_GT(raters[0]["sensitivity"].get<double>(), 0.99);
  EXPECT_LT(raters[2]["sensitivity"].get<double>(), 0.4);
  // Nobody marked, or everybody everything: no steps, no NaN.
  EXPECT_EQ(staple(std::vector<RaterPattern>{{0, 10}}, 2).probability[0], 0);
  EXPECT_EQ(staple(std::vector<RaterPattern>{{3, 10}}, 2).probability[0], 1);
}

TEST(RaterAgreement, refuses_what_cannot_be_compared) {
  const Image one = row({0, 1, 1});
  EXPECT_THROW(agree({one}), Error);
  EXPECT_THROW(agree({one, row({0, 1})}), Error) << "another grid";
  Voxels<float> halves(one.grid());
  halves[1] = 0.5F;
  EXPECT_THROW(agree({one, Image(std::move(halves))}), Error);
  Voxels<float> unknown(one.grid());
  unknown[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(agree({one, Image(std::move(unknown))}), Error);
  Voxels<std::int16_t> negative(one.grid());
  negative[0] = -1;
  EXPECT_THROW(agree({one, Image(std::move(negative))}), Error);
  EXPECT_THROW(agree(std::vector<Image>(33, one)), Error);
  const Labels nothing(row({0, 0, 0}), {});
  EXPECT_THROW(agree({one, one}, &nothing), Error);
  // All empty: nothing to agree on, and no NaN in the answer.
  const Json empty = agree({row({0, 0, 0}), row({0, 0, 0})}).agreement;
  EXPECT_TRUE(empty["pairs"][0]["cohen_kappa"].is_null());
}

}  // namespace
}  // namespace gantry::agreement_test
