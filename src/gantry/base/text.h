// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry {

/// Splits at every `separator`; "a,,b" has three parts, "" has one.
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// Without white space (and NUL padding, as in DICOM values) at both ends.
std::string_view trim(std::string_view text);
std::string lower(std::string_view ascii);
std::string replace_all(std::string text, std::string_view from, std::string_view to);
/// `chest_ct` -> `chest-ct` and back: the command line shows `_` as `-`.
std::string to_kebab(std::string_view snake);
std::string to_snake(std::string_view kebab);

/// A whole decimal number and nothing else; independent of the locale.
std::optional<double> parse_double(std::string_view text);
std::optional<long long> parse_integer(std::string_view text);
/// The shortest text that reads back as the same number: 0.1, 1e-05, 512.
std::string shortest(double value);

bool is_utf8(std::string_view text);
/// `text` with every byte that is no UTF-8 replaced by U+FFFD.
std::string to_valid_utf8(std::string_view text);
/// `&`, `<`, `>`, `"` and `'` as entities.
std::string escape_html(std::string_view text);

/// The candidate nearest to `word` (edit distance at most 2), for "did you mean"; empty when none is near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace gantry
