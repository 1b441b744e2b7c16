// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Seconds for one query in 100 000 vectors of 64 values, which lie as floats in a file with 100 queries behind them: {"gantry": SECONDS,
// "sum": of the numbers of the five nearest}. Argument: FILE, which bench/peers.py writes.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstring>

#include "gantry/base/files.h"
#include "gantry/retrieval/nearest.h"

int main(int argument_count, char** arguments) {
  using namespace gantry;
  constexpr std::size_t count = 100000, queries = 100, size = 64;
  const Bytes bytes = argument_count == 2 ? read_bytes(arguments[1]) : Bytes();
  if (bytes.size() != (count + queries) * size * sizeof(float)) {
    std::fputs("retrieval bench: give a file of 100 100 x 64 floats\n", stderr);
    return 2;
  }
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  const std::vector<float> asked(values.begin() + count * size, values.end());
  values.resize(count * size);
  const VectorSet set{.dimension = size, .values = std::move(values), .names = std::vector<std::string>(count)};
  Run run(RunOptions{.threads = 2});
  nearest(set, std::span(asked).first(size), 5, run);
  std::size_t sum = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t n = 0; n < queries; ++n) {
    for (const Neighbour& one : nearest(set, std::span(asked).subspan(n * size, size), 5, run)) sum += one.item;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / queries;
  fmt::print("{{\"gantry\": {}, \"sum\": {}}}\n", seconds, sum);
  return 0;
}
