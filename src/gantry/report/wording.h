// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/image/finding.h"
#include "gantry/report/document.h"

namespace gantry::wording {

/// The same text in both languages.
Words same(std::string text);

/// A number rounded to `significant` digits, but never to fewer than its whole part: 0.0123, 4.56, 137, 1126, 12 345 (thin space from five
/// digits). Trailing zeros within the significant digits stay, so that columns show equal precision: 44.0. The minus is U+2212. Values that
/// are not finite give "–".
std::string number(double value, int significant = 3);
/// A number with a fixed count of decimals, 0 to 9.
std::string fixed(double value, int decimals);
/// How many decimals an interval of this half width justifies, at most `most`: two of its digits when they lie below 36, else one (the
/// Particle Data Group's rule).
int decimals_for(double half_width, int most = 3);

/// A UCUM unit as people write it: "[hnsf'U]" is HU, "mm2" is mm², "{SUVbw}g/ml" is SUV, "1" is nothing. Unknown units stay as they are.
std::string unit(std::string_view ucum);

/// "479 mL", "29 %", "0.93"; a no-break space before the unit.
std::string quantity(double value, std::string_view ucum, int significant = 3);
/// "(465 to 493)"; "（465～493）" in Chinese. Both ends have the same decimals.
std::string interval(const std::array<double, 2>& ends, std::string_view language);
/// "465 to 493 mL"; "465～493 mL" in Chinese.
std::string range(double low, double high, std::string_view ucum, std::string_view language);
/// "479 mL (465 to 493)": the value has the decimals that its interval justifies.
std::string measured(double value, const std::optional<std::array<double, 2>>& interval, std::string_view ucum, std::string_view language);
Words measured(double value, const std::optional<std::array<double, 2>>& interval, std::string_view ucum);
/// The value of a finding as `measured`; without one its reason, or "not measured".
Words measured(const Finding& finding);
/// "> 1126 mL": a structure that is cut off.
std::string lower_bound(double value, std::string_view ucum);

/// "a, b and c"; "a、b和c".
std::string list(const std::vector<std::string>& items, std::string_view language);
/// "Image 2", "Images 2, 3"; "图 2、3".
std::string images(const std::vector<int>& numbers, std::string_view language);
/// "3 nodules", "1 nodule": `one` and `many` are the English forms.
std::string count(std::int64_t number, std::string_view one, std::string_view many);
/// "▲ Look first", "● Note", "○ Usual" in the language; empty for `none`.
std::string attention(Attention attention, std::string_view language);

/// A DICOM date (20260314, or 2026.03.14) as 2026-03-14; empty when it is none.
std::string date(std::string_view dicom);
/// A DICOM age (063Y, 010M, 003W, 012D) as "63 y" or "63 岁"; empty when it is none.
std::string age(std::string_view dicom, std::string_view language);
/// The end of a UID that is enough to tell studies apart: "…4711" (a word joiner keeps the dots with the digits).
std::string short_uid(std::string_view uid);

}  // namespace gantry::wording
