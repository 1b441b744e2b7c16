// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::cli {

/// The number that the text of the option `name` states. Throws Error(parameter) with both when it is none or lies outside.
std::int64_t whole_number(const std::string& name, const std::string& text, std::int64_t least, std::int64_t most);
double number(const std::string& name, const std::string& text, double least, double most);

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
