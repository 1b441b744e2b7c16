// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/pdf.h"

#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/report/compose.h"
#include "gantry/report/theme.h"
#include "gantry/report/wording.h"

namespace gantry {

namespace {

using Align = TextStyle::Align;

constexpr double page_width = 595.28;
constexpr double page_height = 841.89;
constexpr double margin = 42;
constexpr double content = page_width - 2 * margin;
constexpr double page_top = 42;
constexpr double page_bottom = page_height - 46;
constexpr report::Theme theme = report::light_theme;

class PdfWriter {
 public:
  PdfWriter(const ReportDocument& document, std::string_view language, const std::string& date, int pages)
      : document_(document),
        language_(language == "zh" ? "zh" : "en"),
        words_(report::frame_words(language_)),
        pages_(pages),
        canvas_(Canvas::pdf(page_width, page_height, {in(document.title), in(document.subtitle), date})) {}

  /// Draws everything; returns the number of pages.
  int write() {
    head();
    facts();
    glances();
    images();
    for (std::size_t n = 0; n < document_.tables.size(); ++n) table(document_.tables[n], n == 0);
    charts();
    if (report::is_empty(document_)) {
      y_ += 14;
      paragraph(std::string(words_.nothing), style(9.5, theme.quiet), 14);
    }
    list(words_.not_analysed, document_.not_analysed, false);
    list(words_.certainty, document_.certainty, false);
    list(words_.methods, document_.methods, false);
    list(words_.references, document_.references, true);
    foot();
    number_page();
    return page_;
  }
  Bytes finish() { return canvas_->finish(); }

 private:
  const ReportDocument& document_;
  std::string language_;
  const report::FrameWords& words_;
  int pages_ = 0;
  std::unique_ptr<Canvas> canvas_;
  int page_ = 1;
  double y_ = page_top;

  std::string in(const Words& words) const { return report::plain(words.in(language_)); }

  TextStyle style(double size, Color color = theme.text, bool bold = false) const {
    return {.size = size, .bold = bold, .paint = {color, 1}, .tabular = true, .language = language_};
  }

  /// The first pass only finds out how many pages there are.
  bool counting() const { return pages_ == 0; }

  /// Draws at the top of a line; scripts with fonts of different height share the baseline.
  void put(double x, double y, std::string_view text, TextStyle how) {
    if (counting()) return;
    how.on_baseline = true;
    canvas_->text(x, y + 0.97 * how.size, text, how);
  }

  void number_page() {
    TextStyle quiet = style(7.5, theme.quiet);
    const std::string left = canvas_->measure(in(document_.title), quiet).width < 0.55 * content ? in(document_.title) : std::string();
    put(margin, page_height - 32, left, quiet);
    const std::string number = language_ == "zh" ? fmt::format("第 {} 页，共 {} 页", page_, pages_)
                                                 : fmt::format("{} {} {} {}", words_.page, page_, words_.of, pages_);
    quiet.align = Align::right;
    put(margin + content, page_height - 32, number, quiet);
  }
  void new_page() {
    number_page();
    canvas_->next_page();
    ++page_;
    y_ = page_top;
  }
  /// Makes sure that `height` fits on the page (or that the page is fresh).
  void ensure(double height) {
    if (y_ + height > page_bottom && y_ > page_top) new_page();
  }

  void heading(std::string_view text) {
    ensure(60);
    y_ += y_ > page_top ? 20 : 0;
    put(margin, y_, text, style(11.5, theme.text, true));
    y_ += 21;
  }

  /// Lines one by one, so that long text goes on over pages.
  void paragraph(const std::string& text, TextStyle how, double leading, double indent = 0, double width = 0) {
    how.width = width > 0 ? width : content - indent;
    std::size_t bold_left = how.bold_bytes;
    for (const std::string& line : canvas_->lines(text, how)) {
      ensure(leading);
      TextStyle one = how;
      one.width = 0;
      one.bold_bytes = std::min(bold_left, line.size());
      bold_left -= one.bold_bytes;
      put(margin + indent, y_, line, one);
      y_ += leading;
    }
  }

  void head() {
    const std::string title = in(document_.title);
    const std::string subtitle = in(document_.subtitle);
    const double side = subtitle.empty() ? 0 : canvas_->measure(subtitle, style(8, theme.quiet)).width;
    const bool beside = side < 0.35 * content;
    const double title_top = y_;
    paragraph(title, style(16, theme.text, true), 21, 0, beside && side > 0 ? content - side - 16 : content);
    TextStyle quiet = style(8, theme.quiet);
    if (!subtitle.empty() && beside) {
      quiet.align = Align::right;
      put(margin + content, title_top + 8, subtitle, quiet);
    } else if (!subtitle.empty()) {
      paragraph(subtitle, quiet, 12);
    }
    y_ += 5;
    canvas_->rectangle(margin, y_, content, 1.5, {theme.accent, 1});
    y_ += 14;
  }

  void facts() {
    constexpr int columns = 4;
    constexpr double gap = 14;
    const double width = (content - (columns - 1) * gap) / columns;
    const auto& facts = document_.facts;
    for (std::size_t begin = 0; begin < facts.size(); begin += columns) {
      std::vector<std::vector<std::string>> values;
      std::size_t most = 1;
      TextStyle value = style(9.5);
      value.width = width;
      for (std::size_t n = begin; n < std::min(begin + columns, facts.size()); ++n) {
        values.push_back(canvas_->lines(in(facts[n].value), value));
        most = std::max(most, values.back().size());
      }
      ensure(26);
      for (std::size_t n = 0; n < values.size(); ++n) {
        put(margin + static_cast<double>(n) * (width + gap), y_, fitted(in(facts[begin + n].label), style(7.5, theme.quiet), width),
            style(7.5, theme.quiet));
      }
      y_ += 11;
      draw_lines(
          values, most, [&](std::size_t n) { return margin + static_cast<double>(n) * (width + gap); }, style(9.5), 13);
      y_ += 9;
    }
  }

  /// A label cut to its column.
  std::string fitted(const std::string& text, TextStyle how, double width) const {
    if (canvas_->measure(text, how).width <= width) return text;
    how.width = width;
    return canvas_->lines(text, how).front();
  }

  /// Columns of lines side by side, over as many pages as they need; `bold` counts the bold bytes of each column's first line.
  template <class Left>
  void draw_lines(const std::vector<std::vector<std::string>>& columns, std::size_t most, Left&& left, TextStyle how, double leading,
                  const std::vector<std::size_t>& bold = {}) {
    for (std::size_t line = 0; line < most; ++line) {
      ensure(leading);
      for (std::size_t n = 0; n < columns.size(); ++n) {
        how.bold_bytes = line == 0 && n < bold.size() ? bold[n] : 0;
        if (line < columns[n].size()) put(left(n), y_, columns[n][line], how);
      }
      y_ += leading;
    }
  }

  void glances() {
    if (document_.glances.empty()) return;
    heading(words_.at_a_glance);
    for (const auto& glance : document_.glances) {
      const std::string sentence = in(glance.text);
      const std::string chip = wording::attention(glance.attention, language_);
      std::vector<int> existing;
      for (const int n : glance.images) {
        if (n >= 1 && n <= static_cast<int>(document_.images.size())) existing.push_back(n);
      }
      const std::string see = wording::images(existing, language_);
      const double see_width = see.empty() ? 0 : std::min(canvas_->measure(see, style(8.5)).width + 12, 0.25 * content);
      const double text_left = chip.empty() ? 10 : 86;
      TextStyle how = style(9.5);
      how.width = content - text_left - see_width - 10;
      how.bold_bytes = report::bold_bytes(sentence);
      const double leading = 14;
      const std::vector<std::string> lines = canvas_->lines(sentence, how);
      const double height = leading * static_cast<double>(lines.size()) + 11;
      if (height > page_bottom - page_top) {  // longer than a page: without a panel
        paragraph(chip + " " + sentence, style(9.5), leading);
        continue;
      }
      ensure(height);
      canvas_->rectangle(margin, y_, content, height, {theme.panel, 1}, 4);
      if (!chip.empty()) {
        const auto& tint = theme.tint(glance.attention);
        canvas_->rectangle(margin + 8, y_ + 5, 68, 14, {tint.background, 1}, 3);
        TextStyle small = style(8, tint.text, true);
        small.align = Align::centre;
        put(margin + 42, y_ + 7.6, chip, small);
      }
      how.width = 0;
      std::size_t bold = how.bold_bytes;
      double line_y = y_ + 5.5;
      for (const std::string& line : lines) {
        how.bold_bytes = std::min(bold, line.size());
        bold -= how.bold_bytes;
        put(margin + text_left, line_y, line, how);
        line_y += leading;
      }
      if (!see.empty()) {
        TextStyle link = style(8.5, theme.accent);
        link.align = Align::right;
        put(margin + content - 8, y_ + 6, see, link);
      }
      y_ += height + 5;
    }
  }

  void images() {
    if (document_.images.empty()) return;
    heading(words_.key_images);
    const auto& images = document_.images;
    constexpr double gap = 8;
    const auto aspect = [&](std::size_t n) {
      if (images[n].rgb.empty()) return 1.0;
      return std::clamp(static_cast<double>(images[n].rgb.grid().size(0)) / static_cast<double>(images[n].rgb.grid().size(1)), 0.2, 6.0);
    };
    for (std::size_t begin = 0; begin < images.size();) {
      std::size_t end = begin;
      double sum = 0;
      // As many as give a row of at most 200 points, but three at most.
      while (end < images.size() && end - begin < 3) {
        sum += aspect(end++);
        if ((content - gap * static_cast<double>(end - begin - 1)) / sum <= 165) break;
      }
      const double row = std::min(200.0, (content - gap * static_cast<double>(end - begin - 1)) / sum);
      std::vector<std::vector<std::string>> captions;
      std::vector<double> lefts;
      std::vector<std::size_t> numbers;
      std::size_t most = 0;
      double x = margin;
      for (std::size_t n = begin; n < end; ++n) {
        TextStyle how = style(8, theme.quiet);
        how.width = row * aspect(n);
        how.bold_bytes = std::to_string(n + 1).size();
        captions.push_back(canvas_->lines(std::to_string(n + 1) + " " + in(images[n].caption), how));
        most = std::max(most, captions.back().size());
        lefts.push_back(x);
        numbers.push_back(how.bold_bytes);
        x += row * aspect(n) + gap;
      }
      ensure(row + 5 + 11 * static_cast<double>(std::min<std::size_t>(most, 6)));
      for (std::size_t n = begin; n < end; ++n) {
        const double left = lefts[n - begin];
        if (images[n].rgb.empty() || counting()) continue;
        canvas_->clip(left, y_, row * aspect(n), row, 4);
        canvas_->picture(images[n].rgb, left, y_, row * aspect(n), row);
        canvas_->unclip();
      }
      y_ += row + 5;
      draw_lines(
          captions, most, [&](std::size_t n) { return lefts[n]; }, style(8, theme.quiet), 11, numbers);
      y_ += 8;
      begin = end;
    }
  }

  static constexpr double cell_gap = 12;
  static constexpr double range_width = 96;

  std::string cell_text(const ReportDocument::Row& row, const report::TableShape& shape, std::size_t column) const {
    if (column == shape.range_column) return row.range.show ? std::string() : in(row.range.reason);
    const std::size_t source = shape.source(column);
    return source < row.cells.size() ? in(row.cells[source].text) : std::string();
  }
  std::string column_title(const ReportDocument::Measurements& table, const report::TableShape& shape, std::size_t column) const {
    if (column == shape.range_column) return std::string(words_.range);
    const std::size_t source = shape.source(column);
    return source < table.columns.size() ? in(table.columns[source]) : std::string();
  }
  bool right_aligned(const ReportDocument::Measurements& table, const report::TableShape& shape, std::size_t column) const {
    return column != shape.range_column && shape.right_aligned(table, column);
  }

  /// Widths that give each column its natural width where the page allows, and take from the widest columns where it does not.
  std::vector<double> column_widths(const ReportDocument::Measurements& table, const report::TableShape& shape) const {
    std::vector<double> widths(shape.columns, 0);
    for (std::size_t c = 0; c < shape.columns; ++c) {
      widths[c] = std::min(canvas_->measure(column_title(table, shape, c), style(8, theme.quiet, true)).width, 90.0);
      for (const auto& row : table.rows) {
        double width = canvas_->measure(cell_text(row, shape, c), style(9)).width;
        if (c == 0 && row.swatch) width += 13;
        widths[c] = std::max(widths[c], width + 1);
      }
      if (c == shape.range_column) widths[c] = std::max(widths[c], range_width);
    }
    const double room = content - cell_gap * static_cast<double>(shape.columns - 1);
    const auto total = [&] {
      double sum = 0;
      for (const double w : widths) sum += w;
      return sum;
    };
    for (int turn = 0; turn < 400 && total() > room; ++turn) {
      const auto widest = std::max_element(widths.begin(), widths.end());
      *widest = std::max(18.0, *widest - std::max(1.0, (total() - room) / 3));
    }
    const double left = room - total();
    if (left > 0) {
      for (double& w : widths) w += left / static_cast<double>(shape.columns);
    } else if (left < 0) {
      for (double& w : widths) w *= room / (room - left);
    }
    return widths;
  }

  void table(const ReportDocument::Measurements& table, bool first) {
    if (table.rows.empty() && in(table.note).empty()) return;
    if (first) {
      ensure(140);  // a heading never stands alone at the end of a page
      heading(words_.measurements);
    }
    const std::string title = in(table.title);
    if (!title.empty() && title != words_.measurements) {
      ensure(first ? 80 : 94);
      y_ += first || y_ <= page_top ? 0 : 14;
      paragraph(title, style(9.5, theme.text, true), 15);
      y_ += 2;
    }
    if (!table.rows.empty()) {
      const report::TableShape shape = report::shape_of(table);
      const std::vector<double> widths = column_widths(table, shape);
      ensure(54);
      table_head(table, shape, widths);
      for (const auto& row : table.rows) table_row(table, shape, widths, row);
    }
    const std::string note = in(table.note);
    if (note.empty()) return;
    y_ += 5;
    paragraph(note, style(8, theme.quiet), 11);
  }

  void table_head(const ReportDocument::Measurements& table, const report::TableShape& shape, const std::vector<double>& widths) {
    std::vector<std::vector<std::string>> titles;
    std::size_t most = 1;
    for (std::size_t c = 0; c < shape.columns; ++c) {
      TextStyle how = style(8, theme.quiet, true);
      how.width = widths[c];
      titles.push_back(canvas_->lines(column_title(table, shape, c), how));
      if (titles.back().size() > 6) titles.back().resize(6);
      most = std::max(most, titles.back().size());
    }
    draw_cells(table, shape, widths, titles, 0, most, style(8, theme.quiet, true), 11);
    y_ += static_cast<double>(most) * 11 + 3;
    canvas_->rectangle(margin, y_, content, 0.75, {theme.line, 1});
    y_ += 4;
  }

  void draw_cells(const ReportDocument::Measurements& table, const report::TableShape& shape, const std::vector<double>& widths,
                  const std::vector<std::vector<std::string>>& cells, std::size_t from, std::size_t to, TextStyle how, double leading,
                  double first_indent = 0) {
    double x = margin;
    for (std::size_t c = 0; c < shape.columns; ++c) {
      const bool right = right_aligned(table, shape, c);
      how.align = right ? Align::right : Align::left;
      for (std::size_t line = from; line < std::min(to, cells[c].size()); ++line) {
        const double left = right ? x + widths[c] : x + (c == 0 ? first_indent : 0);
        put(left, y_ + static_cast<double>(line - from) * leading, cells[c][line], how);
      }
      x += widths[c] + cell_gap;
    }
  }

  void table_row(const ReportDocument::Measurements& table, const report::TableShape& shape, const std::vector<double>& widths,
                 const ReportDocument::Row& row) {
    constexpr double leading = 12.5;
    std::vector<std::vector<std::string>> cells;
    std::size_t most = 1;
    const double indent = row.swatch ? 13 : 0;
    for (std::size_t c = 0; c < shape.columns; ++c) {
      TextStyle how = style(9);
      how.width = widths[c] - (c == 0 ? indent : 0);
      cells.push_back(canvas_->lines(cell_text(row, shape, c), how));
      most = std::max(most, cells.back().size());
    }
    const auto fresh_page = [&] {
      new_page();
      table_head(table, shape, widths);
    };
    const double height = leading * static_cast<double>(most) + 8;
    if (y_ + std::min(height, page_bottom - page_top - 60) > page_bottom) fresh_page();
    for (std::size_t from = 0; from < most;) {
      const double room = page_bottom - y_ - 4;
      const std::size_t fits = std::max<std::size_t>(1, static_cast<std::size_t>(room / leading));
      const std::size_t to = std::min(most, from + fits);
      if (from == 0 && row.swatch) canvas_->rectangle(margin, y_ + 2, 7.5, 7.5, {row.color, 1}, 1.5);
      draw_cells(table, shape, widths, cells, from, to, style(9), leading, indent);
      if (from == 0 && row.range.show && shape.range_column != report::TableShape::none) range_bar(shape, widths, row.range);
      y_ += leading * static_cast<double>(to - from);
      from = to;
      if (from < most) fresh_page();
    }
    y_ += 3;
    canvas_->rectangle(margin, y_, content, 0.5, {theme.line, 1});
    y_ += 4;
  }

  void range_bar(const report::TableShape& shape, const std::vector<double>& widths, const ReportDocument::RangeBar& range) {
    double x = margin;
    for (std::size_t c = 0; c < shape.range_column; ++c) x += widths[c] + cell_gap;
    const double width = std::min(widths[shape.range_column], range_width);
    const report::RangeParts parts = report::range_parts(range);
    canvas_->rectangle(x, y_ + 4, width, 4, {theme.range_track, 1}, 2);
    canvas_->rectangle(x + parts.usual_begin * width, y_ + 4, (parts.usual_end - parts.usual_begin) * width, 4, {theme.range_usual, 1}, 2);
    canvas_->rectangle(x + parts.value * (width - 2), y_ + 1, 2, 10, {theme.text, 1}, 0.5);
  }

  void charts() {
    if (document_.charts.empty()) return;
    heading(words_.charts);
    constexpr double gap = 22;
    constexpr double scale = 0.72;
    const double width = (content - gap) / 2;
    const double height = 0.62 * width;
    for (std::size_t begin = 0; begin < document_.charts.size(); begin += 2) {
      const std::size_t end = std::min(begin + 2, document_.charts.size());
      std::vector<std::vector<std::string>> titles;
      std::vector<std::vector<std::string>> notes;
      std::size_t most_titles = 1;
      std::size_t most_notes = 0;
      for (std::size_t n = begin; n < end; ++n) {
        TextStyle how = style(9.5, theme.text, true);
        how.width = width;
        titles.push_back(canvas_->lines(in(document_.charts[n].title), how));
        most_titles = std::max(most_titles, titles.back().size());
        how = style(8, theme.quiet);
        how.width = width;
        notes.push_back(canvas_->lines(in(document_.charts[n].note), how));
        most_notes = std::max(most_notes, notes.back().size());
      }
      ensure(height + 20 + 13 * static_cast<double>(std::min<std::size_t>(most_titles, 8)));
      const auto left = [&](std::size_t n) { return margin + static_cast<double>(n) * (width + gap); };
      draw_lines(titles, most_titles, left, style(9.5, theme.text, true), 13);
      y_ += 3;
      ensure(height);
      for (std::size_t n = begin; n < end && !counting(); ++n) {
        canvas_->push(left(n - begin), y_, scale);
        draw_chart(*canvas_, report::chart_in(document_.charts[n], language_), 0, 0, width / scale, height / scale);
        canvas_->pop();
      }
      y_ += height + 4;
      draw_lines(notes, most_notes, left, style(8, theme.quiet), 11);
      y_ += 10;
    }
  }

  void list(std::string_view title, const std::vector<Words>& items, bool numbered) {
    if (items.empty()) return;
    heading(title);
    for (std::size_t n = 0; n < items.size(); ++n) {
      ensure(13);
      const double indent = numbered && items.size() > 9 ? 18 : 12;
      put(margin, y_, numbered ? fmt::format("{}.", n + 1) : std::string("•"), style(9.5, theme.quiet));
      paragraph(in(items[n]), style(9.5), 13.5, indent);
      y_ += 2;
    }
  }

  void foot() {
    const std::string text = report::footer_text(document_, language_);
    constexpr double leading = 11.5;
    TextStyle how = style(8, theme.quiet);
    how.width = content;
    const double height = 7 + leading * static_cast<double>(canvas_->lines(text, how).size());
    ensure(4 + height);  // closer to what stands above rather than alone on a page
    y_ += std::clamp(page_bottom - height - y_, 4.0, 16.0);
    canvas_->rectangle(margin, y_, content, 0.75, {theme.line, 1});
    y_ += 7;
    paragraph(text, style(8, theme.quiet), leading);
  }
};

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  return !wording::date(text).empty();
}

}  // namespace

Bytes to_pdf(const ReportDocument& document, std::string_view language, std::string_view iso_date) {
  const std::string date(is_date(iso_date) ? iso_date : "1970-01-01");
  // The first pass counts the pages that the second one names.
  const int pages = PdfWriter(document, language, date, 0).write();
  PdfWriter writer(document, language, date, pages);
  writer.write();
  return writer.finish();
}

}  // namespace gantry
