// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/models.h"

#include <gtest/gtest.h>

#include "gantry/archive/archive_test_support.h"
#include "gantry/base/hash.h"
#include "gantry/bundle/bundle.h"

namespace gantry::archive::models_test {
namespace {

namespace fs = std::filesystem;

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}

class ModelsTest : public testing::Test {
 protected:
  ModelsTest() {
    fs::create_directories(folder_.path() / "models/notes");
    write_atomic(folder_.path() / "models/notes/card.md", std::string_view("no model"));
    fs::create_directories(folder_.path() / "models/spots");
    write_atomic(folder_.path() / "models/spots/card.md", std::string_view("# spots\n"));
    write_atomic(folder_.path() / "models/spots/weights.safetensors", std::string_view("weights"));
    const Json manifest{
        {"name", "films"},
        {"version", "2"},
        {"task", "classification"},
        {"classes", {{{"name", "normal"}}, {{"name", "other"}}}},
        {"description",
         {{"title", "Films"}, {"intended_use", "teaching"}, {"limits", {"few cases", 3}}, {"scope", {{"modalities", {"DX"}}}}}},
        {"figures", {{"test", {{"cases", 4}, {"auc", 0.75}, {"confusion", {{"normal", 1}}}, {"dice_of_cases", {1, 2}}}}}}};
    bundle::write_bundle(folder_.path() / "models/films", manifest,
                         {{"card.md", bytes_of("# films\n")}, {"weights.safetensors", bytes_of("w")}});
  }

  TemporaryFolder folder_;
  Models models_{folder_.path() / "models", {}};
};

TEST_F(ModelsTest, lists_bundles_and_the_weights_of_methods_by_name) {
  const Json list = models_.list();
  ASSERT_EQ(list.size(), 2u) << list;
  const Json &films = list[0], &spots = list[1];
  EXPECT_EQ(films["name"], "films");
  EXPECT_EQ(films["form"], "bundle");
  EXPECT_EQ(films["state"], "whole");
  EXPECT_EQ(films["error"], nullptr);
  EXPECT_EQ(films["sha256"], sha256_hex(read_text(folder_.path() / "models/films/manifest.json")));
  EXPECT_EQ(films["id"], "films@2 sha256:" + films["sha256"].get<std::string>());
  EXPECT_EQ(films["intended_use"], "teaching");
  EXPECT_EQ(films["not_for"], "");
  EXPECT_EQ(films["limits"], Json({"few cases"}));
  EXPECT_EQ(films["classes"], Json({"normal", "other"}));
  EXPECT_EQ(films["figures"], Json::parse(R"({"test": {"cases": 4, "auc": 0.75}})"));
  EXPECT_EQ(films["bytes"], 9);
  EXPECT_FALSE(films.contains("card"));
  EXPECT_EQ(spots["form"], "part");
  EXPECT_EQ(spots["sha256"], sha256_hex("weights"));
}

TEST_F(ModelsTest, gives_the_card_and_names_no_file_outside) {
  EXPECT_EQ(models_.find("films")["card"], "# films\n");
  EXPECT_EQ(models_.find("spots")["card"], "# spots\n");
  EXPECT_EQ(models_.find("films")["files"]["weights.safetensors"]["bytes"], 1);
  for (const char* name : {"notes", "nothing", "", ".", "..", "../models/films", "films/card.md"})
    EXPECT_EQ(error_of([&] { models_.find(name); }).code(), ErrorCode::not_found) << name;
  EXPECT_TRUE(Models({}, {}).list().empty());
  EXPECT_TRUE(Models(folder_.path() / "missing", {}).list().empty());
}

TEST_F(ModelsTest, says_when_a_file_was_changed_and_when_it_is_right_again) {
  EXPECT_EQ(models_.list()[0]["state"], "whole");
  const Path card = folder_.path() / "models/films/card.md";
  write_atomic(card, std::string_view("# better\n"));
  const Json damaged = models_.list()[0];
  EXPECT_EQ(damaged["state"], "damaged");
  EXPECT_NE(damaged["error"].get<std::string>().find("card.md"), std::string::npos) << damaged;
  EXPECT_EQ(models_.find("films")["card"], "");
  write_atomic(card, std::string_view("# films\n"));
  EXPECT_EQ(models_.list()[0]["state"], "whole");
  write_atomic(folder_.path() / "models/films/manifest.json", std::string_view("{"));
  EXPECT_EQ(models_.list()[0]["state"], "damaged");
}

TEST_F(ModelsTest, names_the_profiles_that_use_a_model) {
  const Models models(folder_.path() / "models", find_resource("profiles"));
  for (const Json& model : models.list()) EXPECT_TRUE(model["profiles"].empty());
  const Models shipped(find_resource("models"), find_resource("profiles"));
  EXPECT_EQ(shipped.find("cxr_pneumonia")["profiles"], Json({"chest_film"}));
  for (const Json& model : shipped.list()) EXPECT_EQ(model["state"], "whole") << model;
}

}  // namespace
}  // namespace gantry::archive::models_test
