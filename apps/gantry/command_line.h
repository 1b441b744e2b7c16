// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::cli {

/// The arguments of one command: what it takes, its help, and parsing. Names are given with their dashes.
class CommandLine {
 public:
  CommandLine(std::string name, std::string summary);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  void positional(const std::string& name, std::string& target, const std::string& words, bool required = true);
  void positionals(const std::string& name, std::vector<std::string>& target, const std::string& words, bool required = true);
  void option(const std::string& name, std::optional<std::string>& target, const std::string& words,
              const std::string& value_name = "VALUE");
  void option(const std::string& name, std::string& target, const std::string& words, const std::string& value_name = "VALUE");
  void options(const std::string& name, std::vector<std::string>& target, const std::string& words,
               const std::string& value_name = "VALUE");
  void flag(const std::string& name, bool& target, const std::string& words);
  /// A line of the help's last section.
  void example(const std::string& command);

  /// False when help was asked for and printed. Throws Error(usage).
  bool parse(const std::vector<std::string>& arguments);
  std::string help() const;
  /// All option names, for completion.
  std::vector<std::string> option_names() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gantry::cli
