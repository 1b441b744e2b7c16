// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/generation/denoising.h"

#include <cmath>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/filter/non_local_means.h"
#include "gantry/learning/mesh_network.h"
#include "gantry/learning/trained_bundle.h"
#include "gantry/volume/filters.h"

namespace gantry::generation {

namespace {

constexpr std::int64_t slices_at_once = 64;
constexpr std::array<double, 2> measured_levels{0.1, 0.3};
constexpr double measured_correlation = 0.6;
constexpr std::uint64_t stream_of_measuring = std::uint64_t{1} << 60;

double root_mean_square(const VoxelView<float>& image) {
  double squares = 0;
  for (std::int64_t n = 0; n < image.count(); ++n) squares += std::pow(static_cast<double>(image[n]), 2);
  return std::sqrt(squares / static_cast<double>(image.count()));
}

double root_mean_square_error(const VoxelView<float>& given, const VoxelView<float>& truth) {
  double squares = 0;
  for (std::int64_t n = 0; n < truth.count(); ++n) squares += std::pow(static_cast<double>(given[n]) - static_cast<double>(truth[n]), 2);
  return std::sqrt(squares / static_cast<double>(truth.count()));
}

double sum_of(const VoxelView<float>& image) {
  double sum = 0;
  for (std::int64_t n = 0; n < image.count(); ++n) sum += static_cast<double>(image[n]);
  return sum;
}

/// What smoothing leaves of the standard deviation of white noise along one axis.
double smoothed_deviation(double sigma) {
  if (sigma <= 0) return 1;
  double sum = 0, squares = 0;
  const int reach = static_cast<int>(std::ceil(4 * sigma));
  for (int n = -reach; n <= reach; ++n) {
    const double tap = std::exp(-n * n / (2 * sigma * sigma));
    sum += tap;
    squares += tap * tap;
  }
  return std::sqrt(squares) / sum;
}

/// Settings of filter.nlm: noise over its true deviation, and strength.
constexpr std::array<std::pair<double, double>, 4> nlm_settings{{{1, 0.6}, {2, 0.6}, {1, 1}, {2, 1}}};

/// Root mean square errors of filter.nlm with each setting.
std::array<double, nlm_settings.size()> errors_of_nlm(const Voxels<float>& noisy, const Voxels<float>& truth, Run& run) {
  const double noise = root_mean_square_error(noisy, truth);
  const Image image(noisy.clone());
  std::array<double, nlm_settings.size()> errors{};
  for (std::size_t n = 0; n < nlm_settings.size(); ++n) {
    NonLocalMeans filter;
    filter.sigma = nlm_settings[n].first * noise;
    filter.strength = nlm_settings[n].second;
    filter.search_radius = 3;
    Run quiet = run.part(0, 0);
    errors[n] = root_mean_square_error(filter(image, quiet).filtered.as<float>(), truth);
  }
  return errors;
}

/// The image from another side: its axes are the rows and the slices from behind, and the columns.
Voxels<float> turned(const VoxelView<float>& image) {
  const std::int64_t columns = image.grid().size(0), rows = image.grid().size(1), slices = image.grid().size(2);
  auto result = Voxels<float>::uninitialized(Grid({rows, slices, columns}));
  for (std::int64_t k = 0; k < slices; ++k)
    for (std::int64_t j = 0; j < rows; ++j)
      for (std::int64_t i = 0; i < columns; ++i) result(rows - 1 - j, slices - 1 - k, i) = image(i, j, k);
  return result;
}

/// What the network adds to the image, whose values it sees over `scale`.
Voxels<float> noise_in(const bundle::VolumeNetwork& network, const VoxelView<float>& image, double scale, Run& run) {
  auto noise = Voxels<float>::uninitialized(Grid(image.grid().size()));
  const std::int64_t reach = network.reach(), columns = image.grid().size(0), rows = image.grid().size(1), slices = image.grid().size(2);
  const auto share = [&](std::int64_t k) { return static_cast<double>(k) / static_cast<double>(slices); };
  for (std::int64_t first = 0; first < slices; first += slices_at_once) {
    const std::int64_t count = std::min(slices_at_once, slices - first);
    Run part = run.part(share(first), share(first + count), "network");
    // With what lies around it, so that the network's own zeros do not reach a voxel.
    auto padded = Voxels<float>::uninitialized(Grid({columns + 2 * reach, rows + 2 * reach, count + 2 * reach}));
    parallel_for(run, count + 2 * reach, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k)
        for (std::int64_t j = 0; j < rows + 2 * reach; ++j)
          for (std::int64_t i = 0; i < columns + 2 * reach; ++i) {
            const float value = image(std::clamp<std::int64_t>(i - reach, 0, columns - 1), std::clamp<std::int64_t>(j - reach, 0, rows - 1),
                                      std::clamp<std::int64_t>(k + first - reach, 0, slices - 1));
            padded(i, j, k) = static_cast<float>(static_cast<double>(value) / scale);
          }
    });
    learning::run_mesh_network(network, padded, part, [&](std::int64_t at, std::span<const float> values) {
      if (at < reach || at >= count + reach) return;
      for (std::int64_t j = 0; j < rows; ++j) {
        const float* row = values.data() + (j + reach) * (columns + 2 * reach) + reach;
        for (std::int64_t i = 0; i < columns; ++i)
          noise(i, j, first + at - reach) = static_cast<float>(scale * static_cast<double>(row[i]));
      }
    });
  }
  return noise;
}

}  // namespace

Voxels<float> with_count_noise(const VoxelView<float>& image, const CountNoise& noise, Random random, const Run& run) {
  const double scale = root_mean_square(image);
  Voxels<float> result(image.grid());
  if (scale == 0) return result;
  Voxels<float> white(Grid(image.grid().size()));
  for (std::int64_t n = 0; n < white.count(); ++n) white[n] = static_cast<float>(random.next_normal());
  const double sigma = noise.correlation;
  const Voxels<float> smooth = gaussian(white, {sigma, sigma, sigma}, Border::mirror, run);
  const double back = std::pow(smoothed_deviation(sigma), -3);
  for (std::int64_t n = 0; n < image.count(); ++n) {
    const double value = static_cast<double>(image[n]);
    const double deviation = scale * std::sqrt(noise.level * std::max(value, 0.0) / scale + CountNoise::floor * CountNoise::floor);
    result[n] = static_cast<float>(value + deviation * back * static_cast<double>(smooth[n]));
  }
  return result;
}

bundle::VolumeNetwork chain_of(const learning::Weights& weights) {
  std::vector<bundle::VolumeLayer> layers;
  for (std::size_t n = 1; n <= weights.tensors.size() / 2; ++n) {
    const std::string name = fmt::format("convolution_{}", n);
    const auto kernel = weights.tensors.find(name + ".weight"), bias = weights.tensors.find(name + ".bias");
    if (kernel == weights.tensors.end() || bias == weights.tensors.end())
      throw Error(ErrorCode::unreadable, fmt::format("weights: {}.weight and .bias must be there", name));
    bundle::VolumeLayer layer{.name = name, .weights = kernel->second, .bias = bias->second};
    const bundle::Tensor& from = kernel->second;
    const bool cubes = from.shape.size() == 5 && from.shape[2] == 3 && from.shape[3] == 3 && from.shape[4] == 3;
    if (!cubes) throw Error(ErrorCode::unreadable, fmt::format("weights: {}.weight must be (outputs, inputs, 3, 3, 3)", name));
    // Tensors of the engine run along slices, rows, columns; those of a layer along i, j, k.
    for (std::size_t at = 0; at < from.values.size(); ++at) {
      const std::size_t tap = at % 27;
      layer.weights.values[at - tap + tap % 3 * 9 + tap / 3 % 3 * 3 + tap / 9] = from.values[at];
    }
    layer.activation = 2 * n < weights.tensors.size() ? bundle::Activation::elu : bundle::Activation::linear;
    layers.push_back(std::move(layer));
  }
  bundle::VolumeNetwork network(std::move(layers));
  if (network.inputs() != 1 || network.outputs() != 1)
    throw Error(ErrorCode::unreadable,
                fmt::format("weights: must lead from 1 channel to 1; lead from {} to {}", network.inputs(), network.outputs()));
  return network;
}

Voxels<float> denoise(const bundle::VolumeNetwork& network, const VoxelView<float>& image, Run& run) {
  if (image.components() != 1 || image.frames() != 1) throw Error(ErrorCode::refused, "image: must be one volume of one number a voxel");
  for (std::int64_t n = 0; n < image.count(); ++n)
    if (!std::isfinite(image[n])) throw Error(ErrorCode::refused, fmt::format("image: must hold finite values; found {}", image[n]));
  const double scale = root_mean_square(image);
  auto clean = Voxels<float>::uninitialized(image.grid());
  std::copy_n(image.data(), image.count(), clean.data());
  if (scale == 0) return clean;
  Run first = run.part(0, 0.5), second = run.part(0.5, 1);
  const Voxels<float> seen = noise_in(network, image, scale, first), seen_turned = noise_in(network, turned(image), scale, second);
  const std::int64_t columns = image.grid().size(0), rows = image.grid().size(1), slices = image.grid().size(2);
  for (std::int64_t k = 0; k < slices; ++k)
    for (std::int64_t j = 0; j < rows; ++j)
      for (std::int64_t i = 0; i < columns; ++i) clean(i, j, k) += (seen(i, j, k) + seen_turned(rows - 1 - j, slices - 1 - k, i)) / 2;
  return clean;
}

DenoisingModel::DenoisingModel(const Path& folder) : bundle_(bundle::open_bundle(folder)) {
  with_context(bundle_.name, [&] {
    if (bundle_.task != "denoising") throw Error(ErrorCode::refused, "bundle: must be of the task denoising; is of " + bundle_.task);
    const Json& architecture = bundle::member(bundle_.manifest, "architecture", Json::value_t::object);
    if (const Json& kind = bundle::member(architecture, "kind", Json::value_t::string); kind != "chain")
      throw Error(ErrorCode::unreadable, "manifest: architecture: kind must be chain; got " + kind.dump());
    network_ = std::make_unique<bundle::VolumeNetwork>(chain_of(learning::weights_of(bundle_)));
  });
}

Json score_denoising(const bundle::VolumeNetwork& network, const learning::VolumeSet& set, const std::vector<std::size_t>& cases,
                     Run& run) {
  const auto rounded = [](double v) { return std::round(v * 1e3) / 1e3; };
  const auto mean_of = [](const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  };
  const auto parts = static_cast<double>(cases.size() * measured_levels.size());
  Json levels = Json::array();
  for (std::size_t level = 0; level < measured_levels.size(); ++level) {
    std::vector<double> noisy_db, network_db, changes;
    std::array<std::vector<double>, nlm_settings.size()> nlm_db;
    for (std::size_t n = 0; n < cases.size(); ++n) {
      const learning::VolumeCase& one = set.cases[cases[n]];
      const auto done = static_cast<double>(level * cases.size() + n);
      Run part = run.part(done / parts, (done + 1) / parts, one.name);
      with_context(one.name, [&] {
        const CountNoise noise{measured_levels[level], measured_correlation};
        const Voxels<float> noisy = with_count_noise(one.image, noise, Random(n, stream_of_measuring + level), run);
        const Voxels<float> given = denoise(network, noisy, part);
        const auto [low, high] = std::minmax_element(one.image.values().begin(), one.image.values().end());
        const double range = static_cast<double>(*high) - static_cast<double>(*low);
        const auto decibels = [&](double error) { return 20 * std::log10(range / std::max(error, 1e-12 * range)); };
        noisy_db.push_back(decibels(root_mean_square_error(noisy, one.image)));
        network_db.push_back(decibels(root_mean_square_error(given, one.image)));
        const auto errors = errors_of_nlm(noisy, one.image, run);
        for (std::size_t s = 0; s < errors.size(); ++s) nlm_db[s].push_back(decibels(errors[s]));
        const double whole = sum_of(one.image);
        changes.push_back(whole == 0 ? 0 : 100 * (sum_of(given) / whole - 1));
      });
    }
    const auto best = std::max_element(nlm_db.begin(), nlm_db.end(), [&](const auto& a, const auto& b) { return mean_of(a) < mean_of(b); });
    const auto [share, strength] = nlm_settings[static_cast<std::size_t>(best - nlm_db.begin())];
    std::vector<double> gains, squares;
    Json of_cases = Json::object();
    for (std::size_t n = 0; n < cases.size(); ++n) {
      gains.push_back(network_db[n] - (*best)[n]);
      squares.push_back(gains.back() * gains.back());
      of_cases[set.cases[cases[n]].name] = rounded(gains.back());
    }
    const double mean = mean_of(gains), count = static_cast<double>(cases.size());
    const double half = count > 1 ? 1.96 * std::sqrt(std::max(0.0, mean_of(squares) - mean * mean) / (count - 1)) : 0;
    levels.push_back({{"noise_level", measured_levels[level]},
                      {"psnr_noisy_db", rounded(mean_of(noisy_db))},
                      {"psnr_nlm_db", rounded(mean_of(*best))},
                      {"nlm_setting", {{"sigma_over_noise", share}, {"strength", strength}}},
                      {"psnr_db", rounded(mean_of(network_db))},
                      {"gain_db", rounded(mean)},
                      {"gain_db_interval", {rounded(mean - half), rounded(mean + half)}},
                      {"least_gain_db", rounded(*std::min_element(gains.begin(), gains.end()))},
                      {"change_of_sum_percent", rounded(mean_of(changes))},
                      {"gain_of_cases", of_cases}});
  }
  return {{"cases", cases.size()}, {"levels", levels}};
}

}  // namespace gantry::generation
