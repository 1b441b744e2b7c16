// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/fourier.h"

#include <cmath>
#include <complex>

#include "gantry/compute/fft.h"
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"

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

/// Transforms the lines along `axis` of an array of `size`, which becomes that of the result.
Samples transformed(const Samples& in, Size3& size, int axis, const AxisPlan& plan, const Run& run) {
  const auto a = static_cast<std::size_t>(axis);
  const std::int64_t stride = axis == 0 ? 1 : axis == 1 ? size[0] : size[0] * size[1];
  const std::int64_t outer = size[0] * size[1] * size[2] / (stride * size[a]);
  Samples out(static_cast<std::size_t>(stride * plan.pixels * outer));
  const Fft fft(plan.length);
  // The inverse divides by `length`; the unitary transform of the samples by the root of their number.
  const float scale = static_cast<float>(plan.length) / std::sqrt(static_cast<float>(plan.samples));
  const std::int64_t from = std::max<std::int64_t>(0, plan.samples / 2 - plan.length / 2),
                     to = std::min(plan.samples, plan.samples / 2 + (plan.length + 1) / 2);
  // Lines side by side are taken together, so that the memory is walked along its rows.
  constexpr std::int64_t together = 8;
  const std::int64_t blocks = (stride + together - 1) / together;
  parallel_for(run, blocks * outer, axis == 0 ? 16 : 4, [&](std::int64_t begin, std::int64_t end) {
    Samples spectrum(static_cast<std::size_t>(plan.length * together)), line(static_cast<std::size_t>(plan.length));
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = block % blocks * together, lines = std::min(together, stride - first), o = block / blocks;
      std::fill(spectrum.begin(), spectrum.end(), std::complex<float>());
      const std::complex<float>* source = in.data() + first + stride * plan.samples * o;
      for (std::int64_t n = from; n < to; ++n) {
        const std::int64_t frequency = n - plan.samples / 2, place = frequency < 0 ? frequency + plan.length : frequency;
        for (std::int64_t l = 0; l < lines; ++l) spectrum[static_cast<std::size_t>(place + plan.length * l)] = source[stride * n + l];
      }
      std::complex<float>* target = out.data() + first + stride * plan.pixels * o;
      for (std::int64_t l = 0; l < lines; ++l) {
        fft.inverse(std::span(spectrum).subspan(static_cast<std::size_t>(plan.length * l), static_cast<std::size_t>(plan.length)), line);
        for (std::int64_t n = 0; n < plan.pixels; ++n) {
          const std::int64_t x = n - plan.pixels / 2;
          target[stride * n + l] = scale * line[static_cast<std::size_t>(x < 0 ? x + plan.length : x)];
        }
      }
    }
  });
  size[a] = plan.pixels;
  return out;
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
  auto result = Voxels<float>::uninitialized(image_grid(given.grid(), plans), 1, frames);
  const std::int64_t pixels = result.grid().voxel_count();
  const auto values = given.as<std::complex<float>>();
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    const std::span<float> image(result.data() + frame * pixels, static_cast<std::size_t>(pixels));
    std::fill(image.begin(), image.end(), 0.0F);
    for (std::int64_t coil = 0; coil < coils; ++coil) {
      run.progress(static_cast<double>(frame * coils + coil) / static_cast<double>(frames * coils));
      Samples samples(static_cast<std::size_t>(voxels));
      parallel_for(run, voxels, 65536, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t n = begin; n < end; ++n) {
          const std::complex<float> value = values[coil + coils * (n + voxels * frame)];
          if (!std::isfinite(value.real()) || !std::isfinite(value.imag()))
            throw Error(ErrorCode::parameter, "kspace: samples must be finite");
          samples[static_cast<std::size_t>(n)] = value;
        }
      });
      Size3 size = given.grid().size();
      for (int axis = 0; axis < (kspace.volume ? 3 : 2); ++axis)
        samples = transformed(samples, size, axis, plans[static_cast<std::size_t>(axis)], run);
      parallel_for(run, pixels, 65536, [&](std::int64_t begin, std::int64_t end) {
        const bool last = coil == coils - 1;
        for (std::int64_t n = begin; n < end; ++n) {
          const std::complex<float> value = samples[static_cast<std::size_t>(n)];
          float& sum = image[static_cast<std::size_t>(n)];
          sum += value.real() * value.real() + value.imag() * value.imag();
          if (last) sum = std::sqrt(sum);
        }
      });
    }
  }
  run.progress(1);
  return result;
}

Cost FourierReconstruction::cost(const KSpace& kspace) const {
  const auto count = static_cast<double>(kspace.samples.count()) * enlarge * enlarge * (kspace.volume ? enlarge : 1);
  const double one = count / static_cast<double>(kspace.samples.components() * kspace.samples.frames());
  return {.bytes = static_cast<std::uint64_t>(24 * one + 4 * one * static_cast<double>(kspace.samples.frames())), .seconds = count * 5e-8};
}

}  // namespace gantry
