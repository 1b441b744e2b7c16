// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/canvas.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include <numbers>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"

namespace gantry {

namespace {

constexpr double pi = std::numbers::pi;
constexpr const char* families = "Inter, Noto Sans, Noto Sans CJK SC, sans-serif";

struct ObjectRelease {
  void operator()(void* object) const { g_object_unref(object); }
};
using Layout = std::unique_ptr<PangoLayout, ObjectRelease>;

cairo_status_t append(void* closure, const unsigned char* data, unsigned length) {
  auto& bytes = *static_cast<Bytes*>(closure);
  const auto* from = reinterpret_cast<const std::byte*>(data);
  bytes.insert(bytes.end(), from, from + length);
  return CAIRO_STATUS_SUCCESS;
}

struct SurfaceRelease {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
using Surface = std::unique_ptr<cairo_surface_t, SurfaceRelease>;

/// A grey or RGB u8 image as Cairo holds it.
Surface surface_of(const Image& image) {
  if (image.empty() || image.grid().size(0) > 16384 || image.grid().size(1) > 16384) {
    throw Error(ErrorCode::parameter, "picture: needs an image of at most 16384 pixels a side");
  }
  const auto width = static_cast<int>(image.grid().size(0));
  const auto height = static_cast<int>(image.grid().size(1));
  const int components = image.components();
  const VoxelView<std::uint8_t> pixels = image.as<std::uint8_t>();
  Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height));
  if (cairo_surface_status(surface.get()) != CAIRO_STATUS_SUCCESS) {
    throw Error(ErrorCode::out_of_memory, fmt::format("picture: no memory for {} x {} pixels", width, height));
  }
  unsigned char* rows = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  for (int j = 0; j < height; ++j) {
    auto* row = reinterpret_cast<std::uint32_t*>(rows + static_cast<std::ptrdiff_t>(j) * stride);
    const std::uint8_t* from = pixels.data() + static_cast<std::int64_t>(j) * width * components;
    for (int i = 0; i < width; ++i, from += components) {
      const std::uint32_t green = components >= 3 ? from[1] : from[0];
      const std::uint32_t blue = components >= 3 ? from[2] : from[0];
      row[i] = static_cast<std::uint32_t>(from[0]) << 16 | green << 8 | blue;
    }
  }
  cairo_surface_mark_dirty(surface.get());
  return surface;
}

/// What Pango may be given: valid UTF-8 without control characters other than line ends and tabs.
std::string printable(std::string_view text) {
  std::string clean = to_valid_utf8(text);
  for (char& c : clean) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f) c = ' ';
  }
  return clean;
}

class CairoCanvas final : public Canvas {
 public:
  CairoCanvas(int width_px, int height_px, Color background) : width_(width_px), height_(height_px) {
    surface_ = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width_px, height_px);
    if (cairo_surface_status(surface_) != CAIRO_STATUS_SUCCESS) {
      cairo_surface_destroy(surface_);
      throw Error(ErrorCode::out_of_memory, fmt::format("bitmap: no memory for {} x {} pixels", width_px, height_px));
    }
    start();
    use({background, 1});
    cairo_paint(context_);
  }
  CairoCanvas(double width_pt, double height_pt, const PdfInfo& info) : is_pdf_(true) {
    surface_ = cairo_pdf_surface_create_for_stream(append, &pdf_, width_pt, height_pt);
    cairo_pdf_surface_set_metadata(surface_, CAIRO_PDF_METADATA_TITLE, printable(info.title).c_str());
    cairo_pdf_surface_set_metadata(surface_, CAIRO_PDF_METADATA_SUBJECT, printable(info.subject).c_str());
    cairo_pdf_surface_set_metadata(surface_, CAIRO_PDF_METADATA_CREATOR, "Gantry");
    const std::string date = info.creation_date.size() == 10 ? info.creation_date + "T00:00:00Z" : info.creation_date;
    cairo_pdf_surface_set_metadata(surface_, CAIRO_PDF_METADATA_CREATE_DATE, date.c_str());
    cairo_pdf_surface_set_metadata(surface_, CAIRO_PDF_METADATA_MOD_DATE, date.c_str());
    start();
  }
  CairoCanvas(const CairoCanvas&) = delete;
  CairoCanvas& operator=(const CairoCanvas&) = delete;
  ~CairoCanvas() override {
    if (context_) cairo_destroy(context_);
    cairo_surface_destroy(surface_);
  }

  void rectangle(double x, double y, double width, double height, Paint fill, double radius) override {
    if (!(width > 0 && height > 0)) return;
    round_rectangle(x, y, width, height, radius);
    use(fill);
    cairo_fill(context_);
  }

  void fill(const std::vector<Polyline>& polygons, Paint paint) override {
    trace(polygons, true);
    use(paint);
    cairo_fill(context_);
  }

  void stroke(const std::vector<Polyline>& lines, bool closed, double width, Paint paint, double dash) override {
    trace(lines, closed);
    use(paint);
    cairo_set_line_width(context_, width);
    if (dash > 0) cairo_set_dash(context_, &dash, 1, 0);
    cairo_stroke(context_);
    if (dash > 0) cairo_set_dash(context_, nullptr, 0, 0);
  }

  void circle(Point2 centre, double radius, std::optional<Paint> fill, std::optional<Paint> edge, double edge_width) override {
    cairo_new_sub_path(context_);
    cairo_arc(context_, centre.x, centre.y, radius, 0, 2 * pi);
    if (fill) {
      use(*fill);
      cairo_fill_preserve(context_);
    }
    if (edge) {
      use(*edge);
      cairo_set_line_width(context_, edge_width);
      cairo_stroke_preserve(context_);
    }
    cairo_new_path(context_);
  }

  TextBox text(double x, double y, std::string_view text, const TextStyle& style) override {
    const Layout layout = layout_of(text, style);
    const TextBox box = box_of(layout.get());
    if (style.on_baseline) y -= static_cast<double>(pango_layout_get_baseline(layout.get())) / PANGO_SCALE;
    if (!(style.width > 0)) {
      if (style.align == TextStyle::Align::centre) x -= box.width / 2;
      if (style.align == TextStyle::Align::right) x -= box.width;
    }
    show(layout.get(), x, y, style);
    return box;
  }

  TextBox measure(std::string_view text, const TextStyle& style) const override { return box_of(layout_of(text, style).get()); }

  std::vector<std::string> lines(std::string_view text, const TextStyle& style) const override {
    const Layout layout = layout_of(text, style);
    const std::string all = pango_layout_get_text(layout.get());
    std::vector<std::string> result;
    for (GSList* item = pango_layout_get_lines_readonly(layout.get()); item; item = item->next) {
      const auto* line = static_cast<const PangoLayoutLine*>(item->data);
      result.push_back(all.substr(static_cast<std::size_t>(line->start_index), static_cast<std::size_t>(line->length)));
    }
    return result;
  }

  void text_upwards(double x, double y, std::string_view text, const TextStyle& style) override {
    const Layout layout = layout_of(text, style);
    const TextBox box = box_of(layout.get());
    cairo_save(context_);
    cairo_translate(context_, x, y);
    cairo_rotate(context_, -pi / 2);
    show(layout.get(), -box.width / 2, -box.height / 2, style);
    cairo_restore(context_);
  }

  void picture(const Image& image, double x, double y, double width, double height) override {
    const Surface source = surface_of(image);
    cairo_save(context_);
    cairo_translate(context_, x, y);
    cairo_scale(context_, width / static_cast<double>(image.grid().size(0)), height / static_cast<double>(image.grid().size(1)));
    cairo_set_source_surface(context_, source.get(), 0, 0);
    cairo_pattern_set_filter(cairo_get_source(context_), CAIRO_FILTER_GOOD);
    cairo_pattern_set_extend(cairo_get_source(context_), CAIRO_EXTEND_PAD);
    cairo_rectangle(context_, 0, 0, static_cast<double>(image.grid().size(0)), static_cast<double>(image.grid().size(1)));
    cairo_fill(context_);
    cairo_restore(context_);
  }

  void clip(double x, double y, double width, double height, double radius) override {
    cairo_save(context_);
    round_rectangle(x, y, width, height, radius);
    cairo_clip(context_);
  }

  void unclip() override { cairo_restore(context_); }

  void push(double x, double y, double scale) override {
    cairo_save(context_);
    cairo_translate(context_, x, y);
    cairo_scale(context_, scale, scale);
  }

  void pop() override { cairo_restore(context_); }

  void next_page() override { cairo_show_page(context_); }

  Image image() const override {
    if (is_pdf_) throw Error(ErrorCode::internal, "canvas: a PDF has no bitmap");
    cairo_surface_flush(surface_);
    const unsigned char* rows = cairo_image_surface_get_data(surface_);
    const int stride = cairo_image_surface_get_stride(surface_);
    auto rgb = Voxels<std::uint8_t>::uninitialized(Grid({width_, height_, 1}), 3);
    std::uint8_t* to = rgb.data();
    for (int j = 0; j < height_; ++j) {
      const auto* row = reinterpret_cast<const std::uint32_t*>(rows + static_cast<std::ptrdiff_t>(j) * stride);
      for (int i = 0; i < width_; ++i) {
        *to++ = static_cast<std::uint8_t>(row[i] >> 16);
        *to++ = static_cast<std::uint8_t>(row[i] >> 8);
        *to++ = static_cast<std::uint8_t>(row[i]);
      }
    }
    return Image(std::move(rgb));
  }

  Bytes finish() override {
    if (!is_pdf_) throw Error(ErrorCode::internal, "canvas: a bitmap is no PDF");
    cairo_destroy(context_);
    context_ = nullptr;
    cairo_surface_finish(surface_);
    const cairo_status_t status = cairo_surface_status(surface_);
    if (status != CAIRO_STATUS_SUCCESS) throw Error(ErrorCode::internal, fmt::format("pdf: {}", cairo_status_to_string(status)));
    return std::move(pdf_);
  }

 private:
  void start() {
    context_ = cairo_create(surface_);
    cairo_font_options_t* options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(context_, options);
    cairo_font_options_destroy(options);
    cairo_set_line_join(context_, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(context_, CAIRO_LINE_CAP_ROUND);
    cairo_set_fill_rule(context_, CAIRO_FILL_RULE_EVEN_ODD);
  }
  void use(Paint paint) const {
    cairo_set_source_rgba(context_, paint.color[0] / 255.0, paint.color[1] / 255.0, paint.color[2] / 255.0, paint.alpha);
  }
  void trace(const std::vector<Polyline>& lines, bool closed) const {
    for (const Polyline& line : lines) {
      if (line.empty()) continue;
      cairo_move_to(context_, line.front().x, line.front().y);
      for (std::size_t n = 1; n < line.size(); ++n) cairo_line_to(context_, line[n].x, line[n].y);
      if (closed) cairo_close_path(context_);
    }
  }
  void round_rectangle(double x, double y, double w, double h, double radius) const {
    if (!(radius > 0)) {
      cairo_rectangle(context_, x, y, w, h);
      return;
    }
    radius = std::min({radius, w / 2, h / 2});
    cairo_new_sub_path(context_);
    cairo_arc(context_, x + w - radius, y + radius, radius, -pi / 2, 0);
    cairo_arc(context_, x + w - radius, y + h - radius, radius, 0, pi / 2);
    cairo_arc(context_, x + radius, y + h - radius, radius, pi / 2, pi);
    cairo_arc(context_, x + radius, y + radius, radius, pi, 1.5 * pi);
    cairo_close_path(context_);
  }
  Layout layout_of(std::string_view text, const TextStyle& style) const {
    Layout result(pango_cairo_create_layout(context_));
    PangoContext* pango = pango_layout_get_context(result.get());
    pango_cairo_context_set_resolution(pango, 72);
    pango_context_set_round_glyph_positions(pango, FALSE);
    pango_context_set_language(pango, pango_language_from_string(style.language == "zh" ? "zh-cn" : style.language.c_str()));
    PangoFontDescription* font = pango_font_description_from_string(families);
    pango_font_description_set_absolute_size(font, style.size * PANGO_SCALE);
    pango_font_description_set_weight(font, style.bold ? PANGO_WEIGHT_SEMIBOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(result.get(), font);
    pango_font_description_free(font);
    const std::string clean = printable(text);
    pango_layout_set_text(result.get(), clean.data(), static_cast<int>(clean.size()));
    PangoAttrList* attributes = pango_attr_list_new();
    if (style.bold_bytes > 0) {
      PangoAttribute* bold = pango_attr_weight_new(PANGO_WEIGHT_SEMIBOLD);
      bold->start_index = 0;
      bold->end_index = static_cast<guint>(std::min(style.bold_bytes, clean.size()));
      pango_attr_list_insert(attributes, bold);
    }
    if (style.tabular) pango_attr_list_insert(attributes, pango_attr_font_features_new("tnum=1"));
    if (style.line_height > 0) {
      pango_attr_list_insert(attributes, pango_attr_line_height_new_absolute(static_cast<int>(style.line_height * PANGO_SCALE)));
    }
    pango_layout_set_attributes(result.get(), attributes);
    pango_attr_list_unref(attributes);
    pango_layout_set_auto_dir(result.get(), FALSE);
    if (style.width > 0) {
      pango_layout_set_width(result.get(), static_cast<int>(style.width * PANGO_SCALE));
      pango_layout_set_wrap(result.get(), PANGO_WRAP_WORD_CHAR);
      pango_layout_set_alignment(result.get(), style.align == TextStyle::Align::right    ? PANGO_ALIGN_RIGHT
                                               : style.align == TextStyle::Align::centre ? PANGO_ALIGN_CENTER
                                                                                         : PANGO_ALIGN_LEFT);
    }
    return result;
  }
  static TextBox box_of(PangoLayout* layout) {
    PangoRectangle logical;
    pango_layout_get_extents(layout, nullptr, &logical);
    return {static_cast<double>(logical.width) / PANGO_SCALE, static_cast<double>(logical.height) / PANGO_SCALE,
            pango_layout_get_line_count(layout)};
  }
  void show(PangoLayout* layout, double x, double y, const TextStyle& style) const {
    if (style.halo > 0) {
      cairo_move_to(context_, x, y);
      pango_cairo_layout_path(context_, layout);
      use({{0, 0, 0}, 0.75});
      cairo_set_line_width(context_, 2 * style.halo);
      cairo_stroke(context_);
    }
    use(style.paint);
    cairo_move_to(context_, x, y);
    pango_cairo_show_layout(context_, layout);
    cairo_new_path(context_);
  }

  cairo_surface_t* surface_ = nullptr;
  cairo_t* context_ = nullptr;
  Bytes pdf_;
  bool is_pdf_ = false;
  int width_ = 0, height_ = 0;
};

std::unique_ptr<Canvas> make_bitmap(int width_px, int height_px, Color background) {
  if (!(width_px >= 1 && width_px <= 16384 && height_px >= 1 && height_px <= 16384)) {
    throw Error(ErrorCode::parameter, fmt::format("bitmap: sides must lie between 1 and 16384 pixels; got {} x {}", width_px, height_px));
  }
  return std::make_unique<CairoCanvas>(width_px, height_px, background);
}

std::unique_ptr<Canvas> make_pdf(double width_pt, double height_pt, const PdfInfo& info) {
  return std::make_unique<CairoCanvas>(width_pt, height_pt, info);
}

}  // namespace

}  // namespace gantry

/// What `Canvas` asks for; nullptr when the plug-in is of another version than the library.
extern "C" __attribute__((visibility("default"))) const void* gantry_canvas_makers(const char* version) {
  static constexpr gantry::CanvasMakers makers{gantry::make_bitmap, gantry::make_pdf};
  return std::string_view(version) == gantry::version() ? &makers : nullptr;
}
