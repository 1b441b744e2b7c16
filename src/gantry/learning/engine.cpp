// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/engine.h"

#include <dlfcn.h>

#include <mutex>

#include "gantry/base/error.h"
#include "gantry/base/version.h"

namespace gantry::learning {

namespace {

constexpr const char* plugin = "libgantry_torch.so";

/// The plug-in's file; empty when there is none.
Path plugin_path() {
  const Path found = find_resource(plugin);
  if (const char* home = std::getenv("GANTRY_HOME"); !found.empty() || (home && *home)) return found;
  Dl_info info{};
  if (!::dladdr(reinterpret_cast<const void*>(&plugin_path), &info) || !info.dli_fname) return {};
  std::error_code ignored;
  const Path beside = std::filesystem::weakly_canonical(info.dli_fname, ignored).parent_path() / plugin;
  return std::filesystem::exists(beside, ignored) ? beside : Path();
}

using Make = const Engine*(const char* version);

const Engine* open() {
  const Path path = plugin_path();
  if (path.empty()) {
    throw Error(ErrorCode::not_possible,
                fmt::format("trained networks: need the learning plug-in; {} was not found: install the package gantry-torch", plugin));
  }
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* reason = ::dlerror();
    throw Error(ErrorCode::not_possible, fmt::format("trained networks: need the learning plug-in; {} does not load ({}): install the "
                                                     "packages gantry-torch and libtorch1.13",
                                                     plugin, reason ? reason : "no reason given"));
  }
  auto* make = reinterpret_cast<Make*>(::dlsym(library, "gantry_learning_engine"));
  const Engine* engine = make ? make(std::string(version()).c_str()) : nullptr;
  if (!engine) {
    ::dlclose(library);
    throw Error(ErrorCode::not_possible,
                fmt::format("trained networks: {} must be of version {}: install the same version of the packages gantry and gantry-torch",
                            plugin, version()));
  }
  return engine;  // stays open until the process ends
}

}  // namespace

const Engine& engine() {
  static std::mutex mutex;
  static const Engine* opened = nullptr;
  const std::lock_guard lock(mutex);
  if (!opened) opened = open();
  return *opened;
}

bool engine_is_installed() { return !plugin_path().empty(); }

}  // namespace gantry::learning
