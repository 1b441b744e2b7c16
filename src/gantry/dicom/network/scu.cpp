// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/network/scu.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gantry/base/text.h"
#include "gantry/dicom/network/services.h"

namespace gantry::dicom::network {

namespace {

constexpr std::uint64_t most_recoded = std::uint64_t{2} << 30;

std::vector<std::string> native_syntaxes() {
  return {std::string(transfer_syntax::explicit_little), std::string(transfer_syntax::implicit_little)};
}

const AcceptedContext& context_of(const Association& association, std::string_view abstract_syntax, std::string_view what) {
  for (const AcceptedContext& context : association.contexts()) {
    if (context.abstract_syntax == abstract_syntax && context.peer_is_scp) return context;
  }
  throw Error(ErrorCode::peer, fmt::format("association: the peer does not offer {}", what));
}

/// A file that is read in blocks.
class File {
 public:
  File(const Path& path, std::uint64_t begin) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), at_(begin), buffer_(262144) {
    if (file_ < 0) throw Error(ErrorCode::not_found, "file: cannot be opened");
    ::posix_fadvise(file_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ~File() { ::close(file_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  std::span<const std::byte> next() {
    for (;;) {
      const ssize_t count = ::pread(file_, buffer_.data(), buffer_.size(), static_cast<off_t>(at_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw Error(ErrorCode::unreadable, fmt::format("file: cannot be read: {}", std::strerror(errno)));
      at_ += static_cast<std::uint64_t>(count);
      return std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(count));
    }
  }

 private:
  int file_;
  std::uint64_t at_;
  Bytes buffer_;
};

Identifier with_level(const Identifier& keys, std::string_view level) {
  if (level != "PATIENT" && level != "STUDY" && level != "SERIES" && level != "IMAGE") {
    throw Error(ErrorCode::parameter, fmt::format("level: must be one of PATIENT, STUDY, SERIES, IMAGE; got {}", level));
  }
  Identifier all = keys;
  all[0x00080052U] = level;
  return all;
}

void update(Retrieval& state, const CommandSet& response) {
  state.status = response.status();
  state.comment = response.text(element::error_comment);
  const auto count = [&](std::uint16_t which, int& target) {
    if (response.has(which)) target = response.number(which);
  };
  count(element::remaining, state.remaining);
  count(element::completed, state.completed);
  count(element::failed, state.failed);
  count(element::warnings, state.warnings);
  if (!is_pending(state.status)) state.remaining = 0;
}

/// Answers a C-STORE of the peer.
void take_object(Messenger& messenger, const Message& message,
                 const std::function<std::unique_ptr<ObjectSink>(const IncomingObject&)>& open,
                 const std::function<void(const IncomingObject&, const Error&)>& refused) {
  const AcceptedContext* context = messenger.association().context(message.context);
  const IncomingObject object{message.command.text(element::affected_sop_class), message.command.text(element::affected_sop_instance),
                              context->transfer_syntax};
  CommandSet response = message.command.response(status::success);
  try {
    std::unique_ptr<ObjectSink> sink;
    messenger.receive_data(message, [&](std::span<const std::byte> bytes) {
      if (!sink) {
        if (!is_uid(object.sop_class_uid) || !is_uid(object.sop_instance_uid)) {
          throw Error(ErrorCode::refused, "object: must come with its class and instance UID");
        }
        sink = open(object);
      }
      sink->write(bytes);
    });
    if (!sink) throw Error(ErrorCode::refused, "object: must have a data set");
    sink->finish();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::peer) throw;
    response = message.command.response(error.code() == ErrorCode::disk_full ? status::out_of_resources : status::cannot_process);
    refused(object, error);
  }
  messenger.send(message.context, response);
}

}  // namespace

Peer parse_peer(std::string_view text) {
  Peer out;
  std::string rest(text);
  if (const std::size_t at = rest.find('@'); at != std::string::npos) {
    out.called_ae_title = rest.substr(0, at);
    rest.erase(0, at + 1);
  }
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    const auto port = parse_integer(rest.substr(colon + 1));
    if (!port || !(*port >= 1 && *port <= 65535)) {
      throw Error(ErrorCode::parameter, "port: must lie between 1 and 65535; got " + rest.substr(colon + 1));
    }
    out.port = static_cast<std::uint16_t>(*port);
    rest.erase(colon);
  }
  if (rest.size() > 1 && rest.front() == '[' && rest.back() == ']') rest = rest.substr(1, rest.size() - 2);
  if (rest.empty()) throw Error(ErrorCode::parameter, "peer: must name a host: [AE@]HOST[:PORT]");
  out.host = rest;
  return out;
}

bool Proposal::add(std::string_view abstract_syntax, const std::vector<std::string>& transfer_syntaxes) {
  for (const PresentationContext& context : contexts_) {
    if (context.abstract_syntax == abstract_syntax && context.transfer_syntaxes == transfer_syntaxes) return true;
  }
  if (contexts_.size() == most) return false;
  PresentationContext context;
  context.id = static_cast<std::uint8_t>(contexts_.size() * 2 + 1);
  context.abstract_syntax = abstract_syntax;
  context.transfer_syntaxes = transfer_syntaxes;
  contexts_.push_back(std::move(context));
  return true;
}

bool Proposal::add_storage(std::string_view sop_class_uid, std::string_view transfer_syntax_uid) {
  if (!is_native(transfer_syntax_uid)) return add(sop_class_uid, {std::string(transfer_syntax_uid)});
  // One context each, so that the peer cannot choose the one of them that the file is not in without need.
  const std::size_t needed = transfer_syntax_uid == transfer_syntax::explicit_big ? 2 : 1;
  if (contexts_.size() + needed > most) return false;
  if (needed == 2) add(sop_class_uid, {std::string(transfer_syntax_uid)});
  std::vector<std::string> both = native_syntaxes();
  if (transfer_syntax_uid == transfer_syntax::implicit_little) std::reverse(both.begin(), both.end());
  return add(sop_class_uid, both);
}

void Proposal::add_scp_role(std::string_view sop_class_uid) { roles_.push_back({std::string(sop_class_uid), true, true}); }

std::unique_ptr<Messenger> associate(const Peer& peer, const Proposal& proposal) {
  Associate request;
  request.called_ae_title = peer.called_ae_title;
  request.calling_ae_title = peer.calling_ae_title;
  request.contexts = proposal.contexts();
  request.roles = proposal.roles();
  request.implementation_class_uid = implementation_class_uid();
  request.implementation_version_name = implementation_version_name();
  return std::make_unique<Messenger>(Association::request(peer.host, peer.port, request, peer.limits));
}

std::uint16_t echo(Messenger& messenger) {
  const AcceptedContext& context = context_of(messenger.association(), sop_class::verification, "verification (C-ECHO)");
  messenger.send(context.id, CommandSet(CommandField::echo, 1, sop_class::verification, false));
  return messenger.receive_response(1).command.status();
}

StoreResult store(Messenger& messenger, const Path& file, const FileMeta& meta, std::uint16_t message_id,
                  const std::optional<MoveOriginator>& originator, std::optional<std::uint16_t> cancel_id) {
  const AcceptedContext* same = nullptr;
  const AcceptedContext* other = nullptr;
  for (const AcceptedContext& context : messenger.association().contexts()) {
    if (context.abstract_syntax != meta.sop_class_uid || !context.peer_is_scp) continue;
    if (context.transfer_syntax == meta.transfer_syntax_uid) same = &context;
    if (!other && is_native(context.transfer_syntax) && is_native(meta.transfer_syntax_uid)) other = &context;
  }
  if (!same && !other) {
    throw Error(ErrorCode::not_possible,
                fmt::format("object: the peer must take its SOP class and transfer syntax; it does not take {} in {}", meta.sop_class_uid,
                            meta.transfer_syntax_uid));
  }
  const AcceptedContext& context = same ? *same : *other;
  CommandSet command(CommandField::store, message_id, meta.sop_class_uid, true);
  command.set_uid(element::affected_sop_instance, meta.sop_instance_uid);
  if (originator) {
    command.set_text(element::move_originator, originator->ae_title, ' ').set(element::move_originator_message_id, originator->message_id);
  }
  if (same) {
    File source(file, meta.data_set);
    messenger.send(context.id, command, [&] { return source.next(); });
  } else {
    const Bytes all = read_bytes(file, most_recoded);
    const auto bytes = std::span(all).subspan(std::min<std::size_t>(static_cast<std::size_t>(meta.data_set), all.size()));
    const DataSet set = parse_item(bytes, encoding_of(meta.transfer_syntax_uid), nullptr);
    messenger.send(context.id, command, recode(set, encoding_of(context.transfer_syntax)));
  }
  StoreResult result;
  for (;;) {
    const auto answer = messenger.receive();
    if (!answer) throw Error(ErrorCode::peer, "association: released by the peer, which owes a response");
    const CommandSet& response = answer->command;
    if (cancel_id && response.field() == static_cast<std::uint16_t>(CommandField::cancel)) {
      result.cancelled = result.cancelled || response.number(element::message_id_responded) == *cancel_id;
      continue;
    }
    if (!response.is_response() || response.number(element::message_id_responded) != message_id) {
      throw Error(ErrorCode::peer, "message: must be the response to the C-STORE request");
    }
    result.status = response.status();
    result.comment = response.text(element::error_comment);
    return result;
  }
}

std::uint16_t find(Messenger& messenger, std::string_view level, const Identifier& keys, const std::function<bool(const DataSet&)>& match) {
  const Identifier identifier = with_level(keys, level);
  const std::string_view model = level == "PATIENT" ? sop_class::patient_root_find : sop_class::study_root_find;
  const AcceptedContext& context = context_of(messenger.association(), model, "queries (C-FIND)");
  messenger.send(context.id, CommandSet(CommandField::find, 1, model, true),
                 encode_identifier(identifier, encoding_of(context.transfer_syntax)));
  bool wanted = true;
  for (;;) {
    const Message answer = messenger.receive_response(1);
    const std::uint16_t code = answer.command.status();
    const Bytes bytes = messenger.receive_data(answer);
    if (!is_pending(code)) return code;
    if (!wanted) continue;
    const OwnedDataSet found(bytes, context.transfer_syntax);
    wanted = match(found.set());
    if (!wanted) messenger.send(context.id, CommandSet(CommandField::cancel, 1, {}, false));
  }
}

Retrieval move(Messenger& messenger, std::string_view level, const Identifier& keys, std::string_view destination,
               const std::function<void(const Retrieval&)>& progress) {
  const Identifier identifier = with_level(keys, level);
  const std::string_view model = level == "PATIENT" ? sop_class::patient_root_move : sop_class::study_root_move;
  const AcceptedContext& context = context_of(messenger.association(), model, "retrieval (C-MOVE)");
  CommandSet command(CommandField::move, 1, model, true);
  command.set_text(element::move_destination, destination, ' ');
  messenger.send(context.id, command, encode_identifier(identifier, encoding_of(context.transfer_syntax)));
  Retrieval state;
  do {
    const Message answer = messenger.receive_response(1);
    update(state, answer.command);
    messenger.receive_data(answer);
    progress(state);
  } while (is_pending(state.status));
  return state;
}

Retrieval get(Messenger& messenger, std::string_view level, const Identifier& keys,
              const std::function<std::unique_ptr<ObjectSink>(const IncomingObject&)>& open,
              const std::function<void(const IncomingObject&, const Error&)>& refused) {
  const Identifier identifier = with_level(keys, level);
  const std::string_view model = level == "PATIENT" ? sop_class::patient_root_get : sop_class::study_root_get;
  const AcceptedContext& context = context_of(messenger.association(), model, "retrieval (C-GET)");
  messenger.send(context.id, CommandSet(CommandField::get, 1, model, true),
                 encode_identifier(identifier, encoding_of(context.transfer_syntax)));
  Retrieval state;
  for (;;) {
    const auto message = messenger.receive();
    if (!message) throw Error(ErrorCode::peer, "association: released by the peer, which owes a response");
    if (message->command.field() == static_cast<std::uint16_t>(CommandField::store)) {
      take_object(messenger, *message, open, refused);
      continue;
    }
    update(state, message->command);
    messenger.receive_data(*message);
    if (!is_pending(state.status)) return state;
  }
}

}  // namespace gantry::dicom::network
