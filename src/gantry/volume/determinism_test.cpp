// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include "gantry/base/error.h"
#include "gantry/base/random.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"
#include "gantry/volume/resample.h"

namespace gantry::determinism_test {
namespace {

template <class T>
void append(std::vector<std::byte>& bytes, const Voxels<T>& voxels) {
  const auto raw = std::as_bytes(voxels.values());
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}
void append(std::vector<std::byte>& bytes, double value) {
  const auto raw = std::as_bytes(std::span(&value, 1));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

/// Odd sizes, so that blocks end in the middle of vectors and slabs.
Voxels<float> image() {
  Voxels<float> v(Grid({67, 45, 83}, {0.7, 1.1, 1.9}));
  const Random random(21);
  for (std::int64_t n = 0; n < v.count(); ++n) v[n] = static_cast<float>(random.normal(static_cast<std::uint64_t>(n)));
  return v;
}
Mask mask(float above) {
  const auto v = image();
  Mask m(v.grid());
  for (std::int64_t n = 0; n < v.count(); ++n) m[n] = v[n] > above;
  return m;
}

using Kernel = std::function<void(const Run&, std::vector<std::byte>&)>;

std::map<std::string, Kernel> kernels() {
  static const Voxels<float> v = image();
  static const Mask sparse = mask(1.5F), dense = mask(0.2F);
  const Grid oblique({40, 41, 42}, {1, 1, 1}, {3, 2, 9}, {{Vec3{0.8, 0.6, 0}, Vec3{-0.6, 0.8, 0}, Vec3{0, 0, 1}}});
  const Grid fine = with_spacing(v.grid(), {0.6, 0.9, 1.3});
  std::map<std::string, Kernel> all;
  all["gaussian"] = [](const Run& run, auto& out) { append(out, gaussian(v, {1.3, 2.1, 4}, Border::mirror, run)); };
  all["box_mean"] = [](const Run& run, auto& out) { append(out, box_mean(v, {2, 3, 5}, run)); };
  all["median"] = [](const Run& run, auto& out) {
    append(out, median(v, 1, Border::zero, run));
    append(out, median(v, 2, Border::mirror, run));
  };
  all["hessian"] = [](const Run& run, auto& out) {
    for (const auto& values : hessian_eigenvalues(v, 1.5, run)) append(out, values);
  };
  all["gradient"] = [](const Run& run, auto& out) { append(out, gradient_magnitude(v, run)); };
  all["resample"] = [=](const Run& run, auto& out) {
    for (const Grid& target : {fine, oblique}) {
      for (const Interpolation kind : {Interpolation::nearest, Interpolation::linear, Interpolation::cubic}) {
        append(out, resample(v, target, kind, -1, run));
      }
    }
  };
  all["shrink"] = [](const Run& run, auto& out) { append(out, shrink(v, {2, 3, 2}, run)); };
  all["components"] = [](const Run& run, auto& out) {
    for (const Connectivity c : {Connectivity::faces, Connectivity::edges, Connectivity::corners}) {
      append(out, connected_components(dense, c, run).labels);
    }
  };
  all["fill_holes"] = [](const Run& run, auto& out) {
    append(out, fill_holes(dense, false, run));
    append(out, fill_holes(dense, true, run));
  };
  all["distance"] = [](const Run& run, auto& out) { append(out, distance(sparse, run)); };
  all["morphology"] = [](const Run& run, auto& out) {
    for (const double radius : {1.5, 9.0}) {
      append(out, dilate(sparse, radius, run));
      append(out, erode(dense, radius, run));
      append(out, close(sparse, radius, run));
    }
  };
  all["measures"] = [](const Run& run, auto& out) {
    const RegionStatistics s = region_statistics(v, dense, run);
    for (const double value : {s.mean, s.standard_deviation, s.median, s.minimum, s.maximum}) append(out, value);
    append(out, otsu_threshold(v.values(), 256, run));
    const Overlap o = overlap(sparse, dense, 1, run);
    for (const double value : {o.dice, o.jaccard, o.hd95_mm, o.asd_mm, o.nsd}) append(out, value);
  };
  return all;
}

TEST(Volume, every_kernel_has_the_same_bits_for_one_two_and_five_threads) {
  for (const auto& [name, kernel] : kernels()) {
    std::vector<std::byte> one;
    kernel(gantry::Run({.threads = 1}), one);
    ASSERT_FALSE(one.empty()) << name;
    for (const int threads : {2, 5}) {
      std::vector<std::byte> many;
      kernel(gantry::Run({.threads = threads}), many);
      EXPECT_TRUE(one == many) << name << " with " << threads << " threads";
    }
  }
}

TEST(Volume, a_cancelled_run_stops_every_kernel) {
  for (const auto& [name, kernel] : kernels()) {
    gantry::Run run;
    run.cancel();
    std::vector<std::byte> out;
    EXPECT_THROW(kernel(run, out), Error) << name;
  }
}

}  // namespace
}  // namespace gantry::determinism_test
