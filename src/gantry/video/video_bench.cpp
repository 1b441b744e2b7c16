// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Follows 500 points through ten frames of moving speckle, which lie as floats in a file: {"gantry": SECONDS, "error_px": MEDIAN,
// "worst_px": 99 %}. Arguments: FILE of 10 x 480 x 640 floats, which bench/peers.py writes.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstring>

#include "gantry/base/files.h"
#include "gantry/video/tracker.h"

int main(int argument_count, char** arguments) {
  using namespace gantry;
  constexpr int columns = 640, rows = 480, frames = 10;
  const Bytes bytes = argument_count == 2 ? read_bytes(arguments[1]) : Bytes();
  if (bytes.size() != sizeof(float) * columns * rows * frames) {
    std::fputs("video bench: give a file of 10 x 480 x 640 floats\n", stderr);
    return 2;
  }
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  std::vector<PixelPoint> points;
  for (int n = 0; n < 500; ++n) points.push_back({60.0 + 21 * (n % 25), 60.0 + 18 * (n / 25)});
  Run run(RunOptions{.threads = 2});
  const auto begin = std::chrono::steady_clock::now();
  const auto tracks = track_points(
      points, frames,
      [&](int n) {
        return pyramid_of(std::span(values).subspan(static_cast<std::size_t>(n) * columns * rows, columns * rows), columns, rows, 3);
      },
      {}, run);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::vector<double> errors;
  for (std::size_t p = 0; p < points.size(); ++p) {
    for (std::size_t n = 1; n < tracks[p].at.size(); ++n) {
      const double s = 1 - 0.01 * static_cast<double>(n), x = 320 + (points[p].i - 320) * s + 1.3 * static_cast<double>(n),
                   y = 240 + (points[p].j - 240) * s - 0.7 * static_cast<double>(n);
      errors.push_back(std::hypot(tracks[p].at[n].i - x, tracks[p].at[n].j - y));
    }
  }
  std::sort(errors.begin(), errors.end());
  fmt::print("{{\"gantry\": {}, \"error_px\": {}, \"worst_px\": {}, \"found\": {}}}\n", seconds, errors[errors.size() / 2],
             errors[errors.size() * 99 / 100], errors.size());
  return 0;
}
