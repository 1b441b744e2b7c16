// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/tiles.h"

#include <cmath>

#include "gantry/base/test_support.h"

namespace gantry::learning::tiles_test {

namespace {

/// Scores 0 and the input's value; with a weight for the place in the tile, so that tiles disagree.
class Echo final : public Segmenter {
 public:
  explicit Echo(float tilt = 0, float spoil = 1) : tilt_(tilt), spoil_(spoil) {}
  Tensor forward(const Tensor& batch, int) const override {
    Tensor out{{1, 2, batch.shape[2], batch.shape[3], batch.shape[4]}, std::vector<float>(2 * batch.values.size())};
    for (std::size_t n = 0; n < batch.values.size(); ++n)
      out.values[batch.values.size() + n] = spoil_ * (batch.values[n] + tilt_ * static_cast<float>(n % 7));
    return out;
  }
  double learn(const Tensor&, std::span<const std::uint8_t>, const StepOptions&) override { return 0; }
  Weights weights() const override { return {}; }
  void set_weights(const Weights&) override {}
  Weights optimiser_state() const override { return {}; }
  void set_optimiser_state(const Weights&) override {}

 private:
  float tilt_, spoil_;
};

Voxels<float> wave(Size3 size, Vec3 spacing = {1, 1, 1}) {
  Voxels<float> volume(Grid(size, spacing));
  for (std::int64_t n = 0; n < volume.count(); ++n) volume[n] = std::sin(0.37F * static_cast<float>(n)) + 0.2F;
  return volume;
}

std::vector<float> scores_of(const Segmenter& network, const Voxels<float>& volume, Size3 tile, int threads = 1) {
  gantry::Run run(RunOptions{.threads = threads});
  std::vector<float> all;
  std::int64_t expected = 0;
  run_tiles(network, 2, volume, tile, run, [&](std::int64_t k, std::span<const float> slice) {
    EXPECT_EQ(k, expected++);
    all.insert(all.end(), slice.begin() + static_cast<std::ptrdiff_t>(slice.size() / 2), slice.end());
  });
  EXPECT_EQ(expected, volume.grid().size(2));
  return all;
}

}  // namespace

// nnU-Net's rule: ceil((I - P) / (P / 2)) + 1 tiles, evenly spread.
TEST(Tiles, lie_evenly_and_cover_everything) {
  EXPECT_EQ(tile_starts(30, 40), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(tile_starts(40, 40), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(tile_starts(43, 40), (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(tile_starts(100, 40), (std::vector<std::int64_t>{0, 20, 40, 60}));
}

TEST(Tiles, give_back_what_every_tile_agrees_on) {
  for (const Size3 size : {Size3{13, 21, 30}, Size3{5, 40, 9}, Size3{16, 16, 16}}) {
    const Voxels<float> volume = wave(size);
    const std::vector<float> scores = scores_of(Echo(), volume, {16, 16, 8});
    ASSERT_EQ(scores.size(), static_cast<std::size_t>(volume.count()));
    for (std::int64_t n = 0; n < volume.count(); ++n) EXPECT_NEAR(scores[static_cast<std::size_t>(n)], volume[n], 1e-5) << n;
  }
}

TEST(Tiles, give_the_same_bits_for_any_number_of_threads) {
  const Voxels<float> volume = wave({33, 21, 30});
  EXPECT_EQ(scores_of(Echo(0.1F), volume, {16, 16, 8}, 1), scores_of(Echo(0.1F), volume, {16, 16, 8}, 2));
}

TEST(Tiles, refuse_scores_that_are_not_finite_and_budgets_that_are_too_small) {
  const Voxels<float> volume = wave({20, 20, 20});
  gantry::Run run;
  const auto ignore = [](std::int64_t, std::span<const float>) {};
  EXPECT_EQ(error_of([&] {
              run_tiles(Echo(0, 3e38F), 2, volume, {16, 16, 16}, run, ignore);
            }).message(),
            "network: its scores must be finite; they are not");
  gantry::Run small(RunOptions{.memory_bytes = 50000});
  EXPECT_EQ(error_of([&] { run_tiles(Echo(), 2, volume, {16, 16, 16}, small, ignore); }).code(), ErrorCode::out_of_memory);
}

TEST(LabelsOnGrid, takes_the_first_of_the_highest_scores_on_the_same_grid) {
  const Grid grid({3, 1, 2});
  LabelsOnGrid labels(grid, grid, 3, gantry::Run());
  labels.take(0, std::vector<float>{0, 1, 5, 2, 1, 4, 1, 0, 3});
  labels.take(1, std::vector<float>{0, 0, 0, 0, 0, 0, 0, 0, 1});
  const auto found = std::move(labels).labels();
  EXPECT_EQ(std::vector<std::uint8_t>(found.values().begin(), found.values().end()), (std::vector<std::uint8_t>{1, 0, 0, 0, 0, 2}));
}

// Scores that are linear along an axis stay linear between its voxels, so the border lies where they cross.
TEST(LabelsOnGrid, puts_borders_between_voxels_where_the_scores_cross) {
  const Grid coarse({8, 4, 8}, {3, 3, 3}, {1, 1, 1}), fine({24, 12, 24}, {1, 1, 1}, {0, 0, 0});
  for (const int axis : {0, 2}) {
    LabelsOnGrid labels(coarse, fine, 2, gantry::Run());
    for (std::int64_t k = 0; k < 8; ++k) {
      std::vector<float> slice(2 * 32);
      for (std::int64_t n = 0; n < 32; ++n) {
        const auto mm = static_cast<float>(axis == 0 ? 1 + 3 * (n % 8) : 1 + 3 * k);
        slice[static_cast<std::size_t>(32 + n)] = mm - 11.5F;
      }
      labels.take(k, slice);
    }
    const auto found = std::move(labels).labels();
    for (std::int64_t k = 0; k < 24; ++k)
      for (std::int64_t j = 0; j < 12; ++j)
        for (std::int64_t i = 0; i < 24; ++i) ASSERT_EQ(found(i, j, k), (axis == 0 ? i : k) > 11 ? 1 : 0) << i << " " << j << " " << k;
  }
}

}  // namespace gantry::learning::tiles_test
