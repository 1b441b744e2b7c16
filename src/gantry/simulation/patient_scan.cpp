// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/patient_scan.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "gantry/base/version.h"

namespace gantry::simulation {

double target_lung_volume_ml(const ScanRequest& request) {
  Random random(request.options.seed, 10);
  const double drawn = request.body.female ? 4150 + 620 * random.next_normal() : 5450 + 820 * random.next_normal();
  return request.spec.lung_volume_ml.value_or(std::round(std::clamp(drawn, 2300.0, 7000.0)));
}

std::unique_ptr<Torso> make_torso(const ScanRequest& request, TorsoSignal signal, double low_attenuation_percent, double myocardium_suv,
                                  const Run& run) {
  const std::uint64_t seed = request.options.seed;
  Random random(seed, 11);
  TorsoOptions options;
  options.seed = seed;
  options.signal = signal;
  options.traits = drawn_torso_traits(Random(seed, 12), request.body.female);
  const double index = 1e4 * request.body.weight_kg / (request.body.height_cm * request.body.height_cm);
  options.traits.fat_mm = std::clamp(options.traits.fat_mm + 1.3 * (index - 25.5), 5.0, 38.0);
  options.traits.belly_mm = std::clamp(options.traits.belly_mm + 1.6 * (index - 25.5), 1.0, 50.0);
  const double target_ml = target_lung_volume_ml(request);
  // A small volume comes in part from high domes, the rest from the size of the chest.
  constexpr double standard_ml = 4900;
  const double rise = std::clamp(45 * (1 - target_ml / standard_ml), -10.0, 20.0);
  options.traits.dome_right_mm += rise;
  options.traits.dome_left_mm += rise;
  options.low_attenuation = low_attenuation_percent / 100 / 0.92;
  options.myocardium_uptake = myocardium_suv;
  options.inflation_hu = -862 + 8 * random.next_normal();
  auto torso = std::make_unique<Torso>(options, run);
  const double ratio = 1000 * target_ml / torso->model_lung_volume_mm3();
  const double tall = std::clamp(std::pow(request.body.height_cm / 172, 0.7) * std::pow(ratio, 0.2), 0.84, 1.14);
  const double broad = std::sqrt(ratio / tall);
  torso->set_scale({broad, broad, tall});
  return torso;
}

Labels anatomy_labels(Rendering& rendering, const Scene& scene, const std::string& method) {
  std::vector<Label> table;
  for (std::size_t s = 1; s < scene.structure_ids().size(); ++s)
    table.push_back(label_of(static_cast<int>(s), scene.structure_ids()[s], method));
  return Labels(Image(std::move(rendering.structures)), std::move(table));
}

Labels lesion_labels(Rendering& rendering, const std::vector<std::string>& ids, const std::string& method) {
  std::vector<Label> table;
  for (std::size_t n = 0; n < ids.size(); ++n) table.push_back(label_of(static_cast<int>(n) + 1, ids[n], method));
  return Labels(Image(std::move(rendering.lesions)), std::move(table));
}

Json volumes_json(const Rendering& rendering, const Scene& scene, Json& incomplete) {
  Json volumes = Json::object();
  incomplete = Json::array();
  const Grid& grid = rendering.structures.grid();
  const std::int64_t plane = grid.size(0) * grid.size(1);
  std::set<int> cut;
  for (std::int64_t n = 0; n < plane; ++n) {
    cut.insert(rendering.structures[n]);
    cut.insert(rendering.structures[n + plane * (grid.size(2) - 1)]);
  }
  const auto& ids = scene.structure_ids();
  double body = 0;
  for (std::size_t s = 1; s < ids.size(); ++s) body += rendering.structure_mm3[s];
  for (std::size_t s = 1; s < ids.size(); ++s) {
    volumes[ids[s]] = rounded((ids[s] == "body" ? body : rendering.structure_mm3[s]) / 1000, 3);
    if (cut.count(static_cast<int>(s))) incomplete.push_back(ids[s]);
  }
  return volumes;
}

Json truth_head(const ScanRequest& request, double noise) {
  const auto& options = request.options;
  Json truth = Json::object();
  truth["gantry_version"] = std::string(version());
  truth["seed"] = options.seed;
  truth["modality"] = options.modality == PatientModality::ct ? "ct" : options.modality == PatientModality::mr ? "mr" : "pet";
  truth["size"] = options.size == PatientSize::full ? "full" : "small";
  truth["noise"] = noise;
  Json patient = Json::object();
  patient["sex"] = request.body.female ? "F" : "M";
  patient["age_years"] = request.body.age_years;
  patient["height_cm"] = request.body.height_cm;
  patient["weight_kg"] = request.body.weight_kg;
  truth["patient"] = patient;
  return truth;
}

}  // namespace gantry::simulation
