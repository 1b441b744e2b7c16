// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <set>
#include <system_error>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/dicom/assembly.h"

namespace gantry::dicom {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_files = 2000000;

/// One thing that may be a DICOM object, and what became of it.
struct Candidate {
  Origin origin;
  FileEntry entry;
  bool settled = false;        ///< the entry is final, nothing to parse
  std::vector<Path> referred;  ///< by a DICOMDIR
  Object object;
};

/// What a file that is not DICOM seems to be.
std::string other_kind(std::span<const std::byte> first, const Path& path) {
  const auto starts = [&](std::string_view magic, std::size_t at = 0) {
    return first.size() >= at + magic.size() && std::memcmp(first.data() + at, magic.data(), magic.size()) == 0;
  };
  const std::string name = lower(path.filename().string());
  const auto ends = [&](std::string_view ending) { return name.size() >= ending.size() && name.ends_with(ending); };
  if (starts("n+1", 344) || starts("ni1", 344) || starts("n+2", 4) || ends(".nii") || ends(".nii.gz")) return "NIfTI";
  if (starts("NRRD")) return "NRRD";
  if (starts("\x89PNG")) return "PNG";
  if (starts("\xFF\xD8\xFF")) return "JPEG";
  if (starts("\x93NUMPY")) return "NPY";
  if (starts("PK\x03\x04")) return "zip archive";
  if (starts("ObjectType") || ends(".mha") || ends(".mhd")) return "MetaImage";
  if (starts("%PDF")) return "PDF";
  if (starts("\x1F\x8B")) return "gzip archive";
  const bool readable = std::all_of(first.begin(), first.end(), [](std::byte b) {
    return b >= std::byte{0x20} || b == std::byte{'\n'} || b == std::byte{'\r'} || b == std::byte{'\t'};
  });
  if (first.empty()) return "empty file";
  return readable ? "text" : "unknown";
}

void add_folder(const Path& folder, std::vector<Candidate>& candidates) {
  std::error_code error;
  fs::recursive_directory_iterator walk(folder, fs::directory_options::skip_permission_denied, error);
  if (error) {
    Candidate unreadable;
    unreadable.entry = {folder, false, "the folder cannot be listed", "folder", ""};
    unreadable.settled = true;
    candidates.push_back(std::move(unreadable));
    return;
  }
  for (const fs::recursive_directory_iterator end; walk != end; walk.increment(error)) {
    if (error || candidates.size() > max_files) break;
    if (walk.depth() > 64) walk.disable_recursion_pending();
    if (walk->is_directory(error)) continue;
    Candidate file;
    file.origin.path = walk->path();
    file.entry.path = walk->path();
    candidates.push_back(std::move(file));
  }
}

/// The files that a DICOMDIR refers to, below its folder; names are tried as written and in lower case.
std::vector<Path> referred_files(const Header::Data& data, const Path& folder) {
  std::vector<Path> files;
  for (const DataSet& record : data.root.items(0x00041220U)) {
    const auto name = record.text(0x00041500U);
    if (!name) continue;
    Path exact = folder, small = folder;
    bool inside = true;
    for (const std::string& part : split(*name, '\\')) {
      inside = inside && !part.empty() && part != "." && part != ".." && part.find('/') == std::string::npos;
      exact /= part;
      small /= lower(part);
    }
    std::error_code error;
    if (inside) files.push_back(!fs::exists(exact, error) && fs::exists(small, error) ? small : exact);
  }
  return files;
}

void examine(Candidate& candidate) {
  FileEntry& entry = candidate.entry;
  try {
    const auto reader = candidate.origin.open();
    Bytes first = first_bytes(*reader);
    if (!looks_like_dicom(first)) {
      entry.kind = other_kind(first, entry.path);
      entry.reason = first.empty() ? "the file is empty" : "is not DICOM";
      return;
    }
    entry.kind = "DICOM";
    auto data = read_header(candidate.origin, *reader, std::move(first));
    entry.transfer_syntax = data->transfer_syntax;
    if (data->root.elements().empty() && data->pixel.tag == 0) {
      entry.reason = "the data set is empty";
      return;
    }
    if (data->meta.text(0x00020002U) == "1.2.840.10008.1.3.10" || data->root.find(0x00041220U)) {
      entry.kind = "DICOMDIR";
      entry.readable = true;
      entry.reason = data->complaint;
      if (!candidate.origin.member) candidate.referred = referred_files(*data, entry.path.parent_path());
      return;
    }
    const bool identified = data->root.find(0x00080016U) || data->root.find(0x00080018U) || data->root.find(0x00080060U) ||
                            data->root.find(0x0020000EU) || data->pixel.tag != 0;
    if (!data->has_preamble && !identified) {
      entry.kind = "unknown";
      entry.reason = "is not DICOM";
      return;
    }
    candidate.object = describe_object(data);
    entry.readable = true;
    entry.kind = candidate.object.sop.kind;
    entry.reason = data->complaint;
    if (candidate.object.sop.use != SopClass::Use::no_image && !candidate.object.pixel_problem.empty()) {
      if (!entry.reason.empty()) entry.reason += "; ";
      entry.reason += candidate.object.pixel_problem;
    }
  } catch (const Error& error) {
    entry.readable = false;
    entry.reason = error.what();
    candidate.object = {};
  } catch (const std::bad_alloc&) {
    entry.reason = "needs more memory than there is";
    candidate.object = {};
  }
}

/// Replaces a zip archive by its members.
std::vector<Candidate> zip_members(const Path& path, FileEntry& archive) {
  std::vector<Candidate> members;
  archive.kind = "zip archive";
  try {
    std::uint64_t total = 0;
    for (ZipEntry& entry : zip_entries(path)) {
      Candidate member;
      member.origin = std::move(entry.origin);
      member.entry.path = path / to_valid_utf8(entry.name);
      total += member.origin.member->size;
      if (total > (std::uint64_t{1} << 36)) throw Error(ErrorCode::refused, "zip archive: its members state more than 64 GiB");
      member.entry.reason = entry.refusal;
      member.settled = !entry.refusal.empty();
      members.push_back(std::move(member));
    }
    archive.readable = true;
  } catch (const Error& error) {
    archive.reason = error.what();
    members.clear();
  }
  return members;
}

bool is_zip(const Path& path) {
  try {
    Origin origin;
    origin.path = path;
    std::array<std::byte, 4> first{};
    return origin.open()->read(0, first) == 4 && std::memcmp(first.data(), "PK\x03\x04", 4) == 0;
  } catch (const Error&) {
    return false;
  }
}

void examine_all(std::vector<Candidate>& candidates, Run& run) {
  std::atomic<std::size_t> done{0};
  parallel_for(run, static_cast<std::int64_t>(candidates.size()), 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      Candidate& candidate = candidates[static_cast<std::size_t>(n)];
      if (!candidate.settled) examine(candidate);
      candidate.settled = true;
    }
    const std::size_t count = done += static_cast<std::size_t>(end - begin);
    if (count % 512 < 8) run.progress(static_cast<double>(count) / static_cast<double>(candidates.size()), "reading headers");
  });
}

}  // namespace

Input read_dicom(std::span<const Path> paths, Run& run) {
  std::vector<Candidate> candidates;
  std::set<Path> named;
  for (const Path& path : paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      add_folder(path, candidates);
      continue;
    }
    Candidate file;
    file.origin.path = file.entry.path = path;
    if (!fs::exists(path, error)) {
      file.entry.reason = "does not exist";
      file.settled = true;
    }
    named.insert(path);
    candidates.push_back(std::move(file));
  }
  const auto by_path = [](const Candidate& a, const Candidate& b) { return a.entry.path.native() < b.entry.path.native(); };
  const auto tidy = [&] {
    std::stable_sort(candidates.begin(), candidates.end(), by_path);
    candidates.erase(std::unique(candidates.begin(), candidates.end(),
                                 [](const Candidate& a, const Candidate& b) { return a.entry.path == b.entry.path; }),
                     candidates.end());
  };
  tidy();
  examine_all(candidates, run);

  std::vector<Candidate> further;
  std::set<Path> known;
  for (const Candidate& candidate : candidates) known.insert(candidate.entry.path);
  for (Candidate& candidate : candidates) {
    if (candidate.entry.kind == "zip archive" && is_zip(candidate.origin.path)) {
      for (Candidate& member : zip_members(candidate.origin.path, candidate.entry)) further.push_back(std::move(member));
    }
    std::size_t missing = 0;
    for (const Path& file : candidate.referred) {
      std::error_code error;
      if (!fs::exists(file, error)) {
        ++missing;
      } else if (named.contains(candidate.entry.path) && known.insert(file).second) {
        Candidate referred;
        referred.origin.path = referred.entry.path = file;
        further.push_back(std::move(referred));
      }
    }
    if (missing > 0) {
      if (!candidate.entry.reason.empty()) candidate.entry.reason += "; ";
      candidate.entry.reason += fmt::format("refers to {} files, {} of them are missing", candidate.referred.size(), missing);
    }
  }
  if (!further.empty()) {
    examine_all(further, run);
    candidates.insert(candidates.end(), std::make_move_iterator(further.begin()), std::make_move_iterator(further.end()));
    tidy();
  }

  Input input;
  std::vector<Object> objects;
  std::map<std::string, Path> seen;
  for (Candidate& candidate : candidates) {
    if (candidate.object.data) {
      const auto [first, fresh] = seen.emplace(candidate.object.sop_instance_uid, candidate.entry.path);
      if (fresh) {
        objects.push_back(std::move(candidate.object));
      } else {
        if (!candidate.entry.reason.empty()) candidate.entry.reason += "; ";
        candidate.entry.reason += "the same instance as " + first->second.filename().string() + ", left out";
      }
    }
    input.files.push_back(std::move(candidate.entry));
  }
  input.studies = assemble(objects);
  run.check();
  return input;
}

}  // namespace gantry::dicom
