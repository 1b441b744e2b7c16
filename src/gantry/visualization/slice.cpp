// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/slice.h"

#include <limits>
#include <numbers>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"

namespace gantry {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Distances along a voxel axis from voxel 0.
std::vector<double> positions_along(const Grid& grid, int axis) {
  if (axis == 2 && !grid.slice_positions_mm().empty()) return grid.slice_positions_mm();
  std::vector<double> positions(static_cast<std::size_t>(grid.size(axis)));
  for (std::size_t n = 0; n < positions.size(); ++n) positions[n] = static_cast<double>(n) * grid.spacing_mm()[axis];
  return positions;
}

Lattice empty_lattice(const Grid& grid, const PlaneAxes& axes, double through_index) {
  Vec3 voxel;
  voxel[axes.through] = through_index;
  Lattice lattice;
  lattice.origin_mm = grid.world_from_voxel(voxel);
  lattice.u_axis = grid.direction().column[static_cast<std::size_t>(axes.right)];
  lattice.v_axis = grid.direction().column[static_cast<std::size_t>(axes.down)];
  lattice.u_mm = positions_along(grid, axes.right);
  lattice.v_mm = positions_along(grid, axes.down);
  return lattice;
}

float start_of(Projection projection) {
  return projection == Projection::maximum ? -infinity : projection == Projection::minimum ? infinity : 0.0F;
}

float joined(Projection projection, float total, float value) {
  switch (projection) {
    case Projection::maximum:
      return value > total ? value : total;
    case Projection::minimum:
      return value < total ? value : total;
    default:
      return total + value;
  }
}

}  // namespace

PlaneAxes plane_axes(const Grid& grid, Plane plane) {
  // The best of the six assignments of voxel axes to patient axes: unlike a choice axis by axis it never takes one twice.
  static constexpr std::array<std::array<int, 3>, 6> orders{{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};
  const auto& columns = grid.direction().column;
  std::array<int, 3> best = orders[0];
  double best_score = -1;
  for (const auto& order : orders) {
    double score = 0;
    for (int patient = 0; patient < 3; ++patient) {
      score += std::abs(columns[static_cast<std::size_t>(order[static_cast<std::size_t>(patient)])][patient]);
    }
    if (score > best_score + 1e-12) {
      best_score = score;
      best = order;
    }
  }
  const int to_left = best[0];
  const int to_posterior = best[1];
  const int to_head = best[2];
  const auto against = [&](int axis, int patient) { return columns[static_cast<std::size_t>(axis)][patient] < 0; };
  switch (plane) {
    case Plane::axial:
      return {to_left, to_posterior, to_head, against(to_left, 0), against(to_posterior, 1)};
    case Plane::coronal:
      return {to_left, to_head, to_posterior, against(to_left, 0), !against(to_head, 2)};
    default:
      return {to_posterior, to_head, to_left, against(to_posterior, 1), !against(to_head, 2)};
  }
}

std::int64_t slice_index(const Grid& grid, Plane plane, const std::optional<Vec3>& position_mm) {
  const int axis = plane_axes(grid, plane).through;
  const std::int64_t count = grid.size(axis);
  if (!position_mm) return count / 2;
  const double index = grid.voxel_from_world(*position_mm)[axis];
  return static_cast<std::int64_t>(std::clamp(std::round(index), 0.0, static_cast<double>(count - 1)));
}

Lattice extract_slice(const Image& image, Plane plane, std::int64_t index) {
  return project_slices(image, plane, index, index, Projection::mean, Run());
}

Lattice project_slices(const Image& image, Plane plane, std::int64_t first, std::int64_t last, Projection projection, const Run& run) {
  const Grid& grid = image.grid();
  const PlaneAxes axes = plane_axes(grid, plane);
  if (!(first >= 0 && first <= last && last < grid.size(axes.through))) {
    throw Error(ErrorCode::parameter,
                fmt::format("slices: must lie between 0 and {}; got {} to {}", grid.size(axes.through) - 1, first, last));
  }
  Lattice lattice = empty_lattice(grid, axes, 0.5 * static_cast<double>(first + last));
  const std::int64_t width = lattice.width();
  const std::int64_t height = lattice.height();
  const std::array<std::int64_t, 3> step{1, grid.size(0), grid.size(0) * grid.size(1)};
  const auto step_of = [&](int axis) { return step[static_cast<std::size_t>(axis)] * image.components(); };
  lattice.values.assign(static_cast<std::size_t>(width * height), start_of(projection));
  visit_real(image, [&](const auto& view) {
    parallel_for(run, height, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t slice = first; slice <= last; ++slice) {
        for (std::int64_t j = begin; j < end; ++j) {
          const auto* from = view.data() + slice * step_of(axes.through) + j * step_of(axes.down);
          float* to = lattice.values.data() + j * width;
          for (std::int64_t i = 0; i < width; ++i, from += step_of(axes.right)) {
            to[i] = joined(projection, to[i], static_cast<float>(*from));
          }
        }
      }
    });
  });
  if (projection == Projection::mean || projection == Projection::none) {
    const auto scale = static_cast<float>(1.0 / static_cast<double>(last - first + 1));
    for (float& value : lattice.values) value *= scale;
  }
  return lattice;
}

Lattice project_rotated(const Image& image, double angle_degrees, Projection projection, const Run& run) {
  if (!std::isfinite(angle_degrees)) throw Error(ErrorCode::parameter, "angle: must be finite");
  const Grid& grid = image.grid();
  const double angle = angle_degrees * std::numbers::pi / 180;
  const Vec3 right{std::cos(angle), std::sin(angle), 0};
  const Vec3 away{-std::sin(angle), std::cos(angle), 0};
  const Vec3 down{0, 0, -1};
  const Vec3 spacing = grid.spacing_mm();
  const double step = std::min({spacing.x, spacing.y, spacing.z});

  const Vec3 centre = grid.world_from_voxel({0.5 * static_cast<double>(grid.size(0) - 1), 0.5 * static_cast<double>(grid.size(1) - 1),
                                             0.5 * static_cast<double>(grid.size(2) - 1)});
  Vec3 reach;
  for (int corner = 0; corner < 8; ++corner) {
    Vec3 voxel;
    for (int axis = 0; axis < 3; ++axis) voxel[axis] = (corner >> axis & 1) ? static_cast<double>(grid.size(axis) - 1) : 0.0;
    const Vec3 offset = grid.world_from_voxel(voxel) - centre;
    reach.x = std::max(reach.x, std::abs(dot(offset, right)));
    reach.y = std::max(reach.y, std::abs(dot(offset, down)));
    reach.z = std::max(reach.z, std::abs(dot(offset, away)));
  }
  // Counted as doubles: voxels of very unequal sides would overflow integers, or take hours.
  const auto count = [&](double half) { return 2 * std::ceil(half / step) + 1; };
  const double across = count(reach.x), along = count(reach.y), deep = count(reach.z);
  if (!(across <= 8192 && along <= 8192)) {
    throw Error(ErrorCode::not_possible, fmt::format("projection: would have {} x {} pixels; the most are 8192 a side", across, along));
  }
  if (!(across * along * deep <= 0x1p32)) {
    throw Error(ErrorCode::not_possible,
                fmt::format("projection: would take {:.2g} samples, for the sides of the voxels are very unequal; the most are {:.2g}",
                            across * along * deep, 0x1p32));
  }
  const auto width = static_cast<std::int64_t>(across);
  const auto height = static_cast<std::int64_t>(along);
  const auto depth = static_cast<std::int64_t>(deep);
  Lattice lattice;
  lattice.u_axis = right;
  lattice.v_axis = down;
  lattice.origin_mm = centre - 0.5 * step * (static_cast<double>(width - 1) * right + static_cast<double>(height - 1) * down);
  for (std::int64_t i = 0; i < width; ++i) lattice.u_mm.push_back(static_cast<double>(i) * step);
  for (std::int64_t j = 0; j < height; ++j) lattice.v_mm.push_back(static_cast<double>(j) * step);
  lattice.values.resize(static_cast<std::size_t>(width * height));
  const WorldSampler sampler(image, std::numeric_limits<float>::quiet_NaN());
  const Vec3 first = lattice.origin_mm - 0.5 * step * static_cast<double>(depth - 1) * away;
  const float background = static_cast<float>(sampled_quantiles(image, -infinity, {0.0}).front());
  parallel_for(run, height, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = begin; j < end; ++j) {
      for (std::int64_t i = 0; i < width; ++i) {
        float total = start_of(projection);
        std::int64_t inside = 0;
        const Vec3 start = first + step * (static_cast<double>(i) * right + static_cast<double>(j) * down);
        for (std::int64_t n = 0; n < depth; ++n) {
          const float value = sampler.linear(start + step * static_cast<double>(n) * away);
          if (std::isnan(value)) continue;
          total = joined(projection, total, value);
          ++inside;
        }
        if (inside == 0) {
          total = background;
        } else if (projection == Projection::mean || projection == Projection::none) {
          total /= static_cast<float>(inside);
        }
        lattice.values[static_cast<std::size_t>(j * width + i)] = total;
      }
    }
  });
  return lattice;
}

Image image_of(const Lattice& lattice, bool right_flipped, bool down_flipped, double thickness_mm) {
  const int width = lattice.width();
  const int height = lattice.height();
  const auto step_of = [&](const std::vector<double>& mm) {
    return mm.size() < 2 ? thickness_mm : (mm.back() - mm.front()) / static_cast<double>(mm.size() - 1);
  };
  const auto uneven = [&](const std::vector<double>& mm) {
    for (std::size_t n = 1; n < mm.size(); ++n) {
      if (std::abs(mm[n] - mm[n - 1] - step_of(mm)) > 1e-6 * step_of(mm) + 1e-9) return true;
    }
    return false;
  };
  // Index and part of the sample above it, for each even position.
  const auto places = [&](const std::vector<double>& mm) {
    std::vector<std::pair<int, float>> result;
    const bool interpolate = uneven(mm);
    for (std::size_t n = 0; n < mm.size(); ++n) {
      if (!interpolate) {
        result.emplace_back(static_cast<int>(n), 0.0F);
        continue;
      }
      const double at = mm.front() + static_cast<double>(n) * step_of(mm);
      const auto above = std::upper_bound(mm.begin() + 1, mm.end() - 1, at);
      const double low = *(above - 1);
      result.emplace_back(static_cast<int>(above - 1 - mm.begin()), static_cast<float>((at - low) / (*above - low)));
    }
    return result;
  };
  const auto columns = places(lattice.u_mm);
  const auto rows = places(lattice.v_mm);
  const double step_u = step_of(lattice.u_mm);
  const double step_v = step_of(lattice.v_mm);
  const Vec3 right = (right_flipped ? -1.0 : 1.0) * lattice.u_axis;
  const Vec3 down = (down_flipped ? -1.0 : 1.0) * lattice.v_axis;
  Vec3 origin = lattice.origin_mm + (lattice.u_mm.empty() ? 0.0 : lattice.u_mm.front()) * lattice.u_axis +
                (lattice.v_mm.empty() ? 0.0 : lattice.v_mm.front()) * lattice.v_axis;
  if (right_flipped) origin = origin + (width - 1) * step_u * lattice.u_axis;
  if (down_flipped) origin = origin + (height - 1) * step_v * lattice.v_axis;
  const Grid grid({width, height, 1}, {step_u, step_v, thickness_mm}, origin, Mat3{{right, down, normalized(cross(right, down))}});
  auto pixels = Voxels<float>::uninitialized(grid);
  for (int j = 0; j < height; ++j) {
    const auto [y, part_v] = rows[static_cast<std::size_t>(down_flipped ? height - 1 - j : j)];
    const int y1 = std::min(y + 1, height - 1);
    for (int i = 0; i < width; ++i) {
      const auto [x, part_u] = columns[static_cast<std::size_t>(right_flipped ? width - 1 - i : i)];
      const int x1 = std::min(x + 1, width - 1);
      float value = lattice.at(x, y);
      if (part_u != 0 || part_v != 0) {
        const float top = value + part_u * (lattice.at(x1, y) - value);
        const float low = lattice.at(x, y1);
        value = top + part_v * (low + part_u * (lattice.at(x1, y1) - low) - top);
      }
      pixels(i, j, 0) = value;
    }
  }
  return Image(std::move(pixels));
}

WorldSampler::WorldSampler(const Image& image, float outside)
    : image_(image), grid_(image.grid()), local_from_world_(inverse(image.grid().direction())), outside_(outside) {}

float WorldSampler::value(std::int64_t i, std::int64_t j, std::int64_t k) const {
  const std::int64_t n = grid_.index(i, j, k) * image_.components();
  switch (image_.type()) {
    case PixelType::u8:
      return static_cast<float>(static_cast<const std::uint8_t*>(image_.data())[n]);
    case PixelType::i8:
      return static_cast<float>(static_cast<const std::int8_t*>(image_.data())[n]);
    case PixelType::u16:
      return static_cast<float>(static_cast<const std::uint16_t*>(image_.data())[n]);
    case PixelType::i16:
      return static_cast<float>(static_cast<const std::int16_t*>(image_.data())[n]);
    case PixelType::u32:
      return static_cast<float>(static_cast<const std::uint32_t*>(image_.data())[n]);
    case PixelType::i32:
      return static_cast<float>(static_cast<const std::int32_t*>(image_.data())[n]);
    case PixelType::f64:
      return static_cast<float>(static_cast<const double*>(image_.data())[n]);
    case PixelType::f32:
      return static_cast<const float*>(image_.data())[n];
    default:
      throw Error(ErrorCode::not_possible, "image: must hold real values to be shown; it is complex");
  }
}

namespace {

Vec3 voxel_of(const Grid& grid, const Mat3& local_from_world, Vec3 world_mm) {
  if (!grid.slice_positions_mm().empty()) return grid.voxel_from_world(world_mm);
  const Vec3 local = local_from_world * (world_mm - grid.origin_mm());
  return {local.x / grid.spacing_mm().x, local.y / grid.spacing_mm().y, local.z / grid.spacing_mm().z};
}

bool inside(const Grid& grid, Vec3 voxel) {
  for (int axis = 0; axis < 3; ++axis) {
    if (!(voxel[axis] >= -0.5 && voxel[axis] <= static_cast<double>(grid.size(axis)) - 0.5)) return false;
  }
  return true;
}

}  // namespace

float WorldSampler::linear(Vec3 world_mm) const {
  const Vec3 voxel = voxel_of(grid_, local_from_world_, world_mm);
  if (!inside(grid_, voxel)) return outside_;
  std::array<std::int64_t, 3> low{};
  std::array<std::int64_t, 3> high{};
  std::array<float, 3> part{};
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    const double last = static_cast<double>(grid_.size(axis) - 1);
    const double clamped = std::clamp(voxel[axis], 0.0, last);
    low[a] = static_cast<std::int64_t>(clamped);
    high[a] = std::min(low[a] + 1, grid_.size(axis) - 1);
    part[a] = static_cast<float>(clamped - static_cast<double>(low[a]));
  }
  const auto along = [&](std::int64_t j, std::int64_t k) {
    const float a = value(low[0], j, k);
    return a + part[0] * (value(high[0], j, k) - a);
  };
  const auto across = [&](std::int64_t k) {
    const float a = along(low[1], k);
    return a + part[1] * (along(high[1], k) - a);
  };
  const float a = across(low[2]);
  return a + part[2] * (across(high[2]) - a);
}

float WorldSampler::nearest(Vec3 world_mm) const {
  const Vec3 voxel = voxel_of(grid_, local_from_world_, world_mm);
  if (!inside(grid_, voxel)) return outside_;
  std::array<std::int64_t, 3> at{};
  for (int axis = 0; axis < 3; ++axis) {
    at[static_cast<std::size_t>(axis)] =
        static_cast<std::int64_t>(std::clamp(std::round(voxel[axis]), 0.0, static_cast<double>(grid_.size(axis) - 1)));
  }
  return value(at[0], at[1], at[2]);
}

std::vector<double> sampled_quantiles(const Image& image, double above, const std::vector<double>& q) {
  std::vector<float> values;
  const std::int64_t voxels = image.grid().voxel_count();
  // A stride without small common factors with usual row lengths spreads the samples over the volume.
  std::int64_t stride = voxels > 1'000'000 ? voxels / 1'000'000 : 1;
  if (stride > 1) stride |= 1;
  visit_real(image, [&](const auto& view) {
    for (std::int64_t n = 0; n < voxels; n += stride) {
      const auto value = static_cast<float>(view[n * image.components()]);
      if (std::isfinite(value) && static_cast<double>(value) > above) values.push_back(value);
    }
  });
  std::vector<double> result;
  if (values.empty()) return std::vector<double>(q.size(), 0.0);
  std::sort(values.begin(), values.end());
  for (const double part : q) {
    const double at = std::clamp(part, 0.0, 1.0) * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(at);
    const std::size_t high = std::min(low + 1, values.size() - 1);
    result.push_back(values[low] + (at - static_cast<double>(low)) * (static_cast<double>(values[high]) - values[low]));
  }
  return result;
}

}  // namespace gantry
