// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/study_input.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "gantry/analysis/ct_content.h"
#include "gantry/analysis/outcome_cache.h"
#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/io/io.h"
#include "gantry/volume/measure.h"

namespace gantry::analysis {

namespace {

namespace fs = std::filesystem;

bool has_volume_ending(const Path& path) {
  const std::string name = lower(path.filename().string());
  for (const char* ending : {".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

std::string relative_name(const Path& path, const std::vector<Path>& inputs) {
  for (const Path& input : inputs) {
    std::error_code ignored;
    if (!fs::is_directory(input, ignored)) continue;
    const Path relative = path.lexically_relative(input);
    if (!relative.empty() && *relative.begin() != "..") return relative.generic_string();
  }
  return path.filename().string();
}

std::vector<Path> files_of(const std::vector<Path>& inputs) {
  std::vector<Path> files;
  for (const Path& input : inputs) {
    std::error_code ignored;
    if (fs::is_directory(input, ignored)) {
      for (const auto& entry : fs::recursive_directory_iterator(input, fs::directory_options::skip_permission_denied)) {
        if (entry.is_regular_file(ignored)) files.push_back(entry.path());
      }
    } else {
      files.push_back(input);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The words by which a profile may know the body part. A body part that the header states outranks all descriptions: "T1" in the name of
/// a series says nothing about a thigh.
std::string words_of(const SeriesPlan& plan, const dicom::Header& study) {
  const dicom::Header& header = plan.series.header;
  const std::string part = lower(trim(header.text("BodyPartExamined").value_or("")));
  constexpr std::array unstated{"", "unknown", "other", "none", "n/a", "wholebody", "whole body"};
  if (std::find(unstated.begin(), unstated.end(), part) == unstated.end()) return part;
  std::string words = plan.series.description;
  for (const char* keyword : {"ProtocolName", "SequenceName", "ScanningSequence", "RequestedProcedureDescription"}) {
    if (const auto text = header.text(keyword)) words += " " + *text;
  }
  if (const auto text = study.text("StudyDescription")) words += " " + *text;
  return lower(words);
}

bool is_localizer(const dicom::Series& series) {
  const auto type = series.header.text("ImageType");
  return type && (type->find("LOCALIZER") != std::string::npos || type->find("SCOUT") != std::string::npos);
}

/// Of two series of the same kind the one with thinner slices, then more voxels, then the lower number is analysed.
bool better(const SeriesPlan& a, const SeriesPlan& b) {
  const double za = a.series.grid.spacing_mm().z, zb = b.series.grid.spacing_mm().z;
  if (std::abs(za - zb) > 0.05) return za < zb;
  if (a.series.grid.voxel_count() != b.series.grid.voxel_count()) return a.series.grid.voxel_count() > b.series.grid.voxel_count();
  return a.series.number < b.series.number;
}

/// Whether two series can be reconstructions of one acquisition: the same frame of reference, and nothing in the header that tells their
/// contrast apart (echo, repetition and inversion times of MR; contrast agent and acquisition of CT).
bool same_acquisition(const SeriesPlan& a, const SeriesPlan& b) {
  if (a.series.frame_of_reference_uid.empty() || a.series.frame_of_reference_uid != b.series.frame_of_reference_uid) return false;
  const auto number = [](const SeriesPlan& plan, const char* keyword) { return plan.series.header.number(keyword).value_or(-1); };
  const auto words = [](const SeriesPlan& plan, const char* keyword) { return lower(trim(plan.series.header.text(keyword).value_or(""))); };
  for (const char* keyword : {"EchoTime", "RepetitionTime", "InversionTime", "AcquisitionNumber"}) {
    const double x = number(a, keyword), y = number(b, keyword);
    if (!(std::abs(x - y) <= 0.02 * std::max(std::abs(x), std::abs(y)))) return false;
  }
  for (const char* keyword : {"ContrastBolusAgent", "ScanningSequence", "SequenceVariant"}) {
    if (words(a, keyword) != words(b, keyword)) return false;
  }
  return true;
}

/// Share of the shorter extent along z that two volumes have in common.
double common_extent(const Grid& a, const Grid& b) {
  const auto range = [](const Grid& grid) {
    double low = 1e30, high = -1e30;
    for (int corner = 0; corner < 8; ++corner) {
      Vec3 voxel;
      for (int axis = 0; axis < 3; ++axis) voxel[axis] = (corner >> axis & 1) != 0 ? static_cast<double>(grid.size(axis)) : 0.0;
      const double z = grid.world_from_voxel(voxel).z;
      low = std::min(low, z);
      high = std::max(high, z);
    }
    return std::pair{low, high};
  };
  const auto [al, ah] = range(a);
  const auto [bl, bh] = range(b);
  return std::max(0.0, std::min(ah, bh) - std::max(al, bl)) / std::max(1e-6, std::min(ah - al, bh - bl));
}

void read_volume_files(const AnalyzeOptions& options, InputPlan& plan, Run& run) {
  for (const Path& path : files_of(options.inputs)) {
    run.check();
    if (!has_volume_ending(path)) {
      plan.files_skipped.push_back({relative_name(path, options.inputs), "no DICOM and no volume file (NIfTI, NRRD, MetaImage)"});
      continue;
    }
    try {
      SeriesPlan series;
      series.file = path;
      series.image = io::read(path, run);
      if (series.image.components() != 1 || is_complex(series.image.type())) {
        throw Error(ErrorCode::refused, "volume: must have one real value a voxel");
      }
      if (series.image.frames() > 1) {
        plan.files_skipped.push_back({relative_name(path, options.inputs), "several time points; volumes of one are analysed"});
        continue;
      }
      const std::string digest = Sha256().add(read_bytes(path)).finish_hex();
      StudyPlan study;
      study.study_uid = derived_uid("study " + digest);
      study.warnings.push_back("the input has no DICOM header: study and series UIDs are derived from its content");
      series.modality = options.modality;
      if (series.modality.empty()) {
        series.modality = guess_modality(series.image);
        study.warnings.push_back(fmt::format("the modality is inferred from the values: {}; --modality states it", series.modality));
      }
      series.series.study_uid = study.study_uid;
      series.series.series_uid = derived_uid("series " + digest);
      series.series.frame_of_reference_uid = derived_uid("frame of reference " + digest);
      series.series.modality = series.modality;
      series.series.description = "";
      series.series.number = 1;
      series.series.grid = series.image.grid();
      series.series.is_volume = series.image.grid().size(2) > 1;
      study.series.push_back(std::move(series));
      plan.studies.push_back(std::move(study));
      ++plan.files_read;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled) throw;
      plan.files_skipped.push_back({relative_name(path, options.inputs), error.message()});
    }
  }
}

void read_dicom_studies(const AnalyzeOptions& options, InputPlan& plan, Run& run) {
  dicom::Input input = dicom::read_dicom(options.inputs, run);
  for (const dicom::FileEntry& file : input.files) {
    if (file.readable) {
      ++plan.files_read;
    } else {
      plan.files_skipped.push_back({relative_name(file.path, options.inputs), file.reason.empty() ? "not readable" : file.reason});
    }
  }
  for (dicom::Study& study : input.studies) {
    StudyPlan entry;
    entry.study_uid = study.study_uid;
    entry.header = study.header;
    for (dicom::Series& series : study.series) {
      SeriesPlan one;
      one.modality = series.modality;
      one.reason = series.reason;
      one.series = std::move(series);
      entry.series.push_back(std::move(one));
    }
    plan.studies.push_back(std::move(entry));
  }
  const bool any_image = std::any_of(plan.studies.begin(), plan.studies.end(), [](const StudyPlan& study) {
    return std::any_of(study.series.begin(), study.series.end(), [](const SeriesPlan& s) { return s.reason.empty(); });
  });
  if (!any_image && plan.studies.empty()) plan.files_read = 0;
}

void choose_profile(SeriesPlan& plan, const StudyPlan& study, const AnalyzeOptions& options, const std::vector<Profile>& profiles,
                    Run& run) {
  SeriesTraits traits;
  traits.modality = plan.modality;
  traits.words = words_of(plan, study.header);
  if (!plan.file.empty() && plan.modality == "MR") traits.words += " head";  // no header says the body part: the method checks the voxels
  traits.is_volume = plan.series.is_volume;
  if (!options.profile.empty()) {
    for (const Profile& profile : profiles) {
      if (profile.id == options.profile && (profile.applies_to.modalities.empty() || applies(profile, [&] {
                                              SeriesTraits stated = traits;
                                              stated.contents = profile.applies_to.contents;
                                              for (const std::string& word : profile.applies_to.body_parts)
                                                stated.words += " " + lower(word);
                                              return stated;
                                            }()))) {
        plan.profile = &profile;
      }
    }
    if (!plan.profile) plan.reason = fmt::format("profile {} is not for this kind of series", options.profile);
    return;
  }
  const bool asks_content = std::any_of(profiles.begin(), profiles.end(), [&](const Profile& profile) {
    SeriesTraits all = traits;
    all.contents = profile.applies_to.contents;
    return !profile.applies_to.contents.empty() && applies(profile, all);
  });
  if (asks_content) {
    const OutcomeCache cache(options);
    const std::string key = cache.contents_key(plan);
    if (const auto known = cache.contents(key, run)) {
      traits.contents = *known;
    } else {
      const std::size_t before = run.warnings().size();
      if (plan.image.empty()) plan.image = load_series(plan, run);
      traits.contents = ct_contents(plan.image, run);
      cache.keep_contents(key, traits.contents, warnings_since(before, run));
    }
  }
  for (const Profile& profile : profiles) {
    if (!applies(profile, traits)) continue;
    plan.profile = &profile;
    return;
  }
  plan.reason = "no profile applies to this kind of series";
}

}  // namespace

Image load_series(const SeriesPlan& plan, Run& run) {
  if (!plan.image.empty()) return plan.image;
  if (!plan.file.empty()) return io::read(plan.file, run);
  return dicom::load(plan.series, run);
}

std::string guess_modality(const Image& image) {
  std::vector<float> sample;
  const std::int64_t step = std::max<std::int64_t>(1, image.count() / 200000);
  visit_real(image, [&](const auto& view) {
    for (std::int64_t n = 0; n < image.count(); n += step) {
      const auto value = static_cast<float>(view[n]);
      if (std::isfinite(value)) sample.push_back(value);
    }
  });
  if (sample.empty()) return "OT";
  const double low = quantile(sample, 0.02), high = quantile(sample, 0.999);
  const auto air = std::count_if(sample.begin(), sample.end(), [](float v) { return v < -700; });
  if (low < -150 && air > 0 && high < 20000) return "CT";
  const bool fractions = std::any_of(sample.begin(), sample.end(), [](float v) { return v != std::floor(v); });
  if (low >= 0 && fractions && high < 100 && high > 1.5) return "PT";
  return "MR";
}

InputPlan plan_input(const AnalyzeOptions& options, const std::vector<Profile>& profiles, Run& run) {
  for (const Path& input : options.inputs) {
    std::error_code ignored;
    if (!fs::exists(input, ignored))
      throw Error(ErrorCode::not_found, fmt::format("{}: no such file or folder", input.filename().string()));
  }
  InputPlan plan;
  read_dicom_studies(options, plan, run);
  if (plan.studies.empty()) {
    plan.files_skipped.clear();
    plan.files_read = 0;
    read_volume_files(options, plan, run);
  }
  std::size_t number = 0;
  for (StudyPlan& study : plan.studies) {
    for (SeriesPlan& series : study.series) {
      series.key = fmt::format("{}-{}", ++number, series.modality.empty() ? "ot" : lower(series.modality));
      std::erase_if(series.key, [](char c) { return !(std::isalnum(static_cast<unsigned char>(c)) || c == '-'); });
      series.role = "not_used";
      if (!series.reason.empty()) continue;
      if (is_localizer(series.series)) {
        series.reason = "a localizer: shows where other series were taken";
        continue;
      }
      try {
        choose_profile(series, study, options, profiles, run);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        series.reason = error.message();
        continue;
      }
      if (!series.profile) continue;
      series.used = true;
      series.role = "analysed";
      series.reason = fmt::format("profile {}", series.profile->id);
    }
    // Several reconstructions of one acquisition: one is enough.
    for (SeriesPlan& a : study.series) {
      for (const SeriesPlan& b : study.series) {
        if (&a == &b || !a.used || !b.used || a.profile != b.profile || a.profile->priority <= 0 || a.modality != b.modality) continue;
        if (a.modality == "PT" || !same_acquisition(a, b)) continue;
        if (a.modality == "CT" && common_extent(a.series.grid, b.series.grid) < 0.6) continue;
        if (better(a, b) || (!better(b, a) && &a < &b)) continue;
        a.used = false;
        a.role = "not_used";
        a.reason = fmt::format("series {} shows the same with thinner or more slices", b.series.number);
        a.image = Image();
        break;
      }
    }
    for (SeriesPlan& pet : study.series) {
      if (!pet.used || pet.modality != "PT") continue;
      for (std::size_t n = 0; n < study.series.size(); ++n) {
        SeriesPlan& other = study.series[n];
        if (other.modality != "CT" || !other.series.is_volume || !other.series.reason.empty() || other.role == "not_used") continue;
        if (common_extent(pet.series.grid, other.series.grid) > 0.3) pet.companions.push_back(n);
      }
    }
  }
  const bool any = std::any_of(plan.studies.begin(), plan.studies.end(), [](const StudyPlan& study) {
    return std::any_of(study.series.begin(), study.series.end(), [](const SeriesPlan& series) { return series.used; });
  });
  if (!any && plan.studies.empty()) {
    const std::string why = plan.files_skipped.empty() ? "no files" : plan.files_skipped.front().reason;
    throw Error(ErrorCode::unreadable, fmt::format("input: must hold at least one image; {} {}, first: {}", plan.files_skipped.size(),
                                                   plan.files_skipped.size() == 1 ? "file" : "files", why));
  }
  return plan;
}

}  // namespace gantry::analysis
