// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Import of a network and its prediction, as a user runs them.
#include <gtest/gtest.h>

#include "gantry/base/test_support.h"
#include "gantry/base/test_tools.h"
#include "gantry/bundle/network_test_support.h"
#include "gantry/io/io.h"

namespace gantry::predict_test {
namespace {

CommandResult program(const std::string& arguments) { return run_command(std::string(GANTRY_PROGRAM) + " " + arguments); }

/// A folder with a network in TensorFlow.js form and two images of the same name in folders of their own.
struct Desk {
  TemporaryFolder folder;
  std::string path(const std::string& name) const { return "'" + (folder.path() / name).string() + "'"; }

  Desk() {
    std::filesystem::create_directories(folder.path() / "a network");
    write_network(bundle::made_tfjs());
    gantry::Run run;
    for (const char* name : {"first", "second"}) {
      std::filesystem::create_directories(folder.path() / name);
      Voxels<float> image(Grid({12, 10, 9}));
      for (std::int64_t n = 0; n < image.count(); ++n) image[n] = static_cast<float>(n % 97);
      io::write(folder.path() / name / "image.nii.gz", Image(std::move(image)), run);
    }
  }
  void write_network(const Json& json) const {
    write_atomic(folder.path() / "a network" / "model.json", to_text(json));
    write_atomic(folder.path() / "a network" / "weights.bin", bundle::raw_floats(bundle::tfjs_weights()));
  }
};

TEST(Predict, an_imported_network_segments_on_the_grid_of_each_image) {
  const Desk desk;
  const CommandResult imported = program("bundle import " + desk.path("a network") + " -o " + desk.path("bundle") + " --json");
  ASSERT_EQ(imported.status, 0) << imported.output;
  EXPECT_EQ(parse_json(imported.output)["parameters"], 56);
  EXPECT_EQ(program("bundle verify " + desk.path("bundle")).status, 0);
  const CommandResult one =
      program("predict " + desk.path("bundle") + " " + desk.path("first/image.nii.gz") + " -o " + desk.path("one") + " --json");
  ASSERT_EQ(one.status, 0) << one.output;
  gantry::Run run;
  const Image labels = io::read(desk.folder.path() / "one" / "segmentation.nii.gz", run);
  EXPECT_EQ(labels.grid().size(), (Size3{12, 10, 9}));
  const Json prediction = parse_json(read_text(desk.folder.path() / "one" / "prediction.json"));
  EXPECT_EQ(prediction["task"], "segmentation");
  EXPECT_GT(prediction["classes"][0]["volume_ml"].get<double>(), 0);
  const std::string both = desk.path("first/image.nii.gz") + " " + desk.path("second/image.nii.gz");
  const CommandResult two = program("predict " + desk.path("bundle") + " " + both + " -o " + desk.path("two"));
  ASSERT_EQ(two.status, 0) << two.output;
  for (const char* name : {"first_image", "second_image"})
    EXPECT_EQ(read_bytes(desk.folder.path() / "two" / name / "segmentation.nii.gz"),
              read_bytes(desk.folder.path() / "one" / "segmentation.nii.gz"));
}

TEST(Predict, the_threads_do_not_change_a_byte) {
  const Desk desk;
  ASSERT_EQ(program("bundle import " + desk.path("a network") + " -o " + desk.path("bundle")).status, 0);
  for (const char* threads : {"1", "3"}) {
    const CommandResult done = program("predict " + desk.path("bundle") + " " + desk.path("first/image.nii.gz") + " -o " +
                                       desk.path(threads) + " --threads " + threads);
    ASSERT_EQ(done.status, 0) << done.output;
  }
  for (const char* file : {"prediction.json", "segmentation.nii.gz"})
    EXPECT_EQ(read_bytes(desk.folder.path() / "1" / file), read_bytes(desk.folder.path() / "3" / file));
}

TEST(Predict, a_folder_with_other_files_is_not_replaced) {
  const Desk desk;
  ASSERT_EQ(program("bundle import " + desk.path("a network") + " -o " + desk.path("bundle")).status, 0);
  const CommandResult refused =
      program("predict " + desk.path("bundle") + " " + desk.path("first/image.nii.gz") + " -o " + desk.path("second"));
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.output.find("must be empty or hold predictions alone"), std::string::npos) << refused.output;
  EXPECT_TRUE(std::filesystem::exists(desk.folder.path() / "second" / "image.nii.gz"));
}

TEST(Predict, a_hostile_network_is_refused_and_leaves_nothing) {
  const Desk desk;
  Json json = bundle::made_tfjs();
  json["weightsManifest"][0]["paths"][0] = "../first/image.nii.gz";
  desk.write_network(json);
  const std::string command = "bundle import " + desk.path("a network") + " -o " + desk.path("bundle");
  CommandResult refused = program(command);
  EXPECT_EQ(refused.status, 3);
  EXPECT_NE(refused.output.find("plain file names"), std::string::npos) << refused.output;
  json = bundle::made_tfjs();
  json["modelTopology"]["model_config"]["config"]["layers"][1]["class_name"] = "Lambda";
  desk.write_network(json);
  refused = program(command);
  EXPECT_EQ(refused.status, 3);
  EXPECT_NE(refused.output.find("got Lambda"), std::string::npos) << refused.output;
  EXPECT_FALSE(std::filesystem::exists(desk.folder.path() / "bundle"));
}

}  // namespace
}  // namespace gantry::predict_test
