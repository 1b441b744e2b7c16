// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/impression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/image/structures.h"
#include "gantry/report/reason_words.h"
#include "gantry/report/wording.h"

namespace gantry::report {

namespace {

const Json& list_in(const Json& object, const char* key, const char* subject) {
  static const Json none = Json::array();
  if (!object.is_object()) throw Error(ErrorCode::not_possible, fmt::format("summary: {} must be an object", subject));
  if (!object.contains(key)) return none;
  if (!object[key].is_array()) throw Error(ErrorCode::not_possible, fmt::format("summary: {} must be a list", key));
  return object[key];
}

std::string text_in(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string() ? to_valid_utf8(object[key].get<std::string>())
                                                                               : std::string();
}

/// A finding as the summary states it, its id cut at the last dot.
struct Stated {
  std::string id, subject, measure, name, unit, reason, method;
  std::optional<double> value;
  std::optional<std::array<double, 2>> interval;
};

Stated stated(const Json& json) {
  Stated f;
  f.id = text_in(json, "id");
  if (f.id.empty()) throw Error(ErrorCode::not_possible, "summary: every finding must have an id");
  const std::size_t dot = f.id.rfind('.');
  f.subject = f.id.substr(0, dot);
  f.measure = dot == std::string::npos ? std::string() : f.id.substr(dot + 1);
  f.name = text_in(json, "name");
  f.unit = text_in(json, "unit");
  f.reason = text_in(json, "reason");
  f.method = text_in(json, "method");
  if (json.contains("value") && json["value"].is_number() && std::isfinite(json["value"].get<double>()))
    f.value = json["value"].get<double>();
  if (json.contains("interval") && json["interval"].is_array() && json["interval"].size() == 2 && json["interval"][0].is_number() &&
      json["interval"][1].is_number()) {
    f.interval = {json["interval"][0].get<double>(), json["interval"][1].get<double>()};
  }
  return f;
}

struct Named {
  std::string_view id;
  const char *en, *zh;
};

constexpr std::array measures{Named{"volume", "volume", "体积"},
                              Named{"area", "mean area in a slice", "平均层面面积"},
                              Named{"laa950", "share below \u2212950 HU", "低于 \u2212950 HU 的比例"},
                              Named{"percentile15", "15th percentile of density", "密度第 15 百分位"},
                              Named{"mean_density", "mean density", "平均密度"},
                              Named{"fraction", "share of the intracranial space", "占颅内腔比例"},
                              Named{"bright_volume", "bright volume", "高信号体积"},
                              Named{"agatston", "Agatston score", "Agatston 积分"},
                              Named{"mass", "mass", "质量"},
                              Named{"asymmetry", "asymmetry", "不对称性"},
                              Named{"nodules", "nodules", "结节"},
                              Named{"count", "number", "数目"}};

const Named* measure_of(const std::string& id) {
  for (const Named& m : measures) {
    if (m.id == id) return &m;
  }
  return nullptr;
}

std::int64_t whole(double count) { return std::llround(std::clamp(count, 0.0, 1e9)); }

/// Writes the sentences of one study.
class Writer {
 public:
  Writer(std::vector<Stated> findings, std::string_view language) : findings_(std::move(findings)), zh_(language == "zh") {}

  std::vector<std::string> sentences() {
    nodules();
    uptake();
    calcification();
    classes();
    structures_measured();
    not_measured();
    return std::move(sentences_);
  }

 private:
  const char* language() const { return zh_ ? "zh" : "en"; }
  void say(std::string en, std::string zh) { sentences_.push_back(zh_ ? std::move(zh) : std::move(en)); }
  std::string why(const std::string& english) const { return reason_words(english).in(language()); }
  std::string measured(const Stated& f) const { return wording::measured(*f.value, f.interval, f.unit, language()); }
  const Stated* find(std::string_view id) const {
    for (const Stated& f : findings_) {
      if (f.id == id) return &f;
    }
    return nullptr;
  }
  /// The structure's name in the language; empty when the table of structures does not know it.
  std::string name_of(const std::string& subject) const {
    if (subject == "lungs") return zh_ ? "双肺" : "Both lungs";
    if (subject == "heart_calcification") return zh_ ? "心脏内钙化" : "Calcium in the heart";
    for (const Structure& row : structures()) {
      if (row.id == subject) return std::string(zh_ ? row.name_zh : row.meaning);
    }
    return {};
  }

  void nodules() {
    for (const char* side : {"lung_left", "lung_right"}) {
      const Stated* count = find(std::string(side) + ".nodules");
      if (count == nullptr) continue;
      const std::string name = name_of(side);
      if (!count->value) {
        const std::string reason = count->reason.empty() ? "" : why(count->reason);
        say(fmt::format("{}: not searched for nodules{}.", name, reason.empty() ? "" : ": " + reason),
            fmt::format("{}：未检索结节{}。", name, reason.empty() ? "" : "：" + reason));
      } else if (*count->value == 0) {
        say(fmt::format("{}: no nodule candidate was found ({}).", name, why(count->method)),
            fmt::format("{}：未见结节候选（{}）。", name, why(count->method)));
      } else {
        const auto number = whole(*count->value);
        const Stated* largest = find(std::string(side) + ".largest_nodule");
        const bool sized = largest != nullptr && largest->value;
        say(fmt::format("{}: {}{}.", name, wording::count(number, "nodule candidate", "nodule candidates"),
                        sized ? ", the largest with a mean diameter of " + measured(*largest) : ""),
            fmt::format("{}：{} 个结节候选{}。", name, number, sized ? "，最大者平均直径 " + measured(*largest) : ""));
      }
    }
    if (find("lung_left.nodules") != nullptr || find("lung_right.nodules") != nullptr) return;
    std::int64_t number = 0;
    const Stated* largest = nullptr;
    for (const Stated& f : findings_) {
      if (f.subject != "lung_nodule" || !f.value) continue;
      ++number;
      if (largest == nullptr || *f.value > *largest->value) largest = &f;
    }
    if (largest == nullptr) return;
    say(fmt::format("Lung, side not stated: {}, the largest with a mean diameter of {}.",
                    wording::count(number, "nodule candidate", "nodule candidates"), measured(*largest)),
        fmt::format("肺（未注明侧别）：{} 个结节候选，最大者平均直径 {}。", number, measured(*largest)));
  }

  void uptake() {
    const Stated* count = find("pet_lesions.count");
    if (count == nullptr || !count->value) return;
    if (*count->value == 0) {
      say(fmt::format("Uptake: no region of increased uptake was found ({}).", why(count->method)),
          fmt::format("摄取：未见摄取增高区域（{}）。", why(count->method)));
      return;
    }
    const Stated* volume = find("pet_lesions.volume");
    const Stated* hottest = nullptr;
    for (const Stated& f : findings_) {
      if (!f.subject.starts_with("pet_lesion.") || f.measure != "suv_max" || !f.value) continue;
      if (hottest == nullptr || *f.value > *hottest->value) hottest = &f;
    }
    const auto number = whole(*count->value);
    const bool sized = volume != nullptr && volume->value, hot = hottest != nullptr;
    say(fmt::format("Uptake: {} of increased uptake{}{}; physiological and inflammatory uptake is not told apart from tumour.",
                    wording::count(number, "region", "regions"), sized ? ", " + measured(*volume) + " together" : "",
                    hot ? ", highest SUVmax " + wording::fixed(*hottest->value, 1) : ""),
        fmt::format("摄取：{} 个摄取增高区域{}{}；未区分肿瘤摄取与生理性或炎性摄取。", number, sized ? "，总体积 " + measured(*volume) : "",
                    hot ? "，最高 SUVmax " + wording::fixed(*hottest->value, 1) : ""));
  }

  void calcification() {
    const Stated* volume = find("heart_calcification.volume");
    if (volume == nullptr || !volume->value) return;
    if (*volume->value == 0) {
      say(fmt::format("Heart: no calcification was found ({}).", why(volume->method)),
          fmt::format("心脏：未见钙化（{}）。", why(volume->method)));
      return;
    }
    const Stated* score = find("heart_calcification.agatston");
    const bool scored = score != nullptr && score->value;
    say(fmt::format("Heart: calcification of {}{}.", measured(*volume), scored ? ", Agatston score " + wording::number(*score->value) : ""),
        fmt::format("心脏：钙化体积 {}{}。", measured(*volume), scored ? "，Agatston 积分 " + wording::number(*score->value) : ""));
  }

  /// What a network that tells classes apart gave.
  void classes() {
    constexpr std::string_view ending = "_probability";
    for (const Stated& f : findings_) {
      if (!f.measure.ends_with(ending) || !f.value) continue;
      const std::string given = f.measure.substr(0, f.measure.size() - ending.size());
      const std::string chinese = given == "pneumonia" ? "肺炎" : given;
      const std::string share = wording::quantity(100 * *f.value, "%", 2);
      say(fmt::format("The network gives the class {} a probability of {}; that is no diagnosis.", replace_all(given, "_", " "), share),
          fmt::format("网络给出“{}”的概率为 {}；并非诊断。", chinese, share));
    }
  }

  bool said_elsewhere(const Stated& f) const {
    return f.measure == "nodules" || f.measure == "largest_nodule" || f.subject.starts_with("lung_nodule") ||
           f.subject.starts_with("pet_") || f.subject == "heart_calcification" || f.measure.ends_with("_probability");
  }

  std::string one(const Stated& f, const Named& measure) const {
    const std::string name = zh_ ? measure.zh : measure.en;
    if (f.measure == "asymmetry") {
      const std::string size = wording::quantity(std::abs(*f.value), f.unit, 2);
      if (*f.value == 0) return zh_ ? "左右相等" : "both sides equal";
      const bool left = *f.value > 0;
      return zh_ ? fmt::format("{}侧大 {}", left ? "左" : "右", size) : fmt::format("{} side larger by {}", left ? "left" : "right", size);
    }
    if (f.measure == "fraction") return name + " " + wording::quantity(100 * *f.value, "%");
    if (f.reason.find("lower bound") != std::string::npos) return name + " " + wording::lower_bound(*f.value, f.unit);
    return name + " " + measured(f);
  }

  /// One sentence a structure, in the order of the summary; values with the same reservation stand together before it.
  void structures_measured() {
    std::vector<std::string> done;
    for (const Stated& first : findings_) {
      if (said_elsewhere(first) || name_of(first.subject).empty()) continue;
      if (std::find(done.begin(), done.end(), first.subject) != done.end()) continue;
      done.push_back(first.subject);
      std::vector<std::pair<std::string, std::vector<std::string>>> groups;
      for (const Stated& f : findings_) {
        const Named* measure = f.subject == first.subject ? measure_of(f.measure) : nullptr;
        if (measure == nullptr || !f.value || said_elsewhere(f)) continue;
        auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == f.reason; });
        if (group == groups.end()) group = groups.insert(groups.end(), {f.reason, {}});
        group->second.push_back(one(f, *measure));
      }
      std::vector<std::string> parts;
      for (const auto& [reason, values] : groups) {
        std::string part = zh_ ? join(values, "，") : wording::list(values, language());
        if (!reason.empty()) part += zh_ ? "（" + why(reason) + "）" : " (" + why(reason) + ")";
        parts.push_back(std::move(part));
      }
      if (parts.empty()) continue;
      say(fmt::format("{}: {}.", name_of(first.subject), join(parts, "; ")),
          fmt::format("{}：{}。", name_of(first.subject), join(parts, "；")));
    }
  }

  void not_measured() {
    for (const Stated& f : findings_) {
      const Named* measure = measure_of(f.measure);
      if (f.value || f.measure == "nodules" || f.measure == "largest_nodule" || measure == nullptr || name_of(f.subject).empty()) continue;
      const std::string name = name_of(f.subject), reason = f.reason.empty() ? "" : why(f.reason);
      say(fmt::format("{}: {} not measured{}.", name, measure->en, reason.empty() ? "" : ": " + reason),
          fmt::format("{}：{}未测得{}。", name, measure->zh, reason.empty() ? "" : "：" + reason));
    }
  }

  std::vector<Stated> findings_;
  bool zh_;
  std::vector<std::string> sentences_;
};

std::string study_text(const Json& study, std::string_view language, bool same_language) {
  const bool zh = language == "zh";
  std::vector<Stated> findings;
  for (const Json& finding : list_in(study, "findings", "a study")) findings.push_back(stated(finding));
  std::vector<std::string> lines = Writer(std::move(findings), language).sentences();
  if (lines.empty()) lines.push_back(zh ? "未得出可陈述的结果。" : "Nothing was measured that could be stated.");
  for (const Json& item : list_in(study, "quality", "a study")) {
    const std::string verdict = text_in(item, "verdict"), reason = text_in(item, "reason");
    if (verdict != "limited" && verdict != "poor") continue;
    // A summary in Chinese cannot be put into English: its ids can.
    const bool readable = zh || same_language;
    const auto in_words = [&](const std::string& text) { return same_language ? text : reason_words(text).in(language); };
    const std::string name = readable ? in_words(text_in(item, "name")) : replace_all(text_in(item, "id"), "_", " ");
    const std::string words = readable && !reason.empty() ? in_words(reason) : "";
    lines.push_back(zh ? fmt::format("图像质量{}：{}{}。", verdict == "poor" ? "差" : "受限", name, words.empty() ? "" : "，" + words)
                       : fmt::format("Image quality {}: {}{}.", verdict, name, words.empty() ? "" : ", " + words));
  }
  std::int64_t left_out = 0;
  for (const Json& series : list_in(study, "series", "a study")) {
    left_out += series.is_object() && series.contains("used") && series["used"].is_boolean() && !series["used"].get<bool>() ? 1 : 0;
  }
  if (left_out > 0) {
    lines.push_back(zh ? fmt::format("另有 {} 个序列未分析。", left_out)
                       : fmt::format("{} not analysed.", wording::count(left_out, "other series was", "other series were")));
  }
  return join(lines, "\n");
}

}  // namespace

std::string impression(const Json& summary, std::string_view language) {
  const bool zh = language == "zh";
  const Json& studies = list_in(summary, "studies", "it");
  if (studies.empty()) throw Error(ErrorCode::not_possible, "summary: must hold at least one study; it holds none");
  const bool same_language = text_in(summary, "language") == language || (text_in(summary, "language").empty() && !zh);
  std::string text;
  for (const Json& study : studies) {
    if (studies.size() > 1) {
      const std::string uid = wording::short_uid(text_in(study, "study_uid"));
      text += zh ? fmt::format("检查 {}\n", uid) : fmt::format("Study {}\n", uid);
    }
    text += study_text(study, language, same_language) + "\n";
  }
  text += zh ? "仅检索了以上所列内容；其余既未发现，也未排除。\n"
             : "Only what is named above was searched for; anything else is neither found nor excluded.\n";
  return text + std::string(not_a_medical_device(language)) + "\n";
}

}  // namespace gantry::report
