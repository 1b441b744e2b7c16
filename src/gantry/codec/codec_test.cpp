// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/codec/codec.h"

#include "gantry/codec/codec_test_support.h"
#include "gantry/codec/colour.h"
#include "gantry/codec/decoders.h"

namespace gantry::codec::codec_test {

namespace {

const std::vector<std::string> lossless{".5", ".8.1", ".4.57", ".4.70", ".4.80", ".4.90", ".4.201"};

FrameFormat grey(int rows, int columns, int allocated, int stored, bool is_signed) {
  return {rows, columns, 1, allocated, stored, stored - 1, is_signed, "MONOCHROME2"};
}

TEST(Codec, lossless_codings_keep_every_bit) {
  for (const std::string& coding : lossless) {
    for (const FrameFormat& format : {grey(37, 53, 8, 8, false), grey(37, 53, 16, 12, false), grey(37, 53, 16, 16, false),
                                      grey(37, 53, 16, 16, true), grey(64, 64, 16, 12, true), grey(5, 300, 8, 7, false),
                                      grey(1, 9, 16, 16, false), FrameFormat{33, 47, 3, 8, 8, 7, false, "RGB"}}) {
      SCOPED_TRACE(fmt::format("{} with {} of {} bits, {} x {} x {}", coding, format.bits_stored, format.bits_allocated, format.rows,
                               format.columns, format.samples_per_pixel));
      const Frame frame = picture(format);
      FrameFormat declared = format;
      declared.photometric_interpretation = encoded_photometric_interpretation(root + coding, format);
      const Bytes stream = encode(root + coding, frame);
      EXPECT_EQ(stream.size() % 2, 0u);
      const Frame back = decode(root + coding, stream, declared);
      EXPECT_EQ(back.format.photometric_interpretation, format.photometric_interpretation);
      EXPECT_EQ(back.format.bits_stored, format.bits_stored);
      EXPECT_TRUE(back.pixels == frame.pixels);
    }
  }
}

TEST(Codec, run_lengths_keep_packed_bits_and_wide_cells) {
  for (const int bits : {1, 32}) {
    const FrameFormat format{10, 13, 1, bits, bits, bits - 1, false, "MONOCHROME2"};
    Frame frame{format, Bytes(frame_bytes(format))};
    for (std::size_t n = 0; n < frame.pixels.size(); ++n) frame.pixels[n] = static_cast<std::byte>(n / 3 * 37);
    for (const std::string coding : {".5", ".8.1"}) {
      EXPECT_TRUE(decode(root + coding, encode(root + coding, frame), format).pixels == frame.pixels) << coding << ' ' << bits;
    }
  }
}

TEST(Codec, baseline_jpeg_stays_near) {
  for (const int samples : {1, 3}) {
    const FrameFormat format{120, 160, samples, 8, 8, 7, false, samples == 3 ? "RGB" : "MONOCHROME2"};
    const Frame frame = picture(format);
    FrameFormat declared = format;
    declared.photometric_interpretation = encoded_photometric_interpretation(root + ".4.50", format);
    const Frame back = decode(root + ".4.50", encode(root + ".4.50", frame), declared);
    EXPECT_EQ(back.format.photometric_interpretation, format.photometric_interpretation);
    double error = 0;
    for (std::size_t n = 0; n < frame.pixels.size(); ++n)
      error += std::abs(std::to_integer<int>(frame.pixels[n]) - std::to_integer<int>(back.pixels[n]));
    EXPECT_LT(error / static_cast<double>(frame.pixels.size()), 3.0);
  }
}

TEST(Codec, keeps_a_codestream_that_is_deeper_than_stated) {
  const Frame frame = picture(grey(32, 32, 16, 16, false));
  for (const std::string coding : {".4.70", ".4.80", ".4.90", ".4.201"}) {
    const Bytes stream = encode(root + coding, frame);
    const Frame back = decode(root + coding, stream, grey(32, 32, 16, 12, false));
    EXPECT_EQ(back.format.bits_stored, 16) << coding;
    EXPECT_EQ(back.format.high_bit, 15) << coding;
    EXPECT_TRUE(back.pixels == frame.pixels) << coding;
  }
}

TEST(Codec, header_and_codestream_may_disagree_about_the_sign) {
  const Frame frame = picture(grey(32, 32, 16, 13, true));
  for (const std::string coding : {".4.90", ".4.201"}) {
    // The same bit patterns, declared unsigned while they are encoded: the header's sign decides.
    Frame patterns = frame;
    patterns.format.is_signed = false;
    for (std::size_t n = 1; n < patterns.pixels.size(); n += 2) patterns.pixels[n] &= std::byte{0x1f};
    EXPECT_TRUE(decode(root + coding, encode(root + coding, patterns), frame.format).pixels == frame.pixels) << coding;
    EXPECT_TRUE(decode(root + coding, encode(root + coding, frame), patterns.format).pixels == patterns.pixels) << coding;
  }
}

TEST(Codec, refuses_streams_that_disagree_with_the_header_before_decoding) {
  const Frame frame = picture(grey(32, 48, 16, 12, false));
  for (const std::string coding : {".4.70", ".4.80", ".4.90", ".4.201"}) {
    const Bytes stream = encode(root + coding, frame);
    const auto message_with = [&](FrameFormat declared) {
      const Error error = error_of([&] { decode(root + coding, stream, declared); });
      EXPECT_EQ(error.code(), ErrorCode::unreadable);
      return error.message();
    };
    EXPECT_NE(message_with(grey(48, 32, 16, 12, false)).find("48 x 32"), std::string::npos) << coding;
    EXPECT_NE(message_with(grey(32, 48, 8, 8, false)).find("cells of 8 bits"), std::string::npos) << coding;
    EXPECT_NE(message_with({32, 48, 3, 16, 12, 11, false, "RGB"}).find("3 samples"), std::string::npos) << coding;
  }
  EXPECT_NE(error_of([&] { decode(root + ".5", encode(root + ".5", frame), grey(32, 49, 16, 12, false)); }).message().find("must hold"),
            std::string::npos);
}

TEST(Codec, refuses_truncated_streams) {
  const Frame frame = picture(grey(64, 64, 16, 12, false));
  for (const std::string& coding : lossless) {
    const Bytes stream = encode(root + coding, frame);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{10}, std::size_t{64}}) {
      EXPECT_EQ(error_of([&] { decode(root + coding, std::span(stream).first(size), frame.format); }).code(), ErrorCode::unreadable)
          << coding << ' ' << size;
    }
  }
}

TEST(Codec, refuses_formats_that_no_frame_has) {
  const Bytes stream(100);
  for (const FrameFormat& format :
       {grey(0, 5, 8, 8, false), grey(5, 70000, 8, 8, false), grey(5, 5, 12, 12, false), grey(5, 5, 8, 9, false),
        grey(65535, 65535, 16, 16, false), FrameFormat{5, 5, 5, 8, 8, 7, false, "RGB"}}) {
    for (const std::string& coding : lossless)
      EXPECT_EQ(error_of([&] { decode(root + coding, stream, format); }).code(), ErrorCode::unreadable);
  }
  EXPECT_EQ(error_of([&] { encode(root + ".5", {grey(5, 5, 8, 8, false), Bytes(24)}); }).code(), ErrorCode::not_possible);
  EXPECT_EQ(error_of([&] { decode("1.2.3", stream, grey(5, 5, 8, 8, false)); }).code(), ErrorCode::unreadable);
}

TEST(Codec, refuses_to_drop_bits_above_those_stored) {
  Frame frame = picture(grey(16, 16, 16, 12, false));
  frame.pixels[33] = std::byte{0x80};
  for (const std::string coding : {".4.70", ".4.80", ".4.90", ".4.201"})
    EXPECT_EQ(error_of([&] { encode(root + coding, frame); }).code(), ErrorCode::not_possible) << coding;
}

TEST(Codec, refuses_one_bit_cells_where_the_coding_has_none) {
  const Frame packed{{8, 8, 1, 1, 1, 0, false, "MONOCHROME2"}, Bytes(8)};
  const Bytes stream = encode(root + ".4.70", picture(grey(8, 8, 8, 2, false)));
  EXPECT_EQ(error_of([&] { decode(root + ".4.70", stream, packed.format); }).code(), ErrorCode::unreadable);
  for (const std::string coding : {".4.70", ".4.80", ".4.90", ".4.201"})
    EXPECT_EQ(error_of([&] { encode(root + coding, packed); }).code(), ErrorCode::not_possible) << coding;
}

TEST(Rle, reads_the_example_of_the_packing_rules) {
  // Two literals, a run of five, the no-operation byte, a run of two: 9 bytes in one segment.
  Bytes stream(64);
  stream[0] = std::byte{1};
  stream[4] = std::byte{64};
  for (const int octet : {1, 10, 20, 252, 30, 128, 255, 40}) stream.push_back(static_cast<std::byte>(octet));
  const Frame frame = decode(root + ".5", stream, grey(3, 3, 8, 8, false));
  const std::array<int, 9> expected{10, 20, 30, 30, 30, 30, 30, 40, 40};
  for (std::size_t n = 0; n < expected.size(); ++n) EXPECT_EQ(std::to_integer<int>(frame.pixels[n]), expected[n]);
}

TEST(Colour, converts_the_primaries) {
  // Y, Cb, Cr of red, green, blue and white by the formulas of PS3.3 C.7.6.3.1.2.
  Frame frame{{1, 4, 3, 8, 8, 7, false, "YBR_FULL"}, {}};
  for (const int octet : {76, 85, 255, 150, 44, 21, 29, 255, 107, 255, 128, 128}) frame.pixels.push_back(static_cast<std::byte>(octet));
  convert_to_rgb(frame);
  const std::array<int, 12> expected{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
  for (std::size_t n = 0; n < expected.size(); ++n) EXPECT_NEAR(std::to_integer<int>(frame.pixels[n]), expected[n], 1) << n;
  EXPECT_EQ(frame.format.photometric_interpretation, "RGB");
}

TEST(Colour, unpacks_native_422) {
  Frame frame{{1, 2, 3, 8, 8, 7, false, "YBR_FULL_422"}, {}};
  for (const int octet : {76, 150, 128, 128}) frame.pixels.push_back(static_cast<std::byte>(octet));
  convert_to_rgb(frame);
  ASSERT_EQ(frame.pixels.size(), 6u);
  for (std::size_t n = 0; n < 6; ++n) EXPECT_EQ(std::to_integer<int>(frame.pixels[n]), n < 3 ? 76 : 150);
}

}  // namespace

}  // namespace gantry::codec::codec_test
