// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>

#include "command_line.h"
#include "commands.h"
#include "gantry/archive/archive.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "session.h"

namespace gantry::cli {

namespace {

namespace fs = std::filesystem;

/// The option that names the archive.
struct DataOption {
  std::string data;

  explicit DataOption(CommandLine& command) { command.option("--data", data, "Folder of the archive", "DIR"); }

  archive::ArchiveOptions resolve(bool must_exist) const {
    if (data.empty()) throw Error(ErrorCode::usage, "archive: --data DIR is required");
    archive::ArchiveOptions options;
    options.data = data;
    options.must_exist = must_exist;
    return options;
  }
};

Json json_of(const std::vector<archive::Damage>& damages) {
  Json list = Json::array();
  for (const archive::Damage& damage : damages) list.push_back({{"sop_instance_uid", damage.sop_instance_uid}, {"reason", damage.reason}});
  return list;
}

std::string text_of(const std::vector<archive::Damage>& damages) {
  std::string text;
  for (const archive::Damage& damage : damages) {
    text += fmt::format("{}{}\n", damage.sop_instance_uid.empty() ? "" : damage.sop_instance_uid + ": ", damage.reason);
  }
  return text;
}

}  // namespace

int archive_import(const Words& arguments) {
  CommandLine command("archive import", "Takes DICOM files and folders of them into an archive. Says of each file that is refused why.");
  const DataOption data(command);
  std::vector<std::string> names;
  command.positionals("PATH", names, "Files and folders");
  command.example("gantry archive import --data /var/lib/gantry study/");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  const std::vector<GivenFile> files = given_files(names);
  archive::Archive archive(data.resolve(false));
  Run& run = session.start();
  std::int64_t stored = 0, known = 0;
  Json refused = Json::array();
  for (std::size_t n = 0; n < files.size(); ++n) {
    run.progress(static_cast<double>(n) / static_cast<double>(files.size()), "importing");
    try {
      ++(archive.add_file(files[n].path, "import").already_there ? known : stored);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::disk_full || error.code() == ErrorCode::not_permitted) throw;
      refused.push_back({{"path", files[n].path.string()}, {"reason", error.what()}});
    }
  }
  archive.flush();
  session.finish();
  if (session.json()) {
    print(Json{{"stored", stored}, {"already_there", known}, {"refused", refused}});
  } else {
    for (const Json& one : refused) print(fmt::format("{}: {}\n", one.at("path").get<std::string>(), one.at("reason").get<std::string>()));
    print(fmt::format("{} stored, {} were there already, {} refused\n", stored, known, refused.size()));
  }
  return stored + known == 0 ? error_info(ErrorCode::refused).exit_status : 0;
}

int archive_export(const Words& arguments) {
  CommandLine command("archive export", "Copies objects out of an archive: STUDY/SERIES/INSTANCE.dcm, byte by byte as they were stored.");
  const DataOption data(command);
  std::string out;
  std::vector<std::string> studies;
  command.positional("OUT", out, "Folder to make");
  command.options("--study", studies, "Study to copy (repeat for more); all when left out", "UID");
  command.example("gantry archive export --data /var/lib/gantry out/ --study 1.2.3");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  const archive::Archive archive(data.resolve(true));
  std::vector<archive::InstanceRecord> records;
  if (studies.empty()) records = archive.instances({});
  for (const std::string& study : studies) {
    const auto found = archive.instances(study);
    if (study.empty() || found.empty()) throw Error(ErrorCode::not_found, "study: is not in the archive");
    records.insert(records.end(), found.begin(), found.end());
  }
  if (fs::exists(out) && !fs::is_empty(out)) throw Error(ErrorCode::refused, Path(out).filename().string() + ": must be new or empty");
  Run& run = session.start();
  StagedFolder staged{Path(out)};
  std::uint64_t bytes = 0;
  for (std::size_t n = 0; n < records.size(); ++n) {
    const archive::InstanceRecord& record = records[n];
    run.progress(static_cast<double>(n) / static_cast<double>(records.size()), "copying");
    const Path folder = staged.path() / record.study_uid / record.series_uid;
    fs::create_directories(folder);
    fs::copy_file(archive.file_of(record.sop_instance_uid), folder / (record.sop_instance_uid + ".dcm"));
    bytes += record.size;
  }
  staged.commit();
  session.finish();
  if (session.json()) {
    print(Json{{"instances", records.size()}, {"bytes", bytes}});
  } else {
    print(fmt::format("{} objects copied\n", records.size()));
  }
  return 0;
}

int archive_verify(const Words& arguments) {
  CommandLine command("archive verify", "Reads every stored file again and compares it with what was stored.");
  const DataOption data(command);
  command.example("gantry archive verify --data /var/lib/gantry");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  const archive::Archive archive(data.resolve(true));
  const auto damages = archive.verify(session.start());
  session.finish();
  const std::int64_t instances = archive.statistics().instances;
  if (session.json()) {
    print(Json{{"instances", instances}, {"damaged", json_of(damages)}});
  } else {
    print(text_of(damages) + fmt::format("{} objects, {} damaged\n", instances, damages.size()));
  }
  return damages.empty() ? 0 : error_info(ErrorCode::unreadable).exit_status;
}

int archive_reindex(const Words& arguments) {
  CommandLine command("archive reindex", "Makes the index of an archive anew from its files.");
  const DataOption data(command);
  command.example("gantry archive reindex --data /var/lib/gantry");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  archive::Archive archive(data.resolve(true));
  const auto damages = archive.reindex(session.start());
  session.finish();
  const std::int64_t instances = archive.statistics().instances;
  if (session.json()) {
    print(Json{{"instances", instances}, {"damaged", json_of(damages)}});
  } else {
    print(text_of(damages) + fmt::format("{} objects in the index, {} damaged\n", instances, damages.size()));
  }
  return damages.empty() ? 0 : error_info(ErrorCode::unreadable).exit_status;
}

int archive_stats(const Words& arguments) {
  CommandLine command("archive stats", "Says how much an archive holds.");
  const DataOption data(command);
  command.example("gantry archive stats --data /var/lib/gantry --json");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  const archive::Statistics sums = archive::Archive(data.resolve(true)).statistics();
  if (session.json()) {
    print(Json{{"patients", sums.patients},
               {"studies", sums.studies},
               {"series", sums.series},
               {"instances", sums.instances},
               {"bytes", sums.bytes}});
  } else {
    print(fmt::format("{} patients, {} studies, {} series, {} objects, {:.1f} MB\n", sums.patients, sums.studies, sums.series,
                      sums.instances, static_cast<double>(sums.bytes) / 1e6));
  }
  return 0;
}

}  // namespace gantry::cli
