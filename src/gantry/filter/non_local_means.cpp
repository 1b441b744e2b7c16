// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/non_local_means.h"

#include <atomic>
#include <bit>

#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/volume/checks.h"

namespace gantry {

namespace {

/// The image with mirrored margins, rows of `wide` values.
struct Padded {
  std::array<std::int64_t, 3> margin{}, extent{};
  std::vector<float> values;
  const float* row(std::int64_t j, std::int64_t k) const { return values.data() + extent[0] * (j + extent[1] * k); }
};

Padded padded(const VoxelView<float>& image, const std::array<std::int64_t, 3>& margin, const Run& run) {
  Padded p{.margin = margin};
  for (std::size_t a = 0; a < 3; ++a) p.extent[a] = image.grid().size()[a] + 2 * margin[a];
  p.values.resize(static_cast<std::size_t>(p.extent[0] * p.extent[1] * p.extent[2]));
  const auto [ni, nj, nk] = image.grid().size();
  parallel_for(run, p.extent[2], 1, [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < p.extent[1]; ++j) {
        const float* const from = image.data() + image.grid().index(0, border_index(j - margin[1], nj, Border::mirror),
                                                                    border_index(k - margin[2], nk, Border::mirror));
        float* const to = p.values.data() + p.extent[0] * (j + p.extent[1] * k);
        for (std::int64_t i = 0; i < p.extent[0]; ++i) to[i] = from[border_index(i - margin[0], ni, Border::mirror)];
      }
    }
  });
  return p;
}

/// Adds (a - b)^2 to a row of sums, or takes it away.
GANTRY_SIMD void add_squares(float* sum, const float* a, const float* b, std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) {
    const float d = a[n] - b[n];
    sum[n] += d * d;
  }
}

/// Adds a row to a row of sums.
GANTRY_SIMD void add_row(float* sum, const float* row, std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) sum[n] += row[n];
}

/// Sums of squares over patches become weights, which are gathered. exp(-x) is 2^(-x / ln 2): the whole part goes to the exponent, the
/// fraction through a polynomial (relative error below 4e-5; less 2^-30, so that weights end at 0).
GANTRY_SIMD void gather(const float* distance, const float* shifted, float scale, float offset, float* weights, float* values,
                        float* largest, std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) {
    const float power = std::min(std::max(distance[n] * scale - offset, 0.0F), 30.0F);
    const auto whole = static_cast<std::int32_t>(power);
    const float part = power - static_cast<float>(whole);
    const float fraction = 1 + part * (-0.6931472F + part * (0.2401597F + part * (-0.0552540F + part * 0.0082415F)));
    const float weight = fraction * std::bit_cast<float>((127 - whole) << 23) - 0x1p-30F;
    weights[n] += weight;
    values[n] += weight * shifted[n];
    largest[n] = std::max(largest[n], weight);
  }
}

GANTRY_SIMD void finish(const float* weights, const float* values, const float* largest, const float* own, float* out, std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) {
    // The voxel itself counts as much as the one most like it; where nothing is alike it keeps its value.
    const float mine = std::max(largest[n], 0.001F);
    out[n] = (values[n] + mine * own[n]) / (weights[n] + mine);
  }
}

double median_of(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The weighted means of `gathered`, with weights by the likeness of the surroundings in `image`.
Voxels<float> means(const VoxelView<float>& image, const VoxelView<float>& gathered, double sigma, double strength, int patch_radius,
                    int search_radius, Run& run) {
  const Size3 size = image.grid().size();
  const auto [ni, nj, nk] = size;
  std::array<std::int64_t, 3> patch{}, search{}, margin{};
  double voxels = 1;
  for (std::size_t a = 0; a < 3; ++a) {
    if (size[a] == 1) continue;
    patch[a] = patch_radius;
    search[a] = search_radius;
    margin[a] = patch_radius + search_radius;
    voxels *= 2 * patch_radius + 1;
  }
  const Padded p = padded(image, margin, run);
  const Padded other = gathered.data() == image.data() ? Padded() : padded(gathered, margin, run);
  const Padded& source = other.values.empty() ? p : other;
  // exp(-max(0, mean square - 2 sigma^2) / (strength sigma)^2), in powers of two.
  const double width = strength * sigma * strength * sigma * 0.6931471805599453;
  const auto scale = static_cast<float>(1 / (voxels * width)), offset = static_cast<float>(2 * sigma * sigma / width);
  auto out = Voxels<float>::uninitialized(image.grid());
  constexpr std::int64_t rows = 16;
  const std::int64_t blocks = (nj + rows - 1) / rows;
  std::atomic<std::int64_t> done = 0;
  parallel_for(run, nk * blocks, 1, [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
    const std::int64_t wide = ni + 2 * patch[0];
    std::vector<float> sums(static_cast<std::size_t>(wide)), distances(static_cast<std::size_t>(ni)),
        planes(static_cast<std::size_t>(wide * (rows + 2 * patch[1])));
    std::vector<float> weights, values, largest;
    for (std::int64_t block = begin; block < end; ++block) {
      run.check();
      const std::int64_t k = block / blocks, first = block % blocks * rows, last = std::min(nj, first + rows);
      weights.assign(static_cast<std::size_t>(ni * rows), 0.0F);
      values.assign(weights.size(), 0.0F);
      largest.assign(weights.size(), 0.0F);
      for (std::int64_t dk = -search[2]; dk <= search[2]; ++dk) {
        for (std::int64_t dj = -search[1]; dj <= search[1]; ++dj) {
          for (std::int64_t di = -search[0]; di <= search[0]; ++di) {
            if (di == 0 && dj == 0 && dk == 0) continue;
            // Squares summed over the patch's slices, one row for each row that a patch of this block touches.
            std::fill(planes.begin(), planes.end(), 0.0F);
            for (std::int64_t j = first - patch[1]; j < last + patch[1]; ++j) {
              float* const row = planes.data() + (j - first + patch[1]) * wide;
              for (std::int64_t q = -patch[2]; q <= patch[2]; ++q) {
                const float* const here = p.row(j + margin[1], k + q + margin[2]) + search[0];
                add_squares(row, here, p.row(j + margin[1] + dj, k + q + margin[2] + dk) + search[0] + di, wide);
              }
            }
            for (std::int64_t j = first; j < last; ++j) {
              const float* const top = planes.data() + (j - first) * wide;
              std::copy_n(top, wide, sums.data());
              for (std::int64_t q = 1; q <= 2 * patch[1]; ++q) add_row(sums.data(), top + q * wide, wide);
              std::copy_n(sums.data(), ni, distances.data());
              for (std::int64_t q = 1; q <= 2 * patch[0]; ++q) add_row(distances.data(), sums.data() + q, ni);
              const auto at = static_cast<std::size_t>((j - first) * ni);
              gather(distances.data(), source.row(j + margin[1] + dj, k + margin[2] + dk) + margin[0] + di, scale, offset,
                     weights.data() + at, values.data() + at, largest.data() + at, ni);
            }
          }
        }
      }
      for (std::int64_t j = first; j < last; ++j) {
        const std::size_t at = static_cast<std::size_t>((j - first) * ni);
        const std::int64_t to = image.grid().index(0, j, k);
        finish(weights.data() + at, values.data() + at, largest.data() + at, gathered.data() + to, out.data() + to, ni);
      }
      run.progress(static_cast<double>(++done) / static_cast<double>(nk * blocks), "non-local means");
    }
  });
  return out;
}

}  // namespace

double noise_deviation(const VoxelView<float>& image, const Run& run) {
  const auto [ni, nj, nk] = image.grid().size();
  const std::array<std::int64_t, 3> step{ni > 1 ? 1 : 0, nj > 1 ? ni : 0, nk > 1 ? ni * nj : 0};
  const int corners = (ni > 1 ? 2 : 1) * (nj > 1 ? 2 : 1) * (nk > 1 ? 2 : 1);
  if (corners == 1) return 0;
  using Details = std::vector<float>;
  Details details = parallel_reduce(
      run, (nk + 1) / 2, 4, Details{},
      [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
        Details part;
        for (std::int64_t k = 2 * begin; k < std::min(2 * end, std::max<std::int64_t>(1, nk - 1)); k += 2) {
          for (std::int64_t j = 0; j < std::max<std::int64_t>(1, nj - 1); j += 2) {
            for (std::int64_t i = 0; i < std::max<std::int64_t>(1, ni - 1); i += 2) {
              const std::int64_t n = image.grid().index(i, j, k);
              float sum = 0;
              bool padding = true;
              for (int corner = 0; corner < 8; ++corner) {
                std::int64_t at = n;
                int sign = 1;
                bool inside = true;
                for (std::size_t a = 0; a < 3; ++a) {
                  if ((corner >> a & 1) == 0) continue;
                  inside = inside && step[a] > 0;
                  at += step[a];
                  sign = -sign;
                }
                if (!inside) continue;
                sum += static_cast<float>(sign) * image[at];
                padding = padding && image[at] == 0;
              }
              if (!padding) part.push_back(std::abs(sum));
            }
          }
        }
        return part;
      },
      [](Details& total, const Details& part) { total.insert(total.end(), part.begin(), part.end()); });
  if (details.empty()) return 0;
  return 1.482602218505602 * median_of(details) / std::sqrt(static_cast<double>(corners));
}

void NonLocalMeans::describe(Description<NonLocalMeans>& d) {
  d.summary("Removes noise by non-local means: averages voxels whose surroundings look alike, so that edges stay.");
  d.input("image", "Image to filter");
  d.parameter("sigma", &NonLocalMeans::sigma, "Standard deviation of the noise, in units of the image; none to estimate it")
      .range(1e-12, 1e12);
  d.parameter("strength", &NonLocalMeans::strength, "Width of the weights, in standard deviations of the noise").range(0.05, 5);
  d.parameter("patch_radius", &NonLocalMeans::patch_radius, "Half width of the surroundings in voxels: 1 is 3 x 3 x 3").range(1, 3);
  d.parameter("search_radius", &NonLocalMeans::search_radius, "How far, in voxels, like surroundings are looked for").range(1, 10);
  d.parameter("noise", &NonLocalMeans::noise,
              "Noise of the image: gaussian, or rician as in magnitude images of MR, whose bias is taken off");
  d.output("filtered", &Result::filtered, "Filtered image on the input's grid");
  d.output("result", &Result::result, "Standard deviation of the noise of each frame");
  d.example("gantry filter nlm mr.nii.gz clean.nii.gz --noise rician");
  d.reference("Buades A, Coll B, Morel JM. A non-local algorithm for image denoising. CVPR 2005; 2:60-65.");
  d.reference(
      "Coupe P, Yger P, Prima S, Hellier P, Kervrann C, Barillot C. An optimized blockwise nonlocal means denoising filter for 3-D "
      "magnetic "
      "resonance images. IEEE Transactions on Medical Imaging 2008; 27:425-441.");
  d.reference(
      "Wiest-Daessle N, Prima S, Coupe P, Morrissey SP, Barillot C. Rician noise removal by non-local means filtering. MICCAI 2008; "
      "171-179.");
}

NonLocalMeans::Result NonLocalMeans::operator()(const Image& image, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  Result result{.result = {{"sigma", Json::array()}}};
  result.filtered = per_frame(image, run, [&](const Image& frame, Run& part) {
    VoxelView<float> values = frame.as<float>();
    float scale = 0;
    for (std::int64_t n = 0; n < values.count(); ++n) {
      if (!std::isfinite(values[n])) throw Error(ErrorCode::not_possible, fmt::format("image: must be finite; found {}", values[n]));
      scale = std::max(scale, std::abs(values[n]));
    }
    const double deviation = sigma ? *sigma : noise_deviation(values, part);
    result.result["sigma"].push_back(deviation);
    if (!(deviation > 1e-7 * scale) || !(deviation > 1e-15)) {
      if (sigma)
        throw Error(ErrorCode::parameter, fmt::format("sigma: must be at least 1e-7 of the largest value, {}; got {}", scale, *sigma));
      throw Error(ErrorCode::not_possible, "image: has no noise that could be estimated; state sigma");
    }
    if (!(scale / deviation <= 1e7) || !(scale <= 1e15))
      throw Error(ErrorCode::not_possible, fmt::format("image: values up to {} are too large", scale));
    if (noise == NoiseModel::gaussian) return means(values, values, deviation, strength, patch_radius, search_radius, part);
    // E[m^2] = a^2 + 2 sigma^2 for the magnitude m of a signal a: the squares are averaged and the bias is taken off.
    Voxels<float> squares = values.clone();
    for (float& v : squares.values()) v *= v;
    Voxels<float> out = means(values, squares, deviation, strength, patch_radius, search_radius, part);
    const auto bias = static_cast<float>(2 * deviation * deviation);
    for (float& v : out.values()) v = std::sqrt(std::max(0.0F, v - bias));
    return out;
  });
  return result;
}

Cost NonLocalMeans::cost(const Image& image) const {
  const double shifts = std::pow(2 * search_radius + 1, image.grid().size(2) > 1 ? 3 : 2);
  return {.bytes = static_cast<std::uint64_t>(image.count()) * 16, .seconds = static_cast<double>(image.count()) * shifts * 1.5e-9};
}

}  // namespace gantry
