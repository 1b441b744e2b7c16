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

/// Draws vectors, text and images on a bitmap or on the pages of a PDF. The same calls give the same bytes.
class Canvas {
 public:
  /// A bitmap of 1 to 16384 pixels a side, filled with `background`. Throws Error(parameter) outside.
  static Canvas bitmap(int width_px, int height_px, Color background);
  /// A PDF with pages of this size in points.
  static Canvas pdf(double width_pt, double height_pt, const PdfInfo& info);
  Canvas(Canvas&&) noexcept;
  Canvas& operator=(Canvas&&) noexcept;
  ~Canvas();

  void rectangle(double x, double y, double width, double height, Paint fill, double radius = 0);
  /// Fills the closed polygons (even-odd).
  void fill(const std::vector<Polyline>& polygons, Paint paint);
  /// Strokes the lines with round joins; `dash` is the length of dashes and gaps, 0 = solid.
  void stroke(const std::vector<Polyline>& lines, bool closed, double width, Paint paint, double dash = 0);
  void circle(Point2 centre, double radius, std::optional<Paint> fill, std::optional<Paint> edge, double edge_width = 1);
  /// Draws `text` with its first line's top at y. x is the left edge, the middle or the right edge by `align`; with a width, x is the
  /// left edge of the box in which lines are aligned. Bytes that are no UTF-8 and control characters are replaced.
  TextBox text(double x, double y, std::string_view text, const TextStyle& style);
  TextBox measure(std::string_view text, const TextStyle& style) const;
  /// The lines of `text` as they break at the style's width, each as its own string.
  std::vector<std::string> lines(std::string_view text, const TextStyle& style) const;
  /// Text turned by 90 degrees to the left around its middle at (x, y).
  void text_upwards(double x, double y, std::string_view text, const TextStyle& style);
  /// An RGB or grey u8 image, stretched to the rectangle.
  void picture(const Image& image, double x, double y, double width, double height);
  /// Limits drawing to a rectangle with round corners until `unclip`.
  void clip(double x, double y, double width, double height, double radius = 0);
  void unclip();

  /// Moves the origin to (x, y) and enlarges what follows by `scale`, until `pop`.
  void push(double x, double y, double scale);
  void pop();

  /// Ends a page of a PDF and begins the next.
  void next_page();
  /// The bitmap as a u8 image with 3 components. Throws Error(internal) for a PDF.
  Image image() const;
  /// Ends the PDF and returns the file. Throws Error(internal) for a bitmap.
  Bytes finish();

 private:
  struct State;
  explicit Canvas(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A grey or RGB u8 image as a PNG file; the same pixels give the same bytes.
Bytes png_bytes(const Image& image);

}  // namespace gantry
