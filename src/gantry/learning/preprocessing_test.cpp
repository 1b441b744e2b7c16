// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/preprocessing.h"

#include "gantry/base/test_support.h"
#include "gantry/learning/augmentation.h"

namespace gantry::learning::preprocessing_test {

namespace {

const PictureInput grey_8{.channels = 1, .rows = 8, .columns = 8, .mean = {0}, .standard_deviation = {1}};

Image ramp(std::int64_t width, std::int64_t height) {
  Voxels<std::uint8_t> voxels(Grid({width, height, 1}));
  for (std::int64_t n = 0; n < voxels.count(); ++n) voxels[n] = static_cast<std::uint8_t>(n % width);
  return voxels;
}

}  // namespace

TEST(FitPicture, keeps_a_picture_of_the_right_size) {
  const std::vector<float> values = fit_picture(ramp(8, 8), grey_8);
  ASSERT_EQ(values.size(), 64U);
  for (std::size_t n = 0; n < 64; ++n) EXPECT_FLOAT_EQ(values[n] * 255, static_cast<float>(n % 8));
}

TEST(FitPicture, takes_means_of_the_centred_square) {
  // 40 x 16: columns 12 to 27 are the square; pairs of columns have the means 12.5, 14.5, ...
  const std::vector<float> values = fit_picture(ramp(40, 16), grey_8);
  for (std::size_t n = 0; n < 64; ++n) EXPECT_NEAR(values[n] * 255, 12.5 + 2 * static_cast<double>(n % 8), 1e-4);
}

TEST(FitPicture, is_linear_where_it_enlarges) {
  const std::vector<float> values = fit_picture(ramp(4, 4), grey_8);
  EXPECT_NEAR(values[1] * 255, 0.25, 1e-4);
  EXPECT_NEAR(values[2] * 255, 0.75, 1e-4);
}

TEST(FitPicture, makes_grey_of_colour) {
  Voxels<std::uint8_t> red(Grid({8, 8, 1}), 0, 3);
  for (std::int64_t n = 0; n < red.count(); n += 3) red[n] = 255;
  EXPECT_NEAR(fit_picture(std::move(red), grey_8)[5], 0.299f, 1e-5);
}

TEST(FitPicture, refuses_what_it_would_have_to_guess) {
  const auto refused = [](const Image& image) { return std::string(error_of([&] { fit_picture(image, grey_8); }).what()); };
  Voxels<float> hole(Grid({9, 9, 1}), 0.5f);
  hole[40] = std::nanf("");
  EXPECT_EQ(refused(std::move(hole)), "image: f32 values must lie between 0 and 1; value 40 is nan");
  EXPECT_EQ(refused(Voxels<std::int16_t>(Grid({9, 9, 1}))), "image: must be u8, u16, or f32 in [0, 1]; is i16");
  EXPECT_EQ(refused(Voxels<std::uint8_t>(Grid({9, 9, 2}))), "image: must be one two-dimensional picture");
  EXPECT_EQ(refused(Voxels<std::uint8_t>(Grid({9, 9, 1}), 0, 2)), "image: must be grey or red, green, blue; has 2 components");
  EXPECT_EQ(refused(Image()), "image: must be one two-dimensional picture");
}

TEST(PictureInput, comes_back_out_of_a_manifest_and_refuses_absurd_ones) {
  const PictureInput input{.channels = 3, .rows = 32, .columns = 16, .mean = {0.1f, 0.2f, 0.3f}, .standard_deviation = {1, 2, 3}};
  const PictureInput back = parse_picture_input(to_json(input));
  EXPECT_EQ(back.columns, 16);
  EXPECT_EQ(back.mean, input.mean);
  const auto refused = [&](const char* key, const Json& value) {
    Json json = to_json(input);
    json[key] = value;
    return std::string(error_of([&] { parse_picture_input(json); }).what());
  };
  EXPECT_EQ(refused("channels", 2), "manifest: channels: must be 1 or 3; got 2");
  EXPECT_EQ(refused("rows", 1e9), "manifest: rows: must lie between 8 and 1024; got 1000000000");
  EXPECT_EQ(refused("rows", "28"), "manifest: rows: must be a number");
  EXPECT_EQ(refused("mean", Json::array({0.5})), "manifest: mean: must hold one number a channel; got 1");
  EXPECT_EQ(refused("standard_deviation", Json::array({1, 0, 1})), "manifest: standard_deviation: must be more than 0");
}

TEST(Augmentation, of_no_range_gives_the_picture) {
  const std::vector<float> picture = fit_picture(ramp(8, 8), grey_8);
  std::vector<float> out(64);
  augment(picture, grey_8, {.rotation_degrees = 0, .shift = 0, .scale = 0, .contrast = 0, .brightness = 0}, Random(1), out);
  for (std::size_t n = 0; n < 64; ++n) EXPECT_NEAR(out[n], picture[n], 1e-6);
}

TEST(Augmentation, turns_by_at_most_what_is_asked_and_depends_on_the_random_numbers_alone) {
  const std::vector<float> picture = fit_picture(ramp(8, 8), grey_8);
  std::vector<float> one(64), again(64), other(64);
  augment(picture, grey_8, {}, Random(1, 7), one);
  augment(picture, grey_8, {}, Random(1, 7), again);
  augment(picture, grey_8, {}, Random(1, 8), other);
  EXPECT_EQ(one, again);
  EXPECT_NE(one, other);
}

}  // namespace gantry::learning::preprocessing_test
