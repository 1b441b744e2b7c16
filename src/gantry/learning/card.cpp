// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/card.h"

#include "gantry/base/version.h"

namespace gantry::learning {

std::string card_of(const Json& manifest) {
  if (manifest["task"] == "denoising") return denoising_card(manifest);
  return manifest["task"] == "classification" ? picture_card(manifest) : segmentation_card(manifest);
}

std::string card_head(const Json& manifest) {
  const Json description = manifest.value("description", Json::object());
  std::string text = fmt::format("# {}\n\n", manifest["name"].get<std::string>());
  if (description.contains("title")) text += description["title"].get<std::string>() + "\n\n";
  text += "Written by `gantry train`. " + std::string(not_a_medical_device()) + "\n\n| | |\n|---|---|\n";
  std::vector<std::string> names;
  for (const Json& one : manifest["classes"]) names.push_back(one["name"]);
  text += card_row("task", manifest["task"].get<std::string>());
  if (!names.empty()) text += card_row("classes", fmt::format("{}", fmt::join(names, ", ")));
  return text + card_row("intended use", card_words(description, "intended_use")) + card_row("not for", card_words(description, "not_for"));
}

std::string card_row(std::string_view name, std::string_view value) { return fmt::format("| {} | {} |\n", name, value); }

void card_training(std::string& text, const Json& manifest, std::string_view loss) {
  const Json &training = manifest["training"], &options = training["options"], &set = training["data_set"];
  const auto row = [&](std::string_view name, std::string_view value) { text += card_row(name, value); };
  row("data set",
      fmt::format("SHA-256 {}; {} cases learnt from, {} held out (fold {} of {}, counted from 0)", set["sha256"].get<std::string>(),
                  set["train"].get<int>(), set["validation"].get<int>(), options["fold"].get<int>(), set["folds"].get<int>()));
  row("training", fmt::format("{} epochs of batches of {}, Adam with learning rate {} and decay {}, {}, seed {}, gantry {}, {}",
                              options["epochs"].get<int>(), options["batch"].get<int>(), options["learning_rate"].get<double>(),
                              options["weight_decay"].get<double>(), loss, training["seed"].get<std::uint64_t>(),
                              training["gantry_version"].get<std::string>(), training["engine"].get<std::string>()));
  row("choice", training["chosen_by"].get<std::string>());
  row("licence", card_words(manifest.value("description", Json::object()), "licence"));
}

std::string card_limits(const Json& description) {
  if (!description.contains("limits")) return {};
  std::string text = "\n## Limits\n\n";
  for (const Json& limit : description["limits"]) text += "- " + limit.get<std::string>() + "\n";
  return text;
}

std::string card_words(const Json& description, const std::string& key) {
  return description.contains(key) ? description[key].get<std::string>() : std::string("not stated");
}

std::string card_number(const Json& figures, const std::string& key) {
  return figures.contains(key) && figures[key].is_number() ? fmt::format("{:.3f}", figures[key].get<double>()) : "";
}

std::string card_interval(const Json& figures, const std::string& key) {
  const Json& interval = figures[key + "_interval"];
  if (!interval.is_array() || !interval[0].is_number() || !interval[1].is_number()) return card_number(figures, key);
  return fmt::format("{} ({:.3f} to {:.3f})", card_number(figures, key), interval[0].get<double>(), interval[1].get<double>());
}

}  // namespace gantry::learning
