// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <cstdio>
#include <cstdlib>

#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/catalogue/catalogue.h"
#include "session.h"

namespace gantry::cli {

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all{
      {"analyze", "Analyses imaging studies: findings, masks, report", analyze},
      {"cohort run", "Analyses many studies and joins what was measured", cohort_run},
      {"info", "Says what files and folders hold", info},
      {"simulation digital-patient", "Makes a digital patient whose truth is known", digital_patient},
      {"convert", "Converts an image or a DICOM series", convert},
      {"pipeline", "Runs operations joined by a JSON file", run_pipeline},
      {"train", "Trains a network on labelled images", train},
      {"evaluate", "Measures a trained network on labelled images", evaluate},
      {"bundle info", "Says what a trained network is", bundle_info},
      {"bundle verify", "Checks the files of a trained network", bundle_verify},
      {"predict", "Runs a trained network on images", predict},
      {"bundle import", "Makes a bundle of a network in TensorFlow.js or ONNX form", bundle_import},
      {"bundle card", "Prints a model card, or writes it anew", bundle_card},
      {"archive import", "Takes DICOM files into an archive", archive_import},
      {"archive export", "Copies objects out of an archive", archive_export},
      {"archive verify", "Compares stored files with what was stored", archive_verify},
      {"archive reindex", "Makes the index anew from the files", archive_reindex},
      {"archive stats", "Says how much an archive holds", archive_stats},
      {"dicom echo", "Asks a DICOM peer whether it is there", dicom_echo},
      {"dicom store", "Sends DICOM files to a peer", dicom_store},
      {"dicom find", "Queries a DICOM peer", dicom_find},
      {"dicom move", "Lets a peer send objects to an application", dicom_move},
      {"dicom get", "Fetches objects from a peer", dicom_get},
      {"operations", "Lists all operations", list_operations},
      {"completion", "Prints a completion script for bash or zsh", print_completion},
      {"serve", "Runs the server: archive, REST, DICOMweb, jobs", serve},
      {"audit verify", "Checks that a server's audit log was not changed", verify_audit},
      {"version", "Prints the version", print_version},
  };
  return all;
}

namespace {

/// A line of help: what is typed behind `gantry`, and what it does.
struct HelpLine {
  std::string command;
  std::string_view summary;
};

std::vector<HelpLine> verb_lines() {
  std::vector<HelpLine> lines;
  for (const Verb& verb : verbs()) lines.push_back({verb.name, verb.summary});
  return lines;
}

std::vector<HelpLine> operation_lines() {
  std::vector<HelpLine> lines;
  for (const auto& operation : catalogue().operations())
    lines.push_back({operation->info().family() + " " + to_kebab(operation->info().name()), operation->info().summary});
  return lines;
}

std::string text_of(const std::vector<HelpLine>& lines) {
  std::string text;
  for (const HelpLine& line : lines) text += fmt::format("  {:<36} {}\n", line.command, line.summary);
  return text;
}

std::string help() {
  return fmt::format(
      "gantry {}: a medical-imaging engine\n\nUsage: gantry COMMAND ... (gantry COMMAND --help explains "
      "each)\n\nCommands:\n{}\nOperations:\n{}"
      "\nExample:\n  gantry analyze study/ -o result/\n\n{}\n",
      version(), text_of(verb_lines()), text_of(operation_lines()), not_a_medical_device());
}

int dispatch(const Words& words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print(help());
    return words.empty() ? error_info(ErrorCode::usage).exit_status : 0;
  }
  if (words[0] == "--version") return print_version({});
  const std::string pair = words.size() > 1 ? words[0] + " " + words[1] : "";
  for (const Verb& verb : verbs()) {
    if (verb.name == words[0]) return verb.run(Words(words.begin() + 1, words.end()));
    if (verb.name == pair) return verb.run(Words(words.begin() + 2, words.end()));
  }
  if (words.size() > 1) {
    if (const Operation* operation = catalogue().find(words[0] + "." + to_snake(words[1])))
      return run_operation(*operation, Words(words.begin() + 2, words.end()));
  }
  std::vector<HelpLine> lines = verb_lines(), members;
  std::ranges::move(operation_lines(), std::back_inserter(lines));
  Words known, second;
  for (const HelpLine& line : lines) {
    const std::size_t space = line.command.find(' ');
    known.push_back(line.command.substr(0, space));
    if (space == std::string::npos || known.back() != words[0]) continue;
    members.push_back(line);
    second.push_back(line.command.substr(space + 1));
  }
  if (!members.empty()) {
    if (words.size() > 1 && (words[1] == "--help" || words[1] == "-h")) {
      print(fmt::format("Usage: gantry {} COMMAND ... (gantry {} COMMAND --help explains each)\n\nCommands:\n{}", words[0], words[0],
                        text_of(members)));
      return 0;
    }
    throw Error(ErrorCode::usage, fmt::format("{}: must be followed by one of {}{}", words[0], join(second, ", "),
                                              words.size() > 1 ? "; got " + words[1] : ""));
  }
  const std::string near = nearest_word(words[0], known);
  throw Error(ErrorCode::usage, fmt::format("{}: is not a command{}", words[0],
                                            near.empty() ? "; gantry --help lists them" : "; did you mean " + near + "?"));
}

int report(const Error& error) {
  std::fprintf(stderr, "gantry: %s\n", error.what());
  return error_info(error.code()).exit_status;
}

}  // namespace

}  // namespace gantry::cli

int main(int count, char** words) {
  using namespace gantry;
  try {
    return cli::dispatch(cli::Words(words + 1, words + count));
  } catch (const Error& error) {
    return cli::report(error);
  } catch (const std::bad_alloc&) {
    return cli::report(Error(ErrorCode::out_of_memory, "memory: the machine has too little left"));
  } catch (const std::filesystem::filesystem_error& failure) {
    const auto reason = failure.code().message();
    return cli::report(Error(ErrorCode::unreadable, failure.path1().filename().string() + ": " + reason));
  } catch (const std::exception& failure) {
    return cli::report(Error(ErrorCode::internal, std::string("unexpected: ") + failure.what()));
  }
}
