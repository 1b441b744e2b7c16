// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/wording.h"

#include "gantry/base/text.h"

namespace gantry::wording {

namespace {

constexpr std::string_view no_break_space = "\u00a0";
constexpr std::string_view narrow_space = "\u202f";

bool is_chinese(std::string_view language) { return language == "zh"; }

struct UnitName {
  std::string_view ucum, shown;
};
constexpr std::array unit_names{
    UnitName{"1", ""},
    UnitName{"{ratio}", ""},
    UnitName{"[hnsf'U]", "HU"},
    UnitName{"ml", "mL"},
    UnitName{"mm2", "mm²"},
    UnitName{"cm2", "cm²"},
    UnitName{"mm3", "mm³"},
    UnitName{"cm3", "cm³"},
    UnitName{"mg/cm3", "mg/cm³"},
    UnitName{"kg/m2", "kg/m²"},
    UnitName{"{SUVbw}g/ml", "SUV"},
    UnitName{"{SUVlbm}g/ml", "SUL"},
    UnitName{"{SUVbsa}cm2/ml", "SUVbsa"},
    UnitName{"g/ml", "g/mL"},
    UnitName{"Bq/ml", "Bq/mL"},
    UnitName{"kBq/ml", "kBq/mL"},
    UnitName{"deg", "°"},
    UnitName{"um", "µm"},
    UnitName{"[arb'U]", "a.u."},
};

/// Digits of the whole part in groups of three, from five digits on.
std::string grouped(std::string text) {
  const std::size_t begin = text.starts_with('-') ? 1 : 0;
  const std::size_t end = std::min(text.find('.'), text.size());
  if (end - begin >= 5) {
    for (std::size_t at = end; at > begin + 3;) {
      at -= 3;
      text.insert(at, narrow_space);
    }
  }
  if (begin == 1) text.replace(0, 1, "\u2212");
  return text;
}

std::string with_unit(std::string text, std::string_view ucum) {
  const std::string shown = unit(ucum);
  if (shown.empty()) return text;
  return text + (shown == "°" ? "" : std::string(no_break_space)) + shown;
}

}  // namespace

Words same(std::string text) { return {text, text}; }

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return "–";
  if (std::abs(value) >= 1e15) return replace_all(fmt::format("{:.2e}", value), "-", "\u2212");
  std::string text = fmt::format("{:.{}f}", value, std::clamp(decimals, 0, 9));
  if (text.starts_with('-') && text.find_first_not_of("-0.") == std::string::npos) text.erase(0, 1);
  return grouped(std::move(text));
}

std::string number(double value, int significant) {
  if (!std::isfinite(value) || value == 0) return fixed(value, 0);
  if (std::abs(value) < 1e-6) return replace_all(fmt::format("{:.{}e}", value, std::max(0, significant - 1)), "-", "\u2212");
  int decimals = significant - 1 - static_cast<int>(std::floor(std::log10(std::abs(value))));
  // 9.996 to three digits is 10.0, not 10.00.
  const double scale = std::pow(10.0, decimals);
  const double rounded = std::round(std::abs(value) * scale) / scale;
  if (rounded > 0) decimals = significant - 1 - static_cast<int>(std::floor(std::log10(rounded) + 1e-12));
  return fixed(value, std::max(0, decimals));
}

int decimals_for(double half_width, int most) {
  if (!(half_width > 0) || !std::isfinite(half_width)) return 0;
  const double power = std::floor(std::log10(half_width));
  const double lead = half_width / std::pow(10.0, power);
  return std::clamp((lead < 3.55 ? 1 : 0) - static_cast<int>(power), 0, most);
}

std::string unit(std::string_view ucum) {
  for (const UnitName& name : unit_names) {
    if (name.ucum == ucum) return std::string(name.shown);
  }
  return std::string(ucum);
}

std::string quantity(double value, std::string_view ucum, int significant) { return with_unit(number(value, significant), ucum); }

std::string interval(const std::array<double, 2>& ends, std::string_view language) {
  const int decimals = decimals_for(std::abs(ends[1] - ends[0]) / 2);
  const std::string low = fixed(ends[0], decimals);
  const std::string high = fixed(ends[1], decimals);
  return is_chinese(language) ? "（" + low + "～" + high + "）" : "(" + low + " to " + high + ")";
}

std::string range(double low, double high, std::string_view ucum, std::string_view language) {
  const auto decimals_of = [](double value) {
    for (int decimals = 0; decimals < 3; ++decimals) {
      const double scale = std::pow(10.0, decimals);
      if (std::abs(std::round(value * scale) - value * scale) < 1e-9 * std::max(1.0, std::abs(value * scale))) return decimals;
    }
    return 3;
  };
  const int decimals = std::max(decimals_of(low), decimals_of(high));
  const std::string between = is_chinese(language) ? "～" : " to ";
  return with_unit(fixed(low, decimals) + between + fixed(high, decimals), ucum);
}

std::string measured(double value, const std::optional<std::array<double, 2>>& ends, std::string_view ucum, std::string_view language) {
  if (!std::isfinite(value)) return is_chinese(language) ? "未测得" : "not measured";
  if (!ends || !std::isfinite((*ends)[0]) || !std::isfinite((*ends)[1])) return quantity(value, ucum);
  const int decimals = decimals_for(std::abs((*ends)[1] - (*ends)[0]) / 2);
  const std::string text = with_unit(fixed(value, decimals), ucum);
  return is_chinese(language) ? text + interval(*ends, language) : text + " " + interval(*ends, language);
}

Words measured(double value, const std::optional<std::array<double, 2>>& ends, std::string_view ucum) {
  return {measured(value, ends, ucum, "en"), measured(value, ends, ucum, "zh")};
}

Words measured(const Finding& finding) {
  if (finding.value) return measured(*finding.value, finding.interval, finding.unit);
  if (!finding.reason.empty()) return same(finding.reason);
  return {"not measured", "未测得"};
}

std::string lower_bound(double value, std::string_view ucum) { return ">" + std::string(no_break_space) + quantity(value, ucum); }

std::string list(const std::vector<std::string>& items, std::string_view language) {
  const bool zh = is_chinese(language);
  std::string text;
  for (std::size_t n = 0; n < items.size(); ++n) {
    if (n > 0) text += n + 1 == items.size() ? (zh ? "和" : " and ") : (zh ? "、" : ", ");
    text += items[n];
  }
  return text;
}

std::string images(const std::vector<int>& numbers, std::string_view language) {
  if (numbers.empty()) return {};
  std::string text = is_chinese(language) ? "图" : numbers.size() == 1 ? "Image" : "Images";
  for (std::size_t n = 0; n < numbers.size(); ++n) {
    text += n == 0 ? std::string(no_break_space) : std::string(is_chinese(language) ? "、" : ", ");
    text += std::to_string(numbers[n]);
  }
  return text;
}

std::string count(std::int64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{}{}{}", number, no_break_space, number == 1 ? one : many);
}

std::string attention(Attention attention, std::string_view language) {
  const bool zh = is_chinese(language);
  switch (attention) {
    case Attention::look_first:
      return zh ? "▲ 先看" : "▲ Look first";
    case Attention::note:
      return zh ? "● 留意" : "● Note";
    case Attention::usual:
      return zh ? "○ 寻常" : "○ Usual";
    default:
      return {};
  }
}

std::string date(std::string_view dicom) {
  const std::string digits = replace_all(replace_all(std::string(trim(dicom)), ".", ""), "-", "");
  if (digits.size() < 8 || !std::all_of(digits.begin(), digits.begin() + 8, [](char c) { return c >= '0' && c <= '9'; })) return {};
  const int month = std::stoi(digits.substr(4, 2));
  const int day = std::stoi(digits.substr(6, 2));
  if (month < 1 || month > 12 || day < 1 || day > 31) return {};
  return digits.substr(0, 4) + "-" + digits.substr(4, 2) + "-" + digits.substr(6, 2);
}

std::string age(std::string_view dicom, std::string_view language) {
  const std::string_view text = trim(dicom);
  if (text.size() < 2 || text.size() > 4) return {};
  const auto number = parse_integer(text.substr(0, text.size() - 1));
  if (!number || *number < 0) return {};
  const bool zh = is_chinese(language);
  std::string_view word;
  switch (text.back()) {
    case 'Y':
      word = zh ? "岁" : "y";
      break;
    case 'M':
      word = zh ? "个月" : "months";
      break;
    case 'W':
      word = zh ? "周" : "weeks";
      break;
    case 'D':
      word = zh ? "天" : "days";
      break;
    default:
      return {};
  }
  return fmt::format("{}{}{}", *number, no_break_space, word);
}

std::string short_uid(std::string_view uid) {
  const std::string_view text = trim(uid);
  return text.size() <= 10 ? std::string(text) : "…\u2060" + std::string(text.substr(text.size() - 6));
}

}  // namespace gantry::wording
