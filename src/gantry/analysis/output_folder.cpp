// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/output_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/dicom/iod/write.h"
#include "gantry/io/io.h"

namespace gantry::analysis {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_below(const Path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory() || entry.is_symlink()) files.push_back(entry.path().lexically_relative(folder).generic_string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// 1 where the label is one of `values`.
Image mask_of(const VoxelView<std::uint8_t>& labels, const std::vector<int>& values, const Run& run) {
  std::array<std::uint8_t, 256> table{};
  for (const int value : values) table[static_cast<std::size_t>(value & 255)] = 1;
  auto mask = Voxels<std::uint8_t>::uninitialized(labels.grid());
  parallel_for(run, mask.count(), 1 << 20, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) mask[n] = table[labels[n]];
  });
  return Image(std::move(mask));
}

/// Numbered segments (`lung_nodule.3`) share one file, in which the third has the value 3.
std::string family(const std::string& id) { return id.substr(0, id.find('.')); }

void write_masks(const Path& folder, SeriesOutcome& outcome, Run& run) {
  const SeriesResult& result = outcome.result;
  if (result.labels.image().empty()) return;
  const VoxelView<std::uint8_t> labels = result.labels.image().as<std::uint8_t>();
  outcome.files.assign(result.segments.size(), "");
  outcome.file_values.assign(result.segments.size(), 1);
  fs::create_directories(folder / "segmentations");
  std::set<std::string> numbered;
  for (std::size_t n = 0; n < result.segments.size(); ++n) {
    run.check();
    const Segment& segment = result.segments[n];
    const std::string name = family(segment.id);
    const std::string file = fmt::format("segmentations/{}-{}.nii.gz", outcome.plan->key, name);
    outcome.files[n] = file;
    if (name == segment.id) {
      std::vector<int> values = segment.includes;
      values.push_back(segment.label_value);
      io::write(folder / file, mask_of(labels, values, run), run);
      continue;
    }
    outcome.file_values[n] = static_cast<int>(parse_integer(segment.id.substr(name.size() + 1)).value_or(1));
    if (!numbered.insert(name).second) continue;
    std::array<std::uint8_t, 256> table{};
    for (const Segment& other : result.segments) {
      if (family(other.id) != name || other.id == name) continue;
      table[static_cast<std::size_t>(other.label_value & 255)] =
          static_cast<std::uint8_t>(parse_integer(other.id.substr(name.size() + 1)).value_or(1));
    }
    auto values = Voxels<std::uint8_t>::uninitialized(labels.grid());
    for (std::int64_t v = 0; v < values.count(); ++v) values[v] = table[labels[v]];
    io::write(folder / file, Image(std::move(values)), run);
  }
}

/// What one segmentation object holds of a result: rows of structures or of lesions, and what belongs to each.
struct ObjectParts {
  std::vector<Label> rows;
  dicom::SegmentIncludes includes;
};
ObjectParts parts_for_object(const SeriesResult& result, bool lesions) {
  ObjectParts parts;
  for (const Segment& segment : result.segments) {
    if (structure(segment.id).lesion != lesions || segment.id == "body") continue;
    const Label* row = result.labels.find(segment.label_value);
    if (!row) continue;
    parts.rows.push_back(*row);
    if (segment.id != family(segment.id)) parts.rows.back().name += " " + segment.id.substr(family(segment.id).size() + 1);
    if (!segment.includes.empty()) parts.includes[segment.label_value] = segment.includes;
  }
  return parts;
}

void write_objects(const Path& folder, SeriesOutcome& outcome, const std::string& language, Run& run) {
  const SeriesPlan& plan = *outcome.plan;
  const SeriesResult& result = outcome.result;
  if (plan.series.instances.empty()) return;
  const Path dicom_folder = folder / "dicom";
  fs::create_directories(dicom_folder);
  const auto attempt = [&](const std::string& what, const auto& body) {
    try {
      body();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled || error.code() == ErrorCode::disk_full) throw;
      outcome.result.warnings.push_back(fmt::format("{} of series {} was not written: {}", what, plan.key, error.message()));
    }
  };
  struct Place {
    std::string sop_instance_uid, series_uid;
    int number = 0;
  };
  std::map<int, Place> placed;  // by label value
  if (!result.labels.image().empty() && plan.series.is_volume) {
    for (const bool lesions : {false, true}) {
      attempt("segmentation", [&] {
        ObjectParts parts = parts_for_object(result, lesions);
        if (parts.rows.empty()) return;
        const Labels labels(result.labels.image(), std::move(parts.rows));
        const std::string name = fmt::format("{}-{}.dcm", plan.key, lesions ? "segmentation-lesions" : "segmentation");
        const dicom::WrittenSegmentation written =
            dicom::write_segmentation(dicom_folder / name, plan.series, labels, run, parts.includes,
                                      lesions ? dicom::SegmentationSeries::lesions : dicom::SegmentationSeries::structures);
        for (const auto& [value, number] : written.segment_number)
          placed[value] = {written.sop_instance_uid, written.series_instance_uid, number};
      });
    }
  }
  attempt("structured report", [&] {
    std::vector<dicom::MeasurementGroup> groups;
    const auto group_of = [&](const std::string& segment_id, const std::string& tracking) -> dicom::MeasurementGroup& {
      for (auto& group : groups) {
        if (group.tracking_id == tracking) return group;
      }
      dicom::MeasurementGroup group;
      group.segment = segment_id;
      group.tracking_id = tracking;
      for (const Segment& segment : result.segments) {
        const auto at = segment.id == segment_id ? placed.find(segment.label_value) : placed.end();
        if (at == placed.end()) continue;
        group.segmentation_sop_instance_uid = at->second.sop_instance_uid;
        group.segmentation_series_uid = at->second.series_uid;
        group.segment_number = at->second.number;
      }
      groups.push_back(std::move(group));
      return groups.back();
    };
    for (const Finding& finding : result.findings) {
      if (!finding.value) continue;
      const std::string tracking = finding.segment.empty() ? "series" : finding.segment;
      group_of(finding.segment, tracking).findings.push_back(finding);
    }
    if (!groups.empty()) {
      dicom::write_measurement_report(dicom_folder / (plan.key + "-measurements.dcm"), plan.series, groups, language, run);
    }
  });
  int number = 0;
  for (const ReportDocument::KeyImage& image : result.images) {
    ++number;
    attempt("key image", [&] {
      dicom::write_secondary_capture(dicom_folder / fmt::format("{}-key-image-{}.dcm", plan.key, number), plan.series, image.rgb,
                                     image.caption.in(language), number, run);
    });
  }
}

}  // namespace

void check_replaceable(const Path& output) {
  std::error_code ignored;
  if (!fs::exists(output, ignored)) return;
  const std::string name = output.filename().empty() ? output.parent_path().filename().string() : output.filename().string();
  if (!fs::is_directory(output, ignored)) throw Error(ErrorCode::usage, fmt::format("output {}: must be a folder; got a file", name));
  const std::vector<std::string> present = files_below(output);
  if (present.empty()) return;
  std::set<std::string> listed{"provenance.json"};
  if (fs::exists(output / "provenance.json", ignored)) {
    try {
      const Json provenance = parse_json(read_text(output / "provenance.json", 64 << 20));
      for (const Json& file : provenance.at("files")) listed.insert(file.at("path").get<std::string>());
    } catch (const std::exception&) {
      listed = {};
    }
  } else {
    listed = {};
  }
  for (const std::string& file : present) {
    if (listed.contains(file)) continue;
    throw Error(
        ErrorCode::usage,
        fmt::format("output {}: must be missing, empty, or hold only files that its provenance.json lists; found '{}'", name, file));
  }
}

void write_series(const Path& folder, SeriesOutcome& outcome, const std::string& language, Run& run) {
  const Run part = run.part(0.0, 0.6, "masks");
  Run masks = part;
  write_masks(folder, outcome, masks);
  Run objects = run.part(0.6, 0.95, "DICOM objects");
  write_objects(folder, outcome, language, objects);
  if (!outcome.result.images.empty()) fs::create_directories(folder / "figures");
  for (const ReportDocument::KeyImage& image : outcome.result.images) {
    io::write(folder / replace_all(image.file, "figures/", "figures/" + outcome.plan->key + "-"), image.rgb, objects);
  }
}

Json file_list(const Path& folder) {
  Json list = Json::array();
  for (const std::string& file : files_below(folder)) {
    const Bytes bytes = read_bytes(folder / file);
    list.push_back({{"path", file}, {"bytes", bytes.size()}, {"sha256", sha256_hex(bytes)}});
  }
  return list;
}

}  // namespace gantry::analysis
