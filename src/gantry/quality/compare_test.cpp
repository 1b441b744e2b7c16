// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/quality/compare.h"

#include "gantry/base/test_support.h"
#include "gantry/image/phantom/phantom.h"

namespace gantry::compare_test {
namespace {

/// 1000 sin(0.3 i + 0.2 j) + 10 k and, when `changed`, 50 cos(0.7 i - 0.4 k) more.
Image waves(const Size3& size, bool changed) {
  auto image = Voxels<float>::uninitialized(Grid(size));
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        const auto x = static_cast<double>(i), y = static_cast<double>(j), z = static_cast<double>(k);
        image(i, j, k) = static_cast<float>(1000 * std::sin(0.3 * x + 0.2 * y) + 10 * z + (changed ? 50 * std::cos(0.7 * x - 0.4 * z) : 0));
      }
    }
  }
  return image;
}

double number(const Json& result, const char* name) { return result.at(name).get<double>(); }

TEST(CompareImages, agrees_with_scikit_image_to_1e_5) {
  // scikit-image 0.26: structural_similarity and peak_signal_noise_ratio of the same arrays with data_range 2000.
  gantry::Run run;
  const Image a = waves({32, 24, 16}, false), b = waves({32, 24, 16}, true);
  const Image flat = waves({32, 24, 1}, false), changed = waves({32, 24, 1}, true);
  EXPECT_NEAR(number(CompareImages{.range = 2000}(a, b, run).result, "ssim"), 0.994127447, 1e-6);
  EXPECT_NEAR(number(CompareImages{.range = 2000, .window = SimilarityWindow::gaussian}(a, b, run).result, "ssim"), 0.985824271, 1e-6);
  EXPECT_NEAR(
      number(CompareImages{.range = 2000, .window = SimilarityWindow::gaussian, .sample_covariance = false}(a, b, run).result, "ssim"),
      0.985824395, 1e-6);
  EXPECT_NEAR(number(CompareImages{.range = 2000, .slices = true}(a, b, run).result, "ssim"), 0.992381787, 1e-6);
  EXPECT_NEAR(number(CompareImages{.range = 2000}(flat, changed, run).result, "ssim"), 0.992567449, 1e-6);
  EXPECT_NEAR(number(CompareImages{.range = 2000}(a, b, run).result, "psnr_db"), 35.049933380, 1e-5);
}

TEST(CompareImages, measures_a_constant_difference_in_closed_form) {
  gantry::Run run;
  auto moved = phantom("ramp").as<float>().clone();
  for (float& v : moved.values()) v += 6.3F;
  const Json result = CompareImages{}(phantom("ramp"), Image(std::move(moved)), run).result;
  EXPECT_NEAR(number(result, "range"), 63, 1e-6);
  EXPECT_NEAR(number(result, "rmse"), 6.3, 1e-5);
  EXPECT_NEAR(number(result, "mae"), 6.3, 1e-5);
  EXPECT_NEAR(number(result, "bias"), 6.3, 1e-5);
  EXPECT_NEAR(number(result, "psnr_db"), 20, 1e-5);
  EXPECT_NEAR(number(result, "correlation"), 1, 1e-9);
}

TEST(CompareImages, finds_nothing_between_equal_images) {
  gantry::Run run;
  const auto same = CompareImages{}(phantom("shepp_logan"), phantom("shepp_logan"), run);
  EXPECT_TRUE(same.result["psnr_db"].is_null());
  EXPECT_NEAR(number(same.result, "ssim"), 1, 1e-12);
  const auto map = same.map.as<float>();
  for (std::int64_t n = 0; n < map.count(); ++n) ASSERT_EQ(map[n], 1.0F);
}

TEST(CompareImages, keeps_its_digits_on_a_large_offset) {
  gantry::Run run;
  const auto lifted = [](const Image& image) {
    auto values = image.as<float>().clone();
    for (float& v : values.values()) v = std::round(v) + 1048576;
    return Image(std::move(values));
  };
  const auto rounded = [](const Image& image) {
    auto values = image.as<float>().clone();
    for (float& v : values.values()) v = std::round(v);
    return Image(std::move(values));
  };
  const Image a = waves({16, 16, 16}, false), b = waves({16, 16, 16}, true);
  const Json low = CompareImages{}(rounded(a), rounded(b), run).result, high = CompareImages{}(lifted(a), lifted(b), run).result;
  EXPECT_NEAR(number(low, "correlation"), number(high, "correlation"), 1e-9);
  EXPECT_EQ(number(low, "psnr_db"), number(high, "psnr_db"));
}

TEST(CompareImages, gives_the_same_bits_for_any_number_of_threads) {
  gantry::Run one(RunOptions{.threads = 1}), three(RunOptions{.threads = 3});
  const Image a = waves({20, 18, 40}, false), b = waves({20, 18, 40}, true);
  EXPECT_EQ(CompareImages{}(a, b, one).result, CompareImages{}(a, b, three).result);
}

TEST(CompareImages, refuses_what_cannot_be_compared) {
  gantry::Run run;
  const Image a = waves({16, 16, 16}, false);
  EXPECT_EQ(error_of([&] {
              CompareImages{}(a, waves({16, 16, 15}, false), run);
            }).message(),
            "image: must lie on the grid of the reference; resample it first");
  EXPECT_EQ(error_of([&] {
              CompareImages{}(waves({16, 16, 4}, false), waves({16, 16, 4}, true), run);
            }).message(),
            "images: an axis of 4 voxels is shorter than the window of 7; compare slice by slice");
  EXPECT_EQ(error_of([&] { CompareImages{}(phantom("constant"), phantom("ramp"), run); }).message(),
            "range: the reference is constant; state the range of its values");
  auto broken = a.as<float>().clone();
  broken[7] = NAN;
  EXPECT_EQ(error_of([&] { CompareImages{}(a, Image(std::move(broken)), run); }).message(), "images: must hold finite values alone");
  EXPECT_EQ(error_of([&] { CompareImages{.range = -1}(a, a, run); }).code(), ErrorCode::parameter);
}

}  // namespace
}  // namespace gantry::compare_test
