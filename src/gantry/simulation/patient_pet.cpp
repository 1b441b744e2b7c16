// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/simulation/patient_scan.h"
#include "gantry/simulation/scanner.h"

namespace gantry::simulation {

namespace {

constexpr double half_maximum_mm = 5.6;  ///< full width of the scanner's resolution

void check_storage(const PetStorage& storage) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorCode::parameter, what); };
  const bool known =
      storage.manufacturer.find("SIEMENS") == 0 || storage.manufacturer.find("GE") == 0 || storage.manufacturer.find("Philips") == 0;
  if (!known) refuse(fmt::format("manufacturer: must begin with SIEMENS, GE or Philips; got '{}'", storage.manufacturer));
  if (storage.units != "BQML" && storage.units != "CNTS" && storage.units != "GML") {
    refuse(fmt::format("units: must be BQML, CNTS or GML; got '{}'", storage.units));
  }
  if (storage.units == "CNTS" && storage.manufacturer.find("Philips") != 0) {
    refuse(fmt::format("units: CNTS is written by Philips alone; got manufacturer '{}'", storage.manufacturer));
  }
  if (storage.decay != "START" && storage.decay != "ADMIN" && storage.decay != "NONE") {
    refuse(fmt::format("decay: must be START, ADMIN or NONE; got '{}'", storage.decay));
  }
}

bool apart(const std::vector<LesionSpec>& others, const LesionSpec& lesion, double gap) {
  return std::all_of(others.begin(), others.end(), [&](const LesionSpec& other) {
    return norm(other.center_lps_mm - lesion.center_lps_mm) > 0.5 * (other.diameter_mm + lesion.diameter_mm) * 1.1 + gap;
  });
}

std::vector<LesionSpec> drawn_foci(const Torso& torso, Random random) {
  std::vector<LesionSpec> foci;
  const auto count = static_cast<std::size_t>(random.next_integer(3, 7));
  const TorsoFrame& frame = torso.frame();
  for (int attempt = 0; attempt < 4000 && foci.size() < count; ++attempt) {
    LesionSpec lesion{"pet_lesion",
                      {},
                      std::round(10 * (10 + 26 * std::pow(random.next_uniform(), 1.6))) / 10,
                      std::round(10 * random.next_uniform(4.5, 14)) / 10};
    const double site = random.next_uniform();
    const Shape& organ = site < 0.35   ? frame.lung_left()
                         : site < 0.65 ? frame.lung_right()
                         : site < 0.8  ? torso.liver()
                                       : frame.mediastinum();
    const Box box = site < 0.8 ? organ.bounds : Box{{-40, -30, 70}, {40, 40, 190}};
    const Vec3 p = torso.in_world({random.next_uniform(box.low_mm.x, box.high_mm.x), random.next_uniform(box.low_mm.y, box.high_mm.y),
                                   random.next_uniform(box.low_mm.z, box.high_mm.z)});
    lesion.center_lps_mm = {std::round(10 * p.x) / 10, std::round(10 * p.y) / 10, std::round(10 * p.z) / 10};
    if (site >= 0.8) lesion.diameter_mm = std::min(lesion.diameter_mm, 22.0);
    const double radius = 0.5 * lesion.diameter_mm;
    if (!(torso.depth_in(organ, lesion.center_lps_mm) > (site < 0.8 ? radius + 4 : radius))) continue;
    // Heart and kidneys may be as hot as a lesion.
    if (torso.depth_in(frame.heart(), lesion.center_lps_mm) > -(radius + 18)) continue;
    if (torso.depth_in(torso.kidney(true), lesion.center_lps_mm) > -(radius + 20) ||
        torso.depth_in(torso.kidney(false), lesion.center_lps_mm) > -(radius + 20)) {
      continue;
    }
    if (apart(foci, lesion, 24)) foci.push_back(lesion);
  }
  return foci;
}

void check_foci(const Torso& torso, const std::vector<LesionSpec>& lesions) {
  std::vector<LesionSpec> before;
  for (std::size_t n = 0; n < lesions.size(); ++n) {
    const auto refuse = [&](const std::string& rule) { throw Error(ErrorCode::parameter, fmt::format("spec: lesions[{}]{}", n, rule)); };
    if (lesions[n].structure != "pet_lesion")
      refuse(fmt::format(".structure: {} belongs to another modality than pet", lesions[n].structure));
    const double depth = torso.depth_in(torso.frame().skin_shape(), lesions[n].center_lps_mm);
    if (!(depth >= 0)) refuse(fmt::format(".center_lps_mm: must lie inside this patient; lies {:.1f} mm outside", -depth));
    if (!apart(before, lesions[n], 0)) refuse(": must not overlap an earlier lesion; it does");
    before.push_back(lesions[n]);
  }
}

/// A sphere of 1 mL about the centre of a voxel: the part of each voxel that lies inside, found on columns of 16 x 16 lines along x, of
/// which the length inside is exact.
struct Sphere {
  struct Part {
    std::int64_t i, j, k;
    double inside;
  };
  std::vector<Part> parts;

  explicit Sphere(Vec3 spacing) {
    const double radius = std::cbrt(3 * 1000 / (4 * std::numbers::pi));
    constexpr int lines = 16;
    std::array<std::int64_t, 3> reach{};
    for (std::size_t a = 0; a < 3; ++a) reach[a] = static_cast<std::int64_t>(std::ceil(radius / spacing[static_cast<int>(a)] + 0.5));
    const auto at = [](std::int64_t n, int line, double step) { return (static_cast<double>(n) - 0.5 + (line + 0.5) / lines) * step; };
    for (std::int64_t k = -reach[2]; k <= reach[2]; ++k) {
      for (std::int64_t j = -reach[1]; j <= reach[1]; ++j) {
        for (std::int64_t i = -reach[0]; i <= reach[0]; ++i) {
          double length = 0;
          for (int line = 0; line < lines * lines; ++line) {
            const double y = at(j, line % lines, spacing.y), z = at(k, line / lines, spacing.z);
            const double half = std::sqrt(std::max(0.0, radius * radius - y * y - z * z));
            const double low = (static_cast<double>(i) - 0.5) * spacing.x, high = (static_cast<double>(i) + 0.5) * spacing.x;
            length += std::max(0.0, std::min(high, half) - std::max(low, -half));
          }
          if (length > 0) parts.push_back({i, j, k, length / (lines * lines * spacing.x)});
        }
      }
    }
  }
};

/// What can be measured of a lesion on the noise-free image. A volume whose threshold does not part it from its surroundings, so that it
/// would go on beyond the distance looked at, is none.
struct Uptake {
  double maximum = 0, peak = 0;
  std::optional<double> mean41, volume41_ml, volume25_ml;
};

Uptake measured(const VoxelView<float>& image, Vec3 center, double diameter) {
  const Grid& grid = image.grid();
  const Vec3 spacing = grid.spacing_mm();
  const double reach = 0.5 * diameter + 16;
  const Vec3 middle = grid.voxel_from_world(center);
  std::array<std::int64_t, 3> low{}, high{}, size{};
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    low[a] = std::clamp<std::int64_t>(std::llround(middle[axis] - reach / spacing[axis]), 0, grid.size(axis) - 1);
    high[a] = std::clamp<std::int64_t>(std::llround(middle[axis] + reach / spacing[axis]), 0, grid.size(axis) - 1);
    size[a] = high[a] - low[a] + 1;
  }
  const auto distance = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    return norm(grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}) - center);
  };
  Uptake uptake;
  std::array<std::int64_t, 3> top{};
  const Sphere sphere(spacing);
  for (std::int64_t k = low[2]; k <= high[2]; ++k) {
    for (std::int64_t j = low[1]; j <= high[1]; ++j) {
      for (std::int64_t i = low[0]; i <= high[0]; ++i) {
        if (distance(i, j, k) > 0.5 * diameter + 3) continue;
        if (image(i, j, k) > uptake.maximum) uptake.maximum = image(i, j, k), top = {i, j, k};
        double sum = 0, weight = 0;
        for (const Sphere::Part& part : sphere.parts) {
          const std::int64_t x = i + part.i, y = j + part.j, z = k + part.k;
          if (x < 0 || y < 0 || z < 0 || x >= grid.size(0) || y >= grid.size(1) || z >= grid.size(2)) continue;
          sum += part.inside * image(x, y, z);
          weight += part.inside;
        }
        uptake.peak = std::max(uptake.peak, sum / weight);
      }
    }
  }
  // Volumes: voxels above a threshold that hang together with the hottest one.
  struct Region {
    double volume_ml, mean;
  };
  const auto connected = [&](double threshold) -> std::optional<Region> {
    std::vector<char> seen(static_cast<std::size_t>(size[0] * size[1] * size[2]));
    std::vector<std::array<std::int64_t, 3>> stack;
    bool goes_on = false;
    const auto visit = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
      if (i < 0 || j < 0 || k < 0 || i >= grid.size(0) || j >= grid.size(1) || k >= grid.size(2)) return;
      if (!(image(i, j, k) >= threshold)) return;
      if (i < low[0] || j < low[1] || k < low[2] || i > high[0] || j > high[1] || k > high[2] || distance(i, j, k) > reach) {
        goes_on = true;
        return;
      }
      char& mark = seen[static_cast<std::size_t>(i - low[0] + size[0] * (j - low[1] + size[1] * (k - low[2])))];
      if (mark) return;
      mark = 1;
      stack.push_back({i, j, k});
    };
    visit(top[0], top[1], top[2]);
    double sum = 0, count = 0;
    while (!stack.empty()) {
      const auto [i, j, k] = stack.back();
      stack.pop_back();
      sum += image(i, j, k), ++count;
      visit(i - 1, j, k), visit(i + 1, j, k), visit(i, j - 1, k), visit(i, j + 1, k), visit(i, j, k - 1), visit(i, j, k + 1);
    }
    if (goes_on) return std::nullopt;
    return Region{count * grid.voxel_volume_mm3() / 1000, count > 0 ? sum / count : 0};
  };
  if (const auto region = connected(0.41 * uptake.maximum)) {
    uptake.volume41_ml = region->volume_ml;
    uptake.mean41 = region->mean;
  }
  if (const auto region = connected(2.5)) uptake.volume25_ml = region->volume_ml;
  return uptake;
}

Grid pet_grid(const Torso& torso, PatientSize size) {
  const Vec3 scale = torso.scale();
  const double low = -296 * scale.z, high = 236 * scale.z;
  const bool full = size == PatientSize::full;
  const double in_plane = full ? 3.0 : 5.4, step = full ? 3.0 : 5.0;
  const std::int64_t count = full ? 200 : 112;
  const auto slices = static_cast<std::int64_t>(std::ceil((high - low) / step));
  const double half = 0.5 * in_plane * static_cast<double>(count - 1);
  return Grid({count, count, slices}, {in_plane, in_plane, step}, {-half, std::round(12 * scale.y) - half, std::round(low)});
}

}  // namespace

DigitalPatient scan_pet(const ScanRequest& request, Run& run) {
  check_storage(request.options.pet);
  const std::uint64_t seed = request.options.seed;
  const double noise = request.options.noise.value_or(8.0);
  Random draw(seed, 41);
  const double drawn_heart = std::round(10 * (1.4 + 6.5 * std::pow(draw.next_uniform(), 2))) / 10;
  const double myocardium = request.spec.myocardium_suv.value_or(drawn_heart);
  const double drawn_dose = std::round(request.body.weight_kg * draw.next_uniform(3.2, 5.2)),
               drawn_wait = std::round(draw.next_uniform(55, 75));
  run.progress(0.02, "anatomy");
  const std::unique_ptr<Torso> torso = make_torso(request, TorsoSignal::uptake, 0, myocardium, run);
  const std::vector<LesionSpec> lesions = request.spec.lesions ? *request.spec.lesions : drawn_foci(*torso, Random(seed, 42));
  check_foci(*torso, lesions);
  if (request.spec.nodules && !request.spec.nodules->empty())
    throw Error(ErrorCode::parameter, "spec: nodules: belong to ct; got some for pet");
  std::vector<std::string> ids;
  for (const LesionSpec& lesion : lesions) {
    ids.push_back(fmt::format("pet_lesion.{}", ids.size() + 1));
    torso->add_lesion(static_cast<int>(ids.size()),
                      {lesion.center_lps_mm, lesion.diameter_mm, static_cast<float>(lesion.value.value_or(8)), 0, 0, 0.06, {}});
  }
  const Grid grid = pet_grid(*torso, request.options.size);
  run.progress(0.4, "rendering");
  Rendering rendering = torso->scene().render(grid, run);
  run.progress(0.8, "scanner");
  const double sigma = half_maximum_mm / 2.354820045;
  blur(rendering.value, {sigma, sigma, sigma}, run);

  Voxels<float> noisy = rendering.value.clone();
  if (noise > 0) {
    const Voxels<float> grain = smooth_noise(grid, {2.4, 2.4, 2.2}, Random(seed, 43), run);
    parallel_for(run, grid.voxel_count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        const float clean = noisy[n];
        noisy[n] = std::max(0.0F, clean + 0.01F * static_cast<float>(noise) * std::sqrt(std::max(clean, 0.01F)) * grain[n]);
      }
    });
  }

  Json truth = truth_head(request, noise);
  truth["patient"]["lung_volume_ml"] = target_lung_volume_ml(request);
  Json incomplete;
  truth["volumes_ml"] = volumes_json(rendering, torso->scene(), incomplete);
  truth["volumes_method"] = "partial volume of the analytic model; body is all inside the skin";
  truth["incomplete"] = incomplete;
  const VoxelView<float> clean(rendering.value);
  double highest = 0;
  for (const float v : clean.values()) highest = std::max(highest, static_cast<double>(v));
  truth["lesions"] = Json::array();
  for (std::size_t n = 0; n < lesions.size(); ++n) {
    const Uptake uptake = measured(clean, lesions[n].center_lps_mm, lesions[n].diameter_mm);
    const double put_in = lesions[n].value.value_or(8);
    Json lesion = Json::object();
    lesion["structure"] = lesions[n].structure;
    lesion["center_lps_mm"] = point_json(lesions[n].center_lps_mm);
    lesion["diameter_mm"] = rounded(lesions[n].diameter_mm, 2);
    lesion["value"] = put_in;
    lesion["volume_ml"] = rounded(rendering.lesion_mm3[n + 1] / 1000, 4);
    lesion["suv_max"] = rounded(uptake.maximum, 5);
    lesion["suv_peak"] = rounded(uptake.peak, 5);
    const auto stated = [](const std::optional<double>& value, int digits) { return value ? rounded(*value, digits) : Json(nullptr); };
    lesion["suv_mean41"] = stated(uptake.mean41, 5);
    lesion["mtv41_ml"] = stated(uptake.volume41_ml, 4);
    lesion["mtv25_ml"] = stated(uptake.volume25_ml, 4);
    lesion["recovery_max"] = rounded(uptake.maximum / put_in, 4);
    truth["lesions"].push_back(lesion);
  }
  Json suv = Json::object();
  suv["injected_dose_mbq"] = request.spec.injected_dose_mbq.value_or(drawn_dose);
  suv["uptake_minutes"] = request.spec.uptake_minutes.value_or(drawn_wait);
  suv["myocardium"] = myocardium;
  suv["max"] = rounded(highest, 5);
  suv["manufacturer"] = request.options.pet.manufacturer;
  suv["units"] = request.options.pet.units;
  suv["decay"] = request.options.pet.decay;
  suv["method"] =
      "body weight SUV of the noise-free blurred image on the output grid; peak = largest mean over a sphere of 1 mL about a voxel of the "
      "lesion, each voxel weighted with its part inside; MTV = voxels at or above the threshold that touch by faces the hottest one; null "
      "where they go on beyond 16 mm from the lesion, as the threshold does not part it from its surroundings; value = what was put in; "
      "recovery_max = suv_max / value";
  truth["suv"] = suv;

  DigitalPatient patient;
  patient.truth = std::move(truth);
  patient.labels = anatomy_labels(rendering, torso->scene(), "digital patient, largest part of the voxel");
  patient.lesions = lesion_labels(rendering, ids, "digital patient, at least half of the voxel");
  patient.image = Image(std::move(noisy));
  patient.clean = Image(std::move(rendering.value));
  run.progress(1.0, "done");
  return patient;
}

}  // namespace gantry::simulation
