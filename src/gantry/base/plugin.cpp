// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/plugin.h"

#include <dlfcn.h>

#include "gantry/base/error.h"
#include "gantry/base/version.h"

namespace gantry {

Path beside_library(const Path& file) {
  Dl_info info{};
  if (!::dladdr(reinterpret_cast<const void*>(&beside_library), &info) || !info.dli_fname) return {};
  std::error_code ignored;
  const Path beside = std::filesystem::weakly_canonical(info.dli_fname, ignored).parent_path() / file;
  return std::filesystem::exists(beside, ignored) ? beside : Path();
}

const void* open_plugin(const Plugin& plugin, const Path& path) {
  const auto refuse = [&](std::string_view what) {
    throw Error(ErrorCode::not_possible, fmt::format("{}; {} {}", plugin.need, plugin.file, what));
  };
  if (path.empty()) refuse(fmt::format("was not found: install the {}", plugin.packages));
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* reason = ::dlerror();
    refuse(fmt::format("does not load ({}): install the {}", reason ? reason : "no reason given", plugin.packages));
  }
  using Entry = const void*(const char* version);
  auto* entry = reinterpret_cast<Entry*>(::dlsym(library, plugin.entry));
  const void* offered = entry ? entry(std::string(version()).c_str()) : nullptr;
  if (!offered) {
    ::dlclose(library);
    refuse(fmt::format("must be of version {}: install that version of the {}", version(), plugin.packages));
  }
  return offered;
}

}  // namespace gantry
