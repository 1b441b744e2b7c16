// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/catalogue/catalogue.h"

#include "gantry/filter/gaussian_smoothing.h"

namespace gantry {

const Catalogue& catalogue() {
  static const Catalogue all = [] {
    Catalogue c;
    c.add<GaussianSmoothing>("filter.gaussian");
    return c;
  }();
  return all;
}

}  // namespace gantry
