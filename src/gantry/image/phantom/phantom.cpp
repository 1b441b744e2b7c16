// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/phantom/phantom.h"

#include "gantry/base/error.h"
#include "gantry/base/random.h"

namespace gantry {

namespace {

constexpr std::int64_t side = 64;

/// Value of phantom `name` at a point given in mm from the centre.
float value_at(std::string_view name, Vec3 p, std::int64_t index) {
  if (name == "constant") return 100.0f;
  if (name == "sphere") return norm(p) <= 20.0 ? 1.0f : 0.0f;
  if (name == "box") return std::abs(p.x) <= 16 && std::abs(p.y) <= 12 && std::abs(p.z) <= 8 ? 1.0f : 0.0f;
  if (name == "ramp") return static_cast<float>(p.x);
  if (name == "impulse") return p.x == 0.5 && p.y == 0.5 && p.z == 0.5 ? 1.0f : 0.0f;
  return static_cast<float>(Random(1).normal(static_cast<std::uint64_t>(index)));
}

}  // namespace

const std::vector<PhantomInfo>& phantoms() {
  static const std::vector<PhantomInfo> all{
      {"constant", "100 everywhere"},
      {"sphere", "1 within 20 mm of the centre, else 0; volume 4/3 pi 20^3 = 33510 mm3 up to voxel size"},
      {"box", "1 where |x| <= 16, |y| <= 12, |z| <= 8 mm: 32 x 24 x 16 voxels"},
      {"ramp", "the x coordinate in mm: gradient (1, 0, 0)"},
      {"impulse", "1 in one voxel, else 0"},
      {"noise", "standard normal noise, seed 1: mean 0, standard deviation 1"},
  };
  return all;
}

Image phantom(std::string_view name) {
  const auto known = std::find_if(phantoms().begin(), phantoms().end(), [name](const PhantomInfo& info) { return info.name == name; });
  if (known == phantoms().end()) {
    std::string names;
    for (const PhantomInfo& info : phantoms()) names += (names.empty() ? "" : ", ") + info.name;
    throw Error(ErrorCode::usage, fmt::format("phantom: must be one of {}; got {}", names, name));
  }
  const double first = -0.5 * static_cast<double>(side - 1);
  auto image = Voxels<float>::uninitialized(Grid({side, side, side}, {1, 1, 1}, {first, first, first}));
  for (std::int64_t k = 0; k < side; ++k) {
    for (std::int64_t j = 0; j < side; ++j) {
      for (std::int64_t i = 0; i < side; ++i) {
        const Vec3 p{first + static_cast<double>(i), first + static_cast<double>(j), first + static_cast<double>(k)};
        image(i, j, k) = value_at(name, p, image.grid().index(i, j, k));
      }
    }
  }
  return image;
}

}  // namespace gantry
