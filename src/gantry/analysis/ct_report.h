// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>

#include "gantry/analysis/ct_calcium.h"
#include "gantry/analysis/ct_maps.h"
#include "gantry/analysis/ct_wall.h"
#include "gantry/analysis/profile.h"
#include "gantry/analysis/result.h"

namespace gantry::analysis {

/// What the parts of a CT report are made of; each `add_...` below puts its findings, segments, tables and sentences into `result`.
struct CtReport {
  const SeriesInput& input;
  const Profile& profile;
  CtMaps maps;
  CtProtocol protocol;
  std::vector<Nodule> nodules;
  double nodule_minimum_mm = 4;  ///< what was looked for, slice thickness considered
  std::optional<double> lung_noise_hu, soft_noise_hu;
  SeriesResult result;
  ReportDocument::Measurements structures;  ///< the table that collects one row a structure
  Heart heart;
  CalciumProtocol calcium_protocol;
  Calcium calcium;  ///< without its mask, which is painted into the labels
  std::optional<double> agatston;
  std::vector<SliceComposition> composition;
  bool wall_found = false;
  bool lungs_whole() const { return maps.lungs.left && maps.lungs.right && !maps.lungs.left_incomplete && !maps.lungs.right_incomplete; }
};

/// A finding named by the table of structures and the words of its measure; appended to the result and returned.
Finding& add_finding(CtReport& report, const std::string& id, const Words& measure, const Code& code, std::optional<double> value,
                     const std::string& unit, std::optional<std::array<double, 2>> interval, const std::string& method);
/// A structure: label row, segment, volume finding, and a row of the table of structures.
void add_structure(CtReport& report, const std::string& id, int label_value, std::vector<int> includes, const MeasuredVolume& volume,
                   bool incomplete, const Words& method);

void add_ct_quality(CtReport& report, Run& run);
/// Body, air, fat, soft tissue, bone, metal, airways, lungs: everything with a volume.
void add_ct_structures(CtReport& report, Run& run);
void add_lung_density(CtReport& report);
/// Finds and paints nodules; call before the structures, so that lungs include them.
void add_nodules(CtReport& report, Run& run);
/// Findings, table and sentence of the nodules; call after the structures.
void describe_nodules(CtReport& report);
/// Finds and paints the heart and calcium in it; call before the structures.
void add_heart(CtReport& report, Run& run);
/// Finds and paints muscle, subcutaneous and visceral fat where the wall of the trunk is found; call after the heart, before the
/// structures.
void add_body_wall(CtReport& report, Run& run);
/// Findings, table and sentence of heart and calcium; call after the structures.
void describe_heart(CtReport& report);
/// Area of fat, muscle or soft tissue, and bone in each axial slice, as a chart along z, with findings where the wall of the trunk was
/// found; call after the structures. No vertebral level is named.
void describe_composition(CtReport& report);
/// Pictures and the numbers of the pictures in the sentences. Call last.
void add_ct_images(CtReport& report, Run& run);
/// Puts labels together; call once after all parts.
void finish(CtReport& report);

const Code volume_code{"SCT", "118565006", "Volume"};
const Code attenuation_code{"DCM", "112031", "Attenuation Coefficient"};

}  // namespace gantry::analysis
