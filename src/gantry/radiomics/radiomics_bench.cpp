// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Times one case as the peers' script times the same: {"gantry": SECONDS, "features": NUMBER}. Argument: radiomics (a sphere of 33,500
// voxels in noise) or radiomics_volume (textures across slices alone, as pyradiomics).
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string_view>

#include "gantry/image/phantom/phantom.h"
#include "gantry/radiomics/extract.h"

int main(int count, char** arguments) {
  using namespace gantry;
  const std::string_view name = count > 1 ? arguments[1] : "";
  if (name != "radiomics" && name != "radiomics_volume") {
    std::fputs("radiomics bench: name radiomics or radiomics_volume\n", stderr);
    return 2;
  }
  const Image mask = phantom("sphere");
  auto image = phantom("noise").as<float>().clone();
  for (float& v : image.values()) v = v * 100;
  const Image noise(std::move(image));
  RadiomicsExtraction extraction{.preset = RadiomicsPreset::pyradiomics_default};
  if (name == "radiomics") extraction.dimensions = radiomics::Dimensions::all;
  Run run(RunOptions{.threads = 2});
  const auto begin = std::chrono::steady_clock::now();
  const auto result = extraction(noise, mask, run);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{{\"gantry\": {}, \"features\": {}}}\n", seconds, result.table.rows().size());
  return 0;
}
