// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/archive/http_router.h"

namespace gantry::archive {

/// The OpenAPI 3.1 document of the routes; open ones are marked by an empty `security`.
Json openapi_document(const Router& router);

}  // namespace gantry::archive
