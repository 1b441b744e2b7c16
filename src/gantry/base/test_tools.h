// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <sys/wait.h>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gantry/base/error.h"
#include "gantry/base/files.h"

namespace gantry {

/// Standard output and error of a shell command, and its exit status; -1 when a signal ended it.
struct CommandResult {
  int status = -1;
  std::string output;
};

inline CommandResult run_command(const std::string& command) {
  CommandResult result;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return result;
  std::array<char, 4096> buffer{};
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) result.output.append(buffer.data(), count);
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

/// `found`, so that a test without its tool skips; with GANTRY_REQUIRE_TEST_TOOLS=1, which `./dev test` sets because it installs them all,
/// Error(not_found) instead when it is missing, so that the test fails.
inline bool has_tool(bool found, std::string_view name) {
  const char* required = std::getenv("GANTRY_REQUIRE_TEST_TOOLS");
  if (!found && required && std::string_view(required) == "1")
    throw Error(ErrorCode::not_found, "test tools: must be there with GANTRY_REQUIRE_TEST_TOOLS=1; missing " + std::string(name));
  return found;
}

inline bool has_program(const std::string& name) { return has_tool(run_command("command -v " + name).status == 0, name); }

/// The interpreter that can import `modules`: $GANTRY_PYTHON, else `.venv/bin/python3` of the tree that holds build/PRESET; empty when
/// there is none.
inline std::string python_with(const std::string& modules) {
  const char* named = std::getenv("GANTRY_PYTHON");
  const Path python = named ? Path(named) : std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../../../.venv/bin/python3";
  const bool found = std::filesystem::exists(python) && run_command("'" + python.string() + "' -c 'import " + modules + "'").status == 0;
  return has_tool(found, "Python with " + modules) ? python.string() : std::string();
}

}  // namespace gantry
