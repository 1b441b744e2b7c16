// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/head_mr_brain.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/filter/bias_field.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"
#include "gantry/volume/resample.h"

namespace gantry::analysis {

namespace {

constexpr double working_mm = 1.5;

[[noreturn]] void give_up(std::string_view why) { throw Error(ErrorCode::not_possible, fmt::format("brain: {}", why)); }

template <class Test>
Mask mask_where(const Grid& grid, const Run& run, Test&& test) {
  Mask mask = Mask::uninitialized(grid);
  parallel_for(run, mask.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) mask[n] = test(n) ? 1 : 0;
  });
  return mask;
}

std::int64_t count(const MaskView& mask) {
  return std::count_if(mask.values().begin(), mask.values().end(), [](std::uint8_t v) { return v != 0; });
}

double volume_ml(const MaskView& mask) { return static_cast<double>(count(mask)) * mask.grid().voxel_volume_mm3() / 1000; }

/// Grid along the axes of the world that holds the image.
Grid working_grid(const Grid& grid) {
  Vec3 low{INFINITY, INFINITY, INFINITY};
  Vec3 high{-INFINITY, -INFINITY, -INFINITY};
  for (int corner = 0; corner < 8; ++corner) {
    const Vec3 voxel{(corner & 1) != 0 ? static_cast<double>(grid.size(0)) - 0.5 : -0.5,
                     (corner & 2) != 0 ? static_cast<double>(grid.size(1)) - 0.5 : -0.5,
                     (corner & 4) != 0 ? static_cast<double>(grid.size(2)) - 0.5 : -0.5};
    const Vec3 world = grid.world_from_voxel(voxel);
    for (int a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], world[a]);
      high[a] = std::max(high[a], world[a]);
    }
  }
  Size3 size{};
  for (int a = 0; a < 3; ++a) {
    const double extent = high[a] - low[a];
    if (!(extent >= 60)) give_up(fmt::format("the image is too small for a head; {:.0f} mm along an axis", extent));
    if (!(extent <= 900)) give_up(fmt::format("the image is too large for a head; {:.0f} mm along an axis", extent));
    size[static_cast<std::size_t>(a)] = std::max<std::int64_t>(8, std::llround(extent / working_mm));
  }
  return {size, {working_mm, working_mm, working_mm}, low + Vec3{working_mm / 2, working_mm / 2, working_mm / 2}};
}

Voxels<float> to_working(const VoxelView<float>& image, const Grid& grid, const Run& run) {
  std::array<int, 3> factor{};
  for (int a = 0; a < 3; ++a)
    factor[static_cast<std::size_t>(a)] = std::max(1, static_cast<int>(working_mm / image.grid().spacing_mm()[a] + 0.2));
  if (factor == std::array{1, 1, 1}) return resample(image, grid, Interpolation::linear, 0.0F, run);
  const Voxels<float> small = shrink(image, factor, run);
  return resample(small, grid, Interpolation::linear, 0.0F, run);
}

/// Rough air threshold: half of Otsu's over the values below the 99.5th percentile.
double air_threshold(const VoxelView<float>& image) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(image.count() / 4 + 1));
  for (std::int64_t n = 0; n < image.count(); n += 4) values.push_back(image[n]);
  const auto high = static_cast<float>(quantile(values, 0.995));
  for (float& v : values) v = std::min(v, high);
  const auto [low, top] = std::minmax_element(values.begin(), values.end());
  if (!(*top > *low)) give_up("the image is constant");
  return 0.5 * otsu_threshold(values);
}

/// What a first look at the head gives: the part of the working grid at most 175 mm below its top (all of it when the skull is off, for
/// then the axes may be wrong), and the middle of the cranium.
struct Head {
  Grid grid;
  Voxels<float> image;
  Mask mask;
  Vec3 centre_voxel;
  double vertex_mm = 0;
};

Head find_head(const VoxelView<float>& image, bool all, const Run& run) {
  const double threshold = air_threshold(image);
  const Mask above = mask_where(image.grid(), run, [&](std::int64_t n) { return image[n] > threshold; });
  // Skull and fluid are dark: brain, scalp and neck may be separate pieces of one head.
  const Components pieces = connected_components(above, Connectivity::faces, run);
  if (pieces.items.empty()) give_up("no head stands out from the background");
  std::int32_t kept = 0;
  for (const auto& piece : pieces.items) {
    if (static_cast<double>(piece.voxels) * image.grid().voxel_volume_mm3() < 30e3) break;
    ++kept;
  }
  const Mask mask = mask_where(image.grid(), run, [&](std::int64_t n) { return pieces.labels[n] >= 1 && pieces.labels[n] <= kept; });
  const Size3 size = image.grid().size();
  std::int64_t top = -1;
  for (std::int64_t k = size[2] - 1; k >= 0 && top < 0; --k) {
    std::int64_t area = 0;
    for (std::int64_t n = k * size[0] * size[1]; n < (k + 1) * size[0] * size[1]; ++n) area += mask[n];
    if (static_cast<double>(area) * working_mm * working_mm > 400) top = k;
  }
  if (top < 0) give_up("no head stands out from the background");
  const std::int64_t bottom = all ? 0 : std::max<std::int64_t>(0, top - std::llround(175 / working_mm));
  const std::int64_t end = all ? size[2] : std::min(size[2], top + 5);
  Head head;
  head.image = crop(image, {0, 0, bottom}, {size[0], size[1], end - bottom});
  head.mask = crop(MaskView(mask), {0, 0, bottom}, {size[0], size[1], end - bottom});
  head.grid = head.image.grid();
  head.vertex_mm = image.grid().world_from_voxel({0, 0, static_cast<double>(top)}).z;
  // Centre of mass of what lies at most 120 mm below the vertex.
  const std::int64_t first = all ? 0 : std::max<std::int64_t>(0, top - bottom - std::llround(120 / working_mm));
  Vec3 sum;
  double weight = 0;
  for (std::int64_t k = first; k < end - bottom; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        if (head.mask(i, j, k) == 0) continue;
        sum = sum + Vec3{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
        ++weight;
      }
    }
  }
  if (weight * head.grid.voxel_volume_mm3() < 300e3) give_up("the largest object is smaller than a head");
  head.centre_voxel = (1.0 / weight) * sum;
  return head;
}

/// Distance in mm of every voxel from the centre, and a ball out of it.
Mask ball(const Head& head, double radius_mm, const Run& run) {
  const Size3 size = head.grid.size();
  return mask_where(head.grid, run, [&](std::int64_t n) {
    const Vec3 voxel{static_cast<double>(n % size[0]), static_cast<double>(n / size[0] % size[1]),
                     static_cast<double>(n / (size[0] * size[1]))};
    return norm(working_mm * (voxel - head.centre_voxel)) <= radius_mm;
  });
}

std::vector<float> values_under(const VoxelView<float>& image, const MaskView& mask) {
  std::vector<float> values;
  for (std::int64_t n = 0; n < image.count(); ++n) {
    if (mask[n] != 0 && std::isfinite(image[n]) && image[n] > 0) values.push_back(image[n]);
  }
  return values;
}

/// The brain's grey and white matter: what holds the centre after an erosion that separates it from its surroundings.
struct Core {
  Mask mask;
  Mask foreign;  ///< marrow and muscle that came apart from it
  double erosion_mm = 0;
};

/// Which of the bodies that an erosion left the voxels of `tissue` belong to: all grow step by step at the same pace, so that where two
/// touch the border lies half-way. 0 belongs to none; 1, the brain, goes first.
Voxels<std::uint8_t> compete(Voxels<std::uint8_t> owner, const Mask& tissue, double reach_mm, const Run& run) {
  const Grid& grid = tissue.grid();
  const Size3 size = grid.size();
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  const int steps = static_cast<int>(reach_mm / working_mm + 0.5);
  for (int step = 0; step < steps; ++step) {
    Voxels<std::uint8_t> next = owner.clone();
    parallel_for(run, size[2] - 2, 4, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin + 1; k < end + 1; ++k) {
        for (std::int64_t j = 1; j + 1 < size[1]; ++j) {
          for (std::int64_t i = 1; i + 1 < size[0]; ++i) {
            const std::int64_t n = grid.index(i, j, k);
            if (owner[n] != 0 || tissue[n] == 0) continue;
            std::uint8_t first = 255;
            for (const std::int64_t s : stride) {
              for (const std::int64_t m : {n - s, n + s})
                if (owner[m] != 0) first = std::min(first, owner[m]);
            }
            if (first != 255) next[n] = first;
          }
        }
      }
    });
    owner = std::move(next);
  }
  return owner;
}

/// What the bodies are that an erosion left.
struct Bodies {
  Mask brain;    ///< with its parts
  Mask foreign;  ///< marrow and muscle
};

/// Tells the bodies that are parts of the brain from those that are not: an erosion may cut off the pole of a temporal lobe, whose stalk is
/// thin. Such a body is much smaller than the brain and about as bright, and nine tenths of its borders are with the brain, along 0.15 to
/// 0.8 of the face of a cube of its volume. Marrow and muscle hardly touch it and are darker than it is as a whole: there is no white
/// matter in them.
Bodies tell_bodies(const Voxels<std::uint8_t>& owner, const VoxelView<float>& even, const Run& run) {
  const Size3 size = owner.grid().size();
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  struct Body {
    std::int64_t voxels = 0, brain_borders = 0, borders = 0;
    double sum = 0;
    double mean() const { return sum / static_cast<double>(voxels); }
  };
  std::array<Body, 256> of{};
  const std::int64_t last = owner.count() - stride[2];
  for (std::int64_t n = 0; n < last; ++n) {
    const std::uint8_t own = owner[n];
    if (own == 0) continue;
    ++of[own].voxels;
    of[own].sum += even[n];
    for (const std::int64_t s : stride) {
      const std::uint8_t other = owner[n + s];
      if (other == 0 || other == own) continue;
      ++of[own].borders;
      ++of[other].borders;
      if (other == 1) ++of[own].brain_borders;
      if (own == 1) ++of[other].brain_borders;
    }
  }
  std::array<bool, 256> part{};
  std::array<bool, 256> foreign{};
  part[1] = true;
  for (std::size_t b = 2; b < of.size(); ++b) {
    const Body& body = of[b];
    if (body.voxels == 0) continue;
    const double edge = std::cbrt(static_cast<double>(body.voxels));
    const double shared = static_cast<double>(body.brain_borders) / (edge * edge);
    foreign[b] = shared < 0.15 && body.mean() < 0.8 * of[1].mean();
    if (10 * body.voxels > of[1].voxels || 10 * body.brain_borders < 9 * body.borders) continue;
    part[b] = shared >= 0.15 && shared <= 0.8 && body.mean() > 0.85 * of[1].mean();
  }
  return {mask_where(owner.grid(), run, [&](std::int64_t n) { return part[owner[n]]; }),
          mask_where(owner.grid(), run, [&](std::int64_t n) { return foreign[owner[n]]; })};
}

/// Erodes `candidate` until the body in the middle comes apart from scalp, eyes, marrow and neck, and gives it back what it lost within
/// `tissue`, the wider of the two ranges of intensity.
Core separate(const Head& head, const VoxelView<float>& even, const Mask& candidate, const Mask& tissue, const Mask& middle,
              const Run& run) {
  const Mask outside = mask_where(head.grid, run, [&](std::int64_t n) { return candidate[n] == 0; });
  const Voxels<float> depth = distance(outside, run);
  struct Trial {
    Bodies bodies;
    double erosion_mm, volume_ml, reach_mm;
  };
  std::vector<Trial> trials;
  const Size3 size = head.grid.size();
  const auto possible = [](const Trial& trial) { return trial.reach_mm < 115 && trial.volume_ml > 350 && trial.volume_ml < 1900; };
  for (const double erosion : {2.2, 3.1, 4.0, 5.0, 6.2}) {
    run.check();
    const Mask eroded = mask_where(head.grid, run, [&](std::int64_t n) { return depth[n] > erosion; });
    const Components parts = connected_components(eroded, Connectivity::faces, run);
    std::vector<std::int64_t> inside(parts.items.size() + 1, 0);
    for (std::int64_t n = 0; n < eroded.count(); ++n) {
      if (middle[n] != 0) ++inside[static_cast<std::size_t>(parts.labels[n])];
    }
    inside[0] = 0;
    const auto best = std::max_element(inside.begin(), inside.end());
    if (*best == 0) break;
    const auto label = static_cast<std::int32_t>(best - inside.begin());
    // Small pieces may be gyri that lost their stalk: they belong to who reaches them first.
    std::vector<std::uint8_t> owner_of(parts.items.size() + 1, 0);
    for (std::size_t p = 0; p < parts.items.size(); ++p) {
      if (static_cast<double>(parts.items[p].voxels) * head.grid.voxel_volume_mm3() > 2000)
        owner_of[p + 1] = static_cast<std::uint8_t>(std::min<std::size_t>(p + 2, 254));
    }
    owner_of[static_cast<std::size_t>(label)] = 1;
    Voxels<std::uint8_t> owner(head.grid);
    double reach = 0;
    for (std::int64_t n = 0; n < owner.count(); ++n) {
      owner[n] = owner_of[static_cast<std::size_t>(parts.labels[n])];
      if (owner[n] != 1) continue;
      const Vec3 voxel{static_cast<double>(n % size[0]), static_cast<double>(n / size[0] % size[1]),
                       static_cast<double>(n / (size[0] * size[1]))};
      reach = std::max(reach, norm(working_mm * (voxel - head.centre_voxel)));
    }
    Bodies bodies = tell_bodies(compete(std::move(owner), tissue, erosion + 5, run), even, run);
    const double grown_ml = volume_ml(bodies.brain);
    trials.push_back({std::move(bodies), erosion, grown_ml, reach});
  }
  // The smallest erosion after which more erosion no longer takes anything substantial away: the bridges are gone. There may be nothing
  // left to compare the last one with.
  for (std::size_t t = 0; t < trials.size(); ++t) {
    Trial& trial = trials[t];
    if (!possible(trial) || (t + 1 < trials.size() && trial.volume_ml >= 1.12 * trials[t + 1].volume_ml)) continue;
    // Marrow that hangs on by a vessel or a nerve comes apart only later.
    Bodies& found = trial.bodies;
    for (std::size_t later = t + 1; later < trials.size(); ++later) {
      for (std::int64_t n = 0; n < outside.count(); ++n) {
        if (trials[later].bodies.foreign[n] == 0) continue;
        found.brain[n] = 0;
        found.foreign[n] = 1;
      }
    }
    return {std::move(found.brain), std::move(found.foreign), trial.erosion_mm};
  }
  give_up("grey and white matter do not come apart from their surroundings as one compact body");
}

/// Thin outgrowths go, then everything that is not the main body.
Mask tidy(const Mask& mask, double radius_mm, const Run& run) {
  return largest_component(open(mask, radius_mm, run), Connectivity::faces, run);
}

/// Median of what is surely fluid: voxels deep inside the space, dark (below 0.45 of `white`) as their six neighbours are; the ventricles.
/// Of these the darkest: a tumour is dark too, but brighter than fluid. Where there are too few, `otherwise`.
double fluid_level(const VoxelView<float>& image, const MaskView& space, double white, double otherwise, const Run& run) {
  const double dark = 0.45 * white;
  const Grid& grid = image.grid();
  const Size3 size = grid.size();
  const Mask outside = mask_where(grid, run, [&](std::int64_t n) { return space[n] == 0; });
  const Voxels<float> depth = distance(outside, run);
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  std::vector<float> values, steps;
  for (std::int64_t n = stride[2]; n + stride[2] < image.count(); ++n) {
    if (!(depth[n] > 20) || std::isinf(depth[n]) || !(image[n] < dark)) continue;
    const bool all = std::all_of(stride.begin(), stride.end(), [&](std::int64_t s) { return image[n - s] < dark && image[n + s] < dark; });
    if (!all) continue;
    values.push_back(image[n]);
    steps.push_back(std::abs(image[n + 1] - image[n]));
  }
  if (static_cast<double>(values.size()) * grid.voxel_volume_mm3() < 300) return otherwise;
  // Neighbours differ by noise; the 5th percentile lies 1.6 of its standard deviations below the mean of fluid alone.
  const double noise = quantile(std::move(steps), 0.5) / (0.6745 * std::numbers::sqrt2);
  const double most = quantile(values, 0.05) + std::max(4 * noise, 0.08 * white);
  std::erase_if(values, [&](float v) { return v > most; });
  return quantile(std::move(values), 0.5);
}

/// Cuts the medulla and what hangs on it: below the lowest slice where the axial area of the space still exceeds `area_mm2`.
void cut_cord(Mask& mask, double area_mm2) {
  const Size3 size = mask.grid().size();
  const std::int64_t plane = size[0] * size[1];
  std::vector<double> area(static_cast<std::size_t>(size[2]), 0.0);
  for (std::int64_t n = 0; n < mask.count(); ++n) area[static_cast<std::size_t>(n / plane)] += mask[n] * working_mm * working_mm;
  const auto widest = static_cast<std::int64_t>(std::max_element(area.begin(), area.end()) - area.begin());
  std::int64_t cut = widest;
  while (cut > 0 && area[static_cast<std::size_t>(cut - 1)] >= area_mm2) --cut;
  std::fill_n(mask.data(), cut * plane, std::uint8_t{0});
}

/// What is not zero, when it is one body of the size of a brain: the skull may have been removed.
std::optional<Mask> outline_of_brain_size(const Voxels<float>& image, const Run& run) {
  const Mask lit = mask_where(image.grid(), run, [&](std::int64_t n) { return image[n] > 0; });
  const double lit_ml = volume_ml(lit);
  if (!(lit_ml > 600 && lit_ml < 2600)) return std::nullopt;
  Mask outline = fill_holes(largest_component(lit, Connectivity::faces, run), false, run);
  if (volume_ml(outline) < 0.95 * lit_ml) return std::nullopt;
  return outline;
}

/// Brain and space in the image on its working grid. With `outline` only when the brain fills it: nothing else otherwise.
std::optional<BrainExtraction> extract(const VoxelView<float>& sampled, const Mask* outline, Run& run) {
  Head head = find_head(sampled, outline != nullptr, run);

  // The field first in a ball that is mostly brain, without what is dark (skull, air) or very bright (fat, vessels).
  const Mask middle = ball(head, 50, run);
  const std::vector<float> central = values_under(head.image, middle);
  TissueIntensities tissue = fit_tissue_intensities(central);
  const Mask around = ball(head, 85, run);
  const double very_bright = tissue.mean[2] + 6 * std::max(tissue.deviation[2], 0.05 * tissue.mean[2]);
  const double dark = 0.5 * tissue.mean[1];
  const Mask lit =
      mask_where(head.grid, run, [&](std::int64_t n) { return around[n] != 0 && head.image[n] > dark && head.image[n] < very_bright; });
  Voxels<float> bias = estimate_bias_field(head.image, lit, {.levels = 2}, run).factors(run);
  Voxels<float> even = Voxels<float>::uninitialized(head.grid);
  const auto divide = [&] {
    for (std::int64_t n = 0; n < even.count(); ++n) even[n] = head.image[n] / bias[n];
  };
  divide();
  run.progress(0.45, "brain");

  Core core;
  Mask within = ball(head, 65, run);
  for (int pass = 0; pass < 2; ++pass) {
    if (pass == 1) {
      // Again with intensities and field of the brain itself.
      const Mask brain = close(core.mask, 6, run);
      bias = estimate_bias_field(head.image, brain, {.levels = 3}, run).factors(run);
      divide();
      tissue = fit_tissue_intensities(values_under(even, brain));
      within = brain.clone();
    } else {
      tissue = fit_tissue_intensities(values_under(even, middle));
    }
    // Fluid from the ventricles, not from the fit: voxels with fluid and tissue would pull it up. Grey matter lies between a third and the
    // whole of the way from fluid to white matter, whatever the fit made of the few grey voxels in the middle.
    const double white = tissue.mean[2];
    const double fluid = fluid_level(even, within, white, std::min(tissue.mean[0], 0.3 * white), run);
    const double low = std::clamp(0.5 * (tissue.mean[0] + tissue.mean[1]), fluid + 0.30 * (white - fluid), fluid + 0.46 * (white - fluid));
    const double high = white + std::max(4 * tissue.deviation[2], 0.12 * white);
    tissue.mean[0] = fluid;
    tissue.mean[1] = std::clamp(tissue.mean[1], fluid + 0.45 * (white - fluid), fluid + 0.80 * (white - fluid));
    const auto own = [&](std::int64_t n) { return pass == 0 || core.foreign[n] == 0; };
    const Mask candidate = mask_where(head.grid, run, [&](std::int64_t n) { return own(n) && even[n] > low && even[n] < high; });
    // Half-way from fluid to grey matter: neither fluid nor the dark line of the skull.
    const double half = std::min(low, 0.5 * (tissue.mean[0] + tissue.mean[1]));
    const Mask wider = mask_where(head.grid, run, [&](std::int64_t n) { return own(n) && even[n] > half && even[n] < high; });
    Mask before = std::move(core.foreign);
    core = separate(head, even, candidate, wider, middle, run);
    for (std::int64_t n = 0; pass > 0 && n < before.count(); ++n) core.foreign[n] |= before[n];
    run.progress(0.6 + 0.15 * pass, "brain");
  }

  Mask space = fill_holes(close(core.mask, 10, run), false, run);
  if (outline != nullptr) {
    if (volume_ml(space) < 0.7 * volume_ml(*outline)) return std::nullopt;
    space = outline->clone();
  } else {
    // The closing took in what lies in a fold of the brain's surface.
    for (std::int64_t n = 0; n < space.count(); ++n) {
      if (core.foreign[n] != 0) space[n] = 0;
    }
    space = tidy(space, 6, run);
  }
  tissue.mean[0] = fluid_level(even, space, tissue.mean[2], tissue.mean[0], run);
  run.progress(0.85, "brain");
  if (outline == nullptr) {
    cut_cord(space, 800);
    space = largest_component(space, Connectivity::faces, run);
  }
  if (volume_ml(space) < 400) give_up(fmt::format("only {:.0f} mL look like brain", volume_ml(space)));

  BrainExtraction result;
  result.stripped = outline != nullptr;
  result.grid = head.grid;
  result.parenchyma = mask_where(head.grid, run, [&](std::int64_t n) { return core.mask[n] != 0 && space[n] != 0; });
  const Size3 size = head.grid.size();
  const std::int64_t plane = size[0] * size[1];
  result.cut_below = std::any_of(space.data(), space.data() + plane, [](std::uint8_t v) { return v != 0; });
  result.cut_above =
      std::any_of(space.data() + (size[2] - 1) * plane, space.data() + size[2] * plane, [](std::uint8_t v) { return v != 0; });
  result.image = std::move(head.image);
  result.bias = std::move(bias);
  result.head = std::move(head.mask);
  result.intracranial = std::move(space);
  result.intensities = tissue;
  result.erosion_mm = core.erosion_mm;
  result.vertex_mm = head.vertex_mm;
  return result;
}

}  // namespace

TissueIntensities fit_tissue_intensities(std::span<const float> values) {
  if (values.size() < 100) give_up("too few voxels to tell tissues apart");
  std::vector<float> sorted(values.begin(), values.end());
  const double low = quantile(sorted, 0.002);
  const double high = quantile(sorted, 0.995);
  if (!(high > low)) give_up("the image is constant");
  constexpr int bins = 512;
  const double step = (high - low) / bins;
  std::vector<double> histogram(bins, 0.0);
  for (const float v : values) {
    if (v >= low && v < high) ++histogram[static_cast<std::size_t>(std::min<int>(bins - 1, static_cast<int>((v - low) / step)))];
  }
  TissueIntensities t;
  t.mean = {quantile(sorted, 0.05), quantile(sorted, 0.35), quantile(sorted, 0.80)};
  t.share = {0.15, 0.45, 0.40};
  const double spread = (high - low) / 8;
  t.deviation = {spread, spread, spread};
  for (int iteration = 0; iteration < 200; ++iteration) {
    std::array<double, 3> weight{};
    std::array<double, 3> sum{};
    std::array<double, 3> squares{};
    for (int b = 0; b < bins; ++b) {
      const double x = low + (b + 0.5) * step;
      const double n = histogram[static_cast<std::size_t>(b)];
      if (n == 0 || x > t.mean[2] + 3 * t.deviation[2]) continue;
      std::array<double, 3> p{};
      double total = 1e-300;
      for (std::size_t c = 0; c < 3; ++c) {
        const double z = (x - t.mean[c]) / t.deviation[c];
        p[c] = t.share[c] / t.deviation[c] * std::exp(-0.5 * z * z);
        total += p[c];
      }
      for (std::size_t c = 0; c < 3; ++c) {
        const double r = n * p[c] / total;
        weight[c] += r;
        sum[c] += r * x;
        squares[c] += r * x * x;
      }
    }
    const double all = weight[0] + weight[1] + weight[2];
    double moved = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      if (!(weight[c] > 1e-6 * all)) continue;
      const double mean = sum[c] / weight[c];
      moved = std::max(moved, std::abs(mean - t.mean[c]));
      t.mean[c] = mean;
      t.deviation[c] = std::sqrt(std::max(squares[c] / weight[c] - mean * mean, 0.25 * step * step));
      t.share[c] = weight[c] / all;
    }
    if (moved < 1e-4 * (high - low)) break;
  }
  return t;
}

BrainExtraction extract_brain(const VoxelView<float>& image, Run& run) {
  if (image.components() != 1 || image.frames() != 1) give_up("needs one value for each voxel");
  for (int a = 0; a < 3; ++a) {
    if (image.grid().size(a) < 8) give_up(fmt::format("needs at least 8 voxels along each axis; found {}", image.grid().size(a)));
  }
  const Grid whole = working_grid(image.grid());
  Voxels<float> sampled = to_working(image, whole, run);
  for (float& v : sampled.values()) {
    if (!std::isfinite(v) || v < 0) v = 0;
  }
  run.progress(0.2, "head");
  if (const auto outline = outline_of_brain_size(sampled, run)) {
    if (auto found = extract(sampled, &*outline, run)) return std::move(*found);
  }
  return *extract(sampled, nullptr, run);
}

}  // namespace gantry::analysis
