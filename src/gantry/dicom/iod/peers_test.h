// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "gantry/base/files.h"
#include "gantry/base/json.h"

namespace gantry::dicom {

/// Standard output and error of a shell command, and its exit status.
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
  result.status = ::pclose(pipe);
  return result;
}

inline bool has_dciodvfy() { return run_command("command -v dciodvfy").status == 0; }

/// Lines of dciodvfy's answer that call something an error.
inline std::string dciodvfy_errors(const Path& file) {
  const std::string output = run_command("dciodvfy '" + file.string() + "'").output;
  std::string errors;
  for (std::size_t at = 0; at < output.size();) {
    const std::size_t end = std::min(output.find('\n', at), output.size());
    const std::string line = output.substr(at, end - at);
    if (line.starts_with("Error")) errors += line + "\n";
    at = end + 1;
  }
  return errors;
}

/// The interpreter that can import `modules`: $GANTRY_PYTHON, else `.venv/bin/python3` of the tree that holds build/PRESET; empty when
/// there is none.
inline std::string python_with(const std::string& modules) {
  const char* named = std::getenv("GANTRY_PYTHON");
  const Path python = named ? Path(named) : std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../../../.venv/bin/python3";
  if (!std::filesystem::exists(python)) return {};
  return run_command("'" + python.string() + "' -c 'import " + modules + "'").status == 0 ? python.string() : std::string();
}
inline std::string python_with_highdicom() { return python_with("highdicom"); }
inline std::string python_with_pydicom() { return python_with("pydicom, numpy"); }
inline bool has_pydicom() { return !python_with_pydicom().empty(); }

/// What a Python script prints, parsed as JSON; a script that fails fails the test and gives null.
inline Json python_json(const std::string& python, const Path& folder, const std::string& script) {
  const Path file = folder / "script.py";
  write_atomic(file, script);
  const CommandResult result = run_command("'" + python + "' -W ignore '" + file.string() + "'");
  EXPECT_EQ(result.status, 0) << result.output;
  if (result.status != 0) return nullptr;
  return parse_json(result.output);
}

}  // namespace gantry::dicom
