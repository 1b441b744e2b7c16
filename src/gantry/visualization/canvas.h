// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/image/image.h"
#include "gantry/image/structures.h"

namespace gantry {

/// A point on a page or bitmap: x to the right, y downwards, in the canvas's unit (pixel or point).
struct Point2 {
  double x = 0, y = 0;
  friend bool operator==(const Point2&, const Point2&) = default;
};

using Polyline = std::vector<Point2>;

/// A colour with opacity in [0, 1].
struct Paint {
  Color color{};
  double alpha = 1;
};

/// How text is set. Families: Inter, then Noto Sans, then Noto Sans CJK SC for Chinese.
struct TextStyle {
  double size = 15;
  bool bold = false;
  std::size_t bold_bytes = 0;  ///< the first bytes are bold, whatever `bold` says
  Paint paint{};
  double width = 0;  ///< lines break at this width; 0 = one line for each line of the text
  enum class Align { left, centre, right } align = Align::left;
  double line_height = 0;    ///< distance of baselines; 0 = the font's own
  bool tabular = false;      ///< digits of equal width
  bool on_baseline = false;  ///< y is the first baseline instead of the top: text in several scripts lines up
  double halo = 0;           ///< width of a black edge around the letters, for text on images
  std::string language = "en";
};

/// Room that a text takes.
struct TextBox {
  double width = 0, height = 0;
  int lines = 0;
};

/// What a PDF says about itself.
struct PdfInfo {
  std::string title, subject;
  std::string creation_date;  ///< ISO 8601 date or date and time; nothing else enters the file's dates
};

/// Draws vectors, text and images on a bitmap or on the pages of a PDF. The same calls give the same bytes. Cairo and Pango do the work in
/// the plug-in libgantry_drawing.so, which the first canvas opens: the forty libraries behind them take as long to load as all others.
class Canvas {
 public:
  /// A bitmap of 1 to 16384 pixels a side, filled with `background`. Throws Error(parameter) outside, Error(not_possible) without the
  /// plug-in.
  static std::unique_ptr<Canvas> bitmap(int width_px, int height_px, Color background);
  /// A PDF with pages of this size in points. Throws Error(not_possible) without the plug-in.
  static std::unique_ptr<Canvas> pdf(double width_pt, double height_pt, const PdfInfo& info);
  virtual ~Canvas() = default;

  virtual void rectangle(double x, double y, double width, double height, Paint fill, double radius = 0) = 0;
  /// Fills the closed polygons (even-odd).
  virtual void fill(const std::vector<Polyline>& polygons, Paint paint) = 0;
  /// Strokes the lines with round joins; `dash` is the length of dashes and gaps, 0 = solid.
  virtual void stroke(const std::vector<Polyline>& lines, bool closed, double width, Paint paint, double dash = 0) = 0;
  virtual void circle(Point2 centre, double radius, std::optional<Paint> fill, std::optional<Paint> edge, double edge_width = 1) = 0;
  /// Draws `text` with its first line's top at y. x is the left edge, the middle or the right edge by `align`; with a width, x is the
  /// left edge of the box in which lines are aligned. Bytes that are no UTF-8 and control characters are replaced.
  virtual TextBox text(double x, double y, std::string_view text, const TextStyle& style) = 0;
  virtual TextBox measure(std::string_view text, const TextStyle& style) const = 0;
  /// The lines of `text` as they break at the style's width, each as its own string.
  virtual std::vector<std::string> lines(std::string_view text, const TextStyle& style) const = 0;
  /// Text turned by 90 degrees to the left around its middle at (x, y).
  virtual void text_upwards(double x, double y, std::string_view text, const TextStyle& style) = 0;
  /// An RGB or grey u8 image, stretched to the rectangle.
  virtual void picture(const Image& image, double x, double y, double width, double height) = 0;
  /// Limits drawing to a rectangle with round corners until `unclip`.
  virtual void clip(double x, double y, double width, double height, double radius = 0) = 0;
  virtual void unclip() = 0;

  /// Moves the origin to (x, y) and enlarges what follows by `scale`, until `pop`.
  virtual void push(double x, double y, double scale) = 0;
  virtual void pop() = 0;

  /// Ends a page of a PDF and begins the next.
  virtual void next_page() = 0;
  /// The bitmap as a u8 image with 3 components. Throws Error(internal) for a PDF.
  virtual Image image() const = 0;
  /// Ends the PDF and returns the file. Throws Error(internal) for a bitmap.
  virtual Bytes finish() = 0;
};

/// What the drawing plug-in offers.
struct CanvasMakers {
  std::unique_ptr<Canvas> (*bitmap)(int width_px, int height_px, Color background);
  std::unique_ptr<Canvas> (*pdf)(double width_pt, double height_pt, const PdfInfo& info);
};

}  // namespace gantry
