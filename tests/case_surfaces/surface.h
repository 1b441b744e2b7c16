// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// What a case file is checked through: the steps of the file, and one row a surface (library, command line, pipeline, Python, ...).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gantry/operation/catalogue.h"

namespace gantry::cases {

/// One `run` or `fail` line with the `expect` lines below it.
struct Step {
  int line = 0;
  std::string operation;
  std::vector<std::pair<std::string, std::string>> parameters;  ///< name, text
  std::vector<std::pair<std::string, std::string>> inputs;      ///< port, reference
  std::string failure;                                          ///< part of the message that must come
  std::vector<std::pair<int, std::string>> expectations;
};

/// The words between spaces.
std::vector<std::string> words_of(std::string_view text);
/// The steps of a case file.
std::vector<Step> steps_of(const std::string& file);

/// What a surface gave: outputs, or the message of its failure.
struct Outcome {
  Arguments outputs;
  std::string failure;
};

/// One way to an operation. `missing` says why this build cannot try it (no Python module, say); empty = it is tried.
struct Surface {
  std::string name;
  std::string (*missing)();
  Outcome (*run)(const Step& step, const Operation& operation);
  bool gives_files = false;  ///< its values come as files of the exchange format
};

/// All of them, the library first: the others must give what it gives. A further surface is one row here and one file beside this.
const std::vector<Surface>& surfaces();

Outcome through_library(const Step& step, const Operation& operation);
Outcome through_pipeline(const Step& step, const Operation& operation);
Outcome through_command(const Step& step, const Operation& operation);
std::string missing_python();
Outcome through_python(const Step& step, const Operation& operation);
Outcome through_rest(const Step& step, const Operation& operation);

/// The step's parameters as JSON: words become numbers where the declaration says so.
Json parameters_of(const Step& step, const Operation& operation);
/// The step's inputs, resolved as the command line resolves them.
Arguments inputs_of(const Step& step, const Operation& operation);
/// The ending that a file of this type is exchanged under (without loss).
std::string exchange_ending(const PortInfo& type);

}  // namespace gantry::cases
