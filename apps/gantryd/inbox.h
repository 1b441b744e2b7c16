// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gantry {

/// What `gantryd --inbox` takes.
std::string_view inbox_help();
/// Analyses each study that arrives in a folder until SIGTERM; opens no network connection.
void watch_inbox(const std::vector<std::string>& words);

}  // namespace gantry
