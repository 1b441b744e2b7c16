// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <torch/torch.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <iostream>

/// LibTorch's part of `./dev bench learning`: processor time of one 3 x 3 x 3 layer on one thread, best of three. Arguments: CHANNELS
/// DILATION SIZE.
int main(int count, char** arguments) {
  if (count != 4) return 2;
  const int channels = std::atoi(arguments[1]), dilation = std::atoi(arguments[2]), size = std::atoi(arguments[3]);
  at::set_num_threads(1);
  const torch::NoGradGuard no_gradients;
  const auto volume = torch::rand({1, channels, size, size, size}), weights = torch::rand({channels, channels, 3, 3, 3});
  double best = 1e9;
  for (int n = 0; n < 3; ++n) {
    const std::clock_t begin = std::clock();
    const auto output = at::conv3d(volume, weights, {}, 1, dilation, dilation);
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  std::cout << "{\"seconds\": " << best << "}\n";
  return 0;
}
