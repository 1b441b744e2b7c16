// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gantry/dicom/network/connection.h"
#include "gantry/dicom/network/pdu.h"

namespace gantry::dicom::network {

/// How long an association waits, and what it takes.
struct Limits {
  Duration connect{10000};         ///< for the TCP connection
  Duration artim{30000};           ///< for A-ASSOCIATE and for the peer to close (PS3.8 section 9.1.5)
  Duration idle{300000};           ///< for the next message
  Duration step{60000};            ///< for the next bytes within a message, and for room to send
  std::uint32_t max_pdu = 131072;  ///< announced; larger P-DATA-TF units end the association
};

/// A presentation context that both sides agreed on.
struct AcceptedContext {
  std::uint8_t id = 0;
  std::string abstract_syntax, transfer_syntax;
  bool peer_is_scp = false;  ///< by role selection, or because the peer accepted the association
  bool peer_is_scu = false;
};

/// An association over the DICOM upper layer protocol for TCP/IP (PS3.8). For one thread at a time, except `interrupt`. Memory is bounded
/// by two units. Errors: peer, also for everything that breaks the protocol; the association is then aborted.
class Association {
 public:
  /// What the acceptor says: the contexts and roles of an A-ASSOCIATE-AC, or a refusal.
  using Decision = std::variant<Associate, Refusal>;

  /// Connects and proposes. Error(peer) also when the peer rejects, with its reason.
  static std::unique_ptr<Association> request(const std::string& host, std::uint16_t port, const Associate& proposal,
                                              const Limits& limits = {});
  /// Reads the proposal of a connection and answers it as `decide` says. Error(peer) when it was refused or the peer did not speak.
  static std::unique_ptr<Association> accept(std::shared_ptr<Connection> connection,
                                             const std::function<Decision(const Associate&)>& decide, const Limits& limits = {});
  ~Association();
  Association(const Association&) = delete;
  Association& operator=(const Association&) = delete;

  /// What the requestor proposed.
  const Associate& proposal() const { return proposal_; }
  const std::vector<AcceptedContext>& contexts() const { return contexts_; }
  /// The context of an id; null when it was not accepted.
  const AcceptedContext* context(std::uint8_t id) const;

  /// Sends bytes of a command or data set in units that the peer takes; `last` ends it.
  void send(std::uint8_t context, bool command, std::span<const std::byte> bytes, bool last);
  /// The next fragment, good until the next call. nullopt when the peer has released the association. `waiting` tells whether the time
  /// between messages counts, or that within one.
  std::optional<Fragment> receive(bool waiting);
  /// True when `receive` has something to look at.
  bool readable() const;

  /// Ends the association in order (of the requestor).
  void release();
  /// Ends it at once. `source` 0 = user, 2 = provider. Never throws.
  void abort(std::uint8_t source = 0, std::uint8_t reason = 0);
  /// See Connection::interrupt.
  void interrupt();
  const Connection& connection() const { return *connection_; }
  const Limits& limits() const { return limits_; }

 private:
  Association(std::shared_ptr<Connection> connection, const Limits& limits);
  struct Unit {
    PduType type;
    std::span<const std::byte> content;
  };
  /// nullopt when the peer closed between units.
  std::optional<Unit> read_unit(Duration limit);
  void settle(const Associate& answer, bool requestor);

  std::shared_ptr<Connection> connection_;
  Limits limits_;
  Associate proposal_;
  std::vector<AcceptedContext> contexts_;
  std::uint32_t peer_max_pdu_ = 0;
  Bytes buffer_;
  std::deque<Fragment> fragments_;
  bool open_ = false;
};

}  // namespace gantry::dicom::network
