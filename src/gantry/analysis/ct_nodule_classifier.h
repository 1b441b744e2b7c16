// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/analysis/ct_nodule_features.h"
#include "gantry/base/files.h"

namespace gantry::analysis {

/// A network of fully connected layers that tells spots that are nodules from others (`models/lung_nodules`, trained by its train.py on
/// digital patients).
class NoduleClassifier {
 public:
  /// The one that ships; Error(not_found) when it lies nowhere, Error(unreadable) when its file does not hold what is expected.
  static const NoduleClassifier& shipped();
  /// Tensors `mean` and `scale` of the features, then `weight_N` (out x in) and `bias_N` of each layer, the last with one output.
  explicit NoduleClassifier(const Path& safetensors);
  /// In [0, 1]; among the spots that it was trained on, where nodules are much more common than in patients. For ordering, not for betting.
  float probability(const NoduleFeatures& features) const;
  const std::string& id() const { return id_; }  ///< name@version sha256:digest of its file

 private:
  struct Layer {
    std::size_t inputs = 0, outputs = 0;
    std::vector<float> weights, bias;
  };
  std::vector<float> mean_, scale_;
  std::vector<Layer> layers_;
  std::string id_;
};

}  // namespace gantry::analysis
