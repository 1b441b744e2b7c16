// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/video/track.h"

#include "gantry/video/frames.h"
#include "gantry/video/tracker.h"
#include "gantry/visualization/chart.h"

namespace gantry {

namespace {

constexpr std::size_t most_points = 20000;

Vec3 world_of(const Grid& grid, PixelPoint p) { return grid.world_from_voxel({p.i, p.j, 0}); }

std::vector<PixelPoint> pixels_of(const PointSet& points, const Grid& grid) {
  if (points.positions_mm.empty()) throw Error(ErrorCode::not_possible, "points: must be at least one; there is none");
  if (points.positions_mm.size() > most_points)
    throw Error(ErrorCode::refused, fmt::format("points: at most {} are followed; there are {}", most_points, points.positions_mm.size()));
  std::vector<PixelPoint> pixels;
  for (std::size_t n = 0; n < points.positions_mm.size(); ++n) {
    const Vec3 v = grid.voxel_from_world(points.positions_mm[n]);
    const bool inside =
        v.x >= -0.5 && v.y >= -0.5 && v.x <= static_cast<double>(grid.size(0)) - 0.5 && v.y <= static_cast<double>(grid.size(1)) - 0.5;
    if (!inside || !(std::abs(v.z) <= 0.5)) {
      throw Error(
          ErrorCode::not_possible,
          fmt::format("points: must lie in the plane of the video; point {} lies at pixel ({:.1f}, {:.1f}), {:.1f} slices beside it", n + 1,
                      v.x, v.y, v.z));
    }
    pixels.push_back({v.x, v.y});
  }
  return pixels;
}

/// Of `points`, the first `count` around which at least a quarter of the pixels change by a twentieth of the range in some of eight
/// frames: words and scales that are burnt into an ultrasound never do. All the same where nothing changes.
std::vector<PixelPoint> moving_points(const std::vector<PixelPoint>& points, std::size_t count, const Image& frames, int window) {
  const std::vector<float> first = grey_frame(frames, 0);
  std::vector<float> change(first.size(), 0.0F);
  for (std::int64_t n = 1; n < 8; ++n) {
    const std::vector<float> other = grey_frame(frames, n * (frames.frames() - 1) / 7);
    for (std::size_t v = 0; v < first.size(); ++v) change[v] = std::max(change[v], std::abs(other[v] - first[v]));
  }
  const auto [low, high] = display_range(first);
  const auto columns = static_cast<int>(frames.grid().size(0)), rows = static_cast<int>(frames.grid().size(1));
  std::vector<PixelPoint> chosen;
  for (const PixelPoint& p : points) {
    int changing = 0, all = 0;
    for (int j = std::max(0, static_cast<int>(p.j) - window / 2); j <= std::min(rows - 1, static_cast<int>(p.j) + window / 2); ++j) {
      for (int i = std::max(0, static_cast<int>(p.i) - window / 2); i <= std::min(columns - 1, static_cast<int>(p.i) + window / 2);
           ++i, ++all)
        changing +=
            change[static_cast<std::size_t>(j) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(i)] > 0.05F * (high - low)
                ? 1
                : 0;
    }
    if (4 * changing >= all && chosen.size() < count) chosen.push_back(p);
  }
  if (chosen.empty()) chosen.assign(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(std::min(count, points.size())));
  return chosen;
}

Image track_figure(const Image& frames, const std::vector<PointTrack>& tracks, const std::vector<double>& times) {
  constexpr int panel = 480, gap = 20, chart_width = 560;
  const Grid& grid = frames.grid();
  const double wide = static_cast<double>(grid.size(0)) * grid.spacing_mm().x,
               high = static_cast<double>(grid.size(1)) * grid.spacing_mm().y;
  const int height = std::clamp(static_cast<int>(std::lround(panel * high / wide)), 240, 900);
  const auto canvas = Canvas::bitmap(panel + gap + chart_width, height, {0xff, 0xff, 0xff});
  canvas->picture(picture_frame(frames, 0, display_range(grey_frame(frames, 0))), 0, 0, panel, height);
  const auto on_canvas = [&](PixelPoint p) {
    return Point2{(p.i + 0.5) * panel / static_cast<double>(grid.size(0)), (p.j + 0.5) * height / static_cast<double>(grid.size(1))};
  };
  Chart chart;
  chart.x_axis = times.empty() ? "Frame" : "Time (s)";
  chart.y_axis = "Distance from the first position (mm)";
  canvas->clip(0, 0, panel, height);
  for (std::size_t n = 0; n < tracks.size(); ++n) {
    const Color color = okabe_ito[n % 6];
    Polyline way;
    for (const PixelPoint& p : tracks[n].at) way.push_back(on_canvas(p));
    canvas->stroke({way}, false, 3.5, {{0, 0, 0}, 0.5});
    canvas->stroke({way}, false, 2, {color});
    canvas->circle(way.front(), 3.5, Paint{color}, Paint{{0xff, 0xff, 0xff}}, 1);
    if (n >= 6) continue;
    canvas->text(way.front().x + 6, way.front().y - 18, fmt::format("{}", n + 1),
                 {.size = 14, .bold = true, .paint = {{0xff, 0xff, 0xff}}, .halo = 2});
    Chart::Series series{fmt::format("{}", n + 1), {}, {}, {}, {}, color};
    for (std::size_t t = 0; t < tracks[n].at.size(); ++t) {
      series.x.push_back(times.empty() ? static_cast<double>(t) : times[t]);
      series.y.push_back(norm(world_of(grid, tracks[n].at[t]) - world_of(grid, tracks[n].at[0])));
    }
    chart.series.push_back(std::move(series));
  }
  canvas->unclip();
  draw_chart(*canvas, chart, panel + gap, 8, chart_width - 12, height - 16);
  return canvas->image();
}

}  // namespace

void PointTracking::describe(Description<PointTracking>& d) {
  d.summary("Follows points through a video by the pattern around them: speckle, tissue, instruments.");
  d.input("video", "Video of one slice: DICOM of several frames, a video file, or an image with frames");
  d.input("points", "Points of the first frame in LPS mm; without them those with the most texture are taken");
  d.parameter("window", &PointTracking::window, "Side of the square around a point that is found again, odd").unit("pixels").range(5, 201);
  d.parameter("levels", &PointTracking::levels, "Resolutions, each half the one before: more find faster motion").range(1, 8);
  d.parameter("count", &PointTracking::count, "So many points are chosen where none are given").range(1, 10000);
  d.parameter("min_correlation", &PointTracking::min_correlation, "A point whose surroundings resemble themselves less is lost")
      .range(0, 1);
  d.rule([](const PointTracking& p) {
    if (p.window % 2 == 0) throw Error(ErrorCode::parameter, fmt::format("window: must be odd; got {}", p.window));
  });
  d.output("tracks", &Result::tracks, "Where each point lies in each frame");
  d.output("summary", &Result::summary, "How many points were followed to the end, and how far they moved");
  d.output("figure", &Result::figure, "The ways on the first frame, and the distances over time");
  d.example("gantry video track cine.dcm tracks.csv --points landmarks.csv --summary tracks.json");
  d.reference("Lucas BD, Kanade T. An iterative image registration technique with an application to stereo vision. IJCAI 1981; 674-679.");
  d.reference(
      "Baker S, Matthews I. Lucas-Kanade 20 years on: a unifying framework. International Journal of Computer Vision 2004; 56:221-255.");
  d.reference(
      "Matthews I, Ishikawa T, Baker S. The template update problem. IEEE Transactions on Pattern Analysis and Machine Intelligence 2004; "
      "26:810-815.");
  d.reference("Shi J, Tomasi C. Good features to track. CVPR 1994; 593-600.");
}

PointTracking::Result PointTracking::operator()(const Video& video, const PointSet* points, Run& run) const {
  check_parameters(*this);
  const Image& frames = video.frames;
  const Grid& grid = frames.grid();
  if (is_complex(frames.type())) throw Error(ErrorCode::not_possible, "video: must be real; is complex");
  if (grid.size(2) != 1) throw Error(ErrorCode::not_possible, fmt::format("video: must have one slice; has {}", grid.size(2)));
  if (frames.frames() < 2)
    throw Error(ErrorCode::not_possible, fmt::format("video: must have at least two frames; has {}", frames.frames()));
  if (std::min(grid.size(0), grid.size(1)) < window)
    throw Error(ErrorCode::not_possible, fmt::format("video: must be at least as large as the window of {} pixels; has {} x {}", window,
                                                     grid.size(0), grid.size(1)));
  const auto plane = [&](int n) {
    return pyramid_of(grey_frame(frames, n), static_cast<int>(grid.size(0)), static_cast<int>(grid.size(1)), levels);
  };
  const std::vector<PixelPoint> starts =
      points ? pixels_of(*points, grid)
             : moving_points(textured_points(plane(0), 4 * count + 400, window, run), static_cast<std::size_t>(count), frames, window);
  if (starts.empty()) throw Error(ErrorCode::not_possible, "video: its first frame has no texture that could be followed");
  const TrackerOptions options{.window = window, .min_correlation = min_correlation};
  const auto count_of_frames = static_cast<int>(frames.frames());
  const std::vector<PointTrack> tracks = track_points(starts, count_of_frames, plane, options, run);
  Result result;
  result.tracks = Table({"point", "name", "frame", "time_s", "x_mm", "y_mm", "z_mm", "i", "j", "correlation"});
  Json rows = Json::array();
  std::int64_t whole = 0;
  double highest = 0, sum = 0;
  for (std::size_t n = 0; n < tracks.size(); ++n) {
    const std::string name = points && !points->names.empty() ? points->names[n] : std::string();
    const Vec3 from = world_of(grid, tracks[n].at[0]);
    double largest = 0, path = 0;
    Vec3 last = from;
    for (std::size_t t = 0; t < tracks[n].at.size(); ++t) {
      const PixelPoint p = tracks[n].at[t];
      const Vec3 at = world_of(grid, p);
      largest = std::max(largest, norm(at - from));
      path += norm(at - last);
      last = at;
      result.tracks.add({static_cast<double>(n + 1), name.empty() ? Table::Cell() : Table::Cell(name), static_cast<double>(t),
                         video.times_s.empty() ? Table::Cell() : Table::Cell(video.times_s[t]), at.x, at.y, at.z, p.i, p.j,
                         tracks[n].correlations[t]});
    }
    whole += static_cast<int>(tracks[n].at.size()) == count_of_frames ? 1 : 0;
    highest = std::max(highest, largest);
    sum += largest;
    rows.push_back({{"point", n + 1},
                    {"name", name},
                    {"frames", tracks[n].at.size()},
                    {"largest_mm", largest},
                    {"path_mm", path},
                    {"end_mm", norm(last - from)}});
  }
  const auto lost = static_cast<std::int64_t>(tracks.size()) - whole;
  if (lost > 0) run.warn(fmt::format("{} of {} points were lost before the last frame", lost, tracks.size()));
  result.summary = {{"frames", count_of_frames}, {"points", tracks.size()},
                    {"tracked", whole},          {"lost", lost},
                    {"largest_mm", highest},     {"mean_largest_mm", sum / static_cast<double>(tracks.size())},
                    {"rows", std::move(rows)}};
  result.figure = track_figure(frames, tracks, video.times_s);
  return result;
}

}  // namespace gantry
