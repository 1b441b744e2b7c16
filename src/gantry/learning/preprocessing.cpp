// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/preprocessing.h"

#include "gantry/base/error.h"
#include "gantry/bundle/bundle.h"

namespace gantry::learning {

namespace {

/// What one output sample is made of: consecutive source samples with their weights.
struct Share {
  std::int64_t first = 0;
  std::vector<float> weights;
};

/// Output n of `count` covers [begin + n * step, begin + (n + 1) * step) of `size` source samples: means where a sample is at least as
/// wide as the source's, linear between centres where it is narrower.
std::vector<Share> shares(std::int64_t size, double begin, double step, int count) {
  std::vector<Share> result(static_cast<std::size_t>(count));
  for (int n = 0; n < count; ++n) {
    Share& share = result[static_cast<std::size_t>(n)];
    const double low = begin + n * step, high = low + step;
    if (step >= 1) {
      share.first = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(low)), 0, size - 1);
      const auto last = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(high)), share.first + 1, size);
      double sum = 0;
      std::vector<double> weights;
      for (std::int64_t i = share.first; i < last; ++i) {
        weights.push_back(std::max(0.0, std::min(high, static_cast<double>(i + 1)) - std::max(low, static_cast<double>(i))));
        sum += weights.back();
      }
      for (const double w : weights) share.weights.push_back(static_cast<float>(w / sum));
    } else {
      const double at = std::clamp((low + high) / 2 - 0.5, 0.0, static_cast<double>(size - 1));
      share.first = std::min<std::int64_t>(static_cast<std::int64_t>(at), std::max<std::int64_t>(0, size - 2));
      const auto beyond = static_cast<float>(at - static_cast<double>(share.first));
      share.weights = size > 1 ? std::vector<float>{1 - beyond, beyond} : std::vector<float>{1};
    }
  }
  return result;
}

/// One channel, values in [0, 1].
std::vector<float> plane_of(const VoxelView<float>& view, int channel, int channels, float scale) {
  std::vector<float> plane(static_cast<std::size_t>(view.grid().voxel_count()));
  const int components = view.components();
  const float* values = view.data();
  for (std::size_t n = 0; n < plane.size(); ++n) {
    const float* at = values + n * static_cast<std::size_t>(components);
    if (components >= 3) {
      plane[n] = scale * (channels == 1 ? 0.299f * at[0] + 0.587f * at[1] + 0.114f * at[2] : at[channel]);
    } else {
      plane[n] = scale * at[0];
    }
  }
  return plane;
}

float scale_of(const Image& image, const VoxelView<float>& view) {
  if (image.type() == PixelType::u8) return 1.0f / 255;
  if (image.type() == PixelType::u16) return 1.0f / 65535;
  if (image.type() != PixelType::f32)
    throw Error(ErrorCode::refused, fmt::format("image: must be u8, u16, or f32 in [0, 1]; is {}", name_of(image.type())));
  for (std::int64_t n = 0; n < view.count(); ++n) {
    if (!(view[n] >= 0 && view[n] <= 1))
      throw Error(ErrorCode::refused, fmt::format("image: f32 values must lie between 0 and 1; value {} is {}", n, view[n]));
  }
  return 1;
}

std::vector<float> floats(const Json& json, const std::string& key, int count) {
  const Json& list = bundle::member(json, key, Json::value_t::array);
  std::vector<float> values;
  for (const Json& number : list) {
    if (!number.is_number() || !std::isfinite(number.get<double>()))
      throw Error(ErrorCode::unreadable, "manifest: " + key + ": must hold numbers");
    values.push_back(number.get<float>());
  }
  if (values.size() != static_cast<std::size_t>(count))
    throw Error(ErrorCode::unreadable, fmt::format("manifest: {}: must hold one number a channel; got {}", key, values.size()));
  return values;
}

}  // namespace

PictureInput parse_picture_input(const Json& json) {
  PictureInput input;
  input.channels = bundle::whole_member(json, "channels", 1, 3);
  if (input.channels == 2) throw Error(ErrorCode::unreadable, "manifest: channels: must be 1 or 3; got 2");
  input.rows = bundle::whole_member(json, "rows", 8, 1024);
  input.columns = bundle::whole_member(json, "columns", 8, 1024);
  input.mean = floats(json, "mean", input.channels);
  input.standard_deviation = floats(json, "standard_deviation", input.channels);
  for (const float deviation : input.standard_deviation) {
    if (!(deviation > 0)) throw Error(ErrorCode::unreadable, "manifest: standard_deviation: must be more than 0");
  }
  return input;
}

Json to_json(const PictureInput& input) {
  return {{"channels", input.channels},
          {"rows", input.rows},
          {"columns", input.columns},
          {"mean", input.mean},
          {"standard_deviation", input.standard_deviation}};
}

std::vector<float> fit_picture(const Image& image, const PictureInput& input) {
  if (image.empty() || image.grid().size(2) != 1 || image.frames() != 1)
    throw Error(ErrorCode::refused, "image: must be one two-dimensional picture");
  if (image.components() == 2 || image.components() > 4 || is_complex(image.type()))
    throw Error(ErrorCode::refused, fmt::format("image: must be grey or red, green, blue; has {} components", image.components()));
  const VoxelView<float> view = image.as<float>();
  const float scale = scale_of(image, view);
  const std::int64_t width = image.grid().size(0), height = image.grid().size(1);
  const double step = std::min(static_cast<double>(width) / input.columns, static_cast<double>(height) / input.rows);
  const auto along = shares(width, (static_cast<double>(width) - step * input.columns) / 2, step, input.columns);
  const auto down = shares(height, (static_cast<double>(height) - step * input.rows) / 2, step, input.rows);
  std::vector<float> result;
  result.reserve(input.values());
  for (int channel = 0; channel < input.channels; ++channel) {
    const std::vector<float> plane = plane_of(view, channel, input.channels, scale);
    std::vector<float> narrow(static_cast<std::size_t>(height) * along.size());
    for (std::int64_t j = 0; j < height; ++j) {
      for (std::size_t i = 0; i < along.size(); ++i) {
        const float* from = plane.data() + j * width + along[i].first;
        float sum = 0;
        for (std::size_t k = 0; k < along[i].weights.size(); ++k) sum += along[i].weights[k] * from[k];
        narrow[static_cast<std::size_t>(j) * along.size() + i] = sum;
      }
    }
    for (const Share& share : down) {
      for (std::size_t i = 0; i < along.size(); ++i) {
        float sum = 0;
        for (std::size_t k = 0; k < share.weights.size(); ++k)
          sum += share.weights[k] * narrow[(static_cast<std::size_t>(share.first) + k) * along.size() + i];
        result.push_back(sum);
      }
    }
  }
  return result;
}

void normalise(std::span<float> values, const PictureInput& input) {
  const std::size_t plane = static_cast<std::size_t>(input.rows) * static_cast<std::size_t>(input.columns);
  for (std::size_t n = 0; n < values.size(); ++n) {
    const std::size_t channel = n / plane % static_cast<std::size_t>(input.channels);
    values[n] = (values[n] - input.mean[channel]) / input.standard_deviation[channel];
  }
}

}  // namespace gantry::learning
