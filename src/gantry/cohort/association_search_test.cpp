// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/association_search.h"

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/operation/phantom_table.h"

namespace gantry::association_search_test {

Table table_of(std::vector<std::string> columns, const std::vector<std::vector<Table::Cell>>& rows) {
  Table table(std::move(columns));
  for (const auto& row : rows) table.add(row);
  return table;
}

TEST(AssociationSearch, names_the_planted_pairs_first) {
  gantry::Run run;
  const auto result = AssociationSearch{}(phantom_table("features"), phantom_table("genes"), run);
  const auto& rows = result.associations.rows();
  ASSERT_EQ(rows.size(), 12U);
  std::map<std::string, double> called;
  for (std::size_t n = 0; n < 2; ++n)
    called[std::get<std::string>(rows[n][0]) + " " + std::get<std::string>(rows[n][1])] = std::get<double>(rows[n][3]);
  ASSERT_TRUE(called.contains("volume gene_1"));
  ASSERT_TRUE(called.contains("density gene_2"));
  EXPECT_GT(called["volume gene_1"], 0.5);
  EXPECT_LT(called["density gene_2"], -0.5);
  for (std::size_t n = 0; n < rows.size(); ++n) EXPECT_EQ(std::get<double>(rows[n][6]), n < 2 ? 1 : 0) << n;
}

TEST(AssociationSearch, leaves_out_the_subjects_of_a_pair_whose_value_is_missing) {
  gantry::Run run;
  const Table left = table_of({"id", "a"}, {{"p", 1.0}, {"q", 2.0}, {"r", 3.0}, {"s", Table::Cell()}, {"t", 5.0}});
  const Table right = table_of({"id", "b"}, {{"t", 10.0}, {"s", 0.0}, {"r", 6.0}, {"q", 4.0}, {"p", 2.0}, {"u", 1.0}});
  for (const CorrelationMethod method : {CorrelationMethod::pearson, CorrelationMethod::spearman}) {
    const auto result = AssociationSearch{.method = method}(left, right, run);
    EXPECT_EQ(std::get<double>(result.associations.rows()[0][2]), 4);
    EXPECT_NEAR(std::get<double>(result.associations.rows()[0][3]), 1, 1e-12);
  }
}

TEST(AssociationSearch, refuses_tables_that_cannot_be_joined) {
  gantry::Run run;
  const Table three = table_of({"id", "a"}, {{"p", 1.0}, {"q", 2.0}, {"r", 3.0}});
  const auto refusal = [&](const Table& left, const Table& right) {
    return std::string(error_of([&] { AssociationSearch{}(left, right, run); }).what());
  };
  EXPECT_NE(refusal(three, table_of({"id", "b"}, {{"p", 1.0}, {"p", 2.0}, {"q", 3.0}})).find("line 3 repeats 'p'"), std::string::npos);
  EXPECT_NE(refusal(three, table_of({"id", "b"}, {{"p", 1.0}, {"q", 2.0}, {"x", 3.0}})).find("there are 2"), std::string::npos);
  EXPECT_NE(refusal(three, table_of({"id", "b"}, {{"p", "x"}, {"q", "y"}, {"r", "z"}})).find("each table must have one of numbers"),
            std::string::npos);
  EXPECT_NE(refusal(three, Table({"id", "b"})).find("there are 0"), std::string::npos);
  std::vector<std::string> many{"id"};
  for (int n = 0; n < 3200; ++n) many.push_back(std::to_string(n));
  Table wide(many);
  for (const char* id : {"p", "q", "r"}) {
    std::vector<Table::Cell> row(many.size(), Table::Cell(1.0));
    row[0] = std::string(id);
    wide.add(std::move(row));
  }
  EXPECT_NE(refusal(wide, wide).find("pairs: may be 10000000"), std::string::npos);
}

}  // namespace gantry::association_search_test
