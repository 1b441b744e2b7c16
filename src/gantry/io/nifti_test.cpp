// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/deflate.h"
#include "gantry/io/formats.h"
#include "gantry/io/io_test_support.h"
#include "gantry/io/nifti_header.h"
#include "gantry/io/write_slabs.h"

namespace gantry::io::nifti_test {

namespace {

template <class T>
class NiftiTypes : public ::testing::Test {};
using AllTypes = ::testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, float, double,
                                  std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(NiftiTypes, AllTypes);

TYPED_TEST(NiftiTypes, come_back_from_every_ending) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Image image = varied<TypeParam>(oblique_grid({7, 5, 3}));
  for (const char* name : {"a.nii", "a.nii.gz", "b.hdr", "c.img"}) {
    const Path path = folder.path() / name;
    write(path, image, run);
    EXPECT_TRUE(is_image_file(path)) << name;
    const Image found = read(path, run);
    expect_same_values(found, image);
    expect_same_space(found.grid(), image.grid());
  }
  EXPECT_TRUE(run.warnings().empty());
}

TEST(Nifti, keeps_frames_and_components) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.nii.gz";
  for (const auto& image :
       {Image(varied<std::int16_t>(oblique_grid({4, 3, 2}), 1, 5)), Image(varied<float>(oblique_grid({4, 3, 2}), 3, 2)),
        Image(varied<std::uint8_t>(oblique_grid({4, 3, 2}), 3)), Image(varied<std::uint8_t>(oblique_grid({4, 3, 2}), 4))}) {
    write(path, image, run);
    expect_same_values(read(path, run), image);
  }
}

TEST(Nifti, written_in_slabs_is_the_same_file) {
  gantry::Run run;
  const TemporaryFolder folder;
  // Slices of .3 MB: several slabs, the last with fewer slices.
  auto voxels = Voxels<float>::uninitialized(Grid({300, 260, 9}, {0.5, 0.5, 2}), 1, 2);
  for (std::int64_t n = 0; n < voxels.count(); ++n) voxels[n] = static_cast<float>(n);
  const Image image(std::move(voxels));
  SlabSource source{image.grid(), image.type(), 1, image.frames(), {}};
  source.read = [&](std::int64_t first, std::int64_t count, std::span<std::byte> out) {
    const auto slab = image.bytes().subspan(static_cast<std::size_t>(first) * source.slice_bytes(),
                                            static_cast<std::size_t>(count) * source.slice_bytes());
    std::ranges::copy(slab, out.begin());
    return true;
  };
  write(folder.path() / "whole.nii", image, run);
  ASSERT_TRUE(write_slabs(folder.path() / "slabs.nii", source, run));
  EXPECT_EQ(read_bytes(folder.path() / "whole.nii"), read_bytes(folder.path() / "slabs.nii"));
  EXPECT_FALSE(write_slabs(folder.path() / "slabs.nii.gz", source, run));
}

TEST(Nifti, in_slabs_leaves_the_former_file_when_the_source_gives_up_or_fails) {
  gantry::Run run;
  const TemporaryFolder folder;
  const Path path = folder.path() / "a.nii";
  write_atomic(path, std::string_view("former"));
  SlabSource source{Grid({4, 4, 3}, {1, 1, 1}), PixelType::u8, 1, 1, {}};
  source.read = [](std::int64_t, std::int64_t, std::span<std::byte>) { return false; };
  EXPECT_FALSE(write_slabs(path, source, run));
  source.read = [](std::int64_t, std::int64_t, std::span<std::byte>) -> bool { throw Error(ErrorCode::unreadable, "slice: is missing"); };
  EXPECT_THROW(write_slabs(path, source, run), Error);
  EXPECT_EQ(read_text(path), "former");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Nifti, takes_version_2_for_long_axes) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "long.nii";
  const Image image = varied<std::uint8_t>(Grid({40000, 1, 1}));
  write(path, image, run);
  EXPECT_EQ(nifti::version_of(read_bytes(path)), 2);
  expect_same_values(read(path, run), image);
}

/// A header of 2 x 3 x 4 voxels of 1 x 2 x 3 units.
nifti::Header small_header() {
  nifti::Header header;
  header.dim = {3, 2, 3, 4, 1, 1, 1, 1};
  header.pixdim = {1, 1, 2, 3, 1, 1, 1, 1};
  header.datatype = 4;
  header.vox_offset = 352;
  return header;
}

TEST(NiftiGeometry, turns_an_sform_from_ras_to_lps) {
  auto header = small_header();
  header.sform_code = 1;
  header.srow = {{{-2, 0, 0, 90}, {0, 3, 0, -126}, {0, 0, 4, -72}}};
  std::string warning;
  const Grid grid = nifti::grid_of(header, warning);
  EXPECT_EQ(grid.orientation(), "LAS");
  EXPECT_EQ(grid.spacing_mm(), (Vec3{2, 3, 4}));
  EXPECT_EQ(grid.origin_mm(), (Vec3{-90, 126, -72}));
  EXPECT_TRUE(warning.empty());
}

TEST(NiftiGeometry, prefers_the_sform_and_falls_back_to_the_qform) {
  auto header = small_header();
  header.sform_code = 2;
  header.qform_code = 1;
  header.srow = {{{1, 0, 0, 5}, {0, 1, 0, 6}, {0, 0, 1, 7}}};
  header.qoffset = {50, 60, 70};
  std::string warning;
  EXPECT_EQ(nifti::grid_of(header, warning).origin_mm(), (Vec3{-5, -6, 7}));
  header.sform_code = 0;
  EXPECT_EQ(nifti::grid_of(header, warning).origin_mm(), (Vec3{-50, -60, 70}));
  EXPECT_TRUE(warning.empty());
  header.sform_code = 2;
  header.srow = {};
  EXPECT_EQ(nifti::grid_of(header, warning).origin_mm(), (Vec3{-50, -60, 70}));
  EXPECT_NE(warning.find("sform"), std::string::npos);
}

TEST(NiftiGeometry, reads_a_quaternion_with_negative_handedness) {
  auto header = small_header();
  header.qform_code = 1;
  header.pixdim[0] = -1;
  header.quatern = {0, 1, 0};  // half a turn about y: x and z are reversed, then the handedness reverses z once more
  std::string warning;
  const Grid grid = nifti::grid_of(header, warning);
  EXPECT_EQ(grid.orientation(), "LAS");
  EXPECT_EQ(grid.spacing_mm(), (Vec3{1, 2, 3}));
}

TEST(NiftiGeometry, converts_metres_and_micrometres) {
  auto header = small_header();
  header.sform_code = 1;
  header.srow = {{{0.001, 0, 0, 0.01}, {0, 0.001, 0, 0}, {0, 0, 0.002, 0}}};
  header.xyzt_units = 1;
  std::string warning;
  EXPECT_NEAR(nifti::grid_of(header, warning).spacing_mm().z, 2, 1e-12);
  EXPECT_NEAR(nifti::grid_of(header, warning).origin_mm().x, -10, 1e-12);
  header.xyzt_units = 3;
  EXPECT_NEAR(nifti::grid_of(header, warning).spacing_mm().z, 2e-6, 1e-15);
}

TEST(NiftiGeometry, says_that_an_orientation_is_missing) {
  std::string warning;
  const Grid grid = nifti::grid_of(small_header(), warning);
  EXPECT_EQ(grid.orientation(), "RAS");
  EXPECT_NE(warning.find("orientation"), std::string::npos);
}

TEST(NiftiGeometry, writes_qform_and_sform_that_agree) {
  for (const double z : {1.0, -1.0}) {
    const Grid plain = oblique_grid({7, 5, 3});
    Mat3 direction = plain.direction();
    direction.column[2] = z * direction.column[2];
    const Grid grid(plain.size(), plain.spacing_mm(), plain.origin_mm(), direction);
    nifti::Header header;
    nifti::set_grid(header, grid);
    std::string warning;
    expect_same_space(nifti::grid_of(header, warning), grid, 1e-9);
    header.sform_code = 0;
    expect_same_space(nifti::grid_of(header, warning), grid, 1e-9);
  }
}

/// A file with this header and these big-endian int16 values.
Bytes big_endian_file(const std::vector<std::int16_t>& values) {
  Bytes bytes(352 + 2 * values.size());
  const auto put16 = [&](std::size_t at, int value) {
    bytes[at] = static_cast<std::byte>(value >> 8);
    bytes[at + 1] = static_cast<std::byte>(value);
  };
  const auto put_float = [&](std::size_t at, float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, 4);
    put16(at, static_cast<int>(bits >> 16));
    put16(at + 2, static_cast<int>(bits & 0xffff));
  };
  put16(2, 348);
  put16(40, 3);
  put16(42, static_cast<int>(values.size()));
  put16(44, 1);
  put16(46, 1);
  put16(70, 4);
  put_float(80, 1.5f);
  put_float(84, 1);
  put_float(88, 1);
  put_float(108, 352);
  put_float(112, 2);
  put_float(116, -1);
  std::memcpy(bytes.data() + 344, "n+1", 4);
  for (std::size_t n = 0; n < values.size(); ++n) put16(352 + 2 * n, values[n]);
  return bytes;
}

TEST(Nifti, reads_big_endian_and_scales) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "big.nii";
  write_atomic(path, big_endian_file({1, -2, 300}));
  const Image image = read(path, run);
  ASSERT_EQ(image.type(), PixelType::f32);
  EXPECT_EQ(image.as<float>()[0], 1);
  EXPECT_EQ(image.as<float>()[1], -5);
  EXPECT_EQ(image.as<float>()[2], 599);
  EXPECT_EQ(image.grid().spacing_mm().x, 1.5);
  const Image stored = read(path, run, {.stored = true});
  ASSERT_EQ(stored.type(), PixelType::i16);
  EXPECT_EQ(stored.as<std::int16_t>()[2], 300);
}

TEST(Nifti, names_what_is_wrong_with_hostile_headers) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "bad.nii";
  const Bytes good = big_endian_file({1, 2, 3});
  const auto read_with = [&](std::size_t at, std::initializer_list<int> values, std::size_t size = 0) {
    Bytes bytes = good;
    for (const int value : values) bytes[at++] = static_cast<std::byte>(value);
    if (size) bytes.resize(size);
    write_atomic(path, bytes);
    return error_of([&] { read(path, run); });
  };
  EXPECT_NE(read_with(41, {9}).message().find("dim[0]"), std::string::npos);
  EXPECT_NE(read_with(42, {0xff, 0xff}).message().find("dim[1]"), std::string::npos);
  EXPECT_NE(read_with(70, {0, 1}).message().find("binary"), std::string::npos);
  EXPECT_NE(read_with(70, {77, 7}).message().find("datatype"), std::string::npos);
  EXPECT_NE(read_with(108, {0xff, 0x80, 0, 0}).message().find("vox_offset"), std::string::npos);
  // 4095^3 voxels in a file of 358 bytes: said before memory is taken.
  EXPECT_NE(read_with(42, {0x0f, 0xff, 0x0f, 0xff, 0x0f, 0xff}).message().find("truncated"), std::string::npos);
  EXPECT_NE(read_with(0, {}, 357).message().find("truncated"), std::string::npos);
  EXPECT_EQ(read_with(0, {}, 200).code(), ErrorCode::unreadable);
  EXPECT_EQ(read_with(0, {}, 3).code(), ErrorCode::unreadable);
}

TEST(Nifti, refuses_truncated_and_damaged_gzip) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "a.nii.gz";
  write(path, varied<float>(oblique_grid({40, 30, 20})), run);
  const Bytes whole = read_bytes(path);
  for (const std::size_t size : {std::size_t{1}, std::size_t{30}, whole.size() / 2, whole.size() - 9, whole.size() - 1}) {
    write_atomic(path, std::span(whole).first(size));
    const ErrorCode code = error_of([&] { read(path, run); }).code();
    EXPECT_EQ(code, ErrorCode::unreadable) << size;
  }
  Bytes damaged = whole;
  damaged[whole.size() / 2] ^= std::byte{0x10};
  write_atomic(path, damaged);
  EXPECT_NE(error_of([&] { read(path, run); }).message().find("damaged"), std::string::npos);
}

TEST(Nifti, does_not_allocate_for_a_header_that_a_small_gzip_cannot_fill) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Path path = folder.path() / "bomb.nii.gz";
  Bytes bytes = big_endian_file({1, 2, 3});
  for (const std::size_t at : {42, 44}) {  // 32767 x 32767 x 1
    bytes[at] = std::byte{0x7f};
    bytes[at + 1] = std::byte{0xff};
  }
  write_atomic(path, deflate({}, bytes, Wrapper::gzip, run));
  const auto before = voxel_bytes_peak();
  EXPECT_NE(error_of([&] { read(path, run); }).message().find("truncated"), std::string::npos);
  EXPECT_LE(voxel_bytes_peak(), before + (1 << 20));
}

struct Reference {
  const char* file;
  PixelType type;
  Size3 size;
  std::int64_t frames;
  std::array<std::array<double, 4>, 3> ras;  ///< as nibabel 5.0.0 gives it
  double weighted;                           ///< of nibabel's values in Fortran order
};

TEST(Nifti, agrees_with_nibabel_on_its_own_files) {
  if (test_data().empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  const std::array<std::array<double, 4>, 3> oblique{
      {{-2.0, 6.714715653593746e-19, 9.081024511081715e-18, 117.8551025390625},
       {-6.714715653593746e-19, 1.9737114906311035, -0.35552823543548584, -35.72294235229492},
       {8.25548088896093e-18, 0.3232076168060303, 2.171081781387329, -7.248798370361328}}};
  const std::vector<Reference> references{
      {"anatomical.nii", PixelType::i16, {33, 41, 25}, 1, {{{-2, 0, 0, 32}, {0, 2, 0, -40}, {0, 0, 2, -16}}}, 141365948810.0},
      {"functional.nii", PixelType::f32, {17, 21, 3}, 20, {{{-4, 0, 0, 32}, {0, 4, 0, -40}, {0, 0, 8, 0}}}, 38387604848.159195},
      {"example4d.nii.gz", PixelType::i16, {128, 96, 24}, 2, oblique, 50788015722.0},
      {"example_nifti2.nii.gz", PixelType::i16, {32, 20, 12}, 2, oblique, 3392504019.0},
      {"standard.nii.gz", PixelType::u8, {4, 5, 7}, 1, {{{1, 0, 0, 0}, {0, 3, 0, 0}, {0, 0, 2, 0}}}, 549270.0},
      {"reoriented_anat_moved.nii",
       PixelType::f32,
       {21, 26, 22},
       1,
       {{{4, 0, 0, -35.29789733886719}, {0, 4, 0, -47.97758483886719}, {0, 0, 4, -27.599409103393555}}},
       16225769197.567383}};
  for (const Reference& reference : references) {
    SCOPED_TRACE(reference.file);
    gantry::Run run;
    const Image image = read(test_data() / "formats/nifti-nibabel" / reference.file, run);
    EXPECT_EQ(image.type(), reference.type);
    EXPECT_EQ(image.grid().size(), reference.size);
    EXPECT_EQ(image.frames(), reference.frames);
    EXPECT_NEAR(weighted_sum(image), reference.weighted, 1e-6 * reference.weighted);
    for (const Vec3 voxel : {Vec3{0, 0, 0}, Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}) {
      const Vec3 world = image.grid().world_from_voxel(voxel);
      for (int row = 0; row < 3; ++row) {
        const auto& r = reference.ras[static_cast<std::size_t>(row)];
        const double ras = r[0] * voxel.x + r[1] * voxel.y + r[2] * voxel.z + r[3];
        EXPECT_NEAR(row < 2 ? -world[row] : world[row], ras, 1e-4);
      }
    }
  }
}

TEST(Nifti, refuses_headers_without_an_image) {
  if (test_data().empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  for (const char* name : {"nifti1.hdr", "nifti2.hdr", "analyze.hdr", "row_major.dconn.nii"}) {
    gantry::Run run;
    EXPECT_FALSE(error_of([&] { read(test_data() / "formats/nifti-nibabel" / name, run); }).message().empty()) << name;
  }
}

}  // namespace

}  // namespace gantry::io::nifti_test
