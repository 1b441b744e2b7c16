// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/figure.h"

#include <limits>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/visualization/canvas.h"
#include "gantry/visualization/contour.h"

namespace gantry {

namespace {

constexpr Color white{255, 255, 255};

/// Where the pixels of a figure lie: millimetres along `right` and `down` from the lattice's origin.
struct View {
  Vec3 right, down;
  double left_mm = 0, top_mm = 0;
  double pixel_mm = 1;
  int width = 0, height = 0;
  Vec3 world(const Vec3& origin, double x, double y) const {
    return origin + (left_mm + (x + 0.5) * pixel_mm) * right + (top_mm + (y + 0.5) * pixel_mm) * down;
  }
};

struct Box2 {
  double left = 0, top = 0, right = 0, bottom = 0;
};

double index_at(const std::vector<double>& positions, double mm) {
  const std::size_t n = positions.size();
  if (n < 2) return mm;
  const auto above = std::upper_bound(positions.begin() + 1, positions.end() - 1, mm);
  const auto low = static_cast<std::size_t>(above - 1 - positions.begin());
  return static_cast<double>(low) + (mm - positions[low]) / (positions[low + 1] - positions[low]);
}

double mm_at(const std::vector<double>& positions, double index) {
  const std::size_t n = positions.size();
  if (n < 2) return index;
  const double base = std::clamp(std::floor(index), 0.0, static_cast<double>(n - 2));
  const auto low = static_cast<std::size_t>(base);
  return positions[low] + (index - base) * (positions[low + 1] - positions[low]);
}

double smallest_step(const std::vector<double>& positions, double single) {
  if (positions.size() < 2) return single;
  return (positions.back() - positions.front()) / static_cast<double>(positions.size() - 1);
}

/// A lattice seen in a figure's frame.
struct Scene {
  Lattice lattice;
  Vec3 right, down;
  double step_u = 1, step_v = 1;

  Scene(Lattice source, const Grid& grid, const PlaneAxes& axes) : lattice(std::move(source)) {
    right = axes.right_flipped ? -1.0 * lattice.u_axis : lattice.u_axis;
    const Vec3 along = axes.down_flipped ? -1.0 * lattice.v_axis : lattice.v_axis;
    down = normalized(along - dot(along, right) * right);
    step_u = smallest_step(lattice.u_mm, grid.spacing_mm()[axes.right]);
    step_v = smallest_step(lattice.v_mm, grid.spacing_mm()[axes.down]);
  }
  explicit Scene(Lattice source) : lattice(std::move(source)) {
    right = lattice.u_axis;
    down = lattice.v_axis;
    step_u = smallest_step(lattice.u_mm, 1);
    step_v = smallest_step(lattice.v_mm, 1);
  }
  /// Index of the sample at millimetres along right and down.
  Point2 index(double p, double q) const {
    const double b = q / dot(lattice.v_axis, down);
    const double a = (p - b * dot(lattice.v_axis, right)) / dot(lattice.u_axis, right);
    return {lattice.u_mm.size() < 2 ? a / step_u : index_at(lattice.u_mm, a),
            lattice.v_mm.size() < 2 ? b / step_v : index_at(lattice.v_mm, b)};
  }
  /// Millimetres along right and down of an index.
  Point2 position(double i, double j) const {
    const double a = lattice.u_mm.size() < 2 ? i * step_u : mm_at(lattice.u_mm, i);
    const double b = lattice.v_mm.size() < 2 ? j * step_v : mm_at(lattice.v_mm, j);
    const Vec3 offset = a * lattice.u_axis + b * lattice.v_axis;
    return {dot(offset, right), dot(offset, down)};
  }
  /// The box of the samples from (i0, j0) to (i1, j1), with half a sample around.
  Box2 box(double i0, double j0, double i1, double j1) const {
    Box2 result{1e300, 1e300, -1e300, -1e300};
    for (const double i : {i0 - 0.5, i1 + 0.5}) {
      for (const double j : {j0 - 0.5, j1 + 0.5}) {
        const Point2 p = position(i, j);
        result = {std::min(result.left, p.x), std::min(result.top, p.y), std::max(result.right, p.x), std::max(result.bottom, p.y)};
      }
    }
    return result;
  }
  Box2 whole() const { return box(0, 0, lattice.width() - 1, lattice.height() - 1); }
};

/// The box of the largest connected piece above a threshold.
std::optional<Box2> body_box(const Scene& scene, std::optional<double> above) {
  const Lattice& lattice = scene.lattice;
  const int width = lattice.width();
  const int height = lattice.height();
  std::vector<float> sorted;
  for (const float value : lattice.values) {
    if (std::isfinite(value)) sorted.push_back(value);
  }
  if (sorted.empty()) return std::nullopt;
  std::sort(sorted.begin(), sorted.end());
  const double low = sorted[sorted.size() / 50];
  const double high = sorted[sorted.size() - 1 - sorted.size() / 50];
  const auto threshold = static_cast<float>(above.value_or(low + 0.3 * (high - low)));
  std::vector<char> seen(lattice.values.size(), 0);
  std::vector<std::pair<int, int>> piece;
  std::size_t most = 0;
  Box2 best;
  for (int j = 0; j < height; ++j) {
    for (int i = 0; i < width; ++i) {
      const auto n = static_cast<std::size_t>(j) * static_cast<std::size_t>(width) + static_cast<std::size_t>(i);
      if (seen[n] || !(lattice.values[n] > threshold)) continue;
      piece.assign(1, {i, j});
      seen[n] = 1;
      int i0 = i;
      int i1 = i;
      int j0 = j;
      int j1 = j;
      for (std::size_t k = 0; k < piece.size(); ++k) {
        const auto [x, y] = piece[k];
        i0 = std::min(i0, x);
        i1 = std::max(i1, x);
        j0 = std::min(j0, y);
        j1 = std::max(j1, y);
        for (const auto& [dx, dy] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}}) {
          const int nx = x + dx;
          const int ny = y + dy;
          if (nx < 0 || ny < 0 || nx >= width || ny >= height) continue;
          const auto m = static_cast<std::size_t>(ny) * static_cast<std::size_t>(width) + static_cast<std::size_t>(nx);
          if (seen[m] || !(lattice.values[m] > threshold)) continue;
          seen[m] = 1;
          piece.emplace_back(nx, ny);
        }
      }
      if (piece.size() > most) {
        most = piece.size();
        best = scene.box(i0, j0, i1, j1);
      }
    }
  }
  if (most < lattice.values.size() / 50) return std::nullopt;
  constexpr double margin_mm = 6;
  const Box2 whole = scene.whole();
  return Box2{std::max(whole.left, best.left - margin_mm), std::max(whole.top, best.top - margin_mm),
              std::min(whole.right, best.right + margin_mm), std::min(whole.bottom, best.bottom + margin_mm)};
}

View view_of(const Scene& scene, const FigureSpec& spec) {
  Box2 box = scene.whole();
  if (spec.extent_mm > 0 && spec.focus_mm) {
    const Vec3 offset = *spec.focus_mm - scene.lattice.origin_mm;
    const Point2 centre{dot(offset, scene.right), dot(offset, scene.down)};
    const double half = spec.extent_mm / 2;
    box = {centre.x - half, centre.y - half, centre.x + half, centre.y + half};
  } else if (spec.crop_to_body) {
    if (const auto body = body_box(scene, spec.body_above)) box = *body;
  }
  View view;
  view.right = scene.right;
  view.down = scene.down;
  const double width_mm = box.right - box.left;
  const double height_mm = box.bottom - box.top;
  view.pixel_mm = width_mm / spec.width_px;
  if (height_mm / view.pixel_mm > spec.max_height_px) view.pixel_mm = height_mm / spec.max_height_px;
  view.width = std::clamp(static_cast<int>(std::lround(width_mm / view.pixel_mm)), 1, spec.width_px);
  view.height = std::clamp(static_cast<int>(std::lround(height_mm / view.pixel_mm)), 1, spec.max_height_px);
  view.left_mm = box.left;
  view.top_mm = box.top;
  return view;
}

std::array<float, 4> cubic_weights(float t) {
  return {((-0.5F * t + 1.0F) * t - 0.5F) * t, (1.5F * t - 2.5F) * t * t + 1.0F, ((-1.5F * t + 2.0F) * t + 0.5F) * t,
          (0.5F * t - 0.5F) * t * t};
}

/// Catmull-Rom sample; NaN outside the lattice.
float cubic_sample(const Lattice& lattice, Point2 at) {
  const int width = lattice.width();
  const int height = lattice.height();
  if (!(at.x >= -0.5 && at.y >= -0.5 && at.x <= width - 0.5 && at.y <= height - 0.5)) return std::numeric_limits<float>::quiet_NaN();
  const int i = static_cast<int>(std::floor(at.x));
  const int j = static_cast<int>(std::floor(at.y));
  const auto wx = cubic_weights(static_cast<float>(at.x - i));
  const auto wy = cubic_weights(static_cast<float>(at.y - j));
  float sum = 0;
  for (int b = 0; b < 4; ++b) {
    const int y = std::clamp(j + b - 1, 0, height - 1);
    float row = 0;
    for (int a = 0; a < 4; ++a) row += wx[static_cast<std::size_t>(a)] * lattice.at(std::clamp(i + a - 1, 0, width - 1), y);
    sum += wy[static_cast<std::size_t>(b)] * row;
  }
  return sum;
}

float part_of(const Window& window, float value) {
  return (value - static_cast<float>(window.centre - window.width / 2)) / static_cast<float>(window.width);
}

/// The pixels without anything drawn on them.
Image pixels(const Scene& scene, const View& view, const FigureSpec& spec, const Run& run) {
  auto rgb = Voxels<std::uint8_t>::uninitialized(Grid({view.width, view.height, 1}, {view.pixel_mm, view.pixel_mm, 1}), 3);
  const auto table = color_table(spec.window.map);
  const auto hot = color_table(spec.fused_window.map);
  const int samples = std::clamp(static_cast<int>(std::ceil(view.pixel_mm / std::min(scene.step_u, scene.step_v) - 0.25)), 1, 4);
  std::optional<WorldSampler> fused;
  if (spec.fused) fused.emplace(*spec.fused, 0.0F);
  const Color outside = color_of(spec.window.map, 0);
  parallel_for(run, view.height, 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t y = begin; y < end; ++y) {
      std::uint8_t* to = rgb.data() + y * view.width * 3;
      for (int x = 0; x < view.width; ++x, to += 3) {
        float sum = 0;
        int inside = 0;
        for (int b = 0; b < samples; ++b) {
          for (int a = 0; a < samples; ++a) {
            const double p = view.left_mm + (x + (a + 0.5) / samples) * view.pixel_mm;
            const double q = view.top_mm + (static_cast<double>(y) + (b + 0.5) / samples) * view.pixel_mm;
            const float value = cubic_sample(scene.lattice, scene.index(p, q));
            if (std::isnan(value)) continue;
            sum += value;
            ++inside;
          }
        }
        Color color = outside;
        if (inside > 0) {
          const float part = std::clamp(part_of(spec.window, sum / static_cast<float>(inside)), 0.0F, 1.0F);
          color = table[static_cast<std::size_t>(std::lround(part * 255))];
        }
        if (fused) {
          const float uptake = fused->linear(view.world(scene.lattice.origin_mm, x, static_cast<double>(y)));
          const float part = std::clamp(part_of(spec.fused_window, uptake), 0.0F, 1.0F);
          // Faint uptake leaves the anatomy alone; strong uptake covers three quarters of it.
          const float cover = 0.75F * std::min(1.0F, part * 2.5F);
          const Color over = hot[static_cast<std::size_t>(std::lround(part * 255))];
          for (std::size_t c = 0; c < 3; ++c) {
            const float mixed = static_cast<float>(color[c]) * (1 - cover) + static_cast<float>(over[c]) * cover;
            color[c] = static_cast<std::uint8_t>(std::lround(mixed));
          }
        }
        std::copy(color.begin(), color.end(), to);
      }
    }
  });
  return Image(std::move(rgb));
}

/// Letters of the patient direction that a picture direction points to, the main one first.
std::string letters_of(Vec3 direction) {
  std::array<std::pair<double, char>, 3> parts{{{std::abs(direction.x), direction.x > 0 ? 'L' : 'R'},
                                                {std::abs(direction.y), direction.y > 0 ? 'P' : 'A'},
                                                {std::abs(direction.z), direction.z > 0 ? 'S' : 'I'}}};
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string letters(1, parts[0].second);
  if (parts[1].first > 0.35) letters += parts[1].second;
  return letters;
}

std::string number_text(double value) {
  std::string text = std::abs(value) >= 100 || value == std::round(value) ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
  if (text == "-0") text = "0";
  return text.starts_with('-') ? "\u2212" + text.substr(1) : text;
}

std::string window_text(const Window& window) {
  const std::string unit = window.unit.empty() ? "" : " " + window.unit;
  if (window.map != ColorMap::grey) {
    return fmt::format("{} \u2013 {}{}", number_text(window.centre - window.width / 2), number_text(window.centre + window.width / 2),
                       unit);
  }
  return fmt::format("C {} W {}{}", number_text(window.centre), number_text(window.width), unit);
}

void annotate(Canvas& canvas, const View& view, const FigureSpec& spec, const std::string& position) {
  const bool light = spec.window.map == ColorMap::inverse || spec.window.map == ColorMap::diverging;
  const Color ink = light ? Color{20, 24, 31} : white;
  // Readable where three figures stand side by side at the same height, and never wider than half of a narrow figure.
  std::vector<std::string> notes;
  notes.push_back(window_text(spec.window));
  if (spec.fused) notes.push_back(window_text(spec.fused_window));
  if (!position.empty()) notes.push_back(position);
  double size = std::clamp(std::max(view.width, view.height) / 34.0, 11.0, 24.0);
  for (const std::string& note : notes) {
    const double wide = canvas.measure(note, {.size = size}).width;
    if (wide > 0.55 * view.width) size = std::max(9.0, size * 0.55 * view.width / wide);
  }
  const double pad = 0.55 * size;
  TextStyle style{.size = size, .paint = {ink, 0.95}, .halo = light ? 0 : size / 13};
  TextStyle letter = style;
  letter.bold = true;
  letter.size = 1.1 * size;
  letter.align = TextStyle::Align::centre;
  const double line = canvas.measure("R", letter).height;
  const double middle_x = view.width / 2.0;
  const double middle_y = (view.height - line) / 2.0;
  canvas.text(middle_x, pad / 2, letters_of(-1.0 * view.down), letter);
  canvas.text(middle_x, view.height - line - pad / 2, letters_of(view.down), letter);
  letter.align = TextStyle::Align::left;
  canvas.text(pad, middle_y, letters_of(-1.0 * view.right), letter);
  letter.align = TextStyle::Align::right;
  canvas.text(view.width - pad, middle_y, letters_of(view.right), letter);

  // Window and position, lower left.
  double y = view.height - pad;
  TextBox patch;
  for (const std::string& note : notes) {
    const TextBox box = canvas.measure(note, style);
    patch = {std::max(patch.width, box.width), patch.height + box.height, 0};
  }
  const Paint behind{light ? white : Color{0, 0, 0}, 0.5};
  canvas.rectangle(pad / 2, y - patch.height - pad / 4, patch.width + pad, patch.height + pad / 2, behind, 4);
  for (auto note = notes.rbegin(); note != notes.rend(); ++note) {
    y -= canvas.measure(*note, style).height;
    canvas.text(pad, y, *note, style);
  }

  // Scale bar, lower right: the longest round length within a fifth of the width.
  double bar_mm = 1;
  for (const double length : {2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0}) {
    if (length / view.pixel_mm <= 0.22 * view.width) bar_mm = length;
  }
  const double bar = bar_mm / view.pixel_mm;
  if (bar < 0.5 * view.width) {
    const double x1 = view.width - pad - 2;
    const double bar_y = view.height - pad - 3;
    const std::string length = bar_mm >= 10 ? fmt::format("{:.0f} cm", bar_mm / 10) : fmt::format("{:.0f} mm", bar_mm);
    const TextBox box = canvas.measure(length, style);
    const double middle = std::min(x1 - bar / 2, x1 - box.width / 2);
    const double reach = std::max(bar, box.width);
    canvas.rectangle(x1 - reach - pad / 2, bar_y - box.height - 2 - pad / 4, reach + pad, box.height + 5 + pad / 2, behind, 4);
    canvas.rectangle(x1 - bar, bar_y, bar, 3, {ink, 0.95});
    style.align = TextStyle::Align::centre;
    canvas.text(middle, bar_y - box.height - 2, length, style);
  }
}

void draw_outlines(Canvas& canvas, const Scene& scene, const View& view, const Labels& labels, const Grid& image_grid, Plane plane,
                   std::int64_t slice, const FigureSpec& spec) {
  const int width = scene.lattice.width();
  const int height = scene.lattice.height();
  std::vector<std::int32_t> values(scene.lattice.values.size());
  if (labels.image().grid().same_space(image_grid, 1e-2)) {
    const Lattice cut = extract_slice(labels.image(), plane, slice);
    std::transform(cut.values.begin(), cut.values.end(), values.begin(), [](float v) { return static_cast<std::int32_t>(v); });
  } else {
    const WorldSampler sampler(labels.image(), 0);
    for (int j = 0; j < height; ++j) {
      for (int i = 0; i < width; ++i) {
        const Vec3 world = scene.lattice.origin_mm + scene.lattice.u_mm[static_cast<std::size_t>(i)] * scene.lattice.u_axis +
                           scene.lattice.v_mm[static_cast<std::size_t>(j)] * scene.lattice.v_axis;
        values[static_cast<std::size_t>(j) * static_cast<std::size_t>(width) + static_cast<std::size_t>(i)] =
            static_cast<std::int32_t>(sampler.nearest(world));
      }
    }
  }
  std::vector<int> order = spec.outlined;
  if (order.empty()) {
    for (const Label& label : labels.table()) order.push_back(label.value);
  }
  std::vector<std::uint8_t> mask(values.size());
  for (const int value : order) {
    const Label* label = labels.find(value);
    if (!label) continue;
    std::transform(values.begin(), values.end(), mask.begin(), [&](std::int32_t v) { return static_cast<std::uint8_t>(v == value); });
    std::vector<Polyline> shapes = outline(mask, width, height, scene.step_u, scene.step_v);
    for (Polyline& shape : shapes) {
      for (Point2& point : shape) {
        const Point2 at = scene.position(point.x, point.y);
        point = {(at.x - view.left_mm) / view.pixel_mm, (at.y - view.top_mm) / view.pixel_mm};
      }
    }
    if (spec.fill > 0) canvas.fill(shapes, {label->color, spec.fill});
    if (spec.outline_px > 0) canvas.stroke(shapes, true, spec.outline_px, {label->color, 1});
  }
}

void draw_markers(Canvas& canvas, const Scene& scene, const View& view, const FigureSpec& spec, double reach_mm) {
  const double size = std::clamp(std::max(view.width, view.height) / 36.0, 12.0, 22.0);
  const Vec3 normal = normalized(cross(scene.right, scene.down));
  for (const Marker& marker : spec.markers) {
    const Vec3 offset = marker.position_mm - scene.lattice.origin_mm;
    if (!(std::abs(dot(offset, normal)) <= marker.radius_mm + reach_mm)) continue;
    const Point2 at{(dot(offset, scene.right) - view.left_mm) / view.pixel_mm, (dot(offset, scene.down) - view.top_mm) / view.pixel_mm};
    if (!(at.x >= 0 && at.y >= 0 && at.x <= view.width && at.y <= view.height)) continue;
    const Paint shadow{{0, 0, 0}, 0.6};
    const Paint paint{marker.color, 1};
    const double radius = std::max(marker.radius_mm / view.pixel_mm, 7.0);
    // The tag points away from the nearer side, so that it stays within the figure.
    const double side = at.x + radius + 2.5 * size > view.width ? -1 : 1;
    const double rise = at.y - radius - 2.5 * size < 0 ? 1 : -1;
    const double c = 0.70710678;
    const Point2 edge{at.x + side * c * (radius + 2), at.y + rise * c * (radius + 2)};
    const Point2 tag{edge.x + side * (marker.arrow ? 1.8 : 0.6) * size, edge.y + rise * (marker.arrow ? 1.8 : 0.6) * size};
    if (marker.arrow) {
      const double head = 0.45 * size;
      const std::vector<Polyline> lines{
          {tag, edge}, {{edge.x + side * head, edge.y + 0.15 * rise * head}, edge, {edge.x + 0.15 * side * head, edge.y + rise * head}}};
      canvas.stroke(lines, false, 5, shadow);
      canvas.stroke(lines, false, 2.5, paint);
    } else {
      canvas.circle(at, radius, std::nullopt, shadow, 4.5);
      canvas.circle(at, radius, std::nullopt, paint, 2);
    }
    if (marker.number == 0) continue;
    canvas.circle(tag, 0.75 * size, paint, shadow, 1);
    TextStyle style{.size = 0.95 * size, .bold = true, .paint = {{20, 24, 31}, 1}, .align = TextStyle::Align::centre, .tabular = true};
    const std::string number = std::to_string(marker.number);
    canvas.text(tag.x, tag.y - canvas.measure(number, style).height / 2, number, style);
  }
}

void check(const Image& image, const FigureSpec& spec) {
  if (image.empty()) throw Error(ErrorCode::parameter, "figure: needs an image; got none");
  if (is_complex(image.type())) throw Error(ErrorCode::not_possible, "figure: needs real values; the image is complex");
  const auto side_is_good = [](int side) { return side >= 16 && side <= 4096; };
  if (!side_is_good(spec.width_px) || !side_is_good(spec.max_height_px)) {
    throw Error(ErrorCode::parameter,
                fmt::format("figure: sides must lie between 16 and 4096 pixels; got {} x {}", spec.width_px, spec.max_height_px));
  }
  for (const Window* window : {&spec.window, &spec.fused_window}) {
    if (!(window->width > 0 && std::isfinite(window->width) && std::isfinite(window->centre))) {
      throw Error(ErrorCode::parameter,
                  fmt::format("window: needs a finite centre and a width above 0; got {} and {}", window->centre, window->width));
    }
  }
}

Image with_grid(const Canvas& canvas, const View& view) {
  const Image result = canvas.image();
  return result.on(Grid(result.grid().size(), {view.pixel_mm, view.pixel_mm, 1}));
}

}  // namespace

Window suv_window(double upper, std::string unit) { return {upper / 2, upper, std::move(unit), ColorMap::inverse}; }

Window body_window(const Image& image) {
  const double tenth = 0.1 * sampled_quantiles(image, 0, {0.99}).front();
  const std::vector<double> ends = sampled_quantiles(image, tenth, {0.005, 0.995});
  const double width = ends[1] - ends[0];
  if (!(width > 0)) return {ends[0], 1, "", ColorMap::grey};
  return {0.5 * (ends[0] + ends[1]), width, "", ColorMap::grey};
}

Image figure(const Image& image, const Labels* labels, const FigureSpec& spec, const Run& run) {
  check(image, spec);
  if (spec.projection != Projection::none) return projection_figure(image, spec, run);
  const Grid& grid = image.grid();
  const PlaneAxes axes = plane_axes(grid, spec.plane);
  const std::int64_t slice = slice_index(grid, spec.plane, spec.position_mm);
  const Scene scene(extract_slice(image, spec.plane, slice), grid, axes);
  const View view = view_of(scene, spec);
  const std::unique_ptr<Canvas> canvas = Canvas::bitmap(view.width, view.height, {0, 0, 0});
  canvas->picture(pixels(scene, view, spec, run), 0, 0, view.width, view.height);
  if (labels && !labels->image().empty()) draw_outlines(*canvas, scene, view, *labels, grid, spec.plane, slice, spec);
  draw_markers(*canvas, scene, view, spec, 0.5 * grid.spacing_mm()[axes.through]);
  if (spec.annotations) {
    const Vec3 centre = view.world(scene.lattice.origin_mm, view.width / 2.0, view.height / 2.0);
    const int patient = spec.plane == Plane::axial ? 2 : spec.plane == Plane::coronal ? 1 : 0;
    std::string position = fmt::format("{:.1f}", centre[patient]);
    if (position == "-0.0") position = "0.0";
    if (position.starts_with('-')) position = "\u2212" + position.substr(1);
    annotate(*canvas, view, spec, fmt::format("{} {} mm", "xyz"[patient], position));
  }
  return with_grid(*canvas, view);
}

Image projection_figure(const Image& image, const FigureSpec& spec, const Run& run) {
  check(image, spec);
  const Projection projection = spec.projection == Projection::none ? Projection::maximum : spec.projection;
  const Grid& grid = image.grid();
  const bool slab = spec.slab_mm > 0;
  const bool turned = spec.angle_degrees != 0;
  const PlaneAxes axes = plane_axes(grid, spec.plane);
  std::int64_t first = 0;
  std::int64_t last = grid.size(axes.through) - 1;
  if (slab && !turned) {
    const std::int64_t middle = slice_index(grid, spec.plane, spec.position_mm);
    const auto half = static_cast<std::int64_t>(0.5 * spec.slab_mm / grid.spacing_mm()[axes.through]);
    first = std::max<std::int64_t>(0, middle - half);
    last = std::min(last, middle + half);
  }
  const Scene scene = turned ? Scene(project_rotated(image, spec.angle_degrees, projection, run))
                             : Scene(project_slices(image, spec.plane, first, last, projection, run), grid, axes);
  FigureSpec plain = spec;
  plain.fused = nullptr;
  const View view = view_of(scene, plain);
  const std::unique_ptr<Canvas> canvas = Canvas::bitmap(view.width, view.height, {0, 0, 0});
  canvas->picture(pixels(scene, view, plain, run), 0, 0, view.width, view.height);
  draw_markers(*canvas, scene, view, plain, slab && !turned ? 0.5 * spec.slab_mm : 1e9);
  if (spec.annotations) {
    const char* word = projection == Projection::maximum ? "MIP" : projection == Projection::minimum ? "MinIP" : "mean";
    const std::string text = slab && !turned ? fmt::format("{} {:.0f} mm", word, spec.slab_mm) : std::string(word);
    annotate(*canvas, view, plain, text);
  }
  return with_grid(*canvas, view);
}

Image montage(std::span<const Image> images, int columns, int gap_px, Color background) {
  if (images.empty() || !(columns >= 1 && columns <= 64) || !(gap_px >= 0 && gap_px <= 256)) {
    throw Error(ErrorCode::parameter, fmt::format("montage: needs images, 1 to 64 columns and a gap of 0 to 256; got {}, {} and {}",
                                                  images.size(), columns, gap_px));
  }
  columns = std::min<int>(columns, static_cast<int>(images.size()));
  const auto cell = static_cast<double>(images.front().grid().size(0));
  const auto height_of = [&](const Image& image) {
    return std::round(cell * static_cast<double>(image.grid().size(1)) / static_cast<double>(image.grid().size(0)));
  };
  std::vector<double> row_heights;
  for (std::size_t n = 0; n < images.size(); ++n) {
    if (n % static_cast<std::size_t>(columns) == 0) row_heights.push_back(0);
    row_heights.back() = std::max(row_heights.back(), height_of(images[n]));
  }
  double height = gap_px * static_cast<double>(row_heights.size() - 1);
  for (const double row : row_heights) height += row;
  const double width = columns * cell + (columns - 1) * gap_px;
  const std::unique_ptr<Canvas> canvas = Canvas::bitmap(static_cast<int>(width), static_cast<int>(height), background);
  double y = 0;
  for (std::size_t n = 0; n < images.size(); ++n) {
    const auto column = static_cast<double>(n % static_cast<std::size_t>(columns));
    const std::size_t row = n / static_cast<std::size_t>(columns);
    if (column == 0 && row > 0) y += row_heights[row - 1] + gap_px;
    const double own = height_of(images[n]);
    canvas->picture(images[n], column * (cell + gap_px), y + std::floor((row_heights[row] - own) / 2), cell, own);
  }
  return canvas->image();
}

std::vector<Vec3> spread_positions(const Image& image, const Labels* labels, const std::vector<int>& values, Plane plane, int count) {
  if (!(count >= 1 && count <= 1000)) throw Error(ErrorCode::parameter, fmt::format("count: must lie between 1 and 1000; got {}", count));
  const bool labelled = labels && !labels->image().empty();
  const Grid& grid = labelled ? labels->image().grid() : image.grid();
  const int axis = plane_axes(grid, plane).through;
  const std::int64_t slices = grid.size(axis);
  double first = 0.1 * static_cast<double>(slices - 1);
  double last = 0.9 * static_cast<double>(slices - 1);
  if (labelled) {
    std::int64_t low = slices;
    std::int64_t high = -1;
    std::array<std::int64_t, 3> at{};
    visit_real(labels->image(), [&](const auto& view) {
      const auto wanted = [&](int value) {
        if (value == 0) return false;
        return values.empty() ? labels->find(value) != nullptr : std::find(values.begin(), values.end(), value) != values.end();
      };
      std::int64_t n = 0;
      for (at[2] = 0; at[2] < grid.size(2); ++at[2]) {
        for (at[1] = 0; at[1] < grid.size(1); ++at[1]) {
          for (at[0] = 0; at[0] < grid.size(0); ++at[0], ++n) {
            if (view[n] == 0) continue;
            const std::int64_t s = at[static_cast<std::size_t>(axis)];
            if (s >= low && s <= high) continue;
            if (!wanted(static_cast<int>(view[n]))) continue;
            low = std::min(low, s);
            high = std::max(high, s);
          }
        }
      }
    });
    if (high >= 0) {
      first = static_cast<double>(low);
      last = static_cast<double>(high);
    }
  }
  std::vector<Vec3> result;
  for (int n = 0; n < count; ++n) {
    Vec3 voxel{0.5 * static_cast<double>(grid.size(0) - 1), 0.5 * static_cast<double>(grid.size(1) - 1),
               0.5 * static_cast<double>(grid.size(2) - 1)};
    voxel[axis] = std::round(first + (n + 0.5) / count * (last - first));
    result.push_back(grid.world_from_voxel(voxel));
  }
  return result;
}

}  // namespace gantry
