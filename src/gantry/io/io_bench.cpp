// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
/// Times of reading and writing a head-like volume of 256^3 f32 with noise, in process and from a warm cache, as JSON rows of the suite
/// "io". The volume is left in the folder given (argument 1) so that peers can read the same file.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "gantry/base/files.h"
#include "gantry/base/random.h"
#include "gantry/compute/parallel.h"
#include "gantry/io/io.h"

namespace {

using namespace gantry;

constexpr std::int64_t side = 256;
constexpr int repetitions = 5;

/// Skin, skull, fluid and two tissues as ellipsoids, with noise inside and a masked background, as a bias-corrected head looks.
Image head_volume(Run& run) {
  const Random random(1);
  auto voxels = Voxels<float>::uninitialized(Grid({side, side, side}, {1, 1, 1}, {-128, -128, -128}));
  parallel_for(run, side, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < side; ++j) {
        for (std::int64_t i = 0; i < side; ++i) {
          const double x = static_cast<double>(i) - 127.5, y = static_cast<double>(j) - 127.5, z = static_cast<double>(k) - 127.5;
          const auto inside = [&](double a, double b, double c) { return x * x / (a * a) + y * y / (b * b) + z * z / (c * c) < 1; };
          double value = 0;
          if (inside(90, 110, 100)) value = 300;
          if (inside(82, 102, 92)) value = 50;
          if (inside(78, 98, 88)) value = 700;
          if (inside(60, 80, 70)) value = 1000;
          if (inside(20, 30, 25)) value = 200;
          const std::int64_t n = voxels.grid().index(i, j, k);
          voxels[n] = inside(94, 115, 105) ? static_cast<float>(value + 15 * random.normal(static_cast<std::uint64_t>(n))) : 0.0f;
        }
      }
    }
  });
  return voxels;
}

/// Median of some runs in seconds; `prepare` is not timed.
template <class Prepare, class Body>
double median_seconds(Prepare&& prepare, Body&& body) {
  std::vector<double> seconds;
  for (int n = 0; n < repetitions; ++n) {
    prepare();
    const auto start = std::chrono::steady_clock::now();
    body();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::sort(seconds);
  return seconds[seconds.size() / 2];
}

void print_row(std::string_view name, std::string_view metric, std::string_view unit, double value) {
  const nlohmann::json row{{"suite", "io"}, {"case", name}, {"metric", metric}, {"unit", unit}, {"gantry", value}, {"runs", repetitions}};
  std::puts(row.dump().c_str());
}

}  // namespace

int main(int argument_count, char** arguments) {
  Run run;
  const TemporaryFolder temporary;
  const Path folder = argument_count > 1 ? Path(arguments[1]) : temporary.path();
  const Image image = head_volume(run);
  const auto nothing = [] {};
  for (const char* name : {"head-f32-256.nii.gz", "head-f32-256.nii", "head-f32-256.nrrd", "head-f32-256.mha", "head-f32-256.npy"}) {
    const Path path = folder / name;
    print_row(name, "write", "s", median_seconds(nothing, [&] { io::write(path, image, run); }));
    print_row(name, "read", "s", median_seconds(nothing, [&] { io::read(path, run); }));
    print_row(name, "ratio", "1", static_cast<double>(image.byte_count()) / static_cast<double>(std::filesystem::file_size(path)));
  }
  // The floor: the bytes of the uncompressed file into fresh memory, no more.
  const Path raw = folder / "head-f32-256.nii";
  print_row("raw-read-floor", "read", "s", median_seconds(nothing, [&] {
              const auto size = std::filesystem::file_size(raw);
              const auto memory = allocate_voxels(size);
              const int file = ::open(raw.c_str(), O_RDONLY | O_CLOEXEC);
              std::size_t done = 0;
              while (done < size) {
                const ssize_t count = ::read(file, memory.get() + done, size - done);
                if (count <= 0) break;
                done += static_cast<std::size_t>(count);
              }
              ::close(file);
            }));
  return 0;
}
