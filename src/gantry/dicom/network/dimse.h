// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "gantry/dicom/data_set.h"
#include "gantry/dicom/network/association.h"
#include "gantry/dicom/network/command_set.h"

namespace gantry::dicom::network {

/// A DIMSE message whose data set, if it has one, is still to be received.
struct Message {
  std::uint8_t context = 0;
  CommandSet command;
};

/// Exchange of DIMSE messages over an association (PS3.7 section 6.3). Errors: peer; protocol errors abort the association.
class Messenger {
 public:
  explicit Messenger(std::unique_ptr<Association> association) : association_(std::move(association)) {}

  Association& association() { return *association_; }
  const Association& association() const { return *association_; }

  /// Sends a command and, when it says that one follows, its data set.
  void send(std::uint8_t context, const CommandSet& command, std::span<const std::byte> data_set = {});
  /// The same with a data set that is read piece by piece: `next` returns the next bytes, good until its next call, empty at the end.
  void send(std::uint8_t context, const CommandSet& command, const std::function<std::span<const std::byte>()>& next);

  /// The next message; nullopt when the peer has released. The data set of the former one must have been received.
  std::optional<Message> receive();
  /// Passes the data set of `message` to `sink` as it comes. When the sink throws, the rest is still received before that error goes on,
  /// so that the association can be used further.
  void receive_data(const Message& message, const std::function<void(std::span<const std::byte>)>& sink);
  /// The data set in memory. Error(refused) above `most` bytes, after all of it was received.
  Bytes receive_data(const Message& message, std::size_t most = std::size_t{4} << 20);
  /// The next message, which must be a response to `message_id`.
  Message receive_response(std::uint16_t message_id);
  /// True when the peer has asked to cancel `message_id` (looks at what has come, does not wait).
  bool cancelled(std::uint16_t message_id);

 private:
  [[noreturn]] void protocol_error(std::string what);
  std::unique_ptr<Association> association_;
};

/// A data set with its bytes, received in a transfer syntax.
class OwnedDataSet {
 public:
  OwnedDataSet() = default;
  OwnedDataSet(Bytes bytes, std::string_view transfer_syntax_uid);
  const DataSet& set() const { return *set_; }

 private:
  std::shared_ptr<const Bytes> bytes_;
  std::shared_ptr<const DataSet> set_ = std::make_shared<DataSet>();
};

/// How the data sets of a transfer syntax are written down.
Encoding encoding_of(std::string_view transfer_syntax_uid);

}  // namespace gantry::dicom::network
