// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Runs every tests/cases/*.case through every surface and asks for the same results on each.
#include <gtest/gtest.h>

#include "case_surfaces/surface.h"
#include "gantry/base/error.h"
#include "gantry/base/files.h"
#include "gantry/base/text.h"
#include "gantry/catalogue/catalogue.h"

namespace gantry::cases::cases_test {
namespace {

/// mean, sum, minimum, maximum, standard_deviation, count, nonzero of an image; a path into JSON.
double property(const Value& value, const std::string& name) {
  if (&value.type() == &port_info<Json>()) {
    const Json* json = &value.as<Json>();
    for (const std::string& key : split(name, '.')) json = json->is_array() ? &json->at(std::stoul(key)) : &json->at(key);
    return json->is_boolean() ? json->get<bool>() : json->get<double>();
  }
  const Image& image = &value.type() == &port_info<Labels>() ? value.as<Labels>().image() : value.as<Image>();
  if (name == "size_i") return static_cast<double>(image.grid().size(0));
  if (name == "size_j") return static_cast<double>(image.grid().size(1));
  if (name == "size_k") return static_cast<double>(image.grid().size(2));
  const auto values = image.as<double>();
  double sum = 0, squares = 0, low = INFINITY, high = -INFINITY, nonzero = 0;
  for (const double v : values.values()) {
    sum += v;
    low = std::min(low, v);
    high = std::max(high, v);
    nonzero += v != 0;
  }
  const double count = static_cast<double>(values.count());
  for (const double v : values.values()) squares += (v - sum / count) * (v - sum / count);
  const std::map<std::string, double> all{{"sum", sum},
                                          {"mean", sum / count},
                                          {"minimum", low},
                                          {"maximum", high},
                                          {"count", count},
                                          {"nonzero", nonzero},
                                          {"standard_deviation", std::sqrt(squares / count)}};
  return all.at(name);
}

double operand(const std::string& word, const Arguments& inputs, const Arguments& outputs) {
  if (const auto number = parse_double(word)) return *number;
  const auto dot = word.find('.');
  const std::string port = word.substr(0, dot);
  const Arguments& side = outputs.contains(port) ? outputs : inputs;
  return property(side.at(port).front(), word.substr(dot + 1));
}

/// `A is B within T`, `A is above B`, `A is below B`.
void check(const Step& step, const Arguments& inputs, const Arguments& outputs, const std::string& surface) {
  for (const auto& [line, text] : step.expectations) {
    const auto words = words_of(text);
    const double left = operand(words.at(0), inputs, outputs);
    const std::string where = fmt::format("line {} ({}): {}", line, surface, text);
    ASSERT_EQ(words.at(1), "is") << where;
    if (words[2] == "above") {
      EXPECT_GT(left, operand(words.at(3), inputs, outputs)) << where;
    } else if (words[2] == "below") {
      EXPECT_LT(left, operand(words.at(3), inputs, outputs)) << where;
    } else {
      ASSERT_EQ(words.at(3), "within") << where;
      EXPECT_NEAR(left, operand(words[2], inputs, outputs), parse_double(words.at(4)).value()) << where;
    }
  }
}

/// The voxels, or the whole of another value: grids lose digits in text headers.
std::string fingerprint(const Value& value) {
  if (&value.type() == &port_info<Image>()) {
    const auto voxels = value.as<Image>().as<float>();
    return std::string(reinterpret_cast<const char*>(voxels.data()), voxels.values().size_bytes());
  }
  if (&value.type() == &port_info<Labels>()) {
    const auto voxels = value.as<Labels>().image().as<std::int32_t>();
    return std::string(reinterpret_cast<const char*>(voxels.data()), voxels.values().size_bytes());
  }
  if (&value.type() == &port_info<Transform>() && !value.as<Transform>().is_linear()) {
    const Transform& transform = value.as<Transform>();
    return Transform(transform.linear(), transform.translation_mm()).to_json().dump() + fingerprint(Value(*transform.displacement_mm()));
  }
  const Bytes bytes = value.to_bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

class Case : public testing::TestWithParam<std::string> {};

TEST_P(Case, gives_the_same_known_answers_on_every_surface) {
  const auto steps = steps_of(read_text(Path(GANTRY_SOURCE) / "tests/cases" / GetParam()));
  for (const Step& step : steps) {
    const Operation& operation = catalogue().at(step.operation);
    Outcome expected;
    for (const Surface& surface : surfaces()) {
      if (!surface.missing().empty()) continue;
      SCOPED_TRACE(fmt::format("{} line {} through {}", GetParam(), step.line, surface.name));
      const Outcome outcome = surface.run(step, operation);
      if (surface.name == "library") expected = outcome;
      if (!step.failure.empty()) {
        EXPECT_NE(outcome.failure.find(step.failure), std::string::npos) << "got: " << outcome.failure;
        continue;
      }
      ASSERT_EQ(outcome.failure, "");
      check(step, inputs_of(step, operation), outcome.outputs, surface.name);
      for (const auto& [port, values] : expected.outputs) {
        const auto same = outcome.outputs.find(port);
        if (same == outcome.outputs.end()) continue;
        EXPECT_TRUE(fingerprint(values.front()) == fingerprint(same->second.front())) << port << " differs from the library's";
      }
    }
  }
}

TEST(Surfaces, are_all_tried) {
  for (const Surface& surface : surfaces()) {
    if (const std::string reason = surface.missing(); !reason.empty()) GTEST_SKIP() << surface.name << ": " << reason;
  }
}

std::vector<std::string> case_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Path(GANTRY_SOURCE) / "tests/cases"))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, Case, testing::ValuesIn(case_files()), [](const testing::TestParamInfo<std::string>& info) {
  return replace_all(replace_all(info.param, ".case", ""), ".", "_");
});

TEST(Cases, exist_for_every_operation) {
  for (const auto& operation : catalogue().operations()) {
    EXPECT_TRUE(std::filesystem::exists(Path(GANTRY_SOURCE) / "tests/cases" / (operation->info().id + ".case"))) << operation->info().id;
    EXPECT_TRUE(std::filesystem::exists(Path(GANTRY_SOURCE) / "docs/reference/operations" / (operation->info().id + ".md")))
        << operation->info().id;
  }
}

}  // namespace
}  // namespace gantry::cases::cases_test
