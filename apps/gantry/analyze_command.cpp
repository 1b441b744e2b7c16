// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "command_line.h"
#include "commands.h"
#include "gantry/analysis/analyze.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/report/terminal.h"
#include "gantry/report/wording.h"
#include "session.h"

namespace gantry::cli {

namespace {

/// The findings that a person looks for first, one row each, and where the report lies.
std::string overview(const Json& summary, const Path& out, const std::string& language) {
  const bool chinese = language == "zh";
  TerminalTable table;
  table.columns = chinese ? Words{"测量项", "数值", "单位"} : Words{"Measured", "Value", "Unit"};
  table.right_aligned = {false, true, false};
  for (const Json& study : summary.at("studies")) {
    for (const Json& finding : study.at("findings")) {
      if (finding.at("value").is_null()) continue;
      const std::string words = wording::unit(finding.at("unit").get<std::string>());
      table.rows.push_back({{finding.at("name").get<std::string>(), wording::number(finding.at("value").get<double>(), 4), words}});
    }
  }
  constexpr std::size_t shown = 24;
  const std::size_t left_out = table.rows.size() > shown ? table.rows.size() - shown : 0;
  if (left_out != 0) table.rows.resize(shown);
  std::string text = terminal_table(table, terminal_width(), terminal_color());
  if (left_out != 0)
    text += chinese ? fmt::format("另有 {} 项见 measurements.csv\n", left_out) : fmt::format("{} more in measurements.csv\n", left_out);
  text += fmt::format("\n{}{}\n{}\n", chinese ? "报告：" : "Report: ", (out / "report.html").string(), not_a_medical_device(language));
  return text;
}

}  // namespace

int analyze(const Words& arguments) {
  CommandLine command("analyze", "Analyses imaging studies: findings with numbers, masks, key images, report, DICOM SEG and SR.");
  Words studies;
  std::string out;
  analysis::AnalyzeOptions options;
  command.positionals("STUDY", studies, "Files, folders of DICOM, DICOMDIR, zip, or NIfTI, NRRD, MetaImage");
  command.option("-o,--output", out, "Folder for the results; appears when it is complete", "OUT");
  command.option("--profile", options.profile, "Profile to use instead of the one that fits", "ID");
  command.option("--modality", options.modality, "What a volume without a header is: CT, MR or PT", "CT|MR|PT");
  command.option("--language", options.language, "Language of the report", "en|zh");
  command.example("gantry analyze study/ -o result");
  command.example("gantry analyze chest.nii.gz --modality CT -o result --language zh");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (out.empty()) throw Error(ErrorCode::usage, "analyze: -o OUT is required (--help shows what it takes)");
  Run& run = session.start(true);
  options.inputs.assign(studies.begin(), studies.end());
  options.output = out;
  options.cache = session.cache_folder();
  const Json summary = analysis::analyze(options, run);
  session.finish();
  if (session.json()) {
    print(summary);
  } else if (!session.quiet()) {
    print(overview(summary, out, options.language));
  }
  return 0;
}

}  // namespace gantry::cli
