// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/report/document.h"

namespace gantry::report {

/// A reason that other parts of the program state in English ("RT plan: holds no image"), in both languages. Sentences joined by "; " are
/// taken one by one; what is not known stays English in Chinese too, marked as such.
Words reason_words(const std::string& english);

}  // namespace gantry::report
