// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/test_tools.h"

namespace gantry::dicom {

inline bool has_dciodvfy() { return has_program("dciodvfy"); }

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
