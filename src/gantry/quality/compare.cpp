// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/quality/compare.h"

#include "gantry/compute/parallel.h"
#include "gantry/operation/frames.h"

namespace gantry {

namespace {

VoxelView<float> values_of(const Image& image, std::string_view subject) {
  require_single_component(image);
  if (image.frames() != 1) throw Error(ErrorCode::not_possible, fmt::format("{}: must have one frame; has {}", subject, image.frames()));
  return image.as<float>();
}

/// Sums over both images; those of squares about the first voxel of the reference, so that an offset costs no digits.
struct Sums {
  double squares = 0, absolute = 0, largest = 0, difference = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  double low = INFINITY, high = -INFINITY;
  bool finite = true;
};

Sums sums_of(const VoxelView<float>& reference, const VoxelView<float>& image, const Run& run) {
  const double origin = std::isfinite(reference[0]) ? reference[0] : 0;
  return parallel_reduce(
      run, reference.count(), 1 << 16, Sums{},
      [&](std::int64_t begin, std::int64_t end) {
        Sums s;
        for (std::int64_t n = begin; n < end; ++n) {
          const double x = reference[n], y = image[n], d = y - x;
          s.finite = s.finite && std::isfinite(x) && std::isfinite(y);
          s.squares += d * d;
          s.absolute += std::abs(d);
          s.largest = std::max(s.largest, std::abs(d));
          s.difference += d;
          s.low = std::min(s.low, x);
          s.high = std::max(s.high, x);
          const double u = x - origin, v = y - origin;
          s.x += u;
          s.y += v;
          s.xx += u * u;
          s.yy += v * v;
          s.xy += u * v;
        }
        return s;
      },
      [](Sums& total, const Sums& s) {
        total.squares += s.squares;
        total.absolute += s.absolute;
        total.largest = std::max(total.largest, s.largest);
        total.difference += s.difference;
        total.x += s.x;
        total.y += s.y;
        total.xx += s.xx;
        total.yy += s.yy;
        total.xy += s.xy;
        total.low = std::min(total.low, s.low);
        total.high = std::max(total.high, s.high);
        total.finite = total.finite && s.finite;
      });
}

}  // namespace

void CompareImages::describe(Description<CompareImages>& d) {
  d.summary("Measures how far an image is from a reference: errors, PSNR, structural similarity and correlation.");
  d.input("reference", "The image that is right");
  d.input("image", "The image to judge, on the same grid");
  d.parameter("range", &CompareImages::range,
              "Range of the values, for PSNR and SSIM; none for highest minus lowest value of the reference")
      .range(1e-12, 1e12);
  d.parameter("window", &CompareImages::window, "Window of SSIM: uniform, 7 voxels a side, or Gaussian, sigma 1.5 voxels on 11 a side");
  d.parameter("slices", &CompareImages::slices, "SSIM with windows within slices instead of within the volume");
  d.parameter("sample_covariance", &CompareImages::sample_covariance, "SSIM with variances over n - 1 instead of n");
  d.output("result", &Result::result, "Errors, PSNR, SSIM, correlation");
  d.output("map", &Result::map, "Structural similarity at each voxel");
  d.example("gantry quality compare truth.nii.gz denoised.nii.gz quality.json --range 4095");
  d.reference(
      "Wang Z, Bovik AC, Sheikh HR, Simoncelli EP. Image quality assessment: from error visibility to structural similarity. IEEE "
      "Transactions on Image Processing 2004; 13:600-612.");
}

CompareImages::Result CompareImages::operator()(const Image& reference, const Image& image, Run& run) const {
  check_parameters(*this);
  const VoxelView<float> x = values_of(reference, "reference"), y = values_of(image, "image");
  if (!reference.grid().same_space(image.grid(), 1e-2))
    throw Error(ErrorCode::not_possible, "image: must lie on the grid of the reference; resample it first");
  const Sums s = sums_of(x, y, run);
  if (!s.finite) throw Error(ErrorCode::not_possible, "images: must hold finite values alone");
  const double span = range.value_or(s.high - s.low);
  if (!(span > 0)) throw Error(ErrorCode::not_possible, "range: the reference is constant; state the range of its values");
  run.progress(0.1, "structural similarity");
  Similarity similarity =
      structural_similarity(x, y, {.range = span, .window = window, .slices = slices, .sample_covariance = sample_covariance}, run);
  const auto count = static_cast<double>(x.count());
  const double mse = s.squares / count, vx = s.xx - s.x * s.x / count, vy = s.yy - s.y * s.y / count;
  // What rounding leaves of a constant image is no variance.
  const bool varies = vx > 1e-12 * s.xx && vy > 1e-12 * s.yy && vx > 0 && vy > 0;
  Result result;
  result.result = {{"mse", mse},
                   {"rmse", std::sqrt(mse)},
                   {"mae", s.absolute / count},
                   {"maximum_error", s.largest},
                   {"bias", s.difference / count},
                   {"nrmse", std::sqrt(mse) / span},
                   {"psnr_db", mse > 0 ? Json(10 * std::log10(span * span / mse)) : Json()},
                   {"ssim", similarity.mean},
                   {"correlation", varies ? Json((s.xy - s.x * s.y / count) / std::sqrt(vx * vy)) : Json()},
                   {"range", span},
                   {"voxels", x.count()}};
  result.map = std::move(similarity.map);
  return result;
}

Cost CompareImages::cost(const Image& reference, const Image&) const {
  return {.bytes = static_cast<std::uint64_t>(reference.count()) * 12, .seconds = static_cast<double>(reference.count()) * 5e-8};
}

}  // namespace gantry
