// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiotherapy/dvh.h"

#include <set>

#include "gantry/base/text.h"
#include "gantry/operation/frames.h"
#include "gantry/visualization/chart.h"
#include "gantry/visualization/color_map.h"

namespace gantry {

namespace {

/// Indices of the regions that were asked for, in the order of the set.
std::vector<std::size_t> chosen(const Contours& structures, const std::string& wanted) {
  std::vector<std::size_t> indices;
  std::set<std::string> names;
  for (const std::string& part : split(wanted, ',')) {
    if (const std::string name(trim(part)); !name.empty()) names.insert(name);
  }
  std::vector<std::string> known;
  for (std::size_t n = 0; n < structures.regions.size(); ++n) {
    known.push_back(structures.regions[n].name);
    if (names.empty() || names.contains(known.back())) indices.push_back(n);
  }
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw Error(ErrorCode::parameter, fmt::format("regions: must be names of the structure set ({}); got '{}'", join(known, ", "), name));
    }
  }
  return indices;
}

/// The cumulative curve at the lower edges of the bins.
void add_curve(Table& curves, Chart& chart, const std::string& name, const ContouredRegion& region, const DoseVolume& volume) {
  Chart::Series series{.name = name, .color = region.color};
  // Yellow and other light colours cannot be seen on a white page, and two curves of one colour cannot be told apart: such take the first
  // of the charts' colours that is free.
  const auto taken = [&](const Color& c) {
    return std::any_of(chart.series.begin(), chart.series.end(), [&](const auto& s) { return s.color == c; });
  };
  const double lightness = 0.2126 * region.color[0] + 0.7152 * region.color[1] + 0.0722 * region.color[2];
  if (lightness > 180 || taken(region.color)) {
    const auto free = std::find_if_not(okabe_ito.begin(), okabe_ito.end() - 1, taken);
    series.color = *free;
  }
  std::vector<double> cumulative(volume.bins_cm3.size() + 1, 0.0);
  for (std::size_t n = volume.bins_cm3.size(); n-- > 0;) cumulative[n] = cumulative[n + 1] + volume.bins_cm3[n];
  const double total = cumulative.front();
  const std::size_t stride = std::max<std::size_t>(1, cumulative.size() / 1000);
  for (std::size_t n = 0; n < cumulative.size(); ++n) {
    const double dose = volume.first_gy + static_cast<double>(n) * volume.bin_gy;
    curves.add({name, dose, cumulative[n], 100 * cumulative[n] / total});
    if (n % stride == 0 || n + 1 == cumulative.size()) {
      series.x.push_back(dose);
      series.y.push_back(100 * cumulative[n] / total);
    }
  }
  chart.series.push_back(std::move(series));
}

Json json_of(const DoseVolumeHistograms& asked, const ContouredRegion& region, const DoseVolume& volume) {
  Json doses = Json::object(), volumes = Json::object();
  for (const double percent : asked.dose_at) doses[shortest(percent)] = volume.dose_at(percent / 100);
  for (const double gy : asked.volume_at) volumes[shortest(gy)] = 100 * volume.share_at(gy);
  const double middle = volume.dose_at(0.5);
  return {{"number", region.number},
          {"kind", region.kind},
          {"volume_cm3", volume.volume_cm3},
          {"outside_cm3", volume.outside_cm3},
          {"minimum_gy", volume.minimum_gy},
          {"mean_gy", volume.mean_gy},
          {"maximum_gy", volume.maximum_gy},
          {"dose_at_gy", doses},
          {"volume_at_percent", volumes},
          {"homogeneity_index", middle > 0 ? Json((volume.dose_at(0.02) - volume.dose_at(0.98)) / middle) : Json()},
          {"step_mm", volume.step_mm}};
}

}  // namespace

void DoseVolumeHistograms::describe(Description<DoseVolumeHistograms>& d) {
  d.summary("Measures the dose in contoured regions: cumulative dose-volume histograms with volume, mean, D and V values.");
  d.input("dose", "Dose in Gy, or a difference of doses (DICOM RT dose or any volume)");
  d.input("structures", "Contours (DICOM RT structure set)");
  d.parameter("regions", &DoseVolumeHistograms::regions, "Names of the regions, separated by commas; empty for all");
  d.parameter("bin", &DoseVolumeHistograms::bin, "Width of the histogram's bins").unit("Gy").range(1e-6, 100);
  d.parameter("dose_at", &DoseVolumeHistograms::dose_at, "Volumes in percent whose dose is told: 95 gives D95").range(0, 100);
  d.parameter("volume_at", &DoseVolumeHistograms::volume_at, "Doses whose volume is told: 20 gives V20").unit("Gy").range(-1e6, 1e6);
  d.parameter("step", &DoseVolumeHistograms::step, "Distance of the samples; 0 gives each region about 300000").unit("mm").range(0, 10);
  d.parameter("end_caps", &DoseVolumeHistograms::end_caps,
              "How far a region reaches beyond its outer planes: half a plane's distance, or not");
  d.output("result", &Result::result, "Volume, dose and coverage of each region");
  d.output("curves", &Result::curves, "Cumulative histograms");
  d.output("figure", &Result::figure, "The curves");
  d.rule([](const DoseVolumeHistograms& o) {
    if (!(o.step == 0 || o.step >= 0.02))
      throw Error(ErrorCode::parameter, fmt::format("step: must be 0 or at least 0.02 mm; got {}", o.step));
  });
  d.example("gantry radiotherapy dvh rtdose.dcm rtss.dcm dvh.json --regions Heart,Breast --volume-at 5,10 --figure dvh.png");
  d.reference(
      "Drzymala RE, Mohan R, Brewster L, et al. Dose-volume histograms. International Journal of Radiation Oncology Biology Physics 1991; "
      "21:71-78.");
  d.reference(
      "Nelms B, Stambaugh C, Hunt D, Tonner B, Zhang G, Feygelman V. Methods, software and datasets to verify DVH calculations against "
      "analytical values. Medical Physics 2015; 42:4435-4448.");
  d.reference("International Commission on Radiation Units and Measurements. ICRU Report 83. Journal of the ICRU 2010; 10(1).");
}

DoseVolumeHistograms::Result DoseVolumeHistograms::operator()(const Image& dose, const Contours& structures, Run& run) const {
  check_parameters(*this);
  require_single_component(dose);
  if (dose.frames() != 1) throw Error(ErrorCode::not_possible, fmt::format("dose: must have one frame; has {}", dose.frames()));
  const std::vector<std::size_t> indices = chosen(structures, regions);
  const VoxelView<float> gy = dose.as<float>();
  Result result{.curves = Table({"region", "dose_gy", "volume_cm3", "volume_percent"})};
  Chart chart{.x_axis = "Dose (Gy)", .y_axis = "Volume (%)"};
  Json rows = Json::object(), left_out = Json::array();
  for (std::size_t n = 0; n < indices.size(); ++n) {
    const ContouredRegion& region = structures.regions[indices[n]];
    run.progress(static_cast<double>(n) / static_cast<double>(indices.size()), region.name);
    const auto leave_out = [&](const std::string& reason) { left_out.push_back({{"name", region.name}, {"reason", reason}}); };
    if (region.polygons.empty()) {
      leave_out("has no closed contours");
      continue;
    }
    const DoseVolume volume = dose_volume(gy, region, bin, step, end_caps, run);
    if (!(volume.covered_cm3() > 0) || volume.bins_cm3.empty()) {
      leave_out(volume.volume_cm3 > 0 ? "lies outside the dose grid" : "has no volume");
      continue;
    }
    if (volume.outside_cm3 > 1e-3 * volume.volume_cm3) {
      run.warn(fmt::format("region '{}': {:.1f} % of it lies outside the dose grid and is left out of its dose", region.name,
                           100 * volume.outside_cm3 / volume.volume_cm3));
    }
    const std::string name = rows.contains(region.name) ? fmt::format("{} ({})", region.name, region.number) : region.name;
    rows[name] = json_of(*this, region, volume);
    add_curve(result.curves, chart, name, region, volume);
  }
  if (rows.empty()) throw Error(ErrorCode::not_possible, "structures: no region has a volume inside the dose grid");
  result.result = {{"regions", std::move(rows)}, {"left_out", std::move(left_out)}};
  result.figure = chart_image(chart, 720, 480);
  return result;
}

}  // namespace gantry
