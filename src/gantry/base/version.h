// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string_view>

namespace gantry {

/// Version of Gantry, as "0.1.0".
std::string_view version();

/// The sentence that every output carries.
std::string_view not_a_medical_device(std::string_view language = "en");

}  // namespace gantry
