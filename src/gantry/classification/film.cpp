// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/classification/film.h"

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/visualization/figure.h"

namespace gantry::classification {

namespace {

std::string stated(const dicom::Header& header, std::string_view keyword) { return std::string(trim(header.text(keyword).value_or(""))); }

std::optional<std::array<int, 3>> date_of(std::string_view text) {
  if (text.size() != 8) return std::nullopt;
  const auto year = parse_integer(text.substr(0, 4)), month = parse_integer(text.substr(4, 2)), day = parse_integer(text.substr(6, 2));
  if (!year || !month || !day || *year < 1850 || *month < 1 || *month > 12 || *day < 1 || *day > 31) return std::nullopt;
  return std::array{static_cast<int>(*year), static_cast<int>(*month), static_cast<int>(*day)};
}

std::vector<std::string> words_of(const Json& scope, const char* key) {
  std::vector<std::string> words;
  if (!scope.contains(key)) return words;
  for (const Json& word : bundle::member(scope, key, Json::value_t::array)) {
    if (!word.is_string()) throw Error(ErrorCode::unreadable, fmt::format("manifest: scope: {}: must hold texts", key));
    words.push_back(word);
  }
  return words;
}

bool holds(const std::vector<std::string>& words, const std::string& word) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& one) { return lower(one) == lower(word); });
}

std::string outside_body(const std::vector<std::string>& parts, const dicom::Header& header) {
  const std::string allowed = join(parts, ", ");
  if (const std::string part = stated(header, "BodyPartExamined"); !part.empty())
    return holds(parts, part) ? "" : fmt::format("the body part must be one of {}; it is {}", allowed, part);
  std::string descriptions;
  for (const char* keyword : {"SeriesDescription", "StudyDescription", "ProtocolName"})
    descriptions += " " + lower(stated(header, keyword));
  const bool named =
      std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return descriptions.find(lower(part)) != std::string::npos; });
  return named ? "" : fmt::format("the body part must be one of {}; the header states none", allowed);
}

std::string outside_age(const Json& limits, const dicom::Header& header) {
  if (limits.size() != 2 || !limits[0].is_number() || !limits[1].is_number())
    throw Error(ErrorCode::unreadable, "manifest: scope: age_years must hold two numbers");
  const double first = limits[0].get<double>(), last = limits[1].get<double>();
  const std::string rule = fmt::format("the patient must be {} to {} years old", first, last);
  const auto age = age_years(header);
  if (!age) return rule + "; the header states no age";
  const double years = std::floor(*age);
  return years >= first && years <= last ? "" : fmt::format("{}; the age is {}", rule, years);
}

}  // namespace

std::optional<double> age_years(const dicom::Header& header) {
  const std::string age = stated(header, "PatientAge");
  if (age.size() == 4) {
    const auto number = parse_integer(std::string_view(age).substr(0, 3));
    if (number && *number >= 0) {
      const auto count = static_cast<double>(*number);
      if (age[3] == 'Y') return count;
      if (age[3] == 'M') return count / 12;
      if (age[3] == 'W') return count * 7 / 365.25;
      if (age[3] == 'D') return count / 365.25;
    }
  }
  const auto birth = date_of(stated(header, "PatientBirthDate")), study = date_of(stated(header, "StudyDate"));
  if (!birth || !study || *birth > *study) return std::nullopt;
  const auto& [year, month, day] = *birth;
  const double months = 12.0 * ((*study)[0] - year) + ((*study)[1] - month) - ((*study)[2] < day ? 1 : 0);
  return months / 12;
}

std::string out_of_scope(const Json& scope, const dicom::Header& header) {
  if (!scope.is_object() || scope.empty()) return "the model states no scope";
  if (header.empty()) return "there is no header that states what the image is";
  const auto modalities = words_of(scope, "modalities"), parts = words_of(scope, "body_parts"), views = words_of(scope, "views");
  if (const std::string modality = stated(header, "Modality"); !modalities.empty() && !holds(modalities, modality))
    return fmt::format("the modality must be one of {}; it is {}", join(modalities, ", "), modality.empty() ? "not stated" : modality);
  if (!parts.empty()) {
    if (const std::string reason = outside_body(parts, header); !reason.empty()) return reason;
  }
  if (const std::string view = stated(header, "ViewPosition"); !views.empty() && !holds(views, view))
    return fmt::format("the view must be one of {}; {}", join(views, ", "), view.empty() ? "the header states none" : "it is " + view);
  if (scope.contains("age_years")) return outside_age(scope["age_years"], header);
  return {};
}

void require_scope(const bundle::Bundle& bundle, const dicom::Header& header) {
  const auto description = bundle.manifest.find("description");
  const bool has = description != bundle.manifest.end() && description->is_object() && description->contains("scope");
  if (const std::string reason = out_of_scope(has ? (*description)["scope"] : Json::object(), header); !reason.empty())
    throw Error(ErrorCode::not_possible, fmt::format("model {}: {}", bundle.name, reason));
}

Image film_picture(const dicom::Header& header, const Image& image) {
  if (image.empty() || image.grid().size(2) != 1 || image.frames() != 1 || is_complex(image.type()))
    throw Error(ErrorCode::refused, "image: must be one two-dimensional picture");
  if (image.components() > 1) return image;
  const VoxelView<float> view = image.as<float>();
  std::vector<float> values;
  for (const float v : view.values()) {
    if (std::isfinite(v)) values.push_back(v);
  }
  std::sort(values.begin(), values.end());
  if (values.empty() || values.front() == values.back())
    throw Error(ErrorCode::refused, "image: must have different values; every pixel has the same");
  const auto quantile = [&](double share) { return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))]; };
  double low = quantile(0.005), high = quantile(0.995);
  const auto centre = header.number("WindowCenter"), width = header.number("WindowWidth");
  if (centre && width && *width >= 1 && std::isfinite(*centre)) {
    low = *centre - *width / 2;
    high = *centre + *width / 2;
  }
  if (!(high > low)) low = values.front(), high = values.back();
  const bool inverted = stated(header, "PhotometricInterpretation") == "MONOCHROME1";
  auto picture = Voxels<std::uint8_t>::uninitialized(Grid({image.grid().size(0), image.grid().size(1), 1}));
  for (std::int64_t n = 0; n < picture.count(); ++n) {
    const double value = std::isfinite(view[n]) ? view[n] : low;
    const double part = std::clamp((value - low) / (high - low), 0.0, 1.0);
    picture[n] = static_cast<std::uint8_t>(std::lround(255 * (inverted ? 1 - part : part)));
  }
  return picture;
}

Image explanation_figure(const Image& picture, const learning::PictureAnswer& answer, const learning::PictureInput& input, int width_px,
                         const Run& run) {
  FigureSpec spec;
  spec.window = {127.5, 255, "", ColorMap::grey};
  spec.crop_to_body = false;
  spec.annotations = false;
  spec.width_px = width_px;
  spec.max_height_px = width_px;
  const Size3 size = picture.grid().size();
  const Image flat = picture.on(Grid({size[0], size[1], 1}));
  if (answer.explanation.empty()) return figure(flat, nullptr, spec, run);
  // The network saw the largest centred part of its own aspect.
  const double step = std::min(static_cast<double>(size[0]) / input.columns, static_cast<double>(size[1]) / input.rows);
  const auto first = [&](std::int64_t whole, int count) { return (static_cast<double>(whole) - step * count) / 2 + step / 2 - 0.5; };
  Voxels<float> map(Grid({input.columns, input.rows, 1}, {step, step, 1}, {first(size[0], input.columns), first(size[1], input.rows), 0}));
  std::copy(answer.explanation.begin(), answer.explanation.end(), map.data());
  const Image heat(std::move(map));
  spec.fused = &heat;
  spec.fused_window = {0.65, 0.9, "", ColorMap::hot};  // from 0.2, so that faint parts stay grey
  return figure(flat, nullptr, spec, run);
}

}  // namespace gantry::classification
