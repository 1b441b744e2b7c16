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

/// The value after a file of the exchange format, which is how command line, Python and REST hand it on.
Value exchanged(const Value& value) {
  const TemporaryFolder folder;
  const Path file = folder.path() / ("value" + exchange_ending(value.type()));
  Run run;
  value.write(file, run);
  return Value(value.type(), value.type().read(file, run));
}

const Image* image_of(const Value& value) {
  if (&value.type() == &port_info<Labels>()) return &value.as<Labels>().image();
  return &value.type() == &port_info<Image>() ? &value.as<Image>() : nullptr;
}

/// What a file must keep of an image and of labels: all but the last digits of the grid, which text headers round.
void check_kept(const Value& value, const Value& read) {
  const Image *image = image_of(value), *kept = image_of(read);
  if (!image) return;
  EXPECT_EQ(image->type(), kept->type());
  EXPECT_EQ(image->components(), kept->components());
  EXPECT_EQ(image->frames(), kept->frames());
  EXPECT_EQ(image->grid().size(), kept->grid().size());
  EXPECT_TRUE(image->grid().same_space(kept->grid(), 1e-9));
  EXPECT_TRUE(std::ranges::equal(image->bytes(), kept->bytes()));
  if (&value.type() != &port_info<Labels>()) return;
  const auto table_of = [](const Labels& labels) { return Value(Labels(Image(Voxels<std::uint8_t>(Grid())), labels.table())).to_bytes(); };
  EXPECT_EQ(table_of(value.as<Labels>()), table_of(read.as<Labels>()));
}

/// True when `text` is `message`, behind the names of what it is about (`gantry: filter.gaussian: `) at most.
bool says(const std::string& text, const std::string& message) {
  return text == message || (!message.empty() && text.ends_with(": " + message) && text.find('\n') == std::string::npos);
}

class Case : public testing::TestWithParam<std::string> {};

TEST_P(Case, gives_the_same_known_answers_on_every_surface) {
  const auto steps = steps_of(read_text(Path(GANTRY_SOURCE) / "tests/cases" / GetParam()));
  for (const Step& step : steps) {
    const Operation& operation = catalogue().at(step.operation);
    const Arguments inputs = step.failure.empty() ? inputs_of(step, operation) : Arguments();
    Outcome expected;
    std::map<std::string, Value> files;  // what the library gives, after a file
    for (const Surface& surface : surfaces()) {
      if (!surface.missing().empty()) continue;
      SCOPED_TRACE(fmt::format("{} line {} through {}", GetParam(), step.line, surface.name));
      const Outcome outcome = surface.run(step, operation);
      if (surface.name == "library") expected = outcome;
      if (!step.failure.empty()) {
        EXPECT_NE(expected.failure.find(step.failure), std::string::npos) << "got: " << expected.failure;
        EXPECT_TRUE(says(outcome.failure, expected.failure)) << outcome.failure << "\nthe library says: " << expected.failure;
        continue;
      }
      ASSERT_EQ(outcome.failure, "");
      for (const PortDescription& port : operation.info().outputs)
        ASSERT_TRUE(port.optional || outcome.outputs.contains(port.name)) << port.name << " is missing";
      check(step, inputs, outcome.outputs, surface.name);
      for (const auto& [port, values] : outcome.outputs) {
        SCOPED_TRACE(port);
        ASSERT_TRUE(expected.outputs.contains(port));
        const Value& value = expected.outputs[port].front();
        if (surface.name == "library") {
          check_kept(value, files[port] = exchanged(value));
        } else {
          const Value& same = surface.gives_files ? files[port] : value;
          EXPECT_EQ(values.front().digest(), same.digest()) << "differs from the library's";
        }
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
