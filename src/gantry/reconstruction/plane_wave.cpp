// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/plane_wave.h"

#include <cmath>
#include <complex>
#include <numbers>

#include "gantry/compute/fft.h"
#include "gantry/compute/parallel.h"
#include "gantry/operation/frames.h"

namespace gantry {

namespace reconstruction {

std::vector<double> steering_angles(std::int64_t transmits, double range_degrees) {
  std::vector<double> angles(static_cast<std::size_t>(transmits), 0.0);
  for (std::int64_t n = 0; n < transmits && transmits > 1; ++n) {
    const double place = static_cast<double>(n) / static_cast<double>(transmits - 1) - 0.5;
    angles[static_cast<std::size_t>(n)] = place * range_degrees * std::numbers::pi / 180;
  }
  return angles;
}

}  // namespace reconstruction

namespace {

using Echo = std::complex<float>;

/// Samples are made this many times denser, so that the nearest two of them can be joined by a line.
constexpr std::int64_t denser = 8;

/// The analytic signal of each element's trace, `denser` times as many samples, by the Fourier transform.
class AnalyticTraces {
 public:
  explicit AnalyticTraces(std::int64_t samples)
      : samples_(samples), length_(fast_fft_length(samples)), in_(length_), out_(length_ * denser) {}

  std::int64_t length() const { return samples_ * denser; }

  void operator()(const VoxelView<float>& echoes, std::int64_t elements, std::int64_t first, std::vector<Echo>& traces,
                  const Run& run) const {
    traces.resize(static_cast<std::size_t>(length() * elements));
    parallel_for(run, (elements + Fft::lanes - 1) / Fft::lanes, 1, [&](std::int64_t begin, std::int64_t end) {
      Fft::Lines narrow(in_), wide(out_);
      for (std::int64_t block = begin; block < end; ++block) {
        const std::int64_t from = Fft::lanes * block, taken = std::min(Fft::lanes, elements - from);
        narrow.clear();
        wide.clear();
        for (std::int64_t l = 0; l < taken; ++l) {
          for (std::int64_t n = 0; n < samples_; ++n) {
            const float value = echoes[first + n + samples_ * (from + l)];
            if (!std::isfinite(value)) throw Error(ErrorCode::parameter, "echoes: must be finite");
            narrow.set(n, l, value);
          }
        }
        in_.forward(narrow);
        for (std::int64_t n = 1; n < (length_ + 1) / 2; ++n) {
          for (std::int64_t l = 0; l < Fft::lanes; ++l) wide.set(n, l, static_cast<float>(2 * denser) * narrow.at(n, l));
        }
        out_.inverse(wide);
        for (std::int64_t l = 0; l < taken; ++l) {
          Echo* trace = traces.data() + length() * (from + l);
          for (std::int64_t n = 0; n < length(); ++n) trace[n] = wide.at(n, l);
        }
      }
    });
  }

 private:
  std::int64_t samples_, length_;
  Fft in_, out_;
};

struct Geometry {
  double sample_mm = 1;  ///< half of the way of sound between dense samples
  double first_mm = 0;   ///< half of the way at the first sample
  double pitch_mm = 1, first_element_mm = 0;
  std::int64_t elements = 0, samples = 0;
  Grid image;
};

Geometry geometry_of(const PlaneWaveBeamforming& operation, const Image& echoes) {
  const Grid& grid = echoes.grid();
  Geometry g;
  g.sample_mm = grid.spacing_mm().x / denser;
  g.first_mm = grid.origin_mm().x;
  g.pitch_mm = grid.spacing_mm().y;
  g.elements = grid.size(1);
  g.samples = grid.size(0) * denser;
  g.first_element_mm = -0.5 * g.pitch_mm * static_cast<double>(g.elements - 1);
  const double pixel = operation.pixel == 0 ? 0.5 * g.pitch_mm : operation.pixel;
  const double reach = g.first_mm + grid.spacing_mm().x * static_cast<double>(grid.size(0) - 1);
  const double last = operation.last_depth == 0 ? reach : operation.last_depth;
  if (!(last > operation.first_depth))
    throw Error(ErrorCode::parameter,
                fmt::format("first_depth: must lie above the last depth, {:.3f} mm; got {} mm", last, operation.first_depth));
  const double columns = std::floor(-2 * g.first_element_mm / pixel + 1e-6) + 1,
               rows = std::floor((last - operation.first_depth) / pixel + 1e-6) + 1;
  if (!(columns * rows <= 1e8))
    throw Error(ErrorCode::parameter, fmt::format("pixel: would make {} x {} pixels, at most 1e8 are made", columns, rows));
  g.image = Grid({static_cast<std::int64_t>(columns), static_cast<std::int64_t>(rows), 1}, {pixel, pixel, pixel},
                 {-0.5 * pixel * (columns - 1), operation.first_depth, 0});
  return g;
}

/// Adds one transmit to a column of the image: `sum` for each depth, weighted mean over the elements that listen.
void add_column(const PlaneWaveBeamforming& operation, const Geometry& g, const std::vector<Echo>& traces, double angle, double x,
                std::vector<Echo>& column, std::vector<float>& weights) {
  const auto rows = static_cast<std::size_t>(g.image.size(1));
  std::fill(column.begin(), column.end(), Echo());
  std::fill(weights.begin(), weights.end(), 0.0F);
  const double pixel = g.image.spacing_mm().y, first = g.image.origin_mm().y;
  const float sine = static_cast<float>(x * std::sin(angle)), cosine = static_cast<float>(std::cos(angle));
  const float to_sample = static_cast<float>(0.5 / g.sample_mm), start = static_cast<float>(g.first_mm / g.sample_mm);
  const auto last = static_cast<float>(g.samples - 1);
  const std::int64_t nearest = std::clamp<std::int64_t>(std::llround((x - g.first_element_mm) / g.pitch_mm), 0, g.elements - 1);
  for (std::int64_t e = 0; e < g.elements; ++e) {
    const double aside = x - (g.first_element_mm + g.pitch_mm * static_cast<double>(e));
    // The element listens to depths from which it lies within the aperture; the nearest one always.
    const double least = 2 * std::abs(aside) * operation.f_number;
    const std::size_t from =
        e == nearest ? 0 : static_cast<std::size_t>(std::clamp(std::ceil((least - first) / pixel), 0.0, static_cast<double>(rows)));
    const Echo* trace = traces.data() + e * g.samples;
    const auto aside2 = static_cast<float>(aside * aside);
    for (std::size_t n = from; n < rows; ++n) {
      const auto z = static_cast<float>(first + pixel * static_cast<double>(n));
      const float path = sine + z * cosine + std::sqrt(aside2 + z * z);
      const float at = path * to_sample - start;
      float weight = 1;
      if (operation.window == ApertureWindow::hann && z > 0 && e != nearest) {
        const float half = static_cast<float>(least) / z;  // 0 at the middle of the aperture, 1 at its ends
        weight = 0.5F + 0.5F * std::cos(std::numbers::pi_v<float> * std::min(half, 1.0F));
      }
      weights[n] += weight;
      if (!(at >= 0 && at < last)) continue;
      const auto whole = static_cast<std::int64_t>(at);
      const float part = at - static_cast<float>(whole);
      column[n] += weight * ((1 - part) * trace[whole] + part * trace[whole + 1]);
    }
  }
}

}  // namespace

void PlaneWaveBeamforming::describe(Description<PlaneWaveBeamforming>& d) {
  d.summary("Forms an ultrasound image out of the echoes of plane waves by delay and sum.");
  d.input("echoes",
          "Echoes of a linear array: axes are time, element, transmit; spacings are half the way of sound in a sample, and the distance of "
          "elements");
  d.parameter("angle_range", &PlaneWaveBeamforming::angle_range, "Between the first and the last transmit, which are spread evenly")
      .unit("deg")
      .range(-120, 120);
  d.parameter("f_number", &PlaneWaveBeamforming::f_number, "Depth by width of the part of the array that listens to a point")
      .range(0.3, 20);
  d.parameter("window", &PlaneWaveBeamforming::window, "Weight of the elements over that part");
  d.parameter("pixel", &PlaneWaveBeamforming::pixel, "Side of a pixel; 0: half the distance of elements").unit("mm").range(0, 100);
  d.parameter("first_depth", &PlaneWaveBeamforming::first_depth, "Depth of the first row").unit("mm").range(0, 1e4);
  d.parameter("last_depth", &PlaneWaveBeamforming::last_depth, "Depth of the last row; 0: as far as the samples reach")
      .unit("mm")
      .range(0, 1e4);
  d.parameter("scale", &PlaneWaveBeamforming::scale, "envelope, or decibel below its largest value");
  d.parameter("dynamic_range", &PlaneWaveBeamforming::dynamic_range, "Decibels below which all is alike").unit("dB").range(1, 200);
  d.output("image", "Image: lateral position, depth");
  d.example("gantry reconstruction beamform echoes.nii image.nii --angle-range 24 --scale decibel");
  d.reference(
      "Montaldo G, Tanter M, Bercoff J, Benech N, Fink M. Coherent plane-wave compounding for very high frame rate ultrasonography and "
      "transient elastography. IEEE TUFFC 2009;56:489-506.");
  d.reference("Wagner RF, Smith SW, Sandrik JM, Lopez H. Statistics of speckle in ultrasound B-scans. IEEE TSU 1983;30:156-163.");
}

Image PlaneWaveBeamforming::operator()(const Image& echoes, Run& run) const {
  check_parameters(*this);
  require_single_component(echoes);
  if (echoes.frames() != 1) throw Error(ErrorCode::not_possible, "echoes: must be of one time; the image has several");
  if (echoes.grid().size(0) < 8 || echoes.grid().size(1) < 2)
    throw Error(ErrorCode::not_possible,
                fmt::format("echoes: need 8 samples and 2 elements at least; got {} and {}", echoes.grid().size(0), echoes.grid().size(1)));
  const Geometry g = geometry_of(*this, echoes);
  const AnalyticTraces analytic(echoes.grid().size(0));
  const std::int64_t transmits = echoes.grid().size(2), columns = g.image.size(0), rows = g.image.size(1);
  const std::vector<double> angles = reconstruction::steering_angles(transmits, angle_range);
  const VoxelView<float> values = echoes.as<float>();
  std::vector<Echo> traces, sums(static_cast<std::size_t>(columns * rows));
  for (std::int64_t t = 0; t < transmits; ++t) {
    analytic(values, g.elements, t * g.elements * echoes.grid().size(0), traces, run);
    parallel_for(run, columns, 4, [&](std::int64_t begin, std::int64_t end) {
      std::vector<Echo> column(static_cast<std::size_t>(rows));
      std::vector<float> weights(column.size());
      for (std::int64_t i = begin; i < end; ++i) {
        const double x = g.image.origin_mm().x + g.image.spacing_mm().x * static_cast<double>(i);
        add_column(*this, g, traces, angles[static_cast<std::size_t>(t)], x, column, weights);
        for (std::int64_t j = 0; j < rows; ++j) {
          const auto n = static_cast<std::size_t>(j);
          sums[static_cast<std::size_t>(i + columns * j)] += column[n] / (weights[n] * static_cast<float>(transmits));
        }
      }
    });
    run.progress(static_cast<double>(t + 1) / static_cast<double>(transmits));
  }
  auto image = Voxels<float>::uninitialized(g.image);
  float largest = 0;
  for (std::int64_t n = 0; n < image.count(); ++n) {
    image[n] = std::abs(sums[static_cast<std::size_t>(n)]);
    largest = std::max(largest, image[n]);
  }
  if (scale == EchoScale::decibel) {
    if (!(largest > 0)) throw Error(ErrorCode::not_possible, "echoes: must hold more than zeros for decibels");
    const auto floor = static_cast<float>(-dynamic_range);
    for (float& value : image.values()) value = std::max(floor, value > 0 ? 20 * std::log10(value / largest) : floor);
  }
  return image;
}

Cost PlaneWaveBeamforming::cost(const Image& echoes) const {
  const Grid& grid = echoes.grid();
  const auto samples = static_cast<double>(grid.size(0) * grid.size(1)), transmits = static_cast<double>(grid.size(2));
  const double pixel_mm = pixel == 0 ? 0.5 * grid.spacing_mm().y : pixel;
  const double pixels = static_cast<double>(grid.size(1)) * grid.spacing_mm().y / pixel_mm * static_cast<double>(grid.size(0)) *
                        grid.spacing_mm().x / pixel_mm;
  return {.bytes = static_cast<std::uint64_t>(64 * samples + 12 * pixels),
          .seconds = transmits * (samples * 2e-7 + pixels * static_cast<double>(grid.size(1)) * 3e-9)};
}

}  // namespace gantry
