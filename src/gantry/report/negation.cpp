// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/negation.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

namespace gantry {

namespace {

/// Phrases of one kind, looked for from left to right, the longest first.
class Phrases {
 public:
  /// `list`: phrases separated by `|`. `words`: they begin and end at the ends of words.
  Phrases(std::string_view list, bool words) : words_(words) {
    while (!list.empty()) {
      const auto bar = std::min(list.find('|'), list.size());
      phrases_.emplace_back(list.substr(0, bar));
      list.remove_prefix(std::min(bar + 1, list.size()));
    }
    std::stable_sort(phrases_.begin(), phrases_.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }

  struct Match {
    std::size_t begin, end;
  };
  std::optional<Match> first(std::string_view text, std::size_t from = 0) const {
    for (std::size_t at = from; at < text.size(); ++at) {
      for (const std::string& phrase : phrases_) {
        if (text.compare(at, phrase.size(), phrase) == 0 && (!words_ || (boundary(text, at) && boundary(text, at + phrase.size()))))
          return Match{at, at + phrase.size()};
      }
    }
    return std::nullopt;
  }
  std::optional<Match> last(std::string_view text) const {
    std::optional<Match> found;
    for (auto next = first(text); next; next = first(text, next->end)) found = next;
    return found;
  }
  bool in(std::string_view text) const { return first(text).has_value(); }
  bool has(std::string_view phrase) const { return std::find(phrases_.begin(), phrases_.end(), phrase) != phrases_.end(); }
  /// The text with all of them replaced by `#`, at the same places.
  std::string masked(std::string text) const {
    for (auto next = first(text); next; next = first(text, next->end)) {
      std::fill(text.begin() + static_cast<std::ptrdiff_t>(next->begin), text.begin() + static_cast<std::ptrdiff_t>(next->end), '#');
    }
    return text;
  }
  /// The one that the text ends with.
  std::optional<std::string> at_end(std::string_view text) const {
    for (const std::string& phrase : phrases_) {
      if (text.ends_with(phrase)) return phrase;
    }
    return std::nullopt;
  }

 private:
  static bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (static_cast<unsigned char>(c) & 0x80U) != 0;
  }
  static bool boundary(std::string_view text, std::size_t at) {
    return at == 0 || at >= text.size() || !is_word(text[at - 1]) || !is_word(text[at]);
  }
  std::vector<std::string> phrases_;
  bool words_;
};

/// Small letters, one space where there is white space.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// --- English ---------------------------------------------------------------------------------------------------------------------------

struct EnglishRules {
  /// Negates what follows.
  Phrases before{
      "no|not|none|non|without|with no|denies|denied|denying|deny|negative for|no evidence of|absence of|absent|lack of|lacks|lacked|free "
      "of|"
      "never|neither|nor|cannot|can't|didn't|doesn't|don't|wasn't|weren't|isn't|aren't|hasn't|haven't|hadn't|no longer|nothing|unable to|"
      "fails to reveal|failed to reveal|unremarkable for|clear of|rules out|ruled out|ruled him out|ruled her out|rules him out|rules her "
      "out|"
      "ruled the patient out|resolved|nonvisualization of",
      true};
  /// Holds a negating word and yet negates nothing, or a change only.
  Phrases pseudo{
      "no increase|no change|no changes|no interval change|no significant change|no significant interval change|no suspicious change|"
      "no definite change|not only|not necessarily|not certain if|not certain whether|not cause|not been|not drain|not extend|"
      "without difficulty|without any further|without pain|gram negative|no doubt|"
      "cannot exclude|can not exclude|can't exclude|could not exclude|not exclude|unable to exclude|not be excluded|cannot be excluded|"
      "can't be excluded|not excluded|not entirely excluded|cannot rule out|can not rule out|can't rule out|could not rule out|not rule "
      "out|"
      "unable to rule out|not be ruled out|cannot be ruled out|can't be ruled out|not ruled out",
      true};
  /// Negates what stands shortly before it.
  Phrases after{
      "unlikely|free|none|absent|negative|resolved|has resolved|have resolved|was ruled out|is ruled out|are ruled out|were ruled out|"
      "has been ruled out|have been ruled out|ruled out|not seen|not present|not identified|not appreciated|not demonstrated|not "
      "visualized|"
      "not detected|not found|not obtained|did not|was denied|denied",
      true};
  /// Ends the reach of a negation.
  Phrases ends{
      "but|however|nevertheless|yet|though|although|still|while|because|since|due to|secondary to|aside from|apart from|except|except for|"
      "which|who|that|on|then|after|when|as the cause of|as a cause of|cause of|causes for|cause for|source of|origin of|reason for|"
      "reasons for|etiology of|etiology for|with known|other possibilities of|presents|presenting|presented|admitted|status post|"
      "consistent with|positive for|the patient|he is|she is|remained|remains",
      true};
};

/// Behind the last end of a sentence or heading: one of . : ; ? ! and a space.
std::string_view behind_last_stop(std::string_view text) {
  for (std::size_t n = text.size(); n-- > 1;) {
    if (text[n] == ' ' && std::string_view(".:;?!").find(text[n - 1]) != std::string_view::npos && n + 1 < text.size())
      return text.substr(n + 1);
  }
  return text;
}

std::string_view before_first_stop(std::string_view text) {
  for (std::size_t n = 0; n + 2 < text.size(); ++n) {
    if (text[n + 1] == ' ' && std::string_view(".;?!").find(text[n]) != std::string_view::npos) return text.substr(0, n);
  }
  return text;
}

constexpr std::ptrdiff_t most_words_behind = 8;

// --- Chinese ---------------------------------------------------------------------------------------------------------------------------

struct ChineseRules {
  Phrases before{
      "未|未见|未见明显|未见明确|未发现|未查见|未检出|未探及|未触及|未扪及|未闻及|未及|未引出|未提示|未显示|未示|未诉|未出现|未发生|未累及|"
      "未伴|"
      "未侵犯|未合并|从未|未曾|无|没有|否认|不伴|不支持|不考虑|不符合|不提示|不存在|不合并|排除|已排除|可排除|基本排除|可以排除|除外|"
      "已除外|可除外|"
      "并非|不是|非|缺乏",
      false};
  Phrases pseudo{
      "无力|无痛性|无菌|无名|无创|无效|无诱因|无明显诱因|无症状性|无缓解|无明显缓解|无好转|无明显好转|无改善|无明显改善|无变化|无明显变化|"
      "无显著变化|无增大|无明显增大|无缩小|无明显缩小|无加重|无明显加重|无论|无关|无法|无法排除|不能排除|不排除|未排除|未能排除|"
      "不能完全排除|"
      "不能完全除外|不除外|不能除外|未除外|待排除|待除外|以排除|以除外|需排除|需除外|拟排除|未明|未分化|未缓解|未愈|未婚|未控制|未及时|"
      "未规律|"
      "未成熟|未见好转|未见明显好转|未见缓解|未见变化|未见明显变化|未见显著变化|未见增大|未见明显增大|未见缩小|未见明显缩小|未见吸收|"
      "未见明显吸收|未消失|未吸收|未消退|未完全|非典型|非小细胞|非特异|非霍奇金|非对称|非结核|非甾体|除非|假阴性|部分吸收",
      false};
  /// Negates what stands before it when the clause ends with it.
  Phrases after{
      "未见|未见异常|未及|未触及|未扪及|未闻及|未发现|未查见|未探及|未检出|未引出|没有|无|不明显|不考虑|暂不考虑|不存在|消失|已消退|已吸收|"
      "完全吸收|已排除|可排除|已除外|可除外",
      false};
  /// Negates what stands anywhere before it in its clause.
  Phrases negative{"阴性|(-)|（-）|（－）|(－)", false};
  /// Affirms, and so ends the reach of a negation.
  Phrases ends{"但|而|却|仅|只|有|伴|可见|见|示|提示|考虑|出现|存在|呈|诊断|致|引起|因|故|合并|仍|时", false};
  /// A question is asked: to rule something out is the aim.
  Phrases question{"建议|进一步|复查", false};
  Phrases exclude{"排除|除外", false};
  /// What makes a clause more than a bare item of a list.
  Phrases statement{"0|1|2|3|4|5|6|7|8|9|左|右|双|两|全|阳性", false};
  /// Triggers whose lists go on behind a comma.
  Phrases lists{"无|否认|没有|未诉|未|从无|从未", false};
  Phrases joins{"及|和|或|与", false};
};

const ChineseRules& chinese() {
  static const ChineseRules rules;
  return rules;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

constexpr std::size_t longest_item = 11;  ///< characters of a bare item of a list

std::vector<std::string> clauses_of(std::string_view text, std::initializer_list<std::string_view> separators) {
  std::vector<std::string> parts(1);
  for (std::size_t n = 0; n < text.size();) {
    const auto separator =
        std::find_if(separators.begin(), separators.end(), [&](std::string_view s) { return text.substr(n).starts_with(s); });
    if (separator == separators.end()) {
      parts.back() += text[n++];
    } else {
      parts.emplace_back();
      n += separator->size();
    }
  }
  return parts;
}

/// The trigger in a clause whose reach goes to the clause's end.
std::optional<std::string> open_trigger(const std::string& clause) {
  const ChineseRules& rules = chinese();
  std::string text = rules.pseudo.masked(clause);
  if (rules.question.in(text)) text = rules.exclude.masked(text);
  const auto found = rules.before.last(text);
  if (!found || rules.ends.in(std::string_view(text).substr(found->end))) return std::nullopt;
  return text.substr(found->begin, found->end - found->begin);
}

/// A trigger behind the concept in its clause.
std::optional<std::string> closing_trigger(const std::string& rest) {
  const ChineseRules& rules = chinese();
  const std::string text = rules.pseudo.masked(rest);
  if (rules.ends.in(rules.after.masked(rules.negative.masked(text)))) return std::nullopt;
  if (const auto found = rules.negative.first(text)) return text.substr(found->begin, found->end - found->begin);
  return rules.after.at_end(text);
}

/// Judges one occurrence: `left` and `right` of it in the sentence.
std::optional<std::string> trigger_of(std::string_view left, std::string_view right) {
  const ChineseRules& rules = chinese();
  const auto hard = {std::string_view("。"), std::string_view("；"), std::string_view(";"), std::string_view("！"),
                     std::string_view("!"),  std::string_view("？"), std::string_view("?"), std::string_view("\n")};
  const auto soft = {std::string_view("，"), std::string_view(",")};
  std::vector<std::string> before = clauses_of(clauses_of(left, hard).back(), soft);
  const std::string own = before.back(), rest = clauses_of(clauses_of(right, hard).front(), soft).front();
  if (auto found = open_trigger(own)) return found;
  if (auto found = closing_trigger(rest)) return found;
  // A bare item of a list that a negation in an earlier clause began.
  const std::string bare = rules.pseudo.masked(own + rest);
  if (characters(bare) > longest_item || rules.ends.in(bare) || rules.statement.in(bare) || rules.before.in(bare)) return std::nullopt;
  before.pop_back();
  while (!before.empty()) {
    const std::string clause = before.back();
    before.pop_back();
    if (const auto found = open_trigger(clause)) {
      const auto join = rules.joins.first(own);
      return rules.lists.has(*found) || (join && join->begin == 0) ? found : std::nullopt;
    }
    if (rules.ends.in(rules.pseudo.masked(clause)) || characters(clause) > longest_item + 1) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Negation english_negation(std::string_view sentence, std::string_view concept_words) {
  static const EnglishRules rules;
  const std::string text = plain(sentence), wanted = plain(concept_words);
  const std::size_t begin = wanted.empty() ? std::string::npos : text.find(wanted);
  if (begin == std::string::npos) return {};
  const std::string masked = rules.pseudo.masked(text);
  std::string_view left = behind_last_stop(std::string_view(masked).substr(0, begin));
  if (const auto end = rules.ends.last(left)) left.remove_prefix(end->end);
  if (const auto found = rules.before.last(left)) return {true, std::string(left.substr(found->begin, found->end - found->begin))};
  std::string_view right = before_first_stop(std::string_view(masked).substr(begin + wanted.size()));
  if (const auto end = rules.ends.first(right)) right = right.substr(0, end->begin);
  const auto found = rules.after.first(right);
  if (!found) return {};
  const std::string_view between = right.substr(0, found->begin);
  if (std::count(between.begin(), between.end(), ' ') > most_words_behind + 1) return {};
  return {true, std::string(right.substr(found->begin, found->end - found->begin))};
}

Negation chinese_negation(std::string_view sentence, std::string_view concept_words) {
  Negation result;
  if (concept_words.empty()) return result;
  for (std::size_t at = sentence.find(concept_words); at != std::string_view::npos;
       at = sentence.find(concept_words, at + concept_words.size())) {
    const auto trigger = trigger_of(sentence.substr(0, at), sentence.substr(at + concept_words.size()));
    if (!trigger) return {};
    result = {true, *trigger};
  }
  return result;
}

bool is_chinese(std::string_view text) {
  std::size_t latin = 0, wide = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    latin += std::isalpha(byte) != 0 ? 1 : 0;
    // First bytes of U+3000 to U+9FFF.
    wide += byte >= 0xE3 && byte <= 0xE9 ? 1 : 0;
  }
  return wide > 0 && 2 * wide >= latin;
}

}  // namespace gantry
