// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/simulation/digital_patient.h"
#include "session.h"

namespace gantry::cli {

int digital_patient(const Words& arguments) {
  CommandLine command("simulation digital-patient", "Makes a digital patient whose truth is known: DICOM, labels, truth.json.");
  std::string out, seed = "1", modality = "ct", size = "full", noise, spec;
  simulation::DigitalPatientOptions options;
  command.positional("OUT", out, "Folder to make");
  command.option("--seed", seed, "Seed of everything that the specification leaves open", "N");
  command.option("--modality", modality, "What the patient is scanned with", "ct|mr|pet");
  command.option("--size", size, "Matrix of the scan", "full|small");
  command.option("--noise", noise, "Noise: HU for CT, percent for MR and PET; 0 = none", "SD");
  command.option("--spec", spec, "What to make, in the form of truth.json", "FILE");
  command.option("--manufacturer", options.pet.manufacturer, "PET: SIEMENS, \"GE MEDICAL SYSTEMS\" or \"Philips Medical Systems\"", "NAME");
  command.option("--units", options.pet.units, "PET: BQML, CNTS or GML", "UNITS");
  command.option("--decay", options.pet.decay, "PET: START, ADMIN or NONE", "MODE");
  command.example("gantry simulation digital-patient patient --seed 7 --modality ct --size small");
  command.example("gantry simulation digital-patient patient --modality pet --spec truth.json");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  options.seed = static_cast<std::uint64_t>(whole_number("seed", seed, 0, std::numeric_limits<std::int64_t>::max()));
  options.modality = simulation::parse_patient_modality(modality);
  options.size = simulation::parse_patient_size(size);
  if (!noise.empty()) options.noise = number("noise", noise, 0, 1000);
  if (!spec.empty())
    options.spec = with_context(Path(spec).filename().string(), [&] { return parse_json(read_text(spec, std::uint64_t{1} << 24)); });
  Run& run = session.start();
  simulation::write_digital_patient(out, options, run);
  session.finish();
  if (session.json()) print(parse_json(read_text(Path(out) / "truth.json")));
  return 0;
}

}  // namespace gantry::cli
