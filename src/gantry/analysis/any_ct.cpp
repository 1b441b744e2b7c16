// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/core.h>

#include "gantry/analysis/ct_report.h"
#include "gantry/analysis/methods.h"
#include "gantry/report/wording.h"

namespace gantry::analysis {

namespace {

CtReport begin(const SeriesInput& input, const Profile& profile, Run& run) {
  CtReport report{input, profile, {}, {}, {}, 4, {}, {}, {}, {}, {}, {}, {}, {}, {}, false};
  report.protocol = ct_protocol(input);
  report.maps = map_ct(input.image, run);
  return report;
}

void add_common_words(CtReport& report) {
  SeriesResult& result = report.result;
  result.certainty.push_back(
      {"Volumes come from thresholds and region growing, not from a trained model; their intervals say how far they move when the "
       "boundary moves by half a voxel, not how a reader would outline.",
       "体积来自阈值与区域生长，而非训练模型；区间表示边界移动半个体素时的变化，并不代表阅片者的勾画差异。"});
  result.methods.push_back({fmt::format("Structures on a working grid of {:.1f} × {:.1f} × {:.1f} mm, outlines back on the series' own "
                                        "voxels at subvoxel threshold crossings.",
                                        report.maps.working.hu.grid().spacing_mm().x, report.maps.working.hu.grid().spacing_mm().y,
                                        report.maps.working.hu.grid().spacing_mm().z),
                            fmt::format("结构在 {:.1f} × {:.1f} × {:.1f} mm 的工作网格上求得，轮廓以亚体素阈值交叉回到序列自身体素。",
                                        report.maps.working.hu.grid().spacing_mm().x, report.maps.working.hu.grid().spacing_mm().y,
                                        report.maps.working.hu.grid().spacing_mm().z)});
}

}  // namespace

SeriesResult analyze_any_ct(const SeriesInput& input, const Profile& profile, Run& run) {
  Run mapping = run.part(0.0, 0.6);
  CtReport report = begin(input, profile, mapping);
  run.progress(0.6, "measurements");
  add_body_wall(report, run);
  add_ct_structures(report, run);
  add_ct_quality(report, run);
  describe_composition(report);
  SeriesResult& result = report.result;
  const auto volume = [&](const char* id) {
    for (const Segment& segment : result.segments) {
      if (segment.id == id) return segment.volume_ml;
    }
    return 0.0;
  };
  ReportDocument::Glance tissues;
  tissues.attention = Attention::usual;
  tissues.text = {fmt::format("Tissues in view: {} of soft tissue, {} of fat, {} of bone, {} of gas outside the lungs.",
                              wording::quantity(volume("soft_tissue") / 1000, "L"), wording::quantity(volume("fat") / 1000, "L"),
                              wording::quantity(volume("bone") / 1000, "L"), wording::quantity(volume("air"), "mL")),
                  fmt::format("视野内组织：软组织 {}，脂肪 {}，骨 {}，肺外气体 {}。", wording::quantity(volume("soft_tissue") / 1000, "L"),
                              wording::quantity(volume("fat") / 1000, "L"), wording::quantity(volume("bone") / 1000, "L"),
                              wording::quantity(volume("air"), "mL"))};
  result.glances.push_back(std::move(tissues));
  const Lungs& lungs = report.maps.lungs;
  ReportDocument::Glance lung;
  if (lungs.left || lungs.right) {
    const bool cut = lungs.left_incomplete || lungs.right_incomplete;
    const double ml = volume("lung_left") + volume("lung_right");
    lung.attention = cut ? Attention::note : Attention::usual;
    lung.text = cut ? Words{"Lung volume: " + wording::quantity(ml, "mL") + " in view, cut off by the field of view: a lower bound.",
                            "肺容积：视野内 " + wording::quantity(ml, "mL") + "，被视野截断，仅为下限。"}
                    : Words{"Lung volume: " + wording::quantity(ml, "mL") + ".", "肺容积：" + wording::quantity(ml, "mL") + "。"};
  } else {
    lung.attention = Attention::usual;
    lung.text = {"Lungs: none in view.", "肺：不在视野内。"};
  }
  result.glances.push_back(std::move(lung));
  ReportDocument::Glance quality;
  quality.attention = result.warnings.empty() ? Attention::usual : Attention::note;
  quality.text =
      result.warnings.empty()
          ? Words{"Quality: nothing that disturbs these measurements was found.", "质量：未见影响上述测量的问题。"}
          : Words{"Quality: " + result.warnings.front() + ".",
                  "质量：" + (report.maps.body_truncated ? std::string("身体超出视野，体积为下限。") : "存在影响测量的因素，见质量表。")};
  result.glances.push_back(std::move(quality));
  result.not_analysed.push_back({"Organs: no trained model is installed for them; tissues are told apart by HU alone.",
                                 "器官：未安装相应的训练模型；组织仅按 HU 区分。"});
  result.not_analysed.push_back({"Lesions outside the lungs: no method looks for them.", "肺外病灶：没有相应的检测方法。"});
  add_common_words(report);
  run.progress(0.8, "key images");
  add_ct_images(report, run);
  finish(report);
  run.progress(1.0, "done");
  return std::move(report.result);
}

SeriesResult analyze_chest_ct(const SeriesInput& input, const Profile& profile, Run& run) {
  Run mapping = run.part(0.0, 0.3);
  CtReport report = begin(input, profile, mapping);
  Run search = run.part(0.3, 0.75, "nodules");
  add_nodules(report, search);
  run.progress(0.75, "measurements");
  add_heart(report, run);
  add_body_wall(report, run);
  add_ct_structures(report, run);
  add_ct_quality(report, run);
  add_lung_density(report);
  describe_nodules(report);
  describe_heart(report);
  describe_composition(report);
  SeriesResult& result = report.result;
  result.not_analysed.push_back({"Lobes and segments of the lung: their borders are not found.", "肺叶与肺段：未识别其边界。"});
  result.not_analysed.push_back({"Mediastinum, vessels, pleural effusion, consolidation: no method looks for them.",
                                 "纵隔、血管、胸腔积液、实变：没有相应的检测方法。"});
  add_common_words(report);
  result.certainty.push_back(
      {"Nodules are candidates found by shape. On simulated patients nearly all of 5 mm and more are found; on thick slices or in dense "
       "lungs more will be missed and more vessels will be taken for nodules.",
       "结节为按形态得到的候选。在模拟患者中，5 mm 及以上者几乎全部检出；层厚大或肺密度高时漏检与血管误认都会增多。"});
  result.references.push_back(wording::same(
      "Bankier et al. 2017, Recommendations for measuring pulmonary nodules at CT (Fleischner Society). doi:10.1148/radiol.2017162894"));
  result.references.push_back(
      wording::same("Gevenois et al. 1996, Comparison of computed density and microscopic morphometry in pulmonary emphysema. "
                    "Am J Respir Crit Care Med 154:187"));
  run.progress(0.85, "key images");
  add_ct_images(report, run);
  finish(report);
  run.progress(1.0, "done");
  return std::move(report.result);
}

}  // namespace gantry::analysis
