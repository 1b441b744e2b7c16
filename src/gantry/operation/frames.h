// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/error.h"
#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry {

/// Throws Error(not_possible) for colour and vector images, which most filters do not take.
void require_single_component(const Image& image);

/// Applies `body(frame, part of run) -> Voxels<float>` to each time point of an image and joins the results: how operations on volumes take
/// series.
Image per_frame(const Image& image, Run& run, const std::function<Voxels<float>(const Image& frame, Run& part)>& body);

}  // namespace gantry
