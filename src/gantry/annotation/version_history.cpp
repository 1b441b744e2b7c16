// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/annotation/version_history.h"

#include <algorithm>
#include <map>
#include <set>

#include "gantry/annotation/versions.h"
#include "gantry/base/text.h"
#include "gantry/visualization/canvas.h"
#include "gantry/volume/measure.h"

namespace gantry {

namespace {

constexpr std::size_t most_panels = 6, most_others = 1000;
constexpr Color kept_color{0x8c, 0x9a, 0xab}, added_color{0x00, 0x9e, 0x73}, removed_color{0xd5, 0x5e, 0x00};
constexpr double kept_opacity = 0.45, changed_opacity = 0.85;

/// A change to be drawn, with the words above it.
struct Panel {
  std::shared_ptr<const VersionChange> change;
  std::string title, words;
};

/// Rows and columns around what is not empty, with some room.
struct Frame {
  std::int64_t row = 0, column = 0, rows = 1, columns = 1;
};

Frame frame_of(const VersionChange& change) {
  std::int64_t top = change.rows, bottom = -1, left = change.columns, right = -1;
  for (std::int64_t j = 0; j < change.rows; ++j) {
    for (std::int64_t i = 0; i < change.columns; ++i) {
      if (change.plane[static_cast<std::size_t>(j * change.columns + i)] == 0) continue;
      top = std::min(top, j);
      bottom = std::max(bottom, j);
      left = std::min(left, i);
      right = std::max(right, i);
    }
  }
  const std::int64_t room = std::max<std::int64_t>(4, std::max(bottom - top, right - left) / 4);
  Frame frame;
  frame.row = std::max<std::int64_t>(0, top - room);
  frame.column = std::max<std::int64_t>(0, left - room);
  frame.rows = std::min(change.rows, bottom + room + 1) - frame.row;
  frame.columns = std::min(change.columns, right + room + 1) - frame.column;
  return frame;
}

/// Grey values of the image at the pixels of the plane, in [0, 1]; dark where there is none.
class Background {
 public:
  explicit Background(const Image* image) {
    if (!image) return;
    values_ = image->as<float>();
    std::vector<float> sample;
    const std::int64_t step = std::max<std::int64_t>(1, values_->count() / 100000);
    for (std::int64_t n = 0; n < values_->count(); n += step) {
      if (std::isfinite((*values_)[n])) sample.push_back((*values_)[n]);
    }
    if (sample.empty()) return;
    low_ = quantile(sample, 0.02);
    high_ = std::max(quantile(sample, 0.995), low_ + 1e-6);
  }
  double at(Vec3 world) const {
    if (!values_) return 0.06;
    const Vec3 voxel = values_->grid().voxel_from_world(world);
    const std::array<double, 3> place{std::round(voxel.x), std::round(voxel.y), std::round(voxel.z)};
    for (int axis = 0; axis < 3; ++axis) {
      if (!(place[static_cast<std::size_t>(axis)] >= 0 &&
            place[static_cast<std::size_t>(axis)] < static_cast<double>(values_->grid().size(axis))))
        return 0;
    }
    const double value =
        (*values_)(static_cast<std::int64_t>(place[0]), static_cast<std::int64_t>(place[1]), static_cast<std::int64_t>(place[2]));
    return std::isfinite(value) ? std::clamp((value - low_) / (high_ - low_), 0.0, 1.0) : 0;
  }

 private:
  std::optional<VoxelView<float>> values_;
  double low_ = 0, high_ = 1;
};

Image picture_of_change(const VersionChange& change, const Frame& frame, const Background& background, int width, int height) {
  auto picture = Voxels<std::uint8_t>::uninitialized(Grid({width, height, 1}), 3);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int64_t j = frame.row + y * frame.rows / height, i = frame.column + x * frame.columns / width;
      const Vec3 world = change.origin_mm + static_cast<double>(i) * change.row_step_mm + static_cast<double>(j) * change.column_step_mm;
      const double grey = 255 * background.at(world);
      const std::uint8_t kind = change.plane[static_cast<std::size_t>(j * change.columns + i)];
      const Color color = kind == 1 ? kept_color : kind == 2 ? added_color : removed_color;
      const double opacity = kind == 0 ? 0 : kind == 1 ? kept_opacity : changed_opacity;
      for (std::size_t c = 0; c < 3; ++c)
        picture.data()[(y * width + x) * 3 + static_cast<std::int64_t>(c)] =
            static_cast<std::uint8_t>(std::lround((1 - opacity) * grey + opacity * color[c]));
    }
  }
  return Image(std::move(picture));
}

Image draw(const std::vector<Panel>& panels, const Image* image) {
  constexpr int side = 300, gap = 16, head = 48, foot = 34;
  const int columns = static_cast<int>(std::min<std::size_t>(3, panels.size()));
  const int rows = (static_cast<int>(panels.size()) + columns - 1) / columns;
  const int width = std::max(400, gap + columns * (side + gap)), height = rows * (side + head + gap) + foot;
  const auto canvas = Canvas::bitmap(width, height, {0xff, 0xff, 0xff});
  const Paint ink{{0x14, 0x18, 0x1f}}, quiet{{0x58, 0x64, 0x74}};
  const Background background(image);
  for (std::size_t n = 0; n < panels.size(); ++n) {
    const int x = gap + static_cast<int>(n) % columns * (side + gap), y = static_cast<int>(n) / columns * (side + head + gap);
    const auto first_line = [&](const std::string& text, const TextStyle& style) { return canvas->lines(text, style).front(); };
    const TextStyle title{.size = 15, .bold = true, .paint = ink, .width = side}, words{.size = 13, .paint = quiet, .width = side};
    canvas->text(x, y + 6, first_line(panels[n].title, title), title);
    canvas->text(x, y + 26, first_line(panels[n].words, words), words);
    const VersionChange& change = *panels[n].change;
    const Frame frame = frame_of(change);
    const double across = static_cast<double>(frame.columns) * norm(change.row_step_mm);
    const double along = static_cast<double>(frame.rows) * norm(change.column_step_mm), scale = side / std::max(across, along);
    const int w = std::clamp(static_cast<int>(std::lround(across * scale)), 1, side),
              h = std::clamp(static_cast<int>(std::lround(along * scale)), 1, side);
    canvas->rectangle(x, y + head, side, side, {{0x10, 0x10, 0x10}});
    canvas->picture(picture_of_change(change, frame, background, w, h), x + (side - w) / 2.0, y + head + (side - h) / 2.0, w, h);
  }
  double x = gap;
  for (const auto& [color, opacity, word] :
       {std::tuple{kept_color, kept_opacity, "kept"}, std::tuple{added_color, changed_opacity, "added"},
        std::tuple{removed_color, changed_opacity, "removed"}}) {
    canvas->rectangle(x, height - foot + 8, 14, 14, {{0x80, 0x80, 0x80}}, 3);
    canvas->rectangle(x, height - foot + 8, 14, 14, {color, opacity}, 3);
    canvas->text(x + 20, height - foot + 6, word, {.size = 14, .paint = ink});
    x += 100;
  }
  return canvas->image();
}

/// Of the change that made a version; Dice is that of all segments together.
Panel panel_of(std::shared_ptr<const VersionChange> change, std::size_t version, const AnnotationObject& later) {
  SegmentChange all;
  for (const SegmentChange& segment : change->segments) {
    all.kept += segment.kept;
    all.added += segment.added;
    all.removed += segment.removed;
  }
  const std::string author = later.author().empty() ? "" : ": " + replace_all(later.author(), "^", " ");
  const auto ml = [&](std::int64_t voxels) { return static_cast<double>(voxels) * change->voxel_ml; };
  return {change, fmt::format("Version {}{}", version, author),
          fmt::format("Dice {:.3f}, +{:.2f} mL, -{:.2f} mL", all.dice(), ml(all.added), ml(all.removed))};
}

Table::Cell cell_of(const Json& value) {
  if (value.is_number()) return value.get<double>();
  return value.is_string() ? Table::Cell(value.get<std::string>()) : Table::Cell();
}

Table table_of(const Json& annotations) {
  Table table({"annotation", "version", "former", "author", "time", "segment", "dice", "volume_ml", "added_ml", "removed_ml"});
  for (std::size_t n = 0; n < annotations.size(); ++n) {
    for (const Json& version : annotations[n]["versions"]) {
      for (const Json& segment : version["change"]["segments"])
        table.add({static_cast<double>(n + 1), cell_of(version["version"]), cell_of(version["former"]), cell_of(version["author"]),
                   cell_of(version["content_time"]), cell_of(segment["label"]), cell_of(segment["dice"]), cell_of(segment["volume_ml"]),
                   cell_of(segment["added_ml"]), cell_of(segment["removed_ml"])});
    }
  }
  return table;
}

/// The segmentations among the files; what the others are goes to `other`.
std::vector<AnnotationObject> segmentations_in(const DicomFiles& objects, Json& other) {
  std::vector<AnnotationObject> found;
  std::set<std::string> uids;
  for (const DicomFiles::File& file : objects.files) {
    const auto refuse = [&](const std::string& reason) {
      if (other.size() < most_others) other.push_back({{"file", file.name}, {"reason", reason}});
    };
    try {
      dicom::Origin origin;
      origin.path = file.name;
      origin.memory = file.bytes;
      const auto header = dicom::read_header(origin);
      AnnotationObject object;
      object.about = dicom::read_segmentation(*header);
      object.open = [header] { return header; };
      if (!uids.insert(object.about.sop_instance_uid).second) {
        refuse("holds an object that another file holds, too");
        continue;
      }
      found.push_back(std::move(object));
    } catch (const Error& error) {
      refuse(error.what());
    }
  }
  return found;
}

}  // namespace

void AnnotationVersions::describe(Description<AnnotationVersions>& d) {
  d.summary("Orders DICOM segmentations as versions of annotations, and says who made each and what it changed.");
  d.input("objects", "DICOM segmentations; other objects are passed over");
  d.input("image", "Image behind the figure");
  d.output("history", &Result::history, "Annotations, their versions, what changed from each to the next, and how far authors agree");
  d.output("table", &Result::table, "One row for each segment of each version");
  d.output("figure", &Result::figure, "The plane where most changed, of up to six versions");
  d.example("gantry annotation versions segmentations/ history.json --table history.csv --figure changes.png");
  d.reference("DICOM PS3.3 A.51: Segmentation IOD; C.8.20.2: Segmentation Image Module.");
  d.reference("Dice LR. Measures of the amount of ecologic association between species. Ecology 1945; 26:297-302.");
}

AnnotationVersions::Result AnnotationVersions::operator()(const DicomFiles& objects, const Image* image, Run& run) const {
  if (image) require_single_component(*image);
  Json other = Json::array();
  const std::vector<AnnotationObject> found = segmentations_in(objects, other);
  if (found.empty()) {
    const std::string reason = other.empty() ? "there are no files" : other.front()["reason"].get<std::string>();
    throw Error(ErrorCode::not_possible, "objects: must hold a segmentation that can be read; " + reason);
  }
  const std::vector<Annotation> annotations = annotations_of(found);
  using Pair = std::pair<const AnnotationObject*, const AnnotationObject*>;
  std::map<Pair, std::size_t> number;  // of the later version; what is compared for the agreement of authors alone is not drawn
  for (const Annotation& annotation : annotations) {
    for (std::size_t v = 0; v < annotation.size(); ++v) {
      if (annotation[v].former) number[{&found[annotation[*annotation[v].former].object], &found[annotation[v].object]}] = v + 1;
    }
  }
  std::map<Pair, std::shared_ptr<const VersionChange>> known;
  std::vector<Panel> panels;
  std::size_t done = 0;
  const auto compare = [&](const AnnotationObject* former, const AnnotationObject& later) {
    const Pair pair{former, &later};
    std::shared_ptr<const VersionChange>& answer = known[pair];
    if (answer) return answer;
    const double all = static_cast<double>(found.size());
    Run part = run.part(std::min(1.0, static_cast<double>(done) / all), std::min(1.0, static_cast<double>(done + 1) / all));
    ++done;
    auto change = std::make_shared<VersionChange>(compare_versions(former, later, part));
    if (number.contains(pair) && panels.size() < most_panels && !change->plane.empty()) {
      panels.push_back(panel_of(change, number[pair], later));
    } else {
      change->plane = {};
    }
    return answer = std::move(change);
  };
  Result result;
  Json described = describe_annotations(found, annotations, compare);
  result.table = table_of(described);
  result.history = {{"annotations", std::move(described)}, {"other", std::move(other)}};
  if (!panels.empty()) result.figure = draw(panels, image);
  return result;
}

}  // namespace gantry
