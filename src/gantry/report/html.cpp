// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/html.h"

#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/io/png.h"
#include "gantry/report/compose.h"
#include "gantry/report/theme.h"
#include "gantry/report/wording.h"

namespace gantry {

namespace {

using report::Theme;

std::string base64(const Bytes& bytes) {
  static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t n = 0; n < bytes.size(); n += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - n);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < left ? std::to_integer<std::uint32_t>(bytes[n + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= left ? letters[group >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

std::string variables(const Theme& theme) {
  const auto tint = [](std::string_view name, const Theme::Tint& t) {
    return fmt::format("--{}:{};--{}-tint:{};", name, report::hex(t.text), name, report::hex(t.background));
  };
  return fmt::format("--background:{};--panel:{};--text:{};--quiet:{};--line:{};--accent:{};--track:{};--band:{};",
                     report::hex(theme.background), report::hex(theme.panel), report::hex(theme.text), report::hex(theme.quiet),
                     report::hex(theme.line), report::hex(theme.accent), report::hex(theme.range_track), report::hex(theme.range_usual)) +
         tint("first", theme.look_first) + tint("note", theme.note) + tint("usual", theme.usual);
}

constexpr std::string_view style = R"css(
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--background);color:var(--text);font:15px/24px Inter,"Noto Sans",system-ui,-apple-system,"Segoe UI","Noto Sans CJK SC","Noto Sans SC","PingFang SC","Microsoft YaHei",sans-serif;overflow-wrap:anywhere}
:lang(zh){font-family:Inter,"Noto Sans CJK SC","Noto Sans SC","PingFang SC","Microsoft YaHei","Noto Sans",system-ui,sans-serif}
.page{max-width:1108px;margin:0 auto;padding:28px 24px 40px}
header{display:flex;flex-wrap:wrap;align-items:baseline;justify-content:space-between;gap:4px 24px;padding-bottom:12px;border-bottom:2px solid var(--accent)}
h1{margin:0;font-size:22px;line-height:32px;font-weight:650}
h2{margin:40px 0 12px;font-size:16px;line-height:24px;font-weight:650}
h3{margin:28px 0 8px;font-size:15px;line-height:24px;font-weight:600}
p{margin:0}
a{color:var(--accent);text-underline-offset:3px}
a:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
.quiet,figcaption,.facts dt,th{color:var(--quiet)}
.small,figcaption,.facts dt,th{font-size:12.5px;line-height:18px}
.facts{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:16px 24px;margin:20px 0 0}
.facts dd{margin:0}
.glance{list-style:none;margin:0;padding:0;display:grid;gap:8px}
.glance li{display:grid;grid-template-columns:104px minmax(0,1fr) auto;gap:4px 16px;align-items:start;padding:12px 16px;background:var(--panel);border-radius:6px}
.glance .bare{grid-column:1/3}
.chip{display:inline-block;justify-self:start;min-width:104px;padding:0 8px;border-radius:4px;font-size:12.5px;line-height:24px;font-weight:600;text-align:center;white-space:nowrap}
.first{color:var(--first);background:var(--first-tint)}
.note{color:var(--note);background:var(--note-tint)}
.usual{color:var(--usual);background:var(--usual-tint)}
.glance p,.plain li,.under{text-wrap:pretty}
.glance a,.see{font-size:13px;white-space:nowrap}
b,strong{font-weight:600}
.images{display:flex;flex-wrap:wrap;gap:16px 12px}
.images figure{margin:0;min-width:0;flex:var(--aspect,1) 1 calc(var(--aspect,1)*250px);max-width:max(240px,calc(var(--aspect,1)*440px))}
.images img{display:block;width:100%;height:auto;max-height:560px;object-fit:contain;border-radius:6px;background:#000;outline:1px solid var(--line);outline-offset:-1px}
h2+h3{margin-top:4px}
figure:target img{outline:3px solid var(--accent);outline-offset:2px}
figcaption{margin-top:6px}
figcaption b{color:var(--text)}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th{padding:6px 10px;text-align:left;font-weight:600;vertical-align:bottom}
td{padding:8px 10px;vertical-align:top;line-height:20px}
table.slim{width:auto;min-width:min(100%,440px)}
thead tr,tbody tr{border-bottom:1px solid var(--line)}
.n{text-align:right;white-space:nowrap}
th.n{white-space:normal}
td:first-child,th:first-child{padding-left:0}
td:last-child,th:last-child{padding-right:0}
td.marked:first-child{padding-left:18px;text-indent:-18px}
.swatch{display:inline-block;width:10px;height:10px;margin-right:8px;border-radius:2px;box-sizing:border-box;border:1px solid color-mix(in srgb,var(--quiet) 45%,transparent)}
.range{display:block;width:150px;max-width:100%;height:16px;margin-top:2px}
.under{margin-top:8px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:24px 32px}
.charts figure{margin:0;min-width:0}
.charts h3{margin:0 0 8px}
.charts svg{display:block;max-width:100%;height:auto;font-family:inherit;font-variant-numeric:tabular-nums}
.charts .narrow{display:none}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:0 40px}
ul.plain,ol.plain{margin:0;padding-left:20px}
.plain li{margin:2px 0}
footer{margin-top:40px;padding-top:12px;border-top:1px solid var(--line);color:var(--quiet);font-size:12.5px;line-height:20px}
@media (max-width:760px){.facts{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media (max-width:640px){
.page{padding:20px 16px 32px}
h2{margin-top:32px}
.glance li{grid-template-columns:minmax(0,1fr) auto;padding:12px}
.glance .says,.glance .bare{grid-column:1/3;grid-row:2}
.chip{min-width:0}
.images figure{flex:1 1 100%;max-width:100%}
.images img{width:auto;max-width:100%;max-height:460px;margin:0 auto}
.charts .wide{display:none}
.charts .narrow{display:block;width:100%}
table,tbody,tr,td{display:block}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody tr{padding:10px 0}
td,td:first-child,td:last-child{display:grid;grid-template-columns:minmax(0,9fr) minmax(0,11fr);gap:12px;padding:2px 0;text-align:right;white-space:normal}
td::before{content:attr(data-label);color:var(--quiet);font-size:12.5px;text-align:left}
td:first-child{display:block;text-align:left;font-weight:600;text-indent:0}
td:first-child::before{content:none}
td.numbered:first-child::before{content:attr(data-label) " ";font-size:inherit}
td.empty{display:none}
table.slim{width:100%}
table.slim tbody tr{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:12px;padding:6px 0}
table.slim td,table.slim td:first-child,table.slim td:last-child{display:block}
table.slim td:first-child{font-weight:400}
table.slim td::before{content:none}
.range{margin-left:auto}
}
@media print{
@page{size:A4;margin:16mm 14mm}
body{font-size:10.5pt;line-height:15pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
.page{max-width:none;padding:0}
.facts{grid-template-columns:repeat(4,minmax(0,1fr));gap:10px 16px}
.images figure{flex:var(--aspect,1) 1 calc(var(--aspect,1)*160px);max-width:calc(var(--aspect,1)*250px)}
th,td{padding-left:6px;padding-right:6px}
h2{margin-top:22px;break-after:avoid}
h3{break-after:avoid}
.glance li,figure,tr,.plain li{break-inside:avoid}
thead{display:table-header-group}
a{color:inherit;text-decoration:none}
}
)css";

class HtmlWriter {
 public:
  HtmlWriter(const ReportDocument& document, std::string_view language)
      : document_(document), language_(language == "zh" ? "zh" : "en"), words_(report::frame_words(language_)) {}

  std::string write() {
    head();
    facts();
    glances();
    images();
    for (std::size_t n = 0; n < document_.tables.size(); ++n) table(document_.tables[n], n == 0);
    charts();
    if (report::is_empty(document_)) out_ += fmt::format("<p class=\"quiet under\">{}</p>\n", words_.nothing);
    if (!document_.not_analysed.empty() || !document_.certainty.empty()) {
      out_ += "<div class=\"pair\">\n";
      list(words_.not_analysed, document_.not_analysed, false);
      list(words_.certainty, document_.certainty, false);
      out_ += "</div>\n";
    }
    list(words_.methods, document_.methods, false);
    list(words_.references, document_.references, true);
    foot();
    return std::move(out_);
  }

 private:
  const ReportDocument& document_;
  std::string language_;
  const report::FrameWords& words_;
  std::string out_;

  std::string text(const Words& words) const { return escape_html(report::plain(words.in(language_))); }

  void head() {
    const std::string title = text(document_.title);
    out_ += fmt::format(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"generator\" content=\"Gantry {}\">\n<title>{}</title>\n",
        language_ == "zh" ? "zh-CN" : "en", version(), title.empty() ? "Gantry" : title);
    out_ += "<style>\n:root{" + variables(report::light_theme) + "}\n@media screen and (prefers-color-scheme:dark){:root{" +
            variables(report::dark_theme) + "}}";
    out_ += style;
    out_ += "</style>\n</head>\n<body>\n<div class=\"page\">\n";
    out_ +=
        fmt::format("<header><h1><bdi>{}</bdi></h1><p class=\"small quiet\">{}</p></header>\n<main>\n", title, text(document_.subtitle));
  }

  void facts() {
    if (document_.facts.empty()) return;
    out_ += "<dl class=\"facts\">\n";
    for (const auto& fact : document_.facts) {
      out_ += fmt::format("<div><dt>{}</dt><dd><bdi>{}</bdi></dd></div>\n", text(fact.label), text(fact.value));
    }
    out_ += "</dl>\n";
  }

  /// "Images 2, 3" with a link to each image that exists.
  std::string references(const std::vector<int>& numbers) const {
    std::vector<int> existing;
    for (const int number : numbers) {
      if (number >= 1 && number <= static_cast<int>(document_.images.size())) existing.push_back(number);
    }
    if (existing.empty()) return {};
    std::string links;
    for (const int number : existing) {
      const std::string shown = existing.size() == 1 ? wording::images({number}, language_) : std::to_string(number);
      links += fmt::format("{}<a href=\"#image-{}\">{}</a>", links.empty() ? "" : language_ == "zh" ? "、" : ", ", number, shown);
    }
    std::string word;
    if (existing.size() > 1) {  // the word of the plural, then a link for each number
      word = wording::images(existing, language_);
      word.erase(word.find(std::to_string(existing.front())));
    }
    return fmt::format("<span class=\"see quiet\">{}{}</span>", word, links);
  }

  void glances() {
    if (document_.glances.empty()) return;
    out_ += fmt::format("<section aria-labelledby=\"glance\"><h2 id=\"glance\">{}</h2>\n<ul class=\"glance\">\n", words_.at_a_glance);
    for (const auto& glance : document_.glances) {
      const std::string sentence = report::plain(glance.text.in(language_));
      const std::size_t bold = report::bold_bytes(sentence);
      std::string says = escape_html(sentence.substr(bold));
      if (bold > 0) says = "<strong>" + escape_html(sentence.substr(0, bold)) + "</strong>" + says;
      const std::string chip = wording::attention(glance.attention, language_);
      out_ += "<li>";
      if (!chip.empty()) {
        const char* kind = glance.attention == Attention::look_first ? "first" : glance.attention == Attention::note ? "note" : "usual";
        out_ += fmt::format("<span class=\"chip {}\">{}</span>", kind, chip);
      }
      out_ += fmt::format("<p class=\"{}\">{}</p>{}</li>\n", chip.empty() ? "bare" : "says", says, references(glance.images));
    }
    out_ += "</ul></section>\n";
  }

  void images() {
    if (document_.images.empty()) return;
    out_ += fmt::format("<section aria-labelledby=\"images\"><h2 id=\"images\">{}</h2>\n<div class=\"images\">\n", words_.key_images);
    int number = 0;
    for (const auto& image : document_.images) {
      ++number;
      const std::string caption = text(image.caption);
      std::string alternative = text(image.alternative);
      if (alternative.empty()) alternative = caption;
      if (image.rgb.empty()) {
        out_ += fmt::format("<figure id=\"image-{0}\"><figcaption><b>{0}</b> {1}</figcaption></figure>\n", number, caption);
        continue;
      }
      const auto width = static_cast<double>(image.rgb.grid().size(0));
      const auto height = static_cast<double>(image.rgb.grid().size(1));
      const double aspect = std::clamp(width / height, 0.2, 6.0);
      out_ += fmt::format(
          "<figure id=\"image-{0}\" style=\"--aspect:{1:.3f}\"><img src=\"data:image/png;base64,{2}\" width=\"{3:.0f}\" height=\"{4:.0f}\" "
          "alt=\"{5}\"><figcaption><b>{0}</b> {6}</figcaption></figure>\n",
          number, aspect, base64(io::png_bytes(image.rgb)), width, height, alternative, caption);
    }
    out_ += "</div></section>\n";
  }

  std::string range_bar(const ReportDocument::RangeBar& range) const {
    if (!range.show) return escape_html(report::plain(range.reason.in(language_)));
    const report::RangeParts parts = report::range_parts(range);
    const std::string label = fmt::format("{} {}, {} {}", words_.usual, wording::range(range.usual_low, range.usual_high, "1", language_),
                                          words_.this_patient, wording::number(range.value));
    return fmt::format(
        "<svg class=\"range\" viewBox=\"0 0 150 16\" role=\"img\" aria-label=\"{0}\"><title>{0}</title><rect y=\"5\" width=\"150\" "
        "height=\"6\" "
        "rx=\"3\" style=\"fill:var(--track)\"/><rect x=\"{1:.1f}\" y=\"5\" width=\"{2:.1f}\" height=\"6\" rx=\"3\" "
        "style=\"fill:var(--band)\"/><rect x=\"{3:.1f}\" y=\"1\" width=\"3\" height=\"14\" rx=\"1\" style=\"fill:var(--text)\"/></svg>",
        escape_html(label), parts.usual_begin * 150, (parts.usual_end - parts.usual_begin) * 150, parts.value * 147);
  }

  void table(const ReportDocument::Measurements& table, bool first) {
    if (table.rows.empty() && table.note.in(language_).empty()) return;
    const report::TableShape shape = report::shape_of(table);
    out_ += "<section>";
    if (first) out_ += fmt::format("<h2>{}</h2>\n", words_.measurements);
    const std::string title = text(table.title);
    if (!title.empty() && title != words_.measurements) out_ += fmt::format("<h3>{}</h3>\n", title);
    if (!table.rows.empty()) {
      out_ += fmt::format("<table role=\"table\"{}>", shape.columns <= 2 ? " class=\"slim\"" : "");
      out_ += "<thead role=\"rowgroup\"><tr role=\"row\">";
      for (std::size_t c = 0; c < shape.columns; ++c) {
        const bool right = c != shape.range_column && shape.right_aligned(table, c);
        out_ += fmt::format("<th role=\"columnheader\" scope=\"col\"{}>{}</th>", right ? " class=\"n\"" : "", heading(table, shape, c));
      }
      out_ += "</tr></thead>\n<tbody role=\"rowgroup\">\n";
      for (const auto& row : table.rows) write_row(table, shape, row);
      out_ += "</tbody></table>\n";
    }
    const std::string note = text(table.note);
    if (!note.empty()) out_ += fmt::format("<p class=\"small quiet under\">{}</p>\n", note);
    out_ += "</section>\n";
  }

  std::string heading(const ReportDocument::Measurements& table, const report::TableShape& shape, std::size_t column) const {
    if (column == shape.range_column) return std::string(words_.range);
    const std::size_t source = shape.source(column);
    return source < table.columns.size() ? text(table.columns[source]) : std::string();
  }

  void write_row(const ReportDocument::Measurements& table, const report::TableShape& shape, const ReportDocument::Row& row) {
    out_ += "<tr role=\"row\">";
    for (std::size_t c = 0; c < shape.columns; ++c) {
      std::string content;
      std::string kind;
      bool right = false;
      if (c == shape.range_column) {
        content = range_bar(row.range);
        if (!row.range.show && !content.empty()) content = "<span class=\"small quiet\">" + content + "</span>";
      } else {
        const std::size_t source = shape.source(c);
        right = shape.right_aligned(table, c);
        if (source < row.cells.size()) {
          content = text(row.cells[source].text);
          right = right || row.cells[source].number;
        }
        if (c == 0 && !content.empty() && content.find_first_not_of("0123456789") == std::string::npos) kind = "numbered";
        content = content.empty() ? content : "<span>" + content + "</span>";
      }
      if (right) kind += kind.empty() ? "n" : " n";
      if (content.empty()) kind += kind.empty() ? "empty" : " empty";
      if (c == 0 && row.swatch) {
        kind += kind.empty() ? "marked" : " marked";
        content = fmt::format("<span class=\"swatch\" style=\"background:{}\"></span>", report::hex(row.color)) + content;
      }
      out_ += fmt::format("<td role=\"cell\"{} data-label=\"{}\">{}</td>", kind.empty() ? "" : " class=\"" + kind + "\"",
                          heading(table, shape, c), content);
    }
    out_ += "</tr>\n";
  }

  void charts() {
    if (document_.charts.empty()) return;
    out_ += fmt::format("<section><h2>{}</h2>\n<div class=\"charts\">\n", words_.charts);
    for (const auto& source : document_.charts) {
      const Chart chart = report::chart_in(source, language_);
      std::string label = report::plain(source.alternative.in(language_));
      if (label.empty()) label = report::plain(source.title.in(language_));
      out_ += fmt::format("<figure><h3>{}</h3><div class=\"wide\">{}</div><div class=\"narrow\">{}</div>", text(source.title),
                          chart_svg(chart, 510, 280, label), chart_svg(chart, 328, 260, label));
      const std::string note = text(source.note);
      if (!note.empty()) out_ += fmt::format("<figcaption>{}</figcaption>", note);
      out_ += "</figure>\n";
    }
    out_ += "</div></section>\n";
  }

  void list(std::string_view title, const std::vector<Words>& items, bool numbered) {
    if (items.empty()) return;
    const char* tag = numbered ? "ol" : "ul";
    out_ += fmt::format("<section><h2>{}</h2>\n<{} class=\"plain\">\n", title, tag);
    for (const Words& item : items) out_ += fmt::format("<li>{}</li>\n", text(item));
    out_ += fmt::format("</{}></section>\n", tag);
  }

  void foot() {
    out_ += fmt::format("</main>\n<footer><p>{}</p></footer>\n</div>\n</body>\n</html>\n",
                        escape_html(report::plain(report::footer_text(document_, language_))));
  }
};

}  // namespace

std::string to_html(const ReportDocument& document, std::string_view language) { return HtmlWriter(document, language).write(); }

}  // namespace gantry
