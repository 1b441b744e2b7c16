// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/training.h"

#include <gtest/gtest.h>

namespace gantry::learning::training_test {

namespace {

Weights of(float value) {
  Weights weights;
  weights.tensors["a"] = {{2}, {value, -value}};
  return weights;
}

}  // namespace

// After the first step the mean moves by 1 - min(memory, (1 + n) / (10 + n)) of the way.
TEST(WeightAverage, forgets_the_first_steps_sooner_than_the_later_ones) {
  WeightAverage average(0.5);
  EXPECT_TRUE(average.weights().tensors.empty());
  average.add(of(11));
  EXPECT_EQ(average.weights().tensors.at("a").values, (std::vector<float>{11, -11}));
  average.add(of(0));  // keeps 2 / 11
  EXPECT_FLOAT_EQ(average.weights().tensors.at("a").values[0], 2);
  for (int n = 0; n < 10; ++n) average.add(of(0));
  const float before = average.weights().tensors.at("a").values[0];
  average.add(of(0));  // keeps a half from the ninth on
  EXPECT_FLOAT_EQ(average.weights().tensors.at("a").values[0], before / 2);
  EXPECT_EQ(average.steps(), 13);
}

TEST(WeightAverage, of_equal_weights_is_these_weights) {
  WeightAverage average(0.998);
  for (int n = 0; n < 100; ++n) average.add(of(3));
  EXPECT_EQ(average.weights().tensors.at("a").values, (std::vector<float>{3, -3}));
}

TEST(WeightAverage, goes_on_from_what_was_kept) {
  WeightAverage whole(0.9), part(0.9);
  for (const float value : {1.0F, 5.0F, 2.0F}) whole.add(of(value));
  WeightAverage begun(0.9);
  begun.add(of(1));
  begun.add(of(5));
  part.restore(begun.weights(), begun.steps());
  part.add(of(2));
  EXPECT_EQ(part.weights().tensors.at("a").values, whole.weights().tensors.at("a").values);
}

}  // namespace gantry::learning::training_test
