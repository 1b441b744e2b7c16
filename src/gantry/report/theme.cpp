// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/theme.h"

#include "gantry/base/text.h"

namespace gantry::report {

namespace {

double luminance(const Color& color) {
  std::array<double, 3> linear{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double v = color[c] / 255.0;
    linear[c] = v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  }
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

constexpr FrameWords english{"At a glance",
                             "Key images",
                             "Measurements",
                             "Distributions and curves",
                             "What was not analysed, and why",
                             "How sure this is",
                             "Methods",
                             "References",
                             "Usual range and this patient",
                             "usual",
                             "this patient",
                             "Nothing could be measured in this study.",
                             "Page",
                             "of",
                             "Image"};
constexpr FrameWords chinese{"要点",
                             "关键图像",
                             "测量结果",
                             "分布与曲线",
                             "未分析的内容及原因",
                             "结果的可靠程度",
                             "方法",
                             "参考文献",
                             "常见范围与本例",
                             "常见",
                             "本例",
                             "本次检查没有可以测量的内容。",
                             "第",
                             "/",
                             "图"};

}  // namespace

double contrast(const Color& a, const Color& b) {
  const double la = luminance(a);
  const double lb = luminance(b);
  return (std::max(la, lb) + 0.05) / (std::min(la, lb) + 0.05);
}

std::string hex(const Color& color) { return fmt::format("#{:02x}{:02x}{:02x}", color[0], color[1], color[2]); }

const FrameWords& frame_words(std::string_view language) { return language == "zh" ? chinese : english; }

std::string plain(std::string_view text) {
  const std::string valid = to_valid_utf8(text);
  std::string result;
  result.reserve(valid.size());
  for (std::size_t n = 0; n < valid.size(); ++n) {
    const auto c = static_cast<unsigned char>(valid[n]);
    if (c < 0x20) {
      if (c == '\n' || c == '\t') result += ' ';
      continue;
    }
    if (c == 0x7f) continue;
    if (c == 0xc2 && n + 1 < valid.size() && static_cast<unsigned char>(valid[n + 1]) < 0xa0) {  // C1 controls
      ++n;
      continue;
    }
    if (c == 0xe2 && n + 2 < valid.size()) {
      const auto second = static_cast<unsigned char>(valid[n + 1]);
      const auto third = static_cast<unsigned char>(valid[n + 2]);
      const bool marks = second == 0x80 && (third == 0x8e || third == 0x8f || (third >= 0xa8 && third <= 0xae));
      const bool isolates = second == 0x81 && third >= 0xa6 && third <= 0xa9;
      if (marks || isolates) {
        n += 2;
        continue;
      }
    }
    result += valid[n];
  }
  return result;
}

std::size_t bold_bytes(std::string_view text) {
  std::size_t end = std::min(text.find(": "), text.find("："));
  if (end == std::string_view::npos) return 0;
  const std::string_view head = text.substr(0, end);
  const std::size_t bracket = std::min(head.find(" ("), head.find("（"));
  if (bracket != std::string_view::npos && bracket > 0) end = bracket;
  return end;
}

}  // namespace gantry::report
