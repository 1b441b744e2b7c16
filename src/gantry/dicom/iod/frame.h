// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string_view>

#include "gantry/codec/codec.h"
#include "gantry/dicom/iod/draft.h"

namespace gantry::dicom {

/// True for the transfer syntaxes whose pixel data are cells as they are.
bool is_native(std::string_view transfer_syntax_uid);

/// Sets the pixel data of a single-frame object and the attributes that describe them, encoded as the transfer syntax asks for.
/// Error(not_possible) when it cannot be encoded so.
void set_frame(Draft& object, codec::Frame frame, std::string_view transfer_syntax_uid);

}  // namespace gantry::dicom
