// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/kspace_port.h"

#include <array>
#include <cmath>
#include <complex>
#include <numbers>

#include "gantry/base/error.h"
#include "gantry/io/hdf5.h"
#include "gantry/io/ismrmrd.h"
#include "gantry/io/matlab.h"

namespace gantry {

namespace {

KSpace kspace_of(std::span<const std::byte> bytes, Run& run) {
  if (io::matlab::looks_like(bytes)) return io::matlab::read_kspace(bytes, run);
  if (io::hdf5::looks_like(bytes)) return io::ismrmrd::read(bytes, run);
  throw Error(ErrorCode::unreadable, "k-space: must be an ISMRMRD file (HDF5) or a MATLAB file of version 5");
}

/// An ellipse in the plane: value, half axes, centre in mm, turn in degrees.
struct PlaneEllipse {
  double value, a, b, x, y, degrees;
};
constexpr std::array<PlaneEllipse, 1> disc_ellipses{{{1, 20, 20, 0, 0, 0}}};
constexpr std::array<PlaneEllipse, 10> head_ellipses{{{1.0, 66.24, 88.32, 0, 0, 0},
                                                      {-0.8, 63.5904, 83.904, 0, 1.7664, 0},
                                                      {-0.2, 10.56, 29.76, 21.12, 0, 18},
                                                      {-0.2, 15.36, 39.36, -21.12, 0, -18},
                                                      {0.1, 20.16, 24, 0, -33.6, 0},
                                                      {0.1, 4.416, 4.416, 0, -9.6, 0},
                                                      {0.1, 4.416, 4.416, 0, 9.6, 0},
                                                      {0.1, 4.416, 2.208, -7.68, 58.08, 0},
                                                      {0.1, 2.208, 2.208, 0, 58.08, 0},
                                                      {0.1, 2.208, 4.416, 5.76, 58.08, 0}}};

/// The Fourier transform of ellipses at a frequency in 1/mm: value a b J1(2 pi q) / q, turned and shifted.
std::complex<double> transform_of(std::span<const PlaneEllipse> ellipses, double kx, double ky) {
  std::complex<double> sum;
  for (const PlaneEllipse& e : ellipses) {
    const double turn = e.degrees * std::numbers::pi / 180;
    const double q = std::hypot(e.a * (kx * std::cos(turn) + ky * std::sin(turn)), e.b * (ky * std::cos(turn) - kx * std::sin(turn)));
    const double area = q < 1e-9 ? std::numbers::pi : std::cyl_bessel_j(1, 2 * std::numbers::pi * q) / q;
    sum += e.value * e.a * e.b * area * std::polar(1.0, -2 * std::numbers::pi * (kx * e.x + ky * e.y));
  }
  return sum;
}

/// Two coils see cos and sin of a phase that runs by `turns` along x over `field_mm`: each is the transform shifted to both sides.
KSpace sampled(std::span<const PlaneEllipse> ellipses, std::int64_t size, double field_mm, int oversampling, int coils) {
  const std::int64_t columns = size * oversampling;
  const double width_mm = field_mm * oversampling, pixel_mm = field_mm / static_cast<double>(size);
  const double middle = -pixel_mm * static_cast<double>(size / 2);
  auto samples = Voxels<std::complex<float>>::uninitialized(
      Grid({columns, size, 1}, {pixel_mm, pixel_mm, 1}, {-pixel_mm * static_cast<double>(columns / 2), middle, 0}), coils);
  const double scale = 1 / (pixel_mm * pixel_mm * std::sqrt(static_cast<double>(columns * size)));
  const double aside = 0.4 / field_mm;
  for (std::int64_t j = 0; j < size; ++j) {
    const double ky = static_cast<double>(j - size / 2) / field_mm;
    for (std::int64_t i = 0; i < columns; ++i) {
      const double kx = static_cast<double>(i - columns / 2) / width_mm;
      const std::int64_t at = coils * (i + columns * j);
      if (coils == 1) {
        samples[at] = std::complex<float>(scale * transform_of(ellipses, kx, ky));
        continue;
      }
      const std::complex<double> left = 0.5 * scale * transform_of(ellipses, kx - aside, ky),
                                 right = 0.5 * scale * transform_of(ellipses, kx + aside, ky);
      samples[at] = std::complex<float>(left + right);
      samples[at + 1] = std::complex<float>(std::complex<double>(0, -1) * (left - right));
    }
  }
  return {.samples = Image(std::move(samples)), .image_size = {size, size, 0}, .image_share = {1.0 / oversampling, 1, 1}};
}

}  // namespace

KSpace PortType<KSpace>::read(const Path& path, Run& run) {
  return with_context(path.filename().string(), [&] { return kspace_of(MappedFile(path).bytes(), run); });
}
void PortType<KSpace>::write(const Path& path, const KSpace& kspace, Run&) { write_atomic(path, io::ismrmrd::to_bytes(kspace)); }
Bytes PortType<KSpace>::to_bytes(const KSpace& kspace) { return io::ismrmrd::to_bytes(kspace); }
KSpace PortType<KSpace>::from_bytes(std::span<const std::byte> bytes) {
  Run run;
  return kspace_of(bytes, run);
}

KSpace phantom_kspace(std::string_view name) {
  if (name == "disc") return sampled(disc_ellipses, 64, 64, 1, 1);
  if (name == "head") return sampled(head_ellipses, 192, 192, 2, 2);
  throw Error(ErrorCode::usage, fmt::format("phantom:{}: there is no such k-space; must be one of disc, head", name));
}

}  // namespace gantry
