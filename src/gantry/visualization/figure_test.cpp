// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/figure.h"

#include <gtest/gtest.h>

#include <numbers>

#include "gantry/base/error.h"
#include "gantry/io/png.h"
#include "gantry/visualization/contour.h"

namespace gantry::figure_test {

namespace {

/// A volume of -1000 whose values are `value(world)`; axes in any order and sense, spacing as told.
template <class Value>
Image volume(Size3 size, Vec3 spacing, Mat3 direction, Value value) {
  const Vec3 half{0.5 * static_cast<double>(size[0] - 1) * spacing.x, 0.5 * static_cast<double>(size[1] - 1) * spacing.y,
                  0.5 * static_cast<double>(size[2] - 1) * spacing.z};
  const Grid grid(size, spacing, -1.0 * (direction * half), direction);
  Voxels<float> voxels(grid, -1000.0F);
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        voxels(i, j, k) = value(grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}));
      }
    }
  }
  return Image(std::move(voxels));
}

FigureSpec plain(Plane plane, int width) {
  FigureSpec spec;
  spec.plane = plane;
  spec.crop_to_body = false;
  spec.annotations = false;
  spec.width_px = width;
  return spec;
}

/// Centre of the pixels brighter than half, as parts of width and height.
Point2 bright_centre(const Image& rgb) {
  const auto view = rgb.as<std::uint8_t>();
  const std::int64_t width = rgb.grid().size(0);
  const std::int64_t height = rgb.grid().size(1);
  double x = 0;
  double y = 0;
  double n = 0;
  for (std::int64_t j = 0; j < height; ++j) {
    for (std::int64_t i = 0; i < width; ++i) {
      if (view[(j * width + i) * 3] < 128) continue;
      x += (static_cast<double>(i) + 0.5) / static_cast<double>(width);
      y += (static_cast<double>(j) + 0.5) / static_cast<double>(height);
      n += 1;
    }
  }
  return {x / n, y / n};
}

std::vector<Mat3> axis_orders() {
  const Vec3 l{1, 0, 0};
  const Vec3 p{0, 1, 0};
  const Vec3 s{0, 0, 1};
  return {Mat3{{l, p, s}},        Mat3{{-1.0 * l, -1.0 * p, s}}, Mat3{{p, s, l}},
          Mat3{{l, -1.0 * s, p}}, Mat3{{-1.0 * s, p, l}},        Mat3{{l, p, -1.0 * s}}};
}

}  // namespace

TEST(Figure, shows_the_patients_left_on_the_right_whatever_the_axis_order) {
  // A bright ball 20 mm to the left, 12 mm to the front and 16 mm above the middle of a box of about 80 mm.
  const Vec3 ball{20, -12, 16};
  for (const Mat3& direction : axis_orders()) {
    const Image image = volume({40, 40, 40}, {2, 2, 2}, direction, [&](Vec3 w) { return norm(w - ball) < 9 ? 500.0F : -1000.0F; });
    FigureSpec spec = plain(Plane::axial, 160);
    spec.position_mm = ball;
    Point2 at = bright_centre(figure(image, nullptr, spec, gantry::Run()));
    EXPECT_NEAR(at.x, 0.5 + 20.0 / 80, 0.01);
    EXPECT_NEAR(at.y, 0.5 - 12.0 / 80, 0.01);
    spec.plane = Plane::coronal;
    at = bright_centre(figure(image, nullptr, spec, gantry::Run()));
    EXPECT_NEAR(at.x, 0.5 + 20.0 / 80, 0.01);
    EXPECT_NEAR(at.y, 0.5 - 16.0 / 80, 0.01);
    spec.plane = Plane::sagittal;  // anterior on the left
    at = bright_centre(figure(image, nullptr, spec, gantry::Run()));
    EXPECT_NEAR(at.x, 0.5 - 12.0 / 80, 0.01);
    EXPECT_NEAR(at.y, 0.5 - 16.0 / 80, 0.01);
  }
}

TEST(Figure, keeps_the_physical_aspect_of_anisotropic_and_sheared_volumes) {
  const auto ball = [](Vec3 w) { return norm(w) < 30 ? 500.0F : -1000.0F; };
  // 1 x 1 x 4 mm, and the same with the slices sheared as by a tilted gantry.
  const double tilt = 20 * std::numbers::pi / 180;
  for (const Mat3& direction : {Mat3{}, Mat3{{Vec3{1, 0, 0}, Vec3{0, std::cos(tilt), std::sin(tilt)}, Vec3{0, 0, 1}}}}) {
    const Image image = volume({100, 120, 25}, {1, 1, 4}, direction, ball);
    for (const Plane plane : {Plane::axial, Plane::coronal, Plane::sagittal}) {
      const Image rgb = figure(image, nullptr, plain(plane, 300), gantry::Run());
      const auto view = rgb.as<std::uint8_t>();
      const std::int64_t width = rgb.grid().size(0);
      std::array<std::int64_t, 4> box{1 << 20, 1 << 20, -1, -1};
      for (std::int64_t n = 0; n < rgb.grid().voxel_count(); ++n) {
        if (view[3 * n] < 128) continue;
        box = {std::min(box[0], n % width), std::min(box[1], n / width), std::max(box[2], n % width), std::max(box[3], n / width)};
      }
      const double pixel = rgb.grid().spacing_mm().x;
      EXPECT_NEAR(static_cast<double>(box[2] - box[0] + 1) * pixel, 60, 3);
      EXPECT_NEAR(static_cast<double>(box[3] - box[1] + 1) * pixel, 60, 4.5);
    }
  }
}

TEST(Figure, maps_the_window_linearly_to_grey) {
  const Image image = volume({32, 32, 3}, {1, 1, 1}, {}, [](Vec3 w) { return static_cast<float>(40 + 10 * std::round(w.x)); });
  FigureSpec spec = plain(Plane::axial, 32);
  spec.window = {40, 200, "HU", ColorMap::grey};
  const auto view = figure(image, nullptr, spec, gantry::Run()).as<std::uint8_t>();
  for (int i = 2; i < 30; ++i) {
    const double value = 40 + 10 * std::round(i - 15.5);
    const double expected = 255 * std::clamp((value - (40 - 100)) / 200, 0.0, 1.0);
    EXPECT_NEAR(view[(16 * 32 + i) * 3], expected, 1.0) << i;
  }
}

TEST(Figure, outlines_labels_in_their_colour_and_fills_a_fifth) {
  const Image image = volume({60, 60, 3}, {1, 1, 1}, {}, [](Vec3) { return -1000.0F; });
  Voxels<std::int32_t> mask(image.grid());
  for (int k = 0; k < 3; ++k) {
    for (int j = 20; j < 40; ++j) {
      for (int i = 20; i < 40; ++i) mask(i, j, k) = 7;
    }
  }
  Label label;
  label.value = 7;
  label.id = "square";
  label.color = {200, 100, 50};
  const Labels labels(Image(std::move(mask)), {label});
  const auto view = figure(image, &labels, plain(Plane::axial, 240), gantry::Run()).as<std::uint8_t>();
  const auto pixel = [&](int x, int y) {
    return std::array<int, 3>{view[(y * 240 + x) * 3], view[(y * 240 + x) * 3 + 1], view[(y * 240 + x) * 3 + 2]};
  };
  EXPECT_EQ(pixel(40, 40), (std::array<int, 3>{0, 0, 0}));
  const auto inside = pixel(120, 120);
  EXPECT_NEAR(inside[0], 36, 2);
  EXPECT_NEAR(inside[1], 18, 2);
  const auto edge = pixel(80, 120);  // the border lies at 20 mm = 80 pixels, 2 pixels wide
  EXPECT_NEAR(edge[0], 200, 6);
  EXPECT_NEAR(edge[1], 100, 6);
}

TEST(Figure, crops_to_the_largest_bright_piece) {
  const Image image = volume({100, 100, 3}, {2, 2, 2}, {}, [](Vec3 w) {
    if (std::abs(w.x - 20) < 40 && std::abs(w.y + 10) < 30) return 40.0F;
    return std::abs(w.y - 80) < 4 ? 40.0F : -1000.0F;  // a table
  });
  FigureSpec spec = plain(Plane::axial, 400);
  spec.crop_to_body = true;
  const Image rgb = figure(image, nullptr, spec, gantry::Run());
  EXPECT_NEAR(rgb.grid().spacing_mm().x * 400, 92, 4);
  EXPECT_NEAR(rgb.grid().spacing_mm().x * static_cast<double>(rgb.grid().size(1)), 72, 4);
}

TEST(Figure, projects_the_maximum_and_turns_around_the_patient) {
  const Vec3 ball{0, -20, 0};
  const Image image = volume({40, 40, 40}, {2, 2, 2}, {}, [&](Vec3 w) { return norm(w - ball) < 5 ? 10.0F : 0.0F; });
  FigureSpec spec = plain(Plane::coronal, 200);
  spec.window = {5, 10, "SUV", ColorMap::grey};
  EXPECT_NEAR(bright_centre(projection_figure(image, spec, gantry::Run())).x, 0.5, 0.01);
  spec.angle_degrees = 90;  // from the left: anterior lies on the left
  EXPECT_NEAR(bright_centre(projection_figure(image, spec, gantry::Run())).x, 0.5 - 20.0 / 80, 0.02);
  spec.angle_degrees = -90;
  EXPECT_NEAR(bright_centre(projection_figure(image, spec, gantry::Run())).x, 0.5 + 20.0 / 80, 0.02);
}

TEST(Figure, lays_uptake_over_anatomy_where_it_is_in_the_world) {
  const Image ct = volume({50, 50, 5}, {2, 2, 2}, {}, [](Vec3) { return 40.0F; });
  const Image pet = volume({20, 20, 20}, {6, 6, 6}, {}, [](Vec3 w) { return norm(w - Vec3{18, 0, 0}) < 10 ? 7.0F : 0.0F; });
  FigureSpec spec = plain(Plane::axial, 100);
  spec.fused = &pet;
  const auto view = figure(ct, nullptr, spec, gantry::Run()).as<std::uint8_t>();
  const std::int64_t hot = (50 * 100 + 68) * 3;
  const std::int64_t cold = (50 * 100 + 30) * 3;
  EXPECT_GT(view[hot], 200);
  EXPECT_LT(view[hot + 2], 100);
  EXPECT_EQ(view[cold], view[cold + 1]);
  EXPECT_EQ(view[cold], 128);
}

TEST(Figure, has_the_same_bytes_for_any_number_of_threads) {
  const Image image =
      volume({64, 64, 8}, {1, 1, 3}, {}, [](Vec3 w) { return static_cast<float>(40 + 100 * std::sin(w.x / 7) * std::cos(w.y / 5)); });
  FigureSpec spec;
  spec.markers = {{{0, 0, 0}, 1, 8}};
  const Image one = figure(image, nullptr, spec, gantry::Run(RunOptions{.threads = 1}));
  const Image three = figure(image, nullptr, spec, gantry::Run(RunOptions{.threads = 3}));
  EXPECT_TRUE(std::ranges::equal(one.bytes(), three.bytes()));
  EXPECT_EQ(io::png_bytes(one), io::png_bytes(three));
}

TEST(Figure, draws_a_volume_of_one_voxel_and_refuses_nonsense) {
  const Image one = volume({1, 1, 1}, {1, 1, 1}, {}, [](Vec3) { return 40.0F; });
  EXPECT_EQ(figure(one, nullptr, FigureSpec{}, gantry::Run()).components(), 3);
  FigureSpec spec;
  spec.window.width = 0;
  EXPECT_THROW(figure(one, nullptr, spec, gantry::Run()), Error);
  spec = FigureSpec{};
  spec.width_px = 1 << 20;
  EXPECT_THROW(figure(one, nullptr, spec, gantry::Run()), Error);
  EXPECT_THROW(figure(Image(), nullptr, FigureSpec{}, gantry::Run()), Error);
}

TEST(Figure, survives_values_that_are_no_numbers) {
  const Image image = volume({20, 20, 2}, {1, 1, 1}, {}, [](Vec3 w) { return w.x < 0 ? std::nanf("") : 1e30F; });
  EXPECT_EQ(figure(image, nullptr, FigureSpec{}, gantry::Run()).components(), 3);
  EXPECT_GT(body_window(image).width, 0);
}

TEST(Outline, of_a_disc_has_its_area_and_of_a_pixel_survives) {
  const int n = 64;
  std::vector<std::uint8_t> mask(n * n);
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i < n; ++i) mask[static_cast<std::size_t>(j * n + i)] = std::hypot(i - 31.5, j - 31.5) < 20 ? 1 : 0;
  }
  const auto area = [](const Polyline& p) {
    double twice = 0;
    for (std::size_t k = 0; k < p.size(); ++k) {
      const Point2 a = p[k];
      const Point2 b = p[(k + 1) % p.size()];
      twice += a.x * b.y - b.x * a.y;
    }
    return std::abs(twice) / 2;
  };
  auto lines = outline(mask, n, n, 1, 1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NEAR(area(lines[0]), std::numbers::pi * 400, 10);
  for (const Point2 p : lines[0]) EXPECT_NEAR(std::hypot(p.x - 31.5, p.y - 31.5), 20, 0.7);

  std::fill(mask.begin(), mask.end(), 0);
  mask[10 * n + 10] = 1;
  lines = outline(mask, n, n, 1, 1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_GT(area(lines[0]), 0.2);
  EXPECT_TRUE(outline(std::vector<std::uint8_t>(n * n), n, n, 1, 1).empty());
  EXPECT_EQ(outline(std::vector<std::uint8_t>(n * n, 1), n, n, 1, 1).size(), 1U);
}

TEST(Outline, of_thick_slices_has_no_stairs) {
  // A ball of 20 mm radius cut across slices of 5 mm: each outline point lies near the circle, unlike the steps of the pixels.
  const int width = 64;
  const int height = 12;
  std::vector<std::uint8_t> mask(width * height);
  for (int j = 0; j < height; ++j) {
    for (int i = 0; i < width; ++i) mask[static_cast<std::size_t>(j * width + i)] = std::hypot(i - 31.5, (j - 5.5) * 5) < 20 ? 1 : 0;
  }
  const auto lines = outline(mask, width, height, 1, 5);
  ASSERT_EQ(lines.size(), 1U);
  double worst = 0;
  for (const Point2 p : lines[0]) worst = std::max(worst, std::abs(std::hypot(p.x - 31.5, (p.y - 5.5) * 5) - 20));
  EXPECT_LT(worst, 2.6);
}

TEST(Montage, puts_images_in_rows) {
  const Image image = volume({20, 10, 1}, {1, 1, 1}, {}, [](Vec3) { return 40.0F; });
  const Image rgb = figure(image, nullptr, plain(Plane::axial, 40), gantry::Run());
  const std::vector<Image> images(3, rgb);
  const Image sheet = montage(images, 2, 4);
  EXPECT_EQ(sheet.grid().size(0), 84);
  EXPECT_EQ(sheet.grid().size(1), 44);
}

TEST(SpreadPositions, lie_within_the_labelled_slices) {
  Voxels<std::uint8_t> mask(Grid({8, 8, 50}, {1, 1, 2}));
  for (int k = 20; k <= 40; ++k) mask(4, 4, k) = 1;
  const Image image = Image(Voxels<float>(mask.grid()));
  Label label;
  label.value = 1;
  label.id = "thing";
  const Labels labels(Image(std::move(mask)), {label});
  const auto positions = spread_positions(image, &labels, {}, Plane::axial, 4);
  ASSERT_EQ(positions.size(), 4U);
  for (const Vec3 p : positions) {
    EXPECT_GE(p.z, 40);
    EXPECT_LE(p.z, 80);
  }
  EXPECT_LT(positions[0].z, positions[3].z);
}

}  // namespace gantry::figure_test
