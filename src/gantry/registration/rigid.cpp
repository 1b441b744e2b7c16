// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/rigid.h"

#include "gantry/registration/linear_search.h"
#include "gantry/registration/warp.h"

namespace gantry {

void RigidRegistration::describe(Description<RigidRegistration>& d) {
  d.summary("Brings a moving volume into place by a rotation and a shift: highest mutual information, of the same or another modality.");
  d.input("fixed", "Volume that stays; the result lies on its grid");
  d.input("moving", "Volume that is brought into place");
  d.input("fixed_mask", "Where the fixed volume counts (labels other than 0), on its grid");
  d.input("moving_mask", "Where the moving volume counts, on its grid");
  d.input("initial", "Where to begin: a linear transform that maps points of the fixed to the moving volume");
  d.parameter("finest", &RigidRegistration::finest, "Voxel size of the last level; never finer than the images").unit("mm").range(0.1, 16);
  d.parameter("samples", &RigidRegistration::samples, "Points of the fixed volume that are compared at the last level")
      .range(1000, 10000000);
  d.parameter("far", &RigidRegistration::far, "First tries shifts over half the fixed volume; not used with an initial transform");
  d.parameter("interpolation", &RigidRegistration::interpolation, "How values of the result come about");
  d.parameter("outside", &RigidRegistration::outside, "Value where the moving volume does not reach; none for its smallest value");
  d.output("registered", &Result::registered, "The moving volume on the grid of the fixed one");
  d.output("transform", &Result::transform, "Maps points of the fixed to the moving volume, LPS mm: .json or .tfm");
  d.output("report", &Result::report, "Rotation, shift, mutual information at the start and at the end, overlap");
  d.example("gantry registration rigid ct.nii.gz mr.nii.gz mr-on-ct.nii.gz --transform moving-from-fixed.json");
  d.reference(
      "Mattes D, Haynor DR, Vesselle H, Lewellen TK, Eubank W. PET-CT image registration in the chest using free-form deformations. IEEE "
      "Trans Med Imaging 2003; 22:120-128.");
  d.reference(
      "Studholme C, Hill DLG, Hawkes DJ. An overlap invariant entropy measure of 3D medical image alignment. Pattern Recognition 1999; "
      "32:71-86.");
  d.reference("Nocedal J, Wright SJ. Numerical Optimization. 2nd edition, Springer 2006.");
}

RigidRegistration::Result RigidRegistration::operator()(const Image& fixed, const Image& moving, const Labels* fixed_mask,
                                                        const Labels* moving_mask, const Transform* initial, Run& run) const {
  check_parameters(*this);
  if (initial != nullptr && !initial->is_linear()) throw Error(ErrorCode::not_possible, "initial transform: must be linear");
  const Prepared here = prepare(fixed, fixed_mask, "fixed image", run), there = prepare(moving, moving_mask, "moving image", run);
  LinearSearchOptions options{.finest_mm = finest, .samples = samples, .far = far && initial == nullptr};
  if (initial != nullptr) options.start = *initial;
  Run part = run.part(0, 0.95);
  const LinearSearchResult found = search_linear(here, there, options, part);
  const Mat3& turn = found.moving_from_fixed.linear();
  const Vec3 shift = found.moving_from_fixed(here.centre_mm) - here.centre_mm;
  Result result;
  result.transform = found.moving_from_fixed;
  result.report = {{"rotation_degrees", angle_degrees(turn)},
                   {"shift_mm", {shift.x, shift.y, shift.z}},
                   {"mutual_information", found.information},
                   {"first_mutual_information", found.first_information},
                   {"overlap", found.overlap},
                   {"evaluations", found.evaluations}};
  result.registered = warp(moving, result.transform, fixed.grid(), interpolation, outside.value_or(smallest_value(moving)), run);
  return result;
}

Cost RigidRegistration::cost(const Image& fixed, const Image& moving, const Labels*, const Labels*, const Transform*) const {
  const auto voxels = static_cast<double>(fixed.grid().voxel_count() + moving.grid().voxel_count());
  return {.bytes = static_cast<std::uint64_t>(voxels * 20 + static_cast<double>(samples) * 40), .seconds = voxels * 5e-8 + samples * 1e-5};
}

}  // namespace gantry
