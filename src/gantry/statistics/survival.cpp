// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/statistics/survival.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/statistics/distributions.h"
#include "gantry/statistics/ranks.h"

namespace gantry::statistics {

namespace {

void check(const Observations& observations) {
  if (observations.time.empty()) throw Error(ErrorCode::not_possible, "subjects: there are none");
  if (observations.time.size() != observations.event.size()) throw Error(ErrorCode::internal, "event: must be stated for each subject");
  for (const double time : observations.time) {
    if (!(std::isfinite(time) && time >= 0)) throw Error(ErrorCode::not_possible, fmt::format("time: must not be negative; got {}", time));
  }
}

/// The ends of runs of equal times in the order of rising time.
template <class Body>
void for_each_time(const Observations& observations, const std::vector<std::size_t>& order, Body&& body) {
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && observations.time[order[end]] == observations.time[order[begin]]) ++end;
    body(begin, end);
    begin = end;
  }
}

/// First time at which `value` of a step is at most one half.
template <class Value>
std::optional<double> half_time(const std::vector<SurvivalCurve::Step>& steps, Value&& value) {
  constexpr double same = 1e-9;
  for (std::size_t n = 0; n < steps.size(); ++n) {
    if (!(value(steps[n]) <= 0.5 + same)) continue;
    if (std::abs(value(steps[n]) - 0.5) > same) return steps[n].time;
    for (std::size_t next = n + 1; next < steps.size(); ++next) {
      if (value(steps[next]) < 0.5 - same) return 0.5 * (steps[n].time + steps[next].time);
    }
    return 0.5 * (steps[n].time + steps.back().time);
  }
  return std::nullopt;
}

/// Log-likelihood with its slope and the information, at these coefficients.
struct Likelihood {
  double value = 0;
  Eigen::VectorXd slope;
  Eigen::MatrixXd information;
};

Likelihood efron(const Observations& observations, const std::vector<std::size_t>& order, const Eigen::MatrixXd& x,
                 const Eigen::VectorXd& coefficients) {
  const Eigen::Index p = x.cols();
  Eigen::VectorXd eta = x * coefficients;
  const double shift = eta.maxCoeff();  // cancels in the likelihood, but for overflow
  Likelihood result{0, Eigen::VectorXd::Zero(p), Eigen::MatrixXd::Zero(p, p)};
  double risk = 0;
  Eigen::VectorXd risk_x = Eigen::VectorXd::Zero(p);
  Eigen::MatrixXd risk_xx = Eigen::MatrixXd::Zero(p, p);
  for (std::size_t end = order.size(); end > 0;) {
    std::size_t begin = end - 1;
    while (begin > 0 && observations.time[order[begin - 1]] == observations.time[order[end - 1]]) --begin;
    double tied = 0;
    int events = 0;
    Eigen::VectorXd tied_x = Eigen::VectorXd::Zero(p);
    Eigen::MatrixXd tied_xx = Eigen::MatrixXd::Zero(p, p);
    for (std::size_t n = begin; n < end; ++n) {
      const auto subject = static_cast<Eigen::Index>(order[n]);
      const double weight = std::exp(eta[subject] - shift);
      const Eigen::VectorXd row = x.row(subject);
      risk += weight;
      risk_x += weight * row;
      risk_xx.noalias() += weight * row * row.transpose();
      if (observations.event[order[n]] == 0) continue;
      ++events;
      tied += weight;
      tied_x += weight * row;
      tied_xx.noalias() += weight * row * row.transpose();
      result.value += eta[subject] - shift;
      result.slope += row;
    }
    for (int n = 0; n < events; ++n) {
      const double part = static_cast<double>(n) / events, sum = risk - part * tied;
      const Eigen::VectorXd mean = (risk_x - part * tied_x) / sum;
      result.value -= std::log(sum);
      result.slope -= mean;
      result.information += (risk_xx - part * tied_xx) / sum - mean * mean.transpose();
    }
    end = begin;
  }
  return result;
}

/// Counts of values seen so far, by rank.
class RankCounts {
 public:
  explicit RankCounts(std::size_t ranks) : counts_(ranks + 1) {}
  void add(std::size_t rank) {
    for (std::size_t n = rank + 1; n < counts_.size(); n += n & -n) ++counts_[n];
  }
  /// How many have a rank below this one.
  std::int64_t below(std::size_t rank) const {
    std::int64_t sum = 0;
    for (std::size_t n = rank; n > 0; n -= n & -n) sum += counts_[n];
    return sum;
  }

 private:
  std::vector<std::int64_t> counts_;
};

/// Harrell's concordance of a risk with the observations.
double concordance(const Observations& observations, const std::vector<std::size_t>& order, std::span<const double> risk) {
  std::vector<double> values(risk.begin(), risk.end());
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  std::vector<std::size_t> rank(risk.size());
  for (std::size_t n = 0; n < risk.size(); ++n)
    rank[n] = static_cast<std::size_t>(std::ranges::lower_bound(values, risk[n]) - values.begin());
  RankCounts later(values.size());
  std::int64_t seen = 0, pairs = 0;
  double agreeing = 0;
  for (std::size_t end = order.size(); end > 0;) {
    std::size_t begin = end - 1;
    while (begin > 0 && observations.time[order[begin - 1]] == observations.time[order[end - 1]]) --begin;
    const auto add = [&](std::uint8_t event) {
      for (std::size_t n = begin; n < end; ++n) {
        if (observations.event[order[n]] != event) continue;
        later.add(rank[order[n]]);
        ++seen;
      }
    };
    add(0);  // who is censored at a time outlives who has the event then
    for (std::size_t n = begin; n < end; ++n) {
      if (observations.event[order[n]] == 0) continue;
      const std::int64_t below = later.below(rank[order[n]]), up_to = later.below(rank[order[n]] + 1);
      agreeing += static_cast<double>(below) + 0.5 * static_cast<double>(up_to - below);
      pairs += seen;
    }
    add(1);
    end = begin;
  }
  return pairs == 0 ? 0.5 : agreeing / static_cast<double>(pairs);
}

}  // namespace

SurvivalCurve kaplan_meier(const Observations& observations, double confidence) {
  check(observations);
  const double z = normal_quantile(0.5 + 0.5 * confidence);
  SurvivalCurve curve;
  curve.subjects = static_cast<std::int64_t>(observations.time.size());
  double survival = 1, variance = 0;
  const std::vector<std::size_t> order = rising_order(observations.time);
  for_each_time(observations, order, [&](std::size_t begin, std::size_t end) {
    SurvivalCurve::Step step;
    step.time = observations.time[order[begin]];
    step.at_risk = static_cast<std::int64_t>(order.size() - begin);
    for (std::size_t n = begin; n < end; ++n) (observations.event[order[n]] ? step.events : step.censored) += 1;
    curve.events += step.events;
    const auto risk = static_cast<double>(step.at_risk), events = static_cast<double>(step.events);
    survival *= 1 - events / risk;
    variance += events / (risk * (risk - events));  // infinite when nobody is left
    step.survival = survival;
    step.standard_error = survival > 0 ? survival * std::sqrt(variance) : 0;
    const double spread = survival > 0 ? z * std::sqrt(variance) : 0;
    step.lower = survival * std::exp(-spread);
    step.upper = std::min(1.0, survival * std::exp(spread));
    curve.steps.push_back(step);
  });
  curve.median = half_time(curve.steps, [](const auto& step) { return step.survival; });
  curve.median_lower = half_time(curve.steps, [](const auto& step) { return step.lower; });
  curve.median_upper = half_time(curve.steps, [](const auto& step) { return step.upper; });
  return curve;
}

LogRank log_rank(const Observations& observations, std::span<const int> group) {
  check(observations);
  const int groups = group.empty() ? 0 : 1 + *std::ranges::max_element(group);
  if (groups < 2) throw Error(ErrorCode::not_possible, fmt::format("groups: must be two or more; there are {}", groups));
  const std::vector<std::size_t> order = rising_order(observations.time);
  Eigen::VectorXd at_risk = Eigen::VectorXd::Zero(groups), observed = at_risk, expected = at_risk;
  for (const int g : group) at_risk[g] += 1;
  Eigen::MatrixXd variance = Eigen::MatrixXd::Zero(groups, groups);
  for_each_time(observations, order, [&](std::size_t begin, std::size_t end) {
    Eigen::VectorXd events = Eigen::VectorXd::Zero(groups), leaving = events;
    for (std::size_t n = begin; n < end; ++n) {
      leaving[group[order[n]]] += 1;
      if (observations.event[order[n]]) events[group[order[n]]] += 1;
    }
    const double d = events.sum(), total = at_risk.sum();
    if (d > 0) {
      const Eigen::VectorXd share = at_risk / total;
      observed += events;
      expected += d * share;
      if (total > 1) {
        const double factor = d * (total - d) / (total - 1);
        variance += factor * (Eigen::MatrixXd(share.asDiagonal()) - share * share.transpose());
      }
    }
    at_risk -= leaving;
  });
  if (!(observed.sum() > 0)) throw Error(ErrorCode::not_possible, "events: there are none");
  LogRank result;
  result.degrees = groups - 1;
  const Eigen::VectorXd difference = (observed - expected).head(groups - 1);
  const auto inverse = variance.topLeftCorner(groups - 1, groups - 1).completeOrthogonalDecomposition();
  result.chi_squared = difference.dot(inverse.solve(difference));
  result.p = chi_squared_above(result.chi_squared, result.degrees);
  result.observed.assign(observed.begin(), observed.end());
  result.expected.assign(expected.begin(), expected.end());
  return result;
}

CoxModel cox(const Observations& observations, std::span<const double> values, const std::vector<std::string>& names) {
  check(observations);
  const auto subjects = static_cast<Eigen::Index>(observations.time.size()), count = static_cast<Eigen::Index>(names.size());
  const auto events = std::ranges::count(observations.event, std::uint8_t{1});
  if (events < count || events == 0)
    throw Error(ErrorCode::not_possible, fmt::format("events: must be at least as many as covariates; there are {}", events));
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::MatrixXd x = Eigen::Map<const Rows>(values.data(), subjects, count);
  if (!x.allFinite()) throw Error(ErrorCode::not_possible, "covariates: must be finite numbers");
  // In standard deviations around the mean: the likelihood is the same, its information well scaled.
  const Eigen::RowVectorXd middle = x.colwise().mean();
  x.rowwise() -= middle;
  const Eigen::VectorXd scale = (x.colwise().squaredNorm() / static_cast<double>(subjects)).cwiseSqrt();
  for (Eigen::Index c = 0; c < count; ++c) {
    if (!(scale[c] > 1e-12 * (1 + std::abs(middle[c]))))
      throw Error(ErrorCode::not_possible, fmt::format("{}: is constant", names[static_cast<std::size_t>(c)]));
    x.col(c) /= scale[c];
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> spread(x.transpose() * x / static_cast<double>(subjects));
  if (!(spread.eigenvalues()[0] > 1e-10)) {
    Eigen::Index worst = 0;
    spread.eigenvectors().col(0).cwiseAbs().maxCoeff(&worst);
    throw Error(ErrorCode::not_possible, fmt::format("{}: is a sum of other covariates", names[static_cast<std::size_t>(worst)]));
  }

  const std::vector<std::size_t> order = rising_order(observations.time);
  CoxModel model;
  Eigen::VectorXd coefficients = Eigen::VectorXd::Zero(count), step = coefficients;
  Likelihood now = efron(observations, order, x, coefficients);
  model.null_log_likelihood = now.value;
  bool converged = false;
  for (model.iterations = 1; model.iterations <= 50 && !converged; ++model.iterations) {
    step = now.information.ldlt().solve(now.slope);
    Likelihood next = efron(observations, order, x, coefficients + step);
    for (int halving = 0; halving < 30 && !(next.value >= now.value - 1e-12 * std::abs(now.value)); ++halving) {
      step *= 0.5;
      next = efron(observations, order, x, coefficients + step);
    }
    coefficients += step;
    converged = std::abs(next.value - now.value) <= 1e-10 * (1e-6 + std::abs(next.value));
    now = std::move(next);
  }
  Eigen::Index worst = 0;
  // Where a covariate tells the events apart, the likelihood flattens while its coefficient still runs away.
  if (!converged || !(step.cwiseAbs().maxCoeff(&worst) < 1e-3)) {
    step.cwiseAbs().maxCoeff(&worst);
    throw Error(ErrorCode::not_possible, fmt::format("{}: its coefficient does not converge; it may tell the events apart by itself",
                                                     names[static_cast<std::size_t>(worst)]));
  }
  const Eigen::MatrixXd covariance = now.information.inverse();
  for (Eigen::Index c = 0; c < count; ++c) {
    CoxModel::Covariate one;
    one.coefficient = coefficients[c] / scale[c];
    one.standard_error = std::sqrt(covariance(c, c)) / scale[c];
    one.z = one.coefficient / one.standard_error;
    one.p = normal_two_sided(one.z);
    model.covariates.push_back(one);
  }
  model.log_likelihood = now.value;
  model.likelihood_ratio = 2 * (model.log_likelihood - model.null_log_likelihood);
  model.p = chi_squared_above(model.likelihood_ratio, static_cast<double>(count));
  const Eigen::VectorXd risk = x * coefficients;
  model.concordance = concordance(observations, order, {risk.data(), static_cast<std::size_t>(risk.size())});
  return model;
}

}  // namespace gantry::statistics
