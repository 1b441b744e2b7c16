// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <complex>

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/io/hdf5.h"
#include "gantry/io/input_file.h"
#include "gantry/io/ismrmrd.h"
#include "gantry/io/ismrmrd_header.h"
#include "gantry/io/matlab.h"

namespace gantry::io::raw_data_test {
namespace {

KSpace numbered(Size3 size, int coils, std::int64_t frames, bool volume) {
  Mat3 direction{{Vec3{0, 1, 0}, Vec3{0, 0, -1}, Vec3{-1, 0, 0}}};
  auto samples = Voxels<std::complex<float>>::uninitialized(Grid(size, {1.5, 2, 3}, {10, -20, 30}, direction), coils, frames);
  for (std::int64_t n = 0; n < samples.count(); ++n) samples[n] = {static_cast<float>(n), 0.5F};
  return {.samples = Image(std::move(samples)),
          .volume = volume,
          .image_size = {size[0] / 2, size[1], volume ? size[2] : 0},
          .image_share = {0.5, 1, 1}};
}

void expect_same(const KSpace& a, const KSpace& b) {
  EXPECT_TRUE(a.samples.grid().same_space(b.samples.grid(), 1e-4));
  ASSERT_EQ(a.samples.count(), b.samples.count());
  EXPECT_EQ(a.samples.components(), b.samples.components());
  EXPECT_EQ(a.samples.frames(), b.samples.frames());
  EXPECT_EQ(std::memcmp(a.samples.data(), b.samples.data(), a.samples.byte_count()), 0);
  EXPECT_EQ(a.volume, b.volume);
  EXPECT_EQ(a.image_size, b.image_size);
  EXPECT_NEAR(a.image_share.x, b.image_share.x, 1e-12);
}

/// A MATLAB file of one complex array of doubles with `rows` x `columns` numbers; value n is (n, -n).
Bytes matlab_file(int rows, int columns, const std::string& name = "k") {
  Bytes bytes(128, std::byte{' '});
  std::memcpy(bytes.data(), "MATLAB 5.0 MAT-file", 19);
  store_number<std::uint16_t>(bytes, 124, 0x0100);
  store_number<std::uint16_t>(bytes, 126, 0x4d49);
  const auto put = [&](auto value) {
    bytes.resize(bytes.size() + sizeof(value));
    store_number(bytes, bytes.size() - sizeof(value), value);
  };
  const auto count = static_cast<std::uint32_t>(rows * columns);
  put(std::uint32_t{14});
  put(40 + 2 * (8 + 8 * count));
  for (const std::uint32_t word : {6U, 8U, 6U | 0x800U, 0U, 5U, 8U}) put(word);
  put(rows);
  put(columns);
  for (const std::uint32_t word : {1U | 1U << 16U, static_cast<std::uint32_t>(name[0])}) put(word);
  for (const double sign : {1.0, -1.0}) {
    put(std::uint32_t{9});
    put(8 * count);
    for (std::uint32_t n = 0; n < count; ++n) put(sign * n);
  }
  return bytes;
}

}  // namespace

TEST(Ismrmrd, keeps_what_it_writes) {
  gantry::Run run;
  for (const KSpace& kspace : {numbered({8, 6, 1}, 1, 1, false), numbered({8, 5, 3}, 3, 2, false), numbered({6, 4, 5}, 2, 1, true),
                               numbered({4, 600, 4}, 1, 1, false)}) {
    expect_same(kspace, ismrmrd::read(ismrmrd::to_bytes(kspace), run));
  }
}

TEST(Ismrmrd, reads_a_file_of_the_reference_library) {
  const Path path = test_data("raw/mr/acqDataBrainSim100.h5");
  if (path.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const MappedFile file(path);
  const KSpace kspace = ismrmrd::read(file.bytes(), run);
  EXPECT_EQ(kspace.samples.grid().size(), (Size3{256, 256, 1}));
  EXPECT_EQ(kspace.samples.components(), 1);
  // The middle of k-space is its peak, and no line is empty.
  const auto values = kspace.samples.as<std::complex<float>>();
  std::int64_t peak = 0;
  for (std::int64_t n = 0; n < values.count(); ++n) {
    if (std::abs(values[n]) > std::abs(values[peak])) peak = n;
  }
  EXPECT_EQ(peak, 128 + 256 * 128);
}

TEST(Ismrmrd, does_not_fall_over_damaged_files) {
  const Bytes whole = ismrmrd::to_bytes(numbered({8, 6, 2}, 2, 1, false));
  for (std::size_t length = 0; length < whole.size(); length += 37) {
    gantry::Run run;
    EXPECT_THROW(ismrmrd::read(std::span(whole).first(length), run), Error) << length;
  }
  Random random(7);
  for (int trial = 0; trial < 3000; ++trial) {
    Bytes bytes = whole;
    for (int n = 0; n < 3; ++n) {
      // Half of the changes hit the objects, which lie at the end.
      const auto place = static_cast<std::size_t>(random.next_uniform() * static_cast<double>(n % 2 == 0 ? bytes.size() : 3000));
      bytes[n % 2 == 0 ? place : bytes.size() - 1 - place] = static_cast<std::byte>(random.next_uniform() * 256);
    }
    gantry::Run run;
    try {
      ismrmrd::read(bytes, run);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    }
  }
}

TEST(Ismrmrd, takes_from_its_header_what_it_says_and_no_more) {
  const std::string space =
      "<matrixSize><x>256</x><y>128</y><z>1</z></matrixSize><fieldOfView_mm><x>400</x><y>200</y><z>5</z></fieldOfView_mm>";
  const std::string xml =
      "<?xml version='1.0'?><!-- <encoding> --><i:ismrmrdHeader a=\"b\"><i:encoding><i:encodedSpace>" + space +
      "</i:encodedSpace><empty/><trajectory>Cartesian</trajectory><encodingLimits><kspace_encoding_step_1><center>60</center>"
      "</kspace_encoding_step_1></encodingLimits></i:encoding><encoding><encodedSpace>9</encodedSpace></encoding></i:ismrmrdHeader>";
  const ismrmrd::Encoding encoding = ismrmrd::parse_header(xml);
  EXPECT_EQ(encoding.encoded_size, (Size3{256, 128, 1}));
  EXPECT_EQ(encoding.image_size, (Size3{0, 0, 0}));
  EXPECT_EQ(encoding.encoded_field_mm, (Vec3{400, 200, 5}));
  EXPECT_EQ(encoding.trajectory, "cartesian");
  EXPECT_EQ(encoding.centre_1, 60);
  EXPECT_FALSE(encoding.centre_2);
  for (const std::string bad : {"", "<a>", "<a></b>", "<a", "<!--", "<ismrmrdHeader></ismrmrdHeader>"})
    EXPECT_EQ(error_of([&] { ismrmrd::parse_header(bad); }).code(), ErrorCode::unreadable) << bad;
  std::string deep;
  for (int n = 0; n < 40; ++n) deep += "<a>";
  EXPECT_NE(std::string(error_of([&] { ismrmrd::parse_header(deep); }).what()).find("too deeply"), std::string::npos);
  const auto with_size = [](const std::string& size) {
    return "<ismrmrdHeader><encoding><encodedSpace><matrixSize><x>" + size +
           "</x><y>8</y><z>1</z></matrixSize></encodedSpace></encoding></ismrmrdHeader>";
  };
  for (const std::string size : {"0", "-1", "1e5", "nan", "many"}) EXPECT_THROW(ismrmrd::parse_header(with_size(size)), Error) << size;
}

TEST(Hdf5, reads_chunks_and_names_of_files_of_the_reference_library) {
  const Path path = test_data("raw/ct/tooth.h5");
  if (path.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const MappedFile mapped(path);
  const hdf5::File file(mapped.bytes());
  EXPECT_TRUE(file.contains("exchange/data"));
  EXPECT_FALSE(file.contains("exchange/nothing"));
  const hdf5::Dataset data = file.dataset("exchange/data", run);
  EXPECT_EQ(data.dimensions, (std::vector<std::uint64_t>{181, 2, 640}));
  EXPECT_EQ(data.values.size(), data.count() * data.type.size);
  double sum = 0;
  for (std::uint64_t n = 0; n < data.count(); ++n) sum += hdf5::number_of(data.type, data.value(n));
  EXPECT_GT(sum, 0);
  EXPECT_EQ(error_of([&] { file.dataset("exchange", run); }).code(), ErrorCode::unreadable);
  EXPECT_EQ(error_of([&] { file.dataset("exchange/nothing", run); }).code(), ErrorCode::unreadable);
  EXPECT_EQ(error_of([&] { ismrmrd::read(mapped.bytes(), run); }).code(), ErrorCode::refused);
}

TEST(Matlab, takes_rows_as_phase_encoding_and_columns_as_readout) {
  gantry::Run run;
  const KSpace kspace = matlab::read_kspace(matlab_file(4, 6), run);
  EXPECT_EQ(kspace.samples.grid().size(), (Size3{6, 4, 1}));
  const auto values = kspace.samples.as<std::complex<float>>();
  EXPECT_EQ(values(2, 1, 0), (std::complex<float>(1 + 4 * 2, -(1 + 4 * 2))));
}

TEST(Matlab, refuses_what_is_no_kspace) {
  gantry::Run run;
  const auto failure = [&](const Bytes& bytes) { return std::string(error_of([&] { matlab::read_kspace(bytes, run); }).what()); };
  Bytes two = matlab_file(4, 6, "a");
  const Bytes second = matlab_file(4, 6, "b");
  two.insert(two.end(), second.begin() + 128, second.end());
  EXPECT_NE(failure(two).find("found a, b"), std::string::npos);
  EXPECT_NE(failure(matlab_file(1, 6)).find("found none"), std::string::npos);
  EXPECT_NE(failure({}).find("header is missing"), std::string::npos);
  Bytes recent = matlab_file(4, 6);
  store_number<std::uint16_t>(recent, 124, 0x0200);
  EXPECT_NE(failure(recent).find("version 7.3"), std::string::npos);
  const Bytes whole = matlab_file(4, 6);
  for (std::size_t length = 129; length < whole.size(); length += 5)
    EXPECT_THROW(matlab::read_kspace(std::span(whole).first(length), run), Error) << length;
  Random random(3);
  for (int trial = 0; trial < 3000; ++trial) {
    Bytes bytes = whole;
    for (int n = 0; n < 2; ++n)
      bytes[128 + static_cast<std::size_t>(random.next_uniform() * 80)] = static_cast<std::byte>(random.next_uniform() * 256);
    try {
      matlab::read_kspace(bytes, run);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    }
  }
}

}  // namespace gantry::io::raw_data_test
