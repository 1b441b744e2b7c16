// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/dicom_port.h"

#include <algorithm>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/data_set.h"
#include "gantry/dicom/iod/write.h"
#include "gantry/image/phantom/phantom.h"

namespace gantry {

namespace {

constexpr std::uint64_t most_dicom_bytes = std::uint64_t{1} << 34;
constexpr std::string_view bundle_mark = "GANTRY-DICOM-1\n";

DicomFiles::File file_of(std::string name, Bytes bytes) { return {std::move(name), std::make_shared<const Bytes>(std::move(bytes))}; }

template <class T>
void put_number(Bytes& bytes, T value) {
  bytes.resize(bytes.size() + sizeof(T));
  std::memcpy(bytes.data() + bytes.size() - sizeof(T), &value, sizeof(T));
}

template <class T>
T take_number(std::span<const std::byte>& rest) {
  if (rest.size() < sizeof(T)) throw Error(ErrorCode::unreadable, "DICOM objects: end too early");
  T value;
  std::memcpy(&value, rest.data(), sizeof(T));
  rest = rest.subspan(sizeof(T));
  return value;
}

std::span<const std::byte> take_bytes(std::span<const std::byte>& rest, std::uint64_t count) {
  if (count > rest.size()) throw Error(ErrorCode::unreadable, "DICOM objects: end too early");
  const auto part = rest.first(count);
  rest = rest.subspan(count);
  return part;
}

/// A name that stays inside the folder into which it is written.
void check_name(const std::string& name) {
  const Path path(name);
  if (name.empty() || path.is_absolute() || std::any_of(path.begin(), path.end(), [](const Path& part) { return part == ".."; }))
    throw Error(ErrorCode::refused, "DICOM objects: names must stay inside their folder");
}

}  // namespace

DicomFiles PortType<DicomFiles>::read(const Path& path, Run& run) {
  DicomFiles objects;
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    objects.files.push_back(file_of(path.filename().string(), read_bytes(path, most_dicom_bytes)));
    return objects;
  }
  std::vector<Path> paths;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(path, std::filesystem::directory_options::skip_permission_denied)) {
    if (entry.is_regular_file(ignored)) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::uint64_t total = 0;
  std::size_t others = 0;
  for (const Path& one : paths) {
    run.check();
    total += std::filesystem::file_size(one, ignored);
    if (total > most_dicom_bytes) throw Error(ErrorCode::refused, "DICOM objects: at most 16 GiB are read at once");
    Bytes bytes = read_bytes(one, most_dicom_bytes);
    if (!dicom::looks_like_dicom(bytes)) {
      ++others;
      continue;
    }
    objects.files.push_back(file_of(one.lexically_relative(path).generic_string(), std::move(bytes)));
  }
  if (others > 0) run.warn(fmt::format("{} files that are no DICOM objects were passed over", others));
  if (objects.files.empty()) throw Error(ErrorCode::unreadable, fmt::format("{}: holds no DICOM objects", path.filename().string()));
  return objects;
}

void PortType<DicomFiles>::write(const Path& path, const DicomFiles& objects, Run& run) {
  if (lower(path.extension().string()) == ".dcm") {
    if (objects.files.size() != 1)
      throw Error(ErrorCode::not_possible,
                  fmt::format("{} objects: must be written into a folder, a name without .dcm", objects.files.size()));
    write_atomic(path, *objects.files.front().bytes);
    return;
  }
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_empty(path, ignored))
    throw Error(ErrorCode::refused, "must be a new or empty folder");
  StagedFolder folder(path);
  for (const DicomFiles::File& file : objects.files) {
    run.check();
    check_name(file.name);
    const Path target = folder.path() / file.name;
    std::filesystem::create_directories(target.parent_path());
    write_atomic(target, *file.bytes);
  }
  folder.commit();
}

Bytes PortType<DicomFiles>::to_bytes(const DicomFiles& objects) {
  if (objects.files.size() == 1) return *objects.files.front().bytes;
  Bytes bytes;
  for (const char letter : bundle_mark) put_number(bytes, letter);
  for (const DicomFiles::File& file : objects.files) {
    put_number(bytes, static_cast<std::uint32_t>(file.name.size()));
    for (const char letter : file.name) put_number(bytes, letter);
    put_number<std::uint64_t>(bytes, file.bytes->size());
    bytes.insert(bytes.end(), file.bytes->begin(), file.bytes->end());
  }
  return bytes;
}

DicomFiles PortType<DicomFiles>::from_bytes(std::span<const std::byte> bytes) {
  DicomFiles objects;
  if (bytes.size() < bundle_mark.size() || std::memcmp(bytes.data(), bundle_mark.data(), bundle_mark.size()) != 0) {
    objects.files.push_back(file_of("object.dcm", Bytes(bytes.begin(), bytes.end())));
    return objects;
  }
  for (auto rest = bytes.subspan(bundle_mark.size()); !rest.empty();) {
    const auto letters = take_bytes(rest, take_number<std::uint32_t>(rest));
    std::string name(reinterpret_cast<const char*>(letters.data()), letters.size());
    check_name(name);
    const auto content = take_bytes(rest, take_number<std::uint64_t>(rest));
    objects.files.push_back(file_of(std::move(name), Bytes(content.begin(), content.end())));
  }
  return objects;
}

namespace {

/// Two boxes on the grid, the first moved by `shift` along x and `slices` high.
Labels two_boxes(const Grid& grid, std::int64_t shift, std::int64_t slices) {
  Voxels<std::uint8_t> values(grid);
  for (std::int64_t k = 2; k < 6; ++k) {
    for (std::int64_t j = 6; j < 16; ++j) {
      for (std::int64_t i = 4; i < 14 && k < 2 + slices; ++i) values(i + shift, j, k) = 1;
      for (std::int64_t i = 22; i < 28 && j < 12; ++i) values(i, j, k) = 2;
    }
  }
  return Labels(Image(std::move(values)), {label_of(1, "liver", "boxes"), label_of(2, "spleen", "boxes")});
}

DicomFiles segmentation_versions() {
  dicom::Series source{.study_uid = "1.2.826.0.1.3680043.9.9999.16",
                       .series_uid = "1.2.826.0.1.3680043.9.9999.16.1",
                       .frame_of_reference_uid = "1.2.826.0.1.3680043.9.9999.16.2",
                       .modality = "CT",
                       .number = 1};
  source.grid = Grid({32, 32, 8}, {1, 1, 2.5});
  for (std::int64_t k = 0; k < 8; ++k) {
    dicom::Instance slice;
    slice.sop_class_uid = "1.2.840.10008.5.1.4.1.1.2";
    slice.sop_instance_uid = fmt::format("{}.{}", source.series_uid, k + 1);
    slice.position_mm = source.grid.world_from_voxel({0, 0, static_cast<double>(k)});
    source.instances.push_back(std::move(slice));
  }
  const TemporaryFolder folder;
  Run run;
  const auto write = [&](const char* name, const Labels& labels, const dicom::SegmentationVersion& version) {
    return dicom::write_segmentation(folder.path() / "seg" / name, source, labels, run, {}, dicom::SegmentationSeries::structures, version)
        .sop_instance_uid;
  };
  std::filesystem::create_directory(folder.path() / "seg");
  const std::string first = write("1.dcm", two_boxes(source.grid, 0, 4), {});
  write("2.dcm", two_boxes(source.grid, 2, 4),
        {.creator = "Reader^Anna", .date = "20260301", .time = "101500", .predecessor = first, .algorithm_type = "MANUAL"});
  write("3.dcm", two_boxes(source.grid, 0, 3),
        {.creator = "Reader^Ben",
         .date = "20260302",
         .time = "090000",
         .algorithm_type = "MANUAL",
         .series_description = "Corrected",
         .series_uid = "1.2.826.0.1.3680043.9.9999.16.3"});
  return PortType<DicomFiles>::read(folder.path() / "seg", run);
}

}  // namespace

DicomFiles phantom_dicom(std::string_view name) {
  if (name == "versions") return segmentation_versions();
  if (name != "slice")
    throw Error(ErrorCode::usage, fmt::format("phantom:{}: there are no such DICOM objects; must be slice or versions", name));
  const Image head = phantom("shepp_logan");
  const Grid grid = head.grid().cropped({0, 0, 32}, {64, 64, 1});
  auto slice = Voxels<std::int16_t>::uninitialized(grid);
  const auto values = head.as<float>();
  for (std::int64_t n = 0; n < slice.count(); ++n) slice[n] = static_cast<std::int16_t>(std::lround(1000 * values[n + 32 * 64 * 64]));
  const TemporaryFolder folder;
  Run run;
  dicom::write_image_as_dicom(folder.path() / "ct", Image(std::move(slice)), "CT", "1.2.840.10008.1.2.1", run);
  DicomFiles objects = PortType<DicomFiles>::read(folder.path() / "ct", run);
  objects.files.front().name = "object.dcm";
  return objects;
}

}  // namespace gantry
