// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/dicom_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "gantry/archive/attributes.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/network/identifier.h"
#include "gantry/dicom/network/part10.h"
#include "gantry/dicom/network/services.h"

namespace gantry::archive {

namespace network = dicom::network;
namespace status = network::status;
namespace element = network::element;
using network::CommandField;

namespace {

constexpr dicom::Tag retrieve_level = 0x00080052U, retrieve_ae_title = 0x00080054U, availability = 0x00080056U, character_set = 0x00080005U;
constexpr std::size_t page = 1000;

bool is_query_class(std::string_view uid) {
  using namespace network::sop_class;
  return uid == patient_root_find || uid == patient_root_move || uid == patient_root_get || uid == study_root_find ||
         uid == study_root_move || uid == study_root_get;
}

bool is_patient_root(std::string_view uid) {
  using namespace network::sop_class;
  return uid == patient_root_find || uid == patient_root_move || uid == patient_root_get;
}

/// Explicit little endian where it is offered, else the first that is native.
std::string native_choice(const std::vector<std::string>& offered) {
  for (const std::string_view wanted :
       {network::transfer_syntax::explicit_little, network::transfer_syntax::implicit_little, network::transfer_syntax::explicit_big}) {
    if (std::find(offered.begin(), offered.end(), wanted) != offered.end()) return std::string(wanted);
  }
  return {};
}

std::string storage_choice(const std::vector<std::string>& offered) {
  const auto found = std::find_if(offered.begin(), offered.end(), [](const std::string& uid) { return network::is_transfer_syntax(uid); });
  return found == offered.end() ? std::string() : *found;
}

/// The status of an error in a store (PS3.4 table B.2-1).
std::uint16_t store_status(const Error& error) {
  switch (error.code()) {
    case ErrorCode::disk_full:
    case ErrorCode::out_of_memory:
      return status::out_of_resources;
    case ErrorCode::not_permitted:
      return 0x0124;
    default:
      return status::cannot_process;
  }
}

std::uint16_t query_status(const Error& error) {
  return error.code() == ErrorCode::parameter ? status::does_not_match : status::cannot_process;
}

/// ErrorComment holds 64 characters.
std::string comment_of(const Error& error) {
  std::string text(std::string_view(error.what()).substr(0, 64));
  while (!is_utf8(text)) text.pop_back();
  return text;
}

}  // namespace

network::Associate negotiate(const network::Associate& proposal) {
  network::Associate answer;
  answer.implementation_class_uid = dicom::implementation_class_uid();
  answer.implementation_version_name = dicom::implementation_version_name();
  for (const network::RoleSelection& role : proposal.roles) {
    if (!network::is_storage_class(role.sop_class_uid)) continue;
    answer.roles.push_back({role.sop_class_uid, role.scu, role.scp});
  }
  for (const network::PresentationContext& proposed : proposal.contexts) {
    network::PresentationContext context;
    context.id = proposed.id;
    const std::string& abstract = proposed.abstract_syntax;
    std::string chosen;
    if (abstract == network::sop_class::verification || is_query_class(abstract)) {
      chosen = native_choice(proposed.transfer_syntaxes);
    } else if (network::is_storage_class(abstract)) {
      const bool to_peer = std::any_of(answer.roles.begin(), answer.roles.end(),
                                       [&](const network::RoleSelection& role) { return role.sop_class_uid == abstract && role.scp; });
      // What the peer sends is stored as it comes; what it asks for must be in something that any object can be brought into.
      chosen = to_peer ? native_choice(proposed.transfer_syntaxes) : storage_choice(proposed.transfer_syntaxes);
      if (chosen.empty()) chosen = storage_choice(proposed.transfer_syntaxes);
    } else {
      context.result = network::ContextResult::abstract_syntax;
      context.transfer_syntaxes = {std::string(network::transfer_syntax::implicit_little)};
      answer.contexts.push_back(std::move(context));
      continue;
    }
    context.result = chosen.empty() ? network::ContextResult::transfer_syntaxes : network::ContextResult::accepted;
    context.transfer_syntaxes = {chosen.empty() ? std::string(network::transfer_syntax::implicit_little) : chosen};
    answer.contexts.push_back(std::move(context));
  }
  return answer;
}

DicomSession::DicomSession(Archive& archive, const DicomServerOptions& options, std::unique_ptr<network::Association> association,
                           const std::atomic<bool>& stopping)
    : archive_(archive), options_(options), messenger_(std::move(association)), stopping_(stopping) {}

void DicomSession::event(std::string action, std::string subject, std::int64_t count, std::uint16_t code, std::string reason) const {
  if (!options_.on_event) return;
  const network::Association& association = messenger_.association();
  options_.on_event({std::move(action), association.proposal().calling_ae_title, association.connection().peer_address(),
                     std::move(subject), count, code, std::move(reason)});
}

void DicomSession::run() {
  while (const auto message = messenger_.receive()) {
    answer(*message);
    if (stopping_) {
      messenger_.association().abort();
      return;
    }
  }
}

void DicomSession::report_stored() const {
  if (stored_ > 0) event("store", "", stored_, status::success);
}

void DicomSession::answer(const Message& message) {
  const network::AcceptedContext& context = *messenger_.association().context(message.context);
  const auto field = static_cast<CommandField>(message.command.field());
  const std::string& abstract = context.abstract_syntax;
  using namespace network::sop_class;
  if (field == CommandField::echo && abstract == verification) {
    messenger_.receive_data(message);
    messenger_.send(message.context, message.command.response(status::success));
    event("echo", "", 0, status::success);
  } else if (field == CommandField::store && network::is_storage_class(abstract)) {
    store(message);
  } else if (field == CommandField::find && (abstract == patient_root_find || abstract == study_root_find)) {
    find(message);
  } else if (field == CommandField::move && (abstract == patient_root_move || abstract == study_root_move)) {
    retrieve(message, true);
  } else if (field == CommandField::get && (abstract == patient_root_get || abstract == study_root_get)) {
    retrieve(message, false);
  } else if (field == CommandField::cancel) {
    messenger_.receive_data(message);  // of a request that is answered already
  } else if (message.command.is_response()) {
    messenger_.association().abort();
    throw Error(ErrorCode::peer, "message: a request must come; got a response");
  } else {
    messenger_.receive_data(message, [](std::span<const std::byte>) {});
    messenger_.send(message.context, message.command.response(status::unrecognized_operation));
  }
}

void DicomSession::store(const Message& message) {
  const std::string sop_class = message.command.text(element::affected_sop_class);
  const std::string uid = message.command.text(element::affected_sop_instance);
  const network::AcceptedContext& context = *messenger_.association().context(message.context);
  const std::string& caller = messenger_.association().proposal().calling_ae_title;
  network::CommandSet response = message.command.response(status::success);
  std::string reason;
  try {
    std::unique_ptr<Incoming> incoming;
    messenger_.receive_data(message, [&](std::span<const std::byte> bytes) {
      if (!incoming) {
        if (!dicom::is_uid(uid)) throw Error(ErrorCode::refused, "AffectedSOPInstanceUID: must be a UID");
        if (sop_class != context.abstract_syntax) {
          throw Error(ErrorCode::refused, "AffectedSOPClassUID: must be that of the presentation context");
        }
        incoming = archive_.receive(caller);
        incoming->write(dicom::write_file_meta(sop_class, uid, context.transfer_syntax, caller));
      }
      incoming->write(bytes);
    });
    if (!incoming) throw Error(ErrorCode::refused, "data set: must hold attributes; it is empty");
    incoming->finish();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::peer) throw;
    response = message.command.response(store_status(error));
    response.set_text(element::error_comment, comment_of(error), ' ');
    reason = error.what();
  }
  messenger_.send(message.context, response);
  if (reason.empty()) {
    ++stored_;
  } else {
    event("store", uid, 0, response.status(), reason);
  }
}

Query query_of(const dicom::DataSet& identifier, bool patient_root) {
  Query query;
  const std::string level = identifier.text(retrieve_level).value_or("");
  if (level == "PATIENT" && patient_root) {
    query.level = Level::patient;
  } else if (level == "STUDY") {
    query.level = Level::study;
  } else if (level == "SERIES") {
    query.level = Level::series;
  } else if (level == "IMAGE") {
    query.level = Level::instance;
  } else {
    throw Error(ErrorCode::parameter, "QueryRetrieveLevel: must be one that the information model has");
  }
  for (const dicom::Element& one : identifier.elements()) {
    if (!indexed_attribute(one.tag)) continue;
    const std::string text = identifier.text(one.tag).value_or("");
    if (!text.empty()) query.match.emplace_back(fmt::format("{:08X}", one.tag), text);
  }
  return query;
}

void DicomSession::find(const Message& message) {
  const network::AcceptedContext context = *messenger_.association().context(message.context);
  const std::uint16_t id = message.command.number(element::message_id);
  std::int64_t sent = 0;
  std::string level;
  std::uint16_t code = status::success;
  std::string reason;
  network::CommandSet last = message.command.response(status::success);
  try {
    const network::OwnedDataSet keys(messenger_.receive_data(message), context.transfer_syntax);
    level = keys.set().text(retrieve_level).value_or("");
    Query query = query_of(keys.set(), is_patient_root(context.abstract_syntax));
    bool all_known = true;
    for (const dicom::Element& one : keys.set().elements()) {
      const bool known = indexed_attribute(one.tag) || one.tag == retrieve_level || one.tag == character_set ||
                         one.tag == retrieve_ae_title || one.tag == availability;
      all_known = all_known && known;
    }
    query.limit = page;
    for (bool more = true; more && code == status::success; query.offset += page) {
      const std::vector<Attributes> matches = archive_.find(query);
      more = matches.size() == page;
      for (const Attributes& match : matches) {
        if (stopping_ || messenger_.cancelled(id)) {
          code = status::cancelled;
          break;
        }
        network::Identifier reply{{retrieve_level, level}, {retrieve_ae_title, options_.ae_title}};
        for (const dicom::Element& one : keys.set().elements()) {
          if (one.tag == availability) reply[one.tag] = "ONLINE";
          const IndexedAttribute* attribute = indexed_attribute(one.tag);
          if (!attribute || attribute->level > query.level) continue;
          const auto found = match.find(one.tag);
          reply[one.tag] = found == match.end() ? std::string() : found->second;
        }
        messenger_.send(message.context, message.command.response(all_known ? status::pending : status::pending + 1, true),
                        network::encode_identifier(reply, network::encoding_of(context.transfer_syntax)));
        ++sent;
      }
    }
    last = message.command.response(code);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::peer) throw;
    code = query_status(error);
    reason = error.what();
    last = message.command.response(code);
    last.set_text(element::error_comment, comment_of(error), ' ');
  }
  messenger_.send(message.context, last);
  event("find", level, sent, code, reason);
}

}  // namespace gantry::archive
