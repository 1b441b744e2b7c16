// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "gantry/base/error.h"
#include "gantry/dicom/study.h"
#include "gantry/dicom/test_objects.h"

namespace gantry::dicom::read_test {

namespace {

using test::part10;
using test::Slice;
using test::Writer;

std::string slice_file(int n) {
  Slice s;
  s.uid = fmt::format("1.2.3.{}", n + 1);
  s.position = fmt::format("0\\0\\{}", 2 * n);
  s.pixels[0] = static_cast<std::uint16_t>(100 + n);
  return part10(test::slice_set(s));
}

/// A zip archive of deflated (or stored) members.
std::string zip_of(const std::vector<std::pair<std::string, std::string>>& members, bool compress, std::uint32_t stated_size = 0) {
  Writer local, directory;
  for (const auto& [name, content] : members) {
    std::string packed = content;
    if (compress) {
      packed.resize(content.size() * 2 + 64);
      z_stream stream{};
      deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
      stream.avail_in = static_cast<uInt>(content.size());
      stream.next_out = reinterpret_cast<Bytef*>(packed.data());
      stream.avail_out = static_cast<uInt>(packed.size());
      deflate(&stream, Z_FINISH);
      packed.resize(stream.total_out);
      deflateEnd(&stream);
    }
    const auto crc =
        static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
    const auto offset = static_cast<std::uint32_t>(local.bytes().size());
    const std::uint32_t size = stated_size ? stated_size : static_cast<std::uint32_t>(content.size());
    const auto common = [&](Writer& w) {
      w.word16(compress ? 8 : 0).word32(0).word32(crc).word32(static_cast<std::uint32_t>(packed.size())).word32(size);
      w.word16(static_cast<std::uint32_t>(name.size())).word16(0);
    };
    local.word32(0x04034b50U).word16(20).word16(0);
    common(local);
    local.raw(name).raw(packed);
    directory.word32(0x02014b50U).word16(20).word16(20).word16(0);
    common(directory);
    directory.word16(0).word16(0).word16(0).word32(0).word32(offset).raw(name);
  }
  const auto start = static_cast<std::uint32_t>(local.bytes().size());
  const auto count = static_cast<std::uint32_t>(members.size());
  Writer end;
  end.word32(0x06054b50U)
      .word16(0)
      .word16(0)
      .word16(count)
      .word16(count)
      .word32(static_cast<std::uint32_t>(directory.bytes().size()))
      .word32(start)
      .word16(0);
  return local.bytes() + directory.bytes() + end.bytes();
}

Input read(const Path& path) {
  gantry::Run run;
  const std::vector<Path> paths{path};
  return read_dicom(paths, run);
}

TEST(ReadDicom, opens_zip_archives_deflated_and_stored) {
  for (const bool compress : {true, false}) {
    const TemporaryFolder folder;
    test::save(folder.path() / "study.zip",
               zip_of({{"a/2.dcm", slice_file(1)}, {"a/1.dcm", slice_file(0)}, {"readme.txt", "hello"}}, compress));
    const Input input = read(folder.path() / "study.zip");
    ASSERT_EQ(input.files.size(), 4U);
    EXPECT_EQ(input.files[0].kind, "zip archive");
    EXPECT_TRUE(input.files[0].readable);
    EXPECT_EQ(input.files[1].path, folder.path() / "study.zip/a/1.dcm");
    EXPECT_TRUE(input.files[1].readable);
    EXPECT_FALSE(input.files[3].readable);
    const Series& series = input.studies.at(0).series.at(0);
    EXPECT_EQ(series.grid.size(2), 2);
    gantry::Run run;
    EXPECT_EQ(load(series, run).as<std::int16_t>()(0, 0, 1), 101);
  }
}

TEST(ReadDicom, refuses_damaged_and_lying_archives) {
  const TemporaryFolder folder;
  const std::string good = zip_of({{"1.dcm", slice_file(0)}}, true);
  test::save(folder.path() / "cut.zip", good.substr(0, good.size() / 2));
  test::save(folder.path() / "small.zip", zip_of({{"1.dcm", slice_file(0)}}, true, 100));
  test::save(folder.path() / "huge.zip", zip_of({{"1.dcm", slice_file(0)}}, true, 0xFFFFFFF0U));
  const Input input = read(folder.path());
  std::map<std::string, std::string> reasons;
  for (const FileEntry& file : input.files) {
    reasons[file.path.lexically_relative(folder.path()).generic_string()] = file.reason;
    EXPECT_EQ(file.readable, file.kind == "zip archive" && file.path.filename() != "cut.zip") << file.path;
  }
  EXPECT_NE(reasons["cut.zip"].find("has no directory"), std::string::npos);
  EXPECT_NE(reasons["small.zip/1.dcm"].find("expands to more"), std::string::npos);
  EXPECT_NE(reasons["huge.zip/1.dcm"].find("may hold at most"), std::string::npos);
}

TEST(ReadDicom, follows_a_dicomdir_within_its_folder_and_names_missing_files) {
  const TemporaryFolder folder;
  test::save(folder.path() / "IMAGES/ONE", slice_file(0));
  test::save(folder.path() / "images2/two", slice_file(1));
  test::save(folder.path() / "OTHER", slice_file(5));
  std::vector<Writer> records;
  for (const char* name : {"IMAGES\\ONE", "IMAGES2\\TWO", "IMAGES\\GONE", "..\\..\\ETC\\PASSWD"}) {
    records.push_back(Writer().text(0x00041430U, "CS", "IMAGE").text(0x00041500U, "CS", name));
  }
  Writer directory;
  directory.text(0x00041130U, "CS", "SET").sequence(0x00041220U, records);
  test::save(folder.path() / "DICOMDIR", part10(directory));
  const Input input = read(folder.path() / "DICOMDIR");
  ASSERT_EQ(input.files.size(), 3U);
  EXPECT_EQ(input.files[0].kind, "DICOMDIR");
  EXPECT_EQ(input.files[0].reason, "refers to 3 files, 1 of them are missing");
  EXPECT_EQ(input.studies.at(0).series.at(0).grid.size(2), 2);
}

TEST(ReadDicom, never_throws_for_what_is_no_file) {
  const Input input = read("/no/such/file.dcm");
  ASSERT_EQ(input.files.size(), 1U);
  EXPECT_EQ(input.files[0].reason, "does not exist");
  EXPECT_TRUE(read("/dev/null").studies.empty());
}

/// An enhanced object of `count` frames in shuffled order: frame n shows slice order[n] % 3 at time order[n] / 3.
TEST(ReadDicom, sorts_the_frames_of_an_enhanced_image_by_place_and_time) {
  const int order[] = {4, 0, 5, 2, 1, 3};
  std::vector<Writer> frames;
  std::vector<std::uint16_t> pixels;
  for (const int n : order) {
    Writer frame;
    frame.sequence(0x00209111U, {Writer().text(0x00209056U, "SH", "1").ul(0x00209128U, static_cast<std::uint32_t>(n / 3 + 1))});
    frame.sequence(0x00209113U, {Writer().text(0x00200032U, "DS", fmt::format("1\\2\\{}", 3 * (n % 3)))});
    frame.sequence(0x00289145U, {Writer().text(0x00281052U, "DS", "10").text(0x00281053U, "DS", fmt::format("{}", n + 1))});
    frames.push_back(frame);
    pixels.push_back(static_cast<std::uint16_t>(n));
  }
  Writer shared;
  shared.sequence(0x00209116U, {Writer().text(0x00200037U, "DS", "1\\0\\0\\0\\1\\0")});
  shared.sequence(0x00289110U, {Writer().text(0x00180050U, "DS", "3").text(0x00280030U, "DS", "1\\1")});
  Writer w;
  w.text(0x00080016U, "UI", "1.2.840.10008.5.1.4.1.1.4.1").text(0x00080018U, "UI", "1.2.9").text(0x00080060U, "CS", "MR");
  w.text(0x0020000DU, "UI", "1.2").text(0x0020000EU, "UI", "1.2.3").us(0x00280002U, 1).text(0x00280004U, "CS", "MONOCHROME2");
  w.text(0x00280008U, "IS", "6")
      .us(0x00280010U, 1)
      .us(0x00280011U, 1)
      .us(0x00280100U, 16)
      .us(0x00280101U, 16)
      .us(0x00280102U, 15)
      .us(0x00280103U, 0);
  w.sequence(0x52009229U, {shared}).sequence(0x52009230U, frames, true).words(0x7FE00010U, "OW", pixels);
  const TemporaryFolder folder;
  test::save(folder.path() / "enhanced", part10(w));
  const Input input = read(folder.path());
  const Series& series = input.studies.at(0).series.at(0);
  EXPECT_TRUE(series.is_volume);
  EXPECT_EQ(series.frames, 2);
  EXPECT_EQ(series.grid.size(), (Size3{1, 1, 3}));
  EXPECT_EQ(series.header.number("SliceThickness"), 3);
  gantry::Run run;
  const Image image = load(series, run);
  for (int n = 0; n < 6; ++n) EXPECT_EQ(image.as<float>()[n], static_cast<float>(n * (n + 1) + 10));
}

}  // namespace

}  // namespace gantry::dicom::read_test
