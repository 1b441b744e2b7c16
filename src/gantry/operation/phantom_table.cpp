// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/phantom_table.h"

#include <array>
#include <cmath>

#include "gantry/base/error.h"

namespace gantry {

namespace {

Table readers() {
  constexpr std::array<double, 12> a{0.9, 0.8, 0.8, 0.7, 0.55, 0.5, 0.5, 0.4, 0.3, 0.1, 0.95, 0.35};
  constexpr std::array<double, 12> b{0.6, 0.9, 0.4, 0.45, 0.7, 0.65, 0.2, 0.3, 0.5, 0.1, 0.8, 0.55};
  constexpr std::array<int, 12> truth{1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1};
  Table table({"case", "reader_a", "reader_b", "truth"});
  for (std::size_t n = 0; n < a.size(); ++n) table.add({static_cast<double>(n + 1), a[n], b[n], static_cast<double>(truth[n])});
  return table;
}

Table remission() {
  constexpr std::array<int, 21> placebo{1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23};
  // Negative: still in remission when last seen.
  constexpr std::array<int, 21> treated{6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35};
  Table table({"arm", "treated", "weeks", "relapse"});
  for (const int weeks : placebo) table.add({std::string("placebo"), 0.0, static_cast<double>(weeks), 1.0});
  for (const int weeks : treated) table.add({std::string("6-MP"), 1.0, std::abs(static_cast<double>(weeks)), weeks > 0 ? 1.0 : 0.0});
  return table;
}

/// Uniform in [0, 1), the same on every machine: the fractional part of multiples of irrational numbers.
double draw(int subject, int column) {
  double whole = 0;
  return std::modf((subject + 1) * std::sqrt(2.0 + 3 * column) + 0.37 * column, &whole);
}

constexpr int subjects = 40;

Table features() {
  Table table({"id", "volume", "density", "texture"});
  for (int n = 0; n < subjects; ++n) {
    const double gene_1 = draw(n, 0), gene_2 = draw(n, 1);
    table.add({static_cast<double>(n), std::exp(2 * gene_1), 10 - 5 * gene_2 + 0.5 * draw(n, 7), draw(n, 4)});
  }
  return table;
}

Table genes() {
  Table table({"id", "gene_1", "gene_2", "gene_3", "gene_4"});
  for (int n = subjects; n-- > 0;) table.add({static_cast<double>(n), draw(n, 0), draw(n, 1), draw(n, 2), draw(n, 3)});
  return table;
}

Table sentences() {
  Table table({"concept", "sentence"});
  table.add({std::string("effusion"), std::string("No pleural effusion, but a small nodule.")});
  table.add({std::string("nodule"), std::string("No pleural effusion, but a small nodule.")});
  table.add({std::string("胸腔积液"), std::string("双侧未见胸腔积液。")});
  table.add({std::string("结节"), std::string("右肺上叶结节，较前未见明显变化。")});
  return table;
}

}  // namespace

Table phantom_table(std::string_view name) {
  if (name == "readers") return readers();
  if (name == "remission") return remission();
  if (name == "features") return features();
  if (name == "genes") return genes();
  if (name == "sentences") return sentences();
  throw Error(ErrorCode::usage,
              fmt::format("phantom:{}: there is no such table; must be one of readers, remission, features, genes, sentences", name));
}

}  // namespace gantry
