// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/scene.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"

namespace gantry::simulation {

namespace {

constexpr std::array<std::int64_t, 3> block_size{16, 16, 8};
constexpr std::size_t block_voxels = 16 * 16 * 8;

struct Item {
  std::uint32_t layer;
  std::uint32_t piece;  ///< of a tube
};

/// Voxel box [first, last] of a world box, grown by a voxel; empty when it misses the grid.
bool voxel_range(const Grid& grid, const Box& box, std::array<std::int64_t, 3>& first, std::array<std::int64_t, 3>& last) {
  Vec3 low{1e30, 1e30, 1e30}, high{-1e30, -1e30, -1e30};
  for (int corner = 0; corner < 8; ++corner) {
    const Vec3 p{corner & 1 ? box.high_mm.x : box.low_mm.x, corner & 2 ? box.high_mm.y : box.low_mm.y,
                 corner & 4 ? box.high_mm.z : box.low_mm.z};
    const Vec3 v = grid.voxel_from_world(p);
    for (int axis = 0; axis < 3; ++axis) {
      low[axis] = std::min(low[axis], v[axis]);
      high[axis] = std::max(high[axis], v[axis]);
    }
  }
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    const double limit = static_cast<double>(grid.size(axis));
    if (!(high[axis] >= -1 && low[axis] <= limit)) return false;
    first[a] = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(low[axis])) - 1);
    last[a] = std::min<std::int64_t>(grid.size(axis) - 1, static_cast<std::int64_t>(std::ceil(high[axis])) + 1);
    if (first[a] > last[a]) return false;
  }
  return true;
}

/// The grid in the model's millimetres.
Grid model_grid(const Grid& world, Vec3 scale) {
  const auto in_model = [&](Vec3 v) { return Vec3{v.x / scale.x, v.y / scale.y, v.z / scale.z}; };
  Vec3 spacing;
  Mat3 direction;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const Vec3 step = in_model(world.spacing_mm()[static_cast<int>(axis)] * world.direction().column[axis]);
    spacing[static_cast<int>(axis)] = norm(step);
    direction.column[axis] = normalized(step);
  }
  return Grid(world.size(), spacing, in_model(world.origin_mm()), direction);
}

}  // namespace

int Scene::structure(std::string_view id) {
  const auto found = std::find(structure_ids_.begin() + 1, structure_ids_.end(), id);
  if (found != structure_ids_.end()) return static_cast<int>(found - structure_ids_.begin());
  structure_ids_.emplace_back(id);
  return static_cast<int>(structure_ids_.size()) - 1;
}

void Scene::paint(Paint paint, Shape shape) { layers_.push_back({std::move(paint), std::move(shape)}); }

void Scene::paint(Paint paint, std::vector<Capsule> pieces) { layers_.push_back({std::move(paint), std::move(pieces)}); }

/// One block of voxels while it is painted.
class Scene::Block {
 public:
  Block(const Scene& scene, const Grid& grid) : scene_(scene), grid_(grid), fraction_(scene.structure_ids_.size()) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      step_[axis] = grid.spacing_mm()[static_cast<int>(axis)] * grid.direction().column[axis];
    }
    spacing_ = grid.spacing_mm();
  }

  void begin(std::array<std::int64_t, 3> first) {
    first_ = first;
    for (int axis = 0; axis < 3; ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      extent_[a] = std::min(block_size[a], grid_.size(axis) - first[a]);
    }
    corner_ = grid_.world_from_voxel({static_cast<double>(first[0]), static_cast<double>(first[1]), static_cast<double>(first[2])});
    value_.fill(scene_.background_);
    present_.clear();
    lesions_.clear();
  }

  void paint(const Item* begin, const Item* end) {
    while (begin != end) {
      const Layer& layer = scene_.layers_[begin->layer];
      const Item* next = begin;
      while (next != end && next->layer == begin->layer) ++next;
      cover_.fill(0.0F);
      touched_ = false;
      if (const auto* shape = std::get_if<Shape>(&layer.region)) {
        cover_shape(*shape, {0, 0, 0}, extent_);
      } else {
        const auto& pieces = std::get<std::vector<Capsule>>(layer.region);
        for (const Item* item = begin; item != next; ++item) cover_capsule(pieces[item->piece]);
      }
      if (touched_) apply(layer.paint);
      begin = next;
    }
  }

  /// Writes values and labels, and adds the volumes.
  void finish(Rendering& out, std::vector<double>& structure_sum, std::vector<double>& lesion_sum) const {
    for (std::int64_t k = 0; k < extent_[2]; ++k) {
      for (std::int64_t j = 0; j < extent_[1]; ++j) {
        for (std::int64_t i = 0; i < extent_[0]; ++i) {
          const std::size_t n = index(i, j, k);
          const std::int64_t target = grid_.index(first_[0] + i, first_[1] + j, first_[2] + k);
          out.value[target] = value_[n];
          float best = 0, rest = 1;
          int label = 0;
          for (const int s : present_) {
            const float f = fraction_[static_cast<std::size_t>(s)][n];
            structure_sum[static_cast<std::size_t>(s)] += f;
            rest -= f;
            if (f > best) best = f, label = s;
          }
          out.structures[target] = static_cast<std::uint8_t>(best >= rest ? label : 0);
          std::uint8_t lesion = 0;
          for (const auto& [number, fraction] : lesions_) {
            lesion_sum[static_cast<std::size_t>(number)] += fraction[n];
            if (fraction[n] >= 0.5F) lesion = static_cast<std::uint8_t>(number);
          }
          out.lesions[target] = lesion;
        }
      }
    }
  }

 private:
  static std::size_t index(std::int64_t i, std::int64_t j, std::int64_t k) {
    return static_cast<std::size_t>(i + block_size[0] * (j + block_size[1] * k));
  }
  Vec3 at(double i, double j, double k) const { return corner_ + i * step_[0] + j * step_[1] + k * step_[2]; }
  /// Width in mm of the ramp that stands for a voxel seen along the direction `n`.
  double width(Vec3 n) const {
    const double a = dot(n, step_[0]), b = dot(n, step_[1]), c = dot(n, step_[2]);
    return std::sqrt(a * a + b * b + c * c);
  }

  void cover_shape(const Shape& shape, std::array<std::int64_t, 3> low, std::array<std::int64_t, 3> extent) {
    if (extent[0] <= 0 || extent[1] <= 0 || extent[2] <= 0) return;
    const Vec3 half{0.5 * static_cast<double>(extent[0]), 0.5 * static_cast<double>(extent[1]), 0.5 * static_cast<double>(extent[2])};
    const Vec3 center = at(static_cast<double>(low[0]) + half.x - 0.5, static_cast<double>(low[1]) + half.y - 0.5,
                           static_cast<double>(low[2]) + half.z - 0.5);
    const Vec3 reach{half.x * spacing_.x, half.y * spacing_.y, half.z * spacing_.z};
    const double radius = norm(reach);
    const double d = shape.field(center);
    const double decided = shape.lipschitz * radius;
    if (d > decided) return;
    if (d < -decided) {
      touched_ = true;
      for (std::int64_t k = low[2]; k < low[2] + extent[2]; ++k) {
        for (std::int64_t j = low[1]; j < low[1] + extent[1]; ++j) std::fill_n(&cover_[index(low[0], j, k)], extent[0], 1.0F);
      }
      return;
    }
    if (extent[0] > 4 || extent[1] > 4 || extent[2] > 2) {
      std::array<std::array<std::int64_t, 2>, 3> part{};
      for (std::size_t axis = 0; axis < 3; ++axis) part[axis] = {(extent[axis] + 1) / 2, extent[axis] / 2};
      for (std::size_t c = 0; c < 2; ++c) {
        for (std::size_t b = 0; b < 2; ++b) {
          for (std::size_t a = 0; a < 2; ++a) {
            cover_shape(shape, {low[0] + (a ? part[0][0] : 0), low[1] + (b ? part[1][0] : 0), low[2] + (c ? part[2][0] : 0)},
                        {part[0][a], part[1][b], part[2][c]});
          }
        }
      }
      return;
    }
    for (std::int64_t k = low[2]; k < low[2] + extent[2]; ++k) {
      for (std::int64_t j = low[1]; j < low[1] + extent[1]; ++j) {
        for (std::int64_t i = low[0]; i < low[0] + extent[0]; ++i) {
          const float c = cover_point(shape, at(static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)));
          if (c > 0) touched_ = true;
          cover_[index(i, j, k)] = c;
        }
      }
    }
  }

  float cover_point(const Shape& shape, Vec3 p) const {
    const double d = shape.field(p);
    const double reach = 0.5 * shape.lipschitz * norm(spacing_);
    if (d > reach) return 0;
    if (d < -reach) return 1;
    if (!(shape.detail_mm > 0)) return static_cast<float>(cover_part(shape, p, d, {1, 1, 1}));
    std::array<int, 3> parts{};
    for (int axis = 0; axis < 3; ++axis) {
      parts[static_cast<std::size_t>(axis)] = std::clamp(static_cast<int>(std::ceil(spacing_[axis] / shape.detail_mm)), 1, 3);
    }
    const Vec3 share{1.0 / parts[0], 1.0 / parts[1], 1.0 / parts[2]};
    double sum = 0;
    for (int c = 0; c < parts[2]; ++c) {
      for (int b = 0; b < parts[1]; ++b) {
        for (int a = 0; a < parts[0]; ++a) {
          const Vec3 q =
              p + ((a + 0.5) * share.x - 0.5) * step_[0] + ((b + 0.5) * share.y - 0.5) * step_[1] + ((c + 0.5) * share.z - 0.5) * step_[2];
          sum += cover_part(shape, q, shape.field(q), share);
        }
      }
    }
    return static_cast<float>(sum * share.x * share.y * share.z);
  }

  /// Fraction of a box of `share` of a voxel's edges about `p`, where the field is `d`.
  double cover_part(const Shape& shape, Vec3 p, double d, Vec3 share) const {
    constexpr double h = 0.05;
    const Vec3 g{(shape.field({p.x + h, p.y, p.z}) - d) / h, (shape.field({p.x, p.y + h, p.z}) - d) / h,
                 (shape.field({p.x, p.y, p.z + h}) - d) / h};
    const double slope = std::clamp(norm(g), 0.05, shape.lipschitz);
    const Vec3 n = (1 / slope) * g;
    const Vec3 across{share.x * dot(n, step_[0]), share.y * dot(n, step_[1]), share.z * dot(n, step_[2])};
    return std::clamp(0.5 - d / (slope * std::max(norm(across), 1e-6)), 0.0, 1.0);
  }

  void cover_capsule(const Capsule& piece) {
    std::array<std::int64_t, 3> low{}, high{};
    if (!voxel_range(grid_, piece.bounds(), low, high)) return;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      low[axis] = std::max<std::int64_t>(low[axis] - first_[axis], 0);
      high[axis] = std::min<std::int64_t>(high[axis] - first_[axis], extent_[axis] - 1);
    }
    Vec3 ab = piece.b_mm - piece.a_mm;
    ab.z *= piece.flatten;
    const double length2 = std::max(dot(ab, ab), 1e-12);
    const double reach = norm(spacing_);
    for (std::int64_t k = low[2]; k <= high[2]; ++k) {
      for (std::int64_t j = low[1]; j <= high[1]; ++j) {
        for (std::int64_t i = low[0]; i <= high[0]; ++i) {
          Vec3 ap = at(static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)) - piece.a_mm;
          ap.z *= piece.flatten;
          const double t = std::clamp(dot(ap, ab) / length2, 0.0, 1.0);
          const Vec3 away = ap - t * ab;
          const double radius = piece.radius_a_mm + t * (piece.radius_b_mm - piece.radius_a_mm);
          const double rho2 = dot(away, away);
          if (rho2 > (radius + reach) * (radius + reach)) continue;
          const double rho = std::sqrt(rho2);
          const double w = rho > 1e-6 ? width((1 / rho) * away) : std::cbrt(spacing_.x * spacing_.y * spacing_.z);
          double c = 0;
          if (radius < 0.637 * w) {  // below a voxel: the area of the cross-section over that of the voxel
            const double wide = 1.128 * w;
            const double overlap = std::min(rho + 0.5 * wide, radius) - std::max(rho - 0.5 * wide, -radius);
            c = std::min(1.0, std::max(0.0, overlap) / w * std::min(1.0, 0.5 * std::numbers::pi * radius / w));
          } else {
            c = std::clamp(0.5 - (rho - radius) / w, 0.0, 1.0);
          }
          if (c <= 0) continue;
          touched_ = true;
          float& cover = cover_[index(i, j, k)];
          cover = std::max(cover, static_cast<float>(c));
        }
      }
    }
  }

  bool present(int structure) const { return std::find(present_.begin(), present_.end(), structure) != present_.end(); }

  void apply(const Paint& paint) {
    if (!paint.within.empty()) {
      if (std::none_of(paint.within.begin(), paint.within.end(), [&](int s) { return present(s); })) return;
      for (std::size_t n = 0; n < block_voxels; ++n) {
        if (cover_[n] == 0) continue;
        float inside = 0;
        for (const int s : paint.within) {
          if (present(s)) inside += fraction_[static_cast<std::size_t>(s)][n];
        }
        cover_[n] *= inside;
      }
    }
    for (std::int64_t k = 0; k < extent_[2]; ++k) {
      for (std::int64_t j = 0; j < extent_[1]; ++j) {
        for (std::int64_t i = 0; i < extent_[0]; ++i) {
          const std::size_t n = index(i, j, k);
          const float c = cover_[n];
          if (c <= 0) continue;
          float v = paint.value;
          if (paint.texture) {
            v += static_cast<float>(paint.texture(at(static_cast<double>(i), static_cast<double>(j), static_cast<double>(k))));
          }
          if (!paint.at_least || v > value_[n]) value_[n] += c * (v - value_[n]);
        }
      }
    }
    if (paint.structure != keep_structure) {
      for (const int s : present_) {
        auto& f = fraction_[static_cast<std::size_t>(s)];
        for (std::size_t n = 0; n < block_voxels; ++n) f[n] *= 1.0F - cover_[n];
      }
      if (paint.structure > 0) {
        auto& f = fraction_[static_cast<std::size_t>(paint.structure)];
        if (!present(paint.structure)) {
          present_.push_back(paint.structure);
          f.fill(0.0F);
        }
        for (std::size_t n = 0; n < block_voxels; ++n) f[n] += cover_[n];
      }
    }
    if (paint.lesion > 0) {
      auto found = std::find_if(lesions_.begin(), lesions_.end(), [&](const auto& l) { return l.first == paint.lesion; });
      if (found == lesions_.end()) {
        lesions_.emplace_back(paint.lesion, std::array<float, block_voxels>{});
        found = lesions_.end() - 1;
      }
      for (std::size_t n = 0; n < block_voxels; ++n) found->second[n] += cover_[n] * (1.0F - found->second[n]);
    }
  }

  const Scene& scene_;
  const Grid& grid_;
  std::array<Vec3, 3> step_{};
  Vec3 spacing_{}, corner_{};
  std::array<std::int64_t, 3> first_{}, extent_{};
  bool touched_ = false;
  std::array<float, block_voxels> value_{}, cover_{};
  std::vector<int> present_;
  std::vector<std::array<float, block_voxels>> fraction_;
  std::vector<std::pair<int, std::array<float, block_voxels>>> lesions_;
};

Rendering Scene::render(const Grid& world, Run& run) const {
  if (structure_ids_.size() > 255) throw Error(ErrorCode::internal, "scene: at most 254 structures");
  const Grid grid = model_grid(world, scale_);
  std::array<std::int64_t, 3> blocks{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    blocks[axis] = (grid.size()[axis] + block_size[axis] - 1) / block_size[axis];
  }
  std::vector<std::vector<Item>> items(static_cast<std::size_t>(blocks[0] * blocks[1] * blocks[2]));
  const auto place = [&](const Box& box, Item item) {
    std::array<std::int64_t, 3> first{}, last{};
    if (!voxel_range(grid, box, first, last)) return;
    for (std::int64_t k = first[2] / block_size[2]; k <= last[2] / block_size[2]; ++k) {
      for (std::int64_t j = first[1] / block_size[1]; j <= last[1] / block_size[1]; ++j) {
        for (std::int64_t i = first[0] / block_size[0]; i <= last[0] / block_size[0]; ++i) {
          items[static_cast<std::size_t>(i + blocks[0] * (j + blocks[1] * k))].push_back(item);
        }
      }
    }
  };
  int lesion_count = 0;
  for (std::uint32_t layer = 0; layer < layers_.size(); ++layer) {
    lesion_count = std::max(lesion_count, layers_[layer].paint.lesion);
    if (const auto* shape = std::get_if<Shape>(&layers_[layer].region)) {
      place(shape->bounds, {layer, 0});
    } else {
      const auto& pieces = std::get<std::vector<Capsule>>(layers_[layer].region);
      for (std::uint32_t piece = 0; piece < pieces.size(); ++piece) place(pieces[piece].bounds(), {layer, piece});
    }
  }

  Rendering out{Voxels<float>::uninitialized(world), Voxels<std::uint8_t>::uninitialized(world), Voxels<std::uint8_t>::uninitialized(world),
                std::vector<double>(structure_ids_.size()), std::vector<double>(static_cast<std::size_t>(lesion_count) + 1)};
  const std::int64_t rows = blocks[1] * blocks[2];
  struct Sums {
    std::vector<double> structures, lesions;
  };
  std::vector<Sums> sums(static_cast<std::size_t>(rows));
  parallel_for(run, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    const auto block = std::make_unique<Block>(*this, grid);
    for (std::int64_t row = begin; row < end; ++row) {
      Sums& sum = sums[static_cast<std::size_t>(row)];
      sum.structures.resize(out.structure_mm3.size());
      sum.lesions.resize(out.lesion_mm3.size());
      for (std::int64_t i = 0; i < blocks[0]; ++i) {
        const auto& list = items[static_cast<std::size_t>(i + blocks[0] * row)];
        block->begin({i * block_size[0], row % blocks[1] * block_size[1], row / blocks[1] * block_size[2]});
        block->paint(list.data(), list.data() + list.size());
        block->finish(out, sum.structures, sum.lesions);
      }
    }
  });
  const double voxel = world.voxel_volume_mm3();
  for (const Sums& sum : sums) {
    for (std::size_t s = 0; s < sum.structures.size(); ++s) out.structure_mm3[s] += voxel * sum.structures[s];
    for (std::size_t s = 0; s < sum.lesions.size(); ++s) out.lesion_mm3[s] += voxel * sum.lesions[s];
  }
  return out;
}

}  // namespace gantry::simulation
