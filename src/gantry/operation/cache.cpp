// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/cache.h"

#include <sys/stat.h>

#include <cstdlib>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"

namespace gantry {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t digest_size = 64;

Path entry(const Path& folder, const std::string& key, const std::string& port) { return folder / key.substr(0, 2) / (key + "." + port); }

}  // namespace

ResultCache::ResultCache(Path folder, std::uint64_t max_bytes) : folder_(std::move(folder)), max_bytes_(max_bytes) {
  std::error_code failure;
  fs::create_directories(folder_, failure);
  ::chmod(folder_.c_str(), 0700);
}

Path ResultCache::default_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache) return Path(cache) / "gantry";
  const char* home = std::getenv("HOME");
  return Path(home && *home ? home : "/tmp") / ".cache" / "gantry";
}

std::optional<Arguments> ResultCache::find(const std::string& key, const OperationInfo& info) const {
  Arguments outputs;
  for (const PortDescription& port : info.outputs) {
    const Path path = entry(folder_, key, port.name);
    std::error_code failure;
    if (!fs::exists(path, failure)) {
      if (port.optional) continue;
      return std::nullopt;
    }
    try {
      const Bytes bytes = read_bytes(path);
      if (bytes.size() < digest_size) return std::nullopt;
      const auto body = std::span(bytes).subspan(digest_size);
      if (sha256_hex(body) != std::string_view(reinterpret_cast<const char*>(bytes.data()), digest_size)) return std::nullopt;
      outputs[port.name].push_back(Value(*port.type, port.type->from_bytes(body)));
      fs::last_write_time(path, fs::file_time_type::clock::now(), failure);
    } catch (const std::exception&) {
      return std::nullopt;
    }
  }
  return outputs;
}

void ResultCache::store(const std::string& key, const Arguments& outputs) const {
  try {
    for (const auto& [name, values] : outputs) {
      const Path path = entry(folder_, key, name);
      fs::create_directories(path.parent_path());
      const Bytes body = values.front().to_bytes();
      const std::string digest = sha256_hex(body);
      Bytes bytes(digest_size + body.size());
      std::copy_n(reinterpret_cast<const std::byte*>(digest.data()), digest_size, bytes.begin());
      std::copy(body.begin(), body.end(), bytes.begin() + digest_size);
      write_atomic(path, bytes);
    }
    struct Kept {
      fs::file_time_type used;
      std::uint64_t bytes;
      Path path;
    };
    std::vector<Kept> kept;
    std::uint64_t total = 0;
    for (const auto& file : fs::recursive_directory_iterator(folder_, fs::directory_options::skip_permission_denied)) {
      if (!file.is_regular_file()) continue;
      kept.push_back({file.last_write_time(), file.file_size(), file.path()});
      total += kept.back().bytes;
    }
    std::sort(kept.begin(), kept.end(), [](const Kept& a, const Kept& b) { return a.used < b.used; });
    for (std::size_t n = 0; n < kept.size() && total > max_bytes_; ++n) {
      std::error_code failure;
      if (fs::remove(kept[n].path, failure)) total -= kept[n].bytes;
    }
  } catch (const Error&) {
  } catch (const fs::filesystem_error&) {
  }
}

}  // namespace gantry
