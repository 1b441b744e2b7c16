// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "gantry/base/error.h"
#include "gantry/codec/codec.h"
#include "gantry/dicom/slabs.h"
#include "gantry/dicom/study.h"
#include "gantry/dicom/test_objects.h"

namespace gantry::dicom::load_test {

namespace {

using test::part10;
using test::Writer;

/// An image without patient geometry: pixel module as given, pixel bytes as they are.
struct Picture {
  int rows = 1, columns = 4, samples = 1, bits = 8, stored = 8, high = -1, frames = 1;
  bool is_signed = false, planar = false;
  std::string photometric = "MONOCHROME2", pixel_vr = "OW", transfer_syntax = "1.2.840.10008.1.2.1";
  Encoding encoding{false, false};
  std::function<void(Writer&)> rescale;
  std::string pixels;
};

std::string file_of(const Picture& p) {
  Writer w(p.encoding);
  w.text(0x00080016U, "UI", "1.2.840.10008.5.1.4.1.1.7").text(0x00080018U, "UI", "1.2.3.4").text(0x00080060U, "CS", "OT");
  w.text(0x0020000DU, "UI", "1.2").text(0x0020000EU, "UI", "1.2.3").us(0x00280002U, static_cast<std::uint32_t>(p.samples));
  w.text(0x00280004U, "CS", p.photometric);
  if (p.samples > 1) w.us(0x00280006U, p.planar);
  w.text(0x00280008U, "IS", std::to_string(p.frames))
      .us(0x00280010U, static_cast<std::uint32_t>(p.rows))
      .us(0x00280011U, static_cast<std::uint32_t>(p.columns));
  w.us(0x00280100U, static_cast<std::uint32_t>(p.bits)).us(0x00280101U, static_cast<std::uint32_t>(p.stored));
  w.us(0x00280102U, static_cast<std::uint32_t>(p.high < 0 ? p.stored - 1 : p.high)).us(0x00280103U, p.is_signed);
  if (p.rescale) p.rescale(w);
  if (p.transfer_syntax == "1.2.840.10008.1.2.5")
    w.prefix(0x7FE00010U, "OB", 0xFFFFFFFFU).raw(p.pixels);
  else
    w.prefix(0x7FE00010U, p.pixel_vr, static_cast<std::uint32_t>(p.pixels.size())).raw(p.pixels);
  return part10(w, p.transfer_syntax);
}

/// Slabs of two slices hold what the whole image holds, or give up where it needed a wider type.
void expect_same_in_slabs(const Image& image, const Series& series, bool stored) {
  const std::optional<SlabSource> source = slabs(series, stored);
  ASSERT_EQ(source.has_value(), !series.instances.front().header.data()->pixel.encapsulated);
  if (!source) return;
  bool fits = true;
  Bytes bytes;
  for (std::int64_t first = 0; first < source->slices(); first += 2) {
    const std::int64_t count = std::min<std::int64_t>(2, source->slices() - first);
    Bytes slab(static_cast<std::size_t>(count) * source->slice_bytes());
    fits = source->read(first, count, slab) && fits;
    bytes.insert(bytes.end(), slab.begin(), slab.end());
  }
  EXPECT_EQ(fits, source->type == image.type());
  EXPECT_TRUE(!fits || std::ranges::equal(bytes, image.bytes()));
}

Image loaded(const Picture& p, bool stored = false) {
  const TemporaryFolder folder;
  test::save(folder.path() / "image", file_of(p));
  gantry::Run run;
  const std::vector<Path> paths{folder.path()};
  const Input input = read_dicom(paths, run);
  const Series& series = input.studies.at(0).series.at(0);
  Image image = load(series, run, stored);
  expect_same_in_slabs(image, series, stored);
  return image;
}

std::vector<double> values(const Image& image) {
  const auto view = image.as<double>();
  return {view.values().begin(), view.values().end()};
}

std::string little(std::initializer_list<std::uint16_t> words) {
  std::string bytes;
  for (const std::uint16_t w : words) bytes += {static_cast<char>(w & 0xFF), static_cast<char>(w >> 8)};
  return bytes;
}

std::function<void(Writer&)> rescaled(std::string intercept, std::string slope) {
  return [=](Writer& w) { w.text(0x00281052U, "DS", intercept).text(0x00281053U, "DS", slope); };
}

TEST(Pixels, of_eight_bits_keep_their_type) {
  const Image image = loaded({.pixels = {"\x00\x01\xFE\xFF", 4}});
  EXPECT_EQ(image.type(), PixelType::u8);
  EXPECT_EQ(values(image), (std::vector<double>{0, 1, 254, 255}));
}

TEST(Pixels, count_only_their_stored_bits) {
  // 12 stored bits; the upper four hold an overlay.
  const Picture unsigned_12{.bits = 16, .stored = 12, .pixels = little({0xF001, 0x0FFF, 0x1800, 0x8000})};
  EXPECT_EQ(values(loaded(unsigned_12)), (std::vector<double>{1, 4095, 2048, 0}));
  Picture signed_12 = unsigned_12;
  signed_12.is_signed = true;
  EXPECT_EQ(values(loaded(signed_12)), (std::vector<double>{1, -1, -2048, 0}));
  Picture shifted = unsigned_12;
  shifted.high = 15;
  EXPECT_EQ(values(loaded(shifted)), (std::vector<double>{0xF00, 0x0FF, 0x180, 0x800}));
}

TEST(Pixels, of_ct_become_hounsfield_integers) {
  const Picture ct{.bits = 16, .stored = 12, .rescale = rescaled("-1024", "1"), .pixels = little({0, 1024, 4095, 24})};
  const Image image = loaded(ct);
  EXPECT_EQ(image.type(), PixelType::i16);
  EXPECT_EQ(values(image), (std::vector<double>{-1024, 0, 3071, -1000}));
  EXPECT_EQ(values(loaded(ct, true)), (std::vector<double>{0, 1024, 4095, 24}));
}

TEST(Pixels, that_outgrow_the_expected_type_get_a_wider_one) {
  const Picture small{.bits = 16, .stored = 16, .rescale = rescaled("-1024", "1"), .pixels = little({0, 1024, 33791, 24})};
  EXPECT_EQ(loaded(small).type(), PixelType::i16);
  Picture large = small;
  large.pixels = little({0, 1024, 65535, 24});
  const Image image = loaded(large);
  EXPECT_EQ(image.type(), PixelType::i32);
  EXPECT_EQ(values(image), (std::vector<double>{-1024, 0, 64511, -1000}));
}

TEST(Pixels, with_a_fractional_slope_become_floats) {
  const Image image =
      loaded({.bits = 16, .stored = 16, .is_signed = true, .rescale = rescaled("0.5", "0.25"), .pixels = little({4, 0xFFFC, 0, 2})});
  EXPECT_EQ(image.type(), PixelType::f32);
  EXPECT_EQ(values(image), (std::vector<double>{1.5, -0.5, 0.5, 1}));
}

TEST(Pixels, of_32_bits_and_big_endian) {
  EXPECT_EQ(values(loaded({.columns = 2, .bits = 32, .stored = 32, .pixels = little({1, 0, 0xFFFF, 0xFFFF})})),
            (std::vector<double>{1, 4294967295.0}));
  const Picture big{.bits = 16,
                    .stored = 16,
                    .transfer_syntax = "1.2.840.10008.1.2.2",
                    .encoding = {false, true},
                    .pixels = {"\x00\x01\x01\x00\xFF\xFF\x12\x34", 8}};
  EXPECT_EQ(values(loaded(big)), (std::vector<double>{1, 256, 65535, 0x1234}));
  Picture bytes = big;
  bytes.bits = bytes.stored = 8;
  bytes.pixels = {"\x02\x01\x04\x03", 4};
  EXPECT_EQ(values(loaded(bytes)), (std::vector<double>{1, 2, 3, 4}));
}

TEST(Pixels, of_one_bit_become_bytes_in_every_frame) {
  // Two frames of 3 x 3: bits 0 to 8 and 9 to 17, lowest bit first.
  const Image image = loaded({.rows = 3, .columns = 3, .bits = 1, .stored = 1, .frames = 2, .pixels = {"\x01\x03\x02\x00", 4}});
  EXPECT_EQ(image.frames(), 2);
  EXPECT_EQ(values(image), (std::vector<double>{1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1}));
}

TEST(Pixels, of_colour_are_side_by_side_rgb) {
  const Picture planes{.columns = 2, .samples = 3, .planar = true, .photometric = "RGB", .pixels = {"\x01\x02\x0A\x0B\x64\x65", 6}};
  const Image image = loaded(planes);
  EXPECT_EQ(image.components(), 3);
  EXPECT_EQ(values(image), (std::vector<double>{1, 10, 100, 2, 11, 101}));
  const Picture ybr{.columns = 2, .samples = 3, .photometric = "YBR_FULL", .pixels = {"\x4C\x55\xFF\x96\x80\x80", 6}};
  EXPECT_EQ(values(loaded(ybr)), (std::vector<double>{254, 0, 0, 150, 150, 150}));
  const Picture half{.columns = 2, .samples = 3, .photometric = "YBR_FULL_422", .pixels = {"\x10\x20\x80\x80", 4}};
  EXPECT_EQ(values(loaded(half)), (std::vector<double>{16, 16, 16, 32, 32, 32}));
}

TEST(Pixels, of_palettes_become_rgb_and_stay_indices_when_stored) {
  Picture p{.photometric = "PALETTE COLOR", .pixels = {"\x00\x01\x02\x03", 4}};
  p.rescale = [](Writer& w) {
    for (Tag n = 0; n < 3; ++n) w.words(0x00281101U + n, "US", {2, 1, 16});
    w.words(0x00281201U, "OW", {0x1000, 0xFF00}).words(0x00281202U, "OW", {0x2000, 0x8000}).words(0x00281203U, "OW", {0x3000, 0});
  };
  EXPECT_EQ(values(loaded(p)), (std::vector<double>{16, 32, 48, 16, 32, 48, 255, 128, 0, 255, 128, 0}));
  EXPECT_EQ(values(loaded(p, true)), (std::vector<double>{0, 1, 2, 3}));
}

TEST(Pixels, follow_a_modality_table) {
  Picture p{.pixels = {"\x00\x05\x06\x09", 4}};
  p.rescale = [](Writer& w) {
    Writer item;
    item.words(0x00283002U, "US", {3, 5, 16}).text(0x00283004U, "LO", "US").words(0x00283006U, "OW", {100, 200, 400});
    w.sequence(0x00283000U, {item});
  };
  EXPECT_EQ(values(loaded(p)), (std::vector<double>{100, 100, 200, 400}));
}

std::string fragment(const std::string& bytes) {
  return Writer().word16(0xFFFE).word16(0xE000).word32(static_cast<std::uint32_t>(bytes.size())).raw(bytes).bytes();
}
const std::string& no_more() {
  static const std::string end = Writer().word16(0xFFFE).word16(0xE0DD).word32(0).bytes();
  return end;
}

std::string rle(std::initializer_list<int> row) {
  codec::Frame frame;
  frame.format.rows = 1;
  frame.format.columns = static_cast<int>(row.size());
  frame.format.bits_allocated = frame.format.bits_stored = 8;
  frame.format.high_bit = 7;
  for (const int v : row) frame.pixels.push_back(static_cast<std::byte>(v));
  const Bytes bytes = codec::encode("1.2.840.10008.1.2.5", frame);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Encapsulated, frames_are_found_with_and_without_offset_tables) {
  const std::string a = rle({1, 2, 3, 4}), b = rle({5, 5, 5, 5}), half_a = a.substr(0, 66), rest_a = a.substr(66);
  Picture p{.frames = 2, .transfer_syntax = "1.2.840.10008.1.2.5"};
  const std::vector<double> expected{1, 2, 3, 4, 5, 5, 5, 5};
  p.pixels = fragment("") + fragment(a) + fragment(b) + no_more();
  EXPECT_EQ(values(loaded(p)), expected);
  const auto second = static_cast<std::uint32_t>(16 + a.size());
  p.pixels = fragment(Writer().word32(0).word32(second).bytes()) + fragment(half_a) + fragment(rest_a) + fragment(b) + no_more();
  EXPECT_EQ(values(loaded(p)), expected);
  const Writer offsets = Writer().word32(0).word32(0).word32(second).word32(0);
  p.rescale = [&](Writer& w) {
    w.prefix(0x7FE00001U, "OV", 16).raw(offsets.bytes()).prefix(0x7FE00002U, "OV", 16).raw(std::string(16, '\0'));
  };
  p.pixels = fragment("") + fragment(half_a) + fragment(rest_a) + fragment(b) + no_more();
  EXPECT_EQ(values(loaded(p)), expected);
  p.rescale = nullptr;
  p.pixels = fragment(Writer().word32(0).word32(4711).bytes()) + fragment(a) + fragment(b) + no_more();
  EXPECT_EQ(values(loaded(p)), expected) << "a wrong table is passed over";
}

TEST(Encapsulated, missing_or_damaged_frames_are_errors_with_reasons) {
  Picture p{.frames = 2, .transfer_syntax = "1.2.840.10008.1.2.5"};
  p.pixels = fragment("") + fragment(rle({1, 2, 3, 4})) + no_more();
  EXPECT_THROW(loaded(p), Error);
  p.frames = 1;
  p.pixels = fragment("") + fragment(std::string(70, '\x7F')) + no_more();
  EXPECT_THROW(loaded(p), Error);
  p.pixels = fragment("") + no_more();
  EXPECT_THROW(loaded(p), Error);
}

TEST(Encapsulated, an_absurd_size_is_refused_before_it_is_allocated) {
  Picture p{.rows = 60000, .columns = 60000, .transfer_syntax = "1.2.840.10008.1.2.5"};
  p.pixels = fragment("") + fragment(rle({1, 2, 3, 4})) + no_more();
  const std::uint64_t before = voxel_bytes_peak();
  EXPECT_THROW(loaded(p), Error);
  EXPECT_EQ(voxel_bytes_peak(), before);
}

}  // namespace

}  // namespace gantry::dicom::load_test
