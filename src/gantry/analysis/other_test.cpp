// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/other.h"

#include <gtest/gtest.h>

#include "gantry/base/files.h"
#include "gantry/base/test_support.h"

namespace gantry::analysis::other_test {
namespace {

const Finding* find(const SeriesResult& result, std::string_view id) {
  for (const Finding& f : result.findings) {
    if (f.id == id) return &f;
  }
  return nullptr;
}

SeriesResult analyzed(Image image, std::string modality) {
  SeriesInput input;
  input.image = std::move(image);
  input.modality = std::move(modality);
  gantry::Run run;
  return analyze_other(input, Profile{}, run);
}

TEST(Other, states_that_nothing_can_be_measured_without_calibration) {
  Voxels<std::uint16_t> ramp(Grid({64, 48, 1}));
  for (std::int64_t n = 0; n < ramp.count(); ++n) ramp[n] = static_cast<std::uint16_t>(n);
  const SeriesResult result = analyzed(std::move(ramp), "DX");
  const Finding* size = find(result, "image.pixel_spacing");
  ASSERT_NE(size, nullptr);
  EXPECT_FALSE(size->value);
  EXPECT_FALSE(size->reason.empty());
  EXPECT_EQ(*find(result, "image.columns")->value, 64);
  EXPECT_EQ(result.images.size(), 1U);
  EXPECT_NE(result.glances.at(0).text.en.find("not analysed"), std::string::npos);
  EXPECT_FALSE(result.not_analysed.empty());
}

TEST(Other, calls_a_constant_image_what_it_is) {
  const SeriesResult result = analyzed(Voxels<float>(Grid({20, 20, 1}), 3.0F), "CR");
  bool said = false;
  for (const QualityItem& item : result.quality) said = said || (item.id == "content" && item.verdict == QualityItem::Verdict::poor);
  EXPECT_TRUE(said);
  EXPECT_TRUE(pixel_use(Voxels<float>(Grid({2, 2, 1}), NAN)).constant);
}

TEST(Other, counts_pixels_at_the_ends) {
  Voxels<std::uint8_t> image(Grid({10, 10, 1}), 100);
  for (std::int64_t n = 0; n < 20; ++n) image[n] = 255;
  for (std::int64_t n = 20; n < 30; ++n) image[n] = 0;
  const PixelUse use = pixel_use(std::move(image));
  EXPECT_EQ(use.minimum, 0);
  EXPECT_EQ(use.maximum, 255);
  EXPECT_DOUBLE_EQ(use.at_maximum_percent, 20);
  EXPECT_DOUBLE_EQ(use.at_minimum_percent, 10);
}

TEST(Other, shows_colour_as_it_is_stored) {
  Voxels<std::uint8_t> image(Grid({30, 20, 1}), 0, 3);
  for (std::int64_t n = 0; n < image.count(); n += 3) image[n] = 200;
  const SeriesResult result = analyzed(std::move(image), "US");
  ASSERT_EQ(result.images.size(), 1U);
  const auto view = result.images[0].rgb.as<std::uint8_t>();
  EXPECT_EQ(view.components(), 3);
  EXPECT_EQ(view[0], 200);
  EXPECT_EQ(view[1], 0);
}

TEST(Other, measures_what_real_headers_allow) {
  const Path data = test_data();
  if (data.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const std::vector<Path> files{data / "dicom/nema-compression/US1_UNC", data / "dicom/nema-compression/NM1_UNC"};
  const dicom::Input read = dicom::read_dicom(files, run);
  int seen = 0;
  for (const dicom::Study& study : read.studies) {
    for (const dicom::Series& series : study.series) {
      if (!series.reason.empty()) continue;
      SeriesInput input;
      input.series = &series;
      input.image = dicom::load(series, run);
      input.modality = series.modality;
      const SeriesResult result = analyze_other(input, Profile{}, run);
      EXPECT_FALSE(result.images.empty()) << series.modality;
      EXPECT_NE(find(result, "image.columns"), nullptr);
      if (series.modality == "NM") {
        ASSERT_NE(find(result, "image.counts"), nullptr);
        EXPECT_GT(*find(result, "image.counts")->value, 0);
      }
      ++seen;
    }
  }
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace gantry::analysis::other_test
