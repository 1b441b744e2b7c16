// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/canvas.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include <numbers>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

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

}  // namespace

struct Canvas::State {
  cairo_surface_t* surface = nullptr;
  cairo_t* context = nullptr;
  Bytes pdf;
  bool is_pdf = false;
  int width = 0, height = 0;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (context) cairo_destroy(context);
    if (surface) cairo_surface_destroy(surface);
  }
  void start() {
    context = cairo_create(surface);
    cairo_font_options_t* options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(context, options);
    cairo_font_options_destroy(options);
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(context, CAIRO_LINE_CAP_ROUND);
    cairo_set_fill_rule(context, CAIRO_FILL_RULE_EVEN_ODD);
  }
  void use(Paint paint) const {
    cairo_set_source_rgba(context, paint.color[0] / 255.0, paint.color[1] / 255.0, paint.color[2] / 255.0, paint.alpha);
  }
  void trace(const std::vector<Polyline>& lines, bool closed) const {
    for (const Polyline& line : lines) {
      if (line.empty()) continue;
      cairo_move_to(context, line.front().x, line.front().y);
      for (std::size_t n = 1; n < line.size(); ++n) cairo_line_to(context, line[n].x, line[n].y);
      if (closed) cairo_close_path(context);
    }
  }
  void round_rectangle(double x, double y, double w, double h, double radius) const {
    if (!(radius > 0)) {
      cairo_rectangle(context, x, y, w, h);
      return;
    }
    radius = std::min({radius, w / 2, h / 2});
    cairo_new_sub_path(context);
    cairo_arc(context, x + w - radius, y + radius, radius, -pi / 2, 0);
    cairo_arc(context, x + w - radius, y + h - radius, radius, 0, pi / 2);
    cairo_arc(context, x + radius, y + h - radius, radius, pi / 2, pi);
    cairo_arc(context, x + radius, y + radius, radius, pi, 1.5 * pi);
    cairo_close_path(context);
  }
  Layout layout(std::string_view text, const TextStyle& style) const {
    Layout result(pango_cairo_create_layout(context));
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
  static TextBox box(PangoLayout* layout) {
    PangoRectangle logical;
    pango_layout_get_extents(layout, nullptr, &logical);
    return {static_cast<double>(logical.width) / PANGO_SCALE, static_cast<double>(logical.height) / PANGO_SCALE,
            pango_layout_get_line_count(layout)};
  }
  void show(PangoLayout* layout, double x, double y, const TextStyle& style) const {
    if (style.halo > 0) {
      cairo_move_to(context, x, y);
      pango_cairo_layout_path(context, layout);
      use({{0, 0, 0}, 0.75});
      cairo_set_line_width(context, 2 * style.halo);
      cairo_stroke(context);
    }
    use(style.paint);
    cairo_move_to(context, x, y);
    pango_cairo_show_layout(context, layout);
    cairo_new_path(context);
  }
};

Canvas::Canvas(std::unique_ptr<State> state) : state_(std::move(state)) {}
Canvas::Canvas(Canvas&&) noexcept = default;
Canvas& Canvas::operator=(Canvas&&) noexcept = default;
Canvas::~Canvas() = default;

Canvas Canvas::bitmap(int width_px, int height_px, Color background) {
  if (!(width_px >= 1 && width_px <= 16384 && height_px >= 1 && height_px <= 16384)) {
    throw Error(ErrorCode::parameter, fmt::format("bitmap: sides must lie between 1 and 16384 pixels; got {} x {}", width_px, height_px));
  }
  auto state = std::make_unique<State>();
  state->width = width_px;
  state->height = height_px;
  state->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width_px, height_px);
  if (cairo_surface_status(state->surface) != CAIRO_STATUS_SUCCESS) {
    throw Error(ErrorCode::out_of_memory, fmt::format("bitmap: no memory for {} x {} pixels", width_px, height_px));
  }
  state->start();
  state->use({background, 1});
  cairo_paint(state->context);
  return Canvas(std::move(state));
}

Canvas Canvas::pdf(double width_pt, double height_pt, const PdfInfo& info) {
  auto state = std::make_unique<State>();
  state->is_pdf = true;
  state->surface = cairo_pdf_surface_create_for_stream(append, &state->pdf, width_pt, height_pt);
  cairo_pdf_surface_set_metadata(state->surface, CAIRO_PDF_METADATA_TITLE, printable(info.title).c_str());
  cairo_pdf_surface_set_metadata(state->surface, CAIRO_PDF_METADATA_SUBJECT, printable(info.subject).c_str());
  cairo_pdf_surface_set_metadata(state->surface, CAIRO_PDF_METADATA_CREATOR, "Gantry");
  const std::string date = info.creation_date.size() == 10 ? info.creation_date + "T00:00:00Z" : info.creation_date;
  cairo_pdf_surface_set_metadata(state->surface, CAIRO_PDF_METADATA_CREATE_DATE, date.c_str());
  cairo_pdf_surface_set_metadata(state->surface, CAIRO_PDF_METADATA_MOD_DATE, date.c_str());
  state->start();
  return Canvas(std::move(state));
}

void Canvas::rectangle(double x, double y, double width, double height, Paint fill, double radius) {
  if (!(width > 0 && height > 0)) return;
  state_->round_rectangle(x, y, width, height, radius);
  state_->use(fill);
  cairo_fill(state_->context);
}

void Canvas::fill(const std::vector<Polyline>& polygons, Paint paint) {
  state_->trace(polygons, true);
  state_->use(paint);
  cairo_fill(state_->context);
}

void Canvas::stroke(const std::vector<Polyline>& lines, bool closed, double width, Paint paint, double dash) {
  state_->trace(lines, closed);
  state_->use(paint);
  cairo_set_line_width(state_->context, width);
  if (dash > 0) cairo_set_dash(state_->context, &dash, 1, 0);
  cairo_stroke(state_->context);
  if (dash > 0) cairo_set_dash(state_->context, nullptr, 0, 0);
}

void Canvas::circle(Point2 centre, double radius, std::optional<Paint> fill, std::optional<Paint> edge, double edge_width) {
  cairo_new_sub_path(state_->context);
  cairo_arc(state_->context, centre.x, centre.y, radius, 0, 2 * pi);
  if (fill) {
    state_->use(*fill);
    cairo_fill_preserve(state_->context);
  }
  if (edge) {
    state_->use(*edge);
    cairo_set_line_width(state_->context, edge_width);
    cairo_stroke_preserve(state_->context);
  }
  cairo_new_path(state_->context);
}

TextBox Canvas::text(double x, double y, std::string_view text, const TextStyle& style) {
  const Layout layout = state_->layout(text, style);
  const TextBox box = State::box(layout.get());
  if (style.on_baseline) y -= static_cast<double>(pango_layout_get_baseline(layout.get())) / PANGO_SCALE;
  if (!(style.width > 0)) {
    if (style.align == TextStyle::Align::centre) x -= box.width / 2;
    if (style.align == TextStyle::Align::right) x -= box.width;
  }
  state_->show(layout.get(), x, y, style);
  return box;
}

TextBox Canvas::measure(std::string_view text, const TextStyle& style) const { return State::box(state_->layout(text, style).get()); }

std::vector<std::string> Canvas::lines(std::string_view text, const TextStyle& style) const {
  const Layout layout = state_->layout(text, style);
  const std::string all = pango_layout_get_text(layout.get());
  std::vector<std::string> result;
  for (GSList* item = pango_layout_get_lines_readonly(layout.get()); item; item = item->next) {
    const auto* line = static_cast<const PangoLayoutLine*>(item->data);
    result.push_back(all.substr(static_cast<std::size_t>(line->start_index), static_cast<std::size_t>(line->length)));
  }
  return result;
}

void Canvas::text_upwards(double x, double y, std::string_view text, const TextStyle& style) {
  const Layout layout = state_->layout(text, style);
  const TextBox box = State::box(layout.get());
  cairo_save(state_->context);
  cairo_translate(state_->context, x, y);
  cairo_rotate(state_->context, -pi / 2);
  state_->show(layout.get(), -box.width / 2, -box.height / 2, style);
  cairo_restore(state_->context);
}

void Canvas::picture(const Image& image, double x, double y, double width, double height) {
  const Surface source = surface_of(image);
  cairo_save(state_->context);
  cairo_translate(state_->context, x, y);
  cairo_scale(state_->context, width / static_cast<double>(image.grid().size(0)), height / static_cast<double>(image.grid().size(1)));
  cairo_set_source_surface(state_->context, source.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(state_->context), CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend(cairo_get_source(state_->context), CAIRO_EXTEND_PAD);
  cairo_rectangle(state_->context, 0, 0, static_cast<double>(image.grid().size(0)), static_cast<double>(image.grid().size(1)));
  cairo_fill(state_->context);
  cairo_restore(state_->context);
}

void Canvas::clip(double x, double y, double width, double height, double radius) {
  cairo_save(state_->context);
  state_->round_rectangle(x, y, width, height, radius);
  cairo_clip(state_->context);
}

void Canvas::unclip() { cairo_restore(state_->context); }

void Canvas::push(double x, double y, double scale) {
  cairo_save(state_->context);
  cairo_translate(state_->context, x, y);
  cairo_scale(state_->context, scale, scale);
}

void Canvas::pop() { cairo_restore(state_->context); }

void Canvas::next_page() { cairo_show_page(state_->context); }

Image Canvas::image() const {
  if (state_->is_pdf) throw Error(ErrorCode::internal, "canvas: a PDF has no bitmap");
  cairo_surface_flush(state_->surface);
  const unsigned char* rows = cairo_image_surface_get_data(state_->surface);
  const int stride = cairo_image_surface_get_stride(state_->surface);
  auto rgb = Voxels<std::uint8_t>::uninitialized(Grid({state_->width, state_->height, 1}), 3);
  std::uint8_t* to = rgb.data();
  for (int j = 0; j < state_->height; ++j) {
    const auto* row = reinterpret_cast<const std::uint32_t*>(rows + static_cast<std::ptrdiff_t>(j) * stride);
    for (int i = 0; i < state_->width; ++i) {
      *to++ = static_cast<std::uint8_t>(row[i] >> 16);
      *to++ = static_cast<std::uint8_t>(row[i] >> 8);
      *to++ = static_cast<std::uint8_t>(row[i]);
    }
  }
  return Image(std::move(rgb));
}

Bytes Canvas::finish() {
  if (!state_->is_pdf) throw Error(ErrorCode::internal, "canvas: a bitmap is no PDF");
  cairo_destroy(state_->context);
  state_->context = nullptr;
  cairo_surface_finish(state_->surface);
  const cairo_status_t status = cairo_surface_status(state_->surface);
  if (status != CAIRO_STATUS_SUCCESS) throw Error(ErrorCode::internal, fmt::format("pdf: {}", cairo_status_to_string(status)));
  return std::move(state_->pdf);
}

Bytes png_bytes(const Image& image) {
  Bytes bytes;
  const Surface surface = surface_of(image);
  const cairo_status_t status = cairo_surface_write_to_png_stream(surface.get(), append, &bytes);
  if (status != CAIRO_STATUS_SUCCESS) throw Error(ErrorCode::internal, fmt::format("png: {}", cairo_status_to_string(status)));
  return bytes;
}

}  // namespace gantry
