// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/network/dimse.h"

#include <fmt/format.h>

#include <exception>

#include "gantry/base/error.h"

namespace gantry::dicom::network {

namespace {

constexpr std::size_t most_command_bytes = 65536;

}  // namespace

void Messenger::protocol_error(std::string what) {
  association_->abort(0, 0);
  throw Error(ErrorCode::peer, "message: " + std::move(what));
}

void Messenger::send(std::uint8_t context, const CommandSet& command, std::span<const std::byte> data_set) {
  association_->send(context, true, command.encode(), true);
  if (command.has_data()) association_->send(context, false, data_set, true);
}

void Messenger::send(std::uint8_t context, const CommandSet& command, const std::function<std::span<const std::byte>()>& next) {
  association_->send(context, true, command.encode(), true);
  for (;;) {
    const auto bytes = next();
    if (bytes.empty()) break;
    association_->send(context, false, bytes, false);
  }
  association_->send(context, false, {}, true);
}

std::optional<Message> Messenger::receive() {
  Message message;
  Bytes command;
  for (bool first = true;; first = false) {
    const auto fragment = association_->receive(first);
    if (!fragment) {
      if (first) return std::nullopt;
      protocol_error("released in the middle of a command");
    }
    if (!fragment->command) protocol_error("must begin with a command; a data set came");
    if (first) {
      message.context = fragment->context;
      if (!association_->context(message.context)) protocol_error("must use an accepted presentation context");
    } else if (fragment->context != message.context) {
      protocol_error("its fragments must be of one presentation context");
    }
    if (command.size() + fragment->bytes.size() > most_command_bytes) {
      protocol_error(fmt::format("a command may take at most {} bytes", most_command_bytes));
    }
    command.insert(command.end(), fragment->bytes.begin(), fragment->bytes.end());
    if (fragment->last) break;
  }
  try {
    message.command = CommandSet::parse(command);
  } catch (const Error& error) {
    protocol_error(error.what());
  }
  return message;
}

void Messenger::receive_data(const Message& message, const std::function<void(std::span<const std::byte>)>& sink) {
  if (!message.command.has_data()) return;
  std::exception_ptr failure;
  for (;;) {
    const auto fragment = association_->receive(false);
    if (!fragment) protocol_error("released in the middle of a data set");
    if (fragment->command || fragment->context != message.context) protocol_error("a data set must not be interrupted");
    if (!failure) {
      try {
        sink(fragment->bytes);
      } catch (const Error&) {
        failure = std::current_exception();
      }
    }
    if (fragment->last) break;
  }
  if (failure) std::rethrow_exception(failure);
}

Bytes Messenger::receive_data(const Message& message, std::size_t most) {
  Bytes all;
  receive_data(message, [&](std::span<const std::byte> bytes) {
    if (all.size() + bytes.size() > most) throw Error(ErrorCode::refused, fmt::format("data set: may take at most {} bytes here", most));
    all.insert(all.end(), bytes.begin(), bytes.end());
  });
  return all;
}

Message Messenger::receive_response(std::uint16_t message_id) {
  auto message = receive();
  if (!message) throw Error(ErrorCode::peer, "association: released by the peer, which owes a response");
  if (!message->command.is_response() || message->command.number(element::message_id_responded) != message_id) {
    protocol_error("must be the response to the request");
  }
  return std::move(*message);
}

bool Messenger::cancelled(std::uint16_t message_id) {
  if (!association_->readable()) return false;
  const auto message = receive();
  if (!message) throw Error(ErrorCode::peer, "association: released by the peer, to which a response is due");
  if (message->command.field() != static_cast<std::uint16_t>(CommandField::cancel)) {
    protocol_error("only a cancel request may come while a request is being answered");
  }
  return message->command.number(element::message_id_responded) == message_id;
}

OwnedDataSet::OwnedDataSet(Bytes bytes, std::string_view transfer_syntax_uid)
    : bytes_(std::make_shared<const Bytes>(std::move(bytes))),
      set_(std::make_shared<const DataSet>(parse_item(*bytes_, encoding_of(transfer_syntax_uid), nullptr))) {}

Encoding encoding_of(std::string_view transfer_syntax_uid) {
  return {transfer_syntax_uid == "1.2.840.10008.1.2", transfer_syntax_uid == "1.2.840.10008.1.2.2"};
}

}  // namespace gantry::dicom::network
