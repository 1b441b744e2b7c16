// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/card.h"

#include <vector>

namespace gantry::learning {

std::string denoising_card(const Json& manifest) {
  const Json description = manifest.value("description", Json::object());
  const Json& options = manifest["training"]["options"];
  const auto widths = options["widths"].get<std::vector<int>>();
  const auto range = [&](const char* key) { return fmt::format("{} to {}", options[key][0].get<double>(), options[key][1].get<double>()); };
  std::string text = card_head(manifest);
  const auto row = [&](std::string_view name, std::string_view value) { text += card_row(name, value); };
  row("input", "one volume of one number a voxel, over the root mean square of its values");
  row("network",
      fmt::format("{} convolutions of 3 x 3 x 3, {} features, ELU between; it sees {} voxels to each side and tells what is noise",
                  widths.size() + 1, fmt::join(widths, ", "), widths.size() + 1));
  row("data", card_words(description, "data"));
  row("pairs", fmt::format("simulated: images and the same with noise whose variance is {} times the activity (in units of the root mean "
                           "square) and which is smoothed with a Gaussian of {} voxels",
                           range("level"), range("correlation")));
  card_training(text, manifest, "mean squared error");
  text +=
      "\n## Figures\n\nOn the cases that were held out, with simulated noise of correlation 0.6: peak signal-to-noise ratio (range of each "
      "image over root mean square error), beside filter.nlm with the best of four settings, chosen by the truth; 95 % "
      "interval of the mean.\n\n| noise | cases | noisy, dB | NLM, dB | network, dB | gain over NLM, dB | least gain, dB | change of the "
      "sum, % "
      "|\n|---|---|---|---|---|---|---|---|\n";
  const Json& figures = manifest["figures"]["validation"];
  for (const Json& level : figures["levels"]) {
    const auto number = [&](const char* key) { return level[key].get<double>(); };
    const Json& interval = level["gain_db_interval"];
    text += fmt::format("| {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} ({:.2f} to {:.2f}) | {:.2f} | {:.1f} |\n", number("noise_level"),
                        figures["cases"].get<int>(), number("psnr_noisy_db"), number("psnr_nlm_db"), number("psnr_db"), number("gain_db"),
                        interval[0].get<double>(), interval[1].get<double>(), number("least_gain_db"), number("change_of_sum_percent"));
  }
  return text + card_limits(description);
}

}  // namespace gantry::learning
