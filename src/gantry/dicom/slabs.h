// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>

#include "gantry/dicom/study.h"
#include "gantry/image/slabs.h"

namespace gantry::dicom {

/// What `load` gives, slab by slab; nothing where slices are compressed or lie in mosaics. `series` must outlive it. Throws as `load`.
std::optional<SlabSource> slabs(const Series& series, bool stored = false);

}  // namespace gantry::dicom
