// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compression/recompression.h"

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/compression/transcoding.h"
#include "gantry/dicom/iod/write.h"

namespace gantry::compression::recompression_test {
namespace {

constexpr std::array<LosslessCoding, 3> codings{LosslessCoding::jpeg_ls, LosslessCoding::jpeg_2000, LosslessCoding::htj2k};

DicomFiles files_of(const Path& path) {
  gantry::Run run;
  return PortType<DicomFiles>::read(path, run);
}

/// The cells of all frames of an object, read as any reader would.
std::vector<Bytes> frames_of(const DicomFiles::File& file) {
  gantry::Run run;
  return open_object(file.bytes, "", run).frames;
}

/// Everything but what tells of the coding, as DICOM JSON.
Json header_of(const DicomFiles::File& file) {
  dicom::Origin origin;
  origin.memory = file.bytes;
  Json json = dicom::read_header(origin)->root.to_json();
  for (const char* tag : {"00280004", "00280006", "7FE00010", "7FE00001", "7FE00002"}) json.erase(tag);
  for (auto element = json.begin(); element != json.end();)
    element = element.key().ends_with("0000") ? json.erase(element) : std::next(element);
  return json;
}

std::string syntax_of(const DicomFiles::File& file) {
  dicom::Origin origin;
  origin.memory = file.bytes;
  return dicom::read_header(origin)->transfer_syntax;
}

Recompression::Result recompressed(const DicomFiles& objects, Recompression how = {}) {
  gantry::Run run;
  return how(objects, run);
}

void expect_the_same_but_coding(const DicomFiles& before, const Recompression::Result& result, const std::string& what) {
  ASSERT_EQ(before.files.size(), result.recompressed.files.size());
  for (std::size_t n = 0; n < before.files.size(); ++n) {
    const DicomFiles::File &a = before.files[n], &b = result.recompressed.files[n];
    EXPECT_EQ(a.name, b.name);
    EXPECT_TRUE(frames_of(a) == frames_of(b)) << what << " " << a.name;
    EXPECT_EQ(header_of(a), header_of(b)) << what << " " << a.name;
  }
}

}  // namespace

TEST(Recompression, keeps_every_bit_and_every_other_element) {
  const DicomFiles slice = phantom_dicom("slice");
  for (const LosslessCoding coding : codings) {
    const auto result = recompressed(slice, {.coding = coding});
    expect_the_same_but_coding(slice, result, std::string(choices_of(coding)[static_cast<std::size_t>(coding)].second));
    EXPECT_EQ(syntax_of(result.recompressed.files[0]), result.report["transfer_syntax"]);
    EXPECT_EQ(result.report["recompressed"], 1);
    EXPECT_EQ(result.report["pixel_bytes"], 64 * 64 * 2);
    EXPECT_GT(result.report["ratio"].get<double>(), 2);
    EXPECT_EQ(result.report["saved_bytes"].get<std::uint64_t>(), slice.files[0].bytes->size() - result.recompressed.files[0].bytes->size());
    // From one coding to the next and back again.
    for (const LosslessCoding next : codings) {
      const auto again = recompressed(result.recompressed, {.coding = next, .smaller_only = false});
      expect_the_same_but_coding(slice, again, "again");
      EXPECT_EQ(again.report["recompressed"], next == coding ? 0 : 1);
    }
  }
}

TEST(Recompression, has_the_same_bytes_for_any_number_of_threads) {
  gantry::Run one(gantry::RunOptions{.threads = 1}), two(gantry::RunOptions{.threads = 2});
  DicomFiles objects;
  for (int n = 0; n < 20; ++n) objects.files.push_back(phantom_dicom("slice").files[0]);
  const auto a = Recompression{}(objects, one), b = Recompression{}(objects, two);
  EXPECT_EQ(PortType<DicomFiles>::to_bytes(a.recompressed), PortType<DicomFiles>::to_bytes(b.recompressed));
  EXPECT_EQ(a.report, b.report);
}

TEST(Recompression, keeps_what_it_cannot_code_without_loss_and_says_why) {
  const DicomFiles slice = phantom_dicom("slice");
  DicomFiles objects = recompressed(slice).recompressed;  // already JPEG-LS
  const Bytes whole = *slice.files[0].bytes;
  const auto add = [&](Bytes bytes) {
    objects.files.push_back({fmt::format("{}", objects.files.size()), std::make_shared<const Bytes>(std::move(bytes))});
  };
  add({});
  add(Bytes(whole.begin(), whole.begin() + 400));
  add(Bytes(whole.begin(), whole.end() - 1000));
  add(Bytes(2000, std::byte{7}));
  const auto result = recompressed(objects);
  EXPECT_EQ(result.report["recompressed"], 0);
  EXPECT_TRUE(result.report["ratio"].is_null());
  ASSERT_EQ(result.report["kept"].size(), 5U);
  EXPECT_EQ(result.report["kept"][0]["reason"], "is coded so already");
  for (const Json& kept : result.report["kept"]) EXPECT_FALSE(kept["reason"].get<std::string>().empty());
  for (std::size_t n = 0; n < objects.files.size(); ++n) EXPECT_EQ(objects.files[n].bytes, result.recompressed.files[n].bytes);
  EXPECT_EQ(error_of([&] { recompressed({}); }).code(), ErrorCode::not_possible);
}

TEST(Recompression, does_not_fall_over_damaged_objects) {
  const Bytes whole = *recompressed(phantom_dicom("slice"), {.coding = LosslessCoding::htj2k}).recompressed.files[0].bytes;
  Random random(11);
  DicomFiles objects;
  for (int trial = 0; trial < 200; ++trial) {
    Bytes bytes = whole;
    // The header only: damaged codestreams are for the decoders' own tests.
    for (int n = 0; n < 3; ++n)
      bytes[132 + static_cast<std::size_t>(random.next_uniform() * 1000)] = static_cast<std::byte>(random.next_uniform() * 256);
    objects.files.push_back({fmt::format("{}", trial), std::make_shared<const Bytes>(std::move(bytes))});
  }
  const auto result = recompressed(objects);
  EXPECT_EQ(result.recompressed.files.size(), 200U);
}

TEST(Recompression, gives_real_objects_of_all_syntaxes_back) {
  const Path folder = test_data("dicom/nema-compression");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  const DicomFiles all = files_of(folder);
  DicomFiles exact;
  for (const DicomFiles::File& file : all.files) {
    for (const char* ending : {"_UNC", "_RLE", "_JPLL", "_JLSL", "_J2KR"}) {
      if (file.name.ends_with(ending) && (!file.name.starts_with("US1") || file.name == "US1_UNC")) exact.files.push_back(file);
    }
  }
  ASSERT_GE(exact.files.size(), 12U);
  for (const auto& [coding, name] : choices_of(LosslessCoding{})) {
    const auto result = recompressed(exact, {.coding = coding, .smaller_only = false});
    expect_the_same_but_coding(exact, result, std::string(name));
    EXPECT_GE(result.report["recompressed"].get<std::size_t>() + 5, exact.files.size()) << name;  // those that were so coded stay
  }
  // What was coded with loss stays as it is.
  for (const Json& kept : recompressed(all).report["kept"]) {
    const std::string name = kept["file"];
    EXPECT_TRUE(name.find("J2KI") != std::string::npos || name.find("JPLY") != std::string::npos || name.find("JLS") != std::string::npos ||
                kept["reason"].get<std::string>().find("smaller") != std::string::npos || name.starts_with("US1"))
        << kept;
  }
}

TEST(DicomFilesPort, stays_inside_its_folder) {
  gantry::Run run;
  const TemporaryFolder folder;
  DicomFiles objects = phantom_dicom("slice");
  objects.files.push_back(objects.files[0]);
  objects.files[1].name = "../escaped";
  EXPECT_EQ(error_of([&] { PortType<DicomFiles>::write(folder.path() / "out", objects, run); }).code(), ErrorCode::refused);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "escaped"));
  EXPECT_EQ(error_of([&] { PortType<DicomFiles>::write(folder.path() / "two.dcm", objects, run); }).code(), ErrorCode::not_possible);
  objects.files[1].name = "deeper/second";
  PortType<DicomFiles>::write(folder.path() / "out", objects, run);
  const DicomFiles back = files_of(folder.path() / "out");
  ASSERT_EQ(back.files.size(), 2U);
  EXPECT_EQ(back.files[0].name, "deeper/second");
  EXPECT_EQ(*back.files[0].bytes, *objects.files[1].bytes);
  EXPECT_EQ(error_of([&] { PortType<DicomFiles>::write(folder.path() / "out", objects, run); }).code(), ErrorCode::refused);
  const Bytes bundle = PortType<DicomFiles>::to_bytes(objects);
  EXPECT_EQ(PortType<DicomFiles>::from_bytes(bundle).files[1].name, "deeper/second");
  for (std::size_t length = 20; length < bundle.size(); length += 501)
    EXPECT_THROW(PortType<DicomFiles>::from_bytes(std::span(bundle).first(length)), Error) << length;
}

}  // namespace gantry::compression::recompression_test
