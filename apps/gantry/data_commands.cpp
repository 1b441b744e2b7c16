// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <set>

#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/iod/write.h"
#include "gantry/dicom/study.h"
#include "gantry/io/io.h"
#include "gantry/operation/sources.h"
#include "session.h"

namespace gantry::cli {

namespace {

namespace fs = std::filesystem;

Json json_of(const Grid& grid) {
  const auto triple = [](Vec3 v) { return Json::array({v.x, v.y, v.z}); };
  Json json{{"size", grid.size()},
            {"spacing_mm", triple(grid.spacing_mm())},
            {"origin_mm", triple(grid.origin_mm())},
            {"orientation", grid.orientation()}};
  if (!grid.slice_positions_mm().empty()) json["uneven_slices"] = true;
  return json;
}

Json json_of(const dicom::Series& series) {
  return {{"series_uid", series.series_uid},
          {"number", series.number},
          {"modality", series.modality},
          {"description", series.description},
          {"instances", series.instances.size()},
          {"frames", series.frames},
          {"volume", series.is_volume},
          {"grid", json_of(series.grid)},
          {"reason", series.reason},
          {"warnings", series.warnings}};
}

/// What an image file that is not DICOM holds; reads it whole, so that "readable" is true.
Json image_entry(const Path& path, Run& run, dicom::FileEntry& entry) {
  try {
    const Image image = io::read(path, run);
    entry.readable = true;
    return {{"path", path.string()},
            {"type", name_of(image.type())},
            {"components", image.components()},
            {"frames", image.frames()},
            {"grid", json_of(image.grid())}};
  } catch (const Error& error) {
    entry.readable = false;
    entry.reason = error.what();
    return nullptr;
  }
}

std::string size_text(const Json& grid) {
  const auto size = grid.at("size").get<Size3>();
  const Json& spacing = grid.at("spacing_mm");
  return fmt::format("{}x{}x{}, {:.3g}x{:.3g}x{:.3g} mm", size[0], size[1], size[2], spacing[0].get<double>(), spacing[1].get<double>(),
                     spacing[2].get<double>());
}

std::string text_of(const Json& result) {
  std::string text;
  for (const Json& study : result.at("studies")) {
    text += "Study " + study.at("study_uid").get<std::string>() + "\n";
    for (const Json& series : study.at("series")) {
      text += fmt::format("  {:>4}  {:<4} {:<32} {:>5} instances  {}\n", series.at("number").get<int>(),
                          series.at("modality").get<std::string>(), series.at("description").get<std::string>(),
                          series.at("instances").get<std::size_t>(), size_text(series.at("grid")));
      if (const auto reason = series.at("reason").get<std::string>(); !reason.empty()) text += "        not used: " + reason + "\n";
      for (const Json& warning : series.at("warnings")) text += "        " + warning.get<std::string>() + "\n";
    }
  }
  for (const Json& image : result.at("images")) {
    text += fmt::format("{}: {}, {}, {} frame(s)\n", image.at("path").get<std::string>(), size_text(image.at("grid")),
                        image.at("type").get<std::string>(), image.at("frames").get<std::int64_t>());
  }
  for (const Json& file : result.at("files")) {
    const auto reason = file.at("reason").get<std::string>();
    if (!reason.empty())
      text +=
          fmt::format("{}: {}{}\n", file.at("path").get<std::string>(), file.at("readable").get<bool>() ? "" : "not readable: ", reason);
  }
  return text;
}

std::vector<Path> existing(const Words& names) {
  std::vector<Path> paths;
  for (const std::string& name : names) {
    std::error_code ignored;
    if (!fs::exists(name, ignored)) throw Error(ErrorCode::not_found, Path(name).filename().string() + ": no such file or folder");
    paths.emplace_back(name);
  }
  return paths;
}

/// Letters, digits, '-' and '_' of a series' number and description.
std::string file_name(const dicom::Series& series) {
  std::string name = std::to_string(series.number);
  bool gap = true;
  for (const char c : series.description) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (plain && gap) name += '-';
    gap = !plain;
    if (plain) name += c;
  }
  return name;
}

bool has_image_ending(const Path& path) {
  const std::string name = lower(path.filename().string());
  for (const char* ending : {".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".npy", ".npz", ".png", ".jpg", ".jpeg"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

}  // namespace

int info(const Words& arguments) {
  CommandLine command("info", "Says what files and folders hold: studies, series, volumes, and why something cannot be used.");
  Words names;
  command.positionals("PATH", names, "Files and folders");
  command.example("gantry info study/");
  command.example("gantry info study/ --json");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  Run& run = session.start();
  const std::vector<Path> paths = existing(names);
  dicom::Input input = dicom::read_dicom(paths, run);
  Json images = Json::array();
  for (dicom::FileEntry& entry : input.files) {
    if (!entry.readable && io::is_image_file(entry.path)) {
      entry.reason.clear();
      entry.kind = "image file";
      if (const Json image = image_entry(entry.path, run, entry); !image.is_null()) images.push_back(image);
    }
  }
  Json files = Json::array();
  bool any = false;
  for (const dicom::FileEntry& entry : input.files) {
    any = any || entry.readable;
    files.push_back({{"path", entry.path.string()},
                     {"readable", entry.readable},
                     {"reason", entry.reason},
                     {"kind", entry.kind},
                     {"transfer_syntax", entry.transfer_syntax}});
  }
  Json studies = Json::array();
  for (const dicom::Study& study : input.studies) {
    Json series = Json::array();
    for (const dicom::Series& one : study.series) series.push_back(json_of(one));
    studies.push_back({{"study_uid", study.study_uid}, {"series", series}});
  }
  const Json result{{"files", files}, {"studies", studies}, {"images", images}};
  session.json() ? print(result) : print(text_of(result));
  session.finish();
  return any ? 0 : error_info(ErrorCode::unreadable).exit_status;
}

namespace {

/// Writes each readable series of a DICOM input anew: one into `target`, several into a folder each. Patient, study, frame of reference and
/// modality stay; `modality` overrides the latter.
void rewrite_series(const Path& in, const Path& target, const std::string& series_uid, const std::string& modality,
                    const std::string& syntax, bool stored, Run& run) {
  const dicom::Input input = dicom::read_dicom({&in, 1}, run);
  std::vector<const dicom::Series*> found;
  for (const dicom::Study& study : input.studies) {
    for (const dicom::Series& series : study.series) {
      if (!series_uid.empty() && series.series_uid != series_uid) continue;
      if (!series.reason.empty()) {
        run.warn(fmt::format("series {}: {}", series.number, series.reason));
        continue;
      }
      found.push_back(&series);
    }
  }
  if (found.empty()) throw Error(ErrorCode::unreadable, in.filename().string() + ": holds no such series of images that can be read");
  std::set<std::string> used;
  for (const dicom::Series* series : found) {
    for (const std::string& warning : series->warnings) run.warn(fmt::format("series {}: {}", series->number, warning));
    Path folder = target;
    if (found.size() > 1) {
      std::string name = file_name(*series);
      while (!used.insert(name).second) name += "_b";
      fs::create_directories(target);
      folder /= name;
    }
    // Stored values are in no unit of the modality.
    dicom::write_image_as_dicom(folder, dicom::load(*series, run, stored), stored && modality.empty() ? "OT" : modality, syntax, run,
                                series);
  }
}

}  // namespace

int convert(const Words& arguments) {
  CommandLine command("convert",
                      "Converts an image file or a DICOM series; the ending of OUT decides the format, a folder means DICOM (or, for "
                      "several volumes, one NIfTI file each).");
  std::string in, out, series_uid, transfer_syntax, modality;
  bool stored = false;
  command.positional("IN", in, "Image file, DICOM file or folder");
  command.positional("OUT", out, ".nii .nii.gz .nrrd .mha .npy .png, or a folder");
  command.option("--series", series_uid, "SeriesInstanceUID of the series to take", "UID");
  command.flag("--stored", stored, "Stored values: no rescale");
  command.option("--transfer-syntax", transfer_syntax,
                 "Write DICOM with this transfer syntax: a UID, or explicit, rle, jpeg_lossless, jpeg_ls, jpeg_2000, htj2k", "SYNTAX");
  command.option("--modality", modality, "Modality of written DICOM; default: that of the source, OT for an image file", "CT|MR|PT|OT");
  command.example("gantry convert study/ volume.nii.gz");
  command.example("gantry convert volume.nii.gz dicom/ --modality CT");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  Run& run = session.start();
  existing({in});
  const Path target(out);
  if (has_image_ending(target)) {
    if (stored || lower(target.extension().string()) != ".png") {
      copy_any_image(in, target, run, series_uid, stored);
    } else {  // a picture shows values, it does not keep them
      const Image image = with_context(Path(in).filename().string(), [&] { return read_any_image(in, run, series_uid); });
      with_context(target.filename().string(), [&] { PortType<Image>::write(target, image, run); });
    }
    session.finish();
    return 0;
  }
  if (!target.extension().empty() && !fs::is_directory(target)) {
    throw Error(ErrorCode::usage, fmt::format("{}: unknown ending; must be one of .nii, .nii.gz, .nrrd, .mha, .npy, .png, or a folder",
                                              target.filename().string()));
  }
  const bool image_file = !fs::is_directory(in) && io::is_image_file(in);
  if (image_file || !transfer_syntax.empty()) {
    const std::string syntax = dicom::transfer_syntax_of(transfer_syntax.empty() ? "explicit" : transfer_syntax);
    if (image_file) {
      dicom::write_image_as_dicom(target, read_any_image(in, run, series_uid, stored), modality, syntax, run);
    } else {
      rewrite_series(in, target, series_uid, modality, syntax, stored, run);
    }
    session.finish();
    return 0;
  }
  const Path paths[] = {Path(in)};
  const dicom::Input input = dicom::read_dicom(paths, run);
  fs::create_directories(target);
  std::set<std::string> used;
  std::size_t written = 0;
  for (const dicom::Study& study : input.studies) {
    for (const dicom::Series& series : study.series) {
      if (!series_uid.empty() && series.series_uid != series_uid) continue;
      if (!series.reason.empty()) {
        run.warn(fmt::format("series {}: {}", series.number, series.reason));
        continue;
      }
      std::string name = file_name(series);
      while (!used.insert(name).second) name += "_b";
      for (const std::string& warning : series.warnings) run.warn(fmt::format("series {}: {}", series.number, warning));
      io::write(target / (name + ".nii.gz"), dicom::load(series, run, stored), run);
      ++written;
    }
  }
  session.finish();
  if (written == 0) throw Error(ErrorCode::unreadable, Path(in).filename().string() + ": holds no image that can be read");
  return 0;
}

}  // namespace gantry::cli
