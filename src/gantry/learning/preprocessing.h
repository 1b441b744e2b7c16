// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>
#include <vector>

#include "gantry/base/json.h"
#include "gantry/image/image.h"

namespace gantry::learning {

/// What a network for pictures is given: size, channels, and the mean and standard deviation that its values in [0, 1] are brought to 0 and
/// 1 with.
struct PictureInput {
  int channels = 1;  ///< 1 grey, 3 red, green, blue
  int rows = 28, columns = 28;
  std::vector<float> mean, standard_deviation;  ///< one a channel

  std::size_t values() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  }
};

/// The `input` of a manifest. Throws Error(unreadable) that names the member.
PictureInput parse_picture_input(const Json& json);
Json to_json(const PictureInput& input);

/// A two-dimensional picture as values in [0, 1], channel by channel: u8 and u16 over their whole range, f32 that lies in [0, 1] as it is;
/// colour to grey by ITU-R BT.601, grey to colour by copies; the largest centred part with the network's aspect; means over areas where it
/// shrinks, linear where it grows. Throws Error(refused) for volumes, cine, other types, NaN and values outside.
std::vector<float> fit_picture(const Image& image, const PictureInput& input);

/// (value - mean) / standard deviation of each channel.
void normalise(std::span<float> values, const PictureInput& input);

}  // namespace gantry::learning
