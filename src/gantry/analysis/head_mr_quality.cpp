// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/head_mr_quality.h"

#include "gantry/quality/measures.h"

namespace gantry::analysis {

HeadMrQuality measure_head_quality(const VoxelView<float>& image, const TissueInput& input, const TissueMaps& tissue, const Run& run) {
  HeadMrQuality measured;
  Mask white(input.image.grid(), 0);
  for (std::int64_t n = 0; n < white.count(); ++n) white[n] = tissue.label[n] == static_cast<std::uint8_t>(Tissue::white) ? 1 : 0;
  if (const auto noise = quality::difference_noise(input.image, white, run); noise && *noise > 0) measured.noise = noise;
  const auto& mean = tissue.model.mean;
  if (measured.noise) {
    measured.signal_to_noise = mean[2] / *measured.noise;
    measured.contrast_to_noise = (mean[2] - mean[1]) / *measured.noise;
  }
  run.check();
  const double threshold = 0.25 * mean[1];
  const quality::Ghosting ghosting = quality::background_ghosting(image, threshold, mean[2], run);
  measured.ghosting_percent = ghosting.percent;
  measured.background_blanked = ghosting.blanked;
  measured.edge_width_mm = quality::edge_width_mm(image, threshold);
  return measured;
}

}  // namespace gantry::analysis
