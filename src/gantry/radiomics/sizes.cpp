// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>

#include "gantry/compute/parallel.h"
#include "gantry/radiomics/neighbours.h"
#include "gantry/radiomics/size_matrix.h"

namespace gantry::radiomics {

namespace {

constexpr std::array<FeatureName, 16> run_names{{{"22OV", "Short runs emphasis"},
                                                 {"W4KF", "Long runs emphasis"},
                                                 {"V3SW", "Low grey level run emphasis"},
                                                 {"G3QZ", "High grey level run emphasis"},
                                                 {"HTZT", "Short run low grey level emphasis"},
                                                 {"GD3A", "Short run high grey level emphasis"},
                                                 {"IVPO", "Long run low grey level emphasis"},
                                                 {"3KUM", "Long run high grey level emphasis"},
                                                 {"R5YN", "Grey level non-uniformity"},
                                                 {"OVBL", "Normalised grey level non-uniformity"},
                                                 {"W92Y", "Run length non-uniformity"},
                                                 {"IC23", "Normalised run length non-uniformity"},
                                                 {"9ZK5", "Run percentage"},
                                                 {"8CE5", "Grey level variance"},
                                                 {"SXLW", "Run length variance"},
                                                 {"HJ9O", "Run entropy"}}};

constexpr std::array<FeatureName, 16> zone_names{{{"9SAK", "Small zone emphasis"},
                                                  {"48P8", "Large zone emphasis"},
                                                  {"XMSY", "Low grey level zone emphasis"},
                                                  {"5GN9", "High grey level zone emphasis"},
                                                  {"5RAI", "Small zone low grey level emphasis"},
                                                  {"HW1V", "Small zone high grey level emphasis"},
                                                  {"YH51", "Large zone low grey level emphasis"},
                                                  {"J17V", "Large zone high grey level emphasis"},
                                                  {"JNSA", "Grey level non-uniformity"},
                                                  {"Y1RO", "Normalised grey level non-uniformity"},
                                                  {"4JP3", "Zone size non-uniformity"},
                                                  {"VB3A", "Normalised zone size non-uniformity"},
                                                  {"P30P", "Zone percentage"},
                                                  {"BYLV", "Grey level variance"},
                                                  {"3NSA", "Zone size variance"},
                                                  {"GU8N", "Zone size entropy"}}};

constexpr std::array<FeatureName, 16> distance_names{{{"0GBI", "Small distance emphasis"},
                                                      {"MB4I", "Large distance emphasis"},
                                                      {"S1RA", "Low grey level zone emphasis"},
                                                      {"K26C", "High grey level zone emphasis"},
                                                      {"RUVG", "Small distance low grey level emphasis"},
                                                      {"DKNJ", "Small distance high grey level emphasis"},
                                                      {"A7WM", "Large distance low grey level emphasis"},
                                                      {"KLTH", "Large distance high grey level emphasis"},
                                                      {"VFT7", "Grey level non-uniformity"},
                                                      {"7HP3", "Normalised grey level non-uniformity"},
                                                      {"V294", "Zone distance non-uniformity"},
                                                      {"IATH", "Normalised zone distance non-uniformity"},
                                                      {"VIWW", "Zone percentage"},
                                                      {"QK93", "Grey level variance"},
                                                      {"7WT1", "Zone distance variance"},
                                                      {"GBDU", "Zone distance entropy"}}};

constexpr std::array<FeatureName, 17> dependence_names{{{"SODN", "Low dependence emphasis"},
                                                        {"IMOQ", "High dependence emphasis"},
                                                        {"TL9H", "Low grey level count emphasis"},
                                                        {"OAE7", "High grey level count emphasis"},
                                                        {"EQ3F", "Low dependence low grey level emphasis"},
                                                        {"JA6D", "Low dependence high grey level emphasis"},
                                                        {"NBZI", "High dependence low grey level emphasis"},
                                                        {"9QMG", "High dependence high grey level emphasis"},
                                                        {"FP8K", "Grey level non-uniformity"},
                                                        {"5SPA", "Normalised grey level non-uniformity"},
                                                        {"Z87G", "Dependence count non-uniformity"},
                                                        {"OKJI", "Normalised dependence count non-uniformity"},
                                                        {"6XV8", "Dependence count percentage"},
                                                        {"1PFV", "Grey level variance"},
                                                        {"DNX2", "Dependence count variance"},
                                                        {"FCBV", "Dependence count entropy"},
                                                        {"CAS9", "Dependence count energy"}}};

/// One matrix a slice, and their sum.
struct SliceMatrices {
  std::vector<SizeMatrix> slice;
  SizeMatrix merged() const {
    SizeMatrix all;
    for (const SizeMatrix& matrix : slice) all.add(matrix);
    all.compress();
    return all;
  }
};

template <class Fill>
SliceMatrices per_slice(std::int64_t slices, const Run& run, Fill&& fill) {
  SliceMatrices matrices{std::vector<SizeMatrix>(static_cast<std::size_t>(slices))};
  parallel_for(run, slices, 1, [&](std::int64_t k, std::int64_t) {
    fill(k, matrices.slice[static_cast<std::size_t>(k)]);
    matrices.slice[static_cast<std::size_t>(k)].compress();
  });
  return matrices;
}

/// The three aggregations of a family that has no direction.
template <std::size_t N>
void add_slices(const SliceMatrices& matrices, const FramedLevels& levels, const std::array<FeatureName, N>& names, const char* family,
                Features& features) {
  std::vector<std::vector<double>> sets;
  for (std::size_t k = 0; k < matrices.slice.size(); ++k) {
    const auto at = static_cast<std::int64_t>(k);
    sets.push_back(matrices.slice[k].values(levels.voxels(at, at + 1)));
  }
  add_values(names, family, "2D", mean_values(sets, N), features);
  add_values(names, family, "2.5D", matrices.merged().values(levels.voxels(0, levels.size()[2])), features);
}

/// Runs of equal level along a step, that begin in slice k.
void add_runs(const FramedLevels& levels, const Step& step, std::int64_t k, SizeMatrix& matrix) {
  const std::int64_t offset = levels.offset(step);
  const std::int32_t* const data = levels.data();
  levels.each(k, [&](std::int64_t n) {
    const std::int32_t level = data[n];
    if (data[n - offset] == level) return;
    std::int64_t length = 1;
    while (data[n + length * offset] == level) ++length;
    matrix.add(level, length);
  });
}

/// Calls `zone(level, addresses)` for every set of linked voxels of one level that has a voxel in slices [begin, end); steps within the
/// slices stay there.
template <class Zone>
void each_zone(const FramedLevels& levels, const std::vector<Step>& steps, std::int64_t begin, std::int64_t end,
               std::vector<std::uint8_t>& seen, Zone&& zone) {
  const std::int32_t* const data = levels.data();
  std::vector<std::int64_t> offsets, members;
  for (const Step& step : steps) offsets.push_back(levels.offset(step));
  for (std::int64_t k = begin; k < end; ++k) {
    levels.each(k, [&](std::int64_t first) {
      if (seen[static_cast<std::size_t>(first)] != 0) return;
      members.assign(1, first);
      seen[static_cast<std::size_t>(first)] = 1;
      for (std::size_t m = 0; m < members.size(); ++m) {
        for (const std::int64_t offset : offsets) {
          const std::int64_t n = members[m] + offset;
          if (data[n] != data[first] || seen[static_cast<std::size_t>(n)] != 0) continue;
          seen[static_cast<std::size_t>(n)] = 1;
          members.push_back(n);
        }
      }
      zone(data[first], members);
    });
  }
}

std::size_t framed_count(const FramedLevels& levels) {
  const auto [ni, nj, nk] = levels.size();
  return static_cast<std::size_t>((ni + 2) * (nj + 2) * (nk + 2));
}

/// Steps through faces from each voxel of the mask to the nearest one outside, by two passes; beyond the grid is outside. Addresses are
/// those of FramedLevels.
std::vector<std::int32_t> border_distance(const MaskView& mask, const FramedLevels& levels, bool volume) {
  std::vector<std::int32_t> distance(framed_count(levels), 0);
  const auto [ni, nj, nk] = levels.size();
  const std::array<std::int64_t, 3> back{levels.offset({1, 0, 0}), levels.offset({0, 1, 0}), levels.offset({0, 0, 1})};
  const std::size_t axes = volume ? 3 : 2;
  for (std::int64_t k = 0; k < nk; ++k) {
    for (std::int64_t j = 0; j < nj; ++j) {
      for (std::int64_t i = 0; i < ni; ++i) {
        const std::int64_t n = levels.at(i, j, k);
        if (mask(i, j, k) == 0) continue;
        std::int32_t nearest = std::numeric_limits<std::int32_t>::max();
        for (std::size_t a = 0; a < axes; ++a) nearest = std::min(nearest, distance[static_cast<std::size_t>(n - back[a])] + 1);
        distance[static_cast<std::size_t>(n)] = nearest;
      }
    }
  }
  for (std::int64_t k = nk; k-- > 0;) {
    for (std::int64_t j = nj; j-- > 0;) {
      for (std::int64_t i = ni; i-- > 0;) {
        const std::int64_t n = levels.at(i, j, k);
        std::int32_t& here = distance[static_cast<std::size_t>(n)];
        for (std::size_t a = 0; a < axes && here > 0; ++a) here = std::min(here, distance[static_cast<std::size_t>(n + back[a])] + 1);
      }
    }
  }
  return distance;
}

}  // namespace

void add_run_lengths(const Levels& levels, Dimensions dimensions, Features& features, const Run& run) {
  const char* const family = "run length matrix";
  const FramedLevels framed(levels);
  const std::int64_t slices = framed.size()[2], voxels = framed.voxels(0, slices);
  const auto add = [&](const char* aggregation, const std::vector<std::vector<double>>& sets) {
    add_values(run_names, family, aggregation, mean_values(sets, run_names.size()), features);
  };
  if (has_slices(dimensions)) {
    const std::vector<Step> steps = directions(false);
    std::vector<SliceMatrices> by_step;
    for (const Step& step : steps) {
      by_step.push_back(per_slice(slices, run, [&](std::int64_t k, SizeMatrix& matrix) { add_runs(framed, step, k, matrix); }));
    }
    std::vector<std::vector<double>> each, slice_merged, direction_merged;
    for (std::int64_t k = 0; k < slices; ++k) {
      const std::int64_t here = framed.voxels(k, k + 1);
      SizeMatrix slice;
      for (const SliceMatrices& matrices : by_step) {
        const SizeMatrix& one = matrices.slice[static_cast<std::size_t>(k)];
        each.push_back(one.values(here));
        slice.add(one);
      }
      slice.compress();
      slice_merged.push_back(slice.values(here * static_cast<std::int64_t>(steps.size())));
    }
    SizeMatrix all;
    for (const SliceMatrices& matrices : by_step) {
      const SizeMatrix direction = matrices.merged();
      direction_merged.push_back(direction.values(voxels));
      all.add(direction);
    }
    all.compress();
    add("2D, averaged", each);
    add("2D, slice-merged", slice_merged);
    add("2.5D, direction-merged", direction_merged);
    add("2.5D, merged", {all.values(voxels * static_cast<std::int64_t>(steps.size()))});
  }
  if (has_volume(dimensions)) {
    const std::vector<Step> steps = directions(true);
    std::vector<SizeMatrix> matrices(steps.size());
    parallel_for(run, static_cast<std::int64_t>(steps.size()), 1, [&](std::int64_t d, std::int64_t) {
      SizeMatrix& matrix = matrices[static_cast<std::size_t>(d)];
      for (std::int64_t k = 0; k < slices; ++k) add_runs(framed, steps[static_cast<std::size_t>(d)], k, matrix);
      matrix.compress();
    });
    SizeMatrix all;
    std::vector<std::vector<double>> each;
    for (const SizeMatrix& matrix : matrices) {
      each.push_back(matrix.values(voxels));
      all.add(matrix);
    }
    all.compress();
    add("3D, averaged", each);
    add("3D, merged", {all.values(voxels * static_cast<std::int64_t>(steps.size()))});
  }
}

void add_size_zones(const Levels& levels, Dimensions dimensions, Features& features, const Run& run) {
  const FramedLevels framed(levels);
  const std::int64_t slices = framed.size()[2];
  std::vector<std::uint8_t> seen(framed_count(framed), 0);
  if (has_slices(dimensions)) {
    const SliceMatrices matrices = per_slice(slices, run, [&](std::int64_t k, SizeMatrix& matrix) {
      each_zone(framed, neighbours(false), k, k + 1, seen,
                [&](std::int32_t level, const auto& members) { matrix.add(level, static_cast<std::int64_t>(members.size())); });
    });
    add_slices(matrices, framed, zone_names, "size zone matrix", features);
  }
  if (has_volume(dimensions)) {
    std::fill(seen.begin(), seen.end(), 0);
    SizeMatrix matrix;
    each_zone(framed, neighbours(true), 0, slices, seen,
              [&](std::int32_t level, const auto& members) { matrix.add(level, static_cast<std::int64_t>(members.size())); });
    matrix.compress();
    add_values(zone_names, "size zone matrix", "3D", matrix.values(framed.voxels(0, slices)), features);
  }
}

void add_distance_zones(const Levels& levels, const MaskView& morphological, Dimensions dimensions, Features& features, const Run& run) {
  const FramedLevels framed(levels);
  const std::int64_t slices = framed.size()[2];
  std::vector<std::uint8_t> seen(framed_count(framed), 0);
  const auto nearest = [](const std::vector<std::int32_t>& distance, const std::vector<std::int64_t>& members) {
    std::int32_t least = std::numeric_limits<std::int32_t>::max();
    for (const std::int64_t n : members) least = std::min(least, distance[static_cast<std::size_t>(n)]);
    return least;
  };
  if (has_slices(dimensions)) {
    const std::vector<std::int32_t> distance = border_distance(morphological, framed, false);
    const SliceMatrices matrices = per_slice(slices, run, [&](std::int64_t k, SizeMatrix& matrix) {
      each_zone(framed, neighbours(false), k, k + 1, seen,
                [&](std::int32_t level, const auto& members) { matrix.add(level, nearest(distance, members)); });
    });
    add_slices(matrices, framed, distance_names, "distance zone matrix", features);
  }
  if (has_volume(dimensions)) {
    const std::vector<std::int32_t> distance = border_distance(morphological, framed, true);
    std::fill(seen.begin(), seen.end(), 0);
    SizeMatrix matrix;
    each_zone(framed, neighbours(true), 0, slices, seen,
              [&](std::int32_t level, const auto& members) { matrix.add(level, nearest(distance, members)); });
    matrix.compress();
    add_values(distance_names, "distance zone matrix", "3D", matrix.values(framed.voxels(0, slices)), features);
  }
}

void add_level_dependence(const Levels& levels, Dimensions dimensions, Features& features, const Run& run) {
  const FramedLevels framed(levels);
  const std::int64_t slices = framed.size()[2];
  const auto matrices_of = [&](bool volume) {
    std::vector<std::int64_t> offsets;
    for (const Step& step : neighbours(volume)) offsets.push_back(framed.offset(step));
    return per_slice(slices, run, [&](std::int64_t k, SizeMatrix& matrix) {
      const std::int32_t* const data = framed.data();
      framed.each(k, [&](std::int64_t n) {
        const std::int32_t level = data[n];
        matrix.add(level,
                   1 + std::count_if(offsets.begin(), offsets.end(), [&](std::int64_t offset) { return data[n + offset] == level; }));
      });
    });
  };
  if (has_slices(dimensions)) {
    add_slices(matrices_of(false), framed, dependence_names, "neighbouring level dependence matrix", features);
  }
  if (has_volume(dimensions)) {
    add_values(dependence_names, "neighbouring level dependence matrix", "3D", matrices_of(true).merged().values(framed.voxels(0, slices)),
               features);
  }
}

}  // namespace gantry::radiomics
