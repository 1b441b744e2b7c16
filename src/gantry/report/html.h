// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>

#include "gantry/report/document.h"

namespace gantry {

/// The report as one HTML file that needs nothing else: images are inside as PNG, styles and charts inline, no script, no foreign host.
/// Works from 360 px up, in dark appearance, in print and by keyboard. `language` is "en" or "zh" (anything else is English). The same
/// document gives the same bytes. Text may hold anything: it is shown, never interpreted.
std::string to_html(const ReportDocument& document, std::string_view language);

}  // namespace gantry
