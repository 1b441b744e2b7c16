// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <cmath>

#include "gantry/compute/parallel.h"
#include "gantry/radiomics/neighbours.h"

namespace gantry::radiomics {

namespace {

constexpr std::array<FeatureName, 5> names{
    {{"QCDE", "Coarseness"}, {"65HE", "Contrast"}, {"NQ30", "Busyness"}, {"HDEZ", "Complexity"}, {"1X9X", "Strength"}}};

/// Voxels of each level that have a neighbour, and the sum of their differences from the mean of their neighbours.
struct Tones {
  std::vector<double> count, difference;
  void add(const Tones& other) {
    for (std::size_t n = 0; n < count.size(); ++n) {
      count[n] += other.count[n];
      difference[n] += other.difference[n];
    }
  }
};

std::vector<double> values_of(const Tones& tones) {
  double total = 0, differences = 0;
  std::vector<std::size_t> present;
  for (std::size_t n = 0; n < tones.count.size(); ++n) {
    if (tones.count[n] == 0) continue;
    present.push_back(n);
    total += tones.count[n];
    differences += tones.difference[n];
  }
  if (present.empty()) return {};
  double weighted = 0, contrast = 0, busyness = 0, complexity = 0, strength = 0;
  for (const std::size_t a : present) {
    const double pa = tones.count[a] / total, sa = tones.difference[a], i = static_cast<double>(a + 1);
    weighted += pa * sa;
    for (const std::size_t b : present) {
      const double pb = tones.count[b] / total, sb = tones.difference[b], j = static_cast<double>(b + 1), d = i - j;
      contrast += pa * pb * d * d;
      busyness += std::abs(i * pa - j * pb);
      complexity += std::abs(d) * (pa * sa + pb * sb) / (pa + pb);
      strength += (pa + pb) * d * d;
    }
  }
  const auto levels = static_cast<double>(present.size());
  // One level alone: the limits that IBSI 1 sets.
  return {weighted > 0 ? 1 / weighted : 1e6, present.size() > 1 ? contrast / (levels * (levels - 1)) * differences / total : 0,
          busyness > 0 ? weighted / busyness : 0, complexity / total, differences > 0 ? strength / differences : 0};
}

std::vector<Tones> tones_of(const FramedLevels& levels, bool volume, const Run& run) {
  std::vector<std::int64_t> offsets;
  for (const Step& step : neighbours(volume)) offsets.push_back(levels.offset(step));
  const auto slices = static_cast<std::size_t>(levels.size()[2]), count = static_cast<std::size_t>(levels.count);
  std::vector<Tones> tones(slices, Tones{std::vector<double>(count, 0.0), std::vector<double>(count, 0.0)});
  parallel_for(run, levels.size()[2], 1, [&](std::int64_t k, std::int64_t) {
    Tones& slice = tones[static_cast<std::size_t>(k)];
    const std::int32_t* const data = levels.data();
    levels.each(k, [&](std::int64_t n) {
      std::int64_t sum = 0, around = 0;
      for (const std::int64_t offset : offsets) {
        sum += data[n + offset];
        around += data[n + offset] != 0 ? 1 : 0;
      }
      if (around == 0) return;
      const auto level = static_cast<std::size_t>(data[n] - 1);
      slice.count[level] += 1;
      slice.difference[level] += std::abs(data[n] - static_cast<double>(sum) / static_cast<double>(around));
    });
  });
  return tones;
}

Tones merged(const std::vector<Tones>& tones) {
  Tones all = tones.front();
  for (std::size_t k = 1; k < tones.size(); ++k) all.add(tones[k]);
  return all;
}

}  // namespace

void add_tone_difference(const Levels& levels, Dimensions dimensions, Features& features, const Run& run) {
  const FramedLevels framed(levels);
  const char* const family = "neighbourhood grey tone difference matrix";
  if (has_slices(dimensions)) {
    const std::vector<Tones> tones = tones_of(framed, false, run);
    std::vector<std::vector<double>> sets;
    for (const Tones& slice : tones) sets.push_back(values_of(slice));
    add_values(names, family, "2D", mean_values(sets, names.size()), features);
    add_values(names, family, "2.5D", values_of(merged(tones)), features);
  }
  if (has_volume(dimensions)) add_values(names, family, "3D", values_of(merged(tones_of(framed, true, run))), features);
}

}  // namespace gantry::radiomics
