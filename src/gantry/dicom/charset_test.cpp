// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/charset.h"

#include <gtest/gtest.h>

namespace gantry::dicom::charset_test {

namespace {

TEST(CharacterSets, of_one_byte_become_utf8) {
  EXPECT_EQ(utf8_from("Buc^J\xE9r\xF4me", "ISO_IR 100"), "Buc^Jérôme");
  EXPECT_EQ(utf8_from("\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2", "ISO_IR 126"), "Διονυσιος");
  EXPECT_EQ(utf8_from("\xBB\xEE\xDA\x63\x65\xDC\xD1\x79\x70\xD3", "ISO_IR 144"), "Люкceмбypг");
  EXPECT_EQ(utf8_from("\xE1\xF8\xE5\xEF", "ISO_IR 138"), "ברון");
  EXPECT_EQ(utf8_from("\xD4\xCF\xC0\xDE", "ISO_IR 13"), "ﾔﾏﾀﾞ");
  EXPECT_EQ(utf8_from("plain", ""), "plain");
}

TEST(CharacterSets, japanese_example_of_the_standard) {
  // PS3.5 H.3.1, H.3.2
  const std::string expected = "Yamada^Tarou=山田^太郎=やまだ^たろう";
  EXPECT_EQ(utf8_from("Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B", "\\ISO 2022 IR 87", true),
            expected);
  EXPECT_EQ(utf8_from("\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J=\x1B$B$d$^$@\x1B(J^\x1B$B$?$m$&\x1B(J",
                      "ISO 2022 IR 13\\ISO 2022 IR 87", true),
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう");
}

TEST(CharacterSets, korean_example_of_the_standard) {
  // PS3.5 I.2
  EXPECT_EQ(
      utf8_from("Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF", "\\ISO 2022 IR 149", true),
      "Hong^Gildong=洪^吉洞=홍^길동");
}

TEST(CharacterSets, chinese_examples_of_the_standard) {
  // PS3.5 J.3, J.4, K.2
  EXPECT_EQ(utf8_from("Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=", "GB18030", true), "Wang^XiaoDong=王^小东=");
  EXPECT_EQ(utf8_from("\xCD\xF5^\xD0\xA1\xB6\xAB", "GBK", true), "王^小东");
  EXPECT_EQ(utf8_from("Wang^XiaoDong=王^小東=", "ISO_IR 192", true), "Wang^XiaoDong=王^小東=");
  EXPECT_EQ(utf8_from("Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=", "\\ISO 2022 IR 58", true), "Zhang^XiaoDong=张^小东=");
}

TEST(CharacterSets, code_extensions_end_at_a_new_line) {
  EXPECT_EQ(utf8_from("\x1B$)C\xB1\xE6\r\nplain", "\\ISO 2022 IR 149"), "길\r\nplain");
}

TEST(CharacterSets, unknown_or_wrong_ones_never_fail) {
  EXPECT_EQ(utf8_from("M\xFCller", "NO_SUCH_SET"), "Müller");
  EXPECT_EQ(utf8_from("Müller", "NO_SUCH_SET"), "Müller");
  EXPECT_EQ(utf8_from("\xFF\xFE", "ISO_IR 192"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_FALSE(utf8_from("\x1B$B\xFF", "\\ISO 2022 IR 87").empty());
  EXPECT_EQ(utf8_from("\x1B(Bplain\x1B", "\\ISO 2022 IR 87"), "plain");
}

}  // namespace

}  // namespace gantry::dicom::charset_test
