// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <set>

#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/catalogue/catalogue.h"
#include "gantry/operation/declaration.h"
#include "gantry/operation/pipeline.h"
#include "session.h"

namespace gantry::cli {

int list_operations(const Words& arguments) {
  CommandLine command("operations", "Lists all operations, or says everything about one.");
  std::string id;
  bool pipeline_schema = false;
  command.positional("ID", id, "Operation, such as filter.gaussian", false);
  command.flag("--pipeline-schema", pipeline_schema, "Print the JSON Schema of pipeline files");
  command.example("gantry operations");
  command.example("gantry operations filter.gaussian --json");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (pipeline_schema) {
    print(Pipeline::schema(catalogue()));
    return 0;
  }
  if (!id.empty()) {
    const Operation& operation = catalogue().at(to_snake(id));
    if (session.json()) {
      print(declaration_of(operation));
      return 0;
    }
    return run_operation(operation, {"--help"});
  }
  if (session.json()) {
    Json all = Json::array();
    for (const auto& operation : catalogue().operations()) all.push_back(declaration_of(*operation));
    print(Json{{"operations", all}});
    return 0;
  }
  std::string text;
  for (const auto& operation : catalogue().operations())
    text += fmt::format("{:<36} {}\n", operation->info().id, operation->info().summary);
  print(text);
  return 0;
}

int print_version(const Words& arguments) {
  CommandLine command("version", "Prints the version.");
  command.example("gantry version --json");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (session.json()) {
    print(Json{{"gantry_version", version()}, {"notice", not_a_medical_device()}});
  } else {
    print(fmt::format("gantry {}\n{}\n", version(), not_a_medical_device()));
  }
  return 0;
}

int print_completion(const Words& arguments) {
  CommandLine command("completion", "Prints a completion script for a shell.");
  std::string shell;
  command.positional("SHELL", shell, "bash or zsh");
  command.example("gantry completion bash > /etc/bash_completion.d/gantry");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (shell != "bash" && shell != "zsh") throw Error(ErrorCode::usage, "completion: must be one of bash, zsh; got " + shell);

  std::vector<std::string> first;
  std::map<std::string, Words> second;   // family -> names
  std::map<std::string, Words> options;  // "family name" -> options
  const auto add_unique = [](Words& words, const std::string& word) {
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  };
  for (const auto& operation : catalogue().operations()) {
    const std::string name = to_kebab(operation->info().name());
    add_unique(first, operation->info().family());
    second[operation->info().family()].push_back(name);
    options[operation->info().family() + " " + name] = operation_options(*operation);
  }
  for (const Verb& verb : verbs()) {
    const Words words = split(verb.name, ' ');
    add_unique(first, words.front());
    if (words.size() > 1) add_unique(second[words.front()], words[1]);
  }
  std::string text;
  if (shell == "zsh") text += "autoload -U +X bashcompinit && bashcompinit\n";
  text += "_gantry() {\n  local word=${COMP_WORDS[COMP_CWORD]} list=\n";
  text += "  if [ \"$COMP_CWORD\" -eq 1 ]; then list='" + join(first, " ") + "'\n";
  text += "  elif [ \"$COMP_CWORD\" -eq 2 ]; then\n    case ${COMP_WORDS[1]} in\n";
  for (const auto& [family, names] : second) text += "      " + family + ") list='" + join(names, " ") + "' ;;\n";
  text += "    esac\n  fi\n";
  text += "  case $word in -*) case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n";
  for (const auto& [name, names] : options) text += "    '" + name + "') list='" + join(names, " ") + "' ;;\n";
  text += "    *) list='--threads --memory --cache --json --quiet --verbose --help' ;;\n  esac ;; esac\n";
  text += "  COMPREPLY=($(compgen -W \"$list\" -- \"$word\"))\n}\ncomplete -o default -F _gantry gantry\n";
  print(text);
  return 0;
}

}  // namespace gantry::cli
