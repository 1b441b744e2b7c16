// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/analyze.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "gantry/analysis/methods.h"
#include "gantry/analysis/outcome_cache.h"
#include "gantry/analysis/output_folder.h"
#include "gantry/base/clock.h"
#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/version.h"
#include "gantry/report/html.h"
#include "gantry/report/pdf.h"
#include "gantry/report/reason_words.h"
#include "gantry/report/wording.h"

namespace gantry::analysis {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<Profile> profiles_of(const AnalyzeOptions& options) {
  const Path folder = options.profiles.empty() ? find_resource("profiles") : options.profiles;
  if (folder.empty()) throw Error(ErrorCode::not_found, "profiles: folder not found; set GANTRY_HOME to where it lies");
  std::vector<Profile> profiles = read_profiles(folder);
  // A profile may name a method that this build does not have; the next one is taken then.
  std::erase_if(profiles, [](const Profile& profile) {
    return std::any_of(profile.methods.begin(), profile.methods.end(), [](const std::string& method) { return !find_method(method); });
  });
  if (!options.profile.empty()) {
    const bool known = std::any_of(profiles.begin(), profiles.end(), [&](const Profile& p) { return p.id == options.profile; });
    if (!known) throw Error(ErrorCode::parameter, fmt::format("profile: must be one of the files in profiles/; got '{}'", options.profile));
  }
  return profiles;
}

/// What the work will need, said before it starts: measured on two cores, per million voxels.
struct Forecast {
  double seconds = 0, megabytes = 0;
};
Forecast forecast(const InputPlan& plan, const Run& run) {
  Forecast sum;
  for (const StudyPlan& study : plan.studies) {
    for (const SeriesPlan& series : study.series) {
      if (!series.used) continue;
      const double millions = static_cast<double>(series.series.grid.voxel_count() * series.series.frames) / 1e6;
      sum.seconds += 2 + millions * 1.6 / std::clamp(run.threads(), 1, 4);
      sum.megabytes = std::max(sum.megabytes, 190 + 12 * millions);
    }
  }
  return sum;
}

SeriesResult merged(SeriesResult a, SeriesResult b) {
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  const auto offset = static_cast<int>(a.images.size());
  for (auto& glance : b.glances) {
    for (int& image : glance.images) image += offset;
  }
  append(a.findings, b.findings);
  if (a.labels.image().empty()) {
    a.labels = std::move(b.labels);
    append(a.segments, b.segments);
  } else if (!b.segments.empty()) {
    a.warnings.push_back("two methods of one profile made label images; only those of the first are written");
  }
  append(a.quality, b.quality);
  append(a.warnings, b.warnings);
  append(a.glances, b.glances);
  append(a.images, b.images);
  append(a.tables, b.tables);
  append(a.charts, b.charts);
  append(a.facts, b.facts);
  append(a.not_analysed, b.not_analysed);
  append(a.certainty, b.certainty);
  append(a.methods, b.methods);
  append(a.references, b.references);
  return a;
}

/// The methods of the series' profile. Where they cannot say anything, its quality and protocol at least, with the reason.
SeriesResult measured(const SeriesInput& input, const Profile& profile, Run& run) {
  SeriesResult all;
  try {
    const auto steps = static_cast<double>(profile.methods.size());
    for (std::size_t m = 0; m < profile.methods.size(); ++m) {
      Run part = run.part(0.1 + 0.9 * static_cast<double>(m) / steps, 0.1 + 0.9 * static_cast<double>(m + 1) / steps);
      SeriesResult result = find_method(profile.methods[m])(input, profile, part);
      all = m == 0 ? std::move(result) : merged(std::move(all), std::move(result));
    }
    return all;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_possible && error.code() != ErrorCode::refused) throw;
    const Method quality = find_method("other");
    if (quality == nullptr || std::find(profile.methods.begin(), profile.methods.end(), "other") != profile.methods.end()) throw;
    Run part = run.part(0.5, 1.0);
    SeriesResult result = quality(input, profile, part);
    const Words why = report::reason_words(error.message());
    result.not_analysed.insert(result.not_analysed.begin(),
                               Words{fmt::format("{}: not possible for this series; {}.", profile.name.en, why.en),
                                     fmt::format("{}：无法用于本序列；{}。", profile.name.zh, why.zh)});
    result.warnings.push_back(error.message());
    return result;
  }
}

SeriesOutcome analyse_series(StudyPlan& study, SeriesPlan& plan, Run& run) {
  SeriesOutcome outcome;
  outcome.plan = &plan;
  if (!plan.used) return outcome;
  try {
    run.progress(0.0, fmt::format("{}: reading", plan.key));
    SeriesInput input;
    input.series = &plan.series;
    input.modality = plan.modality;
    input.image = load_series(plan, run);
    plan.image = Image();
    for (const std::size_t n : plan.companions) {
      SeriesPlan& other = study.series[n];
      SeriesInput companion;
      companion.series = &other.series;
      companion.modality = other.modality;
      companion.image = load_series(other, run);
      input.companions.push_back(std::move(companion));
    }
    outcome.result = measured(input, *plan.profile, run);
    auto& images = outcome.result.images;
    for (std::size_t n = 0; n < images.size(); ++n) {
      if (images[n].file.empty()) images[n].file = fmt::format("figures/image-{}.png", n + 1);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled || error.code() == ErrorCode::out_of_memory || error.code() == ErrorCode::internal) throw;
    plan.used = false;
    plan.role = "not_used";
    plan.reason = error.message();
    outcome = SeriesOutcome{};
    outcome.plan = &plan;
  }
  return outcome;
}

/// The newest date that an analysed series states; the report carries it so that the same input gives the same bytes.
std::string newest_date(const InputPlan& plan) {
  std::string newest = "1970-01-01";
  for (const StudyPlan& study : plan.studies) {
    for (const SeriesPlan& series : study.series) {
      if (!series.used) continue;
      for (const char* keyword : {"ContentDate", "AcquisitionDate", "SeriesDate", "StudyDate"}) {
        newest = std::max(newest, wording::date(series.series.header.text(keyword).value_or("")));
      }
    }
  }
  return newest;
}

Json provenance(const AnalyzeOptions& options, const InputPlan& plan, const Forecast& expected, const std::string& started, double seconds,
                const Path& folder, const Run& run) {
  Json json;
  json["gantry_version"] = std::string(version());
  json["operation"] = "analyze";
  json["parameters"] = {{"profile", options.profile}, {"modality", options.modality}, {"language", options.language}};
  json["inputs"] = Json::array();
  for (const StudyPlan& study : plan.studies) {
    for (const SeriesPlan& series : study.series) {
      Json entry{{"series_uid", series.series.series_uid}, {"used", series.used}};
      if (!series.file.empty()) entry["file"] = series.file.filename().string();
      Sha256 digest;
      for (const dicom::Instance& instance : series.series.instances) digest.add(instance.sop_instance_uid).add("\n");
      if (!series.series.instances.empty()) entry["instances_sha256"] = digest.finish_hex();
      if (series.profile)
        entry["profile"] = {{"id", series.profile->id}, {"version", series.profile->version}, {"parameters", series.profile->parameters}};
      json["inputs"].push_back(std::move(entry));
    }
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  json["started"] = started;
  json["finished"] = utc_now();
  json["cost"] = {{"seconds", seconds},
                  {"peak_memory_mb", usage.ru_maxrss / 1024},
                  {"threads", run.threads()},
                  {"forecast_seconds", expected.seconds},
                  {"forecast_memory_mb", expected.megabytes}};
  json["files"] = file_list(folder);
  return json;
}

}  // namespace

Json analyze(const AnalyzeOptions& options, Run& run) {
  const Clock::time_point start = Clock::now();
  const std::string started = utc_now();
  if (options.inputs.empty()) throw Error(ErrorCode::usage, "analyze: needs at least one input");
  if (options.output.empty()) throw Error(ErrorCode::usage, "analyze: needs an output folder (-o OUT)");
  if (options.language != "en" && options.language != "zh") {
    throw Error(ErrorCode::parameter, fmt::format("language: must be en or zh; got '{}'", options.language));
  }
  const std::vector<std::string> modalities{"", "CT", "MR", "PT"};
  if (std::find(modalities.begin(), modalities.end(), options.modality) == modalities.end()) {
    throw Error(ErrorCode::parameter, fmt::format("modality: must be CT, MR or PT; got '{}'", options.modality));
  }
  check_replaceable(options.output);
  const std::vector<Profile> profiles = profiles_of(options);

  Run reading = run.part(0.0, 0.1, "reading");
  InputPlan plan = plan_input(options, profiles, reading);
  const Forecast expected = forecast(plan, run);
  if (run.memory_bytes() > 0 && expected.megabytes * 1e6 > static_cast<double>(run.memory_bytes())) {
    throw Error(ErrorCode::out_of_memory, fmt::format("memory: this study needs about {:.0f} MB; the limit is {:.0f} MB",
                                                      expected.megabytes, static_cast<double>(run.memory_bytes()) / 1e6));
  }
  run.progress(0.1, fmt::format("forecast: about {:.0f} s, {:.0f} MB", expected.seconds, expected.megabytes));

  const OutcomeCache cache(options);
  StagedFolder staged(options.output);
  std::size_t series_count = 0, done = 0;
  for (const StudyPlan& study : plan.studies) series_count += study.series.size();
  std::vector<std::vector<SeriesOutcome>> outcomes;
  for (StudyPlan& study : plan.studies) {
    auto& of_study = outcomes.emplace_back();
    for (SeriesPlan& series : study.series) {
      const double from = 0.1 + 0.8 * static_cast<double>(done) / static_cast<double>(series_count);
      const double to = 0.1 + 0.8 * static_cast<double>(++done) / static_cast<double>(series_count);
      SeriesOutcome& outcome = of_study.emplace_back();
      outcome.plan = &series;
      const std::string key = cache.key(study, series);
      if (cache.restore(key, staged.path(), outcome, run)) {
        run.progress(to, fmt::format("{}: as measured before", series.key));
        continue;
      }
      const std::size_t before = run.warnings().size();
      Run analysis = run.part(from, from + 0.8 * (to - from));
      outcome = analyse_series(study, series, analysis);
      if (!outcome.plan->used) continue;
      Run writing = run.part(from + 0.8 * (to - from), to);
      write_series(staged.path(), outcome, options.language, writing);
      cache.keep(key, staged.path(), outcome, warnings_since(before, run));
      // Masks are on disk: only the table is needed from here on.
      outcome.result.labels = Labels();
    }
    for (SeriesPlan& series : study.series) series.image = Image();
  }

  run.progress(0.92, "report");
  const ReportDocument document = report_document(plan, outcomes);
  write_atomic(staged.path() / "report.html", to_html(document, options.language));
  write_atomic(staged.path() / "report.pdf", to_pdf(document, options.language, newest_date(plan)));
  const Json summary = summary_json(plan, outcomes, run.warnings(), options.language);
  write_atomic(staged.path() / "summary.json", to_text(summary));
  write_atomic(staged.path() / "measurements.csv", measurement_table(plan, outcomes).to_csv());
  run.progress(0.98, "provenance");
  write_atomic(staged.path() / "provenance.json",
               to_text(provenance(options, plan, expected, started, seconds_since(start), staged.path(), run)));
  run.check();
  staged.commit();
  run.progress(1.0, "done");
  return summary;
}

}  // namespace gantry::analysis
