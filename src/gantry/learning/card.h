// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>

#include "gantry/base/json.h"

namespace gantry::learning {

/// The model card of a manifest as Markdown: what it is and is not for, data, how it was trained, figures with intervals, limits. Throws
/// Json::exception for a manifest that lacks what a card shows.
std::string card_of(const Json& manifest);
std::string picture_card(const Json& manifest);
std::string segmentation_card(const Json& manifest);
std::string denoising_card(const Json& manifest);

/// Title, notice and the first rows of a card's table: task, classes, uses.
std::string card_head(const Json& manifest);
std::string card_row(std::string_view name, std::string_view value);
/// Rows on data set, training, choice and licence of a network for volumes, which was trained with `loss`.
void card_training(std::string& text, const Json& manifest, std::string_view loss);
/// The section of limits; empty when none are stated.
std::string card_limits(const Json& description);
/// A text of the description, or "not stated".
std::string card_words(const Json& description, const std::string& key);
/// A figure with three decimals; empty when it is not there. `card_interval` adds its 95 % interval.
std::string card_number(const Json& figures, const std::string& key);
std::string card_interval(const Json& figures, const std::string& key);

}  // namespace gantry::learning
