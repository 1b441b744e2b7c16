// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/sources.h"

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/slabs.h"
#include "gantry/dicom/study.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/io/io.h"
#include "gantry/io/write_slabs.h"
#include "gantry/operation/contours_port.h"
#include "gantry/operation/dicom_port.h"
#include "gantry/operation/kspace_port.h"
#include "gantry/operation/phantom_summary.h"
#include "gantry/operation/phantom_table.h"
#include "gantry/operation/points_port.h"
#include "gantry/operation/vectors_port.h"
#include "gantry/operation/video_port.h"

namespace gantry {

namespace {

/// "phantom:sphere" -> "phantom"; a path such as "C:x" or "./a:b" has none: schemes are known words.
std::string scheme_of(const std::string& reference) {
  const auto colon = reference.find(':');
  if (colon == std::string::npos || colon < 2 || reference.find('/') < colon || reference.find('.') < colon) return {};
  return reference.substr(0, colon);
}

/// The only series of the input that holds an image, or the one with this UID; its warnings are passed on.
const dicom::Series& chosen_series(const dicom::Input& input, const std::string& name, const std::string& series_uid, Run& run) {
  std::vector<const dicom::Series*> found;
  std::string refusal;
  for (const dicom::Study& study : input.studies) {
    for (const dicom::Series& series : study.series) {
      if (!series_uid.empty() && series.series_uid != series_uid) continue;
      if (series.reason.empty()) {
        found.push_back(&series);
      } else if (refusal.empty()) {
        refusal = series.reason;
      }
    }
  }
  if (found.size() > 1) {
    const auto volumes = std::count_if(found.begin(), found.end(), [](const dicom::Series* series) { return series->is_volume; });
    if (volumes == 1) found = {*std::find_if(found.begin(), found.end(), [](const dicom::Series* series) { return series->is_volume; })};
  }
  if (found.empty()) {
    if (refusal.empty() && input.files.size() == 1) refusal = input.files.front().reason;
    throw Error(refusal.empty() ? ErrorCode::unreadable : ErrorCode::refused,
                fmt::format("{}: {}", name,
                            !refusal.empty()     ? refusal
                            : series_uid.empty() ? "holds no image that can be read"
                                                 : "holds no such series"));
  }
  if (found.size() > 1) {
    std::vector<std::string> uids;
    for (const auto* series : found) uids.push_back(series->series_uid);
    throw Error(ErrorCode::refused, fmt::format("{}: holds {} series; choose one with --series: {}", name, found.size(), join(uids, ", ")));
  }
  for (const std::string& warning : found.front()->warnings) run.warn(warning);
  return *found.front();
}

bool is_no_dicom(const Path& path) {
  std::error_code ignored;
  return !std::filesystem::is_directory(path, ignored) && io::is_image_file(path);
}

}  // namespace

Sources::Sources(bool paths) : paths_(paths) {
  add("phantom", [](const PortInfo& type, const std::string& name, Run&) {
    if (&type == &port_info<Table>()) return Value(phantom_table(name));
    if (&type == &port_info<Json>()) return Value(phantom_summary(name));
    if (&type == &port_info<Contours>()) return Value(phantom_contours(name));
    if (&type == &port_info<PointSet>()) return Value(phantom_points(name));
    if (&type == &port_info<DicomFiles>()) return Value(phantom_dicom(name));
    if (&type == &port_info<KSpace>()) return Value(phantom_kspace(name));
    if (&type == &port_info<VectorSet>()) return Value(phantom_vectors(name));
    if (&type == &port_info<Video>()) return Value(phantom_video(name));
    if (&type == &port_info<Transform>()) return Value(phantom_transform(name));
    Image image = phantom(name);
    if (&type == &port_info<Labels>()) return Value(Labels(Image(image.as<std::uint8_t>().clone()), {}));
    if (&type != &port_info<Image>()) throw Error(ErrorCode::usage, fmt::format("phantom:{}: is an image, not of type {}", name, type.id));
    return Value(std::move(image));
  });
}

Value Sources::resolve(const PortInfo& type, const std::string& reference, Run& run) const {
  const std::string scheme = scheme_of(reference);
  std::error_code ignored;
  if (!scheme.empty() && !(paths_ && std::filesystem::exists(reference, ignored))) {
    const auto resolver = resolvers_.find(scheme);
    if (resolver == resolvers_.end()) throw Error(ErrorCode::usage, fmt::format("{}: no source of this kind is open", scheme));
    return resolver->second(type, reference.substr(scheme.size() + 1), run);
  }
  if (!paths_) throw Error(ErrorCode::not_permitted, "input: paths are not accepted here; upload the data instead");
  const Path path(reference);
  if (!std::filesystem::exists(path, ignored))
    throw Error(ErrorCode::not_found, fmt::format("{}: no such file or folder", path.filename().string()));
  if (&type == &port_info<Image>()) return Value(read_any_image(path, run));
  return Value(type, type.read(path, run));
}

Image read_any_image(const Path& path, Run& run, const std::string& series_uid, bool stored) {
  if (is_no_dicom(path)) return io::read(path, run, {.stored = stored});
  const dicom::Input input = dicom::read_dicom({&path, 1}, run);
  return dicom::load(chosen_series(input, path.filename().string(), series_uid, run), run, stored);
}

void copy_any_image(const Path& from, const Path& to, Run& run, const std::string& series_uid, bool stored) {
  const std::string name = from.filename().string();
  const auto write = [&](const Image& image) { with_context(to.filename().string(), [&] { io::write(to, image, run); }); };
  if (is_no_dicom(from)) return write(with_context(name, [&] { return io::read(from, run, {.stored = stored}); }));
  const dicom::Input input = with_context(name, [&] { return dicom::read_dicom({&from, 1}, run); });
  const dicom::Series& series = with_context(name, [&]() -> const dicom::Series& { return chosen_series(input, name, series_uid, run); });
  const std::optional<SlabSource> slabs = with_context(name, [&] { return dicom::slabs(series, stored); });
  if (slabs && io::write_slabs(to, *slabs, run)) return;
  write(with_context(name, [&] { return dicom::load(series, run, stored); }));
}

}  // namespace gantry
