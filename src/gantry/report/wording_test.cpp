// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/wording.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gantry::wording::wording_test {

TEST(Wording, rounds_to_meaningful_digits) {
  EXPECT_EQ(number(0.012345), "0.0123");
  EXPECT_EQ(number(4.5678), "4.57");
  EXPECT_EQ(number(9.996), "10.0");
  EXPECT_EQ(number(136.6), "137");
  EXPECT_EQ(number(1126.4), "1126");
  EXPECT_EQ(number(12345.6), "12\u202f346");
  EXPECT_EQ(number(1234567), "1\u202f234\u202f567");
  EXPECT_EQ(number(-850.2), "\u2212850");
  EXPECT_EQ(number(-12345), "\u221212\u202f345");
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(std::nan("")), "–");
  EXPECT_EQ(fixed(-0.001, 1), "0.0");
  EXPECT_EQ(fixed(1e300, 2), "1.00e+300");
}

TEST(Wording, writes_units_as_people_do) {
  EXPECT_EQ(quantity(44, "[hnsf'U]"), "44.0\u00a0HU");
  EXPECT_EQ(quantity(479.2, "mL"), "479\u00a0mL");
  EXPECT_EQ(quantity(0.93, "1"), "0.930");
  EXPECT_EQ(quantity(29, "%", 2), "29\u00a0%");
  EXPECT_EQ(unit("mm2"), "mm²");
  EXPECT_EQ(unit("furlong"), "furlong");
}

TEST(Wording, gives_a_value_the_digits_that_its_interval_justifies) {
  EXPECT_EQ(measured(479.234, std::array{465.1, 493.2}, "mL", "en"), "479\u00a0mL (465 to 493)");
  EXPECT_EQ(measured(479.234, std::array{465.1, 493.2}, "mL", "zh"), "479\u00a0mL（465～493）");
  EXPECT_EQ(measured(44.51, std::array{43.6, 45.4}, "[hnsf'U]", "en"), "44.5\u00a0HU (43.6 to 45.4)");
  EXPECT_EQ(measured(4823.7, std::array{4700.0, 4950.0}, "mL", "en"), "4824\u00a0mL (4700 to 4950)");
  EXPECT_EQ(measured(5, std::nullopt, "mm", "en"), "5.00\u00a0mm");
  EXPECT_EQ(range(15, 30, "%", "en"), "15 to 30\u00a0%");
  EXPECT_EQ(range(0.5, 2, "mm", "zh"), "0.5～2.0\u00a0mm");
  EXPECT_EQ(lower_bound(1126, "mL"), ">\u00a01126\u00a0mL");
}

TEST(Wording, says_why_there_is_no_value) {
  Finding finding;
  EXPECT_EQ(measured(finding).en, "not measured");
  finding.reason = "slices too thick";
  EXPECT_EQ(measured(finding).en, "slices too thick");
  finding.value = 3.0;
  finding.unit = "mm";
  EXPECT_EQ(measured(finding).zh, "3.00\u00a0mm");
}

TEST(Wording, lists_and_refers) {
  EXPECT_EQ(list({"a", "b", "c"}, "en"), "a, b and c");
  EXPECT_EQ(list({"a", "b", "c"}, "zh"), "a、b和c");
  EXPECT_EQ(list({}, "en"), "");
  EXPECT_EQ(images({2}, "en"), "Image\u00a02");
  EXPECT_EQ(images({2, 3}, "zh"), "图\u00a02、3");
  EXPECT_EQ(count(1, "nodule", "nodules"), "1\u00a0nodule");
}

TEST(Wording, reads_dates_and_ages_and_refuses_nonsense) {
  EXPECT_EQ(date("20260314"), "2026-03-14");
  EXPECT_EQ(date("2026.03.14"), "2026-03-14");
  EXPECT_EQ(date("20261341"), "");
  EXPECT_EQ(date("<script>"), "");
  EXPECT_EQ(age("063Y", "en"), "63\u00a0y");
  EXPECT_EQ(age("010M", "zh"), "10\u00a0个月");
  EXPECT_EQ(age("Y", "en"), "");
  EXPECT_EQ(age("12345Y", "en"), "");
  EXPECT_EQ(short_uid("1.2.840.113619.2.4711"), "…\u20602.4711");
}

}  // namespace gantry::wording::wording_test
