// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string_view>

#include "gantry/base/files.h"
#include "gantry/report/document.h"

namespace gantry {

/// The report as a PDF on A4 with the same content as `to_html`: vector text that can be selected and searched (Chinese too), numbered
/// pages, tables that continue on the next page with their head. The file's dates are `iso_date` (YYYY-MM-DD; 1970-01-01 when it is none),
/// so the same arguments give the same bytes.
Bytes to_pdf(const ReportDocument& document, std::string_view language, std::string_view iso_date);

}  // namespace gantry
