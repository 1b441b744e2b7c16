// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"

namespace gantry {

/// How one label image is made of several.
enum class ConsensusRule { majority, staple };
constexpr std::array<std::pair<ConsensusRule, std::string_view>, 2> choices_of(ConsensusRule) {
  return {{{ConsensusRule::majority, "majority"}, {ConsensusRule::staple, "staple"}}};
}

/// How well two or more raters agree who labelled the same image, and what they say together. Reference page: annotation.agreement.
struct RaterAgreement {
  ConsensusRule rule = ConsensusRule::majority;
  double tolerance = 1.0;

  struct Result {
    /// {"raters", "voxels", "pairs": [{"first", "second", "cohen_kappa", "standard_error", "observed", "expected", "labels": {"1": as in
    /// segmentation.compare}}], "fleiss": {"kappa", "standard_error", "observed", "expected"}, "labels": {"1": {"mean_dice",
    /// "consensus_ml", "raters": [{"volume_ml", "dice", "sensitivity", "specificity"}]}}}: of each rater against the consensus; with
    /// staple sensitivity and specificity are the estimated ones.
    Json agreement;
    Image consensus;  ///< u8, or u16 for labels above 255
  };
  /// Raters are numbered from 1 in the order of the images. Outside `region` nothing counts. Throws Error(not_possible) for fewer than two
  /// images, other grids, values that are no whole numbers from 0 to 65535, an empty region, and more labels or raters than 64 bits tell
  /// apart (3 raters: 2 million labels; 16 raters: 15).
  Result operator()(std::span<const Image> raters, const Labels* region, Run& run) const;
  Cost cost(std::span<const Image> raters, const Labels* region) const;
  static void describe(Description<RaterAgreement>& d);
};

}  // namespace gantry
