// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/simulation/head.h"
#include "gantry/simulation/noise_field.h"
#include "gantry/simulation/patient_scan.h"
#include "gantry/simulation/scanner.h"

namespace gantry::simulation {

namespace {

std::vector<LesionSpec> drawn_tumors(const Head& head, Random random) {
  std::vector<LesionSpec> tumors;
  if (random.next_uniform() < 0.4) return tumors;
  for (int attempt = 0; attempt < 500; ++attempt) {
    const double diameter = std::round(random.next_uniform(12, 38));
    const Vec3 center{std::round(random.next_uniform(-60, 60)), std::round(random.next_uniform(-75, 75)),
                      std::round(random.next_uniform(5, 65))};
    if (!(head.depth_in_brain(center) > 0.5 * diameter - 3) || std::abs(center.x) < 0.5 * diameter + 4) continue;
    tumors.push_back({"brain_tumor", center, diameter, std::nullopt});
    break;
  }
  return tumors;
}

void check_tumors(const Head& head, const std::vector<LesionSpec>& lesions) {
  for (std::size_t n = 0; n < lesions.size(); ++n) {
    if (lesions[n].structure != "brain_tumor") {
      throw Error(ErrorCode::parameter,
                  fmt::format("spec: lesions[{}].structure: {} belongs to another modality than mr", n, lesions[n].structure));
    }
    const double depth = head.depth_in_brain(lesions[n].center_lps_mm);
    if (!(depth >= 0)) {
      throw Error(
          ErrorCode::parameter,
          fmt::format("spec: lesions[{}].center_lps_mm: must lie inside the brain of this patient; lies {:.1f} mm outside", n, -depth));
    }
  }
}

/// Receive and transmit fields of a coil: smooth, a tenth to a third from side to side.
class BiasField {
 public:
  explicit BiasField(Random random) : wave_(random.bits(1), 150) {
    tilt_ = {random.next_uniform(-0.10, 0.10), random.next_uniform(-0.12, 0.12), random.next_uniform(-0.10, 0.10)};
    bowl_ = random.next_uniform(0.04, 0.14);
  }
  double operator()(Vec3 p) const {
    const Vec3 q{p.x / 90, p.y / 100, p.z / 100};
    return std::exp(dot(tilt_, q) - bowl_ * dot(q, q) + 0.22 * wave_({p.x + 500, p.y, p.z}) + 0.5 * bowl_);
  }

 private:
  NoiseField wave_;
  Vec3 tilt_;
  double bowl_ = 0;
};

}  // namespace

DigitalPatient scan_mr(const ScanRequest& request, Run& run) {
  const std::uint64_t seed = request.options.seed;
  const double noise = request.options.noise.value_or(2.0);
  run.progress(0.02, "anatomy");
  Head head(drawn_head_traits(Random(seed, 31), request.body.age_years), seed, run);
  Random draw(seed, 32);
  const double drawn = (request.body.female ? 1240 : 1370) + 80 * draw.next_normal();
  const double target_ml = request.spec.brain_volume_ml.value_or(std::round(std::clamp(drawn, 1110.0, 1590.0)));
  head.set_scale(std::cbrt(1000 * target_ml / head.model_brain_volume_mm3()));
  const std::vector<LesionSpec> lesions = request.spec.lesions ? *request.spec.lesions : drawn_tumors(head, Random(seed, 33));
  check_tumors(head, lesions);
  if (request.spec.nodules && !request.spec.nodules->empty()) {
    throw Error(ErrorCode::parameter, "spec: nodules: belong to ct; got some for mr");
  }
  std::vector<std::string> ids;
  for (const LesionSpec& lesion : lesions) {
    ids.push_back(fmt::format("brain_tumor.{}", ids.size() + 1));
    head.add_tumor(static_cast<int>(ids.size()), {lesion.center_lps_mm, lesion.diameter_mm});
  }

  const double scale = head.scale();
  const bool full = request.options.size == PatientSize::full;
  const double spacing = (full ? 1.0 : 2.0) * std::max(1.0, std::ceil(scale * 50) / 50);
  const Size3 size = full ? Size3{192, 256, 208} : Size3{96, 128, 104};
  const Grid grid(
      size, {spacing, spacing, spacing},
      {-0.5 * spacing * static_cast<double>(size[0] - 1), std::round(-4 * scale) - 0.5 * spacing * static_cast<double>(size[1] - 1),
       std::round(97 * scale) - spacing * static_cast<double>(size[2] - 1)});
  run.progress(0.4, "rendering");
  Rendering rendering = head.scene().render(grid, run);
  run.progress(0.8, "scanner");
  const double resolution = std::max(0.42, 0.38 * spacing);
  blur(rendering.value, {resolution, resolution, resolution}, run);
  const BiasField bias(Random(seed, 34));
  const std::int64_t plane = grid.size(0) * grid.size(1);
  parallel_for(run, grid.size(2), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < grid.size(1); ++j) {
        for (std::int64_t i = 0; i < grid.size(0); ++i) {
          const Vec3 p = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
          rendering.value[i + j * grid.size(0) + k * plane] *= static_cast<float>(bias(p));
        }
      }
    }
  });

  Json truth = truth_head(request, noise);
  truth["patient"]["brain_volume_ml"] = target_ml;
  Json incomplete;
  const Json parts = volumes_json(rendering, head.scene(), incomplete);
  Json volumes = Json::object();
  const auto of = [&](const char* id) { return parts.contains(id) ? parts[id].get<double>() : 0.0; };
  const double brain = of("gray_matter") + of("white_matter") + of("deep_nuclei");
  volumes["brain"] = rounded(brain, 3);
  volumes["intracranial"] = rounded(brain + of("ventricles") + of("cerebrospinal_fluid"), 3);
  for (const char* id : {"gray_matter", "white_matter", "deep_nuclei", "ventricles", "cerebrospinal_fluid", "skull"}) volumes[id] = of(id);
  truth["volumes_ml"] = volumes;
  truth["volumes_method"] =
      "partial volume of the analytic model; brain = grey and white matter and nuclei of cerebrum, cerebellum and stem down to the foramen "
      "magnum, "
      "with tumour, without ventricles; intracranial = brain, ventricles and fluid around it";
  truth["incomplete"] = incomplete;
  truth["lesions"] = Json::array();
  for (std::size_t n = 0; n < lesions.size(); ++n) {
    Json lesion = Json::object();
    lesion["structure"] = lesions[n].structure;
    lesion["center_lps_mm"] = point_json(lesions[n].center_lps_mm);
    lesion["diameter_mm"] = rounded(lesions[n].diameter_mm, 2);
    lesion["volume_ml"] = rounded(rendering.lesion_mm3[n + 1] / 1000, 4);
    truth["lesions"].push_back(lesion);
  }

  DigitalPatient patient;
  patient.truth = std::move(truth);
  patient.labels = anatomy_labels(rendering, head.scene(), "digital patient, largest part of the voxel");
  patient.lesions = lesion_labels(rendering, ids, "digital patient, at least half of the voxel");
  Voxels<float> noisy = rendering.value.clone();
  if (noise > 0) add_rician_noise(noisy, 10 * noise, Random(seed, 35), run);
  parallel_for(run, grid.voxel_count(), 1 << 18, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) noisy[n] = std::nearbyint(noisy[n]);
  });
  patient.image = Image(std::move(noisy));
  patient.clean = Image(std::move(rendering.value));
  run.progress(1.0, "done");
  return patient;
}

}  // namespace gantry::simulation
