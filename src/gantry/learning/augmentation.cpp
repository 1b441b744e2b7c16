// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/augmentation.h"

#include <numbers>
#include <numeric>

namespace gantry::learning {

Json to_json(const Augmentation& augmentation) {
  return {{"rotation_degrees", augmentation.rotation_degrees},
          {"shift", augmentation.shift},
          {"scale", augmentation.scale},
          {"contrast", augmentation.contrast},
          {"brightness", augmentation.brightness},
          {"mirror", augmentation.mirror}};
}

void augment(std::span<const float> picture, const PictureInput& input, const Augmentation& augmentation, Random random,
             std::span<float> out) {
  const auto within = [&](double most) { return random.next_uniform(-most, most); };
  const double angle = within(augmentation.rotation_degrees) * std::numbers::pi / 180;
  const double scale = std::exp(within(std::log1p(augmentation.scale)));
  const double shift_x = within(augmentation.shift) * input.columns, shift_y = within(augmentation.shift) * input.rows;
  const auto contrast = static_cast<float>(1 + within(augmentation.contrast));
  const auto brightness = static_cast<float>(within(augmentation.brightness));
  const double side = augmentation.mirror && random.next_uniform() < 0.5 ? -1 : 1;
  // Where each pixel of the copy comes from.
  const double cosine = std::cos(angle) / scale, sine = std::sin(angle) / scale;
  const double centre_x = (input.columns - 1) / 2.0, centre_y = (input.rows - 1) / 2.0;
  const std::size_t plane = static_cast<std::size_t>(input.rows) * static_cast<std::size_t>(input.columns);
  for (int channel = 0; channel < input.channels; ++channel) {
    const float* from = picture.data() + static_cast<std::size_t>(channel) * plane;
    float* to = out.data() + static_cast<std::size_t>(channel) * plane;
    const auto mean = static_cast<float>(std::accumulate(from, from + plane, 0.0) / static_cast<double>(plane));
    for (int j = 0; j < input.rows; ++j) {
      for (int i = 0; i < input.columns; ++i) {
        const double x = i - centre_x - shift_x, y = j - centre_y - shift_y;
        const double source_x = std::clamp(side * (cosine * x + sine * y) + centre_x, 0.0, input.columns - 1.0);
        const double source_y = std::clamp(-sine * x + cosine * y + centre_y, 0.0, input.rows - 1.0);
        const int i0 = std::min(static_cast<int>(source_x), input.columns - 2), j0 = std::min(static_cast<int>(source_y), input.rows - 2);
        const auto u = static_cast<float>(source_x - i0), v = static_cast<float>(source_y - j0);
        const float* corner = from + j0 * input.columns + i0;
        const float value =
            (1 - v) * ((1 - u) * corner[0] + u * corner[1]) + v * ((1 - u) * corner[input.columns] + u * corner[input.columns + 1]);
        to[j * input.columns + i] = mean + contrast * (value - mean) + brightness;
      }
    }
  }
}

}  // namespace gantry::learning
