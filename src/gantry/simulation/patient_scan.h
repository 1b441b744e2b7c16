// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/simulation/digital_patient.h"
#include "gantry/simulation/patient_spec.h"
#include "gantry/simulation/scene.h"
#include "gantry/simulation/torso.h"

namespace gantry::simulation {

/// What each modality's scan is made from.
struct ScanRequest {
  DigitalPatientOptions options;
  PatientSpec spec;
  PatientBody body;
};

DigitalPatient scan_ct(const ScanRequest& request, Run& run);
DigitalPatient scan_mr(const ScanRequest& request, Run& run);
DigitalPatient scan_pet(const ScanRequest& request, Run& run);

/// Volume of both lungs that is asked for, else drawn.
double target_lung_volume_ml(const ScanRequest& request);
/// The torso of a request, its size solved for the lung volume.
std::unique_ptr<Torso> make_torso(const ScanRequest& request, TorsoSignal signal, double low_attenuation_percent, double myocardium_suv,
                                  const Run& run);

/// Labels of a rendering: structures by the table, and lesions with ids such as "lung_nodule.1".
Labels anatomy_labels(Rendering& rendering, const Scene& scene, const std::string& method);
Labels lesion_labels(Rendering& rendering, const std::vector<std::string>& ids, const std::string& method);
/// {"lung_left": mL, ...} by structure; "body" is everything inside the skin. Structures that a border of the grid cuts go to `incomplete`.
Json volumes_json(const Rendering& rendering, const Scene& scene, Json& incomplete);
/// The part of truth.json that all modalities share.
Json truth_head(const ScanRequest& request, double noise);

/// Writes the DICOM series of a patient.
void write_patient_series(const Path& folder, const ScanRequest& request, const DigitalPatient& patient, Run& run);

}  // namespace gantry::simulation
