// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/run.h"
#include "gantry/dicom/source.h"
#include "gantry/image/contours.h"

namespace gantry::dicom {

/// The regions of an RT Structure Set (PS3.3 A.19), by ROI number, those without polygons too. Points and open lines are left out with a
/// warning; so is a polygon of fewer than three points. Throws Error(refused) for another kind of object, Error(unreadable) for damage:
/// coordinates that are no numbers or beyond 100 m, a count that differs from the stated one, contours of a region that is not listed,
/// and Error(refused) above ten million points. Cost: time and memory in proportion to the file.
Contours read_structure_set(const Origin& origin, Run& run);
inline Contours read_structure_set(const Path& path, Run& run) { return read_structure_set(Origin{.path = path}, run); }

}  // namespace gantry::dicom
