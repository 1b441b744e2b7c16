// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/catalogue/catalogue.h"

#include "gantry/filter/gaussian_smoothing.h"
#include "gantry/visualization/mip.h"
#include "gantry/visualization/overlay.h"
#include "gantry/visualization/reformat.h"

namespace gantry {

const Catalogue& catalogue() {
  static const Catalogue all = [] {
    Catalogue c;
    c.add<GaussianSmoothing>("filter.gaussian");
    c.add<IntensityProjection>("visualization.mip");
    c.add<Overlay>("visualization.overlay");
    c.add<Reformat>("visualization.reformat");
    return c;
  }();
  return all;
}

}  // namespace gantry
