// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/card.h"

namespace gantry::learning {

namespace {

std::string counts(const Json& parts) {
  std::string text;
  for (const auto& [name, count] : parts.items()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.get<std::int64_t>(), name);
  return text;
}

std::string averaged(const Json& options) {
  const double memory = options.value("averaging", 0.0);
  return memory > 0 ? fmt::format("weights averaged over steps with a memory of {}, ", memory) : "";
}

}  // namespace

std::string picture_card(const Json& manifest) {
  const Json description = manifest.value("description", Json::object());
  const Json &training = manifest["training"], &options = training["options"], &input = manifest["input"], &set = training["data_set"];
  std::string text = card_head(manifest);
  const auto row = [&](std::string_view name, std::string_view value) { text += card_row(name, value); };
  row("input", fmt::format("{} x {} pixels, {}; the largest centred part of a picture, means over areas", input["columns"].get<int>(),
                           input["rows"].get<int>(), input["channels"].get<int>() == 1 ? "grey" : "colour"));
  const Json& architecture = manifest["architecture"];
  const int members = architecture.value("members", 1);
  row("network", fmt::format("{}residual network{}, {} blocks of two 3x3 convolutions in each stage of {} features{}",
                             members > 1 ? fmt::format("{} ", members) : "", members > 1 ? "s" : "", architecture["blocks"].get<int>(),
                             fmt::join(architecture["widths"].get<std::vector<int>>(), ", "),
                             members > 1 ? "; the mean of their probabilities counts" : ""));
  row("data", card_words(description, "data"));
  row("data set", fmt::format("SHA-256 {}; train: {}; validation: {}; test: {}", set["sha256"].get<std::string>(), counts(set["train"]),
                              counts(set["validation"]), counts(set["test"])));
  row("training",
      fmt::format("{} epochs of batches of {}, learning rate {}, weight decay {}, {}seed {}, {} threads, gantry {}, {}",
                  options["epochs"].get<int>(), options["batch"].get<int>(), options["learning_rate"].get<double>(),
                  options["weight_decay"].get<double>(), averaged(options), training["seed"].get<std::uint64_t>(),
                  training["threads"].get<int>(), training["gantry_version"].get<std::string>(), training["engine"].get<std::string>()));
  row("choice", fmt::format("epoch {}: {}", fmt::join(training["chosen_epochs"].get<std::vector<int>>(), ", "),
                            training["chosen_by"].get<std::string>()));
  const Json& calibration = manifest["calibration"];
  row("calibration", fmt::format("temperature {:.3f}, from the validation part{}", calibration["temperature"].get<double>(),
                                 calibration.contains("prior") ? "; probabilities as if all classes were equally frequent" : ""));
  row("licence", card_words(description, "licence"));
  if (manifest.contains("novelty"))
    row("silence", fmt::format("gives no answer for pictures that are unlike those of the training part: T2 along {} main directions or "
                               "what they leave over beyond the limits that 99 % of the validation part keep",
                               manifest["novelty"]["directions"].get<int>()));
  text += "\n## Figures\n\n95 % intervals from 1000 bootstraps over cases. ";
  text += "Sensitivity and specificity are those at the greatest probability.\n\n";
  const bool two = manifest["classes"].size() == 2;
  text += two ? "| part | cases | AUC | accuracy | calibration error | sensitivity | specificity |\n|---|---|---|---|---|---|---|\n"
              : "| part | cases | AUC | accuracy | calibration error |\n|---|---|---|---|---|\n";
  for (const auto& [part, figures] : manifest["figures"].items()) {
    text += fmt::format("| {} | {} | {} | {} | {} |", part, figures["cases"].get<std::int64_t>(), card_interval(figures, "auc"),
                        card_interval(figures, "accuracy"), card_interval(figures, "ece"));
    if (two) text += fmt::format(" {} | {} |", card_number(figures, "sensitivity"), card_number(figures, "specificity"));
    text += "\n";
  }
  const Json& figures = manifest["figures"];
  if (manifest.contains("novelty")) {
    std::string shares;
    for (const auto& [part, of_part] : figures.items())
      shares += fmt::format("{}{:.1f} % of {}", shares.empty() ? "" : ", ", 100 * of_part["unlike"].get<double>(), part);
    text += fmt::format("\nWithout an answer, because unlike the training part: {}. The figures above count these too.\n", shares);
  }
  if (figures.contains("test") && figures.contains("validation")) {
    text += fmt::format(
        "\nThe parts differ: accuracy is {} on validation and {} on test, the calibration error {} and {}. The figures of the test part "
        "are those to expect of other pictures, at best.\n",
        card_number(figures["validation"], "accuracy"), card_number(figures["test"], "accuracy"), card_number(figures["validation"], "ece"),
        card_number(figures["test"], "ece"));
  }
  return text + card_limits(description);
}

}  // namespace gantry::learning
