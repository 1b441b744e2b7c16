// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/apply.h"

#include <gtest/gtest.h>

#include "gantry/image/phantom/phantom.h"
#include "gantry/registration/warp.h"

namespace gantry::apply_test {
namespace {

TEST(ApplyTransform, moves_labels_and_keeps_their_type) {
  gantry::Run run;
  const Image ball = phantom("sphere");
  const Image labels(ball.as<std::uint8_t>().clone());
  const Image moved = ApplyTransform{.interpolation = Interpolation::nearest}(labels, Transform(Mat3{}, Vec3{5, -3, 2}), ball, run);
  ASSERT_EQ(moved.type(), PixelType::u8);
  const auto a = labels.as<std::uint8_t>(), b = moved.as<std::uint8_t>();
  for (std::int64_t k = 10; k < 50; ++k) {
    for (std::int64_t j = 10; j < 50; ++j) {
      for (std::int64_t i = 10; i < 50; ++i) ASSERT_EQ(b(i, j, k), a(i + 5, j - 3, k + 2));
    }
  }
}

TEST(ApplyTransform, samples_a_ramp_where_a_field_says) {
  gantry::Run run;
  const Image ramp = phantom("ramp");
  Voxels<float> field(ramp.grid(), 0.0F, 3);
  for (std::int64_t n = 0; n < ramp.grid().voxel_count(); ++n) field[3 * n] = 2.25F;
  const Transform shift{Image(std::move(field))};
  for (const Interpolation how : {Interpolation::linear, Interpolation::cubic}) {
    const auto moved = ApplyTransform{.interpolation = how, .outside = -7}(ramp, shift, ramp, run).as<float>();
    EXPECT_NEAR(moved(30, 30, 30), ramp.as<float>()(30, 30, 30) + 2.25, 1e-3);
    EXPECT_EQ(moved(63, 30, 30), -7);
  }
}

TEST(ApplyToPoints, takes_points_there_and_back) {
  gantry::Run run;
  const PointSet corners = phantom_points("corners");
  for (const char* name : {"turn", "bend"}) {
    const Transform transform = phantom_transform(name);
    const PointSet there = ApplyToPoints{}(corners, transform, run), back = ApplyToPoints{.inverse = true}(there, transform, run);
    ASSERT_EQ(there.names, corners.names);
    for (std::size_t n = 0; n < 8; ++n) EXPECT_LE(norm(back.positions_mm[n] - corners.positions_mm[n]), 1e-3) << name;
  }
  const PointSet turned = ApplyToPoints{}(PointSet{{{100, 0, 10}}, {}}, phantom_transform("turn"), run);
  EXPECT_NEAR(turned.positions_mm[0].x, 100 * 0.9961947 + 3, 1e-4);
  EXPECT_NEAR(turned.positions_mm[0].y, 100 * 0.0871557 - 4, 1e-4);
  EXPECT_NEAR(turned.positions_mm[0].z, 12, 1e-9);
  const PointSet bent = ApplyToPoints{}(PointSet{{{0.5, 0.5, 0.5}}, {}}, phantom_transform("bend"), run);
  EXPECT_NEAR(bent.positions_mm[0].z, 4.5, 0.01);
}

TEST(ApplyToPoints, warns_of_points_beyond_the_field_and_refuses_singular_maps) {
  gantry::Run run;
  const PointSet far = ApplyToPoints{}(PointSet{{{900, 0, 0}, {0, 0, 0}}, {}}, phantom_transform("bend"), run);
  EXPECT_EQ(far.positions_mm[0], (Vec3{900, 0, 0}));
  ASSERT_EQ(run.warnings().size(), 1u);
  EXPECT_NE(run.warnings()[0].find("1 of 2 points lie outside"), std::string::npos);
  const Transform singular(Mat3{{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{}}}, Vec3{});
  EXPECT_THROW((ApplyToPoints{.inverse = true}(PointSet{{{25, 0, 0}}, {}}, singular, run)), Error);
}

TEST(TransformFiles, keep_linear_maps_and_fields) {
  gantry::Run run;
  const TemporaryFolder folder;
  const Transform turn = phantom_transform("turn"), bend = phantom_transform("bend");
  const Vec3 p{3.25, -7.5, 11};
  for (const char* name : {"a.json", "a.tfm"}) {
    PortType<Transform>::write(folder.path() / name, turn, run);
    EXPECT_LE(norm(PortType<Transform>::read(folder.path() / name, run)(p) - turn(p)), 1e-9) << name;
  }
  const Transform both(*bend.displacement_mm(), turn.linear(), turn.translation_mm());
  PortType<Transform>::write(folder.path() / "b.json", both, run);
  EXPECT_EQ(PortType<Transform>::read(folder.path() / "b.json", run)(p), both(p));
  for (const char* name : {"b.nii.gz", "b.nrrd", "b.mha"}) {
    PortType<Transform>::write(folder.path() / name, both, run);
    EXPECT_LE(norm(PortType<Transform>::read(folder.path() / name, run)(p) - both(p)), 2e-3) << name;
  }
  for (const Transform& one : {turn, both}) {
    const Bytes bytes = PortType<Transform>::to_bytes(one);
    EXPECT_EQ(PortType<Transform>::from_bytes(bytes)(p), one(p));
    EXPECT_THROW(PortType<Transform>::from_bytes(std::span(bytes).first(bytes.size() - 1)), Error);
  }
  EXPECT_THROW(PortType<Transform>::write(folder.path() / "c.tfm", both, run), Error);
  EXPECT_THROW(PortType<Transform>::write(folder.path() / "c.nii.gz", turn, run), Error);
}

TEST(TransformFiles, are_refused_when_damaged) {
  gantry::Run run;
  const TemporaryFolder folder;
  const auto refused = [&](const char* name, std::string_view text) {
    write_atomic(folder.path() / name, text);
    EXPECT_THROW(PortType<Transform>::read(folder.path() / name, run), Error) << text;
  };
  refused("a.json", "{}");
  refused("a.json", R"({"type":"affine_and_field","matrix":[[1,0,0],[0,1,0],[0,0,1]],"translation_mm":[0,0,0]})");
  const std::string_view head =
      R"({"type":"affine_and_field","matrix":[[1,0,0],[0,1,0],[0,0,1]],"translation_mm":[0,0,0],"field":{"size":[90000,90000,90],)"
      R"("spacing_mm":[1,1,1],"origin_mm":[0,0,0],"axes":[[1,0,0],[0,1,0],[0,0,1]],"displacement_mm":"AAAA"}})";
  refused("a.json", head);
  refused("a.tfm", "");
  refused("a.tfm", "Transform: AffineTransform_double_3_3\nParameters: 1 0 0\nFixedParameters: 0 0 0\n");
  refused("a.tfm", "Transform: AffineTransform_double_3_3\nParameters: 1 0 0 0 1 0 0 0 nan 0 0 0\nFixedParameters: 0 0 0\n");
  refused("a.tfm", "Transform: BSplineTransform_double_3_3\nParameters: 1\nFixedParameters: 0 0 0\n");
}

TEST(PointFiles, are_read_and_written_in_both_kinds) {
  gantry::Run run;
  const TemporaryFolder folder;
  const PointSet points{{{1.5, -2, 3e-3}, {100, 200, -1204.5}}, {"apex", "b, or not"}};
  PortType<PointSet>::write(folder.path() / "a.csv", points, run);
  const PointSet named = PortType<PointSet>::read(folder.path() / "a.csv", run);
  EXPECT_EQ(named.positions_mm, points.positions_mm);
  EXPECT_EQ(named.names, points.names);
  PortType<PointSet>::write(folder.path() / "a.txt", points, run);
  EXPECT_EQ(read_text(folder.path() / "a.txt"), "point\n2\n1.5 -2 0.003\n100 200 -1204.5\n");
  EXPECT_EQ(PortType<PointSet>::read(folder.path() / "a.txt", run).positions_mm, points.positions_mm);
  write_atomic(folder.path() / "b.csv", std::string_view("1,2,3\n4,5,6\n"));
  EXPECT_EQ(PortType<PointSet>::read(folder.path() / "b.csv", run).positions_mm.size(), 2u);
  write_atomic(folder.path() / "c.csv", std::string_view("id,X_mm,Y_mm,Z_mm\n7,4,5,6\n"));
  EXPECT_EQ(PortType<PointSet>::read(folder.path() / "c.csv", run).positions_mm[0], (Vec3{4, 5, 6}));
  write_atomic(folder.path() / "none.csv", std::string_view("x,y,z\n"));
  EXPECT_TRUE(
      ApplyToPoints{}(PortType<PointSet>::read(folder.path() / "none.csv", run), phantom_transform("turn"), run).positions_mm.empty());
}

TEST(PointFiles, are_refused_when_damaged) {
  gantry::Run run;
  const TemporaryFolder folder;
  const auto refused = [&](const char* name, std::string_view text) {
    write_atomic(folder.path() / name, text);
    EXPECT_THROW(PortType<PointSet>::read(folder.path() / name, run), Error) << text;
  };
  refused("a.txt", "");
  refused("a.txt", "index\n1\n1 2 3\n");
  refused("a.txt", "point\n2\n1 2 3\n");
  refused("a.txt", "point\n-1\n");
  refused("a.txt", "point\n9999999999999999999\n1 2 3\n");
  refused("a.txt", "point\n1\n1 2 nan\n");
  refused("a.txt", "point\n1\n1 2 1e30\n");
  refused("a.csv", "x,y\n1,2\n");
  refused("a.csv", "x,y,z\n1,2,three\n");
}

}  // namespace
}  // namespace gantry::apply_test
