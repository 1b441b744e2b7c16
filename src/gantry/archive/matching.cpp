// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/matching.h"

#include <fmt/format.h>

#include <algorithm>

#include "gantry/archive/attributes.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

bool has_wildcards(std::string_view vr) {
  static constexpr std::string_view list = "AE CS LO LT PN SH ST UC UR UT";
  return list.find(vr) != std::string_view::npos;
}

/// `*` and `?` mean the same to GLOB; a bracket must not.
std::string glob(std::string_view pattern) { return replace_all(std::string(pattern), "[", "[[]"); }

bool is_pattern(std::string_view value) { return value.find_first_of("*?") != std::string_view::npos; }

class Builder {
 public:
  explicit Builder(const Query& query) : query_(query) {}

  void key(const IndexedAttribute& attribute, std::string_view value) {
    const std::string column = fmt::format("{}.{}", table(attribute.level), attribute.keyword);
    if (attribute.keyword == "ModalitiesInStudy" || attribute.keyword == "SOPClassesInStudy") {
      const bool modality = attribute.keyword == "ModalitiesInStudy";
      condition_.sql += modality ? " AND EXISTS (SELECT 1 FROM series AS other WHERE other.study = study.id AND "
                                 : " AND EXISTS (SELECT 1 FROM series AS s JOIN instance AS other ON other.series = s.id"
                                   " WHERE s.study = study.id AND ";
      alternatives(modality ? "other.Modality" : "other.SOPClassUID", "CS", value);
      condition_.sql += ")";
    } else if (attribute.computed && attribute.keyword.starts_with("Number")) {
      return;  // counts are returned, not matched
    } else {
      condition_.sql += " AND ";
      alternatives(column, attribute.vr, value);
    }
  }

  Condition finish() { return std::move(condition_); }

 private:
  static std::string_view table(Level level) { return level == Level::series ? "series" : level == Level::instance ? "instance" : "study"; }

  void parameter(std::string text) { condition_.parameters.push_back(std::move(text)); }

  void alternatives(const std::string& column, std::string_view vr, std::string_view value) {
    const std::vector<std::string> values = split(value, '\\');
    if (values.size() > 4096) throw Error(ErrorCode::parameter, fmt::format("query: at most 4096 values a key; got {}", values.size()));
    condition_.sql += "(";
    if (vr == "UI") {
      condition_.sql += column + " IN (";
      for (std::size_t n = 0; n < values.size(); ++n) {
        condition_.sql += n == 0 ? "?" : ",?";
        parameter(std::string(trim(values[n])));
      }
      condition_.sql += ")";
    } else {
      for (std::size_t n = 0; n < values.size(); ++n) {
        if (n > 0) condition_.sql += " OR ";
        one(column, vr, trim(values[n]));
      }
    }
    condition_.sql += ")";
  }

  void one(const std::string& column, std::string_view vr, std::string_view value) {
    if (vr == "DA" || vr == "TM") {
      range(column, vr, value);
    } else if (vr == "PN") {
      name(column, value);
    } else if (vr == "IS" || vr == "US") {
      condition_.sql += fmt::format("CAST({} AS INTEGER) = CAST(? AS INTEGER)", column);
      parameter(std::string(value));
    } else if (column == "instance.ImageType" || column == "study.OtherPatientIDs") {
      // Several values: the key may equal any of them.
      condition_.sql += fmt::format(R"(('\' || {} || '\') GLOB ?)", column);
      parameter("*\\" + glob(value) + "\\*");
    } else if (has_wildcards(vr) && is_pattern(value)) {
      // Any value matches, also an absent one, for an asterisk alone.
      condition_.sql += value == "*" ? "1" : column + " GLOB ?";
      if (value != "*") parameter(glob(value));
    } else {
      condition_.sql += column + " = ?";
      parameter(std::string(value));
    }
  }

  void range(const std::string& column, std::string_view vr, std::string_view value) {
    std::string text(value);
    std::erase(text, vr == "DA" ? '.' : ':');
    for (const char c : text) {
      if (!(c >= '0' && c <= '9') && c != '-' && !(vr == "TM" && c == '.')) {
        throw Error(ErrorCode::parameter, fmt::format("query: a {} must be digits, alone or as a range A-B", vr == "DA" ? "date" : "time"));
      }
    }
    const std::size_t dash = text.find('-');
    if (dash == std::string::npos) {
      // A time of less precision stands for the span that it leaves open.
      condition_.sql += vr == "DA" ? column + " = ?" : column + " GLOB ?";
      parameter(vr == "DA" ? text : text + "*");
      return;
    }
    const std::string low = text.substr(0, dash), high = text.substr(dash + 1);
    if (high.find('-') != std::string::npos || (low.empty() && high.empty())) {
      throw Error(ErrorCode::parameter, "query: a range must be A-B, A- or -B");
    }
    condition_.sql += fmt::format("{} <> ''", column);
    if (!low.empty()) {
      condition_.sql += fmt::format(" AND {} >= ?", column);
      parameter(low);
    }
    if (!high.empty()) {
      condition_.sql += fmt::format(" AND {} <= ?", column);
      parameter(high + "~");  // with everything that is more precise
    }
  }

  void name(const std::string& column, std::string_view value) {
    const std::string key = column + "_folded";
    const std::string folded = folded_name(value);
    if (query_.fuzzy_names) {
      std::string words = folded;
      for (char& c : words) c = c == '^' || c == '=' || c == ',' || c == '*' ? ' ' : c;
      bool any = false;
      for (const std::string& word : split(words, ' ')) {
        if (word.empty()) continue;
        condition_.sql += fmt::format("{}(' ' || replace(replace({}, '^', ' '), '=', ' ')) GLOB ?", any ? " AND " : "", key);
        parameter("* " + glob(word) + "*");
        any = true;
      }
      if (!any) condition_.sql += "1";
      return;
    }
    if (folded == "*") {
      condition_.sql += "1";
      return;
    }
    // A key without "=" may match any of the three groups of the name.
    if (!is_pattern(folded)) {
      condition_.sql += fmt::format("{} = ? OR ('=' || {} || '=') GLOB ?", key, key);
      parameter(folded);
    } else {
      condition_.sql += fmt::format("{} GLOB ? OR ('=' || {} || '=') GLOB ?", key, key);
      parameter(glob(folded));
    }
    parameter("*=" + glob(folded) + "=*");
  }

  const Query& query_;
  Condition condition_;
};

}  // namespace

Condition condition_of(const Query& query) {
  if (query.match.size() > 256) throw Error(ErrorCode::parameter, fmt::format("query: at most 256 keys; got {}", query.match.size()));
  Builder builder(query);
  for (const auto& [name, value] : query.match) {
    const auto tag = dicom::tag_of(name);
    if (!tag) throw Error(ErrorCode::parameter, "query: a key must be a keyword or a tag; got " + to_valid_utf8(name.substr(0, 64)));
    const IndexedAttribute* attribute = indexed_attribute(*tag);
    if (!attribute || trim(value).empty() || attribute->level > query.level) continue;
    builder.key(*attribute, value);
  }
  return builder.finish();
}

}  // namespace gantry::archive
