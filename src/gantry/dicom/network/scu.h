// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/base/error.h"
#include "gantry/dicom/network/dimse.h"
#include "gantry/dicom/network/identifier.h"
#include "gantry/dicom/network/part10.h"

namespace gantry::dicom::network {

/// Another application and how it is called.
struct Peer {
  std::string host = "127.0.0.1";
  std::uint16_t port = 104;
  std::string called_ae_title = "ANY-SCP", calling_ae_title = "GANTRY";
  Limits limits;
};

/// "[AE@]HOST[:PORT]" as a peer; port 104 and ANY-SCP where they are left out, an IPv6 address in brackets. Error(parameter).
Peer parse_peer(std::string_view text);

/// Presentation contexts to propose; the same pair is added once.
class Proposal {
 public:
  /// Largest number of contexts of an association (PS3.8 section 9.3.2.2: odd ids up to 255).
  static constexpr std::size_t most = 128;
  /// False when there is no room for one more.
  bool add(std::string_view abstract_syntax, const std::vector<std::string>& transfer_syntaxes);
  /// What the peer needs to take objects of this file: its own transfer syntax, and for native ones the two others of little endian.
  bool add_storage(std::string_view sop_class_uid, std::string_view transfer_syntax_uid);
  /// Proposes to be SCP, too, of a storage class (C-GET).
  void add_scp_role(std::string_view sop_class_uid);
  const std::vector<PresentationContext>& contexts() const { return contexts_; }
  const std::vector<RoleSelection>& roles() const { return roles_; }

 private:
  std::vector<PresentationContext> contexts_;
  std::vector<RoleSelection> roles_;
};

/// Connects and agrees. Error(peer) as Association::request.
std::unique_ptr<Messenger> associate(const Peer& peer, const Proposal& proposal);

/// C-ECHO; returns the status. Error(peer) when verification was not accepted.
std::uint16_t echo(Messenger& messenger);

/// Who asked for an object that is sent on behalf of a C-MOVE.
struct MoveOriginator {
  std::string ae_title;
  std::uint16_t message_id = 0;
};
/// Outcome of one C-STORE.
struct StoreResult {
  std::uint16_t status = 0;
  std::string comment;
  bool cancelled = false;  ///< a C-CANCEL for `cancel_id` came before the response
};
/// Sends one file; `meta` names its classes and UIDs as the data set does. A native object goes in another native transfer syntax when the
/// peer takes its own not. Errors: not_possible (no accepted context fits), not_found, unreadable, and peer.
StoreResult store(Messenger& messenger, const Path& file, const FileMeta& meta, std::uint16_t message_id,
                  const std::optional<MoveOriginator>& originator = std::nullopt, std::optional<std::uint16_t> cancel_id = std::nullopt);

/// C-FIND in the study root model, or the patient root one when `level` is PATIENT. `match` gets each answer and returns false to cancel.
/// Returns the final status. Errors: parameter (level), peer.
std::uint16_t find(Messenger& messenger, std::string_view level, const Identifier& keys, const std::function<bool(const DataSet&)>& match);

/// The state of a C-MOVE or C-GET.
struct Retrieval {
  std::uint16_t status = 0;
  int remaining = 0, completed = 0, failed = 0, warnings = 0;
  std::string comment;
};
/// C-MOVE to an AE that the peer knows. `progress` gets each response.
Retrieval move(Messenger& messenger, std::string_view level, const Identifier& keys, std::string_view destination,
               const std::function<void(const Retrieval&)>& progress);

/// An object that comes in on behalf of a C-GET.
struct IncomingObject {
  std::string sop_class_uid, sop_instance_uid, transfer_syntax_uid;
};
/// Takes the data set of an object piece by piece; `finish` ends it. Both may throw Error.
class ObjectSink {
 public:
  virtual ~ObjectSink() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
  virtual void finish() = 0;
};
/// C-GET. `open` is asked for each object; an Error that it or its sink throws is answered as a failure of that object and handed to
/// `refused`.
Retrieval get(Messenger& messenger, std::string_view level, const Identifier& keys,
              const std::function<std::unique_ptr<ObjectSink>(const IncomingObject&)>& open,
              const std::function<void(const IncomingObject&, const Error&)>& refused);

}  // namespace gantry::dicom::network
