// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/network/association.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "gantry/base/error.h"

namespace gantry::dicom::network {

namespace {

constexpr std::uint32_t least_pdu = 128;
constexpr std::uint32_t most_sent_pdu = 262144;

[[noreturn]] void fail(std::string what) { throw Error(ErrorCode::peer, "association: " + std::move(what)); }

}  // namespace

Association::Association(std::shared_ptr<Connection> connection, const Limits& limits)
    : connection_(std::move(connection)), limits_(limits) {}

Association::~Association() {
  if (open_) abort();
}

std::optional<Association::Unit> Association::read_unit(Duration limit) {
  std::array<std::byte, 6> head;
  if (!connection_->read(std::span(head).first(1), limit)) return std::nullopt;
  connection_->read(std::span(head).subspan(1), limits_.step);
  const auto type = std::to_integer<std::uint8_t>(head[0]);
  std::uint32_t length = 0;
  for (std::size_t n = 2; n < 6; ++n) length = length << 8 | std::to_integer<std::uint32_t>(head[n]);
  if (type < 1 || type > 7) {
    abort(2, 1);
    fail(fmt::format("a PDU must be of type 1 to 7; got {}", type));
  }
  const auto kind = static_cast<PduType>(type);
  const std::uint32_t most = kind == PduType::data                                                     ? limits_.max_pdu
                             : kind == PduType::associate_request || kind == PduType::associate_accept ? most_associate_bytes
                                                                                                       : 4;
  if (length > most) {
    abort(2, 6);
    fail(fmt::format("a PDU of type {} may hold {} bytes; states {}", type, most, length));
  }
  buffer_.resize(length);
  if (length > 0 && !connection_->read(buffer_, limits_.step)) fail("closed by the peer in the middle of a PDU");
  return Unit{kind, buffer_};
}

void Association::settle(const Associate& answer, bool requestor) {
  for (const PresentationContext& context : answer.contexts) {
    if (context.result != ContextResult::accepted || context.transfer_syntaxes.size() != 1) continue;
    const auto proposed = std::find_if(proposal_.contexts.begin(), proposal_.contexts.end(),
                                       [&](const PresentationContext& one) { return one.id == context.id; });
    if (proposed == proposal_.contexts.end()) fail("the peer accepted a presentation context that was not proposed");
    const std::string& syntax = context.transfer_syntaxes.front();
    const auto& offered = proposed->transfer_syntaxes;
    if (std::find(offered.begin(), offered.end(), syntax) == offered.end()) fail("the peer chose a transfer syntax that was not proposed");
    AcceptedContext agreed{context.id, proposed->abstract_syntax, syntax, requestor, !requestor};
    for (const RoleSelection& role : answer.roles) {
      if (role.sop_class_uid != agreed.abstract_syntax) continue;
      // The roles are those of the requestor.
      agreed.peer_is_scp = requestor ? role.scu : role.scp;
      agreed.peer_is_scu = requestor ? role.scp : role.scu;
    }
    contexts_.push_back(std::move(agreed));
  }
  if (peer_max_pdu_ == 0 || peer_max_pdu_ > most_sent_pdu) peer_max_pdu_ = most_sent_pdu;
  if (peer_max_pdu_ < least_pdu) {
    abort(2, 6);
    fail(fmt::format("the peer must take PDUs of at least {} bytes; it takes {}", least_pdu, peer_max_pdu_));
  }
}

std::unique_ptr<Association> Association::request(const std::string& host, std::uint16_t port, const Associate& proposal,
                                                  const Limits& limits) {
  Associate full = proposal;
  full.max_pdu = limits.max_pdu;
  const Bytes unit = encode_associate(PduType::associate_request, full);
  std::unique_ptr<Association> self(new Association(Connection::open(host, port, limits.connect), limits));
  self->proposal_ = std::move(full);
  self->connection_->write(unit, limits.step);
  self->open_ = true;
  const auto answer = self->read_unit(limits.artim);
  if (!answer) {
    self->open_ = false;
    fail("closed by the peer before it answered");
  }
  if (answer->type == PduType::associate_reject) {
    self->open_ = false;
    fail("rejected by the peer: " + parse_refusal(answer->content).text());
  }
  if (answer->type == PduType::abort) {
    self->open_ = false;
    fail("aborted by the peer");
  }
  if (answer->type != PduType::associate_accept) fail("the peer must answer A-ASSOCIATE-RQ; it sent another PDU");
  const Associate accepted = parse_associate(PduType::associate_accept, answer->content);
  self->peer_max_pdu_ = accepted.max_pdu;
  self->settle(accepted, true);
  return self;
}

std::unique_ptr<Association> Association::accept(std::shared_ptr<Connection> connection,
                                                 const std::function<Decision(const Associate&)>& decide, const Limits& limits) {
  std::unique_ptr<Association> self(new Association(std::move(connection), limits));
  const auto first = self->read_unit(limits.artim);
  if (!first) fail("closed by the peer before it proposed anything");
  self->open_ = true;
  if (first->type != PduType::associate_request) {
    self->abort(2, 2);
    fail("must begin with A-ASSOCIATE-RQ");
  }
  try {
    self->proposal_ = parse_associate(PduType::associate_request, first->content);
  } catch (const Error&) {
    self->abort(2, 6);
    throw;
  }
  self->peer_max_pdu_ = self->proposal_.max_pdu;
  Decision decision = decide(self->proposal_);
  if (const auto* refusal = std::get_if<Refusal>(&decision)) {
    self->open_ = false;
    self->connection_->write(encode_reject(*refusal), limits.step);
    self->connection_->drain(std::min<Duration>(limits.artim, Duration(2000)));
    fail("refused: " + refusal->text());
  }
  auto& answer = std::get<Associate>(decision);
  answer.called_ae_title = self->proposal_.called_ae_title;
  answer.calling_ae_title = self->proposal_.calling_ae_title;
  answer.max_pdu = limits.max_pdu;
  self->settle(answer, false);
  self->connection_->write(encode_associate(PduType::associate_accept, answer), limits.step);
  return self;
}

const AcceptedContext* Association::context(std::uint8_t id) const {
  for (const AcceptedContext& one : contexts_) {
    if (one.id == id) return &one;
  }
  return nullptr;
}

void Association::send(std::uint8_t context, bool command, std::span<const std::byte> bytes, bool last) {
  const std::size_t most = (peer_max_pdu_ - 6) / 2 * 2;
  do {
    const std::span<const std::byte> piece = bytes.first(std::min(bytes.size(), most));
    bytes = bytes.subspan(piece.size());
    const Bytes head = encode_data_header(context, command, last && bytes.empty(), static_cast<std::uint32_t>(piece.size()));
    const std::array<std::span<const std::byte>, 2> unit{head, piece};
    connection_->write(unit, limits_.step);
  } while (!bytes.empty());
}

std::optional<Fragment> Association::receive(bool waiting) {
  while (fragments_.empty()) {
    const auto unit = read_unit(waiting ? limits_.idle : limits_.step);
    if (!unit) {
      open_ = false;
      fail("closed by the peer without a release");
    }
    switch (unit->type) {
      case PduType::data:
        try {
          for (const Fragment& fragment : parse_data(unit->content)) fragments_.push_back(fragment);
        } catch (const Error&) {
          abort(2, 6);
          throw;
        }
        break;
      case PduType::release_request:
        connection_->write(encode_release(PduType::release_reply), limits_.step);
        open_ = false;
        connection_->drain(std::min<Duration>(limits_.artim, Duration(2000)));
        return std::nullopt;
      case PduType::abort: {
        open_ = false;
        const Refusal why = parse_refusal(unit->content);
        fail(fmt::format("aborted by the peer (source {}, reason {})", why.source, why.reason));
      }
      default:
        abort(2, 2);
        fail("the peer sent a PDU that is not due");
    }
  }
  const Fragment fragment = fragments_.front();
  fragments_.pop_front();
  return fragment;
}

bool Association::readable() const { return !fragments_.empty() || connection_->readable(); }

void Association::release() {
  if (!open_) return;
  connection_->write(encode_release(PduType::release_request), limits_.step);
  for (;;) {
    const auto unit = read_unit(limits_.artim);
    if (!unit || unit->type == PduType::release_reply || unit->type == PduType::abort) break;
    // Both sides may ask at the same time (PS3.8 section 7.2.2.7).
    if (unit->type == PduType::release_request) connection_->write(encode_release(PduType::release_reply), limits_.step);
  }
  open_ = false;
  connection_->drain(Duration(0));  // the acceptor waits for our end of the connection
}

void Association::abort(std::uint8_t source, std::uint8_t reason) {
  if (!open_) return;
  open_ = false;
  try {
    connection_->write(encode_abort(source, reason), Duration(1000));
    connection_->drain(Duration(500));
  } catch (const Error&) {
    // The peer is gone already.
  }
}

void Association::interrupt() { connection_->interrupt(); }

}  // namespace gantry::dicom::network
