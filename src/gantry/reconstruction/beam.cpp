// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/beam.h"

#include <Eigen/Dense>
#include <numbers>
#include <numeric>

#include "gantry/base/error.h"

namespace gantry::reconstruction {

namespace {

constexpr double degree = std::numbers::pi / 180;

}  // namespace

void BeamParameters::describe(Description<BeamParameters>& d) {
  d.parameter("shape", &BeamParameters::shape, "Rays of one view");
  d.parameter("first_angle", &BeamParameters::first_angle, "Angle of the first view").unit("deg").range(-36000, 36000);
  d.parameter("angle_range", &BeamParameters::angle_range,
              "Angle over which the views are spread evenly, its end not included; negative: the other way round")
      .unit("deg")
      .range(-36000, 36000);
  d.parameter("source_distance", &BeamParameters::source_distance, "Fan beam: from the source to the axis of rotation")
      .unit("mm")
      .range(1, 1e5);
  d.parameter("detector_distance", &BeamParameters::detector_distance, "Fan beam: from the axis of rotation to the detector")
      .unit("mm")
      .range(0, 1e5);
}

Beam beam_of(const BeamParameters& parameters, std::int64_t columns, double detector_spacing_mm, std::int64_t views, const Image* angles,
             std::optional<double> centre) {
  Beam beam;
  beam.fan = parameters.shape == BeamShape::fan;
  beam.columns = columns;
  beam.centre = centre.value_or(0.5 * static_cast<double>(columns - 1));
  if (!(beam.centre >= 0 && beam.centre <= static_cast<double>(columns - 1)))
    throw Error(ErrorCode::parameter, fmt::format("centre: must lie on the detector, between 0 and {}; got {}", columns - 1, beam.centre));
  beam.spacing_mm = detector_spacing_mm;
  if (beam.fan) {
    beam.source_mm = parameters.source_distance;
    beam.spacing_mm *= parameters.source_distance / (parameters.source_distance + parameters.detector_distance);
  }
  beam.angles_rad.resize(static_cast<std::size_t>(views));
  if (angles) {
    if (angles->count() != views)
      throw Error(ErrorCode::parameter, fmt::format("angles: must be one for each of {} views; got {}", views, angles->count()));
    const VoxelView<double> degrees = angles->as<double>();
    for (std::int64_t n = 0; n < views; ++n) {
      if (!(std::abs(degrees[n]) <= 36000))
        throw Error(ErrorCode::parameter, fmt::format("angles: must lie between -36000 and 36000 degrees; view {} has {}", n, degrees[n]));
      beam.angles_rad[static_cast<std::size_t>(n)] = degrees[n] * degree;
    }
  } else {
    for (std::size_t n = 0; n < beam.angles_rad.size(); ++n)
      beam.angles_rad[n] = (parameters.first_angle + parameters.angle_range * static_cast<double>(n) / static_cast<double>(views)) * degree;
  }
  return beam;
}

double axis_column(const Image& projections, const Beam& beam) {
  const VoxelView<float> values = projections.as<float>();
  const auto views = static_cast<std::int64_t>(beam.angles_rad.size());
  Eigen::MatrixX3d waves(views, 3);
  Eigen::VectorXd centres(views);
  for (std::int64_t n = 0; n < views; ++n) {
    double mass = 0, moment = 0;
    for (std::int64_t k = 0; k < projections.grid().size(2); ++k) {
      for (std::int64_t c = 0; c < beam.columns; ++c) {
        const double value = values[c + beam.columns * (n + views * k)];
        mass += value;
        moment += value * static_cast<double>(c);
      }
    }
    centres[n] = moment / mass;
    if (!(mass > 0 && centres[n] >= 0 && centres[n] <= static_cast<double>(beam.columns - 1)))
      throw Error(ErrorCode::not_possible, fmt::format("find_centre: view {} has no centre of mass on the detector", n));
    const double angle = beam.angles_rad[static_cast<std::size_t>(n)];
    waves.row(n) << 1, std::cos(angle), std::sin(angle);
  }
  const Eigen::ColPivHouseholderQR<Eigen::MatrixX3d> fit(waves);
  if (fit.rank() < 3) throw Error(ErrorCode::not_possible, "find_centre: needs at least three different angles");
  const double column = fit.solve(centres)[0];
  if (!(column >= 0 && column <= static_cast<double>(beam.columns - 1)))
    throw Error(ErrorCode::not_possible, fmt::format("find_centre: must lie on the detector; the fit gives {:.1f}", column));
  return column;
}

std::vector<double> view_shares(const Beam& beam) {
  const double turn = beam.fan ? 2 * std::numbers::pi : std::numbers::pi;
  const std::size_t count = beam.angles_rad.size();
  if (count == 1) return {turn};
  std::vector<double> at(count);
  for (std::size_t n = 0; n < count; ++n) {
    at[n] = std::fmod(beam.angles_rad[n], turn);
    if (at[n] < 0) at[n] += turn;
    if (turn - at[n] < 1e-9) at[n] = 0;
  }
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return at[a] < at[b]; });
  std::vector<double> gaps(count);  // from each in order to the next
  for (std::size_t n = 0; n < count; ++n) gaps[n] = n + 1 < count ? at[order[n + 1]] - at[order[n]] : at[order[0]] + turn - at[order[n]];
  std::vector<double> apart;
  for (const double gap : gaps) {
    if (gap > 1e-9) apart.push_back(gap);
  }
  const auto middle = apart.begin() + static_cast<std::ptrdiff_t>(apart.size() / 2);
  std::nth_element(apart.begin(), middle, apart.end());
  const double most = 2 * *middle;
  std::vector<double> shares(count);
  for (std::size_t n = 0; n < count; ++n)
    shares[order[n]] = 0.5 * (std::min(gaps[n], most) + std::min(gaps[(n + count - 1) % count], most));
  return shares;
}

Grid slice_grid(std::int64_t size, double pixel_mm, const Grid& projections) {
  const double corner = -0.5 * static_cast<double>(size - 1) * pixel_mm;
  return Grid({size, size, projections.size(2)}, {pixel_mm, pixel_mm, projections.spacing_mm().z},
              {corner, corner, projections.origin_mm().z});
}

}  // namespace gantry::reconstruction
