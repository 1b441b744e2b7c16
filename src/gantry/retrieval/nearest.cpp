// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/retrieval/nearest.h"

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"

namespace gantry {

namespace {

/// Products of `query` with `count` vectors of `size` values.
GANTRY_SIMD void products(const float* vectors, std::size_t count, std::size_t size, const float* query, float* out) {
  constexpr std::size_t lanes = 16;
  const std::size_t whole = size / lanes * lanes;
  for (std::size_t n = 0; n < count; ++n) {
    const float* v = vectors + n * size;
    float sums[lanes] = {};
    for (std::size_t d = 0; d < whole; d += lanes) {
      for (std::size_t l = 0; l < lanes; ++l) sums[l] += v[d + l] * query[d + l];
    }
    float sum = 0;
    for (std::size_t d = whole; d < size; ++d) sum += v[d] * query[d];
    float eight[8], four[4];
    for (std::size_t l = 0; l < 8; ++l) eight[l] = sums[l] + sums[l + 8];
    for (std::size_t l = 0; l < 4; ++l) four[l] = eight[l] + eight[l + 4];
    out[n] = sum + ((four[0] + four[2]) + (four[1] + four[3]));
  }
}

bool nearer(const Neighbour& a, const Neighbour& b) { return a.similarity != b.similarity ? a.similarity > b.similarity : a.item < b.item; }

/// Keeps the `count` nearest in order.
void keep(std::vector<Neighbour>& best, const Neighbour& one, std::size_t count) {
  if (best.size() == count && !nearer(one, best.back())) return;
  best.insert(std::upper_bound(best.begin(), best.end(), one, nearer), one);
  if (best.size() > count) best.pop_back();
}

}  // namespace

std::vector<Neighbour> nearest(const VectorSet& set, std::span<const float> query, int count, const Run& run) {
  const auto size = static_cast<std::size_t>(set.dimension), wanted = static_cast<std::size_t>(std::max(count, 0));
  if (query.size() != size)
    throw Error(ErrorCode::parameter, fmt::format("query: must have {} values as those of the index; has {}", size, query.size()));
  if (wanted == 0) return {};
  return parallel_reduce<std::vector<Neighbour>>(
      run, static_cast<std::int64_t>(set.size()), 4096, {},
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> similarities(static_cast<std::size_t>(end - begin));
        products(set.values.data() + static_cast<std::size_t>(begin) * size, similarities.size(), size, query.data(), similarities.data());
        std::vector<Neighbour> best;
        for (std::size_t n = 0; n < similarities.size(); ++n) keep(best, {static_cast<std::size_t>(begin) + n, similarities[n]}, wanted);
        return best;
      },
      [&](std::vector<Neighbour>& total, const std::vector<Neighbour>& part) {
        for (const Neighbour& one : part) keep(total, one, wanted);
      });
}

}  // namespace gantry
