// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gantry/archive/archive.h"
#include "gantry/dicom/network/association.h"

namespace gantry::archive {

/// Another DICOM application: destination of C-MOVE, and who may call from another machine.
struct RemoteNode {
  std::string ae_title, host;
  std::uint16_t port = 104;
};

/// Something that a peer did, for an audit log. Holds no patient data beyond UIDs.
struct DicomEvent {
  std::string action;  ///< "associate" (when it ends otherwise than by a release), "echo", "store", "find", "move", "get"
  std::string calling_ae_title, address;
  std::string subject;       ///< UID of the object, level of the query, destination of the move
  std::int64_t count = 0;    ///< matches or objects; those that were stored are counted together when the association ends
  std::uint16_t status = 0;  ///< DIMSE status
  std::string reason;        ///< of a failure
};

/// How the archive shows itself to DICOM peers.
struct DicomServerOptions {
  std::string ae_title = "GANTRY";
  std::string address = "127.0.0.1";
  std::uint16_t port = 11112;     ///< 0 takes a free one
  bool any_called_title = false;  ///< also answer to calls for another AE title
  std::vector<RemoteNode> nodes;
  int max_associations = 64;  ///< more are rejected for the time being
  dicom::network::Limits limits;
  /// Called from the threads of the associations; an Error that it throws is not looked at.
  std::function<void(const DicomEvent&)> on_event;
};

/// The archive as a DICOM node: SCP of verification, storage of everything, query and retrieve (C-FIND, C-MOVE, C-GET; patient and study
/// root). From this machine any AE may call; from elsewhere only those of `nodes`. One thread an association; memory is bounded by their
/// number. What it stores is on disk before it is acknowledged (Archive).
class DicomServer {
 public:
  /// The archive must outlive the server.
  DicomServer(Archive& archive, DicomServerOptions options);
  /// Stops.
  ~DicomServer();
  DicomServer(const DicomServer&) = delete;
  DicomServer& operator=(const DicomServer&) = delete;

  /// Listens and serves in threads of its own. Error(peer) when the port cannot be had, Error(parameter) for a malformed AE title.
  void start();
  /// Takes no new associations, gives those that are open `grace` to finish the message at hand, then ends them.
  void stop(dicom::network::Duration grace = dicom::network::Duration(2000));
  /// The port that it listens on.
  std::uint16_t port() const;
  /// Associations at this moment.
  int associations() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gantry::archive
