// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/training_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/io/io.h"
#include "gantry/report/compose.h"
#include "gantry/report/html.h"
#include "gantry/report/pdf.h"
#include "gantry/report/wording.h"
#include "gantry/statistics/roc.h"

namespace gantry::report {

namespace {

constexpr int bins = 15;
constexpr double z95 = 1.959964;
constexpr Color quiet{0x9a, 0xa5, 0xb1};

Words part_words(const std::string& part) {
  if (part == "test") return {"the test part", "测试集"};
  if (part == "validation") return {"the validation part", "验证集"};
  return {"the training part", "训练集"};
}

double figure_of(const Json& figures, const std::string& key) {
  return figures.contains(key) && figures[key].is_number() ? figures[key].get<double>() : std::nan("");
}

std::string with_interval(const Json& figures, const std::string& key) {
  const double value = figure_of(figures, key);
  if (!std::isfinite(value)) return "–";
  const Json interval = figures.value(key + "_interval", Json());
  if (!interval.is_array() || !interval[0].is_number() || !interval[1].is_number()) return wording::fixed(value, 3);
  return fmt::format("{} ({}–{})", wording::fixed(value, 3), wording::fixed(interval[0].get<double>(), 3),
                     wording::fixed(interval[1].get<double>(), 3));
}

/// What both kinds say: title, facts, limits, methods.
ReportDocument frame(const Json& manifest, const std::string& bundle_id, const std::string& part, std::int64_t cases) {
  const Json description = manifest.value("description", Json::object());
  const Json& training = manifest.at("training");
  ReportDocument document;
  const std::string name = manifest.at("name");
  document.title = {"Training report: " + name, "训练报告：" + name};
  document.subtitle = wording::same("Gantry " + std::string(version()));
  const Words where = part_words(part);
  document.facts = {
      {{"Task", "任务"}, manifest.at("task") == "classification" ? Words{"classification", "分类"} : Words{"segmentation", "分割"}},
      {{"Measured on", "评估数据"}, {fmt::format("{}, {} cases", where.en, cases), fmt::format("{}，{} 例", where.zh, cases)}},
      {{"Seed", "随机种子"}, wording::same(std::to_string(training.at("seed").get<std::uint64_t>()))},
      {{"Engine", "引擎"}, wording::same(training.at("engine").get<std::string>())}};
  if (description.contains("limits")) {
    for (const Json& limit : description["limits"]) document.certainty.push_back(wording::same(limit.get<std::string>()));
  }
  document.methods.push_back(wording::same(bundle_id));
  for (const char* key : {"data", "licence"})
    if (description.contains(key)) document.methods.push_back(wording::same(description[key].get<std::string>()));
  document.footer = {std::string(not_a_medical_device("en")), std::string(not_a_medical_device("zh"))};
  return document;
}

/// The record's epochs of each network; a segmenter has one.
std::vector<Json> records_of(const Json& manifest) {
  const Json& epochs = manifest.at("training").at("epochs");
  if (epochs.empty() || !epochs[0].is_array()) return {epochs};
  return {epochs.begin(), epochs.end()};
}

/// Mean of a figure over the networks at each epoch, with the range across them where there are several.
ReportDocument::Series course_of(const std::vector<Json>& records, const char* key, Words name) {
  ReportDocument::Series series{.name = std::move(name)};
  for (std::size_t epoch = 0; epoch < records[0].size(); ++epoch) {
    double sum = 0, low = INFINITY, high = -INFINITY;
    for (const Json& record : records) {
      const double value = epoch < record.size() ? figure_of(record[epoch], key) : std::nan("");
      sum += value, low = std::min(low, value), high = std::max(high, value);
    }
    series.x.push_back(static_cast<double>(epoch) + 1);
    series.y.push_back(sum / static_cast<double>(records.size()));
    if (records.size() > 1) series.low.push_back(low), series.high.push_back(high);
  }
  return series;
}

ReportDocument::Chart course_chart(const Json& manifest) {
  const std::vector<Json> records = records_of(manifest);
  ReportDocument::Chart chart{.title = {"Course of the training", "训练过程"},
                              .x_axis = {"Epoch", "轮次"},
                              .y_axis = {"Loss", "损失"},
                              .alternative = {"Chart: loss of each epoch", "图：每轮损失"}};
  chart.series.push_back(course_of(records, "loss", {"training", "训练"}));
  if (!records[0].empty() && records[0][0].contains("validation_cross_entropy"))
    chart.series.push_back(course_of(records, "validation_cross_entropy", {"validation", "验证"}));
  chart.note = records.size() > 1
                   ? Words{fmt::format("Mean and range of {} networks. The training loss is that of varied pictures.", records.size()),
                           fmt::format("{} 个网络的均值与范围。训练损失基于增强后的图像。", records.size())}
                   : Words{"The training loss is that of varied cases.", "训练损失基于增强后的数据。"};
  return chart;
}

ReportDocument::Chart roc_chart(const learning::Table& probabilities, std::span<const int> labels, const std::string& positive) {
  std::vector<double> scores;
  std::vector<std::uint8_t> truth;
  for (std::size_t n = 0; n < labels.size(); ++n) {
    scores.push_back(probabilities.row(n)[1]);
    truth.push_back(labels[n] == 1 ? 1 : 0);
  }
  const statistics::Roc roc = statistics::roc(scores, truth);
  ReportDocument::Chart chart{.title = {"ROC curve", "ROC 曲线"},
                              .x_axis = {"1 - specificity (%)", "1 - 特异度（%）"},
                              .y_axis = {"Sensitivity (%)", "灵敏度（%）"},
                              .alternative = {"Chart: sensitivity against 1 - specificity", "图：灵敏度与 1 - 特异度"}};
  ReportDocument::Series curve{.name = wording::same(positive)};
  for (const auto& point : roc.points) {
    curve.x.push_back(100 * (1 - point.specificity));
    curve.y.push_back(100 * point.sensitivity);
  }
  chart.series.push_back(std::move(curve));
  chart.series.push_back({.name = {"chance", "随机"}, .x = {0, 100}, .y = {0, 100}, .color = quiet});
  const std::string area =
      fmt::format("{} ({}–{})", wording::fixed(roc.area, 3), wording::fixed(std::max(0.0, roc.area - z95 * roc.standard_error), 3),
                  wording::fixed(std::min(1.0, roc.area + z95 * roc.standard_error), 3));
  chart.note = {
      fmt::format("Area {}, 95 % interval by DeLong; {} cases with and {} without {}.", area, roc.positives, roc.negatives, positive),
      fmt::format("曲线下面积 {}（95 % 区间，DeLong 法）；阳性 {} 例，阴性 {} 例。", area, roc.positives, roc.negatives)};
  return chart;
}

ReportDocument::Chart reliability_chart(const learning::Table& probabilities, std::span<const int> labels, double error) {
  struct Bin {
    double confidence = 0, right = 0, count = 0;
  };
  std::array<Bin, bins> all{};
  for (std::size_t n = 0; n < labels.size(); ++n) {
    const auto row = probabilities.row(n);
    const auto given = std::max_element(row.begin(), row.end()) - row.begin();
    const double confidence = row[static_cast<std::size_t>(given)];
    Bin& bin = all[static_cast<std::size_t>(std::clamp(static_cast<int>(std::ceil(confidence * bins)) - 1, 0, bins - 1))];
    bin.confidence += confidence;
    bin.right += given == labels[n] ? 1 : 0;
    bin.count += 1;
  }
  ReportDocument::Chart chart{.title = {"Reliability", "可靠性"},
                              .x_axis = {"Stated confidence (%)", "模型置信度（%）"},
                              .y_axis = {"Share that was right (%)", "实际正确率（%）"},
                              .alternative = {"Chart: share that was right against stated confidence", "图：实际正确率与置信度"}};
  ReportDocument::Series series{.name = {"model", "模型"}};
  std::string counts;
  for (const Bin& bin : all) {
    if (bin.count == 0) continue;
    const double share = bin.right / bin.count, n = bin.count, z2 = z95 * z95;
    const double centre = (share + z2 / (2 * n)) / (1 + z2 / n);
    const double spread = z95 * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n);
    series.x.push_back(100 * bin.confidence / n);
    series.y.push_back(100 * share);
    series.low.push_back(100 * std::max(0.0, centre - spread));
    series.high.push_back(100 * std::min(1.0, centre + spread));
    counts += fmt::format("{}{}", counts.empty() ? "" : ", ", static_cast<std::int64_t>(n));
  }
  const double first = 100.0 / static_cast<double>(probabilities.classes);
  chart.series.push_back(std::move(series));
  chart.series.push_back({.name = {"calibrated", "理想校准"}, .x = {first, 100}, .y = {first, 100}, .color = quiet});
  chart.note = {
      fmt::format("Expected calibration error {} ({} bins of equal width; band: Wilson's 95 % interval; cases in the bins: {}).",
                  wording::fixed(error, 3), bins, counts),
      fmt::format("期望校准误差 {}（{} 个等宽区间；阴影为 Wilson 95 % 区间；各区间例数：{}）。", wording::fixed(error, 3), bins, counts)};
  return chart;
}

ReportDocument::Measurements confusion_table(const Json& figures, const std::vector<std::string>& classes) {
  ReportDocument::Measurements table{.title = {"Confusion at the greatest probability", "混淆矩阵（取最大概率）"}};
  table.columns = {{"True class", "真实类别"}};
  table.right_aligned = {false};
  for (const std::string& name : classes) {
    table.columns.push_back({"given " + name, "判为 " + name});
    table.right_aligned.push_back(true);
  }
  for (const std::string& truth : classes) {
    ReportDocument::Row row{.cells = {{wording::same(truth)}}};
    for (const std::string& given : classes)
      row.cells.push_back({wording::same(std::to_string(figures.at("confusion").at(truth).at(given).get<std::int64_t>())), true});
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::vector<std::string> class_names_of(const Json& manifest) {
  std::vector<std::string> names;
  for (const Json& one : manifest.at("classes")) names.push_back(one.at("name"));
  return names;
}

bool holds_report_alone(const Path& folder) {
  static const std::set<std::string> known{"report.html", "report.pdf", "figures"};
  return std::all_of(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator(),
                     [](const auto& entry) { return known.contains(entry.path().filename().string()); });
}

}  // namespace

ReportDocument classifier_report(const Json& manifest, const std::string& bundle_id, const std::string& part, const Json& figures,
                                 const learning::Table& probabilities, std::span<const int> labels) {
  const std::vector<std::string> classes = class_names_of(manifest);
  ReportDocument document = frame(manifest, bundle_id, part, static_cast<std::int64_t>(labels.size()));
  const std::string accuracy = wording::fixed(figure_of(figures, "accuracy"), 3), error = wording::fixed(figure_of(figures, "ece"), 3);
  document.glances.push_back({Attention::none,
                              {fmt::format("Accuracy {}; stated confidence is off by {} on average.", accuracy, error),
                               fmt::format("正确率 {}；置信度平均偏差 {}。", accuracy, error)},
                              {}});
  ReportDocument::Measurements table{.title = {"Figures", "指标"},
                                     .columns = {{"Figure", "指标"}, {"Value (95 % interval)", "数值（95 % 区间）"}},
                                     .right_aligned = {false, true}};
  const auto row = [&](Words name, const std::string& key) {
    table.rows.push_back({.cells = {{std::move(name)}, {wording::same(with_interval(figures, key)), true}}});
  };
  row({"Area under the ROC curve", "ROC 曲线下面积"}, "auc");
  row({"Accuracy", "准确率"}, "accuracy");
  if (classes.size() == 2) {
    row({"Sensitivity (" + classes[1] + ")", "灵敏度（" + classes[1] + "）"}, "sensitivity");
    row({"Specificity", "特异度"}, "specificity");
  }
  row({"Expected calibration error", "期望校准误差"}, "ece");
  row({"Brier score", "Brier 分数"}, "brier");
  row({"Cross entropy", "交叉熵"}, "cross_entropy");
  if (figures.contains("unlike")) row({"Share without an answer (unlike the training part)", "不作答的比例（与训练集不相似）"}, "unlike");
  table.note = {"Intervals from 1000 bootstraps over cases.", "区间由 1000 次病例自助抽样得到。"};
  document.tables.push_back(std::move(table));
  document.tables.push_back(confusion_table(figures, classes));
  const auto positives = std::count(labels.begin(), labels.end(), 1), negatives = std::count(labels.begin(), labels.end(), 0);
  if (classes.size() == 2 && positives >= 2 && negatives >= 2) document.charts.push_back(roc_chart(probabilities, labels, classes[1]));
  document.charts.push_back(reliability_chart(probabilities, labels, figure_of(figures, "ece")));
  document.charts.push_back(course_chart(manifest));
  document.references = {wording::same(
      "E. R. DeLong et al., Biometrics 1988; 44:837. E. B. Wilson, J Am Stat Assoc 1927; 22:209. C. Guo et al., On calibration "
      "of modern neural networks, ICML 2017.")};
  return document;
}

ReportDocument segmenter_report(const Json& manifest, const std::string& bundle_id, const std::string& part, const Json& figures) {
  ReportDocument document = frame(manifest, bundle_id, part, figures.at("cases").get<std::int64_t>());
  document.glances.push_back({Attention::none,
                              {"Dice: " + with_interval(figures, "dice") + " on average over structures and cases.",
                               "Dice：各结构、各病例平均 " + with_interval(figures, "dice") + "。"},
                              {}});
  ReportDocument::Measurements table{
      .title = {"Figures", "指标"},
      .columns = {{"Structure", "结构"}, {"Cases", "例数"}, {"Dice (95 % interval)", "Dice（95 % 区间）"}, {"Least", "最小"}},
      .right_aligned = {false, true, true, true}};
  ReportDocument::Chart chart{.title = {"Dice of the cases", "各病例的 Dice"},
                              .x_axis = {"Cases, the best first", "病例（由好到差）"},
                              .y_axis = {"Dice", "Dice"},
                              .alternative = {"Chart: Dice of each case in falling order", "图：各病例 Dice（降序）"},
                              .note = {"Each structure in its own order.", "各结构分别排序。"}};
  const std::vector<std::string> classes = class_names_of(manifest);
  for (std::size_t c = 1; c < classes.size(); ++c) {
    const Json& one = figures.at("structures").at(classes[c]);
    table.rows.push_back({.cells = {{wording::same(classes[c])},
                                    {wording::same(std::to_string(one.at("cases").get<int>())), true},
                                    {wording::same(with_interval(one, "dice")), true},
                                    {wording::same(wording::fixed(figure_of(one, "least"), 3)), true}}});
    std::vector<double> values;
    for (const auto& [name, of_case] : figures.at("dice_of_cases").items())
      if (of_case.at(c - 1).is_number()) values.push_back(of_case[c - 1]);
    std::sort(values.begin(), values.end(), std::greater<>());
    ReportDocument::Series series{.name = wording::same(classes[c]), .y = values};
    for (std::size_t n = 0; n < values.size(); ++n) series.x.push_back(static_cast<double>(n) + 1);
    chart.series.push_back(std::move(series));
  }
  table.note = {"Intervals from 1000 bootstraps over cases.", "区间由 1000 次病例自助抽样得到。"};
  document.tables.push_back(std::move(table));
  document.charts.push_back(std::move(chart));
  document.charts.push_back(course_chart(manifest));
  return document;
}

void check_report_folder(const Path& folder) {
  if (std::filesystem::exists(folder) && (!std::filesystem::is_directory(folder) || !holds_report_alone(folder)))
    throw Error(ErrorCode::usage, "report: the folder must be empty or hold a report alone");
}

void write_training_report(const ReportDocument& document, const Path& folder, std::string_view language, Run& run) {
  check_report_folder(folder);
  StagedFolder staged(folder);
  write_atomic(staged.path() / "report.html", to_html(document, language));
  write_atomic(staged.path() / "report.pdf", to_pdf(document, language, ""));
  std::filesystem::create_directories(staged.path() / "figures");
  for (const ReportDocument::Chart& chart : document.charts) {
    std::string name = replace_all(lower(chart.title.en), " ", "_");
    io::write(staged.path() / "figures" / (name + ".png"), chart_image(chart_in(chart, language), 560, 420), run);
  }
  staged.commit();
}

}  // namespace gantry::report
