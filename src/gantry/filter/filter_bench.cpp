// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Times one case as the peers' script times the same: {"gantry": SECONDS}. Argument: nlm (128^3, patches of 3^3, search of 11^3) or n4
// (64^3 as stored, four levels of 50 updates, none left out).
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string_view>

#include "gantry/base/random.h"
#include "gantry/filter/bias_field.h"
#include "gantry/filter/non_local_means.h"

namespace {

using namespace gantry;

/// A blurred ellipsoid with noise, as the peers' script makes it, under a smooth field.
Voxels<float> head(std::int64_t side, bool field) {
  auto image = Voxels<float>::uninitialized(Grid({side, side, side}, {3.2, 3.2, 3.2}));
  const Random random(7);
  const auto axis = [side](std::int64_t n) { return -1 + 2.0 * static_cast<double>(n) / static_cast<double>(side - 1); };
  for (std::int64_t k = 0; k < side; ++k) {
    for (std::int64_t j = 0; j < side; ++j) {
      for (std::int64_t i = 0; i < side; ++i) {
        const double x = axis(i), y = axis(j), z = axis(k);
        const std::int64_t n = image.grid().index(i, j, k);
        const double r = x * x / 0.49 + y * y / 0.64 + z * z / 0.81;
        const double value = 2000 / (1 + std::exp(12 * (r - 0.8))) * (field ? std::exp(0.2 * x - 0.15 * y + 0.1 * std::sin(2 * z)) : 1);
        image[n] = static_cast<float>(value + 120 * random.normal(static_cast<std::uint64_t>(n)));
      }
    }
  }
  return image;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view name = count > 1 ? arguments[1] : "";
  if (name != "nlm" && name != "n4") {
    std::fputs("filter bench: name nlm or n4\n", stderr);
    return 2;
  }
  Run run(RunOptions{.threads = 2});
  const Image image = head(name == "nlm" ? 128 : 64, name == "n4");
  const auto values = image.as<float>();
  Mask mask(values.grid(), std::uint8_t{0});
  for (std::int64_t n = 0; n < values.count(); ++n) mask[n] = values[n] > 1000 ? 1 : 0;
  const auto begin = std::chrono::steady_clock::now();
  if (name == "nlm") {
    NonLocalMeans{.sigma = 120}(image, run);
  } else {
    estimate_bias_field(values, mask, {.convergence = 0, .working_spacing_mm = 3.2}, run);
  }
  fmt::print("{{\"gantry\": {}}}\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return 0;
}
