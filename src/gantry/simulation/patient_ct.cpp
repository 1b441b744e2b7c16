// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/simulation/patient_scan.h"
#include "gantry/simulation/scanner.h"

namespace gantry::simulation {

namespace {

struct NoduleTissue {
  float value, core;
  double core_share;
};

NoduleTissue tissue_of(NoduleType type) {
  switch (type) {
    case NoduleType::part_solid:
      return {-560, 15, 0.55};
    case NoduleType::ground_glass:
      return {-620, 0, 0};
    default:
      return {38, 0, 0};
  }
}

/// The surface of a nodule may lie in the pleura by this part of its radius.
constexpr double least_depth = 0.82;

bool apart(const std::vector<NoduleSpec>& others, const NoduleSpec& nodule, double gap) {
  return std::all_of(others.begin(), others.end(), [&](const NoduleSpec& other) {
    return norm(other.center_lps_mm - nodule.center_lps_mm) > 0.5 * (other.diameter_mm + nodule.diameter_mm) * 1.15 + gap;
  });
}

Vec3 drawn_direction(Random& random) { return normalized({random.next_normal(), random.next_normal(), random.next_normal() + 1e-9}); }

/// A nodule of soft tissue within a vessel as wide as itself would not be seen by anyone: its centre keeps its distance from wide vessels.
bool stands_out(const Torso& torso, const NoduleSpec& nodule) {
  const double radius = 0.5 * nodule.diameter_mm, scale = std::cbrt(torso.scale().x * torso.scale().y * torso.scale().z);
  const Vec3 center = torso.in_model(nodule.center_lps_mm);
  return std::none_of(torso.lung_vessels().begin(), torso.lung_vessels().end(), [&](const Capsule& vessel) {
    return scale * std::max(vessel.radius_a_mm, vessel.radius_b_mm) > 0.4 * radius && scale * vessel.distance(center) < 0.5 * radius;
  });
}

std::vector<NoduleSpec> drawn_nodules(const Torso& torso, std::optional<int> wanted, Random random) {
  std::vector<NoduleSpec> nodules;
  const std::int64_t usual = random.next_integer(2, 6);
  const auto count = static_cast<std::size_t>(wanted.value_or(static_cast<int>(usual)));
  const Box box = united(torso.frame().lung_left().bounds, torso.frame().lung_right().bounds);
  for (int attempt = 0; attempt < 6000 && nodules.size() < count; ++attempt) {
    NoduleSpec nodule;
    nodule.diameter_mm = std::round(10 * 4 * std::pow(25.0 / 4, std::pow(random.next_uniform(), 1.7))) / 10;
    const double kind = random.next_uniform();
    nodule.type = kind < 0.66 ? NoduleType::solid : kind < 0.82 ? NoduleType::part_solid : NoduleType::ground_glass;
    if (nodule.type != NoduleType::solid) nodule.diameter_mm = std::max(nodule.diameter_mm, 7.0);
    const double radius = 0.5 * nodule.diameter_mm, place = random.next_uniform();
    Vec3 center = torso.in_world({random.next_uniform(box.low_mm.x, box.high_mm.x), random.next_uniform(box.low_mm.y, box.high_mm.y),
                                  random.next_uniform(box.low_mm.z, box.high_mm.z)});
    double depth_low = radius + 3, depth_high = 1000;
    if (place < 0.25) {  // on the pleura
      depth_low = 0.86 * radius, depth_high = 1.02 * radius;
    } else if (place < 0.45 && !torso.lung_vessels().empty()) {  // on a vessel
      const auto& vessels = torso.lung_vessels();
      const Capsule& vessel = vessels[static_cast<std::size_t>(random.next_integer(0, static_cast<std::int64_t>(vessels.size()) - 1))];
      center = torso.in_world(vessel.b_mm) + (0.9 * radius + vessel.radius_b_mm) * drawn_direction(random);
    }
    nodule.center_lps_mm = {std::round(100 * center.x) / 100, std::round(100 * center.y) / 100, std::round(100 * center.z) / 100};
    const double depth = torso.depth_in_lungs(nodule.center_lps_mm);
    if (!(depth >= depth_low && depth <= depth_high)) continue;
    const double to_hilum = std::min(norm(nodule.center_lps_mm - torso.in_world(torso.frame().hilum(true))),
                                     norm(nodule.center_lps_mm - torso.in_world(torso.frame().hilum(false))));
    if (to_hilum < 30 + radius || !apart(nodules, nodule, 6) || !stands_out(torso, nodule)) continue;
    nodules.push_back(nodule);
  }
  return nodules;
}

void check_nodules(const Torso& torso, const std::vector<NoduleSpec>& nodules) {
  std::vector<NoduleSpec> before;
  for (std::size_t n = 0; n < nodules.size(); ++n) {
    const double depth = torso.depth_in_lungs(nodules[n].center_lps_mm);
    const double needed = least_depth * 0.5 * nodules[n].diameter_mm;
    if (!(depth >= 0)) {
      throw Error(
          ErrorCode::parameter,
          fmt::format("spec: nodules[{}].center_lps_mm: must lie inside a lung of this patient; lies {:.1f} mm outside", n, -depth));
    }
    if (!(depth >= needed)) {
      throw Error(
          ErrorCode::parameter,
          fmt::format(
              "spec: nodules[{}].center_lps_mm: must lie at least {:.1f} mm inside the lung for this diameter; lies {:.1f} mm inside", n,
              needed, depth));
    }
    if (!apart(before, nodules[n], 0)) {
      throw Error(ErrorCode::parameter, fmt::format("spec: nodules[{}]: must not overlap an earlier nodule; it does", n));
    }
    before.push_back(nodules[n]);
  }
}

std::vector<LesionSpec> drawn_lesions(const Torso& torso, const PatientBody& body, Random random) {
  std::vector<LesionSpec> lesions;
  const auto in_organ = [&](const std::string& structure, const Shape& organ, std::int64_t count, double low, double high, double value_low,
                            double value_high) {
    for (int attempt = 0; attempt < 400 && count > 0; ++attempt) {
      const double diameter = std::round(10 * random.next_uniform(low, high)) / 10;
      const Box& box = organ.bounds;
      const Vec3 center =
          torso.in_world({random.next_uniform(box.low_mm.x, box.high_mm.x), random.next_uniform(box.low_mm.y, box.high_mm.y),
                          random.next_uniform(box.low_mm.z, box.high_mm.z)});
      if (!(torso.depth_in(organ, center) > 0.5 * diameter)) continue;
      const bool clear = std::all_of(lesions.begin(), lesions.end(), [&](const LesionSpec& other) {
        return norm(other.center_lps_mm - center) > 0.6 * (other.diameter_mm + diameter) + 4;
      });
      if (!clear) continue;
      lesions.push_back({structure, center, diameter, std::round(random.next_uniform(value_low, value_high))});
      --count;
    }
  };
  in_organ("liver_lesion", torso.liver(), random.next_integer(0, 2), 8, 30, 4, 40);
  in_organ("kidney_lesion", torso.kidney(true), random.next_integer(0, 1), 8, 18, 2, 14);
  in_organ("kidney_lesion", torso.kidney(false), random.next_integer(0, 1), 8, 18, 2, 14);
  const double burden = std::clamp((body.age_years - 45) / 12.0, 0.0, 3.0);
  const auto spots = static_cast<std::int64_t>(std::floor(random.next_uniform() * burden * 3));
  const auto& coronaries = torso.coronaries();
  for (std::int64_t n = 0; n < spots; ++n) {
    const Capsule& piece = coronaries[static_cast<std::size_t>(random.next_integer(0, static_cast<std::int64_t>(coronaries.size()) - 1))];
    const Vec3 center = torso.in_world(piece.a_mm);
    const double diameter = std::round(10 * random.next_uniform(2.0, 5.0)) / 10;
    const bool clear = std::all_of(lesions.begin(), lesions.end(), [&](const LesionSpec& other) {
      return norm(other.center_lps_mm - center) > 0.5 * (other.diameter_mm + diameter) + 1;
    });
    if (clear) lesions.push_back({"coronary_calcification", center, diameter, std::round(random.next_uniform(350, 1000))});
  }
  const std::vector<Capsule> aorta = torso.frame().aorta();
  const auto plaques = static_cast<std::int64_t>(std::floor(random.next_uniform() * burden * 2));
  for (std::int64_t n = 0; n < plaques; ++n) {
    const Capsule& piece = aorta[static_cast<std::size_t>(random.next_integer(12, 45))];
    Vec3 side = cross(piece.b_mm - piece.a_mm, drawn_direction(random));
    if (!(norm(side) > 1e-6)) continue;
    const Vec3 center = torso.in_world(piece.a_mm + (piece.radius_a_mm - 1) * normalized(side));
    const double diameter = std::round(10 * random.next_uniform(2.0, 5.0)) / 10;
    const bool clear = std::all_of(lesions.begin(), lesions.end(), [&](const LesionSpec& other) {
      return norm(other.center_lps_mm - center) > 0.5 * (other.diameter_mm + diameter) + 1;
    });
    if (clear) lesions.push_back({"aortic_calcification", center, diameter, std::round(random.next_uniform(400, 1100))});
  }
  for (LesionSpec& lesion : lesions) {
    for (int axis = 0; axis < 3; ++axis) lesion.center_lps_mm[axis] = std::round(100 * lesion.center_lps_mm[axis]) / 100;
  }
  return lesions;
}

void check_lesions(const Torso& torso, const std::vector<LesionSpec>& lesions) {
  for (std::size_t n = 0; n < lesions.size(); ++n) {
    const LesionSpec& lesion = lesions[n];
    const auto refuse = [&](const std::string& rule) { throw Error(ErrorCode::parameter, fmt::format("spec: lesions[{}].{}", n, rule)); };
    const auto inside = [&](const Shape& organ, std::string_view name) {
      const double depth = torso.depth_in(organ, lesion.center_lps_mm);
      if (!(depth >= 0)) refuse(fmt::format("center_lps_mm: must lie inside {} of this patient; lies {:.1f} mm outside", name, -depth));
    };
    if (lesion.structure == "liver_lesion") {
      inside(torso.liver(), "the liver");
    } else if (lesion.structure == "kidney_lesion") {
      inside(torso.kidney(lesion.center_lps_mm.x > 0), lesion.center_lps_mm.x > 0 ? "the left kidney" : "the right kidney");
    } else if (lesion.structure == "coronary_calcification" || lesion.structure == "aortic_calcification") {
      inside(torso.frame().mediastinum(), "the mediastinum");
    } else {
      refuse(fmt::format("structure: {} belongs to another modality than ct", lesion.structure));
    }
  }
}

/// World grid of a chest CT: the whole of both lungs and, if asked for, more of what lies below them.
Grid ct_grid(const Torso& torso, PatientSize size, const PatientSpec& spec) {
  const Vec3 scale = torso.scale();
  const Box& skin = torso.frame().skin_shape().bounds;
  double half = 0;
  for (double z = -120; z < 220; z += 10) {
    for (double x = 120; x < skin.high_mm.x; x += 2) {
      if (torso.frame().skin({x, 12, z}) < 0) half = std::max(half, x);
    }
  }
  const double field = 2 * (half + 6) * scale.x + 12;
  const double top = 214 * scale.z + 12, needed = top + 104 * scale.z + spec.below_lungs_mm.value_or(14);
  if (size == PatientSize::full) {
    const double spacing = std::ceil(field / 512 * 200) / 200, step = spec.slice_mm.value_or(1.5);
    const auto least = static_cast<std::int64_t>(std::ceil(needed / step));
    const std::int64_t slices = spec.slice_mm ? least : std::max<std::int64_t>(200, least);
    return Grid({512, 512, slices}, {spacing, spacing, step},
                {-255.5 * spacing, std::round(14 * scale.y) - 255.5 * spacing, std::round(top) - step * static_cast<double>(slices - 1)});
  }
  const double spacing = std::ceil(field / 256 * 200) / 200;
  const double step = spec.slice_mm.value_or(std::ceil(std::max(needed, 300.0) / 80 * 20) / 20);
  const std::int64_t slices = spec.slice_mm ? static_cast<std::int64_t>(std::ceil(needed / step)) : 80;
  return Grid({256, 256, slices}, {spacing, spacing, step},
              {-127.5 * spacing, std::round(14 * scale.y) - 127.5 * spacing, std::round(top) - step * static_cast<double>(slices - 1)});
}

/// mL of the voxels of 130 HU and more around a calcification: what blurring makes of it.
double volume_from_130_hu(const VoxelView<float>& clean, const LesionSpec& lesion) {
  const Grid& grid = clean.grid();
  const Vec3 s = grid.spacing_mm(), middle = grid.voxel_from_world(lesion.center_lps_mm);
  const double reach = 0.75 * lesion.diameter_mm + 1.5 * std::max({s.x, s.y, s.z});
  std::array<std::int64_t, 3> low{}, high{};
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    low[a] = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(middle[axis] - reach / s[axis])));
    high[a] = std::min(grid.size(axis) - 1, static_cast<std::int64_t>(std::ceil(middle[axis] + reach / s[axis])));
  }
  std::int64_t count = 0;
  for (std::int64_t k = low[2]; k <= high[2]; ++k) {
    for (std::int64_t j = low[1]; j <= high[1]; ++j) {
      for (std::int64_t i = low[0]; i <= high[0]; ++i) {
        const Vec3 there{(static_cast<double>(i) - middle.x) * s.x, (static_cast<double>(j) - middle.y) * s.y,
                         (static_cast<double>(k) - middle.z) * s.z};
        count += clean[grid.index(i, j, k)] >= 130 && norm(there) <= reach;
      }
    }
  }
  return static_cast<double>(count) * grid.voxel_volume_mm3() / 1000;
}

}  // namespace

DigitalPatient scan_ct(const ScanRequest& request, Run& run) {
  const std::uint64_t seed = request.options.seed;
  const double noise = request.options.noise.value_or(8.0);
  Random draw(seed, 21);
  const double chance = draw.next_uniform(), amount = draw.next_uniform();
  const double emphysema =
      request.spec.laa950_percent.value_or(std::round(10 * (chance < 0.55 ? 1.2 * amount : 2 + 26 * amount * amount)) / 10);
  run.progress(0.02, "anatomy");
  const std::unique_ptr<Torso> torso = make_torso(request, TorsoSignal::hounsfield, emphysema, 3, run);
  run.progress(0.25, "lesions");

  const std::vector<NoduleSpec> nodules =
      request.spec.nodules ? *request.spec.nodules : drawn_nodules(*torso, request.spec.nodule_count, Random(seed, 22));
  check_nodules(*torso, nodules);
  const std::vector<LesionSpec> lesions =
      request.spec.lesions ? *request.spec.lesions : drawn_lesions(*torso, request.body, Random(seed, 23));
  check_lesions(*torso, lesions);
  std::vector<std::string> ids;
  Random form(seed, 24);
  for (const NoduleSpec& nodule : nodules) {
    const NoduleTissue tissue = tissue_of(nodule.type);
    ids.push_back(fmt::format("lung_nodule.{}", ids.size() + 1));
    torso->add_lesion(
        static_cast<int>(ids.size()),
        {nodule.center_lps_mm, nodule.diameter_mm, tissue.value, tissue.core, tissue.core_share, form.next_uniform(0.03, 0.22), {}});
  }
  std::map<std::string, int> counts;
  for (const LesionSpec& lesion : lesions) {
    ids.push_back(fmt::format("{}.{}", lesion.structure, ++counts[lesion.structure]));
    const bool calcium = lesion.structure.find("calcification") != std::string::npos;
    Lesion shape{lesion.center_lps_mm,
                 lesion.diameter_mm,
                 static_cast<float>(lesion.value.value_or(calcium ? 600 : 12)),
                 0,
                 0,
                 calcium ? 0.15 : 0.08,
                 {}};
    if (lesion.structure == "liver_lesion") shape.within = {torso->scene().structure("liver")};
    torso->add_lesion(static_cast<int>(ids.size()), shape);
  }

  const Grid grid = ct_grid(*torso, request.options.size, request.spec);
  run.progress(0.3, "rendering");
  Rendering rendering = torso->scene().render(grid, run);
  run.progress(0.75, "scanner");
  const Vec3 spacing = grid.spacing_mm();
  const double in_plane = std::max(0.55, 0.42 * spacing.x);
  blur(rendering.value, {in_plane, in_plane, std::max(0.45, 0.3 * spacing.z)}, run);

  const int left = torso->scene().structure("lung_left"), right = torso->scene().structure("lung_right");
  struct Count {
    std::int64_t lung = 0, low = 0;
  };
  const Count laa = parallel_reduce(
      run, grid.voxel_count(), std::int64_t{1} << 20, Count{},
      [&](std::int64_t begin, std::int64_t end) {
        Count c;
        for (std::int64_t n = begin; n < end; ++n) {
          const int s = rendering.structures[n];
          if (s != left && s != right) continue;
          ++c.lung;
          c.low += rendering.value[n] < -950.0F;
        }
        return c;
      },
      [](Count& total, const Count& part) { total.lung += part.lung, total.low += part.low; });

  Json truth = truth_head(request, noise);
  truth["patient"]["emphysema_percent"] = emphysema;
  Json incomplete;
  truth["volumes_ml"] = volumes_json(rendering, torso->scene(), incomplete);
  truth["patient"]["lung_volume_ml"] = target_lung_volume_ml(request);
  truth["volumes_method"] =
      "partial volume of the analytic model; lungs hold vessels, nodules and bronchi beyond the main ones; body is all inside the skin";
  truth["incomplete"] = incomplete;
  truth["laa950_percent"] = rounded(laa.lung ? 100.0 * static_cast<double>(laa.low) / static_cast<double>(laa.lung) : 0.0, 3);
  truth["laa950_method"] = "voxels below -950 HU of the noise-free image under the lung labels";
  truth["nodules"] = Json::array();
  for (std::size_t n = 0; n < nodules.size(); ++n) {
    Json nodule = Json::object();
    nodule["center_lps_mm"] = point_json(nodules[n].center_lps_mm);
    nodule["diameter_mm"] = rounded(nodules[n].diameter_mm, 2);
    nodule["type"] = std::string(name_of(nodules[n].type));
    nodule["volume_ml"] = rounded(rendering.lesion_mm3[n + 1] / 1000, 4);
    nodule["lung"] = nodules[n].center_lps_mm.x > 0 ? "lung_left" : "lung_right";
    truth["nodules"].push_back(nodule);
  }
  truth["lesions"] = Json::array();
  for (std::size_t n = 0; n < lesions.size(); ++n) {
    Json lesion = Json::object();
    lesion["structure"] = lesions[n].structure;
    lesion["center_lps_mm"] = point_json(lesions[n].center_lps_mm);
    lesion["diameter_mm"] = rounded(lesions[n].diameter_mm, 2);
    lesion["value"] = lesions[n].value ? Json(*lesions[n].value) : Json(nullptr);
    lesion["volume_ml"] = rounded(rendering.lesion_mm3[nodules.size() + n + 1] / 1000, 4);
    if (lesions[n].structure.ends_with("calcification")) {
      lesion["volume130_ml"] = rounded(volume_from_130_hu(rendering.value, lesions[n]), 4);
    }
    truth["lesions"].push_back(lesion);
  }

  DigitalPatient patient;
  patient.truth = std::move(truth);
  const std::string method = "digital patient, largest part of the voxel";
  patient.labels = anatomy_labels(rendering, torso->scene(), method);
  patient.lesions = lesion_labels(rendering, ids, "digital patient, at least half of the voxel");
  run.progress(0.85, "noise");
  Voxels<float> noisy = noise > 0 ? ct_noise(grid, 0.62 * std::max(0.9, spacing.x), Random(seed, 25), run) : Voxels<float>(grid);
  parallel_for(run, grid.voxel_count(), 1 << 18, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const float value = rendering.value[n] + static_cast<float>(noise) * noisy[n];
      noisy[n] = std::clamp(std::nearbyint(value), -1024.0F, 3071.0F);
    }
  });
  patient.image = Image(std::move(noisy));
  patient.clean = Image(std::move(rendering.value));
  run.progress(1.0, "done");
  return patient;
}

}  // namespace gantry::simulation
