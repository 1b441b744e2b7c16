// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/classification/film.h"

#include "gantry/base/test_support.h"
#include "gantry/dicom/test_objects.h"

namespace gantry::classification::film_test {

namespace {

const Json scope{{"modalities", {"CR", "DX"}}, {"age_years", {1, 5}}, {"views", {"PA", "AP"}}, {"body_parts", {"CHEST", "LUNG"}}};

struct Film {
  std::string modality = "DX", description, birth, date = "20200610", age = "003Y", part = "CHEST", view = "AP";
};

dicom::Header header_of(const Film& film) {
  dicom::test::Writer set;
  set.text(0x00080020U, "DA", film.date).text(0x00080060U, "CS", film.modality);
  if (!film.description.empty()) set.text(0x0008103EU, "LO", film.description);
  if (!film.birth.empty()) set.text(0x00100030U, "DA", film.birth);
  if (!film.age.empty()) set.text(0x00101010U, "AS", film.age);
  if (!film.part.empty()) set.text(0x00180015U, "CS", film.part);
  if (!film.view.empty()) set.text(0x00185101U, "CS", film.view);
  return dicom::Header(dicom::test::parse(dicom::test::part10(set)));
}

std::string reason(const Film& film) { return out_of_scope(scope, header_of(film)); }

}  // namespace

TEST(Scope, takes_frontal_chest_films_of_the_stated_ages) {
  EXPECT_EQ(reason({}), "");
  EXPECT_EQ(reason({.modality = "CR", .view = "PA"}), "");
  for (const char* age : {"001Y", "005Y", "012M", "071M", "060W", "400D"}) EXPECT_EQ(reason({.age = age}), "") << age;
  EXPECT_EQ(reason({.description = "Chest ap", .part = ""}), "");
}

TEST(Scope, gives_a_reason_for_everything_else) {
  for (const char* age : {"006Y", "045Y", "011M", "072M", "300D", "040W", "000Y"})
    EXPECT_NE(reason({.age = age}).find("must be 1 to 5 years old; the age is"), std::string::npos) << age;
  for (const char* age : {"", "4", "4Y", "00AY", "003X", "-03Y"})
    EXPECT_EQ(reason({.age = age}), "the patient must be 1 to 5 years old; the header states no age") << age;
  for (const char* view : {"LL", "RL", "LATERAL", "LLD"})
    EXPECT_NE(reason({.view = view}).find("the view must be one of PA, AP; it is"), std::string::npos);
  EXPECT_EQ(reason({.view = ""}), "the view must be one of PA, AP; the header states none");
  EXPECT_EQ(reason({.part = "ABDOMEN"}), "the body part must be one of CHEST, LUNG; it is ABDOMEN");
  EXPECT_EQ(reason({.part = ""}), "the body part must be one of CHEST, LUNG; the header states none");
  EXPECT_EQ(reason({.modality = "CT"}), "the modality must be one of CR, DX; it is CT");
  EXPECT_EQ(out_of_scope(Json::object(), header_of({})), "the model states no scope");
  EXPECT_EQ(out_of_scope(scope, dicom::Header()), "there is no header that states what the image is");
}

TEST(Scope, counts_the_age_from_the_dates_when_none_is_stated) {
  EXPECT_EQ(reason({.birth = "20190610", .age = ""}), "");  // first birthday
  EXPECT_NE(reason({.birth = "20190611", .age = ""}), "");  // the day before
  EXPECT_EQ(reason({.birth = "20140611", .age = ""}), "");
  EXPECT_NE(reason({.birth = "20140610", .age = ""}), "");  // sixth birthday
  EXPECT_NE(reason({.birth = "20210101", .age = ""}), "");  // born after the study
  EXPECT_NE(reason({.birth = "19999999", .age = ""}), "");
}

TEST(FilmPicture, shows_the_window_and_inverts_monochrome1) {
  Voxels<std::int16_t> ramp(Grid({4, 1, 1}));
  for (std::int16_t n = 0; n < 4; ++n) ramp[n] = static_cast<std::int16_t>(100 * n);
  const Image image(std::move(ramp));
  dicom::test::Writer set;
  set.text(0x00280004U, "CS", "MONOCHROME1").text(0x00281050U, "DS", "150").text(0x00281051U, "DS", "100");
  const Image seen = film_picture(dicom::Header(dicom::test::parse(dicom::test::part10(set))), image);
  const auto view = seen.as<std::uint8_t>();
  EXPECT_EQ(view[0], 255);
  EXPECT_EQ(view[1], 255);
  EXPECT_EQ(view[2], 0);
  const Image plain = film_picture(dicom::Header(), image);
  EXPECT_LT(plain.as<std::uint8_t>()[0], plain.as<std::uint8_t>()[3]);
}

TEST(FilmPicture, refuses_an_image_without_content) {
  EXPECT_EQ(error_of([] { film_picture({}, Voxels<std::int16_t>(Grid({9, 9, 1}), 7)); }).code(), ErrorCode::refused);
  EXPECT_EQ(error_of([] { film_picture({}, Voxels<float>(Grid({9, 9, 1}), std::nanf(""))); }).code(), ErrorCode::refused);
  EXPECT_EQ(error_of([] { film_picture({}, Voxels<float>(Grid({9, 9, 3}))); }).code(), ErrorCode::refused);
}

TEST(ExplanationFigure, lays_the_map_over_the_part_that_the_network_saw) {
  learning::PictureAnswer answer;
  answer.explanation.assign(64, 0.0f);
  answer.explanation[0] = 1;  // the first row and column of the centred square
  const learning::PictureInput input{.channels = 1, .rows = 8, .columns = 8, .mean = {0}, .standard_deviation = {1}};
  gantry::Run run;
  const Image drawn = explanation_figure(Voxels<std::uint8_t>(Grid({160, 80, 1}), 100), answer, input, 320, run);
  ASSERT_EQ(drawn.grid().size(0), 320);
  const auto view = drawn.as<std::uint8_t>();
  const auto colour = [&](std::int64_t x, std::int64_t y) {
    const std::int64_t at = drawn.grid().index(x, y, 0) * 3;
    return std::max({view[at], view[at + 1], view[at + 2]}) - std::min({view[at], view[at + 1], view[at + 2]});
  };
  EXPECT_GT(colour(88, 8), 40);  // the square begins at column 80 of the figure
  EXPECT_EQ(colour(20, 8), 0);
  EXPECT_EQ(colour(200, 120), 0);
}

}  // namespace gantry::classification::film_test
