// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include <cstdlib>

#include "gantry/base/files.h"
#include "gantry/base/test_tools.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/report/html.h"
#include "gantry/report/pdf.h"
#include "gantry/report/sample_test.h"
#include "gantry/report/theme.h"

namespace gantry::report_test {

namespace {

/// Every piece of text of a document in one language, with the spaces as one.
std::vector<std::string> texts(const ReportDocument& d, std::string_view language) {
  std::vector<std::string> all{d.title.in(language), d.subtitle.in(language), d.footer.in(language)};
  const auto add = [&](const Words& words) { all.push_back(words.in(language)); };
  for (const auto& fact : d.facts) add(fact.label), add(fact.value);
  for (const auto& glance : d.glances) add(glance.text);
  for (const auto& image : d.images) add(image.caption);
  for (const auto& table : d.tables) {
    add(table.title), add(table.note);
    for (const auto& column : table.columns) add(column);
    for (const auto& row : table.rows) {
      for (const auto& cell : row.cells) add(cell.text);
      if (!row.range.show) add(row.range.reason);
    }
  }
  for (const auto& chart : d.charts) add(chart.title), add(chart.note), add(chart.x_axis), add(chart.y_axis);
  for (const auto* list : {&d.not_analysed, &d.certainty, &d.methods, &d.references}) {
    for (const Words& words : *list) add(words);
  }
  return all;
}

/// Without white space of any kind, in which HTML, PDF and source differ.
std::string packed(std::string text) {
  for (const std::string_view space : {" ", "\n", "\t", "\f", "\u00a0", "\u202f"}) text = replace_all(std::move(text), space, "");
  return text;
}

/// The text of an HTML document as it is read: without tags, styles and entities.
std::string read_html(std::string html) {
  html.erase(0, html.find("<body>"));
  std::string text;
  bool in_tag = false;
  for (const char c : html) {
    if (c == '<') in_tag = true;
    if (!in_tag) text += c;
    if (c == '>') in_tag = false;
  }
  for (const auto& [entity, character] : {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}}) {
    text = replace_all(text, entity, character);
  }
  return text;
}

/// Tags that close in the order in which they opened; void elements apart. The first fault, or nothing.
std::string unbalanced(const std::string& html) {
  static const std::vector<std::string> voids{"meta", "img", "br", "!doctype"};
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = html.find('<', at)) != std::string::npos;) {
    if (html.compare(at, 7, "<style>") == 0) {
      at = html.find("</style>", at) + 8;
      continue;
    }
    const std::size_t end = html.find('>', at);
    if (end == std::string::npos) return "unclosed tag";
    std::string tag = html.substr(at + 1, end - at - 1);
    at = end + 1;
    const bool closing = tag.starts_with('/');
    const bool self_closing = tag.ends_with('/');
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return "quotes of " + tag;
    if (closing) tag.erase(0, 1);
    const std::string name = lower(tag.substr(0, tag.find_first_of(" /")));
    if (self_closing || std::find(voids.begin(), voids.end(), name) != voids.end()) continue;
    if (!closing) {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return "</" + name + "> after <" + (open.empty() ? std::string() : open.back()) + ">";
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? std::string() : "never closed: " + open.back();
}

/// The text of a PDF by pdftotext; nothing where that is not installed.
std::optional<std::string> read_pdf(const Bytes& pdf) {
  if (!has_program("pdftotext")) return std::nullopt;
  const TemporaryFolder folder;
  write_atomic(folder.path() / "a.pdf", pdf);
  const std::string command = "pdftotext -raw '" + (folder.path() / "a.pdf").string() + "' '" + (folder.path() / "a.txt").string() + "'";
  if (std::system(command.c_str()) != 0) return "pdftotext refused the file";
  return read_text(folder.path() / "a.txt");
}

ReportDocument hostile() {
  ReportDocument d = report::sample_document();
  const std::string bad = "</title></style><script>alert(1)</script><img src=x onerror=alert(2)> \" ' & \xff\xfe \x1b[31m \u202eevil\u202c";
  d.title = d.subtitle = d.footer = {bad, bad};
  d.facts.assign(8, {{bad, bad}, {bad, bad}});
  d.glances.assign(1, {Attention::note, {bad, bad}, {0, -1, 99, 1}});
  d.images[0].caption = d.images[0].alternative = {bad, bad};
  d.tables[0].columns[0] = d.tables[0].title = d.tables[0].note = {bad, bad};
  d.tables[0].rows[0].cells[0].text = {bad, bad};
  d.charts[0].title = d.charts[0].alternative = d.charts[0].x_axis = {bad, bad};
  d.not_analysed = d.methods = {{bad, bad}};
  return d;
}

/// What the tests look at on request: GANTRY_REPORT_SAMPLES names a folder that gets the files.
void keep(const std::string& name, std::string_view text) {
  if (const char* folder = std::getenv("GANTRY_REPORT_SAMPLES")) write_atomic(Path(folder) / name, text);
}
void keep(const std::string& name, const Bytes& bytes) {
  keep(name, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace

TEST(Report, says_the_same_in_html_and_pdf_in_both_languages) {
  const ReportDocument document = report::sample_document();
  for (const std::string language : {"en", "zh"}) {
    const std::string html = to_html(document, language);
    const Bytes pdf = to_pdf(document, language, "2026-03-14");
    keep("sample-" + language + ".html", html);
    keep("sample-" + language + ".pdf", pdf);
    const std::string in_html = packed(read_html(html));
    const std::optional<std::string> in_pdf = read_pdf(pdf);
    std::string pdf_text = in_pdf ? packed(*in_pdf) : std::string();
    for (const std::string& text : texts(document, language)) {
      EXPECT_NE(in_html.find(packed(text)), std::string::npos) << text;
      if (!in_pdf) continue;
      // In the PDF a text may go round another column: its words are looked for one by one.
      for (const std::string& word : split(replace_all(text, "\u00a0", " "), ' ')) {
        for (std::size_t n = 0; n < word.size();) {  // Chinese has no spaces: eight characters at a time would still break, so one
          const auto lead = static_cast<unsigned char>(word[n]);
          const std::size_t length = lead < 0x80 ? word.size() - n : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
          std::size_t end = n + length;
          if (lead < 0x80) {
            end = n;
            while (end < word.size() && static_cast<unsigned char>(word[end]) < 0x80) ++end;
          }
          EXPECT_NE(pdf_text.find(word.substr(n, end - n)), std::string::npos) << word;
          n = end;
        }
      }
    }
    EXPECT_NE(in_html.find(packed(std::string(not_a_medical_device(language)))), std::string::npos);
    if (in_pdf && language == "en") {
      EXPECT_NE(pdf_text.find(packed("a qualified person must review")), std::string::npos);
    }
  }
}

TEST(Report, html_is_well_formed_and_asks_for_nothing_outside) {
  for (const ReportDocument& document : {report::sample_document(), hostile(), ReportDocument{}}) {
    for (const std::string language : {"en", "zh"}) {
      const std::string html = to_html(document, language);
      EXPECT_EQ(unbalanced(html), "");
      EXPECT_TRUE(is_utf8(html));
      EXPECT_EQ(html.find("<script"), std::string::npos);
      EXPECT_EQ(html.find("http://"), std::string::npos);
      EXPECT_EQ(html.find("https://"), std::string::npos);
      EXPECT_EQ(html.find("onerror=alert(2)>"), std::string::npos);
      EXPECT_NE(html.find(language == "zh" ? "<html lang=\"zh-CN\">" : "<html lang=\"en\">"), std::string::npos);
    }
  }
}

TEST(Report, shows_hostile_text_instead_of_running_it) {
  const ReportDocument document = hostile();
  const std::string html = to_html(document, "en");
  keep("hostile.html", html);
  EXPECT_NE(html.find("&lt;script&gt;alert(1)&lt;/script&gt;"), std::string::npos);
  EXPECT_EQ(html.find("\u202e"), std::string::npos);
  EXPECT_EQ(html.find('\x1b'), std::string::npos);
  EXPECT_EQ(html.find("#image-99"), std::string::npos);
  EXPECT_NE(html.find("#image-1\""), std::string::npos);
  EXPECT_GT(to_pdf(document, "en", "2026-03-14").size(), 1000U);
}

TEST(Report, every_image_has_words_beside_it) {
  const std::string html = to_html(report::sample_document(), "en");
  std::size_t count = 0;
  std::size_t tags = 0;
  for (std::size_t at = 0; (at = html.find("<img ", at)) != std::string::npos; ++at) ++tags;
  for (std::size_t at = 0; (at = html.find(" alt=\"", at)) != std::string::npos; ++at) {
    EXPECT_NE(html[at + 6], '"');
    ++count;
  }
  EXPECT_EQ(count, tags);
  EXPECT_EQ(tags, report::sample_document().images.size());
  for (std::size_t at = 0; (at = html.find("<svg ", at)) != std::string::npos; ++at) {
    EXPECT_NE(html.substr(at, html.find('>', at) - at).find("aria-label=\""), std::string::npos);
  }
}

TEST(Report, without_content_says_so) {
  const ReportDocument empty;
  const std::string html = to_html(empty, "en");
  EXPECT_NE(html.find("Nothing could be measured"), std::string::npos);
  EXPECT_NE(to_html(empty, "zh").find("没有可以测量的内容"), std::string::npos);
  const auto pdf = read_pdf(to_pdf(empty, "en", ""));
  if (pdf) {
    EXPECT_NE(pdf->find("Nothing could be measured"), std::string::npos);
  }
}

TEST(Report, long_tables_and_long_names_go_on_over_pages) {
  ReportDocument d = report::sample_document();
  auto& rows = d.tables[0].rows;
  const auto row = rows[0];
  for (int n = 0; n < 200; ++n) {
    rows.push_back(row);
    rows.back().cells[0].text = {fmt::format("structure-{:03}", n), fmt::format("结构-{:03}", n)};
  }
  const std::string endless(2000, 'W');
  d.facts[0].value = {endless, endless};
  rows[0].cells[0].text = {"begin" + endless + "end", "begin" + endless + "end"};
  std::string sentence = "Long: ";
  for (int n = 0; n < 1500; ++n) sentence += fmt::format("word{} ", n);
  d.glances[0].text = d.methods[0] = {sentence, sentence};
  d.subtitle = d.title = {std::string(500, 'T'), ""};
  const Bytes pdf = to_pdf(d, "en", "2026-03-14");
  keep("long.pdf", pdf);
  keep("long.html", to_html(d, "en"));
  const auto text = read_pdf(pdf);
  if (!text) GTEST_SKIP() << "pdftotext is not installed";
  for (int n = 0; n < 200; ++n) EXPECT_NE(text->find(fmt::format("structure-{:03}", n)), std::string::npos) << n;
  EXPECT_NE(text->find("word1499"), std::string::npos);
  EXPECT_EQ(std::ranges::count(packed(*text), 'W') >= 4000, true);
  EXPECT_NE(text->find("Page 7 of"), std::string::npos);
}

TEST(Report, has_the_same_bytes_each_time_and_takes_its_date_from_the_caller) {
  const ReportDocument document = report::sample_document();
  const Bytes pdf = to_pdf(document, "zh", "2026-03-14");
  EXPECT_EQ(pdf, to_pdf(document, "zh", "2026-03-14"));
  EXPECT_EQ(to_html(document, "zh"), to_html(document, "zh"));
  const auto dates = [](std::string_view iso_date) {
    const Bytes bytes = to_pdf(ReportDocument{}, "en", iso_date);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::size_t at = text.find("/CreationDate");
    return at == std::string::npos ? std::string() : text.substr(at, 100);
  };
  EXPECT_NE(dates("2026-03-14").find("20260314"), std::string::npos);
  EXPECT_NE(dates("yesterday) /Evil (").find("19700101"), std::string::npos);
  EXPECT_EQ(dates("yesterday) /Evil (").find("Evil"), std::string::npos);
}

TEST(Theme, has_a_contrast_of_at_least_four_and_a_half_for_all_text) {
  EXPECT_NEAR(report::contrast({0, 0, 0}, {255, 255, 255}), 21, 1e-9);
  EXPECT_NEAR(report::contrast({0x77, 0x77, 0x77}, {255, 255, 255}), 4.48, 0.01);
  for (const report::Theme& theme : {report::light_theme, report::dark_theme}) {
    for (const Color& background : {theme.background, theme.panel}) {
      for (const Color& ink : {theme.text, theme.quiet, theme.accent})
        EXPECT_GE(report::contrast(ink, background), 4.5) << report::hex(ink);
    }
    for (const report::Theme::Tint& tint : {theme.look_first, theme.note, theme.usual}) {
      EXPECT_GE(report::contrast(tint.text, tint.background), 4.5) << report::hex(tint.text);
    }
    EXPECT_GE(report::contrast(theme.text, theme.range_usual), 3.0);  // the mark of the value on the bar
    EXPECT_GE(report::contrast(theme.text, theme.range_track), 3.0);
  }
  const std::string html = to_html(ReportDocument{}, "en");
  for (const Color& color : {report::light_theme.quiet, report::dark_theme.accent})
    EXPECT_NE(html.find(report::hex(color)), std::string::npos);
}

TEST(Plain, keeps_words_and_drops_what_could_mislead) {
  EXPECT_EQ(report::plain("a\tb\nc\x1b[0m"), "a b c[0m");
  EXPECT_EQ(report::plain("\u202eabc\u202c\u2066d\u2069\u200f"), "abcd");
  EXPECT_EQ(report::plain("肝 µm – “x”"), "肝 µm – “x”");
  EXPECT_EQ(report::bold_bytes("Liver 44 HU (43 to 45): usual"), 11U);
  EXPECT_EQ(report::bold_bytes("Liver: usual"), 5U);
  EXPECT_EQ(report::bold_bytes("no colon"), 0U);
  EXPECT_EQ(report::bold_bytes("肝 44 HU（43～45）：寻常"), std::string("肝 44 HU").size());
}

}  // namespace gantry::report_test
