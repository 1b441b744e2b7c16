// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/formats.h"

#include "gantry/base/text.h"
#include "gantry/io/io_test_support.h"

namespace gantry::io::formats_test {

namespace {

void write_text(const Path& path, std::string_view text, std::initializer_list<int> octets = {}) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  for (const int octet : octets) bytes.push_back(static_cast<std::byte>(octet));
  write_atomic(path, bytes);
}

template <class T>
class FormatTypes : public ::testing::Test {};
using RealTypes = ::testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, float, double>;
TYPED_TEST_SUITE(FormatTypes, RealTypes);

TYPED_TEST(FormatTypes, come_back_from_every_ending) {
  const TemporaryFolder folder;
  gantry::Run run;
  for (const auto& image :
       {Image(varied<TypeParam>(oblique_grid({7, 5, 3}))), Image(varied<TypeParam>(oblique_grid({7, 5, 3}), 3)),
        Image(varied<TypeParam>(oblique_grid({7, 5, 3}), 1, 4)), Image(varied<TypeParam>(oblique_grid({7, 5, 3}), 2, 3))}) {
    for (const char* name : {"a.nrrd", "b.nhdr", "a.mha", "b.mhd", "a.npy", "a.npz"}) {
      SCOPED_TRACE(name);
      const Path path = folder.path() / name;
      write(path, image, run);
      EXPECT_TRUE(is_image_file(path));
      const Image found = read(path, run);
      expect_same_values(found, image);
      if (!std::string_view(name).starts_with("a.np")) expect_same_space(found.grid(), image.grid(), 1e-9);
    }
  }
  EXPECT_TRUE(run.warnings().empty());
}

TEST(Formats, complex_values_go_where_they_can) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Image image = varied<std::complex<float>>(Grid({4, 3, 2}));
  write(folder.path() / "a.npy", image, run);
  expect_same_values(read(folder.path() / "a.npy", run), image);
  for (const char* name : {"a.nrrd", "a.mha", "a.png", "a.jpg"})
    EXPECT_EQ(error_of([&] { write(folder.path() / name, image, run); }).code(), ErrorCode::not_possible) << name;
  EXPECT_EQ(error_of([&] { write(folder.path() / "a.xyz", image, run); }).code(), ErrorCode::usage);
}

TEST(Formats, the_same_image_gives_the_same_bytes) {
  const TemporaryFolder folder;
  gantry::Run one(RunOptions{.threads = 1}), two(RunOptions{.threads = 2});
  const Image image = varied<std::int16_t>(oblique_grid({90, 80, 60}));
  for (const char* name : {"a.nii.gz", "a.nrrd", "a.mha", "a.npy", "a.npz"}) {
    write(folder.path() / name, image, one);
    const Bytes first = read_bytes(folder.path() / name);
    write(folder.path() / name, image, two);
    EXPECT_TRUE(read_bytes(folder.path() / name) == first) << name;
  }
}

TEST(MetaImage, reads_axes_as_rows_of_the_matrix) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.mha";
  write_text(path,
             "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = True\nTransformMatrix = 0 1 0 0 0 1 1 0 0\n"
             "Offset = 10 20 30\nElementSpacing = 2 3 4\nDimSize = 2 1 1\nElementType = MET_SHORT\nElementDataFile = LOCAL\n",
             {0x01, 0x02, 0xff, 0xfe});
  const Image image = read(path, run);
  EXPECT_EQ(image.grid().world_from_voxel({1, 0, 0}), (Vec3{10, 22, 30}));
  EXPECT_EQ(image.grid().world_from_voxel({0, 0, 1}), (Vec3{14, 20, 30}));
  EXPECT_EQ(image.as<std::int16_t>()[0], 0x0102);
  EXPECT_EQ(image.as<std::int16_t>()[1], -2);
}

TEST(MetaImage, keeps_to_its_own_folder) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.mhd";
  for (const char* name : {"/etc/passwd", "../a.raw", "sub/a.raw", ".."}) {
    write_text(path, fmt::format("ObjectType = Image\nNDims = 2\nDimSize = 1 1\nElementType = MET_UCHAR\nElementDataFile = {}\n", name));
    EXPECT_EQ(error_of([&] { read(path, run); }).code(), ErrorCode::refused) << name;
  }
}

TEST(MetaImage, names_what_is_wrong) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.mha";
  const auto message_of = [&](std::string_view fields) {
    write_text(path, fmt::format("ObjectType = Image\nNDims = 3\n{}ElementDataFile = LOCAL\n", fields), {1, 2, 3});
    return error_of([&] { read(path, run); }).message();
  };
  EXPECT_NE(message_of("DimSize = 2 2\nElementType = MET_UCHAR\n").find("NDims"), std::string::npos);
  EXPECT_NE(message_of("DimSize = 2 2 0\nElementType = MET_UCHAR\n").find("DimSize"), std::string::npos);
  EXPECT_NE(message_of("DimSize = 2 2 2\nElementType = MET_STRING\n").find("ElementType"), std::string::npos);
  EXPECT_NE(message_of("DimSize = 2 2 2\nElementType = MET_UCHAR\n").find("truncated"), std::string::npos);
  EXPECT_NE(message_of("DimSize = 9999 9999 9999\nElementType = MET_DOUBLE\nCompressedData = True\n").find("truncated"), std::string::npos);
  EXPECT_NE(message_of("DimSize = 1 1 1\nElementType = MET_UCHAR\nElementSpacing = 1 0 1\n").find("axis 1"), std::string::npos);
}

TEST(Nrrd, turns_other_spaces_to_lps) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.nrrd";
  for (const auto& [space, origin] : {std::pair("right-anterior-superior", Vec3{-1, -2, 3}), std::pair("LAS", Vec3{1, -2, 3}),
                                      std::pair("left-posterior-superior", Vec3{1, 2, 3})}) {
    write_text(path,
               fmt::format("NRRD0004\ntype: uchar\ndimension: 3\nspace: {}\nsizes: 1 1 2\nspace directions: (1,0,0) (0,1,0) (0,0,2)\n"
                           "encoding: raw\nspace origin: (1,2,3)\n\n",
                           space),
               {5, 6});
    const Image image = read(path, run);
    EXPECT_EQ(image.grid().origin_mm(), origin) << space;
    EXPECT_EQ(image.as<std::uint8_t>()[1], 6);
  }
  EXPECT_TRUE(run.warnings().empty());
}

TEST(Nrrd, reads_text_and_trailing_components) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.nrrd";
  write_text(path,
             "NRRD0001\ntype: short\ndimension: 3\nsizes: 2 2 3\nkinds: domain domain vector\nspacings: 1 2 nan\nencoding: ascii\n\n"
             "1 2 3 4 10 20 30 40 100 200\n300 -400\n");
  const Image image = read(path, run);
  ASSERT_EQ(image.components(), 3);
  EXPECT_EQ(image.grid().spacing_mm().y, 2);
  const auto values = image.as<std::int16_t>();
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[1], 10);
  EXPECT_EQ(values[2], 100);
  EXPECT_EQ(values[11], -400);
  EXPECT_FALSE(run.warnings().empty());
}

TEST(Nrrd, names_what_is_wrong) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.nrrd";
  const auto error_with = [&](std::string_view fields) {
    write_text(path, fmt::format("NRRD0004\n{}\n", fields), {1, 2, 3});
    return error_of([&] { read(path, run); });
  };
  const std::string common = "type: uchar\ndimension: 3\n";
  EXPECT_NE(error_with(common + "sizes: 2 2\nencoding: raw\n").message().find("dimension"), std::string::npos);
  EXPECT_NE(error_with(common + "sizes: 2 -2 2\nencoding: raw\n").message().find("sizes"), std::string::npos);
  EXPECT_NE(error_with(common + "sizes: 2 2 2\nencoding: raw\n").message().find("truncated"), std::string::npos);
  EXPECT_NE(error_with(common + "sizes: 2 2 2\nencoding: bzip2\n").message().find("encoding"), std::string::npos);
  EXPECT_NE(error_with(common + "sizes: 60000 60000 200\nencoding: gzip\n").message().find("truncated"), std::string::npos);
  EXPECT_EQ(error_with(common + "sizes: 1 1 1\nencoding: raw\ndata file: ../../etc/passwd\n").code(), ErrorCode::refused);
  EXPECT_EQ(error_with(common + "sizes: 1 1 1\nspace: LPS\nspace directions: (1,0,0) (0,1,0) (0,nan,1)\nencoding: raw\n").code(),
            ErrorCode::unreadable);
}

TEST(Npy, reads_both_orders_of_bytes_and_axes) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.npy";
  const auto file = [&](std::string_view dictionary, std::initializer_list<int> octets) {
    std::string text("\x93NUMPY\x01\x00", 8);
    text += static_cast<char>(dictionary.size());
    text += '\0';
    write_text(path, text + std::string(dictionary), octets);
  };
  file("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }", {0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0xff, 0xff});
  const Image image = read(path, run);
  EXPECT_EQ(image.grid().size(), (Size3{3, 2, 1}));
  const auto values = image.as<std::int16_t>();
  for (std::int64_t n = 0; n < 5; ++n) EXPECT_EQ(values[n], n + 1);
  EXPECT_EQ(values[5], -1);
  file("{'descr': '<f2', 'fortran_order': False, 'shape': (4,), }", {0x00, 0x3c, 0x00, 0xc1, 0x01, 0x00, 0x00, 0x7c});
  const auto halves = read(path, run).as<float>();
  EXPECT_EQ(halves[0], 1.0f);
  EXPECT_EQ(halves[1], -2.5f);
  EXPECT_EQ(halves[2], 0x1p-24f);
  EXPECT_EQ(halves[3], std::numeric_limits<float>::infinity());
  file("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", {0, 0, 0, 0, 0, 0, 0, 0x10});
  EXPECT_EQ(error_of([&] { read(path, run); }).code(), ErrorCode::refused);
  file("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  EXPECT_EQ(read(path, run).as<std::int32_t>()[0], -2);
  file("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", {1});
  EXPECT_EQ(error_of([&] { read(path, run); }).code(), ErrorCode::refused);
  file("{'descr': '|u1', 'fortran_order': False, 'shape': (9999, 9999), }", {1});
  EXPECT_NE(error_of([&] { read(path, run); }).message().find("truncated"), std::string::npos);
}

TEST(Png, keeps_8_and_16_bits_of_every_colour_type) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.png";
  for (int components = 1; components <= 4; ++components) {
    for (const auto& image :
         {Image(varied<std::uint8_t>(Grid({13, 7, 1}), components)), Image(varied<std::uint16_t>(Grid({13, 7, 1}), components))}) {
      write(path, image, run);
      expect_same_values(read(path, run), image);
    }
  }
}

TEST(Png, refuses_what_it_cannot_hold_and_damage) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.png";
  EXPECT_EQ(error_of([&] { write(path, varied<std::uint8_t>(Grid({3, 3, 2})), run); }).code(), ErrorCode::not_possible);
  EXPECT_EQ(error_of([&] { write(path, varied<float>(Grid({3, 3, 1})), run); }).code(), ErrorCode::not_possible);
  write(path, varied<std::uint16_t>(Grid({50, 50, 1})), run);
  const Bytes whole = read_bytes(path);
  for (const std::size_t size : {std::size_t{8}, std::size_t{20}, std::size_t{40}, whole.size() / 2, whole.size() - 1}) {
    write_atomic(path, std::span(whole).first(size));
    EXPECT_EQ(error_of([&] { read(path, run); }).code(), ErrorCode::unreadable) << size;
  }
  Bytes huge = whole;  // 65535 x 65535 announced; libpng checks the header's checksum first
  huge[18] = huge[19] = huge[22] = huge[23] = std::byte{0xff};
  write_atomic(path, huge);
  EXPECT_EQ(error_of([&] { read(path, run); }).code(), ErrorCode::unreadable);
}

TEST(Jpeg, stays_near_and_refuses_damage) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.jpg";
  Voxels<std::uint8_t> voxels(Grid({64, 48, 1}), 0, 3);
  for (std::int64_t n = 0; n < voxels.count(); ++n) voxels[n] = static_cast<std::uint8_t>(n / 3 % 64 * 3 + n % 3 * 20);
  const Image image = std::move(voxels);
  write(path, image, run);
  const Image found = read(path, run);
  ASSERT_EQ(found.components(), 3);
  const auto a = image.as<std::uint8_t>(), b = found.as<std::uint8_t>();
  for (std::int64_t n = 0; n < a.count(); ++n) ASSERT_NEAR(a[n], b[n], 12);
  const Bytes whole = read_bytes(path);
  for (const std::size_t size : {std::size_t{3}, std::size_t{30}, whole.size() / 2}) {
    write_atomic(path, std::span(whole).first(size));
    EXPECT_EQ(error_of([&] { read(path, run); }).code(), ErrorCode::unreadable) << size;
  }
}

TEST(Formats, agree_with_other_programs_files) {
  if (test_data().empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const Image lung = read(test_data() / "registration/lung-ct/3DCT_lung_baseline.mha", run);
  EXPECT_EQ(lung.type(), PixelType::i16);
  EXPECT_EQ(lung.grid().size(), (Size3{115, 157, 129}));
  EXPECT_EQ(lung.grid().origin_mm(), (Vec3{-153.827, -150.352, -1434.5}));
  EXPECT_EQ(weighted_sum(lung), -418528155163.0);
  const Image brain = read(test_data() / "radiomics/pyradiomics/data/brain1_image.nrrd", run);
  EXPECT_EQ(brain.grid().orientation(), "LAS");
  EXPECT_EQ(weighted_sum(brain), 314766362061.0);
  const Image bars = read(test_data() / "raw/ct/reference/proj.npy", run);
  EXPECT_EQ(bars.grid().size(), (Size3{48, 8, 16}));
}

TEST(Formats, every_image_of_the_test_data_is_read_or_named) {
  if (test_data().empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  int read_count = 0, refused = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test_data())) {
    const std::string name = lower(entry.path().filename().string());
    const bool volume = name.ends_with(".nii") || name.ends_with(".nii.gz") || name.ends_with(".nrrd") || name.ends_with(".mha") ||
                        name.ends_with(".npy") || name.ends_with(".jpg") || name.ends_with(".jpeg");
    if (!entry.is_regular_file() || !volume || entry.file_size() > 1000000) continue;
    gantry::Run run;
    try {
      EXPECT_GT(read(entry.path(), run).count(), 0) << name;
      ++read_count;
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::internal) << name << ' ' << error.what();
      ++refused;
      std::printf("refused: %s\n", error.what());
    }
  }
  EXPECT_GT(read_count, 600);
  EXPECT_LT(refused, 15);
}

}  // namespace

}  // namespace gantry::io::formats_test
