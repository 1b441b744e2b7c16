// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/files.h"
#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/io/hdf5.h"
#include "gantry/io/io.h"
#include "gantry/reconstruction/ellipse_test_support.h"
#include "gantry/reconstruction/filtered_backprojection.h"
#include "gantry/reconstruction/ordered_subsets.h"
#include "gantry/reconstruction/projector.h"

namespace gantry::reconstruction::reconstruction_test {

namespace {

const std::vector<Ellipse> disc{{1, 60, 60, 10, -5, 0}};

BeamParameters fan_beam() { return {.shape = BeamShape::fan, .angle_range = 360, .source_distance = 400, .detector_distance = 300}; }

Image projections(const std::vector<Ellipse>& ellipses, const BeamParameters& scan, std::int64_t columns, double element_mm,
                  std::int64_t views, std::optional<double> centre = {}) {
  return projections_of(ellipses, beam_of(scan, columns, element_mm, views, nullptr, centre), element_mm);
}

/// A slice sampled finely: 5 x 5 points a pixel.
std::vector<float> painted(const std::vector<Ellipse>& ellipses, std::int64_t size, double pixel_mm) {
  std::vector<float> slice(static_cast<std::size_t>(size * size));
  const double middle = 0.5 * static_cast<double>(size - 1);
  for (std::int64_t j = 0; j < size; ++j) {
    for (std::int64_t i = 0; i < size; ++i) {
      double sum = 0;
      for (int b = -2; b <= 2; ++b) {
        for (int a = -2; a <= 2; ++a)
          sum += value_at(ellipses, (static_cast<double>(i) - middle + 0.2 * a) * pixel_mm,
                          (static_cast<double>(j) - middle + 0.2 * b) * pixel_mm);
      }
      slice[static_cast<std::size_t>(i + size * j)] = static_cast<float>(sum / 25);
    }
  }
  return slice;
}

}  // namespace

TEST(Projector, gives_the_chords_of_a_disc) {
  gantry::Run run;
  for (const BeamParameters& scan : {BeamParameters{}, fan_beam()}) {
    const Beam beam = beam_of(scan, 200, scan.shape == BeamShape::fan ? 1.75 : 1.0, 37, nullptr, std::nullopt);
    const Projector projector(beam, 200, 1);
    std::vector<std::int64_t> views(37);
    for (std::size_t n = 0; n < views.size(); ++n) views[n] = static_cast<std::int64_t>(n);
    std::vector<float> rows(200 * 37);
    projector.forward(painted(disc, 200, 1), views, rows, run);
    const Image exact = projections_of(disc, beam, 1);
    const VoxelView<float> chords = exact.as<float>();
    double worst = 0, total = 0, error = 0;
    for (std::size_t n = 0; n < rows.size(); ++n) {
      const double off = std::abs(rows[n] - chords[static_cast<std::int64_t>(n)]);
      worst = std::max(worst, off);
      error += off;
      total += chords[static_cast<std::int64_t>(n)];
    }
    EXPECT_LT(error / total, 0.003);
    EXPECT_LT(worst, 3.0);  // at the edge, where the chord grows by 11 mm in the first mm
  }
}

TEST(Projector, is_the_transpose_of_its_adjoint) {
  gantry::Run run;
  Random random(1);
  for (const BeamParameters& scan : {BeamParameters{.first_angle = 3}, fan_beam()}) {
    const Projector projector(beam_of(scan, 50, 1.5, 23, nullptr, 20.0), 41, 1.3);
    std::vector<std::int64_t> views;
    for (std::int64_t n = 0; n < 23; n += 2) views.push_back(n);
    std::vector<float> x(41 * 41), y(50 * views.size()), ax(y.size()), aty(x.size());
    for (float& value : x) value = static_cast<float>(random.next_uniform());
    for (float& value : y) value = static_cast<float>(random.next_uniform());
    projector.forward(x, views, ax, run);
    projector.adjoint(y, views, aty, run);
    double left = 0, right = 0;
    for (std::size_t n = 0; n < y.size(); ++n) left += static_cast<double>(ax[n]) * y[n];
    for (std::size_t n = 0; n < x.size(); ++n) right += static_cast<double>(x[n]) * aty[n];
    EXPECT_NEAR(left / right, 1, 1e-5);
  }
}

TEST(FilteredBackprojection, gives_a_disc_its_value_and_nothing_outside) {
  gantry::Run run;
  for (const double range : {180.0, 360.0, -180.0}) {
    const BeamParameters scan{.first_angle = 20, .angle_range = range};
    const Image slice = FilteredBackprojection{.scan = scan}(projections(disc, scan, 200, 1, 360), nullptr, run);
    EXPECT_NEAR(mean_near(slice, 10, -5, 50), 1, 0.002) << range;
    EXPECT_NEAR(mean_near(slice, 10, 80, 8), 0, 0.003) << range;
  }
  const Image slice = FilteredBackprojection{.scan = fan_beam()}(projections(disc, fan_beam(), 360, 1, 720), nullptr, run);
  EXPECT_NEAR(slice.grid().spacing_mm().x, 4.0 / 7, 1e-12);
  EXPECT_NEAR(mean_near(slice, 10, -5, 50), 1, 0.002);
  EXPECT_NEAR(mean_near(slice, 10, 80, 8), 0, 0.003);
}

TEST(FilteredBackprojection, gives_the_head_of_shepp_and_logan_its_values) {
  gantry::Run run;
  for (const bool fan : {false, true}) {
    const BeamParameters scan = fan ? fan_beam() : BeamParameters{};
    const Image slice = FilteredBackprojection{.scan = scan, .filter = RampWindow::shepp_logan, .size = 400, .pixel = 0.5}(
        projections(shepp_logan, scan, 512, fan ? 0.875 : 0.5, 720), nullptr, run);
    const std::vector<std::array<double, 3>> places{{0, 38, 6}, {22, 0, 6},      {-22, 0, 6}, {0, -35, 10},
                                                    {0, 10, 2}, {0, -88.8, 1.2}, {45, 40, 5}};
    for (const auto& [u, v, radius] : places)
      EXPECT_NEAR(mean_near(slice, u, v, radius), value_at(shepp_logan, u, v), 0.012) << u << " " << v << fan;
  }
}

TEST(FilteredBackprojection, knows_the_axis_beside_the_middle_of_the_detector) {
  gantry::Run run;
  const Image rows = projections(disc, {}, 220, 1, 360, 101.3);
  const Image right = FilteredBackprojection{.centre = 101.3, .size = 200}(rows, nullptr, run);
  EXPECT_NEAR(mean_near(right, 10, -5, 50), 1, 0.002);
  EXPECT_NEAR(mean_near(right, 10, 57, 1.5), 0, 0.05);
  EXPECT_NEAR(axis_column(rows, beam_of({}, 220, 1, 360, nullptr, std::nullopt)), 101.3, 0.01);
  const Image found = FilteredBackprojection{.find_centre = true, .size = 200}(rows, nullptr, run);
  EXPECT_NEAR(mean_near(found, 10, -5, 50), 1, 0.002);
  const Image wrong = FilteredBackprojection{.size = 200}(rows, nullptr, run);
  EXPECT_GT(std::abs(mean_near(wrong, 10 + 57, -5, 1.5) - 1), 0.2);
}

TEST(FilteredBackprojection, takes_views_in_any_order_and_twice) {
  gantry::Run run;
  Voxels<double> angles(Grid({362, 1, 1}));
  for (std::int64_t n = 0; n < 362; ++n) angles[n] = 0.5 * static_cast<double>(n * 7 % 361);  // 0 and 180 both; the last repeats the first
  angles[361] = angles[0];
  const Image degrees(std::move(angles));
  const Beam beam = beam_of({}, 200, 1, 362, &degrees, std::nullopt);
  const Image slice = FilteredBackprojection{}(projections_of(disc, beam, 1), &degrees, run);
  EXPECT_NEAR(mean_near(slice, 10, -5, 50), 1, 0.002);
}

TEST(FilteredBackprojection, gives_hounsfield_units) {
  gantry::Run run;
  const std::vector<Ellipse> water{{0.02, 60, 60, 0, 0, 0}};
  const Image slice = FilteredBackprojection{.unit = AttenuationUnit::hu, .water = 0.02}(projections(water, {}, 200, 1, 360), nullptr, run);
  EXPECT_NEAR(mean_near(slice, 0, 0, 50), 0, 2);
  EXPECT_NEAR(mean_near(slice, 0, 80, 8), -1000, 3);
}

TEST(FilteredBackprojection, has_the_same_bits_for_any_number_of_threads) {
  const Image rows = projections(disc, {}, 100, 2, 90);
  gantry::Run one(gantry::RunOptions{.threads = 1}), two(gantry::RunOptions{.threads = 2});
  const Image a = FilteredBackprojection{}(rows, nullptr, one), b = FilteredBackprojection{}(rows, nullptr, two);
  EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.count()) * 4), 0);
}

TEST(FilteredBackprojection, refuses_what_it_cannot_do) {
  gantry::Run run;
  const Image rows = projections(disc, {}, 50, 4, 30);
  const auto refusal = [&](const FilteredBackprojection& fbp, const Image* angles = nullptr) {
    return std::string(error_of([&] { fbp(rows, angles, run); }).what());
  };
  EXPECT_EQ(refusal({.centre = 80}), "centre: must lie on the detector, between 0 and 49; got 80");
  EXPECT_NE(refusal({.scan = {.shape = BeamShape::fan, .angle_range = 180}}).find("a fan beam needs views all around"), std::string::npos);
  EXPECT_NE(refusal({.scan = {.shape = BeamShape::fan, .angle_range = 360, .source_distance = 50}, .pixel = 2})
                .find("source_distance: must leave"),
            std::string::npos);
  EXPECT_NE(refusal({.size = 8000, .pixel = 1000}).find("columns far"), std::string::npos);
  EXPECT_EQ(refusal({.centre = 20, .find_centre = true}), "find_centre: is for parallel beams, and instead of centre");
  const FilteredBackprojection finding{.find_centre = true};
  EXPECT_EQ(std::string(error_of([&] {
                          finding(Image(Voxels<float>(Grid({9, 8, 1}))), nullptr, run);
                        }).what()),
            "find_centre: view 0 has no centre of mass on the detector");
  const Image few(Voxels<float>(Grid({3, 1, 1})));
  EXPECT_EQ(refusal({}, &few), "angles: must be one for each of 30 views; got 3");
  const Image bad(Voxels<float>(Grid({30, 1, 1}), std::nanf("")));
  EXPECT_NE(refusal({}, &bad).find("angles: must lie between"), std::string::npos);
  for (const float broken : {std::nanf(""), INFINITY}) {
    Voxels<float> one = rows.as<float>().clone();
    one[70] = broken;
    const Image damaged(std::move(one));
    EXPECT_EQ(std::string(error_of([&] { FilteredBackprojection{}(damaged, nullptr, run); }).what()), "projections: must be finite");
  }
}

// A tooth, 180 views; its axis of rotation is not in the middle of the detector. The slice must be the sum of the definition: rows
// convolved with the samples of the ramp in double precision, and each pixel the sum of what lies on its rays, interpolated linearly.
TEST(FilteredBackprojection, finds_the_axis_of_a_real_scan_and_gives_its_slice) {
  const Path path = test_data("raw/ct/tooth.h5");
  if (path.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const MappedFile mapped(path);
  const io::hdf5::File file(mapped.bytes());
  constexpr std::int64_t views = 180, columns = 640;  // the last view is the first from behind
  const auto numbers = [&](const char* name) {
    const io::hdf5::Dataset set = file.dataset(std::string("exchange/") + name, run);
    std::vector<double> all;
    for (std::uint64_t n = 0; n < set.count(); ++n) all.push_back(io::hdf5::number_of(set.type, set.value(n)));
    return all;
  };
  const auto mean_row = [&](const std::vector<double>& fields) {
    const std::size_t count = fields.size() / (2 * columns);
    std::vector<double> row(columns);
    for (std::size_t n = 0; n < count; ++n) {
      for (std::size_t c = 0; c < columns; ++c) row[c] += fields[2 * columns * n + c] / static_cast<double>(count);
    }
    return row;
  };
  const std::vector<double> data = numbers("data"), dark = mean_row(numbers("data_dark")), white = mean_row(numbers("data_white"));
  Voxels<float> lines(Grid({columns, views, 1}));
  for (std::int64_t n = 0; n < views; ++n) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto at = static_cast<std::size_t>(c);
      const double share = (data[static_cast<std::size_t>(2 * columns * n + c)] - dark[at]) / (white[at] - dark[at]);
      lines(c, n, 0) = static_cast<float>(-std::log(std::max(share, 1e-4)));
    }
  }
  const Image rows(std::move(lines));
  const double axis = axis_column(rows, beam_of({}, columns, 1, views, nullptr, std::nullopt));
  EXPECT_NEAR(axis, 296, 1.5);  // what is published for this scan, found by entropy
  const Image slice = FilteredBackprojection{.find_centre = true}(rows, nullptr, run);

  const VoxelView<float> values = rows.as<float>();
  std::vector<double> filtered(static_cast<std::size_t>(columns * views));
  for (std::int64_t n = 0; n < views; ++n) {
    for (std::int64_t c = 0; c < columns; ++c) {
      double sum = 0.25 * values(c, n, 0);
      for (std::int64_t d = (c + 1) % 2; d < columns; d += 2) {
        const double away = std::numbers::pi * static_cast<double>(c - d);
        sum -= values(d, n, 0) / (away * away);
      }
      filtered[static_cast<std::size_t>(c + columns * n)] = sum;
    }
  }
  double error = 0, power = 0;
  const double middle = 0.5 * (columns - 1);
  for (std::int64_t j = 60; j < columns - 60; j += 7) {
    for (std::int64_t i = 60; i < columns - 60; i += 7) {
      const double x = static_cast<double>(i) - middle, y = static_cast<double>(j) - middle;
      if (std::hypot(x, y) > 200) continue;
      double sum = 0;
      for (std::int64_t n = 0; n < views; ++n) {
        const double angle = std::numbers::pi * static_cast<double>(n) / views, s = axis + x * std::cos(angle) + y * std::sin(angle);
        const auto c = static_cast<std::int64_t>(s);
        const double t = s - static_cast<double>(c), *row = filtered.data() + columns * n;
        sum += std::numbers::pi / views * ((1 - t) * row[c] + t * row[c + 1]);
      }
      error += std::pow(slice.as<float>()(i, j, 0) - sum, 2);
      power += sum * sum;
    }
  }
  EXPECT_LT(std::sqrt(error / power), 0.001);
}

TEST(OrderedSubsets, keeps_the_number_of_counts_with_one_subset) {
  gantry::Run run;
  const std::vector<Ellipse> source{{5, 40, 30, 5, -8, 30}, {5, 8, 8, 10, 10, 0}};
  const Image counts = projections(source, {}, 128, 1, 60);
  const Image activity = OrderedSubsets{.iterations = 3}(counts, nullptr, nullptr, run);
  const Projector projector(beam_of({}, 128, 1, 60, nullptr, std::nullopt), 128, 1);
  std::vector<std::int64_t> views(60);
  for (std::size_t n = 0; n < views.size(); ++n) views[n] = static_cast<std::int64_t>(n);
  std::vector<float> rows(128 * 60);
  projector.forward({activity.as<float>().data(), 128 * 128}, views, rows, run);
  double measured = 0, projected = 0;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    measured += counts.as<float>()[static_cast<std::int64_t>(n)];
    projected += rows[n];
  }
  EXPECT_NEAR(projected / measured, 1, 1e-4);
}

TEST(OrderedSubsets, finds_the_activity_of_a_disc_through_its_attenuation) {
  gantry::Run run;
  constexpr std::int64_t size = 128;
  const std::vector<Ellipse> body{{0.01, 50, 40, 0, 0, 0}}, source{{2, 30, 30, 5, 0, 0}};
  const Beam beam = beam_of({}, size, 1, 90, nullptr, std::nullopt);
  const Image clear = projections_of(source, beam, 1), lines = projections_of(body, beam, 1);
  Voxels<float> weakened(clear.grid());
  for (std::int64_t n = 0; n < weakened.count(); ++n) weakened[n] = clear.as<float>()[n] * std::exp(-lines.as<float>()[n]);
  const Image counts(std::move(weakened));
  Voxels<float> map(slice_grid(size, 1, clear.grid()));
  std::ranges::copy(painted(body, size, 1), map.data());
  const Image attenuation(std::move(map));
  for (const int subsets : {1, 9}) {
    const Image activity = OrderedSubsets{.subsets = subsets, .iterations = subsets == 1 ? 40 : 6}(counts, nullptr, &attenuation, run);
    EXPECT_NEAR(mean_near(activity, 5, 0, 22), 2, 0.03) << subsets;
    EXPECT_NEAR(mean_near(activity, -38, 0, 5), 0, 0.03) << subsets;
  }
  const Image without = OrderedSubsets{.subsets = 9, .iterations = 6}(counts, nullptr, nullptr, run);
  EXPECT_LT(mean_near(without, 5, 0, 22), 1.2);
}

TEST(OrderedSubsets, takes_each_slice_with_its_own_attenuation) {
  gantry::Run run;
  constexpr std::int64_t size = 96, views = 60, slices = 3;
  const Beam beam = beam_of({}, size, 1, views, nullptr, std::nullopt);
  Voxels<float> counts(Grid({size, views, slices})), maps(slice_grid(size, 1, Image(Voxels<float>(Grid({size, views, slices}))).grid()));
  const std::array<double, slices> dense{0.0, 0.01, 0.02}, active{1, 3, 2};
  for (std::int64_t k = 0; k < slices; ++k) {
    const auto n = static_cast<std::size_t>(k);
    const std::vector<Ellipse> body{{dense[n], 40, 32, 0, 0, 0}}, source{{active[n], 22, 22, 4, 0, 0}};
    const Image clear = projections_of(source, beam, 1), lines = projections_of(body, beam, 1);
    for (std::int64_t v = 0; v < size * views; ++v) counts[v + k * size * views] = clear.as<float>()[v] * std::exp(-lines.as<float>()[v]);
    std::ranges::copy(painted(body, size, 1), maps.data() + k * size * size);
  }
  const Image measured(std::move(counts)), attenuation(std::move(maps));
  const Image activity = OrderedSubsets{.subsets = 6, .iterations = 6}(measured, nullptr, &attenuation, run);
  const VoxelView<float> found = activity.as<float>();
  for (std::int64_t k = 0; k < slices; ++k) {
    double sum = 0;
    int voxels = 0;
    for (std::int64_t j = 38; j < 58; ++j) {
      for (std::int64_t i = 42; i < 62; ++i, ++voxels) sum += found(i, j, k);
    }
    EXPECT_NEAR(sum / voxels, active[static_cast<std::size_t>(k)], 0.02 * active[static_cast<std::size_t>(k)]) << k;
  }
}

TEST(OrderedSubsets, refuses_what_it_cannot_do) {
  gantry::Run run;
  const Image counts = projections(disc, {}, 50, 4, 30);
  const auto refusal = [&](const OrderedSubsets& osem, const Image& rows, const Image* map = nullptr) {
    return std::string(error_of([&] { osem(rows, nullptr, map, run); }).what());
  };
  EXPECT_EQ(refusal({.subsets = 31}, counts), "subsets: must be at most the 30 views; got 31");
  EXPECT_EQ(refusal({}, Image(Voxels<float>(Grid({9, 8, 1}), -1.0F))), "projections: counts must be finite and not negative; one is -1");
  EXPECT_NE(refusal({}, Image(Voxels<float>(Grid({9, 8, 1}), std::nanf("")))).find("one is nan"), std::string::npos);
  const Image oblong(Voxels<float>(Grid({9, 8, 1})));
  EXPECT_NE(refusal({}, counts, &oblong).find("attenuation: must be square"), std::string::npos);
  for (const float broken : {std::nanf(""), -0.1F}) {
    const Image map(Voxels<float>(Grid({50, 50, counts.grid().size(2)}), broken));
    EXPECT_NE(refusal({}, counts, &map).find("attenuation: must be finite and not negative"), std::string::npos) << broken;
  }
}

// Projections and reconstructions of another program: 16 views of 48 columns, 8 slices. It lays the axis half a pixel elsewhere and turns
// the slice: the best of eight ways to lay a square on a square and of nine shifts by half a pixel counts.
TEST(Reconstruction, agrees_with_published_reconstructions) {
  const Path folder = test_data("raw/ct/reference");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const Image stored = io::read(folder / "proj.npy", run), angles_rad = io::read(folder / "angle.npy", run);
  constexpr std::int64_t columns = 48, views = 16, slices = 8;
  ASSERT_EQ(stored.count(), columns * views * slices);
  Voxels<float> rows(Grid({columns, views, slices}));
  for (std::int64_t n = 0; n < views; ++n) {
    for (std::int64_t k = 0; k < slices; ++k) {
      for (std::int64_t c = 0; c < columns; ++c) rows(c, n, k) = stored.as<float>()[c + columns * (k + slices * n)];
    }
  }
  Voxels<double> degrees(Grid({views, 1, 1}));
  for (std::int64_t n = 0; n < views; ++n) degrees[n] = angles_rad.as<double>()[n] * 180 / std::numbers::pi;
  const Image projections(std::move(rows)), angles(std::move(degrees));
  const auto correlation = [&](const VoxelView<float>& ours, const VoxelView<float>& reference, int way, std::int64_t right,
                               std::int64_t down) {
    const std::int64_t side = ours.grid().size(0);  // of whole pixels, or of half ones with their middle on the middle of the slice
    const auto at = [&](std::int64_t pixel, std::int64_t shift) { return side == columns ? pixel : 2 * pixel + 1 + shift; };
    double n = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (std::int64_t k = 0; k < slices; ++k) {
      for (std::int64_t j = 0; j < columns; ++j) {
        for (std::int64_t i = 0; i < columns; ++i) {
          if (std::hypot(static_cast<double>(i) - 23.5, static_cast<double>(j) - 23.5) > 20) continue;
          std::int64_t u = way & 1 ? columns - 1 - i : i, v = way & 2 ? columns - 1 - j : j;
          if (way & 4) std::swap(u, v);
          const double x = ours[at(u, right) + side * (at(v, down) + side * k)], y = reference[i + columns * (j + columns * k)];
          n += 1, sa += x, sb += y, saa += x * x, sbb += y * y, sab += x * y;
        }
      }
    }
    return (n * sab - sa * sb) / std::sqrt((n * saa - sa * sa) * (n * sbb - sb * sb));
  };
  const auto best = [&](const Image& ours, const char* name) {
    const Image reference = io::read(folder / name, run);
    double most = -1;
    for (int way = 0; way < 8; ++way) {
      for (std::int64_t right = -1; right <= 1; ++right) {
        for (std::int64_t down = -1; down <= 1; ++down)
          most = std::max(most, correlation(ours.as<float>(), reference.as<float>(), way, right, down));
      }
    }
    return most;
  };
  const auto filtered = [&](RampWindow window) {
    return FilteredBackprojection{.filter = window, .centre = 24, .size = 97, .pixel = 0.5}(projections, &angles, run);
  };
  EXPECT_GT(best(filtered(RampWindow::ram_lak), "gridrec_ramlak.npy"), 0.98);
  EXPECT_GT(best(filtered(RampWindow::shepp_logan), "gridrec_shepp.npy"), 0.98);
  EXPECT_GT(best(OrderedSubsets{.iterations = 4}(projections, &angles, nullptr, run), "mlem.npy"), 0.998);
  EXPECT_GT(best(OrderedSubsets{.subsets = 4, .iterations = 4}(projections, &angles, nullptr, run), "osem.npy"), 0.99);
}

}  // namespace gantry::reconstruction::reconstruction_test
