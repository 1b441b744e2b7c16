// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dctk.h>

#include "gantry/base/test_support.h"
#include "gantry/codec/codec.h"
#include "gantry/codec/codec_test_support.h"

namespace gantry::codec::codec_data_test {

namespace {

/// The pixels of a real DICOM file as DCMTK's parser hands them over, undecoded.
struct Source {
  std::string transfer_syntax;
  FrameFormat format;
  std::vector<Bytes> streams;  ///< of the first frame only when the file is native
};

Source load(const Path& path) {
  DcmFileFormat file;
  if (file.loadFile(path.c_str()).bad()) throw Error(ErrorCode::unreadable, path.string());
  DcmDataset& data = *file.getDataset();
  Source source;
  OFString text;
  if (file.getMetaInfo()->findAndGetOFString(DCM_TransferSyntaxUID, text).good()) source.transfer_syntax = text.c_str();
  const auto number = [&](const DcmTagKey& tag, int otherwise) {
    Uint16 value = 0;
    return data.findAndGetUint16(tag, value).good() ? static_cast<int>(value) : otherwise;
  };
  source.format = {
      number(DCM_Rows, 0),        number(DCM_Columns, 0),  number(DCM_SamplesPerPixel, 1),          number(DCM_BitsAllocated, 16),
      number(DCM_BitsStored, 16), number(DCM_HighBit, 15), number(DCM_PixelRepresentation, 0) == 1, {}};
  data.findAndGetOFString(DCM_PhotometricInterpretation, text);
  source.format.photometric_interpretation = text.c_str();
  DcmElement* element = nullptr;
  if (data.findAndGetElement(DCM_PixelData, element).bad()) throw Error(ErrorCode::unreadable, "no pixels");
  auto* pixels = dynamic_cast<DcmPixelData*>(element);
  E_TransferSyntax syntax = EXS_Unknown;
  const DcmRepresentationParameter* parameter = nullptr;
  pixels->getOriginalRepresentationKey(syntax, parameter);
  DcmPixelSequence* sequence = nullptr;
  if (pixels->getEncapsulatedRepresentation(syntax, parameter, sequence).good() && sequence) {
    for (unsigned long n = 1; n < sequence->card(); ++n) {
      DcmPixelItem* item = nullptr;
      Uint8* bytes = nullptr;
      sequence->getItem(item, n);
      item->getUint8Array(bytes);
      const auto* begin = reinterpret_cast<const std::byte*>(bytes);
      source.streams.emplace_back(begin, begin + item->getLength());
    }
    Sint32 frames = 1;
    if (data.findAndGetSint32(DCM_NumberOfFrames, frames).bad() || frames == 1) {  // fragments of one frame
      Bytes joined;
      for (const Bytes& part : source.streams) joined.insert(joined.end(), part.begin(), part.end());
      source.streams = {joined};
    }
  } else {
    Bytes native(element->getLength());
    if (source.format.bits_allocated > 8) {
      Uint16* words = nullptr;
      element->getUint16Array(words);
      std::memcpy(native.data(), words, native.size());
    } else {
      Uint8* bytes = nullptr;
      element->getUint8Array(bytes);
      std::memcpy(native.data(), bytes, native.size());
    }
    source.streams = {native};
  }
  return source;
}

Frame decode_first(const Source& source) { return decode(source.transfer_syntax, source.streams.at(0), source.format); }

/// Sample n as a number.
int value_at(const Frame& frame, std::size_t n) {
  if (frame.format.bits_allocated == 8) return std::to_integer<int>(frame.pixels[n]);
  std::uint16_t cell;
  std::memcpy(&cell, frame.pixels.data() + 2 * n, 2);
  return frame.format.is_signed ? static_cast<std::int16_t>(cell) : cell;
}

TEST(CodecData, lossless_nema_files_equal_their_uncompressed_twins) {
  if (test_data("dicom").empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  for (const char* name : {"CT1", "MR1", "NM1", "US1"}) {
    const Source reference = load(test_data("dicom") / "nema-compression" / (std::string(name) + "_UNC"));
    for (const char* ending : {"RLE", "JPLL", "JLSL", "J2KR"}) {
      const Path path = test_data("dicom") / "nema-compression" / (std::string(name) + "_" + ending);
      if (!std::filesystem::exists(path)) continue;
      const Frame frame = with_context(path.string(), [&] { return decode_first(load(path)); });
      EXPECT_TRUE(frame.pixels == reference.streams[0]) << path.filename();
    }
  }
}

TEST(CodecData, lossy_nema_files_stay_within_the_known_errors) {
  if (test_data("dicom").empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  struct Row {
    const char* file;
    const char* reference;
    int largest;
  };
  for (const Row& row : {Row{"CT1_JLSN", "CT1", 4},
                         {"MR1_JLSN", "MR1", 4},
                         {"NM1_JLSN", "NM1", 4},
                         {"MR1_JPLY", "MR1", 128},
                         {"NM1_JPLY", "NM1", 36},
                         {"CT1_J2KI", "CT1", 352},
                         {"MR1_J2KI", "MR1", 396},
                         {"NM1_J2KI", "NM1", 101},
                         {"US1_J2KI", "US1", 124}}) {
    const Source reference = load(test_data("dicom") / "nema-compression" / (std::string(row.reference) + "_UNC"));
    const Frame expected{reference.format, reference.streams[0]};
    const Frame frame = decode_first(load(test_data("dicom") / "nema-compression" / row.file));
    ASSERT_EQ(frame.pixels.size(), expected.pixels.size()) << row.file;
    int largest = 0;
    const std::size_t cell = static_cast<std::size_t>(expected.format.bits_allocated) / 8;
    for (std::size_t n = 0; n < frame.pixels.size() / cell; ++n)
      largest = std::max(largest, std::abs(value_at(frame, n) - value_at(expected, n)));
    EXPECT_LE(largest, row.largest + row.largest / 10) << row.file;
    EXPECT_GT(largest, 0) << row.file;
  }
}

TEST(CodecData, nine_codings_of_one_mosaic_agree) {
  if (test_data("dicom").empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  Bytes first;
  int found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test_data("dicom") / "dcm_qa/ts/In")) {
    if (!entry.is_regular_file()) continue;
    const Source source = load(entry.path());
    const Bytes pixels = can_decode(source.transfer_syntax) ? decode_first(source).pixels : source.streams[0];
    if (first.empty()) first = pixels;
    EXPECT_TRUE(pixels == first) << entry.path().filename() << ' ' << source.transfer_syntax;
    ++found;
  }
  EXPECT_EQ(found, 9);
}

TEST(CodecData, colour_bars_come_out_as_rgb) {
  if (test_data("dicom").empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  struct Row {
    const char* file;
    int tolerance;
  };
  constexpr std::array<std::array<int, 3>, 10> bars{{{255, 0, 0},
                                                     {255, 128, 128},
                                                     {0, 255, 0},
                                                     {128, 255, 128},
                                                     {0, 0, 255},
                                                     {128, 128, 255},
                                                     {0, 0, 0},
                                                     {64, 64, 64},
                                                     {192, 192, 192},
                                                     {255, 255, 255}}};
  for (const Row& row : {Row{"SC_rgb_rle.dcm", 0},
                         {"SC_rgb_jpeg_dcmtk.dcm", 5},
                         {"SC_rgb_dcmtk_+eb+cr.dcm", 5},
                         {"SC_rgb_dcmtk_+eb+cy+n1.dcm", 5},
                         {"SC_rgb_dcmtk_+eb+cy+n2.dcm", 5},
                         {"SC_rgb_dcmtk_+eb+cy+np.dcm", 5},
                         {"SC_rgb_dcmtk_+eb+cy+s2.dcm", 5},
                         {"SC_rgb_dcmtk_+eb+cy+s4.dcm", 5},
                         {"SC_rgb_jpeg_gdcm.dcm", 5},
                         {"SC_rgb_jpeg_lossy_gdcm.dcm", 5},
                         {"SC_rgb_gdcm_KY.dcm", 5},
                         {"SC_rgb_jls_lossy_line.dcm", 5},
                         {"SC_rgb_jls_lossy_sample.dcm", 5}}) {
    SCOPED_TRACE(row.file);
    const Frame frame = decode_first(load(test_data("dicom") / "pydicom/test_files" / row.file));
    EXPECT_EQ(frame.format.photometric_interpretation, "RGB");
    ASSERT_EQ(frame.format.columns, 100);
    for (std::size_t bar = 0; bar < bars.size(); ++bar) {
      for (std::size_t c = 0; c < 3; ++c)
        EXPECT_NEAR(value_at(frame, ((5 + 10 * bar) * 100 + 50) * 3 + c), bars[bar][c], row.tolerance) << bar;
    }
  }
}

TEST(CodecData, the_sign_is_the_one_of_the_header) {
  if (test_data("dicom").empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  const Path folder = test_data("dicom") / "pydicom/test_files";
  // The header says signed, the codestream unsigned: values of this CT must include air near -1000 or -2000.
  const Frame mismatch = decode_first(load(folder / "J2K_pixelrep_mismatch.dcm"));
  EXPECT_TRUE(mismatch.format.is_signed);
  EXPECT_LT(value_at(mismatch, 0), 0);
}

}  // namespace

}  // namespace gantry::codec::codec_data_test
