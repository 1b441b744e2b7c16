// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/structures.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "gantry/base/error.h"

namespace gantry::structures_test {
namespace {

/// The check digit of a SNOMED CT identifier (SNOMED CT Technical Implementation Guide, annex "Check-digit computation"): Verhoeff 1969.
bool has_valid_check_digit(std::string_view id) {
  // The dihedral group of order 10: rotations 0 to 4, reflections 5 to 9.
  const auto multiply = [](int a, int b) {
    if (a < 5) return b < 5 ? (a + b) % 5 : 5 + (a + b) % 5;
    return b < 5 ? 5 + (a - b) % 5 : (a - b + 5) % 5;
  };
  constexpr std::array step{1, 5, 7, 6, 2, 8, 3, 0, 9, 4};
  int check = 0, position = 0;
  for (auto digit = id.rbegin(); digit != id.rend(); ++digit, ++position) {
    int value = *digit - '0';
    for (int n = 0; n < position % 8; ++n) value = step[static_cast<std::size_t>(value)];
    check = multiply(check, value);
  }
  return check == 0;
}

TEST(Structures, have_snomed_ids_with_valid_check_digits) {
  EXPECT_FALSE(has_valid_check_digit("44029007")) << "one digit off";
  for (const Structure& row : structures()) {
    EXPECT_TRUE(has_valid_check_digit(row.snomed)) << row.id << " " << row.snomed;
    EXPECT_TRUE(has_valid_check_digit(row.category)) << row.id << " " << row.category;
  }
}

TEST(Structures, have_unique_ids_and_names_and_one_meaning_a_code) {
  std::set<std::string_view> ids, names_zh;
  std::map<std::string_view, std::string_view> meanings, codes;
  for (const Structure& row : structures()) {
    EXPECT_TRUE(ids.insert(row.id).second) << row.id;
    EXPECT_EQ(meanings.emplace(row.snomed, row.meaning).first->second, row.meaning) << row.snomed;
    EXPECT_EQ(codes.emplace(row.meaning, row.snomed).first->second, row.snomed) << row.meaning;
    EXPECT_TRUE(names_zh.insert(row.name_zh).second) << row.name_zh;
  }
}

TEST(Structures, are_found_without_the_number_of_a_lesion) {
  EXPECT_EQ(structure("lung_nodule.3").id, "lung_nodule");
  EXPECT_THROW(structure("no_such_structure"), Error);
}

}  // namespace
}  // namespace gantry::structures_test
