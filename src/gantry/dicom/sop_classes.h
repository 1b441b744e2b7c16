// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>

namespace gantry::dicom {

/// What the objects of a SOP class are, in words, and how the series assembly takes them.
struct SopClass {
  enum class Use {
    image,         ///< pixels of the patient
    segmentation,  ///< labels of other images
    no_image,      ///< no pixels of the patient
  };
  std::string kind;  ///< "CT image", "structured report", ...
  Use use = Use::image;
};

/// Of a SOP class UID (PS3.4 B.5, PS3.6 A). An unknown class with pixels is an "image", without an "object".
SopClass sop_class(std::string_view uid, bool has_pixels);

}  // namespace gantry::dicom
