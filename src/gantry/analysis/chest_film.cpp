// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/chest_film.h"

#include "gantry/analysis/other.h"
#include "gantry/base/error.h"
#include "gantry/classification/film.h"
#include "gantry/report/wording.h"

namespace gantry::analysis {

namespace {

/// The classes that the table knows, in Chinese.
std::string in_chinese(const std::string& name) {
  if (name == "normal") return "正常";
  if (name == "pneumonia") return "肺炎";
  return name;
}

std::string percent(double part) { return wording::fixed(std::clamp(100 * part, 0.1, 99.9), 1) + " %"; }

}  // namespace

SeriesResult analyze_chest_film(const SeriesInput& input, const Profile& profile, Run& run) {
  const dicom::Header header = input.series != nullptr ? input.series->header : dicom::Header();
  const Path folder = model_folder(profile, 0);
  classification::require_scope(bundle::open_bundle(folder), header);
  const learning::PictureModel model(folder);
  const Image picture = classification::film_picture(header, input.image);
  const learning::PictureAnswer answer = model.answer(picture, true);
  const std::string& given = model.classes()[answer.given];
  const double confidence = answer.probabilities[answer.given];

  SeriesResult result = analyze_other(input, profile, run);
  result.models.push_back(model.bundle().id());
  result.glances.erase(result.glances.begin());  // that the content was not analysed
  result.not_analysed = {
      {"Everything but the classes " + fmt::format("{}", fmt::join(model.classes(), ", ")) + ": no method here looks for it.",
       "除上述分类外的一切内容均未分析。"}};
  result.methods.pop_back();  // that no model was used
  for (std::size_t c = 1; c < model.classes().size(); ++c) {
    const std::string& name = model.classes()[c];
    Finding finding;
    finding.id = "lung." + name + "_probability";
    finding.name = "Probability of the class " + name;
    finding.code = {"99GANTRY", "lung_" + name + "_probability", finding.name};
    finding.value = answer.probabilities[c];
    finding.unit = "1";
    finding.confidence = confidence;
    finding.method = "softmax of a trained network at its temperature; calibrated for the share of the class in its training set";
    finding.model = model.bundle().id();
    result.findings.push_back(std::move(finding));
  }
  const auto number = static_cast<int>(result.images.size()) + 1;
  result.images.push_back(
      {classification::explanation_figure(picture, answer, model.input(), 512, run),
       {"What spoke for the class " + given + " (Grad-CAM, yellow most)", "支持“" + in_chinese(given) + "”的区域（Grad-CAM，黄色最强）"},
       {"Picture: the film with the parts that spoke for the class", "图像：叠加了支持该分类区域的胸片"},
       ""});
  result.glances.insert(
      result.glances.begin(),
      {answer.given == 0 ? Attention::note : Attention::look_first,
       {fmt::format("The model {} gives the class {} with a confidence of {}. It knows no other classes than {}; it is no diagnosis.",
                    model.bundle().name, given, percent(confidence), fmt::join(model.classes(), " and ")),
        fmt::format("模型 {} 判为“{}”，置信度 {}。该模型仅能区分其训练类别；并非诊断。", model.bundle().name, in_chinese(given),
                    percent(confidence))},
       {number}});
  const Json& figures = model.bundle().manifest["figures"];
  if (figures.contains("test")) {
    const Json& test = figures["test"];
    const auto figure_of = [&](const char* key) { return test.contains(key) && test[key].is_number() ? test[key].get<double>() : 0.0; };
    result.certainty.push_back(
        {fmt::format(
             "On {} films of its own test set the model was right in {} (calibration error {:.3f}). How good it is on films of other "
             "hospitals and sizes is not known.",
             test["cases"].get<std::int64_t>(), percent(figure_of("accuracy")), figure_of("ece")),
         fmt::format("在其自身测试集的 {} 幅胸片上，模型正确率为 {}（校准误差 {:.3f}）。对其他医院或尺寸的胸片表现未知。",
                     test["cases"].get<std::int64_t>(), percent(figure_of("accuracy")), figure_of("ece"))});
  }
  result.methods.push_back({fmt::format("Classes by the trained network {} on a picture of {} x {} pixels; its card lies with it.",
                                        model.bundle().id(), model.input().columns, model.input().rows),
                            fmt::format("由训练网络 {} 对 {} x {} 像素图像分类；说明卡随模型提供。", model.bundle().id(),
                                        model.input().columns, model.input().rows)});
  result.references.push_back(
      wording::same("R. R. Selvaraju et al., Grad-CAM, ICCV 2017; C. Guo et al., On calibration of modern neural networks, ICML 2017."));
  return result;
}

}  // namespace gantry::analysis
