// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/segmentation/compare.h"

#include <map>

#include "gantry/compute/parallel.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/resample.h"

namespace gantry {

namespace {

constexpr std::size_t most_labels = 65535;

struct Box {
  Size3 begin{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()};
  Size3 end{};
  void include(const Size3& first, const Size3& last) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      begin[axis] = std::min(begin[axis], first[axis]);
      end[axis] = std::max(end[axis], last[axis]);
    }
  }
};
using Boxes = std::map<std::int32_t, Box>;

/// The image's values as labels; what is no whole number of 32 bits is refused.
VoxelView<std::int32_t> labels_of(const Image& image, std::string_view subject) {
  if (image.frames() != 1) throw Error(ErrorCode::not_possible, fmt::format("{}: must have one frame; has {}", subject, image.frames()));
  const VoxelView<std::int32_t> labels = image.as<std::int32_t>();
  if (!is_integer(image.type()) || image.type() == PixelType::u32) {
    const VoxelView<double> values = image.as<double>();
    for (std::int64_t n = 0; n < values.count(); ++n) {
      if (values[n] != static_cast<double>(labels[n])) {
        throw Error(ErrorCode::not_possible, fmt::format("{}: labels must be whole numbers below 2147483648; got {}", subject, values[n]));
      }
    }
  }
  return labels;
}

/// The box of every label, over both images.
void add_boxes(const VoxelView<std::int32_t>& labels, Run& run, Boxes& all) {
  const auto [ni, nj, nk] = labels.grid().size();
  all = parallel_reduce(
      run, nj * nk, 1024, std::move(all),
      [&, ni = ni, nj = nj](std::int64_t begin, std::int64_t end) {
        Boxes boxes;
        for (std::int64_t row = begin; row < end; ++row) {
          const std::int32_t* const values = labels.data() + row * ni;
          for (std::int64_t i = 0; i < ni;) {
            const std::int64_t start = i;
            while (i < ni && values[i] == values[start]) ++i;
            if (values[start] != 0) boxes[values[start]].include({start, row % nj, row / nj}, {i, row % nj + 1, row / nj + 1});
          }
        }
        return boxes;
      },
      [](Boxes& total, const Boxes& part) {
        for (const auto& [label, box] : part) total[label].include(box.begin, box.end);
        if (total.size() > most_labels)
          throw Error(ErrorCode::not_possible, fmt::format("labels: at most {} can be compared", most_labels));
      });
}

Mask one_label(const VoxelView<std::int32_t>& labels, std::int32_t label, const Box& box) {
  Size3 size{};
  for (std::size_t axis = 0; axis < 3; ++axis) size[axis] = box.end[axis] - box.begin[axis];
  auto mask = Mask::uninitialized(labels.grid().cropped(box.begin, size));
  std::int64_t n = 0;
  for (std::int64_t k = box.begin[2]; k < box.end[2]; ++k) {
    for (std::int64_t j = box.begin[1]; j < box.end[1]; ++j) {
      const std::int32_t* const row = &labels(box.begin[0], j, k);
      for (std::int64_t i = 0; i < size[0]; ++i) mask[n++] = row[i] == label ? 1 : 0;
    }
  }
  return mask;
}

/// One slice of voxels around the box where there is room: a box of one voxel must not look like a grid of one.
Box widened(Box box, const Grid& grid) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    box.begin[axis] = std::max<std::int64_t>(0, box.begin[axis] - 1);
    box.end[axis] = std::min(grid.size(static_cast<int>(axis)), box.end[axis] + 1);
  }
  return box;
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace

void CompareLabels::describe(Description<CompareLabels>& d) {
  d.summary("Measures how well two label images agree, label by label.");
  d.input("a", "First label image");
  d.input("b", "Second label image, on the same grid");
  d.parameter("tolerance", &CompareLabels::tolerance, "Distance within which surfaces count as equal, for nsd").unit("mm").range(0, 1000);
  d.output("agreement", "dice, jaccard, hd95_mm, asd_mm, nsd, volume_a_ml and volume_b_ml of each label");
  d.example("gantry segmentation compare truth.nii.gz found.nii.gz --json");
  d.reference("Dice LR. Measures of the amount of ecologic association between species. Ecology 1945; 26:297-302.");
  d.reference("Nikolov S et al. Deep learning to achieve clinically applicable segmentation of head and neck anatomy. arXiv:1809.04430.");
}

Json CompareLabels::operator()(const Image& a, const Image& b, Run& run) const {
  check_parameters(*this);
  require_single_component(a);
  require_single_component(b);
  if (!a.grid().same_space(b.grid())) {
    throw Error(ErrorCode::not_possible, "grids: must agree; bring one image to the other's with filter.resample --interpolation nearest");
  }
  const VoxelView<std::int32_t> first = labels_of(a, "first image");
  const VoxelView<std::int32_t> second = labels_of(b, "second image");
  Boxes boxes;
  add_boxes(first, run, boxes);
  add_boxes(second, run, boxes);
  Json result = Json::object();
  double done = 0;
  for (const auto& [label, box] : boxes) {
    const Box around = widened(box, a.grid());
    const Overlap o = overlap(one_label(first, label, around), one_label(second, label, around), tolerance, run);
    result[std::to_string(label)] =
        Json{{"dice", number(o.dice)}, {"jaccard", number(o.jaccard)}, {"hd95_mm", number(o.hd95_mm)}, {"asd_mm", number(o.asd_mm)},
             {"nsd", number(o.nsd)},   {"volume_a_ml", o.volume_a_ml}, {"volume_b_ml", o.volume_b_ml}};
    run.progress(++done / static_cast<double>(boxes.size()), "comparing labels");
  }
  return Json{{"labels", std::move(result)}};
}

Cost CompareLabels::cost(const Image& a, const Image& b) const {
  const auto voxels = static_cast<std::uint64_t>(a.count() + b.count());
  return {.bytes = voxels * 12, .seconds = static_cast<double>(voxels) * 5e-8};
}

}  // namespace gantry
