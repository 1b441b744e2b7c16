// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "surface.h"

namespace gantry::cases {

namespace {

std::string never_missing() { return {}; }

}  // namespace

const std::vector<Surface>& surfaces() {
  static const std::vector<Surface> all{
      {"library", never_missing, through_library},       {"pipeline", never_missing, through_pipeline},
      {"command", never_missing, through_command, true}, {"python", missing_python, through_python, true},
      {"rest", never_missing, through_rest, true},
  };
  return all;
}

}  // namespace gantry::cases
