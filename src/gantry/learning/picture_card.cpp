// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/version.h"
#include "gantry/learning/picture_model.h"

namespace gantry::learning {

namespace {

std::string words(const Json& description, const std::string& key) {
  return description.contains(key) ? description[key].get<std::string>() : std::string("not stated");
}

std::string number(const Json& figures, const std::string& key) {
  return figures.contains(key) && figures[key].is_number() ? fmt::format("{:.3f}", figures[key].get<double>()) : "";
}

std::string with_interval(const Json& figures, const std::string& key) {
  const Json& interval = figures[key + "_interval"];
  if (!interval.is_array() || !interval[0].is_number() || !interval[1].is_number()) return number(figures, key);
  return fmt::format("{} ({:.3f} to {:.3f})", number(figures, key), interval[0].get<double>(), interval[1].get<double>());
}

std::string counts(const Json& parts) {
  std::string text;
  for (const auto& [name, count] : parts.items()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.get<std::int64_t>(), name);
  return text;
}

}  // namespace

std::string picture_card(const Json& manifest) {
  const Json description = manifest.value("description", Json::object());
  const Json &training = manifest["training"], &options = training["options"], &input = manifest["input"], &set = training["data_set"];
  std::string text = fmt::format("# {}\n\n", manifest["name"].get<std::string>());
  if (description.contains("title")) text += description["title"].get<std::string>() + "\n\n";
  text += "Written by `gantry train`. " + std::string(not_a_medical_device()) + "\n\n| | |\n|---|---|\n";
  std::vector<std::string> names;
  for (const Json& one : manifest["classes"]) names.push_back(one["name"]);
  const auto row = [&](std::string_view name, std::string_view value) { text += fmt::format("| {} | {} |\n", name, value); };
  row("task", manifest["task"].get<std::string>());
  row("classes", fmt::format("{}", fmt::join(names, ", ")));
  row("intended use", words(description, "intended_use"));
  row("not for", words(description, "not_for"));
  row("input", fmt::format("{} x {} pixels, {}; the largest centred part of a picture, means over areas", input["columns"].get<int>(),
                           input["rows"].get<int>(), input["channels"].get<int>() == 1 ? "grey" : "colour"));
  row("network", fmt::format("residual network, {} blocks of two 3x3 convolutions in each stage of {} features",
                             manifest["architecture"]["blocks"].get<int>(),
                             fmt::join(manifest["architecture"]["widths"].get<std::vector<int>>(), ", ")));
  row("data", words(description, "data"));
  row("data set", fmt::format("SHA-256 {}; train: {}; validation: {}; test: {}", set["sha256"].get<std::string>(), counts(set["train"]),
                              counts(set["validation"]), counts(set["test"])));
  row("training", fmt::format("{} epochs of batches of {}, learning rate {}, weight decay {}, seed {}, {} threads, gantry {}, {}",
                              options["epochs"].get<int>(), options["batch"].get<int>(), options["learning_rate"].get<double>(),
                              options["weight_decay"].get<double>(), training["seed"].get<std::uint64_t>(), training["threads"].get<int>(),
                              training["gantry_version"].get<std::string>(), training["engine"].get<std::string>()));
  row("choice", fmt::format("epoch {}: {}", training["chosen_epoch"].get<int>(), training["chosen_by"].get<std::string>()));
  row("calibration", fmt::format("temperature {:.3f}, from the validation part", manifest["calibration"]["temperature"].get<double>()));
  row("licence", words(description, "licence"));
  text += "\n## Figures\n\n95 % intervals from 1000 bootstraps over cases. ";
  text += "Sensitivity and specificity are those at the greatest probability.\n\n";
  const bool two = names.size() == 2;
  text += two ? "| part | cases | AUC | accuracy | calibration error | sensitivity | specificity |\n|---|---|---|---|---|---|---|\n"
              : "| part | cases | AUC | accuracy | calibration error |\n|---|---|---|---|---|\n";
  for (const auto& [part, figures] : manifest["figures"].items()) {
    text += fmt::format("| {} | {} | {} | {} | {} |", part, figures["cases"].get<std::int64_t>(), with_interval(figures, "auc"),
                        with_interval(figures, "accuracy"), with_interval(figures, "ece"));
    if (two) text += fmt::format(" {} | {} |", number(figures, "sensitivity"), number(figures, "specificity"));
    text += "\n";
  }
  const Json& figures = manifest["figures"];
  if (figures.contains("test") && figures.contains("validation")) {
    text += fmt::format(
        "\nThe parts differ: accuracy is {} on validation and {} on test, the calibration error {} and {}. The figures of the test part "
        "are "
        "those to expect of other pictures, at best.\n",
        number(figures["validation"], "accuracy"), number(figures["test"], "accuracy"), number(figures["validation"], "ece"),
        number(figures["test"], "ece"));
  }
  if (description.contains("limits")) {
    text += "\n## Limits\n\n";
    for (const Json& limit : description["limits"]) text += "- " + limit.get<std::string>() + "\n";
  }
  return text;
}

}  // namespace gantry::learning
