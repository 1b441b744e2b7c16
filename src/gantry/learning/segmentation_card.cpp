// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/card.h"

#include <vector>

namespace gantry::learning {

std::string segmentation_card(const Json& manifest) {
  const Json description = manifest.value("description", Json::object());
  const Json& input = manifest["input"];
  std::string text = card_head(manifest);
  const auto row = [&](std::string_view name, std::string_view value) { text += card_row(name, value); };
  const auto list = [](const Json& numbers) { return fmt::format("{}", fmt::join(numbers.get<std::vector<double>>(), " x ")); };
  const bool ct = input["intensity"]["method"] == "ct";
  row("input", fmt::format("{} channels at {} mm; {}; tiles of {} voxels that overlap by half", input["channels"].get<int>(),
                           list(input["spacing_mm"]),
                           ct ? "clipped to the range of the foreground of the training part" : "mean 0 and deviation 1 of each image",
                           list(input["patch"])));
  const Json& architecture = manifest["architecture"];
  const int block = architecture["block"];
  row("network", fmt::format("U-Net with stages of {} features, instance normalisation; blocks of {} x {} x {} voxels as channels",
                             fmt::join(architecture["widths"].get<std::vector<int>>(), ", "), block, block, block));
  row("data", card_words(description, "data"));
  card_training(text, manifest, "cross entropy and Dice");
  text += "\n## Figures\n\nDice on the cases that were held out; 95 % intervals from 1000 bootstraps over cases.\n\n";
  text += "| structure | cases | Dice | least |\n|---|---|---|---|\n";
  const Json& figures = manifest["figures"]["validation"];
  for (const auto& [name, one] : figures["structures"].items())
    text += fmt::format("| {} | {} | {} | {} |\n", name, one["cases"].get<int>(), card_interval(one, "dice"), card_number(one, "least"));
  text += fmt::format("| mean | {} | {} | |\n", figures["cases"].get<int>(), card_interval(figures, "dice"));
  return text + card_limits(description);
}

}  // namespace gantry::learning
