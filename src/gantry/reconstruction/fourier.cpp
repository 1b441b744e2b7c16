// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/fourier.h"

#include <array>
#include <cmath>
#include <complex>

#include "gantry/compute/fft.h"
#include "gantry/compute/parallel.h"

namespace gantry {

namespace {

using Samples = std::vector<std::complex<float>>;
constexpr std::int64_t longest_side = 16384;

/// How one axis goes from samples to pixels: `samples` frequencies, put into `length` (more: zeros around; fewer: the outer ones dropped),
/// transformed, and `pixels` kept around the middle.
struct AxisPlan {
  std::int64_t samples = 1, length = 1, pixels = 1;
};

AxisPlan plan_of(std::int64_t samples, std::int64_t wanted, double share, int enlarge, std::string_view axis) {
  if (!(share > 0 && share <= 1))
    throw Error(ErrorCode::parameter,
                fmt::format("kspace: the image must be a part of the encoded field of view; got {} of it along {}", share, axis));
  AxisPlan plan{.samples = samples};
  plan.pixels = enlarge * (wanted > 0 ? wanted : std::max<std::int64_t>(1, std::llround(static_cast<double>(samples) * share)));
  const double length = std::round(static_cast<double>(plan.pixels) / share);
  if (!(length <= longest_side))
    throw Error(ErrorCode::not_possible, fmt::format("kspace: a transform has at most {} points; {} need {}", longest_side, axis, length));
  plan.length = std::max(static_cast<std::int64_t>(length), plan.pixels);
  return plan;
}

/// Samples of some coils: the coil runs fastest, then readout, first phase encoding, and slice or second phase encoding; from one place to
/// the next it is `pitch` values.
struct Block {
  const std::complex<float>* samples = nullptr;
  std::int64_t coils = 1, pitch = 1;
  Size3 size{};
};

/// Transforms the lines of a block along `axis` into `out`, where the pitch is the number of coils. Throws Error(parameter) for samples
/// that are not finite.
void transform(const Block& in, int axis, const AxisPlan& plan, const Fft& fft, Samples& out, const Run& run) {
  std::int64_t places = 1, outer = 1;  // places before the axis, and behind it
  for (int a = 0; a < 3; ++a) (a < axis ? places : outer) *= a == axis ? 1 : in.size[static_cast<std::size_t>(a)];
  const std::int64_t side_by_side = in.coils * places, count = side_by_side * outer;
  out.resize(static_cast<std::size_t>(count * plan.pixels));
  // The inverse divides by `length`; the unitary transform of the samples by the root of their number.
  const float scale = static_cast<float>(plan.length) / std::sqrt(static_cast<float>(plan.samples));
  const std::int64_t from = std::max<std::int64_t>(0, plan.samples / 2 - plan.length / 2),
                     to = std::min(plan.samples, plan.samples / 2 + (plan.length + 1) / 2);
  constexpr std::int64_t lanes = Fft::lanes;
  parallel_for(run, (count + lanes - 1) / lanes, 16, [&](std::int64_t begin, std::int64_t end) {
    Fft::Lines lines(fft);
    for (std::int64_t block = begin; block < end; ++block) {
      std::array<const std::complex<float>*, lanes> sources{};
      std::array<std::complex<float>*, lanes> targets{};
      const std::int64_t first = lanes * block, taken = std::min(lanes, count - first);
      for (std::int64_t l = 0; l < taken; ++l) {
        const std::int64_t o = (first + l) / side_by_side, i = (first + l) % side_by_side;
        sources[static_cast<std::size_t>(l)] = in.samples + (o * plan.samples * places + i / in.coils) * in.pitch + i % in.coils;
        targets[static_cast<std::size_t>(l)] = out.data() + o * plan.pixels * side_by_side + i;
      }
      lines.clear();
      std::array<float, lanes> zeros{};
      for (std::int64_t n = from; n < to; ++n) {
        const std::int64_t frequency = n - plan.samples / 2, place = frequency < 0 ? frequency + plan.length : frequency;
        float *re = lines.re() + lanes * place, *im = lines.im() + lanes * place;
        for (std::int64_t l = 0; l < taken; ++l) {
          const std::complex<float> value = sources[static_cast<std::size_t>(l)][n * places * in.pitch];
          re[l] = scale * value.real();
          im[l] = scale * value.imag();
        }
        for (std::size_t l = 0; l < lanes; ++l) zeros[l] += 0 * re[l] + 0 * im[l];
      }
      for (const float zero : zeros) {
        if (zero != 0) throw Error(ErrorCode::parameter, "kspace: samples must be finite");
      }
      fft.inverse(lines);
      for (std::int64_t n = 0; n < plan.pixels; ++n) {
        const std::int64_t x = n - plan.pixels / 2, place = x < 0 ? x + plan.length : x;
        const float *re = lines.re() + lanes * place, *im = lines.im() + lanes * place;
        for (std::int64_t l = 0; l < taken; ++l) targets[static_cast<std::size_t>(l)][n * side_by_side] = {re[l], im[l]};
      }
    }
  });
}

/// The image's grid: pixel size / 2 of a Fourier axis stays where it is in the world.
Grid image_grid(const Grid& encoded, const std::array<AxisPlan, 3>& plans) {
  const Vec3 spacing = encoded.spacing_mm();
  Vec3 fine = spacing, shift;
  Size3 size{};
  for (int a = 0; a < 3; ++a) {
    const AxisPlan& plan = plans[static_cast<std::size_t>(a)];
    fine[a] = spacing[a] * static_cast<double>(plan.samples) / static_cast<double>(plan.length);
    shift[a] = spacing[a] * static_cast<double>(plan.samples / 2) - fine[a] * static_cast<double>(plan.pixels / 2);
    size[static_cast<std::size_t>(a)] = plan.pixels;
  }
  return Grid(size, fine, encoded.origin_mm() + encoded.direction() * shift, encoded.direction());
}

std::array<AxisPlan, 3> plans_of(const FourierReconstruction& operation, const KSpace& kspace) {
  const Grid& grid = kspace.samples.grid();
  const bool own = operation.oversampling.has_value();
  const double share = own ? 1 / *operation.oversampling : kspace.image_share.x;
  std::array<AxisPlan, 3> plans{plan_of(grid.size(0), own ? 0 : kspace.image_size[0], share, operation.enlarge, "the readout"),
                                plan_of(grid.size(1), kspace.image_size[1], kspace.image_share.y, operation.enlarge, "the phase encoding"),
                                {grid.size(2), grid.size(2), grid.size(2)}};
  if (kspace.volume)
    plans[2] = plan_of(grid.size(2), kspace.image_size[2], kspace.image_share.z, operation.enlarge, "the second phase encoding");
  return plans;
}

}  // namespace

void FourierReconstruction::describe(Description<FourierReconstruction>& d) {
  d.summary("Reconstructs images from the raw data of a Cartesian MR scan: Fourier transform, root of the sum of squares of the coils.");
  d.input("kspace", "Raw data: ISMRMRD (.h5), or a MATLAB file of version 5 with one complex array (phase encoding, readout, coil, image)");
  d.parameter("oversampling", &FourierReconstruction::oversampling,
              "Readout samples for each pixel that is wanted; default: what the data state, else 1")
      .range(1, 16);
  d.parameter("enlarge", &FourierReconstruction::enlarge,
              "Pixels for each that was measured, along each transformed axis, by zeros around the samples")
      .range(1, 8);
  d.output("image", "Magnitude; frames are contrasts, phases, repetitions and sets");
  d.example("gantry reconstruction mr scan.h5 image.nii");
  d.reference("Roemer PB, Edelstein WA, Hayes CE, Souza SP, Mueller OM. The NMR phased array. Magn Reson Med 1990;16:192-225.");
  d.reference(
      "Inati SJ, Naegele JD, Zwart NR, et al. ISMRM Raw data format: a proposed standard for MRI raw datasets. Magn Reson Med "
      "2017;77:411-421.");
}

Image FourierReconstruction::operator()(const KSpace& kspace, Run& run) const {
  check_parameters(*this);
  const Image& given = kspace.samples;
  if (given.empty()) throw Error(ErrorCode::not_possible, "kspace: must hold samples; it is empty");
  const std::array<AxisPlan, 3> plans = plans_of(*this, kspace);
  const std::int64_t coils = given.components(), frames = given.frames(), voxels = given.grid().voxel_count();
  const std::int64_t slices = given.grid().size(2), plane = given.grid().size(0) * given.grid().size(1);
  auto result = Voxels<float>::uninitialized(image_grid(given.grid(), plans), 1, frames);
  const std::int64_t pixels = result.grid().size(0) * result.grid().size(1);
  std::ranges::fill(result.values(), 0.0F);
  const auto values = given.as<std::complex<float>>();
  const std::array<Fft, 3> ffts{Fft(plans[0].length), Fft(plans[1].length), Fft(plans[2].length)};
  // So much is transformed at once that it stays in the caches; of a volume all slices must be there.
  constexpr std::int64_t together = 1 << 20;
  const std::int64_t thick = kspace.volume ? slices : std::clamp<std::int64_t>(together / (plane * coils), 1, slices);
  const std::int64_t most_coils = std::clamp<std::int64_t>(together / (plane * thick), 1, coils);
  Samples samples, other;
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    for (std::int64_t slice = 0; slice < slices; slice += thick) {
      const std::int64_t depth = std::min(thick, slices - slice);
      float* image = result.data() + (frame * result.grid().size(2) + slice) * pixels;
      std::int64_t image_pixels = 0;
      for (std::int64_t coil = 0; coil < coils; coil += most_coils) {
        run.progress((static_cast<double>(frame * slices + slice) + static_cast<double>(coil * depth) / static_cast<double>(coils)) /
                     static_cast<double>(frames * slices));
        const std::int64_t taken = std::min(most_coils, coils - coil);
        Block block{values.data() + (voxels * frame + plane * slice) * coils + coil, taken, coils, given.grid().size()};
        block.size[2] = depth;
        for (int axis = 0; axis < (kspace.volume ? 3 : 2); ++axis) {
          const auto a = static_cast<std::size_t>(axis);
          transform(block, axis, plans[a], ffts[a], other, run);
          samples.swap(other);
          block = {samples.data(), taken, taken, block.size};
          block.size[a] = plans[a].pixels;
        }
        image_pixels = block.size[0] * block.size[1] * block.size[2];
        parallel_for(run, image_pixels, 16384, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t n = begin; n < end; ++n) {
            float sum = image[n];
            for (std::int64_t c = 0; c < taken; ++c) {
              const std::complex<float> value = samples[static_cast<std::size_t>(taken * n + c)];
              sum += value.real() * value.real() + value.imag() * value.imag();
            }
            image[n] = sum;
          }
        });
      }
      for (std::int64_t n = 0; n < image_pixels; ++n) image[n] = std::sqrt(image[n]);
    }
  }
  run.progress(1);
  return result;
}

Cost FourierReconstruction::cost(const KSpace& kspace) const {
  const auto count = static_cast<double>(kspace.samples.count()) * enlarge * enlarge * (kspace.volume ? enlarge : 1);
  const double coil = count / static_cast<double>(kspace.samples.components() * kspace.samples.frames());
  return {.bytes = static_cast<std::uint64_t>(16 * std::max(coil, 1048576.0) + 4 * coil * static_cast<double>(kspace.samples.frames())),
          .seconds = count * 1e-8};
}

}  // namespace gantry
