// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// A short, repeatable run of what fuzz/catalogue_fuzzer.cpp does without end.
#include "gantry/catalogue/catalogue.h"

#include <gtest/gtest.h>

#include <random>

#include "../fuzz/catalogue_trial.h"

namespace gantry::catalogue_test {
namespace {

class AnyOperation : public testing::TestWithParam<std::string> {};

TEST_P(AnyOperation, answers_whatever_it_is_given) {
  const Operation& operation = catalogue().at(GetParam());
  int results = 0;
  // What asks for more than small random images give is tried longer.
  for (unsigned seed = 0; seed < 100 || (results <= 3 && seed < 1500); ++seed) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> bytes(600);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    fuzz::Draw draw(bytes);
    try {
      results += fuzz::try_operation(operation, draw);
    } catch (const std::exception& failure) {
      ADD_FAILURE() << "seed " << seed << ": " << failure.what();
    }
  }
  set_voxel_budget(0);
  EXPECT_GT(results, 3) << "nearly everything was refused: the trial tells little";
}

std::vector<std::string> operation_ids() {
  std::vector<std::string> ids;
  for (const auto& operation : catalogue().operations()) ids.push_back(operation->info().id);
  return ids;
}

INSTANTIATE_TEST_SUITE_P(Catalogue, AnyOperation, testing::ValuesIn(operation_ids()), [](const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

}  // namespace
}  // namespace gantry::catalogue_test
