// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>

#include "gantry/base/error.h"
#include "gantry/dicom/assembly.h"
#include "gantry/dicom/suv.h"

/// Any bytes as a DICOM object: header, frames, series, SUV, JSON and native pixels must end in a result or an Error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace gantry;
  using namespace gantry::dicom;
  set_voxel_budget(std::uint64_t{256} << 20);
  Origin origin;
  const auto* first = reinterpret_cast<const std::byte*>(bytes);
  origin.memory = std::make_shared<const Bytes>(first, first + size);
  try {
    const auto data = read_header(origin);
    const Header header(data);
    header.text("AnatomicRegionSequence[0].CodeMeaning");
    header.numbers("ImagePositionPatient");
    header.to_json();
    RunOptions options;
    options.threads = 1;
    Run run(options);
    const Object object = describe_object(data);
    for (const Study& study : assemble({object})) {
      for (const Series& series : study.series) {
        suv_factors(series);
        if (data->pixel.encapsulated) continue;  // the codecs have targets of their own
        try {
          load(series, run);
        } catch (const Error&) {
          continue;
        }
      }
    }
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
