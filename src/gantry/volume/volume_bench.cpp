// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Times of the volume kernels on 256^3 f32, one JSON row a case: {"suite","case","metric","unit","gantry","runs","cpu"}: median wall and
// mean processor seconds.. Usage: gantry_volume_bench [--image FILE] [--write FILE] [--runs N] [--threads N] [CASE...] FILE holds 256^3
// little-endian f32, i fastest; without it a head is made (and written by --write, for peers).
#include <time.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string_view>

#include "gantry/base/random.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/mask.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"
#include "gantry/volume/resample.h"

namespace {

using namespace gantry;

constexpr std::int64_t side = 256;

/// A blurred ellipsoid with noise, as the peers' benchmarks make it.
Voxels<float> head(const Run& run) {
  auto image = Voxels<float>::uninitialized(Grid({side, side, side}, {0.8, 0.8, 0.8}));
  const Random random(7);
  const auto axis = [](std::int64_t n) { return -1 + 2.0 * static_cast<double>(n) / (side - 1); };
  parallel_for(run, side, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < side; ++j) {
        for (std::int64_t i = 0; i < side; ++i) {
          const double x = axis(i) / 0.7, y = axis(j) / 0.8, z = axis(k) / 0.9;
          const std::int64_t n = image.grid().index(i, j, k);
          const double value = 2000 / (1 + std::exp(12 * (x * x + y * y + z * z - 0.8)));
          image[n] = static_cast<float>(value + 120 * random.normal(static_cast<std::uint64_t>(n)));
        }
      }
    }
  });
  return image;
}

double cpu_now() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_of(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Options {
  std::string image, write;
  int runs = 5, threads = 0;
  std::vector<std::string> cases;
};

Options options_of(int count, char** words) {
  Options options;
  for (int n = 1; n < count; ++n) {
    const std::string_view word = words[n];
    const auto next = [&] { return n + 1 < count ? std::string(words[++n]) : std::string(); };
    if (word == "--image") {
      options.image = next();
    } else if (word == "--write") {
      options.write = next();
    } else if (word == "--runs") {
      options.runs = std::max(1, std::atoi(next().c_str()));
    } else if (word == "--threads") {
      options.threads = std::atoi(next().c_str());
    } else {
      options.cases.emplace_back(word);
    }
  }
  return options;
}

}  // namespace

int main(int count, char** words) {
  const Options options = options_of(count, words);
  const Run run(RunOptions{.threads = options.threads});
  Voxels<float> image;
  if (options.image.empty()) {
    image = head(run);
  } else {
    image = Voxels<float>(Grid({side, side, side}));
    std::ifstream file(options.image, std::ios::binary);
    if (!file.read(reinterpret_cast<char*>(image.data()), image.count() * 4)) return std::fprintf(stderr, "cannot read the image\n"), 3;
  }
  if (!options.write.empty()) {
    std::ofstream(options.write, std::ios::binary).write(reinterpret_cast<const char*>(image.data()), image.count() * 4);
  }
  const Mask mask = mask_between(image, static_cast<float>(otsu_threshold(image.values(), 256, run)), 1e30F, run);
  const Grid finer = with_spacing(image.grid(), {1.6 / 3, 1.6 / 3, 1.6 / 3});
  const double c = std::cos(0.2), s = std::sin(0.2);
  const Grid turned(finer.size(), finer.spacing_mm(), {-15, 30, 0}, {{Vec3{c, s, 0}, Vec3{-s, c, 0}, Vec3{0, 0, 1}}});

  const std::vector<std::pair<std::string, std::function<void()>>> cases{
      {"gaussian",
       [&] {
         gaussian(image, {1.6, 1.6, 1.6}, Border::mirror, run);
       }},
      {"box_mean",
       [&] {
         box_mean(image, {3, 3, 3}, run);
       }},
      {"median3", [&] { median(image, 1, Border::nearest, run); }},
      {"median5", [&] { median(image, 2, Border::nearest, run); }},
      {"hessian", [&] { hessian_eigenvalues(image, 1.6, run); }},
      {"gradient", [&] { gradient_magnitude(image, run); }},
      {"resample_linear", [&] { resample(image, finer, Interpolation::linear, 0, run); }},
      {"resample_cubic", [&] { resample(image, finer, Interpolation::cubic, 0, run); }},
      {"resample_oblique", [&] { resample(image, turned, Interpolation::linear, 0, run); }},
      {"otsu", [&] { mask_between(image, static_cast<float>(otsu_threshold(image.values(), 256, run)), 1e30F, run); }},
      {"components", [&] { connected_components(mask, Connectivity::faces, run); }},
      {"components_corners", [&] { connected_components(mask, Connectivity::corners, run); }},
      {"fill_holes", [&] { fill_holes(mask, false, run); }},
      {"distance", [&] { distance(mask, run); }},
      {"dilate", [&] { dilate(mask, 2.4, run); }},
      {"dilate10", [&] { dilate(mask, 8, run); }},
      {"close5", [&] { close(mask, 5, run); }},
  };
  for (const auto& [name, body] : cases) {
    if (!options.cases.empty() && std::find(options.cases.begin(), options.cases.end(), name) == options.cases.end()) continue;
    body();
    std::vector<double> times;
    const double cpu = cpu_now();
    for (int n = 0; n < options.runs; ++n) times.push_back(seconds_of(body));
    std::sort(times.begin(), times.end());
    std::printf("{\"suite\":\"volume\",\"case\":\"%s\",\"metric\":\"wall\",\"unit\":\"s\",\"gantry\":%.6g,\"runs\":%d,\"cpu\":%.6g}\n",
                name.c_str(), times[times.size() / 2], options.runs, (cpu_now() - cpu) / options.runs);
    std::fflush(stdout);
  }
  return 0;
}
