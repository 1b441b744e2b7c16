// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <string>

#include "gantry/archive/archive_test_support.h"
#include "gantry/archive/dicom_server.h"
#include "gantry/base/test_tools.h"
#include "gantry/dicom/network/scu.h"

namespace gantry::archive::test {

/// Whether the tools of DCMTK are installed.
inline bool has_dcmtk() { return has_program("storescu"); }

/// An archive and its DICOM server on a free port.
class Node {
 public:
  explicit Node(DicomServerOptions options = {}) : archive({folder.path() / "data"}) {
    options.port = 0;
    server = std::make_unique<DicomServer>(archive, std::move(options));
    server->start();
  }
  std::string at(const std::string& tool) const { return fmt::format("{} -aec GANTRY 127.0.0.1 {}", tool, server->port()); }
  dicom::network::Peer peer() const {
    dicom::network::Peer out;
    out.port = server->port();
    out.called_ae_title = "GANTRY";
    return out;
  }

  TemporaryFolder folder;
  Archive archive;
  std::unique_ptr<DicomServer> server;
};

/// A study of two series with `count` objects each, as files in `folder`.
inline void write_study(const Path& folder, int count, std::size_t pixel_bytes = 512, const std::string& study = "1.2.3") {
  std::filesystem::create_directories(folder);
  for (int n = 0; n < 2 * count; ++n) {
    Object o;
    o.study_uid = study;
    o.series_uid = fmt::format("{}.{}", study, n % 2 + 1);
    o.modality = n % 2 == 0 ? "CT" : "MR";
    o.sop_class = n % 2 == 0 ? "1.2.840.10008.5.1.4.1.1.2" : "1.2.840.10008.5.1.4.1.1.4";
    o.uid = fmt::format("{}.{}.{}", study, n % 2 + 1, n + 1);
    o.number = std::to_string(n / 2 + 1);
    o.pixel_bytes = pixel_bytes;
    o.patient_name = "Müller^Jörg";
    o.character_set = "ISO_IR 192";
    const Bytes file = file_of(o);  // to be read once and by this test alone: it need not reach the disk
    std::ofstream(folder / fmt::format("{}.dcm", n), std::ios::binary)
        .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  }
}

}  // namespace gantry::archive::test
