// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/segmentation_model.h"

#include "gantry/base/error.h"
#include "gantry/learning/tiles.h"
#include "gantry/learning/trained_bundle.h"
#include "gantry/learning/volume_model.h"
#include "gantry/volume/resample.h"

namespace gantry::learning {

namespace {

constexpr const char* architecture_kind = "u_net";

SegmenterDesign parse_design(const Json& json, int channels, int classes) {
  if (const std::string kind = bundle::member(json, "kind", Json::value_t::string); kind != architecture_kind)
    throw Error(ErrorCode::unreadable,
                fmt::format("manifest: architecture: kind must be {}; got {}", architecture_kind, Json(kind).dump()));
  SegmenterDesign design{.channels = channels, .classes = classes, .widths = {}};
  const Json& widths = bundle::member(json, "widths", Json::value_t::array);
  if (widths.empty() || widths.size() > 6) throw Error(ErrorCode::unreadable, "manifest: architecture: widths: must be 1 to 6 numbers");
  for (const Json& width : widths) design.widths.push_back(bundle::whole_member(Json{{"widths", width}}, "widths", 1, 512));
  design.block = bundle::whole_member(json, "block", 1, 4);
  return design;
}

/// Colours that differ, for classes that state none.
std::vector<bundle::NetworkClass> coloured(const std::vector<std::string>& names) {
  static constexpr std::array<std::array<int, 3>, 6> palette{
      {{230, 159, 0}, {86, 180, 233}, {0, 158, 115}, {240, 228, 66}, {213, 94, 0}, {204, 121, 167}}};  // Okabe and Ito 2008
  std::vector<bundle::NetworkClass> classes{{names[0], {0, 0, 0}}};
  for (std::size_t n = 1; n < names.size(); ++n) classes.push_back({names[n], palette[(n - 1) % palette.size()]});
  return classes;
}

}  // namespace

bool holds_segmenter(const bundle::Bundle& bundle) {
  const Json architecture = bundle.manifest.value("architecture", Json());
  return bundle.task == "segmentation" && architecture.is_object() && architecture.value("kind", Json()) == architecture_kind;
}

SegmentationModel::SegmentationModel(const Path& folder, Device device) : bundle_(bundle::open_bundle(folder)) {
  with_context(bundle_.name, [&] {
    if (bundle_.task != "segmentation") throw Error(ErrorCode::refused, "bundle: must be of the task segmentation; is of " + bundle_.task);
    const Json& manifest = bundle_.manifest;
    classes_ = class_names(manifest, 256);
    const Json &input = bundle::member(manifest, "input", Json::value_t::object),
               &architecture = bundle::member(manifest, "architecture", Json::value_t::object);
    const SegmenterDesign design =
        parse_design(architecture, bundle::whole_member(input, "channels", 1, 64), static_cast<int>(classes_.size()));
    plan_ = parse_volume_plan(input, design.divisor());
    segmenter_ = engine().segmenter(design, device);
    segmenter_->set_weights(weights_of(bundle_));
  });
}

Voxels<std::uint8_t> segment_canonical(const Segmenter& segmenter, int classes, const VolumePlan& plan, const Voxels<float>& image,
                                       Run& run) {
  const Voxels<float> prepared = prepare_volume(image, plan, run);
  LabelsOnGrid labels(prepared.grid(), image.grid(), classes, run);
  run_tiles(segmenter, classes, prepared, plan.patch, run, [&](std::int64_t k, std::span<const float> scores) { labels.take(k, scores); });
  return std::move(labels).labels();
}

Voxels<std::uint8_t> SegmentationModel::classes_of(const Voxels<float>& image, Run& run) const {
  return segment_canonical(*segmenter_, static_cast<int>(classes_.size()), plan_, image, run);
}

Labels SegmentationModel::segment(const Image& image, Run& run) const {
  auto labels = from_canonical<std::uint8_t>(classes_of(canonical_channels(image), run), image.grid());
  return {Image(std::move(labels)), label_table(coloured(classes_), bundle_.id())};
}

double dice_of(std::span<const std::uint8_t> given, std::span<const std::uint8_t> truth, std::uint8_t label) {
  std::int64_t shared = 0, all = 0;
  for (std::size_t n = 0; n < truth.size(); ++n) {
    const bool a = given[n] == label, b = truth[n] == label;
    shared += a && b;
    all += static_cast<int>(a) + static_cast<int>(b);
  }
  return all ? 2 * static_cast<double>(shared) / static_cast<double>(all) : std::nan("");
}

Json score_segmentations(const std::vector<std::string>& classes, const std::vector<std::string>& names,
                         const std::vector<std::vector<double>>& dice, const Run& run) {
  constexpr int bootstraps = 1000;
  const auto rounded = [](double v) { return std::isfinite(v) ? Json(std::round(v * 1e4) / 1e4) : Json(); };
  const auto mean_of = [&](const std::vector<std::size_t>& cases, std::size_t c) {
    double sum = 0;
    int count = 0;
    for (const std::size_t n : cases)
      if (std::isfinite(dice[n][c])) sum += dice[n][c], ++count;
    return count ? sum / count : std::nan("");
  };
  std::vector<std::size_t> all(dice.size());
  for (std::size_t n = 0; n < all.size(); ++n) all[n] = n;
  // Column `parts` is the mean of the classes.
  const std::size_t parts = classes.size() - 1;
  const auto row_of = [&](const std::vector<std::size_t>& cases) {
    std::vector<double> row;
    double sum = 0;
    int count = 0;
    for (std::size_t c = 0; c < parts; ++c) {
      row.push_back(mean_of(cases, c));
      if (std::isfinite(row.back())) sum += row.back(), ++count;
    }
    row.push_back(count ? sum / count : std::nan(""));
    return row;
  };
  std::vector<std::vector<double>> drawn(parts + 1);
  for (int b = 0; b < bootstraps; ++b) {
    Random random(run.seed(), static_cast<std::uint64_t>(b));
    std::vector<std::size_t> cases(all.size());
    for (std::size_t& n : cases) n = static_cast<std::size_t>(random.next_integer(0, static_cast<std::int64_t>(all.size()) - 1));
    const auto row = row_of(cases);
    for (std::size_t c = 0; c <= parts; ++c)
      if (std::isfinite(row[c])) drawn[c].push_back(row[c]);
  }
  const auto interval = [&](std::size_t c) {
    auto& values = drawn[c];
    if (values.empty()) return Json();
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) { return rounded(values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))]); };
    return Json::array({at(0.025), at(0.975)});
  };
  const auto row = row_of(all);
  Json structures = Json::object(), cases = Json::object();
  for (std::size_t c = 0; c < parts; ++c) {
    int count = 0;
    double least = 1;
    for (const auto& of_case : dice)
      if (std::isfinite(of_case[c])) ++count, least = std::min(least, of_case[c]);
    structures[classes[c + 1]] = {
        {"cases", count}, {"dice", rounded(row[c])}, {"dice_interval", interval(c)}, {"least", count ? rounded(least) : Json()}};
  }
  for (std::size_t n = 0; n < names.size(); ++n) {
    Json& one = cases[names[n]] = Json::array();
    for (const double value : dice[n]) one.push_back(rounded(value));
  }
  return {{"cases", dice.size()},
          {"dice", rounded(row[parts])},
          {"dice_interval", interval(parts)},
          {"structures", structures},
          {"dice_of_cases", cases}};
}

Json evaluate_segmentation(const SegmentationModel& model, const VolumeSet& set, const std::string& part, Run& run) {
  if (set.classes.size() != model.classes().size())
    throw Error(ErrorCode::refused,
                fmt::format("data set: must have the {} classes of the model; has {}", model.classes().size(), set.classes.size()));
  std::vector<std::string> names;
  std::vector<std::vector<double>> dice;
  const std::vector<std::size_t> cases = cases_of_part(model.bundle().manifest, set, part);
  for (std::size_t n = 0; n < cases.size(); ++n) {
    const VolumeCase& one = set.cases[cases[n]];
    const auto count = static_cast<double>(cases.size());
    Run share = run.part(static_cast<double>(n) / count, static_cast<double>(n + 1) / count, one.name);
    const auto given = with_context(one.name, [&] { return model.classes_of(one.image, share); });
    names.push_back(one.name);
    dice.emplace_back();
    for (std::size_t c = 1; c < set.classes.size(); ++c)
      dice.back().push_back(dice_of(given.values(), one.labels.values(), static_cast<std::uint8_t>(c)));
  }
  return score_segmentations(model.classes(), names, dice, run);
}

}  // namespace gantry::learning
