// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/engine.h"

#include <mutex>

#include "gantry/base/error.h"
#include "gantry/base/plugin.h"

namespace gantry::learning {

namespace {

constexpr Plugin plugin{"libgantry_torch.so", "gantry_learning_engine", "trained networks: need the learning plug-in",
                        "package gantry-torch"};

/// The plug-in's file; empty when there is none.
Path plugin_path() {
  const Path found = find_resource(plugin.file);
  const char* home = std::getenv("GANTRY_HOME");
  return found.empty() && !(home && *home) ? beside_library(plugin.file) : found;
}

}  // namespace

const Engine& engine() {
  static std::mutex mutex;
  static const Engine* opened = nullptr;
  const std::lock_guard lock(mutex);
  if (!opened) opened = static_cast<const Engine*>(open_plugin(plugin, plugin_path()));
  return *opened;
}

Device device_named(std::string_view name) {
  if (name == "cpu") return Device::cpu;
  if (name != "auto" && name != "cuda") throw Error(ErrorCode::parameter, fmt::format("device: must be auto, cpu or cuda; got {}", name));
  if (engine().has_cuda()) return Device::cuda;
  if (name == "auto") return Device::cpu;
  throw Error(ErrorCode::not_possible,
              fmt::format("device: cuda needs a LibTorch that was built with CUDA and an NVIDIA processor; {} finds none here: use "
                          "--device cpu",
                          engine().name()));
}

std::string_view name_of(Device device) { return device == Device::cuda ? "cuda" : "cpu"; }

bool engine_is_installed() { return !plugin_path().empty(); }

}  // namespace gantry::learning
