// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/association_search.h"

#include <numeric>

#include "gantry/cohort/columns.h"
#include "gantry/compute/parallel.h"
#include "gantry/statistics/association.h"
#include "gantry/visualization/chart.h"

namespace gantry {

namespace {

constexpr std::size_t most_pairs = 10'000'000;

/// Line of each key; Error(not_possible) for one that stands there twice.
std::map<std::string, std::size_t> lines_of(const Table& table, const std::string& key) {
  const std::vector<std::string> words = words_of(table, column_of(table, key, "key"));
  std::map<std::string, std::size_t> lines;
  for (std::size_t n = 0; n < words.size(); ++n) {
    if (words[n].empty()) continue;
    if (!lines.emplace(words[n], n).second)
      throw Error(ErrorCode::not_possible, fmt::format("{}: must be there once; line {} repeats '{}'", key, n + 2, words[n].substr(0, 40)));
  }
  return lines;
}

struct Column {
  std::string name;
  std::vector<double> values;
  statistics::Centred centred;  ///< of the values or of their ranks; empty where one is missing
};

/// The columns that hold nothing but numbers, at these lines.
std::vector<Column> number_columns(const Table& table, const std::string& key, const std::vector<std::size_t>& lines, bool ranks) {
  std::vector<Column> columns;
  for (std::size_t c = 0; c < table.columns().size(); ++c) {
    const bool words =
        std::any_of(table.rows().begin(), table.rows().end(), [&](const auto& row) { return std::holds_alternative<std::string>(row[c]); });
    if (words || table.columns()[c] == key) continue;
    const std::vector<double> all = numbers_of(table, c);
    Column column{table.columns()[c], {}, {}};
    for (const std::size_t line : lines) column.values.push_back(all[line]);
    column.centred = statistics::centred(column.values, ranks);
    columns.push_back(std::move(column));
  }
  return columns;
}

Table::Cell cell(double value) { return std::isfinite(value) ? Table::Cell(value) : Table::Cell(); }

}  // namespace

void AssociationSearch::describe(Description<AssociationSearch>& d) {
  d.summary("Finds which columns of one table go with which of another: correlations with the false discovery rate held.");
  d.input("features", "One subject a row: image features");
  d.input("variables", "The same subjects, in any order: genes, proteins, laboratory values");
  d.parameter("key", &AssociationSearch::key, "Column that names the subject in both tables");
  d.parameter("method", &AssociationSearch::method, "Correlation of the values or of their ranks");
  d.parameter("false_discovery_rate", &AssociationSearch::false_discovery_rate, "Expected share of false ones among those called")
      .range(0.0001, 0.5);
  d.output("associations", &Result::associations, "Correlation, p and q of each pair, by rising p");
  d.output("result", &Result::result, "Numbers of subjects, tests and pairs called");
  d.output("figure", &Result::figure, "Sorted p with the line of Benjamini and Hochberg");
  d.example("gantry statistics association radiomics.csv genes.csv pairs.csv --key patient --false-discovery-rate 0.1");
  d.reference("Benjamini Y, Hochberg Y. Controlling the false discovery rate. J R Stat Soc B 1995; 57:289-300.");
  d.reference("Spearman C. The proof and measurement of association between two things. Am J Psychol 1904; 15:72-101.");
}

AssociationSearch::Result AssociationSearch::operator()(const Table& features, const Table& variables, Run& run) const {
  check_parameters(*this);
  const auto first = lines_of(features, key), second = lines_of(variables, key);
  std::vector<std::size_t> lines, other_lines;
  for (const auto& [word, line] : first) {
    const auto other = second.find(word);
    if (other == second.end()) continue;
    lines.push_back(line);
    other_lines.push_back(other->second);
  }
  if (lines.size() < 3)
    throw Error(ErrorCode::not_possible, fmt::format("subjects: three must be in both tables; there are {}", lines.size()));
  const bool ranks = method == CorrelationMethod::spearman;
  const std::vector<Column> a = number_columns(features, key, lines, ranks), b = number_columns(variables, key, other_lines, ranks);
  if (a.empty() || b.empty()) throw Error(ErrorCode::not_possible, "columns: each table must have one of numbers");
  if (a.size() > most_pairs / b.size())
    throw Error(ErrorCode::not_possible, fmt::format("pairs: may be {}; {} x {} are asked for", most_pairs, a.size(), b.size()));

  std::vector<statistics::Correlation> pairs(a.size() * b.size());
  parallel_for(run, static_cast<std::int64_t>(pairs.size()), 256, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) {
      const Column &x = a[n / b.size()], &y = b[n % b.size()];
      if (!x.centred.values.empty() && !y.centred.values.empty()) {
        pairs[n] = statistics::correlation(x.centred, y.centred);
      } else {
        pairs[n] = ranks ? statistics::spearman(x.values, y.values) : statistics::pearson(x.values, y.values);
      }
    }
  });
  std::vector<double> p;
  for (const auto& pair : pairs) p.push_back(pair.p);
  const std::vector<double> q = statistics::benjamini_hochberg(p);
  std::vector<std::size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto rank = [&](std::size_t n) { return std::isnan(p[n]) ? 2 : p[n]; };
  std::ranges::stable_sort(order, {}, rank);

  Result result{.associations = Table({"feature", "variable", "count", "r", "p", "q", "significant"})};
  Chart chart{.x_axis = "Rank", .y_axis = "p"};
  Chart::Series sorted{.name = "p"}, line{.name = "called below", .color = {0x9a, 0xa5, 0xb1}};
  const auto tests = static_cast<std::size_t>(std::ranges::count_if(p, [](double value) { return !std::isnan(value); }));
  std::size_t significant = 0;
  for (std::size_t n = 0; n < order.size(); ++n) {
    const auto& pair = pairs[order[n]];
    const bool called = q[order[n]] <= false_discovery_rate;
    significant += called;
    result.associations.add({a[order[n] / b.size()].name, b[order[n] % b.size()].name, static_cast<double>(pair.count), cell(pair.r),
                             cell(pair.p), cell(q[order[n]]), called ? 1.0 : 0.0});
    if (n >= std::min<std::size_t>(tests, 4000)) continue;
    const double position = static_cast<double>(n + 1);
    sorted.x.push_back(position);
    sorted.y.push_back(pair.p);
    line.x.push_back(position);
    line.y.push_back(false_discovery_rate * position / static_cast<double>(tests));
  }
  result.result = {{"subjects", lines.size()}, {"tests", tests}, {"significant", significant}};
  chart.series = {std::move(sorted), std::move(line)};
  result.figure = chart_image(chart, 640, 480);
  return result;
}

}  // namespace gantry
