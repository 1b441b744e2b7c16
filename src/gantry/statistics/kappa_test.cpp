// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/statistics/kappa.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gantry/base/error.h"

namespace gantry::statistics::kappa_test {
namespace {

using Counts = std::vector<std::int64_t>;

TEST(Kappa, of_two_raters_has_the_values_of_the_textbooks) {
  // Two readers of 50 applications.
  const Kappa two = cohen_kappa(Counts{20, 5, 10, 15}, 2);
  EXPECT_NEAR(two.observed, 0.7, 1e-12);
  EXPECT_NEAR(two.expected, 0.5, 1e-12);
  EXPECT_NEAR(two.kappa, 0.4, 1e-12);
  // Fleiss, Statistical Methods for Rates and Proportions, table 13.1: psychotic, neurotic, organic.
  const Kappa three = cohen_kappa(Counts{75, 1, 4, 5, 4, 1, 0, 0, 10}, 3);
  EXPECT_NEAR(three.kappa, 0.676, 5e-4);
  EXPECT_NEAR(three.standard_error, 0.0877, 5e-5);
}

TEST(Kappa, of_many_raters_has_the_value_of_the_textbook) {
  // Fourteen raters, ten subjects, five categories.
  const Counts votes{0, 0, 0, 0, 14, 0, 2, 6, 4, 2, 0, 0, 3, 5, 6, 0, 3, 9, 2, 0, 2, 2, 8, 1, 1,
                     7, 7, 0, 0, 0,  3, 2, 6, 3, 0, 2, 5, 3, 2, 2, 6, 5, 2, 1, 0, 0, 2, 2, 3, 7};
  const Kappa many = fleiss_kappa(votes, Counts(10, 1), 5);
  EXPECT_NEAR(many.observed, 0.378, 5e-4);
  EXPECT_NEAR(many.expected, 0.213, 5e-4);
  EXPECT_NEAR(many.kappa, 0.210, 5e-4);
  // The same pattern twice is the same as its number of times.
  const Kappa twice = fleiss_kappa(votes, Counts(10, 2), 5);
  EXPECT_NEAR(twice.kappa, many.kappa, 1e-12);
  EXPECT_NEAR(twice.standard_error * std::sqrt(2.0), many.standard_error, 1e-12);
  // With two categories the error knows no shares: sqrt(2 / (N n (n - 1))).
  EXPECT_NEAR(fleiss_kappa(Counts{3, 0, 1, 2, 0, 3}, Counts{5, 7, 9}, 2).standard_error, std::sqrt(2.0 / (21 * 3 * 2)), 1e-12);
}

TEST(Kappa, is_one_for_equal_judgements_and_unknown_where_there_is_no_choice) {
  EXPECT_NEAR(cohen_kappa(Counts{30, 0, 0, 12}, 2).kappa, 1, 1e-12);
  EXPECT_NEAR(cohen_kappa(Counts{30, 0, 0, 12}, 2).standard_error, 0, 1e-9);
  EXPECT_TRUE(std::isnan(cohen_kappa(Counts{30, 0, 0, 0}, 2).kappa));
  EXPECT_TRUE(std::isnan(fleiss_kappa(Counts{3, 0}, Counts{8}, 2).kappa));
}

TEST(Kappa, refuses_what_is_no_table) {
  EXPECT_THROW(cohen_kappa(Counts{1, 2, 3}, 2), Error);
  EXPECT_THROW(cohen_kappa(Counts{1, -2, 3, 4}, 2), Error);
  EXPECT_THROW(cohen_kappa(Counts{0, 0, 0, 0}, 2), Error);
  EXPECT_THROW(fleiss_kappa(Counts{2, 0, 1, 2}, Counts{1, 1}, 2), Error) << "another number of raters";
  EXPECT_THROW(fleiss_kappa(Counts{1, 0}, Counts{1}, 2), Error) << "one rater";
  EXPECT_THROW(fleiss_kappa(Counts{}, Counts{}, 2), Error);
}

}  // namespace
}  // namespace gantry::statistics::kappa_test
