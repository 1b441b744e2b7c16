// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/volume_plan.h"

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/bundle/bundle.h"
#include "gantry/compute/parallel.h"
#include "gantry/learning/conform.h"
#include "gantry/volume/resample.h"

namespace gantry::learning {

namespace {

constexpr double anisotropic = 3;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 34;  // of an image at the network's spacing, where no budget is given
constexpr std::size_t most_samples = 10000;                   // of a case's foreground

double at_share(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double above = values[std::min(below + 1, values.size() - 1)];
  return values[below] + (place - static_cast<double>(below)) * (above - values[below]);
}

std::array<double, 3> spacing_of(const Grid& grid) { return {grid.spacing_mm().x, grid.spacing_mm().y, grid.spacing_mm().z}; }

VolumeIntensity measure_ct(const VolumeSet& set, const std::vector<std::size_t>& training) {
  std::vector<float> samples;
  for (const std::size_t n : training) {
    const VolumeCase& one = set.cases[n];
    std::vector<std::int64_t> foreground;
    for (std::int64_t v = 0; v < one.labels.count(); ++v)
      if (one.labels[v]) foreground.push_back(v);
    const std::size_t step = std::max<std::size_t>(1, foreground.size() / most_samples);
    for (std::size_t k = 0; k < foreground.size(); k += step) samples.push_back(one.image[foreground[k]]);
  }
  double sum = 0, squares = 0;
  for (const float value : samples) sum += value, squares += static_cast<double>(value) * value;
  const double count = std::max<double>(1, static_cast<double>(samples.size())), mean = sum / count;
  return {.ct = true,
          .low = static_cast<float>(quantile(samples, 0.005)),
          .high = static_cast<float>(quantile(samples, 0.995)),
          .mean = static_cast<float>(mean),
          .standard_deviation = static_cast<float>(std::sqrt(std::max(1e-8, squares / count - mean * mean)))};
}

Json three(double x, double y, double z) { return Json::array({x, y, z}); }

}  // namespace

VolumePlan plan_volumes(const VolumeSet& set, const std::vector<std::size_t>& training, const SegmenterDesign& design,
                        std::int64_t most_voxels) {
  std::array<std::vector<double>, 3> spacings, extents;
  for (const std::size_t n : training) {
    const Grid& grid = set.cases[n].image.grid();
    for (std::size_t a = 0; a < 3; ++a) {
      spacings[a].push_back(spacing_of(grid)[a]);
      extents[a].push_back(spacing_of(grid)[a] * static_cast<double>(grid.size()[a]));
    }
  }
  std::array<double, 3> spacing{}, size{};
  for (std::size_t a = 0; a < 3; ++a) {
    spacing[a] = at_share(spacings[a], 0.5);
    size[a] = at_share(extents[a], 0.5) / spacing[a];
  }
  const auto worst = static_cast<std::size_t>(std::max_element(spacing.begin(), spacing.end()) - spacing.begin());
  const std::size_t b = (worst + 1) % 3, c = (worst + 2) % 3;
  const double others = std::max(spacing[b], spacing[c]);
  if (spacing[worst] > anisotropic * others && anisotropic * size[worst] < std::min(size[b], size[c])) {
    const double before = spacing[worst];
    spacing[worst] = std::max(at_share(spacings[worst], 0.1), others + 1e-5);
    size[worst] *= before / spacing[worst];
  }
  VolumePlan plan;
  plan.channels = set.channels();
  plan.spacing_mm = {spacing[0], spacing[1], spacing[2]};
  const std::int64_t divisor = design.divisor();
  for (std::size_t a = 0; a < 3; ++a)
    plan.patch[a] =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(size[a] / static_cast<double>(divisor) - 1e-6))) * divisor;
  while (plan.patch[0] * plan.patch[1] * plan.patch[2] > most_voxels) {
    std::size_t widest = 0;
    for (std::size_t a = 1; a < 3; ++a)
      if (static_cast<double>(plan.patch[a]) / size[a] > static_cast<double>(plan.patch[widest]) / size[widest] ||
          plan.patch[widest] == divisor)
        widest = a;
    if (plan.patch[widest] == divisor) break;
    plan.patch[widest] -= divisor;
  }
  if (set.ct) plan.intensity = measure_ct(set, training);
  return plan;
}

VolumePlan parse_volume_plan(const Json& json, int divisor) {
  VolumePlan plan;
  plan.channels = bundle::whole_member(json, "channels", 1, 64);
  const Json &spacing = bundle::member(json, "spacing_mm", Json::value_t::array),
             &patch = bundle::member(json, "patch", Json::value_t::array);
  if (spacing.size() != 3 || patch.size() != 3) throw Error(ErrorCode::unreadable, "manifest: spacing_mm and patch: must be three numbers");
  const auto mm = [&](std::size_t a) { return bundle::number_member(Json{{"spacing_mm", spacing[a]}}, "spacing_mm", 1e-3, 1000); };
  plan.spacing_mm = {mm(0), mm(1), mm(2)};
  for (std::size_t a = 0; a < 3; ++a) {
    plan.patch[a] = bundle::whole_member(Json{{"patch", patch[a]}}, "patch", 1, 512);
    if (plan.patch[a] % divisor)
      throw Error(ErrorCode::unreadable, fmt::format("manifest: patch: must be multiples of {}; got {}", divisor, plan.patch[a]));
  }
  const Json& intensity = bundle::member(json, "intensity", Json::value_t::object);
  const std::string method = bundle::member(intensity, "method", Json::value_t::string);
  if (method != "image" && method != "ct")
    throw Error(ErrorCode::unreadable, fmt::format("manifest: intensity: method must be image or ct; got {}", Json(method).dump()));
  plan.intensity.ct = method == "ct";
  if (!plan.intensity.ct) return plan;
  const auto number = [&](const char* key, double low) { return static_cast<float>(bundle::number_member(intensity, key, low, 1e6)); };
  plan.intensity.low = number("low", -1e6);
  plan.intensity.high = number("high", -1e6);
  plan.intensity.mean = number("mean", -1e6);
  plan.intensity.standard_deviation = number("standard_deviation", 1e-6);
  if (!(plan.intensity.low < plan.intensity.high)) throw Error(ErrorCode::unreadable, "manifest: intensity: low must be below high");
  return plan;
}

Json to_json(const VolumePlan& plan) {
  Json intensity{{"method", plan.intensity.ct ? "ct" : "image"}};
  if (plan.intensity.ct) {
    intensity["low"] = plan.intensity.low;
    intensity["high"] = plan.intensity.high;
    intensity["mean"] = plan.intensity.mean;
    intensity["standard_deviation"] = plan.intensity.standard_deviation;
  }
  return {{"channels", plan.channels},
          {"spacing_mm", three(plan.spacing_mm.x, plan.spacing_mm.y, plan.spacing_mm.z)},
          {"patch", Json::array({plan.patch[0], plan.patch[1], plan.patch[2]})},
          {"intensity", intensity}};
}

Grid planned_grid(const Grid& grid, const VolumePlan& plan) {
  const auto near = [](double a, double b) { return std::abs(a - b) < 1e-3 * b; };
  const Vec3 has = grid.spacing_mm(), wanted = plan.spacing_mm;
  if (near(has.x, wanted.x) && near(has.y, wanted.y) && near(has.z, wanted.z) && grid.slice_positions_mm().empty()) return grid;
  return with_spacing(grid, wanted);
}

Voxels<float> prepare_volume(const Voxels<float>& image, const VolumePlan& plan, const Run& run) {
  if (image.frames() != plan.channels)
    throw Error(ErrorCode::refused, fmt::format("image: must have {} channels; has {}", plan.channels, image.frames()));
  const Grid grid = planned_grid(image.grid(), plan);
  const auto bytes = static_cast<std::uint64_t>(grid.voxel_count()) * static_cast<std::uint64_t>(plan.channels) * sizeof(float);
  if (bytes > (run.memory_bytes() ? run.memory_bytes() / 2 : most_bytes))
    throw Error(ErrorCode::out_of_memory, fmt::format("image: at the network's spacing it would have {} MB", bytes >> 20));
  auto result = Voxels<float>::uninitialized(grid, 1, plan.channels);
  const std::int64_t from = image.grid().voxel_count(), to = grid.voxel_count();
  for (std::int64_t channel = 0; channel < plan.channels; ++channel) {
    float* values = result.data() + channel * to;
    auto one = Voxels<float>::uninitialized(image.grid());
    std::copy_n(image.data() + channel * from, from, one.data());
    if (!(grid == image.grid())) one = resample(one, grid, Interpolation::cubic, 0, run);
    std::copy_n(one.data(), to, values);
    const VolumeIntensity& range = plan.intensity;
    double mean = range.mean, deviation = range.standard_deviation;
    if (range.ct) {
      for (std::int64_t n = 0; n < to; ++n) values[n] = std::clamp(values[n], range.low, range.high);
    } else {
      double sum = 0, squares = 0;
      for (std::int64_t n = 0; n < to; ++n) sum += values[n];
      mean = sum / static_cast<double>(to);
      for (std::int64_t n = 0; n < to; ++n) squares += (values[n] - mean) * (values[n] - mean);
      deviation = std::max(1e-8, std::sqrt(squares / static_cast<double>(to)));
    }
    for (std::int64_t n = 0; n < to; ++n) values[n] = static_cast<float>((values[n] - mean) / deviation);
  }
  return result;
}

}  // namespace gantry::learning
