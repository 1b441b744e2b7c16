// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace gantry::dicom::network {

using Duration = std::chrono::milliseconds;

/// A TCP connection with time limits on every step. TCP_NODELAY is set, and TCP_QUICKACK again after each read: a peer that keeps Nagle's
/// algorithm waits for the acknowledgement of its last small segment, 40 ms an exchange without it. For one thread at a time, except
/// `interrupt`. Errors: peer (refused, closed, reset), time_limit.
class Connection {
 public:
  /// Connects to a host name or address.
  static std::unique_ptr<Connection> open(const std::string& host, std::uint16_t port, Duration limit);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Fills `out`; `limit` holds for each wait for more bytes. False when the peer closed before the first byte.
  bool read(std::span<std::byte> out, Duration limit);
  /// Sends all pieces in order.
  void write(std::span<const std::span<const std::byte>> pieces, Duration limit);
  void write(std::span<const std::byte> bytes, Duration limit);
  /// True when bytes (or the end) can be read without waiting.
  bool readable() const;
  /// Waits until `readable` or the time is over.
  bool wait_readable(Duration limit);
  /// Waits until the peer has closed, discarding what it still sends.
  void drain(Duration limit);
  /// Ends a wait of another thread: its call throws Error(peer). Safe in any thread while the connection lives.
  void interrupt();
  /// Address of the peer as text, without the port.
  const std::string& peer_address() const;
  /// True for a peer on this machine.
  bool peer_is_local() const;

 private:
  friend class Listener;
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A listening socket.
class Listener {
 public:
  /// `port` 0 takes a free one. Error(peer) when the address cannot be had.
  Listener(const std::string& address, std::uint16_t port);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const;
  /// The next connection; null once `interrupt` was called, from any thread.
  std::unique_ptr<Connection> accept();
  void interrupt();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gantry::dicom::network
