// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/ultrasound.h"

#include <cmath>
#include <numbers>

#include "gantry/base/random.h"
#include "gantry/compute/parallel.h"
#include "gantry/operation/frames.h"
#include "gantry/reconstruction/plane_wave.h"

namespace gantry {

namespace {

constexpr int samples_per_period = 4;

/// A point that echoes: place relative to the middle of the array, and amplitude.
struct Scatterer {
  float x_mm, z_mm, amplitude;
};

/// The pulse at every 256th of a sample: row p holds the samples of a pulse whose middle lies p / 256 behind sample `half`.
class Pulse {
 public:
  static constexpr int phases = 256;
  explicit Pulse(double bandwidth) {
    // A Gaussian spectrum with the width `bandwidth` (in units of the frequency) at half of its height; times are in periods.
    const double sigma = std::sqrt(2 * std::numbers::ln2) / (std::numbers::pi * bandwidth);
    half_ = static_cast<int>(std::ceil(4 * sigma * samples_per_period));
    table_.resize(static_cast<std::size_t>(phases * size()));
    for (int p = 0; p < phases; ++p) {
      for (int n = 0; n < size(); ++n) {
        const double t = (n - half_ - static_cast<double>(p) / phases) / samples_per_period;
        table_[static_cast<std::size_t>(p * size() + n)] =
            static_cast<float>(std::exp(-0.5 * t * t / (sigma * sigma)) * std::cos(2 * std::numbers::pi * t));
      }
    }
  }
  int half() const { return half_; }
  int size() const { return 2 * half_ + 2; }
  const float* row(int phase) const { return table_.data() + static_cast<std::ptrdiff_t>(phase) * size(); }

 private:
  int half_ = 0;
  std::vector<float> table_;
};

/// What an element of the width w hears from the direction a: sinc(w sin a / wavelength) cos a, at 1024 steps of sin a.
std::vector<float> directivity_of(double width_in_wavelengths, bool wanted) {
  std::vector<float> table(1026, 1.0F);
  for (std::size_t n = 0; wanted && n < table.size(); ++n) {
    const double sine = std::min(1.0, static_cast<double>(n) / 1024), u = std::numbers::pi * width_in_wavelengths * sine;
    table[n] = static_cast<float>((u < 1e-9 ? 1 : std::sin(u) / u) * std::sqrt(1 - sine * sine));
  }
  return table;
}

std::vector<Scatterer> scatterers_of(const UltrasoundScan& scan, const Image& tissue, const PointSet* targets, const Run& run) {
  const Grid& grid = tissue.grid();
  const double dx = grid.spacing_mm().x, dy = grid.spacing_mm().y;
  const double width = dx * static_cast<double>(grid.size(0)), height = dy * static_cast<double>(grid.size(1));
  const double count = std::round(scan.density * width * height);
  if (!(count <= 1e7)) throw Error(ErrorCode::parameter, fmt::format("density: would make {} scatterers, at most 1e7 are made", count));
  const VoxelView<float> values = tissue.as<float>();
  const std::int64_t slice = grid.size(2) / 2;
  const Random along(run.seed(), 1), down(run.seed(), 2), sign(run.seed(), 3);
  // The brightness of speckle does not depend on how many scatterers make it.
  const double scale = scan.density > 0 ? 1 / std::sqrt(scan.density) : 0;
  std::vector<Scatterer> all;
  for (std::uint64_t n = 0; n < static_cast<std::uint64_t>(count); ++n) {
    const double x = along.uniform(n) * width, z = down.uniform(n) * height;
    const float value = values(std::min(static_cast<std::int64_t>(x / dx), grid.size(0) - 1),
                               std::min(static_cast<std::int64_t>(z / dy), grid.size(1) - 1), slice);
    if (!std::isfinite(value)) throw Error(ErrorCode::parameter, "tissue: must hold finite values");
    if (value != 0 && z > 0)
      all.push_back(
          {static_cast<float>(x - 0.5 * width), static_cast<float>(z), static_cast<float>(sign.uniform(n) < 0.5 ? scale : -scale) * value});
  }
  if (targets) {
    for (const Vec3& point : targets->positions_mm) {
      const Vec3 voxel = grid.voxel_from_world(point);
      const double x = (voxel.x + 0.5) * dx - 0.5 * width, z = (voxel.y + 0.5) * dy;
      if (!(std::abs(x) <= 1e4 && z > 0 && z <= height))
        throw Error(ErrorCode::parameter, fmt::format("targets: must lie within the depth of the tissue; found a depth of {} mm", z));
      all.push_back({static_cast<float>(x), static_cast<float>(z), static_cast<float>(scan.target_strength)});
    }
  }
  return all;
}

}  // namespace

void UltrasoundScan::describe(Description<UltrasoundScan>& d) {
  d.summary("Simulates the echoes of plane waves in tissue, as a linear array receives them.");
  d.input("tissue", "Amplitude with which tissue scatters; the array lies on the upper edge of the middle slice");
  d.input("targets", "Points that echo by themselves, in the plane of the tissue");
  d.parameter("elements", &UltrasoundScan::elements, "Elements of the array").range(2, 1024);
  d.parameter("pitch", &UltrasoundScan::pitch, "Distance of elements").unit("mm").range(0.01, 10);
  d.parameter("frequency", &UltrasoundScan::frequency, "Middle frequency of the pulse").unit("MHz").range(0.1, 100);
  d.parameter("bandwidth", &UltrasoundScan::bandwidth, "Width of its spectrum at half of the largest amplitude, by the frequency")
      .range(0.1, 1.2);
  d.parameter("sound_speed", &UltrasoundScan::sound_speed, "Speed of sound").unit("m/s").range(100, 10000);
  d.parameter("transmits", &UltrasoundScan::transmits, "Number of plane waves").range(1, 1000);
  d.parameter("angle_range", &UltrasoundScan::angle_range, "Between the first and the last of them, which are spread evenly")
      .unit("deg")
      .range(-120, 120);
  d.parameter("density", &UltrasoundScan::density, "Scatterers in a square millimetre").unit("1/mm2").range(0, 1e4);
  d.parameter("target_strength", &UltrasoundScan::target_strength, "Amplitude of each target").range(0, 1e6);
  d.parameter("directivity", &UltrasoundScan::directivity, "Elements are as wide as their distance and hear less from the side");
  d.output("echoes", "Echoes: time, element, transmit");
  d.example("gantry simulation ultrasound tissue.nii echoes.nii --transmits 9 --angle-range 24");
  d.reference(
      "Selfridge AR, Kino GS, Khuri-Yakub BT. A theory for the radiation pattern of a narrow-strip acoustic transducer. Appl Phys Lett "
      "1980;37:35-36.");
  d.reference("Jensen JA. A model for the propagation and scattering of ultrasound in tissue. J Acoust Soc Am 1991;89:182-190.");
}

Image UltrasoundScan::operator()(const Image& tissue, const PointSet* targets, Run& run) const {
  check_parameters(*this);
  require_single_component(tissue);
  if (tissue.frames() != 1) throw Error(ErrorCode::not_possible, "tissue: must be of one time; the image has several");
  const std::vector<Scatterer> scatterers = scatterers_of(*this, tissue, targets, run);
  const Grid& grid = tissue.grid();
  const double speed_mm = sound_speed / 1000;  // in a microsecond
  const double sample_mm = 0.5 * speed_mm / (frequency * samples_per_period);
  const Pulse pulse(bandwidth);
  const double half_array = 0.5 * pitch * (elements - 1);
  const double depth = grid.spacing_mm().y * static_cast<double>(grid.size(1)),
               side = half_array + 0.5 * grid.spacing_mm().x * static_cast<double>(grid.size(0));
  const double longest = 0.5 * (depth + side + std::hypot(depth, side));
  const double count = std::ceil(longest / sample_mm) + pulse.size();
  if (!(count <= 1e6 && count * elements * transmits <= 4e9))
    throw Error(ErrorCode::parameter,
                fmt::format("frequency: would need {} samples of each element and transmit; that is too much", count));
  const auto samples = static_cast<std::int64_t>(count);
  auto echoes = Voxels<float>(Grid({samples, elements, transmits}, {sample_mm, pitch, 1}, {0, -half_array, 0}));
  const std::vector<double> angles = reconstruction::steering_angles(transmits, angle_range);
  const std::vector<float> heard = directivity_of(pitch * frequency / speed_mm, directivity);
  parallel_for(run, std::int64_t{elements} * transmits, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      float* trace = echoes.data() + samples * n;
      const auto element_mm = static_cast<float>(pitch * static_cast<double>(n % elements) - half_array);
      const double angle = angles[static_cast<std::size_t>(n / elements)];
      const auto sine = static_cast<float>(std::sin(angle)), cosine = static_cast<float>(std::cos(angle));
      const auto to_sample = static_cast<float>(0.5 / sample_mm);
      for (const Scatterer& s : scatterers) {
        const float aside = s.x_mm - element_mm;
        const float way = std::sqrt(aside * aside + s.z_mm * s.z_mm);
        const float at = (s.x_mm * sine + s.z_mm * cosine + way) * to_sample;
        const float amplitude = s.amplitude * heard[static_cast<std::size_t>(1024 * std::abs(aside) / way + 0.5F)];
        const auto step = static_cast<std::int64_t>(at * Pulse::phases + 0.5F);
        const std::int64_t first = step / Pulse::phases - pulse.half();
        const float* row = pulse.row(static_cast<int>(step % Pulse::phases));
        if (at < 0 || first < 0 || first + pulse.size() > samples) continue;
        for (int k = 0; k < pulse.size(); ++k) trace[first + k] += amplitude * row[k];
      }
    }
    run.check();
  });
  run.progress(1);
  return echoes;
}

Cost UltrasoundScan::cost(const Image& tissue, const PointSet* targets) const {
  const Grid& grid = tissue.grid();
  const double width = grid.spacing_mm().x * static_cast<double>(grid.size(0)),
               height = grid.spacing_mm().y * static_cast<double>(grid.size(1));
  const double scatterers = density * width * height + (targets ? static_cast<double>(targets->positions_mm.size()) : 0);
  const double samples = (2 * height + width) / (sound_speed / 1000) * frequency * samples_per_period;
  return {.bytes = static_cast<std::uint64_t>(4 * samples * elements * transmits + 12 * scatterers),
          .seconds = scatterers * elements * transmits * 1.5e-8};
}

}  // namespace gantry
