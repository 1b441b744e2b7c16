// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/chart.h"

#include "gantry/base/text.h"
#include "gantry/visualization/color_map.h"

namespace gantry {

namespace {

constexpr std::size_t most_series = 12;
constexpr std::size_t most_points = 4000;

/// A role that themes fill in, or a colour of the data.
enum class Ink { text, quiet, line, background, data };

struct Stroke {
  Polyline points;
  Ink ink = Ink::line;
  Color color{};
  double width = 1;
  bool dashed = false;
};
struct Area {
  Polyline points;
  Color color{};
  double alpha = 1;
};
struct Word {
  double x = 0, y = 0; /* top of the line */
  std::string text;
  double size = 12;
  Ink ink = Ink::quiet;
  TextStyle::Align align = TextStyle::Align::left;
  bool halo = false; /* on a patch of background */
};
/// A chart laid out: areas lie under strokes, strokes under words.
struct Drawing {
  std::vector<Stroke> grid;
  std::vector<Area> areas;
  std::vector<Stroke> strokes;
  std::vector<Word> words;
};

class Layout {
 public:
  Layout(const Chart& chart, double width, double height)
      : chart_(chart), width_(width), height_(height), ruler_(Canvas::bitmap(1, 1, {255, 255, 255})) {
    for (std::size_t n = 0; n < std::min(chart.series.size(), most_series); ++n) {
      Color color = chart.series[n].color;
      if (color == Color{}) color = okabe_ito[n % okabe_ito.size()];
      colors_.push_back(color);
    }
  }

  Drawing draw() {
    find_ranges();
    place_plot();
    draw_axes();
    for (std::size_t n = 0; n < colors_.size(); ++n) {
      if (chart_.bars) {
        draw_bars(n);
      } else {
        draw_line(n);
      }
    }
    draw_marks();
    if (labelled_at_end_) {
      label_ends();
    } else {
      draw_legend();
    }
    return std::move(drawing_);
  }

 private:
  const Chart& chart_;
  double width_, height_;
  std::unique_ptr<Canvas> ruler_;
  std::vector<Color> colors_;
  Drawing drawing_;
  double left_ = 0, right_ = 0, top_ = 0, bottom_ = 0;
  Ticks x_ticks_, y_ticks_;
  double x_low_ = 0, x_high_ = 1;
  double bin_ = 1;
  bool labelled_at_end_ = false;
  double legend_height_ = 0;
  struct Mark {
    double x = 0, begin = 0;
    std::size_t row = 0;
    std::string word;
  };
  std::vector<Mark> marks_;
  std::size_t mark_rows_ = 0;

  static constexpr double size_ = 12;
  static constexpr double row_ = 16;

  double measure(std::string_view text) const {
    return ruler_->measure(text, {.size = size_, .tabular = true, .language = chart_.language}).width;
  }
  double to_x(double value) const { return left_ + (value - x_low_) / (x_high_ - x_low_) * (right_ - left_); }
  double to_y(double value) const { return bottom_ - (value - y_ticks_.first) / (y_ticks_.last - y_ticks_.first) * (bottom_ - top_); }
  std::size_t points(std::size_t n) const { return std::min({chart_.series[n].x.size(), chart_.series[n].y.size(), most_points}); }
  bool has_band(std::size_t n) const {
    const auto& series = chart_.series[n];
    return series.low.size() >= points(n) && series.high.size() >= points(n) && points(n) > 0;
  }

  void find_ranges() {
    double x0 = 1e300;
    double x1 = -1e300;
    double y0 = 1e300;
    double y1 = -1e300;
    bin_ = 1e300;
    for (std::size_t n = 0; n < colors_.size(); ++n) {
      const auto& series = chart_.series[n];
      for (std::size_t k = 0; k < points(n); ++k) {
        if (!std::isfinite(series.x[k]) || !std::isfinite(series.y[k])) continue;
        x0 = std::min(x0, series.x[k]);
        x1 = std::max(x1, series.x[k]);
        y0 = std::min({y0, series.y[k], has_band(n) && std::isfinite(series.low[k]) ? series.low[k] : series.y[k]});
        y1 = std::max({y1, series.y[k], has_band(n) && std::isfinite(series.high[k]) ? series.high[k] : series.y[k]});
        if (k > 0 && series.x[k] > series.x[k - 1]) bin_ = std::min(bin_, series.x[k] - series.x[k - 1]);
      }
    }
    if (!(x0 <= x1)) x0 = 0, x1 = 1, y0 = 0, y1 = 1;
    if (!(bin_ < 1e299)) bin_ = x1 > x0 ? x1 - x0 : 1;
    if (chart_.bars) {
      y0 = std::min(y0, 0.0);
      y1 = std::max(y1, 0.0);
      x0 -= bin_ / 2;
      x1 += bin_ / 2;
    }
    if (!(x1 > x0)) x0 -= 0.5, x1 += 0.5;
    if (!(y1 > y0)) y1 = y0 + (y0 != 0 ? std::abs(y0) * 0.1 : 1);
    x_low_ = x0;
    x_high_ = x1;
    y_ticks_ = nice_ticks(y0, y1, height_ > 240 ? 5 : 4);
  }

  void place_plot() {
    double tick_width = 0;
    for (const double value : y_ticks_.values()) tick_width = std::max(tick_width, measure(y_ticks_.text(value)));
    left_ = std::ceil(tick_width + 8);
    right_ = width_ - 8;
    double longest = 0;
    for (std::size_t n = 0; n < colors_.size(); ++n) longest = std::max(longest, measure(chart_.series[n].name));
    labelled_at_end_ = !chart_.bars && colors_.size() >= 2 && colors_.size() <= 4 && longest + 22 < 0.34 * width_;
    if (labelled_at_end_) right_ = width_ - longest - 22;
    legend_height_ = 0;
    if (!labelled_at_end_ && colors_.size() >= 2) {
      legend_height_ = row_;
      double x = 0;
      for (std::size_t n = 0; n < colors_.size(); ++n) {
        const double item = measure(chart_.series[n].name) + 34;
        if (x > 0 && x + item > width_) {
          x = 0;
          legend_height_ += row_;
        }
        x += item;
      }
      legend_height_ += 6;
    }
    place_marks();
    top_ = marks_top() + row_ * static_cast<double>(mark_rows_) + (mark_rows_ > 0 ? 2 : 0);
    bottom_ = height_ - row_ - 6 - (chart_.x_axis.empty() ? 0 : row_);
    x_ticks_ = nice_ticks(x_low_, x_high_, std::clamp(static_cast<int>((right_ - left_) / 80), 2, 8));
  }

  void draw_axes() {
    for (const double value : y_ticks_.values()) {
      const double y = std::round(to_y(value)) + 0.5;
      const bool zero = value == 0;
      drawing_.grid.push_back({{{left_, y}, {right_, y}}, zero ? Ink::quiet : Ink::line, {}, 1, false});
      drawing_.words.push_back({left_ - 6, y - row_ / 2, y_ticks_.text(value), size_, Ink::quiet, TextStyle::Align::right, false});
    }
    double free_from = -1e300;
    for (const double value : x_ticks_.values()) {
      if (value < x_low_ - 1e-9 * std::abs(x_high_ - x_low_) || value > x_high_ + 1e-9 * std::abs(x_high_ - x_low_)) continue;
      const double x = to_x(value);
      drawing_.grid.push_back({{{x, bottom_}, {x, bottom_ + 4}}, Ink::quiet, {}, 1, false});
      const std::string text = x_ticks_.text(value);
      const double half = measure(text) / 2;
      const double at = std::clamp(x, half, std::max(half, width_ - half));
      if (at - half < free_from) continue;
      free_from = at + half + 6;
      drawing_.words.push_back({at, bottom_ + 5, text, size_, Ink::quiet, TextStyle::Align::centre, false});
    }
    drawing_.grid.push_back({{{left_, bottom_ + 0.5}, {right_, bottom_ + 0.5}}, Ink::quiet, {}, 1, false});
    if (!chart_.y_axis.empty()) {
      drawing_.words.push_back({0, legend_height_, chart_.y_axis, size_, Ink::quiet, TextStyle::Align::left, false});
    }
    if (!chart_.x_axis.empty()) {
      drawing_.words.push_back({right_, bottom_ + row_ + 4, chart_.x_axis, size_, Ink::quiet, TextStyle::Align::right, false});
    }
  }

  void draw_bars(std::size_t n) {
    const auto& series = chart_.series[n];
    const double group = bin_ / (x_high_ - x_low_) * (right_ - left_);
    const double gap = group > 6 ? 1 : 0;
    const double each = (group - gap) / static_cast<double>(colors_.size());
    for (std::size_t k = 0; k < points(n); ++k) {
      if (!std::isfinite(series.x[k]) || !std::isfinite(series.y[k]) || series.y[k] == 0) continue;
      const double x = to_x(series.x[k]) - (group - gap) / 2 + each * static_cast<double>(n);
      const double y = to_y(series.y[k]);
      const double base = to_y(0);
      drawing_.areas.push_back({{{x, y}, {x + each, y}, {x + each, base}, {x, base}}, colors_[n], 1});
    }
  }

  void draw_line(std::size_t n) {
    const auto& series = chart_.series[n];
    if (has_band(n)) {
      Polyline band;
      for (std::size_t k = 0; k < points(n); ++k) {
        if (std::isfinite(series.high[k])) band.push_back({to_x(series.x[k]), to_y(series.high[k])});
      }
      for (std::size_t k = points(n); k-- > 0;) {
        if (std::isfinite(series.low[k])) band.push_back({to_x(series.x[k]), to_y(series.low[k])});
      }
      drawing_.areas.push_back({std::move(band), colors_[n], 0.18});
    }
    Stroke line{{}, Ink::data, colors_[n], 2, false};
    for (std::size_t k = 0; k < points(n); ++k) {
      if (std::isfinite(series.x[k]) && std::isfinite(series.y[k])) {
        line.points.push_back({to_x(series.x[k]), to_y(series.y[k])});
        continue;
      }
      if (line.points.size() > 1) drawing_.strokes.push_back(line);
      line.points.clear();
    }
    if (!line.points.empty()) drawing_.strokes.push_back(line);
  }

  void draw_marks() {
    for (const Mark& mark : marks_) {
      const double y = marks_top() + row_ * static_cast<double>(mark.row);
      drawing_.strokes.push_back({{{mark.x, y + row_ - 2}, {mark.x, bottom_}}, Ink::text, {}, 1.25, true});
      drawing_.words.push_back({mark.begin, y - 2, mark.word, size_, Ink::text, TextStyle::Align::left, true});
    }
  }

  /// Words of marks stand above the plot, in as many rows as they need.
  void place_marks() {
    std::vector<double> taken;  // right end of the last word in each row
    for (const auto& [value, word] : chart_.marks) {
      if (!(value >= x_low_ && value <= x_high_)) continue;
      Mark mark{to_x(value), 0, 0, word};
      const double width = measure(word);
      mark.begin = std::clamp(mark.x - 4, 0.0, std::max(0.0, width_ - width));
      while (mark.row < taken.size() && taken[mark.row] > mark.begin) ++mark.row;
      if (mark.row == taken.size()) taken.push_back(0);
      taken[mark.row] = mark.begin + width + 10;
      marks_.push_back(std::move(mark));
    }
    mark_rows_ = taken.size();
  }
  double marks_top() const { return legend_height_ + (chart_.y_axis.empty() ? 8 : row_ + 8); }

  void label_ends() {
    std::vector<std::pair<double, std::size_t>> ends;
    for (std::size_t n = 0; n < colors_.size(); ++n) {
      const auto& series = chart_.series[n];
      double y = (top_ + bottom_) / 2;
      for (std::size_t k = points(n); k-- > 0;) {
        if (!std::isfinite(series.x[k]) || !std::isfinite(series.y[k])) continue;
        y = to_y(series.y[k]);
        break;
      }
      ends.emplace_back(y - row_ / 2, n);
    }
    std::sort(ends.begin(), ends.end());
    for (std::size_t n = 1; n < ends.size(); ++n) ends[n].first = std::max(ends[n].first, ends[n - 1].first + row_);
    double limit = bottom_ - row_ / 2;
    for (std::size_t n = ends.size(); n-- > 0;) {
      ends[n].first = std::min(ends[n].first, limit);
      limit = ends[n].first - row_;
    }
    for (const auto& [y, n] : ends) {
      drawing_.strokes.push_back({{{right_ + 5, y + row_ / 2}, {right_ + 14, y + row_ / 2}}, Ink::data, colors_[n], 3, false});
      drawing_.words.push_back({right_ + 19, y, chart_.series[n].name, size_, Ink::text, TextStyle::Align::left, false});
    }
  }

  void draw_legend() {
    if (colors_.size() < 2) return;
    double x = 0;
    double y = 0;
    for (std::size_t n = 0; n < colors_.size(); ++n) {
      const double item = measure(chart_.series[n].name) + 34;
      if (x > 0 && x + item > width_) {
        x = 0;
        y += row_;
      }
      drawing_.strokes.push_back({{{x + 2, y + row_ / 2}, {x + 13, y + row_ / 2}}, Ink::data, colors_[n], chart_.bars ? 8.0 : 3.0, false});
      drawing_.words.push_back({x + 20, y, chart_.series[n].name, size_, Ink::text, TextStyle::Align::left, false});
      x += item;
    }
  }
};

std::string hex(const Color& color) { return fmt::format("#{:02x}{:02x}{:02x}", color[0], color[1], color[2]); }

std::string css(Ink ink, const Color& color) {
  switch (ink) {
    case Ink::text:
      return "var(--text,#14181f)";
    case Ink::quiet:
      return "var(--quiet,#586474)";
    case Ink::line:
      return "var(--line,#dde3e8)";
    case Ink::background:
      return "var(--background,#fff)";
    default:
      return hex(color);
  }
}

std::string coordinates(const Polyline& points) {
  std::string text;
  for (const Point2& p : points) text += fmt::format("{}{:.1f},{:.1f}", text.empty() ? "" : " ", p.x, p.y);
  return text;
}

void append_stroke(std::string& svg, const Stroke& stroke) {
  const std::string color = css(stroke.ink, stroke.color);
  if (stroke.points.size() == 1) {
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" style=\"fill:{}\"/>", stroke.points[0].x, stroke.points[0].y,
                       stroke.width * 1.5, color);
    return;
  }
  svg += fmt::format("<polyline points=\"{}\" style=\"fill:none;stroke:{};stroke-width:{:g}{}\"/>", coordinates(stroke.points), color,
                     stroke.width, stroke.dashed ? ";stroke-dasharray:4 3" : ";stroke-linejoin:round");
}

Color rgb(const ChartInk& theme, Ink ink, const Color& color) {
  switch (ink) {
    case Ink::text:
      return theme.text;
    case Ink::quiet:
      return theme.quiet;
    case Ink::line:
      return theme.line;
    case Ink::background:
      return theme.background;
    default:
      return color;
  }
}

}  // namespace

std::vector<double> Ticks::values() const {
  std::vector<double> result;
  const auto count = static_cast<int>(std::lround((last - first) / step));
  for (int n = 0; n <= count; ++n) {
    const double value = first + n * step;
    result.push_back(std::abs(value) < 1e-9 * step ? 0.0 : value);
  }
  return result;
}

std::string Ticks::text(double value) const {
  if (std::abs(value) < 1e-9 * step) return "0";
  const double size = std::max(std::abs(first), std::abs(last));
  if (size >= 1e7 || size < 1e-4) return replace_all(fmt::format("{:.3g}", value), "-", "\u2212");
  const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 6);
  return replace_all(fmt::format("{:.{}f}", value, decimals), "-", "\u2212");
}

Ticks nice_ticks(double low, double high, int count) {
  if (!std::isfinite(low) || !std::isfinite(high) || !(high > low) || !std::isfinite(high - low)) return {};
  const double rough = (high - low) / std::max(1, count);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  if (!(power > 0)) return {};
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  }
  return {std::floor(low / step + 1e-9) * step, std::ceil(high / step - 1e-9) * step, step};
}

std::string chart_svg(const Chart& chart, int width_px, int height_px, std::string_view label) {
  const Drawing drawing = Layout(chart, width_px, height_px).draw();
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"{}\">", width_px,
                                height_px, width_px, height_px, escape_html(to_valid_utf8(label)));
  for (const Stroke& stroke : drawing.grid) append_stroke(svg, stroke);
  for (const Area& area : drawing.areas) {
    svg +=
        fmt::format("<polygon points=\"{}\" style=\"fill:{};fill-opacity:{:g}\"/>", coordinates(area.points), hex(area.color), area.alpha);
  }
  for (const Stroke& stroke : drawing.strokes) append_stroke(svg, stroke);
  for (const Word& word : drawing.words) {
    const char* anchor = word.align == TextStyle::Align::left ? "start" : word.align == TextStyle::Align::right ? "end" : "middle";
    const char* patch = word.halo ? ";paint-order:stroke;stroke:var(--background,#fff);stroke-width:4px;stroke-linejoin:round" : "";
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" style=\"font-size:{:g}px;text-anchor:{};fill:{}{}\">{}</text>", word.x, word.y + 12,
                       word.size, anchor, css(word.ink, {}), patch, escape_html(to_valid_utf8(word.text)));
  }
  return svg + "</svg>";
}

void draw_chart(Canvas& canvas, const Chart& chart, double x, double y, double width, double height, const ChartInk& ink) {
  const Drawing drawing = Layout(chart, width, height).draw();
  const auto moved = [&](Polyline points) {
    for (Point2& p : points) p = {p.x + x, p.y + y};
    return points;
  };
  const auto stroke = [&](const Stroke& s) {
    const Paint paint{rgb(ink, s.ink, s.color), 1};
    if (s.points.size() == 1) {
      canvas.circle({s.points[0].x + x, s.points[0].y + y}, s.width * 1.5, paint, std::nullopt);
    } else {
      canvas.stroke({moved(s.points)}, false, s.width, paint, s.dashed ? 4 : 0);
    }
  };
  for (const Stroke& s : drawing.grid) stroke(s);
  for (const Area& area : drawing.areas) canvas.fill({moved(area.points)}, {area.color, area.alpha});
  for (const Stroke& s : drawing.strokes) stroke(s);
  for (const Word& word : drawing.words) {
    const TextStyle style{
        .size = word.size, .paint = {rgb(ink, word.ink, {}), 1}, .align = word.align, .tabular = true, .language = chart.language};
    if (word.halo) {
      const TextBox box = canvas.measure(word.text, style);
      canvas.rectangle(x + word.x - 2, y + word.y, box.width + 4, box.height, {ink.background, 0.85});
    }
    canvas.text(x + word.x, y + word.y, word.text, style);
  }
}

Image chart_image(const Chart& chart, int width_px, int height_px) {
  constexpr double scale = 2, margin = 12;
  const std::unique_ptr<Canvas> canvas =
      Canvas::bitmap(static_cast<int>(scale * width_px), static_cast<int>(scale * height_px), ChartInk{}.background);
  canvas->push(0, 0, scale);
  draw_chart(*canvas, chart, margin, margin, width_px - 2 * margin, height_px - 2 * margin);
  canvas->pop();
  return canvas->image();
}

}  // namespace gantry
