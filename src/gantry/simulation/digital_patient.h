// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/run.h"
#include "gantry/image/labels.h"

namespace gantry::simulation {

/// What the patient is scanned with: chest CT, T1-weighted head MR, or FDG PET of the trunk.
enum class PatientModality { ct, mr, pet };
/// Matrix of the scan. CT: full 512 x 512 x (200 or more slices of 1.5 mm), small 256 x 256 x 80. MR: full 192 x 256 x 208 of about 1 mm,
/// small half of it. PET: full 200 x 200 with voxels of 3 mm, small 112 x 112 with 5.4 x 5.4 x 5 mm.
enum class PatientSize { full, small };

/// How a PET series is stored; the activity is the same whichever is chosen.
struct PetStorage {
  std::string manufacturer = "SIEMENS";  ///< "SIEMENS", "GE MEDICAL SYSTEMS" or "Philips Medical Systems"
  std::string units = "BQML";            ///< "BQML", "CNTS" (Philips alone) or "GML" (body weight)
  std::string decay = "START";           ///< "START", "ADMIN" or "NONE"
};

/// What to make.
struct DigitalPatientOptions {
  std::uint64_t seed = 1;  ///< of everything that the specification leaves open
  PatientModality modality = PatientModality::ct;
  PatientSize size = PatientSize::full;
  /// CT: standard deviation in HU. MR: standard deviation in percent of white matter (Rician). PET: standard deviation at SUV 1 in
  /// percent, growing with the root of activity. None = the scanner's usual: 8 HU, 2 %, 8 %. 0 = no noise.
  std::optional<double> noise;
  /// The form of `truth`: what it names is made so, the rest is drawn. Null or {} = everything is drawn. See
  /// docs/reference/digital-patient.md.
  Json spec;
  PetStorage pet;
};

/// A patient and what is true about him. All images share one grid, axes L, P, S.
struct DigitalPatient {
  Image image;     ///< f32: whole HU; arbitrary units (white matter near 1000); or SUV (body weight)
  Image clean;     ///< f32: the same with resolution and bias field but without noise
  Labels labels;   ///< anatomy, ids of the table of structures; each voxel belongs to what fills most of it
  Labels lesions;  ///< lesions apart, "lung_nodule.1", ..., because they lie inside structures
  Json truth;      ///< numbers, in the form of the specification
};

/// Makes a patient. A lung is everything inside its pleura (vessels, lobar and smaller bronchi, nodules) but for the lumen and wall of
/// trachea and main bronchi. Deterministic for seed, options and version, whatever the number of threads.
/// Cost: full CT about 20 s of one core and 900 MB. Throws Error(parameter) for a specification that cannot be met, naming its key.
DigitalPatient make_digital_patient(const DigitalPatientOptions& options, Run& run);

/// Writes `out/dicom/` (one file a slice), `out/truth.json`, `out/labels.nii.gz`, `out/labels.json` and, when there are lesions,
/// `out/lesions.nii.gz`. `out` appears when it is complete; it must not exist or must be empty or a former digital patient.
void write_digital_patient(const Path& out, const DigitalPatientOptions& options, Run& run);

/// Writes the image of a patient alone, made by these options, as DICOM files in a new folder: one file a slice. `options.pet` says how.
void write_digital_patient_series(const Path& folder, const DigitalPatient& patient, const DigitalPatientOptions& options, Run& run);

/// Names on the command line. Throw Error(parameter) for unknown ones.
PatientModality parse_patient_modality(std::string_view text);
PatientSize parse_patient_size(std::string_view text);

}  // namespace gantry::simulation
