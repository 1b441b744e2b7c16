// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/bundle.h"

#include "gantry/base/test_support.h"

namespace gantry::bundle::bundle_test {

namespace {

Bytes bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

const Json plain{{"name", "small"}, {"version", "1"}, {"task", "classification"}};

class BundleTest : public testing::Test {
 protected:
  void SetUp() override { write_bundle(folder_, plain, {{"weights.safetensors", bytes_of("weights")}, {"card.md", bytes_of("card")}}); }
  std::string refused() const {
    return error_of([&] { open_bundle(folder_); }).message();
  }
  std::string refused_with(const std::string& pointer, const Json& value) const {
    Json manifest = parse_json(read_text(folder_ / "manifest.json"));
    manifest[Json::json_pointer(pointer)] = value;
    write_atomic(folder_ / "manifest.json", to_text(manifest));
    const std::string message = refused();
    std::filesystem::remove_all(folder_);
    write_bundle(folder_, plain, {{"weights.safetensors", bytes_of("weights")}, {"card.md", bytes_of("card")}});
    return message;
  }
  const TemporaryFolder root_;
  const Path folder_ = root_.path() / "small";
};

}  // namespace

TEST_F(BundleTest, opens_what_was_written) {
  const Bundle bundle = open_bundle(folder_);
  EXPECT_EQ(bundle.id(), "small@1 sha256:" + bundle.sha256);
  EXPECT_EQ(bundle.manifest["files"]["card.md"]["bytes"], 4);
  EXPECT_EQ(read_text(bundle.file("card.md")), "card");
}

TEST_F(BundleTest, names_a_file_that_was_changed_shortened_or_removed) {
  write_atomic(folder_ / "weights.safetensors", std::string_view("weighty"));
  EXPECT_NE(refused().find("weights.safetensors: must have the SHA-256"), std::string::npos);
  write_atomic(folder_ / "weights.safetensors", std::string_view("w"));
  EXPECT_EQ(refused(), "weights.safetensors: must have 7 bytes as the manifest says; has 1");
  std::filesystem::remove(folder_ / "weights.safetensors");
  EXPECT_EQ(refused(), "weights.safetensors: must be there as a file: the manifest lists it");
}

TEST_F(BundleTest, refuses_hostile_manifests) {
  EXPECT_NE(refused_with("/files/..~1..~1passwd", Json{{"bytes", 1}, {"sha256", ""}}).find("plain names"), std::string::npos);
  EXPECT_NE(refused_with("/files/card.md/bytes", -4).find("wrong kind"), std::string::npos);
  EXPECT_NE(refused_with("/files", Json::array()).find("wrong kind"), std::string::npos);
  EXPECT_NE(refused_with("/name", "../x").find("plain letters"), std::string::npos);
  EXPECT_NE(refused_with("/name", 3).find("wrong kind"), std::string::npos);
  EXPECT_EQ(refused_with("/gantry_bundle", 2), "manifest: gantry_bundle: must lie between 1 and 1; got 2");
  Json many = Json::object();
  for (int n = 0; n < 100; ++n) many["f" + std::to_string(n)] = Json{{"bytes", 1}, {"sha256", ""}};
  EXPECT_EQ(refused_with("/files", many), "manifest: files: at most 64; got 100");
}

TEST_F(BundleTest, refuses_links_out_of_its_folder) {
  std::filesystem::remove(folder_ / "card.md");
  std::filesystem::create_symlink("/etc/hostname", folder_ / "card.md");
  EXPECT_EQ(refused(), "card.md: must be there as a file: the manifest lists it");
}

TEST_F(BundleTest, refuses_what_is_no_manifest) {
  write_atomic(folder_ / "manifest.json", std::string_view("[]"));
  EXPECT_EQ(refused(), "manifest: must be an object");
  write_atomic(folder_ / "manifest.json", std::string(2000, '['));
  EXPECT_EQ(error_of([&] { open_bundle(folder_); }).code(), ErrorCode::unreadable);
  EXPECT_EQ(error_of([&] { open_bundle(root_.path()); }).code(), ErrorCode::not_found);
}

TEST_F(BundleTest, is_not_written_over_other_files) {
  write_atomic(folder_ / "thesis.txt", std::string_view("years of work"));
  const Error error = error_of([&] { write_bundle(folder_, plain, {}); });
  EXPECT_EQ(error.code(), ErrorCode::usage);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "thesis.txt"));
}

}  // namespace gantry::bundle::bundle_test
