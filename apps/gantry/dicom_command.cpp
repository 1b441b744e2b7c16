// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/network/scu.h"
#include "gantry/dicom/network/services.h"
#include "session.h"

namespace gantry::cli {

namespace {

namespace fs = std::filesystem;
namespace network = dicom::network;

/// The options of all verbs that talk to a peer.
struct PeerOptions {
  std::string peer, calling = "GANTRY", timeout = "30";

  explicit PeerOptions(CommandLine& command) {
    command.positional("PEER", peer, "The other side: [AE@]HOST[:PORT]; port 104 and ANY-SCP where they are left out");
    command.option("--calling", calling, "Our own AE title", "AE");
    command.option("--timeout", timeout, "Longest wait for the peer", "SECONDS");
  }

  network::Peer resolve() const {
    network::Peer out = network::parse_peer(peer);
    out.calling_ae_title = calling;
    const double seconds = number("timeout", timeout, 0.001, 86400);
    const network::Duration limit(static_cast<std::int64_t>(seconds * 1000));
    out.limits.connect = out.limits.artim = out.limits.idle = out.limits.step = limit;
    return out;
  }
};

/// Level and keys of a query or retrieval.
struct KeyOptions {
  std::string level = "STUDY";
  std::vector<std::string> keys;

  explicit KeyOptions(CommandLine& command) {
    command.option("--level", level, "PATIENT, STUDY, SERIES or IMAGE", "LEVEL");
    command.options("--key", keys, "Attribute to match or, without a value, to return: PatientName=DOE*", "KEY[=VALUE]");
  }

  network::Identifier resolve() const {
    if (level != "PATIENT" && level != "STUDY" && level != "SERIES" && level != "IMAGE")
      throw Error(ErrorCode::parameter, "level: must be one of PATIENT, STUDY, SERIES, IMAGE; got " + level);
    network::Identifier out;
    for (const std::string& key : keys) {
      const std::size_t equals = std::min(key.find('='), key.size());
      const auto tag = dicom::tag_of(key.substr(0, equals));
      if (!tag)
        throw Error(ErrorCode::parameter, "key: must be a keyword or a tag, and a value: PatientID=1; got " + key.substr(0, equals));
      out[*tag] = equals < key.size() ? key.substr(equals + 1) : std::string();
    }
    return out;
  }
};

std::vector<std::string> native() {
  return {std::string(network::transfer_syntax::explicit_little), std::string(network::transfer_syntax::implicit_little)};
}

/// A status that is no success ends the command with the peer's exit status.
[[noreturn]] void fail(std::string_view what, std::uint16_t status, const std::string& comment = {}) {
  throw Error(ErrorCode::peer, fmt::format("{}: must succeed; the peer says {}{}", what, network::status_text(status),
                                           comment.empty() ? "" : ": " + comment));
}

/// A file to send and what became of it.
struct Sending {
  Path path;
  dicom::FileMeta meta;
  std::string outcome;  ///< "sent", "warning", "failed", "skipped"
  std::string reason;
};

std::vector<Sending> files_of(const std::vector<std::string>& names) {
  std::vector<Sending> all;
  const auto add = [&](const Path& path, bool named) {
    Sending one{path, {}, "", ""};
    try {
      one.meta = dicom::read_file_meta(path);
      dicom::Origin origin;
      origin.path = path;
      // The data set counts where the meta header says something else.
      const auto header = dicom::read_header(origin);
      one.meta.sop_class_uid = header->root.text(0x00080016U).value_or(one.meta.sop_class_uid);
      one.meta.sop_instance_uid = header->root.text(0x00080018U).value_or(one.meta.sop_instance_uid);
      if (!dicom::is_uid(one.meta.sop_class_uid) || !dicom::is_uid(one.meta.sop_instance_uid) ||
          !dicom::is_uid(one.meta.transfer_syntax_uid))
        throw Error(ErrorCode::refused, "object: must state SOP class, SOP instance and transfer syntax");
      if (one.meta.sop_class_uid == "1.2.840.10008.1.3.10") throw Error(ErrorCode::refused, "a DICOMDIR is no object to send");
    } catch (const Error& error) {
      if (named) throw Error(error).within(path.filename().string());
      one.outcome = "skipped";
      one.reason = error.what();
    }
    all.push_back(std::move(one));
  };
  for (const GivenFile& file : given_files(names)) add(file.path, file.named);
  return all;
}

/// Sends what is left, over as many associations as its kinds need.
void send_all(std::vector<Sending>& files, const network::Peer& peer, Run& run) {
  std::size_t begin = 0;
  while (begin < files.size()) {
    network::Proposal proposal;
    std::size_t end = begin;
    while (end < files.size() &&
           (!files[end].outcome.empty() || proposal.add_storage(files[end].meta.sop_class_uid, files[end].meta.transfer_syntax_uid))) {
      ++end;
    }
    if (proposal.contexts().empty()) return;
    const auto messenger = network::associate(peer, proposal);
    for (; begin < end; ++begin) {
      Sending& one = files[begin];
      if (!one.outcome.empty()) continue;
      run.progress(static_cast<double>(begin) / static_cast<double>(files.size()), "sending");
      try {
        const network::StoreResult result = network::store(*messenger, one.path, one.meta, static_cast<std::uint16_t>(begin % 65535 + 1));
        one.outcome = result.status == network::status::success ? "sent" : network::is_warning(result.status) ? "warning" : "failed";
        if (one.outcome != "sent") {
          one.reason = network::status_text(result.status) + (result.comment.empty() ? "" : ": " + result.comment);
        }
      } catch (const Error& error) {
        if (error.code() == ErrorCode::peer) throw;
        one.outcome = "failed";
        one.reason = error.what();
      }
    }
    messenger->association().release();
  }
}

std::string keyword_of(dicom::Tag tag) {
  const auto* entry = dicom::dictionary_entry(tag);
  return entry ? std::string(entry->keyword) : dicom::text_of(tag);
}

Json json_of(const network::Retrieval& state) {
  return {{"status", network::status_text(state.status)},
          {"completed", state.completed},
          {"failed", state.failed},
          {"warnings", state.warnings},
          {"comment", state.comment}};
}

/// What a retrieval ends with.
int finish(const network::Retrieval& state, std::string_view what, bool json, Json result) {
  if (json) {
    print(result);
  } else {
    print(fmt::format("{} objects retrieved, {} failed\n", state.completed + state.warnings, state.failed));
  }
  if (state.status != network::status::success) fail(what, state.status, state.comment);
  return 0;
}

/// Writes an incoming object beside its final name and puts it there when it is complete.
class FileSink final : public network::ObjectSink {
 public:
  FileSink(const Path& folder, const network::IncomingObject& object, std::string_view calling)
      : path_(folder / (object.sop_instance_uid + ".dcm")), temporary_(folder / ("." + object.sop_instance_uid + ".part")) {
    file_.open(temporary_, std::ios::binary | std::ios::trunc);
    write(dicom::write_file_meta(object.sop_class_uid, object.sop_instance_uid, object.transfer_syntax_uid, calling));
  }
  ~FileSink() override {
    std::error_code ignored;
    if (!finished_) fs::remove(temporary_, ignored);
  }
  void write(std::span<const std::byte> bytes) override {
    file_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file_) throw Error(ErrorCode::disk_full, "object: cannot be written");
  }
  void finish() override {
    file_.close();
    if (!file_) throw Error(ErrorCode::disk_full, "object: cannot be written");
    fs::rename(temporary_, path_);
    finished_ = true;
  }

 private:
  Path path_, temporary_;
  std::ofstream file_;
  bool finished_ = false;
};

}  // namespace

int dicom_echo(const Words& arguments) {
  CommandLine command("dicom echo", "Asks a DICOM peer whether it is there (C-ECHO).");
  const PeerOptions options(command);
  command.example("gantry dicom echo GANTRY@127.0.0.1:11112");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  const network::Peer peer = options.resolve();
  network::Proposal proposal;
  proposal.add(network::sop_class::verification, native());
  const auto begin = std::chrono::steady_clock::now();
  const auto messenger = network::associate(peer, proposal);
  const std::uint16_t status = network::echo(*messenger);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  messenger->association().release();
  if (session.json()) {
    print(Json{{"peer", options.peer}, {"status", network::status_text(status)}, {"seconds", seconds}});
  } else {
    print(fmt::format("{}: {} in {:.0f} ms\n", options.peer, network::status_text(status), seconds * 1000));
  }
  if (status != network::status::success) fail("echo", status);
  return 0;
}

int dicom_store(const Words& arguments) {
  CommandLine command("dicom store", "Sends DICOM files and folders of them to a peer (C-STORE).");
  const PeerOptions options(command);
  std::vector<std::string> names;
  command.positionals("PATH", names, "Files and folders");
  command.example("gantry dicom store GANTRY@127.0.0.1:11112 study/");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  const network::Peer peer = options.resolve();
  std::vector<Sending> files = files_of(names);
  const auto is = [&](const char* outcome) {
    return std::count_if(files.begin(), files.end(), [&](const Sending& one) { return one.outcome == outcome; });
  };
  if (is("skipped") == static_cast<std::ptrdiff_t>(files.size()))
    throw Error(ErrorCode::unreadable, "paths: must hold DICOM files; there is none");
  Run& run = session.start();
  send_all(files, peer, run);
  session.finish();
  if (session.json()) {
    Json list = Json::array();
    for (const Sending& one : files) {
      list.push_back(
          {{"path", one.path.string()}, {"sop_instance_uid", one.meta.sop_instance_uid}, {"outcome", one.outcome}, {"reason", one.reason}});
    }
    print(Json{{"sent", is("sent") + is("warning")}, {"failed", is("failed")}, {"skipped", is("skipped")}, {"files", list}});
  } else {
    for (const Sending& one : files) {
      if (one.outcome != "sent") print(fmt::format("{}: {}: {}\n", one.path.string(), one.outcome, one.reason));
    }
    print(fmt::format("{} sent, {} failed, {} skipped\n", is("sent") + is("warning"), is("failed"), is("skipped")));
  }
  return is("failed") > 0 ? error_info(ErrorCode::peer).exit_status : 0;
}

int dicom_find(const Words& arguments) {
  CommandLine command("dicom find", "Queries a DICOM peer (C-FIND).");
  const PeerOptions options(command);
  const KeyOptions keys(command);
  std::string limit = "0";
  command.option("--limit", limit, "Cancel after so many matches; 0 = take all", "N");
  command.example("gantry dicom find GANTRY@127.0.0.1:11112 --key 'PatientName=D*' --key StudyDate=20240101- --key StudyInstanceUID");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  const std::int64_t most = whole_number("limit", limit, 0, 1000000000);
  network::Identifier identifier = keys.resolve();
  if (keys.level != "PATIENT") identifier.try_emplace(0x0020000DU);
  if (keys.level == "SERIES" || keys.level == "IMAGE") identifier.try_emplace(0x0020000EU);
  if (keys.level == "IMAGE") identifier.try_emplace(0x00080018U);
  if (keys.level == "PATIENT") identifier.try_emplace(0x00100020U);
  network::Proposal proposal;
  proposal.add(keys.level == "PATIENT" ? network::sop_class::patient_root_find : network::sop_class::study_root_find, native());
  const auto messenger = network::associate(options.resolve(), proposal);
  Json matches = Json::array();
  const std::uint16_t status = network::find(*messenger, keys.level, identifier, [&](const dicom::DataSet& set) {
    if (session.json()) {
      matches.push_back(set.to_json());
    } else {
      std::string line;
      for (const dicom::Element& element : set.elements()) {
        if ((element.tag >> 16) == 8 && ((element.tag & 0xFFFFU) == 0x0005 || (element.tag & 0xFFFFU) == 0x0052)) continue;
        line += fmt::format("{}{}={}", line.empty() ? "" : "  ", keyword_of(element.tag), set.text(element.tag).value_or(""));
      }
      print(line + "\n");
      matches.push_back(nullptr);
    }
    return most == 0 || static_cast<long long>(matches.size()) < most;
  });
  messenger->association().release();
  if (session.json()) print(Json{{"matches", matches}});
  if (status != network::status::success && status != network::status::cancelled) fail("query", status);
  return 0;
}

int dicom_move(const Words& arguments) {
  CommandLine command("dicom move", "Asks a DICOM peer to send objects to an application that it knows (C-MOVE).");
  const PeerOptions options(command);
  const KeyOptions keys(command);
  std::string destination;
  command.option("--destination", destination, "AE title of the application", "AE");
  command.example("gantry dicom move PACS@10.0.0.5:104 --destination GANTRY --key StudyInstanceUID=1.2.3");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (destination.empty()) throw Error(ErrorCode::usage, "dicom move: --destination AE is required");
  const network::Identifier identifier = keys.resolve();
  network::Proposal proposal;
  proposal.add(keys.level == "PATIENT" ? network::sop_class::patient_root_move : network::sop_class::study_root_move, native());
  const auto messenger = network::associate(options.resolve(), proposal);
  Run& run = session.start();
  const network::Retrieval state = network::move(*messenger, keys.level, identifier, destination, [&](const network::Retrieval& now) {
    const int done = now.completed + now.failed + now.warnings;
    run.progress(static_cast<double>(done) / std::max(done + now.remaining, 1), "moving");
  });
  messenger->association().release();
  session.finish();
  return finish(state, "move", session.json(), json_of(state));
}

int dicom_get(const Words& arguments) {
  CommandLine command("dicom get", "Fetches objects from a DICOM peer into a folder (C-GET).");
  const PeerOptions options(command);
  std::string out;
  command.positional("OUT", out, "Folder for the files; made when it is missing");
  const KeyOptions keys(command);
  command.example("gantry dicom get GANTRY@127.0.0.1:11112 study/ --key StudyInstanceUID=1.2.3");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  const network::Peer peer = options.resolve();
  const network::Identifier identifier = keys.resolve();
  network::Proposal proposal;
  proposal.add(keys.level == "PATIENT" ? network::sop_class::patient_root_get : network::sop_class::study_root_get, native());
  for (const std::string& uid : network::common_storage_classes()) {
    if (!proposal.add(uid, native())) break;
    proposal.add_scp_role(uid);
  }
  fs::create_directories(out);
  session.start();
  const auto messenger = network::associate(peer, proposal);
  Json refused = Json::array();
  const network::Retrieval state = network::get(
      *messenger, keys.level, identifier,
      [&](const network::IncomingObject& object) {
        session.run().check();
        return std::make_unique<FileSink>(out, object, peer.called_ae_title);
      },
      [&](const network::IncomingObject& object, const Error& error) {
        refused.push_back({{"sop_instance_uid", object.sop_instance_uid}, {"reason", error.what()}});
      });
  messenger->association().release();
  session.finish();
  Json result = json_of(state);
  result["refused"] = refused;
  return finish(state, "get", session.json(), std::move(result));
}

}  // namespace gantry::cli
