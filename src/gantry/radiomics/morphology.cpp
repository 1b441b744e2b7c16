// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiomics/enclosing.h"
#include "gantry/radiomics/families.h"
#include "gantry/radiomics/spatial.h"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <cmath>
#include <numbers>

namespace gantry::radiomics {

namespace {

constexpr std::uint64_t most_bytes = 2ULL << 30U;

/// Centre and covariance (over n - 1) of the voxel centres of a mask.
struct Moments {
  double count = 0;
  Vec3 centre;
  Eigen::Matrix3d covariance = Eigen::Matrix3d::Zero();
};

Moments moments_of(const MaskView& mask) {
  Moments m;
  const Vec3 s = mask.grid().spacing_mm();
  const Size3 size = mask.grid().size();
  const auto each = [&](auto&& body) {
    for (std::int64_t n = 0; n < mask.count(); ++n) {
      if (mask[n] == 0) continue;
      body(Vec3{static_cast<double>(n % size[0]) * s.x, static_cast<double>(n / size[0] % size[1]) * s.y,
                static_cast<double>(n / (size[0] * size[1])) * s.z});
    }
  };
  each([&](Vec3 p) {
    m.count += 1;
    m.centre = m.centre + p;
  });
  m.centre = (1 / m.count) * m.centre;
  each([&](Vec3 p) {
    const Eigen::Vector3d d(p.x - m.centre.x, p.y - m.centre.y, p.z - m.centre.z);
    m.covariance += d * d.transpose();
  });
  m.covariance /= std::max(1.0, m.count - 1);
  return m;
}

/// Distance between the centre of the mask and the centre of the intensities.
double centre_shift(const Region& region, Vec3 centre) {
  const Vec3 s = region.grid.spacing_mm();
  const Size3 size = region.grid.size();
  double sum = 0;
  Vec3 weighted;
  for (std::int64_t n = 0; n < region.values.count(); ++n) {
    if (region.intensity[n] == 0) continue;
    const Vec3 p{static_cast<double>(n % size[0]) * s.x, static_cast<double>(n / size[0] % size[1]) * s.y,
                 static_cast<double>(n / (size[0] * size[1])) * s.z};
    sum += region.values[n];
    weighted = weighted + static_cast<double>(region.values[n]) * p;
  }
  return sum != 0 ? norm(centre - (1 / sum) * weighted) : undefined;
}

}  // namespace

void add_morphology(const Region& region, Features& features, Run& run) {
  const auto add = [&](std::string_view tag, std::string_view name, double value) {
    features.push_back({tag, name, "morphology", "", "", value});
  };
  const double pi = std::numbers::pi;
  const SurfaceMesh mesh = surface_mesh(region.morphological, run);
  const double v = mesh.volume_mm3, a = mesh.area_mm2;
  const Moments moments = moments_of(region.morphological);
  const ConvexHull hull = convex_hull(region.morphological);
  const std::vector<Vec3> corners = corners_mm(hull, region.grid.spacing_mm());
  const HullMeasures around = hull_measures(hull, corners);
  run.check();

  add("RNU0", "Volume (mesh)", v);
  add("YEKZ", "Volume (voxel counting)", moments.count * region.grid.voxel_volume_mm3());
  add("C0JK", "Surface area (mesh)", a);
  add("2PR5", "Surface to volume ratio", a / v);
  add("SKGS", "Compactness 1", v / (std::sqrt(pi) * std::pow(a, 1.5)));
  add("BQWJ", "Compactness 2", 36 * pi * v * v / (a * a * a));
  const double sphericity = std::cbrt(36 * pi * v * v) / a;
  add("KRCK", "Spherical disproportion", 1 / sphericity);
  add("QCFX", "Sphericity", sphericity);
  add("25C7", "Asphericity", 1 / sphericity - 1);
  add("KLMA", "Centre of mass shift", centre_shift(region, moments.centre));
  add("L0JK", "Maximum 3D diameter", around.diameter_mm);
  const Eigen::Vector3d values = Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d>(moments.covariance, Eigen::EigenvaluesOnly).eigenvalues();
  const double largest = std::max(0.0, values[2]);
  // What rounding leaves of a flat mask's third axis is nothing.
  const auto axis = [&](Eigen::Index n) { return values[n] > 1e-12 * largest ? std::sqrt(values[n]) : 0.0; };
  const SemiAxes semi{2 * axis(2), 2 * axis(1), 2 * axis(0)};
  add("TDIC", "Major axis length", 2 * semi[0]);
  add("P9VJ", "Minor axis length", 2 * semi[1]);
  add("7J51", "Least axis length", 2 * semi[2]);
  add("Q3CK", "Elongation", semi[0] > 0 ? semi[1] / semi[0] : undefined);
  add("N17B", "Flatness", semi[0] > 0 ? semi[2] / semi[0] : undefined);

  const Size3 size = region.grid.size();
  const Vec3 s = region.grid.spacing_mm();
  const auto box_volume = [](Vec3 sides) { return sides.x * sides.y * sides.z; };
  const auto box_area = [](Vec3 sides) { return 2 * (sides.x * sides.y + sides.y * sides.z + sides.z * sides.x); };
  const Vec3 aligned{static_cast<double>(size[0]) * s.x, static_cast<double>(size[1]) * s.y, static_cast<double>(size[2]) * s.z};
  add("PBX1", "Volume density (axis-aligned bounding box)", v / box_volume(aligned));
  add("R59B", "Area density (axis-aligned bounding box)", a / box_area(aligned));
  const Vec3 oriented = oriented_box_mm(hull, corners);
  add("ZH1A", "Volume density (oriented minimum bounding box)", v / box_volume(oriented));
  add("IQYR", "Area density (oriented minimum bounding box)", a / box_area(oriented));
  run.check();
  const bool thick = semi[2] > 0;
  add("6BDE", "Volume density (approximate enclosing ellipsoid)", thick ? v / ellipsoid_volume(semi) : undefined);
  add("RDD2", "Area density (approximate enclosing ellipsoid)", semi[0] > 0 ? a / ellipsoid_area(semi) : undefined);
  const SemiAxes enclosing = enclosing_ellipsoid_mm(corners);
  add("SWZ1", "Volume density (minimum volume enclosing ellipsoid)", v / ellipsoid_volume(enclosing));
  add("BRI8", "Area density (minimum volume enclosing ellipsoid)", a / ellipsoid_area(enclosing));
  add("R3ER", "Volume density (convex hull)", v / around.volume_mm3);
  add("7T7F", "Area density (convex hull)", a / around.area_mm2);
  double sum = 0;
  for (std::int64_t n = 0; n < region.values.count(); ++n) sum += region.intensity[n] != 0 ? region.values[n] : 0.0;
  add("99N0", "Integrated intensity", sum / static_cast<double>(region.voxels) * v);
  Autocorrelation correlation;
  if (autocorrelation_bytes(region) <= most_bytes) {
    correlation = autocorrelation(region, run);
  } else {
    run.warn(fmt::format("Moran's I and Geary's C are left out: they would take {:.0f} GB for this region; give a wider spacing",
                         static_cast<double>(autocorrelation_bytes(region)) / 1e9));
  }
  add("N365", "Moran's I index", correlation.moran);
  add("NPT7", "Geary's C measure", correlation.geary);
}

}  // namespace gantry::radiomics
