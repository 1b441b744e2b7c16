// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/scores.h"

#include "gantry/base/error.h"
#include "gantry/base/random.h"
#include "gantry/bundle/bundle.h"
#include "gantry/compute/parallel.h"
#include "gantry/statistics/roc.h"

namespace gantry::learning {

namespace {

constexpr int bins = 15;
constexpr int bootstraps = 1000;

std::size_t greatest(std::span<const double> row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

double accuracy_of(const Table& probabilities, std::span<const int> labels) {
  std::size_t right = 0;
  for (std::size_t n = 0; n < labels.size(); ++n) right += greatest(probabilities.row(n)) == static_cast<std::size_t>(labels[n]);
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

double auc_of(const Table& probabilities, std::span<const int> labels) {
  std::vector<double> values(labels.size());
  std::vector<std::uint8_t> positive(labels.size());
  double total = 0;
  int counted = 0;
  for (std::size_t c = probabilities.classes == 2 ? 1 : 0; c < probabilities.classes; ++c) {
    for (std::size_t n = 0; n < labels.size(); ++n) {
      values[n] = probabilities.row(n)[c];
      positive[n] = labels[n] == static_cast<int>(c);
    }
    if (const double area = statistics::roc_area(values, positive); !std::isnan(area)) {
      total += area;
      ++counted;
    }
  }
  return counted ? total / counted : std::nan("");
}

/// Percentiles 2.5 and 97.5 of what is finite.
std::array<double, 2> interval(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  if (values.empty()) return {std::nan(""), std::nan("")};
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

Json rounded(double value) { return std::isfinite(value) ? Json(std::round(value * 1e4) / 1e4) : Json(nullptr); }
Json rounded(const std::array<double, 2>& pair) { return Json::array({rounded(pair[0]), rounded(pair[1])}); }

}  // namespace

Table softmax(const Table& scores, double temperature) {
  Table result = scores;
  for (std::size_t n = 0; n < scores.rows(); ++n) {
    double* row = result.values.data() + n * scores.classes;
    const double most = *std::max_element(row, row + scores.classes);
    double sum = 0;
    for (std::size_t c = 0; c < scores.classes; ++c) sum += row[c] = std::exp((row[c] - most) / temperature);
    for (std::size_t c = 0; c < scores.classes; ++c) row[c] /= sum;
  }
  return result;
}

Table calibrated(const Table& scores, const Calibration& calibration) {
  if (calibration.prior.empty()) return softmax(scores, calibration.temperature);
  Table shifted = scores;
  for (std::size_t n = 0; n < shifted.values.size(); ++n) {
    const std::size_t c = n % scores.classes;
    shifted.values[n] = shifted.values[n] / calibration.temperature + std::log(calibration.prior[c] / calibration.shares[c]);
  }
  return softmax(shifted, 1);
}

Calibration parse_calibration(const Json& json, std::size_t classes) {
  Calibration calibration{.temperature = bundle::number_member(json, "temperature", 0.01, 100)};
  if (!json.contains("prior")) return calibration;
  for (auto& [key, values] : {std::pair{"shares", &calibration.shares}, {"prior", &calibration.prior}}) {
    const Json& list = bundle::member(json, key, Json::value_t::array);
    if (list.size() != classes)
      throw Error(ErrorCode::unreadable, fmt::format("manifest: {}: must hold one number a class; got {}", key, list.size()));
    for (const Json& one : list) values->push_back(bundle::number_member(Json{{key, one}}, key, 1e-6, 1));
  }
  return calibration;
}

Json to_json(const Calibration& calibration) {
  Json json{{"method", "temperature"}, {"temperature", calibration.temperature}, {"part", "validation"}};
  if (!calibration.prior.empty()) {
    json["shares"] = calibration.shares;
    json["prior"] = calibration.prior;
  }
  return json;
}

double cross_entropy(const Table& probabilities, std::span<const int> labels) {
  double sum = 0;
  for (std::size_t n = 0; n < labels.size(); ++n)
    sum -= std::log(std::max(1e-300, probabilities.row(n)[static_cast<std::size_t>(labels[n])]));
  return sum / static_cast<double>(labels.size());
}

std::pair<double, double> auc_and_accuracy(const Table& probabilities, std::span<const int> labels) {
  return {auc_of(probabilities, labels), accuracy_of(probabilities, labels)};
}

double expected_calibration_error(const Table& probabilities, std::span<const int> labels) {
  std::array<double, bins> difference{};
  for (std::size_t n = 0; n < labels.size(); ++n) {
    const auto row = probabilities.row(n);
    const std::size_t given = greatest(row);
    // (0, 1/15], ..., (14/15, 1]
    const int bin = std::clamp(static_cast<int>(std::ceil(row[given] * bins)) - 1, 0, bins - 1);
    difference[static_cast<std::size_t>(bin)] += (given == static_cast<std::size_t>(labels[n]) ? 1.0 : 0.0) - row[given];
  }
  double sum = 0;
  for (const double d : difference) sum += std::abs(d);
  return sum / static_cast<double>(labels.size());
}

double fit_temperature(const Table& scores, std::span<const int> labels) {
  const auto loss = [&](double log_temperature) { return cross_entropy(softmax(scores, std::exp(log_temperature)), labels); };
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  double low = std::log(0.05), high = std::log(20.0);
  double a = high - ratio * (high - low), b = low + ratio * (high - low);
  double at_a = loss(a), at_b = loss(b);
  while (high - low > 1e-6) {
    if (at_a <= at_b) {
      high = b, b = a, at_b = at_a, a = high - ratio * (high - low), at_a = loss(a);
    } else {
      low = a, a = b, at_a = at_b, b = low + ratio * (high - low), at_b = loss(b);
    }
  }
  return std::exp((low + high) / 2);
}

ClassificationScores score(const Table& probabilities, std::span<const int> labels, const Run& run) {
  if (labels.empty() || probabilities.rows() != labels.size())
    throw Error(ErrorCode::parameter, fmt::format("scores: need one row for each of at least one case; got {} rows", probabilities.rows()));
  ClassificationScores result;
  result.cases = labels.size();
  result.auc = auc_of(probabilities, labels);
  result.accuracy = accuracy_of(probabilities, labels);
  result.calibration_error = expected_calibration_error(probabilities, labels);
  result.cross_entropy = cross_entropy(probabilities, labels);
  result.confusion.assign(probabilities.classes, std::vector<std::int64_t>(probabilities.classes));
  for (std::size_t n = 0; n < labels.size(); ++n) {
    const auto row = probabilities.row(n);
    ++result.confusion[static_cast<std::size_t>(labels[n])][greatest(row)];
    for (std::size_t c = 0; c < row.size(); ++c) {
      const double difference = row[c] - (labels[n] == static_cast<int>(c) ? 1.0 : 0.0);
      result.brier += difference * difference / static_cast<double>(labels.size());
    }
  }
  result.sensitivity = result.specificity = std::nan("");
  if (probabilities.classes == 2) {
    const auto& m = result.confusion;
    const auto share = [](std::int64_t part, std::int64_t rest) {
      return part + rest > 0 ? static_cast<double>(part) / static_cast<double>(part + rest) : std::nan("");
    };
    result.sensitivity = share(m[1][1], m[1][0]);
    result.specificity = share(m[0][0], m[0][1]);
  }
  std::vector<double> aucs(bootstraps), accuracies(bootstraps), errors(bootstraps);
  parallel_for(run, bootstraps, 10, [&](std::int64_t begin, std::int64_t end) {
    Table drawn{probabilities.classes, std::vector<double>(probabilities.values.size())};
    std::vector<int> drawn_labels(labels.size());
    for (std::int64_t b = begin; b < end; ++b) {
      Random random(run.seed(), static_cast<std::uint64_t>(b) + 1);
      for (std::size_t n = 0; n < labels.size(); ++n) {
        const auto from = static_cast<std::size_t>(random.next_integer(0, static_cast<std::int64_t>(labels.size()) - 1));
        const auto row = probabilities.row(from);
        std::copy(row.begin(), row.end(), drawn.values.begin() + static_cast<std::ptrdiff_t>(n * drawn.classes));
        drawn_labels[n] = labels[from];
      }
      const auto slot = static_cast<std::size_t>(b);
      aucs[slot] = auc_of(drawn, drawn_labels);
      accuracies[slot] = accuracy_of(drawn, drawn_labels);
      errors[slot] = expected_calibration_error(drawn, drawn_labels);
    }
  });
  result.auc_interval = interval(std::move(aucs));
  result.accuracy_interval = interval(std::move(accuracies));
  result.calibration_error_interval = interval(std::move(errors));
  return result;
}

Json to_json(const ClassificationScores& scores, const std::vector<std::string>& classes) {
  Json json{{"cases", scores.cases},
            {"auc", rounded(scores.auc)},
            {"auc_interval", rounded(scores.auc_interval)},
            {"accuracy", rounded(scores.accuracy)},
            {"accuracy_interval", rounded(scores.accuracy_interval)},
            {"ece", rounded(scores.calibration_error)},
            {"ece_interval", rounded(scores.calibration_error_interval)},
            {"brier", rounded(scores.brier)},
            {"cross_entropy", rounded(scores.cross_entropy)}};
  if (classes.size() == 2) {
    json["positive_class"] = classes[1];
    json["sensitivity"] = rounded(scores.sensitivity);
    json["specificity"] = rounded(scores.specificity);
  }
  Json confusion = Json::object();
  for (std::size_t t = 0; t < classes.size(); ++t) {
    for (std::size_t g = 0; g < classes.size(); ++g) confusion[classes[t]][classes[g]] = scores.confusion[t][g];
  }
  json["confusion"] = confusion;
  return json;
}

}  // namespace gantry::learning
