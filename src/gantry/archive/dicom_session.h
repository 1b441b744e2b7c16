// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "gantry/archive/dicom_server.h"
#include "gantry/dicom/network/dimse.h"

namespace gantry::archive {

/// What a peer is offered: contexts and roles of an A-ASSOCIATE-AC.
dicom::network::Associate negotiate(const dicom::network::Associate& proposal);

/// Serves one association until it ends.
class DicomSession {
 public:
  /// `stopping` asks it to end after the message at hand.
  DicomSession(Archive& archive, const DicomServerOptions& options, std::unique_ptr<dicom::network::Association> association,
               const std::atomic<bool>& stopping);
  /// Returns when the peer has released. Error(peer) when the association broke.
  void run();
  /// Reports how many objects were stored; refused ones were reported one by one.
  void report_stored() const;

 private:
  using Message = dicom::network::Message;
  void answer(const Message& message);
  void store(const Message& message);
  void find(const Message& message);
  void retrieve(const Message& message, bool move);
  void event(std::string action, std::string subject, std::int64_t count, std::uint16_t status, std::string reason = {}) const;

  Archive& archive_;
  const DicomServerOptions& options_;
  dicom::network::Messenger messenger_;
  const std::atomic<bool>& stopping_;
  std::int64_t stored_ = 0;
};

/// The objects that a C-MOVE or C-GET identifier names. Error(parameter) for a level without its unique key.
std::vector<InstanceRecord> objects_of(const Archive& archive, const dicom::DataSet& identifier, bool patient_root);
/// A C-FIND identifier as a query. Error(parameter) for a level that is none.
Query query_of(const dicom::DataSet& identifier, bool patient_root);

}  // namespace gantry::archive
