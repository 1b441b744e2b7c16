// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::cli {

std::int64_t whole_number(const std::string& name, const std::string& text, std::int64_t least, std::int64_t most) {
  const auto stated = parse_integer(trim(text));
  if (!stated || !(*stated >= least && *stated <= most))
    throw Error(ErrorCode::parameter, fmt::format("{}: must be a whole number between {} and {}; got {}", name, least, most, text));
  return *stated;
}

double number(const std::string& name, const std::string& text, double least, double most) {
  const auto stated = parse_double(trim(text));
  if (!stated || !(*stated >= least && *stated <= most))
    throw Error(ErrorCode::parameter, fmt::format("{}: must lie between {} and {}; got {}", name, least, most, text));
  return *stated;
}

struct CommandLine::State {
  CLI::App app;
  std::vector<std::string> examples;
  State(std::string summary, std::string name) : app(std::move(summary), std::move(name)) {}
};

CommandLine::CommandLine(std::string name, std::string summary) : state_(std::make_unique<State>(std::move(summary), "gantry " + name)) {
  state_->app.get_formatter()->column_width(34);
  state_->app.set_help_flag("-h,--help", "Print this help");
}
CommandLine::~CommandLine() = default;

void CommandLine::positional(const std::string& name, std::string& target, const std::string& words, bool required) {
  state_->app.add_option(name, target, words)->required(required)->option_text(required ? " " : "(optional)");
}
void CommandLine::positionals(const std::string& name, std::vector<std::string>& target, const std::string& words, bool required) {
  state_->app.add_option(name, target, words)->required(required)->option_text("...");
}
void CommandLine::option(const std::string& name, std::optional<std::string>& target, const std::string& words,
                         const std::string& value_name) {
  state_->app
      .add_option_function<std::string>(
          name, [&target](const std::string& value) { target = value; }, words)
      ->option_text(value_name);
}
void CommandLine::option(const std::string& name, std::string& target, const std::string& words, const std::string& value_name) {
  state_->app.add_option(name, target, words)->option_text(value_name);
}
void CommandLine::options(const std::string& name, std::vector<std::string>& target, const std::string& words,
                          const std::string& value_name) {
  state_->app.add_option(name, target, words)
      ->option_text(value_name)
      ->take_all()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}
void CommandLine::flag(const std::string& name, bool& target, const std::string& words) { state_->app.add_flag(name, target, words); }
void CommandLine::example(const std::string& command) { state_->examples.push_back(command); }

std::string CommandLine::help() const {
  std::string text = state_->app.help();
  if (!state_->examples.empty()) text += "\nExamples:\n";
  for (const std::string& example : state_->examples) text += "  " + example + "\n";
  return text;
}

bool CommandLine::parse(const std::vector<std::string>& arguments) {
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    state_->app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    std::fputs(help().c_str(), stdout);
    return false;
  } catch (const CLI::ParseError& failure) {
    std::string reason = failure.what();
    for (char& c : reason) c = c == '\n' ? ' ' : c;
    throw Error(ErrorCode::usage, state_->app.get_name() + ": " + std::string(trim(reason)) + " (--help shows what it takes)");
  }
  return true;
}

std::vector<std::string> CommandLine::option_names() const {
  std::vector<std::string> names;
  for (const CLI::Option* option : state_->app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

}  // namespace gantry::cli
