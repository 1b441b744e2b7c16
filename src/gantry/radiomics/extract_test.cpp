// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiomics/extract.h"

#include <map>

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/base/text.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/io/io.h"

namespace gantry::extract_test {
namespace {

/// Value of a feature by its code and aggregation; of several the one with the parameter.
double value_of(const Json& result, std::string_view tag, std::string_view aggregation = "", std::string_view parameter = "") {
  for (const Json& f : result.at("features")) {
    if (f["tag"] == tag && f["aggregation"] == aggregation && (parameter.empty() || f["parameter"] == parameter)) {
      return f["value"].is_null() ? NAN : f["value"].get<double>();
    }
  }
  ADD_FAILURE() << "no feature " << tag << " " << aggregation;
  return NAN;
}

Image row_of(const std::vector<float>& values, Vec3 spacing_mm = {1, 1, 1}) {
  auto image = Voxels<float>::uninitialized(Grid({static_cast<std::int64_t>(values.size()), 1, 1}, spacing_mm));
  std::copy(values.begin(), values.end(), image.data());
  return image;
}
Image ones_like(const Image& image) { return Voxels<float>(image.grid(), 1.0F); }

/// The cells of a line of the reference table: quoted cells may hold commas.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

/// As printed with three significant digits.
double three_digits(double value) { return *parse_double(fmt::format("{:.2e}", value)); }

TEST(Radiomics, meets_all_482_reference_values_of_the_digital_phantom) {
  const Path folder = test_data("radiomics");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const Image image = io::read(folder / "ibsi_1_digital_phantom/nifti/image/phantom.nii.gz", run);
  const Image mask = io::read(folder / "ibsi_1_digital_phantom/nifti/mask/mask.nii.gz", run);
  const Json result = RadiomicsExtraction{.preset = RadiomicsPreset::ibsi_digital_phantom}(image, mask, run).features;
  EXPECT_EQ(result["features"].size(), 487U);
  std::map<std::string, std::vector<double>> found;
  for (const Json& f : result["features"]) {
    found[f["tag"].get<std::string>() + " " + f["aggregation"].get<std::string>()].push_back(f["value"].get<double>());
  }
  const Bytes table = read_bytes(folder / "ibsi_1_reference_digital_phantom.csv");
  std::map<std::string, std::size_t> met;
  int compared = 0;
  for (const std::string& line : split(std::string(reinterpret_cast<const char*>(table.data()), table.size()), '\n')) {
    const auto cells = cells_of(line);
    if (cells.size() < 7 || cells[0] == "family") continue;
    const std::string key = cells[2] + " " + cells[3];
    const std::size_t row = met[key]++;
    ASSERT_LT(row, found[key].size()) << line;
    const double value = found[key][row], expected = *parse_double(cells[5]);
    const auto tolerance = parse_double(cells[6]);
    // Without a tolerance the value is exact as printed.
    if (tolerance) {
      EXPECT_NEAR(three_digits(value), expected, *tolerance + 1e-12) << line;
    } else {
      EXPECT_NEAR(three_digits(value), expected, 1e-9 * std::abs(expected)) << line << " got " << value;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 482);
}

TEST(Radiomics, measures_the_mesh_of_a_box_in_closed_form) {
  gantry::Run run;
  const Json result = RadiomicsExtraction{.dimensions = radiomics::Dimensions::volume}(phantom("noise"), phantom("box"), run).features;
  // Marching cubes cut the edges of the box at half a voxel: prisms of 1/8 along the edges, 5/48 at each corner.
  const double a = 31, b = 23, c = 15, volume = 32.0 * 24 * 16 - 0.5 * (a + b + c) - 8 * 5.0 / 48;
  const double area = 2 * (a * b + b * c + c * a) + 4 * (a + b + c) * std::sqrt(0.5) + 8 * std::sqrt(3.0) / 8;
  EXPECT_NEAR(value_of(result, "RNU0"), volume, 1e-8);
  EXPECT_NEAR(value_of(result, "C0JK"), area, 1e-8);
  EXPECT_NEAR(value_of(result, "YEKZ"), 32 * 24 * 16, 1e-9);
  // A convex body is its own hull.
  EXPECT_NEAR(value_of(result, "R3ER"), 1, 1e-12);
  EXPECT_NEAR(value_of(result, "7T7F"), 1, 1e-12);
  EXPECT_NEAR(value_of(result, "ZH1A"), volume / (32 * 24 * 16), 1e-9);
  EXPECT_NEAR(value_of(result, "L0JK"), std::sqrt(32.0 * 32 + 23 * 23 + 15 * 15), 1e-9);
  // The mean square of 32 places a millimetre apart is (32^2 - 1) / 12; IBSI's values divide by one voxel less.
  EXPECT_NEAR(value_of(result, "TDIC"), 4 * std::sqrt((32.0 * 32 - 1) / 12 * 12288 / 12287), 1e-9);
  EXPECT_NEAR(value_of(result, "N17B"), std::sqrt((16.0 * 16 - 1) / (32.0 * 32 - 1)), 1e-9);
}

TEST(Radiomics, finds_a_sphere_round) {
  gantry::Run run;
  const Json result = RadiomicsExtraction{}(phantom("noise"), phantom("sphere"), run).features;
  EXPECT_NEAR(value_of(result, "RNU0"), 4.0 / 3 * 3.14159265 * 8000, 60);
  EXPECT_NEAR(value_of(result, "Q3CK"), 1, 1e-6);
  EXPECT_GT(value_of(result, "QCFX"), 0.91);  // the steps of voxels add area to every mesh of a mask
  EXPECT_NEAR(value_of(result, "L0JK"), 40, 1);
  // The semi-axes of the approximate ellipsoid are 2 r / sqrt(5); the smallest one is the sphere, up to half a voxel on each side.
  EXPECT_NEAR(value_of(result, "6BDE"), std::pow(std::sqrt(5.0) / 2, 3), 0.005);
  EXPECT_NEAR(value_of(result, "SWZ1"), std::pow(40.0 / 41, 3), 0.01);
  // Noise is not correlated in space, and has the moments of a normal distribution.
  EXPECT_NEAR(value_of(result, "N365"), 0, 2e-3);
  EXPECT_NEAR(value_of(result, "NPT7"), 1, 2e-3);
  EXPECT_NEAR(value_of(result, "Q4LE"), 0, 0.02);
  EXPECT_NEAR(value_of(result, "ECT3"), 1, 0.03);
  EXPECT_NEAR(value_of(result, "IPH6"), 0, 0.1);
}

TEST(Radiomics, counts_the_textures_of_a_row_by_hand) {
  gantry::Run run;
  const Image image = row_of({1, 2, 1, 2});
  const Json result = RadiomicsExtraction{.bin_width = 1}(image, ones_like(image), run).features;
  // Three pairs of unequal neighbours: the matrix is 0, 1/2; 1/2, 0.
  EXPECT_EQ(value_of(result, "GYBY", "3D, merged"), 0.5);
  EXPECT_EQ(value_of(result, "ACUI", "3D, merged"), 1);
  EXPECT_EQ(value_of(result, "TU9B", "2D, averaged"), 1);
  EXPECT_EQ(value_of(result, "NI2N", "3D, averaged"), -1);
  EXPECT_EQ(value_of(result, "IB1Z", "2.5D, merged"), 0.5);
  // Four runs of one voxel along each of 13 directions.
  EXPECT_EQ(value_of(result, "22OV", "3D, merged"), 1);
  EXPECT_EQ(value_of(result, "9ZK5", "3D, merged"), 1);
  EXPECT_EQ(value_of(result, "P30P", "3D"), 1);
  EXPECT_EQ(value_of(result, "0GBI", "3D"), 1);
  EXPECT_EQ(value_of(result, "IMOQ", "3D"), 1);  // nobody has a neighbour of its own level
  // Every voxel differs from the mean of its neighbours by 1: s = 2 for both levels, p = 1/2.
  EXPECT_EQ(value_of(result, "QCDE", "3D"), 0.5);
  EXPECT_EQ(value_of(result, "1X9X", "2D"), 0.5);

  const Image steps = row_of({1, 1, 1, 5, 5});
  const Json blocks =
      RadiomicsExtraction{.bin_width = 1, .dimensions = radiomics::Dimensions::slices}(steps, ones_like(steps), run).features;
  EXPECT_NEAR(value_of(blocks, "48P8", "2D"), (9 + 4) / 2.0, 1e-12);
  EXPECT_NEAR(value_of(blocks, "5GN9", "2.5D"), (1 + 25) / 2.0, 1e-12);
  EXPECT_NEAR(value_of(blocks, "ACUI", "2D, averaged"), 16 / 4.0, 1e-12);
}

TEST(Radiomics, weighs_every_pair_in_a_large_region_as_in_a_small_one) {
  gantry::Run run;
  auto image = Voxels<float>::uninitialized(Grid({13, 12, 11}, {0.7, 0.9, 2.5}));
  const Random random(3);
  for (std::int64_t n = 0; n < image.count(); ++n) {
    image[n] = static_cast<float>(50 * std::sin(0.02 * static_cast<double>(n)) + 20 * random.normal(static_cast<std::uint64_t>(n)));
  }
  const auto at = [](std::int64_t n) {
    return Vec3{0.7 * static_cast<double>(n % 13), 0.9 * static_cast<double>(n / 13 % 12), 2.5 * static_cast<double>(n / 156)};
  };
  double mean = 0, weights = 0, products = 0, differences = 0, squares = 0;
  const auto count = static_cast<double>(image.count());
  for (const float v : image.values()) mean += v / count;
  for (const float v : image.values()) squares += (v - mean) * (v - mean);
  for (std::int64_t a = 0; a < image.count(); ++a) {
    for (std::int64_t b = 0; b < image.count(); ++b) {
      if (a == b) continue;
      const double w = 1 / norm(at(a) - at(b));
      weights += w;
      products += w * (image[a] - mean) * (image[b] - mean);
      differences += w * std::pow(static_cast<double>(image[a]) - image[b], 2);
    }
  }
  const Image whole(std::move(image));
  const Json result = RadiomicsExtraction{.dimensions = radiomics::Dimensions::volume}(whole, ones_like(whole), run).features;
  EXPECT_NEAR(value_of(result, "N365"), count * products / (weights * squares), 1e-6);
  EXPECT_NEAR(value_of(result, "NPT7"), (count - 1) * differences / (2 * weights * squares), 1e-6);
}

TEST(Radiomics, takes_out_of_the_region_what_is_out_of_range) {
  gantry::Run run;
  const Image ramp = phantom("ramp");  // -31.5 to 31.5
  const Json result =
      RadiomicsExtraction{.lowest = -10, .highest = 10, .bins = 20, .dimensions = radiomics::Dimensions::volume}(ramp, ones_like(ramp), run)
          .features;
  EXPECT_EQ(value_of(result, "1GSF"), -9.5);
  EXPECT_EQ(value_of(result, "84IY"), 9.5);
  EXPECT_EQ(value_of(result, "3NCY"), 20);
  EXPECT_NEAR(value_of(result, "TLU2"), std::log2(20.0), 1e-12);
  EXPECT_EQ(result["region"]["voxels"], 20 * 64 * 64);
  EXPECT_EQ(result["region"]["voxels_of_mask"], 64 * 64 * 64);
  EXPECT_NEAR(value_of(result, "YEKZ"), 64 * 64 * 64, 1e-6);  // shape is that of the mask
}

TEST(Radiomics, computes_on_new_voxels) {
  gantry::Run run;
  const auto result = RadiomicsExtraction{.spacing = Vec3{2, 2, 2}, .bin_width = 4}(phantom("ramp"), phantom("sphere"), run);
  EXPECT_EQ(result.features["region"]["spacing_mm"], Json({2.0, 2.0, 2.0}));
  EXPECT_NEAR(value_of(result.features, "YEKZ"), 33510, 350);
  EXPECT_NEAR(value_of(result.features, "Q4LE"), 0, 1e-6);  // both grids share their centre
  EXPECT_EQ(result.levels.grid().spacing_mm(), (Vec3{2, 2, 2}));
  const Json planes = RadiomicsExtraction{.spacing = Vec3{2, 2, 0}}(phantom("ramp"), phantom("sphere"), run).features;
  EXPECT_EQ(planes["region"]["spacing_mm"], Json({2.0, 2.0, 1.0}));
}

TEST(Radiomics, gives_the_same_bits_for_any_number_of_threads) {
  gantry::Run one(RunOptions{.threads = 1}), three(RunOptions{.threads = 3});
  EXPECT_EQ(RadiomicsExtraction{}(phantom("noise"), phantom("sphere"), one).features,
            RadiomicsExtraction{}(phantom("noise"), phantom("sphere"), three).features);
}

TEST(Radiomics, leaves_undefined_what_one_voxel_does_not_define) {
  gantry::Run run;
  const Json result = RadiomicsExtraction{}(phantom("noise"), phantom("impulse"), run).features;
  EXPECT_NEAR(value_of(result, "RNU0"), 1.0 / 6, 1e-12);  // an octahedron
  EXPECT_EQ(value_of(result, "TLU2"), 0);
  EXPECT_EQ(value_of(result, "ECT3"), 0);
  for (const char* tag : {"Q3CK", "N365", "NPT7"}) EXPECT_TRUE(std::isnan(value_of(result, tag))) << tag;
  EXPECT_TRUE(std::isnan(value_of(result, "GYBY", "3D, merged")));
  EXPECT_EQ(value_of(result, "22OV", "3D, merged"), 1);
}

TEST(Radiomics, takes_an_even_region_for_one_level) {
  gantry::Run run;
  const Json result = RadiomicsExtraction{}(phantom("constant"), phantom("sphere"), run).features;
  EXPECT_EQ(value_of(result, "KE2A"), 0);
  EXPECT_EQ(value_of(result, "BJ5W"), 1);
  EXPECT_EQ(value_of(result, "NI2N", "3D, merged"), 1);
  EXPECT_EQ(value_of(result, "QCDE", "3D"), 1e6);
  EXPECT_EQ(value_of(result, "VJGA"), 100);
}

TEST(Radiomics, refuses_what_it_cannot_measure) {
  gantry::Run run;
  const Image sphere = phantom("sphere"), noise = phantom("noise");
  const auto message = [&](const RadiomicsExtraction& operation, const Image& image, const Image& mask) {
    return error_of([&] { operation(image, mask, run); }).message();
  };
  EXPECT_EQ(message({}, noise, Image(Voxels<float>(noise.grid(), 0.0F))), "mask: must mark at least one voxel; it marks none");
  EXPECT_EQ(message({.label = 3}, noise, sphere), "label: must be a value of the mask; no voxel is 3");
  EXPECT_EQ(message({}, noise, row_of({1, 1})), "mask: must lie on the grid of the image; resample it first");
  auto broken = noise.as<float>().clone();
  broken(32, 32, 32) = NAN;
  EXPECT_EQ(message({}, Image(std::move(broken)), sphere), "image: must hold finite values inside the mask; 1 voxels do not");
  EXPECT_EQ(message({.lowest = 50}, noise, sphere), "lowest, highest: must leave at least one voxel of the mask; none is left");
  EXPECT_EQ(message({.bin_width = 1e-4}, noise, sphere).substr(0, 46), "bin_width: must make at most 1024 grey levels;");
  EXPECT_EQ(message({.bin_width = 1, .bins = 8}, noise, sphere), "bins: cannot be given together with bin_width");
  EXPECT_EQ(message({.lowest = 5, .highest = 1}, noise, sphere), "highest: must be at least lowest (5); got 1");
  EXPECT_EQ(error_of([&] { RadiomicsExtraction{.outliers = NAN}(noise, sphere, run); }).code(), ErrorCode::parameter);
  EXPECT_EQ(message({}, Image(Voxels<float>(noise.grid(), 1.0F, 3)), sphere).empty(), false);
  // What is not finite outside the mask does not matter.
  auto outside = noise.as<float>().clone();
  outside(0, 0, 0) = INFINITY;
  EXPECT_NO_THROW(RadiomicsExtraction{}(Image(std::move(outside)), sphere, run));
}

TEST(Radiomics, marks_a_region_by_its_label) {
  gantry::Run run;
  const Image labels = phantom("two_spheres");
  const Json first = RadiomicsExtraction{.label = 1}(phantom("noise"), labels, run).features;
  const Json second = RadiomicsExtraction{.label = 2}(phantom("noise"), labels, run).features;
  EXPECT_NEAR(value_of(first, "RNU0"), 7238, 80);
  EXPECT_NEAR(value_of(second, "RNU0"), 2145, 40);
}

}  // namespace
}  // namespace gantry::extract_test
