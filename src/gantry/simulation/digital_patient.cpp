// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/digital_patient.h"

#include <algorithm>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/operation/value.h"
#include "gantry/simulation/patient_scan.h"

namespace gantry::simulation {

namespace {

ScanRequest request_of(const DigitalPatientOptions& options) {
  ScanRequest request{options, parse_patient_spec(options.spec), {}};
  const double highest = options.modality == PatientModality::ct ? 200 : 50;
  if (options.noise && !(*options.noise >= 0 && *options.noise <= highest)) {
    throw Error(ErrorCode::parameter, fmt::format("noise: must lie between 0 and {} {}; got {}", shortest(highest),
                                                  options.modality == PatientModality::ct ? "HU" : "%", shortest(*options.noise)));
  }
  request.body = drawn_body(request.spec, Random(options.seed, 1));
  return request;
}

DigitalPatient scanned(const ScanRequest& request, Run& run) {
  switch (request.options.modality) {
    case PatientModality::ct:
      return scan_ct(request, run);
    case PatientModality::mr:
      return scan_mr(request, run);
    case PatientModality::pet:
      return scan_pet(request, run);
  }
  throw Error(ErrorCode::internal, "digital patient: unknown modality");
}

}  // namespace

DigitalPatient make_digital_patient(const DigitalPatientOptions& options, Run& run) { return scanned(request_of(options), run); }

namespace {

/// Refuses a destination that holds anything but a former digital patient.
void check_destination(const Path& out) {
  if (!std::filesystem::exists(out)) return;
  if (!std::filesystem::is_directory(out))
    throw Error(ErrorCode::parameter, fmt::format("output: must be a folder; '{}' is a file", out.string()));
  static const std::vector<std::string> own{"dicom", "truth.json", "labels.nii.gz", "labels.json", "lesions.nii.gz", "lesions.json"};
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    const std::string name = entry.path().filename().string();
    if (std::find(own.begin(), own.end(), name) == own.end()) {
      throw Error(ErrorCode::parameter,
                  fmt::format("output: must be new, empty or a former digital patient; '{}' holds '{}'", out.string(), name));
    }
  }
}

}  // namespace

void write_digital_patient(const Path& out, const DigitalPatientOptions& options, Run& run) {
  check_destination(out);
  const ScanRequest request = request_of(options);
  Run making = run.part(0.0, 0.75, "patient");
  const DigitalPatient patient = scanned(request, making);
  StagedFolder folder(out);
  Run writing = run.part(0.75, 1.0, "writing");
  write_patient_series(folder.path() / "dicom", request, patient, writing);
  write_atomic(folder.path() / "truth.json", to_text(patient.truth));
  writing.progress(0.6);
  PortType<Labels>::write(folder.path() / "labels.nii.gz", patient.labels, run);
  if (!patient.lesions.table().empty()) {
    PortType<Labels>::write(folder.path() / "lesions.nii.gz", patient.lesions, run);
  }
  folder.commit();
  run.progress(1.0, "done");
}

void write_digital_patient_series(const Path& folder, const DigitalPatient& patient, const DigitalPatientOptions& options, Run& run) {
  write_patient_series(folder, request_of(options), patient, run);
}

PatientModality parse_patient_modality(std::string_view text) {
  if (text == "ct") return PatientModality::ct;
  if (text == "mr") return PatientModality::mr;
  if (text == "pet") return PatientModality::pet;
  throw Error(ErrorCode::parameter, fmt::format("modality: must be ct, mr or pet; got '{}'", text));
}

PatientSize parse_patient_size(std::string_view text) {
  if (text == "full") return PatientSize::full;
  if (text == "small") return PatientSize::small;
  throw Error(ErrorCode::parameter, fmt::format("size: must be full or small; got '{}'", text));
}

}  // namespace gantry::simulation
