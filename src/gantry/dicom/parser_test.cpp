// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "gantry/base/error.h"
#include "gantry/base/random.h"
#include "gantry/dicom/frames.h"
#include "gantry/dicom/test_objects.h"

namespace gantry::dicom::parser_test {

namespace {

using test::parse;
using test::part10;
using test::Writer;

std::string message_of(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Writer with_sequence(Encoding encoding, bool undefined) {
  Writer inner(encoding);
  inner.text(0x00080100U, "SH", "T-28000").text(0x00080104U, "LO", "Lung");
  Writer outer(encoding);
  outer.text(0x0040A043U, "CS", "WORD").sequence(0x00080110U, {inner, inner}, undefined);
  Writer set(encoding);
  set.text(0x00080016U, "UI", "1.2.840.10008.5.1.4.1.1.2");
  set.sequence(0x00082218U, {inner, outer}, undefined).text(0x00100010U, "PN", "Doe^Jane").us(0x00280010U, 512);
  return set;
}

TEST(Parser, reads_the_same_values_in_every_encoding) {
  const std::pair<Encoding, const char*> encodings[] = {
      {{true, false}, "1.2.840.10008.1.2"}, {{false, false}, "1.2.840.10008.1.2.1"}, {{false, true}, "1.2.840.10008.1.2.2"}};
  for (const auto& [encoding, syntax] : encodings) {
    for (const bool undefined : {false, true}) {
      const auto data = parse(part10(with_sequence(encoding, undefined), syntax));
      const Header header(data);
      EXPECT_EQ(data->transfer_syntax, syntax);
      EXPECT_EQ(header.text("PatientName"), "Doe^Jane") << syntax;
      EXPECT_EQ(header.number("Rows"), 512) << syntax;
      EXPECT_EQ(header.text("AnatomicRegionSequence[0].CodeMeaning"), "Lung") << syntax;
      EXPECT_EQ(header.text("AnatomicRegionSequence[1].(0008,0110)[1].CodeValue"), "T-28000") << syntax << undefined;
      EXPECT_FALSE(header.text("AnatomicRegionSequence[2].CodeMeaning"));
      EXPECT_FALSE(header.text("NoSuchKeyword"));
      EXPECT_FALSE(header.text("StudyDescription"));
    }
  }
}

TEST(Parser, finds_the_encoding_without_meta_header_and_when_the_meta_header_is_wrong) {
  for (const Encoding encoding : {Encoding{true, false}, Encoding{false, false}, Encoding{false, true}}) {
    const Writer set = with_sequence(encoding, false);
    EXPECT_EQ(Header(parse(set.bytes())).number("Rows"), 512);
    const auto data = parse(part10(set, encoding.implicit ? "1.2.840.10008.1.2.1" : "1.2.840.10008.1.2"));
    EXPECT_EQ(Header(data).number("Rows"), 512);
    EXPECT_NE(data->complaint.find("unlike its transfer syntax"), std::string::npos);
  }
}

TEST(Parser, reads_a_deflated_data_set) {
  const std::string plain = with_sequence({false, false}, false).bytes();
  std::string packed(plain.size() * 2 + 64, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  const std::string file = part10(Writer().raw(packed), "1.2.840.10008.1.2.1.99");
  EXPECT_EQ(Header(parse(file)).number("Rows"), 512);
  EXPECT_NE(message_of(file.substr(0, file.size() - 20)).find("deflate stream: is damaged or truncated"), std::string::npos);
}

TEST(Parser, refuses_a_deflate_bomb) {
  const std::string zeros(1 << 20, '\0');
  std::string packed(1 << 16, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
  stream.avail_in = static_cast<uInt>(zeros.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  const std::span bytes(reinterpret_cast<const std::byte*>(packed.data()), packed.size());
  EXPECT_EQ(inflate_bounded(bytes, 1 << 20).size(), std::size_t{1} << 20);
  EXPECT_THROW(inflate_bounded(bytes, (1 << 20) - 1), Error);
}

TEST(Parser, names_the_element_that_states_more_than_there_is) {
  Writer set;
  set.text(0x00080016U, "UI", "1.2.3").prefix(0x00081030U, "LO", 60000).raw("abc");
  EXPECT_EQ(message_of(part10(set)), "data set: (0008,1030) states 60000 bytes, 3 are left");
  Writer huge;
  huge.text(0x00080016U, "UI", "1.2.3").prefix(0x00082112U, "SQ", 0xFFFFFFF0U).raw("abc");
  EXPECT_NE(message_of(part10(huge)).find("states 4294967280 bytes"), std::string::npos);
}

TEST(Parser, refuses_sequences_without_end_and_deep_nesting) {
  Writer open;
  open.text(0x00080016U, "UI", "1.2.3").prefix(0x00082112U, "SQ", 0xFFFFFFFFU).word16(0xFFFE).word16(0xE000).word32(0xFFFFFFFFU);
  EXPECT_NE(message_of(part10(open)).find("an item has no end"), std::string::npos);
  Writer deep;
  deep.text(0x00080016U, "UI", "1.2.3");
  for (int n = 0; n < 100000; ++n) deep.prefix(0x00082112U, "SQ", 0xFFFFFFFFU).word16(0xFFFE).word16(0xE000).word32(0xFFFFFFFFU);
  EXPECT_NE(message_of(part10(deep)).find("nested 64 deep"), std::string::npos);
}

TEST(Parser, bounds_recursion_into_nested_items_of_stated_length) {
  Writer set;
  for (int n = 0; n < 2000; ++n) set = Writer().sequence(0x00082112U, {set});
  const Header header(parse(part10(Writer().text(0x00080016U, "UI", "1.2.3").raw(set.bytes()))));
  EXPECT_EQ(header.to_json()["00082112"]["Value"].size(), 1U);
}

TEST(Parser, steps_over_bulk_values_and_keeps_what_follows) {
  Writer set;
  set.text(0x00080016U, "UI", "1.2.3").text(0x00420011U, "OB", std::string(3 << 20, 'x')).text(0x00420012U, "LO", "application/pdf");
  const auto data = parse(part10(set));
  EXPECT_EQ(Header(data).text("MIMETypeOfEncapsulatedDocument"), "application/pdf");
  EXPECT_LT(data->bytes.size(), 4096U);
}

TEST(Parser, says_when_pixels_are_cut_off_but_reads_the_header) {
  std::string file = part10(test::slice_set({}));
  file.resize(file.size() - 5);
  const auto data = parse(file);
  EXPECT_EQ(data->complaint, "the pixel data state 12 bytes, 7 are left (truncated file)");
  EXPECT_EQ(describe_object(data).pixel_problem, "the pixel data hold 7 of 12 bytes (truncated)");
}

TEST(Parser, refuses_absurd_sizes_without_allocating_them) {
  test::Slice slice;
  slice.rows = slice.columns = 65535;
  EXPECT_NE(describe_object(parse(part10(test::slice_set(slice)))).pixel_problem.find("12 of 8589672450 bytes"), std::string::npos);
  slice.more = [](Writer& w) { w.text(0x00280008U, "IS", "2000000000"); };
  EXPECT_THROW(describe_object(parse(part10(test::slice_set(slice)))), Error);
}

TEST(Parser, survives_any_single_byte_change_and_any_cut) {
  Writer set = with_sequence({false, false}, true);
  set.raw(test::slice_set({}).bytes());
  const std::string file = part10(set);
  const auto attempt = [](const std::string& bytes) {
    try {
      const auto data = parse(bytes);
      const Header header(data);
      header.text("AnatomicRegionSequence[1].(0008,0110)[1].CodeValue");
      header.to_json();
      describe_object(data);
    } catch (const Error&) {
      return;
    }
  };
  for (std::size_t n = 0; n <= file.size(); ++n) attempt(file.substr(0, n));
  for (std::size_t n = 128; n < file.size(); ++n) {
    for (const unsigned value : {0x00U, 0xFFU, 0x7FU, 0xFEU, 0x53U}) {
      std::string changed = file;
      changed[n] = static_cast<char>(value);
      attempt(changed);
    }
  }
}

TEST(HeaderJson, follows_the_dicom_json_model) {
  Writer inner;
  inner.text(0x00080104U, "LO", "Lung");
  Writer set;
  set.text(0x00080005U, "CS", "ISO_IR 192").text(0x00080008U, "CS", "ORIGINAL\\PRIMARY").sequence(0x00082218U, {inner});
  set.text(0x00100010U, "PN", "Yamada^Tarou=山田^太郎")
      .text(0x00101030U, "DS", "70.5")
      .us(0x00280010U, 512)
      .words(0x7FE00010U, "OW", {1, 2});
  const Json json = Header(parse(part10(set))).to_json();
  EXPECT_EQ(json["00020010"]["Value"][0], "1.2.840.10008.1.2.1");
  EXPECT_EQ(json["00080008"]["Value"].size(), 2U);
  EXPECT_EQ(json["00082218"]["Value"][0]["00080104"]["Value"][0], "Lung");
  EXPECT_EQ(json["00100010"]["Value"][0]["Ideographic"], "山田^太郎");
  EXPECT_EQ(json["00101030"]["Value"][0], 70.5);
  EXPECT_EQ(json["00280010"]["vr"], "US");
  EXPECT_EQ(json["00280010"]["Value"][0], 512);
  EXPECT_FALSE(json.contains("7FE00010"));
}

}  // namespace

}  // namespace gantry::dicom::parser_test
