// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Times one case as the peers' script times the same: {"gantry": SECONDS, "ssim": NUMBER}. Argument: ssim (128^3).
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string_view>

#include "gantry/base/random.h"
#include "gantry/quality/structural_similarity.h"

int main(int count, char** arguments) {
  using namespace gantry;
  if (count < 2 || std::string_view(arguments[1]) != "ssim") {
    std::fputs("quality bench: name ssim\n", stderr);
    return 2;
  }
  constexpr std::int64_t side = 128;
  auto image = Voxels<float>::uninitialized(Grid({side, side, side}));
  const Random random(7);
  for (std::int64_t n = 0; n < image.count(); ++n) {
    image[n] = static_cast<float>((n / side % side > side / 2 ? 2000 : 0) + 120 * random.normal(static_cast<std::uint64_t>(n)));
  }
  auto darker = image.clone();
  for (float& v : darker.values()) v *= 0.99F;
  const Run run(RunOptions{.threads = 2});
  const auto begin = std::chrono::steady_clock::now();
  const Similarity similarity = structural_similarity(image, darker, {.range = 2400}, run);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{{\"gantry\": {}, \"ssim\": {}}}\n", seconds, similarity.mean);
  return 0;
}
