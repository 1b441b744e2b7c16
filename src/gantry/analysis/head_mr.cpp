// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/head_mr.h"

#include <algorithm>
#include <cmath>

#include "gantry/analysis/head_mr_hippocampus.h"
#include "gantry/analysis/head_mr_skull.h"
#include "gantry/analysis/head_mr_words.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis {

namespace {

/// T1-weighted images have dark fluid inside the brain and white matter brighter than grey: fails with the reason when the voxels speak
/// against it.
void check_contrast(const BrainExtraction& brain, const Run& run) {
  const Grid& grid = brain.grid;
  Mask outside(grid);
  for (std::int64_t n = 0; n < outside.count(); ++n) outside[n] = brain.intracranial[n] == 0 ? 1 : 0;
  const Voxels<float> depth = distance(outside, run);
  const double bright = brain.intensities.mean[2] + std::max(5 * brain.intensities.deviation[2], 0.25 * brain.intensities.mean[2]);
  double deep = 0;
  double shallow = 0;
  double deep_count = 0;
  double shallow_count = 0;
  std::int64_t bright_count = 0;
  for (std::int64_t n = 0; n < outside.count(); ++n) {
    if (brain.intracranial[n] == 0) continue;
    const double v = brain.image[n] / brain.bias[n];
    if (depth[n] > 25 && v > bright) ++bright_count;
    if (brain.parenchyma[n] == 0) continue;
    if (depth[n] > 14 && depth[n] < 30) deep += v, ++deep_count;
    if (depth[n] > 1 && depth[n] < 6) shallow += v, ++shallow_count;
  }
  if (static_cast<double>(bright_count) * grid.voxel_volume_mm3() > 6000) {
    throw Error(ErrorCode::not_possible, "contrast: must be T1-weighted; there is bright fluid inside the brain");
  }
  if (deep_count > 1000 && shallow_count > 1000 && deep / deep_count < 1.01 * shallow / shallow_count) {
    throw Error(ErrorCode::not_possible, "contrast: must be T1-weighted; white matter is not brighter than grey matter");
  }
}

double ml(const MaskView& mask) {
  std::int64_t count = 0;
  for (const std::uint8_t v : mask.values()) count += v != 0 ? 1 : 0;
  return static_cast<double>(count) * mask.grid().voxel_volume_mm3() / 1000;
}

Voxels<std::uint8_t> label_image(const HeadMr& head, const Grid& series) {
  Voxels<std::uint8_t> part(head.input.image.grid());
  for (std::int64_t n = 0; n < part.count(); ++n) {
    if (head.input.space[n] == 0) continue;
    switch (static_cast<Tissue>(head.tissue.label[n])) {
      case Tissue::fluid:
        part[n] = head.ventricles[n] != 0 ? ventricles_label : fluid_label;
        break;
      case Tissue::gray:
        part[n] = gray_label;
        break;
      case Tissue::white:
        part[n] = white_label;
        break;
      default:
        part[n] = intracranial_label;
    }
  }
  return to_series(part, head.input, series);
}

/// The words of the header that tell the contrast; lower case.
std::string contrast_words(const SeriesInput& input) {
  if (input.series == nullptr) return {};
  const dicom::Header& header = input.series->header;
  std::string words = input.series->description;
  for (const char* keyword : {"ProtocolName", "SequenceName", "ImageType", "ScanningSequence"})
    words += " " + header.text(keyword).value_or("");
  return lower(words);
}

/// Why the header says that this is no T1-weighted image; nothing when it does not say so.
std::optional<Words> other_contrast(const SeriesInput& input) {
  const std::string words = contrast_words(input);
  if (words.find("t1") != std::string::npos || words.find("mprage") != std::string::npos) return std::nullopt;
  // Whole words, for "epi" begins "epilepsy" too; those that are part of no other word count within one ("t2w", "spaceflair").
  std::string spaced = " ";
  for (const char c : words) spaced += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : ' ';
  spaced += ' ';
  for (const char* other : {"flair", " t2", "dwi", "diffusion", " adc ", " trace ", " tracew ", " swi ", " bold ", " epi ", " ep2d ",
                            " asl ", "perfusion", " perf ", " tof ", "angio", " phase "}) {
    if (spaced.find(other) != std::string::npos) {
      const std::string word(trim(other));
      return Words{fmt::format("its description says {}", word), fmt::format("序列描述含有 {}", word)};
    }
  }
  if (input.series != nullptr) {
    const auto echo = input.series->header.number("EchoTime");
    const auto inversion = input.series->header.number("InversionTime");
    if (echo && *echo > 40) {
      return Words{fmt::format("its echo time of {} ms is not that of a T1-weighted image", shortest(*echo)),
                   fmt::format("回波时间 {} ms 不属于 T1 加权像", shortest(*echo))};
    }
    if (inversion && *inversion > 1700) {
      return Words{fmt::format("its inversion time of {} ms is that of an image with suppressed fluid", shortest(*inversion)),
                   fmt::format("反转时间 {} ms 属于水抑制像", shortest(*inversion))};
    }
  }
  return std::nullopt;
}

}  // namespace

HeadMr measure_head_mr(const VoxelView<float>& image, Run& run) {
  HeadMr head;
  Run first = run.part(0, 0.6, "brain");
  head.brain = extract_brain(image, first);
  check_contrast(head.brain, run);
  head.input = tissue_input(image, head.brain, run);
  if (head.brain.stripped) {
    // An outline blurred by resampling ends where its edge has fallen to half of the fluid's signal.
    const double edge = 0.5 * head.brain.intensities.mean[0];
    Mask lit = Mask::uninitialized(head.input.image.grid());
    for (std::int64_t n = 0; n < lit.count(); ++n) lit[n] = head.input.image[n] > edge ? 1 : 0;
    head.input.space = fill_holes(largest_component(lit, Connectivity::faces, run), false, run);
  } else {
    head.input.space = find_inner_table(head.input, head.brain, run);
  }
  Run second = run.part(0.6, 0.85, "tissues");
  head.tissue = classify_tissues(head.input.image, head.input.space, head.brain.intensities, second);
  if (head.brain.stripped) give_rim_to_gray(head.tissue, head.input.space, run);
  head.plane = find_mid_plane(head.brain, run);
  head.ventricles = find_ventricles(head.tissue, head.input.space, head.plane, run);
  run.progress(0.95, "quality");
  head.quality = measure_head_quality(image, head.input, head.tissue, run);
  head.intracranial_ml = ml(head.input.space);
  head.brain_ml = head.tissue.gray_ml + head.tissue.white_ml;
  head.ventricles_ml = ml(head.ventricles);
  return head;
}

SeriesResult analyze_head_mr(const SeriesInput& input, const Profile& profile, Run& run) {
  SeriesResult result;
  if (const auto why = other_contrast(input)) {
    say_not_measured(result, *why);
    return result;
  }
  if (input.image.frames() != 1 || input.image.components() != 1) {
    say_not_measured(result, {"it holds more than one value for each voxel", "每个体素有多个值"});
    return result;
  }
  const VoxelView<float> image = input.image.as<float>();
  HeadMr head;
  try {
    Run measuring = run.part(0, 0.5, "head");
    head = measure_head_mr(image, measuring);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_possible) throw;
    say_not_measured(result, {error.what(), fmt::format("原因：{}", error.what())});
    return result;
  }
  const std::string method =
      "bias field N4, brain extraction by erosion, inner table along normals, tissues by mixture model with partial volume";
  result.labels = Labels(label_image(head, input.image.grid()),
                         {label_of(intracranial_label, "intracranial", method), label_of(brain_label, "brain", method),
                          label_of(fluid_label, "cerebrospinal_fluid", method), label_of(gray_label, "gray_matter", method),
                          label_of(white_label, "white_matter", method), label_of(ventricles_label, "ventricles", method)});
  const bool cut = head.brain.cut_above || head.brain.cut_below;
  const auto segment = [&](std::string id, int value, double volume, std::vector<int> includes) {
    result.segments.push_back({std::move(id), value, volume, cut, method, std::move(includes)});
  };
  segment("intracranial", intracranial_label, head.intracranial_ml, {brain_label, fluid_label, gray_label, white_label, ventricles_label});
  segment("brain", brain_label, head.brain_ml, {gray_label, white_label});
  segment("cerebrospinal_fluid", fluid_label, head.tissue.fluid_ml, {ventricles_label});
  segment("gray_matter", gray_label, head.tissue.gray_ml, {});
  segment("white_matter", white_label, head.tissue.white_ml, {});
  segment("ventricles", ventricles_label, head.ventricles_ml, {});
  write_head_mr(result, head, input, run);
  Run learned = run.part(0.5, 1, "hippocampi");
  add_hippocampi(result, head, input, profile, learned);
  return result;
}

}  // namespace gantry::analysis
