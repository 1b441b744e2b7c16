// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "gantry/compute/parallel.h"
#include "gantry/dicom/study.h"

namespace {

using namespace gantry;

double milliseconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

/// Times a folder of slices to a volume in memory, and beside it the plain reading of the same files. Arguments: [FOLDER [RUNS]].
int main(int count, char** arguments) {
  const char* data = std::getenv("GANTRY_TEST_DATA");
  const Path folder = count > 1 ? Path(arguments[1]) : data ? Path(data) / "series/mr-t1-head" : Path();
  if (folder.empty()) {
    fmt::print(stderr, "dicom bench: name a folder or set GANTRY_TEST_DATA\n");
    return 2;
  }
  const int runs = count > 2 ? std::atoi(arguments[2]) : 9;
  RunOptions options;
  options.threads = 2;
  Run run(options);
  std::vector<double> floor_ms, header_ms, volume_ms;
  std::uint64_t bytes = 0;
  for (int n = 0; n < runs; ++n) {
    std::vector<Path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) files.push_back(entry.path());
    bytes = 0;
    for (const Path& file : files) bytes += std::filesystem::file_size(file);
    floor_ms.push_back(milliseconds([&] {
      parallel_for(run, static_cast<std::int64_t>(files.size()), 4, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f) read_bytes(files[static_cast<std::size_t>(f)]);
      });
    }));
    double header = 0;
    volume_ms.push_back(milliseconds([&] {
      const std::vector<Path> paths{folder};
      dicom::Input input;
      header = milliseconds([&] { input = dicom::read_dicom(paths, run); });
      const auto& all = input.studies.at(0).series;
      const auto largest =
          std::max_element(all.begin(), all.end(), [](auto& a, auto& b) { return a.instances.size() < b.instances.size(); });
      const Image image = dicom::load(*largest, run);
      if (n == 0) fmt::print("{} x {} x {} {}\n", image.grid().size(0), image.grid().size(1), image.grid().size(2), name_of(image.type()));
    }));
    header_ms.push_back(header);
  }
  const auto median = [](std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
  };
  fmt::print("raw read   {:8.1f} ms  ({:.1f} MB, 2 threads)\nheaders    {:8.1f} ms\nto volume  {:8.1f} ms  ({:.2f} x raw read)\n",
             median(floor_ms), static_cast<double>(bytes) / 1e6, median(header_ms), median(volume_ms),
             median(volume_ms) / median(floor_ms));
  return 0;
}
