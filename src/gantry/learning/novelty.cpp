// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/novelty.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"

namespace gantry::learning {

namespace {

constexpr int most_side = 28;
constexpr int most_directions = 64;
constexpr std::size_t least_train = 100, least_validation = 99;
constexpr double quantile = 0.99;

/// The grey thumbnail, mean 0 and deviation 1.
std::vector<float> thumbnail(std::span<const float> values, const PictureInput& input, int rows, int columns) {
  const std::size_t plane = static_cast<std::size_t>(input.rows) * static_cast<std::size_t>(input.columns);
  Voxels<float> grey(Grid({input.columns, input.rows, 1}), 0.0F);
  for (std::size_t n = 0; n < values.size(); ++n)
    grey[static_cast<std::int64_t>(n % plane)] += std::clamp(values[n], 0.0F, 1.0F) / static_cast<float>(input.channels);
  for (float& value : grey.values()) value = std::min(value, 1.0F);
  std::vector<float> small = fit_picture(Image(std::move(grey)), {.channels = 1, .rows = rows, .columns = columns});
  double sum = 0, squares = 0;
  for (const float v : small) sum += v, squares += static_cast<double>(v) * v;
  const auto count = static_cast<double>(small.size());
  const double mean = sum / count, deviation = std::sqrt(std::max(1e-6, squares / count - mean * mean));
  for (float& v : small) v = static_cast<float>((v - mean) / deviation);
  return small;
}

}  // namespace

std::optional<Novelty> Novelty::learnt(const Cases& train, const Cases& validation, const PictureInput& input) {
  if (train.size() < least_train || validation.size() < least_validation) return std::nullopt;
  Novelty result;
  result.rows_ = std::min(input.rows, most_side);
  result.columns_ = std::min(input.columns, most_side);
  const Eigen::Index size = static_cast<Eigen::Index>(result.rows_) * result.columns_, count = static_cast<Eigen::Index>(train.size());
  Eigen::MatrixXd pictures(size, count);
  for (Eigen::Index n = 0; n < count; ++n) {
    const auto small = thumbnail({train.values.data() + static_cast<std::size_t>(n) * input.values(), input.values()}, input, result.rows_,
                                 result.columns_);
    for (Eigen::Index k = 0; k < size; ++k) pictures(k, n) = small[static_cast<std::size_t>(k)];
  }
  const Eigen::VectorXd mean = pictures.rowwise().mean();
  pictures.colwise() -= mean;
  Eigen::MatrixXd covariance(size, size);
  covariance.noalias() = pictures * pictures.transpose() / static_cast<double>(count - 1);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);
  const Eigen::Index kept = std::min<Eigen::Index>({most_directions, size / 4, count / 4});
  const Eigen::VectorXd& values = solver.eigenvalues();  // rising
  for (Eigen::Index k = 0; k < size; ++k) result.mean_.push_back(static_cast<float>(mean(k)));
  for (Eigen::Index d = 0; d < kept; ++d) {
    const Eigen::Index column = size - 1 - d;
    result.variances_.push_back(static_cast<float>(std::max(values(column), 1e-9)));
    for (Eigen::Index k = 0; k < size; ++k) result.directions_.push_back(static_cast<float>(solver.eigenvectors()(k, column)));
  }
  std::vector<double> structure, detail;
  for (std::size_t n = 0; n < validation.size(); ++n) {
    const Place place = result.place({validation.values.data() + n * input.values(), input.values()}, input);
    structure.push_back(place.structure);
    detail.push_back(place.detail);
  }
  std::sort(structure.begin(), structure.end());
  std::sort(detail.begin(), detail.end());
  const auto number = static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(validation.size() + 1)));
  const std::size_t at = std::min(number, validation.size()) - 1;
  result.most_structure_ = structure[at];
  result.most_detail_ = detail[at];
  result.least_detail_ = detail[0] / 2;
  return result;
}

std::optional<Novelty> Novelty::of(const bundle::Bundle& bundle) {
  if (!bundle.manifest.contains("novelty")) return std::nullopt;
  const Json& json = bundle::member(bundle.manifest, "novelty", Json::value_t::object);
  Novelty result;
  result.rows_ = bundle::whole_member(json, "rows", 1, most_side);
  result.columns_ = bundle::whole_member(json, "columns", 1, most_side);
  const int directions = bundle::whole_member(json, "directions", 1, most_directions);
  result.most_structure_ = bundle::number_member(json, "most_structure", 0, 1e12);
  result.most_detail_ = bundle::number_member(json, "most_detail", 0, 1e12);
  result.least_detail_ = bundle::number_member(json, "least_detail", 0, 1e12);
  if (!bundle.manifest["files"].contains(novelty_file))
    throw Error(ErrorCode::unreadable, fmt::format("manifest: files: must list {}", novelty_file));
  bundle::Weights all = bundle::read_safetensors(bundle.file(novelty_file), 1 << 24);
  const std::int64_t size = static_cast<std::int64_t>(result.rows_) * result.columns_;
  const auto take = [&](const char* name, std::vector<std::int64_t> shape) {
    const auto found = all.tensors.find(name);
    const bool fits = found != all.tensors.end() && found->second.shape == shape &&
                      std::all_of(found->second.values.begin(), found->second.values.end(), [](float v) { return std::isfinite(v); });
    if (!fits)
      throw Error(ErrorCode::unreadable,
                  fmt::format("novelty: tensor '{}' must be there, finite, of the shape [{}]", name, fmt::join(shape, ", ")));
    return std::move(found->second.values);
  };
  result.mean_ = take("mean", {size});
  result.directions_ = take("directions", {directions, size});
  result.variances_ = take("variances", {directions});
  if (std::any_of(result.variances_.begin(), result.variances_.end(), [](float v) { return !(v > 0); }))
    throw Error(ErrorCode::unreadable, "novelty: variances must be more than 0");
  return result;
}

Novelty::Place Novelty::place(std::span<const float> values, const PictureInput& input) const {
  std::vector<float> small = thumbnail(values, input, rows_, columns_);
  double all = 0, along = 0, structure = 0;
  for (std::size_t k = 0; k < small.size(); ++k) {
    small[k] -= mean_[k];
    all += static_cast<double>(small[k]) * small[k];
  }
  for (std::size_t d = 0; d < variances_.size(); ++d) {
    const float* direction = directions_.data() + d * small.size();
    double part = 0;
    for (std::size_t k = 0; k < small.size(); ++k) part += static_cast<double>(direction[k]) * small[k];
    along += part * part;
    structure += part * part / variances_[d];
  }
  return {structure / static_cast<double>(variances_.size()), std::max(0.0, all - along) / static_cast<double>(small.size())};
}

std::string Novelty::reason(std::span<const float> values, const PictureInput& input) const {
  const Place found = place(values, input);
  const auto text = [](const char* what, const char* than, double value, double limit) {
    return fmt::format("the picture is unlike those that the model learnt from: its {} is {} theirs ({:.3g}, limit {:.3g})", what, than,
                       value, limit);
  };
  if (!(found.structure <= most_structure_)) return text("large structure", "farther from the mean than", found.structure, most_structure_);
  if (!(found.detail <= most_detail_)) return text("fine detail", "more and other than", found.detail, most_detail_);
  if (!(found.detail >= least_detail_)) return text("fine detail", "less than", found.detail, least_detail_);
  return {};
}

double Novelty::share_unlike(const Cases& cases, const PictureInput& input, const Run& run) const {
  std::vector<std::uint8_t> unlike(cases.size());
  parallel_for(run, static_cast<std::int64_t>(cases.size()), 16, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n)
      unlike[n] = reason({cases.values.data() + n * input.values(), input.values()}, input).empty() ? 0 : 1;
  });
  const double share =
      static_cast<double>(std::count(unlike.begin(), unlike.end(), 1)) / static_cast<double>(std::max<std::size_t>(1, cases.size()));
  return std::round(share * 1e4) / 1e4;
}

Json Novelty::to_json() const {
  return {{"rows", rows_},
          {"columns", columns_},
          {"directions", variances_.size()},
          {"most_structure", most_structure_},
          {"most_detail", most_detail_},
          {"least_detail", least_detail_},
          {"quantile", quantile},
          {"part", "validation"}};
}

bundle::Weights Novelty::tensors() const {
  const auto size = static_cast<std::int64_t>(mean_.size()), directions = static_cast<std::int64_t>(variances_.size());
  bundle::Weights all;
  all.tensors["mean"] = {{size}, mean_};
  all.tensors["directions"] = {{directions, size}, directions_};
  all.tensors["variances"] = {{directions}, variances_};
  return all;
}

}  // namespace gantry::learning
