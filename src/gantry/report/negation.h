// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>

namespace gantry {

/// Whether a sentence says that something is there.
struct Negation {
  bool negated = false;
  std::string trigger;  ///< the word that negates; empty when affirmed
};

/// Judges what an English sentence says of a concept, which it should contain word for word (letter case and white space do not count): a
/// negating word before it with nothing in between that ends its reach, or one shortly behind it. Rules in the manner of NegEx (Chapman et
/// al., J Biomed Inform 34:301, 2001). A concept that is not there is affirmed.
Negation english_negation(std::string_view sentence, std::string_view concept_words);

/// The same for Chinese: words are found as strings; commas end the reach of a negation, except in bare lists ("无发热，咳嗽"). A concept
/// that occurs several times is negated when each occurrence is.
Negation chinese_negation(std::string_view sentence, std::string_view concept_words);

/// Whether most letters of the text are Chinese characters.
bool is_chinese(std::string_view text);

}  // namespace gantry
