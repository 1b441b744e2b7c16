// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/bundle.h"

#include "gantry/base/error.h"
#include "gantry/base/hash.h"

namespace gantry::bundle {

namespace {

constexpr const char* manifest_name = "manifest.json";
constexpr int format = 1;
constexpr std::size_t most_files = 64;

bool is_plain(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name[0] != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

std::string plain_member(const Json& object, const std::string& key) {
  const std::string text = member(object, key, Json::value_t::string).get<std::string>();
  if (!is_plain(text))
    throw Error(ErrorCode::unreadable, fmt::format("manifest: {}: must be 1 to 100 plain letters, digits, _, - and .", key));
  return text;
}

void check_file(const Path& folder, const std::string& name, const Json& entry) {
  if (!is_plain(name) || name == manifest_name)
    throw Error(ErrorCode::unreadable, "manifest: files: must have plain names in the bundle's folder; got " + Json(name).dump());
  if (!entry.is_object()) throw Error(ErrorCode::unreadable, "manifest: files: " + name + ": must be an object");
  const Json& bytes = member(entry, "bytes", Json::value_t::number_unsigned);
  const std::string digest = member(entry, "sha256", Json::value_t::string).get<std::string>();
  const Path path = folder / name;
  std::error_code failure;
  const auto status = std::filesystem::symlink_status(path, failure);
  if (failure || !std::filesystem::is_regular_file(status))
    throw Error(ErrorCode::refused, fmt::format("{}: must be there as a file: the manifest lists it", name));
  const std::uint64_t size = std::filesystem::file_size(path, failure);
  if (size != bytes.get<std::uint64_t>())
    throw Error(ErrorCode::refused, fmt::format("{}: must have {} bytes as the manifest says; has {}", name, bytes.dump(), size));
  const std::string found = sha256_hex(read_bytes(path));
  if (found != digest)
    throw Error(ErrorCode::refused, fmt::format("{}: must have the SHA-256 that the manifest says; it was changed (has {})", name, found));
}

}  // namespace

const Json& member(const Json& object, const std::string& key, Json::value_t kind) {
  const auto found = object.find(key);
  if (found == object.end()) throw Error(ErrorCode::unreadable, fmt::format("manifest: {}: must be there", key));
  if (found->type() != kind)
    throw Error(ErrorCode::unreadable, fmt::format("manifest: {}: is of the wrong kind: {}", key, found->type_name()));
  return *found;
}

double number_member(const Json& object, const std::string& key, double low, double high) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) throw Error(ErrorCode::unreadable, fmt::format("manifest: {}: must be a number", key));
  const double value = found->get<double>();
  if (!(value >= low && value <= high))
    throw Error(ErrorCode::unreadable, fmt::format("manifest: {}: must lie between {} and {}; got {}", key, low, high, value));
  return value;
}

int whole_member(const Json& object, const std::string& key, int low, int high) {
  const double value = number_member(object, key, low, high);
  if (value != std::floor(value)) throw Error(ErrorCode::unreadable, fmt::format("manifest: {}: must be whole; got {}", key, value));
  return static_cast<int>(value);
}

Path installed_bundle(const std::string& name) {
  const bool plain =
      !name.empty() && name.size() <= 64 && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  if (!plain) throw Error(ErrorCode::parameter, "model: must be the name of an installed model, of a-z, 0-9 and _");
  Path folder = find_resource(Path("models") / name);
  if (folder.empty())
    throw Error(ErrorCode::not_found, fmt::format("model: must be the name of an installed model; {} is not installed", name));
  return folder;
}

Bundle open_bundle(const Path& folder) {
  const auto open = [&] {
    const Path path = folder / manifest_name;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) throw Error(ErrorCode::not_found, "bundle: must be a folder with a manifest.json");
    const std::string text = read_text(path, std::uint64_t{4} << 20);
    Bundle bundle;
    bundle.folder = folder;
    bundle.sha256 = sha256_hex(text);
    bundle.manifest = with_context(manifest_name, [&] { return parse_json(text, 16); });
    if (!bundle.manifest.is_object()) throw Error(ErrorCode::unreadable, "manifest: must be an object");
    whole_member(bundle.manifest, "gantry_bundle", format, format);
    bundle.name = plain_member(bundle.manifest, "name");
    bundle.version = plain_member(bundle.manifest, "version");
    bundle.task = plain_member(bundle.manifest, "task");
    const Json& files = member(bundle.manifest, "files", Json::value_t::object);
    if (files.size() > most_files)
      throw Error(ErrorCode::unreadable, fmt::format("manifest: files: at most {}; got {}", most_files, files.size()));
    for (const auto& [name, entry] : files.items()) check_file(folder, name, entry);
    return bundle;
  };
  Path named = folder;
  if (!named.has_filename()) named = named.parent_path();
  return with_context(named.filename().string(), open);
}

void check_bundle_destination(const Path& destination) {
  std::error_code ignored;
  if (!std::filesystem::exists(destination, ignored)) return;
  if (!std::filesystem::is_directory(destination, ignored))
    throw Error(ErrorCode::usage, "BUNDLE: must be a folder; a file of this name is there");
  if (std::filesystem::is_empty(destination, ignored)) return;
  Json files = Json::object();
  if (std::filesystem::exists(destination / manifest_name, ignored)) {
    const Json manifest = parse_json(read_text(destination / manifest_name, std::uint64_t{4} << 20), 16);
    if (manifest.is_object() && manifest.contains("files") && manifest["files"].is_object()) files = manifest["files"];
    files[manifest_name] = true;
  }
  for (const auto& entry : std::filesystem::directory_iterator(destination)) {
    if (const std::string name = entry.path().filename().string(); !files.contains(name))
      throw Error(ErrorCode::usage, fmt::format("BUNDLE: an existing folder must be empty or hold a bundle alone; has {}", name));
  }
}

void write_bundle(const Path& destination, Json manifest, const std::map<std::string, Bytes>& files) {
  check_bundle_destination(destination);
  Json whole{{"gantry_bundle", format}};
  for (auto& [key, value] : manifest.items()) whole[key] = value;
  plain_member(whole, "name");
  plain_member(whole, "version");
  plain_member(whole, "task");
  Json list = Json::object();
  StagedFolder staged(destination);
  for (const auto& [name, bytes] : files) {
    write_atomic(staged.path() / name, bytes);
    list[name] = {{"bytes", bytes.size()}, {"sha256", sha256_hex(bytes)}};
  }
  whole["files"] = list;
  write_atomic(staged.path() / manifest_name, to_text(whole));
  staged.commit();
}

}  // namespace gantry::bundle
