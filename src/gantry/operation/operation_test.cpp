// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include "gantry/base/test_support.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/operation/pipeline.h"
#include "gantry/operation/sources.h"

namespace gantry::operation_test {
namespace {

enum class Mode { add, multiply };
constexpr std::array<std::pair<Mode, std::string_view>, 2> choices_of(Mode) { return {{{Mode::add, "add"}, {Mode::multiply, "multiply"}}}; }

struct Offsets {
  double bias = 0.5;
  Vec3 shift{1, 2, 3};
  static void describe(Description<Offsets>& d) {
    d.parameter("bias", &Offsets::bias, "Added in the end").range(-10, 10);
    d.parameter("shift", &Offsets::shift, "Not used").unit("mm");
  }
};

/// Every kind of port and parameter at once.
struct Everything {
  Mode mode = Mode::add;
  int times = 1;
  bool invert = false;
  std::optional<double> limit;
  std::vector<double> weights{1, 2};
  std::string name = "none";
  Offsets offsets;

  struct Result {
    Image sum;
    Json numbers;
    std::optional<Table> table;
  };
  Result operator()(std::span<const Image> images, const Labels* mask, Run& run) const;
  Cost cost(std::span<const Image> images, const Labels*) const {
    return {.bytes = static_cast<std::uint64_t>(images.front().count()) * 4, .seconds = 0.5};
  }
  static void describe(Description<Everything>& d) {
    d.summary("Adds images.");
    d.input("images", "What is added");
    d.input("mask", "Where");
    d.parameter("mode", &Everything::mode, "How");
    d.parameter("times", &Everything::times, "How often").range(1, 9);
    d.parameter("invert", &Everything::invert, "The other way round");
    d.parameter("limit", &Everything::limit, "At most").at_least(0);
    d.parameter("weights", &Everything::weights, "Of the images").range(0, 5);
    d.parameter("name", &Everything::name, "A word");
    d.group("offsets", &Everything::offsets);
    d.rule([](const Everything& e) {
      if (e.invert && e.mode == Mode::multiply) throw Error(ErrorCode::parameter, "invert: goes with mode add only");
    });
    d.output("sum", &Result::sum, "The sum");
    d.output("numbers", &Result::numbers, "Numbers");
    d.output("table", &Result::table, "A table, with a mask");
    d.example("gantry test everything --input a.nii out.nii");
  }
};

Everything::Result Everything::operator()(std::span<const Image> images, const Labels* mask, Run&) const {
  check_parameters(*this);
  Voxels<float> sum(images.front().grid(), static_cast<float>(offsets.bias));
  for (const Image& image : images) {
    const auto values = image.as<float>();
    for (std::int64_t n = 0; n < sum.count(); ++n) sum[n] += static_cast<float>(times) * values[n];
  }
  Result result{Image(std::move(sum)), Json{{"images", images.size()}, {"mask", mask != nullptr}}, {}};
  if (mask) result.table = Table({"a"});
  return result;
}

struct ForgetsOne {
  double a = 1, b = 2;
  Image operator()(const Image& image, Run&) const { return image; }
  static void describe(Description<ForgetsOne>& d) {
    d.summary("Describes one of two.");
    d.input("image", "x");
    d.parameter("a", &ForgetsOne::a, "x");
    d.output("image", "x");
    d.example("x");
  }
};

struct ForgetsInput {
  Image operator()(const Image& image, const Image&, Run&) const { return image; }
  static void describe(Description<ForgetsInput>& d) {
    d.summary("Describes one of two.");
    d.input("image", "x");
    d.output("image", "x");
    d.example("x");
  }
};

Catalogue everything() {
  Catalogue catalogue;
  catalogue.add<Everything>("test.everything");
  return catalogue;
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Description, deduces_ports_from_the_signature) {
  const Catalogue catalogue = everything();
  const OperationInfo& info = catalogue.at("test.everything").info();
  ASSERT_EQ(info.inputs.size(), 2u);
  EXPECT_TRUE(info.inputs[0].variadic);
  EXPECT_EQ(info.inputs[0].type->id, "image");
  EXPECT_TRUE(info.inputs[1].optional);
  EXPECT_EQ(info.inputs[1].type->id, "labels");
  ASSERT_EQ(info.outputs.size(), 3u);
  EXPECT_EQ(info.outputs[1].type->id, "json");
  EXPECT_TRUE(info.outputs[2].optional);
}

TEST(Description, takes_defaults_from_a_default_constructed_value) {
  const Catalogue catalogue = everything();
  EXPECT_EQ(
      catalogue.at("test.everything").canonical({}).dump(),
      R"({"mode":"add","times":1,"invert":false,"limit":null,"weights":[1.0,2.0],"name":"none","offsets.bias":0.5,"offsets.shift":[1.0,2.0,3.0]})");
}

TEST(Catalogue, refuses_what_is_described_in_part_or_twice) {
  Catalogue catalogue = everything();
  EXPECT_EQ(message_of([&] { catalogue.add<Everything>("test.everything"); }), "test.everything: is listed twice");
  EXPECT_EQ(message_of([&] { catalogue.add<ForgetsOne>("test.one"); }), "test.one: has 2 members, 1 are described as parameters");
  EXPECT_EQ(message_of([&] { catalogue.add<ForgetsInput>("test.input"); }), "test.input: operator() takes 2 inputs, 1 are described");
}

TEST(Operation, refuses_bad_parameters_by_name) {
  const Catalogue catalogue = everything();
  const Operation& operation = catalogue.at("test.everything");
  const auto refusal = [&](const Json& parameters) { return message_of([&] { operation.canonical(parameters); }); };
  EXPECT_EQ(refusal({{"times", 10}}), "times: must lie between 1 and 9 (a whole number); got 10");
  EXPECT_EQ(refusal({{"times", 1.5}}), "times: must lie between 1 and 9 (a whole number); got 1.5");
  EXPECT_EQ(refusal({{"time", 1}}), "time: is not a parameter of test.everything; did you mean times?");
  EXPECT_EQ(refusal({{"mode", "subtract"}}), "mode: must be one of add, multiply; got subtract");
  EXPECT_EQ(refusal({{"limit", NAN}}), "limit: must be at least 0; got nan");
  EXPECT_EQ(refusal({{"weights", {1, 9}}}), "weights: must be a list of numbers that each lie between 0 and 5; got 9");
  EXPECT_EQ(refusal({{"offsets.shift", {1, 2}}}), "offsets.shift: must be 3 numbers; got [1,2]");
  EXPECT_EQ(refusal({{"invert", true}, {"mode", "multiply"}}), "invert: goes with mode add only");
  EXPECT_EQ(refusal(Json::array()), "parameters: must be an object; got []");
}

TEST(Operation, holds_direct_callers_to_the_same_rules) {
  gantry::Run run;
  const Image image = phantom("constant");
  EXPECT_EQ(message_of([&] { Everything{.times = 0}(std::span(&image, 1), nullptr, run); }),
            "times: must lie between 1 and 9 (a whole number); got 0");
}

TEST(Operation, runs_with_variadic_and_optional_inputs_and_several_outputs) {
  const Catalogue catalogue = everything();
  gantry::Run run;
  const Value image(phantom("constant"));
  const Arguments outputs = catalogue.at("test.everything").run({{"images", {image, image}}}, {{"times", 2}, {"offsets.bias", 1.0}}, run);
  EXPECT_EQ(outputs.at("sum").front().as<Image>().as<float>()[0], 401.0f);
  EXPECT_EQ(outputs.at("numbers").front().as<Json>().dump(), R"({"images":2,"mask":false})");
  EXPECT_FALSE(outputs.contains("table"));
  EXPECT_EQ(message_of([&] { catalogue.at("test.everything").run({}, {}, run); }),
            "test.everything: images: input of test.everything is missing");
  EXPECT_EQ(message_of([&] {
              catalogue.at("test.everything").run({{"images", {Value(Json(1))}}}, {}, run);
            }),
            "test.everything: images: must be of type image; got json");
}

TEST(Operation, refuses_work_over_the_memory_budget_before_it_starts) {
  const Catalogue catalogue = everything();
  RunOptions options;
  options.memory_bytes = 1000;
  gantry::Run run(options);
  EXPECT_EQ(message_of([&] {
              catalogue.at("test.everything").run({{"images", {Value(phantom("constant"))}}}, {}, run);
            }),
            "test.everything: memory: at most 0 MiB are allowed; about 1 MiB are needed");
}

TEST(Value, comes_back_from_its_bytes) {
  const Grid grid = Grid({3, 4, 5}, {0.1, 0.2, 0.3}, {1, 2, 3}).with_slice_positions({0, 1, 2, 3, 7});
  const Image image = Voxels<std::int16_t>(grid, std::int16_t{-5});
  const Image again = PortType<Image>::from_bytes(PortType<Image>::to_bytes(image));
  EXPECT_EQ(again.grid(), grid);
  EXPECT_EQ(again.type(), PixelType::i16);
  EXPECT_EQ(Value(image).digest(), Value(again).digest());
  const Labels labels(Voxels<std::uint8_t>(grid), {label_of(1, "brain", "by hand")});
  EXPECT_EQ(PortType<Labels>::from_bytes(PortType<Labels>::to_bytes(labels)).find("brain")->method, "by hand");
}

TEST(TableFiles, keep_words_numbers_and_quotation_marks_and_name_what_is_broken) {
  gantry::Run run;
  const TemporaryFolder folder;
  const auto read = [&](const char* name, const std::string& text) {
    write_atomic(folder.path() / name, text);
    return PortType<Table>::read(folder.path() / name, run);
  };
  const Table table = read("a.csv", "name,value\r\n\"a, \"\"b\"\"\",1.5\n,\n");
  ASSERT_EQ(table.rows().size(), 2U);
  EXPECT_EQ(std::get<std::string>(table.rows()[0][0]), "a, \"b\"");
  EXPECT_EQ(std::get<double>(table.rows()[0][1]), 1.5);
  EXPECT_EQ(read("a.tsv", "name\tvalue\n\"a\t2\n").rows().size(), 1U);
  const auto refusal = [&](const char* name, const std::string& text) {
    const Error error = error_of([&] { read(name, text); });
    EXPECT_EQ(error.code(), ErrorCode::unreadable) << text;
    return std::string(error.what());
  };
  EXPECT_NE(refusal("b.csv", "").find("needs a first line"), std::string::npos);
  EXPECT_NE(refusal("b.tsv", "\n\n").find("needs a first line"), std::string::npos);
  EXPECT_NE(refusal("b.csv", "a,b\n1,2\n1\n").find("line 3 has 1 cells; the first line has 2"), std::string::npos);
  EXPECT_NE(refusal("b.csv", "a,b\n1,\"2, which goes").find("ends within quotation marks"), std::string::npos);
  EXPECT_NE(refusal("b.tsv", "a\tb\n1\t2\t3\n").find("line 2 has 3 cells"), std::string::npos);
}

Json smooth_twice() {
  return parse_json(R"({"gantry_pipeline": 1, "inputs": {"a": {"type": "image"}},
    "steps": [{"id": "second", "operation": "test.everything", "inputs": {"images": ["first.sum", "a"]}},
              {"id": "first", "operation": "test.everything", "inputs": {"images": "a"}, "parameters": {"times": 3}}],
    "outputs": {"result": "second.sum"}})");
}

TEST(Pipeline, runs_steps_in_the_order_of_their_needs) {
  const Catalogue catalogue = everything();
  gantry::Run run;
  const auto results = Pipeline::parse(smooth_twice(), catalogue).run({{"a", Value(phantom("constant"))}}, nullptr, run);
  EXPECT_EQ(results.at("result").as<Image>().as<float>()[0], 300.5f + 100.0f + 0.5f);
}

TEST(Pipeline, takes_known_steps_from_the_cache) {
  const Catalogue catalogue = everything();
  const TemporaryFolder folder;
  const ResultCache cache(folder.path() / "cache");
  gantry::Run run;
  const Pipeline pipeline = Pipeline::parse(smooth_twice(), catalogue);
  const std::map<std::string, Value> inputs{{"a", Value(phantom("constant"))}};
  EXPECT_FALSE(pipeline.explain(inputs, &cache).at("steps")[0].at("cached").get<bool>());
  const std::string first = pipeline.run(inputs, &cache, run).at("result").digest();
  EXPECT_TRUE(pipeline.explain(inputs, &cache).at("steps")[0].at("cached").get<bool>());
  EXPECT_EQ(pipeline.run(inputs, &cache, run).at("result").digest(), first);
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (file.is_regular_file()) write_atomic(file.path(), "damaged");
  }
  EXPECT_EQ(pipeline.run(inputs, &cache, run).at("result").digest(), first);
}

TEST(Pipeline, forecasts_time_and_memory) {
  const Catalogue catalogue = everything();
  const Json plan = Pipeline::parse(smooth_twice(), catalogue).explain({{"a", Value(phantom("constant"))}}, nullptr);
  EXPECT_EQ(plan.at("seconds"), 1.0);
  EXPECT_EQ(plan.at("peak_bytes"), 4 * 64 * 64 * 64);
  EXPECT_EQ(plan.at("steps")[0].at("id"), "first");
}

TEST(Pipeline, names_what_is_wrong) {
  const Catalogue catalogue = everything();
  const auto refusal = [&](const std::function<void(Json&)>& change) {
    Json json = smooth_twice();
    change(json);
    return message_of([&] { Pipeline::parse(json, catalogue); });
  };
  EXPECT_EQ(refusal([](Json& j) { j["stepz"] = 1; }), "pipeline: file: unknown key \"stepz\"; did you mean \"steps\"?");
  EXPECT_EQ(refusal([](Json& j) { j["steps"][1]["inputs"]["images"] = "second.sum"; }),
            "pipeline: steps take from each other in a circle: second, first");
  EXPECT_EQ(refusal([](Json& j) { j["steps"][1]["operation"] = "test.everythin"; }),
            "pipeline: step first: test.everythin: is not an operation; did you mean test.everything?");
  EXPECT_EQ(refusal([](Json& j) { j["steps"][0]["inputs"]["images"] = "first.numbers"; }),
            "pipeline: step second: input images is of type image, \"first.numbers\" is of type json");
  EXPECT_EQ(refusal([](Json& j) { j["steps"][0]["version"] = 7; }),
            "pipeline: step second: written for version 7 of test.everything; this is version 1");
  EXPECT_EQ(refusal([](Json& j) { j["outputs"]["result"] = "third.sum"; }), "pipeline: \"third.sum\" is neither an input nor a step");
  EXPECT_EQ(refusal([](Json& j) { j["steps"][1]["parameters"]["times"] = 0; }),
            "pipeline: step first: times: must lie between 1 and 9 (a whole number); got 0");
  EXPECT_EQ(refusal([](Json& j) { j["steps"][1]["id"] = "a"; }), "pipeline: \"a\" is used twice");
  EXPECT_EQ(refusal([](Json& j) { j["gantry_pipeline"] = 2; }), "pipeline: \"gantry_pipeline\" must be 1");
}

TEST(Provenance, is_a_pipeline_that_replays) {
  const Catalogue catalogue = everything();
  gantry::Run run;
  const Operation& operation = catalogue.at("test.everything");
  const Arguments inputs{{"images", {Value(phantom("constant")), Value(phantom("sphere"))}}};
  const Json made_by = provenance(operation, {{"times", 4}}, inputs, {{"images", {"a.nii", "b.nii"}}});
  EXPECT_EQ(made_by.at("inputs").at("images_2").at("file"), "b.nii");
  Json replay = made_by;
  replay["outputs"] = {{"sum", "step.sum"}};
  const auto again =
      Pipeline::parse(replay, catalogue).run({{"images_1", inputs.at("images")[0]}, {"images_2", inputs.at("images")[1]}}, nullptr, run);
  EXPECT_EQ(again.at("sum").digest(), operation.run(inputs, {{"times", 4}}, run).at("sum").front().digest());
}

TEST(Sources, refuse_paths_where_they_are_not_allowed) {
  gantry::Run run;
  EXPECT_THROW(Sources(false).resolve(port_info<Image>(), "/etc/passwd", run), Error);
  EXPECT_NO_THROW(Sources(false).resolve(port_info<Image>(), "phantom:sphere", run));
  EXPECT_EQ(message_of([&] { Sources().resolve(port_info<Image>(), "phantom:cat", run); }).substr(0, 27), "phantom: must be one of con");
  EXPECT_EQ(message_of([&] { Sources().resolve(port_info<Image>(), "archive:1.2.3", run); }), "archive: no source of this kind is open");
}

}  // namespace
}  // namespace gantry::operation_test
