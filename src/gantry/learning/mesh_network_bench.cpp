// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "gantry/learning/mesh_network.h"

/// Processor time of one 3 x 3 x 3 layer on one thread, best of three: the difference of networks with three and with one of them.
/// Arguments: CHANNELS DILATION SIZE.
int main(int count, char** arguments) {
  using namespace gantry;
  const int channels = count > 1 ? std::atoi(arguments[1]) : 15, dilation = count > 2 ? std::atoi(arguments[2]) : 4;
  const int size = count > 3 ? std::atoi(arguments[3]) : 128;
  const auto layer = [](int outputs, int inputs, int kernel, int step) {
    bundle::VolumeLayer made{.name = "made", .kernel = kernel, .dilation = step};
    made.weights.shape = {outputs, inputs, kernel, kernel, kernel};
    made.weights.values.assign(static_cast<std::size_t>(outputs * inputs * kernel * kernel * kernel), 0.01F);
    return made;
  };
  const Voxels<float> volume(Grid({size, size, size}), 0.5F);
  Run run(RunOptions{.threads = 1});
  const auto seconds = [&](int layers) {
    std::vector<bundle::VolumeLayer> chain{layer(channels, 1, 1, 1)};
    for (int n = 0; n < layers; ++n) chain.push_back(layer(channels, channels, 3, dilation));
    chain.push_back(layer(1, channels, 1, 1));
    const bundle::VolumeNetwork network(std::move(chain));
    const std::clock_t begin = std::clock();
    learning::run_mesh_network(network, volume, run, [](std::int64_t, std::span<const float>) {});
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  };
  double best = 1e9;
  for (int n = 0; n < 3; ++n) best = std::min(best, (seconds(3) - seconds(1)) / 2);
  fmt::print("{{\"gantry\": {}}}\n", best);
  return 0;
}
