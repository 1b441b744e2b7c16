// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "gantry/archive/dicom_session.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/network/identifier.h"
#include "gantry/dicom/network/scu.h"
#include "gantry/dicom/network/services.h"

namespace gantry::archive {

namespace network = dicom::network;
namespace status = network::status;
namespace element = network::element;

namespace {

constexpr dicom::Tag failed_uids = 0x00080058U;
constexpr std::size_t most_listed = 1000;  ///< failed UIDs that a response lists: 64 characters each, in one element of 64 KiB

/// Counts and failures of the sub-operations (PS3.4 C.4.2.1).
struct Progress {
  int remaining = 0, completed = 0, failed = 0, warnings = 0;
  std::vector<std::string> failed_uids;

  void fail(const std::string& uid) {
    ++failed;
    if (failed_uids.size() < most_listed) failed_uids.push_back(uid);
  }
  void count(std::uint16_t code, const std::string& uid) {
    if (code == status::success) {
      ++completed;
    } else if (network::is_warning(code)) {
      ++warnings;
    } else {
      fail(uid);
    }
  }
  void write(network::CommandSet& response, bool pending) const {
    const auto number = [](int value) { return static_cast<std::uint16_t>(std::min(value, 0xFFFF)); };
    if (pending) response.set(element::remaining, number(remaining));
    response.set(element::completed, number(completed)).set(element::failed, number(failed)).set(element::warnings, number(warnings));
  }
};

std::vector<std::string> values_of(const dicom::DataSet& set, dicom::Tag tag) {
  std::vector<std::string> values;
  for (const std::string& value : split(set.text(tag).value_or(""), '\\')) {
    if (!trim(value).empty()) values.emplace_back(trim(value));
  }
  return values;
}

/// Objects that one association to a destination can carry: as many as its presentation contexts allow.
std::size_t group_end(const std::vector<InstanceRecord>& objects, std::size_t begin, network::Proposal& proposal) {
  std::size_t end = begin;
  while (end < objects.size() && proposal.add_storage(objects[end].sop_class_uid, objects[end].transfer_syntax_uid)) ++end;
  return end;
}

}  // namespace

std::vector<InstanceRecord> objects_of(const Archive& archive, const dicom::DataSet& identifier, bool patient_root) {
  const Level level = query_of(identifier, patient_root).level;
  static constexpr std::array<std::pair<dicom::Tag, std::string_view>, 4> unique{
      {{0x00100020U, "PatientID"}, {0x0020000DU, "StudyInstanceUID"}, {0x0020000EU, "SeriesInstanceUID"}, {0x00080018U, "SOPInstanceUID"}}};
  const auto [tag, keyword] = unique[static_cast<std::size_t>(level)];
  const std::vector<std::string> wanted = values_of(identifier, tag);
  if (wanted.empty()) throw Error(ErrorCode::parameter, fmt::format("{}: must be given at this level", keyword));
  std::vector<InstanceRecord> objects;
  const auto append = [&](std::vector<InstanceRecord> more) {
    objects.insert(objects.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  const std::string study = level > Level::study ? identifier.text(0x0020000DU).value_or("") : std::string();
  const std::string series = level > Level::series ? identifier.text(0x0020000EU).value_or("") : std::string();
  for (const std::string& value : wanted) {
    if (value.find_first_of("*?") != std::string::npos)
      throw Error(ErrorCode::parameter, fmt::format("{}: must not hold wildcards", keyword));
    if (level == Level::patient) {
      Query query;
      query.match = {{"PatientID", value}};
      for (const Attributes& match : archive.find(query)) append(archive.instances(match.at(0x0020000DU)));
    } else if (level == Level::study) {
      append(archive.instances(value));
    } else if (level == Level::series) {
      append(archive.instances(study, value));
    } else {
      append(archive.instances(study, series, value));
    }
  }
  return objects;
}

void DicomSession::retrieve(const Message& message, bool move) {
  const network::AcceptedContext context = *messenger_.association().context(message.context);
  const std::uint16_t id = message.command.number(element::message_id);
  const std::string destination = message.command.text(element::move_destination);
  const std::string action = move ? "move" : "get";
  const auto finish = [&](std::uint16_t code, const Progress& progress, const std::string& comment) {
    const bool list = !progress.failed_uids.empty();
    network::CommandSet response = message.command.response(code, list);
    progress.write(response, code == status::cancelled);
    if (!comment.empty()) response.set_text(element::error_comment, comment.substr(0, 64), ' ');
    const network::Identifier identifier{{failed_uids, join(progress.failed_uids, "\\")}};
    messenger_.send(message.context, response,
                    list ? network::encode_identifier(identifier, network::encoding_of(context.transfer_syntax)) : Bytes());
    event(action, destination, progress.completed, code, comment);
  };

  std::vector<InstanceRecord> objects;
  try {
    const network::OwnedDataSet keys(messenger_.receive_data(message), context.transfer_syntax);
    objects = objects_of(archive_, keys.set(),
                         context.abstract_syntax == network::sop_class::patient_root_move ||
                             context.abstract_syntax == network::sop_class::patient_root_get);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::peer) throw;
    finish(error.code() == ErrorCode::parameter ? status::does_not_match : status::cannot_process, {}, error.what());
    return;
  }
  const auto node =
      std::find_if(options_.nodes.begin(), options_.nodes.end(), [&](const RemoteNode& n) { return n.ae_title == destination; });
  if (move && node == options_.nodes.end()) {
    finish(status::move_destination_unknown, {}, "the move destination is not among the nodes");
    return;
  }

  Progress progress;
  progress.remaining = static_cast<int>(objects.size());
  bool cancelled = false;
  std::string comment;
  std::unique_ptr<network::Messenger> remote;
  std::size_t group = 0;
  std::uint16_t sub_message = 0;
  const network::MoveOriginator originator{messenger_.association().proposal().calling_ae_title, id};
  const auto report = [&] {
    network::CommandSet response = message.command.response(status::pending);
    progress.write(response, true);
    messenger_.send(message.context, response);
  };
  for (std::size_t n = 0; n < objects.size() && !cancelled; ++n) {
    if (stopping_ || messenger_.cancelled(id)) {
      cancelled = true;
      break;
    }
    const InstanceRecord& object = objects[n];
    try {
      if (move && n == group) {
        network::Proposal proposal;
        group = group_end(objects, n, proposal);
        if (remote) remote->association().release();
        remote.reset();
        remote = network::associate({node->host, node->port, node->ae_title, options_.ae_title, options_.limits}, proposal);
      }
      if (move && !remote) throw Error(ErrorCode::peer, "association: the destination is not reached");
      network::Messenger& target = move ? *remote : messenger_;
      const Path file = archive_.file_of(object.sop_instance_uid);
      const network::StoreResult result =
          network::store(target, file, dicom::read_file_meta(file), ++sub_message, move ? std::optional(originator) : std::nullopt,
                         move ? std::nullopt : std::optional(id));
      progress.count(result.status, object.sop_instance_uid);
      if (!result.comment.empty()) comment = result.comment;
      cancelled = cancelled || result.cancelled;
    } catch (const Error& error) {
      if (!move && error.code() == ErrorCode::peer) throw;
      if (error.code() == ErrorCode::peer) remote.reset();
      if (comment.empty()) comment = error.what();
      progress.fail(object.sop_instance_uid);
    }
    --progress.remaining;
    if (progress.remaining > 0) report();
  }
  if (remote) {
    try {
      remote->association().release();
    } catch (const Error&) {
      // All responses have come; the destination only did not say goodbye.
    }
  }
  const bool any_done = progress.completed + progress.warnings > 0;
  finish(cancelled ? status::cancelled : progress.failed == 0 ? status::success : any_done ? status::warning : 0xA702, progress, comment);
}

}  // namespace gantry::archive
