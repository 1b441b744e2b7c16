// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/catalogue.h"

namespace gantry {

/// All operations of Gantry: the one place where they are listed.
const Catalogue& catalogue();

}  // namespace gantry
