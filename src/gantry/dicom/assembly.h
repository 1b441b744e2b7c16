// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/dicom/frames.h"

namespace gantry::dicom {

/// Sorts objects into studies, series and volumes by what their headers say; file names and the order of `objects` play no part. Object
/// instances that occur twice (same UID) must have been removed. A DICOM series is split where its images differ in orientation, size,
/// pixel spacing, colour, image type, stack, echo or b-value; within a set, slices are ordered along the normal and images at one place in
/// time.
std::vector<Study> assemble(const std::vector<Object>& objects);

}  // namespace gantry::dicom
