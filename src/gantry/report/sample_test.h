// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/report/document.h"

namespace gantry::report {

/// A full report of an invented chest CT, with images of a drawn chest: what the tests of HTML and PDF show.
ReportDocument sample_document();

}  // namespace gantry::report
