// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/warp.h"

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/bspline.h"

namespace gantry {

namespace {

/// A transform held ready for many points: what Transform::operator() gives, without asking for the field each time.
class Mapping {
 public:
  explicit Mapping(const Transform& transform) : linear_(transform.linear()), translation_(transform.translation_mm()) {
    if (transform.is_linear()) return;
    field_ = transform.displacement_mm()->as<float>();
    const Grid& grid = field_.grid();
    size_ = grid.size();
    even_ = grid.slice_positions_mm().empty();
    to_voxel_ = inverse(grid.direction());
    for (Vec3& column : to_voxel_.column) {
      for (int axis = 0; axis < 3; ++axis) column[axis] /= grid.spacing_mm()[axis];
    }
    first_ = to_voxel_ * grid.origin_mm();
  }
  Vec3 operator()(Vec3 point) const {
    const Vec3 moved = linear_ * point + translation_;
    return field_.empty() ? moved : moved + displacement(moved);
  }
  /// What the field adds at a point that the linear part has moved.
  Vec3 displacement(Vec3 moved) const {
    if (field_.empty()) return {};
    const Vec3 voxel = even_ ? to_voxel_ * moved - first_ : field_.grid().voxel_from_world(moved);
    std::array<std::int64_t, 3> base{};
    std::array<std::array<float, 2>, 3> weight{};
    for (int axis = 0; axis < 3; ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      if (!(voxel[axis] > -1 && voxel[axis] < static_cast<double>(size_[a]))) return {};
      const double below = std::floor(voxel[axis]);
      base[a] = static_cast<std::int64_t>(below);
      const auto f = static_cast<float>(voxel[axis] - below);
      weight[a] = {base[a] >= 0 ? 1 - f : 0.0F, base[a] + 1 < size_[a] ? f : 0.0F};
    }
    std::array<float, 3> sum{};
    for (std::size_t corner = 0; corner < 8; ++corner) {
      const std::size_t i = corner & 1, j = corner >> 1 & 1, k = corner >> 2;
      const float w = weight[0][i] * weight[1][j] * weight[2][k];
      if (w == 0) continue;
      const float* const u =
          field_.data() + 3 * (base[0] + static_cast<std::int64_t>(i) +
                               size_[0] * (base[1] + static_cast<std::int64_t>(j) + size_[1] * (base[2] + static_cast<std::int64_t>(k))));
      for (std::size_t c = 0; c < 3; ++c) sum[c] += w * u[c];
    }
    return {sum[0], sum[1], sum[2]};
  }

 private:
  Mat3 linear_;
  Vec3 translation_;
  VoxelView<float> field_;
  Size3 size_{};
  bool even_ = true;
  Mat3 to_voxel_;
  Vec3 first_{};
};

Vec3 voxel_of(std::int64_t i, std::int64_t j, std::int64_t k) {
  return {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
}

bool is_inside(Vec3 voxel, const Size3& size) {
  for (int axis = 0; axis < 3; ++axis) {
    if (!(voxel[axis] >= -0.5 && voxel[axis] <= static_cast<double>(size[static_cast<std::size_t>(axis)]) - 0.5)) return false;
  }
  return true;
}

template <class T>
T nearest_at(const VoxelView<T>& image, Vec3 voxel) {
  std::array<std::int64_t, 3> at{};
  for (int axis = 0; axis < 3; ++axis) {
    at[static_cast<std::size_t>(axis)] = std::clamp<std::int64_t>(std::llround(voxel[axis]), 0, image.grid().size(axis) - 1);
  }
  return image(at[0], at[1], at[2]);
}

/// Sum over `taps` samples along each axis from `first` on; indices by `index`.
template <std::size_t taps, class Weights, class Index>
float weighted(const VoxelView<float>& image, Vec3 voxel, std::int64_t before, Weights weights, Index index) {
  std::array<std::array<float, taps>, 3> w{};
  std::array<std::array<std::int64_t, taps>, 3> at{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double base = std::floor(voxel[static_cast<int>(axis)]);
    w[axis] = weights(static_cast<float>(voxel[static_cast<int>(axis)] - base));
    for (std::size_t t = 0; t < taps; ++t) {
      at[axis][t] =
          index(static_cast<std::int64_t>(base) - before + static_cast<std::int64_t>(t), image.grid().size(static_cast<int>(axis)));
    }
  }
  float sum = 0;
  for (std::size_t c = 0; c < taps; ++c) {
    for (std::size_t b = 0; b < taps; ++b) {
      float line = 0;
      for (std::size_t a = 0; a < taps; ++a) line += w[0][a] == 0 ? 0.0F : w[0][a] * image(at[0][a], at[1][b], at[2][c]);
      sum += w[1][b] * w[2][c] == 0 ? 0.0F : w[1][b] * w[2][c] * line;
    }
  }
  return sum;
}

float linear_at(const VoxelView<float>& image, Vec3 voxel) {
  return weighted<2>(
      image, voxel, 0,
      [](float f) {
        return std::array<float, 2>{1 - f, f};
      },
      [](std::int64_t n, std::int64_t size) { return std::clamp<std::int64_t>(n, 0, size - 1); });
}

float cubic_at(const VoxelView<float>& coefficients, Vec3 voxel) {
  return weighted<4>(
      coefficients, voxel, 1, [](float f) { return bspline_weights(f); },
      [](std::int64_t n, std::int64_t size) { return whole_sample_index(n, size); });
}

/// One volume; `at` gives the value inside.
template <class T, class At>
Voxels<T> warped(const Grid& moving, const Transform& transform, const Grid& target, T outside, const Run& run, At at) {
  auto result = Voxels<T>::uninitialized(target);
  const Mapping mapping(transform);
  const auto [ni, nj, nk] = target.size();
  parallel_for(run, nj * nk, 16, [&, ni = ni, nj = nj](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      for (std::int64_t i = 0; i < ni; ++i) {
        const Vec3 voxel = moving.voxel_from_world(mapping(target.world_from_voxel(voxel_of(i, n % nj, n / nj))));
        result[n * ni + i] = is_inside(voxel, moving.size()) ? at(voxel) : outside;
      }
    }
  });
  return result;
}

template <class T>
Image nearest_of(const Image& moving, const Transform& transform, const Grid& target, double outside, Run& run) {
  const VoxelView<T> image = moving.as<T>();
  const T fill = Image(Voxels<double>(Grid(), outside)).as<T>()[0];
  return warped<T>(image.grid(), transform, target, fill, run, [&](Vec3 voxel) { return nearest_at(image, voxel); });
}

Voxels<float> smooth_of(const VoxelView<float>& image, const Transform& transform, const Grid& target, Interpolation interpolation,
                        double outside, Run& run) {
  const auto fill = static_cast<float>(outside);
  if (transform.is_linear()) {
    // The image on the grid where the inverse takes it lies on the target: the quick ways of resampling apply.
    const VoxelView<float> placed(moved_grid(image.grid(), inverse_linear(transform)), 1, 1,
                                  std::shared_ptr<const float>(&image[0], [](const float*) {}));
    return resample(placed, target, interpolation, fill, run);
  }
  if (interpolation == Interpolation::linear)
    return warped<float>(image.grid(), transform, target, fill, run, [&](Vec3 voxel) { return linear_at(image, voxel); });
  for (const float v : image.values()) {
    if (!std::isfinite(v)) throw Error(ErrorCode::not_possible, "cubic interpolation: values must be finite");
  }
  const Voxels<float> coefficients = bspline_coefficients(image, run);
  const VoxelView<float> view(coefficients);
  return warped<float>(image.grid(), transform, target, fill, run, [&](Vec3 voxel) { return cubic_at(view, voxel); });
}

/// Component `c` of an image of several as an image of its own.
Voxels<float> component(const VoxelView<float>& image, int c) {
  auto one = Voxels<float>::uninitialized(image.grid());
  for (std::int64_t n = 0; n < one.count(); ++n) one[n] = image[n * image.components() + c];
  return one;
}

}  // namespace

Image warp(const Image& moving, const Transform& moving_from_fixed, const Grid& target, Interpolation interpolation, double outside,
           Run& run) {
  if (moving.frames() != 1) throw Error(ErrorCode::not_possible, fmt::format("image: must have one frame; has {}", moving.frames()));
  if (is_complex(moving.type())) throw Error(ErrorCode::not_possible, "image: must be real; is complex");
  if (interpolation == Interpolation::nearest && moving.components() == 1) {
    switch (moving.type()) {
      case PixelType::u8:
        return nearest_of<std::uint8_t>(moving, moving_from_fixed, target, outside, run);
      case PixelType::i8:
        return nearest_of<std::int8_t>(moving, moving_from_fixed, target, outside, run);
      case PixelType::i16:
        return nearest_of<std::int16_t>(moving, moving_from_fixed, target, outside, run);
      case PixelType::u16:
        return nearest_of<std::uint16_t>(moving, moving_from_fixed, target, outside, run);
      case PixelType::i32:
        return nearest_of<std::int32_t>(moving, moving_from_fixed, target, outside, run);
      case PixelType::u32:
        return nearest_of<std::uint32_t>(moving, moving_from_fixed, target, outside, run);
      default:
        return nearest_of<float>(moving, moving_from_fixed, target, outside, run);
    }
  }
  if (interpolation == Interpolation::nearest)
    throw Error(ErrorCode::not_possible, "nearest interpolation: is for images of one component");
  const VoxelView<float> values = moving.as<float>();
  if (moving.components() == 1) return smooth_of(values, moving_from_fixed, target, interpolation, outside, run);
  auto joined = Voxels<float>::uninitialized(target, moving.components());
  for (int c = 0; c < moving.components(); ++c) {
    const Voxels<float> one = component(values, c);
    const Voxels<float> result = smooth_of(one, moving_from_fixed, target, interpolation, outside, run);
    for (std::int64_t n = 0; n < result.count(); ++n) joined[n * moving.components() + c] = result[n];
  }
  return joined;
}

double smallest_value(const Image& image) {
  double smallest = std::numeric_limits<double>::infinity();
  const VoxelView<float> values = image.as<float>();
  for (std::int64_t n = 0; n < values.count(); ++n) {
    if (std::isfinite(values[n])) smallest = std::min(smallest, static_cast<double>(values[n]));
  }
  return std::isfinite(smallest) ? smallest : 0;
}

Grid moved_grid(const Grid& grid, const Transform& moved_from_grid) {
  Mat3 direction = moved_from_grid.linear() * grid.direction();
  Vec3 spacing = grid.spacing_mm();
  double along_slices = 1;
  for (int axis = 0; axis < 3; ++axis) {
    Vec3& column = direction.column[static_cast<std::size_t>(axis)];
    const double length = norm(column);
    spacing[axis] *= length;
    column = (1 / length) * column;
    if (axis == 2) along_slices = length;
  }
  const Vec3 origin = moved_from_grid.linear() * grid.origin_mm() + moved_from_grid.translation_mm();
  Grid moved(grid.size(), spacing, origin, direction);
  std::vector<double> positions = grid.slice_positions_mm();
  if (positions.empty()) return moved;
  for (double& position : positions) position *= along_slices;
  return moved.with_slice_positions(std::move(positions));
}

Transform inverse_linear(const Transform& transform) {
  if (!transform.is_linear()) throw Error(ErrorCode::not_possible, "transform: must be linear");
  if (!(std::abs(determinant(transform.linear())) > 1e-6)) throw Error(ErrorCode::not_possible, "transform: is singular");
  const Mat3 back = inverse(transform.linear());
  return {back, -1.0 * (back * transform.translation_mm())};
}

std::optional<Vec3> inverse_point(const Transform& transform, Vec3 target_mm) {
  const Transform back = inverse_linear(Transform(transform.linear(), transform.translation_mm()));
  Vec3 point = back(target_mm);
  if (transform.is_linear()) return point;
  double best = std::numeric_limits<double>::infinity();
  Vec3 nearest = point;
  for (int iteration = 0; iteration < 100; ++iteration) {
    const Vec3 miss = target_mm - transform(point);
    if (norm(miss) < best) {
      best = norm(miss);
      nearest = point;
    }
    if (best < 1e-4) return nearest;
    constexpr double h = 0.05;  // mm
    Mat3 derivative;
    for (int axis = 0; axis < 3; ++axis) {
      Vec3 step;
      step[axis] = h;
      derivative.column[static_cast<std::size_t>(axis)] = (0.5 / h) * (transform(point + step) - transform(point - step));
    }
    const bool regular = std::abs(determinant(derivative)) > 0.05;
    // Newton while it helps; the slower fixed point, which needs no derivative, where the field is not smooth.
    const Vec3 step = regular && iteration < 50 ? inverse(derivative) * miss : back.linear() * miss;
    const double length = norm(step), longest = 20;
    point = point + (length > longest ? longest / length : 1.0) * step;
  }
  return {};
}

Voxels<float> jacobian(const Transform& transform, const Grid& grid, const Run& run) {
  auto result = Voxels<float>::uninitialized(grid);
  auto field = Voxels<float>::uninitialized(grid, 3);
  const Mapping mapping(transform);
  const Transform linear(transform.linear(), transform.translation_mm());
  const auto [ni, nj, nk] = grid.size();
  parallel_for(run, nk, 1, [&, ni = ni, nj = nj](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin * ni * nj; n < end * ni * nj; ++n) {
      const Vec3 u = mapping.displacement(linear(grid.world_from_voxel(voxel_of(n % ni, n / ni % nj, n / (ni * nj)))));
      for (int axis = 0; axis < 3; ++axis) field[3 * n + axis] = static_cast<float>(u[axis]);
    }
  });
  const std::array<std::int64_t, 3> size{ni, nj, nk}, stride{1, ni, ni * nj};
  parallel_for(run, nk, 1, [&, ni = ni, nj = nj](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin * ni * nj; n < end * ni * nj; ++n) {
      const std::array<std::int64_t, 3> here{n % ni, n / ni % nj, n / (ni * nj)};
      Mat3 moved, stood;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t above = here[axis] + 1 < size[axis] ? 1 : 0, below = here[axis] > 0 ? -1 : 0;
        auto first = here, last = here;
        first[axis] += below;
        last[axis] += above;
        stood.column[axis] = above == below ? grid.direction().column[axis]
                                            : grid.world_from_voxel(voxel_of(last[0], last[1], last[2])) -
                                                  grid.world_from_voxel(voxel_of(first[0], first[1], first[2]));
        const float* const a = field.data() + 3 * (n + below * stride[axis]);
        const float* const b = field.data() + 3 * (n + above * stride[axis]);
        const Vec3 bent{static_cast<double>(b[0]) - a[0], static_cast<double>(b[1]) - a[1], static_cast<double>(b[2]) - a[2]};
        moved.column[axis] = transform.linear() * stood.column[axis] + bent;
      }
      result[n] = static_cast<float>(determinant(moved) / determinant(stood));
    }
  });
  return result;
}

}  // namespace gantry
