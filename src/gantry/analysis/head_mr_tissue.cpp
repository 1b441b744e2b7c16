// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/head_mr_tissue.h"

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/morphology.h"
#include "gantry/volume/resample.h"

namespace gantry::analysis {

namespace {

constexpr int bins = 1024;
constexpr int classes = 6;  // fluid, fluid and grey, grey, grey and white, white, other
constexpr int parts = 24;   // quadrature points over the share in a mixed voxel

/// Likelihood tables of the classes over intensity bins.
struct Model {
  double low = 0, step = 1;
  std::array<double, 3> mean{}, deviation{};
  std::array<double, classes> share{};
  std::array<std::array<double, bins>, classes> likelihood{};
  /// Expected share of the brighter tissue in a voxel that holds fluid and grey, grey and white.
  std::array<std::array<float, bins>, 2> brighter{};

  double center(int bin) const { return low + (bin + 0.5) * step; }
  int bin_of(double v) const { return std::clamp(static_cast<int>((v - low) / step), 0, bins - 1); }
  double bright() const { return mean[2] + std::max(4 * deviation[2], 0.1 * (mean[2] - mean[0])); }

  void tabulate() {
    const auto normal = [](double x, double m, double s) { return std::exp(-0.5 * (x - m) * (x - m) / (s * s)) / s; };
    const auto mixed = [&](double x, std::size_t a, std::size_t b, float& share_of_b) {
      double sum = 0;
      double weighted = 0;
      for (int p = 0; p < parts; ++p) {
        const double t = (p + 0.5) / parts;
        const double s = std::sqrt((1 - t) * (1 - t) * deviation[a] * deviation[a] + t * t * deviation[b] * deviation[b]);
        const double density = normal(x, (1 - t) * mean[a] + t * mean[b], s);
        sum += density;
        weighted += t * density;
      }
      share_of_b = static_cast<float>(sum > 1e-100 ? weighted / sum : std::clamp((x - mean[a]) / (mean[b] - mean[a]), 0.0, 1.0));
      return sum / parts;
    };
    const double flat = 2.5 / (bins * step);
    for (int b = 0; b < bins; ++b) {
      const auto n = static_cast<std::size_t>(b);
      const double x = center(b);
      // Below the mean of fluid everything is as dark as fluid: flow voids and dura do not become a class of their own.
      likelihood[0][n] = normal(std::max(x, mean[0] - deviation[0]), mean[0], deviation[0]);
      likelihood[1][n] = mixed(x, 0, 1, brighter[0][n]);
      likelihood[2][n] = normal(x, mean[1], deviation[1]);
      likelihood[3][n] = mixed(x, 1, 2, brighter[1][n]);
      likelihood[4][n] = normal(x, mean[2], deviation[2]);
      likelihood[5][n] = x > bright() ? flat : 1e-9 * flat;
    }
  }
};

Model fit(const std::vector<double>& histogram, double low, double step, const TissueIntensities& first) {
  Model m;
  m.low = low;
  m.step = step;
  m.mean = first.mean;
  m.deviation = first.deviation;
  m.deviation[1] = std::min(m.deviation[1], 0.35 * (m.mean[2] - m.mean[1]));
  m.share = {0.12, 0.15, 0.33, 0.10, 0.29, 0.01};
  // Noise adds to all tissues alike: none may become much narrower than the narrowest of the first fit, none wider than the gaps allow.
  const double narrow = std::max(0.5 * *std::min_element(first.deviation.begin(), first.deviation.end()), step);
  for (int iteration = 0; iteration < 60; ++iteration) {
    m.tabulate();
    std::array<double, classes> weight{};
    std::array<double, 3> sum{};
    std::array<double, 3> squares{};
    std::array<double, 3> inner{};
    for (int b = 0; b < bins; ++b) {
      const auto n = static_cast<std::size_t>(b);
      if (histogram[n] == 0) continue;
      std::array<double, classes> p{};
      double total = 1e-300;
      for (std::size_t c = 0; c < classes; ++c) total += p[c] = m.share[c] * m.likelihood[c][n];
      const double x = m.center(b);
      for (std::size_t c = 0; c < classes; ++c) {
        const double r = histogram[n] * p[c] / total;
        weight[c] += r;
        // What is brighter than white matter can be (vessels, contrast medium, fat) must not widen it.
        if (c % 2 == 0 && !(c == 4 && x > m.mean[2] + 3 * m.deviation[2])) {
          inner[c / 2] += r;
          sum[c / 2] += r * x;
          squares[c / 2] += r * x * x;
        }
      }
    }
    double all = 0;
    for (const double w : weight) all += w;
    double moved = 0;
    // The mean of fluid stays: at the rim of the space bone and dura are darker and would draw it down.
    for (std::size_t t = 0; t < 3; ++t) {
      if (!(inner[t] > 1e-5 * all)) continue;
      if (t == 0) {
        m.deviation[0] =
            std::max(std::sqrt(std::max((squares[0] - 2 * m.mean[0] * sum[0]) / inner[0] + m.mean[0] * m.mean[0], 0.0)), narrow);
        continue;
      }
      const double mean = sum[t] / inner[t];
      moved = std::max(moved, std::abs(mean - m.mean[t]));
      m.mean[t] = mean;
      m.deviation[t] = std::max(std::sqrt(std::max(squares[t] / inner[t] - mean * mean, 0.0)), narrow);
    }
    const double gap = std::min(m.mean[1] - m.mean[0], m.mean[2] - m.mean[1]);
    if (!(gap > 2 * step)) throw Error(ErrorCode::not_possible, "tissues: grey matter, white matter and fluid do not differ in this image");
    for (double& d : m.deviation) d = std::min(d, std::max(0.6 * gap, narrow));
    // What spreads more than twice as much as white matter is mixed voxels, which have classes of their own.
    for (std::size_t t = 0; t < 2; ++t) m.deviation[t] = std::min(m.deviation[t], 1.4 * m.deviation[2]);
    for (std::size_t c = 0; c < classes; ++c) m.share[c] = std::max(weight[c] / all, 1e-4);
    if (moved < 0.02 * step) break;
  }
  m.tabulate();
  return m;
}

/// The Markov random field over the six neighbours: what a class costs at a voxel, given its intensity and the states around it.
class Field {
 public:
  using Cost = std::array<float, classes>;

  Field(const VoxelView<float>& image, const MaskView& space, const Model& model)
      : image_(image), space_(space), model_(model), size_(image.grid().size()), stride_{1, size_[0], size_[0] * size_[1]}, energy_(bins) {
    // Nearer neighbours count more: full weight at 1 mm.
    for (int a = 0; a < 3; ++a)
      weight_[static_cast<std::size_t>(a)] = static_cast<float>(0.2 / std::max(0.7, image.grid().spacing_mm()[a]));
    for (std::size_t b = 0; b < bins; ++b) {
      for (std::size_t c = 0; c < classes; ++c)
        energy_[b][c] = static_cast<float>(-std::log(model.share[c] * model.likelihood[c][b] + 1e-30));
    }
    // Classes are in order of intensity; a step between neighbours in that order costs little, a jump costs more. Other stands apart.
    for (int a = 0; a < classes; ++a) {
      for (int b = 0; b < classes; ++b) {
        jump_[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)] =
            a == 5 || b == 5 ? (a == b ? 0.0F : 1.0F) : std::min(1.5F, 0.5F * static_cast<float>(std::abs(a - b)));
      }
    }
  }

  Cost cost(const Voxels<std::uint8_t>& state, std::int64_t i, std::int64_t j, std::int64_t k) const {
    const std::array<std::int64_t, 3> at{i, j, k};
    const std::int64_t n = i + j * stride_[1] + k * stride_[2];
    Cost cost = energy_[static_cast<std::size_t>(model_.bin_of(image_[n]))];
    for (std::size_t a = 0; a < 3; ++a) {
      for (const std::int64_t side : {-1, 1}) {
        if (at[a] + side < 0 || at[a] + side >= size_[a]) continue;
        const std::int64_t m = n + side * stride_[a];
        if (space_[m] == 0) continue;
        const auto& row = jump_[state[m]];
        for (std::size_t c = 0; c < classes; ++c) cost[c] += weight_[a] * row[c];
      }
    }
    return cost;
  }

 private:
  const VoxelView<float>& image_;
  const MaskView& space_;
  const Model& model_;
  Size3 size_;
  std::array<std::int64_t, 3> stride_;
  std::array<float, 3> weight_{};
  std::vector<Cost> energy_;
  std::array<std::array<float, classes>, classes> jump_{};
};

/// One conditional mode for each voxel, first of one colour, then of the other.
void relax(Voxels<std::uint8_t>& state, const MaskView& space, const Field& field, const Run& run) {
  const Size3 size = state.grid().size();
  for (int color = 0; color < 2; ++color) {
    parallel_for(run, size[2], 2, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        for (std::int64_t j = 0; j < size[1]; ++j) {
          for (std::int64_t i = (j + k + color) & 1; i < size[0]; i += 2) {
            const std::int64_t n = state.grid().index(i, j, k);
            if (space[n] == 0) continue;
            const Field::Cost cost = field.cost(state, i, j, k);
            state[n] = static_cast<std::uint8_t>(std::min_element(cost.begin(), cost.end()) - cost.begin());
          }
        }
      }
    });
  }
}

/// What is expected in a voxel, each from 0 to 1.
struct Shares {
  float fluid = 0, gray = 0, white = 0, other = 0;
};

Shares expected_shares(Field::Cost cost, const Model& model, int bin) {
  const float least = *std::min_element(cost.begin(), cost.end());
  float total = 0;
  for (float& c : cost) total += c = std::exp(least - c);
  const auto b = static_cast<std::size_t>(bin);
  const float gray_of_mixed = model.brighter[0][b];
  const float white_of_mixed = model.brighter[1][b];
  return {(cost[0] + (1 - gray_of_mixed) * cost[1]) / total, (cost[2] + gray_of_mixed * cost[1] + (1 - white_of_mixed) * cost[3]) / total,
          (cost[4] + white_of_mixed * cost[3]) / total, cost[5] / total};
}

/// Takes back the first order of the blur that a scan has at about its voxel size: image - (sigma^2 / 2) Laplacian, sigma in voxels. Thin
/// sulci get their depth again, even regions keep their level.
Voxels<float> deblurred(const VoxelView<float>& image, const MaskView& space, const Run& run) {
  constexpr float half_variance = 0.06F;  // sigma 0.35 voxels
  const Size3 size = image.grid().size();
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  Voxels<float> sharp = Voxels<float>::uninitialized(image.grid());
  parallel_for(run, size[2], 2, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin * stride[2]; n < end * stride[2]; ++n) {
      sharp[n] = image[n];
      if (space[n] == 0) continue;
      for (std::size_t a = 0; a < 3; ++a) {
        const std::int64_t at = n / stride[a] % size[a];
        if (at == 0 || at + 1 == size[a]) continue;
        sharp[n] += half_variance * (2 * image[n] - image[n - stride[a]] - image[n + stride[a]]);
      }
    }
  });
  return sharp;
}

}  // namespace

TissueInput tissue_input(const VoxelView<float>& image, const BrainExtraction& brain, const Run& run) {
  const Voxels<float> canonical = to_canonical(image);
  const Grid& grid = canonical.grid();
  const Size3 size = brain.grid.size();
  Vec3 low{INFINITY, INFINITY, INFINITY};
  Vec3 high{-INFINITY, -INFINITY, -INFINITY};
  for (std::int64_t n = 0; n < brain.intracranial.count(); ++n) {
    if (brain.intracranial[n] == 0) continue;
    const Vec3 working{static_cast<double>(n % size[0]), static_cast<double>(n / size[0] % size[1]),
                       static_cast<double>(n / (size[0] * size[1]))};
    const Vec3 voxel = grid.voxel_from_world(brain.grid.world_from_voxel(working));
    for (int a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], voxel[a]);
      high[a] = std::max(high[a], voxel[a]);
    }
  }
  TissueInput input;
  input.canonical = grid;
  Size3 extent{};
  for (int a = 0; a < 3; ++a) {
    const auto n = static_cast<std::size_t>(a);
    const double margin = 12 / grid.spacing_mm()[a] + 1;
    input.begin[n] = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(low[a] - margin)), 0, grid.size(a) - 1);
    const std::int64_t end =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(high[a] + margin)) + 1, input.begin[n] + 1, grid.size(a));
    extent[n] = end - input.begin[n];
  }
  input.image = crop(VoxelView<float>(canonical), input.begin, extent);
  const Grid& part = input.image.grid();
  Voxels<float> smooth(brain.grid);
  for (std::int64_t n = 0; n < smooth.count(); ++n) smooth[n] = brain.intracranial[n];
  smooth = gaussian(smooth, {1, 1, 1}, Border::nearest, run);
  {
    const Voxels<float> inside = resample(smooth, part, Interpolation::linear, 0.0F, run);
    input.space = Mask::uninitialized(part);
    for (std::int64_t n = 0; n < inside.count(); ++n) input.space[n] = inside[n] >= 0.5F ? 1 : 0;
  }
  const Voxels<float> bias = resample(brain.bias, part, Interpolation::linear, 1.0F, run);
  for (std::int64_t n = 0; n < bias.count(); ++n) {
    const float v = input.image[n];
    input.image[n] = std::isfinite(v) && v > 0 && bias[n] > 0 ? v / bias[n] : 0.0F;
  }
  return input;
}

Voxels<std::uint8_t> to_series(const VoxelView<std::uint8_t>& part, const TissueInput& input, const Grid& image) {
  Voxels<std::uint8_t> whole(input.canonical);
  const Size3 size = part.grid().size();
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      std::copy_n(part.data() + part.grid().index(0, j, k), size[0],
                  whole.data() + input.canonical.index(input.begin[0], input.begin[1] + j, input.begin[2] + k));
    }
  }
  return from_canonical(VoxelView<std::uint8_t>(whole), image);
}

TissueMaps classify_tissues(const VoxelView<float>& blurred, const MaskView& space, const TissueIntensities& first, Run& run) {
  const Grid& grid = blurred.grid();
  const Voxels<float> image = deblurred(blurred, space, run);
  const double low = std::max(0.0, first.mean[0] - 4 * first.deviation[0]);
  const double high = first.mean[2] + std::max(8 * first.deviation[2], 0.5 * (first.mean[2] - first.mean[0]));
  const double step = (high - low) / bins;
  if (!(step > 0)) throw Error(ErrorCode::not_possible, "tissues: the image is constant");
  std::vector<double> histogram(bins, 0.0);
  Model bins_only;
  bins_only.low = low;
  bins_only.step = step;
  for (std::int64_t n = 0; n < image.count(); ++n) {
    if (space[n] != 0 && std::isfinite(image[n])) ++histogram[static_cast<std::size_t>(bins_only.bin_of(image[n]))];
  }
  // The end bins gather what lies beyond.
  histogram[bins - 1] = 0;
  const Model model = fit(histogram, low, step, first);

  Voxels<std::uint8_t> state(grid);
  parallel_for(run, image.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      if (space[n] == 0) continue;
      const auto b = static_cast<std::size_t>(model.bin_of(image[n]));
      double best = -1;
      for (std::size_t c = 0; c < classes; ++c) {
        const double p = model.share[c] * model.likelihood[c][b];
        if (p > best) {
          best = p;
          state[n] = static_cast<std::uint8_t>(c);
        }
      }
    }
  });
  const VoxelView<float> view(image);
  const Field field(view, space, model);
  for (int iteration = 0; iteration < 6; ++iteration) {
    relax(state, space, field, run);
    run.progress((iteration + 1) / 8.0, "tissues");
  }

  TissueMaps maps{
      Voxels<std::uint8_t>(grid), Voxels<std::uint8_t>(grid), Voxels<std::uint8_t>(grid), Voxels<std::uint8_t>(grid), {}, 0, 0, 0, 0};
  maps.model.mean = model.mean;
  maps.model.deviation = model.deviation;
  maps.model.share = {model.share[0], model.share[2], model.share[4]};
  Mask solid(grid);
  const Size3 size = grid.size();
  parallel_for(run, size[2], 2, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        for (std::int64_t i = 0; i < size[0]; ++i) {
          const std::int64_t n = grid.index(i, j, k);
          if (space[n] == 0) continue;
          const Shares shares = expected_shares(field.cost(state, i, j, k), model, model.bin_of(image[n]));
          if (shares.other > 0.5F) {
            maps.label[n] = static_cast<std::uint8_t>(Tissue::other);
            continue;
          }
          const float scale = 255 / (1 - shares.other);
          maps.gray[n] = static_cast<std::uint8_t>(std::lround(scale * shares.gray));
          maps.white[n] = static_cast<std::uint8_t>(std::min<long>(std::lround(scale * shares.white), 255 - maps.gray[n]));
          maps.fluid[n] = static_cast<std::uint8_t>(255 - maps.gray[n] - maps.white[n]);
          solid[n] = maps.gray[n] + maps.white[n] >= 128 ? 1 : 0;
        }
      }
    }
  });
  solid = largest_component(solid, Connectivity::faces, run);
  struct Sums {
    std::int64_t fluid = 0, gray = 0, white = 0, other = 0;
  };
  const Sums sums = parallel_reduce(
      run, image.count(), 1 << 16, Sums{},
      [&](std::int64_t begin, std::int64_t end) {
        Sums s;
        for (std::int64_t n = begin; n < end; ++n) {
          if (space[n] == 0) continue;
          const bool loose = solid[n] == 0 && maps.gray[n] + maps.white[n] >= 128;
          if (loose || maps.label[n] == static_cast<std::uint8_t>(Tissue::other)) {
            maps.gray[n] = maps.white[n] = maps.fluid[n] = 0;
            maps.label[n] = static_cast<std::uint8_t>(Tissue::other);
            s.other += 255;
            continue;
          }
          const Tissue most = maps.fluid[n] > 127 ? Tissue::fluid : maps.white[n] > maps.gray[n] ? Tissue::white : Tissue::gray;
          maps.label[n] = static_cast<std::uint8_t>(most);
          s.fluid += maps.fluid[n];
          s.gray += maps.gray[n];
          s.white += maps.white[n];
        }
        return s;
      },
      [](Sums& total, const Sums& s) {
        total.fluid += s.fluid;
        total.gray += s.gray;
        total.white += s.white;
        total.other += s.other;
      });
  const double unit_ml = grid.voxel_volume_mm3() / 1000 / 255;
  maps.fluid_ml = static_cast<double>(sums.fluid) * unit_ml;
  maps.gray_ml = static_cast<double>(sums.gray) * unit_ml;
  maps.white_ml = static_cast<double>(sums.white) * unit_ml;
  maps.other_ml = static_cast<double>(sums.other) * unit_ml;
  return maps;
}

void give_rim_to_gray(TissueMaps& maps, const MaskView& space, const Run& run) {
  const Grid& grid = space.grid();
  Mask outside(grid);
  for (std::int64_t n = 0; n < outside.count(); ++n) outside[n] = space[n] == 0 ? 1 : 0;
  const Voxels<float> depth = distance(outside, run);
  Mask tissue(grid);
  for (std::int64_t n = 0; n < tissue.count(); ++n) {
    tissue[n] =
        maps.label[n] == static_cast<std::uint8_t>(Tissue::gray) || maps.label[n] == static_cast<std::uint8_t>(Tissue::white) ? 1 : 0;
  }
  const Voxels<float> away = distance(tissue, run);
  const double unit_ml = grid.voxel_volume_mm3() / 1000 / 255;
  const double rim_mm = 1.5 * std::cbrt(grid.voxel_volume_mm3());
  // An outline with a margin of fluid keeps it.
  std::int64_t below = 0;
  std::int64_t solid = 0;
  for (std::int64_t n = 0; n < outside.count(); ++n) {
    if (!(depth[n] > rim_mm && depth[n] <= 2 * rim_mm)) continue;
    ++below;
    solid += tissue[n];
  }
  if (static_cast<double>(solid) < 0.6 * static_cast<double>(below)) return;
  std::int64_t moved = 0;
  for (std::int64_t n = 0; n < outside.count(); ++n) {
    if (maps.label[n] != static_cast<std::uint8_t>(Tissue::fluid) || !(depth[n] <= rim_mm && away[n] <= rim_mm)) continue;
    moved += maps.fluid[n];
    maps.gray[n] = static_cast<std::uint8_t>(maps.gray[n] + maps.fluid[n]);
    maps.fluid[n] = 0;
    maps.label[n] = static_cast<std::uint8_t>(Tissue::gray);
  }
  maps.fluid_ml -= static_cast<double>(moved) * unit_ml;
  maps.gray_ml += static_cast<double>(moved) * unit_ml;
}

}  // namespace gantry::analysis
